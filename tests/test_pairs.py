"""Paired comparisons against counts made run by run, and the tests against SciPy's and against published numbers."""

from typing import Any

import example_results as examples
import numpy as np
import of_result as sentences
import pandas as pd
import pytest
from scipy.stats import binomtest

from sweep.analysis.pairs import FEWEST_SEEDS, compared, paired
from sweep.results.result import Result
from sweep.results.statistics import holm, sign_test

ACTIVATIONS = ["sigmoid", "tanh", "relu"]


def by_chance(setting: dict[str, Any], seed: int) -> int | None:
    """At random, tanh the soonest; relu fails most."""
    rng = np.random.default_rng([seed, ACTIVATIONS.index(setting["activation"]), int(10 * setting["learning_rate"])])
    fails = {"sigmoid": 0.3, "tanh": 0.2, "relu": 0.6}[setting["activation"]]
    return None if rng.random() < fails else int(rng.integers(1, 4 if setting["activation"] == "tanh" else 8))


def networks(n_seeds: int = 20, **changes: list[Any]) -> Result:
    grid = {"gate": ["XOR"], "hidden": [2], "activation": ACTIVATIONS, "learning_rate": [0.1, 1.0, 10.0]}
    return examples.made(grid | changes, n_seeds, by_chance)


def one_by_one(result: Result, a: str, b: str) -> tuple[list[int], list[int], list[int]]:
    """Pairs by who converged, and by who converged first; and seeds by who did in more pairs."""
    runs = result.runs.set_index(["activation", "learning_rate", "seed"])["converged_epoch"]
    converged, first = [0, 0, 0, 0], [0, 0, 0]
    alone: dict[int, int] = {}
    for rate, seed in sorted({key[1:] for key in runs.index}):
        epoch = [np.inf if pd.isna(e := runs[(name, rate, seed)]) else int(e) for name in (a, b)]
        learned = [np.isfinite(one) for one in epoch]
        converged[[(True, True), (True, False), (False, True), (False, False)].index(tuple(learned))] += 1
        first[0 if epoch[0] < epoch[1] else 1 if epoch[1] < epoch[0] else 2] += 1
        alone[seed] = alone.get(seed, 0) + learned[0] - learned[1]
    return converged, first, [sum(d > 0 for d in alone.values()), sum(d < 0 for d in alone.values())]


@pytest.mark.parametrize(("a", "b"), [("sigmoid", "tanh"), ("tanh", "relu")])
def test_pairs_are_those_that_counting_one_by_one_finds(a: str, b: str) -> None:
    result = networks()
    pairs = compared(result, "activation", a, b)
    assert pairs is not None
    converged, first, seeds = one_by_one(result, a, b)
    assert [pairs.both, pairs.only_a, pairs.only_b, pairs.neither] == converged
    assert [pairs.earlier_a, pairs.earlier_b, pairs.ties] == first
    assert min(converged + first) > 0
    assert (pairs.n_pairs, pairs.n_seeds) == (60, 20)
    assert [pairs.more_a, pairs.more_b] == seeds
    assert pairs.p_converged == pytest.approx(binomtest(seeds[0], sum(seeds)).pvalue)


def test_with_one_pair_a_seed_it_is_mcnemars_exact_test() -> None:
    result = networks(60, learning_rate=[1.0])
    pairs = compared(result, "activation", "tanh", "relu")
    assert pairs is not None
    assert pairs.only_a > pairs.only_b > 0
    assert (pairs.more_a, pairs.more_b) == (pairs.only_a, pairs.only_b)
    assert pairs.p_converged == pytest.approx(binomtest(pairs.only_a, pairs.only_a + pairs.only_b).pvalue)
    assert pairs.p_earlier == pytest.approx(binomtest(pairs.earlier_a, pairs.earlier_a + pairs.earlier_b).pvalue)


def test_a_seed_counts_once_however_many_settings_it_has() -> None:
    """Repeating every outcome at 50 learning rates multiplies the pairs and leaves p as it was."""

    def epoch(setting: dict[str, Any], seed: int) -> int | None:
        return 5 if setting["activation"] == "tanh" or seed % 3 else None

    grid = {"gate": ["XOR"], "hidden": [2], "activation": ["tanh", "relu"]}
    one, many = (
        compared(examples.made(grid | {"learning_rate": rates}, 12, epoch), "activation", "tanh", "relu")
        for rates in ([1.0], [float(rate) for rate in range(1, 51)])
    )
    assert one is not None
    assert many is not None
    assert (one.only_a, many.only_a) == (4, 200)
    assert one.p_converged == many.p_converged == pytest.approx(2 * 0.5**4)


