"""The picture: how many times as long as ours each way takes, on a logarithmic axis."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.lines import Line2D

from bench.timing import Row
from bench.ways import ALL
from sweep.plots.drawing.canvas import GREY, rows
from sweep.plots.drawing.looks import OKABE_ITO
from sweep.plots.drawing.marks import figure_of
from sweep.plots.drawing.scales import log_scale
from sweep.plots.drawing.style import save, styled

_MARKERS = "osD^v"
_OFFSETS = (-0.28, -0.14, 0.0, 0.14, 0.28)


@styled
def draw(table: Sequence[Row], stem: Path) -> list[Path]:
    """Write `stem`.svg and `stem`.png; a row for each way, a mark for each workload, from least to most a line."""
    titles = [workload.title for workload in ALL]
    shown = [row for row in table if row.workload in titles and row.way != row.beside]
    highest = {way: max(row.ratio_median for row in shown if row.way == way) for way in {row.way for row in shown}}
    ways = sorted(highest, key=lambda way: -highest[way])
    cores = {row.way: row.cores for row in shown}
    legend = [
        Line2D([], [], color=colour, marker=marker, ls="", label=title)
        for colour, marker, title in zip(OKABE_ITO, _MARKERS, titles, strict=False)
    ]
    axes = rows(
        ways,
        "How many times as long as sweep's kernel on as many cores",
        "time, as a multiple of ours",
        legend,
        [f"{cores[way]} core{'s' if cores[way] > 1 else ''}" for way in ways],
    )
    for colour, marker, title, offset in zip(OKABE_ITO, _MARKERS, titles, _OFFSETS, strict=False):
        for row in (row for row in shown if row.workload == title):
            y = ways.index(row.way) + offset
            axes.plot([row.ratio_min, row.ratio_max], [y, y], color=colour, lw=1.4)
            axes.plot(row.ratio_median, y, color=colour, marker=marker, ms=5.5, ls="")
    least, most = min(row.ratio_min for row in shown), max(row.ratio_max for row in shown)
    log_scale(axes, "x", (min(least, 1.0) / 1.3, most * 1.5), 6)
    axes.axvline(1.0, color=GREY, lw=1.0)
    return save(figure_of(axes), stem)
