"""What a sweep would do: how many runs, and how much time, disk and memory they take, told from a sample of them."""

import heapq
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweep.engine.chunks import chunks_of, n_recorded, natural_chunk_size
from sweep.engine.outcome import Outcome
from sweep.engine.training import CHOICES, inputs_of, train_runs
from sweep.kernel import STATUSES
from sweep.kernel.plan import natural_width
from sweep.spec.experiment import Experiment
from sweep.spec.grid import Grid

if TYPE_CHECKING:
    import pyarrow as pa

N_ROWS = 5
"""Rows of the table of runs that are shown."""

_SEED = 1
_SECONDS = 0.8
"""A round of the sample that takes every worker so long, not counting what others do on the machine, is the last."""
_FIRST_EPOCHS = 256
_FIRST_RUNS = 32
_EPOCHS_PER_LOOK = 2
"""What it takes to begin a run and to end it."""
_MOST_LOSSES = 10_000_000
"""Recorded losses of a round at most."""
_TABLE_ROWS = 50_000
"""Rows of the sample that are written as tables, in memory."""

_SECONDS_FOR_FIGURES = 3.0, 1.5e-6
"""To draw what there is to draw of any result, and more for each run: as gates and xor take."""
_SECONDS_PER_CHUNK = 0.003
_BYTES_OF_FIGURES = 2_000_000
_BYTES_PER_CHUNK = 3_000
_BYTES_OF_PROCESS = 250_000_000
_BYTES_PER_RUN = 80
"""In memory, when tables are read to be drawn."""
_BYTES_PER_SECOND = 300e6
"""Of tables that are checked when they are read."""


