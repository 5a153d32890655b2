"""The distribution of final losses, by outcome."""

from typing import Any, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import LineStyleType

from sweep.analysis.findings import Findings
from sweep.plots.drawing.canvas import panels
from sweep.plots.drawing.looks import check_runs, per
from sweep.plots.drawing.marks import Drawing, figure_of
from sweep.plots.drawing.scales import ends_inward, log_scale
from sweep.plots.drawing.style import styled
from sweep.spec.schema import STATUS, status_code
from sweep.words import ended, exact, loss_unit

LEAST = "#CC79A7"


@styled
def final_loss(findings: Findings) -> Drawing:
    """Draw how the final losses are distributed, by outcome; marked are the target and what answering ½ costs.

    Where theory knows that a table is not separable, so is the least loss that any weights have.

    Raises
    ------
    ValueError
        If every run diverged.
    """
    check_runs(findings)
    found = findings.histogram
    if found is None:
        raise ValueError("every run diverged, so there are no final losses to draw")
    target = findings.train.target_loss
    marks: dict[str, tuple[float, str, LineStyleType]] = {
        f"{name}: answers ½ to every input": (value, "#000000", (0, (1, 1.2)))
        for name, value, _ in findings.losses.constants
    }
    if target is not None:
        marks[f"target_loss = {exact(target)}"] = (float(target), "#009E73", "-")
    least, edges, shares = findings.infima, found.edges, found.shares
    named = {edges[0]: "lower"} if found.lower else {}
    named |= {edges[-1]: "higher"} if found.higher else {}
    finite = [name for name, status in STATUS.items() if status.is_finite]
    highest = float(shares[:, [status_code(name) for name in finite]].sum(axis=1).max())
    present = [name for name in finite if shares[:, status_code(name)].any()]
    max_epochs = findings.train.max_epochs
    legend: list[Artist] = [Patch(color=STATUS[name].colour, label=ended(name, max_epochs)) for name in present]
    for name, (_, colour, style) in marks.items():
        legend.append(Line2D([], [], color=colour, linewidth=1.3, linestyle=style, label=name))
    legend += [_infimum_handle()] if least else []
    title = "Distribution of final losses" + per(findings.layout.panels_only)
    unit = loss_unit(findings.losses.kinds)
    all_axes = panels(found.panels, title, f"final loss ({unit})", "share of runs", legend)
    for axes, name, share, n_diverged in zip(all_axes, found.panels, shares, found.n_diverged, strict=True):
        if name in least:
            _draw_infimum(axes, least[name])
        base = np.zeros(len(edges) - 1)
        for outcome in present:
            top, colour = base + share[status_code(outcome)], STATUS[outcome].colour
            axes.add_artist(StepPatch(top, edges, baseline=cast(Any, base), fill=True, color=colour, linewidth=0))
            base = top
        for value, colour, style in marks.values():
            axes.axvline(value, color=colour, linewidth=1.3, linestyle=style)
        if n_diverged:
            note = f"{n_diverged:,.0f} diverged"
            axes.text(0.98, 0.97, note, transform=axes.transAxes, ha="right", va="top", fontsize=10)
        log_scale(axes, "x", (edges[0], edges[-1]), 4, named)
        ends_inward(axes)
        axes.set_ylim(0, highest * 1.05)
        axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    return figure_of(all_axes[0])


def _draw_infimum(axes: Axes, infimum: float) -> None:
    """Mark the least loss that any weights have."""
    axes.axvline(infimum, color=LEAST, linewidth=4, alpha=0.5, zorder=0.9)


def _infimum_handle() -> Artist:
    """The legend entry of the least loss."""
    return Line2D([], [], color=LEAST, linewidth=4, alpha=0.5, label="least loss of any weights: not separable")
