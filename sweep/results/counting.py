"""Tables of a result that keeps counts instead of runs: its summary, and the counts themselves."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sweep.engine.tally import Tally
from sweep.results import tables
from sweep.results.statistics import weighted_quantiles
from sweep.spec import schema
from sweep.spec.experiment import Experiment

if TYPE_CHECKING:
    import pyarrow as pa


def whole_points(tallies: Iterable[Tally]) -> Iterator[Tally]:
    """Add up tallies of increasing runs, so that no two hold runs of one grid point."""
    held: Tally | None = None
    for tally in tallies:
        held = Tally.joined([held, tally] if held else [tally])
        last = held.points == held.points[-1]
        if not last.all():
            yield held[~last]
            held = held[last]
    if held:
        yield held


def summary(experiment: Experiment, tally: Tally) -> "pa.Table":
    """Make the rows of some grid points from all of their runs; columns as in `sweep.results.tables.summaries`.

    Counts are exact. A quantile is the middle of the bin that it lies in.
    """
    points, firsts = np.unique(tally.points, return_index=True)
    counts = {
        status: np.add.reduceat(np.where(tally.status == code, tally.n, 0), firsts)
        for code, status in enumerate(schema.STATUSES)
    }
    epochs, losses = tally.middles(experiment.train.max_epochs)
    values = np.where(epochs < 0, tables.LATER, epochs).astype(np.uint32), losses
    quantiles: Any = (weighted_quantiles(each, tally.n, firsts) for each in values)
    n = np.add.reduceat(tally.n, firsts)
    return tables.rows(experiment, experiment.first_runs(points), n, counts, *quantiles)


def counts_table(experiment: Experiment, tally: Tally) -> "pa.Table":
    """Make the table of counts: `run`, the first of a setting; the grid's columns; `status`; ends of bins; `n`.

    `epoch_low` and `epoch_high` are the first and the last epoch of a bin, missing where the runs did not converge. A
    final loss is `loss_low` or more, and less than `loss_high`; both are ∞ of runs that diverged.
    """
    import pyarrow as pa

    runs = experiment.first_runs(tally.points)
    epochs = (pa.array(end, mask=end < 0) for end in tally.epochs(experiment.train.max_epochs))
    parts = tables.text(tally.status, schema.STATUSES), *epochs, *tally.losses, tally.n
    return pa.table(
        {"run": runs, **tables.coordinates(experiment, runs), **dict(zip(schema.COUNTS, parts, strict=True))}
    )
