"""Planes of settings: grids with two long numeric axes, each combination of their values one cell of a picture."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.layout import MAX_PANELS, PLANE, Combinations, categories_first, varying
from sweep.analysis.names import Named, levels, text_of, together
from sweep.results.result import Result
from sweep.results.settings import Part, Settings
from sweep.results.statistics import PIECE
from sweep.spec.grid import Grid
from sweep.words import unbroken

Cells = NDArray[np.int32]
Weights = tuple[float | str, ...]
Shades = NDArray[np.uint16]

N_SHADES = 256
MAX_WEIGHTS = 12
"""Given weights that a name holds."""
LATER, DIVERGED, NOTHING = range(N_SHADES, N_SHADES + 3)
"""Marks of settings without a shade: later than max_epochs, mostly diverged, not there."""


@dataclass(frozen=True)
class Plane:
    """One picture: the settings of one grid that differ in two axes only.

    Attributes
    ----------
    name : str
        The values that tell it from the other planes, in one line or two; empty for a single one.
    x, y : float64, shapes (n_x,) and (n_y,)
        The axes' values, increasing.
    points : int32, shape (n_y, n_x)
        Rows of the summary, by position; −1 where there is none.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    points: Cells


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Median epochs to convergence of planes of settings, as shades by rank.

    Attributes
    ----------
    shades : uint16, shape (n_settings + 1,)
        Shade of each row of the summary, 0 to 255, or LATER, DIVERGED, NOTHING; the last element is NOTHING.
    scale : int64, shape (5,) or (0,)
        The epochs at 0, 25 … 100 % of the shades.
    one_run
        True if every setting has one run.
    """

    axes: tuple[str, str]
    planes: list[Plane]
    held: dict[str, str]
    shades: Shades
    scale: NDArray[Any]
    one_run: bool

    def has(self, shade: int) -> bool:
        """True if some cell has a shade."""
        return any(bool((self.shades[row] == shade).any()) for plane in self.planes for row in plane.points)


def heat_map(result: Result, axes: tuple[str, str], made: list[Plane], held: dict[str, str]) -> HeatMap:
    """Give equal shares of the settings that converged equal shares of the shades.

    A setting has converged where at least half of its runs have.
    """
    shades, scale = _shades(result, made)
    one_run = bool((result.n == 1).all())
    return HeatMap(axes, made, held, shades, scale, one_run)


def planes(settings: Settings, axes: tuple[str, str], least: int = PLANE) -> tuple[list[Plane], dict[str, str]]:
    """Take settings apart into planes of two numeric axes, upwards and to the right, with so many values of each.

    There is one for each grid and combination of values of the other axes. Axes that have too many values for that are
    held at their first one, and returned with it.
    """
    others = [key for key in categories_first(settings, varying(settings)) if key not in axes]
    names = {key: levels(settings, key) for key in others}
    shown = [(part, {key: _places(settings, part, key, names[key]) for key in others}) for part in settings.parts]
    held: dict[str, str] = {}
    kept = list(others)
    while kept and Combinations([places for _, places in shown]).n(kept) > MAX_PANELS:
        key = kept.pop()
        first = min(min(places[key]) for _, places in shown)
        held[key] = names[key].names[first]
        shown = [(part, {**places, key: {first: places[key][first]}}) for part, places in shown if first in places[key]]
    made, weights = [], []
    for part, places in shown:
        cells = part.cells()
        for chosen in itertools.product(*(sorted(places[key].items()) for key in others)):
            texts = [text_of(settings, key, names[key].names[at]) for key, (at, _) in zip(kept, chosen, strict=False)]
            positions = {key: position for key, (_, position) in zip(others, chosen, strict=True)}
            plane = _cut(part.grid, cells, axes, positions, together(texts))
            if plane is not None and min(plane.points.shape) >= least:
                made.append(plane)
                weights.append(part.grid.weights)
    if len(set(weights)) > 1:
        told_apart = len({plane.name for plane in made}) == len(made)
        pairs = zip(made, _names_of_weights(weights, told_apart), strict=True)
        made = [replace(plane, name="\n".join(filter(None, (plane.name, name)))) for plane, name in pairs]
    return made, held


def _places(settings: Settings, part: Part, key: str, named: Named) -> dict[int, int]:
    """Return the place in drawing order of each value of a key that a part has → its position in the grid."""
    places = named.codes[settings.codes_in(part, key)]
    return dict(zip(places.tolist(), part.occurring(key).tolist(), strict=True))


def _cut(grid: Grid, cells: Cells, axes: tuple[str, str], positions: Mapping[str, int], name: str) -> Plane | None:
    """Cut one plane out of a grid, both axes' values increasing; None where an axis has no values."""
    keys = list(grid.values)
    index = tuple(slice(None) if key in axes else positions.get(key, 0) for key in keys)
    plane = cells[index] if keys.index(axes[0]) < keys.index(axes[1]) else cells[index].T
    y, x = (np.array(grid.values[axis], dtype=np.float64) for axis in axes)
    if np.isnan(y).any() or np.isnan(x).any():
        return None
    filled = plane >= 0
    rows, columns = np.argsort(y), np.argsort(x)
    rows, columns = rows[np.any(filled, axis=1)[rows]], columns[np.any(filled, axis=0)[columns]]
    return Plane(name, x[columns], y[rows], plane[np.ix_(rows, columns)])


def _names_of_weights(each: Sequence[Weights], told_apart: bool) -> list[str]:
    """Name given weights by their values; very many have a number, or no name where planes are told apart anyway."""
    number = {weights: at for at, weights in enumerate(dict.fromkeys(filter(None, each)), 1)}
    many = {weights: "" if told_apart else f"given weights {at}" for weights, at in number.items()}
    few = {weights: " ".join(["weights", *map(_weight, weights)]) for weights in each if len(weights) <= MAX_WEIGHTS}
    return [unbroken({**many, **few, (): ""}[weights]) for weights in each]


def _weight(weight: float | str) -> str:
    return weight if isinstance(weight, str) else f"{weight:g}".replace("-", "−")


def _shades(result: Result, made: Sequence[Plane]) -> tuple[Shades, NDArray[Any]]:
    """Return the shade of each row of the summary and one for no row, and the epochs at 0, 25 … 100 % of the scale."""
    column = result.part("summary", ["epochs_q50"])["epochs_q50"]
    epochs = column.fillna(-1).to_numpy(getattr(column.dtype, "numpy_dtype", np.int64))
    shades = np.full(len(epochs) + 1, NOTHING, np.uint16)
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
        shades[piece] = np.where(mostly, DIVERGED, LATER)
        converged = start + np.flatnonzero(epochs[piece] >= 0)
        if len(values):
            found = np.searchsorted(values, epochs[converged])
            shades[converged] = of_values[np.minimum(found, len(values) - 1)]
    return shades, numbers


def _ranks(values: NDArray[Any], counts: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Rank values that occur so often: those at 0, 25 … 100 % of all, and the place of each, from 0 to 1."""
    if len(values) == 0:
        return values, np.empty(0)
    total = counts.sum()
    places = (np.cumsum(counts) - counts / 2) / total
    quantiles = np.searchsorted(np.cumsum(counts), np.array([0, 0.25, 0.5, 0.75, 1]) * total)
    return values[np.minimum(quantiles, len(values) - 1)], places
