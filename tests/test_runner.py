"""The runner: nothing about how the work is cut up or spread shows in what comes out, and what comes out is true."""

import concurrent.futures
import dataclasses
import threading
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference as ref
from conftest import EXPERIMENTS
from hypothesis import given
from hypothesis import strategies as st

import sweep
from sweep.engine import runner
from sweep.engine.chunks import Chunk, chunks_of
from sweep.engine.outcome import Outcome
from sweep.engine.workers import Workers
from sweep.spec.experiment import load

TABLES = ("runs.csv", "summary.csv", "answers.csv", "curves.csv")


@pytest.mark.parametrize(
    "how",
    [
        {"jobs": 2},
        {"jobs": 4, "chunk_size": 1},
        {"jobs": 2, "chunk_size": 7},
        {"jobs": 1, "chunk_size": 256},
        {"jobs": 2, "backend": "loky", "chunk_size": 50},
    ],
    ids=str,
)
def test_jobs_backend_and_chunks_change_no_byte(
    how: dict[str, Any], mixed: dict[str, Any], mixed_result: sweep.Result, tmp_path: Path
) -> None:
    sweep.run(mixed, tmp_path, figures=False, **how)
    assert mixed_result.path is not None
    for name in TABLES:
        assert (tmp_path / name).read_bytes() == (mixed_result.path / name).read_bytes()


def test_a_union_is_its_grids_one_after_another(mixed: dict[str, Any], mixed_result: sweep.Result) -> None:
    columns = ["seed", "status", "epochs", "converged_epoch", "final_loss"]
    first = 0
    for grid in mixed["grid"]:
        alone = sweep.run({**mixed, "grid": grid}).runs
        part = mixed_result.runs.iloc[first : first + len(alone)].reset_index(drop=True)
        for column in columns:
            assert part[column].equals(alone[column]), column
        first += len(alone)
    assert first == len(mixed_result.runs)


def test_statuses_are_honest(mixed_result: sweep.Result) -> None:
    runs = mixed_result.runs
    assert set(runs["status"]) == {"converged", "diverged", "stationary", "max_epochs"}
    assert not runs["final_loss"].isna().any()
    assert (np.isinf(runs["final_loss"]) == (runs["status"] == "diverged")).all()
    assert ((runs["final_loss"] < 0.01) == (runs["status"] == "converged")).all()
    assert (runs["converged_epoch"].isna() == (runs["status"] != "converged")).all()
    assert (runs["epochs"] == runs["converged_epoch"].fillna(300))[runs["status"] != "diverged"].all()


@pytest.mark.parametrize("init", ["constant(1e300)", "constant(-1e300)"])
def test_huge_weights_and_rates_end_as_rows(init: str) -> None:
    grid = {"gate": "all-2", "learning_rate": [1e-300, 1, 1e6, 1e300], "init": init}
    runs = sweep.run({"grid": grid, "train": {"max_epochs": 100}}).runs
    assert len(runs) == 64
    assert not runs["final_loss"].isna().any()
    assert (np.isinf(runs["final_loss"]) == (runs["status"] == "diverged")).all()
    assert ((runs["final_loss"] < 0.01) == (runs["status"] == "converged")).all()


@pytest.mark.parametrize("target_loss", [1e-2, 1e-4])
def test_converged_means_below_the_target_and_not_before(target_loss: float) -> None:
    grid = {"gate": ["AND", "NOR", "XOR"], "learning_rate": [10, 300], "init": "normal(0, 1)", "seeds": 3}
    result = sweep.run({"grid": grid, "train": {"max_epochs": 3000, "target_loss": target_loss, "record_every": 1}})
    assert result.curves is not None
    curve_of = {run: curve["loss"].to_numpy() for run, curve in result.curves.groupby("run")}
    statuses = result.runs["status"].value_counts()
    assert statuses["converged"] > 0
    assert statuses["max_epochs"] + statuses["stationary"] > 0
    for row in result.runs.itertuples():
        losses = curve_of[row.run]
        assert len(losses) == row.epochs + 1
        assert losses[-1] == row.final_loss
        assert (losses[:-1] >= target_loss).all()
        assert (losses[-1] < target_loss) == (row.status == "converged")


