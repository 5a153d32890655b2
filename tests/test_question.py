"""Numbers behind answers: the axis of a question, best settings, effects, growth, falls, separable functions."""

import itertools
from collections.abc import Callable
from typing import Any

import example_results as examples
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, chisquare, quantile_test

from sweep.analysis.findings import Findings
from sweep.analysis.layout import Combinations
from sweep.analysis.question.best import Best, best_of_each, everywhere, factor
from sweep.analysis.question.effects import FEWEST_SEEDS, Contrast, Effect, effects
from sweep.analysis.question.growth import growth, last_rises, lowest_fall, oscillations
from sweep.analysis.question.separable import separable
from sweep.analysis.question.subject import (
    asked_for,
    asks,
    followers,
    named,
    subject,
    values_first,
)
from sweep.analysis.question.trials import Trials, arranged
from sweep.results.statistics import equal_test, holm, median_interval, sign_test
from sweep.spec.theory import Separable, predict
from sweep.spec.training_sets import boolean_table

MAX_EPOCHS = 100
KEYS = ["gate", "activation", "optimizer", "init", "hidden", "learning_rate", "init_scale", "momentum"]


@pytest.mark.parametrize(
    ("question", "axes", "expected"),
    [
        ("Which optimizer learns XOR with few hidden units?", KEYS, "optimizer"),
        ("How often does a network with 2 or 3 hidden units learn with each optimiser?", KEYS, "optimizer"),
        ("How often does back-propagation fail on XOR, by the size of its initial weights?", KEYS, "init_scale"),
        ("Which two-input gates can logistic regression learn, how fast, and from which starts?", KEYS, "gate"),
        ("How do the epochs to learn parity grow with the number of bits?", KEYS, "gate"),
        ("Does a larger start help OR, or NAND?", KEYS, "init"),
        ("Does a larger start help?", ["hidden", "learning_rate", "init_scale"], "init_scale"),
        ("Does it learn faster than plain back-propagation?", KEYS, "optimizer"),
        ("Up to which learning rate does descent settle?", KEYS, "learning_rate"),
        ("How much faster than plain gradient descent do Adam and momentum learn?", KEYS, "optimizer"),
        ("How many hidden units do the gates take?", KEYS, "hidden"),
        ("For the gates, how much momentum is enough?", KEYS, "momentum"),
        ("On these gates, does momentum help?", KEYS, "momentum"),
        ("With few hidden units, how does the start change the gates learned?", KEYS, "init"),
        ("Which gates does momentum help?", KEYS, "gate"),
        ("How fast is it?", KEYS, "gate"),
        ("How fast is it?", ["activation", "hidden"], "hidden"),
        ("How fast is it?", ["activation", "momentum"], "activation"),
        ("", [], None),
    ],
)
def test_the_axis_of_a_question(question: str, axes: list[str], expected: str | None) -> None:
    assert subject(question, axes) == expected
    assert subject(question, axes, "momentum") == ("momentum" if "momentum" in axes else expected)


def test_a_question_names_axes_and_asks_for_shares_epochs_failures_or_losses() -> None:
    assert named("Which gates, how fast, and from which starts?", KEYS) == ["gate", "init"]
    assert asked_for("How many epochs does it take?") == ["fast"] and asked_for("How often does it fail?") == ["often"]
    assert asks("How often does it fail?", "failures") and not asks("How often is it learned?", "failures")
    assert asks("How does the loss fall?", "loss") and not asks("Which loss function is best?", "loss")
    assert asked_for("How much faster does it learn?") == ["fast", "often"]
    assert asked_for("How often, and how fast?") == ["often", "fast"]
    assert asks("Does it cycle?", "cycles") and not asks("Does a bicycle learn?", "cycles")
    assert asked_for("") == ["often"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many hidden units does XOR take?", True),
        ("How often does it fail, by the size of its initial weights?", True),
        ("Up to which learning rate does it converge?", True),
        ("How much faster is it?", True),
        ("How many epochs does it take?", True),
        ("Which optimizer learns XOR?", False),
        ("Does it learn XOR?", False),
        ("What learning rate is best?", False),
    ],
)
def test_whether_the_values_of_the_axis_come_first(question: str, expected: bool) -> None:
    assert values_first(question, KEYS) is expected
    assert values_first("Does it learn XOR?", KEYS, "momentum") and not values_first("", [], "momentum")


