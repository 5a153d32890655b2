"""Sentences about the axis of the question: its best setting in full, its other values beside it."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.analysis.question.best import Best, By
from sweep.analysis.question.subject import asks_for_failures
from sweep.answer.best import asked_for, at_best, best_has, of_runs, rate_or_median
from sweep.answer.names import listed, setting, together
from sweep.words import capital, joined

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
    return [*sentences, f"{capital(never)}."] if never and len(learned) == 1 else list(sentences)


def _others(findings: Findings, axis: str, learned: Mapping[Any, Rows], by: By, never: str) -> str:
    """Every value at its best setting; of many, some at even steps, the best and the worst."""
    at, bests = list(learned), findings.best(list(learned.values()), by)
    fails = asks_for_failures(findings.experiment.question)
    texts = [rate_or_median(findings, best, by, fails) for best in bests]
    groups = [list(part) for _, part in itertools.groupby(_shown(bests, by), key=lambda i: texts[i])]
    if findings.companions.get(axis):
        names = [joined([together(findings, axis, at[i]) for i in part]) for part in groups]
    else:
        names = listed(axis, [[at[i] for i in part] for part in groups], len(at) <= MAX_LISTED)
    short = [texts[part[0]] for part in groups]
    short[1:] = [text.removesuffix("s").removesuffix(" epoch") for text in short[1:]]
    parts = joined([f"{text} with {name}" for text, name in zip(short, names, strict=True)])
    share = "the share that failed was" if fails else "the share that converged was"
    what = share if by == "often" else "half of all runs converged within"
    return capital(f"{at_best(bests, by)}{what} {parts}{f'; {never}' if never else ''}.")


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
