"""Groups of settings whose runs are counted together: those of a small table, and any others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.layout import combinations_of
from sweep.analysis.names import combinations, levels, values_by_name
from sweep.results.result import Result
from sweep.results.statistics import censored, quantiles_of, sums_by
from sweep.spec.schema import COUNTED, QUANTILES

MAX_RUNS = 2**20
"""Runs up to which medians over several settings are taken: above it, looking at every run takes long."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Groups:
    """Runs counted by the values of some keys.

    Attributes
    ----------
    keys, pooled
        Those whose combinations of values make the groups, and those that vary within groups.
    by_inputs
        True if gates are grouped by their number of inputs.
    names
        Of the groups, in drawing order: of a single key, its values alone.
    single
        True if each group is one setting.
    medians
        Median epochs to convergence over all runs, infinite where later than max_epochs; None where not taken.
    """

    keys: list[str]
    pooled: list[str]
    by_inputs: bool
    names: list[str]
    n: Numbers
    n_converged: Numbers
    n_diverged: Numbers
    single: bool
    medians: NDArray[np.float64] | None


def groups(result: Result, by_kind: Sequence[str], most: int) -> Groups:
    """Count runs per value of the gate, then of the other categories, then of numbers, in at most so many groups."""
    settings = result.settings
    keys: list[str] = []
    pooled: list[str] = []
    by_inputs = False
    for key in by_kind:
        if combinations_of(settings, [*keys, key], by_inputs).n([*keys, key]) <= most:
            keys.append(key)
        elif key == "gate" and 1 < len(levels(settings, "gate", by_inputs=True).names) <= most:
            keys.append(key)
            by_inputs = True
        else:
            pooled.append(key)
    codes, names = combinations(settings, keys, by_inputs)
    if len(keys) == 1:
        codes, names = values_by_name(settings, keys[0], by_inputs)
    counts = result.part("summary", ["n", "n_converged", "n_diverged"])
    n, n_converged, n_diverged = (sums_by(codes, counts[name].to_numpy(), len(names)) for name in counts)
    single = settings.n == len(names)
    medians = None
    if single:
        medians = np.empty(len(names))
        medians[codes] = censored(result.part("summary", ["epochs_q50"])["epochs_q50"])
    elif not result.keeps_runs or result.n_runs <= MAX_RUNS:
        medians = quantiles_over_runs(result, result.epochs_of_runs(), members(codes))[:, QUANTILES.index(50)]
    return Groups(keys, pooled, by_inputs, names, n, n_converged, n_diverged, single, medians)


def members(codes: NDArray[np.integer[Any]]) -> list[NDArray[np.intp]]:
    """Return the places of each code from 0 on, all of which occur."""
    return np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])


def quantiles_over_runs(
    result: Result, values: NDArray[np.float64], rows_of_groups: Sequence[NDArray[np.integer[Any]]]
) -> NDArray[np.float64]:
    """Take the `QUANTILES` of a value of each run, or count, over those of rows of the summary, group by group.

    Returns
    -------
    float64 array, shape (n_groups, 5)
    """
    first, n, weights = result.first_of_rows, result.n_outcomes, result.weights
    found = np.empty((len(rows_of_groups), len(QUANTILES)))
    for at, rows in enumerate(rows_of_groups):
        ends = np.cumsum(n[rows], dtype=np.int64)
        runs = np.repeat(first[rows] - ends + n[rows], n[rows]) + np.arange(ends[-1])
        found[at] = quantiles_of(values[runs], None if weights is None else weights[runs])
    return found


class Pooled(NamedTuple):
    """Settings counted together: their runs by each column of `COUNTED`, and the `QUANTILES` over all of them.

    An epoch of convergence is infinite where later than max_epochs.
    """

    counts: dict[str, int]
    epochs: NDArray[np.float64]
    losses: NDArray[np.float64]


def pooled(result: Result, rows_of_groups: Sequence[NDArray[np.integer[Any]]]) -> list[Pooled]:
    """Count the runs of rows of the summary together, group by group."""
    if not rows_of_groups:
        return []
    counts = result.part("summary", COUNTED)
    loss = result.outcomes(["final_loss"])["final_loss"].to_numpy(np.float64)
    epochs, losses = (quantiles_over_runs(result, of, rows_of_groups) for of in (result.epochs_of_runs(), loss))
    sums = [{name: int(counts[name].to_numpy()[rows].sum()) for name in COUNTED} for rows in rows_of_groups]
    return list(map(Pooled, sums, epochs, losses))
