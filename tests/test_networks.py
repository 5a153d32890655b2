"""Networks with a hidden layer against the reference, in every kind of model; honest ends; and what is known of XOR."""

# mypy: allow-untyped-calls

import functools
import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import reference as ref
from kernel_runs import (
    GATES,
    XOR,
    assert_close_to_reference,
    assert_epochs_of_reference,
    assert_same_bits,
    gate_runs,
    model_of,
    random_runs,
    train,
)

import sweep
from sweep.kernel.loop import DIVERGED
from sweep.kernel.plan import Plan

SOFT = replace(GATES, soft_targets=True)
MSE = replace(SOFT, loss="mse")
LINEAR = replace(MSE, output="linear")
PLANS = {
    "2-2-1 sigmoid": replace(GATES, hidden=2),
    "2-2-1 tanh, linear, pm1": replace(LINEAR, hidden=2, activation="tanh", bits="pm1", stop_error=True),
    "2-2-1 tanh, mse, pm1, adam": replace(MSE, hidden=2, activation="tanh", bits="pm1", optimizer="adam", width=4),
    "2-1-1 shortcut, relu, linear, real inputs, nesterov": replace(
        LINEAR, n_rows=5, bits="", hidden=1, activation="relu", shortcut=True, optimizer="nesterov", width=4
    ),
    "2-3-1 tanh, online momentum, on and on": replace(
        GATES, hidden=3, activation="tanh", online=True, optimizer="momentum", stop_error=True, early_stop=False
    ),
    "1-1-1 pm1, rmsprop": replace(GATES, n_inputs=1, n_rows=2, bits="pm1", hidden=1, optimizer="rmsprop", width=4),
    "3-3-1 shortcut, tanh, mse, online, pm1": replace(
        MSE, n_inputs=3, n_rows=8, bits="pm1", hidden=3, activation="tanh", shortcut=True, online=True, width=2
    ),
    "2-8-1 relu, online adam": replace(
        GATES, hidden=8, activation="relu", online=True, optimizer="adam", stop_loss=False, stop_error=True, width=2
    ),
    "3-2-1 shortcut, soft, real inputs, momentum": replace(
        SOFT, n_inputs=3, n_rows=6, bits="", hidden=2, shortcut=True, optimizer="momentum", stop_error=True, width=4
    ),
    "2-8-1 linear, pm1, nesterov, on and on": replace(
        LINEAR, bits="pm1", hidden=8, optimizer="nesterov", early_stop=False, width=2
    ),
    "1-3-1 relu, mse, real inputs, online rmsprop": replace(
        MSE, n_inputs=1, n_rows=3, bits="", hidden=3, activation="relu", online=True, optimizer="rmsprop", width=2
    ),
}
"""Kernels to compile: every choice of a plan occurs in several, beside several others."""

OUTPUT_AND_LOSS = [("sigmoid", "bce"), ("sigmoid", "mse"), ("linear", "mse")]
MODELS: list[dict[str, Any]] = [
    {"hidden": hidden, "activation": activation, "shortcut": shortcut, "output": output, "loss": loss}
    for hidden, activation, shortcut in itertools.product([1, 2, 8], ["sigmoid", "tanh", "relu"], [False, True])
    for output, loss in OUTPUT_AND_LOSS
]
MODELS += [{"output": output, "loss": loss} for output, loss in OUTPUT_AND_LOSS]
WAYS = list(
    itertools.product([1, 2, 3], ["01", "pm1", ""], ["gd", "momentum", "nesterov", "adam", "rmsprop"], [False, True])
)
COMBINATIONS = [
    replace(
        GATES, **model, n_inputs=n, n_rows=2**n, bits=bits, optimizer=rule, online=online, width=2,
        soft_targets=model["loss"] == "mse" or number % 2 == 1,
    )
    for number, model in enumerate(MODELS)
    for n, bits, rule, online in [WAYS[number * 37 % len(WAYS)]]
]  # fmt: skip
"""Each kind of model once, trained each time in another way."""


