"""Runs for the kernel without an experiment file: training sets, what comes out, and what it is held against."""

# mypy: allow-untyped-calls

import itertools
import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import reference as ref
from numpy.typing import ArrayLike, NDArray

from sweep.kernel import STATUSES, loop
from sweep.kernel.compiled import Kernel, kernel
from sweep.kernel.loop import MAX_EPOCHS
from sweep.kernel.plan import Plan

Array = NDArray[np.float64]

INF, NAN, LN2 = math.inf, math.nan, math.log(2)
NEVER = {False: INF, True: -INF}
"""Limit of the loss that no run meets, without and with soft targets."""
UNTOUCHED = -7.0
TWO_INPUT_GATES = np.array(list(itertools.product([0.0, 1.0], repeat=4)))
AND, XOR, OR, XNOR, ALWAYS = 1, 6, 7, 9, 15

GATES = Plan(2, 4, "01", soft_targets=False, stop_loss=True, stop_error=False, early_stop=True, width=8)


@dataclass
class Runs:
    """Training sets, starts and settings of n runs; settings that are left out are the learning rate, or 0."""

    X: Array
    tables: Array
    table_of_run: NDArray[np.int64]
    starts: Array
    start_of_run: NDArray[np.int64]
    rates: Array
    hidden_rates: Array | None = None
    momentum: Array | None = None
    beta2: Array | None = None
    epsilon: Array | None = None

    def __getitem__(self, which: ArrayLike) -> "Runs":
        per_run = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("X", "tables", "starts")}
        of_these: dict[str, Any] = {name: None if each is None else each[which] for name, each in per_run.items()}
        return replace(self, **of_these)

    @property
    def settings(self) -> Array:
        """Settings that the kernel takes for each run: float64, shape (n, 5)."""
        zeros = np.zeros(self.rates.size)
        rest = [zeros if each is None else each for each in (self.momentum, self.beta2, self.epsilon)]
        return np.column_stack([self.rates if self.hidden_rates is None else self.hidden_rates, self.rates, *rest])

    def of_reference(self, plan: Plan, run: int, **settings: Any) -> ref.Run:
        """The reference's outcome of one run."""
        hidden_rate, rate, momentum, beta2, epsilon = self.settings[run].tolist()
        return ref.train(
            model_of(plan),
            self.starts[self.start_of_run[run]],
            self.X,
            self.tables[self.table_of_run[run]],
            learning_rate=rate,
            hidden_learning_rate=hidden_rate,
            optimizer=plan.optimizer,  # type: ignore[arg-type]
            momentum=momentum,
            beta2=beta2,
            epsilon=epsilon,
            update="online" if plan.online else "batch",
            **settings,
        )


@dataclass
class Outcome:
    """Arrays that the kernel writes, an entry per run."""

    status: NDArray[np.int8]
    epochs: NDArray[np.int64]
    converged_epoch: NDArray[np.int64]
    period: NDArray[np.int64]
    final_loss: Array
    weights: Array
    curves: Array
    answers: NDArray[np.uint8]

    def __getitem__(self, which: ArrayLike) -> "Outcome":
        return Outcome(*(getattr(self, f.name)[which] for f in fields(self)))


def model_of(plan: Plan) -> ref.Model:
    """The reference's model of a plan."""
    names = ("n_inputs", "hidden", "activation", "output", "loss", "shortcut")
    return ref.Model(**{name: getattr(plan, name) for name in names})


def inputs(n_inputs: int, bits: str) -> Array:
    """A Boolean table's inputs; "pm1" or anything else for 0 and 1."""
    rows = np.array(list(itertools.product([0.0, 1.0], repeat=n_inputs)))
    return 2 * rows - 1 if bits == "pm1" else rows


def gate_runs(gates: ArrayLike, starts: ArrayLike, rates: ArrayLike, bits: str = "01") -> Runs:
    """Runs of two-input gates, which are numbered by their truth tables read as binary numbers."""
    gates, starts = np.atleast_1d(gates), np.atleast_2d(np.asarray(starts, float))
    start_of_run = np.arange(gates.size) % len(starts)
    rates = np.full(gates.size, rates, float)
    return Runs(inputs(2, bits), TWO_INPUT_GATES, gates, starts, start_of_run, rates)


def random_runs(plan: Plan, n: int = 11, seed: int = 0) -> Runs:
    """Random tables, starts and moderate settings; each table and start serves several runs."""
    rng = np.random.default_rng(seed)
    X = inputs(plan.n_inputs, plan.bits) if plan.bits else rng.uniform(-1.5, 1.5, (plan.n_rows, plan.n_inputs))
    tables = rng.integers(0, 2, (4, plan.n_rows)).astype(float)
    if plan.soft_targets:
        tables = np.where(rng.random(tables.shape) < 0.3, tables, rng.random(tables.shape))
    starts = rng.normal(0, 1.5, (6, plan.n_params))
    runs = Runs(X, tables, rng.integers(0, 4, n), starts, rng.integers(0, 6, n), rng.uniform(0.1, 2.5, n))
    return _with_settings(plan, runs, rng) if plan.hidden or plan.optimizer != "gd" else runs


