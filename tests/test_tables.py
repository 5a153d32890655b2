"""The tables: what each column says, recomputed one run at a time."""

import itertools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy.stats import binomtest

import sweep
from sweep.analysis.findings import Findings
from sweep.engine.outcome import Outcome
from sweep.kernel import STATUSES, loop
from sweep.results import columns, tables
from sweep.results.statistics import wilson
from sweep.results.tables import curves_table, from_arrow, runs_table, summaries
from sweep.spec.experiment import Experiment, load
from sweep.spec.schema import QUANTILES

CONVERGED, DIVERGED, STATIONARY, MAX_EPOCHS = range(4)
MAXIMUM = 1000

UNION = {
    "grid": [
        {"learning_rate": [0.1, 2], "gate": ["0110", "AND"], "seeds": {"from": 3, "count": 7}},
        {"gate": "11", "learning_rate": 2, "encoding": "pm1", "seeds": 40},
        {"gate": ["AND", "NOT"], "learning_rate": 0.3, "init": "zeros"},
    ],
    "train": {"max_epochs": MAXIMUM},
}


@pytest.fixture
def union() -> Experiment:
    return load(UNION)


def made_up(n: int, seed: int = 0) -> Outcome:
    """Any outcome of n runs."""
    rng = np.random.default_rng(seed)
    status = rng.choice(4, n, p=[0.6, 0.15, 0.1, 0.15]).astype(np.int8)
    epochs = np.where(status == MAX_EPOCHS, MAXIMUM, rng.integers(0, MAXIMUM + 1, n))
    final_loss = np.where(status == DIVERGED, math.inf, rng.lognormal(size=n))
    early = (status == DIVERGED) & (rng.random(n) < 0.5)
    converged_epoch = np.where((status == CONVERGED) | early, epochs, -1)
    period = np.where(status == STATIONARY, rng.integers(1, 17, n), -1)
    rest = np.empty((n, 0)), np.empty((n, 0)), np.zeros(n, "S1")
    return Outcome(np.arange(n), status, epochs, converged_epoch, period, final_loss, *rest)


def runs_frame(experiment: Experiment, outcome: Outcome) -> pd.DataFrame:
    return from_arrow(runs_table(experiment, outcome), experiment)


def summary_frame(experiment: Experiment, outcomes: Iterable[Outcome]) -> pd.DataFrame:
    return from_arrow(pa.concat_tables(summaries(experiment, outcomes)), experiment)


def order_statistic(values: list[float], percent: int) -> float:
    """The smallest of the values that at least so many percent of them do not exceed."""
    return min(v for v in values if 100 * sum(other <= v for other in values) >= percent * len(values))


def test_status_codes_are_those_of_the_kernel() -> None:
    assert STATUSES == ("converged", "diverged", "stationary", "max_epochs")
    codes = (loop.CONVERGED, loop.DIVERGED, loop.STATIONARY, loop.MAX_EPOCHS)
    assert codes == (CONVERGED, DIVERGED, STATIONARY, MAX_EPOCHS)


def test_runs_table(union: Experiment) -> None:
    outcome = made_up(union.n_runs)
    runs = runs_frame(union, outcome)
    coordinates = [(rate, gate, "01", "normal(0, 1)") for rate in (0.1, 2.0) for gate in ("0110", "AND")]
    rows = [(*point, seed) for point in coordinates for seed in range(3, 10)]
    rows += [(2.0, "11", "pm1", "normal(0, 1)", seed) for seed in range(40)]
    rows += [(0.3, gate, "01", "zeros", 0) for gate in ("AND", "NOT")]
    grid = ["learning_rate", "gate", "encoding", "init"]
    assert list(runs) == [
        "run",
        *grid,
        "seed",
        "status",
        "epochs",
        "converged_epoch",
        "period",
        "final_loss",
        "answers",
    ]
    assert list(runs[[*grid, "seed"]].itertuples(index=False, name=None)) == rows
    assert list(runs["run"]) == list(range(len(rows)))
    assert [STATUSES[code] for code in outcome.status] == list(runs["status"])
    assert list(runs["epochs"]) == outcome.epochs.tolist()
    assert list(runs["final_loss"]) == outcome.final_loss.tolist()
    known = [None if epoch < 0 else epoch for epoch in outcome.converged_epoch.tolist()]
    assert [None if epoch is pd.NA else epoch for epoch in runs["converged_epoch"]] == known


