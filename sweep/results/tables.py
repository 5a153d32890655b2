"""Tables of a result: one row per run, one row per grid point, the learning curves.

They are made in pieces, as Arrow tables, from the outcomes of runs in their order, so that no table has to fit into
memory to be written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

LATER = np.iinfo(np.uint32).max
"""Epoch of a run that did not converge."""


def runs_table(experiment: Experiment, outcome: Outcome) -> "pa.Table":
    """Make the table of runs of an outcome; columns as in `sweep.results.result.Result.runs`."""
    import pyarrow as pa

    seeds = [experiment.grids[at].seed_of(within) for at, _, within in experiment.by_grid(outcome.runs)]
    return pa.table(
        {
            "run": outcome.runs,
            **coordinates(experiment, outcome.runs),
            "seed": np.concatenate(seeds),
            "status": text(outcome.status, schema.STATUSES),
            "epochs": outcome.epochs,
            "converged_epoch": pa.array(outcome.converged_epoch, mask=outcome.converged_epoch < 0),
            "period": pa.array(outcome.period, mask=outcome.period < 0),
            "final_loss": outcome.final_loss,
            schema.ANSWERS: _answers(outcome.answers),
            **{
                name: column.astype(np.int64) if name in schema.RESTARTS else column
                for name, column in zip(experiment.train.extra, outcome.extra.T, strict=True)
            },
        }
    )


def summaries(experiment: Experiment, outcomes: Iterable[Outcome]) -> "Iterator[pa.Table]":
    """Make the rows of all grid points that have a run, in the order of run numbers, all seeds together.

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
    held: _Point | None = None
    for outcome in outcomes:
        points = experiment.points_of(outcome.runs)
        more, last = 0, int(np.searchsorted(points, points[-1]))
        if held:
            more = int(np.searchsorted(points, held.point, side="right"))
            held.add(outcome[:more])
            if more == points.size:
                continue
            yield held.summary(experiment)
        if more < last:
            yield _summary(experiment, outcome[more:last])
        held = _Point(int(points[-1]), outcome[last:])
    if held:
        yield held.summary(experiment)


class _Point:
    """The runs of one grid point, as little of them as its summary takes: 12 bytes each."""

    def __init__(self, point: int, outcome: Outcome) -> None:
        self.point, self.first_run = point, outcome.runs[:1]
        self.counts = np.zeros(len(schema.STATUSES), np.int64)
        self.epochs: list[NDArray[np.uint32]] = []
        self.losses: list[NDArray[np.float64]] = []
        self.add(outcome)

    def add(self, outcome: Outcome) -> None:
        """Add runs, which come after those before."""
        self.counts += np.bincount(outcome.status, minlength=len(schema.STATUSES))
        self.epochs.append(_epochs(outcome))
        self.losses.append(outcome.final_loss.copy())

    def summary(self, experiment: Experiment) -> "pa.Table":
        """Make the row of the point, and drop its runs."""
        n = self.counts.sum(keepdims=True)
        places = schema.quantile_ranks(int(n[0]))
        quantiles: list[NDArray[Any]] = []
        for parts in (self.epochs, self.losses):
            values = np.concatenate(parts)
            parts.clear()
            values.partition(places)
            quantiles.append(values[places][:, np.newaxis])
        counts = dict(zip(schema.STATUSES, self.counts[:, np.newaxis], strict=True))
        return rows(experiment, self.first_run, n, counts, *quantiles)


