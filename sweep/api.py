"""The interface from Python: run an experiment, draw what came out, read it again, check it, look into it."""

import operator
import os
import shlex
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from sweep import session
from sweep.commands import compare as comparing
from sweep.commands import replay as replaying
from sweep.commands.address import find, written
from sweep.engine import estimate
from sweep.engine.chunks import n_recorded
from sweep.engine.outcome import Outcome
from sweep.engine.tally import Tally
from sweep.engine.workers import Workers
from sweep.errors import ExperimentError, FailedError, StoreError
from sweep.results import checking
from sweep.session import OnChunk, OnStart, Say
from sweep.spec.experiment import Experiment, load
from sweep.spec.schema import BACKENDS
from sweep.store import strangers
from sweep.store.files import Tree
from sweep.store.lock import locked
from sweep.store.verify import Problem

if TYPE_CHECKING:
    from sweep.page.shown import Result

SweepError = (ExperimentError, StoreError, FailedError)
"""Errors for invalid input, for a directory that cannot be used, and for a sweep that could not be finished."""


def run(
    source: str | os.PathLike[str] | Mapping[str, Any],
    out: str | os.PathLike[str] | None = None,
    *,
    overrides: Sequence[str] = (),
    jobs: int = -1,
    backend: str = "threading",
    scheduler: str | None = None,
    chunk_size: int | None = None,
    figures: bool = True,
    on_start: OnStart = None,
    on_chunk: OnChunk = None,
    say: Say = warnings.warn,
) -> "Result":
    """Train every run of an experiment, and gather what came out.

    Runs that are on disk already are not trained again: an interrupted sweep resumes, and a changed experiment takes
    over the runs that it shares with the earlier one.

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
        "threading", "loky" for processes, or "dask". Like `jobs` and `chunk_size` it changes no result.
    scheduler
        With "dask", the address of the cluster's scheduler.
    chunk_size
        Runs that a worker takes at a time; by default what takes a fraction of a second.
    figures
        Whether to draw figures and report.html as well, if the result is written.
    on_start, on_chunk
        `on_start` is called once before training, for a result on disk. `on_chunk` is called with the outcome of each
        chunk, and how many of its runs were trained for it.
    say
        Called with each message about the directory, a line of text.

    Raises
    ------
    ExperimentError
        If the experiment is not valid, or too large for this machine; nothing has been written.
    StoreError
        If the directory cannot be written; `LockedError` if another sweep is at work there.
    FailedError
        If workers died, or the disk is full; all finished chunks are kept.
    ValueError
        If `jobs`, `backend` or `chunk_size` is not valid.
    """
    _check_options(jobs, backend, scheduler, chunk_size)
    experiment = load(source, overrides)
    for line in experiment.out_of_reach():
        say(line)
    directory = Path(out) if out is not None else None
    if directory is None and not isinstance(source, Mapping):
        directory = Path("results") / experiment.name
    workers = Workers(jobs, backend, scheduler, chunk_size)
    if directory is None:
        return _in_memory(experiment, workers, on_chunk)
    session.check_memory(experiment, workers)
    strangers.check_directory(Tree(directory))
    with locked(directory) as tree:
        result = session.finished(experiment, tree, say)
        if result is None:
            result = session.compute(experiment, tree, workers, on_start, on_chunk, say)
        if figures and not any(name.endswith(".html") for name in result.manifest["files"]):
            result = session.draw(result)
    return result


def draw(result: "Result", all_kernels: bool = False, jobs: int = 1) -> "Result":
    """Draw figures and report.html of a result that is on disk: from its tables, and by training single runs again.

    Parameters
    ----------
    result
        From `read`, or from `run` where it has written one.
    all_kernels : bool
        True for a report that trains every kind of run of the experiment, however large it becomes. By default it
        trains the 24 commonest kinds, in 280 kB at most.
    jobs : int
        Figures to draw at a time, on Linux only, in copies of this process; −1 is one per core. Copies of a process
        whose other threads are at work are not safe, so that the default is 1.

    Returns
    -------
    Result
        The same, with the files drawn in its manifest.

    Raises
    ------
    StoreError
        If the directory cannot be written; `LockedError` if a sweep is at work there.
    ValueError
        If the result is in memory only.
    """
    if result.path is None:
        raise ValueError("the result is in memory only; give sweep.run a directory with out=")
    with locked(result.path):
        return session.draw(result, all_kernels, jobs)


def index(directory: str | os.PathLike[str]) -> tuple[Path, list[str]]:
    """Write index.html in a directory of results: each result below it, with its question, answer and first figure.

    Returns the page, and a line for each result that cannot be read; ``StoreError`` if there is no result at all.
    """
    from sweep.page.across import index as pages
    from sweep.page.across.cards import MARK

    tree, cards, problems = Tree(directory), [], []
    for name in pages.results_below(tree):
        try:
            cards.append(pages.card_of(name, read(tree.path / name)))
        except StoreError as error:
            problems.append(str(error))
            cards.append(pages.failed(name, error))
    if not cards:
        raise StoreError(f"{tree.path}: no result is here or below; make one with: sweep run FILE")
    strangers.check_file(tree.path / "index.html", MARK, "page of results")
    with session.refusals(tree), tree.new_file("index.html") as file:
        file.write(pages.index(f"Results in {tree.path.as_posix()}", cards).encode())
    return tree.path / "index.html", problems


def holds_results(directory: str | os.PathLike[str]) -> bool:
    """Return True if a directory holds no result itself, and some below it."""
    from sweep.page.across.index import results_below
    from sweep.store.manifest import MANIFEST

    tree = Tree(directory)
    return tree.path.is_dir() and not tree.exists(MANIFEST) and any(results_below(tree))