def test_any_row_can_be_remade_with_plain_numpy() -> None:
    gates = tomllib.loads((EXPERIMENTS / "gates.toml").read_text())
    truth_table = {"FALSE": "0000", "AND": "0001", "XOR": "0110", "OR": "0111", "NOT_B": "1010", "NAND": "1110"}
    draw = {
        "uniform(0, 1)": lambda rng: rng.uniform(0, 1, 3),
        "normal(0, 1)": lambda rng: rng.normal(0, 1, 3),
        "uniform(-5, 5)": lambda rng: rng.uniform(-5, 5, 3),
        "normal(0, 10)": lambda rng: rng.normal(0, 10, 3),
    }
    assert gates["grid"]["init"] == list(draw)
    runs = sweep.run(gates, overrides=["max_epochs=500", "seeds=3", "learning_rate=[0.01, 0.1, 1]"]).runs
    runs = runs[runs["gate"].isin(truth_table)].iloc[::5]
    assert len(runs) > 40
    assert set(runs["status"]) == {"converged", "max_epochs"}
    for row in runs.itertuples():
        X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        y = np.array([int(bit) for bit in truth_table[row.gate]])
        *w, b = draw[row.init](np.random.default_rng(row.seed))
        for _ in range(row.epochs):
            p = 1 / (1 + np.exp(-(X @ w + b)))
            w = w - row.learning_rate * X.T @ (p - y) / 4
            b = b - row.learning_rate * np.mean(p - y)
        p = 1 / (1 + np.exp(-(X @ w + b)))
        loss = np.mean(-np.log(np.where(y == 1, p, 1 - p)))
        assert row.final_loss == pytest.approx(loss, rel=1e-12, abs=0)


def test_every_key_of_the_grid_means_what_the_reference_does() -> None:
    grids: list[dict[str, Any]] = [
        {"encoding": ["pm1", "01"], "init_scale": [0.5, 1, 3], "gate": ["OR", "1000"]},
        {"gate": ["flat", "01101000", "steep", "AND"], "init_scale": [2, 0.25]},
    ]
    rest = {"init": ["he_normal", "uniform(-2, 1)"], "learning_rate": [0.5, 2], "seeds": {"from": 11, "count": 2}}
    own = {"flat": [[0.3, -2, 1], [0.1, 4, 0], [0, 0.5, 0]], "steep": [[3, -2, 0], [1, 4, 1], [0, 0.5, 1]]}
    tables = {name: {"rows": rows} for name, rows in own.items()}
    train = {"max_epochs": 25, "target_loss": 1e-2}
    runs = sweep.run({"grid": [{**grid, **rest} for grid in grids], "train": train, "tables": tables}).runs
    assert len(runs) == (2 * 3 * 2 + 4 * 2) * 2 * 2 * 2
    for row in runs.itertuples():
        if row.gate in own:
            *columns, y = np.array(own[row.gate]).T
            X = np.column_stack(columns)
        else:
            X, y = ref.truth_table_rows({"OR": "0111", "AND": "0001"}.get(row.gate, row.gate), row.encoding)
        model = ref.Model(X.shape[1])
        start = row.init_scale * ref.draw(row.init, row.seed, model)
        run = ref.train(model, start, X, y, learning_rate=row.learning_rate, **train)
        assert (row.status, row.epochs) == (run.status, run.epochs)
        assert row.final_loss == pytest.approx(run.final_loss, rel=1e-12)


@pytest.mark.parametrize(
    ("gate", "init", "target_loss"), [("TRUE", "normal(32, 1)", 3e-15), ("FALSE", "normal(200, 20)", 400)]
)
def test_targets_near_rounding_and_near_underflow_are_met_exactly(gate: str, init: str, target_loss: float) -> None:
    grid = {"gate": gate, "learning_rate": 1e-300, "init": init, "seeds": 500}
    runs = sweep.run({"grid": grid, "train": {"max_epochs": 1, "target_loss": target_loss}}).runs
    converged = runs["status"] == "converged"
    assert 50 < converged.sum() < 450
    assert (converged == (runs["final_loss"] < target_loss)).all()


