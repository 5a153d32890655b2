"""Runs as an array: when each converged, by setting and seed."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_ROOM = 2**24
"""Elements of an array that is kept whatever its number of runs."""


@dataclass(frozen=True, eq=False)
class Trials:
    """Epochs of convergence of every setting, a row of the axes that vary, and of every seed, in order.

    Attributes
    ----------
    epochs : int array, shape (n_settings, n_seeds)
        `later`, one more than the last epoch, where a run did not converge; −1 where there is none.
    """

    settings: pd.DataFrame
    seeds: NDArray[np.int64]
    epochs: NDArray[Any]
    later: int

    @property
    def n(self) -> NDArray[np.int64]:
        """Number of runs of each setting."""
        return np.asarray((self.epochs >= 0).sum(axis=1), np.int64)

    @property
    def n_converged(self) -> NDArray[np.int64]:
        """Number of these that converged."""
        return np.asarray(((self.epochs >= 0) & (self.epochs < self.later)).sum(axis=1), np.int64)

    def learned(self, axis: str) -> Self:
        """The same without values of an axis with which no run converged."""
        converged = pd.Series(self.n_converged).groupby(self.settings[axis], observed=True).transform("sum")
        kept = (converged > 0).to_numpy(np.bool_)
        return replace(self, settings=self.settings[kept].reset_index(drop=True), epochs=self.epochs[kept])


def arranged(
    settings: pd.DataFrame, n: NDArray[np.int64], seed: NDArray[Any], epoch: NDArray[Any], max_epochs: int
) -> Trials | None:
    """Arrange runs by setting and seed; None without runs, and where most of the array would be empty.

    Parameters
    ----------
    n : int64 array, shape (n_settings,)
        Runs of each setting, one setting's after another's.
    seed, epoch : int arrays, shape (n_runs,)
        Of each run, and the first epoch at which it had converged; negative if it never had.
    """
    converged = np.where(epoch < 0, max_epochs + 1, epoch)
    if len(seed) and (n == n[0]).all():
        rows = seed.reshape(len(n), -1)
        if (rows[0, 1:] > rows[0, :-1]).all() and (rows == rows[0]).all():
            return Trials(settings, rows[0].astype(np.int64), converged.reshape(rows.shape), max_epochs + 1)
    seeds = np.sort(pd.unique(seed)).astype(np.int64)
    if len(seed) == 0 or len(n) * len(seeds) > max(4 * len(seed), _ROOM):
        return None
    epochs = np.full((len(n), len(seeds)), -1, converged.dtype)
    epochs[np.repeat(np.arange(len(n)), n), np.searchsorted(seeds, seed)] = converged
    return Trials(settings, seeds, epochs, max_epochs + 1)
