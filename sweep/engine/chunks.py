"""Cut an experiment into chunks, each of which is one task and, once trained, one file."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sweep.spec import gates, models
from sweep.spec.experiment import Experiment
from sweep.spec.gates import truth_table
from sweep.spec.grid import Grid
from sweep.spec.keys import Train

_CHUNK_UNITS = 200_000_000
"""Units × rows × epochs of a chunk at most: a fraction of a second, long beside what handing it to a worker takes."""
_CHUNK_RUNS = (64, 65_536)
"""Runs of a chunk, at least and at most."""
_COUNTED = 2**21, 40 * _CHUNK_UNITS
"""Runs at most, and work, of a chunk of which only counts are kept; it is trained piece by piece."""
_CHUNK_BYTES = 2**25
_CHUNK_LOSSES = 2**18
"""Bytes that the training of a chunk takes at most, and losses that it records, if it has more than one run."""
_BYTES_PER_PARAMETER = 32
"""Starts, states and what they are drawn from."""
_OUTCOME_BYTES = 41


@dataclass(frozen=True)
class Chunk:
    """Runs `start` … `stop` − 1 of one grid, numbered within it; its run 0 is run `first` of the experiment."""

    grid: int
    first: int
    start: int
    stop: int


def chunks_of(
    experiment: Experiment,
    chunk_size: int | None = None,
    done: Sequence[Iterable[tuple[int, int]]] | None = None,
) -> list[Chunk]:
    """Cut an experiment into chunks of so many runs, in the order of run numbers; by default by `natural_chunk_size`.

    `done` has, for each grid, the stretches [start, stop) of its runs to leave out, in order.
    """
    chunks: list[Chunk] = []
    first = 0
    for number, grid in enumerate(experiment.grids):
        size = chunk_size or natural_chunk_size(experiment, grid)
        cut = _whole_points if experiment.keep == "summary" else _stretches
        at = 0
        for start, stop in [*(done[number] if done else ()), (grid.n_runs, grid.n_runs)]:
            chunks += [Chunk(number, first, low, high) for low, high in cut(at, start, size, len(grid.seeds))]
            at = stop
        first += grid.n_runs
    return chunks


def _stretches(start: int, stop: int, size: int, n_seeds: int) -> Iterator[tuple[int, int]]:
    """Cut runs into stretches of one size."""
    yield from ((low, min(low + size, stop)) for low in range(start, stop, size))


def _whole_points(start: int, stop: int, size: int, n_seeds: int) -> Iterator[tuple[int, int]]:
    """Cut runs so that a stretch holds whole points, or the runs of one at multiples of the size.

    Of a grid that has grown, the runs of a point then lie within stretches of before.
    """
    block = max(n_seeds, size // n_seeds * n_seeds)
    while start < stop:
        base = start // block * block
        high = min(base + block, start + size - (start - base) % size, stop)
        yield start, high
        start = high


def n_recorded(train: Train, n_epochs: int | None = None) -> int:
    """Return the points of a learning curve of so many epochs, by default all; 0 if none is recorded."""
    return 1 + (n_epochs or train.max_epochs) // train.record_every if train.record_every else 0


def n_rows(experiment: Experiment, gate: str) -> int:
    """Return the number of rows of a gate's training set."""
    tables = experiment.tables
    return len(tables[gate].targets if gate in tables else truth_table(gate))


@lru_cache(maxsize=64)
def answer_width(experiment: Experiment) -> int:
    """Return the rows of the longest Boolean table, 0 if there is none: characters of what a run may answer."""
    tables, every = experiment.tables, {gate for grid in experiment.grids for gate in grid.values["gate"]}
    boolean = (gate for gate in every if gate not in tables or tables[gate].is_boolean)
    return max((n_rows(experiment, gate) for gate in boolean), default=0)


def natural_chunk_size(experiment: Experiment, grid: Grid) -> int:
    """Return the runs that take a fraction of a second, and a few megabytes, at most."""
    hidden: int = max(grid.values["hidden"])
    most_rows = max(n_rows(experiment, gate) for gate in grid.values["gate"])
    units = most_rows * (hidden + 1) * (2 if "online" in grid.values["update"] else 1)
    counted = experiment.keep == "summary"
    most, work = _COUNTED if counted else (_CHUNK_RUNS[1], _CHUNK_UNITS)
    size = min(most, work // (experiment.train.max_epochs * units), math.ceil(grid.n_runs / 16))
    size = max(size, _CHUNK_RUNS[0])
    if counted:
        return 1 << size.bit_length() - 1  # so that a larger grid's is a multiple of it
    most_losses = _CHUNK_LOSSES // max(1, n_recorded(experiment.train))
    return max(1, min(size, most_losses, _CHUNK_BYTES // training_bytes(experiment, grid)))


def piece_size(experiment: Experiment, grid: Grid) -> int:
    """Return the runs that are trained together where only counts are kept."""
    return max(1, min(_CHUNK_RUNS[1], _CHUNK_BYTES // training_bytes(experiment, grid)))


def run_bytes(experiment: Experiment) -> int:
    """Return the bytes of what became of a run, its learning curve included."""
    return _OUTCOME_BYTES + answer_width(experiment) + 8 * n_recorded(experiment.train)


def training_bytes(experiment: Experiment, grid: Grid) -> int:
    """Return the bytes of memory that a run of a grid takes while it is trained, its learning curve not counted."""
    tables, values = experiment.tables, grid.values
    n_inputs = max(tables[gate].inputs.shape[1] if gate in tables else gates.n_inputs(gate) for gate in values["gate"])
    n_params = models.n_params(n_inputs, max(values["hidden"]), any(values["shortcut"]))
    return _OUTCOME_BYTES + answer_width(experiment) + _BYTES_PER_PARAMETER * n_params
