"""Statistics: quantiles that count failures, intervals of shares, and exact tests."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from sweep.spec.schema import QUANTILES, quantile_rank, quantile_ranks

if TYPE_CHECKING:
    import pandas as pd

PIECE = 2**20
"""Rows that are looked at together: a large array is gone through piece by piece, so that no long index is made."""
Z_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


def quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the five `QUANTILES` along the first axis of values, which may be infinite, not NaN: order statistics."""
    return np.sort(values, axis=0)[quantile_ranks(len(values))]


def weighted_quantiles(values: NDArray[Any], n: NDArray[np.int64], firsts: NDArray[np.int64]) -> NDArray[Any]:
    """Return the `QUANTILES` of each of some stretches of values, of which each stands for `n` runs; no NaN.

    Stretches begin at `firsts`, increasing from 0; the result has the type of `values` and the shape (5, n_stretches).
    """
    stretch = np.repeat(np.arange(len(firsts)), np.diff(firsts, append=len(values)))
    order = np.lexsort((values, stretch))
    sizes = np.add.reduceat(n, firsts)
    ranks = np.stack([quantile_rank(percent, sizes) for percent in QUANTILES]) + np.cumsum(sizes) - sizes
    return np.asarray(values[order][np.searchsorted(np.cumsum(n[order]), ranks, side="right")])


def quantiles_of(values: NDArray[np.float64], n: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Return the five `QUANTILES` of values, each of which stands for so many runs; None for one."""
    return quantiles(values) if n is None else weighted_quantiles(values, n, np.zeros(1, np.int64))[:, 0]


def spread(n: int, most: int) -> NDArray[np.int64]:
    """Choose at most so many of n places, dense enough for a linear and for a logarithmic axis: increasing int64."""
    if n <= most:
        return np.arange(n)
    picks = np.concatenate([np.linspace(0, n - 1, most // 2), np.geomspace(1, n - 1, most // 2)])
    return np.unique(picks.round().astype(np.int64))


def censored(column: "pd.Series[Any]") -> NDArray[np.float64]:
    """Return epochs as float64, those later than max_epochs (missing) as infinity."""
    return cast("NDArray[np.float64]", column.to_numpy(dtype=np.float64, na_value=np.inf))


def recoded(lut: NDArray[Any], codes: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Look codes up in a table, piece by piece: an array of the table's type, shape of `codes`."""
    found = np.empty(len(codes), lut.dtype)
    for start in range(0, len(codes), PIECE):
        found[start : start + PIECE] = lut[codes[start : start + PIECE]]
    return found


def sums_by(codes: NDArray[np.integer[Any]], values: NDArray[Any] | None, n: int) -> NDArray[np.int64]:
    """Add up integers, or count rows, by code from 0 to n − 1, codes below 0 left out: int64, shape (n,)."""
    sums = np.zeros(n, np.int64)
    for start in range(0, len(codes), PIECE):
        piece = codes[start : start + PIECE]
        counted = piece >= 0
        weights = None if values is None else values[start : start + PIECE][counted]
        sums += np.bincount(piece[counted], weights, n).astype(np.int64)
    return sums


def wilson(successes: NDArray[np.int64], n: int | NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95 % interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209, no continuity correction).

    With p̂ = k/n and z the normal quantile, (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n). There are k
    successes in each sample of size n ≥ 1; both ends are float64 of the shape of `successes`.
    """
    p = successes / n
    spread = Z_95 * np.sqrt(p * (1.0 - p) / n + Z_95**2 / (4.0 * n * n))
    centre, whole = p + Z_95**2 / (2.0 * n), 1.0 + Z_95**2 / n
    low, high = (centre - spread) / whole, (centre + spread) / whole
    return np.where(successes == 0, 0.0, low), np.where(successes == n, 1.0, high)


def sign_test(above: int, below: int) -> float:
    """Two-sided p of the exact sign test: whether as many of some independent differences are above 0 as below.

    The chance that n fair coins fall as unevenly or more so, min(1, 2 P(X ≤ min(above, below))), X ~ B(n, ½).
    """
    return min(1.0, 2.0 * float(_fair_coins(above + below)[min(above, below)]))


def _fair_coins(n: int) -> NDArray[np.float64]:
    """P(X ≤ k) for k = 0 … n, X ~ B(n, ½), to about n roundings: the terms' logarithms are added up.

    SciPy has it as `bdtr`, whose import takes a tenth of the time of a small sweep.
    """
    k = np.arange(1, n + 1)
    logs = np.cumsum(np.log(np.concatenate([[1.0], (n + 1 - k) / k])))
    return np.cumsum(np.exp(logs - n * np.log(2.0)))


def equal_test(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Test whether each of some counts is equally likely: Pearson's χ² and its p, of one degree of freedom less.

    χ² = Σ (k − e)²/e with e = Σ k/n (Pearson 1900, Phil. Mag. 50:157).
    """
    from scipy.special import chdtrc

    chi_square = float(((counts - counts.mean()) ** 2).sum() / counts.mean())
    return chi_square, float(chdtrc(len(counts) - 1, chi_square))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values for their number, so that the chance of any false alarm stays below the level: float64, (n,)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def median_interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the median of independent values and its 95 % interval, which the sign test does not reject.

    With B ~ B(n, ½) and k the largest number that has P(B < k) ≤ 2.5 %, from the k-th lowest value to the k-th highest,
    whatever their distribution; both ends are infinite with fewer than six values. There is at least one, and no NaN.
    """
    ordered, n = np.sort(values), len(values)
    k = int((_fair_coins(n) <= 0.025).sum())
    low, high = (float(ordered[k - 1]), float(ordered[n - k])) if k else (-np.inf, np.inf)
    return float(np.median(ordered)), low, high