class Answers:
    """Counts what the runs of each grid point answer, from outcomes with increasing numbers, cut anywhere.

    Rows are in the order of run numbers; of a point the commonest answer comes first.
    """

    def __init__(self, experiment: Experiment) -> None:
        import pyarrow as pa

        self.experiment = experiment
        types = dict.fromkeys(("point", schema.ANSWERS, "run", "n", "n_converged"), pa.int64())
        self._held = pa.schema({**types, schema.ANSWERS: pa.string()}).empty_table()

    def add(self, runs: "pa.Table", outcome: Outcome) -> "Iterator[pa.Table]":
        """Count runs, given as `runs_table` makes them too; yields the rows of points that are complete, if any are."""
        import pyarrow as pa

        converged = outcome.status == schema.status_code("converged")
        columns = {"point": self.experiment.points_of(outcome.runs), schema.ANSWERS: runs[schema.ANSWERS]}
        columns |= {"run": outcome.runs, "n": np.ones(outcome.n_runs, np.int64), "n_converged": converged.astype(int)}
        every = self._summed(pa.concat_tables([self._held, self._summed(pa.table(columns))]))
        last = every["point"].to_numpy()
        complete = int(np.searchsorted(last, last[-1]))
        self._held = every[complete:]
        if complete:
            yield self._rows(every[:complete])

    def rest(self) -> "Iterator[pa.Table]":
        """Yield the rows of the last point, if there is one."""
        if self._held.num_rows:
            yield self._rows(self._held)

    def _rows(self, counted: "pa.Table") -> "pa.Table":
        import pyarrow as pa

        setting = coordinates(self.experiment, counted["run"].to_numpy())
        texts = {schema.ANSWERS: counted[schema.ANSWERS].dictionary_encode()}
        return pa.table({**setting, **texts, "n": counted["n"], "n_converged": counted["n_converged"]})

    def _summed(self, counts: "pa.Table") -> "pa.Table":
        """Add up the rows that have the same point and answers."""
        sums = [("run", "min"), ("n", "sum"), ("n_converged", "sum")]
        summed = counts.group_by(["point", schema.ANSWERS], use_threads=False).aggregate(sums)
        plain = summed.rename_columns({f"{name}_{how}": name for name, how in sums}).cast(self._held.schema)
        return plain.sort_by([("point", "ascending"), ("n", "descending"), (schema.ANSWERS, "ascending")])


def curves_table(outcome: Outcome, record_every: int) -> "pa.Table":
    """Make the table of recorded losses, run by run: `run`, `epoch` and `loss`."""
    import pyarrow as pa

    run, point = np.nonzero(~np.isnan(outcome.curves))
    losses = outcome.curves[run, point]
    return pa.table({"run": outcome.runs[run], "epoch": point * record_every, "loss": losses})


def column_names(experiment: Experiment, table: str) -> list[str]:
    """Return the columns of a table on disk, "runs", "summary", "answers", "curves" or "counts", in order."""
    if table == "curves":
        return list(schema.CURVES)
    if table == "counts":
        return ["run", *experiment.columns, *schema.COUNTS]
    if table == "summary":
        return [*experiment.columns, *schema.SUMMARY]
    if table == "answers":
        return [*experiment.columns, *schema.COUNTS_OF_ANSWERS]
    return ["run", *experiment.columns, "seed", *schema.OUTCOME, schema.ANSWERS, *experiment.train.extra]


def arrow_types(experiment: Experiment, table: str) -> dict[str, "pa.DataType"]:
    """Return the type of every column of a table on disk, as in `column_names`.

    Text is text, whatever it looks like. The learning curves have a column `loss` of their own, not the grid's.
    """
    import pyarrow as pa

    names = column_names(experiment, table)
    types = {name: pa.float64() if name in (*schema.FLOATS, *schema.SUMS, "loss") else pa.int64() for name in names}
    if table != "curves":
        category = pa.dictionary(pa.int32(), pa.string())
        every = {key: Values.of(experiment, key) for key in experiment.columns}
        types |= {key: category if of.are_texts else pa.from_numpy_dtype(of.array.dtype) for key, of in every.items()}
        types |= {name: category for name in ("status", schema.ANSWERS) if name in types}
    return types


