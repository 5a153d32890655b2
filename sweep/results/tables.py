"""Tables of what came out: one row per run, one row per grid point, the learning curves.

They are made in pieces, as Arrow tables, from the outcomes of runs in their order, so that no table has to fit into
memory to be written.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from sweep.kernel import STATUSES
from sweep.results.statistics import QUANTILES, ranks, wilson
from sweep.spec import schema
from sweep.spec.experiment import Experiment
from sweep.spec.grid import Grid

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_LATER = np.iinfo(np.int64).max
NULLABLE = ("converged_epoch", "period", *(f"epochs_q{q:02d}" for q in QUANTILES))
"""Columns of integers that may be missing."""
_INTEGERS = ("run", "seed", "epochs", *schema.RESTARTS, "n", "n_converged", "n_diverged", "n_stationary")
_LOSSES = tuple(f"final_loss_q{q:02d}" for q in QUANTILES)
_FLOATS = ("final_loss", "converged_rate", "converged_low", "converged_high", *_LOSSES)


class Outcome(Protocol):
    """What became of some runs, in the order of their numbers; see `sweep.engine.outcome.Outcome`."""

    runs: NDArray[np.int64]
    status: NDArray[np.int8]
    epochs: NDArray[np.int64]
    converged_epoch: NDArray[np.int64]
    period: NDArray[np.int64]
    final_loss: NDArray[np.float64]
    curves: NDArray[np.float64]
    extra: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Several outcomes one after another."""

    def __getitem__(self, where: slice) -> Self:
        """Some of the runs."""


def runs_table(experiment: Experiment, outcome: Outcome) -> "pa.Table":
    """One row per run of an outcome; columns as in `sweep.results.result.Result.runs`."""
    import pyarrow as pa

    parts = _by_grid(experiment, outcome.runs)
    return pa.table(
        {
            "run": outcome.runs,
            **_coordinates(experiment, parts),
            "seed": np.concatenate([grid.seed_of(runs) for grid, runs in parts]),
            "status": _text(outcome.status, STATUSES),
            "epochs": outcome.epochs,
            "converged_epoch": pa.array(outcome.converged_epoch, mask=outcome.converged_epoch < 0),
            "period": pa.array(outcome.period, mask=outcome.period < 0),
            "final_loss": outcome.final_loss,
            **{
                name: column.astype(np.int64) if name in schema.RESTARTS else column
                for name, column in zip(experiment.train.extra, outcome.extra.T, strict=True)
            },
        }
    )


def summaries(experiment: Experiment, outcomes: Iterable[Outcome]) -> "Iterator[pa.Table]":
    """One row per grid point of which there is a run, in the order of run numbers, all seeds together.

    Columns: those of the grid; `n` runs, of which `n_converged`; `converged_rate` = n_converged / n with its Wilson
    95 % interval `converged_low`, `converged_high` (see `wilson`); `n_diverged`, `n_stationary`; `epochs_q05` …
    `epochs_q95`, quantiles of the epoch of convergence over all runs, where a run that did not converge is later than
    max_epochs and a quantile that falls there is missing; `final_loss_q05` … `final_loss_q95`, where a diverged
    run is ∞. A quantile is an order statistic: the smallest value that at least so many percent of the runs do not
    exceed.

    Parameters
    ----------
    experiment
    outcomes
        Of runs with increasing numbers, cut anywhere.

    Yields
    ------
    pyarrow.Table
        Rows of the grid points that have become complete.
    """
    held: list[Outcome] = []
    held_point = -1
    for outcome in outcomes:
        points = _points(experiment, outcome.runs)
        if held and points[0] != held_point:
            yield _summary(experiment, held)
            held = []
        last = int(np.searchsorted(points, points[-1]))
        if last > 0:
            yield _summary(experiment, [*held, outcome[:last]])
            held = []
        held.append(outcome[last:])
        held_point = int(points[-1])
    if held:
        yield _summary(experiment, held)


def curves_table(outcome: Outcome, record_every: int) -> "pa.Table":
    """`run`, `epoch` and `loss` of every recorded point, run by run."""
    import pyarrow as pa

    run, point = np.nonzero(~np.isnan(outcome.curves))
    losses = outcome.curves[run, point]
    return pa.table({"run": outcome.runs[run], "epoch": point * record_every, "loss": losses})


def column_names(experiment: Experiment, table: str) -> list[str]:
    """Return the columns of a table on disk, "runs", "summary" or "curves", in order."""
    if table == "curves":
        return list(schema.CURVES)
    if table == "summary":
        return [*experiment.columns, *schema.SUMMARY]
    return ["run", *experiment.columns, "seed", *schema.OUTCOME, *experiment.train.extra]


def arrow_types(experiment: Experiment, table: str) -> dict[str, "pa.DataType"]:
    """The type of every column of a table on disk, "runs", "summary" or "curves": text is text, whatever it looks like.

    The learning curves have a column `loss` of their own, which is not the grid's.
    """
    import pyarrow as pa

    if table == "curves":
        return {"run": pa.int64(), "epoch": pa.int64(), "loss": pa.float64()}

    text = pa.dictionary(pa.int32(), pa.string())
    values = {key: _array(values) for key, values in _values(experiment).items()}
    grid = {key: text if array.dtype.kind == "U" else pa.from_numpy_dtype(array.dtype) for key, array in values.items()}
    return {
        **dict.fromkeys(_INTEGERS, pa.int64()),
        **dict.fromkeys((*_FLOATS, *schema.SUMS), pa.float64()),
        **dict.fromkeys(NULLABLE, pa.int64()),
        **grid,
        "status": text,
    }


