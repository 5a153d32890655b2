"""What holds for every network: symmetries, exact or to a stated rounding, and runs that know nothing of the others.

A logit is b2 + Σⱼ w2ⱼhⱼ + Σᵢ uᵢxᵢ added up in this order, and so are the rows of a gradient: a symmetry that changes
the order of a sum holds to rounding, any other bit for bit.
"""

# mypy: allow-untyped-calls, allow-untyped-decorators

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_runs import GATES, LN2, Array, Outcome, Runs, assert_same_bits, gate_runs, random_runs, train
from numpy.typing import ArrayLike

import sweep
from sweep.kernel.plan import Plan

PLANS = {
    "sigmoid": replace(GATES, hidden=3, width=2),
    "tanh, adam, shortcut, pm1": replace(
        GATES, hidden=2, activation="tanh", optimizer="adam", shortcut=True, bits="pm1", width=4
    ),
    "tanh, online": replace(GATES, hidden=3, activation="tanh", optimizer="momentum", online=True, width=2),
}
N_EPOCHS = 20
weight = st.floats(-3, 3).map(lambda w: w if abs(w) > 1e-3 else 0.25)
"""Nothing so small that the square of its gradient vanishes: adam divides by the root."""


def runs_of(plan: Plan, gates: ArrayLike, starts: ArrayLike, rate: float) -> Runs:
    """Runs of two-input gates from one start each."""
    runs = gate_runs(gates, starts, rate, plan.bits)
    n = runs.rates.size
    return replace(
        runs,
        hidden_rates=runs.rates * 0.75,
        momentum=np.full(n, 0.5),
        beta2=np.full(n, 0.95),
        epsilon=np.full(n, 1e-3),
    )


def split_start(plan: Plan, start: ArrayLike) -> tuple[Array, Array, Array, Array, Array]:
    """W1, b1, w2, u and b2."""
    H, N = plan.hidden, plan.n_inputs
    W1, b1, w2, u, b2 = np.split(np.asarray(start, float), np.cumsum([H * N, H, H, plan.n_direct]))
    return W1.reshape(H, N), b1, w2, u, b2


def joined(*parts: Array) -> Array:
    return np.concatenate([part.ravel() for part in parts])


@st.composite
def networks(draw: st.DrawFn) -> tuple[Plan, int, Array, float]:
    """A plan, a gate, a start and a rate."""
    plan = PLANS[draw(st.sampled_from(list(PLANS)))]
    start = draw(st.lists(weight, min_size=plan.n_params, max_size=plan.n_params))
    return plan, draw(st.integers(0, 15)), np.array(start), draw(st.floats(0.01, 0.5))


