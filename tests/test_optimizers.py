"""Update rules: their published form by hand on a parabola, their first epochs against the reference, known limits."""

# mypy: allow-untyped-calls

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from kernel_runs import GATES, Array, Runs, assert_close_to_reference, inputs, random_runs, train

import sweep
from sweep.kernel import optimizers
from sweep.kernel.plan import Plan

PARABOLA = replace(GATES, n_inputs=1, n_rows=2, bits="", soft_targets=True, output="linear", loss="mse")
"""L(w, b) = ((w + b)² + (−w + b)²)/2 = w² + b² on the rows 1 and −1 with target 0: ∂L/∂w = 2w, of slope 2."""
FAST = ("quickprop", "delta_bar_delta", "rprop")
"""Rules with settings of other names: see test_fast_rules.py."""
OPTIMIZERS = [rule for rule in optimizers.OPTIMIZERS if rule not in FAST]
ON_PARABOLA = {rule: replace(PARABOLA, optimizer=rule) for rule in OPTIMIZERS}


def on_parabola(
    rule: str, max_epochs: int, starts: Any, rate: Any, momentum: float = 0, beta2: float = 0, epsilon: float = 0
) -> Array:
    """Weights w, b after some epochs from one or several starts (w, b)."""
    starts = np.atleast_2d(np.asarray(starts, float))
    n = len(starts)
    rates, betas, betas2, epsilons = (np.full(n, value, float) for value in (rate, momentum, beta2, epsilon))
    runs = Runs(
        inputs(1, "pm1"), np.zeros((1, 2)), np.zeros(n, np.int64), starts, np.arange(n), rates,
        momentum=betas, beta2=betas2, epsilon=epsilons,
    )  # fmt: skip
    return train(ON_PARABOLA[rule], runs, max_epochs=max_epochs).weights


# ---- published rules, written out ------------------------------------------------------------------------------------


def published(rule: str, w: float, rate: float, beta1: float, beta2: float, epsilon: float) -> Iterator[float]:
    """w after one update and after two; g = 2w is the gradient."""
    g = 2 * w
    if rule == "gd":
        w1 = w - rate * g
        yield w1
        yield w1 - rate * 2 * w1
    if rule == "momentum":
        v1 = -rate * g
        w1 = w + v1
        yield w1
        yield w1 + beta1 * v1 - rate * 2 * w1
    if rule == "nesterov":  # Sutskever's θ is w − βv; g is taken at w
        theta1 = w - rate * g
        v1 = theta1 - w
        w1 = theta1 + beta1 * v1
        yield w1
        theta2 = w1 - rate * 2 * w1
        yield theta2 + beta1 * (theta2 - theta1)
    if rule == "adam":
        w1 = w - rate * g / (abs(g) + epsilon)
        yield w1
        g1 = 2 * w1
        m = (beta1 * (1 - beta1) * g + (1 - beta1) * g1) / (1 - beta1**2)
        s = (beta2 * (1 - beta2) * g**2 + (1 - beta2) * g1**2) / (1 - beta2**2)
        yield w1 - rate * m / (math.sqrt(s) + epsilon)
    if rule == "rmsprop":
        s = (1 - beta2) * g**2
        w1 = w - rate * g / (math.sqrt(s) + epsilon)
        yield w1
        s = beta2 * s + (1 - beta2) * 4 * w1**2
        yield w1 - rate * 2 * w1 / (math.sqrt(s) + epsilon)


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_two_steps_of_the_published_rule(rule: str) -> None:
    rate, beta1, beta2, epsilon = 0.125, 0.75, 0.9, 0.01
    starts = [3.0, -0.4]
    by_hand = [list(published(rule, w, rate, beta1, beta2, epsilon)) for w in starts]
    for n_steps in (1, 2):
        weights = on_parabola(rule, n_steps, starts, rate, beta1, beta2, epsilon)[0]
        np.testing.assert_allclose(weights, [after[n_steps - 1] for after in by_hand], rtol=1e-14, atol=1e-15)


def test_rules_by_numbers() -> None:
    """From w = 1, g = 2."""
    assert on_parabola("gd", 1, [1, 0], 0.25)[0, 0] == 0.5
    assert on_parabola("momentum", 2, [1, 0], 0.25, 0.5)[0, 0] == 0.0  # v = −0.5, then −0.25 − 0.25
    assert on_parabola("nesterov", 1, [1, 0], 0.25, 0.5)[0, 0] == 0.25  # v = −0.5, step −0.25 − 0.5
    assert on_parabola("rmsprop", 1, [1, 0], 0.25, beta2=0.75)[0, 0] == 0.5  # s = 1, g/√s = 2
    assert on_parabola("adam", 1, [1, 0], 0.25, 0.5, 0.75, epsilon=2)[0, 0] == 0.875  # ĝ = 2, √ŝ + ε = 4


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.0, 0.0), (0.5, 0.99), (0.99, 0.5)])
def test_the_first_step_of_adam_is_the_rate_whatever_the_betas_and_the_gradient(beta1: float, beta2: float) -> None:
    weights = on_parabola("adam", 1, [[1e-3, 5.0], [-40.0, 1e6]], 0.5, beta1, beta2)
    np.testing.assert_allclose(weights, [[1e-3 - 0.5, 4.5], [-39.5, 1e6 - 0.5]], rtol=1e-14)


