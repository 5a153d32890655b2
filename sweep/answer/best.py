"""Sentences about the best of several settings: how it was chosen, and how its runs came out."""

import math
from collections.abc import Sequence

import numpy as np

from sweep.analysis.findings import Findings
from sweep.analysis.question.best import Best, By
from sweep.results.statistics import wilson
from sweep.words import NBSP, counted, percent

WORDS: dict[By, str] = {"often": "best", "fast": "fastest"}


def best_has(best: Best, named: str, by: By) -> str:
    """Say of a setting that it is the best of several, as "the best of 6 settings, chosen by 10 seeds, has tanh"."""
    if best.n_settings == 1:
        return f"with {named}" if named else ""
    seeds = f"{best.n_choosing:,} seeds" if best.n_choosing else "the same runs"
    return f"the {WORDS[by]} of {best.n_settings:,} settings, chosen by {seeds}, has {named}"


def of_runs(findings: Findings, best: Best) -> str:
    """Tell how the runs of one setting came out: how many converged, the interval, and the spread of epochs."""
    other = " with other seeds" if best.n_choosing else ""
    if best.n == 1:
        return (
            f"the one run converged after {counted(best.q50, 'epoch')}"
            if best.n_converged
            else "its run did not converge"
        )
    exact = f"{_percent(best)}, " if 0 < best.n_converged < best.n else ""
    certain = f"{exact}95{NBSP}% interval {interval(best.n_converged, best.n)}{NBSP}%"
    many = f"{best.n_converged:,} of {best.n:,}" if best.n_converged else f"none of the {best.n:,}"
    many = f"all {best.n:,}" if best.n_converged == best.n else many
    return f"{many} runs{other} converged ({certain}){_spread(findings, best)}"


def interval(n_converged: int, n: int) -> str:
    """Write Wilson's interval of a share in percent."""
    low, high = (float(end) for end in wilson(np.array(n_converged), n))
    return f"{percent(low)} – {percent(high)}"


def at_best(bests: Sequence[Best], by: By) -> str:
    """Say at which settings several values or gates are told, and by what these were chosen; empty without a choice."""
    sizes = sorted({best.n_settings for best in bests})
    if sizes == [1]:
        return ""
    of = f"the {WORDS[by]} setting" if len(sizes) > 1 else f"the {WORDS[by]} of the {sizes[0]:,} settings"
    chosen = max(best.n_choosing for best in bests)
    return f"at {of} of each, chosen by {f'{chosen:,} other seeds' if chosen else 'the same runs'}, "


def rate_or_median(findings: Findings, best: Best, by: By, fails: bool = False) -> str:
    """Tell what is asked of a setting in a word or two: its share that converged, or failed; or its median epoch."""
    if by == "often":
        return _percent(best, fails)
    return f"{later(findings)} epochs" if math.isinf(best.q50) else counted(best.q50, "epoch")


def later(findings: Findings) -> str:
    """Such as "more than 10,000"."""
    return f"more than {findings.train.max_epochs:,}"


def _percent(best: Best, fails: bool = False) -> str:
    share = best.n_converged / best.n
    return f"{percent(1 - share if fails else share)}{NBSP}%"


def _spread(findings: Findings, best: Best) -> str:
    if math.isinf(best.q50):
        return ""
    low, high = (later(findings) if math.isinf(q) else f"{q:,.0f}" for q in (best.q05, best.q95))
    whose = "half of them" if best.n_converged == best.n else "half of all"
    return f", {whose} within {counted(best.q50, 'epoch')} (5–95{NBSP}%: {low} – {high})"
