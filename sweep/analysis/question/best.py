"""Choose the best of several settings on some seeds, and report it on others."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.question.trials import Trials
from sweep.results.statistics import censored, median_interval
from sweep.spec.schema import quantile_rank

FEWEST = 5
"""Seeds that choose, and as many to report: with fewer, a setting is chosen by the runs that are reported."""

FEWEST_PAIRS = 6
"""With fewer, a median has no 95 % interval."""

_PIECE = 2**22
"""Runs that are looked at together."""

By = Literal["often", "fast"]


class Best(NamedTuple):
    """The best of some settings, by its row, and how its n runs that are reported came out.

    It was chosen by the first `n_choosing` seeds of each, none of which is reported; 0 if by the runs reported. The
    quantiles are of the epochs of convergence, order statistics; infinite where later than the last epoch.
    """

    row: int
    n_settings: int
    n_choosing: int
    n: int
    n_converged: int
    q05: float
    q50: float
    q95: float


class Factor(NamedTuple):
    """Epochs of one setting by those of another: the median over pairs of one seed, and its 95 % interval.

    Pairs are those in which both converged, and whose seed chose neither setting.
    """

    n_pairs: int
    factor: float
    low: float
    high: float


def best_of_each(trials: Trials, groups: Sequence[NDArray[np.intp]], by: By) -> list[Best]:
    """Choose the best setting of each group of rows.

    "often" is the one with most runs that converged, of several the lowest median epoch; "fast" that with the lowest
    median epoch over all runs, of several the most that converged. Each group's is chosen by the same number of seeds,
    half of the fewest that any setting has, so that chance favours none.
    """
    fewest = int(min(trials.n[np.concatenate(list(groups))], default=0))
    n_choosing = fewest // 2 if fewest >= 2 * FEWEST and max(map(len, groups)) > 1 else 0
    return [_best(trials, rows, by, n_choosing if len(rows) > 1 else 0) for rows in groups]


def best_of_summary(summary: pd.DataFrame, groups: Sequence[NDArray[np.intp]], by: By) -> list[Best]:
    """Choose the best setting of each group by the summary of all its runs, where single ones are not kept."""
    n, n_converged = (summary[name].to_numpy(np.int64) for name in ("n", "n_converged"))
    q05, q50, q95 = (censored(summary[name]) for name in ("epochs_q05", "epochs_q50", "epochs_q95"))
    keys = (q50, -n_converged / n) if by == "often" else (-n_converged / n, q50)
    found = []
    for rows in groups:
        at = int(rows[np.lexsort((rows, *(key[rows] for key in keys)))[0]])
        found.append(
            Best(at, len(rows), 0, int(n[at]), int(n_converged[at]), float(q05[at]), float(q50[at]), float(q95[at]))
        )
    return found


def factor(trials: Trials, of: Best, by: Best) -> Factor | None:
    """Divide the epochs of one setting by those of another, pair by pair of runs with the same seed.

    None where fewer than six seeds are left to tell, and where the runs that tell are those that chose.
    """
    if any(one.n_settings > 1 and not one.n_choosing for one in (of, by)):
        return None
    tells = [_reported(trials, np.array([one.row]), one.n_choosing)[0] for one in (of, by)]
    both = tells[0] & tells[1] & (trials.epochs[[of.row, by.row]] < trials.later).all(axis=0)
    above, below = np.maximum(trials.epochs[[of.row, by.row]][:, both], 1)
    return Factor(int(both.sum()), *median_interval(above / below)) if both.sum() >= FEWEST_PAIRS else None


def _best(trials: Trials, rows: NDArray[np.intp], by: By, n_choosing: int) -> Best:
    at_a_time = max(1, _PIECE // max(1, len(trials.seeds)))
    pieces = [rows[start : start + at_a_time] for start in range(0, len(rows), at_a_time)]
    worth = np.concatenate([_worth(trials, piece, by, n_choosing) for piece in pieces])
    winner = rows[np.lexsort((np.arange(len(rows)), worth[:, 1], worth[:, 0]))[:1]]
    reported = _reported(trials, winner, n_choosing)
    n_converged = int((reported & (trials.epochs[winner] < trials.later)).sum())
    q05, q50, q95 = _quantiles(trials.epochs[winner], reported, trials.later, (5, 50, 95))[0].tolist()
    return Best(int(winner[0]), len(rows), n_choosing, int(reported.sum()), n_converged, q05, q50, q95)


def _choosing(trials: Trials, rows: NDArray[np.intp], n_choosing: int) -> NDArray[np.bool_]:
    """Mark the runs that choose: those of the first seeds of each setting, or all where there are too few."""
    exists = trials.epochs[rows] >= 0
    return exists & (np.cumsum(exists, axis=1, dtype=np.int32) <= n_choosing) if n_choosing else exists


def _reported(trials: Trials, rows: NDArray[np.intp], n_choosing: int) -> NDArray[np.bool_]:
    """Mark the runs that are reported: those that do not choose, or all where the same ones do both."""
    return (trials.epochs[rows] >= 0) & (~_choosing(trials, rows, n_choosing) | (n_choosing == 0))


def _worth(trials: Trials, rows: NDArray[np.intp], by: By, n_choosing: int) -> NDArray[np.float64]:
    """Return the keys that order settings, best first: share that failed and median epoch, or the other way round."""
    chooses = _choosing(trials, rows, n_choosing)
    failures = (chooses & (trials.epochs[rows] == trials.later)).sum(axis=1) / chooses.sum(axis=1)
    median = _quantiles(trials.epochs[rows], chooses, trials.later, (50,))[:, 0]
    return np.column_stack([failures, median] if by == "often" else [median, failures])


def _quantiles(
    epochs: NDArray[Any], counted: NDArray[np.bool_], later: int, percents: Sequence[int]
) -> NDArray[np.float64]:
    """Order statistics of each row over what is counted: float64, shape (n_rows, n_percents)."""
    n = counted.sum(axis=1)
    ordered = np.sort(np.where(counted, epochs, later + 1), axis=1)
    ranks = np.stack([quantile_rank(q, n) for q in percents], axis=1)
    found = np.take_along_axis(ordered, ranks, axis=1).astype(np.float64)
    return np.where(found >= later, np.inf, found)


def everywhere(settings: pd.DataFrame, counts: pd.DataFrame, x: str, kind: str | None) -> tuple[Any, Any] | None:
    """Find the first and the last value of an axis x at which every run converged.

    Values of the axis `kind` of which no run converged are left out. None where there is no such x, or others lie
    between them.
    """
    if kind is not None:
        of_kind = counts["n_converged"].groupby(settings[kind], observed=True, dropna=False).transform("sum")
        counts = counts[of_kind > 0]
    along = counts.groupby(settings[x]).sum()
    whole = np.flatnonzero(along["n"] == along["n_converged"])
    if not len(whole) or len(whole) != whole[-1] - whole[0] + 1:
        return None
    return along.index[whole[0]], along.index[whole[-1]]