def test_a_question_asks_for_factors_epochs_or_oscillation() -> None:
    assert asks("How much faster?", "factor") and not asks("How fast, and how often?", "factor")
    assert asks("How many epochs does it take?", "epochs") and not asks("How do the epochs grow?", "epochs")
    assert asks("To how many rows does it answer 1?", "rows") and not asks("How many rows are there?", "rows")
    assert asks("How long does it oscillate?", "oscillation") and not asks("How long does it take?", "oscillation")


def test_axes_that_follow_from_another() -> None:
    rows = [(1, True, 0.1), (1, True, 0.2), (2, False, 0.1), (3, False, 0.1), (3, False, 0.2)]
    axes = ["hidden", "shortcut", "learning_rate"]
    settings = Combinations([{axis: [value] for axis, value in zip(axes, row, strict=True)} for row in rows])
    assert followers(axes, settings) == {"hidden": ["shortcut"], "learning_rate": []}
    both_ways = Combinations([{"gate": ["parity-2"], "hidden": [4]}, {"gate": ["parity-3"], "hidden": [6]}])
    assert followers(["gate", "hidden"], both_ways) == {"gate": ["hidden"]}
    assert followers(["hidden", "gate"], both_ways) == {"hidden": ["gate"]}


def trials(epoch: Callable[..., int | None], n_seeds: int, **axes: list[Any]) -> Trials:
    """All combinations of some axes; `epoch` says when a run converges, never or, if −1, that it is not there."""
    settings = pd.DataFrame(list(itertools.product(*axes.values())), columns=list(axes))
    runs = [
        (row, seed, -1 if when is None else when)
        for row, setting in enumerate(settings.to_dict("records"))
        for seed in range(n_seeds)
        if (when := epoch(seed=seed, **{str(key): at for key, at in setting.items()})) != -1
    ]
    rows, seeds, epochs = (np.array(column, np.int64) for column in zip(*runs, strict=True))
    n = np.bincount(rows, minlength=len(settings)).astype(np.int64)
    made = arranged(settings, n, seeds, epochs, MAX_EPOCHS)
    assert made is not None
    return made


def by_chance(seed: int, activation: str, learning_rate: float) -> int | None:
    """At random, tanh the soonest; relu fails most."""
    rng = np.random.default_rng([seed, len(activation), int(10 * learning_rate)])
    fails = {"sigmoid": 0.3, "tanh": 0.2, "relu_": 0.6}[activation]
    return None if rng.random() < fails else int(rng.integers(1, 4 if activation == "tanh" else 8))


def networks(n_seeds: int = 20, rates: tuple[float, ...] = (0.1, 1.0, 10.0)) -> Trials:
    return trials(by_chance, n_seeds, activation=["sigmoid", "tanh", "relu_"], learning_rate=list(rates))


def of_axis(made: Trials, axis: str = "activation") -> Effect:
    (effect,) = (one for one in effects(made, list(map(str, made.settings)), {}) if one.axis == axis)
    return effect


