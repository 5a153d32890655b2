"""The replication page's section on what a perceptron answers before it is trained."""

import itertools

import numpy as np
import pandas as pd
import pytest
from replicated import table, verdicts, with_runs

import sweep
from experiments.replication.sections.first_guess import POSSIBLE, counts, first_guess
from sweep.commands.replay import replay


@pytest.fixture(scope="module", name="result")
def _result(replicated_results: dict[str, sweep.Result]) -> sweep.Result:
    return replicated_results["first_guess"]


def test_answers_are_those_of_the_drawn_weights(result: sweep.Result) -> None:
    for run in (0, 1, 2003):
        again = replay(result, run)
        assert again.initial_weights.tolist() == again.final_weights.tolist()
        assert again.initial_weights[-1] == 0
        n = len(again.initial_weights) - 1
        drawn = np.random.default_rng(again.setting["seed"]).normal(0, 1, n + 1)[:n]
        rows = np.arange(2**n)[:, np.newaxis] >> np.arange(n)[::-1] & 1
        assert result.runs["answers"][run] == "".join("01"[int(z > 0)] for z in rows @ drawn)


def test_counts_by_rows_answered_1(result: sweep.Result) -> None:
    for one, (_, runs) in zip(counts(result.runs), result.runs.groupby("gate", observed=True), strict=True):
        ones = np.array([text.count("1") for text in runs["answers"]])
        assert one.starts.tolist() == np.bincount(ones, minlength=2**one.n_inputs + 1).tolist()
        assert one.n_functions == len(set(runs["answers"]))
    section = first_guess(result)
    assert verdicts(section) == ["yes", "yes"]
    assert table(section, "n")["starts"].tolist() == ["2,000", "2,000"]


def test_uneven_counts_and_a_full_table_fail(result: sweep.Result) -> None:
    runs = result.runs
    for told, n, expected in (("0111", 200, "yes"), ("1111", 1, "no")):
        texts = runs["answers"].astype(object)
        texts[:n] = told
        changed = with_runs(result, runs.assign(answers=pd.Categorical(texts)))
        assert verdicts(first_guess(changed)) == ["no", expected]


def regions(n: int) -> int:
    """Regions into which the planes Σ wᵢ = 0, over all sets of inputs, cut the space of n weights.

    By Athanasiadis 1996: points of a finite field that lie on no plane are counted by the characteristic polynomial χ,
    and the regions are |χ(−1)| (Zaslavsky 1975).
    """
    sets = np.array(list(itertools.product((0, 1), repeat=n)))[1:]
    primes = (7, 11, 13, 17, 19, 23)[: n + 1]
    points = []
    for q in primes:
        weights = np.array(list(itertools.product(range(q), repeat=n)), np.int16)
        points.append(int(((weights @ sets.T) % q).all(axis=1).sum()))
    others = [[p for p in primes if p != q] for q in primes]
    at = [k * np.prod([(-1 - p) / (q - p) for p in rest]) for k, q, rest in zip(points, primes, others, strict=True)]
    return abs(round(sum(at)))


@pytest.mark.parametrize("n", [2, 3, 4])
def test_functions_that_are_possible(n: int) -> None:
    assert regions(n) == POSSIBLE[n]
