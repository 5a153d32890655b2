"""Predictions for settings of a result: those of logistic regression by plain gradient descent."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.layout import Layout
from sweep.analysis.names import combinations
from sweep.results.result import Result
from sweep.results.statistics import censored
from sweep.spec.experiment import Experiment
from sweep.spec.theory import NotSeparable, Separable, predict
from sweep.spec.training_sets import TrainingSet

MAX_TABLES = 300
"""Tables that are looked at: each takes a linear program."""
SMALL_TARGET = 0.1
"""Nats. The law of the epochs is a limit, and says little of a target above this."""

_PLAIN = {"hidden": 0, "loss": "bce", "optimizer": "gd", "update": "batch", "bias": True}

Theory = Separable | NotSeparable


def covered(result: Result) -> pd.DataFrame:
    """Select the settings of which theory speaks: logistic regression on cross-entropy by full-batch gradient descent.

    Returns
    -------
    pandas.DataFrame
        Rows of the summary, their positions as index: `gate`, `encoding`, `learning_rate`, `n`, `n_converged`,
        `epochs_q50`, and `theory`, a `Separable` or a `NotSeparable`. None of a table that is not known or too far
        apart; no rows where there are too many tables.
    """
    settings = result.settings
    rows = np.arange(settings.n)
    for key, value in _PLAIN.items():
        values = settings.values(key)
        rows = rows[settings.codes(key)[rows] == values.index(value)] if value in values else rows[:0]
    table = pd.DataFrame({key: settings.column(key, rows).set_axis(rows) for key in ("gate", "encoding")}, index=rows)
    number = table.groupby(["gate", "encoding"], observed=True, sort=False).ngroup().to_numpy()
    tables = table.drop_duplicates()
    theories = np.full(len(tables), None, object)
    if len(tables) <= MAX_TABLES:
        theories[:] = [_theory(result.experiment, *pair) for pair in tables.itertuples(index=False)]
    table = table.assign(theory=theories[number]).dropna()
    columns = result.part("summary", ["learning_rate", "n", "n_converged", "epochs_q50"]).take(table.index.to_numpy())
    return table.join(columns.set_axis(table.index))


def plain(experiment: Experiment) -> bool:
    """Return True if all models are logistic regression on cross-entropy by full-batch gradient descent."""
    return all(set(grid.values[key]) == {value} for grid in experiment.grids for key, value in _PLAIN.items())


def _panels(result: Result, table: pd.DataFrame, layout: Layout) -> NDArray[np.object_]:
    """Return the name of the panel of a figure that shows each setting of `covered`."""
    codes, names = combinations(result.settings, layout.panels, layout.by_inputs)
    return np.asarray(np.array(names, object)[codes[table.index]])


def out_of_reach(experiment: Experiment, gate: str, theory: Theory) -> bool:
    """Return True if no weights meet the target: the loss stays above it, or an output is on the wrong side of ½."""
    if isinstance(theory, Separable):
        return False
    loss, error = experiment.train.target_loss, experiment.train.target_error
    own = gate in experiment.tables
    return (loss is not None and loss <= theory.infimum) or (error is not None and error <= 0.5 and not own)


def unreachable(experiment: Experiment) -> dict[str, float]:
    """Find own tables whose least cross-entropy, that of answering each input with its mean target, is over the target.

    Returns
    -------
    dict
        The table's name → this loss, which no model gets below.
    """
    target = experiment.train.target_loss
    if target is None or any(set(grid.values["loss"]) != {"bce"} for grid in experiment.grids):
        return {}
    trained = {gate for grid in experiment.grids for gate in grid.values["gate"]}
    least = {name: _entropy(table) for name, table in experiment.tables.items() if name in trained}
    return {name: loss for name, loss in least.items() if target < loss * (1 - 1e-12)}  # what rounding may add


def _entropy(table: TrainingSet) -> float:
    """Least cross-entropy of any model: Σ −m log m − (1 − m) log(1 − m) over the rows / their number, m as above."""
    _, of_row = np.unique(table.inputs, axis=0, return_inverse=True)
    mean = (np.bincount(of_row, table.targets) / np.bincount(of_row))[of_row]
    terms = np.stack([mean, 1 - mean])
    return float(-(terms * np.log(np.where(terms > 0, terms, 1))).sum() / len(mean))


def predicted_target(experiment: Experiment) -> float | None:
    """Return the target in nats that alone decides on convergence; None unless it is small enough for the law."""
    target, error = experiment.train.target_loss, experiment.train.target_error
    return float(target) if error is None and target is not None and target <= SMALL_TARGET else None


def _theory(experiment: Experiment, gate: str, encoding: str) -> Theory | None:
    """Predict for a table; None if it is not known, or too far apart to tell."""
    try:
        return predict(experiment.table(gate, encoding))
    except (ArithmeticError, ValueError):
        return None


class Law(NamedTuple):
    """Predicted epochs to convergence over some learning rates: float64 arrays, shape (n,)."""

    learning_rate: NDArray[np.float64]
    epochs: NDArray[np.float64]


def laws(result: Result, table: pd.DataFrame, layout: Layout) -> dict[str, list[Law]]:
    """Draw up the curves 1/(γ² η target) of the tables of each panel.

    Each goes from the lowest learning rate of the experiment to where the loss may rise in the first epochs
    (`Separable.monotone_learning_rate`), which the law does not count. There are none of a target that is not small,
    nor where something else than the learning rate runs along the figure, or there is none of lines.
    """
    target = predicted_target(result.experiment)
    if layout.x != "learning_rate" or layout.lines_mix or target is None:
        return {}
    found: dict[str, list[Law]] = {}
    for panel, of_panel in table.groupby(_panels(result, table, layout), sort=False):
        seen: set[tuple[float, float]] = set()
        for theory in dict.fromkeys(of_panel["theory"]):
            if not isinstance(theory, Separable) or (theory.margin, theory.monotone_learning_rate) in seen:
                continue
            seen.add((theory.margin, theory.monotone_learning_rate))
            rates = of_panel["learning_rate"][of_panel["theory"] == theory]
            low, high = float(rates.min()), min(float(rates.max()), theory.monotone_learning_rate)
            if low < high:
                rate = np.geomspace(low, high, 50)
                found.setdefault(str(panel), []).append(Law(rate, theory.epochs(rate, target)))
    return found


def law_ratios(experiment: Experiment, table: pd.DataFrame) -> NDArray[np.float64]:
    """Median epochs to convergence over the predicted ones, of every setting in the law's range: float64, (n,).

    Settings whose median is later than max_epochs are left out where the predicted one is so as well; otherwise the
    ratio is that of max_epochs, which is the least it can be.
    """
    target = predicted_target(experiment)
    if target is None or len(table) == 0:
        return np.empty(0)
    rate, median = table["learning_rate"].to_numpy(np.float64), censored(table["epochs_q50"])
    codes, theories = pd.factorize(table["theory"])
    inside = rate <= np.array([getattr(theory, "monotone_learning_rate", 0.0) for theory in theories])[codes]
    gamma = np.array([getattr(theory, "margin", 1.0) for theory in theories])[codes]
    predicted = 1.0 / (gamma**2 * rate * target)
    max_epochs = float(experiment.train.max_epochs)
    inside &= np.isfinite(median) | (predicted < max_epochs)
    return np.asarray(np.minimum(median, max_epochs)[inside] / predicted[inside])


class Fewest(NamedTuple):
    """Fewest epochs that theory predicts for a gate, the learning rate there, and the number of settings."""

    epochs: float
    learning_rate: float
    n: int


def fewest_epochs(covered: pd.DataFrame, gate: str, target: float) -> Fewest | None:
    """Predict the fewest epochs to a target of a separable gate; None where the law does not hold at some rate."""
    table = covered[covered["gate"] == gate]
    found: list[tuple[float, float]] = []
    n = 0
    for theory in table["theory"].unique():
        rates = table["learning_rate"][table["theory"] == theory].unique()
        n += len(rates)
        fastest = float(rates.max())
        if fastest > theory.monotone_learning_rate:
            return None
        found.append((float(theory.epochs(fastest, target)), fastest))
    return Fewest(*min(found), n)


def infima(result: Result, table: pd.DataFrame, layout: Layout) -> dict[str, float]:
    """Least loss of each panel all of whose runs are of tables that are not separable and have the same one."""
    if layout.by_inputs:
        return {}
    of_panels = table.groupby(_panels(result, table, layout), sort=False)["theory"].agg(list)
    found = {}
    for panel, theories in of_panels.items():
        losses = [theory.infimum for theory in theories if isinstance(theory, NotSeparable)]
        if len(losses) == len(theories) and max(losses) - min(losses) < 1e-9:
            found[str(panel)] = losses[0]
    return found