@dataclass(frozen=True)
class Plan:
    """What a sweep would do.

    Attributes
    ----------
    name
        Of the experiment.
    n_runs, n_points, n_chunks, n_kernels
        Runs, grid points, chunks, and kinds of model that a kernel is compiled for: exact.
    jobs
        Workers at a time.
    rows
        The first few runs: `run`, the columns of the grid, and `seed`.
    seconds
        "compile", "training", "tables", "figures" → seconds, estimated. Making the plan has compiled the kernels, and
        Numba keeps them: "compile" is what it takes to load them.
    at_most
        Whether the sample was too slow to be trained to its end, so that "training" takes the longest it can.
    disk
        File or directory of the result → bytes, estimated.
    memory
        Bytes, estimated.
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
    disk: Mapping[str, int]
    memory: int


@dataclass(frozen=True)
class _Kind:
    """The runs of one grid that one kernel trains.

    Attributes
    ----------
    number, first, grid
        Which grid, and the number of its first run in the experiment.
    axes
        Which values of each key, and which seeds, these runs have.
    """

    number: int
    first: int
    grid: Grid
    axes: tuple[Sequence[int], ...]

    @property
    def n_runs(self) -> int:
        return math.prod(map(len, self.axes))

    def model(self, experiment: Experiment) -> tuple[Any, ...]:
        """Equal for kinds that share a kernel."""
        at = dict(zip(self.grid.values, self.axes, strict=False))
        gate = self.grid.values["gate"][at["gate"][0]]
        return inputs_of(experiment, gate), *(self.grid.values[key][at[key][0]] for key in CHOICES)

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """About n different runs, numbered within the grid, increasing: one in each of n equal stretches of all."""
        if n >= self.n_runs:
            places = np.arange(self.n_runs)
        else:
            places = np.unique(((np.arange(n) + rng.random(n)) * (self.n_runs / n)).astype(np.int64))
        digits = np.unravel_index(places, tuple(map(len, self.axes)))
        indices = tuple(np.asarray(axis)[digit] for axis, digit in zip(self.axes, digits, strict=True))
        return np.sort(np.ravel_multi_index(indices, self.grid.shape)).astype(np.int64)


@dataclass(frozen=True)
class _Sample:
    """What a sample has told.

    Attributes
    ----------
    outcome
        What became of its runs, in the order of their numbers.
    core_seconds
        Of training all runs, by one of as many workers as the sample had.
    at_most
        Whether its runs were ended early, and counted as if they went on to max_epochs.
    """

    outcome: Outcome
    core_seconds: float
    at_most: bool


def plan(experiment: Experiment, jobs: int = -1) -> Plan:
    """Say what an experiment would take: exact numbers of runs, and estimates from a sample of them.

    Nothing is written, but that Numba keeps the kernels it compiles. Each kernel trains runs from all over its part
    of the grid, more and more of them until that takes about a second, on as many threads as the sweep would.

    Parameters
    ----------
    experiment
    jobs
        Workers at a time; −1 is one per core.
    """
    import joblib

    n_jobs = joblib.effective_n_jobs(jobs)
    n_chunks = len(chunks_of(experiment))
    kinds = _kinds(experiment)
    seconds = {"compile": _make_kernels(experiment, kinds)}
    sample = _sampled(experiment, kinds, n_jobs)
    seconds["training"] = sample.core_seconds / min(n_jobs, n_chunks) + _SECONDS_PER_CHUNK * n_chunks
    disk, seconds["tables"] = _tables(experiment, sample.outcome[:_TABLE_ROWS], n_chunks)
    once, per_run = _SECONDS_FOR_FIGURES
    seconds["figures"] = once + per_run * experiment.n_runs
    losses = n_recorded(experiment) * 8
    waiting = min(experiment.n_runs, 5 * n_jobs * max(chunk.stop - chunk.start for chunk in chunks_of(experiment)))
    return Plan(
        name=experiment.name,
        n_runs=experiment.n_runs,
        n_points=experiment.n_points,
        n_chunks=n_chunks,
        n_kernels=len({kind.model(experiment) for kind in kinds}),
        jobs=n_jobs,
        rows=_rows(experiment),
        seconds=seconds,
        at_most=sample.at_most,
        disk=disk,
        memory=_BYTES_OF_PROCESS + _BYTES_PER_RUN * experiment.n_runs + losses * waiting,
    )


def text(plan: Plan) -> list[str]:
    """A plan, in lines for people."""
    from sweep.progress import duration

    parts = [f"{what} {duration(seconds)}" for what, seconds in plan.seconds.items()]
    files = [f"{name} {_size(size)}" for name, size in plan.disk.items()]
    about = "at most" if plan.at_most else "about"
    lines = [
        f"{plan.name}: {_counted(plan.n_runs, 'run')}, {_counted(plan.n_points, 'setting')}, "
        f"{_counted(plan.n_chunks, 'chunk')}, {_counted(plan.n_kernels, 'kernel')}",
        f"time: {about} {duration(sum(plan.seconds.values()))} with {_counted(plan.jobs, 'job')} ({', '.join(parts)})",
        f"memory: about {_size(plan.memory)}",
        f"disk: about {_size(sum(plan.disk.values()))} ({', '.join(files)})",
        "",
    ]
    names = list(plan.rows[0])
    cells = [names, *([_short(row[name]) for name in names] for row in plan.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines += ["  ".join(map(str.rjust, row, widths)) for row in cells]
    return lines + ["…"] * (plan.n_runs > len(plan.rows))


def _rows(experiment: Experiment) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    first = 0
    for grid in experiment.grids:
        for number in range(min(grid.n_runs, N_ROWS - len(rows))):
            at = np.array([number])
            coordinates = {key: grid.values[key][grid.indices(key, at)[0]] for key in experiment.columns}
            rows.append({"run": first + number, **coordinates, "seed": int(grid.seed_of(at)[0])})
        first += grid.n_runs
    return rows


def _kinds(experiment: Experiment) -> list[_Kind]:
    """The experiment's runs by the kernel that trains them."""
    kinds = []
    first = 0
    for number, grid in enumerate(experiment.grids):
        by_inputs: dict[str | int, list[int]] = {}
        for at, gate in enumerate(grid.values["gate"]):
            by_inputs.setdefault(inputs_of(experiment, gate), []).append(at)
        choices: list[list[Sequence[int]]] = []
        for key, values in grid.values.items():
            everything = range(len(values))
            if key == "gate":
                choices.append(list(by_inputs.values()))
            else:
                choices.append([[at] for at in everything] if key in CHOICES else [everything])
        kinds += [_Kind(number, first, grid, (*axes, range(len(grid.seeds)))) for axes in itertools.product(*choices)]
        first += grid.n_runs
    return kinds


