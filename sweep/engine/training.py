"""Train a chunk of runs, each kind of model with the kernel compiled for it."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.engine.chunks import Chunk, piece_size
from sweep.engine.outcome import Outcome
from sweep.engine.starts import draw_starts
from sweep.engine.tally import Tally
from sweep.kernel.compiled import kernel
from sweep.kernel.descent import LARGEST, N_SETTINGS, SUMS
from sweep.kernel.functions import exp
from sweep.kernel.loop import CONVERGED, DIVERGED, LONGEST_PERIOD, MAX_EPOCHS, Limits, Output, Runs
from sweep.kernel.plan import Plan, fitting
from sweep.spec import inits, models
from sweep.spec.experiment import Experiment
from sweep.spec.gates import truth_table
from sweep.spec.grid import Grid
from sweep.spec.keys import Train

_LIKELIHOOD_NATS = (1e-3, 600.0)
"""Range of M · target_loss in which the product of probabilities is used: neither near 1 nor near underflow."""
CHOICES = ("encoding", "hidden", "activation", "output", "loss", "shortcut", "bias", "optimizer", "update")
"""Keys of the grid that a kernel is compiled for."""


class Trained(NamedTuple):
    """Outcomes of runs of one kind of model, the plan of their kernel, and their weights where they were asked for.

    Weights, `initial` and `final`, are float64 of shape (n, n_params), else (0, n_params).
    """

    outcome: Outcome
    plan: Plan
    initial: NDArray[np.float64]
    final: NDArray[np.float64]


def train_chunk(experiment: Experiment, chunk: Chunk, missing: NDArray[np.bool_] | None = None) -> Outcome | Tally:
    """Train the runs of a chunk, or those that are `missing`, bool of shape (chunk.stop − chunk.start,).

    Returns what the experiment keeps; a function of its arguments alone.
    """
    runs = np.arange(chunk.start, chunk.stop)
    if missing is not None:
        runs = runs[missing]
    if experiment.keep == "runs":
        return train_runs(experiment, chunk.grid, chunk.first, runs)
    grid = experiment.grids[chunk.grid]
    tally = Tally.empty(range(chunk.first + chunk.start, chunk.first + chunk.stop))
    size = piece_size(experiment, grid)
    for at in range(0, runs.size, size):
        piece = runs[at : at + size]
        tally.put(Tally.of(train_runs(experiment, chunk.grid, chunk.first, piece), piece // len(grid.seeds)))
    return tally


def train_runs(experiment: Experiment, number: int, first: int, runs: NDArray[np.int64]) -> Outcome:
    """Train any runs, int64 of shape (n,), numbered within a grid; arguments are those of a `Place`."""
    grid = experiment.grids[number]
    outcome = Outcome.room(experiment, first + runs)
    kind_of = kinds_of(experiment, grid, runs)
    for kind in np.unique(kind_of):
        where = np.flatnonzero(kind_of == kind)
        outcome.put(_train_with_one_kernel(experiment, grid, runs[where]).outcome, where)
    return outcome


def kinds_of(experiment: Experiment, grid: Grid, runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a code for each of some runs of a grid, the same for those that one kernel trains."""
    gates = grid.values["gate"]
    numbers: dict[str | int, int] = {}
    gate_numbers, gate_of = _distinct(grid.indices("gate", runs))
    inputs = [numbers.setdefault(inputs_of(experiment, gates[gate]), len(numbers)) for gate in gate_numbers]
    kind_of = np.array(inputs, np.int64)[gate_of]
    for key in CHOICES:
        kind_of = kind_of * len(grid.values[key]) + grid.indices(key, runs)
    return kind_of


def train_one(experiment: Experiment, number: int, first: int, run: int) -> Trained:
    """Train one run of a grid, and keep its weights; parameters as in `train_runs`."""
    trained = _train_with_one_kernel(experiment, experiment.grids[number], np.array([run]), with_weights=True)
    trained.outcome.runs = trained.outcome.runs + first
    return trained


