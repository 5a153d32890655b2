"""Theory against what is known from outside, against the NumPy oracle, and against the runs themselves."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import reference
from conftest import EXPERIMENTS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import sweep
from sweep.spec import theory as theory_of
from sweep.spec.experiment import load
from sweep.spec.gates import expand, truth_table
from sweep.spec.theory import NotSeparable, Separable, predict
from sweep.spec.training_sets import TrainingSet, boolean_table, table_from_rows

ENCODINGS = ["01", "pm1"]
CRITICAL = {"01": 4 * (7 - math.sqrt(33)), "pm1": 8.0}
"""Of XOR: X̃ᵀX̃/16 has the largest eigenvalue (7 + √33)/32 for inputs 0 and 1, and is I/4 for −1 and 1."""

truth_tables = st.integers(1, 4).flatmap(lambda n: st.text("01", min_size=2**n, max_size=2**n))
encodings = st.sampled_from(ENCODINGS)


@st.composite
def point_sets(draw: st.DrawFn, soft: bool = False) -> TrainingSet:
    """Points on a coarse lattice, so that coincidences and ties are common."""
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 8))
    targets = st.sampled_from([0, 0.25, 0.75, 1]) if soft else st.sampled_from([0, 1])
    return table_from_rows([[*(draw(st.integers(-3, 3)) / 2 for _ in range(n)), draw(targets)] for _ in range(m)])


def separable(table: TrainingSet) -> Separable:
    theory = predict(table)
    assert isinstance(theory, Separable)
    return theory


def not_separable(table: TrainingSet) -> NotSeparable:
    theory = predict(table)
    assert isinstance(theory, NotSeparable)
    return theory


def margin(table: TrainingSet) -> float:
    """γ, and 0 for a table that is not separable."""
    theory = predict(table)
    return theory.margin if isinstance(theory, Separable) else 0.0


def signed_rows(table: TrainingSet) -> NDArray[np.float64]:
    return (2 * table.targets - 1)[:, None] * np.column_stack([table.inputs, np.ones(len(table.targets))])


def margin_by_enumeration(table: TrainingSet) -> float:
    """γ from the smallest of all w that lie on some rows' margin and on the right side of all the others."""
    A = signed_rows(table)
    norms = [math.inf]
    for size in range(1, A.shape[1] + 1):
        for chosen in itertools.combinations(range(len(A)), size):
            w = np.linalg.lstsq(A[list(chosen)], np.ones(size))[0]
            if (A @ w).min() > 1 - 1e-9:
                norms.append(float(np.linalg.norm(w)))
    return 1 / min(norms)


def summable(n: int) -> NDArray[np.bool_]:
    """Of each function of n inputs, whether a + b = c + d for some inputs with f(a) = f(b) = 1 and f(c) = f(d) = 0.

    No threshold function does that: it would be w·(a + b) > 2θ ≥ w·(c + d). For n ≤ 8 every other function does
    (Muroga 1971, Threshold Logic and Its Applications).
    """
    points = np.array(list(itertools.product((0, 1), repeat=n)))
    codes = points @ 3 ** np.arange(n)
    pairs = list(itertools.combinations_with_replacement(range(2**n), 2))
    functions = np.arange(2**2**n)
    found = np.zeros(functions.size, dtype=np.bool_)
    for (a, b), (c, d) in itertools.permutations(pairs, 2):
        if codes[a] + codes[b] == codes[c] + codes[d]:
            ones, zeros = 1 << a | 1 << b, 1 << c | 1 << d
            found |= (functions & ones == ones) & (functions & zeros == 0)
    return found


def outputs(function: int, n: int) -> str:
    """The truth table whose output for input k is bit k."""
    return f"{function:0{2**n}b}"[::-1]


# Separability


def is_separable(table: TrainingSet) -> bool:
    """By the linear program alone: a margin takes numbers that are nearer together."""
    return bool(theory_of._escaping(theory_of._signed_rows(table)[0]).all())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_what_is_seen_without_a_solver_is_what_the_solver_finds(n: int, encoding: str) -> None:
    n_seen = 0
    for table in (boolean_table(outputs(k, n), encoding) for k in range(2**2**n)):
        A = signed_rows(table)
        seen = theory_of._seen(A)
        n_seen += seen is not None
        assert seen is None or (seen == theory_of._escaping(A / 2)).all()  # a half is not Boolean
    assert n_seen >= {1: 4, 2: 16, 3: 104}[n]