@pytest.mark.parametrize(("n_inputs", "n_learned"), [(3, 104), (4, 1882)])
def test_logistic_regression_learns_the_threshold_functions(
    n_inputs: int, n_learned: int, threshold_functions: sweep.Result
) -> None:
    runs = threshold_functions.runs
    runs = runs[runs["gate"].str.len() == 2**n_inputs]
    assert len(runs) == 2**2**n_inputs
    assert (runs["status"] == "converged").sum() == n_learned


@given(st.integers(1, 300))
def test_chunks_are_every_run_once_in_order(chunk_size: int) -> None:
    grids = [{"gate": "all-2", "learning_rate": rate, "seeds": seeds} for rate, seeds in ((1, 3), (2, 14))]
    experiment = load({"grid": grids})
    runs = []
    for chunk in chunks_of(experiment, chunk_size):
        assert 0 <= chunk.start < chunk.stop <= min(experiment.grids[chunk.grid].n_runs, chunk.start + chunk_size)
        runs += range(chunk.first + chunk.start, chunk.first + chunk.stop)
    assert runs == list(range(experiment.n_runs))


@given(st.integers(1, 300), st.data())
def test_what_is_done_is_cut_out_of_the_chunks(chunk_size: int, data: st.DataObject) -> None:
    grids = [{"gate": "all-2", "learning_rate": rate, "seeds": seeds} for rate, seeds in ((1, 3), (2, 14))]
    experiment = load({"grid": grids})
    done, first, expected = [], 0, set(range(experiment.n_runs))
    for grid in experiment.grids:
        ends = sorted(data.draw(st.sets(st.integers(0, grid.n_runs), max_size=6)))
        stretches = list(zip(ends[::2], ends[1::2], strict=False))
        done.append(stretches)
        expected -= {first + run for start, stop in stretches for run in range(start, stop)}
        first += grid.n_runs
    runs = []
    for chunk in chunks_of(experiment, chunk_size, done):
        assert 0 <= chunk.start < chunk.stop <= min(experiment.grids[chunk.grid].n_runs, chunk.start + chunk_size)
        runs += range(chunk.first + chunk.start, chunk.first + chunk.stop)
    assert runs == sorted(expected)


def test_chunks_are_cut_by_themselves_so_that_all_workers_have_some_and_none_takes_long() -> None:
    def sizes(gate: str, seeds: int, max_epochs: int, **rest: Any) -> list[int]:
        grid = {"gate": gate, "learning_rate": 1, "seeds": seeds, **rest}
        chunks = chunks_of(load({"grid": grid, "train": {"max_epochs": max_epochs}}))
        return [chunk.stop - chunk.start for chunk in chunks]

    assert sizes("AND", 60, 10) == [60]
    assert sizes("AND", 16_000, 10) == [1000] * 16
    assert max(sizes("AND", 10_000_000, 1)) == 65_536
    assert max(sizes("AND", 1_000_000, 10_000)) == 5000
    assert max(sizes("parity-4", 1_000_000, 10_000)) == 1250
    assert max(sizes("parity-4", 1_000_000, 10_000, hidden=4)) == 250
    assert max(sizes("parity-4", 1_000_000, 10_000, hidden=4, update="online")) == 125
    assert max(sizes("AND", 10_000, 2**31 - 1)) == 64


