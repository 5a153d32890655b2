"""Which settings of a result theory speaks of, and what it says of them: logistic regression by plain descent."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from sweep.report.axes import Layout, combinations_in
from sweep.report.result import Result
from sweep.report.settings import grid_keys, n_rows
from sweep.report.theory import NotSeparable, Separable, predict
from sweep.spec.keys import KEYS
from sweep.spec.training_sets import boolean_table, table_from_rows

MAX_TABLES = 300
"""Tables that are looked at: each takes a linear program."""
SMALL_TARGET = 0.1
"""Nats. The law of the epochs is a limit, and says little of a target above this."""

_PLAIN = {"hidden": 0, "loss": "bce", "optimizer": "gd", "update": "batch"}

_BETWEEN = "\n"

Theory = Separable | NotSeparable


def covered(result: Result, columns: Sequence[str] = ()) -> pd.DataFrame:
    """The settings of which theory speaks: logistic regression on cross-entropy by full-batch gradient descent.

    Parameters
    ----------
    result : Result
    columns
        Columns of the summary that are wanted as well.

    Returns
    -------
    pandas.DataFrame
        Rows of the summary, their positions as index: `columns`, `gate`, `encoding`, and `theory`, a `Separable` or a
        `NotSeparable`. None of a table that is not known or too far apart; no rows where there are too many tables.
    """
    keys = grid_keys(result)
    own = result.manifest["experiment"].get("tables") or {}
    fixed = {key: _fixed(result, key) for key in (*_PLAIN, "gate", "encoding") if key not in keys}
    nothing = pd.DataFrame({name: [] for name in dict.fromkeys([*columns, "gate", "encoding", "theory"])})
    if n_rows(result, "summary") == 0 or any(fixed[key] != _PLAIN[key] for key in _PLAIN if key in fixed):
        return nothing
    wanted = dict.fromkeys([*columns, *(key for key in (*_PLAIN, "gate", "encoding") if key in keys)])
    table = result.part("summary", list(wanted)).reset_index(drop=True)
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
        theories[number] = _theory(gate, encoding, _frozen(own.get(gate)))
    table["theory"] = theories[codes]
    return table[table["theory"].notna()]


def with_panels(result: Result, layout: Layout, columns: Sequence[str] = ()) -> pd.DataFrame:
    """The settings of `covered`, and in the column `panel` the name of the panel of a figure that shows each."""
    table = covered(result, columns)
    if len(table) == 0:
        return table.assign(panel=[])
    names = combinations_in(result, "summary", layout.panels, layout.by_inputs)
    return table.assign(panel=names.astype(str).to_numpy(object)[table.index])


def out_of_reach(result: Result, gate: str, theory: Theory) -> bool:
    """Whether no weights meet the target: the loss stays above it, or an output would be on the wrong side of ½."""
    if isinstance(theory, Separable):
        return False
    train = result.manifest["experiment"]["train"]
    loss, error = train.get("target_loss"), train.get("target_error")
    own = gate in (result.manifest["experiment"].get("tables") or {})
    return (loss is not None and loss <= theory.infimum) or (error is not None and error <= 0.5 and not own)


def predicted_target(result: Result) -> float | None:
    """The target that alone decides on convergence, in nats, if it is small enough for the law of the epochs."""
    train = result.manifest["experiment"]["train"]
    target, error = train.get("target_loss"), train.get("target_error")
    return float(target) if error is None and target is not None and target <= SMALL_TARGET else None


def _fixed(result: Result, key: str) -> Any:
    """The one value of a key that is no column."""
    values = [grid.get(key, KEYS[key].default) for grid in result.manifest["experiment"]["grid"]]
    values = [value[0] if isinstance(value, list) else value for value in values]
    return values[0] if values else None


def _frozen(own: Any) -> tuple[tuple[float, ...], ...] | None:
    return None if own is None else tuple(tuple(row) for row in own["rows"])


@lru_cache(maxsize=1024)
def _theory(gate: str, encoding: str, rows: tuple[tuple[float, ...], ...] | None) -> Theory | None:
    """What theory says of a table; None if it is not known, or too far apart to tell."""
    try:
        return predict(boolean_table(gate, encoding) if rows is None else table_from_rows(rows))
    except (ArithmeticError, ValueError):
        return None
