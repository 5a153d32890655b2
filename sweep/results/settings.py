"""Settings of the rows of a result: the number of a run tells its setting, by arithmetic on the grids."""

import itertools
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.results.statistics import recoded, sums_by
from sweep.spec.experiment import Experiment
from sweep.spec.grid import Grid

Codes = NDArray[np.unsignedinteger[Any]]
Rows = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Values:
    """Different values of a key of the grid in an experiment, in the order of the file; None for a grid without it.

    `numbers` has, for each grid, the index in `values` of each of its values.
    """

    values: list[Any]
    numbers: tuple[NDArray[np.intp], ...]

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, experiment: Experiment, key: str) -> Self:
        """Collect the values of a key."""
        number: dict[Any, int] = {}
        numbers = [
            np.array([number.setdefault(value, len(number)) for value in grid.values[key]]) for grid in experiment.grids
        ]
        return cls(list(number), tuple(numbers))

    @cached_property
    def array(self) -> NDArray[Any]:
        """The values as an array; None, where a grid leaves the key open, is NaN."""
        return np.array([np.nan if value is None else value for value in self.values])

    @property
    def are_texts(self) -> bool:
        """True for texts, which are categories."""
        return self.array.dtype.kind == "U"


@dataclass(frozen=True, eq=False)
class Part:
    """Rows `start` … `stop` − 1 of the summary, which belong to one grid.

    `points`, int64, are the number of each row's point within the grid, increasing; None if the rows are all its
    points.
    """

    number: int
    grid: Grid
    start: int
    stop: int
    points: NDArray[np.int64] | None = None

    def positions(self, key: str) -> Codes:
        """Return which of the grid's values of a key each row has."""
        shape = self.grid.shape[:-1]
        axis = list(self.grid.values).index(key)
        if self.points is not None:
            found = self.grid.indices(key, self.points * len(self.grid.seeds))
            return found.astype(narrowest(shape[axis]))
        along = np.arange(shape[axis], dtype=narrowest(shape[axis]))
        return np.broadcast_to(along.reshape(-1, *[1] * (len(shape) - axis - 1)), shape).ravel()

    def occurring(self, key: str) -> NDArray[np.intp]:
        """Return the indices, increasing, of the grid's values of a key that occur in some row."""
        n = len(self.grid.values[key])
        if self.points is None:
            return np.arange(n)
        return np.flatnonzero(sums_by(self.positions(key), None, n))

    def cells(self) -> NDArray[np.int32]:
        """Return the row of each point, −1 for a point without one, in the grid's shape without seeds."""
        shape = self.grid.shape[:-1]
        rows = np.arange(self.start, self.stop, dtype=np.int32)
        if self.points is None:
            return rows.reshape(shape)
        cells = np.full(self.grid.n_points, -1, np.int32)
        cells[self.points] = rows
        return cells.reshape(shape)


class Settings:
    """Setting of each row of the summary, key by key.

    A setting is never read from a table: a row's first run tells it. Any key of the grid can be asked for, also those
    that are no columns. `first_runs`, int64, are increasing; None if the rows are all points of the experiment.
    """

    def __init__(self, experiment: Experiment, first_runs: NDArray[np.int64] | None = None) -> None:
        self.experiment = experiment
        self._first_runs = first_runs
        self._kept: dict[str, NDArray[np.intp]] = {}
        self._codes: dict[str, Codes] = {}

    @cached_property
    def parts(self) -> list[Part]:
        """The rows, one grid after another; grids without a row are left out."""
        grids, start = self.experiment.grids, 0
        if self._first_runs is None:
            ends = itertools.pairwise(self.experiment.first_points)
            return [Part(number, grid, *at) for number, (grid, at) in enumerate(zip(grids, ends, strict=True))]
        parts = []
        for number, _, within in self.experiment.by_grid(self._first_runs):
            points = within // len(grids[number].seeds)
            whole = len(points) == grids[number].n_points
            parts.append(Part(number, grids[number], start, start + len(points), None if whole else points))
            start += len(points)
        return parts

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the grid that are columns of the tables, in file order."""
        return self.experiment.columns

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.parts[-1].stop if self.parts else 0

    def values(self, key: str) -> list[Any]:
        """Return the different values of a key that occur, in the order of the file; None where a grid has none."""
        values = Values.of(self.experiment, key).values
        return [values[place] for place in self._occurring(key).tolist()]

    def varies(self, key: str) -> bool:
        """Return True if a key takes more than one value."""
        return len(self._occurring(key)) > 1

    def is_text(self, key: str) -> bool:
        """Return True if the values of a key are texts, which are categories."""
        return Values.of(self.experiment, key).are_texts

    def is_numeric(self, key: str) -> bool:
        """Return True if the values of a key are numbers, which have an order and a distance."""
        return Values.of(self.experiment, key).array.dtype.kind in "if"

    def codes(self, key: str) -> Codes:
        """Return the number of each row's value in `values`, of the narrowest type."""
        if key not in self._codes:
            narrow = narrowest(len(self._occurring(key)))
            parts = [recoded(self._numbers(part, key).astype(narrow), part.positions(key)) for part in self.parts]
            self._codes[key] = np.concatenate(parts) if parts else np.empty(0, narrow)
        return self._codes[key]

    def codes_in(self, part: Part, key: str) -> NDArray[np.intp]:
        """Return the numbers in `values` of those values of a key that some row of a part has."""
        return self._numbers(part, key)[part.occurring(key)]

    def decoded(self, key: str, codes: Codes) -> "pd.Series[Any]":
        """Return the values of a key that codes stand for, as the tables have them: texts as categories."""
        if self.is_text(key):
            return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(self.values(key))), name=key)
        return pd.Series(recoded(Values.of(self.experiment, key).array[self._occurring(key)], codes), name=key)

    def column(self, key: str, rows: Rows | slice = slice(None)) -> "pd.Series[Any]":
        """Return the values of a key, of all rows or of some."""
        return self.decoded(key, self.codes(key)[rows])

    def first_runs(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the first run of each of some rows."""
        return self.experiment.first_runs(rows) if self._first_runs is None else self._first_runs[rows]

    def _occurring(self, key: str) -> NDArray[np.intp]:
        """Return the places of the values that occur among all values of a key, increasing."""
        if key not in self._kept:
            every = Values.of(self.experiment, key)
            occurs = np.zeros(len(every.values), np.bool_)
            for part in self.parts:
                occurs[every.numbers[part.number][part.occurring(key)]] = True
            self._kept[key] = np.flatnonzero(occurs)
        return self._kept[key]

    def _numbers(self, part: Part, key: str) -> NDArray[np.intp]:
        """Return the number in `values` of each value of a part's grid; of those that do not occur, any number."""
        return np.searchsorted(self._occurring(key), Values.of(self.experiment, key).numbers[part.number])


def narrowest(n: int) -> "np.dtype[np.unsignedinteger[Any]]":
    """Return the narrowest type that holds numbers from 0 to n − 1."""
    return np.min_scalar_type(max(n - 1, 0))
