"""Growth of epochs along a numeric axis, and the fall of a loss along a run."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.question.best import Best, best_of_each
from sweep.analysis.question.trials import Trials
from sweep.spec.gates import n_inputs

Array = NDArray[np.float64]

FEWEST_POINTS = 3
RISE = 1e-9
"""By more than this part of itself a loss has to rise, or rounding may have done it."""


class Growth(NamedTuple):
    """Factor per step of an axis, its 95 % interval, and the number of points that the line was drawn through."""

    factor: float
    low: float
    high: float
    n: int


class ByInputs(NamedTuple):
    """A family of gates, such as "parity": the inputs of each gate, its fastest setting, and how these grow.

    Medians later than the last epoch are left out of the growth.
    """

    family: str
    inputs: list[int]
    fastest: list[Best]
    growth: Growth


class Fall(NamedTuple):
    """The median loss of the n runs of a setting, by its row, at epoch 0 and at the end of each run.

    `n_epochs` is the last epoch recorded of any of them, and `together` is true if it is that of all. Then `exponent`
    is the a of a law t^−a, by the losses there and at `since`, which stands for half as many; else NaN, and where no
    loss is recorded.
    """

    row: int
    n: int
    first: float
    last: float
    n_epochs: int
    together: bool
    exponent: float
    since: int


class Oscillation(NamedTuple):
    """The longest oscillation of the loss among some settings, and the row of the setting that has it.

    It is the last epoch in which the loss of any run rose, 0 if it never did; `at_largest` is the same at the largest
    learning rate, if these vary.
    """

    row: int
    longest: int
    at_largest: int | None


def growth(x: Array, y: Array) -> Growth | None:
    """Fit y = c · factor^x: least squares of log y on x, with Student's interval for the slope.

    None with fewer than three finite points.
    """
    from scipy.special import stdtrit

    usable = np.isfinite(y) & (y > 0)
    n = int(usable.sum())
    if n < FEWEST_POINTS or np.ptp(x[usable]) == 0:
        return None
    (slope, _), covariance = np.polyfit(x[usable], np.log(y[usable]), 1, cov=True)
    half = stdtrit(n - 2, 0.975) * np.sqrt(covariance[0, 0])
    factor, low, high = np.exp([slope, slope - half, slope + half]).tolist()
    return Growth(factor, low, high, n)


def by_inputs(trials: Trials, gates: Sequence[str], rows: Sequence[NDArray[np.intp]]) -> ByInputs | None:
    """Follow the epochs of a family's gates, each at its fastest setting.

    None where gates are not of one family, or fewer than three of them have a median.
    """
    family = gates[0].rpartition("-")[0]
    if len(gates) < FEWEST_POINTS or not family or any(gate.rpartition("-")[0] != family for gate in gates):
        return None
    inputs = [n_inputs(gate) for gate in gates]
    order = np.argsort(inputs)
    found = best_of_each(trials, [rows[i] for i in order], "fast")
    inputs = [inputs[i] for i in order]
    line = growth(np.array(inputs, np.float64), np.array([best.q50 for best in found]))
    return None if line is None else ByInputs(family, inputs, found, line)


def lowest_fall(curves: pd.DataFrame, final: Array, n: NDArray[np.int64]) -> Fall | None:
    """Follow the median loss of the setting where final losses are lowest.

    `final` has the final loss of each run, `n` the number of runs of each setting, one setting's after another's. None
    where fewer than two epochs are recorded, or not of every run.
    """
    numbers, places = np.unique(curves["run"].to_numpy(), return_inverse=True)
    if len(numbers) != n.sum():
        return None
    row = np.repeat(np.arange(len(n)), n)
    ends = pd.Series(final).groupby(row).median().to_numpy()
    at = int(ends.argmin())
    by_epoch = curves[row[places] == at].groupby("epoch")["loss"].agg(["median", "size"])
    epochs, losses = by_epoch.index.to_numpy(np.int64), by_epoch["median"].to_numpy(np.float64)
    if len(epochs) < 2:
        return None
    together = bool((by_epoch["size"] == n[at]).all())
    half = int(np.searchsorted(epochs, epochs[-1] / 2))
    exponent = np.nan
    if together and 0 < half < len(epochs) - 1 and losses[-1] > 0 and np.isfinite(losses[half]):
        exponent = float(np.log(losses[half] / losses[-1]) / np.log(epochs[-1] / epochs[half]))
    last = float(losses[-1] if together else ends[at])
    return Fall(at, int(n[at]), float(losses[0]), last, int(epochs[-1]), together, exponent, int(epochs[half]))


def last_rises(curves: pd.DataFrame, n_runs: int) -> NDArray[np.int64] | None:
    """Find the last epoch in which the loss of each run rose, 0 where it never did: int64, shape (n_runs,).

    None where losses are not those of every epoch of every run.
    """
    run, epoch, loss = (curves[name].to_numpy() for name in ("run", "epoch", "loss"))
    same = run[1:] == run[:-1]
    if len(curves) - same.sum() != n_runs or (np.diff(epoch)[same] != 1).any():
        return None
    rose = np.flatnonzero(loss[1:] > loss[:-1] * (1 + RISE)) + 1  # epoch 0 after a last one counts as 0
    last = np.zeros(n_runs, np.int64)
    np.maximum.at(last, np.cumsum(~same)[rose - 1], epoch[rose])
    return last


def oscillations(
    last: NDArray[np.int64], n: NDArray[np.int64], rates: Array | None, groups: Sequence[NDArray[np.intp]]
) -> list[Oscillation]:
    """Tell how long the loss of each group of settings oscillates, by `last_rises` and the runs of each setting.

    `rates` are the learning rates of the settings; None if these do not vary.
    """
    latest = np.maximum.reduceat(last, np.cumsum(n) - n)
    found = []
    for rows in groups:
        row = int(rows[latest[rows].argmax()])
        fastest = None if rates is None else int(latest[rows[rates[rows] == rates[rows].max()]].max())
        found.append(Oscillation(row, int(latest[row]), fastest))
    return found