def _train_with_one_kernel(
    experiment: Experiment, grid: Grid, runs: NDArray[np.int64], with_weights: bool = False
) -> Trained:
    """Train runs of one kind of model, whose training sets differ in their targets only."""
    train = experiment.train
    choices = {key: grid.values[key][grid.indices(key, runs[:1])[0]] for key in CHOICES}
    gate_numbers, table_of_run = _distinct(grid.indices("gate", runs))
    gates = [grid.values["gate"][number] for number in gate_numbers]
    inputs = experiment.table(gates[0], choices["encoding"]).inputs
    targets = _targets(experiment, gates)
    own = experiment.tables.get(gates[0])
    bits = choices["encoding"] if own is None else ""
    plan, loss_limit = plan_of(experiment, inputs, targets, bits, choices)
    outcome = Outcome.room(experiment, runs)
    initial, final = np.empty((2, runs.size if with_weights else 0, plan.n_params))
    train_with = kernel(plan)
    settings = _settings(grid, runs, choices["optimizer"])
    left, used, restart = np.arange(runs.size), 0, 0
    while left.size and used < train.max_epochs:
        n_epochs = min(train.restart_after or train.max_epochs, train.max_epochs - used)
        limits = Limits(
            n_epochs,
            train.record_every,
            LONGEST_PERIOD if train.detect_stationary and not train.extra else 0,
            loss_limit,
            0.0 if train.target_error is None else train.target_error,
        )
        starts, start_of_run = _starts(grid, runs[left], plan, restart)
        whole = left.size == runs.size and not train.restart_after
        part = outcome if whole else Outcome.room(experiment, runs[left], n_epochs)
        weights = final if whole else np.empty((left.size if with_weights else 0, plan.n_params))
        sums = np.empty((left.size if plan.sums else 0, SUMS))
        answers = part.answers.view(np.uint8).reshape(left.size, -1)
        train_with(
            Runs(inputs, targets, table_of_run[left], starts, start_of_run, settings[left]),
            limits,
            Output(
                part.status,
                part.epochs,
                part.converged_epoch,
                part.period,
                part.final_loss,
                weights,
                part.curves,
                sums,
                answers if own is None or own.is_boolean else answers[:0],
            ),
        )
        if with_weights:
            initial[left], final[left] = starts[start_of_run], weights
        if plan.sums:
            _judge(part, sums, train)
        if not whole:
            _count_on(outcome, part, left, used, train, restart)
        left, used, restart = left[part.status == MAX_EPOCHS], used + n_epochs, restart + 1
    return Trained(outcome, plan, initial, final)


def _count_on(outcome: Outcome, part: Outcome, where: NDArray[np.int64], used: int, train: Train, restart: int) -> None:
    """Write what became of runs that have begun again, after the epochs that earlier starts used."""
    part.epochs += used
    part.converged_epoch += np.where(part.converged_epoch >= 0, used, 0)
    part.extra[:, 0] = restart
    if train.record_every:
        at = used // train.record_every
        outcome.curves[where, at : at + part.curves.shape[1]] = part.curves
    part.curves = outcome.curves[where]
    outcome.put(part, where)


def _judge(outcome: Outcome, sums: NDArray[np.float64], train: Train) -> None:
    """Tell by the sums along runs which have converged: the mean of their last losses is below that at the start.

    An epoch that comes after a run has diverged counts as one of loss `descent.LARGEST`.
    """
    first, total, inverses, last = sums.T
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        worst = np.where(np.isfinite(first), np.minimum(LARGEST / first, LARGEST), LARGEST)
        missing = train.max_epochs - outcome.epochs
        outcome.extra[:, 0] = (last + np.minimum(missing, train.last_losses) * worst) / train.last_losses
        outcome.extra[:, 1] = total + missing * worst
        outcome.extra[:, 2] = inverses + missing / worst
    finite = outcome.status != DIVERGED
    converged = finite & (outcome.extra[:, 0] < 1.0)
    outcome.status[finite] = np.where(converged, CONVERGED, MAX_EPOCHS)[finite]
    outcome.converged_epoch[:] = np.where(converged, train.max_epochs, -1)


def inputs_of(experiment: Experiment, gate: str) -> str | int:
    """Equal for gates whose training sets have the same inputs."""
    return gate if gate in experiment.tables else len(truth_table(gate))


def _targets(experiment: Experiment, gates: Sequence[str]) -> NDArray[np.float64]:
    """Targets of training sets with the same inputs, one after another: float64, shape (n_gates, n_rows)."""
    if gates[0] in experiment.tables:
        return experiment.tables[gates[0]].targets.reshape(1, -1)
    outputs = "".join(map(truth_table, gates)).encode("ascii")
    ones: NDArray[np.bool_] = np.frombuffer(outputs, np.uint8) == ord("1")
    return ones.astype(np.float64).reshape(len(gates), -1)


