"""Paired comparisons: runs that differ in one axis only and have the same seed, and so the same random numbers.

Of A and B, two values of an axis, a pair is a run with A and the run with B that has the same seed and otherwise the
same setting. Pairs are counted as they are. They are not independent of each other where they have a seed in common,
so a test sees every seed once: with D the number of a seed's pairs in which A alone converged, less those in which B
alone did, the seeds with D > 0 are as many as those with D < 0, but for chance, if A and B make no difference. Where
each seed has one pair, this is McNemar's exact test (McNemar 1947, Psychometrika 12:153).
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.axes import is_numeric, place, varying
from sweep.results.result import Result
from sweep.results.settings import grid_keys, n_rows
from sweep.results.statistics import holm, sign_test

MAX_VALUES = 4
"""Of an axis that is compared: more make a table too long to read, and are rather an axis of a figure."""
FEWEST_SEEDS = 6
"""With fewer, the smallest p there can be is above 5 %."""
NOT_COMPARED = ("gate", "loss")
"""Other gates are other tasks, and another loss is another target."""

Numbers = NDArray[np.int64]


class Pairs(NamedTuple):
    """The pairs of two values of an axis, counted.

    Attributes
    ----------
    axis, a, b : str
        The axis and its two values.
    n_pairs, n_seeds : int
        Pairs, and the different seeds that they have.
    both, only_a, only_b, neither : int
        Pairs by who converged; together `n_pairs`.
    earlier_a, earlier_b, ties : int
        Pairs by who converged first; together `n_pairs`. A run that did not converge is later than every one that did;
        two that did not are tied.
    more_a, more_b : int
        Seeds in which A alone converged in more pairs than B alone, or in fewer.
    sooner_a, sooner_b : int
        Seeds in which A converged first in more pairs than B, or in fewer.
    p_converged, p_earlier : float
        Two-sided p of the exact sign test over seeds, for converging at all and for converging first.
    """

    axis: str
    a: str
    b: str
    n_pairs: int
    n_seeds: int
    both: int
    only_a: int
    only_b: int
    neither: int
    earlier_a: int
    earlier_b: int
    ties: int
    more_a: int
    more_b: int
    sooner_a: int
    sooner_b: int
    p_converged: float
    p_earlier: float


def paired(result: Result) -> pd.DataFrame:
    """Compare the values of every axis of categories, and of the hidden units, that has two to four.

    Returns
    -------
    pandas.DataFrame
        One row per axis and two of its values, in order of the file, with the columns of `Pairs`, p not adjusted; then
        `holm_converged` and `holm_earlier`, p adjusted for all comparisons of the table (Holm 1979, Scand. J. Stat.
        6:65). No rows where there are fewer than six seeds, or nothing to compare.
    """
    found: list[Pairs] = []
    if n_rows(result, "runs"):
        axes = [key for key in varying(result) if key not in NOT_COMPARED]
        for axis in axes:
            if axis != "hidden" and is_numeric(result, axis):
                continue
            values = [str(value) for value in place(result.part("summary", [axis])[axis]).cat.categories]
            if len(values) <= MAX_VALUES:
                couples = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
                found += [pairs for a, b in couples if (pairs := compared(result, axis, a, b)) is not None]
    found = [pairs for pairs in found if pairs.n_seeds >= FEWEST_SEEDS]
    table = pd.DataFrame(found, columns=list(Pairs._fields))
    p = holm(table[["p_converged", "p_earlier"]].to_numpy(np.float64).ravel()).reshape(-1, 2)
    return table.assign(holm_converged=p[:, 0], holm_earlier=p[:, 1])


def compared(result: Result, axis: str, a: str, b: str) -> Pairs | None:
    """Pair the runs of two values of an axis, all else equal, and count.

    Parameters
    ----------
    result : Result
    axis
        A column of the grid.
    a, b
        Two of its values, as text: "tanh", "2", "true".

    Returns
    -------
    Pairs or None
        None where no two runs are a pair, or where some settings are told apart by what is no column.
    """
    matched = _matched(result, axis, a, b)
    if matched is None:
        return None
    of_a, of_b, seed = matched
    runs = result.part("runs", ["status", "converged_epoch"])
    later = np.iinfo(np.int64).max
    epoch = runs["converged_epoch"].fillna(-1).to_numpy(np.int64)
    epoch = np.where((runs["status"] == "converged").to_numpy(np.bool_), epoch, later)
    epoch_a, epoch_b = epoch[of_a], epoch[of_b]
    in_a, in_b = epoch_a < later, epoch_b < later
    first = np.sign(epoch_b - epoch_a) if len(epoch_a) else epoch_a
    _, number = np.unique(seed, return_inverse=True)
    alone = in_a.astype(np.int64) - in_b
    more, sooner = (_signs(np.bincount(number, differences.astype(np.float64))) for differences in (alone, first))
    return Pairs(
        axis,
        a,
        b,
        len(seed),
        int(number.max()) + 1,
        int((in_a & in_b).sum()),
        int((in_a & ~in_b).sum()),
        int((in_b & ~in_a).sum()),
        int((~in_a & ~in_b).sum()),
        int((first > 0).sum()),
        int((first < 0).sum()),
        int((first == 0).sum()),
        *more,
        *sooner,
        sign_test(*more),
        sign_test(*sooner),
    )


def _signs(differences: NDArray[Any]) -> tuple[int, int]:
    """How many differences are above 0, and how many below."""
    return int((differences > 0).sum()), int((differences < 0).sum())


def _matched(result: Result, axis: str, a: str, b: str) -> tuple[Numbers, Numbers, Numbers] | None:
    """The rows of the runs with one value and with the other, pair by pair, and their seeds."""
    others = [key for key in grid_keys(result) if key != axis]
    summary = result.part("summary", [*others, axis, "n"])
    value = place(summary[axis]).astype(str).to_numpy(object)
    n = summary["n"].to_numpy(np.int64)
    first = np.cumsum(n) - n
    number = summary.groupby(others, observed=True, dropna=False, sort=False).ngroup().to_numpy() if others else 0 * n
    rows_a, rows_b = np.flatnonzero(value == a), np.flatnonzero(value == b)
    if any(len(np.unique(number[rows])) < len(rows) for rows in (rows_a, rows_b)):
        return None
    _, at_a, at_b = np.intersect1d(number[rows_a], number[rows_b], assume_unique=True, return_indices=True)
    rows_a, rows_b = rows_a[at_a], rows_b[at_b]
    if len(rows_a) == 0:
        return None
    seeds = result.part("runs", ["seed"])["seed"].to_numpy()
    if len(np.unique(np.concatenate([n[rows_a], n[rows_b]]))) == 1:
        runs_a, runs_b = ((first[rows, np.newaxis] + np.arange(n[rows[0]])).ravel() for rows in (rows_a, rows_b))
        if np.array_equal(seeds[runs_a], seeds[runs_b]):
            return runs_a, runs_b, seeds[runs_a].astype(np.int64)
    of_a, of_b = [], []
    for row_a, row_b in zip(rows_a.tolist(), rows_b.tolist(), strict=True):
        runs_a, runs_b = (np.arange(first[row], first[row] + n[row]) for row in (row_a, row_b))
        if n[row_a] != n[row_b] or not np.array_equal(seeds[runs_a], seeds[runs_b]):
            _, in_a, in_b = np.intersect1d(seeds[runs_a], seeds[runs_b], assume_unique=True, return_indices=True)
            runs_a, runs_b = runs_a[in_a], runs_b[in_b]
        of_a.append(runs_a)
        of_b.append(runs_b)
    runs_of_a = np.concatenate(of_a)
    if len(runs_of_a) == 0:
        return None
    return runs_of_a, np.concatenate(of_b), seeds[runs_of_a].astype(np.int64)
