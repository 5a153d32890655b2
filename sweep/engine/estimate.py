"""Memory and disk that a sweep takes, estimated from its experiment alone."""

from collections.abc import Mapping

from sweep.engine.chunks import n_recorded, natural_chunk_size
from sweep.spec.experiment import Experiment
from sweep.spec.schema import SUMMARY

PIECE_BYTES = 2**26
"""Outcomes held at a time while tables are made of them, curves included."""

_PROCESS = 250_000_000
"""Packages and compiled kernels."""
_OUTCOME = 41
"""Bytes of a run in an `Outcome`, its curve not counted."""
_LOSS = 8
_WAITING = 5
"""Chunks of a worker that are trained or wait to be written."""
_TABLE_OF_OUTCOME = 6
"""Bytes of tables in work for each byte of the outcomes that they are made of."""
_COLUMNS = 80
_MOST_COLUMNS = 1_000_000_000
"""Bytes of a run in the columns that are read to be drawn, and of all runs: larger columns are read one at a time."""
_IN_MEMORY = 150
_LOSS_IN_MEMORY = 60
"""Bytes of a run, and of a recorded loss, in a result that is not written."""

_NUMBER = 19
"""Characters of a floating-point number that is no value of an axis."""
_CHUNK_FILE = 2_000
_CHUNK_RUN = 9
_CHUNK_LOSS = 7
_PARQUET_RUN = 16
"""Bytes after compression."""
_PARQUET_FILE = 8_000
_HEADER = 350
_DRAWN = 2_000_000
_SAMPLE = 1_000
"""Values of an axis that are looked at for their length."""


def run_bytes(experiment: Experiment) -> int:
    """Return the bytes of a run in memory while it is trained, its learning curve included."""
    return _OUTCOME + _LOSS * n_recorded(experiment)


def runs_per_piece(experiment: Experiment) -> int:
    """Return the number of runs whose outcomes take about PIECE_BYTES, at least 1."""
    return max(1, PIECE_BYTES // run_bytes(experiment))


def memory(experiment: Experiment, jobs: int, chunk_size: int | None = None) -> int:
    """Return the bytes of memory that a sweep takes at most which writes its result to a directory.

    Parameters
    ----------
    experiment
    jobs
        Workers at a time, at least 1.
    chunk_size
        Runs of a chunk; by default as `sweep.engine.chunks.natural_chunk_size` says.
    """
    n_runs = experiment.n_runs
    chunk = min(n_runs, max(chunk_size or natural_chunk_size(experiment, grid) for grid in experiment.grids))
    waiting = min(n_runs, chunk * _WAITING * jobs) * run_bytes(experiment)
    piece = min(n_runs, max(chunk, runs_per_piece(experiment))) * run_bytes(experiment) * _TABLE_OF_OUTCOME
    return _PROCESS + max(waiting, piece, min(_COLUMNS * n_runs, _MOST_COLUMNS))


def memory_of_result(experiment: Experiment) -> int:
    """Return the bytes of memory that a result takes which is not written."""
    return experiment.n_runs * (_IN_MEMORY + _LOSS_IN_MEMORY * n_recorded(experiment))


def disk(experiment: Experiment, formats: str, n_chunks: int, points_per_run: float | None = None) -> dict[str, int]:
    """Return file or directory of a result → bytes.

    Parameters
    ----------
    experiment
    formats
        "csv", "parquet" or "both": formats of the table of runs.
    n_chunks
        Number of chunks.
    points_per_run
        Recorded losses of a run in the mean; by default as many as a run has that trains to max_epochs.
    """
    n_runs, n_points = experiment.n_runs, experiment.n_points
    losses = n_recorded(experiment) if points_per_run is None else points_per_run
    setting, number, epochs = _setting_width(experiment), len(str(n_runs)), len(str(experiment.train.max_epochs))
    sizes: Mapping[str, float] = {
        "chunks": n_runs * (_CHUNK_RUN + _CHUNK_LOSS * losses) + _CHUNK_FILE * n_chunks,
        "runs.csv": n_runs * (setting + number + _seed_width(experiment) + 13 + 2 * epochs + _NUMBER + 6),
        "runs.parquet": _PARQUET_FILE + n_runs * _PARQUET_RUN,
        "curves.csv": n_runs * losses * (number + epochs + _NUMBER + 3),
        "summary.csv": _HEADER + n_points * (setting + len(SUMMARY) * (_NUMBER + epochs) / 2),
        "summary.parquet": _PARQUET_FILE + n_points * len(SUMMARY) * 4,
        "figures, report.html": _DRAWN,
    }
    absent = {"csv": ("runs.parquet", "summary.parquet"), "parquet": ("runs.csv",), "both": ()}[formats]
    kept = {name: size for name, size in sizes.items() if name not in absent and (losses or name != "curves.csv")}
    return {name: round(size) for name, size in kept.items()}


def _setting_width(experiment: Experiment) -> float:
    """Return the characters of a row's columns of the grid in the mean, commas included."""
    total = 0.0
    for grid in experiment.grids:
        for key in experiment.columns:
            values = grid.values[key]
            sample = values[:: -(-len(values) // _SAMPLE)]
            total += grid.n_runs * (1 + sum(map(_width, sample)) / len(sample))
    return total / experiment.n_runs


def _seed_width(experiment: Experiment) -> int:
    return max(len(str(grid.seeds[-1])) for grid in experiment.grids)


def _width(value: object) -> int:
    """Return the characters of a value in a CSV file."""
    if isinstance(value, str):
        return len(value) + 2
    return 0 if value is None else len(str(value).removesuffix(".0"))
