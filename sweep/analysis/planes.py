"""Planes of settings: grids with two long numeric axes, each combination of their values one cell of a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.axes import MAX_PANELS, PLANE, categories_first, combinations, place, varying
from sweep.analysis.losses import PIECE
from sweep.results.result import Result
from sweep.results.settings import combined, n_rows, whole_grids
from sweep.spec.grid import Grid
from sweep.words import unbroken

Numbers = NDArray[np.int64]
Points = NDArray[np.int32] | NDArray[np.int64]
Shades = NDArray[np.uint16]

N_SHADES = 256
LATER, DIVERGED, NOTHING = range(N_SHADES, N_SHADES + 3)
"""What a setting has instead of a shade: later than max_epochs, mostly diverged, not there."""


@dataclass(frozen=True)
class Plane:
    """One picture: the settings of one grid that differ in two axes only.

    Attributes
    ----------
    name : str
        What tells it from the other planes, in one line or two; empty for a single one.
    x, y : float64, shapes (n_x,) and (n_y,)
        The axes' values, increasing.
    points : int32 or int64, shape (n_y, n_x)
        Rows of the summary, by position; −1 where there is none.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    points: Points


@dataclass(frozen=True, eq=False)
class HeatMap:
    """The median epochs to convergence of planes of settings, as shades by rank.

    Attributes
    ----------
    axes
        Upwards and to the right.
    planes
    held
        The axes that are held at their first value.
    shades : uint16, shape (n_settings + 1,)
        Of every row of the summary, by position, 0 to 255, or LATER, DIVERGED, NOTHING; the last is NOTHING.
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
    one_run = bool((result.part("summary", ["n"])["n"] == 1).all())
    return HeatMap(axes, made, held, shades, scale, one_run)


def planes(result: Result, axes: tuple[str, str], least: int = PLANE) -> tuple[list[Plane], dict[str, str]]:
    """Take a result's grids apart into planes.

    Parameters
    ----------
    result : Result
    axes : tuple of two str
        The numeric axes upwards and to the right, as in `Layout.plane`.
    least
        Values of each axis that a plane has at least.

    Returns
    -------
    planes : list of Plane
        One for each grid and combination of values of the other axes.
    held : dict
        The axes that have too many values for that → their first value, which is the one shown.
    """
    others = [key for key in categories_first(result, varying(result)) if key not in axes]
    if (grids := whole_grids(result)) is not None:
        return _of_grids(result, grids, axes, others, least)
    return _of_table(result, axes, others, least)


def _of_table(
    result: Result, axes: tuple[str, str], others: list[str], least: int
) -> tuple[list[Plane], dict[str, str]]:
    """The planes, found by a look at every row of the summary."""
    whole = result.part("summary", [*others, *axes])
    points = np.arange(len(whole))
    grids, names_of_grids = _grid_numbers(result)
    held: dict[str, str] = {}
    while others and len(combinations(whole.iloc[points], others).cat.categories) > MAX_PANELS:
        column = place(whole[others[-1]].iloc[points])
        held[others.pop()] = str(column.cat.categories[0])
        points = points[(column == column.cat.categories[0]).to_numpy()]

    summary = whole.iloc[points]
    names = combinations(summary, others)
    tables = pd.DataFrame({"grid": grids[points], "name": names.cat.codes}).groupby(["grid", "name"])
    made = []
    for at, of_plane in tables.indices.items():
        grid, number = cast(tuple[int, int], at)
        y, x = (summary[axis].to_numpy(dtype=np.float64)[of_plane] for axis in axes)
        ys, rows = np.unique(y[np.isfinite(y)], return_inverse=True)
        xs, columns = np.unique(x[np.isfinite(x)], return_inverse=True)
        if min(len(xs), len(ys)) >= least and len(rows) == len(columns):
            cells = np.full((len(ys), len(xs)), -1)
            cells[rows, columns] = points[of_plane]
            made.append(Plane(_title(str(names.cat.categories[number]), names_of_grids[grid]), xs, ys, cells))
    return made, held


@dataclass
class _Part:
    """What is shown of a grid: the positions of the values of each key; and its first row in the summary."""

    grid: Grid
    places: dict[str, Numbers]
    first: int
    name: str


def _of_grids(
    result: Result, grids: Sequence[Grid], axes: tuple[str, str], others: list[str], least: int
) -> tuple[list[Plane], dict[str, str]]:
    """The planes of a complete result, by arithmetic."""
    firsts = np.cumsum([0, *(grid.n_points for grid in grids)]).tolist()
    parts = [
        _Part(grid, {key: np.arange(len(values)) for key, values in grid.values.items()}, first, name)
        for grid, first, name in zip(grids, firsts, _names(grids), strict=False)
    ]
    held: dict[str, str] = {}
    names, codes = _coded(result, parts, others)
    while others and len(names) > MAX_PANELS:
        key = others.pop()
        values, numbers = _coded(result, parts, [key], single=True)
        held[key] = values[0]
        for part, number in zip(parts, numbers, strict=True):
            part.places[key] = part.places[key][number == 0]
        parts = [part for part in parts if len(part.places[key])]
        names, codes = _coded(result, parts, others)
    made = []
    for part, of_part in zip(parts, codes, strict=True):
        xy = [np.array(part.grid.values[axis], np.float64) for axis in axes]
        if min(map(len, xy)) >= least:
            for number in np.unique(of_part).tolist():
                points = _points(part, axes, others, int(np.flatnonzero(of_part == number)[-1]))
                y, x = map(np.sort, xy)
                made.append(Plane(_title(names[number], part.name), x, y, points))
    return made, held


def _coded(
    result: Result, parts: Sequence[_Part], keys: Sequence[str], single: bool = False
) -> tuple[list[str], list[Numbers]]:
    """The combinations of values of some keys in all parts together by name, and their numbers in each part."""
    frames = [combined(result, part.grid, keys, part.places) for part in parts]
    frame = pd.concat(frames, ignore_index=True)
    column = (place(frame[keys[0]]) if single else combinations(frame, keys)).cat
    ends = np.cumsum([len(one) for one in frames])[:-1]
    return [str(name) for name in column.categories], np.split(column.codes.to_numpy(np.int64), ends)


def _points(part: _Part, axes: tuple[str, str], others: Sequence[str], combination: int) -> Points:
    """Rows of the summary for one combination of values of the other axes, both axes' values increasing."""
    lengths = {key: len(values) for key, values in part.grid.values.items()}
    steps = dict(zip(lengths, np.cumprod([1, *list(lengths.values())[:0:-1]])[::-1].tolist(), strict=True))
    ordered = [key for key in lengths if key in others]
    at = np.unravel_index(combination, [len(part.places[key]) for key in ordered]) if ordered else ()
    places = dict.fromkeys(lengths, -1) | dict(zip(ordered, map(int, at), strict=True))
    corner = part.first + sum(int(part.places[key][places[key]]) * steps[key] for key in lengths if key not in axes)
    rows, columns = (np.argsort(part.grid.values[axis]) * steps[axis] for axis in axes)
    columns += corner
    narrow = part.first + part.grid.n_points <= np.iinfo(np.int32).max
    points: Points = (
        np.add.outer(rows.astype(np.int32), columns.astype(np.int32)) if narrow else np.add.outer(rows, columns)
    )
    return points


