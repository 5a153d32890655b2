"""Memory, disk and work that a sweep takes, estimated from its experiment alone."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sweep.engine.chunks import (
    answer_width,
    n_recorded,
    n_rows,
    natural_chunk_size,
    piece_size,
    run_bytes,
    training_bytes,
)
from sweep.spec.experiment import Experiment
from sweep.spec.grid import Grid
from sweep.spec.schema import SUMMARY

MOST_MEMORY = 1_500_000_000
"""Bytes that a sweep takes at most; one that would take more is refused."""
PIECE_BYTES = 2**26
"""Outcomes held at a time while tables are made of them, curves included."""

_PROCESS = 400_000_000
"""Packages, compiled kernels, figures of few settings."""
MOST_WRITERS = 8
"""Chunks that are written at a time, at most."""
_MOST_WAITING = 48
_EARLIER = 2**27
"""Chunks of earlier settings that are kept in memory."""
_POINT = 20
"""Bytes of a run while the summary of its grid point is made."""
_TABLE_OF_OUTCOME = 6
"""Bytes of tables in work for each byte of the outcomes that they are made of."""
_DRAWN_RUN = 80
_DRAWN_POINT = 600
_MOST_DRAWN = 1_000_000_000
"""Bytes of a run and of a grid point while they are drawn, and of all of a large table, read column by column."""
_IN_MEMORY = 150
_LOSS_IN_MEMORY = 60
"""Bytes of a run, and of a recorded loss, in a result that is not written."""

_CELLS = 1_000
"""Different counts of a setting, or of the runs of it in a chunk, at most; of fewer runs about half as many."""
_CELL_IN_WORK = 200
_RUN_COUNTED = 64
"""Bytes of a count while tables are made of it, and of a run of a chunk while it is looked for in earlier ones."""
_CELL_OF_CHUNK = 10
_CELL_OF_TABLE = 50

_NUMBER = 19
"""Characters of a floating-point number that is no value of an axis."""
_CHUNK_FILE = 2_000
_CHUNK_RUN = 9
_CHUNK_LOSS = 7
_PARQUET_RUN = 16
"""Bytes after compression."""
_PARQUET_FILE = 8_000
_HEADER = 350
_ANSWERS = 4
"""Different answers at a grid point, if it has so many runs."""
_FIGURES = 2_000_000
_SAMPLE = 1_000
"""Values of an axis that are looked at for their length."""


def n_writers(jobs: int) -> int:
    """Return the number of chunks that are written at a time."""
    return min(jobs, MOST_WRITERS)


def chunks_in_work(jobs: int) -> int:
    """Return the number of chunks that are trained or wait to be written at a time."""
    return jobs + min(2 * jobs, _MOST_WAITING - MOST_WRITERS)


def runs_per_piece(experiment: Experiment) -> int:
    """Return the number of runs whose outcomes take about PIECE_BYTES, at least 1."""
    return max(1, PIECE_BYTES // run_bytes(experiment))


def memory(experiment: Experiment, jobs: int, chunk_size: int | None = None) -> int:
    """Return the bytes of memory that a sweep takes at most which writes its result to a directory."""
    n_runs = experiment.n_runs
    sizes = [chunk_size or natural_chunk_size(experiment, grid) for grid in experiment.grids]
    if experiment.keep == "summary":
        grids = list(zip(sizes, experiment.grids, strict=True))
        piece = max(min(size, piece_size(experiment, grid)) * training_bytes(experiment, grid) for size, grid in grids)
        cells = sum(_cells(grid, grid.n_points) for grid in experiment.grids)
        return _PROCESS + jobs * piece + min(n_runs, max(sizes)) * _RUN_COUNTED + round(_CELL_IN_WORK * cells)
    chunk = min(n_runs, max(sizes))
    in_work = max(size * training_bytes(experiment, grid) for size, grid in zip(sizes, experiment.grids, strict=True))
    waiting = min(n_runs, chunk * (chunks_in_work(jobs) + n_writers(jobs))) * run_bytes(experiment)
    piece = min(n_runs, max(chunk, runs_per_piece(experiment))) * run_bytes(experiment) * _TABLE_OF_OUTCOME
    point = max(len(grid.seeds) for grid in experiment.grids) * _POINT
    drawn = _drawn(experiment)
    return _PROCESS + max(_EARLIER + min(jobs, math.ceil(n_runs / chunk)) * in_work + waiting, piece + point, drawn)


def drawing_processes(experiment: Experiment, jobs: int) -> int:
    """Return how many of so many processes have the memory to draw at a time."""
    return max(1, min(jobs, _MOST_DRAWN // _drawn(experiment)))


def _drawn(experiment: Experiment) -> int:
    """Return the bytes of memory that drawing a result takes."""
    return min(_DRAWN_RUN * experiment.n_runs + _DRAWN_POINT * experiment.n_points, _MOST_DRAWN)


def memory_of_result(experiment: Experiment) -> int:
    """Return the bytes of memory that a result takes which is not written."""
    return experiment.n_runs * (_IN_MEMORY + _LOSS_IN_MEMORY * n_recorded(experiment.train))


def work(experiment: Experiment, runs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what an epoch of each of some runs costs, up to a factor: rows of its table × units of its model."""
    costs = []
    for number, _, within in experiment.by_grid(runs):
        grid = experiment.grids[number]
        gates, gate_of = np.unique(grid.indices("gate", within), return_inverse=True)
        rows = np.array([n_rows(experiment, grid.values["gate"][gate]) for gate in gates], np.float64)
        units = np.array([1.0 + hidden for hidden in grid.values["hidden"]])
        updates = np.array([2.0 if update == "online" else 1.0 for update in grid.values["update"]])
        costs.append(rows[gate_of] * units[grid.indices("hidden", within)] * updates[grid.indices("update", within)])
    return np.concatenate(costs) if costs else np.zeros(0)


