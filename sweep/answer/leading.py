"""Sentences about the axis of the question: its best setting in full, its other values beside it."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.analysis.question.best import Best, By
from sweep.analysis.question.subject import asked_for, asks, values_first
from sweep.answer.best import at_best, best_has, later, of_runs, rate_or_median
from sweep.answer.gates import called
from sweep.answer.names import listed, names_of, setting, together, value
from sweep.results.statistics import censored
from sweep.words import NBSP, capital, joined, number

MAX_LISTED = 8
"""Values of an axis that are told one by one; of more, `N_STEPS` at even steps, the best and the worst."""
N_STEPS = 5

Rows = NDArray[np.intp]


def leading(findings: Findings) -> list[str]:
    """Answer for the axis of the question: every value at its best, and the best setting in full.

    The values come first where the question asks about them, and else the best setting.
    """
    axis, question = findings.subject, findings.experiment.question
    if axis is None or not findings.chooses:
        return []
    learned = {at: rows for at, rows in findings.by_value.items() if findings.counts["n_converged"].iloc[rows].any()}
    if not learned and findings.unreachable:
        return []
    if not learned:
        return [f"Nothing was learned: none of the {int(findings.counts['n'].sum()):,} runs converged, at any setting."]
    never = _never(findings, axis, learned)
    without = np.setdiff1d(np.arange(findings.n_settings), np.concatenate(list(findings.by_value.values())))
    bests: list[list[str]] = []
    values: list[list[str]] = []
    for by in asked_for(question):
        (best,) = findings.best([np.concatenate([*learned.values(), without])], by)
        text = capital(f"{best_has(best, setting(findings, best.row), by)}: {of_runs(findings, best)}.")
        bests.append([] if any(of_runs(findings, best) in told for (told,) in bests) else [text])
        values.append(_others(findings, axis, learned, by, "" if values else never))
        if by == "fast":
            values[-1] += [*_factors(findings, axis, learned, best), *_medians(findings, axis, learned)]
    parts = [part for pair in zip(bests, values, strict=True) for part in pair]
    if findings.train.last_losses:  # all runs take all epochs, so that settings tie
        parts = values[:1]
    elif values_first(question, findings.by_kind, findings.experiment.compare):
        parts = [*values, *bests]
    return [text for part in parts for text in part]


def _others(findings: Findings, axis: str, learned: Mapping[Any, Rows], by: By, never: str) -> list[str]:
    """Every value at its best setting; of many, some at even steps, the best and the worst."""
    at, bests = list(learned), findings.best(list(learned.values()), by)
    where = _where(findings, axis, at) if never and all(best.n_converged for best in bests) else ""
    if len(at) == 1:
        return [capital(f"{where}: {never}." if where else f"{never}.")] if never else []
    fails = asks(findings.experiment.question, "failures")
    texts = [rate_or_median(findings, best, by, fails) for best in bests]
    groups = [list(part) for _, part in itertools.groupby(_shown(bests, by), key=lambda i: texts[i])]
    whole = len(at) <= MAX_LISTED and len(_stretches(findings, at)) == 1
    names = names_of(findings, axis, [[at[i] for i in part] for part in groups], whole)
    short = [texts[part[0]] for part in groups]
    short[1:] = [text.removesuffix("s").removesuffix(" epoch") for text in short[1:]]
    parts = joined([f"{text} with {name}" for text, name in zip(short, names, strict=True)])
    share = "the share that failed was" if fails else "the share that converged was"
    later_too = any(math.isinf(best.q50) for best in bests)
    took = "it took half of all runs" if later_too else "half of all runs converged within"
    what = share if by == "often" else took
    shares = f"{at_best(bests, by)}{what} {parts}"
    if where:
        return [capital(f"{where}: {never}."), capital(f"{shares}.")]
    return [capital(f"{shares}{f'; {never}' if never else ''}.")]


def _factors(findings: Findings, axis: str, learned: Mapping[Any, Rows], best: Best) -> list[str]:
    """Divide the epochs of each value by those of the fastest, if the question compares speeds.

    If it compares others with plain gradient descent, the epochs of this are divided by those of each other one.
    """
    question = findings.experiment.question
    if not asks(question, "factor") or len(learned) > MAX_LISTED:
        return []
    is_plain = axis == "optimizer" and "gd" in learned and asks(question, "plain")
    beside = "gd" if is_plain else findings.varied[axis].iloc[best.row]
    at = [beside, *(at for at in learned if at != beside)]
    first, *bests = findings.best([learned[value] for value in at], "fast")
    if math.isinf(first.q50):
        return []
    pairs = [(first, other) if is_plain else (other, first) for other in bests]
    finite = [math.isfinite(other.q50) for other in bests]  # else the setting was not chosen by speed
    found = itertools.compress(zip(at[1:], [findings.factor(*pair) for pair in pairs], strict=True), finite)
    factors = sorted([(value, factor) for value, factor in found if factor], key=lambda one: one[1].factor)
    if not factors:
        return []
    name = together(findings, axis, beside)
    texts: list[str] = []
    for other, factor in factors[::-1] if is_plain else factors:
        how_many, ends = f"{factor.n_pairs:,} pairs", f"{factor.low:.3g} – {factor.high:.3g}"
        counts = f"{how_many}, {ends}" if texts else f"median of {how_many}, 95{NBSP}% interval {ends}"
        as_many = "" if texts else " as many epochs"
        many, than = f"{factor.factor:.3g} times{as_many}", together(findings, axis, other)
        beside_it = f" as {than}" if is_plain else f" with {than}{'' if texts else f' as with {name}'}"
        texts.append(f"{many}{beside_it} ({counts})")
    who = f"{name} at its setting" if is_plain else "runs at these settings"
    other_seeds = "other " if first.n_choosing else ""
    return [f"With the same {other_seeds}seeds, where both converged, {who} took {joined(texts)}."]


def _medians(findings: Findings, axis: str, learned: Mapping[Any, Rows]) -> list[str]:
    """Tell from where to where the median epochs of all settings go, by value, if the question asks for epochs."""
    several = max(map(len, learned.values())) > 1
    if not asks(findings.experiment.question, "epochs") or not several or len(learned) > MAX_LISTED:
        return []
    medians = censored(findings.result.part("summary", ["epochs_q50"])["epochs_q50"])
    ends = [dict.fromkeys((medians[rows].min(), medians[rows].max())) for rows in learned.values()]
    texts = [" to ".join(f"{end:,.0f}" if math.isfinite(end) else later(findings) for end in pair) for pair in ends]
    texts[0] += " epochs"
    names = names_of(findings, axis, [[at] for at in learned])
    each = [f"{text} with {name}" for text, name in zip(texts, names, strict=True)]
    return [f"From the fastest setting to the slowest, half of all runs converged within {joined(each)}."]


def _shown(bests: Sequence[Best], by: By) -> list[int]:
    """The places of the values that are told."""
    if len(bests) <= MAX_LISTED:
        return list(range(len(bests)))
    worth = [best.n_converged / best.n if by == "often" else -best.q50 for best in bests]
    steps = np.linspace(0, len(bests) - 1, N_STEPS).astype(int).tolist()
    return sorted({*steps, int(np.argmax(worth)), int(np.argmin(worth))})


def _where(findings: Findings, axis: str, learned: Sequence[Any]) -> str:
    """Say from which number on, or up to which, runs converged; empty where the numbers with which they did have gaps.

    Of a single value that was learned it is said with which.
    """
    first, last, every = learned[0], learned[-1], list(findings.by_value)
    if len(learned) == 1:
        where = f"with {together(findings, axis, first)}"
    elif not findings.settings.is_numeric(axis) or findings.companions.get(axis) or _stretches(findings, learned)[1:]:
        return ""
    elif last == every[-1]:
        where = f"from {value(axis, first)} on"
    else:
        where = f"up to {value(axis, last)}" if first == every[0] else f"from {value(axis, first)} to {number(last)}"
    return f"{called(findings.settings.values('gate'))} was learned {where}"


def _never(findings: Findings, axis: str, learned: Mapping[Any, Rows]) -> str:
    """Tell of the values of the axis with which no run converged; empty if there are none."""
    never = [at for at in findings.by_value if at not in learned]
    if not never:
        return ""
    n = sum(int(findings.counts["n"].iloc[findings.by_value[at]].sum()) for at in never)
    stretches = _stretches(findings, never)
    if findings.companions.get(axis):
        names = joined([together(findings, axis, at) for at in never])
    elif findings.settings.is_numeric(axis) and len(never) > MAX_LISTED:
        names = joined(listed(axis, stretches))
    else:
        (names,) = listed(axis, [never], len(stretches) == 1)
    return f"with {names}, none of {n:,} runs converged"


def _stretches(findings: Findings, values: Sequence[Any]) -> list[list[Any]]:
    """Divide values of the axis, in order, where others lie between them."""
    among = set(values)
    places = [place for place, at in enumerate(findings.by_value) if at in among]
    steps = itertools.groupby(enumerate(places), key=lambda one: one[1] - one[0])
    return [[values[at] for at, _ in stretch] for _, stretch in steps]
