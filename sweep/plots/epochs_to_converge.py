"""Epochs to convergence, beside what theory predicts."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sweep.analysis.findings import Findings
from sweep.analysis.predictions import Law
from sweep.plots.drawing.canvas import GREY, panels, rows
from sweep.plots.drawing.lines import FEW_POINTS, band, lines, note_if_none_converged, plot, row_positions
from sweep.plots.drawing.looks import line_handles, looks_of, per, present
from sweep.plots.drawing.marks import Drawing, figure_of, mark
from sweep.plots.drawing.scales import ZERO, log_scale, scale_x, zero_if
from sweep.plots.drawing.style import styled
from sweep.words import label

BLACK = "#000000"
DASHED = (0, (4, 3))


@styled
def epochs_to_converge(findings: Findings) -> Drawing:
    """Draw the median and the 5–95 % range of the epochs to convergence, over all runs, converged or not.

    A quantile later than max_epochs is not known: a median's line ends before it, a range is cut at max_epochs.

    Raises
    ------
    ValueError
        If no run converged.
    """
    if not findings.any_converged:
        raise ValueError("this result has no run that converged, so there are no epochs to draw")
    layout, table = findings.layout, findings.points
    max_epochs = findings.train.max_epochs
    epochs = [name for name in table.columns if name.startswith("epochs_")]
    earliest = float(table[epochs].to_numpy().min())
    table = table.assign(**table[epochs].clip(lower=ZERO))
    table["cut_q95"] = table["epochs_q95"].clip(upper=max_epochs)
    limits = (max(min(earliest, max_epochs / 10), ZERO) / 1.4, max_epochs * 1.6)

    title = "Epochs to convergence" + per(layout) + ": median and 5–95\N{NO-BREAK SPACE}% of all runs"
    looks = looks_of(list(table["line"].cat.categories), layout, findings.settings)
    limit = Line2D(
        [], [], color=GREY, linewidth=1, linestyle=DASHED, label=f"max_epochs = {max_epochs:,}: not converged"
    )
    predicted = findings.laws
    legend = [*line_handles(looks, layout, findings.settings), *([_law_handle()] if predicted else []), limit]
    if layout.x is None:
        later: dict[str, Any] = {"marker": ">", "markersize": 7, "markerfacecolor": "white"}
        if np.isinf(table["epochs_q50"]).any():
            legend.append(Line2D([], [], color=GREY, linewidth=0, label="median is later", **later))
        axes = rows(present(table["panel"], "all runs"), title, "epochs", legend)
        axes.set_xlim(limits)
        for y, look, row in row_positions(table, looks):
            for low, high, width in (
                ("epochs_q05", "epochs_q95", 1.5),
                ("epochs_q25", "epochs_q75", 5),
            ):
                if np.isfinite(row[low]):
                    axes.hlines(y, row[low], min(row[high], max_epochs), color=look.colour, linewidth=width, alpha=0.6)
            if np.isfinite(row["epochs_q50"]):
                axes.plot(row["epochs_q50"], y, "o", color=look.colour, markersize=6, zorder=3)
            else:
                axes.plot(max_epochs, y, color=look.colour, zorder=3, **later)
            mark(axes, min(row["epochs_q50"], max_epochs), y, [row["rows"]])
        axes.axvline(max_epochs, color=GREY, linewidth=1, linestyle=DASHED)
        log_scale(axes, "x", limits, 6, zero_if(earliest))
        return figure_of(axes)

    names = present(table["panel"])
    all_axes = panels(names, title, label(layout.x), "epochs", legend)
    few = table["x"].nunique() <= FEW_POINTS
    for axes, name in zip(all_axes, names, strict=True):
        axes.axhline(max_epochs, color=GREY, linewidth=1, linestyle=DASHED)
        drawn = lines(table, name, looks)
        for look, line in drawn:
            band(axes, look, line["x"], line["epochs_q05"], line["cut_q95"])
            known = np.isfinite(line["epochs_q50"])
            plot(axes, look, line["x"][known], line["epochs_q50"][known], few)
            mark(axes, line["x"][known], line["epochs_q50"][known], line["rows"][known], line=look.name)
        _draw_laws(axes, predicted.get(name, []))
        note_if_none_converged(axes, [line for _, line in drawn])
        log_scale(axes, "y", limits, 5, zero_if(earliest))
        scale_x(axes, table["x"].to_numpy())
    return figure_of(all_axes[0])


def _draw_laws(axes: Axes, curves: list[Law]) -> None:
    """Draw predicted epochs as thin black lines, over what is measured."""
    for curve in curves:
        axes.plot(curve.learning_rate, curve.epochs, color=BLACK, linewidth=0.9, zorder=4, scalex=False, scaley=False)


def _law_handle() -> Artist:
    """The legend entry of predicted epochs."""
    return Line2D([], [], color=BLACK, linewidth=0.9, label="theory: 1/(γ² η target)")