def test_pairs_are_those_that_counting_one_by_one_finds() -> None:
    effect = of_axis(networks())
    often, fast = effect.often, effect.fast
    assert often is not None and fast is not None
    assert {(often.better, often.worse), (fast.better, fast.worse)} == {("tanh", "relu_"), ("tanh", "sigmoid")}
    counts, seeds, firsts = [0, 0], dict.fromkeys(range(20), 0), [0, 0, 0]
    for seed, rate in itertools.product(range(20), (0.1, 1.0, 10.0)):
        a, b = (by_chance(seed, name, rate) for name in (often.better, often.worse))
        counts[0] += a is not None and b is None
        counts[1] += a is None and b is not None
        seeds[seed] += (a is not None) - (b is not None)
        a, b = (by_chance(seed, name, rate) for name in (fast.better, fast.worse))
        if a is not None and b is not None:
            firsts = [firsts[0] + (a < b), firsts[1] + (a > b), firsts[2] + 1]
    signs = [sum(d > 0 for d in seeds.values()), sum(d < 0 for d in seeds.values())]
    assert (often.n_pairs, often.n_seeds, effect.n_pairs) == (60, 20, 180)
    assert [often.for_better, often.for_worse, often.seeds_better, often.seeds_worse] == counts + signs
    assert [fast.for_better, fast.for_worse, fast.n_pairs] == firsts
    p = 3 * binomtest(signs[0], sum(signs)).pvalue  # three pairs of values
    assert often.p >= p


def test_speed_names_the_fastest_and_the_slowest_value() -> None:
    """Of 0 and 0.5 every pair tells, by a factor of 2; 0.9 is 8 times as fast but for two seeds; 1 learns three."""

    def epoch(seed: int, momentum: float) -> int | None:
        often = {0: 80, 0.5: 40, 0.9: 90 if seed < 2 else 10, 1: 1 if seed < 3 else None}
        return often[momentum]

    fast = of_axis(trials(epoch, 20, momentum=[0, 0.5, 0.9, 1]), "momentum").fast
    assert fast is not None
    assert (fast.better, fast.worse, fast.ratio, fast.for_better, fast.for_worse) == (0.9, 0, 8.0, 18, 2)
    assert fast.p == pytest.approx(6 * binomtest(2, 20).pvalue)  # six pairs of values


@pytest.mark.parametrize(("fails", "compared"), [((2, 7), (5, 2)), ((), (5, 8))])
def test_of_many_values_those_with_most_and_fewest_converged_runs_are_compared(
    fails: tuple[int, ...], compared: tuple[int, int]
) -> None:
    """5 is the fastest and 8 the slowest; of the two that fail, 2 does so in all runs, 7 in half of them."""

    def epoch(seed: int, momentum: int) -> int | None:
        failed = momentum in fails and (momentum == 2 or seed % 2)
        return None if failed else {5: 3, 8: 50}.get(momentum, 10 + momentum)

    effect = of_axis(trials(epoch, 12, momentum=list(range(1, 10))), "momentum")
    told = effect.often if fails else effect.fast
    assert told is not None
    assert (effect.n_values, effect.n_pairs, (told.better, told.worse)) == (9, 12, compared)


def test_of_very_many_runs_those_of_the_first_seeds_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.analysis.question.effects.MAX_RUNS", 100)
    effect, alone = of_axis(networks(20)), of_axis(networks(11))  # of nine settings
    assert str(effect) == str(alone) and effect.often is not None and effect.often.n_seeds == 11


def test_a_seed_counts_once_however_many_settings_it_has() -> None:
    """Repeating every outcome at 50 learning rates multiplies the pairs and leaves p as it was."""

    def epoch(seed: int, activation: str, **_: float) -> int | None:
        return 5 if activation == "tanh" or seed % 3 else None

    one, many = (
        of_axis(trials(epoch, 12, activation=["tanh", "relu"], learning_rate=rates)).often
        for rates in ([1.0], [float(rate) for rate in range(1, 51)])
    )
    assert one is not None and many is not None
    assert (one.for_better, many.for_better) == (4, 200)
    assert one.p == many.p == pytest.approx(2 * 0.5**4)


def test_pairs_have_the_same_seed() -> None:
    """Of seeds 0 … 11 with tanh and 5 … 15 with relu, 5 … 11 are pairs."""

    def epoch(seed: int, activation: str) -> int | None:
        return -1 if (seed > 11 if activation == "tanh" else seed < 5) else 5 if activation == "tanh" else None

    often = of_axis(trials(epoch, 16, activation=["tanh", "relu"])).often
    assert often is not None
    assert (often.n_pairs, often.n_seeds, often.for_better) == (7, 7, 7)


