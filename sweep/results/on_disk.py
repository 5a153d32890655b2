"""A result in its directory, whose tables are read when they are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sweep.engine.store import tables as written
from sweep.results import tables
from sweep.spec.experiment import Experiment


@dataclass(frozen=True)
class OnDisk:
    """Tables that are read when they are asked for."""

    path: Path
    files: Mapping[str, str]
    experiment: Experiment

    def load(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """A table, or some columns of it."""
        for file in (f"{name}.parquet", f"{name}.csv"):
            if file in self.files:
                types = tables.arrow_types(self.experiment, name)
                table = written.read_table(self.path / file, types, columns)
                frame = tables.from_arrow(table, self.experiment, copy=columns is None)
                written.release_memory()
                return frame
        return None