def test_dtypes(union: Experiment) -> None:
    runs, summary = runs_frame(union, made_up(union.n_runs)), summary_frame(union, [made_up(union.n_runs)])
    assert list(runs["gate"].cat.categories) == ["0110", "AND", "11", "NOT"]
    assert list(runs["status"].cat.categories) == list(STATUSES)
    for table in (runs, summary):
        for name, dtype in table.dtypes.items():
            if name in ("gate", "encoding", "init", "status", "answers"):
                assert isinstance(dtype, pd.CategoricalDtype)
            elif name in ("converged_epoch", "period") or str(name).startswith("epochs_q"):
                assert dtype == pd.Int64Dtype()
            elif str(name).startswith(("learning", "final", "converged_")) and name != "converged_epoch":
                assert dtype == np.float64
            else:
                assert dtype == np.int64


def test_summary_against_a_loop_over_the_runs(union: Experiment) -> None:
    outcome = made_up(union.n_runs)
    runs, summary = runs_frame(union, outcome), summary_frame(union, [outcome])
    points = [runs.iloc[first : first + 7] for first in range(0, 28, 7)]
    points += [runs.iloc[28:68], runs.iloc[68:69], runs.iloc[69:70]]
    assert len(summary) == len(points) == union.n_points
    n_missing = 0
    for (_, row), point in zip(summary.iterrows(), points, strict=True):
        for key in union.columns:
            assert {row[key]} == set(point[key])
        counts = point["status"].value_counts()
        assert (row["n"], row["n_converged"]) == (len(point), counts["converged"])
        assert (row["n_diverged"], row["n_stationary"]) == (counts["diverged"], counts["stationary"])
        assert row["converged_rate"] == counts["converged"] / len(point)
        epochs = [e if s == "converged" else math.inf for e, s in zip(point["epochs"], point["status"], strict=True)]
        for q in QUANTILES:
            expected = order_statistic(epochs, q)
            n_missing += expected == math.inf
            assert row[f"epochs_q{q:02d}"] == expected if expected < math.inf else row[f"epochs_q{q:02d}"] is pd.NA
            assert row[f"final_loss_q{q:02d}"] == order_statistic(list(point["final_loss"]), q)
    assert 0 < n_missing < len(points) * len(QUANTILES)


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_quantiles_of_any_number_of_seeds(n: int, seed: int) -> None:
    experiment = load({"grid": {"gate": "AND", "learning_rate": 1, "seeds": n}})
    outcome = made_up(n, seed)
    row = summary_frame(experiment, [outcome]).iloc[0]
    for q in QUANTILES:
        assert row[f"final_loss_q{q:02d}"] == order_statistic(outcome.final_loss.tolist(), q)


GRIDS = {
    "one point": {"grid": {"gate": "AND", "learning_rate": 1, "seeds": 70}},
    "one seed": {"grid": {"gate": "all-2", "learning_rate": [1, 2, 3]}},
    "seeds": {"grid": {"gate": ["AND", "OR", "XOR"], "learning_rate": [1, 2], "seeds": 11}},
    "union": UNION,
}


def pieces(outcome: Outcome, cuts: Iterable[int]) -> list[Outcome]:
    """An outcome cut before some of its runs."""
    ends = sorted({0, *(cut for cut in cuts if cut < outcome.n_runs), outcome.n_runs})
    return [outcome[first:last] for first, last in itertools.pairwise(ends)]


@pytest.mark.parametrize("size", [1, 2, 6, 7, 8, 28, 69])
@pytest.mark.parametrize("experiment", [load(one) for one in GRIDS.values()], ids=list(GRIDS))
def test_summaries_of_pieces_of_any_size_are_those_of_the_whole(experiment: Experiment, size: int) -> None:
    outcome = made_up(experiment.n_runs)
    cut = summary_frame(experiment, pieces(outcome, range(0, experiment.n_runs, size)))
    assert_frame_equal(cut, summary_frame(experiment, [outcome]), check_exact=True)


@pytest.mark.parametrize("size", [4, 11, 22])
def test_a_summary_comes_as_soon_as_the_next_point_begins(size: int) -> None:
    experiment = load(GRIDS["seeds"])
    n_given = 0

    def giving() -> Iterator[Outcome]:
        nonlocal n_given
        for piece in pieces(made_up(experiment.n_runs), range(0, experiment.n_runs, size)):
            n_given += piece.n_runs
            yield piece

    n_points = 0
    for table in summaries(experiment, giving()):
        assert n_given - 11 * n_points <= size + 11
        n_points += table.num_rows
    assert n_points == experiment.n_points


