"""From an experiment to the outcome of every run: chunks of runs, each trained by a compiled kernel, over all cores."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import joblib
import numpy as np
from numpy.typing import NDArray

from sweep.engine.starts import draw_starts
from sweep.kernel.functions import exp
from sweep.kernel.plan import Plan, natural_width
from sweep.kernel.train import STATUSES, kernel
from sweep.spec import inits
from sweep.spec.experiment import Experiment
from sweep.spec.gates import truth_table
from sweep.spec.grid import Grid

_CHUNK_EPOCHS = 80_000_000
"""Row-epochs of a chunk at most, a fraction of a second: long beside joblib's overhead, short beside patience."""
_CHUNK_RUNS = (256, 65_536)
"""Runs of a chunk, at least and at most."""
_LIKELIHOOD_NATS = (1e-3, 600.0)
"""Where M · target_loss lies in between, the product of probabilities tells it: neither near 1 nor near underflow."""

_making_kernel = threading.Lock()


@dataclass
class Outcome:
    """What became of runs `start` … `start + n − 1` of an experiment.

    Attributes
    ----------
    start
        Number of the first run.
    status : int8, shape (n,)
        Index into `sweep.kernel.train.STATUSES`.
    epochs : int64, shape (n,)
        Updates applied.
    converged_epoch : int64, shape (n,)
        First epoch at which the criterion held, −1 for never.
    final_loss : float64, shape (n,)
        Mean loss in nats after the last update, ∞ for a diverged run.
    curves : float64, shape (n, n_recorded)
        Loss at epochs 0, record_every, …; NaN after a run's end. n_recorded is 0 if nothing is recorded.
    """

    start: int
    status: NDArray[np.int8]
    epochs: NDArray[np.int64]
    converged_epoch: NDArray[np.int64]
    final_loss: NDArray[np.float64]
    curves: NDArray[np.float64]

    @classmethod
    def empty(cls, start: int, n: int, n_recorded: int) -> "Outcome":
        """Room for n runs."""
        return cls(
            start,
            np.zeros(n, np.int8),
            np.zeros(n, np.int64),
            np.full(n, -1, np.int64),
            np.zeros(n),
            np.full((n, n_recorded), np.nan),
        )

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return self.status.size

    @property
    def n_epochs(self) -> int:
        """Updates applied, all runs together."""
        return int(self.epochs.sum())

    @property
    def status_counts(self) -> dict[str, int]:
        """Number of runs by status, every status named."""
        counts = np.bincount(self.status, minlength=len(STATUSES))
        return dict(zip(STATUSES, map(int, counts), strict=True))

    def put(self, part: "Outcome", where: NDArray[np.int64] | slice) -> None:
        """Copy another outcome's runs to the places `where` of this one."""
        self.status[where] = part.status
        self.epochs[where] = part.epochs
        self.converged_epoch[where] = part.converged_epoch
        self.final_loss[where] = part.final_loss
        self.curves[where] = part.curves


@dataclass(frozen=True)
class Chunk:
    """Runs `start` … `stop` − 1 of one grid, numbered within it; its run 0 is run `first` of the experiment."""

    grid: int
    first: int
    start: int
    stop: int


