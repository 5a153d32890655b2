"""Growth of epochs along a numeric axis, and the fall of a loss along a run."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

Unit = Literal["step", "decade"]
FEWEST_POINTS = 3


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


class Fall(NamedTuple):
    """The median loss of a setting's runs along their epochs.

    Attributes
    ----------
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

    n: int
    first: float
    last: float
    n_epochs: int
    exponent: float
    since: int


def growth(x: Array, y: Array) -> Growth | None:
    """Fit y = c · factor^x: least squares of log y on x, with Student's interval for the slope.

    None with fewer than three finite points.
    """
    from scipy.special import stdtrit

    there = np.isfinite(y) & (y > 0)
    x, logs = x[there], np.log(y[there])
    if len(x) < FEWEST_POINTS or np.ptp(x) == 0:
        return None
    away = x - x.mean()
    slope = float(away @ logs / (away @ away))
    rest = logs - logs.mean() - slope * away
    error = float(np.sqrt(rest @ rest / (len(x) - 2) / (away @ away)))
    half = float(stdtrit(len(x) - 2, 0.975)) * error
    return Growth(*np.exp([slope, slope - half, slope + half]).tolist(), len(x))


def fall(curves: pd.DataFrame) -> Fall | None:
    """Follow the median loss of some runs, up to the last epoch that all of them have.

    Parameters
    ----------
    curves : pandas.DataFrame
        `run`, `epoch`, `loss` of runs of one setting.

    Returns
    -------
    Fall or None
        None where fewer than two epochs are recorded.
    """
    n = curves["run"].nunique()
    by_epoch = curves.groupby("epoch")["loss"].agg(["median", "size"])
    medians = by_epoch.loc[by_epoch["size"] == n, "median"]
    if len(medians) < 2:
        return None
    epochs = medians.index.to_numpy(np.int64)
    losses = medians.to_numpy(np.float64)
    half = int(np.searchsorted(epochs, epochs[-1] / 2))
    exponent = np.nan
    if 0 < half < len(epochs) - 1 and losses[-1] > 0 and np.isfinite(losses[half]):
        exponent = float(np.log(losses[half] / losses[-1]) / np.log(epochs[-1] / epochs[half]))
    return Fall(n, float(losses[0]), float(losses[-1]), int(epochs[-1]), exponent, int(epochs[half]))