def test_settings_without_a_partner_and_too_few_seeds_are_not_compared() -> None:
    apart = trials(by_chance, 20, activation=["tanh"], learning_rate=[0.1])
    other = trials(by_chance, 20, activation=["relu_"], learning_rate=[1.0])
    both = Trials(
        pd.concat([apart.settings, other.settings], ignore_index=True),
        apart.seeds,
        np.concatenate([apart.epochs, other.epochs]),
        apart.later,
    )
    assert effects(both, ["activation"], {}) == []
    assert len(effects(both, ["activation"], {"activation": ["learning_rate"]})) == 1
    assert effects(networks(FEWEST_SEEDS - 1), ["activation"], {}) == []
    assert len(effects(networks(FEWEST_SEEDS), ["activation"], {})) == 1


def test_pairs_and_seeds_that_disagree_are_by_chance() -> None:
    """Seed 0 alone has tanh ahead at nine rates; the other seven have relu ahead at one."""

    def epoch(seed: int, activation: str, learning_rate: float) -> int | None:
        ahead = "tanh" if seed == 0 and learning_rate < 10 else "relu" if seed else ""
        return 5 if activation == ahead and (seed == 0 or learning_rate == 1) else None

    rates = [float(rate) for rate in range(1, 12)]
    often = of_axis(trials(epoch, 8, activation=["tanh", "relu"], learning_rate=rates)).often
    assert often is not None
    assert (often.better, often.for_better, often.for_worse) == ("tanh", 9, 7)
    assert (often.seeds_better, often.seeds_worse, often.by_chance) == (1, 7, True)


def test_runs_that_always_agree_have_no_effect() -> None:
    effect = of_axis(trials(lambda **_: 5, 8, activation=["tanh", "relu"]))
    assert (effect.often, effect.fast, effect.n_pairs) == (None, None, 8)


def test_p_is_adjusted_over_all_axes_and_gates() -> None:
    def epoch(seed: int, gate: str, activation: str, learning_rate: float) -> int | None:
        return by_chance(seed + 100 * len(gate), activation, learning_rate)

    made = trials(epoch, 20, gate=["OR", "AND"], activation=["tanh", "relu_"], learning_rate=[0.1, 1.0])
    found = effects(made, ["activation", "learning_rate"], {}, by_gate=True)
    assert [(one.axis, one.gate) for one in found] == [
        (axis, gate) for axis in ("activation", "learning_rate") for gate in ("OR", "AND")
    ]
    contrasts = [one for effect in found for one in (effect.often, effect.fast) if one is not None]

    def raw(one: Contrast) -> float:
        p = binomtest(one.seeds_better, one.seeds_better + one.seeds_worse).pvalue
        return float(p) if one.seeds_better > one.seeds_worse else 1.0

    np.testing.assert_allclose([one.p for one in contrasts], holm(np.array([raw(one) for one in contrasts])))


@pytest.mark.parametrize(("above", "below"), [(0, 0), (0, 1), (3, 3), (1, 8), (9, 21), (150, 100), (1000, 0)])
def test_the_sign_test_is_scipys(above: int, below: int) -> None:
    expected = binomtest(above, above + below).pvalue if above + below else 1.0
    assert sign_test(above, below) == pytest.approx(expected, rel=1e-12)
    assert sign_test(below, above) == sign_test(above, below)


def test_the_test_of_equal_counts_is_scipys() -> None:
    for counts in ([5, 5, 5], [12, 9, 30, 4], [1000, 1100]):
        assert equal_test(np.array(counts)) == pytest.approx(tuple(chisquare(counts)), rel=1e-12)


