"""Outcomes of runs as counts: how many runs of each setting ended alike, to a stated resolution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sweep.engine.outcome import Outcome
from sweep.spec.keys import Train
from sweep.spec.schema import EARLY, INFINITE, STATUSES, status_code

EXACT_EPOCHS = 255
"""Epochs up to which each has a bin of its own."""
BIN_WIDTH = 2.0**-7
"""Width of any other bin, of epochs or losses, over its lower end."""

_DROPPED = 45
"""Lower bits of a float64 that a bin does not tell apart; seven of its fraction are left."""
_LOSS_BITS, _EPOCH_BITS, _STATUS_BITS = 18, 12, (len(STATUSES) - 1).bit_length()
_POINT = _LOSS_BITS + _EPOCH_BITS + _STATUS_BITS
_INFINITE = 0x7FF << 7
_ONE = 1023 << 7
_CONVERGED = status_code("converged")

Integers = NDArray[np.int64]

COLUMNS = {"point": "i4", "status": "i1", "epoch": "i2", "loss": "i4", "n": "i8", "updates": "i8"}
"""Columns of a tally in a file: each part of a cell, and its counts."""


@dataclass
class Tally:
    """Runs of some grid points, counted by status, epoch of convergence and final loss.

    A bin holds the numbers that have the same sign, exponent and first seven bits of the fraction as float64: it is
    found without rounding, and counts do not depend on how runs are cut into chunks.

    Attributes
    ----------
    runs
        The stretch of runs of the experiment that these are of.
    cells : int64, shape (n_cells,)
        Increasing; the point, the status, the bin of the epoch and that of the loss in one number.
    n : int64, shape (n_cells,)
        Runs in each.
    updates : int64, shape (n_cells,)
        Their updates together.
    """

    runs: range
    cells: Integers
    n: Integers
    updates: Integers

    @classmethod
    def empty(cls, runs: range) -> Self:
        """Count nothing yet of a stretch of runs."""
        return cls(runs, *np.empty((3, 0), np.int64))

    @classmethod
    def of(cls, outcome: Outcome, points: Integers) -> Self:
        """Count runs that belong to these points."""
        converged = outcome.status == _CONVERGED
        epochs = np.where(converged, _epoch_bins(outcome.converged_epoch), 0)
        cells = packed(points, outcome.status.astype(np.int64), epochs, _bins(outcome.final_loss))
        raw = cls(range(int(outcome.runs[0]), int(outcome.runs[-1]) + 1), cells, np.ones_like(cells), outcome.epochs)
        return cls.joined([raw])

    @classmethod
    def read(cls, runs: range, columns: Mapping[str, NDArray[Any]]) -> Self:
        """Make a tally of its `COLUMNS`."""
        *parts, n, updates = (columns[name].astype(np.int64) for name in COLUMNS)
        return cls(runs, packed(*parts), n, updates)

    @property
    def columns(self) -> dict[str, Integers]:
        """Return its `COLUMNS`."""
        parts = self.points, self.status, self.epoch_bins, self.loss_bins, self.n, self.updates
        return dict(zip(COLUMNS, parts, strict=True))

    @classmethod
    def joined(cls, parts: "list[Self]") -> Self:
        """Add tallies up; at least one."""
        cells, n, updates = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("cells", "n", "updates")
        )
        order = np.argsort(cells, kind="stable")
        cells = cells[order]
        firsts = np.flatnonzero(np.diff(cells, prepend=-1))
        runs = range(min(part.runs.start for part in parts), max(part.runs.stop for part in parts))
        if not cells.size:
            return cls.empty(runs)
        return cls(runs, cells[firsts], np.add.reduceat(n[order], firsts), np.add.reduceat(updates[order], firsts))

    def put(self, part: "Tally", where: object = None) -> None:
        """Add another tally; of which runs it is need not be said."""
        total = Tally.joined([self, part])
        self.cells, self.n, self.updates = total.cells, total.n, total.updates

    def __getitem__(self, where: slice | NDArray[np.bool_]) -> Self:
        """Select cells."""
        return type(self)(self.runs, self.cells[where], self.n[where], self.updates[where])

    def shifted(self, by: int) -> Self:
        """Give all points numbers that are higher by so many."""
        return type(self)(self.runs, self.cells + (by << _POINT), self.n, self.updates)

    def moved(self, points: Integers, to: Integers) -> Self:
        """Select the cells of some points, increasing, and give them other numbers."""
        at = np.minimum(np.searchsorted(points, self.points), points.size - 1)
        kept = points[at] == self.points
        part = self[kept]
        part.cells = part.cells + ((to[at[kept]] - part.points) << _POINT)
        return part

    @property
    def points(self) -> Integers:
        """Return the number of each cell's point."""
        return self.cells >> _POINT

    @property
    def status(self) -> Integers:
        """Return each cell's index into `sweep.spec.schema.STATUSES`."""
        return self.cells >> _LOSS_BITS + _EPOCH_BITS & (1 << _STATUS_BITS) - 1

    @property
    def epoch_bins(self) -> Integers:
        """Return the number of each cell's bin of epochs, 0 where the runs did not converge."""
        return self.cells >> _LOSS_BITS & (1 << _EPOCH_BITS) - 1

    @property
    def loss_bins(self) -> Integers:
        """Return the number of each cell's bin of losses."""
        return self.cells & (1 << _LOSS_BITS) - 1

    def epochs(self, max_epochs: int) -> tuple[Integers, Integers]:
        """Return the first and the last epoch of each cell's bin, −1 where the runs did not converge."""
        bins = self.epoch_bins
        low, below = (np.ceil(_float((bins + more + _ONE - 2) << _DROPPED)).astype(np.int64) for more in (0, 1))
        return np.where(bins > 1, low, bins - 1), np.where(bins > 1, np.minimum(below - 1, max_epochs), bins - 1)

    @property
    def losses(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of each cell's bin of losses, the upper one excluded; infinity is a bin of its own."""
        bins = self.loss_bins
        return _float(bins << _DROPPED), _float(np.minimum(bins + 1, _INFINITE) << _DROPPED)

    def middles(self, max_epochs: int) -> tuple[Integers, NDArray[np.float64]]:
        """Return what stands for each cell's epoch and loss; see `middle_epochs` and `middle_losses`."""
        return middle_epochs(*self.epochs(max_epochs)), middle_losses(*self.losses)

    @property
    def n_runs(self) -> int:
        """Return the number of runs."""
        return int(self.n.sum())

    @property
    def n_epochs(self) -> int:
        """Return the updates applied, all runs together."""
        return int(self.updates.sum())

    @property
    def n_bytes(self) -> int:
        """Return the bytes of all arrays."""
        return self.cells.nbytes + self.n.nbytes + self.updates.nbytes

    @property
    def status_counts(self) -> dict[str, int]:
        """Return status → number of runs, for every status."""
        return {status: int(self.n[self.status == code].sum()) for code, status in enumerate(STATUSES)}

    def problem(self, train: Train, start: int, stop: int, n_seeds: int) -> str:
        """Return what no training of runs `start` … `stop` − 1 of a grid could have given; empty for none."""
        if (np.diff(self.cells, prepend=-1) <= 0).any() or (self.n <= 0).any():
            return "impossible counts"
        points, firsts = np.unique(self.points, return_index=True)
        expected = np.arange(start // n_seeds, (stop - 1) // n_seeds + 1)
        sizes = np.minimum((expected + 1) * n_seeds, stop) - np.maximum(expected * n_seeds, start)
        if not np.array_equal(points, expected) or not np.array_equal(np.add.reduceat(self.n, firsts), sizes):
            return "not the runs of its settings"
        bins, last = self.epoch_bins, int(_epoch_bins(np.array([train.max_epochs]))[0])
        early, infinite = np.isin(self.status, EARLY), np.isin(self.status, INFINITE)
        rules = {
            "epochs": (self.updates >= 0)
            & np.where(early, self.updates <= self.n * train.max_epochs, True)
            & np.where(early, True, self.updates == self.n * train.max_epochs),
            "converged_epoch": ((bins > 0) == (self.status == _CONVERGED)) & (bins <= last),
            "final_loss": (self.loss_bins <= _INFINITE) & ((self.loss_bins == _INFINITE) == infinite),
        }
        return next((f"an impossible {name}" for name, possible in rules.items() if not possible.all()), "")


def middle_epochs(low: Integers, high: Integers) -> Integers:
    """Return the middle of bins of epochs, the earlier one of two."""
    return (low + high) // 2


def middle_losses(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middle of bins of losses, which is exact; 0 for the bin that holds 0, and infinity for its own."""
    return np.where((low > 0) & np.isfinite(high), (low + high) / 2, low)


def last_of_bins(epochs: Integers) -> Integers:
    """Return the last epoch of the bin of each epoch."""
    ends = np.ceil(_float((_bins(epochs.astype(np.float64)) + 1) << _DROPPED)).astype(np.int64) - 1
    return np.where(epochs > 0, ends, 0)


def packed(points: Integers, status: Integers, epoch_bins: Integers, loss_bins: Integers) -> Integers:
    """Put a cell into one number: int64, the order of points first."""
    return ((points << _STATUS_BITS | status) << _EPOCH_BITS | epoch_bins) << _LOSS_BITS | loss_bins


def _bins(values: NDArray[np.float64]) -> Integers:
    """Number the bins of numbers that are not negative."""
    return (values + 0.0).view(np.int64) >> _DROPPED  # + 0.0 makes 0 of −0


def _epoch_bins(epochs: Integers) -> Integers:
    return np.where(epochs > 0, _bins(epochs.astype(np.float64)) - _ONE + 2, 1)


def _float(bits: Integers) -> NDArray[np.float64]:
    return bits.astype(np.int64).view(np.float64)
