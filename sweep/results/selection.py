"""Part of a result: the runs that have some values of the grid's keys."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.results.result import InMemory, Result
from sweep.spec import gates, inits
from sweep.spec.messages import did_you_mean, show
from sweep.words import NUMBERS, cell, number

_MAX_SHOWN = 12


def select(result: Result, where: Mapping[str, Any] | None) -> Result:
    """Select the runs of a result that have given values: a result in memory, with the rows of every table as they are.

    `where` has, for each key of the grid that runs must match, a value, or a list of values of which any will do. A
    gate may have any of its names, and a number the digits with which a report prints it. Runs keep their numbers, and
    the manifest is that of the whole but for the counts. ``ValueError`` for a key that the result does not have, or a
    value that it does not take, with what is allowed; ``TypeError`` if `where` is no mapping.
    """
    if not where:
        return result
    if not isinstance(where, Mapping):
        raise TypeError(f'where: found {where!r}; allowed: keys of the grid with values, such as {{"gate": "XOR"}}')
    settings = result.settings
    rows = np.ones(settings.n, np.bool_)
    for key, wanted in where.items():
        if key not in settings.keys:
            problem = f"unknown key {show(key)}{did_you_mean(key, settings.keys)}"
            raise ValueError(f"where: {problem}; allowed: {', '.join(settings.keys)}")
        rows &= _matches(key, wanted, settings.values(key), result.experiment.tables)[settings.codes(key)]
    frames = {"summary": _kept(result.summary, rows)}
    if result.keeps_runs:
        runs = frames["runs"] = _kept(result.runs, result.of_runs(rows))
        by_status = runs["status"].value_counts(sort=False)
        if result.curves is not None:
            frames["curves"] = result.curves[result.curves["run"].isin(runs["run"])].reset_index(drop=True)
    else:
        kept = result.counts["run"].isin(settings.first_runs(np.flatnonzero(rows)))
        frames["counts"] = _kept(result.counts, kept.to_numpy())
        by_status = frames["counts"].groupby("status", observed=False)["n"].sum()
    statuses = {str(status): int(n) for status, n in by_status.items()}
    n = sum(statuses.values())
    totals = {"n_runs": n, "n_done": n, "n_points": len(frames["summary"]), "statuses": statuses}
    return type(result)(InMemory(frames), {**result.manifest, **totals}, result.experiment)


def _kept(table: pd.DataFrame, rows: NDArray[np.bool_]) -> pd.DataFrame:
    """Return some rows of a table, without the categories that none of them has."""
    kept = table[rows].reset_index(drop=True)
    for name in kept.columns:
        if name != "status" and isinstance(kept.dtypes[name], pd.CategoricalDtype):
            kept[name] = kept[name].cat.remove_unused_categories()
    return kept


def _matches(key: str, wanted: Any, values: list[Any], tables: Container[str]) -> NDArray[np.bool_]:
    """Return which values of a key are asked for; each that is asked for must be among them."""
    found = np.zeros(len(values), np.bool_)
    for value in wanted if isinstance(wanted, list | tuple | set | range | np.ndarray) else [wanted]:
        places = places_of(key, value, values, tables)
        if not places:
            raise ValueError(f"where: {key}: found {show(value)}{_near(value, values)}; allowed: {_listed(values)}")
        found[places] = True
    return found


def places_of(key: str, wanted: Any, values: Sequence[Any], tables: Container[str]) -> list[int]:
    """Return the places of those values of a key that one value means: itself, or the one that is printed like it.

    A gate has any of its names, unless it is one of the training sets of one's own in `tables`, and a start any
    spelling. None is a hole, where a grid leaves a key open.
    """
    exact = [at for at, value in enumerate(values) if _same(key, wanted, value, tables)]
    if exact or isinstance(wanted, str | bool) or not isinstance(wanted, NUMBERS):
        return exact
    for printed in (cell, number):  # in tables, and in sentences
        text = printed(float(wanted))
        alike = [at for at, value in enumerate(values) if isinstance(value, float) and printed(value) == text]
        if len(alike) == 1:
            return alike
    return []


def _same(key: str, value: Any, other: Any, tables: Container[str]) -> bool:
    if value is None or other is None:
        return value is other
    if not (isinstance(value, str) and isinstance(other, str)):
        return isinstance(value, str) == isinstance(other, str) and bool(value == other)
    if key == "gate" and value not in tables and other not in tables:
        return gates.same(value, other)
    return value == other or (key == "init" and inits.same(value, other))


def _near(value: Any, values: list[Any]) -> str:
    if isinstance(value, str):
        return did_you_mean(value, [other for other in values if isinstance(other, str)])
    numbers = [other for other in values if isinstance(other, int | float)]
    if isinstance(value, int | float | np.number) and numbers:
        return f" (nearest: {show(min(numbers, key=lambda other: abs(other - value)))})"
    return ""


def _listed(values: list[Any]) -> str:
    shown = ", ".join("None" if value is None else show(value) for value in values[:_MAX_SHOWN])
    return shown + (f" and {len(values) - _MAX_SHOWN:,} more" if len(values) > _MAX_SHOWN else "")
