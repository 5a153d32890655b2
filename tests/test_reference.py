"""The oracle's oracle: the reference against central differences, published rules worked by hand, and known facts."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import reference as ref
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import Model

LN2 = math.log(2)
TWO_INPUT_TABLES = ["".join(bits) for bits in itertools.product("01", repeat=4)]

HIDDEN_LAYERS = [{"hidden": 0}] + [
    {"hidden": hidden, "activation": activation, "shortcut": shortcut}
    for hidden in (1, 3)
    for activation in ("sigmoid", "tanh", "relu")
    for shortcut in (False, True)
]
OUTPUT_AND_LOSS = [("sigmoid", "bce"), ("sigmoid", "mse"), ("linear", "mse")]
MODELS = [Model(2, **layer, output=o, loss=e) for layer in HIDDEN_LAYERS for o, e in OUTPUT_AND_LOSS]  # type: ignore[arg-type]

# L(w, b) = ((w + b)² + (−w + b)²) / 2 = w² + b², so that ∂L/∂w = 2w and ∂L/∂b = 2b.
QUADRATIC = Model(1, output="linear", loss="mse")
QUADRATIC_ROWS = np.array([[1.0], [-1.0]]), np.zeros(2)


def parameters(model: Model) -> st.SearchStrategy[ref.Array]:
    magnitudes = st.floats(0.1, 3.0)
    values = st.one_of(magnitudes, magnitudes.map(lambda value: -value))
    return st.lists(values, min_size=model.n_params, max_size=model.n_params).map(np.array)


def steps_on_quadratic(start: list[float], n_steps: int, **settings: Any) -> list[list[float]]:
    """Parameters after 1, 2, … updates, each from a training run of its own."""
    X, y = QUADRATIC_ROWS
    return [
        list(ref.train(QUADRATIC, np.array(start), X, y, max_epochs=n, **settings).params)
        for n in range(1, n_steps + 1)
    ]


# ---- the model ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=str)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_gradient_is_the_central_difference_of_the_loss(model: Model, data: st.DataObject) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 2)), np.array([0.0, 1.0, 1.0, 0.0, 0.3])
    params = data.draw(parameters(model))
    if model.hidden and model.activation == "relu":
        W1, b1, *_ = ref.unpack(model, params)
        assume(np.abs(X @ W1.T + b1).min() > 1e-3)

    h = 1e-5
    differences = [
        (ref.loss(model, params + h * e, X, y) - ref.loss(model, params - h * e, X, y)) / (2 * h)
        for e in np.eye(model.n_params)
    ]
    np.testing.assert_allclose(ref.gradient(model, params, X, y), differences, rtol=1e-6, atol=1e-7)


def test_a_network_computed_by_hand() -> None:
    model = Model(2, hidden=2, activation="relu", output="linear", loss="mse", shortcut=True)
    W1, b1, w2, u, b2 = [1.0, 2.0, -3.0, 1.0], [0.5, -1.0], [10.0, 100.0], [1000.0, 2000.0], [0.25]
    params = np.array(W1 + b1 + w2 + u + b2)
    X = np.array([[1.0, 2.0], [-1.0, 0.0]])
    # Row 1: Z1 = (5.5, −2), A = (5.5, 0), z = 55 + 5000 + 0.25.
    # Row 2: Z1 = (−0.5, 2), A = (0, 2), z = 200 − 1000 + 0.25.
    np.testing.assert_array_equal(ref.outputs(model, params, X), [5055.25, -799.75])
    assert ref.loss(model, params, X, np.array([5054.25, -796.75])) == (1 + 9) / 2


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("sigmoid", 1 / (1 + math.exp(-0.5))), ("tanh", math.tanh(0.5)), ("relu", 0.5)],
)
def test_activations(activation: ref.Activation, expected: float) -> None:
    model = Model(1, hidden=1, activation=activation, output="linear", loss="mse")
    assert ref.outputs(model, np.array([1.0, 0.0, 1.0, 0.0]), np.array([[0.5]]))[0] == pytest.approx(
        expected, rel=1e-15
    )


def test_relu_has_slope_zero_at_its_kink() -> None:
    model = Model(1, hidden=1, activation="relu", output="linear", loss="mse")
    w1_b1_w2_b2 = np.array([2.0, -2.0, 1.0, 1.0])
    gradient = ref.gradient(model, w1_b1_w2_b2, np.array([[1.0]]), np.array([0.0]))
    np.testing.assert_array_equal(gradient, [0.0, 0.0, 0.0, 2.0])


@pytest.mark.parametrize("model", [Model(2), Model(2, hidden=2), Model(2, hidden=3, activation="tanh", shortcut=True)])
@pytest.mark.parametrize("encoding", ["01", "pm1"])
def test_loss_is_ln_2_at_zero_weights(model: Model, encoding: Any) -> None:
    for table in TWO_INPUT_TABLES:
        assert ref.loss(model, np.zeros(model.n_params), *ref.truth_table_rows(table, encoding)) == LN2


@pytest.mark.parametrize(
    ("logit", "target", "expected"),
    [
        (1e3, 1.0, 0.0),
        (1e3, 0.0, 1e3),
        (-1e3, 1.0, 1e3),
        (-1e3, 0.0, 0.0),
        (1e3, 0.25, 750.0),
        (40.0, 1.0, 4.248354255291589e-18),  # log1p(e⁻⁴⁰)
        (1e300, 0.0, 1e300),
    ],
)
def test_cross_entropy_is_right_in_the_tails(logit: float, target: float, expected: float) -> None:
    found = ref.loss(Model(1), np.array([0.0, logit]), np.zeros((1, 1)), np.array([target]))
    assert found == pytest.approx(expected, rel=1e-15, abs=0)


def test_sigmoid_saturates_without_overflow() -> None:
    X = np.array([[-1e3], [-40.0], [0.0], [40.0], [1e3]])
    e = 4.248354255291589e-18  # e⁻⁴⁰
    np.testing.assert_allclose(ref.outputs(Model(1), np.array([1.0, 0.0]), X), [0.0, e, 0.5, 1.0, 1.0], rtol=1e-15)


@pytest.mark.parametrize(
    ("model", "n_params"),
    [(Model(2), 3), (Model(4), 5), (Model(2, hidden=2), 9), (Model(3, hidden=4), 21), (Model(2, 1, shortcut=True), 7)],
)
def test_number_of_parameters(model: Model, n_params: int) -> None:
    assert model.n_params == n_params == len(ref.draw("uniform(0, 1)", 0, model))
    assert ref.gradient(model, np.ones(n_params), np.ones((1, model.n_inputs)), np.ones(1)).shape == (n_params,)


def test_impossible_models_are_refused() -> None:
    with pytest.raises(ValueError, match="sigmoid output"):
        Model(2, output="linear", loss="bce")
    with pytest.raises(ValueError, match="hidden layer"):
        Model(2, hidden=0, shortcut=True)
    with pytest.raises(ValueError, match="3 parameters"):
        ref.outputs(Model(2), np.zeros(9), np.zeros((1, 2)))


# ---- tables and starts -------------------------------------------------------------------------------------


def test_rows_are_in_counting_order() -> None:
    X, y = ref.truth_table_rows("0010")
    np.testing.assert_array_equal(X, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(y, [0, 0, 1, 0])
    X, y = ref.truth_table_rows("00000001", "pm1")
    np.testing.assert_array_equal(X[[0, 1, 4]], [[-1, -1, -1], [-1, -1, 1], [1, -1, -1]])
    assert set(y) == {0.0, 1.0}


@pytest.mark.parametrize("table", ["011", "01 0", "0120", ""])
def test_what_is_no_truth_table_is_refused(table: str) -> None:
    with pytest.raises(ValueError, match="truth table"):
        ref.truth_table_rows(table)


def test_parameters_are_drawn_one_by_one_in_order() -> None:
    rng = np.random.default_rng(7)
    W1 = [[rng.uniform(-2, 5), rng.uniform(-2, 5)], [rng.uniform(-2, 5), rng.uniform(-2, 5)]]
    b1 = [rng.uniform(-2, 5), rng.uniform(-2, 5)]
    w2 = [rng.uniform(-2, 5), rng.uniform(-2, 5)]
    u = [rng.uniform(-2, 5), rng.uniform(-2, 5)]
    b2 = rng.uniform(-2, 5)
    model = Model(2, hidden=2, shortcut=True)
    found = ref.unpack(model, ref.draw("uniform(-2, 5)", 7, model))
    for part, expected in zip(found, (W1, b1, w2, u, b2), strict=True):
        np.testing.assert_array_equal(part, expected)

    rng = np.random.default_rng(7)
    np.testing.assert_array_equal(
        ref.draw("normal(1, 10)", 7, Model(2)), [rng.normal(1, 10), rng.normal(1, 10), rng.normal(1, 10)]
    )


@pytest.mark.parametrize(
    ("init", "first", "last"),  # fans of the layers of a 3-2-1 network: 3 in, 2 out; 2 in, 1 out
    [
        ("xavier_uniform", math.sqrt(6 / 5), math.sqrt(6 / 3)),
        ("xavier_normal", math.sqrt(2 / 5), math.sqrt(2 / 3)),
        ("he_uniform", math.sqrt(6 / 3), math.sqrt(6 / 2)),
        ("he_normal", math.sqrt(2 / 3), math.sqrt(2 / 2)),
    ],
)
def test_xavier_and_he_draw_weights_and_leave_biases_zero(init: str, first: float, last: float) -> None:
    rng = np.random.default_rng(3)

    def weight(scale: float) -> float:
        return rng.uniform(-scale, scale) if init.endswith("uniform") else rng.normal(0, scale)

    expected = [weight(first) for _ in range(6)] + [0.0, 0.0] + [weight(last) for _ in range(2)] + [0.0]
    np.testing.assert_allclose(ref.draw(init, 3, Model(3, hidden=2)), expected, rtol=1e-15)


def test_shortcuts_count_in_the_fan_in_of_the_output() -> None:
    model = Model(2, hidden=1, shortcut=True)
    *_, w2, s1, s2, b2 = ref.draw("he_normal", 0, model)
    rng = np.random.default_rng(0)
    rng.normal(size=2)
    np.testing.assert_allclose([w2, s1, s2, b2], [*rng.normal(0, math.sqrt(2 / 3), size=3), 0.0], rtol=1e-15)


def test_starts_without_chance() -> None:
    np.testing.assert_array_equal(ref.draw("zeros", 5, Model(2, hidden=1)), np.zeros(5))
    np.testing.assert_array_equal(ref.draw("constant(-0.5)", 5, Model(2)), [-0.5, -0.5, -0.5])


# ---- update rules, by hand on L = w² + b² ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # w ← w − 0.1 · 2w = 0.8 w
        ({"optimizer": "gd"}, [0.8, 0.64, 0.512]),
        # g = 2, 1.6, 1.08; v = −0.2, −0.26, −0.238
        ({"optimizer": "momentum", "momentum": 0.5}, [0.8, 0.54, 0.302]),
        # g = 2, 1.4, 0.88; v = −0.2, −0.24, −0.208
        ({"optimizer": "nesterov", "momentum": 0.5}, [0.7, 0.44, 0.248]),
    ],
)
def test_linear_update_rules(settings: dict[str, Any], expected: list[float]) -> None:
    found = steps_on_quadratic([1.0, -2.0], 3, learning_rate=0.1, **settings)
    np.testing.assert_allclose(found, [[w, -2 * w] for w in expected], rtol=1e-14)


def test_nesterov_is_sutskevers_rule_seen_from_the_point_of_the_gradient() -> None:
    beta, eta = 0.9, 0.05
    theta, v = 1.0, 0.0
    expected = []
    for _ in range(4):
        v = beta * v - eta * 2 * (theta + beta * v)
        theta = theta + v
        expected.append([theta + beta * v, 0.0])
    found = steps_on_quadratic([1.0, 0.0], 4, learning_rate=eta, optimizer="nesterov", momentum=beta)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_adam() -> None:
    # g = 2, 1.6; m = 1, 1.3; s = 1, 1.39; bias corrections 0.5, 0.75 and 0.25, 0.4375
    first = 1 - 0.3 * 2 / (2 + 1)
    second = 0.8 - 0.3 * (1.3 / 0.75) / (math.sqrt(1.39 / 0.4375) + 1)
    found = steps_on_quadratic(
        [1.0, 0.0], 2, learning_rate=0.3, optimizer="adam", momentum=0.5, beta2=0.75, epsilon=1.0
    )
    np.testing.assert_allclose(found, [[first, 0.0], [second, 0.0]], rtol=1e-14)


def test_rmsprop() -> None:
    # g = 2, 1.4; s = 1, 1.24
    first = 1 - 0.3 * 2 / (1 + 1)
    second = 0.7 - 0.3 * 1.4 / (math.sqrt(1.24) + 1)
    found = steps_on_quadratic([1.0, 0.0], 2, learning_rate=0.3, optimizer="rmsprop", beta2=0.75, epsilon=1.0)
    np.testing.assert_allclose(found, [[first, 0.0], [second, 0.0]], rtol=1e-14)


@pytest.mark.parametrize(
    ("optimizer", "published"),
    [
        ("adam", {"momentum": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
        ("rmsprop", {"beta2": 0.99, "epsilon": 1e-8}),
        ("momentum", {"momentum": 0.0}),
    ],
)
def test_published_defaults(optimizer: str, published: dict[str, float]) -> None:
    left_out = steps_on_quadratic([1.0, 0.5], 3, learning_rate=0.1, optimizer=optimizer)
    assert left_out == steps_on_quadratic([1.0, 0.5], 3, learning_rate=0.1, optimizer=optimizer, **published)


def test_momentum_is_refused_by_rules_that_have_none() -> None:
    with pytest.raises(ValueError, match="gd has no momentum"):
        steps_on_quadratic([1.0, 0.0], 1, learning_rate=0.1, optimizer="gd", momentum=0.9)


def test_an_online_epoch_updates_after_each_row_in_table_order() -> None:
    # Row 1: L = (w + b)², g = (2, 2), to (0.8, −0.2). Row 2: L = (2w + b − 1)², g = (1.6, 0.8), to (0.64, −0.28).
    X, y = np.array([[1.0], [2.0]]), np.array([0.0, 1.0])
    run = ref.train(QUADRATIC, np.array([1.0, 0.0]), X, y, learning_rate=0.1, max_epochs=1, update="online")
    np.testing.assert_allclose(run.params, [0.64, -0.28], rtol=1e-14)
    assert run.epochs == 1


@pytest.mark.parametrize("shortcut", [False, True])
def test_the_first_layer_may_have_its_own_learning_rate(shortcut: bool) -> None:
    model = Model(2, hidden=2, activation="tanh", shortcut=shortcut)
    X, y = ref.truth_table_rows("0110")
    start = ref.draw("normal(0, 1)", 1, model)
    run = ref.train(model, start, X, y, learning_rate=0.25, hidden_learning_rate=4.0, max_epochs=1)
    W1_and_b1 = np.arange(model.n_params) < 6
    step = np.where(W1_and_b1, 4.0, 0.25) * ref.gradient(model, start, X, y)
    np.testing.assert_allclose(run.params, start - step, rtol=1e-14)


# ---- epochs, criterion, status -----------------------------------------------------------------------------


def quadratic_run(start: float, max_epochs: int, **settings: Any) -> ref.Run:
    """Gradient descent that halves w, and quarters the loss w², at every epoch."""
    X, y = QUADRATIC_ROWS
    return ref.train(QUADRATIC, np.array([start, 0.0]), X, y, learning_rate=0.25, max_epochs=max_epochs, **settings)


def test_a_criterion_met_at_the_start_needs_no_epoch() -> None:
    run = quadratic_run(0.5, 100, target_loss=0.3)
    assert (run.status, run.epochs, run.converged_epoch, run.final_loss) == ("converged", 0, 0, 0.25)
    np.testing.assert_array_equal(run.params, [0.5, 0.0])


@pytest.mark.parametrize(
    ("criterion", "epochs"),
    [
        ({"target_loss": 0.0625}, 3),  # the loss is 1, 1/4, 1/16, 1/64: strictly below
        ({"target_error": 0.25}, 3),  # the error is 1, 1/2, 1/4, 1/8: strictly below
        ({"target_loss": 0.3, "target_error": 0.3}, 2),
        ({"target_loss": 0.01, "target_error": 0.9}, 4),
    ],
)
def test_the_criterion_is_strict_and_asks_for_everything_given(criterion: dict[str, float], epochs: int) -> None:
    run = quadratic_run(1.0, 100, **criterion)
    assert (run.status, run.epochs, run.converged_epoch) == ("converged", epochs, epochs)
    assert run.final_loss == 0.25**epochs


def test_the_criterion_is_tested_after_the_last_epoch_and_not_later() -> None:
    assert quadratic_run(1.0, 3, target_loss=0.0625).status == "converged"
    run = quadratic_run(1.0, 2, target_loss=0.0625)
    assert (run.status, run.epochs, run.converged_epoch, run.final_loss) == ("max_epochs", 2, None, 0.0625)


def test_every_row_must_be_within_the_error() -> None:
    X, y = ref.truth_table_rows("0001")
    always_0 = np.array([0.0, 0.0, -9.0])
    run = ref.train(Model(2), always_0, X, y, learning_rate=0.0, max_epochs=1, target_error=0.5)
    assert run.status == "max_epochs"


def test_without_early_stop_training_goes_on_and_the_first_epoch_is_kept() -> None:
    run = quadratic_run(1.0, 10, target_loss=0.1, early_stop=False, record_every=4)
    assert (run.status, run.epochs, run.converged_epoch, run.final_loss) == ("converged", 10, 2, 0.25**10)
    assert run.curve == [(0, 1.0), (4, 0.25**4), (8, 0.25**8)]


def test_without_a_criterion_no_run_converges() -> None:
    run = quadratic_run(0.0, 5)
    assert (run.status, run.epochs, run.converged_epoch) == ("max_epochs", 5, None)


def test_the_start_is_left_as_it_was() -> None:
    X, y = QUADRATIC_ROWS
    start = np.array([1.0, 0.0])
    ref.train(QUADRATIC, start, X, y, learning_rate=0.25, max_epochs=3)
    np.testing.assert_array_equal(start, [1.0, 0.0])


def test_divergence_is_reported_with_its_epoch() -> None:
    X, y = QUADRATIC_ROWS
    # w ← (1 − 2η) w = −2¹⁰⁰ w: the loss w² is 2²⁰⁰ᵗ, beyond 2¹⁰²⁴ first at t = 6.
    run = ref.train(
        QUADRATIC, np.array([1.0, 0.0]), X, y, learning_rate=(2.0**100 + 1) / 2, max_epochs=50, record_every=6
    )
    assert (run.status, run.epochs, run.converged_epoch, run.final_loss) == ("diverged", 6, None, math.inf)
    assert run.curve == [(0, 1.0), (6, math.inf)]


def test_a_run_that_converged_and_then_diverged_is_diverged_and_keeps_its_epoch() -> None:
    X, y = QUADRATIC_ROWS
    run = ref.train(
        QUADRATIC,
        np.array([0.1, 0.0]),
        X,
        y,
        learning_rate=1e100,
        max_epochs=50,
        target_loss=0.5,
        early_stop=False,
    )
    assert (run.status, run.converged_epoch, run.final_loss) == ("diverged", 0, math.inf)


@pytest.mark.parametrize(
    ("model", "start"),
    [
        (Model(2), [math.nan, 0.0, 0.0]),
        (Model(2), [1.5e308, 1.5e308, 0.0]),  # the logit overflows
        (Model(2, loss="mse"), [0.0, 0.0, math.inf]),  # σ(∞) = 1, so that the loss is finite and the bias is not
    ],
)
def test_a_start_that_is_not_finite_has_diverged_at_epoch_0(model: Model, start: list[float]) -> None:
    X, y = ref.truth_table_rows("0111")
    run = ref.train(model, np.array(start), X, y, learning_rate=1.0, max_epochs=5, target_loss=0.1)
    assert (run.status, run.epochs, run.final_loss) == ("diverged", 0, math.inf)


# ---- what is known of the gates ----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["01", "pm1"])
@pytest.mark.parametrize("table", ["0110", "1001"])
def test_logistic_regression_on_xor_stays_at_zero(table: str, encoding: Any) -> None:
    X, y = ref.truth_table_rows(table, encoding)
    run = ref.train(Model(2), np.zeros(3), X, y, learning_rate=1.0, max_epochs=20, target_loss=0.6)
    assert (run.status, run.final_loss) == ("max_epochs", LN2)
    np.testing.assert_array_equal(run.params, np.zeros(3))


def test_logistic_regression_learns_and_but_not_xor() -> None:
    for table, learned in [("0001", True), ("0110", False)]:
        X, y = ref.truth_table_rows(table)
        start = ref.draw("uniform(0, 1)", 0, Model(2))
        run = ref.train(Model(2), start, X, y, learning_rate=3.0, max_epochs=500, target_loss=0.1, target_error=0.5)
        assert (run.status == "converged") is learned
        assert (run.final_loss < 0.1) is learned


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (Model(2, hidden=2), {"learning_rate": 2.0, "max_epochs": 2000}),
        (Model(2, hidden=2), {"learning_rate": 0.1, "max_epochs": 400, "optimizer": "adam"}),
        (Model(2, hidden=1, shortcut=True), {"learning_rate": 2.0, "max_epochs": 2000, "update": "online"}),
    ],
)
def test_a_hidden_layer_learns_xor_from_some_start(model: Model, settings: dict[str, Any]) -> None:
    X, y = ref.truth_table_rows("0110")
    runs = (
        ref.train(model, ref.draw("normal(0, 1)", seed, model), X, y, target_loss=0.05, **settings) for seed in range(5)
    )
    assert any(run.status == "converged" for run in runs)
