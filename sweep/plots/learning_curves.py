"""The learning curves: how the loss falls while training."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.plots.drawing.canvas import GREY, panels
from sweep.plots.drawing.lines import band, plot
from sweep.plots.drawing.looks import line_handles, looks_of, per
from sweep.plots.drawing.marks import Drawing, figure_of, mark
from sweep.plots.drawing.scales import ends_inward, log_scale
from sweep.plots.drawing.style import styled
from sweep.words import assignment, loss_unit

Array = NDArray[np.float64]


@styled
def learning_curves(findings: Findings) -> Drawing:
    """Draw the loss over the epochs: per setting the median and the 5–95 % range over its runs, and a few single runs.

    A run that stopped keeps its final loss. Axes without a panel or a line of their own are held at one value, as the
    title says.

    Raises
    ------
    ValueError
        If the losses were not recorded, or none is finite.
    """
    found, recorded = findings.learning_curves, findings.result.curves
    if found is None or recorded is None:
        raise ValueError("this result has no learning curves: run it with record_every above 0")
    if not np.isfinite(recorded["loss"]).any():
        raise ValueError("this result has no finite losses to draw")
    layout, epochs = found.layout, found.epochs
    looks = looks_of(found.lines, layout, findings.settings)
    title = "Loss while training" + per(layout) + ": median and 5–95\N{NO-BREAK SPACE}% of the runs"
    title += "".join(f"; {assignment(key, value)}" for key, value in found.held.items())
    handles = line_handles(looks, layout, findings.settings)
    only = None if handles else next(iter(looks.values())).colour
    if only:
        handles = [Line2D([], [], color=only, label="median")]
    single = Line2D([], [], color=only or GREY, linewidth=0.6, label="single runs")
    unit = loss_unit(findings.losses.kinds)
    all_axes = panels(found.panels, title, "epochs", f"loss ({unit})", [*handles, single])
    for curve in found.curves:
        axes, look = all_axes[found.panels.index(curve.panel)], looks[curve.line]
        low, _, middle, _, high = curve.quantiles
        band(axes, look, epochs, low, high)
        for losses in curve.single:
            plot(axes, look, epochs, losses, thin=True)
        plot(axes, look, epochs, middle)
        numbers = {"epoch": epochs, "loss then, median": middle}
        mark(axes, epochs, middle, [curve.rows] * len(epochs), numbers, look.name)
    drawn = np.array([curve.quantiles[[0, 2, 4]] for curve in found.curves])
    for axes in all_axes:
        _scale_curves(axes, epochs, drawn, found.log_epochs)
    return figure_of(all_axes[0])


def _scale_curves(axes: Axes, epochs: Array, losses: Array, log_epochs: bool) -> None:
    if log_epochs:
        log_scale(axes, "x", (float(epochs[0]), float(epochs[-1])), 4)
    else:
        axes.set_xlim(0, epochs[-1] or 1)
        axes.xaxis.set_major_locator(MaxNLocator(4 if len(figure_of(axes).panels) == 1 else 2, integer=True))
        axes.xaxis.set_major_formatter(lambda epoch, _: f"{epoch:,.0f}")
    ends_inward(axes)
    shown = losses[losses > 0]
    lowest, highest = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    if highest > 20 * lowest > 0:
        log_scale(axes, "y", (lowest / 1.3, highest * 1.3), 4)
    else:
        axes.set_ylim(0, highest * 1.05)
        axes.yaxis.set_major_locator(MaxNLocator(4))
