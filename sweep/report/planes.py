"""Planes of settings: grids with two long numeric axes, each combination of their values one cell of a picture."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.report.axes import MAX_PANELS, PLANE, categories_first, combinations, place, unbroken, varying
from sweep.report.tables import Result
from sweep.spec.experiment import load


@dataclass(frozen=True)
class Plane:
    """One picture: the settings of one grid that differ in two axes only.

    Attributes
    ----------
    name : str
        What tells it from the other planes, in one line or two; empty for a single one.
    x, y : float64, shapes (n_x,) and (n_y,)
        The axes' values, increasing.
    points : int64, shape (n_y, n_x)
        Rows of the summary, by position; −1 where there is none.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    points: NDArray[np.int64]


def planes(result: Result, axes: tuple[str, str]) -> tuple[list[Plane], dict[str, str]]:
    """Take a result's grids apart into planes.

    Parameters
    ----------
    result : Result
    axes : tuple of two str
        The numeric axes upwards and to the right, as in `Layout.plane`.

    Returns
    -------
    planes : list of Plane
        One for each grid and combination of values of the other axes.
    held : dict
        The axes that have too many values for that → their first value, which is the one shown.
    """
    points = np.arange(len(result.summary))
    grids, names_of_grids = _grids(result)
    others = [key for key in categories_first(result, varying(result)) if key not in axes]
    held: dict[str, str] = {}
    while others and len(combinations(result.summary.iloc[points], others).cat.categories) > MAX_PANELS:
        column = place(result.summary[others[-1]].iloc[points])
        held[others.pop()] = str(column.cat.categories[0])
        points = points[(column == column.cat.categories[0]).to_numpy()]

    summary = result.summary.iloc[points]
    names = combinations(summary, others)
    tables = pd.DataFrame({"grid": grids[points], "name": names.cat.codes}).groupby(["grid", "name"])
    made = []
    for at, of_plane in tables.indices.items():
        grid, number = cast(tuple[int, int], at)
        y, x = (summary[axis].to_numpy(dtype=np.float64)[of_plane] for axis in axes)
        ys, rows = np.unique(y[np.isfinite(y)], return_inverse=True)
        xs, columns = np.unique(x[np.isfinite(x)], return_inverse=True)
        if min(len(xs), len(ys)) >= PLANE and len(rows) == len(columns):
            cells = np.full((len(ys), len(xs)), -1)
            cells[rows, columns] = points[of_plane]
            name = "\n".join(filter(None, (str(names.cat.categories[number]), names_of_grids[grid])))
            made.append(Plane(name, xs, ys, cells))
    return made, held


def _grids(result: Result) -> tuple[NDArray[np.int64], list[str]]:
    """The grid to which each point belongs, and what tells the grids apart beside their axes: given weights."""
    written: list[dict[str, Any]] = result.manifest["experiment"]["grid"]
    if len(written) == 1:
        return np.zeros(len(result.summary), np.int64), [""]
    grids = load(result.manifest["experiment"]).grids
    names = [unbroken(" ".join(["weights", *map(_weight, grid.weights)])) if grid.weights else "" for grid in grids]
    if len(set(names)) == 1:
        names = [""] * len(grids)
    return np.repeat(np.arange(len(grids)), [grid.n_points for grid in grids]), names


def _weight(weight: float | str) -> str:
    return weight if isinstance(weight, str) else f"{weight:g}".replace("-", "−")
