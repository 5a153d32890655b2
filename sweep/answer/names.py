"""Names of values and of settings, as they stand in sentences."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sweep.analysis.findings import Findings
from sweep.spec.gates import shown
from sweep.words import ENCODINGS, NBSP, NUMBERS, assignment, counted, joined, label, number, unbroken

_WORDS = {"bce": "cross-entropy", "mse": "squared error", "batch": "batch updates", "online": "online updates"}


def value(axis: str, at: Any) -> str:
    """Name a value of an axis so that it is clear of which: "2 hidden units", "η = 0.1", "tanh"."""
    if at is None or pd.isna(at):
        return f"no {label(axis)}"
    if isinstance(at, bool | np.bool_):
        return ("" if at else "no ") + f"{label(axis)}{'es' if label(axis).endswith('s') else 's'}"
    if axis == "hidden":
        return unbroken(counted(at, "hidden unit") if at else "no hidden units")
    if isinstance(at, NUMBERS):
        sign = " = " if axis in ("learning_rate", "hidden_learning_rate") or label(axis).startswith("initial") else " "
        return assignment(axis, number(at)) if axis == "learning_rate" else unbroken(f"{label(axis)}{sign}{number(at)}")
    if axis == "output":
        return f"{at} output"
    return ENCODINGS[at] if axis == "encoding" else unbroken(_WORDS.get(str(at), shown(str(at))))


def listed(axis: str, groups: Sequence[Sequence[Any]], neighbours: bool = True) -> list[str]:
    """Name groups of values; of numbers the first bears the name of the axis: "2 hidden units", "3", "4 to 8"."""
    named = []
    for group in groups:
        if not isinstance(group[0], NUMBERS) or isinstance(group[0], bool | np.bool_):
            named.append(joined([value(axis, at) for at in group]))
            continue
        numbers = [number(at) for at in group]
        text = f"{numbers[0]} to {numbers[-1]}" if neighbours and len(numbers) > 2 else joined(numbers)
        if named:
            named.append(text)
        elif axis == "hidden" and len(group) > 1:
            named.append(unbroken(f"{text} hidden units"))
        else:
            named.append(value(axis, group[-1]).replace(numbers[-1], text))
    return named


def together(findings: Findings, axis: str, at: Any) -> str:
    """Name a value of an axis, and those of the axes that follow from it."""
    names = [] if at in findings.companions.get(axis, ()) else [value(axis, at)]  # momentum, with momentum 0.9
    for other in findings.companions.get(axis, ()):
        settings = findings.varied
        with_it = settings.loc[settings[axis] == at, other].iloc[0]
        said = axis == "momentum" == with_it  # the optimizer, which the setting of this name names
        if with_it is not None and not pd.isna(with_it) and with_it is not np.False_ and not said:
            names.append(value(other, with_it))
    return names[0] if len(names) == 1 else f"{names[0]} and {joined(names[1:])}"


def names_of(findings: Findings, axis: str, groups: Sequence[Sequence[Any]], neighbours: bool = True) -> list[str]:
    """Name groups of values as `listed` does, or with those of the axes that follow from them."""
    if findings.companions.get(axis):
        return [joined([together(findings, axis, at) for at in group]) for group in groups]
    return listed(axis, groups, neighbours)


def setting(findings: Findings, row: int, without: Sequence[str] = ()) -> str:
    """Name the values of the axes of a row of `varied`: "tanh, start uniform(-1, 1), η = 3.16".

    Axes whose values have been said are left out, with those that follow from them.
    """
    named_axes = [*without, *(other for axis in without for other in findings.companions.get(axis, ()))]
    at = findings.varied.iloc[row]
    names: list[str] = []
    for axis in map(str, findings.varied):
        value_of = at[axis]
        no = value_of is False or value_of is np.False_
        if axis in named_axes or pd.isna(value_of) or (no and axis not in findings.companions):
            continue
        if axis == "optimizer" and value_of == "momentum" and pd.notna(at.get("momentum")):
            axis, value_of = "momentum", at["momentum"]  # noqa: PLW2901
            if axis in named_axes:
                continue
        named_axes.append(axis)
        names.append((f"start{NBSP}" if axis == "init" else "") + value(axis, value_of))
    return ", ".join(names)
