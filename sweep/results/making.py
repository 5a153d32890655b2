"""The tables of a result as files: their names, and their rows made of outcomes piece by piece."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sweep.engine.chunks import answer_width
from sweep.engine.estimate import runs_per_piece
from sweep.engine.outcome import Outcome
from sweep.results import counting, tables
from sweep.spec.experiment import Experiment
from sweep.spec.schema import STATUSES
from sweep.store import table_files
from sweep.store.files import Tree
from sweep.store.outcomes import outcomes, tallies

if TYPE_CHECKING:
    import pyarrow as pa

Give = Callable[[str, "pa.Table"], object]

PARQUET_ABOVE = 5_000_000
"""Runs from which on no one wants them as CSV."""

_FORMATS = {"csv": ["csv"], "parquet": ["parquet"], "both": ["csv", "parquet"], "counts": []}


def runs_format(experiment: Experiment) -> str:
    """Return how the table of runs is written: "csv", "parquet" or "both"; "counts" if it is not."""
    if experiment.keep == "summary":
        return "counts"
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
    others = {
        "answers.csv": experiment.keep == "runs" and answer_width(experiment),
        "curves.csv": experiment.train.record_every,
        "counts.csv": experiment.keep == "summary",
    }
    return [*_runs(experiment), *_summaries(experiment), *(name for name, exists in others.items() if exists)]


def done(experiment: Experiment, tree: Tree) -> Iterator[Any]:
    """Read what became of the runs of an experiment that are done, in pieces that tables are made of."""
    if experiment.keep == "summary":
        return tallies(experiment, tree)
    return outcomes(experiment, tree, min(table_files.ROWS, runs_per_piece(experiment)))


def make_tables(experiment: Experiment, found: Iterable[Any], give: Give) -> dict[str, Any]:
    """Make the tables of what became of some runs of an experiment; returns their `n_done`, `n_epochs` and `statuses`.

    `found` are what the experiment keeps of increasing runs, points numbered through all grids. `give` is called for
    each piece of a table with the name of its file and its rows.
    """
    n_done = n_epochs = 0
    statuses = dict.fromkeys(STATUSES, 0)

    def counted() -> Iterator[Any]:
        nonlocal n_done, n_epochs, statuses
        for outcome in found:
            n_done += outcome.n_runs
            n_epochs += outcome.n_epochs
            statuses = {status: statuses[status] + count for status, count in outcome.status_counts.items()}
            yield outcome

    if experiment.keep == "summary":
        for tally in counting.whole_points(counted()):
            give("summary.csv", counting.summary(experiment, tally))
            give("counts.csv", counting.counts_table(experiment, tally))
    else:
        for piece in tables.summaries(experiment, _with_runs(experiment, counted(), give)):
            for name in _summaries(experiment):
                give(name, piece)
    return {"n_done": n_done, "n_epochs": n_epochs, "statuses": statuses}


def _with_runs(experiment: Experiment, found: Iterable[Outcome], give: Give) -> Iterator[Outcome]:
    """Make the tables of runs, of what they answer, and of losses on the way."""
    answers = tables.Answers(experiment) if answer_width(experiment) else None
    for outcome in found:
        if not outcome.n_runs:
            continue
        runs = tables.runs_table(experiment, outcome)
        for name in _runs(experiment):
            give(name, runs)
        if every := experiment.train.record_every:
            give("curves.csv", tables.curves_table(outcome, every))
        for piece in answers.add(runs, outcome) if answers else ():
            give("answers.csv", piece)
        yield outcome
    for piece in answers.rest() if answers else ():
        give("answers.csv", piece)


def _runs(experiment: Experiment) -> list[str]:
    return [f"runs.{suffix}" for suffix in _FORMATS[runs_format(experiment)]]


def _summaries(experiment: Experiment) -> list[str]:
    return ["summary.csv"] if runs_format(experiment) in ("csv", "counts") else ["summary.csv", "summary.parquet"]
