"""The training kernel against the reference, facts from outside, and the promise that no run knows its neighbours."""

# mypy: allow-untyped-calls

import functools
import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import reference as ref
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_runs import (
    ALWAYS,
    AND,
    GATES,
    INF,
    LN2,
    NAN,
    OR,
    UNTOUCHED,
    XNOR,
    XOR,
    Outcome,
    Runs,
    assert_close_to_reference,
    assert_epochs_of_reference,
    assert_same_bits,
    gate_runs,
    inputs,
    random_runs,
    train,
)

from sweep.kernel import STATUSES
from sweep.kernel.loop import CONVERGED, DIVERGED, MAX_EPOCHS
from sweep.kernel.plan import Plan

PLANS = {
    "two inputs": GATES,
    "one input": replace(GATES, n_inputs=1, n_rows=2, stop_error=True, early_stop=False, width=4),
    "two inputs, pm1": replace(GATES, bits="pm1", stop_loss=False, stop_error=True),
    "three inputs, pm1, soft": replace(GATES, n_inputs=3, n_rows=8, bits="pm1", soft_targets=True, width=2),
    "four inputs, soft": replace(GATES, n_inputs=4, n_rows=16, soft_targets=True, stop_error=True, width=2),
    "five inputs, pm1": replace(GATES, n_inputs=5, n_rows=32, bits="pm1", early_stop=False, width=2),
    "real inputs": replace(GATES, n_rows=5, bits="", stop_error=True, width=2),
    "real inputs, soft": replace(
        GATES, n_inputs=3, n_rows=6, bits="", soft_targets=True, stop_loss=False, stop_error=True, early_stop=False
    ),
}
"""Kernels to compile: every choice of a plan occurs in several."""


# ---- the first epochs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_epochs", [1, 2, 5, 50])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_first_epochs(plan: Plan, max_epochs: int) -> None:
    runs = random_runs(plan)
    assert_close_to_reference(plan, runs, train(plan, runs, max_epochs=max_epochs), max_epochs)


@pytest.mark.parametrize("soft_targets", [False, True], ids=["hard", "soft"])
@pytest.mark.parametrize("bits", ["01", "pm1", ""])
@pytest.mark.parametrize("n_inputs", [1, 2, 3, 4])
def test_first_epochs_without_a_compiler(n_inputs: int, bits: str, soft_targets: bool) -> None:
    plan = replace(GATES, n_inputs=n_inputs, n_rows=2**n_inputs, bits=bits, soft_targets=soft_targets, width=2)
    runs = random_runs(plan, n=3, seed=n_inputs)
    assert_close_to_reference(plan, runs, train(plan, runs, max_epochs=2, in_python=True), 2)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_compiled_code_and_python_compute_the_same_bits(plan: Plan) -> None:
    runs = random_runs(plan, n=plan.width + 1)
    settings: dict[str, Any] = {"max_epochs": 4, "target_loss": 0.5, "target_error": 0.6, "record_every": 2}
    assert_same_bits(train(plan, runs, **settings), train(plan, runs, **settings, in_python=True))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_one_step_recovers_the_gradient(plan: Plan) -> None:
    """With a rate so large that the start is lost beside the step."""
    rate = 2.0**60
    runs = replace(random_runs(plan), rates=np.full(11, rate))
    outcome = train(plan, runs, max_epochs=1)
    for run in range(11):
        start, y = runs.starts[runs.start_of_run[run]], runs.tables[runs.table_of_run[run]]
        gradient = ref.gradient(ref.Model(plan.n_inputs), start, runs.X, y)
        np.testing.assert_allclose(outcome.weights[run] / -rate, gradient, rtol=0, atol=1e-14)


@pytest.mark.parametrize("margin", [1.0, 10.0, 20.0, 35.0, 50.0, 300.0])
@pytest.mark.parametrize("name", ["two inputs", "real inputs, soft"])
def test_the_loss_of_a_sure_model_keeps_its_accuracy(name: str, margin: float) -> None:
    """With and without knowing that the targets are 0 and 1."""
    plan = PLANS[name]
    for sign in (1.0, -1.0):
        start = [0.0] * plan.n_inputs + [sign * margin]
        tables = np.full((1, plan.n_rows), float(sign > 0))
        runs = replace(random_runs(plan, n=1), tables=tables, starts=np.array([start]), rates=np.zeros(1))[[0]]
        runs.table_of_run[:] = runs.start_of_run[:] = 0
        loss = train(plan, runs, max_epochs=1).final_loss[0]
        np.testing.assert_allclose(loss, math.log1p(math.exp(-margin)), rtol=1e-12)