def test_pairs_have_the_same_seed_whatever_the_order_of_the_runs() -> None:
    """Only seeds that both have are pairs: of 0 … 9 with tanh and 5 … 19 with relu, 5 … 9."""
    several = [networks(n, activation=[name]) for name, n in (("tanh", 10), ("relu", 20))]
    result = examples.union(*several)
    keep = ~((result.runs["activation"] == "relu") & (result.runs["seed"] < 5)).to_numpy()
    summary = result.summary.assign(n=np.where(result.summary["activation"] == "relu", 15, 10))
    cut = Result.of(result.runs[keep].reset_index(drop=True), summary, None, result.manifest, result.experiment)
    pairs = compared(cut, "activation", "tanh", "relu")
    assert pairs is not None
    assert (pairs.n_pairs, pairs.n_seeds) == (15, 5)
    of_shared = cut.runs[cut.runs["seed"].between(5, 9)]
    tanh = of_shared[of_shared["activation"] == "tanh"]
    assert pairs.both + pairs.only_a == tanh["converged_epoch"].notna().sum()


def test_settings_without_a_partner_are_no_pairs() -> None:
    apart = [networks(activation=[name], learning_rate=rates) for name, rates in (("tanh", [0.1]), ("relu", [1.0]))]
    assert compared(examples.union(*apart), "activation", "tanh", "relu") is None
    assert len(paired(examples.union(*apart))) == 0


def test_the_table_has_every_two_values_of_short_axes_of_categories() -> None:
    table = paired(networks(hidden=[2, 3], loss=["bce", "mse"]))
    assert [tuple(row) for row in table[["axis", "a", "b"]].itertuples(index=False)] == [
        ("hidden", "2", "3"),
        ("activation", "sigmoid", "tanh"),
        ("activation", "sigmoid", "relu"),
        ("activation", "tanh", "relu"),
    ]
    assert (table["n_pairs"] == [360, 240, 240, 240]).all()
    assert (table[["both", "only_a", "only_b", "neither"]].sum(axis=1) == table["n_pairs"]).all()
    assert (table[["earlier_a", "earlier_b", "ties"]].sum(axis=1) == table["n_pairs"]).all()
    assert (table["holm_converged"] >= table["p_converged"]).all()


def test_few_seeds_and_nothing_to_compare_give_no_table() -> None:
    assert len(paired(networks(FEWEST_SEEDS - 1))) == 0
    assert len(paired(networks(FEWEST_SEEDS))) == 3
    assert len(paired(examples.made({"gate": ["AND", "XOR"], "learning_rate": examples.RATES}))) == 0
    empty = networks()
    assert len(paired(examples.with_runs(empty, empty.runs.iloc[:0], empty.summary.iloc[:0]))) == 0


@pytest.mark.parametrize(("above", "below"), [(0, 0), (0, 1), (3, 3), (1, 8), (9, 21), (150, 100), (1000, 0)])
def test_the_sign_test_is_scipys(above: int, below: int) -> None:
    expected = binomtest(above, above + below).pvalue if above + below else 1.0
    assert sign_test(above, below) == pytest.approx(expected, rel=1e-12)
    assert sign_test(below, above) == sign_test(above, below)


def test_holms_adjustment() -> None:
    """By hand: 4 × 0.01, 3 × 0.013, raised to the one before, 2 × 0.03, and the largest as it is."""
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.5, 0.013])), [0.06, 0.04, 0.5, 0.04])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert len(holm(np.empty(0))) == 0


def told(result: Result) -> str:
    return " ".join(sentences.answer(result)).replace("\N{NO-BREAK SPACE}", " ")


def test_the_answer_tells_the_two_values_that_differ_most() -> None:
    result = networks(60)
    row = paired(result).set_index(["a", "b"]).loc[("tanh", "relu")]
    assert (
        f"Same seeds, all else equal: of 180 pairs, tanh alone converged in {row['only_a']} and relu alone in "
        f"{row['only_b']} (p < 0.001; no two values of activation differ more); "
        f"tanh was earlier in {row['earlier_a']} and relu in {row['earlier_b']} (p < 0.001)."
    ) in told(result)
    assert "adjusted for 6 tests (Holm)" in sentences.failures(result)


def test_pairs_and_seeds_that_disagree_are_not_given_a_p() -> None:
    """Seed 0 alone has tanh ahead at nine rates; the other nine seeds have relu ahead at the tenth."""

    def epoch(setting: dict[str, Any], seed: int) -> int | None:
        ahead = "tanh" if seed == 0 and setting["learning_rate"] < 10 else "relu" if seed else ""
        return 5 if setting["activation"] == ahead and (seed == 0 or setting["learning_rate"] == 1) else None

    rates = [float(rate) for rate in range(1, 12)]
    result = examples.made(
        {"gate": ["XOR"], "hidden": [2], "activation": ["tanh", "relu"], "learning_rate": rates}, 8, epoch
    )
    assert "tanh alone converged in 9 and relu alone in 7 (but not so in most seeds)" in told(result)


def test_runs_of_one_seed_at_two_values_that_always_agree() -> None:
    result = examples.made({"gate": ["XOR"], "hidden": [2], "activation": ["tanh", "relu"]}, 8, lambda *_: 5)
    assert "activation makes no difference to when a run converges, in any of 8 pairs." in told(result)
