"""Which settings of a result theory speaks of, and what it says of them: logistic regression by plain descent."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.axes import Layout, combinations_in
from sweep.analysis.theory import NotSeparable, Separable, predict
from sweep.results.result import Result
from sweep.results.settings import grid_keys, n_rows
from sweep.results.statistics import censored
from sweep.spec.experiment import Experiment

MAX_TABLES = 300
"""Tables that are looked at: each takes a linear program."""
SMALL_TARGET = 0.1
"""Nats. The law of the epochs is a limit, and says little of a target above this."""

_PLAIN = {"hidden": 0, "loss": "bce", "optimizer": "gd", "update": "batch", "bias": True}

_BETWEEN = "\n"

Theory = Separable | NotSeparable


def covered(result: Result) -> pd.DataFrame:
    """Select the settings of which theory speaks: logistic regression on cross-entropy by full-batch gradient descent.

    Returns
    -------
    pandas.DataFrame
        Rows of the summary, their positions as index: `gate`, `encoding`, and `theory`, a `Separable` or a
        `NotSeparable`. None of a table that is not known or too far apart; no rows where there are too many tables.
    """
    keys = grid_keys(result)
    fixed = {key: _fixed(result, key) for key in (*_PLAIN, "gate", "encoding") if key not in keys}
    nothing = pd.DataFrame({name: [] for name in ("gate", "encoding", "theory")})
    if n_rows(result, "summary") == 0 or any(fixed[key] != _PLAIN[key] for key in _PLAIN if key in fixed):
        return nothing
    wanted = [key for key in (*_PLAIN, "gate", "encoding") if key in keys]
    table = result.part("summary", wanted).reset_index(drop=True)
    plain = np.ones(len(table), np.bool_)
    for key, value in _PLAIN.items():
        if key in keys:
            plain &= (table[key] == value).to_numpy(np.bool_)
    table = table[plain].assign(**{key: fixed[key] for key in ("gate", "encoding") if key in fixed})
    codes, names = pd.factorize(table["gate"].astype(str) + _BETWEEN + table["encoding"].astype(str))
    if not 0 < len(names) <= MAX_TABLES:
        return nothing
    theories = np.empty(len(names), object)
    for number, (gate, encoding) in enumerate(name.split(_BETWEEN) for name in names):
        theories[number] = _theory(result.experiment, gate, encoding)
    table = table[["gate", "encoding"]].assign(theory=theories[codes])
    return table[table["theory"].notna()]


def with_columns(result: Result, table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Add columns of the summary to some of its rows, which have their positions as index."""
    missing = [name for name in dict.fromkeys(columns) if name not in table.columns]
    if len(table) == 0 or not missing:
        return table.assign(**{name: [] for name in missing})
    part = result.part("summary", missing).take(table.index.to_numpy())
    return table.assign(**{name: part[name].set_axis(table.index) for name in missing})


def with_panels(result: Result, table: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Add the column `panel` to settings of `covered`: the name of the panel of a figure that shows each."""
    if len(table) == 0:
        return table.assign(panel=[])
    names = combinations_in(result, "summary", layout.panels, layout.by_inputs)
    return table.assign(panel=names.astype(str).to_numpy(object)[table.index])


def out_of_reach(experiment: Experiment, gate: str, theory: Theory) -> bool:
    """Whether no weights meet the target: the loss stays above it, or an output would be on the wrong side of ½."""
    if isinstance(theory, Separable):
        return False
    loss, error = experiment.train.target_loss, experiment.train.target_error
    own = gate in experiment.tables
    return (loss is not None and loss <= theory.infimum) or (error is not None and error <= 0.5 and not own)


def predicted_target(experiment: Experiment) -> float | None:
    """The target that alone decides on convergence, in nats, if it is small enough for the law of the epochs."""
    target, error = experiment.train.target_loss, experiment.train.target_error
    return float(target) if error is None and target is not None and target <= SMALL_TARGET else None


def _fixed(result: Result, key: str) -> Any:
    """The one value of a key that is no column."""
    return result.experiment.grids[0].values[key][0]


def _theory(experiment: Experiment, gate: str, encoding: str) -> Theory | None:
    """Predict for a table; None if it is not known, or too far apart to tell."""
    try:
        return predict(experiment.table(gate, encoding))
    except (ArithmeticError, ValueError):
        return None


class Law(NamedTuple):
    """The predicted epochs to convergence over some learning rates: float64 arrays, shape (n,)."""

    learning_rate: NDArray[np.float64]
    epochs: NDArray[np.float64]


def laws(result: Result, table: pd.DataFrame, layout: Layout) -> dict[str, list[Law]]:
    """For each panel that has any, the curves 1/(γ² η target) of its tables.

    Each goes from the lowest learning rate of the experiment to where the loss may rise in the first epochs
    (`Separable.monotone_learning_rate`), which the law does not count. There are none of a target that is not small,
    nor where something else than the learning rate runs along the figure, or there is none of lines.
    """
    target = predicted_target(result.experiment)
    if layout.x != "learning_rate" or layout.lines_mix or target is None:
        return {}
    found: dict[str, list[Law]] = {}
    table = with_panels(result, with_columns(result, table, ["learning_rate"]), layout)
    for panel, of_panel in table.groupby("panel", sort=False):
        seen: set[tuple[float, float]] = set()
        for theory in dict.fromkeys(of_panel["theory"]):
            if not isinstance(theory, Separable) or (theory.margin, theory.monotone_learning_rate) in seen:
                continue
            seen.add((theory.margin, theory.monotone_learning_rate))
            rates = of_panel["learning_rate"][[one is theory for one in of_panel["theory"]]]
            low, high = float(rates.min()), min(float(rates.max()), theory.monotone_learning_rate)
            if low < high:
                rate = np.geomspace(low, high, 50)
                found.setdefault(str(panel), []).append(Law(rate, theory.epochs(rate, target)))
    return found


def law_ratios(result: Result, table: pd.DataFrame) -> NDArray[np.float64]:
    """Median epochs to convergence over the predicted ones, of every setting in the law's range: float64, (n,).

    Settings whose median is later than max_epochs are left out where the predicted one is so as well; otherwise the
    ratio is that of max_epochs, which is the least it can be.
    """
    target = predicted_target(result.experiment)
    if target is None or len(table) == 0:
        return np.empty(0)
    table = with_columns(result, table, ["learning_rate", "epochs_q50"])
    theories = table["theory"].to_numpy(object)
    rate, median = table["learning_rate"].to_numpy(np.float64), censored(table["epochs_q50"])
    inside = np.array([isinstance(one, Separable) for one in theories], np.bool_)
    inside &= rate <= np.array([getattr(one, "monotone_learning_rate", 0.0) for one in theories])
    gamma = np.array([getattr(one, "margin", 1.0) for one in theories])
    predicted = 1.0 / (gamma**2 * rate * target)
    max_epochs = float(result.experiment.train.max_epochs)
    inside &= np.isfinite(median) | (predicted < max_epochs)
    return np.asarray(np.minimum(median, max_epochs)[inside] / predicted[inside])


def infima(result: Result, table: pd.DataFrame, layout: Layout) -> dict[str, float]:
    """Least loss of each panel all of whose runs are of tables that are not separable and have the same one."""
    if layout.by_inputs:
        return {}
    of_panels = with_panels(result, table, layout).groupby("panel", sort=False)["theory"].agg(list)
    found = {}
    for panel, theories in of_panels.items():
        losses = [one.infimum for one in theories if isinstance(one, NotSeparable)]
        if len(losses) == len(theories) and max(losses) - min(losses) < 1e-9:
            found[str(panel)] = losses[0]
    return found
