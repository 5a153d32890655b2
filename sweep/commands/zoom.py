"""The experiment of a smaller window of the plane that a result shows."""

import json
from collections.abc import Mapping
from typing import Any

from sweep.errors import ExperimentError
from sweep.results.result import Result
from sweep.spec.experiment import load
from sweep.spec.grid import Grid
from sweep.spec.keys import key_of


def zoomed(result: Result, x: tuple[float, float], y: tuple[float, float], number: int = 0) -> str:
    """Write the experiment, in TOML, that has other ends on the two axes of one of a result's grids.

    The window goes from x[0] to x[1] along the last numeric axis of the grid, from y[0] to y[1] along the one before.
    ``ExperimentError`` if there is no grid of this number, it has no two such axes, or the window is none.
    """
    experiment = result.experiment
    if not 0 <= number < len(experiment.grids):
        raise ExperimentError(f"grid {number}: allowed: 0 to {len(experiment.grids) - 1}")
    resolved, grid = experiment.resolved(), experiment.grids[number]
    axes = [key for key, values in grid.values.items() if len(values) > 1 and key_of(key).numeric]
    if len(axes) < 2:
        raise ExperimentError(f"a window has two numeric axes; grid {number} has {len(axes)}")
    changed = dict(resolved["grid"][number])
    for key, (low, high) in zip(axes[-2:], (y, x), strict=True):
        changed[key] = {"from": low, "to": high, "num": len(grid.values[key]), "scale": _scale(grid, key)}
    tables = {name: table for name, table in resolved["tables"].items() if name in grid.values["gate"]}
    document = {**resolved, "name": f"{experiment.name}_zoom", "grid": changed, "tables": tables}
    document["columns"] = [key for key in experiment.columns if key in grid.values]
    load(document)
    return "".join(_lines(document))


def _scale(grid: Grid, key: str) -> str:
    """Tell if the middle value of an axis is nearer to the geometric than to the arithmetic mean of its ends."""
    values = grid.values[key]
    first, last, middle = float(values[0]), float(values[-1]), float(values[len(values) // 2])
    if min(first, last) <= 0:
        return "linear"
    share = (len(values) // 2) / (len(values) - 1)
    linear, log = first + (last - first) * share, first * (last / first) ** share
    return "log" if abs(middle - log) < abs(middle - linear) else "linear"


def _lines(document: Mapping[str, Any]) -> list[str]:
    sections = {"grid": document["grid"], "train": document["train"]}
    sections |= {f"tables.{json.dumps(name)}": table for name, table in document["tables"].items()}
    lines = [f"{key} = {_toml(value)}\n" for key, value in document.items() if not isinstance(value, Mapping)]
    for heading, part in sections.items():
        lines.append(f"\n[{heading}]\n")
        lines += [f"{key} = {_toml(value)}\n" for key, value in part.items() if value is not None]
    return lines


def _toml(value: Any) -> str:
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case bool() | str():
            return json.dumps(value, ensure_ascii=False)
    return repr(value)
