"""Preview of a sweep: exact counts, and estimates of time, memory and disk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.engine import estimate
from sweep.engine.chunks import chunks_of
from sweep.engine.retraining import recording
from sweep.engine.training import kinds_of, plans_of, train_runs
from sweep.kernel.plan import natural_width
from sweep.results.making import table_names
from sweep.spec.experiment import Experiment, Place
from sweep.spec.schema import status_code
from sweep.words import cell, counted, duration

N_ROWS = 5
"""Rows of the table of runs that are shown."""

_SEED = 1
_SECONDS = 0.8
"""Time of a worker for the last and largest sample."""
_FIRST_EPOCHS = 256
_FIRST_RUNS = 512
_SECONDS_PER_CHUNK = 0.003
_TABLE_BYTES_PER_SECOND = 25e6
_SECONDS_OF_FIGURES = 3.0, 1.5e-6
"""To draw any result, and more for each run."""


@dataclass(frozen=True)
class Preview:
    """Size of a sweep, which is exact, and estimates of the time, memory and disk that it takes.

    Attributes
    ----------
    rows
        The first few runs: `run`, the columns of the grid, and `seed`.
    seconds
        "training", "tables", "figures" → seconds; kernels are compiled once and kept.
    at_most
        True if training was not measured to its end; its time is then the longest that it can take.
    memory, disk
        Bytes at most, and file or directory of the result → bytes.
    """

    name: str
    n_runs: int
    n_points: int
    n_chunks: int
    n_kernels: int
    jobs: int
    rows: Sequence[Mapping[str, Any]]
    seconds: Mapping[str, float]
    at_most: bool
    memory: int
    disk: Mapping[str, int]


def plan(experiment: Experiment, jobs: int = -1) -> Preview:
    """Preview an experiment, with so many workers at a time; nothing is written but the kernels that Numba keeps."""
    import joblib

    n_jobs = joblib.effective_n_jobs(jobs)
    n_chunks = len(chunks_of(experiment))
    training = _measured(experiment, n_jobs)
    every = experiment.train.record_every
    points = 1 + training.mean_epochs / every if every else 0.0
    disk = estimate.disk(experiment, table_names(experiment), n_chunks, points)
    once, per_run = _SECONDS_OF_FIGURES
    return Preview(
        name=experiment.name,
        n_runs=experiment.n_runs,
        n_points=experiment.n_points,
        n_chunks=n_chunks,
        n_kernels=len(plans_of(experiment)),
        jobs=n_jobs,
        rows=[{"run": run, **experiment.row(run)} for run in range(min(experiment.n_runs, N_ROWS))],
        seconds={
            "training": training.core_seconds / min(n_jobs, n_chunks) + _SECONDS_PER_CHUNK * n_chunks,
            "tables": sum(disk.values()) / _TABLE_BYTES_PER_SECOND,
            "figures": once + per_run * (experiment.n_runs if experiment.keep == "runs" else experiment.n_points),
        },
        at_most=training.at_most,
        memory=estimate.memory(experiment, n_jobs),
        disk=disk,
    )


def text(preview: Preview) -> Iterator[str]:
    """Yield a preview in lines for people."""
    times = [f"{part} {duration(seconds)}" for part, seconds in preview.seconds.items()]
    files = [f"{name} {_size(size)}" for name, size in preview.disk.items()]
    about = "at most" if preview.at_most else "about"
    yield (
        f"{preview.name}: {counted(preview.n_runs, 'run')}, {counted(preview.n_points, 'setting')}, "
        f"{counted(preview.n_chunks, 'chunk')}, {counted(preview.n_kernels, 'kernel')}"
    )
    total = duration(sum(preview.seconds.values()))
    yield f"time: {about} {total} with {counted(preview.jobs, 'job')} ({', '.join(times)})"
    yield f"memory: at most about {_size(preview.memory)}"
    yield f"disk: about {_size(sum(preview.disk.values()))} ({', '.join(files)})"
    yield ""
    yield "  ".join(preview.rows[0])
    for row in preview.rows:
        yield "  ".join(map(cell, row.values()))
    if preview.n_runs > len(preview.rows):
        yield "…"


class _Training(NamedTuple):
    """Seconds of one worker for all runs, mean epochs of a run, and True if these are upper bounds."""

    core_seconds: float
    mean_epochs: float
    at_most: bool


def _measured(experiment: Experiment, jobs: int) -> _Training:
    """Train runs from all over an experiment: first for longer, then more of them, until that takes a while."""
    import joblib

    parallel = joblib.Parallel(n_jobs=jobs, backend="threading", batch_size=1)
    rng = np.random.default_rng(_SEED)
    n_runs, last = experiment.n_runs, experiment.train.max_epochs
    epochs, n = min(_FIRST_EPOCHS, last), min(_FIRST_RUNS * jobs, n_runs)
    while True:
        sample = ((np.arange(n) + rng.random(n)) * (n_runs / n)).astype(np.int64)
        kinds = _kinds(experiment, sample)
        for kind in kinds:  # so that no kernel is compiled while time is taken
            _trained(experiment, 1, kind, 1.0)
        parts = [kind._replace(within=kind.within[job::jobs]) for job in range(jobs) for kind in kinds]
        began = process_time()
        measured = parallel(
            joblib.delayed(_trained)(experiment, epochs, part, n_runs / n) for part in parts if part.within.size
        )
        core_seconds, n_epochs, n_cut = (sum(column) for column in zip(*measured, strict=True))
        if process_time() - began >= _SECONDS * jobs or (n == n_runs and not n_cut):
            return _Training(core_seconds, n_epochs / n, n_cut > 0)
        epochs, n = (min(4 * epochs, last), n) if n_cut else (epochs, min(2 * n, n_runs))


def _kinds(experiment: Experiment, runs: NDArray[np.int64]) -> list[Place[NDArray[np.int64]]]:
    """Sort runs by the kernel that trains them."""
    kinds = []
    for place in experiment.by_grid(runs):
        codes = kinds_of(experiment, experiment.grids[place.number], place.within)
        kinds += [place._replace(within=place.within[codes == code]) for code in np.unique(codes)]
    return kinds


def _trained(
    experiment: Experiment, max_epochs: int, part: Place[NDArray[np.int64]], n_alike: float
) -> tuple[float, int, int]:
    """Train runs of one kind, each of which stands for `n_alike`, for so many epochs at most.

    Returns the seconds to train all that they stand for to their end, projected; the epochs of the runs, those of one
    that was cut off counted to its end; and how many were cut off. Time goes with the epochs of all lanes side by side:
    those of all runs over the number of lanes, or those of the longest run.
    """
    began = perf_counter()
    outcome = train_runs(recording(experiment, 0, max_epochs), *part)
    seconds = perf_counter() - began
    last = experiment.train.max_epochs
    cut = (outcome.status == status_code("max_epochs")) & (outcome.epochs < last)
    epochs, width = np.where(cut, last, outcome.epochs), natural_width()
    spent = max(outcome.epochs.sum() / width, outcome.epochs.max(), 1)
    return seconds / spent * max(n_alike * epochs.sum() / width, epochs.max()), int(epochs.sum()), int(cut.sum())


def _size(n_bytes: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.3g} {unit}"
    return f"{n_bytes} bytes"