# ---- known limits ----------------------------------------------------------------------------------------------------

STARTS = np.random.default_rng(0).normal(size=(20, 2))


def test_without_momentum_a_rule_with_it_is_gradient_descent() -> None:
    """Up to one rounding of a step: w + η·ascent is fused in gradient descent. The two momenta agree bit for bit."""
    plain, classical, nesterov = (on_parabola(rule, 1, STARTS, 0.3) for rule in ("gd", "momentum", "nesterov"))
    np.testing.assert_allclose(classical, plain, rtol=0, atol=2.0**-52)
    np.testing.assert_array_equal(on_parabola("momentum", 50, STARTS, 0.3), on_parabola("nesterov", 50, STARTS, 0.3))
    np.testing.assert_array_equal(classical, nesterov)


@pytest.mark.parametrize(
    ("rule", "momentum", "limit"),
    [
        ("gd", 0.0, 1.0),
        ("momentum", 0.5, 1.5),
        ("momentum", 0.9, 1.9),
        ("nesterov", 0.5, 0.75),
        ("nesterov", 0.9, 1.9 / 2.8),
    ],
)
def test_a_rule_is_stable_on_a_parabola_up_to_its_known_rate(rule: str, momentum: float, limit: float) -> None:
    """With curvature λ: 2/λ, heavy ball 2(1 + β)/λ (Polyak 1964), Nesterov's 2(1 + β)/((1 + 2β)λ)."""
    below, above = (
        np.abs(on_parabola(rule, 600, STARTS, factor * limit, momentum)).max(axis=1) for factor in (0.97, 1.03)
    )
    start = np.abs(STARTS).max(axis=1)
    assert (below < 1e-3 * start).all()
    assert (above > 1e3 * start).all()


def test_momentum_above_1_grows_by_that_factor_until_the_loss_is_no_longer_finite() -> None:
    early, late, end = (np.abs(on_parabola("momentum", n, STARTS, 1e-6, 1.5)) for n in (100, 110, 2500))
    np.testing.assert_allclose(late / early, 1.5**10, rtol=1e-3)
    assert (end.max(axis=1) < 2e154).all()
    assert (end.max(axis=1) > 1e154 / 2).all()


# ---- against the reference -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_first_fifty_epochs(rule: str) -> None:
    plan = ON_PARABOLA[rule]
    runs = random_runs(plan, n=8)
    runs = replace(runs, rates=np.geomspace(0.001, 0.02, 8), hidden_rates=None)
    assert_close_to_reference(plan, runs, train(plan, runs, max_epochs=50), 50, tolerance=1e-10)


@pytest.mark.parametrize(("rule", "online"), list(itertools.product(OPTIMIZERS, [False, True])))
def test_a_rate_of_zero_keeps_its_layer_as_it_was(rule: str, online: bool) -> None:
    plan: Plan = replace(GATES, hidden=2, shortcut=True, optimizer=rule, online=online, width=4)
    runs, H = random_runs(plan, n=4), plan.n_hidden_params
    starts, zero = runs.starts[runs.start_of_run], np.zeros(4)
    hidden_only = train(plan, replace(runs, rates=zero), max_epochs=2, in_python=True).weights
    output_only = train(plan, replace(runs, hidden_rates=zero), max_epochs=2, in_python=True).weights
    for weights, kept, moved in ((hidden_only, slice(H, None), slice(H)), (output_only, slice(H), slice(H, None))):
        np.testing.assert_array_equal(weights[:, kept], starts[:, kept])
        assert (weights[:, moved] != starts[:, moved]).all()


# ---- from an experiment ----------------------------------------------------------------------------------------------


def final_losses(**grid: Any) -> list[float]:
    runs = sweep.run({"grid": {"gate": "AND", "seeds": 5, **grid}, "train": {"max_epochs": 30}}).runs
    losses: list[float] = runs["final_loss"].tolist()
    return losses


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("adam", {"momentum": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
        ("rmsprop", {"beta2": 0.99, "epsilon": 1e-8}),
        ("momentum", {"momentum": 0.9}),
    ],
)
def test_settings_that_are_left_out_are_the_published_ones(rule: str, settings: dict[str, float]) -> None:
    one = {"optimizer": rule, "learning_rate": 0.1}
    assert final_losses(**one) == final_losses(**one, **settings)
    for key, value in settings.items():
        assert final_losses(**one) != final_losses(**one, **{**settings, key: value / 2 if key != "epsilon" else 0.1})


def test_the_hidden_layer_has_the_rate_of_the_output_unless_it_has_its_own() -> None:
    both = final_losses(hidden=2, learning_rate=[0.5, 2])
    assert final_losses(hidden=2, learning_rate=[0.5], hidden_learning_rate=[0.5, 2])[:5] == both[:5]
    assert final_losses(hidden=2, learning_rate=2, hidden_learning_rate=2) == both[5:]
    assert len({*final_losses(hidden=2, learning_rate=[0.5, 2], hidden_learning_rate=[0.5, 2])}) == 20
