"""The heat map of a plane of settings: the epochs to convergence as colours, and what did not converge."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.analysis.planes import DIVERGED, LATER, N_SHADES, HeatMap, Plane
from sweep.plots.drawing.canvas import colour_bar, panels
from sweep.plots.drawing.marks import Drawing, figure_of, mark_cells
from sweep.plots.drawing.scales import is_log_spaced, log_ticks
from sweep.plots.drawing.style import CELLS, styled
from sweep.spec.schema import STATUS
from sweep.words import assignment, ended, label

COLOURS = np.round(255 * colormaps["viridis"](np.linspace(0.15, 1, N_SHADES))[:, :3]).astype(np.uint8)
_MARKS = [list(bytes.fromhex(colour[1:])) for colour in ("#CFCFCF", STATUS["diverged"].colour, "#FFFFFF")]
PALETTE = np.vstack([COLOURS, _MARKS]).astype(np.uint8)
"""Colours of shades, then of LATER, DIVERGED and NOTHING."""

FEW_TICKS = 6
"""Values of an axis up to which each has a tick."""

Array = NDArray[np.float64]


@styled
def heat_map(findings: Findings, found: HeatMap | None = None) -> Drawing:
    """Draw the median epochs to convergence of every setting of each plane as one picture.

    Equal shares of the settings that converged get equal shares of the colours. A setting has converged where at least
    half of its runs have.

    Parameters
    ----------
    findings
    found
        The planes to draw; by default those of the two longest numeric axes, if they are long enough for a picture.

    Raises
    ------
    ValueError
        If no two numeric axes are long enough.
    """
    found = found or findings.heat_map
    if found is None:
        raise ValueError("this result has no two numeric axes that are long enough for a heat map")
    max_epochs, one_run = findings.train.max_epochs, found.one_run
    later = ended("max_epochs", max_epochs) if one_run else f"median later than {max_epochs:,} epochs"
    legend: list[Artist] = []
    for shade, name in (
        (LATER, later),
        (DIVERGED, ended("diverged", max_epochs) if one_run else "half of the runs or more diverged"),
    ):
        if found.has(shade):
            legend.append(Patch(color="#" + bytes(PALETTE[shade]).hex(), label=name))
    title = "Epochs to convergence" if one_run else "Median epochs to convergence"
    title += "".join(f"; {assignment(key, value)}" for key, value in found.held.items())
    upwards, rightwards = found.axes
    names = [plane.name for plane in found.planes]
    all_axes = panels(names, title, label(rightwards), label(upwards), legend, square=True)
    for axes, plane in zip(all_axes, found.planes, strict=True):
        axes.imshow(_picture(found.shades, plane), origin="lower", aspect="auto", interpolation="auto", label=CELLS)
        mark_cells(axes, plane.points)
        axes.grid(visible=False)
        _ticks(axes, "x", plane.x)
        _ticks(axes, "y", plane.y)
    figure = figure_of(all_axes[0])
    if len(found.scale):
        _scale(colour_bar(figure, "epochs"), found.scale)
    return figure


def _picture(shades: NDArray[np.uint16], plane: Plane) -> NDArray[np.uint8]:
    """The colours of a plane, row by row, so that no long index is made: uint8, shape (n_y, n_x, 3)."""
    picture = np.empty((*plane.points.shape, 3), np.uint8)
    for row, points in zip(picture, plane.points, strict=True):
        row[:] = PALETTE[shades[points]]
    return picture


def _scale(axes: Axes, numbers: NDArray[Any]) -> None:
    axes.imshow(COLOURS[:, None], origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    axes.yaxis.tick_right()
    axes.xaxis.set_major_locator(NullLocator())
    places = np.linspace(0, 1, len(numbers))
    first = [i == 0 or numbers[i] != numbers[i - 1] for i in range(len(numbers))]
    axes.yaxis.set_major_locator(FixedLocator(list(places[first])))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{number:,.0f}" for number in numbers[first]]))


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _ticks(axes: Axes, direction: str, values: Array) -> None:
    """Set ticks at each value, or of many at round ones; the picture itself is drawn cell by cell."""
    limits = float(values[0]), float(values[-1])
    if len(values) <= FEW_TICKS:
        named, places = {value: _number(value) for value in values.tolist()}, np.arange(len(values), dtype=np.float64)
    elif is_log_spaced(values):
        named = log_ticks(limits, 5)
        places = np.interp(np.log(list(named)), np.log(values), np.arange(len(values)))
    else:
        ticks = MaxNLocator(4, integer=bool(np.all(values == np.round(values)))).tick_values(*limits)
        named = {float(tick): _number(tick) for tick in ticks if limits[0] <= tick <= limits[1]}
        places = np.interp(list(named), values, np.arange(len(values)))
    axis = axes.xaxis if direction == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FixedFormatter(list(named.values())))
