"""The settings of a result: of a complete one on disk its grids tell them all, without a look at a column."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.report.result import InMemory, Result
from sweep.spec.experiment import Experiment, load
from sweep.spec.grid import Grid

Table = Literal["runs", "summary"]
NARROW: dict[Table, str] = {"runs": "status", "summary": "n"}
"""A narrow column of each table, where any will do."""


def experiment(result: Result) -> Experiment:
    """The experiment as the manifest has it."""
    return _loaded(json.dumps(result.manifest["experiment"]))


@lru_cache(maxsize=8)
def _loaded(text: str) -> Experiment:
    return load(json.loads(text))


def whole_grids(result: Result) -> tuple[Grid, ...] | None:
    """The grids whose points and runs, one grid after another, are the rows of the tables.

    None where runs are missing, and for tables in memory, which can as well be looked at.
    """
    if isinstance(result.tables, InMemory) or not result.manifest.get("complete", False):
        return None
    return experiment(result).grids


def grid_keys(result: Result) -> list[str]:
    """Keys of the grid that are columns of the tables, in file order."""
    if isinstance(result.tables, InMemory):
        columns = list(result.summary.columns)
        return columns[: columns.index("n")]
    return list(experiment(result).columns)


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


def first_rows(result: Result, keys: Sequence[str], n: int) -> pd.DataFrame:
    """Some columns of the grid for the first n grid points."""
    if (grids := whole_grids(result)) is None:
        return result.part("summary", keys).head(n)
    columns = {}
    counts = np.diff(np.minimum(np.cumsum([0, *(grid.n_points for grid in grids)]), n))
    for key in keys:
        column, number = _numbered(result, key)
        codes = [
            np.array([number[value] for value in grid.values[key]])[
                grid.indices(key, np.arange(count) * len(grid.seeds))
            ]
            for grid, count in zip(grids, counts.tolist(), strict=True)
        ]
        columns[key] = column.take(np.concatenate(codes)).reset_index(drop=True)
    return pd.DataFrame(columns)


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