def _with_settings(plan: Plan, runs: Runs, rng: np.random.Generator) -> Runs:
    """Rates that suit a network, a rate of its own for the hidden layer, and what the optimizer takes."""
    n = runs.rates.size
    slow = 0.1 if plan.optimizer in ("adam", "rmsprop") or plan.output == "linear" or plan.activation == "relu" else 1.0
    rates = slow * rng.uniform(0.05, 0.5, (2, n))
    runs = replace(runs, starts=runs.starts / 2, rates=rates[0], hidden_rates=rates[1])
    if plan.optimizer in ("momentum", "nesterov", "adam"):
        runs = replace(runs, momentum=rng.uniform(0.3, 0.9, n))
    if plan.optimizer in ("adam", "rmsprop"):
        runs = replace(runs, beta2=rng.uniform(0.9, 0.999, n), epsilon=10 ** rng.uniform(-8, -2, n))
    return runs


def train(
    plan: Plan,
    runs: Runs,
    *,
    max_epochs: int,
    target_loss: float | None = None,
    target_error: float = 0.0,
    record_every: int = 0,
    longest_period: int = 0,
    with_weights: bool = True,
    in_python: bool = False,
) -> Outcome:
    """Train all runs in one call; without a target loss, the loss is never low enough."""
    n = runs.rates.size
    limit = NEVER[plan.soft_targets]
    if target_loss is not None:
        nats = plan.n_rows * target_loss
        limit = nats if plan.soft_targets else math.exp(-nats)
    n_recorded = 1 + max_epochs // record_every if record_every else 0
    outcome = Outcome(
        np.full(n, -7, np.int8),
        np.full(n, -7, np.int64),
        np.full(n, -7, np.int64),
        np.full(n, -1),
        np.full(n, UNTOUCHED),
        np.full((n if with_weights else 0, plan.n_params), UNTOUCHED),
        np.full((n, n_recorded) if record_every else (0, 0), UNTOUCHED),
        np.zeros((n, plan.n_rows), np.uint8),
    )
    function = Kernel(plan).py_func if in_python else kernel(plan)
    with np.errstate(all="ignore"):
        function(
            loop.Runs(runs.X, runs.tables, runs.table_of_run, runs.starts, runs.start_of_run, runs.settings),
            loop.Limits(max_epochs, record_every, longest_period, limit, target_error),
            loop.Output(*(getattr(outcome, f.name) for f in fields(outcome)[:-1]), np.empty((0, 4)), outcome.answers),
        )
    if not record_every:
        outcome.curves = np.empty((n, 0))
    return outcome


def bits(x: NDArray[Any]) -> NDArray[Any]:
    """The bits of floating-point numbers, all NaNs alike; integers as they are."""
    return np.where(np.isnan(x), NAN, x).view(np.uint64) if x.dtype == np.float64 else x


def assert_same_bits(actual: Outcome, expected: Outcome) -> None:
    for f in fields(Outcome):
        np.testing.assert_array_equal(bits(getattr(actual, f.name)), bits(getattr(expected, f.name)), f.name)


def assert_close_to_reference(
    plan: Plan, runs: Runs, outcome: Outcome, max_epochs: int, tolerance: float = 1e-12
) -> None:
    """Weights, to a tolerance of the largest, and final losses of runs that never meet a criterion."""
    for run in range(runs.rates.size):
        expected = runs.of_reference(plan, run, max_epochs=max_epochs)
        scale = np.abs(expected.params).max()
        np.testing.assert_allclose(outcome.weights[run], expected.params, rtol=0, atol=tolerance * scale)
        np.testing.assert_allclose(outcome.final_loss[run], expected.final_loss, rtol=tolerance, atol=0)
    np.testing.assert_array_equal(outcome.epochs, max_epochs)
    np.testing.assert_array_equal(outcome.converged_epoch, -1)
    np.testing.assert_array_equal(outcome.status, MAX_EPOCHS)


def criteria(plan: Plan, runs: Runs, max_epochs: int) -> dict[str, Any]:
    """Targets that some runs meet at once, some later and some never; no run comes within 1e-9 of one of them."""
    model = model_of(plan)
    losses, errors = [], []
    for run in range(runs.rates.size):
        y = runs.tables[runs.table_of_run[run]]
        for epochs in range(max_epochs + 1):
            w = runs.of_reference(plan, run, max_epochs=epochs).params
            losses.append(ref.loss(model, w, runs.X, y))
            errors.append(np.abs(ref.outputs(model, w, runs.X) - y).max())
    targets = {}
    for name, stop, seen in (("target_loss", plan.stop_loss, losses), ("target_error", plan.stop_error, errors)):
        if stop:
            targets[name] = float(np.quantile(seen, 0.4))
            assert np.abs(np.array(seen) / targets[name] - 1).min() > 1e-9
    return targets


def assert_epochs_of_reference(plan: Plan, runs: Runs, max_epochs: int, tolerance: float = 1e-12) -> None:
    """Statuses, epochs and losses where some runs meet a criterion early, some late and some never."""
    targets = criteria(plan, runs, max_epochs)
    outcome = train(plan, runs, max_epochs=max_epochs, **targets)
    settings: dict[str, Any] = {"max_epochs": max_epochs, "early_stop": plan.early_stop, **targets}
    expected = [runs.of_reference(plan, run, **settings) for run in range(runs.rates.size)]
    first = [-1 if run.converged_epoch is None else run.converged_epoch for run in expected]
    assert [STATUSES[code] for code in outcome.status] == [run.status for run in expected]
    assert outcome.epochs.tolist() == [run.epochs for run in expected]
    assert outcome.converged_epoch.tolist() == first
    np.testing.assert_allclose(outcome.final_loss, [run.final_loss for run in expected], rtol=tolerance)
    assert -1 in first
    assert len(set(first)) > 3