def _grid_numbers(result: Result) -> tuple[Numbers, list[str]]:
    """The grid to which each point belongs, and what tells the grids apart beside their axes."""
    n_points = n_rows(result, "summary")
    grids = result.experiment.grids
    if len(grids) == 1:
        return np.zeros(n_points, np.int64), [""]
    first_runs = np.cumsum(result.part("summary", ["n"])["n"].to_numpy(np.int64)) - 1
    runs = result.part("runs", ["run"])["run"].to_numpy()[first_runs]
    return np.searchsorted(np.cumsum([grid.n_runs for grid in grids]), runs, side="right"), _names(grids)


def _names(grids: Sequence[Grid]) -> list[str]:
    """What tells grids apart beside their axes: given weights."""
    names = [unbroken(" ".join(["weights", *map(_weight, grid.weights)])) if grid.weights else "" for grid in grids]
    return names if len(set(names)) > 1 else [""] * len(grids)


def _title(name: str, of_grid: str) -> str:
    return "\n".join(filter(None, (name, of_grid)))


def _weight(weight: float | str) -> str:
    return weight if isinstance(weight, str) else f"{weight:g}".replace("-", "−")


def _shades(result: Result, made: Sequence[Plane]) -> tuple[Shades, NDArray[Any]]:
    """The shade of every point, by position, the last for no point; and the epochs at 0, 25 … 100 % of the scale."""
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
    """Of values and how often each occurs: those at 0, 25 … 100 % of all, and the place of each, from 0 to 1."""
    if len(values) == 0:
        return values, np.empty(0)
    total = counts.sum()
    places = (np.cumsum(counts) - counts / 2) / total
    quantiles = np.searchsorted(np.cumsum(counts), np.array([0, 0.25, 0.5, 0.75, 1]) * total)
    return values[np.minimum(quantiles, len(values) - 1)], places