def test_nothing_is_seen_where_sums_are_rounded() -> None:
    rows = np.array([[1e16, 1.0], [1.0, 1.0], [-1e16, -2.0]])
    assert not rows.sum(axis=0).any()
    assert theory_of._seen(rows) is None


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("n", "n_separable"), [(1, 4), (2, 14), (3, 104)])
def test_every_function_of_few_inputs(n: int, n_separable: int, encoding: str) -> None:
    verdicts = [is_separable(boolean_table(outputs(k, n), encoding)) for k in range(2**2**n)]
    assert sum(verdicts) == n_separable
    np.testing.assert_array_equal(verdicts, ~summable(n))


def test_the_functions_of_four_inputs() -> None:
    """Of the 1,882 threshold functions one in 5, and of the other 63,654 one in 251: they take milliseconds each."""
    threshold = ~summable(4)
    assert threshold.sum() == 1882
    chosen = sorted({*np.flatnonzero(threshold)[::5].tolist(), *range(0, 65536, 251)})
    verdicts = [is_separable(boolean_table(outputs(k, 4), "01")) for k in chosen]
    np.testing.assert_array_equal(verdicts, threshold[chosen])


@pytest.mark.parametrize(("gate", "expected"), [("majority-7", True), ("parity-8", False), ("parity-5", False)])
def test_gates_of_many_inputs(gate: str, expected: bool) -> None:
    assert [is_separable(boolean_table(gate, encoding)) for encoding in ENCODINGS] == [expected] * 2


@settings(deadline=None)
@given(point_sets(), st.lists(st.sampled_from([1e-6, 1e-2, 1.0, 1e6]), min_size=3, max_size=3))
def test_the_unit_of_each_input_does_not_matter_to_separability(table: TrainingSet, units: list[float]) -> None:
    scaled = TrainingSet(table.inputs * units[: table.inputs.shape[1]], table.targets)
    assert is_separable(scaled) == is_separable(table)


def test_a_target_in_between_is_met_by_no_threshold() -> None:
    assert is_separable(table_from_rows([[0, 0], [1, 1]]))
    assert not is_separable(table_from_rows([[0, 0], [1, 1], [2, 0.5]]))
    assert not is_separable(table_from_rows([[0, 0], [0, 1]]))


# Separable tables


@pytest.mark.parametrize(
    ("gate", "encoding", "weights"),
    [
        ("AND", "01", [2, 2, -3]),
        ("OR", "01", [2, 2, -1]),
        ("A", "01", [2, 0, -1]),
        ("TRUE", "01", [0, 0, 1]),
        ("AND", "pm1", [1, 1, -1]),
        ("B", "pm1", [0, 1, 0]),
        ("FALSE", "pm1", [0, 0, -1]),
        ("majority-3", "pm1", [1, 1, 1, 0]),
    ],
)
def test_margins_that_can_be_found_by_hand(gate: str, encoding: str, weights: list[float]) -> None:
    theory, norm = separable(boolean_table(gate, encoding)), np.linalg.norm(weights)
    assert theory.margin == pytest.approx(1 / norm, rel=1e-14)
    np.testing.assert_allclose(theory.weights, weights, atol=1e-14)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_margins_by_enumeration(encoding: str) -> None:
    for gate in [*expand("all-2"), *expand("all-3")[::3]]:
        table = boolean_table(gate, encoding)
        assert margin(table) == pytest.approx(margin_by_enumeration(table), rel=1e-12), gate


@settings(deadline=None)
@given(point_sets())
def test_the_margin_is_that_of_the_direction_and_the_largest(table: TrainingSet) -> None:
    theory = predict(table)
    assert margin(table) == pytest.approx(margin_by_enumeration(table), rel=1e-9)
    if isinstance(theory, Separable):
        assert (signed_rows(table) @ theory.weights).min() == pytest.approx(1, rel=1e-9)


@settings(deadline=None)
@given(truth_tables, encodings, st.randoms(use_true_random=False))
def test_symmetries_keep_the_margin(gate: str, encoding: str, random: Any) -> None:
    table = boolean_table(gate, encoding)
    X, y = table.inputs, table.targets
    order, rows = random.sample(range(X.shape[1]), X.shape[1]), random.sample(range(y.size), y.size)
    expected = pytest.approx(margin(table), rel=1e-12)
    assert margin(TrainingSet(X, 1 - y)) == expected
    assert margin(TrainingSet(X[:, order], y)) == expected
    assert margin(TrainingSet(X[rows], y[rows])) == expected
    assert margin(TrainingSet(np.concatenate([X, X]), np.concatenate([y, y]))) == expected
    if encoding == "pm1":
        assert margin(TrainingSet(-X, y)) == expected