# ---- the first epochs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_epochs", [1, 2, 5, 50])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_first_epochs(plan: Plan, max_epochs: int) -> None:
    runs = random_runs(plan, n=6)
    tolerance = 1e-12 if max_epochs <= 5 else 1e-9
    assert_close_to_reference(plan, runs, train(plan, runs, max_epochs=max_epochs), max_epochs, tolerance)


@pytest.mark.parametrize("plan", COMBINATIONS, ids=lambda plan: plan.text)
def test_first_epochs_without_a_compiler(plan: Plan) -> None:
    runs = random_runs(plan, n=2, seed=plan.hidden)
    assert_close_to_reference(plan, runs, train(plan, runs, max_epochs=2, in_python=True), 2)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_compiled_code_and_python_compute_the_same_bits(plan: Plan) -> None:
    runs = random_runs(plan, n=plan.width + 1)
    settings: dict[str, Any] = {"max_epochs": 3, "target_loss": 0.3, "target_error": 0.7, "record_every": 2}
    assert_same_bits(train(plan, runs, **settings), train(plan, runs, **settings, in_python=True))


@pytest.mark.parametrize("plan", COMBINATIONS, ids=lambda plan: plan.text)
def test_one_step_recovers_the_gradient(plan: Plan) -> None:
    """With rates so large that the start is lost beside the step, one of the hidden layer and one of the output."""
    plan = replace(plan, optimizer="gd", online=False)
    runs = random_runs(plan, n=2, seed=plan.hidden)
    runs = replace(runs, rates=np.full(2, 2.0**60), hidden_rates=np.full(2, 2.0**70))
    rates = np.where(np.arange(plan.n_params) < plan.n_hidden_params, 2.0**70, 2.0**60)
    outcome = train(plan, runs, max_epochs=1, in_python=True)
    for run in range(2):
        start, y = runs.starts[runs.start_of_run[run]], runs.tables[runs.table_of_run[run]]
        gradient = ref.gradient(model_of(plan), start, runs.X, y)
        np.testing.assert_allclose(outcome.weights[run] / -rates, gradient, rtol=0, atol=1e-13 * np.abs(gradient).max())


@pytest.mark.parametrize("plan", [plan for plan in COMBINATIONS[::2] if plan.bits], ids=lambda plan: plan.text)
def test_a_table_that_is_known_and_one_in_memory_give_the_same_numbers(plan: Plan) -> None:
    runs = random_runs(plan, n=2)
    known, read = (train(p, runs, max_epochs=2, in_python=True) for p in (plan, replace(plan, bits="")))
    np.testing.assert_array_equal(known.weights, read.weights)
    np.testing.assert_array_equal(known.final_loss, read.final_loss)


def test_relu_has_slope_zero_at_its_kink() -> None:
    """Starts by he and xavier on the row of zeros: the unit's own parameters do not move."""
    plan = replace(GATES, hidden=1, activation="relu", width=2)
    weights = train(plan, gate_runs(XOR, [0, 0, 0, 5, 1], 1.0), max_epochs=1, in_python=True).weights[0]
    assert weights[:4].tolist() == [0, 0, 0, 5]
    assert weights[4] != 1


# ---- when a run ends -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_status_and_epochs(plan: Plan) -> None:
    assert_epochs_of_reference(plan, random_runs(plan, n=12), max_epochs=8)


def of_reference(row: Any, **train: Any) -> ref.Run:
    """The reference's outcome of a row of runs.csv, with the starts that the contract says."""
    has = row._asdict()
    choices = {key: has[key] for key in ("hidden", "activation", "output", "loss", "shortcut") if key in has}
    model = ref.Model(2, **choices)
    table = {"XOR": "0110", "AND": "0001", "NAND": "1110"}[row.gate]
    X, y = ref.truth_table_rows(table, has.get("encoding", "01"))
    optional = {
        key: has[key]
        for key in ("optimizer", "update", "momentum", "beta2", "hidden_learning_rate")
        if key in has and not pd.isna(has[key])
    }
    start = ref.draw(row.init, row.seed, model)
    with np.errstate(all="ignore"):
        return ref.train(model, start, X, y, learning_rate=row.learning_rate, **optional, **train)