def run(
    experiment: Experiment,
    jobs: int = -1,
    backend: str = "threading",
    chunk_size: int | None = None,
    on_chunk: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Train every run of an experiment.

    Parameters
    ----------
    experiment
    jobs
        Workers at a time; −1 is one per core.
    backend
        joblib's: "threading", or "loky" for processes.
    chunk_size
        As in `chunks_of`. Like `jobs` and `backend` it changes no result.
    on_chunk
        Called with the outcome of each chunk as it is finished, in any order, from the calling thread.
    """
    total = Outcome.empty(0, experiment.n_runs, n_recorded(experiment))
    parallel = joblib.Parallel(n_jobs=jobs, backend=backend, return_as="generator_unordered")
    for part in parallel(joblib.delayed(train_chunk)(experiment, chunk) for chunk in chunks_of(experiment, chunk_size)):
        total.put(part, slice(part.start, part.start + part.n_runs))
        if on_chunk:
            on_chunk(part)
    return total


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


def train_chunk(experiment: Experiment, chunk: Chunk) -> Outcome:
    """The outcome of one chunk: a function of its arguments alone."""
    grid = experiment.grids[chunk.grid]
    runs = np.arange(chunk.start, chunk.stop)
    outcome = Outcome.empty(chunk.first + chunk.start, runs.size, n_recorded(experiment))
    gates, encodings = grid.values["gate"], grid.values["encoding"]
    numbers: dict[str | int, int] = {}
    gate_numbers, gate_of = np.unique(grid.indices("gate", runs), return_inverse=True)
    inputs = [numbers.setdefault(_inputs(experiment, gates[gate]), len(numbers)) for gate in gate_numbers]
    kind_of = np.array(inputs)[gate_of] * len(encodings) + grid.indices("encoding", runs)
    for kind in np.unique(kind_of):
        where = np.flatnonzero(kind_of == kind)
        outcome.put(_train_on_same_inputs(experiment, grid, runs[where], encodings[kind % len(encodings)]), where)
    return outcome


def _train_on_same_inputs(experiment: Experiment, grid: Grid, runs: NDArray[np.int64], encoding: str) -> Outcome:
    """The outcome of runs whose training sets differ in their targets only."""
    train = experiment.train
    gate_numbers, table_of_run = np.unique(grid.indices("gate", runs), return_inverse=True)
    gates = [grid.values["gate"][number] for number in gate_numbers]
    inputs = experiment.table(gates[0], encoding).inputs
    targets = _targets(experiment, gates)
    plan, loss_limit = _plan(experiment, inputs, targets, "" if gates[0] in experiment.tables else encoding)
    starts, start_of_run = _starts(grid, runs, plan.n_inputs)
    outcome = Outcome.empty(0, runs.size, n_recorded(experiment))
    with _making_kernel:
        train_runs = kernel(plan)
    train_runs(
        inputs,
        targets,
        table_of_run,
        starts,
        start_of_run,
        np.array(grid.values["learning_rate"], float)[grid.indices("learning_rate", runs)],
        train.max_epochs,
        train.record_every,
        loss_limit,
        0.0 if train.target_error is None else train.target_error,
        outcome.status,
        outcome.epochs,
        outcome.converged_epoch,
        outcome.final_loss,
        np.empty((0, plan.n_params)),
        outcome.curves,
    )
    return outcome


def n_recorded(experiment: Experiment) -> int:
    """Points of each learning curve, 0 if none is recorded."""
    every = experiment.train.record_every
    return 1 + experiment.train.max_epochs // every if every else 0


def _natural_chunk_size(experiment: Experiment, grid: Grid) -> int:
    tables = experiment.tables
    n_rows = max(len(tables[gate].targets if gate in tables else truth_table(gate)) for gate in grid.values["gate"])
    least, most = _CHUNK_RUNS
    return max(least, min(most, _CHUNK_EPOCHS // (experiment.train.max_epochs * n_rows), math.ceil(grid.n_runs / 16)))


def _inputs(experiment: Experiment, gate: str) -> str | int:
    """Equal for gates whose training sets have the same inputs."""
    return gate if gate in experiment.tables else len(truth_table(gate))


def _targets(experiment: Experiment, gates: Sequence[str]) -> NDArray[np.float64]:
    """Targets of training sets with the same inputs, one after another: float64, shape (n_gates, n_rows)."""
    if gates[0] in experiment.tables:
        return experiment.tables[gates[0]].targets.reshape(1, -1)
    outputs = "".join(map(truth_table, gates)).encode("ascii")
    bits = np.frombuffer(outputs, np.uint8).reshape(len(gates), -1)
    return np.where(bits == ord("1"), 1.0, 0.0)


def _plan(
    experiment: Experiment, inputs: NDArray[np.float64], targets: NDArray[np.float64], bits: str
) -> tuple[Plan, float]:
    """The kernel for these training sets, and the limit of the loss in the terms of that kernel."""
    train = experiment.train
    n_rows, n_inputs = inputs.shape
    nats = n_rows * (train.target_loss or 0.0)
    least, most = _LIKELIHOOD_NATS
    by_likelihood = bool(np.isin(targets, (0.0, 1.0)).all()) and (train.target_loss is None or least <= nats <= most)
    plan = Plan(
        n_inputs=n_inputs,
        n_rows=n_rows,
        bits=bits,
        soft_targets=not by_likelihood,
        stop_loss=train.target_loss is not None,
        stop_error=train.target_error is not None,
        early_stop=train.early_stop,
        width=natural_width(),
    )
    return plan, float(exp(np.float64(-nats))) if by_likelihood else nats  # type: ignore[no-untyped-call]


def _starts(grid: Grid, runs: NDArray[np.int64], n_inputs: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Different starts among the runs, a row each, and which of them each run has."""
    seeds, seed_of_run = np.unique(grid.seed_of(runs), return_inverse=True)
    scales = grid.values["init_scale"]
    kinds, kind_of_run = np.unique(
        grid.indices("init", runs) * len(scales) + grid.indices("init_scale", runs), return_inverse=True
    )
    rows = []
    for kind in kinds:
        init, scale = inits.parse(grid.values["init"][kind // len(scales)]), scales[kind % len(scales)]
        with np.errstate(over="ignore"):
            rows.append(scale * draw_starts(init, seeds, n_inputs))
    return np.concatenate(rows), kind_of_run * seeds.size + seed_of_run
