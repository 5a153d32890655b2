"""The settings of a result: of a complete one on disk its grids tell them all, without a look at a column."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.results.result import InMemory, Result
from sweep.spec.grid import Grid

Table = Literal["runs", "summary"]
NARROW: dict[Table, str] = {"runs": "status", "summary": "n"}
"""A narrow column of each table, where any will do."""


def whole_grids(result: Result) -> tuple[Grid, ...] | None:
    """The grids whose points and runs, one grid after another, are the rows of the tables.

    None where runs are missing, and for tables in memory, which can as well be looked at.
    """
    if isinstance(result.tables, InMemory) or not result.manifest.get("complete", False):
        return None
    return result.experiment.grids


def grid_keys(result: Result) -> list[str]:
    """Keys of the grid that are columns of the tables, in file order."""
    if isinstance(result.tables, InMemory):
        columns = list(result.summary.columns)
        return columns[: columns.index("n")]
    return list(result.experiment.columns)


def n_rows(result: Result, table: Table) -> int:
    """Number of rows of a table."""
    if (grids := whole_grids(result)) is not None:
        return sum(grid.n_runs if table == "runs" else grid.n_points for grid in grids)
    return len(result.part(table, [NARROW[table]]))


def values_of(result: Result, key: str) -> "pd.Series[Any]":
    """The values of a key, each at least once, of the dtype that its column has."""
    if (grids := whole_grids(result)) is None:
        return result.part("summary", [key])[key]
    different = list(dict.fromkeys(value for grid in grids for value in grid.values[key]))
    if isinstance(different[0], str):
        return pd.Series(pd.Categorical(different, different))
    return pd.Series(np.array([np.nan if value is None else value for value in different]))


def settings_at(result: Result, keys: Sequence[str], rows: NDArray[np.integer[Any]]) -> pd.DataFrame:
    """Some columns of the grid for rows of the summary, by position."""
    if (grids := whole_grids(result)) is None:
        return result.part("summary", keys).take(rows).reset_index(drop=True)
    number_of_grid, points = _in_grids(grids, rows)
    columns = {}
    for key in keys:
        column, number = _numbered(result, key)
        codes = np.zeros(len(rows), np.int64)
        for at, grid in enumerate(grids):
            of_grid = number_of_grid == at
            values = np.array([number[value] for value in grid.values[key]])
            codes[of_grid] = values[grid.indices(key, points[of_grid] * len(grid.seeds))]
        columns[key] = column.take(codes).reset_index(drop=True)
    return pd.DataFrame(columns, index=range(len(rows)))


def first_runs(result: Result, rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The number of the first run of each of some rows of the summary, by position."""
    if (grids := whole_grids(result)) is None:
        n = result.part("summary", ["n"])["n"].to_numpy(np.int64)
        return np.asarray(result.part("runs", ["run"])["run"].to_numpy(np.int64)[(np.cumsum(n) - n)[rows]])
    number_of_grid, points = _in_grids(grids, rows)
    first = np.cumsum([0, *(grid.n_runs for grid in grids)])[number_of_grid]
    return np.asarray(first + points * np.array([len(grid.seeds) for grid in grids])[number_of_grid], np.int64)


def rows_of_runs(result: Result, places: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The rows of the summary that rows of the table of runs, by position, belong to: each once, in order."""
    ends = np.cumsum(result.part("summary", ["n"])["n"].to_numpy(np.int64))
    return np.unique(np.searchsorted(ends, places, side="right"))


def _in_grids(grids: Sequence[Grid], rows: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of the grid that each grid point belongs to, and the point's number within it."""
    ends = np.cumsum([grid.n_points for grid in grids])
    number = np.searchsorted(ends, rows, side="right")
    return number, rows - (ends - [grid.n_points for grid in grids])[number]


def combined(
    result: Result, grid: Grid, keys: Iterable[str], chosen: Mapping[str, NDArray[np.int64]] | None = None
) -> pd.DataFrame:
    """All combinations of a grid's values of some keys, in its order: its last key, not that of `keys`, goes fastest.

    Parameters
    ----------
    result, grid, keys
    chosen
        Key → the positions of its values that count; by default all.
    """
    ordered = [key for key in grid.values if key in set(keys)]
    places = [chosen[key] if chosen else np.arange(len(grid.values[key])) for key in ordered]
    indices = np.meshgrid(*places, indexing="ij")
    columns = {}
    for key, index in zip(ordered, indices, strict=True):
        column, number = _numbered(result, key)
        codes = np.array([number[value] for value in grid.values[key]])
        columns[key] = column.take(codes[index.ravel()]).reset_index(drop=True)
    return pd.DataFrame(columns, index=range(math.prod(map(len, places))))


def spread(grid: Grid, keys: Iterable[str], codes: NDArray[Any], table: Table) -> NDArray[Any]:
    """For every row of a grid, the code of its combination of values of some keys, which are in order of `combined`."""
    keys = set(keys)
    axes = [(key, len(found)) for key, found in grid.values.items() if len(found) > 1]
    small = [length if key in keys else 1 for key, length in axes]
    full = [length for _, length in axes]
    n_rows = len(grid.seeds) if table == "runs" else 1
    return np.broadcast_to(codes.reshape(*small, 1), (*full, n_rows)).ravel()


def _numbered(result: Result, key: str) -> "tuple[pd.Series[Any], dict[Any, int]]":
    """The different values of a key as a column, and the place of each there."""
    grids = whole_grids(result) or ()
    different = dict.fromkeys(value for grid in grids for value in grid.values[key])
    return values_of(result, key), {value: place for place, value in enumerate(different)}