def test_holms_adjustment() -> None:
    """By hand: 4 × 0.01, 3 × 0.013, raised to the one before, 2 × 0.03, and the largest as it is."""
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.5, 0.013])), [0.06, 0.04, 0.5, 0.04])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert len(holm(np.empty(0))) == 0


def test_the_luck_of_the_best_of_many_settings_is_not_reported() -> None:
    """Of 400 settings that are all alike, the best by its own runs looks better than it is; by others it does not."""

    def epoch(seed: int, x: int) -> int | None:
        return int(np.random.default_rng([seed, x]).integers(1, 100))

    made = trials(epoch, 20, x=list(range(400)))
    rows = [np.arange(400)]
    (chosen,) = best_of_each(made, rows, "fast")
    (lucky,) = best_of_each(Trials(made.settings, made.seeds[:9], made.epochs[:, :9], made.later), rows, "fast")
    assert (chosen.n_settings, chosen.n_choosing, chosen.n, lucky.n_choosing, lucky.n) == (400, 10, 10, 0, 9)
    assert lucky.q50 < 20
    assert 30 < chosen.q50 < 70
    own = made.epochs[chosen.row, 10:]
    assert chosen.q50 == np.sort(own)[4]
    assert made.epochs[chosen.row, :10].tolist() != own.tolist()


def test_all_groups_are_chosen_by_as_many_seeds() -> None:
    def epoch(seed: int, gate: str, x: int) -> int | None:
        return -1 if gate == "few" and seed >= 12 else 5 + x if seed % 3 else None

    made = trials(epoch, 40, gate=["few", "many"], x=[2, 1])
    few, many = best_of_each(made, [np.array([0, 1]), np.array([2, 3])], "often")
    assert (few.n_choosing, many.n_choosing) == (6, 6)
    assert (few.n, many.n) == (6, 34)
    assert (few.row, many.row, few.q05, few.n_converged) == (1, 3, 6.0, 4)


def test_quantiles_count_failures_as_later() -> None:
    made = trials(lambda seed, x: 7 if seed < 4 else None, 9, x=[1])
    (one,) = best_of_each(made, [np.array([0])], "fast")
    assert (one.q05, one.q50, one.q95, one.n_converged) == (7.0, np.inf, np.inf, 4)


def test_everywhere_is_one_unbroken_part_of_what_was_learned() -> None:
    settings = Findings(examples.made({"gate": ["OR", "XOR"], "learning_rate": [1.0, 2.0, 3.0, 4.0]}, 5)).varied
    counts = pd.DataFrame({"n": 5, "n_converged": [4, 5, 5, 1, 0, 0, 0, 0]})
    assert everywhere(settings, counts, "learning_rate", "gate") == (2.0, 3.0)
    assert everywhere(settings, counts, "learning_rate", None) is None
    counts["n_converged"] = [5, 4, 5, 5, 0, 0, 0, 0]
    assert everywhere(settings, counts, "learning_rate", "gate") is None


def test_growth_by_a_constant_factor_is_found_exactly_and_needs_three_points() -> None:
    x = np.array([2.0, 3.0, 5.0])
    found = growth(x, 7 * 1.5**x)
    assert found is not None
    assert found.factor == pytest.approx(1.5)
    assert (found.low, found.high) == pytest.approx((1.5, 1.5))
    assert growth(x, np.array([3.0, np.inf, 4.0])) is None


