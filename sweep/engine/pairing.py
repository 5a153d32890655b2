"""Pair runs of two experiments, and find outcomes of one that hold for the other."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.engine.outcome import Outcome
from sweep.spec.gates import truth_table
from sweep.spec.grid import Grid
from sweep.spec.keys import Train
from sweep.spec.schema import status_code
from sweep.spec.training_sets import TrainingSet

TrainingSets = Mapping[str, TrainingSet]


def partner_runs(
    grid: Grid, tables: TrainingSets, other: Grid, other_tables: TrainingSets, runs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Find the numbers that runs of a grid have in another one, −1 where it has no such run.

    Two runs are the same where all keys of the grid and the seed are, whatever the order of the axes; gates are the
    same where their training sets are. How long they train does not matter.

    Each grid comes with its training sets of one's own. Runs, int64 of any shape, are numbered within `grid`, and those
    that are returned, of the same shape, within `other`.
    """
    if grid.weights != other.weights:
        return np.full(runs.shape, -1)
    numbers = other.place_of_seed(grid.seed_of(runs))
    exists = numbers >= 0
    strides = {key: math.prod(other.shape[axis:]) for axis, key in enumerate(other.values, 1)}
    for key in dict.fromkeys((*grid.values, *other.values)):
        values, other_values = grid.values.get(key, (None,)), other.values.get(key, (None,))
        place = {_identity(key, value, other_tables): at for at, value in enumerate(other_values)}
        place_of = np.array([place.get(_identity(key, value, tables), -1) for value in values])
        at = place_of[grid.indices(key, runs)] if key in grid.values else np.full(runs.shape, place_of[0])
        exists &= at >= 0
        numbers = numbers + at * strides.get(key, 0)
    return np.where(exists, numbers, -1)


def still_true(outcome: Outcome, then: Train, now: Train) -> NDArray[np.bool_]:
    """Tell which runs would have come out the same under `now`: bool, shape (n,).

    More or fewer epochs at most change nothing for a run that had ended by itself within both; its learning curve is
    that of `resized`.
    """
    if then == now:
        return np.ones(outcome.n_runs, np.bool_)
    if (then.restart_after or then.last_losses) and now.max_epochs != then.max_epochs:
        return np.zeros(outcome.n_runs, np.bool_)
    alike = then.model_copy(update={"max_epochs": now.max_epochs, "record_every": now.record_every}) == now
    recorded = now.record_every in (0, then.record_every)
    if not (alike and recorded and (now.early_stop or now.max_epochs == then.max_epochs)):
        return np.zeros(outcome.n_runs, np.bool_)
    if now.max_epochs == then.max_epochs:
        return np.ones(outcome.n_runs, np.bool_)
    by_itself = (outcome.status == status_code("converged")) | (outcome.epochs < then.max_epochs)
    valid: NDArray[np.bool_] = by_itself & (outcome.epochs <= now.max_epochs)
    return valid


def resized(curves: NDArray[np.float64], n_recorded: int) -> NDArray[np.float64]:
    """Cut or extend learning curves, NaN after the last known point: float64, shape (n, n_recorded)."""
    n, n_before = curves.shape
    if n_before == n_recorded:
        return curves
    new = np.full((n, n_recorded), np.nan)
    shared = min(n_before, n_recorded)
    new[:, :shared] = curves[:, :shared]
    return new


def _identity(key: str, value: Any, tables: TrainingSets) -> Any:
    """Equal for two values of a key exactly if they mean the same runs."""
    if key != "gate":
        return value
    if value in tables:
        table = tables[value]
        return table.inputs.shape, table.inputs.tobytes(), table.targets.tobytes()
    return truth_table(value)