@pytest.mark.parametrize("on_disk", [True, False], ids=["on disk", "in memory"])
def test_each_chunk_is_reported_once_from_the_calling_thread(
    on_disk: bool, mixed: dict[str, Any], tmp_path: Path
) -> None:
    threads, runs, counts = set(), [], []

    def on_chunk(outcome: Outcome, n_trained: int) -> None:
        assert n_trained == outcome.n_runs
        threads.add(threading.current_thread())
        runs.extend(outcome.runs.tolist())
        counts.append(outcome.status_counts)

    out = tmp_path if on_disk else None
    result = sweep.run(mixed, out, jobs=2, chunk_size=20, figures=False, on_chunk=on_chunk)
    n_runs = load(mixed).n_runs
    assert threads == {threading.current_thread()}
    assert sorted(runs) == list(range(n_runs))
    total = {status: sum(count[status] for count in counts) for status in counts[0]}
    assert total == result.runs["status"].value_counts().to_dict()
    assert sum(total.values()) == len(result.runs) == n_runs


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_worker_that_fails_leaves_no_result_and_what_was_finished(
    jobs: int, mixed: dict[str, Any], mixed_result: sweep.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_chunk = runner.train_chunk

    def fail_at_the_end(experiment: Any, chunk: Chunk, missing: Any) -> Outcome:
        if chunk.grid == 3:
            raise RuntimeError("broken")
        return train_chunk(experiment, chunk, missing)

    n_kept = 0

    def count(outcome: Outcome, n_trained: int) -> None:
        nonlocal n_kept
        n_kept += outcome.n_runs

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="broken"):
        patch.setattr(runner, "train_chunk", fail_at_the_end)
        sweep.run(mixed, tmp_path, jobs=jobs, chunk_size=20, figures=False, on_chunk=count)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "chunks"}
    n_runs = load(mixed).n_runs
    assert n_kept < n_runs
    assert jobs > 1 or n_kept == n_runs - 12
    resumed = sweep.run(mixed, tmp_path, jobs=jobs, figures=False)
    assert resumed.manifest["n_trained"] == n_runs - n_kept
    assert mixed_result.path is not None
    for name in TABLES:
        assert (tmp_path / name).read_bytes() == (mixed_result.path / name).read_bytes()


def test_no_thread_is_left_waiting_when_the_results_are_wanted_no_more() -> None:
    experiment = load({"grid": {"gate": "AND", "learning_rate": 1, "seeds": 100}, "train": {"max_epochs": 1}})
    before = set(threading.enumerate())
    outcomes = runner.train(experiment, [(chunk, None) for chunk in chunks_of(experiment, 1)], Workers(2))
    next(outcomes)
    time.sleep(0.5)  # by now every worker waits for room
    outcomes.close()
    began = time.monotonic()
    while waiting := [thread for thread in threading.enumerate() if thread not in before]:
        assert time.monotonic() - began < 10, waiting
        time.sleep(0.05)


def test_an_outcome_of_parts_is_the_parts() -> None:
    rng = np.random.default_rng(0)
    whole = Outcome(
        np.arange(5, 14), rng.integers(0, 4, 9).astype(np.int8), rng.integers(0, 9, 9), rng.integers(-1, 9, 9),
        rng.integers(-1, 9, 9), rng.random(9), rng.random((9, 2)), rng.random((9, 1)),
        np.array([b"01", b"", b"1"] * 3),
    )  # fmt: skip
    total = Outcome.empty(whole.runs, 2, 1, 2)
    some, others = np.array([8, 0, 3]), np.array([1, 2, 4, 5, 6, 7])
    for where in (some, others):
        total.put(whole[where], where)
    joined = Outcome.joined([whole[:2], whole[2:3], whole[3:]])
    for field in dataclasses.fields(whole):
        np.testing.assert_array_equal(getattr(total, field.name), getattr(whole, field.name))
        np.testing.assert_array_equal(getattr(joined, field.name), getattr(whole, field.name))
    assert total.n_epochs == whole.epochs.sum()


def test_what_ends_at_one_time_is_given_in_order_and_failures_last(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load({"grid": {"gate": "AND", "learning_rate": 1, "seeds": 30}, "train": {"max_epochs": 1}})
    tasks = [(chunk, None) for chunk in chunks_of(experiment, 5)]
    train_chunk = runner.train_chunk

    def fail_first(experiment: Any, chunk: Chunk, missing: Any) -> Any:
        if chunk.start == 0:
            raise RuntimeError("broken")
        return train_chunk(experiment, chunk, missing)

    monkeypatch.setattr(runner, "train_chunk", fail_first)
    monkeypatch.setattr(runner, "wait", lambda running, return_when: (concurrent.futures.wait(running).done, set()))
    given: list[int] = []
    outcomes = runner.train(experiment, tasks, Workers(2))
    with pytest.raises(RuntimeError, match="broken"):
        for chunk, _ in outcomes:
            given.append(chunk.start)
    assert given == [5, 10, 15, 20, 25]
