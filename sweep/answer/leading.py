"""Sentences about the axis of the question: its best setting in full, its other values beside it."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.analysis.question.best import Best, By
from sweep.analysis.question.subject import asks_for_epochs, asks_for_factor, asks_for_failures
from sweep.answer.best import asked_for, at_best, best_has, later, of_runs, rate_or_median
from sweep.answer.names import listed, setting, together
from sweep.results.statistics import censored
from sweep.words import NBSP, capital, joined

MAX_LISTED = 8
"""Values of an axis that are told one by one; of more, `N_STEPS` at even steps, the best and the worst."""
N_STEPS = 5

Rows = NDArray[np.intp]


def leading(findings: Findings) -> list[str]:
    """Answer for the axis of the question: the best setting in full, then every value at its best."""
    axis = findings.subject
    if axis is None or not findings.chooses:
        return []
    learned = {at: rows for at, rows in findings.by_value.items() if findings.counts["n_converged"].iloc[rows].any()}
    never = _never(findings, axis, [at for at in findings.by_value if at not in learned])
    if not learned:
        return [f"Nothing was learned: none of the {int(findings.counts['n'].sum()):,} runs converged, at any setting."]
    sentences: dict[str, None] = {}
    for by in asked_for(findings.experiment.question):
        (best,) = findings.best([np.concatenate(list(learned.values()))], by)
        if not any(of_runs(findings, best) in sentence for sentence in sentences):
            sentences[capital(f"{best_has(best, setting(findings, best.row), by)}: {of_runs(findings, best)}.")] = None
        if len(learned) > 1:
            sentences[_others(findings, axis, learned, by, "" if len(sentences) > 1 else never)] = None
        if by == "fast":
            sentences |= dict.fromkeys([*_factors(findings, axis, learned, best), *_medians(findings, axis, learned)])
    return [*sentences, f"{capital(never)}."] if never and len(learned) == 1 else list(sentences)


def _others(findings: Findings, axis: str, learned: Mapping[Any, Rows], by: By, never: str) -> str:
    """Every value at its best setting; of many, some at even steps, the best and the worst."""
    at, bests = list(learned), findings.best(list(learned.values()), by)
    fails = asks_for_failures(findings.experiment.question)
    texts = [rate_or_median(findings, best, by, fails) for best in bests]
    groups = [list(part) for _, part in itertools.groupby(_shown(bests, by), key=lambda i: texts[i])]
    names = _names(findings, axis, [[at[i] for i in part] for part in groups], len(at) <= MAX_LISTED)
    short = [texts[part[0]] for part in groups]
    short[1:] = [text.removesuffix("s").removesuffix(" epoch") for text in short[1:]]
    parts = joined([f"{text} with {name}" for text, name in zip(short, names, strict=True)])
    share = "the share that failed was" if fails else "the share that converged was"
    what = share if by == "often" else "half of all runs converged within"
    return capital(f"{at_best(bests, by)}{what} {parts}{f'; {never}' if never else ''}.")


def _factors(findings: Findings, axis: str, learned: Mapping[Any, Rows], best: Best) -> list[str]:
    """Tell how many times the epochs of the fastest value every other one takes, if the question compares speeds."""
    if not asks_for_factor(findings.experiment.question) or len(learned) > MAX_LISTED:
        return []
    fastest = findings.varied[axis].iloc[best.row]
    at = [fastest, *(at for at in learned if at != fastest)]
    first, *bests = findings.best([learned[value] for value in at], "fast")
    others = zip(at[1:], bests, strict=True)
    factors = [(factor, value) for value, other in others if (factor := findings.factor(other, first)) is not None]
    factors.sort(key=lambda pair: pair[0].factor)
    if not factors:
        return []
    texts: list[str] = []
    for factor, value in factors:
        beside = "" if texts else f" as with {together(findings, axis, fastest)}"
        of = "" if texts else "median of "
        ends = f"{factor.low:.3g} – {factor.high:.3g}"
        interval = ends if texts else f"95{NBSP}% interval {ends}"
        many = "times" if texts else "times as many epochs"
        name = together(findings, axis, value)
        texts.append(f"{factor.factor:.3g} {many} with {name}{beside} ({of}{factor.n_pairs:,} pairs, {interval})")
    other = "other " if first.n_choosing else ""
    return [f"With the same {other}seeds, where both converged, runs at these settings took {joined(texts)}."]


def _medians(findings: Findings, axis: str, learned: Mapping[Any, Rows]) -> list[str]:
    """Tell from where to where the median epochs of all settings go, by value, if the question asks for epochs."""
    several = max(map(len, learned.values())) > 1
    if not asks_for_epochs(findings.experiment.question) or not several or len(learned) > MAX_LISTED:
        return []
    medians = censored(findings.result.part("summary", ["epochs_q50"])["epochs_q50"])
    ends = [dict.fromkeys((medians[rows].min(), medians[rows].max())) for rows in learned.values()]
    texts = [" to ".join(f"{end:,.0f}" if math.isfinite(end) else later(findings) for end in pair) for pair in ends]
    texts[0] += " epochs"
    names = _names(findings, axis, [[at] for at in learned])
    each = [f"{text} with {name}" for text, name in zip(texts, names, strict=True)]
    return [f"From the fastest setting to the slowest, half of all runs converged within {joined(each)}."]


def _names(findings: Findings, axis: str, groups: Sequence[Sequence[Any]], neighbours: bool = True) -> list[str]:
    """Name groups of values, with what follows from them."""
    if findings.companions.get(axis):
        return [joined([together(findings, axis, at) for at in group]) for group in groups]
    return listed(axis, groups, neighbours)


def _shown(bests: Sequence[Best], by: By) -> list[int]:
    """The places of the values that are told."""
    if len(bests) <= MAX_LISTED:
        return list(range(len(bests)))
    worth = [best.n_converged / best.n if by == "often" else -best.q50 for best in bests]
    steps = np.linspace(0, len(bests) - 1, N_STEPS).astype(int).tolist()
    return sorted({*steps, int(np.argmax(worth)), int(np.argmin(worth))})


def _never(findings: Findings, axis: str, never: Sequence[Any]) -> str:
    """Values of the axis with which no run converged; empty if there are none."""
    if not never:
        return ""
    n = sum(int(findings.counts["n"].iloc[findings.by_value[at]].sum()) for at in never)
    names = joined([together(findings, axis, at) for at in never])
    if not findings.companions.get(axis):
        (names,) = listed(axis, [never])
    return f"with {names}, none of {n:,} runs converged"