def read(directory: str | os.PathLike[str]) -> "Result":
    """Read a result from disk, with the tables and dtypes that `run` gave.

    Raises
    ------
    StoreError
        If there is no complete result in the directory, or a table is not as it was written.
    """
    return session.read(Path(directory))


def replay(
    result: "Result | str | os.PathLike[str]", run: SupportsIndex | str | None = None, **setting: Any
) -> "replaying.Replay":
    """Train one run of a result again, bit for bit, with its weights and its whole learning curve.

    Parameters
    ----------
    result : Result or path
        A result, or the directory of one.
    run
        The number of the run, or its address as the report has it, such as "hidden=2 seed=20".
    **setting
        Instead of `run`, keys of the grid and `seed`, each with a value; keys that have one value may be left out.

    Returns
    -------
    Replay
        With `initial_weights`, `final_weights`, `curve`, `outputs` and `identical`, which is True if the run came out
        as the result has it. `print` shows what the command shows.

    Raises
    ------
    ValueError
        If the result has no such run, or several.
    TypeError
        If there are both a run and keys.
    """
    if run is not None and setting:
        raise TypeError("replay takes either a run or the keys of its setting")
    found = _result(result)
    if run is None or isinstance(run, str):
        address = shlex.split(run) if run else [f"{key}={written(value)}" for key, value in setting.items()]
        run = find(found.experiment, address)
    return replaying.replay(found, operator.index(run))


def compare(one: "Result | str | os.PathLike[str]", other: "Result | str | os.PathLike[str]") -> "comparing.Comparison":
    """Compare two results run by run; runs are paired by their settings and seeds.

    Parameters
    ----------
    one, other : Result or path
        Results, or directories of results.

    Returns
    -------
    Comparison
        `same` is True if both have the same runs with the same outcomes. `print` shows what the command shows.
    """
    return comparing.compare(_result(one), _result(other))


def _result(source: "Result | str | os.PathLike[str]") -> "Result":
    from sweep.results.result import Result

    if isinstance(source, str | os.PathLike):
        return read(source)
    if not isinstance(source, Result):
        raise TypeError(f"found {source!r}; allowed: a result, or the directory of one")
    return source


def verify(
    directory: str | os.PathLike[str], repair: bool = False, say: Say = warnings.warn
) -> tuple[int, list[Problem]]:
    """Check every file of a result against what was written.

    Parameters
    ----------
    directory
    repair
        True to mend damaged files: chunks are trained again, everything else is made from the chunks.
    say
        Called with each message about mending, a line of text.

    Returns
    -------
    n_files : int
        Number of files checked.
    problems : list
        Each with `path` and `what`; with `repair`, what could not be mended.

    Raises
    ------
    StoreError
        If there is no result; `LockedError` if a sweep is at work there.
    """
    path = Path(directory)
    if not path.is_dir():
        raise StoreError(f"{path}: no such directory")
    if not repair:
        return checking.verify(Tree(path))
    with locked(path) as tree:
        n_files, problems = checking.verify(tree)
        for problem in problems:
            say(str(problem))
        return n_files, session.mend(tree, problems, say)


def _check_options(jobs: int, backend: str, scheduler: str | None, chunk_size: int | None) -> None:
    if jobs != -1 and jobs < 1:
        raise ValueError(f"jobs: found {jobs}; allowed: 1 or more, or -1 for one per core")
    if backend not in BACKENDS:
        raise ValueError(f"backend: found {backend!r}; allowed: {', '.join(BACKENDS)}")
    if (backend == "dask") != (scheduler is not None):
        raise ValueError("backend, scheduler: found one without the other; allowed: dask and the address, or neither")
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size: found {chunk_size}; allowed: 1 or more")


def _in_memory(experiment: Experiment, workers: Workers, on_chunk: OnChunk) -> "Result":
    import numpy as np
    import pyarrow as pa

    from sweep.engine import runner
    from sweep.engine.chunks import chunks_of
    from sweep.page.shown import Result
    from sweep.results.making import make_tables
    from sweep.results.result import InMemory
    from sweep.results.tables import from_arrow

    _check_memory(experiment)
    began = time.perf_counter()
    total: Any = Tally.empty(range(experiment.n_runs))
    if experiment.keep == "runs":
        total = Outcome.room(experiment, np.arange(experiment.n_runs))
    tasks = [(chunk, None) for chunk in chunks_of(experiment, workers.chunk_size)]
    for chunk, outcome in runner.train(experiment, tasks, workers):
        if isinstance(outcome, Tally):
            outcome = outcome.shifted(experiment.first_points[chunk.grid])  # noqa: PLW2901
        total.put(outcome, slice(chunk.first + chunk.start, chunk.first + chunk.stop))
        if on_chunk:
            on_chunk(outcome, outcome.n_runs)
    manifest = session.described(experiment, workers, time.perf_counter() - began, total.n_runs)
    pieces: dict[str, list[pa.Table]] = {}
    manifest |= make_tables(experiment, [total], lambda name, piece: pieces.setdefault(name, []).append(piece))
    frames = {name.partition(".")[0]: from_arrow(pa.concat_tables(parts), experiment) for name, parts in pieces.items()}
    return Result(InMemory(frames), {**manifest, "complete": True, "files": {}}, experiment)


def _check_memory(experiment: Experiment) -> None:
    n_losses = experiment.n_runs * n_recorded(experiment.train)
    needed, installed = estimate.memory_of_result(experiment), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > installed:
        losses = f" and {n_losses:,} recorded losses" if n_losses else ""
        raise ExperimentError(
            f"{experiment.name}: {experiment.n_runs:,} runs{losses} take about {needed / 1e9:,.0f} GB of memory; "
            f"allowed: {installed / 1e9:,.0f} GB, which this machine has; "
            "write the result to a directory, which takes little memory"
        )