def assert_close(actual: Array, expected: Array) -> None:
    """To 1e-11 of the largest: twenty epochs make the last places' difference grow by some powers of two."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def both(plan: Plan, gates: list[int], starts: list[Array], rate: float, **options: Any) -> Outcome:
    return train(plan, runs_of(plan, gates, np.array(starts), rate), max_epochs=N_EPOCHS, **options)


# ---- symmetries ------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(network=networks(), data=st.data())
def test_permuted_hidden_units_stay_permuted(network: tuple[Plan, int, Array, float], data: st.DataObject) -> None:
    """To rounding: the logit is a sum over the units in their order."""
    plan, gate, start, rate = network
    W1, b1, w2, u, b2 = split_start(plan, start)
    order = np.array(data.draw(st.permutations(range(plan.hidden))))
    outcome = both(plan, [gate, gate], [start, joined(W1[order], b1[order], w2[order], u, b2)], rate)
    W1, b1, w2, u, b2 = split_start(plan, outcome.weights[0])
    assert_close(outcome.weights[1], joined(W1[order], b1[order], w2[order], u, b2))
    np.testing.assert_allclose(outcome.final_loss[1], outcome.final_loss[0], rtol=1e-10)


@settings(deadline=None, max_examples=30)
@given(network=networks())
def test_equal_hidden_units_stay_equal_bit_for_bit(network: tuple[Plan, int, Array, float]) -> None:
    plan, gate, start, rate = network
    W1, b1, w2, u, b2 = split_start(plan, start)
    for each in (W1, b1, w2):
        each[1] = each[0]
    W1, b1, w2, *_ = split_start(plan, both(plan, [gate], [joined(W1, b1, w2, u, b2)], rate).weights[0])
    for each in (W1, b1, w2):
        np.testing.assert_array_equal(each[1], each[0])


@settings(deadline=None, max_examples=30)
@given(network=networks())
def test_the_complement_of_a_gate_mirrors_the_output_layer_bit_for_bit(network: tuple[Plan, int, Array, float]) -> None:
    plan, gate, start, rate = network
    mirror = np.where(np.arange(plan.n_params) < plan.n_hidden_params, 1.0, -1.0)
    options = {"target_loss": 0.3, "record_every": 4}
    outcome = both(plan, [gate, 15 - gate], [start, mirror * start], rate, **options)
    np.testing.assert_array_equal(outcome.weights[1], mirror * outcome.weights[0])
    outcome.weights[1] = outcome.weights[0]
    answers = outcome.answers == ord("1")
    assert not (answers[0] & answers[1]).any()  # at a tie, ½ and ½, both are 0
    outcome.answers[1] = outcome.answers[0]
    assert_same_bits(outcome[[1]], outcome[[0]])


@settings(deadline=None, max_examples=30)
@given(network=networks())
def test_exchanged_inputs_exchange_their_weights(network: tuple[Plan, int, Array, float]) -> None:
    """To rounding, and in batches only: inputs and rows are added up in another order, and online seen in another."""
    plan, gate, start, rate = network
    plan = PLANS["sigmoid"] if plan.online else plan
    start = np.resize(start, plan.n_params)
    W1, b1, w2, u, b2 = split_start(plan, start)
    exchanged_gate = gate & 0b1001 | (gate & 0b0100) >> 1 | (gate & 0b0010) << 1
    outcome = both(plan, [gate, exchanged_gate], [start, joined(W1[:, ::-1], b1, w2, u[::-1], b2)], rate)
    W1, b1, w2, u, b2 = split_start(plan, outcome.weights[0])
    assert_close(outcome.weights[1], joined(W1[:, ::-1], b1, w2, u[::-1], b2))


@settings(deadline=None, max_examples=30)
@given(network=networks(), data=st.data())
def test_a_tanh_unit_with_all_signs_changed_is_the_same_unit_bit_for_bit(
    network: tuple[Plan, int, Array, float], data: st.DataObject
) -> None:
    plan, gate, start, rate = network
    plan = PLANS["tanh, online"] if plan.activation != "tanh" else plan
    start = np.resize(start, plan.n_params)
    signs = np.array(data.draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=plan.hidden, max_size=plan.hidden)))
    n_rest = plan.n_direct + 1
    mirror = joined(np.repeat(signs, plan.n_inputs), signs, signs, np.ones(n_rest))
    outcome = both(plan, [gate, gate], [start, mirror * start], rate)
    np.testing.assert_array_equal(outcome.weights[1], mirror * outcome.weights[0])
    assert outcome.final_loss[1] == outcome.final_loss[0]


RELU = replace(GATES, hidden=2, activation="relu", width=2)


@settings(deadline=None, max_examples=30)
@given(st.lists(weight, min_size=9, max_size=9), st.integers(0, 15), st.integers(-20, 20), st.integers(-20, 20))
def test_what_a_relu_unit_takes_in_and_gives_out_can_be_scaled(start: list[float], gate: int, m: int, n: int) -> None:
    """By powers of two without any rounding: φ(ca) = cφ(a) for c > 0."""
    c = 2.0 ** np.array([m, n])
    scaled = np.array(start) * joined(np.repeat(c, 2), c, 1 / c, np.ones(1))
    losses = train(
        RELU, gate_runs([gate, gate], np.array([start, scaled]), 0.0), max_epochs=1, in_python=True
    ).final_loss
    assert losses[0] == losses[1]


@pytest.mark.parametrize("name", PLANS)
def test_an_output_layer_of_zeros_has_the_loss_ln_2_and_moves_itself_only(name: str) -> None:
    plan = PLANS[name]
    H = plan.n_hidden_params
    start = np.where(np.arange(plan.n_params) < H, 0.5, 0.0)
    outcome = train(plan, runs_of(plan, 1, start, 0.5), max_epochs=1, record_every=1)
    np.testing.assert_allclose(outcome.curves[0, 0], LN2, rtol=1e-15)
    if not plan.online:
        np.testing.assert_array_equal(outcome.weights[0, :H], start[:H])
    assert (outcome.weights[0, H:] != 0).any()


# ---- neighbours, chunks and workers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
@settings(deadline=None, max_examples=20)
@given(parts=st.lists(st.lists(st.integers(0, 29), max_size=20), min_size=1, max_size=2))
def test_no_run_depends_on_its_neighbours(name: str, parts: list[list[int]]) -> None:
    """In any order and in any company: the same bits. A lane keeps nothing of the run that it had before."""
    plan = PLANS[name]
    runs, options = random_runs(plan, 30), {"max_epochs": 40, "target_loss": 0.2, "record_every": 7}
    together = train(plan, runs, **options)  # type: ignore[arg-type]
    assert len(set(together.epochs)) > 5
    for part in parts:
        which = np.array(part, int)
        assert_same_bits(train(plan, runs[which], **options), together[which])  # type: ignore[arg-type]


def test_the_width_changes_no_bit() -> None:
    plan = PLANS["tanh, adam, shortcut, pm1"]
    runs, options = random_runs(plan, 20), {"max_epochs": 40, "target_loss": 0.5, "record_every": 9}
    wide, narrow = (train(p, runs, **options) for p in (replace(plan, width=16), plan))  # type: ignore[arg-type]
    assert_same_bits(wide, narrow)


NETWORKS: dict[str, Any] = {
    "grid": [
        {
            "gate": ["XOR", "0001"], "hidden": 2, "activation": "tanh", "optimizer": "adam",
            "learning_rate": [0.01, 0.2], "hidden_learning_rate": [0.1, 0.3], "seeds": 5,
        },
        {"gate": "XOR", "hidden": 2, "learning_rate": [1, 20], "update": ["batch", "online"], "seeds": 5},
    ],
    "train": {"max_epochs": 300, "target_loss": 0.1, "record_every": 50},
}  # fmt: skip


def test_chunks_and_jobs_change_no_byte_of_networks() -> None:
    whole = sweep.run(NETWORKS, jobs=1, chunk_size=10**6)
    assert set(whole.runs["status"]) == {"converged", "max_epochs"}
    for jobs, chunk_size in [(1, 7), (2, 1)]:
        result = sweep.run(NETWORKS, jobs=jobs, chunk_size=chunk_size)
        for name in ("runs", "summary", "curves"):
            assert getattr(result, name).equals(getattr(whole, name)), (jobs, chunk_size, name)
