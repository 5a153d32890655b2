"""Tables of a result in its directory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import compute

from sweep.errors import DamagedError, StoreError
from sweep.results import tables
from sweep.results.statistics import spread
from sweep.spec.experiment import Experiment
from sweep.store import table_files
from sweep.store.files import Tree
from sweep.store.manifest import remedy

_FEWEST_LOSSES = 8
"""Losses of a learning curve that are read, however many there are."""


@dataclass(frozen=True)
class OnDisk:
    """Tables that are read when they are asked for."""

    tree: Tree
    manifest: Mapping[str, Any]
    experiment: Experiment

    @property
    def complete(self) -> bool:
        """True if the tables hold every run of the experiment."""
        return bool(self.manifest["complete"])

    def load(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """Read a table, or some columns of it; None if there is no such table, `StoreError` if it is not as written."""
        file = self._file(name)
        if not file:
            return None
        table = table_files.read_table(self.tree, file, tables.arrow_types(self.experiment, name), columns)
        if not self._is_table(name, table, columns):
            raise StoreError(
                f"{self.tree.path / file}: not the table of this result (it has other rows or columns); "
                f"{remedy(self.tree)}"
            )
        frame = tables.from_arrow(table, self.experiment, copy=columns is None)
        pa.default_memory_pool().release_unused()
        return frame

    def thinned_curves(self, n_losses: int) -> pd.DataFrame | None:
        """Read learning curves at so few epochs that about so many losses are left; None if there are none."""
        every = self.experiment.train.record_every
        runs = self.load("runs", ["epochs"]) if every else None
        if runs is None or runs.empty:
            return None
        places = spread(int(runs["epochs"].max()) // every + 1, max(_FEWEST_LOSSES, n_losses // len(runs)))
        epochs = pa.array(places * every)
        found = [piece.filter(compute.is_in(piece["epoch"], value_set=epochs)) for piece in self.pieces("curves")]
        return tables.from_arrow(pa.concat_tables(found), self.experiment)

    def pieces(self, name: str) -> Iterator[pa.Table]:
        """Read a table that there is piece by piece; `StoreError` if that fails."""
        file = self._file(name)
        try:
            with self.tree.open(file) as opened:
                reader = table_files.TableReader(opened, file, tables.arrow_types(self.experiment, name))
                while (piece := reader.next(table_files.ROWS)).num_rows:
                    yield piece
        except (OSError, DamagedError) as error:
            raise StoreError(f"{self.tree.path / file}: cannot be read ({error}); {remedy(self.tree)}") from None

    def _file(self, name: str) -> str:
        """Return the file of a table, Parquet if there is one; empty if there is no such table."""
        return next((file for file in (f"{name}.parquet", f"{name}.csv") if file in self.manifest["files"]), "")

    def _is_table(self, name: str, table: pa.Table, columns: Sequence[str] | None) -> bool:
        """Return True if a table has the rows and columns that it was written with."""
        n_rows = {"runs": self.manifest["n_done"]}
        if self.manifest["complete"]:
            n_rows["summary"] = self.experiment.n_points
        expected = columns or tables.column_names(self.experiment, name)
        return list(table.column_names) == list(expected) and table.num_rows == n_rows.get(name, table.num_rows)
