"""Which axis of a grid goes where in a figure: along it, to panels, to lines; and the points that are then drawn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.codes import Codes
from sweep.results.result import Result
from sweep.results.settings import NARROW, Table, combined, grid_keys, spread, values_of, whole_grids
from sweep.spec.gates import n_inputs
from sweep.words import assignment, unbroken

MAX_PANELS = 24
MAX_LINES = 7
PLANE = 16
"""Values of each of two numeric axes from which on their plane is drawn as a picture."""


@dataclass(frozen=True)
class Layout:
    """The part each axis of a grid plays in a figure.

    Attributes
    ----------
    x : str or None
        The numeric axis along the figure.
    panels : tuple of str
        The axes each combination of whose values gets a panel.
    lines : str or None
        The axis whose values get a line within each panel.
    pooled : tuple of str
        The axes for which there is no room: their values are counted together.
    by_inputs : bool
        Gates too many to show one by one are counted together by their number of inputs.
    plane : tuple of two str, or None
        The two longest numeric axes, upwards and to the right, of a grid that is rather a picture than lines.
    """

    x: str | None
    panels: tuple[str, ...] = ()
    lines: str | None = None
    pooled: tuple[str, ...] = ()
    by_inputs: bool = False
    plane: tuple[str, str] | None = None

    @property
    def lines_mix(self) -> bool:
        """Whether lines would count settings of the plane together, so that only its picture is drawn."""
        return self.plane is not None and bool(set(self.plane) & set(self.pooled))

    @property
    def axes(self) -> list[str]:
        """The axes that have panels, lines, or a direction of their own."""
        return [key for key in (*self.panels, self.lines, self.x) if key]

    @property
    def panels_only(self) -> Self:
        """The same panels, without lines; the axis of the lines has panels where there are no others, or for planes."""
        lines = (self.lines,) if self.lines else ()
        panels = self.panels + lines if self.plane else self.panels or lines
        return replace(self, x=None, panels=panels, lines=None, pooled=(), plane=None)


def varying(result: Result) -> list[str]:
    """Keys of the grid that take more than one value, in file order."""
    return [key for key in grid_keys(result) if _varies(values_of(result, key))]


def is_numeric(result: Result, key: str) -> bool:
    """Whether a key of the grid holds numbers, which have an order and a distance."""
    dtype = values_of(result, key).dtype
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def categories_first(result: Result, keys: Iterable[str]) -> list[str]:
    """Order keys of the grid: the gate, then the other categories, then numbers."""
    return sorted(keys, key=lambda key: (key != "gate", is_numeric(result, key)))


def main_numeric_axis(result: Result) -> str | None:
    """The axis along a figure: the longest numeric axis, of several the learning rate or else the first.

    An axis does not count where it has no value at some points, or where another one goes with it (parity of 2 to 7
    bits, say, each with its own number of hidden units).
    """
    keys = categories_first(result, varying(result))
    return _main_numeric_axis(result, keys, _codes(result, keys))


def _main_numeric_axis(result: Result, keys: Sequence[str], codes: Codes) -> str | None:
    numeric = [key for key in keys if is_numeric(result, key) and not values_of(result, key).hasnans]
    before = {key: keys[: keys.index(key)] for key in numeric}
    free = [
        key
        for key in numeric
        if not any(
            codes.follows(key, other) and (other in before[key] or not codes.follows(other, key))
            for other in keys
            if other != key
        )
    ]
    return max(free, key=lambda key: (codes.n_values(key), key == "learning_rate"), default=None)


def choose_layout(result: Result) -> Layout:
    """Give each varying axis its part.

    The longest numeric axis runs along the figure. Of the others, the one with the most values within any combination
    of the rest becomes lines, the gate excepted; as many as there is room for become panels, the gate, then the other
    categories, then numbers. An axis that follows from lines and panels needs no place of its own.
    """
    keys = categories_first(result, varying(result))
    codes = _codes(result, keys)
    x = _main_numeric_axis(result, keys, codes)
    plane = _plane(result, keys, codes)
    by_inputs = "gate" in keys and codes.n_values("gate") > MAX_PANELS
    if by_inputs:
        codes = _codes(result, keys, by_inputs)
    others = [key for key in keys if key != x]
    lines = _lines(result, others, codes, x)

    panels: list[str] = []
    pooled: list[str] = []
    for key in others:
        shown = [axis for axis in (lines, *panels) if axis]
        if key == lines or (shown and codes.n_settings([*shown, key]) == codes.n_settings(shown)):
            continue
        fits = codes.n_settings([*panels, key]) <= MAX_PANELS
        (panels if fits else pooled).append(key)
    return Layout(x, tuple(panels), lines, tuple(pooled), by_inputs, plane)


def _codes(result: Result, keys: Sequence[str], by_inputs: bool = False) -> Codes:
    """Which values of some keys occur together, gates by their number of inputs if asked."""
    if (grids := whole_grids(result)) is None:
        columns = {key: values_of(result, key) for key in keys}
        gates = {"gate": place(columns["gate"], by_inputs)} if by_inputs else {}
        return Codes.of_columns(columns | gates)
    of_grids = [{key: grid.values[key] for key in keys} for grid in grids]
    if by_inputs:
        of_grids = [axes | {"gate": [inputs_of(gate) for gate in axes["gate"]]} for axes in of_grids]
    return Codes.of_grids(of_grids)


def _lines(result: Result, keys: Sequence[str], codes: Codes, x: str | None) -> str | None:
    """The axis for the lines: of one that could as well be panels, only a short one."""
    if len(keys) == 1:
        (key,) = keys
        most = MAX_LINES if is_numeric(result, key) else 3
        return key if x is not None and codes.n_values(key) <= most else None
    found, best = None, (1, 0)
    for key in keys:
        levels = codes.n_values(key)
        if key == "gate" or levels > MAX_LINES:
            continue
        within = codes.most_within(key, [other for other in keys if other != key])
        if within > 1 and (within, levels) >= best:
            found, best = key, (within, levels)
    return found


def _plane(result: Result, keys: Sequence[str], codes: Codes) -> tuple[str, str] | None:
    long = [key for key in keys if is_numeric(result, key) and codes.n_values(key) >= PLANE]
    longest = sorted(long, key=lambda key: -codes.n_values(key))[:2]
    if len(longest) < 2 or codes.n_settings(longest) < PLANE**2:
        return None
    upwards, rightwards = (key for key in grid_keys(result) if key in longest)
    return upwards, rightwards


def _varies(column: "pd.Series[Any]") -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.codes
    found = column.to_numpy()
    return len(found) > 1 and bool(((found != found[0]) & ~(column.isna() & pd.isna(found[0]))).any())


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
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        if not by_inputs or column.name != "gate":
            return column
        groups = np.array([inputs_of(str(gate)) for gate in column.cat.categories.to_numpy(object)], dtype=object)
        order = sorted(set(groups), key=lambda group: (len(group), group))
        return pd.Series(pd.Categorical(groups[column.cat.codes], order), index=column.index)
    codes, values = pd.factorize(column, sort=True, use_na_sentinel=False)
    labels = [_value(value, 3) for value in values]
    if len(set(labels)) < len(labels):
        labels = [_value(value, 6) for value in values]
    order = list(dict.fromkeys(labels))
    numbers = np.array([order.index(name) for name in labels], dtype=np.intp)
    return _categorical(numbers[codes], order, column.index)


def _value(value: Any, digits: int) -> str:
    """A number to so many digits, all those of its whole part at least; or what else stands in its column."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if pd.isna(value):
        return "none"
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"