def _make_kernels(experiment: Experiment, kinds: Iterable[_Kind]) -> float:
    """Make every kernel; returns the seconds that this took beside compiling, which is done once for all."""
    from numba.core import event

    brief = _up_to(experiment, 1)
    rng = np.random.default_rng(_SEED)
    compiling = event.TimingListener()  # type: ignore[no-untyped-call]
    began = perf_counter()
    with event.install_listener("numba:compile", compiling):
        for kind in kinds:
            train_runs(brief, kind.number, kind.first, kind.sample(1, rng))
    return max(0.0, perf_counter() - began - (compiling.duration if compiling.done else 0.0))


def _up_to(experiment: Experiment, max_epochs: int) -> Experiment:
    """The same experiment, trained for fewer epochs."""
    return replace(experiment, train=experiment.train.model_copy(update={"max_epochs": max_epochs}))


def _sampled(experiment: Experiment, kinds: Sequence[_Kind], jobs: int) -> _Sample:
    """Train runs of every kind, first for longer, then more of them, until that takes a while."""
    rng = np.random.default_rng(_SEED)
    last = experiment.train.max_epochs
    epochs, n = min(_FIRST_EPOCHS, last), _FIRST_RUNS
    most = max(1, _MOST_LOSSES // (max(1, n_recorded(experiment)) * jobs * len(kinds)))
    while True:
        tasks = [part for kind in kinds for part in _split(kind, kind.sample(min(n, most) * jobs, rng), jobs)]
        began = process_time()
        results = _in_parallel(_up_to(experiment, epochs), tasks, jobs)
        everything = n >= most or all(kind.n_runs <= n * jobs for kind in kinds)
        if process_time() - began >= _SECONDS * jobs or (epochs == last and everything):
            break
        if epochs < last:
            epochs = min(4 * epochs, last)
        else:
            n *= 2
    core_seconds = 0.0
    for kind in kinds:
        mine = [result for (owner, _), result in zip(tasks, results, strict=True) if owner is kind]
        core_seconds += _core_seconds(experiment, kind, mine, rng)
    outcome = Outcome.joined([part for part, _ in results])
    return _Sample(outcome[np.argsort(outcome.runs)], core_seconds, epochs < last)


def _core_seconds(
    experiment: Experiment, kind: _Kind, results: Sequence[tuple[Outcome, float]], rng: np.random.Generator
) -> float:
    """Seconds that one worker would take for all runs of a kind.

    What costs time is an epoch of all lanes side by side, whether or not there are runs left for all of them: at the
    end of few runs there often are not, at the end of a chunk hardly ever.
    """
    width = natural_width()
    spent = sum(seconds for _, seconds in results)
    per_epoch = spent / sum(_epochs_of_lanes(outcome.epochs, width) for outcome, _ in results)
    outcome = Outcome.joined([part for part, _ in results])
    cut = outcome.status == STATUSES.index("max_epochs")
    epochs = np.where(cut, experiment.train.max_epochs, outcome.epochs)
    n = min(natural_chunk_size(experiment, kind.grid), kind.n_runs)
    chunk = rng.permutation(np.resize(rng.permutation(epochs), n))
    return per_epoch * _epochs_of_lanes(chunk, width) * kind.n_runs / n


def _epochs_of_lanes(epochs: NDArray[np.int64], width: int) -> int:
    """Epochs until all these runs are done, `width` at a time, where a lane that is done takes the next."""
    lanes = [0] * width
    for n in epochs.tolist():
        heapq.heapreplace(lanes, lanes[0] + n + _EPOCHS_PER_LOOK)
    return max(lanes)


def _split(kind: _Kind, runs: NDArray[np.int64], jobs: int) -> list[tuple[_Kind, NDArray[np.int64]]]:
    """Runs of a kind for every worker, alike."""
    return [(kind, runs[at::jobs]) for at in range(min(jobs, runs.size))]


def _in_parallel(
    experiment: Experiment, tasks: Iterable[tuple[_Kind, NDArray[np.int64]]], jobs: int
) -> list[tuple[Outcome, float]]:
    """What becomes of the runs of each task, and the seconds that a worker spent on it."""
    import joblib

    def timed(kind: _Kind, runs: NDArray[np.int64]) -> tuple[Outcome, float]:
        began = perf_counter()
        outcome = train_runs(experiment, kind.number, kind.first, runs)
        return outcome, perf_counter() - began

    parallel = joblib.Parallel(n_jobs=jobs, backend="threading", batch_size=1)
    results: list[tuple[Outcome, float]] = parallel(joblib.delayed(timed)(*task) for task in tasks)
    return results


def _tables(experiment: Experiment, outcome: Outcome, n_chunks: int) -> tuple[dict[str, int], float]:
    """Bytes of each file, and seconds to make the tables, from those of a sample."""
    import pyarrow as pa

    from sweep.results import tables
    from sweep.session import runs_format

    n, every = outcome.n_runs, experiment.train.record_every
    _written(tables.runs_table(experiment, outcome[:1]), "csv")  # whatever is imported at the first table
    began = perf_counter()
    runs = tables.runs_table(experiment, outcome)
    sizes = {"chunks": _compressed(outcome) * experiment.n_runs / n + _BYTES_PER_CHUNK * n_chunks}
    chosen = runs_format(experiment)
    if chosen != "parquet":
        sizes["runs.csv"] = _scaled(runs, "csv", experiment.n_runs)
    if chosen != "csv":  # which compresses coordinates better where they are neighbours
        middle = np.arange(n) + (experiment.n_runs - n) // 2
        together = tables.runs_table(experiment, replace(outcome, runs=middle))
        sizes["runs.parquet"] = _scaled(together, "parquet", experiment.n_runs)
    if every:
        # A learning curve is as long as its run, of which the sample may have seen the beginning only.
        few = outcome[: max(1, 500_000 // n_recorded(experiment))]
        curves = tables.curves_table(few, every)
        sizes["curves.csv"] = _scaled(curves, "csv", len(curves) * experiment.n_runs / few.n_runs)
    seconds = (perf_counter() - began) * experiment.n_runs / n
    began = perf_counter()
    summary = pa.concat_tables(tables.summaries(experiment, [outcome]))
    sizes["summary.csv"] = _scaled(summary, "csv", experiment.n_points)
    if chosen != "csv":
        sizes["summary.parquet"] = _scaled(summary, "parquet", experiment.n_points)
    seconds += (perf_counter() - began) * experiment.n_points / len(summary)
    sizes["figures, report.html"] = _BYTES_OF_FIGURES
    return {name: round(size) for name, size in sizes.items()}, seconds + sum(sizes.values()) / _BYTES_PER_SECOND


def _compressed(outcome: Outcome) -> int:
    """Bytes of these outcomes in chunks."""
    import pyarrow as pa

    codec = pa.Codec("zstd")
    columns = (
        outcome.status,
        outcome.epochs.astype(np.int32),
        outcome.converged_epoch.astype(np.int32),
        outcome.period,
    )
    losses = (outcome.final_loss, outcome.curves)
    return sum(len(codec.compress(column.tobytes(), asbytes=True)) for column in (*columns, *losses))


def _scaled(table: "pa.Table", suffix: str, n_rows: float) -> float:
    """Bytes of a file of so many rows like these."""
    empty = _written(table[:0], suffix)
    return empty + (_written(table, suffix) - empty) * n_rows / max(len(table), 1)


def _written(table: "pa.Table", suffix: str) -> int:
    """Bytes of a table as a file."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    sink = pa.BufferOutputStream()
    if suffix == "parquet":
        parquet.write_table(table, sink, compression="zstd")
    else:
        csv.write_csv(table, sink)
    return int(sink.getvalue().size)


def _size(n_bytes: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.3g} {unit}"
    return f"{n_bytes} bytes"


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
