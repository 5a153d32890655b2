"""Addresses of runs: settings and a seed, which stay true when an experiment grows and numbers of runs shift."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sweep.errors import UnknownRunError
from sweep.results.selection import places_of
from sweep.spec.experiment import Experiment
from sweep.spec.messages import did_you_mean, show
from sweep.words import cell

_SHOWN = 5
"""Values named in a message."""


def address_of(experiment: Experiment, run: int) -> list[str]:
    """Return "KEY=VALUE" for each key that takes several values, by which `find` finds a run again."""
    setting = experiment.setting(run)
    several = {key for key in experiment.columns if len(_values(experiment, key)) > 1}
    if any(len(grid.seeds) > 1 for grid in experiment.grids):
        several.add("seed")
    address = [f"{key}={written(setting[key])}" for key in setting if key in several and setting[key] is not None]
    try:
        find(experiment, address)
    except UnknownRunError:  # grids that differ in what no column tells, such as `weights`
        address.insert(0, f"grid={experiment.locate(run).number + 1}")
    return address


def find(experiment: Experiment, address: Sequence[str]) -> int:
    """Return the number of the only run with some settings; `UnknownRunError` if no run has them, or several have.

    They are "KEY=VALUE" texts: a key of the grid, `seed`, or `grid` for the number of a [[grid]], from 1. A number may
    have the digits with which it is printed; a gate may have any of its names. A key that has one value may be left
    out.
    """
    wanted = _wanted(experiment, address)
    every = [
        {key: _places(experiment, key, values, wanted.get(key)) for key, values in axes.items()}
        for axes in _axes(experiment)
    ]
    found = {number: places for number, places in enumerate(every) if all(map(len, places.values()))}
    n_runs = sum(math.prod(map(len, places.values())) for places in found.values())
    if n_runs == 0:
        raise UnknownRunError(_nothing(experiment, wanted))
    if n_runs > 1:
        open_keys = dict.fromkeys(key for places in found.values() for key, at in places.items() if len(at) > 1)
        more = ", ".join(open_keys) or "grid, the number of a [[grid]]"
        raise UnknownRunError(
            f"found {' '.join(address) or 'no setting'}, which {n_runs:,} runs have; allowed: one run, so add {more}"
        )
    ((number, places),) = found.items()
    grid = experiment.grids[number]
    place = np.ravel_multi_index([places[key][0] for key in (*grid.values, "seed")], grid.shape)
    return experiment.firsts[number] + int(place)


def _axes(experiment: Experiment) -> list[dict[str, Sequence[Any]]]:
    """Return, for each grid, the values of its keys, its seeds as `seed`, and its number from 1 as `grid`."""
    numbered = enumerate(experiment.grids, 1)
    return [{**grid.values, "seed": grid.seeds, "grid": grid.values.get("grid", [number])} for number, grid in numbered]


def _wanted(experiment: Experiment, address: Sequence[str]) -> dict[str, str]:
    known = list(_axes(experiment)[0])
    wanted: dict[str, str] = {}
    for part in address:
        key, sign, value = part.partition("=")
        if not sign:
            raise UnknownRunError(f"found {show(part)}; allowed: a run's number, or KEY=VALUE such as seed=3")
        if key not in known:
            raise UnknownRunError(f"{key}: unknown key{did_you_mean(key, known)}; allowed: {', '.join(known)}")
        if key in wanted:
            raise UnknownRunError(f"{key}: found {wanted[key]} and {value}; allowed: one value")
        wanted[key] = value
    return wanted


def _places(experiment: Experiment, key: str, values: Sequence[Any], text: str | None) -> Sequence[int]:
    """Return the positions of the values that a text means; of all values where there is none."""
    if text is None:
        return range(len(values))
    places = [at for at, value in enumerate(values) if written(value) == text]
    for wanted in (text, _number(text)):
        if not places and wanted is not None:
            places = places_of(key, wanted, values, experiment.tables)
    return places


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def written(value: Any) -> str:
    """Return a value as an address has it: numbers with all their digits."""
    return cell(value) if isinstance(value, bool) or value is None else str(value).removesuffix(".0")


def _values(experiment: Experiment, key: str) -> list[Any]:
    return list(dict.fromkeys(value for axes in _axes(experiment) for value in axes[key]))


def _nothing(experiment: Experiment, wanted: dict[str, str]) -> str:
    """Return what to say where no run has some settings: of the first key that has no such value, if there is one."""
    for key, text in wanted.items():
        values = _values(experiment, key)
        if not _places(experiment, key, values, text):
            shown = [written(value) for value in values[:_SHOWN]] + ["…"] * (len(values) > _SHOWN)
            return f"{key}: found {text}; allowed: {', '.join(shown)}"
    return f"found {' '.join(f'{key}={text}' for key, text in wanted.items())}, which no run has"