def assert_like_reference(runs: pd.DataFrame, **train: Any) -> None:
    """Status, epochs, converged_epoch and, to 1e-6, the loss.

    The reference adds the rows' losses up, a sum that overflows shortly before a logit does.
    """
    assert not runs.empty
    row: Any
    for row in runs.itertuples():
        expected = of_reference(row, **train)
        epochs = None if pd.isna(row.converged_epoch) else row.converged_epoch
        assert (row.status, epochs) == (expected.status, expected.converged_epoch), row
        assert 0 <= row.epochs - expected.epochs <= (3 if row.status == "diverged" and row.epochs > 20 else 0), row
        assert row.final_loss == pytest.approx(expected.final_loss, rel=1e-6)


CONVERGING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sigmoid": ({"hidden": 2, "learning_rate": 5, "init": "uniform(-1, 1)"}, {"target_loss": 0.1}),
    "tanh, adam": (
        {"hidden": 3, "activation": "tanh", "learning_rate": 0.05, "optimizer": "adam", "encoding": "pm1"},
        {"target_error": 0.3},
    ),
    "online": (
        {"hidden": 2, "learning_rate": 1, "momentum": 0.5, "optimizer": "momentum", "update": "online"},
        {"target_loss": 0.1, "target_error": 0.2},
    ),
    "linear": (
        {
            "hidden": 2, "activation": "tanh", "output": "linear", "loss": "mse", "encoding": "pm1",
            "learning_rate": 0.2, "hidden_learning_rate": [0.05, 0.2], "init": "xavier_uniform",
        },
        {"target_loss": 0.1},
    ),
    "shortcut": ({"hidden": 1, "shortcut": True, "learning_rate": 2}, {"target_error": 0.3}),
}  # fmt: skip
"""Grids and targets."""


@pytest.mark.parametrize("name", CONVERGING)
def test_xor_converges_in_the_epoch_of_the_reference(name: str) -> None:
    grid, target = CONVERGING[name]
    train = {"max_epochs": 400, **target}
    runs = sweep.run({"grid": {"gate": "XOR", "seeds": 4, **grid}, "train": train}).runs
    assert (runs["converged_epoch"] > 40).any()
    assert_like_reference(runs, **train)


def test_without_early_stop_the_whole_curve_is_that_of_the_reference() -> None:
    grid, target = CONVERGING["sigmoid"]
    train: dict[str, Any] = {"max_epochs": 250, "early_stop": False, "record_every": 25, **target}
    result = sweep.run({"grid": {"gate": "XOR", "seeds": 3, **grid}, "train": train})
    assert result.runs["converged_epoch"].notna().any()
    assert (result.runs["epochs"] == 250).all()
    assert result.curves is not None
    for row in result.runs.itertuples():
        curve = result.curves[result.curves["run"] == row.run]
        expected = of_reference(row, **train)
        assert curve["epoch"].tolist() == [epoch for epoch, _ in expected.curve]
        np.testing.assert_allclose(curve["loss"], [loss for _, loss in expected.curve], rtol=1e-9)
    assert_like_reference(result.runs, **train)


# ---- honest ends -----------------------------------------------------------------------------------------------------

HARSH: dict[str, dict[str, Any]] = {
    "relu": {"activation": "relu", "learning_rate": [10, 1e6], "seeds": 8},
    "linear output": {
        "activation": "tanh", "output": "linear", "loss": "mse", "learning_rate": [5, 1e6, 1e300], "seeds": 4
    },
    "momentum above 1": {"optimizer": "momentum", "momentum": [1.5, 3], "learning_rate": 1, "gate": "XOR"},
    "adam, fast": {"optimizer": "adam", "learning_rate": [100, 1e300], "activation": "tanh", "seeds": 4},
    "huge weights": {
        "init": ["normal(0, 1e300)", "normal(0, 1e160)", "constant(1e300)"], "learning_rate": [1, 1e6],
        "activation": "relu",
    },
}  # fmt: skip
"""Grids whose runs die, blow up or never move."""
NOT_CHAOTIC = ("linear output", "momentum above 1", "huge weights")
HARSH_TRAINING = {"max_epochs": 1800, "target_loss": 1e-4}


@functools.cache
def harsh(name: str) -> sweep.Result:
    grid = {"gate": ["XOR", "AND"], "hidden": 2, **HARSH[name]}
    return sweep.run({"grid": grid, "train": {**HARSH_TRAINING, "record_every": 100}})


