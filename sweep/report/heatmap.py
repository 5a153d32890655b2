"""The heat map of a plane of settings: the epochs to convergence as colours, and what did not converge."""

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from sweep.report.axes import assignment, censored, choose_layout, label
from sweep.report.canvas import colour_bar, is_log_spaced, log_ticks, panels, styled
from sweep.report.looks import figure_of
from sweep.report.planes import planes
from sweep.report.tables import Result

COLOURS = np.round(255 * colormaps["viridis"](np.linspace(0.15, 1, 256))[:, :3]).astype(np.uint8)
LATER, DIVERGED, NOTHING = (np.array(rgb, np.uint8) for rgb in ((0xCF,) * 3, (0x1A,) * 3, (0xFF,) * 3))

Array = NDArray[np.float64]


@styled
def heat_map(result: Result) -> Figure:
    """Draw the median epochs to convergence of every setting of each plane as one picture.

    Equal shares of the settings that converged get equal shares of the colours. A setting has converged where at least
    half of its runs have.

    Raises
    ------
    ValueError
        If no two numeric axes are long enough.
    """
    axes = choose_layout(result).plane
    if axes is None:
        raise ValueError("this result has no two numeric axes that are long enough for a heat map")
    made, held = planes(result, axes)
    summary = result.summary
    epochs = censored(summary["epochs_q50"])
    converged = np.isfinite(epochs)
    diverged = ~converged & (2 * summary["n_diverged"] >= summary["n"]).to_numpy()
    shown = np.zeros(len(summary), dtype=np.bool_)
    for plane in made:
        shown[plane.points[plane.points >= 0]] = True
    numbers, ranks = _ranks(epochs[converged & shown])
    colours = np.empty((len(summary) + 1, 3), np.uint8)
    colours[:-1] = np.where(diverged[:, None], DIVERGED, LATER)
    colours[-1] = NOTHING
    colours[:-1][converged & shown] = COLOURS[(255 * ranks).round().astype(np.intp)]

    max_epochs = result.manifest["experiment"]["train"]["max_epochs"]
    one_run = bool((summary["n"] == 1).all())
    later = f"not converged after {max_epochs:,} epochs" if one_run else f"median later than {max_epochs:,} epochs"
    legend: list[Artist] = []
    for there, colour, name in (
        (~converged & ~diverged, LATER, later),
        (diverged, DIVERGED, "diverged" if one_run else "half of the runs or more diverged"),
    ):
        if (there & shown).any():
            legend.append(Patch(color="#" + bytes(colour).hex(), label=name))
    title = "Epochs to convergence" if one_run else "Median epochs to convergence"
    title += "".join(f"; {assignment(key, value)}" for key, value in held.items())
    upwards, rightwards = axes
    names = [plane.name for plane in made]
    all_axes = panels(names, title, label(rightwards), label(upwards), legend, square=True)
    for one, plane in zip(all_axes, made, strict=True):
        one.imshow(colours[plane.points], origin="lower", aspect="auto", interpolation="auto")
        one.grid(visible=False)
        _ticks(one, "x", plane.x)
        _ticks(one, "y", plane.y)
    figure = figure_of(all_axes[0])
    if len(numbers):
        _scale(colour_bar(figure, "epochs"), numbers)
    return figure


def _ranks(values: Array) -> tuple[Array, Array]:
    """The values at 0, 25 … 100 % of all, and the place of each among all, from 0 to 1, equal ones at one place."""
    if len(values) == 0:
        return values, values
    different, numbers, counts = np.unique(values, return_inverse=True, return_counts=True)
    places = (np.cumsum(counts) - counts / 2) / len(values)
    quantiles = np.searchsorted(np.cumsum(counts), np.array([0, 0.25, 0.5, 0.75, 1]) * len(values))
    return different[np.minimum(quantiles, len(different) - 1)], places[numbers]


def _scale(axes: Axes, numbers: Array) -> None:
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
