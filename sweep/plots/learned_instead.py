"""What failed runs learned instead: shares of functions, group by group."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator

from sweep.analysis.findings import Findings
from sweep.plots.drawing.canvas import rows
from sweep.plots.drawing.looks import check_runs
from sweep.plots.drawing.marks import Drawing, figure_of, mark
from sweep.plots.drawing.style import styled
from sweep.words import unbroken

LEAST_SHOWN = 0.005
"""Share below which a cell has no number."""


@styled
def learned_instead(findings: Findings) -> Drawing:
    """Draw which functions the failed runs of each gate answer, in percent of these runs.

    Where not all gates have two inputs, it is how many rows they answer wrongly.

    Raises
    ------
    ValueError
        If no run of a Boolean table failed, or all that did diverged.
    """
    check_runs(findings)
    found = findings.instead
    if found is None:
        raise ValueError("no run of a Boolean table failed without diverging, so nothing was learned instead")
    n = found.counts.sum(axis=1)
    shares = found.counts / n[:, np.newaxis]
    remarks = [f"{failed:,}" for failed in n]
    right = "the gate itself, short of the target" if found.functions else "every row right, short of the target"
    legend: list[Artist] = [Patch(facecolor="none", edgecolor="#000000", linewidth=1.4, label=right)]
    names = [unbroken(name) or "all failed runs" for name in found.names]
    what = "which function they answer" if found.functions else "how many rows they answer wrongly"
    bottom = 0.35 + 0.085 * max(map(len, found.kinds))
    axes = rows(
        names,
        f"Failed runs: {what}, in percent",
        "",
        legend if (found.right >= 0).any() else [],
        remarks,
        "failed\nruns",
        bottom,
    )
    axes.imshow(shares, "Blues", aspect="auto", vmin=0, vmax=1, interpolation="nearest")
    for (y, x), share in np.ndenumerate(shares):
        if share >= LEAST_SHOWN:
            text = f"{100 * share:.0f}"
            axes.text(x, y, text, ha="center", va="center", fontsize=9, color="white" if share > 0.55 else "#000000")
    for y, x in enumerate(found.right):
        if x >= 0:
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor="#000000", linewidth=1.4))
    places = np.arange(len(found.kinds))
    for y, members in enumerate(found.rows):
        mark(axes, places, np.full(len(places), y), [members] * len(places), {"% of failed runs": 100 * shares[y]})
    axes.xaxis.set_major_locator(FixedLocator(places.tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter(found.kinds))
    axes.tick_params(axis="x", labelrotation=90, labeltop=False)
    axes.grid(visible=False)
    return figure_of(axes)
