"""Effect of an axis: its best and its worst value, by pairs of runs that differ in it alone and have the same seed.

Of A and B, two values of an axis, a pair is a run with A and the run with B that has the same seed and otherwise the
same setting; axes that follow from this one may differ too. How often runs converge and how fast are two questions,
each with its own two values. Pairs are not independent where they have a seed in common, so a test sees every seed
once: with D the number of a seed's pairs that tell for A less those that tell for B, seeds with D > 0 are as many as
those with D < 0, but for chance, if A and B make no difference. Where a seed has one pair, this is McNemar's exact test
(McNemar 1947, Psychometrika 12:153).

Of the k(k − 1)/2 pairs of values, the two are those whose runs differ in most pairs; for speed, of those that differ by
more than chance, the fastest and the slowest, which have the largest median factor between them. Of more than eight
values only two are compared, for both questions: those with the most and the fewest runs that converged. p is
multiplied by the number of pairs of values, and then adjusted for all axes and gates that are compared (Holm 1979,
Scand. J. Stat. 6:65).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.question.trials import Trials
from sweep.results.statistics import holm, sign_test

FEWEST_SEEDS = 6
"""With fewer, the smallest p there can be is above 5 %."""
MAX_VALUES = 8
"""Values up to which every two are compared; of more, those with most and fewest runs that converged."""
MAX_RUNS = 2**23
"""Runs up to which all are compared; of more, those of the first seeds."""
CHANCE = 0.05


class Contrast(NamedTuple):
    """Two values of an axis, compared.

    Attributes
    ----------
    n_pairs, for_better, for_worse
        Pairs of all runs, or for speed of runs that both converged; in how many one alone converged, or did so first.
    n_seeds, seeds_better, seeds_worse
        Seeds, and those in which more of the pairs tell for one.
    ratio
        For speed, the median over the pairs of the worse one's epochs by those of the better; else NaN.
    p
        Two-sided, of the exact sign test over seeds, adjusted; 1 where the seeds tell otherwise than the pairs.
    """

    better: Any
    worse: Any
    n_pairs: int
    for_better: int
    for_worse: int
    n_seeds: int
    seeds_better: int
    seeds_worse: int
    ratio: float
    p: float

    @property
    def by_chance(self) -> bool:
        """True if the difference may be chance."""
        return self.p >= CHANCE


class Effect(NamedTuple):
    """Effect of an axis on how often runs converge and how fast, in all runs or in those of one gate.

    `n_pairs` counts those of any two of its values that are compared; a contrast is None where no pair tells.
    """

    axis: str
    gate: str | None
    n_values: int
    n_pairs: int
    often: Contrast | None
    fast: Contrast | None


def effects(
    trials: Trials, axes: Sequence[str], followers: Mapping[str, Sequence[str]], by_gate: bool = False
) -> list[Effect]:
    """Compare the values of each axis, with `by_gate` of each gate by itself where the axis is another.

    `followers` are, for an axis, those that follow from it and make no other setting. Effects without pairs are left
    out, and so are all where there are fewer than six seeds.
    """
    found: list[Effect] = []
    n_seeds = min(len(trials.seeds), MAX_RUNS // max(1, len(trials.settings)))
    if n_seeds < FEWEST_SEEDS or len(trials.settings) == 0:
        return found
    trials = replace(trials, seeds=trials.seeds[:n_seeds], epochs=trials.epochs[:, :n_seeds])
    settings = trials.settings
    for axis in axes:
        parts: dict[str | None, NDArray[np.intp]] = {None: np.arange(len(settings))}
        if by_gate and axis != "gate" and "gate" not in followers.get(axis, ()):
            parts = {str(gate): np.flatnonzero(settings["gate"] == gate) for gate in settings["gate"].unique()}
        for gate, rows in parts.items():
            effect = _effect(trials, axis, gate, rows, followers.get(axis, ()))
            if effect is not None:
                found.append(effect)
    return _adjusted(found)


def _effect(
    trials: Trials, axis: str, gate: str | None, rows: NDArray[np.intp], follow: Sequence[str]
) -> Effect | None:
    """The effect of an axis among some settings; None where nothing can be compared."""
    settings = trials.settings.iloc[rows]
    codes, values = pd.factorize(settings[axis], sort=True)
    others = [key for key in settings if key != axis and key not in follow]
    blocks = (
        settings.groupby(others, observed=True, dropna=False, sort=False).ngroup().to_numpy() if others else 0 * codes
    )
    table = np.full((int(blocks.max()) + 1, len(values)), -1, np.intp)
    named = codes >= 0
    table[blocks[named], codes[named]] = rows[named]
    if (table >= 0).sum() < named.sum():
        return None  # settings that differ in what is no column
    n_couples = len(values) * (len(values) - 1) // 2
    contrasts = [_counted(trials, table, values, couple, n_couples) for couple in _couples(trials, table)]
    contrasts = [contrast for contrast in contrasts if contrast[0].n_seeds >= FEWEST_SEEDS]
    if not contrasts:
        return None
    often, fast = zip(*contrasts, strict=True)
    by_factor = max((c for c in fast if not c.by_chance), key=lambda c: (c.ratio, *_difference(c)), default=None)
    n_pairs = sum(contrast.n_pairs for contrast in often)
    return Effect(axis, gate, len(values), n_pairs, _largest(often), by_factor or _largest(fast))


def _couples(trials: Trials, table: NDArray[np.intp]) -> list[tuple[int, int]]:
    """The values to compare: every two of a few; of many, those with the most and the fewest that converged.

    Of several with as many, these are the fastest and the slowest.
    """
    n_values = table.shape[1]
    if n_values <= MAX_VALUES:
        return list(itertools.combinations(range(n_values), 2))
    whole = table[(table >= 0).all(axis=1)]
    if len(whole) == 0:
        return []
    order = np.lexsort((trials.epochs[whole].sum(axis=(0, 2)), -trials.n_converged[whole].sum(axis=0)))
    return [(int(order[0]), int(order[-1]))]


def _counted(
    trials: Trials, table: NDArray[np.intp], values: Any, couple: tuple[int, int], n_couples: int
) -> tuple[Contrast, Contrast]:
    """The pairs of two values: by who converged, and by who did first of those that both did."""
    both_there = (table[:, couple] >= 0).all(axis=1)
    of_a, of_b = (trials.epochs[table[both_there, value]] for value in couple)
    pairs = (of_a >= 0) & (of_b >= 0)
    in_a, in_b = pairs & (of_a < trials.later), pairs & (of_b < trials.later)
    both = in_a & in_b
    first = np.where(both, np.sign(of_b - of_a), 0)
    alone = in_a.astype(np.int8) - in_b
    ratios = np.maximum(of_b[both], 1) / np.maximum(of_a[both], 1)
    ratio = float(np.median(ratios)) if len(ratios) else np.nan
    a, b = values[list(couple)]
    return _contrast(a, b, pairs, alone, np.nan, n_couples), _contrast(a, b, both, first, ratio, n_couples)


def _contrast(a: Any, b: Any, pairs: NDArray[np.bool_], sign: NDArray[Any], ratio: float, n_couples: int) -> Contrast:
    """Compare two values by pairs that tell for a (1), for b (−1) or for neither, of so many pairs of values."""
    if sign.sum(dtype=np.int64) < 0:
        a, b, sign, ratio = b, a, -sign, 1.0 / ratio
    by_seed = sign.sum(axis=0, dtype=np.int64)
    above, below = int((by_seed > 0).sum()), int((by_seed < 0).sum())
    counts = (int((sign > 0).sum()), int((sign < 0).sum()))
    n_seeds = int(pairs.any(axis=0).sum())
    p = min(1.0, sign_test(above, below) * n_couples) if above > below else 1.0
    return Contrast(a, b, int(pairs.sum()), *counts, n_seeds, above, below, ratio, p)


def _difference(contrast: Contrast) -> tuple[int, int]:
    """In how many more pairs one value is ahead than the other, and in how many either is."""
    return contrast.for_better - contrast.for_worse, contrast.for_better + contrast.for_worse


def _largest(contrasts: Sequence[Contrast]) -> Contrast | None:
    """The two values that differ in most pairs; None where no pair tells."""
    largest = max(contrasts, key=_difference)
    return largest if any(_difference(largest)) else None


def _adjusted(found: Sequence[Effect]) -> list[Effect]:
    """The same effects with their p adjusted for their number."""
    contrasts = [contrast for effect in found for contrast in (effect.often, effect.fast) if contrast is not None]
    adjusted = iter(holm(np.array([contrast.p for contrast in contrasts], np.float64)).tolist())
    return [
        effect._replace(
            often=effect.often and effect.often._replace(p=next(adjusted)),
            fast=effect.fast and effect.fast._replace(p=next(adjusted)),
        )
        for effect in found
    ]
