"""Addresses of runs: settings and a seed, which stay true when an experiment grows and numbers of runs shift."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sweep.errors import UnknownRunError
from sweep.results.selection import places_of
from sweep.spec.experiment import Experiment
from sweep.spec.grid import Grid
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
    """Return the number of the only run with some settings.

    Parameters
    ----------
    experiment
    address
        "KEY=VALUE" texts: a key of the grid, `seed`, or `grid` for the number of a [[grid]], from 1. A number may have
        the digits with which it is printed; a gate may have any of its names. A key that has one value may be left out.

    Raises
    ------
    UnknownRunError
        If no run has these settings, or several have.
    """
    wanted = _wanted(experiment, address)
    found: list[tuple[int, int, Grid, list[Sequence[int]]]] = []
    for number, (grid, first) in enumerate(zip(experiment.grids, experiment.firsts, strict=False), 1):
        if wanted.get("grid", str(number)) == str(number) or "grid" in grid.values:
            places = [_places(experiment, key, values, wanted.get(key)) for key, values in grid.values.items()]
            places.append(_places(experiment, "seed", grid.seeds, wanted.get("seed")))
            found.append((math.prod(map(len, places)), first, grid, places))
    n_runs = sum(n for n, *_ in found)
    if n_runs == 0:
        raise UnknownRunError(_nothing(experiment, wanted))
    if n_runs > 1:
        open_keys = dict.fromkeys(
            key
            for _, _, grid, places in found
            for key, at in zip((*grid.values, "seed"), places, strict=True)
            if len(at) > 1
        )
        more = ", ".join(open_keys) or "grid, the number of a [[grid]]"
        raise UnknownRunError(
            f"found {' '.join(address) or 'no setting'}, which {n_runs:,} runs have; allowed: one run, so add {more}"
        )
    _, first, grid, places = next(match for match in found if match[0])
    return first + int(np.ravel_multi_index([at[0] for at in places], grid.shape))


def _wanted(experiment: Experiment, address: Sequence[str]) -> dict[str, str]:
    known = [*experiment.grids[0].values, "seed", "grid"]
    wanted = {}
    for part in address:
        key, sign, value = part.partition("=")
        if not sign:
            raise UnknownRunError(f"found {show(part)}; allowed: a run's number, or KEY=VALUE such as seed=3")
        if key not in known:
            raise UnknownRunError(f"{key}: unknown key{did_you_mean(key, known)}; allowed: {', '.join(known)}")
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
    seeds = key == "seed"
    return list(
        dict.fromkeys(value for grid in experiment.grids for value in (grid.seeds if seeds else grid.values[key]))
    )


def _nothing(experiment: Experiment, wanted: dict[str, str]) -> str:
    """Return what to say where no run has some settings: of the first key that has no such value, if there is one."""
    for key, text in wanted.items():
        values = range(1, len(experiment.grids) + 1) if key == "grid" else _values(experiment, key)
        if key == "grid" or not _places(experiment, key, values, text):
            shown = [written(value) for value in values[:_SHOWN]] + ["…"] * (len(values) > _SHOWN)
            if text not in shown:
                return f"{key}: found {text}; allowed: {', '.join(shown)}"
    return f"found {' '.join(f'{key}={text}' for key, text in wanted.items())}, which no run has"
