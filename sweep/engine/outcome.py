"""Outcomes of runs, as arrays."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sweep.engine.chunks import answer_width, n_recorded
from sweep.spec.experiment import Experiment
from sweep.spec.keys import Train
from sweep.spec.schema import EARLY, INFINITE, STATUSES, status_code


@dataclass
class Outcome:
    """Outcomes of some runs of an experiment.

    Attributes
    ----------
    runs : int64, shape (n,)
        Their numbers, increasing.
    status : int8, shape (n,)
        Index into `sweep.spec.schema.STATUSES`.
    epochs : int64, shape (n,)
        Updates applied.
    converged_epoch : int64, shape (n,)
        First epoch at which the criterion held, −1 for never.
    period : int64, shape (n,)
        Epochs after which the state of a stationary run comes back, −1 for other runs.
    final_loss : float64, shape (n,)
        Mean loss in nats after the last update, ∞ for a diverged run.
    curves : float64, shape (n, n_recorded)
        Loss at epochs 0, record_every, …; NaN after a run's end. n_recorded is 0 if nothing is recorded.
    extra : float64, shape (n, n_extra)
        The columns `Train.extra`.
    answers : bytes, shape (n,)
        What the final weights answer to each row of a Boolean table, 0 or 1: above ½ is 1. Empty for other tables, and
        for a run that diverged.
    """

    runs: NDArray[np.int64]
    status: NDArray[np.int8]
    epochs: NDArray[np.int64]
    converged_epoch: NDArray[np.int64]
    period: NDArray[np.int64]
    final_loss: NDArray[np.float64]
    curves: NDArray[np.float64]
    extra: NDArray[np.float64]
    answers: NDArray[np.bytes_]

    @classmethod
    def room(cls, experiment: Experiment, runs: NDArray[np.int64], n_epochs: int | None = None) -> Self:
        """Make room for runs of an experiment, with the losses that it records in so many epochs, by default all."""
        train = experiment.train
        return cls.empty(runs, n_recorded(train, n_epochs), len(train.extra), answer_width(experiment))

    @classmethod
    def empty(cls, runs: NDArray[np.int64], n_recorded: int, n_extra: int, n_answers: int) -> Self:
        """Make room for runs, with so many recorded losses, extra columns and characters of what they answer."""
        n = runs.size
        return cls(
            runs,
            np.zeros(n, np.int8),
            np.zeros(n, np.int64),
            np.full(n, -1, np.int64),
            np.full(n, -1, np.int64),
            np.zeros(n),
            np.full((n, n_recorded), np.nan),
            np.zeros((n, n_extra)),
            np.zeros(n, f"S{max(n_answers, 1)}"),
        )

    @classmethod
    def joined(cls, parts: "list[Self]") -> Self:
        """Join outcomes one after another; at least one."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    def __getitem__(self, where: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Select runs."""
        return type(self)(*(getattr(self, each.name)[where] for each in fields(self)))

    @property
    def n_runs(self) -> int:
        """Return the number of runs."""
        return self.runs.size

    @property
    def n_bytes(self) -> int:
        """Return the bytes of all arrays."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))

    @property
    def n_epochs(self) -> int:
        """Return the updates applied, all runs together."""
        return int(self.epochs.sum())

    @property
    def status_counts(self) -> dict[str, int]:
        """Return status → number of runs, for every status."""
        counts = np.bincount(self.status, minlength=len(STATUSES))
        return dict(zip(STATUSES, map(int, counts), strict=True))

    def problem(self, train: Train) -> str:
        """Return what no training could have given, in words; empty if there is nothing."""
        if self.status.size and not 0 <= self.status.min() <= self.status.max() < len(STATUSES):
            return "a status without a name"
        converged, stationary = (self.status == status_code(name) for name in ("converged", "stationary"))
        early, infinite = np.isin(self.status, EARLY), np.isin(self.status, INFINITE)
        known = self.converged_epoch >= 0
        characters = np.ascontiguousarray(self.answers).view(np.uint8).reshape(self.n_runs, -1)
        rules = {
            "epochs": (self.epochs >= 0)
            & (self.epochs <= train.max_epochs)
            & (early | (self.epochs == train.max_epochs)),
            "converged_epoch": (self.converged_epoch >= -1) & (self.converged_epoch <= self.epochs),
            "status": (known | ~converged) & (early | ~known),
            "period": np.where(stationary, self.period > 0, self.period == -1),
            "final_loss": np.where(infinite, self.final_loss == np.inf, np.isfinite(self.final_loss)),
            "answer": np.isin(characters, [0, *b"01"]).all(axis=1)
            & ((characters[:, 1:] == 0) | (characters[:, :-1] != 0)).all(axis=1)
            & ~(infinite & (self.answers != b"")),
        }
        if train.record_every:
            last = self.epochs // train.record_every
            rules["curve"] = (np.isnan(self.curves) | (np.arange(self.curves.shape[1]) <= last[:, np.newaxis])).all(
                axis=1
            )
        return next((f"an impossible {name}" for name, possible in rules.items() if not possible.all()), "")

    def put(self, part: "Outcome", where: NDArray[np.int64] | NDArray[np.bool_] | slice) -> None:
        """Copy another outcome to the places `where` of this one."""
        for each in fields(self)[1:]:
            getattr(self, each.name)[where] = getattr(part, each.name)
