"""A result on disk goes on where it was left, takes over what it has, and trusts nothing that was changed."""

import math
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sweep
from sweep.engine import runner
from sweep.engine.chunks import Chunk
from sweep.engine.outcome import Outcome
from sweep.errors import LockedError, StoreError
from sweep.kernel import NUMERICS
from sweep.spec.experiment import load
from sweep.store import chunk_store as chunk_files
from sweep.store.files import Tree
from sweep.store.lock import locked
from sweep.store.outcomes import outcomes
from sweep.store.work import Work

TABLES = ("runs.csv", "summary.csv", "answers.csv", "SHA256SUMS")
BASE: dict[str, Any] = {
    "grid": {"gate": ["AND", "XOR"], "learning_rate": [1, 30], "init": "uniform(0, 1)", "seeds": 6},
    "train": {"max_epochs": 400},
}


def run(experiment: dict[str, Any], directory: Path, said: list[str] | None = None, **how: Any) -> sweep.Result:
    how = {"figures": False, "jobs": 1, "chunk_size": 5, **how}
    return sweep.run(experiment, directory, say=(said if said is not None else []).append, **how)


def tables(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in (*TABLES, "curves.csv") if (directory / name).exists()}


def arrow_files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("chunks/*/*.arrow") if path.parts[-3] == "chunks")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of runs of each chunk that is trained."""
    trained: list[int] = []
    train_chunk = runner.train_chunk

    def count(experiment: Any, chunk: Chunk, missing: Any) -> Outcome:
        outcome = train_chunk(experiment, chunk, missing)
        trained.append(outcome.n_runs)
        return outcome

    monkeypatch.setattr(runner, "train_chunk", count)
    return trained


def test_a_finished_sweep_is_not_touched(tmp_path: Path, counted: list[int]) -> None:
    first = run(BASE, tmp_path)
    assert sum(counted) == 24
    counted.clear()
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != ".lock"}
    again = run(BASE, tmp_path)
    assert counted == []
    assert again.manifest == first.manifest
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize("n_finished", [0, 1, 3])
def test_what_was_finished_before_a_failure_is_kept(
    n_finished: int, tmp_path: Path, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(BASE, tmp_path / "whole")
    counted.clear()
    train_chunk = runner.train_chunk

    def fail(experiment: Any, chunk: Chunk, missing: Any) -> Outcome:
        if len(counted) == n_finished:
            raise RuntimeError("broken")
        return train_chunk(experiment, chunk, missing)

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="broken"):
        patched.setattr(runner, "train_chunk", fail)
        run(BASE, tmp_path / "broken")
    assert len(arrow_files(tmp_path / "broken")) == n_finished
    counted.clear()
    resumed = run(BASE, tmp_path / "broken", jobs=2)
    assert sum(counted) == resumed.manifest["n_trained"] == 24 - 5 * n_finished
    assert tables(tmp_path / "broken") == tables(tmp_path / "whole")
    assert resumed.manifest["files"] == whole.manifest["files"]


def test_an_interrupted_sweep_leaves_tables_of_what_is_done_marked_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(BASE, tmp_path / "whole").runs

    def interrupt(outcome: Outcome, n_trained: int) -> None:
        if outcome.runs[-1] >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(BASE, tmp_path / "part", on_chunk=interrupt)
    part = sweep.read(tmp_path / "part")
    assert part.manifest["complete"] is False
    assert (part.manifest["n_done"], part.manifest["n_runs"]) == (10, 24)
    pd.testing.assert_frame_equal(part.runs, whole.head(10), check_categorical=False)
    assert list(part.summary["n"]) == [6, 4]
    assert "10 of 24 runs" in (tmp_path / "part" / "INCOMPLETE.txt").read_text()
    sweep.draw(part)
    assert "these are 10 of its 24 runs" in (tmp_path / "part" / "report.html").read_text()
    run(BASE, tmp_path / "part")
    assert not (tmp_path / "part" / "INCOMPLETE.txt").exists()
    assert tables(tmp_path / "part") == tables(tmp_path / "whole")
    assert sweep.read(tmp_path / "part").manifest["complete"] is True


def n_new(before: dict[str, Any], now: dict[str, Any]) -> int:
    """Runs of one grid that another does not have."""

    def points(grid: dict[str, Any]) -> set[tuple[Any, ...]]:
        sets: list[set[Any]] = [set(grid[key]) for key in ("gate", "learning_rate", "init", "hidden")]
        seeds = range(grid["seeds"]["from"], grid["seeds"]["from"] + grid["seeds"]["count"])
        return {(g, r, i, h, s) for g in sets[0] for r in sets[1] for i in sets[2] for h in sets[3] for s in seeds}

    return len(points(now) - points(before))


GRIDS = st.fixed_dictionaries(
    {
        "gate": st.lists(st.sampled_from(["AND", "OR", "XOR", "majority-3"]), min_size=1, max_size=3, unique=True),
        "learning_rate": st.lists(st.sampled_from([0.5, 1.0, 30.0]), min_size=1, max_size=3, unique=True),
        "init": st.lists(st.sampled_from(["uniform(0, 1)", "normal(0, 1)"]), min_size=1, max_size=2, unique=True),
        "hidden": st.lists(st.sampled_from([0, 2]), min_size=1, max_size=2, unique=True),
        "seeds": st.fixed_dictionaries({"from": st.integers(0, 3), "count": st.integers(1, 4)}),
    }
).flatmap(lambda grid: st.permutations(list(grid)).map(lambda keys: {key: grid[key] for key in keys}))


@given(before=GRIDS, now=GRIDS, record_every=st.sampled_from([0, 40]))
@settings(deadline=None, max_examples=25)
def test_a_changed_grid_trains_only_what_is_new(
    before: dict[str, Any],
    now: dict[str, Any],
    record_every: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    grown, whole = tmp_path_factory.mktemp("grown"), tmp_path_factory.mktemp("whole")
    train = {"max_epochs": 80, "record_every": record_every}
    run({"grid": before, "train": train}, grown, chunk_size=7)
    trained: list[int] = []
    run({"grid": now, "train": train}, grown, chunk_size=11, on_chunk=lambda outcome, n: trained.append(n))
    run({"grid": now, "train": train}, whole)
    assert tables(grown) == tables(whole)
    assert sum(trained) == n_new(before, now)
    trained.clear()
    run({"grid": before, "train": train}, grown, on_chunk=lambda outcome, n: trained.append(n))
    assert sum(trained) == 0
    assert sweep.verify(grown)[1] == []


@pytest.mark.parametrize(("before", "now"), [(400, 900), (900, 400), (50, 400), (400, 50)])
@pytest.mark.parametrize("record_every", [0, 50])
def test_other_numbers_of_epochs_keep_the_runs_that_had_ended(
    before: int, now: int, record_every: int, tmp_path: Path
) -> None:
    grid = {
        "gate": ["AND", "XOR", "OR"],
        "learning_rate": [0.001, 3, 1e300],
        "init": "normal(0, 1)",
        "hidden": [0, 2],
        "activation": "relu",
        "output": "linear",
        "loss": "mse",
        "seeds": 4,
    }
    changed, whole = tmp_path / "changed", tmp_path / "whole"
    first = run({"grid": grid, "train": {"max_epochs": before, "record_every": record_every}}, changed).runs
    said: list[str] = []
    train = {"max_epochs": now, "record_every": record_every}
    result = run({"grid": grid, "train": train}, changed, said)
    run({"grid": grid, "train": train}, whole)
    assert tables(changed) == tables(whole)
    assert said == [f"changed since the last run: train.max_epochs: {before} → {now}"]
    ended = first["status"].isin(["converged", "diverged"]) & (first["epochs"] <= now)
    at_the_end = (first["status"] == "diverged") & (first["epochs"] == before)
    assert result.manifest["n_trained"] == len(first) - (ended & ~at_the_end).sum()
    assert 0 < result.manifest["n_trained"] < len(first)


@pytest.mark.parametrize("now", [90, 20])
def test_a_run_whose_loss_overflows_only_where_it_is_looked_at_last_is_trained_again(now: int, tmp_path: Path) -> None:
    """Every logit is finite and their sum is not: such a run counts as diverged at whatever epoch is the last."""
    grid = {"gate": "FALSE", "learning_rate": [1, 3], "init": "given", "weights": [0, 0, 1e300], "init_scale": 1e8}
    first = run({"grid": grid, "train": {"max_epochs": 40}}, tmp_path / "changed").runs
    assert list(zip(first["status"], first["epochs"], strict=True)) == [("diverged", 40)] * 2
    result = run({"grid": grid, "train": {"max_epochs": now}}, tmp_path / "changed")
    run({"grid": grid, "train": {"max_epochs": now}}, tmp_path / "whole")
    assert tables(tmp_path / "changed") == tables(tmp_path / "whole")
    assert result.manifest["n_trained"] == 2


@pytest.mark.parametrize("change", [{"target_loss": 0.02}, {"early_stop": False}, {"target_error": 0.3}], ids=str)
def test_another_criterion_keeps_nothing(change: dict[str, Any], tmp_path: Path) -> None:
    run(BASE, tmp_path / "changed")
    experiment = {**BASE, "train": {**BASE["train"], **change}}
    assert run(experiment, tmp_path / "changed").manifest["n_trained"] == 24
    run(experiment, tmp_path / "whole")
    assert tables(tmp_path / "changed") == tables(tmp_path / "whole")


def test_gates_are_the_same_where_their_tables_are(tmp_path: Path) -> None:
    def points(name: str, rows: list[list[float]]) -> dict[str, Any]:
        return {"grid": {"gate": [name, "0001"], "learning_rate": 1}, "tables": {name: {"rows": rows}}}

    rows = [[0.3, -2, 1], [0, 0.5, 0]]
    run(points("mine", rows), tmp_path)
    assert run({"grid": {"gate": "AND", "learning_rate": 1}}, tmp_path).manifest["n_trained"] == 0
    assert run(points("mine", [[0.3, -2, 1], [0, 0.5, 1]]), tmp_path).manifest["n_trained"] == 1


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 8
    path.write_bytes(data)


def swap(path: Path) -> None:
    other = next(one for one in arrow_files(path.parents[2]) if one != path)
    path.write_bytes(other.read_bytes())


def rename(path: Path) -> None:
    start, stop, digest = path.stem.split("-")
    path.rename(path.with_name(f"{int(start) + 5:010}-{int(stop) + 5:010}-{digest}.arrow"))


@pytest.mark.parametrize("damage", [truncate, flip, swap, rename, Path.unlink], ids=lambda damage: damage.__name__)
def test_a_damaged_chunk_is_set_aside_and_trained_again(
    damage: Callable[[Path], None], tmp_path: Path, counted: list[int]
) -> None:
    experiment = {**BASE, "grid": {**BASE["grid"], "seeds": 10}}
    run(experiment, tmp_path)
    before = tables(tmp_path)
    names = [path.name for path in arrow_files(tmp_path)]
    damage(arrow_files(tmp_path)[1])
    assert sweep.verify(tmp_path)[1]
    counted.clear()
    said: list[str] = []
    run(experiment, tmp_path, said)
    assert sum(counted) in (5, 10)
    assert said
    assert tables(tmp_path) == before
    assert [path.name for path in arrow_files(tmp_path)] == names
    assert sweep.verify(tmp_path)[1] == []


def test_chunks_of_another_experiment_or_arithmetic_are_not_taken(
    tmp_path: Path, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**BASE, "grid": {**BASE["grid"], "init": "uniform(0, 2)"}}
    run(other, tmp_path / "other")
    run(BASE, tmp_path / "mine")
    before = tables(tmp_path / "mine")
    foreign, mine = arrow_files(tmp_path / "other")[0], arrow_files(tmp_path / "mine")[0]
    mine.unlink()
    (mine.parent / foreign.name).write_bytes(foreign.read_bytes())
    said: list[str] = []
    counted.clear()
    run(BASE, tmp_path / "mine", said)
    assert sum(counted) == 5
    assert any("of another experiment" in line for line in said)
    assert tables(tmp_path / "mine") == before

    monkeypatch.setattr(chunk_files, "NUMERICS", 0)
    monkeypatch.setattr("sweep.results.checking.NUMERICS", 0)
    monkeypatch.setattr("sweep.session.NUMERICS", 0)
    with pytest.raises(StoreError, match=f"of version {NUMERICS} of the arithmetic, not 0; run the experiment again"):
        sweep.read(tmp_path / "mine")
    counted.clear()
    said.clear()
    run(BASE, tmp_path / "mine", said)
    assert sum(counted) == 24
    assert any(f"of version {NUMERICS} of the arithmetic, not 0" in line for line in said)
    assert tables(tmp_path / "mine") == before


def test_only_one_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(LockedError, match=r"another sweep is at work there .process \d+ on .*; wait"):
        run(BASE, tmp_path)
    run(BASE, tmp_path)


def test_a_disk_that_is_full_keeps_what_was_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(BASE, tmp_path / "whole")
    write_chunk, n_written = chunk_files.ChunkStore.write_chunk, 0

    def full(*args: Any) -> chunk_files.ChunkFile:
        nonlocal n_written
        n_written += 1
        if n_written > 2:
            raise OSError(28, "No space left on device")
        return write_chunk(*args)

    with monkeypatch.context() as patched:
        patched.setattr(chunk_files.ChunkStore, "write_chunk", full)
        with pytest.raises(sweep.SweepError, match=r"No space left on device.; 10 of 24 runs are kept"):
            run(BASE, tmp_path / "full")
    assert run(BASE, tmp_path / "full").manifest["n_trained"] == 14
    assert tables(tmp_path / "full") == tables(tmp_path / "whole")


def test_chunks_are_written_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_chunk, both = chunk_files.ChunkStore.write_chunk, threading.Barrier(2)

    def met(*args: Any) -> chunk_files.ChunkFile:
        both.wait(60)  # until two chunks are being written
        return write_chunk(*args)

    run(BASE, tmp_path / "one")
    monkeypatch.setattr(chunk_files.ChunkStore, "write_chunk", met)
    run(BASE, tmp_path / "two", jobs=2, chunk_size=3)
    assert tables(tmp_path / "two") == tables(tmp_path / "one")


def test_closing_waits_for_chunks_that_are_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load(BASE)
    work = Work(experiment, Tree(tmp_path), print)
    chunk = work.remaining()[0]
    write_chunk, begun, go = chunk_files.ChunkStore.write_chunk, threading.Event(), threading.Event()

    def slow(*args: Any) -> chunk_files.ChunkFile:
        begun.set()
        go.wait(60)
        return write_chunk(*args)

    monkeypatch.setattr(chunk_files.ChunkStore, "write_chunk", slow)
    writing = threading.Thread(target=work.keep, args=(chunk, runner.train_chunk(experiment, chunk, None)))
    writing.start()
    begun.wait(60)
    closing = threading.Thread(target=work.close)
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    go.set()
    writing.join()
    closing.join()
    assert work.n_done == chunk.stop - chunk.start
    assert not work.close()


@pytest.mark.parametrize("runs", ["csv", "parquet", "both"])
def test_runs_as_csv_and_as_parquet_are_the_same(runs: str, tmp_path: Path) -> None:
    csv = run(BASE, tmp_path / "csv")
    result = run({**BASE, "runs": runs}, tmp_path / "other")
    assert ("runs.csv" in result.manifest["files"]) == (runs != "parquet")
    assert ("runs.parquet" in result.manifest["files"]) == (runs != "csv")
    assert result.runs.equals(csv.runs)
    assert (tmp_path / "other" / "summary.csv").read_bytes() == (tmp_path / "csv" / "summary.csv").read_bytes()
    columns = ["run", "final_loss"]
    assert sweep.read(tmp_path / "other").part("runs", columns).equals(csv.runs[columns])


def test_the_bytes_of_parquet_do_not_depend_on_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.store.table_files.ROWS", 7)
    for size in (1, 5, 24):
        run({**BASE, "runs": "parquet"}, tmp_path / str(size), chunk_size=size)
    first, *others = ((tmp_path / name / "runs.parquet").read_bytes() for name in ("1", "5", "24"))
    assert others == [first, first]


def test_many_runs_choose_parquet_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.results.making.PARQUET_ABOVE", 23)
    said: list[str] = []
    assert "runs.parquet" in run(BASE, tmp_path, said).manifest["files"]
    assert said == ['24 runs: they go to runs.parquet; runs = "csv" in the file asks for CSV']


@pytest.mark.parametrize("n_rows", [1, 3, 7, 100])
def test_outcomes_come_in_order_whatever_the_chunks(n_rows: int, tmp_path: Path) -> None:
    from sweep.spec.experiment import load

    grids = [{**BASE["grid"], "seeds": 3}, {"gate": "OR", "learning_rate": 2, "seeds": 8}]
    experiment = {"grid": grids, "train": BASE["train"]}
    run(experiment, tmp_path)
    sizes = [part.n_runs for part in outcomes(load(experiment), Tree(tmp_path), n_rows)]
    assert sizes == [n_rows] * (20 // n_rows) + [20 % n_rows] * (20 % n_rows > 0)
    numbers = [part.runs for part in outcomes(load(experiment), Tree(tmp_path), n_rows)]
    np.testing.assert_array_equal(np.concatenate(numbers), np.arange(20))


def test_superseded_chunks_go_and_others_stay(tmp_path: Path) -> None:
    run(BASE, tmp_path)
    run({**BASE, "grid": {**BASE["grid"], "seeds": 8}}, tmp_path)
    assert len(list(tmp_path.glob("chunks/*/layout.json"))) == 1
    run({**BASE, "grid": {**BASE["grid"], "gate": "OR"}}, tmp_path)
    assert len(list(tmp_path.glob("chunks/*/layout.json"))) == 2


def test_random_stretches_that_are_done_are_left_out() -> None:
    from sweep.engine.chunks import chunks_of
    from sweep.spec.experiment import load

    experiment = load({"grid": {"gate": "AND", "learning_rate": 1, "seeds": 100}})
    cuts = sorted(random.Random(0).sample(range(100), 8))
    done = list(zip(cuts[::2], cuts[1::2], strict=True))
    runs = [run for chunk in chunks_of(experiment, 7, [done]) for run in range(chunk.start, chunk.stop)]
    assert runs == [run for run in range(100) if not any(low <= run < high for low, high in done)]
    assert math.isclose(len(runs), 100 - sum(high - low for low, high in done))
