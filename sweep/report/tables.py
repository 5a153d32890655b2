"""Tables of what came out: one row per run, one row per grid point, the learning curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.spec.experiment import Experiment

if TYPE_CHECKING:
    import pyarrow as pa

STATUSES = ("converged", "diverged", "stationary", "max_epochs")
QUANTILES = (5, 25, 50, 75, 95)
"""Percent."""
Z_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""

_LATER = np.iinfo(np.int64).max
NULLABLE = ("converged_epoch", *(f"epochs_q{q:02d}" for q in QUANTILES))
"""Columns of integers that may be missing."""
_INTEGERS = ("run", "seed", "epochs", "epoch", "n", "n_converged", "n_diverged", "n_stationary")
_LOSSES = tuple(f"final_loss_q{q:02d}" for q in QUANTILES)
_FLOATS = ("final_loss", "loss", "converged_rate", "converged_low", "converged_high", *_LOSSES)


class Outcome(Protocol):
    """What became of each run, in the order of run numbers; see `sweep.engine.outcome.Outcome`."""

    status: NDArray[np.int8]
    epochs: NDArray[np.int64]
    converged_epoch: NDArray[np.int64]
    final_loss: NDArray[np.float64]
    curves: NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """What a sweep found.

    Attributes
    ----------
    runs : DataFrame
        One row per run: `run`, the columns of the grid, `seed`, `status` (one of `STATUSES`), `epochs` (updates
        applied), `converged_epoch` (missing if never), `final_loss` (nats for bce; ∞ if diverged).
    summary : DataFrame
        One row per grid point, all seeds together; see `summary_table`.
    curves : DataFrame or None
        `run`, `epoch`, `loss`, where losses were recorded.
    manifest : dict
        The experiment as resolved, versions, machine, time and checksums.
    path : Path or None
        Where it lies on disk.
    """

    runs: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame | None
    manifest: Mapping[str, Any]
    path: Path | None = None


def runs_table(experiment: Experiment, outcome: Outcome) -> pd.DataFrame:
    """One row per run, in the order of run numbers; columns as in `Result.runs`."""
    numbers = [np.arange(grid.n_runs) for grid in experiment.grids]
    seeds = [grid.seed_of(runs) for grid, runs in zip(experiment.grids, numbers, strict=True)]
    converged_epoch = outcome.converged_epoch
    return pd.DataFrame(
        {
            "run": np.arange(experiment.n_runs),
            **_coordinates(experiment, numbers),
            "seed": np.concatenate(seeds),
            "status": pd.Categorical.from_codes(outcome.status, dtype=pd.CategoricalDtype(list(STATUSES))),
            "epochs": outcome.epochs,
            "converged_epoch": pd.arrays.IntegerArray(converged_epoch.copy(), converged_epoch < 0),
            "final_loss": outcome.final_loss,
        }
    )


def summary_table(experiment: Experiment, outcome: Outcome) -> pd.DataFrame:
    """One row per grid point, in the order of run numbers, all seeds together.

    Columns: those of the grid; `n` runs, of which `n_converged`; `converged_rate` = n_converged / n with its Wilson
    95 % interval `converged_low`, `converged_high` (see `wilson`); `n_diverged`, `n_stationary`; `epochs_q05` …
    `epochs_q95`, quantiles of the epoch of convergence over all runs, where a run that did not converge is later than
    max_epochs and a quantile that falls there is missing; `final_loss_q05` … `final_loss_q95`, where a diverged
    run is ∞. A quantile is an order statistic: the smallest value that at least so many percent of the runs do not
    exceed.
    """
    parts = []
    first = 0
    for grid in experiment.grids:
        where, shape = slice(first, first + grid.n_runs), (grid.n_points, len(grid.seeds))
        status, converged_epoch = outcome.status[where], outcome.converged_epoch[where]
        losses = outcome.final_loss[where]
        parts.append(_summarise(status.reshape(shape), converged_epoch.reshape(shape), losses.reshape(shape)))
        first += grid.n_runs
    points = [np.arange(grid.n_points) * len(grid.seeds) for grid in experiment.grids]
    return pd.concat([pd.DataFrame(_coordinates(experiment, points)), pd.concat(parts, ignore_index=True)], axis=1)


def curves_table(outcome: Outcome, record_every: int) -> pd.DataFrame:
    """`run`, `epoch` and `loss` of every recorded point, run by run."""
    run, point = np.nonzero(~np.isnan(outcome.curves))
    return pd.DataFrame({"run": run, "epoch": point * record_every, "loss": outcome.curves[run, point]})


def wilson(successes: NDArray[np.int64], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % interval of a proportion: Wilson 1927, J. Am. Stat. Assoc. 22:209, without continuity correction.

    With p̂ = k/n and z the normal quantile, (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n).

    Parameters
    ----------
    successes : int64, any shape
        k of each sample.
    n
        Size of every sample, at least 1.

    Returns
    -------
    low, high : float64, shape of `successes`
    """
    p = successes / n
    spread = Z_95 * np.sqrt(p * (1.0 - p) / n + Z_95**2 / (4.0 * n * n))
    centre, whole = p + Z_95**2 / (2.0 * n), 1.0 + Z_95**2 / n
    low, high = (centre - spread) / whole, (centre + spread) / whole
    return np.where(successes == 0, 0.0, low), np.where(successes == n, 1.0, high)


