"""The tables of a result as files: their names, and their rows made of outcomes piece by piece."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sweep.engine.estimate import runs_per_piece
from sweep.engine.outcome import Outcome
from sweep.results import tables
from sweep.spec.experiment import Experiment
from sweep.spec.schema import STATUSES
from sweep.store import table_files

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_ABOVE = 5_000_000
"""Runs from which on no one wants them as CSV."""

_FORMATS = {"csv": ["csv"], "parquet": ["parquet"], "both": ["csv", "parquet"]}


def runs_format(experiment: Experiment) -> str:
    """Return how the table of runs is written: "csv", "parquet" or "both"."""
    return experiment.runs or ("parquet" if experiment.n_runs > PARQUET_ABOVE else "csv")


def facts(experiment: Experiment) -> dict[str, Any]:
    """Return what of a manifest follows from the experiment."""
    return {
        "name": experiment.name,
        "question": experiment.question,
        "n_runs": experiment.n_runs,
        "n_points": experiment.n_points,
        "runs_format": runs_format(experiment),
    }


def table_names(experiment: Experiment) -> list[str]:
    """Return the files of the tables of a result, those of runs first."""
    return [*_runs(experiment), *_summaries(experiment), *(["curves.csv"] if experiment.train.record_every else [])]


def runs_at_a_time(experiment: Experiment) -> int:
    """Return the number of runs in a piece of the tables."""
    return min(table_files.ROWS, runs_per_piece(experiment))


def make_tables(
    experiment: Experiment, outcomes: Iterable[Outcome], give: "Callable[[str, pa.Table], object]"
) -> dict[str, Any]:
    """Make the tables of some outcomes.

    Parameters
    ----------
    experiment
    outcomes
        Of runs with increasing numbers, cut anywhere.
    give
        Called for each piece of a table with the name of its file and its rows.

    Returns
    -------
    dict
        `n_done`, `n_epochs` and `statuses` of a manifest.
    """
    every = experiment.train.record_every
    n_done = n_epochs = 0
    statuses = dict.fromkeys(STATUSES, 0)

    def counted() -> Iterator[Outcome]:
        nonlocal n_done, n_epochs, statuses
        for outcome in outcomes:
            runs = tables.runs_table(experiment, outcome)
            for name in _runs(experiment):
                give(name, runs)
            if every:
                give("curves.csv", tables.curves_table(outcome, every))
            n_done += outcome.n_runs
            n_epochs += outcome.n_epochs
            statuses = {status: statuses[status] + count for status, count in outcome.status_counts.items()}
            yield outcome

    for piece in tables.summaries(experiment, counted()):
        for name in _summaries(experiment):
            give(name, piece)
    return {"n_done": n_done, "n_epochs": n_epochs, "statuses": statuses}


def _runs(experiment: Experiment) -> list[str]:
    return [f"runs.{suffix}" for suffix in _FORMATS[runs_format(experiment)]]


def _summaries(experiment: Experiment) -> list[str]:
    return ["summary.csv"] if runs_format(experiment) == "csv" else ["summary.csv", "summary.parquet"]