# ---- when a run ends -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_status_and_epochs(plan: Plan) -> None:
    assert_epochs_of_reference(plan, random_runs(plan, n=21), max_epochs=12)


def test_a_criterion_met_by_the_start_ends_the_run_at_epoch_0() -> None:
    runs = gate_runs([OR, OR], [[20.0, 20.0, -10.0], [0.0, 0.0, 0.0]], 1.0)
    outcome = train(GATES, runs, max_epochs=3, target_loss=0.01)
    assert outcome.status.tolist() == [CONVERGED, MAX_EPOCHS]
    assert outcome.epochs.tolist() == [0, 3]
    assert outcome.converged_epoch.tolist() == [0, -1]
    assert outcome.weights[0].tolist() == [20.0, 20.0, -10.0]


def test_a_criterion_met_by_the_last_update_counts() -> None:
    runs = gate_runs(OR, [0.0, 0.0, 0.0], 1.0)
    loss_after_3 = train(GATES, runs, max_epochs=3).final_loss[0]
    outcome = train(GATES, runs, max_epochs=3, target_loss=loss_after_3 * 1.001)
    assert (outcome.status[0], outcome.epochs[0], outcome.converged_epoch[0]) == (CONVERGED, 3, 3)


def test_a_criterion_asks_for_less_than_its_target() -> None:
    xor_from_zeros = gate_runs(XOR, [0.0, 0.0, 0.0], 0.5)
    assert math.exp(-4 * LN2) == 0.5**4  # which is what the kernel compares
    assert train(GATES, xor_from_zeros, max_epochs=2, target_loss=LN2).status[0] == MAX_EPOCHS
    assert train(GATES, xor_from_zeros, max_epochs=2, target_loss=LN2 * (1 + 1e-15)).status[0] == CONVERGED

    by_error = PLANS["two inputs, pm1"]
    xor_from_zeros = gate_runs(XOR, [0.0, 0.0, 0.0], 0.5, "pm1")
    assert train(by_error, xor_from_zeros, max_epochs=2, target_error=0.5).status[0] == MAX_EPOCHS
    assert train(by_error, xor_from_zeros, max_epochs=2, target_error=0.5 + 2.0**-52).status[0] == CONVERGED

    soft = PLANS["three inputs, pm1, soft"]
    runs = replace(random_runs(soft, n=1), rates=np.zeros(1))
    loss = train(soft, runs, max_epochs=1).final_loss[0]
    assert train(soft, runs, max_epochs=1, target_loss=loss).status[0] == MAX_EPOCHS
    assert train(soft, runs, max_epochs=1, target_loss=np.nextafter(loss, INF)).status[0] == CONVERGED


def test_without_early_stop_training_goes_on_and_the_first_epoch_is_kept() -> None:
    """Here the criterion ceases to hold later on."""
    plan = PLANS["one input"]
    X, y = inputs(1, "01"), np.array([[0.0, 1.0]])
    zero = np.zeros(1, np.int64)
    runs = Runs(X, y, zero, np.array([[25.0, -12.0]]), zero, np.array([1.0]))
    still_good = replace(runs, tables=1 - y, starts=np.array([[-2.0, 1.0]]), rates=np.array([40.0]))
    assert train(plan, runs, max_epochs=9, target_loss=0.01, target_error=0.1).converged_epoch[0] == 0
    curve = train(plan, still_good, max_epochs=9, record_every=1).curves[0]
    assert curve[0] < 0.4
    outcome = train(plan, still_good, max_epochs=9, target_loss=0.4, target_error=0.5)
    assert (outcome.status[0], outcome.epochs[0], outcome.converged_epoch[0]) == (CONVERGED, 9, 0)


def test_the_fourteen_threshold_functions_of_two_inputs_are_learned() -> None:
    runs = gate_runs(range(16), [0.5, -0.25, 0.1], 1.0, "pm1")
    outcome = train(PLANS["two inputs, pm1"], runs, max_epochs=500, target_error=0.5)
    assert np.flatnonzero(outcome.status != CONVERGED).tolist() == [XOR, XNOR]


