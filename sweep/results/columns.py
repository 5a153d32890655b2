"""Columns of a result on disk: each is read once. Those of a large result are read one at a time and made narrow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd

from sweep.engine.chunks import n_recorded
from sweep.results.on_disk import OnDisk
from sweep.results.result import InMemory, Result, Tables
from sweep.results.tables import column_names
from sweep.spec.experiment import Experiment

MAX_LOSSES = 2**22
"""Recorded losses above which learning curves are read at fewer epochs."""
LARGE = 2**20
"""Runs above which no table is read as a whole."""
KEPT_BYTES = 2**27
"""Bytes of narrow columns that are kept."""


def sparing(result: Result) -> Result:
    """Return the same result with columns that are read once and that take little memory where there are many runs."""
    if isinstance(result.tables, InMemory | _Columns):
        return result
    is_large = result.manifest["n_runs"] > LARGE
    columns = _Columns(result.tables, result.experiment, result.tables.complete, is_large)
    many_losses = result.manifest["n_done"] * n_recorded(result.experiment.train) > MAX_LOSSES
    if many_losses and isinstance(result.tables, OnDisk):
        columns.thinned = partial(result.tables.thinned_curves, MAX_LOSSES)
    return replace(result, tables=columns)


@dataclass
class _Columns:
    tables: Tables
    experiment: Experiment
    complete: bool
    large: bool
    thinned: Callable[[], pd.DataFrame | None] | None = None
    kept: dict[tuple[str, str], "pd.Series[Any]"] = field(default_factory=dict)
    frames: dict[str, pd.DataFrame | None] = field(default_factory=dict)

    def load(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """Read a table, or some columns of it; of a large one, integers have the narrowest type that holds them.

        Otherwise all are read at once that are not the grid's, and cannot be written to.
        """
        if name == "curves" and self.thinned and name not in self.frames:
            self.frames[name] = self.thinned()
        if columns is None and name != "curves":
            return self.tables.load(name)
        if columns is not None and self.large and name not in self.frames:
            return pd.DataFrame({column: self._column(name, column) for column in columns}, copy=False)
        if name not in self.frames:
            keys = () if name == "curves" else self.experiment.columns
            every = [column for column in column_names(self.experiment, name) if column not in keys]
            self.frames[name] = self.tables.load(name, every)
        frame = self.frames[name]
        return frame if frame is None or columns is None else frame[list(columns)]

    def _column(self, name: str, column: str) -> "pd.Series[Any]":
        if (name, column) in self.kept:
            return self.kept[name, column]
        frame = self.tables.load(name, [column])
        if frame is None:
            raise ValueError(f"this result has no table of {name}")
        found = frame[column]
        if pd.api.types.is_integer_dtype(found.dtype):
            found = pd.to_numeric(found, downcast="integer")
        room = KEPT_BYTES - sum(column.memory_usage() for column in self.kept.values())
        if found.memory_usage() <= room:
            self.kept[name, column] = found
        return found
