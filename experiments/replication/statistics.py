"""Intervals and verdicts, each valid for the number of comparisons it is used in.

A claim that rests on m intervals takes each at confidence 1 − 0.05/m (Bonferroni): all of them hold together with 95 %,
however they depend on each other, and settings that share seeds do depend on each other.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

YES, NO, UNDECIDED, POSSIBLE = "yes", "no", "undecided", "possible"
ERROR = 0.05
"""Of a claim as a whole."""
N_DRAWS = 4_000
"""Simulated means behind each predictive range."""

Array = NDArray[np.float64]


def wilson(k: int, n: int, m: int = 1) -> tuple[float, float]:
    """Wilson's interval of a probability of which k of n independent runs tell, one of m intervals."""
    z = float(stats.norm.isf(ERROR / m / 2))
    middle = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * math.sqrt(k * (n - k) / n + z**2 / 4)
    return max(middle - half, 0.0) if k else 0.0, min(middle + half, 1.0) if k < n else 1.0


def verdict(k: int, n: int, low: float, high: float, m: int = 1) -> str:
    """Tell if a probability lies in a range: undecided where the interval of k out of n straddles one of its ends."""
    return within(*wilson(k, n, m), low, high)


def within(least: float, most: float, low: float, high: float) -> str:
    """Tell if an interval lies in a range."""
    if low <= least and most <= high:
        return YES
    return NO if most < low or least > high else UNDECIDED


def together(verdicts: Sequence[str]) -> str:
    """Join the verdicts of conditions that must all hold."""
    return NO if NO in verdicts else UNDECIDED if UNDECIDED in verdicts else YES


def counted(verdicts: Sequence[str], cases: str) -> str:
    """Tell in how many of several cases a claim holds: a plain yes or no where all say the same."""
    if len(set(verdicts)) == 1:
        return verdicts[0]
    counts = [f"{verdict} in {verdicts.count(verdict)}" for verdict in (YES, NO, UNDECIDED) if verdict in verdicts]
    return f"{', '.join(counts)} of {len(verdicts)} {cases}"


def scanned(verdicts: Sequence[str]) -> str:
    """Join the verdicts of settings of which at most one is theirs: possible, unless all are excluded.

    The true setting, if it is among them, is excluded with a probability of at most `ERROR`, however many others are
    tried beside it.
    """
    return POSSIBLE if YES in verdicts else NO


def median_interval(epochs: Array, m: int = 1) -> tuple[float, float]:
    """The distribution-free interval of a median from order statistics, of epochs with ∞ for runs that failed."""
    n = epochs.size
    below = int(stats.binom.ppf(ERROR / m / 2, n, 0.5))
    if below < 1:
        return 0.0, math.inf
    ordered = np.sort(epochs)
    return float(ordered[below - 1]), float(ordered[n - below])


def quantile(epochs: Array, percent: int) -> float:
    """The smallest value that at least so many percent of the runs do not exceed."""
    return float(np.sort(epochs)[max(math.ceil(epochs.size * percent / 100), 1) - 1])


def range_of_mean(epochs: Array, size: int, share: float) -> tuple[float, float]:
    """The central predictive range of the mean of `size` further runs, given the epochs of runs of the same kind."""
    return predictive_ranges(epochs, size, share)[0]


def predictive_ranges(epochs: Array, size: int, share: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The central predictive ranges of the mean and of the median of `size` further runs.

    Each draw weighs the known runs anew (Rubin 1981, The Bayesian bootstrap), and takes `size` runs by these weights:
    so a range has the scatter of such a number as well as what is unknown of the distribution.
    """
    rng = np.random.default_rng(0)
    found = np.empty((2, N_DRAWS))
    for draw in range(N_DRAWS):
        weights = np.cumsum(rng.standard_exponential(epochs.size))
        chosen = epochs[np.searchsorted(weights, rng.random(size) * weights[-1])]
        found[:, draw] = chosen.mean(), np.median(chosen)
    (low_mean, high_mean), (low, high) = np.quantile(found, [(1 - share) / 2, (1 + share) / 2], axis=1).T.tolist()
    return (low_mean, high_mean), (low, high)


def count_is_expected(count: int, size: int, k: int, n: int, share: float) -> bool:
    """Tell if `count` out of `size` further runs lies within the central predictive range, given k of n."""
    further: Any = stats.betabinom(size, k + 0.5, n - k + 0.5)
    tail = min(float(further.cdf(count)), float(further.sf(count - 1)))
    return tail >= (1 - share) / 2


def slope(x: Array, y: Array) -> tuple[float, float, float]:
    """The slope of a straight line by least squares, with its 95 % interval."""
    (gradient, offset), n = np.polyfit(x, y, 1), x.size
    scatter = np.sum((y - gradient * x - offset) ** 2) / (n - 2)
    half = float(stats.t.isf(ERROR / 2, n - 2) * np.sqrt(scatter / (n * np.var(x))))
    return float(gradient), float(gradient - half), float(gradient + half)