@given(st.data())
@settings(deadline=None)
def test_summaries_of_any_runs_cut_anywhere_count_the_runs_given(data: st.DataObject) -> None:
    experiment = load(GRIDS[data.draw(st.sampled_from(list(GRIDS)))])
    numbers = st.integers(0, experiment.n_runs - 1)
    given_runs = sorted(data.draw(st.sets(numbers, min_size=1)))
    outcome = made_up(experiment.n_runs, data.draw(st.integers(0, 99)))[np.array(given_runs)]
    summary = summary_frame(experiment, pieces(outcome, data.draw(st.sets(numbers))))
    assert_frame_equal(summary, summary_frame(experiment, [outcome]), check_exact=True)

    rows = runs_frame(experiment, outcome)[[*experiment.columns]].to_dict("records")
    points: list[list[int]] = []
    for at, setting in enumerate(rows):
        if at and setting == rows[at - 1]:
            points[-1].append(at)
        else:
            points.append([at])
    assert summary[[*experiment.columns]].to_dict("records") == [rows[point[0]] for point in points]
    assert list(summary["n"]) == [len(point) for point in points]
    assert summary["n"].sum() == len(given_runs)
    for point, n_converged, median in zip(points, summary["n_converged"], summary["final_loss_q50"], strict=True):
        assert n_converged == (outcome.status[point] == CONVERGED).sum()
        assert median == order_statistic(outcome.final_loss[point].tolist(), 50)


@pytest.mark.parametrize("n", [1, 2, 3, 100, 100_000])
def test_wilson_interval_is_scipys(n: int) -> None:
    successes = np.unique([0, 1, n // 3, n - 1, n])
    low, high = wilson(successes, n)
    for k, *interval in zip(successes.tolist(), low, high, strict=True):
        assert interval == pytest.approx(binomtest(k, n).proportion_ci(method="wilson"), rel=1e-12, abs=1e-15)
    assert low[0] == 0
    assert high[-1] == 1


def test_wilson_interval_in_the_summary(union: Experiment) -> None:
    for row in summary_frame(union, [made_up(union.n_runs)]).itertuples():
        interval = binomtest(row.n_converged, row.n).proportion_ci(method="wilson")
        assert (row.converged_low, row.converged_high) == pytest.approx(interval, rel=1e-12, abs=1e-15)


def test_curves_table_has_what_was_recorded_and_no_more() -> None:
    nan, inf = math.nan, math.inf
    outcome = Outcome.empty(np.arange(4), 3, 0, 0)
    outcome.curves[:] = [[0.7, 0.5, 0.4], [0.6, nan, nan], [0.9, inf, nan], [0.1, 0.0, nan]]
    curves = curves_table(outcome, record_every=50).to_pandas()
    rows = [(0, 0, 0.7), (0, 50, 0.5), (0, 100, 0.4), (1, 0, 0.6), (2, 0, 0.9), (2, 50, inf), (3, 0, 0.1), (3, 50, 0.0)]
    assert list(curves.itertuples(index=False, name=None)) == rows
    assert list(curves) == ["run", "epoch", "loss"]
    assert list(curves.dtypes) == [np.int64, np.int64, np.float64]


@pytest.mark.parametrize("columns", [{}, {"columns": ["gate", "init", "encoding", "learning_rate", "hidden"]}])
def test_every_column_has_a_type_on_disk(columns: dict[str, Any]) -> None:
    experiment = load({**UNION, **columns})
    outcome = made_up(experiment.n_runs)
    made = [("summary", table) for table in summaries(experiment, [outcome])]
    made += [("runs", runs_table(experiment, outcome)), ("curves", curves_table(outcome, 1))]
    for kind, table in made:
        types = tables.arrow_types(experiment, kind)
        assert set(table.column_names) <= set(types)
        for name in table.column_names:
            assert table.schema.field(name).type == types[name], name


def test_many_losses_are_read_at_the_epochs_that_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing chooses the same epochs of all losses and of those that are read, and finds the same curves."""
    grid = {"gate": ["AND", "XOR"], "learning_rate": [0.1, 30, 1e6], "init": "uniform(-5, 5)", "seeds": 4}
    result = sweep.run({"grid": grid, "train": {"max_epochs": 900, "record_every": 2}}, tmp_path, figures=False)
    findings = [Findings(result)]
    monkeypatch.setattr(columns, "MAX_LOSSES", 120 * 24)
    findings.append(Findings(sweep.read(tmp_path)))
    whole, thinned = (found.learning_curves for found in findings)
    assert whole is not None
    assert thinned is not None
    assert len(findings[1].result.curves) < len(result.curves) / 2
    np.testing.assert_array_equal(whole.epochs, thinned.epochs)
    for one, other in zip(whole.curves, thinned.curves, strict=True):
        np.testing.assert_array_equal(one.quantiles, other.quantiles)