def from_arrow(table: "pa.Table", experiment: Experiment, copy: bool = True) -> "pd.DataFrame":
    """A table as pandas has it: texts are categories in the order of the file, integers that may be missing Int64.

    Without a copy it takes less memory, and cannot be written to.
    """
    import pandas as pd
    import pyarrow as pa

    categories = {**_values(experiment), "status": list(STATUSES)}
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in NULLABLE:
            columns[name] = column.to_pandas(types_mapper={column.type: pd.Int64Dtype()}.get)
        elif pa.types.is_dictionary(column.type):
            columns[name] = column.to_pandas().cat.set_categories(categories[name])  # astype would keep another order
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame(columns, copy=copy)


def _summary(experiment: Experiment, parts: list[Outcome]) -> "pa.Table":
    """The rows of the grid points of some runs, all of whose runs these are."""
    import pyarrow as pa

    outcome = parts[0].joined(parts) if len(parts) > 1 else parts[0]
    points, firsts, counts = np.unique(_points(experiment, outcome.runs), return_index=True, return_counts=True)
    n_points = len(points)
    converged = outcome.status == STATUSES.index("converged")
    epochs_of_runs = np.where(converged, outcome.converged_epoch, _LATER)
    epochs, losses = np.empty((len(QUANTILES), n_points), np.int64), np.empty((len(QUANTILES), n_points))
    for n in np.unique(counts):
        which = np.flatnonzero(counts == n)
        members = firsts[which, np.newaxis] + np.arange(n) if len(which) < n_points else slice(None)
        for values, quantiles in ((epochs_of_runs, epochs), (outcome.final_loss, losses)):
            quantiles[:, which] = np.sort(values[members].reshape(-1, n), axis=1)[:, ranks(n)].T

    def count(status: str) -> NDArray[np.int64]:
        return np.add.reduceat(outcome.status == STATUSES.index(status), firsts, dtype=np.int64)

    n_converged = count("converged")
    low, high = wilson(n_converged, counts)
    return pa.table(
        {
            **_coordinates(experiment, _by_grid(experiment, outcome.runs[firsts])),
            "n": counts,
            "n_converged": n_converged,
            "converged_rate": n_converged / counts,
            "converged_low": low,
            "converged_high": high,
            "n_diverged": count("diverged"),
            "n_stationary": count("stationary"),
            **{
                f"epochs_q{q:02d}": pa.array(values, mask=values == _LATER)
                for q, values in zip(QUANTILES, epochs, strict=True)
            },
            **dict(zip(_LOSSES, losses, strict=True)),
        }
    )


def _text(codes: NDArray[np.integer[Any]], names: Sequence[str]) -> "pa.Array":
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))


def _values(experiment: Experiment) -> dict[str, list[Any]]:
    """Column of the grid → its different values, in the order of the file."""
    return {
        key: list(dict.fromkeys(value for grid in experiment.grids for value in grid.values[key]))
        for key in experiment.columns
    }


def _array(values: Sequence[Any]) -> NDArray[Any]:
    """Different values of a column; one that a grid leaves open is NaN, a hole in the tables."""
    return np.array([np.nan if value is None else value for value in values])


def _by_grid(experiment: Experiment, runs: NDArray[np.int64]) -> list[tuple[Grid, NDArray[np.int64]]]:
    """Runs, in order, as numbers within the grid that they belong to."""
    parts = []
    first = 0
    for grid in experiment.grids:
        low, high = np.searchsorted(runs, (first, first + grid.n_runs))
        if low < high:
            parts.append((grid, runs[low:high] - first))
        first += grid.n_runs
    return parts


def _points(experiment: Experiment, runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the grid point of each run, all grids counted."""
    points = []
    first = 0
    for grid in experiment.grids:
        points.append(first)
        first += grid.n_points
    firsts = {id(grid): point for grid, point in zip(experiment.grids, points, strict=True)}
    return np.concatenate(
        [firsts[id(grid)] + numbers // len(grid.seeds) for grid, numbers in _by_grid(experiment, runs)]
    )


def _coordinates(experiment: Experiment, parts: Sequence[tuple[Grid, NDArray[np.int64]]]) -> dict[str, "pa.Array"]:
    """The columns of the grid for runs of each grid, numbered within it."""
    import pyarrow as pa

    columns: dict[str, pa.Array] = {}
    for key, values in _values(experiment).items():
        number = {value: code for code, value in enumerate(values)}
        codes = np.concatenate(
            [np.array([number[value] for value in grid.values[key]])[grid.indices(key, runs)] for grid, runs in parts]
        )
        if isinstance(values[0], str):
            columns[key] = _text(codes, values)
        else:
            columns[key] = pa.array(_array(values)[codes], from_pandas=True)
    return columns