@pytest.mark.parametrize("name", HARSH)
def test_no_number_is_missing_but_what_never_happened(name: str) -> None:
    result = harsh(name)
    runs, summary, curves = result.runs, result.summary, result.curves
    optional = ["converged_epoch", "period", *(c for c in summary.columns if str(c).startswith("epochs_q"))]
    assert curves is not None
    for table in (runs, summary, curves):
        assert not table.drop(columns=[c for c in optional if c in table]).isna().any().any()
    diverged, converged = runs["status"] == "diverged", runs["status"] == "converged"
    assert (np.isinf(runs["final_loss"]) == diverged).all()
    assert ((runs["final_loss"] < 1e-4) == converged).all()
    assert (runs["converged_epoch"].notna() == converged).all()
    assert (runs["period"].notna() == (runs["status"] == "stationary")).all()
    assert (runs["epochs"] == 1800)[~diverged & ~converged].all()
    assert summary["n_diverged"].sum() == diverged.sum()


@pytest.mark.parametrize("name", NOT_CHAOTIC)
def test_harsh_runs_end_like_those_of_the_reference(name: str) -> None:
    assert_like_reference(harsh(name).runs, **HARSH_TRAINING)


def test_what_the_harsh_grids_are_for() -> None:
    for name in NOT_CHAOTIC:
        assert "diverged" in set(harsh(name).runs["status"]), name
    for name in ("relu", "adam, fast"):
        assert {"max_epochs", "stationary"} & set(harsh(name).runs["status"]), name


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_parameter_that_is_not_finite_is_divergence_though_its_unit_saturates(value: float) -> None:
    plan = PLANS["2-2-1 sigmoid"]
    starts = np.where(np.eye(plan.n_params, dtype=bool), value, 0.5)
    outcome = train(plan, gate_runs(np.full(plan.n_params, XOR), starts, 0.5), max_epochs=5)
    assert outcome.status.tolist() == [DIVERGED] * plan.n_params
    assert not outcome.epochs.any()
    assert set(outcome.final_loss) == {math.inf}


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_a_parameter_that_becomes_infinite_is_divergence_at_that_epoch(activation: str) -> None:
    """With one model side by side, parameters are checked in every epoch. Weights of the output begin at 0."""
    plan, n = replace(PLANS["2-2-1 sigmoid"], activation=activation), 40
    alone, runs = replace(plan, width=1), random_runs(plan, n)
    assert (plan.checks_ahead, alone.checks_ahead) == (True, False)
    runs.starts[:, -3:-1] = 0.0
    rates, hidden_rates = 10.0 ** np.random.default_rng(0).uniform(0, 300, (2, n))
    runs = replace(runs, rates=rates, hidden_rates=hidden_rates)
    expected = train(alone, runs, max_epochs=20)
    assert_same_bits(train(plan, runs, max_epochs=20), expected)
    assert_same_bits(train(plan, runs, max_epochs=20, in_python=True), expected)
    assert set(expected.epochs[expected.status == DIVERGED]) == {2}


def test_a_logit_that_becomes_infinite_is_divergence_at_that_epoch_though_the_weights_are_finite() -> None:
    plan, n, rng = replace(GATES, online=True), 200, np.random.default_rng(0)
    alone, runs = replace(plan, width=1), random_runs(plan, n)
    assert (plan.checks_ahead, alone.checks_ahead) == (True, False)
    runs = replace(runs, starts=rng.uniform(-8e307, 8e307, (6, 3)), rates=rng.uniform(0, 1e308, n))
    expected = train(alone, runs, max_epochs=20)
    assert_same_bits(train(plan, runs, max_epochs=20), expected)
    assert_same_bits(train(plan, runs[:16], max_epochs=20, in_python=True), expected[np.arange(16)])
    finite = np.isfinite(expected.weights).all(axis=1)
    assert {1, 2, 3} < set(expected.epochs[finite & (expected.status == DIVERGED)])


