"""Names of values and of combinations of them, in the order in which they are drawn."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.results.settings import Rows, Settings, narrowest
from sweep.results.statistics import recoded, sums_by
from sweep.spec.gates import n_inputs, shown
from sweep.words import assignment, unbroken


class Named(NamedTuple):
    """Rows in groups that have names: the number of each row's group, and the names in drawing order."""

    codes: NDArray[np.integer[Any]]
    names: list[str]

    def column(self) -> "pd.Series[Any]":
        """Return the names of the rows' groups as a categorical column."""
        return pd.Series(pd.Categorical.from_codes(self.codes, categories=pd.Index(self.names)))


@cache
def inputs_of(gate: str) -> str:
    """Return the group of a gate when there are too many: "3 inputs"; "own tables" for what is no known gate."""
    try:
        n = n_inputs(gate)
    except ValueError:
        return "own tables"
    return "1 input" if n == 1 else f"{n} inputs"


def levels(settings: Settings, key: str, by_inputs: bool = False) -> Named:
    """Name the values of a key: the place of each in drawing order, and the names in that order.

    Texts keep the order of the file, numbers are sorted; gates are grouped by their number of inputs if asked. Numbers
    have as few digits as tell all of them apart.
    """
    if by_inputs and key == "gate":
        groups = [inputs_of(str(gate)) for gate in settings.values(key)]
        order = sorted(set(groups), key=lambda group: (len(group), group))
        return Named(np.array([order.index(group) for group in groups]), order)
    return named(settings.values(key))


def named(values: Sequence[Any]) -> Named:
    """Name different values of a key: the place of each in drawing order, and the names in that order."""
    if any(isinstance(value, str) for value in values):
        return Named(np.arange(len(values)), gate_names(values))
    ranked = sorted(range(len(values)), key=lambda at: (values[at] is None, values[at] or 0))
    places = np.empty(len(values), np.intp)
    places[ranked] = np.arange(len(values))
    for digits in (3, 6, 9, 12, 17):
        names = [_number(values[at], digits) for at in ranked]
        if len(set(names)) == len(names):
            break
    return Named(places, names)


def gate_names(texts: Sequence[str]) -> list[str]:
    """Name gates that are written as truth tables, unless one is written in both ways; other texts stay."""
    names = list(map(shown, texts))
    return names if len(set(names)) == len(texts) else list(texts)


def values_by_name(settings: Settings, key: str, by_inputs: bool = False) -> Named:
    """Name the value of a key of each row."""
    places, names = levels(settings, key, by_inputs)
    return Named(recoded(places.astype(narrowest(len(names))), settings.codes(key)), names)


def combinations(settings: Settings, keys: Sequence[str], by_inputs: bool = False, rows: Rows | None = None) -> Named:
    """Name the combination of the values of several keys of each row, or of some rows: those that occur, in order."""
    found: NDArray[np.integer[Any]] = np.zeros(settings.n if rows is None else len(rows), np.uint8)
    texts: list[list[str]] = [[]]
    for key in keys:
        codes, names = values_by_name(settings, key, by_inputs)
        n = len(texts) * len(names)
        wide = found.astype(narrowest(n))
        wide *= len(names)
        wide += codes if rows is None else codes[rows]
        occurring, found = _gapless(wide, n)
        pairs = [divmod(at, len(names)) for at in occurring.tolist()]
        texts = [[*texts[first], text_of(settings, key, names[last])] for first, last in pairs]
    return Named(found, [together(parts) for parts in texts])


def _gapless(codes: NDArray[np.integer[Any]], n: int) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
    """Return the numbers below n that occur, increasing, and the place of each code among them."""
    if n > 8 * len(codes) + 1024:
        return np.unique(codes, return_inverse=True)
    occurring = np.flatnonzero(sums_by(codes, None, n))
    places = np.zeros(n, narrowest(len(occurring)))
    places[occurring] = np.arange(len(occurring))
    return occurring, recoded(places, codes)


def text_of(settings: Settings, key: str, name: str) -> str:
    """Return the name of a value as one would say it: a text by itself, a number with the name of its key."""
    return name if settings.is_text(key) else assignment(key, name)


def together(parts: Sequence[str]) -> str:
    """Join the values of a combination."""
    return ", ".join(map(unbroken, parts)) if parts[1:] else "".join(parts)


def _number(value: Any, digits: int) -> str:
    """Write a number to so many digits, all those of its whole part at least; or what else stands in its column."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if value is None:
        return "none"
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