@pytest.mark.parametrize("gate", ["00110011", "11001100", "01110111", "00010001"])
def test_rows_in_any_order_that_do_not_carry_the_margin(gate: str) -> None:
    table = boolean_table(gate, "01")
    random = np.random.default_rng(0)
    for order in itertools.permutations(range(3)):
        for _ in range(10):
            rows = random.permutation(8)
            shuffled = TrainingSet(table.inputs[rows][:, list(order)], table.targets[rows])
            assert margin(shuffled) == pytest.approx(margin(table), rel=1e-12)


@settings(deadline=None)
@given(truth_tables, encodings, st.floats(1, 1000))
def test_larger_inputs_widen_the_margin_but_not_beyond_their_scale(gate: str, encoding: str, scale: float) -> None:
    table = boolean_table(gate, encoding)
    wider = margin(TrainingSet(scale * table.inputs, table.targets))
    assert margin(table) * (1 - 1e-9) <= wider <= scale * margin(table) * (1 + 1e-9)


@pytest.fixture(scope="module")
def losses_at_rate_1() -> dict[tuple[str, str, int], float]:
    """(gate, encoding, t) → η t L_t γ² at η = 1 from w = 0, for the separable gates of two inputs."""
    found = {}
    for t in (10_000, 100_000, 1_000_000):
        grid = {"gate": "all-2", "encoding": ENCODINGS, "learning_rate": 1, "init": "zeros", "seeds": 1}
        runs = sweep.run({"grid": grid, "train": {"max_epochs": t, "early_stop": False}}).runs
        for gate, encoding, loss in zip(runs["gate"], runs["encoding"], runs["final_loss"], strict=True):
            theory = predict(boolean_table(gate, encoding))
            if isinstance(theory, Separable):
                found[gate, encoding, t] = loss / float(theory.epochs(1, t))
    return found


@pytest.mark.parametrize("gate", [gate for gate in expand("all-2") if gate not in ("XOR", "XNOR")])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_loss_falls_as_predicted(
    gate: str, encoding: str, losses_at_rate_1: dict[tuple[str, str, int], float]
) -> None:
    """Within 0.2 % after 100,000 epochs, but for TRUE and FALSE with inputs 0 and 1.

    These have w = (0, 0, ±1) with all rows on the margin, of which 00 alone carries it. To lose the others, w1 and w2
    grow like log log t, and the gradient turns towards the limit accordingly: η t L_t γ² = 1 − (2 + o(1))/log(t)².
    """
    ratios = [losses_at_rate_1[gate, encoding, t] for t in (10_000, 100_000, 1_000_000)]
    if (gate, encoding) not in (("TRUE", "01"), ("FALSE", "01")):
        assert ratios[1] == pytest.approx(1, abs=0.002)
        assert ratios[2] == pytest.approx(1, abs=0.0003)
        return
    scaled = [(1 - ratio) * math.log(t) ** 2 / 2 for ratio, t in zip(ratios, (1e4, 1e5, 1e6), strict=True)]
    assert ratios[1] == pytest.approx(0.9775, abs=0.0005)
    assert 1.5 > scaled[0] > scaled[1] > scaled[2] > 1


def test_the_predicted_epoch() -> None:
    theory = separable(boolean_table("AND", "01"))
    rates = np.array([0.1, 1, 10])
    np.testing.assert_allclose(theory.epochs(rates, 1e-4), 17 / (rates * 1e-4))
    grid = {"gate": "AND", "learning_rate": rates, "init": "normal(0, 1)", "seeds": 5}
    runs = sweep.run({"grid": grid, "train": {"max_epochs": 2_000_000, "target_loss": 1e-4}}).runs
    assert (runs["status"] == "converged").all()
    np.testing.assert_allclose(runs["epochs"], theory.epochs(runs["learning_rate"], 1e-4), rtol=0.005)


# Other tables