def combinations(frame: pd.DataFrame, keys: Sequence[str], by_inputs: bool = False) -> "pd.Series[Any]":
    """The combination of the values of several grid columns as one categorical column, those that occur, in order."""
    columns = [place(frame[key], by_inputs) for key in keys]
    if not columns:
        return pd.Series(pd.Categorical([""]).take(np.zeros(len(frame), np.intp)), index=frame.index)
    shape = [len(column.cat.categories) for column in columns]
    codes = np.ravel_multi_index([column.cat.codes.to_numpy(np.intp) for column in columns], shape)
    present, numbers = np.unique(codes, return_inverse=True)
    parts = [
        [
            str(name) if isinstance(frame.dtypes[key], pd.CategoricalDtype) else assignment(key, name)
            for name in column.cat.categories[which]
        ]
        for key, column, which in zip(keys, columns, np.unravel_index(present, shape), strict=True)
    ]
    names = [", ".join(map(unbroken, several)) if several[1:] else several[0] for several in zip(*parts, strict=True)]
    return _categorical(numbers, names, frame.index)


def combinations_in(result: Result, table: Table, keys: Sequence[str], by_inputs: bool = False) -> "pd.Series[Any]":
    """The `combinations` of every row of a table."""
    if (grids := whole_grids(result)) is None:
        return combinations(result.part(table, [*keys, NARROW[table]]), keys, by_inputs)
    parts = [combined(result, grid, keys) for grid in grids]
    names = combinations(pd.concat(parts, ignore_index=True), keys, by_inputs).cat
    ends = np.cumsum([len(part) for part in parts])[:-1]
    codes = np.split(names.codes.to_numpy(), ends)
    of_rows = [spread(grid, keys, of_grid, table) for grid, of_grid in zip(grids, codes, strict=True)]
    return pd.Series(pd.Categorical.from_codes(np.concatenate(of_rows), dtype=pd.CategoricalDtype(names.categories)))


def _categorical(codes: NDArray[np.intp], names: list[str], index: "pd.Index[Any]") -> "pd.Series[Any]":
    return pd.Series(pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(names)), index=index)
