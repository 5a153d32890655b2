"""What became of runs, as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.kernel.train import STATUSES


@dataclass
class Outcome:
    """What became of runs `start` … `start + n − 1` of an experiment.

    Attributes
    ----------
    start
        Number of the first run.
    status : int8, shape (n,)
        Index into `sweep.kernel.train.STATUSES`.
    epochs : int64, shape (n,)
        Updates applied.
    converged_epoch : int64, shape (n,)
        First epoch at which the criterion held, −1 for never.
    final_loss : float64, shape (n,)
        Mean loss in nats after the last update, ∞ for a diverged run.
    curves : float64, shape (n, n_recorded)
        Loss at epochs 0, record_every, …; NaN after a run's end. n_recorded is 0 if nothing is recorded.
    """

    start: int
    status: NDArray[np.int8]
    epochs: NDArray[np.int64]
    converged_epoch: NDArray[np.int64]
    final_loss: NDArray[np.float64]
    curves: NDArray[np.float64]

    @classmethod
    def empty(cls, start: int, n: int, n_recorded: int) -> "Outcome":
        """Room for n runs."""
        return cls(
            start,
            np.zeros(n, np.int8),
            np.zeros(n, np.int64),
            np.full(n, -1, np.int64),
            np.zeros(n),
            np.full((n, n_recorded), np.nan),
        )

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return self.status.size

    @property
    def n_epochs(self) -> int:
        """Updates applied, all runs together."""
        return int(self.epochs.sum())

    @property
    def status_counts(self) -> dict[str, int]:
        """Number of runs by status, every status named."""
        counts = np.bincount(self.status, minlength=len(STATUSES))
        return dict(zip(STATUSES, map(int, counts), strict=True))

    def put(self, part: "Outcome", where: NDArray[np.int64] | slice) -> None:
        """Copy another outcome's runs to the places `where` of this one."""
        self.status[where] = part.status
        self.epochs[where] = part.epochs
        self.converged_epoch[where] = part.converged_epoch
        self.final_loss[where] = part.final_loss
        self.curves[where] = part.curves