def arrow_types(experiment: Experiment) -> dict[str, "pa.DataType"]:
    """The type of every column of every table on disk: text is text, whatever it looks like."""
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    values = {key: _array(values) for key, values in _values(experiment).items()}
    grid = {key: text if array.dtype.kind == "U" else pa.from_numpy_dtype(array.dtype) for key, array in values.items()}
    return {
        **dict.fromkeys(_INTEGERS, pa.int64()),
        **dict.fromkeys(_FLOATS, pa.float64()),
        **dict.fromkeys(NULLABLE, pa.int64()),
        **grid,
        "status": text,
    }


def from_arrow(table: "pa.Table", experiment: Experiment) -> pd.DataFrame:
    """A table that was read with `arrow_types`, with the dtypes that it had when it was made."""
    categories = {**_values(experiment), "status": list(STATUSES)}
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in NULLABLE:
            columns[name] = column.to_pandas(types_mapper={column.type: pd.Int64Dtype()}.get)
        elif categories.get(name) and isinstance(categories[name][0], str):
            columns[name] = column.to_pandas().astype(pd.CategoricalDtype(categories[name]))
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame(columns)


def _summarise(
    status: NDArray[np.int8], converged_epoch: NDArray[np.int64], final_loss: NDArray[np.float64]
) -> pd.DataFrame:
    n = status.shape[1]
    converged = status == STATUSES.index("converged")
    n_converged = converged.sum(axis=1)
    low, high = wilson(n_converged, n)
    columns: dict[str, Any] = {
        "n": np.full(len(status), n),
        "n_converged": n_converged,
        "converged_rate": n_converged / n,
        "converged_low": low,
        "converged_high": high,
        "n_diverged": (status == STATUSES.index("diverged")).sum(axis=1),
        "n_stationary": (status == STATUSES.index("stationary")).sum(axis=1),
    }
    epochs = np.sort(np.where(converged, converged_epoch, _LATER), axis=1)
    losses = np.sort(final_loss, axis=1)
    rank = {q: -(-q * n // 100) - 1 for q in QUANTILES}
    for q in QUANTILES:
        values = epochs[:, rank[q]]
        columns[f"epochs_q{q:02d}"] = pd.arrays.IntegerArray(np.where(values == _LATER, 0, values), values == _LATER)
    for q, name in zip(QUANTILES, _LOSSES, strict=True):
        columns[name] = losses[:, rank[q]]
    return pd.DataFrame(columns)


def _values(experiment: Experiment) -> dict[str, list[Any]]:
    """Column of the grid → its different values, in the order of the file."""
    return {
        key: list(dict.fromkeys(value for grid in experiment.grids for value in grid.values[key]))
        for key in experiment.columns
    }


def _array(values: Sequence[Any]) -> NDArray[Any]:
    """Different values of a column; one that a grid leaves open is NaN, a hole in the tables."""
    return np.array([np.nan if value is None else value for value in values])


def _coordinates(experiment: Experiment, runs: Sequence[NDArray[np.int64]]) -> dict[str, Any]:
    """The columns of the grid for runs of each grid, numbered within it."""
    columns: dict[str, Any] = {}
    for key, values in _values(experiment).items():
        number = {value: code for code, value in enumerate(values)}
        codes = np.concatenate(
            [
                np.array([number[value] for value in grid.values[key]])[grid.indices(key, part)]
                for grid, part in zip(experiment.grids, runs, strict=True)
            ]
        )
        if isinstance(values[0], str):
            columns[key] = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(values))
        else:
            columns[key] = _array(values)[codes]
    return columns
