"""An experiment cut into chunks, each of which is one task."""

import math
from dataclasses import dataclass

from sweep.spec.experiment import Experiment
from sweep.spec.gates import truth_table
from sweep.spec.grid import Grid

_CHUNK_UNITS = 200_000_000
"""Units × rows × epochs of a chunk at most: a fraction of a second, long beside joblib's overhead."""
_CHUNK_RUNS = (64, 65_536)
"""Runs of a chunk, at least and at most."""


@dataclass(frozen=True)
class Chunk:
    """Runs `start` … `stop` − 1 of one grid, numbered within it; its run 0 is run `first` of the experiment."""

    grid: int
    first: int
    start: int
    stop: int


def chunks_of(experiment: Experiment, chunk_size: int | None = None) -> list[Chunk]:
    """The experiment cut into chunks, in the order of run numbers.

    Parameters
    ----------
    experiment
    chunk_size
        Runs of a chunk, at least 1; by default what takes a fraction of a second.
    """
    chunks: list[Chunk] = []
    first = 0
    for number, grid in enumerate(experiment.grids):
        size = chunk_size or _natural_chunk_size(experiment, grid)
        chunks += [Chunk(number, first, at, min(at + size, grid.n_runs)) for at in range(0, grid.n_runs, size)]
        first += grid.n_runs
    return chunks


def _natural_chunk_size(experiment: Experiment, grid: Grid) -> int:
    tables = experiment.tables
    hidden: int = max(grid.values["hidden"])
    n_rows = max(len(tables[gate].targets if gate in tables else truth_table(gate)) for gate in grid.values["gate"])
    units = n_rows * (hidden + 1) * (2 if "online" in grid.values["update"] else 1)
    least, most = _CHUNK_RUNS
    return max(least, min(most, _CHUNK_UNITS // (experiment.train.max_epochs * units), math.ceil(grid.n_runs / 16)))
