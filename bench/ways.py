"""The workloads, and every way to do each: this project's, and what one would use instead."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import sweep
from bench.peers import Adjustable, Peer
from bench.problem import WORKLOADS, Integers, Problem, Sample, experiment_of
from bench.timing import Way, seconds_of
from sweep.engine import runner
from sweep.engine.chunks import chunks_of
from sweep.engine.outcome import Outcome
from sweep.engine.workers import Workers
from sweep.spec.experiment import Experiment

N_CORES = len(os.sched_getaffinity(0))


class Workload(NamedTuple):
    """A workload and how much of it slow ways do.

    Attributes
    ----------
    name
        Of the file in bench/workloads.
    title
        For tables and figures.
    sample, python_sample
        What peers train, and what plain Python does.
    draws_starts
        Whether peers draw the starts while the clock runs, as ours always do.
    """

    name: str
    title: str
    sample: Sample
    python_sample: Sample
    draws_starts: bool = False


ALL = (
    Workload("logistic", "logistic regression, 2 inputs", Sample(23, 100), Sample(37, 4)),
    Workload("xor-2-2-1", "XOR on 2-2-1", Sample(1, 300), Sample(1, 4)),
    Workload("xor-2-8-1", "XOR on 2-8-1", Sample(1, 200), Sample(1, 4)),
    Workload("four-inputs", "logistic regression, 4 inputs", Sample(31, 1), Sample(2003, 1)),
    Workload("parity-5", "parity on 5-10-1", Sample(1, 16), Sample(4, 1)),
    Workload("parity-8", "parity on 8-16-1", Sample(1, 32), Sample(1, 1)),
    Workload("real-rows", "272 real rows on 16-16-1", Sample(1, 32), Sample(1, 1)),
    Workload("online", "parity on 3-4-1, online", Sample(1, 20), Sample(1, 1)),
    Workload("adam", "XOR on 2-4-1, Adam", Sample(1, 20), Sample(1, 1)),
    Workload("million", "a million runs of one epoch", Sample(1, 50_000), Sample(1, 5_000), draws_starts=True),
)


def trained(experiment: Experiment, jobs: int) -> Outcome:
    """Train every run of an experiment with this project's kernel; outcomes in the order of run numbers."""
    tasks = [(chunk, None) for chunk in chunks_of(experiment)]
    parts = [outcome for _, outcome in runner.train(experiment, tasks, Workers(jobs))]
    return Outcome.joined(sorted(parts, key=lambda part: int(part.runs[0])))


def ours(jobs: int) -> str:
    """The name of this project's kernel on so many cores."""
    return f"sweep, {jobs} core{'s' if jobs > 1 else ''}"


def kernel_ways(experiment: Experiment) -> list[Way]:
    """This project's kernel on one core and on all."""
    return [
        Way(ours(jobs), jobs, lambda jobs=jobs: trained(experiment, jobs), ours(jobs))  # type: ignore[misc]
        for jobs in sorted({1, N_CORES})
    ]


def process_ways(workload: Workload) -> list[Way]:
    """`sweep run` as a process, from its start to its end, with all it writes; and from Python, without figures."""
    file = WORKLOADS / f"{workload.name}.toml"
    processes = [
        Way(f"sweep run{option}", N_CORES, lambda option=option: _process(file, option.split()), ours(N_CORES))  # type: ignore[misc]
        for option in ("", " --no-figures")
    ]

    def from_python() -> None:
        with tempfile.TemporaryDirectory() as out:
            sweep.run(file, out, figures=False)

    return [*processes, Way("sweep.run(figures=False)", N_CORES, from_python, ours(N_CORES))]


def first_process(workload: Workload) -> Way:
    """`sweep run` where nothing is compiled yet."""

    def compile_and_run() -> None:
        with tempfile.TemporaryDirectory() as cache:
            _process(WORKLOADS / f"{workload.name}.toml", [], cache)

    return Way("sweep run, nothing compiled yet", N_CORES, compile_and_run, ours(N_CORES))


def _process(file: Path, options: Sequence[str], cache: str | None = None) -> None:
    with tempfile.TemporaryDirectory() as out:
        environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cache else {})}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
        subprocess.run(
            [sys.executable, "-m", "sweep", "run", file, "--out", out, *options],
            env=environment,
            check=True,
            capture_output=True,
        )


def peer_way(kind: type[Peer], workload: Workload, outcome: Outcome) -> Way:
    """A peer on its sample of a workload, set up as is best for it, and held against our outcome of the whole."""
    sample = workload.python_sample if kind.name == "Python loop" else workload.sample
    problem = Problem.of(experiment_of(workload.name), sample)
    peer = kind(problem)
    work = _timed_work(peer, problem, workload.draws_starts)
    note = _set_up(peer, work)
    epochs = work()
    n_cores = peer.cores
    return Way(
        kind.name,
        n_cores,
        work,
        ours(N_CORES if n_cores > 1 else 1),
        share_run=int(epochs.sum()) / outcome.n_epochs,
        share_same=float(np.mean(epochs == outcome.epochs[problem.runs])),
        note=note,
    )


def _timed_work(peer: Peer, problem: Problem, draws_starts: bool) -> Callable[[], Integers]:
    if draws_starts:
        return lambda: peer(problem.starts())
    starts = problem.starts()
    return lambda: peer(starts)


def _set_up(peer: Peer, work: Callable[[], object]) -> str:
    """Choose what is fastest of what the peer leaves open; what to say of it."""
    if not isinstance(peer, Adjustable):
        return ""
    seconds: dict[str, tuple[float, int]] = {}
    for choice in peer.choices:
        way = peer.choose(choice).partition(";")[0]
        if way not in seconds:
            work()
            seconds[way] = seconds_of(work), choice
    return peer.choose(min(seconds.values())[1])