# ---- extreme numbers -------------------------------------------------------------------------------------------------


def assert_honest(runs: Runs, outcome: Outcome, max_epochs: int) -> None:
    """Finite weights and their true loss, or the status `diverged` and an infinite loss."""
    diverged = outcome.status == DIVERGED
    np.testing.assert_array_equal(outcome.final_loss == INF, diverged)
    for run in np.flatnonzero(~diverged):
        y = runs.tables[runs.table_of_run[run]]
        w1, w2, b = outcome.weights[run]
        z = b + w1 * runs.X[:, :1] + w2 * runs.X[:, 1:]  # in this order: huge weights may cancel
        true_loss = ref.loss(ref.Model(1), np.array([1.0, 0.0]), z, y)
        np.testing.assert_allclose(outcome.final_loss[run], true_loss, rtol=1e-12, atol=1e-320)
    converged = outcome.status == CONVERGED
    np.testing.assert_array_equal(outcome.converged_epoch, np.where(converged, outcome.epochs, -1))
    np.testing.assert_array_equal(outcome.epochs[outcome.status == MAX_EPOCHS], max_epochs)
    assert ((outcome.epochs >= 0) & (outcome.epochs <= max_epochs)).all()


@pytest.mark.parametrize(
    ("gate", "start", "rate", "status", "epochs"),
    [
        (AND, [1e300, 1e300, 1e300], 1.0, MAX_EPOCHS, 9),
        (OR, [1e300, 1e300, -1e299], 1.0, CONVERGED, 0),
        (AND, [1.7e308, 1.7e308, 0.0], 1.0, DIVERGED, 0),
        (ALWAYS, [1.7e308, 1.7e308, 0.0], 1.0, DIVERGED, 0),
        (AND, [INF, 0.0, 0.0], 1.0, DIVERGED, 0),
        (AND, [0.0, -INF, 0.0], 1.0, DIVERGED, 0),
        (AND, [0.0, 0.0, INF], 1.0, DIVERGED, 0),
        (ALWAYS, [0.0, 0.0, INF], 1.0, DIVERGED, 0),
        (AND, [NAN, 0.0, 0.0], 1.0, DIVERGED, 0),
        (AND, [0.0, 0.0, NAN], 1.0, DIVERGED, 0),
        (ALWAYS, [0.0, 0.0, -1.0], INF, DIVERGED, 1),
        (ALWAYS, [0.0, 0.0, -1.0], 1e6, CONVERGED, 1),
        (OR, [0.0, 0.0, -50.0], 1.7e308, DIVERGED, 1),
        (XOR, [0.5, 0.25, 0.125], 1e6, MAX_EPOCHS, 9),
    ],
)
def test_extreme_weights_and_rates_have_an_honest_status(
    gate: int, start: list[float], rate: float, status: int, epochs: int
) -> None:
    runs = gate_runs(gate, start, rate)
    outcome = train(GATES, runs, max_epochs=9, target_loss=0.01)
    assert (outcome.status[0], outcome.epochs[0]) == (status, epochs)
    assert_honest(runs, outcome, max_epochs=9)
    with np.errstate(all="ignore"):
        expected = runs.of_reference(GATES, 0, max_epochs=9, target_loss=0.01)
    assert (STATUSES[status], epochs) == (expected.status, expected.epochs)


def test_a_run_whose_loss_is_infinite_has_diverged() -> None:
    """Four rows of a loss of 1.7e308 each: finite in the mean, but not in the sum."""
    outcome = train(GATES, gate_runs(ALWAYS, [0.0, 0.0, -1.7e308], 1.0), max_epochs=9, record_every=3)
    assert (outcome.status[0] == DIVERGED) == (outcome.final_loss[0] == INF)
    assert not np.isnan(outcome.curves).any()


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_weights_and_rates_have_an_honest_status(data: st.DataObject) -> None:
    weight = st.one_of(st.floats(-1e307, 1e307), st.floats(-50, 50), st.sampled_from([INF, -INF, NAN]))
    starts = data.draw(st.lists(st.tuples(weight, weight, weight), min_size=1, max_size=12))
    gates = data.draw(st.lists(st.integers(0, 15), min_size=len(starts), max_size=len(starts)))
    rates = data.draw(st.lists(st.floats(1e-3, 1e300), min_size=len(starts), max_size=len(starts)))
    runs = gate_runs(gates, starts, np.array(rates))
    outcome = train(GATES, runs, max_epochs=30, target_loss=0.05)
    with np.errstate(all="ignore"):
        assert_honest(runs, outcome, max_epochs=30)