def plan_of(
    experiment: Experiment,
    inputs: NDArray[np.float64],
    targets: NDArray[np.float64],
    bits: str,
    choices: Mapping[str, Any],
) -> tuple[Plan, float]:
    """Choose the kernel for training sets and models; returns it with the limit of the loss in its terms."""
    train = experiment.train
    n_rows, n_inputs = inputs.shape
    nats = n_rows * (train.target_loss or 0.0)
    least, most = _LIKELIHOOD_NATS
    by_likelihood = (
        choices["loss"] == "bce"
        and bool(np.isin(targets, (0.0, 1.0)).all())
        and (train.target_loss is None or least <= nats <= most)
        and not train.last_losses
    )
    plan = fitting(
        n_inputs=n_inputs,
        n_rows=n_rows,
        bits=bits,
        soft_targets=not by_likelihood,
        stop_loss=train.target_loss is not None,
        stop_error=train.target_error is not None,
        early_stop=train.early_stop,
        online=choices["update"] == "online",
        **{key: choices[key] for key in ("hidden", "activation", "output", "loss", "optimizer", "shortcut", "bias")},
        sums=train.last_losses > 0,
    )
    if plan.sums:
        return plan, float(train.max_epochs - train.last_losses)
    return plan, float(exp(np.float64(-nats))) if by_likelihood else nats  # type: ignore[no-untyped-call]


def plan_for(experiment: Experiment, setting: Mapping[str, Any]) -> tuple[Plan, float]:
    """Choose the kernel of a setting, by its gate and its `CHOICES`, as `plan_of` does."""
    table = experiment.table(setting["gate"], setting["encoding"])
    bits = "" if setting["gate"] in experiment.tables else setting["encoding"]
    return plan_of(experiment, table.inputs, table.targets.reshape(1, -1), bits, setting)


def plans_of(experiment: Experiment) -> list[Plan]:
    """List the kernels that train an experiment, each once."""
    found: dict[Plan, None] = {}
    for grid in experiment.grids:
        gates = {inputs_of(experiment, gate): gate for gate in grid.values["gate"]}
        for gate, *values in itertools.product(gates.values(), *(grid.values[key] for key in CHOICES)):
            found[plan_for(experiment, {"gate": gate, **dict(zip(CHOICES, values, strict=True))})[0]] = None
    return list(found)


def _numbers(grid: Grid, runs: NDArray[np.int64], key: str, default: float) -> NDArray[np.float64]:
    """Look up the value of a numeric key for each run, `default` where the grid leaves it open; one value for all."""
    values: NDArray[np.float64] = np.array([default if value is None else value for value in grid.values[key]], float)
    if values.size == 1:
        return values
    numbers: NDArray[np.float64] = values[grid.indices(key, runs)]
    return numbers


def _distinct(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the different numbers, increasing, and the place of each among them; at once if they come so."""
    steps = np.diff(numbers)
    if not steps.any():
        return numbers[:1], np.zeros(numbers.size, np.int64)
    if (steps > 0).all():
        return numbers, np.arange(numbers.size)
    return np.unique(numbers, return_inverse=True)


def _settings(grid: Grid, runs: NDArray[np.int64], optimizer: str) -> NDArray[np.float64]:
    """Rates and the optimizer's settings of each run: float64, shape (n_runs, N_SETTINGS) or more."""
    rates = _numbers(grid, runs, "learning_rate", np.nan)
    hidden_rates = _numbers(grid, runs, "hidden_learning_rate", np.nan)
    rule = models.OPTIMIZERS[optimizer]
    few = all(value is None for value in rule[N_SETTINGS - 2 :])
    names = models.SETTINGS[: N_SETTINGS - 2] if few else models.SETTINGS
    rest = [_numbers(grid, runs, key, getattr(rule, key) or 0.0) for key in names]
    settings = np.empty((runs.size, 2 + len(rest)))
    for column, numbers in enumerate([np.where(np.isnan(hidden_rates), rates, hidden_rates), rates, *rest]):
        settings[:, column] = numbers
    return settings


def _starts(
    grid: Grid, runs: NDArray[np.int64], plan: Plan, restart: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Different starts among the runs, a row each, and which of them each run has after so many restarts."""
    seeds, seed_of_run = _distinct(grid.seed_of(runs) + restart * len(grid.seeds))
    scales = grid.values["init_scale"]
    if grid.weights:
        given = np.empty((runs.size, len(grid.weights)))
        for column, w in enumerate(grid.weights):
            given[:, column] = _numbers(grid, runs, w, np.nan) if isinstance(w, str) else w
        with np.errstate(over="ignore"):
            given *= _numbers(grid, runs, "init_scale", 1.0)[:, np.newaxis]
        return given, np.arange(runs.size)
    kinds, kind_of_run = _distinct(grid.indices("init", runs) * len(scales) + grid.indices("init_scale", runs))
    rows = []
    for kind in kinds:
        init, scale = inits.parse(grid.values["init"][kind // len(scales)]), scales[kind % len(scales)]
        with np.errstate(over="ignore"):
            rows.append(scale * draw_starts(init, seeds, plan.n_inputs, plan.hidden, plan.shortcut))
    starts = np.concatenate(rows)
    if not plan.bias:
        starts[:, models.biases(plan.n_inputs, plan.hidden, plan.shortcut)] = 0.0
    return starts, kind_of_run * seeds.size + seed_of_run