def disk(experiment: Experiment, tables: Sequence[str], n_chunks: int, losses: float) -> dict[str, int]:
    """Return file or directory of a result → bytes.

    `tables` are the files of its tables, and `losses` the recorded losses of a run in the mean.
    """
    n_runs, n_points = experiment.n_runs, experiment.n_points
    answers = answer_width(experiment) + 3
    rows_of_answers = sum(grid.n_points * min(len(grid.seeds), _ANSWERS) for grid in experiment.grids)
    seed = max(len(str(max(grid.seeds[0], grid.seeds[-1]))) for grid in experiment.grids)
    setting, number, epochs = _setting_width(experiment), len(str(n_runs)), len(str(experiment.train.max_epochs))
    files = max(n_chunks / len(experiment.grids), 1)
    cells, of_chunks = (sum(_cells(grid, max(grid.n_points, n)) for grid in experiment.grids) for n in (0, files))
    sizes: Mapping[str, float] = {
        "chunks": n_runs * (_CHUNK_RUN + _CHUNK_LOSS * losses) + _CHUNK_FILE * n_chunks,
        "runs.csv": n_runs * (setting + number + seed + 13 + answers + 2 * epochs + _NUMBER + 6),
        "runs.parquet": _PARQUET_FILE + n_runs * _PARQUET_RUN,
        "curves.csv": n_runs * losses * (number + epochs + _NUMBER + 3),
        "summary.csv": _HEADER + n_points * (setting + len(SUMMARY) * (_NUMBER + epochs) / 2),
        "answers.csv": rows_of_answers * (setting + answers + 6),
        "summary.parquet": _PARQUET_FILE + n_points * len(SUMMARY) * 4,
        "counts.csv": _HEADER + cells * (setting + number + _CELL_OF_TABLE + 2 * epochs),
        "figures, report.html": _FIGURES,
    }
    if experiment.keep == "summary":
        sizes = {**sizes, "chunks": _CHUNK_FILE * n_chunks + _CELL_OF_CHUNK * of_chunks}
    return {name: round(sizes[name]) for name in ("chunks", *tables, "figures, report.html")}


def _cells(grid: Grid, n_parts: float) -> float:
    """Return the different counts of a grid whose runs are counted in so many parts."""
    return n_parts * min(grid.n_runs / n_parts, _CELLS, 1 + grid.n_runs / n_parts / 2)


def _setting_width(experiment: Experiment) -> float:
    """Return the characters of a row's columns of the grid in the mean, commas included."""
    total = 0.0
    for grid in experiment.grids:
        for key in experiment.columns:
            values = grid.values[key]
            sample = values[:: -(-len(values) // _SAMPLE)]
            total += grid.n_runs * (1 + sum(map(_width, sample)) / len(sample))
    return total / experiment.n_runs


def _width(value: object) -> int:
    """Return the characters of a value in a CSV file."""
    if isinstance(value, str):
        return len(value) + 2
    return 0 if value is None else len(str(value).removesuffix(".0"))