def falling(*losses: Any) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Curves of runs from epoch 1 on, and their final losses."""
    curves = [
        pd.DataFrame({"run": run, "epoch": np.arange(1, len(of_run) + 1), "loss": of_run})
        for run, of_run in enumerate(losses)
    ]
    return pd.concat(curves), np.array([of_run[-1] for of_run in losses])


def test_a_fall_like_1_over_t_has_exponent_1() -> None:
    t = np.arange(1, 101)
    found = lowest_fall(*falling(3 / t, 3 / t, 1.2 / t, 1 / t), np.array([2, 2]))
    assert found is not None
    assert (found.row, found.n, found.n_epochs, found.together, found.since) == (1, 2, 100, True, 50)
    assert found.exponent == pytest.approx(1)
    assert found.last == pytest.approx(1.1 / 100)


def test_a_fall_is_told_to_the_end_of_each_run_and_without_a_law_where_some_end_earlier() -> None:
    t = np.arange(9)
    rises = np.array([1.0, 17.0, 1e-9])
    found = lowest_fall(*falling(0.5**t, rises[[0, 2]], rises, rises), np.array([1, 3]))
    assert found is not None
    assert (found.row, found.first, found.last, found.n_epochs, found.together) == (1, 1.0, 1e-9, 3, False)
    assert np.isnan(found.exponent)


@pytest.mark.parametrize("n_inputs", [1, 2, 3])
def test_separable_functions_are_those_of_the_linear_program(n_inputs: int) -> None:
    rows = 2**n_inputs
    tables = [f"{number:0{rows}b}" for number in range(2**rows)]
    numbers = np.array([int(table[::-1], 2) for table in tables], np.int64)
    assert separable(numbers, n_inputs).tolist() == [
        isinstance(predict(boolean_table(table, "01")), Separable) for table in tables
    ]


@pytest.mark.parametrize("n", [1, 5, 6, 9, 40, 101])
def test_the_interval_of_a_median_is_that_of_the_sign_test(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    middle, low, high = median_interval(values)
    exact = quantile_test(values, q=0, p=0.5).confidence_interval(0.95)
    assert middle == np.median(values)
    assert (low, high) == (pytest.approx(exact.low, nan_ok=True), pytest.approx(exact.high)) or n < FEWEST_SEEDS
    assert np.isinf([low, high]).all() == (n < FEWEST_SEEDS)


def test_a_factor_is_of_pairs_that_chose_nothing_and_both_converged() -> None:
    def epoch(seed: int, optimizer: str, learning_rate: float) -> int | None:
        if optimizer == "slow":
            return None if seed == 12 else 30 if seed >= 10 else 90
        return 99 if learning_rate == 2 else 10 if seed != 13 else None

    made = trials(epoch, 20, optimizer=["quick", "slow"], learning_rate=[1.0, 2.0])
    quick, slow = best_of_each(made, [np.array([0, 1]), np.array([2, 3])], "fast")
    found = factor(made, slow, quick)
    assert found == (8, 3.0, 3.0, 3.0)
    assert factor(made, slow._replace(n_choosing=0), quick) is None
    alone = Best(2, 1, 0, 20, 19, 30.0, 60.0, 90.0)
    assert factor(made, alone, alone._replace(row=0)) == (18, 9.0, 3.0, 9.0)
    few = trials(epoch, 15, optimizer=["quick", "slow"], learning_rate=[1.0, 2.0])
    quick, slow = (one._replace(n_choosing=10) for one in (quick, slow))
    assert factor(few, slow, quick) is None


def test_the_last_rise_of_a_loss() -> None:
    losses = {0: [4, 3, 3.5, 2, 1], 1: [4, 5, 3], 2: [4, 3, 3 + 1e-10, 1], 3: [1, 2]}
    rows = [(run, epoch, float(loss)) for run, all_of in losses.items() for epoch, loss in enumerate(all_of)]
    curves = pd.DataFrame(rows, columns=["run", "epoch", "loss"])
    last = last_rises(curves, 4)
    assert last is not None and last.tolist() == [2, 1, 0, 1]
    assert last_rises(curves, 5) is None
    assert last_rises(curves[curves["epoch"] != 1], 4) is None
    found = oscillations(last, np.array([2, 1, 1]), np.array([1.0, 2.0, 3.0]), [np.array([1]), np.array([0, 1])])
    assert found == [(1, 0, 0), (0, 2, 0)]
    assert oscillations(last, np.array([2, 2]), None, [np.array([0, 1])]) == [(0, 2, None)]
