"""Which axis of a grid goes where in a figure: along it, to panels, to lines; and the points that are then drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.report.tables import QUANTILES, Result
from sweep.spec.gates import n_inputs

MAX_PANELS = 24
MAX_LINES = 7
_LABELS = {"learning_rate": "learning rate η", "init": "start"}


@dataclass(frozen=True)
class Layout:
    """The part each axis of a grid plays in a figure.

    Attributes
    ----------
    x : str or None
        The numeric axis along the figure.
    panels, lines : str or None
        The axes whose values get a panel, and a line within each panel.
    pooled : tuple of str
        The axes for which there is no room: their values are counted together.
    by_inputs : bool
        Gates too many to show one by one are counted together by their number of inputs.
    """

    x: str | None
    panels: str | None
    lines: str | None
    pooled: tuple[str, ...] = ()
    by_inputs: bool = False


def label(axis: str) -> str:
    """Name of a grid key as a reader would say it."""
    return _LABELS.get(axis, axis.replace("_", " "))


def grid_keys(result: Result) -> list[str]:
    """Keys of the grid, in file order."""
    columns = list(result.summary.columns)
    return columns[: columns.index("n")]


def varying(result: Result) -> list[str]:
    """Keys of the grid that take more than one value, in file order."""
    return [key for key in grid_keys(result) if result.summary[key].nunique(dropna=False) > 1]


def is_numeric(result: Result, key: str) -> bool:
    """Whether a key of the grid holds numbers, which have an order and a distance."""
    return pd.api.types.is_numeric_dtype(result.summary.dtypes[key])


def categories_first(result: Result, keys: Iterable[str]) -> list[str]:
    """Order keys of the grid: the gate, then the other categories, then numbers."""
    return sorted(keys, key=lambda key: (key != "gate", is_numeric(result, key)))


def main_numeric_axis(result: Result) -> str | None:
    """The axis along a figure: the learning rate if it varies, else the numeric axis with the most values."""
    numeric = [key for key in varying(result) if is_numeric(result, key)]
    if "learning_rate" in numeric:
        return "learning_rate"
    return max(numeric, key=lambda key: result.summary[key].nunique(), default=None)


def choose_layout(result: Result) -> Layout:
    """Give each varying axis its part: gates and then other categories become panels and lines before numbers do."""
    x = main_numeric_axis(result)
    others = categories_first(result, (key for key in varying(result) if key != x))
    by_inputs = "gate" in others and result.summary["gate"].nunique() > MAX_PANELS
    levels = {key: len(place(result.summary[key], by_inputs).cat.categories) for key in others}

    panels = next((key for key in others if levels[key] <= MAX_PANELS), None)
    lines = next((key for key in others if key != panels and levels[key] <= MAX_LINES), None)
    if x is not None and panels is not None and lines is None and levels[panels] <= 3:
        panels, lines = None, panels
    pooled = tuple(key for key in others if key not in (panels, lines))
    return Layout(x, panels, lines, pooled, by_inputs)


@cache
def inputs_of(gate: str) -> str:
    """Group to which a gate is counted when there are too many: "3 inputs"; "own tables" for what is no known gate."""
    try:
        n = n_inputs(gate)
    except ValueError:
        return "own tables"
    return "1 input" if n == 1 else f"{n} inputs"


def place(column: "pd.Series[Any]", by_inputs: bool = False) -> "pd.Series[Any]":
    """Turn a grid column into a categorical one of labels in drawing order, gates by number of inputs if asked."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = np.sort(column.unique())
        labels = column.map(lambda value: f"{value:g}")
        return labels.astype(pd.CategoricalDtype(list(dict.fromkeys(f"{value:g}" for value in values))))
    column = column.astype("category").cat.remove_unused_categories()
    if by_inputs and column.name == "gate":
        groups = np.array([inputs_of(str(gate)) for gate in column.cat.categories.to_numpy(object)], dtype=object)
        order = sorted(set(groups), key=lambda group: (len(group), group))
        return pd.Series(pd.Categorical(groups[column.cat.codes], order), index=column.index)
    return column


def placed(frame: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Columns panel and line (categorical) and x (float64) for each row of `runs` or `summary`."""
    n = len(frame)
    nowhere = pd.Series(pd.Categorical([""]).take(np.zeros(n, np.intp)), index=frame.index)
    return pd.DataFrame(
        {
            "panel": place(frame[layout.panels], layout.by_inputs) if layout.panels else nowhere,
            "line": place(frame[layout.lines], layout.by_inputs) if layout.lines else nowhere,
            "x": frame[layout.x].astype("float64") if layout.x else np.zeros(n),
        }
    )


def censored(column: "pd.Series[Any]") -> NDArray[np.float64]:
    """Epochs as float64, those later than max_epochs (missing) as infinity."""
    return cast("NDArray[np.float64]", column.to_numpy(dtype=np.float64, na_value=np.inf))


def quantiles(values: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """Return the five QUANTILES of values that may be infinite: order statistics, never interpolated.

    Parameters
    ----------
    values : float64 array
        No NaN; at least one value along `axis`.
    axis : int
        The axis of the runs; in the returned array it holds the five quantiles.
    """
    n = values.shape[axis]
    return np.take(np.sort(values, axis=axis), [-(-q * n // 100) - 1 for q in QUANTILES], axis=axis)


def points(result: Result, layout: Layout) -> pd.DataFrame:
    """Everything the success and epoch figures draw: one row per panel, line and x.

    Returns
    -------
    pandas.DataFrame
        panel, line, x, the counts n and n_converged, converged_rate, its interval converged_low, converged_high and
        epochs_q05 … epochs_q95 (float64, infinite where later than max_epochs). Straight from the summary where each
        drawn point is one grid point; else from all its runs, and without an interval, which would take runs of
        different settings for repetitions of one.
    """
    names = [f"epochs_q{q:02d}" for q in QUANTILES]
    where = placed(result.summary, layout)
    if not layout.pooled and not layout.by_inputs:
        rates = result.summary[["n", "n_converged", "converged_rate", "converged_low", "converged_high"]]
        epochs = {name: censored(result.summary[name]) for name in names}
        return where.join(rates).assign(**epochs).sort_values("x", kind="stable", ignore_index=True)

    keys = ["panel", "line", "x"]
    counts = where.join(result.summary[["n", "n_converged"]]).groupby(keys, observed=True).sum()
    counts["converged_rate"] = counts["n_converged"] / counts["n"]
    counts["converged_low"] = counts["converged_high"] = np.nan
    converged = result.runs["status"] == "converged"
    epochs_of_runs = censored(result.runs["converged_epoch"].where(converged))
    members = placed(result.runs, layout).groupby(keys, observed=True).indices
    drawn = np.array([quantiles(epochs_of_runs[members[key]]) for key in counts.index])
    return (
        counts.assign(**dict(zip(names, drawn.T, strict=True)))
        .reset_index()
        .sort_values("x", kind="stable", ignore_index=True)
    )
