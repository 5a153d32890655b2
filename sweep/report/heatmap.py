"""The heat map of a plane of settings: the epochs to convergence as colours, and what did not converge."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from sweep.report.axes import PLANE, assignment, choose_layout, label
from sweep.report.canvas import colour_bar, is_log_spaced, log_ticks, panels, styled
from sweep.report.looks import figure_of
from sweep.report.marks import mark_cells
from sweep.report.planes import Plane, planes
from sweep.report.result import Result

COLOURS = np.round(255 * colormaps["viridis"](np.linspace(0.15, 1, 256))[:, :3]).astype(np.uint8)
LATER, DIVERGED, NOTHING = (np.array(rgb, np.uint8) for rgb in ((0xCF,) * 3, (0x1A,) * 3, (0xFF,) * 3))
_PALETTE = np.vstack([COLOURS, LATER, DIVERGED, NOTHING])
_LATER, _DIVERGED, _NOTHING = range(len(COLOURS), len(_PALETTE))
PIECE = 2**20
"""Settings that are looked at together."""

Array = NDArray[np.float64]
Shades = NDArray[np.uint16]


@styled
def heat_map(result: Result, axes: tuple[str, str] | None = None) -> Figure:
    """Draw the median epochs to convergence of every setting of each plane as one picture.

    Equal shares of the settings that converged get equal shares of the colours. A setting has converged where at least
    half of its runs have.

    Parameters
    ----------
    result
    axes
        The numeric axes upwards and to the right, of two values or more; by default the two longest, if they are long
        enough for a picture. Other axes get a picture for each of their values, or are held at their first one.

    Raises
    ------
    ValueError
        If no two numeric axes are long enough.
    """
    least = PLANE if axes is None else 2
    axes = axes or choose_layout(result).plane
    if axes is None:
        raise ValueError("this result has no two numeric axes that are long enough for a heat map")
    made, held = planes(result, axes, least)
    if not made:
        raise ValueError(f"no grid of this result has two values or more of both {axes[0]} and {axes[1]}")
    shades, numbers = _shades(result, made)
    n = result.part("summary", ["n"])["n"]
    max_epochs = result.manifest["experiment"]["train"]["max_epochs"]
    one_run = bool((n == 1).all())
    later = f"not converged after {max_epochs:,} epochs" if one_run else f"median later than {max_epochs:,} epochs"
    legend: list[Artist] = []
    for shade, name in (
        (_LATER, later),
        (_DIVERGED, "diverged" if one_run else "half of the runs or more diverged"),
    ):
        if any((shades[row] == shade).any() for plane in made for row in plane.points):
            legend.append(Patch(color="#" + bytes(_PALETTE[shade]).hex(), label=name))
    title = "Epochs to convergence" if one_run else "Median epochs to convergence"
    title += "".join(f"; {assignment(key, value)}" for key, value in held.items())
    upwards, rightwards = axes
    names = [plane.name for plane in made]
    all_axes = panels(names, title, label(rightwards), label(upwards), legend, square=True)
    for one, plane in zip(all_axes, made, strict=True):
        one.imshow(_picture(shades, plane), origin="lower", aspect="auto", interpolation="auto")
        mark_cells(one, plane.points)
        one.grid(visible=False)
        _ticks(one, "x", plane.x)
        _ticks(one, "y", plane.y)
    figure = figure_of(all_axes[0])
    if len(numbers):
        _scale(colour_bar(figure, "epochs"), numbers)
    return figure


def _shades(result: Result, made: Sequence[Plane]) -> tuple[Shades, NDArray[Any]]:
    """The shade of every point, by position, the last for no point; and the epochs at 0, 25 … 100 % of the scale."""
    column = result.part("summary", ["epochs_q50"])["epochs_q50"]
    epochs = column.fillna(-1).to_numpy(getattr(column.dtype, "numpy_dtype", np.int64))
    shades = np.full(len(epochs) + 1, _NOTHING, np.uint16)
    shown = np.zeros(len(epochs), np.bool_)
    for row in (row for plane in made for row in plane.points):
        shown[row[row >= 0]] = True
    values, counts = np.unique(epochs[shown & (epochs >= 0)], return_counts=True)
    del shown
    numbers, places = _ranks(values, counts)
    of_values = (255 * places).round().astype(np.uint16)
    counted = result.part("summary", ["n", "n_diverged"])
    n, n_diverged = (counted[name].to_numpy() for name in ("n", "n_diverged"))
    for start in range(0, len(epochs), PIECE):
        piece = slice(start, min(start + PIECE, len(epochs)))
        mostly = 2 * n_diverged[piece].astype(np.int64) >= n[piece]
        shades[piece] = np.where(mostly, _DIVERGED, _LATER)
        converged = start + np.flatnonzero(epochs[piece] >= 0)
        if len(values):
            found = np.searchsorted(values, epochs[converged])
            shades[converged] = of_values[np.minimum(found, len(values) - 1)]
    return shades, numbers


def _ranks(values: NDArray[Any], counts: NDArray[np.int64]) -> tuple[NDArray[Any], Array]:
    """Of values and how often each occurs: those at 0, 25 … 100 % of all, and the place of each, from 0 to 1."""
    if len(values) == 0:
        return values, np.empty(0)
    total = counts.sum()
    places = (np.cumsum(counts) - counts / 2) / total
    quantiles = np.searchsorted(np.cumsum(counts), np.array([0, 0.25, 0.5, 0.75, 1]) * total)
    return values[np.minimum(quantiles, len(values) - 1)], places


def _picture(shades: Shades, plane: Plane) -> NDArray[np.uint8]:
    """The colours of a plane, row by row, so that no long index is made: uint8, shape (n_y, n_x, 3)."""
    picture = np.empty((*plane.points.shape, 3), np.uint8)
    for row, points in zip(picture, plane.points, strict=True):
        row[:] = _PALETTE[shades[points]]
    return picture


def _scale(axes: Axes, numbers: NDArray[Any]) -> None:
    axes.imshow(COLOURS[:, None], origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    axes.yaxis.tick_right()
    axes.xaxis.set_major_locator(NullLocator())
    places = np.linspace(0, 1, len(numbers))
    first = [i == 0 or numbers[i] != numbers[i - 1] for i in range(len(numbers))]
    axes.yaxis.set_major_locator(FixedLocator(list(places[first])))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{number:,.0f}" for number in numbers[first]]))


def _ticks(axes: Axes, direction: str, values: Array) -> None:
    """Ticks at round values; the picture itself is drawn cell by cell."""
    limits = float(values[0]), float(values[-1])
    if is_log_spaced(values):
        named = log_ticks(limits, 5)
        places = np.interp(np.log(list(named)), np.log(values), np.arange(len(values)))
    else:
        ticks = MaxNLocator(4).tick_values(*limits)
        named = {float(tick): f"{tick:g}".replace("-", "−") for tick in ticks if limits[0] <= tick <= limits[1]}
        places = np.interp(list(named), values, np.arange(len(values)))
    axis = axes.xaxis if direction == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FixedFormatter(list(named.values())))
