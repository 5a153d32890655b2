"""Names of values and of combinations of them, in the order in which they are drawn."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.results.settings import Rows, Settings, gapless
from sweep.spec.gates import n_inputs
from sweep.words import assignment, unbroken


class Named(NamedTuple):
    """Rows in groups that have names.

    Attributes
    ----------
    codes : integers, shape (n,)
        The number of each row's group.
    names : list of str
        Of the groups, in drawing order.
    """

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
        return Named(np.arange(len(values)), list(values))
    ranked = sorted(range(len(values)), key=lambda at: (values[at] is None, values[at] or 0))
    places = np.empty(len(values), np.intp)
    places[ranked] = np.arange(len(values))
    for digits in (3, 6, 9, 12, 17):
        names = [_number(values[at], digits) for at in ranked]
        if len(set(names)) == len(names):
            break
    return Named(places, names)


def values_by_name(settings: Settings, key: str) -> Named:
    """Name the value of a key of each row."""
    places, names = levels(settings, key)
    return Named(places.astype(np.min_scalar_type(len(names)))[settings.codes(key)], names)


def combinations(
    settings: Settings, keys: Sequence[str], by_inputs: bool = False, rows: Rows | slice = slice(None)
) -> Named:
    """Name the combination of the values of several keys of each row, or of some rows: those that occur, in order."""
    if not keys:
        return Named(np.zeros(len(np.arange(settings.n)[rows]), np.uint8), [""])
    named_keys = [(key, *levels(settings, key, by_inputs)) for key in keys]
    found: NDArray[np.int64] | None = None
    for key, places, names in named_keys:
        codes = places[settings.codes(key)[rows]]
        found = gapless(np.asarray(codes if found is None else found * len(names) + codes, np.int64))
    assert found is not None
    example = np.zeros(int(found.max(initial=-1)) + 1, np.int64)
    example[found] = np.arange(len(found))
    texts = [
        [text_of(settings, key, names[place]) for place in places[settings.codes(key)[rows][example]].tolist()]
        for key, places, names in named_keys
    ]
    joined = [together(several) for several in zip(*texts, strict=True)]
    return Named(found.astype(np.min_scalar_type(len(joined))), joined)


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
