"""Sentences about the axis of the question: its best setting in full, its other values beside it."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.analysis.question.best import Best, By
from sweep.analysis.question.subject import asks_for_failures, asks_for_share, asks_for_speed
from sweep.answer.names import listed, setting, together
from sweep.results.statistics import wilson
from sweep.words import NBSP, capital, counted, joined, percent

MAX_LISTED = 8
"""Values of an axis that are told one by one; of more, `N_STEPS` at even steps, the best and the worst."""
N_STEPS = 5


def leading(findings: Findings) -> list[str]:
    """Answer for the axis of the question: the best setting in full, then every value at its best.

    Where gates vary, the axis is told gate by gate elsewhere; see `sweep.answer.axes`.
    """
    axis = findings.subject
    if axis is None or findings.trials is None or "gate" in findings.varied:
        return []
    learned = {at: rows for at, rows in findings.by_value.items() if findings.counts["n_converged"].iloc[rows].any()}
    never = _never(findings, axis, [at for at in findings.by_value if at not in learned])
    if not learned:
        return [f"Nothing was learned: none of the {int(findings.counts['n'].sum()):,} runs converged, at any setting."]
    said: list[str] = []
    shown = -1
    for by in asked_for(findings.experiment.question):
        (best,) = findings.best([np.concatenate(list(learned.values()))], by)
        if best.row != shown:
            said.append(_best(findings, axis, best, by))
        shown = best.row
        said += _others(findings, axis, learned, by, never)
        if len(learned) > 1:
            never = ""
    return [*said[:1], f"{capital(never)}.", *said[1:]] if never else said


def asked_for(question: str) -> list[By]:
    """Decide what a question asks: how often runs converge, how fast, or both."""
    speed = asks_for_speed(question)
    return ["fast"] if speed and not asks_for_share(question) else ["often", "fast"] if speed else ["often"]


def of_runs(findings: Findings, best: Best, capital: bool = False) -> str:
    """Tell how the runs of one setting came out: how many converged, the interval, and the spread of epochs."""
    share = (
        f"{shares(best.n_converged, best.n)} {'did not converge' if best.n == 1 > best.n_converged else 'converged'}"
    )
    share = (share[:1].upper() if capital else share[:1]) + share[1:]
    if best.n == 1:
        return share + (f" after {counted(best.q50, 'epoch')}" if best.n_converged else "")
    low, high = (float(end) for end in wilson(np.array(best.n_converged), best.n))
    exact = f"{percent(best.n_converged / best.n)}{NBSP}%, " if 0 < best.n_converged < best.n else ""
    interval = f"95{NBSP}% interval {percent(low)} – {percent(high)}{NBSP}%"
    return f"{share} ({exact}{interval}){_spread(findings, best)}"


def shares(n_converged: int, n: int) -> str:
    """Such as "all 50 runs", "none of the 50 runs", "49 of 50 runs"."""
    if n in (n_converged, 1):
        return "the one run" if n == 1 else f"all {n:,} runs"
    return f"{n_converged:,} of {n:,} runs" if n_converged else f"none of the {n:,} runs"


def chosen(best: Best, by: By = "often") -> str:
    """Tell how the best of several settings was chosen."""
    which = "best" if by == "often" else "fastest"
    return f"the {which} of {best.n_settings:,} settings, {_choice(best)}"


def _spread(findings: Findings, best: Best) -> str:
    later = f"more than {findings.train.max_epochs:,}"
    low, middle, high = (later if math.isinf(q) else f"{q:,.0f}" for q in (best.q05, best.q50, best.q95))
    if math.isinf(best.q50):
        return ""
    whose = "half of them" if best.n_converged == best.n else "half of all"
    return f", {whose} within {middle} epoch{'' if best.q50 == 1 else 's'} (5–95{NBSP}%: {low} – {high})"


def _best(findings: Findings, axis: str, best: Best, by: By) -> str:
    """The best setting in full."""
    at = findings.varied[axis].iloc[best.row]
    rest = setting(findings, best.row, [axis])
    named = together(findings, axis, at) + (f" ({rest})" if rest else "")
    how = "most often" if by == "often" else "fastest"
    choice = f", {chosen(best, by)}" if best.n_settings > 1 else ""
    return f"Runs converged {how} with {named}{choice}: {of_runs(findings, best)}."


def _others(findings: Findings, axis: str, learned: Mapping[Any, NDArray[np.intp]], by: By, never: str) -> list[str]:
    """Every value at its best setting; of many, some at even steps, the best and the worst."""
    if len(learned) < 2:
        return []
    at, bests = list(learned), findings.best(list(learned.values()), by)
    fails = asks_for_failures(findings.experiment.question)
    tell: Callable[[Best], str] = (
        (lambda one: _percent(one, fails)) if by == "often" else (lambda one: _median(findings, one))
    )
    places = list(range(len(at)))
    if len(at) > MAX_LISTED:
        worth = [one.n_converged / one.n if by == "often" else -one.q50 for one in bests]
        steps = np.linspace(0, len(at) - 1, N_STEPS).astype(int).tolist()
        places = sorted({*steps, int(np.argmax(worth)), int(np.argmin(worth))})
    alike = [list(part) for _, part in itertools.groupby(places, key=lambda i: tell(bests[i]))]
    texts = [tell(bests[part[0]]) for part in alike]
    if findings.companions.get(axis):
        names = [joined([together(findings, axis, at[i]) for i in part]) for part in alike]
    else:
        names = listed(axis, [[at[i] for i in part] for part in alike])
    if by == "fast":
        texts = [texts[0], *(text.removesuffix("s").removesuffix(" epoch") for text in texts[1:])]
    parts = [f"{text} with {name}" for text, name in zip(texts, names, strict=True)]
    what = (
        f"the share that {'failed' if fails else 'converged'} was"
        if by == "often"
        else "half of all runs converged within"
    )
    rest = f"; {never}" if never else ""
    return [f"{capital(_at_best(bests, by))}, {what} {joined(parts)}{rest}."]


def _at_best(bests: Sequence[Best], by: By) -> str:
    """Say at which settings several values or gates are told, and by what these were chosen."""
    sizes = {one.n_settings for one in bests}
    if sizes == {1}:
        return "at the one setting of each"
    best = "best" if by == "often" else "fastest"
    of = f"the {best} setting of each" if len(sizes) > 1 else f"the {best} of the {max(sizes):,} settings of each"
    return f"at {of}, {_choice(max(bests, key=lambda one: one.n_settings))}"


def _choice(best: Best) -> str:
    return f"chosen by {best.n_choosing:,} other seeds" if best.n_choosing else "chosen by the same runs"


def _percent(best: Best, fails: bool = False) -> str:
    share = best.n_converged / best.n
    return f"{percent(1 - share if fails else share)}{NBSP}%"


def _median(findings: Findings, best: Best) -> str:
    if math.isinf(best.q50):
        return f"more than {findings.train.max_epochs:,} epochs"
    return counted(best.q50, "epoch")


def _never(findings: Findings, axis: str, never: Sequence[Any]) -> str:
    """Values of the axis with which no run converged; empty if there are none."""
    if not never:
        return ""
    n = sum(int(findings.counts["n"].iloc[findings.by_value[at]].sum()) for at in never)
    names = joined([together(findings, axis, at) for at in never])
    if not findings.companions.get(axis):
        (names,) = listed(axis, [never])
    return f"with {names}, none of {n:,} runs converged"


def of_each(findings: Findings, names: Sequence[str], groups: Sequence[NDArray[np.intp]], by: By) -> str:
    """Tell how several gates were learned, each at its best setting, in one sentence."""
    bests = findings.best(groups, by)
    sizes = sorted({one.n for one in bests})
    rates = [one.n_converged / one.n for one in bests]
    if min(rates) == 1.0:
        share = f"all {sizes[0]:,} runs of each converged" if len(sizes) == 1 else "all runs converged"
        share = "its run converged" if sizes == [1] else share
    elif min(rates) == max(rates):
        share = f"{_percent(bests[0])} of the runs of each converged"
    else:
        share = f"from {_ends(names, rates, list(map(_percent, bests)))} of the runs of each converged"
    medians = [one.q50 for one in bests]
    within = _ends(names, medians, [_median(findings, one) for one in bests])
    return f"{capital(_at_best(bests, by))}, {share}, half of all within {within}."


def _ends(names: Sequence[str], values: Sequence[float], texts: Sequence[str]) -> str:
    """The lowest and the highest of some values, each with a name; one where they are the same."""
    low, high = int(np.argmin(values)), int(np.argmax(values))
    return texts[low] if texts[low] == texts[high] else f"{texts[low]} ({names[low]}) to {texts[high]} ({names[high]})"
