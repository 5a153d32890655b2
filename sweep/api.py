"""The interface from Python: run an experiment, draw what came out, read it again."""

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib

from sweep.engine import runner, store
from sweep.engine.outcome import Outcome
from sweep.engine.store import StoreError
from sweep.engine.training import n_recorded
from sweep.report import tables
from sweep.report.tables import Result
from sweep.spec.experiment import Experiment, ExperimentError, load

__all__ = ["Result", "SweepError", "draw", "read", "run"]

SweepError = (ExperimentError, StoreError)
"""What the functions here raise for input they cannot use: the text is for people."""

BACKENDS = ("threading", "loky")

_BYTES_PER_RUN = 150
_BYTES_PER_LOSS = 60
_PACKAGES = ("sweep", "numpy", "numba", "llvmlite", "pandas", "pyarrow", "matplotlib", "joblib")


def run(
    source: str | os.PathLike[str] | Mapping[str, Any],
    out: str | os.PathLike[str] | None = None,
    *,
    overrides: Sequence[str] = (),
    jobs: int = -1,
    backend: str = "threading",
    chunk_size: int | None = None,
    figures: bool = True,
    on_start: Callable[[Experiment, Path | None], None] | None = None,
    on_chunk: Callable[[Outcome], None] | None = None,
) -> Result:
    """Train every run of an experiment, and gather what came out.

    Parameters
    ----------
    source : path or dict
        An experiment file, or a dict of the same shape.
    out : path, optional
        Directory for the result. By default results/NAME for a file, and none, the result being in memory only, for
        a dict.
    overrides
        Settings to change, as "KEY=VALUE" texts.
    jobs
        Workers at a time; −1 is one per core.
    backend
        joblib's: "threading" or "loky". Like `jobs` and `chunk_size` it changes no result.
    chunk_size
        Runs that a worker takes at a time; by default what takes a fraction of a second.
    figures
        Whether to draw figures and report.html as well, if the result is written.
    on_start, on_chunk
        Called once before training with the experiment and its directory, and with the outcome of each chunk.

    Raises
    ------
    ExperimentError
        If the experiment is not valid, or too large for this machine; nothing has been written.
    StoreError
        If the directory cannot be written.
    ValueError
        If `jobs`, `backend` or `chunk_size` is not valid.
    """
    if jobs != -1 and jobs < 1:
        raise ValueError(f"jobs: found {jobs}; allowed: 1 or more, or -1 for one per core")
    if backend not in BACKENDS:
        raise ValueError(f"backend: found {backend!r}; allowed: {', '.join(BACKENDS)}")
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size: found {chunk_size}; allowed: 1 or more")
    experiment = load(source, overrides)
    _check_memory(experiment)
    directory = Path(out) if out is not None else None
    if directory is None and not isinstance(source, Mapping):
        directory = Path("results") / experiment.name
    if directory is not None:
        store.prepare(directory)
    if on_start:
        on_start(experiment, directory)

    began = time.perf_counter()
    outcome = runner.run(experiment, jobs, backend, chunk_size, on_chunk)
    seconds = time.perf_counter() - began
    frames = {
        "runs.csv": tables.runs_table(experiment, outcome),
        "summary.csv": tables.summary_table(experiment, outcome),
    }
    if experiment.train.record_every:
        frames["curves.csv"] = tables.curves_table(outcome, experiment.train.record_every)
    manifest = {
        "name": experiment.name,
        "question": experiment.question,
        "n_runs": experiment.n_runs,
        "n_points": experiment.n_points,
        "n_epochs": outcome.n_epochs,
        "seconds": round(seconds, 3),
        "jobs": joblib.effective_n_jobs(jobs),
        "backend": backend,
        "cpu": _cpu(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in _PACKAGES},
        "experiment": experiment.resolved(),
        "files": store.write_tables(directory, frames) if directory is not None else {},
    }
    if directory is not None:
        store.write_manifest(directory, manifest)
    result = Result(frames["runs.csv"], frames["summary.csv"], frames.get("curves.csv"), manifest, directory)
    return draw(result) if figures and directory is not None else result


def draw(result: Result) -> Result:
    """Draw figures and report.html of a result that is on disk, from its tables alone.

    Parameters
    ----------
    result
        From `read`, or from `run` where it has written one.

    Returns
    -------
    Result
        The same, with the files drawn in its manifest.

    Raises
    ------
    StoreError
        If the directory cannot be written.
    ValueError
        If the result is in memory only.
    """
    from sweep.report import html

    if result.path is None:
        raise ValueError("the result is in memory only; give sweep.run a directory with out=")
    tables_only = {name: digest for name, digest in result.manifest["files"].items() if name in store.TABLES}
    try:
        written = html.write(replace(result, manifest={**result.manifest, "files": tables_only}), result.path)
    except OSError as error:
        raise StoreError(f"{result.path}: writing figures and report failed ({error.strerror or error})") from None
    drawn = {path.relative_to(result.path).as_posix(): store.sha256(path) for path in written}
    manifest = {**result.manifest, "files": tables_only | drawn}
    store.write_manifest(result.path, manifest)
    return replace(result, manifest=manifest)


def read(directory: str | os.PathLike[str]) -> Result:
    """A result from disk, with the tables and dtypes that `run` gave.

    Raises
    ------
    StoreError
        If there is no complete result in the directory.
    """
    path = Path(directory)
    manifest = store.read_manifest(path)
    try:
        experiment = load(manifest["experiment"])
    except ExperimentError as error:
        raise StoreError(f"{path / store.MANIFEST}: damaged ({error}); run the experiment again") from None
    types = tables.arrow_types(experiment)
    frames = {
        name: tables.from_arrow(store.read_table(path, name, manifest["files"][name], types), experiment)
        for name in store.TABLES
        if name in manifest["files"]
    }
    return Result(frames["runs.csv"], frames["summary.csv"], frames.get("curves.csv"), manifest, path)


def _check_memory(experiment: Experiment) -> None:
    n_losses = experiment.n_runs * n_recorded(experiment)
    needed = experiment.n_runs * _BYTES_PER_RUN + n_losses * _BYTES_PER_LOSS
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > installed:
        what, advice = f"{experiment.n_runs:,} runs", "fewer seeds or settings"
        if n_losses:
            what, advice = f"{what} and {n_losses:,} recorded losses", f"{advice}, or a larger record_every"
        raise ExperimentError(
            f"{experiment.name}: {what} take about {needed / 1e9:,.0f} GB of memory; "
            f"allowed: {installed / 1e9:,.0f} GB, which this machine has; take {advice}"
        )


def _cpu() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
