"""Part of a result: the runs that have some values of the grid's keys."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.results.result import Result
from sweep.results.settings import grid_keys
from sweep.spec.messages import did_you_mean, show

_MAX_SHOWN = 12


def select(result: Result, where: Mapping[str, Any] | None) -> Result:
    """The part of a result whose runs have given values: its rows of every table, as they are.

    Parameters
    ----------
    result
    where
        Key of the grid → a value, or a list of values of which any will do; runs must match all keys. None or {} is
        the whole result.

    Returns
    -------
    Result
        In memory. Its runs keep their numbers, and its manifest is that of the whole but for the counts.

    Raises
    ------
    ValueError
        For a key that the result does not have, or a value that it does not take, with what is allowed.
    """
    if not where:
        return result
    keys = grid_keys(result)
    for key in where:
        if key not in keys:
            raise ValueError(f"where: unknown key {show(key)}{did_you_mean(key, keys)}; allowed: {', '.join(keys)}")
    wanted = {key: _values(result, key, value) for key, value in where.items()}
    runs, summary = (table[_rows(table, wanted)].reset_index(drop=True) for table in (result.runs, result.summary))
    for frame in (runs, summary):
        for key in keys:
            if isinstance(frame.dtypes[key], pd.CategoricalDtype):
                frame[key] = frame[key].cat.remove_unused_categories()
    curves = result.curves
    if curves is not None:
        curves = curves[curves["run"].isin(runs["run"])].reset_index(drop=True)
    statuses = {str(status): int(n) for status, n in runs["status"].value_counts(sort=False).items()}
    counts = {"n_runs": len(runs), "n_done": len(runs), "n_points": len(summary), "statuses": statuses}
    return Result.of(runs, summary, curves, {**result.manifest, **counts}, result.experiment)


def _values(result: Result, key: str, value: Any) -> list[Any]:
    """The values asked for, each of which the result has."""
    there = result.part("summary", [key])[key].drop_duplicates().tolist()
    wanted = list(value) if isinstance(value, list | tuple | set | range | np.ndarray) else [value]
    for one in wanted:
        if not any(_same(one, other) for other in there):
            raise ValueError(f"where: {key}: found {show(one)}{_near(one, there)}; allowed: {_listed(there)}")
    return wanted


def _rows(table: pd.DataFrame, wanted: Mapping[str, list[Any]]) -> NDArray[np.bool_]:
    rows = np.ones(len(table), np.bool_)
    for key, values in wanted.items():
        codes, different = pd.factorize(table[key], use_na_sentinel=False)
        matches = np.array([any(_same(one, other) for one in values) for other in different], np.bool_)
        rows &= matches[codes] if len(different) else rows
    return rows


def _same(one: Any, other: Any) -> bool:
    """Whether two values of a key are the same; a hole, where a grid leaves a key open, is None."""
    if one is None or pd.isna(other):
        return one is None and bool(pd.isna(other))
    return isinstance(one, str) == isinstance(other, str) and bool(one == other)


def _near(one: Any, there: list[Any]) -> str:
    if isinstance(one, str):
        return did_you_mean(one, [other for other in there if isinstance(other, str)])
    numbers = [other for other in there if isinstance(other, int | float) and not pd.isna(other)]
    if isinstance(one, int | float | np.number) and numbers:
        return f" (nearest: {show(min(numbers, key=lambda other: abs(other - one)))})"
    return ""


def _listed(there: list[Any]) -> str:
    shown = ", ".join("None" if pd.isna(value) else show(value) for value in there[:_MAX_SHOWN])
    return shown + (f" and {len(there) - _MAX_SHOWN:,} more" if len(there) > _MAX_SHOWN else "")