def from_arrow(table: "pa.Table", experiment: Experiment, copy: bool = True) -> "pd.DataFrame":
    """Convert a table to pandas: texts become categories in the order of the file, integers that may be missing Int64.

    Without a copy it takes less memory, and cannot be written to.
    """
    import pandas as pd
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in schema.NULLABLE:
            columns[name] = column.to_pandas(types_mapper={column.type: pd.Int64Dtype()}.get)
        elif pa.types.is_dictionary(column.type):
            texts = column.to_pandas()
            values = schema.STATUSES if name == "status" else sorted(texts.cat.categories)
            if name in experiment.columns:
                values = Values.of(experiment, name).values
            columns[name] = texts.cat.set_categories(list(values))  # astype would keep another order
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame(columns, copy=copy)


def _summary(experiment: Experiment, outcome: Outcome) -> "pa.Table":
    """Make the rows of some grid points from all of their runs."""
    points, firsts, n = np.unique(experiment.points_of(outcome.runs), return_index=True, return_counts=True)
    shape = len(schema.QUANTILES), len(points)
    epochs, losses = np.empty(shape, np.uint32), np.empty(shape)
    epochs_of_runs = _epochs(outcome)
    for size in np.unique(n):
        which = np.flatnonzero(n == size)
        members = firsts[which, np.newaxis] + np.arange(size) if len(which) < len(points) else slice(None)
        for values, quantiles in ((epochs_of_runs, epochs), (outcome.final_loss, losses)):
            quantiles[:, which] = np.sort(values[members].reshape(-1, size), axis=1)[:, schema.quantile_ranks(size)].T
    counts = {
        status: np.add.reduceat(outcome.status == code, firsts, dtype=np.int64)
        for code, status in enumerate(schema.STATUSES)
    }
    return rows(experiment, outcome.runs[firsts], n, counts, epochs, losses)


def _epochs(outcome: Outcome) -> NDArray[np.uint32]:
    """Return the epoch at which each run converged, `LATER` where it did not."""
    converged = outcome.status == schema.status_code("converged")
    return np.where(converged, outcome.converged_epoch, LATER).astype(np.uint32)


def rows(
    experiment: Experiment,
    first_runs: NDArray[np.int64],
    n: NDArray[np.int64],
    counts: Mapping[str, NDArray[np.int64]],
    epochs: NDArray[np.uint32],
    losses: NDArray[np.float64],
) -> "pa.Table":
    """Rows of the summary from the first run, the numbers of runs and the quantiles of each point."""
    import pyarrow as pa

    low, high = wilson(counts["converged"], n)
    return pa.table(
        {
            **coordinates(experiment, first_runs),
            "n": n,
            "n_converged": counts["converged"],
            "converged_rate": counts["converged"] / n,
            "converged_low": low,
            "converged_high": high,
            **{name: counts[status] for name, status in schema.FAILURES.items()},
            **{
                name: pa.array(values.astype(np.int64), mask=values == LATER)
                for name, values in zip(schema.EPOCH_QUANTILES, epochs, strict=True)
            },
            **dict(zip(schema.LOSS_QUANTILES, losses, strict=True)),
        }
    )


def text(codes: NDArray[np.integer[Any]], names: Sequence[str]) -> "pa.Array":
    """Return names by their codes."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))


def _answers(answers: NDArray[np.bytes_]) -> "pa.Array":
    """Return what runs answer as texts, each different one once."""
    import pyarrow as pa

    width = answers.itemsize
    every = pa.Array.from_buffers(pa.binary(width), answers.size, [None, pa.py_buffer(np.ascontiguousarray(answers))])
    encoded = every.dictionary_encode()
    texts = [text.rstrip(b"\0").decode("ascii") for text in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(texts, pa.string()))


def coordinates(experiment: Experiment, runs: NDArray[np.int64]) -> dict[str, "pa.Array"]:
    """Return the columns of the grid for runs."""
    import pyarrow as pa

    places = experiment.by_grid(runs)
    columns: dict[str, pa.Array] = {}
    for key in experiment.columns:
        every = Values.of(experiment, key)
        codes = np.concatenate([every.numbers[at][experiment.grids[at].indices(key, runs)] for at, _, runs in places])
        texts = every.are_texts
        columns[key] = text(codes, every.values) if texts else pa.array(every.array[codes], from_pandas=True)
    return columns