@pytest.mark.parametrize("rate", [0.5, 1e6])
def test_a_dead_network_stays_as_it_is_to_the_last_epoch(rate: float) -> None:
    """No unit is active on any row, and of the output's bias XOR asks nothing."""
    grid = {
        "gate": ["XOR", "OR"], "hidden": 2, "activation": "relu", "learning_rate": rate, "init": "given",
        "weights": [-1, -2, -1, -2, -1, -1, 3, 3, 0],
    }  # fmt: skip
    result = sweep.run({"grid": grid, "train": {"max_epochs": 300, "record_every": 1}})
    dead, moving = result.runs.itertuples()
    assert (dead.status, dead.period, dead.epochs, dead.final_loss) == ("stationary", 1, 300, math.log(2))
    assert (moving.status, moving.epochs) == ("max_epochs" if rate < 1 else "stationary", 300)
    assert result.curves is not None
    assert result.curves.groupby("run")["loss"].nunique()[0] == 1
    assert result.curves.groupby("run")["loss"].nunique()[1] > 1


# ---- what is known of XOR --------------------------------------------------------------------------------------------


def test_one_hidden_unit_learns_xor_only_with_a_shortcut_and_two_learn_it_at_times() -> None:
    """The network of one hidden unit and a shortcut is that of Rumelhart, Hinton & Williams 1986."""
    train = {"max_epochs": 5000, "target_error": 0.5}
    networks = [{"hidden": 1}, {"hidden": 2}, {"hidden": 1, "shortcut": True}]
    grids = [{"gate": "XOR", "learning_rate": 2, "seeds": 40, **network} for network in networks]
    learned = sweep.run({"grid": grids, "train": train}).summary["n_converged"].tolist()
    assert learned[0] == 0
    assert 0 < learned[1] < 40
    assert 0 < learned[2] <= 40


def test_a_network_built_by_hand_knows_xor_at_once() -> None:
    """An OR, a NAND, and an AND of both: −10 and 30 are their thresholds, 20 their weights."""
    weights = [20, 20, -20, -20, -10, 30, 20, 20, -30]
    grid = {"gate": ["XOR", "XNOR"], "hidden": 2, "learning_rate": 1, "init": "given", "weights": weights}
    right: Any
    wrong: Any
    right, wrong = sweep.run({"grid": grid, "train": {"max_epochs": 1}}).runs.itertuples()
    assert (right.status, right.epochs, right.converged_epoch) == ("converged", 0, 0)
    assert right.final_loss == pytest.approx(math.log1p(math.exp(-10)), rel=0.01)
    assert wrong.status == "max_epochs"
    assert wrong.final_loss > 5


def test_names_among_the_weights_are_axes_of_a_grid_of_starts() -> None:
    x, y = [-10, 0.5, 10], [-3, 4]
    grid = {
        "gate": "XOR", "hidden": 2, "learning_rate": 1e-300, "x": x, "y": y, "init": "given",
        "weights": [4, -7, 6, 0, -3, "y", 1, "x", 1],
    }  # fmt: skip
    runs = sweep.run({"grid": grid, "train": {"max_epochs": 1}}).runs
    assert list(zip(runs["x"], runs["y"], strict=True)) == list(itertools.product(x, y))
    X, targets = ref.truth_table_rows("0110")
    for row in runs.itertuples():
        start = np.array([4, -7, 6, 0, -3, row.y, 1, row.x, 1])
        assert row.final_loss == pytest.approx(ref.loss(ref.Model(2, 2), start, X, targets), rel=1e-13)


def test_an_infinite_logit_is_no_divergence_while_the_squared_error_is_finite() -> None:
    grid = {"gate": "XOR", "hidden": 1, "activation": "relu", "loss": "mse", "learning_rate": 1, "init": "given"}
    start = {"weights": [1e300, 1e300, 0, 1e10, 0]}
    result = sweep.run({"grid": {**grid, **start}, "train": {"max_epochs": 3}})
    model = ref.Model(2, 1, "relu", "sigmoid", "mse")
    expected = ref.train(
        model, np.array(start["weights"]), *ref.truth_table_rows("0110"), learning_rate=1, max_epochs=3
    )
    assert result.runs["status"].tolist() == [expected.status] == ["max_epochs"]
    np.testing.assert_allclose(result.runs["final_loss"], [expected.final_loss], rtol=1e-12)
