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
    """Growth by a constant factor.

    Attributes
    ----------
    factor, low, high : float
        Factor per step of the axis and its 95 % interval.
    n : int
        Points that the line was drawn through.
    """

    factor: float
    low: float
    high: float
    n: int


class ByInputs(NamedTuple):
    """Epochs of a family of gates.

    Attributes
    ----------
    family : str
        Such as "parity".
    inputs : list of int
        Number of inputs of each gate.
    fastest : list of Best
        The fastest setting of each.
    growth : Growth
        Of the medians with the inputs; those later than the last epoch are left out.
    """

    family: str
    inputs: list[int]
    fastest: list[Best]
    growth: Growth


class Fall(NamedTuple):
    """The median loss of a setting's runs along their epochs.

    Attributes
    ----------
    row : int
        Its number among the settings.
    n : int
        Runs.
    first, last : float
        At epoch 0 and at the last epoch recorded.
    n_epochs : int
        The last epoch recorded.
    exponent : float
        a of the law t^−a, by the losses at the last epoch and at half as many; NaN where no loss is recorded there.
    since : int
        The epoch that stands for half as many.
    """

    row: int
    n: int
    first: float
    last: float
    n_epochs: int
    exponent: float
    since: int


class Oscillation(NamedTuple):
    """The longest oscillation of the loss among some settings.

    Attributes
    ----------
    row : int
        The setting that has it.
    longest : int
        The last epoch in which the loss of any of its runs rose; 0 if it never did.
    at_largest : int or None
        The same at the largest learning rate, if these vary.
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
    x, logs = x[usable], np.log(y[usable])
    if len(x) < FEWEST_POINTS or np.ptp(x) == 0:
        return None
    away = x - x.mean()
    slope = float(away @ logs / (away @ away))
    rest = logs - logs.mean() - slope * away
    error = float(np.sqrt(rest @ rest / (len(x) - 2) / (away @ away)))
    half = float(stdtrit(len(x) - 2, 0.975)) * error
    factor, low, high = np.exp([slope, slope - half, slope + half]).tolist()
    return Growth(factor, low, high, len(x))


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


def lowest_fall(curves: pd.DataFrame, n: NDArray[np.int64]) -> Fall | None:
    """Follow the median loss of the setting where the last losses are lowest, up to the last epoch of all its runs.

    Parameters
    ----------
    curves : pandas.DataFrame
        `run`, `epoch`, `loss`.
    n : int64 array, shape (n_settings,)
        Runs of each setting, one setting's after another's, from the first of `curves` on.

    Returns
    -------
    Fall or None
        None where fewer than two epochs are recorded.
    """
    numbers, places = np.unique(curves["run"].to_numpy(), return_inverse=True)
    if len(numbers) != n.sum():
        return None
    row = np.repeat(np.arange(len(n)), n)
    by_epoch = curves.groupby([row[places], "epoch"])["loss"].agg(["median", "size"])
    whole = by_epoch["size"].to_numpy() == n[by_epoch.index.get_level_values(0)]
    medians = by_epoch.loc[whole, "median"]
    lasts = curves.groupby("run")["loss"].last().groupby(row).median()
    at = int(lasts.fillna(np.inf).to_numpy().argmin())
    return _fall(at, int(n[at]), medians.loc[at])


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
    """Tell how long the loss of each group of settings oscillates.

    Parameters
    ----------
    last
        Of `last_rises`.
    n : int64 array, shape (n_settings,)
        Runs of each setting, one setting's after another's.
    rates : float64 array, shape (n_settings,)
        Their learning rates; None if these do not vary.
    groups
        Rows of the settings in each.
    """
    latest = np.maximum.reduceat(last, np.cumsum(n) - n)
    found = []
    for rows in groups:
        row = int(rows[latest[rows].argmax()])
        fastest = None if rates is None else int(latest[rows[rates[rows] == rates[rows].max()]].max())
        found.append(Oscillation(row, int(latest[row]), fastest))
    return found


def _fall(row: int, n: int, medians: "pd.Series[float]") -> Fall | None:
    if len(medians) < 2:
        return None
    epochs, losses = medians.index.to_numpy(np.int64), medians.to_numpy(np.float64)
    half = int(np.searchsorted(epochs, epochs[-1] / 2))
    exponent = np.nan
    if 0 < half < len(epochs) - 1 and losses[-1] > 0 and np.isfinite(losses[half]):
        exponent = float(np.log(losses[half] / losses[-1]) / np.log(epochs[-1] / epochs[half]))
    return Fall(row, n, float(losses[0]), float(losses[-1]), int(epochs[-1]), exponent, int(epochs[half]))