# ---- learning curves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_curve_holds_the_losses_of_shorter_runs(plan: Plan) -> None:
    max_epochs, every, n = 42, 3, 30
    runs = assorted_runs()[range(n)] if plan == GATES else random_runs(plan, n)
    outcome = train(plan, runs, max_epochs=max_epochs, target_loss=0.6, target_error=0.6, record_every=every)
    expected = np.full((n, 1 + max_epochs // every), UNTOUCHED)
    for k in range(expected.shape[1]):
        cut = runs if k else replace(runs, rates=np.zeros(n))
        losses = train(plan, cut, max_epochs=max(k * every, 1)).final_loss
        reached = k * every <= outcome.epochs
        expected[reached, k] = losses[reached]
    np.testing.assert_array_equal(outcome.curves, expected)
    assert (UNTOUCHED in expected) == plan.early_stop


# ---- neighbours --------------------------------------------------------------------------------------------------


@functools.cache
def assorted_runs() -> Runs:
    """Sixty runs of all gates, some of which converge, diverge, oscillate or begin with impossible weights."""
    rng = np.random.default_rng(0)
    starts = rng.normal(0, 3, (60, 3))
    starts[::9] *= 1e300
    starts[[5, 17, 29], [0, 1, 2]] = NAN, INF, -INF
    rates = 10 ** rng.uniform(-1, 3, 60)
    rates[[4, 33]] = 1e308
    return gate_runs(rng.integers(0, 16, 60), starts, rates)


@settings(deadline=None, max_examples=60)
@given(
    width=st.sampled_from([2, 8, 16, 32]),
    parts=st.lists(st.lists(st.integers(0, 59), max_size=40), min_size=1, max_size=3),
)
def test_no_run_depends_on_its_neighbours(width: int, parts: list[list[int]]) -> None:
    """In any order, in any company, at any width, in one call or several: the same bits."""
    settings: dict[str, Any] = {"max_epochs": 100, "target_loss": 0.1, "record_every": 7}
    together = train(GATES, assorted_runs(), **settings)
    assert set(together.status) == {CONVERGED, DIVERGED, MAX_EPOCHS}
    for part in parts:
        which = np.array(part, int)
        outcome = train(replace(GATES, width=width), assorted_runs()[which], **settings)
        assert_same_bits(outcome, together[which])


def test_what_is_not_asked_for_changes_nothing() -> None:
    runs = assorted_runs()
    everything = train(GATES, runs, max_epochs=50, target_loss=0.1, record_every=10)
    least = train(GATES, runs, max_epochs=50, target_loss=0.1, with_weights=False)
    for name in ("status", "epochs", "converged_epoch", "final_loss"):
        np.testing.assert_array_equal(getattr(least, name), getattr(everything, name))


# ---- facts from outside ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_loss_of_zero_weights_is_ln_2(plan: Plan) -> None:
    runs = random_runs(plan)
    runs = replace(runs, starts=np.zeros_like(runs.starts), rates=np.zeros(11))
    np.testing.assert_array_max_ulp(
        train(plan, runs, max_epochs=1).final_loss, np.full(11, LN2), max(1, plan.n_rows // 8)
    )


@pytest.mark.parametrize("name", ["two inputs", "two inputs, pm1"])
def test_xor_from_zeros_never_moves(name: str) -> None:
    runs = gate_runs([XOR, XNOR, XOR], [0.0, 0.0, 0.0], np.array([0.1, 1.0, 1e3]), PLANS[name].bits)
    outcome = train(PLANS[name], runs, max_epochs=100)
    assert not outcome.weights.any()
    assert set(outcome.final_loss) == {LN2}


start_weights = st.lists(st.floats(-20, 20), min_size=3, max_size=3)


@pytest.mark.parametrize("name", ["two inputs", "two inputs, pm1"])
@settings(deadline=None, max_examples=40)
@given(gate=st.integers(0, 15), start=start_weights, rate=st.floats(1e-3, 1e3))
def test_the_complement_of_a_gate_mirrors_the_run_exactly(
    name: str, gate: int, start: list[float], rate: float
) -> None:
    runs = gate_runs([gate, 15 - gate], [start, [-w for w in start]], rate, PLANS[name].bits)
    outcome = train(PLANS[name], runs, max_epochs=60, target_loss=0.2, target_error=0.2, record_every=4)
    np.testing.assert_array_equal(outcome.weights[1], -outcome.weights[0])
    outcome.weights[1] = outcome.weights[0]
    assert np.isin(outcome.answers.sum(axis=0), [0, *(b"0"[0] + one for one in b"01")]).all()  # 0 twice where z is 0
    outcome.answers[1] = outcome.answers[0]
    assert_same_bits(outcome[[1]], outcome[[0]])


@pytest.mark.parametrize("name", ["two inputs", "two inputs, pm1"])
@settings(deadline=None, max_examples=40)
@given(gate=st.integers(0, 15), start=start_weights, rate=st.floats(1e-2, 2))
def test_exchanged_inputs_exchange_the_weights(name: str, gate: int, start: list[float], rate: float) -> None:
    """To rounding: rows and inputs are added up in another order."""
    exchanged_gate = gate & 0b1001 | (gate & 0b0100) >> 1 | (gate & 0b0010) << 1
    w1, w2, b = start
    runs = gate_runs([gate, exchanged_gate], [start, [w2, w1, b]], rate, PLANS[name].bits)
    outcome = train(PLANS[name], runs, max_epochs=40)
    scale = 1 + np.abs(outcome.weights[0]).max() + np.abs(start).max()
    np.testing.assert_allclose(outcome.weights[1][[1, 0, 2]], outcome.weights[0], rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(outcome.final_loss[1], outcome.final_loss[0], rtol=1e-11)


@settings(deadline=None, max_examples=40)
@given(w=st.floats(-20, 20), b=st.floats(-20, 20), rate=st.floats(1e-3, 1e3))
def test_equal_weights_of_a_symmetric_gate_stay_equal(w: float, b: float, rate: float) -> None:
    outcome = train(GATES, gate_runs([0, AND, XOR, OR, 8, XNOR, 14, ALWAYS], [w, w, b], rate), max_epochs=60)
    np.testing.assert_array_equal(outcome.weights[:, 0], outcome.weights[:, 1])


@given(
    st.builds(
        Plan, *[st.integers(1, 300)] * 2, st.sampled_from(["01", "pm1", ""]), *[st.booleans()] * 4, st.integers(1, 64)
    )
)
def test_a_plan_is_read_back_from_its_text(plan: Plan) -> None:
    assert Plan.parse(plan.text) == plan


BLOCKED = {
    "Boolean": replace(GATES, n_inputs=3, n_rows=8, hidden=3, stop_error=True),
    "Boolean, pm1, soft, shortcut": replace(
        GATES, n_inputs=4, n_rows=16, bits="pm1", hidden=2, shortcut=True, soft_targets=True, activation="tanh"
    ),
    "logistic regression": replace(GATES, n_inputs=4, n_rows=16),
    "real rows": replace(GATES, n_inputs=3, n_rows=13, bits="", hidden=5, optimizer="adam"),
    "online": replace(GATES, n_inputs=3, n_rows=8, hidden=3, online=True, optimizer="momentum"),
    "linear": replace(
        GATES,
        n_inputs=3,
        n_rows=11,
        bits="",
        hidden=4,
        activation="relu",
        output="linear",
        loss="mse",
        soft_targets=True,
    ),
}


@pytest.mark.parametrize("plan", BLOCKED.values(), ids=BLOCKED)
def test_rows_in_blocks_of_any_size_and_models_side_by_side_of_any_number_give_the_same_bits(plan: Plan) -> None:
    runs = random_runs(plan, n=21)
    runs.rates[::4] *= 1e9
    settings: dict[str, Any] = {"max_epochs": 40, "target_loss": 0.5, "target_error": 0.6, "record_every": 7}
    expected = train(plan, runs, **settings)
    assert len(set(expected.final_loss)) > 5
    for block, width in itertools.product((1, 2, 4, 8), (8, 32)):
        assert_same_bits(train(replace(plan, block=block, width=width), runs, **settings), expected)
    if plan.bits:
        assert_same_bits(train(replace(plan, block=0, width=16), runs, **settings), expected)
