"""Tables of what came out: one row per run, one row per grid point, the learning curves.

They are made in pieces, as Arrow tables, from the outcomes of runs in their order, so that no table has to fit into
memory to be written.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweep.engine.outcome import Outcome
from sweep.results.settings import Values
from sweep.results.statistics import wilson
from sweep.spec import schema
from sweep.spec.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_LATER = np.iinfo(np.int64).max


def runs_table(experiment: Experiment, outcome: Outcome) -> "pa.Table":
    """One row per run of an outcome; columns as in `sweep.results.result.Result.runs`."""
    import pyarrow as pa

    seeds = [experiment.grids[at].seed_of(within) for at, _, within in experiment.by_grid(outcome.runs)]
    return pa.table(
        {
            "run": outcome.runs,
            **_coordinates(experiment, outcome.runs),
            "seed": np.concatenate(seeds),
            "status": _text(outcome.status, schema.STATUSES),
            "epochs": outcome.epochs,
            "converged_epoch": pa.array(outcome.converged_epoch, mask=outcome.converged_epoch < 0),
            "period": pa.array(outcome.period, mask=outcome.period < 0),
            "final_loss": outcome.final_loss,
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
    return ["run", *experiment.columns, "seed", *schema.OUTCOME]


def arrow_types(experiment: Experiment, table: str) -> dict[str, "pa.DataType"]:
    """Return the type of every column of a table on disk, "runs", "summary" or "curves".

    Text is text, whatever it looks like. The learning curves have a column `loss` of their own, not the grid's.
    """
    import pyarrow as pa

    names = column_names(experiment, table)
    types = {name: pa.float64() if name in (*schema.FLOATS, "loss") else pa.int64() for name in names}
    if table != "curves":
        text = pa.dictionary(pa.int32(), pa.string())
        every = {key: Values.of(experiment, key) for key in experiment.columns}
        types |= {key: text if of.are_texts else pa.from_numpy_dtype(of.array.dtype) for key, of in every.items()}
    return types | ({"status": text} if table == "runs" else {})


def from_arrow(table: "pa.Table", experiment: Experiment, copy: bool = True) -> "pd.DataFrame":
    """A table as pandas has it: texts are categories in the order of the file, integers that may be missing Int64.

    Without a copy it takes less memory, and cannot be written to.
    """
    import pandas as pd
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in schema.NULLABLE:
            columns[name] = column.to_pandas(types_mapper={column.type: pd.Int64Dtype()}.get)
        elif pa.types.is_dictionary(column.type):
            values = schema.STATUSES if name == "status" else Values.of(experiment, name).values
            columns[name] = column.to_pandas().cat.set_categories(list(values))  # astype would keep another order
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame(columns, copy=copy)


def _summary(experiment: Experiment, parts: list[Outcome]) -> "pa.Table":
    """The rows of the grid points of some runs, all of whose runs these are."""
    import pyarrow as pa

    outcome = Outcome.joined(parts) if len(parts) > 1 else parts[0]
    points, firsts, counts = np.unique(_points(experiment, outcome.runs), return_index=True, return_counts=True)
    n_points = len(points)
    converged = outcome.status == schema.status_code("converged")
    epochs_of_runs = np.where(converged, outcome.converged_epoch, _LATER)
    shape = len(schema.QUANTILES), n_points
    epochs, losses = np.empty(shape, np.int64), np.empty(shape)
    for n in np.unique(counts):
        which = np.flatnonzero(counts == n)
        members = firsts[which, np.newaxis] + np.arange(n) if len(which) < n_points else slice(None)
        for values, quantiles in ((epochs_of_runs, epochs), (outcome.final_loss, losses)):
            quantiles[:, which] = np.sort(values[members].reshape(-1, n), axis=1)[:, schema.quantile_ranks(n)].T

    def count(status: str) -> NDArray[np.int64]:
        return np.add.reduceat(outcome.status == schema.status_code(status), firsts, dtype=np.int64)

    n_converged = count("converged")
    low, high = wilson(n_converged, counts)
    return pa.table(
        {
            **_coordinates(experiment, outcome.runs[firsts]),
            "n": counts,
            "n_converged": n_converged,
            "converged_rate": n_converged / counts,
            "converged_low": low,
            "converged_high": high,
            "n_diverged": count("diverged"),
            "n_stationary": count("stationary"),
            **{
                name: pa.array(values, mask=values == _LATER)
                for name, values in zip(schema.EPOCH_QUANTILES, epochs, strict=True)
            },
            **dict(zip(schema.LOSS_QUANTILES, losses, strict=True)),
        }
    )


def _text(codes: NDArray[np.integer[Any]], names: Sequence[str]) -> "pa.Array":
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))


def _points(experiment: Experiment, runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the grid point of each run, all grids counted."""
    before = np.cumsum([0, *(grid.n_points for grid in experiment.grids)])
    places = experiment.by_grid(runs)
    return np.concatenate([before[at] + within // len(experiment.grids[at].seeds) for at, _, within in places])


def _coordinates(experiment: Experiment, runs: NDArray[np.int64]) -> dict[str, "pa.Array"]:
    """Return the columns of the grid for runs."""
    import pyarrow as pa

    places = experiment.by_grid(runs)
    columns: dict[str, pa.Array] = {}
    for key in experiment.columns:
        every = Values.of(experiment, key)
        codes = every.codes(key, places, experiment.grids)
        texts = every.are_texts
        columns[key] = _text(codes, every.values) if texts else pa.array(every.array[codes], from_pandas=True)
    return columns