@pytest.mark.parametrize("gate", ["XOR", "XNOR"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_xor(gate: str, encoding: str) -> None:
    theory = not_separable(boolean_table(gate, encoding))
    assert theory.overlap.all()
    assert theory.infimum == pytest.approx(math.log(2), rel=1e-15)
    np.testing.assert_allclose(theory.weights, 0, atol=1e-15)
    assert theory.critical_learning_rate == pytest.approx(CRITICAL[encoding], rel=1e-14)


@pytest.mark.parametrize("n", range(2, 9))
def test_parity(n: int) -> None:
    """Second moments of n bits and the constant 1: the largest eigenvalue belongs to weights that are all alike."""
    largest = (n + 5) / 8 + math.sqrt(((n - 3) / 4) ** 2 + n) / 2
    theories = [not_separable(boolean_table(f"parity-{n}", encoding)) for encoding in ENCODINGS]
    assert [theory.infimum for theory in theories] == pytest.approx([math.log(2)] * 2)
    assert [theory.critical_learning_rate for theory in theories] == pytest.approx([8 / largest, 8])


@settings(deadline=None)
@given(point_sets(soft=True))
def test_the_minimiser_has_no_gradient_and_the_hessian_is_its_slope(table: TrainingSet) -> None:
    theory = predict(table)
    if isinstance(theory, Separable):
        return
    model = reference.Model(table.inputs.shape[1])
    X, y = table.inputs[theory.overlap], table.targets[theory.overlap]
    share = len(y) / len(table.targets)
    assert share * reference.loss(model, theory.weights, X, y) == pytest.approx(theory.infimum, rel=1e-12)
    np.testing.assert_allclose(reference.gradient(model, theory.weights, X, y), 0, atol=1e-12)
    for j, shift in enumerate(1e-4 * np.eye(model.n_params)):
        above, below = (reference.gradient(model, theory.weights + sign * shift, X, y) for sign in (1, -1))
        np.testing.assert_allclose(share * (above - below) / 2e-4, theory.hessian[:, j], atol=1e-7)
    if theory.overlap.all():
        rng = np.random.default_rng(0)
        near = theory.weights + rng.normal(size=(20, model.n_params))
        assert min(reference.loss(model, w, X, y) for w in near) >= theory.infimum


@pytest.mark.parametrize(
    "rows",
    [
        [[4.25, -0.5, 1], [-0.5, -0.75, 1e-6], [-0.875, 0.25, 0.999], [4, -0.875, 0.999999], [-0.5, -0.375, 0.999]],
        [[-0.25, -1.5, 0], [-3, -0.75, 0.999], [-5.375, 0.875, 0.999], [-0.75, -1.5, 0.999999], [1.125, -1.375, 0]],
        [[2.25, -0.375, 1e-6], [-1.375, -0.25, 1], [-0.125, 0.625, 0.999999], [-0.375, 1.875, 0.999], [1, 1, 1e-6]],
    ],
)
def test_flat_losses(rows: list[list[float]]) -> None:
    """Almost separable: full Newton steps from w = 0 would not arrive."""
    table = table_from_rows(rows)
    theory = not_separable(table)
    assert theory.overlap.all()
    slope = reference.gradient(reference.Model(2), theory.weights, table.inputs, table.targets)
    np.testing.assert_allclose(slope, 0, atol=1e-15)


def test_two_points_with_targets_in_between_are_met_exactly() -> None:
    targets = np.array([0.2, 0.9])
    theory = not_separable(TrainingSet(np.array([[0.0], [1.0]]), targets))
    logits = np.log(targets / (1 - targets))
    np.testing.assert_allclose(theory.weights, [logits[1] - logits[0], logits[0]], rtol=1e-13)
    entropy = -np.mean(targets * np.log(targets) + (1 - targets) * np.log(1 - targets))
    assert theory.infimum == pytest.approx(entropy, rel=1e-14)
    curvature = targets * (1 - targets) / 2
    np.testing.assert_allclose(theory.hessian, [[curvature[1], curvature[1]], [curvature[1], curvature.sum()]])


def test_an_input_that_never_changes_leaves_a_choice_of_minimisers() -> None:
    rows = [[0, 2, 0.2], [1, 2, 0.9]]
    theory, without = (not_separable(table_from_rows(r)) for r in (rows, [[a, y] for a, _, y in rows]))
    assert theory.infimum == pytest.approx(without.infimum)
    assert theory.weights[2] * 2 == pytest.approx(theory.weights[1])
    assert theory.weights[2] * 5 == pytest.approx(without.weights[1])


XOR_UNLESS_C = "01101111"
"""1 where the first of three inputs is 1, XOR of the other two elsewhere: separable by half."""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_that_is_separable_in_part(encoding: str) -> None:
    theory = not_separable(boolean_table(XOR_UNLESS_C, encoding))
    assert not theory.overlap.all()
    np.testing.assert_array_equal(theory.overlap, [True] * 4 + [False] * 4)
    assert theory.infimum == pytest.approx(math.log(2) / 2, rel=1e-15)
    np.testing.assert_allclose(theory.weights, 0, atol=1e-15)
    if encoding == "01":
        assert theory.critical_learning_rate == pytest.approx(2 * CRITICAL["01"])


@pytest.mark.parametrize(("factor", "lowest", "highest"), [(0.95, 0, 1e-4), (1.05, 0.01, 1)])
def test_runs_on_a_table_that_is_separable_in_part(factor: float, lowest: float, highest: float) -> None:
    theory = not_separable(boolean_table(XOR_UNLESS_C, "01"))
    grid = {"gate": XOR_UNLESS_C, "learning_rate": factor * theory.critical_learning_rate, "seeds": 10}
    losses = sweep.run({"grid": grid, "train": {"max_epochs": 50_000}}).runs["final_loss"]
    assert (losses - theory.infimum).between(lowest, highest).all()


@pytest.mark.parametrize(
    "rows", [[[1e200, 1], [1e199, 0]], [[1e200, 1], [1e199, 0], [1e200, 0]], [[1e9, 1], [1e9 + 1, 0]]]
)
def test_numbers_too_far_apart(rows: list[list[float]]) -> None:
    with pytest.raises(ArithmeticError):
        predict(table_from_rows(rows))


# XOR across its critical learning rate


@pytest.fixture(scope="module")
def across(tmp_path_factory: pytest.TempPathFactory) -> sweep.Result:
    """The committed experiment with two seeds in place of ten."""
    path = EXPERIMENTS / "critical_learning_rate.toml"
    return sweep.run(path, tmp_path_factory.mktemp("across"), overrides=["seeds=2"], figures=False)


def test_the_experiment_is_about_xor_and_its_target_is_the_minimum() -> None:
    experiment = load(EXPERIMENTS / "critical_learning_rate.toml")
    assert {truth_table(gate) for grid in experiment.grids for gate in grid.values["gate"]} == {truth_table("XOR")}
    assert experiment.train.target_loss is not None
    assert 0 < experiment.train.target_loss - math.log(2) < 1e-9


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_measured_edge_is_the_predicted_one(encoding: str, across: sweep.Result) -> None:
    points = across.summary[across.summary["encoding"] == encoding]
    below, above = points[points["converged_rate"] == 1], points[points["converged_rate"] == 0]
    assert len(below) + len(above) == len(points)
    last, first = below["learning_rate"].max(), above["learning_rate"].min()
    predicted = not_separable(boolean_table("XOR", encoding)).critical_learning_rate
    assert last < predicted < first
    assert max(predicted - last, first - predicted) < 0.001 * predicted
    assert below["learning_rate"].min() < 0.96 * predicted
    assert above["learning_rate"].max() > 1.04 * predicted
    np.testing.assert_allclose(below[["final_loss_q05", "final_loss_q95"]], math.log(2), rtol=1e-15)
    assert (above["final_loss_q05"] - math.log(2) > above["learning_rate"] / predicted - 1).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_beyond_the_edge_runs_end_in_cycles(encoding: str, across: sweep.Result) -> None:
    """Between w and −w, with 2w = η ∇L(w): found by iteration, whose w has the loss of the runs."""
    table = boolean_table("XOR", encoding)
    predicted = not_separable(table).critical_learning_rate
    model = reference.Model(2)
    points = across.summary[across.summary["encoding"] == encoding]
    beyond = points[points["learning_rate"] > 1.01 * predicted]
    for _, point in beyond.iloc[::30].iterrows():
        w = np.array([1.0, 1.0, 1.5]) if encoding == "01" else np.array([1.0, 0.0, 0.0])
        for _ in range(1500):
            w = point["learning_rate"] / 2 * reference.gradient(model, w, table.inputs, table.targets)
        expected = reference.loss(model, w, table.inputs, table.targets)
        assert point[["final_loss_q05", "final_loss_q95"]].tolist() == pytest.approx([expected] * 2, rel=1e-9)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_far_starts_reach_the_minimum_below_the_edge_and_leave_it_above(encoding: str) -> None:
    rates = [0.999 * CRITICAL[encoding], 1.001 * CRITICAL[encoding]]
    grid = {"gate": "XOR", "encoding": encoding, "learning_rate": rates, "init": "normal(0, 10)", "seeds": 50}
    runs = sweep.run({"grid": grid, "train": {"max_epochs": 20_000, "target_loss": 1e-3}}).runs
    excess = runs.groupby("learning_rate")["final_loss"].agg(["min", "max"]) - math.log(2)
    assert excess.loc[rates[0], "max"] < 1e-14
    assert excess.loc[rates[1], "min"] > 1e-3
