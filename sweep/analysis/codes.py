"""Which values of several keys occur together, and how often one tells another."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Codes:
    """The combinations of values that occur, values that occur in the same ones together as one code.

    Attributes
    ----------
    codes
        Key → the code in each combination, int64, shape (n,), from 0 without a gap.
    weights
        Key → how many values each of its codes stands for, int64.
    """

    codes: Mapping[str, Numbers]
    weights: Mapping[str, Numbers]

    @classmethod
    def of_columns(cls, columns: "Mapping[str, pd.Series[Any]]") -> Self:
        """Those of a table, each value a code."""
        codes = {key: _numbers(column) for key, column in columns.items()}
        return cls(codes, {key: np.ones(int(numbers.max()) + 1, np.int64) for key, numbers in codes.items()})

    @classmethod
    def of_grids(cls, grids: Sequence[Mapping[str, Sequence[Any]]]) -> Self:
        """Those of grids, each all combinations of its values: values that are in the same grids are exchangeable."""
        weights: dict[str, Numbers] = {}
        parts: list[list[list[int]]] = [[] for _ in grids]
        for key in grids[0]:
            homes: dict[Any, list[int]] = {}
            for number, grid in enumerate(grids):
                for value in dict.fromkeys(grid[key]):
                    homes.setdefault(value, []).append(number)
            alike = Counter(map(tuple, homes.values()))
            weights[key] = np.array(list(alike.values()))
            for number, part in enumerate(parts):
                part.append([code for code, numbers in enumerate(alike) if number in numbers])
        rows = np.array([row for part in parts for row in itertools.product(*part)], np.int64)
        return cls(dict(zip(grids[0], rows.T, strict=True)), weights)

    def n_values(self, key: str) -> int:
        """Number of values of a key."""
        return int(self.weights[key].sum())

    def n_settings(self, keys: Iterable[str]) -> int:
        """Number of combinations of the values of some keys that occur."""
        return int(self._settings(list(keys))[1].sum())

    def follows(self, key: str, other: str) -> bool:
        """Whether the value of `other` tells that of `key`."""
        return self.n_settings([other, key]) == self.n_values(other)

    def most_within(self, key: str, others: Sequence[str]) -> int:
        """The most values of a key that go with one combination of others."""
        rows, _ = self._settings([*others, key])
        of_rest = self._combined(others)[rows]
        return int(np.bincount(of_rest, self.weights[key][self.codes[key][rows]]).max())

    def _settings(self, keys: Sequence[str]) -> tuple[Numbers, Numbers]:
        """A row of each combination of the codes of some keys, and the combinations of values it stands for."""
        combined = self._combined(keys)
        rows = np.zeros(int(combined.max()) + 1, np.int64)
        rows[combined] = np.arange(len(combined))
        counts = np.ones(len(rows), np.int64)
        for key in keys:
            counts *= self.weights[key][self.codes[key][rows]]
        return rows, counts

    def _combined(self, keys: Sequence[str]) -> Numbers:
        """Number of the combination of codes in each row, from 0 without a gap."""
        combined: Numbers = np.zeros(len(next(iter(self.codes.values()))), np.int64)
        for key in keys:
            numbers = combined * len(self.weights[key]) + self.codes[key]
            if numbers.max() < 8 * len(numbers):
                combined = (np.cumsum(np.bincount(numbers) > 0) - 1)[numbers]
            else:
                combined = _numbers(pd.Series(numbers))
        return combined


def _numbers(column: "pd.Series[Any]") -> Numbers:
    """Number of the value at each place, from 0 without a gap."""
    codes, _ = pd.factorize(column, use_na_sentinel=False)
    return cast(Numbers, codes.astype(np.int64))
