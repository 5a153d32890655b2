"""Counts in place of runs: equal to what the runs themselves give, whatever the chunks, interruptions and damage."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweep
from sweep.commands import plan
from sweep.commands.compare import compare
from sweep.commands.replay import replay, text
from sweep.engine import runner
from sweep.engine.chunks import Chunk
from sweep.engine.outcome import Outcome
from sweep.engine.tally import BIN_WIDTH, EXACT_EPOCHS, Tally, last_of_bins
from sweep.errors import ExperimentError, StoreError
from sweep.results.selection import select
from sweep.spec.experiment import load

GRID: dict[str, Any] = {
    "gate": ["AND", "XOR"],
    "learning_rate": [0.3, 1, 30],
    "init": ["normal(0, 1)", "uniform(-50, 50)"],
    "hidden": 2,
    "seeds": 60,
}
TRAIN = {"max_epochs": 2000}


def summary_of(grid: dict[str, Any] | list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"keep": "summary", "grid": grid, "train": TRAIN, **more}


def run(experiment: dict[str, Any], directory: Path, **how: Any) -> sweep.Result:
    return sweep.run(experiment, directory, **{"figures": False, "jobs": 1, "say": lambda _: None, **how})


def tables(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in ("summary.csv", "counts.csv", "SHA256SUMS")}


@pytest.fixture(scope="module")
def unions() -> dict[str, Any]:
    """Every status, tables of one's own, grids with different seeds."""
    return {
        "grid": [
            GRID,
            {"gate": "TRUE", "learning_rate": 0.5, "init": "zeros"},
            {"gate": "points", "learning_rate": [1, 1e300], "init_scale": [1, 2], "seeds": 7},
        ],
        "train": TRAIN,
        "tables": {"points": {"rows": [[0.3, -2, 1], [1e200, 4, 0], [0, 0.5, 0]]}},
    }


@pytest.fixture(scope="module")
def whole(unions: dict[str, Any]) -> sweep.Result:
    return sweep.run(unions, jobs=1)


@pytest.fixture(scope="module")
def counted(unions: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> sweep.Result:
    return run({**unions, "keep": "summary"}, tmp_path_factory.mktemp("counted"))


def test_counts_are_those_of_the_runs(whole: sweep.Result, counted: sweep.Result) -> None:
    assert counted.counts["n"].sum() == len(whole.runs) == counted.n_runs
    assert {*counted.counts["status"]} == {"converged", "diverged", "stationary", "max_epochs"}
    runs = whole.runs.assign(first=np.repeat(whole.runs["run"].to_numpy()[whole.first_of_rows], whole.n))
    for row in counted.counts.itertuples():
        there = (runs["first"] == row.run) & (runs["status"] == row.status)
        if row.status == "converged":
            there &= runs["converged_epoch"].between(row.epoch_low, row.epoch_high)
        else:
            assert row.epoch_low is pd.NA
        if row.status == "diverged":
            assert row.loss_low == row.loss_high == np.inf
            there &= runs["final_loss"] == np.inf
        else:
            there &= (row.loss_low <= runs["final_loss"]) & (runs["final_loss"] < row.loss_high)
        assert there.sum() == row.n


def test_the_summary_is_that_of_the_runs_but_for_the_resolution_of_quantiles(
    whole: sweep.Result, counted: sweep.Result
) -> None:
    assert list(whole.summary) == list(counted.summary)
    for name in whole.summary:
        exact, found = whole.summary[name], counted.summary[name]
        if not name.startswith(("epochs_q", "final_loss_q")):
            pd.testing.assert_series_equal(exact, found)
            continue
        assert (exact.isna() == found.isna()).all()
        one, other = (column.to_numpy(np.float64, na_value=0.0) for column in (exact, found))
        np.testing.assert_allclose(other, one, rtol=BIN_WIDTH / 2)
        if name.startswith("epochs_q"):
            few = one <= EXACT_EPOCHS
            np.testing.assert_array_equal(one[few], other[few])
    for key in ("n_runs", "n_points", "n_done", "n_epochs", "statuses"):
        assert whole.manifest.get(key) == counted.manifest[key]


@given(st.floats(0, 1e300), st.integers(0, 2**31 - 1))
def test_bins_are_as_narrow_as_is_said(loss: float, epoch: int) -> None:
    outcome = Outcome.empty(np.arange(1), 0, 0, 0)
    outcome.final_loss[:], outcome.converged_epoch[:] = loss, epoch
    tally = Tally.of(outcome, np.array([2**31 - 2]))
    assert tally.points[0] == 2**31 - 2
    (low,), (high,) = tally.epochs(2**31 - 1)
    assert low <= epoch <= high <= last_of_bins(np.array([epoch]))[0]
    assert high - low < BIN_WIDTH * max(low, 1)
    if epoch <= EXACT_EPOCHS:
        assert low == high == epoch
    (least,), (most,) = tally.losses
    assert least <= loss < most
    assert most - least <= BIN_WIDTH * least or loss < 1e-300
    middles = tally.middles(2**31 - 1)
    assert abs(middles[0][0] - epoch) <= BIN_WIDTH / 2 * epoch
    assert abs(middles[1][0] - loss) <= BIN_WIDTH / 2 * loss or loss < 1e-300


@pytest.mark.parametrize("how", [{"chunk_size": 7}, {"chunk_size": 64, "jobs": 2}, {"jobs": 2, "chunk_size": 10**6}])
def test_chunks_and_jobs_change_no_byte(
    how: dict[str, Any], unions: dict[str, Any], counted: sweep.Result, tmp_path: Path
) -> None:
    assert counted.path is not None
    run({**unions, "keep": "summary"}, tmp_path, **how)
    assert tables(tmp_path) == tables(counted.path)


def test_a_piece_of_a_chunk_is_no_boundary(
    unions: dict[str, Any], counted: sweep.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert counted.path is not None
    monkeypatch.setattr("sweep.engine.training.piece_size", lambda *_: 11)
    run({**unions, "keep": "summary"}, tmp_path, chunk_size=10**6)
    assert tables(tmp_path) == tables(counted.path)


def test_in_memory_and_on_disk_are_the_same(unions: dict[str, Any], counted: sweep.Result) -> None:
    result = sweep.run({**unions, "keep": "summary"}, jobs=1)
    pd.testing.assert_frame_equal(result.summary, counted.summary)
    pd.testing.assert_frame_equal(result.counts, counted.counts)
    assert result.answer == counted.answer


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of runs of each chunk that is trained."""
    trained: list[int] = []
    train_chunk = runner.train_chunk

    def count(experiment: Any, chunk: Chunk, missing: Any) -> Outcome | Tally:
        outcome = train_chunk(experiment, chunk, missing)
        trained.append(outcome.n_runs)
        return outcome

    monkeypatch.setattr(runner, "train_chunk", count)
    return trained


def test_an_interrupted_sweep_goes_on(trained: list[int], tmp_path: Path) -> None:
    run(summary_of(GRID), tmp_path / "once")

    def interrupt(outcome: Any, n_trained: int) -> None:
        if outcome.runs.stop >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(summary_of(GRID), tmp_path / "part", on_chunk=interrupt, chunk_size=50)
    part = sweep.read(tmp_path / "part")
    assert (part.manifest["complete"], part.manifest["n_done"], part.n_runs) == (False, 110, 110)
    assert list(part.summary["n"]) == [60, 50]
    assert [part.settings.column("init").iloc[at] for at in (0, 1)] == GRID["init"]
    assert sweep.verify(tmp_path / "part")[1] == []
    assert "110 of its 720 runs" in part.answer[0]
    trained.clear()
    run(summary_of(GRID), tmp_path / "part")
    assert sum(trained) == 720 - 110
    assert tables(tmp_path / "part") == tables(tmp_path / "once")


@pytest.mark.parametrize("chunk_size", [None, 25])
@pytest.mark.parametrize(
    ("more", "n_new"),
    [
        ({"seeds": 90}, 360),
        ({"gate": ["AND", "OR", "XOR"]}, 360),
        ({"learning_rate": [0.3, 1, 3, 30], "seeds": 61}, 256),
        ({"gate": "XOR"}, 0),
    ],
)
def test_a_grown_sweep_trains_what_is_new(
    more: dict[str, Any], n_new: int, chunk_size: int | None, trained: list[int], tmp_path: Path
) -> None:
    run(summary_of(GRID), tmp_path / "grown", chunk_size=chunk_size)
    run(summary_of({**GRID, **more}), tmp_path / "once")
    trained.clear()
    run(summary_of({**GRID, **more}), tmp_path / "grown", chunk_size=chunk_size)
    assert tables(tmp_path / "grown") == tables(tmp_path / "once")
    assert sweep.verify(tmp_path / "grown")[1] == []
    assert sum(trained) == n_new


def test_a_shifted_sweep_trains_counts_again_that_cannot_be_divided(trained: list[int], tmp_path: Path) -> None:
    run(summary_of(GRID), tmp_path / "shifted")
    shifted = {**GRID, "seeds": {"from": 30, "count": 60}}
    run(summary_of(shifted), tmp_path / "once")
    trained.clear()
    run(summary_of(shifted), tmp_path / "shifted")
    assert sum(trained) == 720
    assert tables(tmp_path / "shifted") == tables(tmp_path / "once")


def test_runs_and_counts_do_not_take_from_each_other(trained: list[int], tmp_path: Path) -> None:
    runs = {"grid": GRID, "train": TRAIN}
    run(runs, tmp_path / "once")
    for experiment in (runs, summary_of(GRID), runs):
        trained.clear()
        result = run(experiment, tmp_path / "both")
    assert trained == []
    assert result.keeps_runs
    assert (tmp_path / "both" / "runs.csv").read_bytes() == (tmp_path / "once" / "runs.csv").read_bytes()
    assert not (tmp_path / "both" / "counts.csv").exists()


@pytest.mark.parametrize("name", ["summary.csv", "counts.csv", "manifest.json", "layout.json", ".arrow"])
def test_damage_is_found_and_mended(name: str, tmp_path: Path) -> None:
    run(summary_of(GRID), tmp_path)
    before = tables(tmp_path)
    path = next(path for path in sorted(tmp_path.rglob("*")) if path.name.endswith(name) and path.is_file())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert path in [problem.path for problem in sweep.verify(tmp_path)[1]]
    assert sweep.verify(tmp_path, repair=True, say=lambda _: None)[1] == []
    assert tables(tmp_path) == before


@pytest.mark.parametrize(
    ("column", "add", "problem"),
    [
        ("n", 1, "not the runs of its settings"),
        ("point", 1, "not the runs of its settings"),
        ("updates", -1, "an impossible epochs"),
        ("epoch", 4000, "impossible"),
        ("loss", 2**18, "impossible"),
        ("status", 4, "not the runs of its settings"),
    ],
)
def test_counts_that_no_training_gives_are_found(column: str, add: int, problem: str, tmp_path: Path) -> None:
    """A chunk whose checksum agrees with what was changed in it."""
    run(summary_of({"gate": "XOR", "learning_rate": 1, "seeds": 20}), tmp_path)
    path = next(tmp_path.glob("chunks/*/*.arrow"))
    table = pa.ipc.open_file(path).read_all()
    at = table.column_names.index(column)
    changed = pa.array(table[column].to_numpy() + add, table.schema.field(column).type)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.set_column(at, table.schema.field(column), changed))
    data = sink.getvalue()
    digest = hashlib.sha256(data).hexdigest()[:32]
    path.unlink()
    path = path.with_name(f"{path.name[:21]}-{digest}.arrow")
    path.write_bytes(data)
    (found,) = [what.what for what in sweep.verify(tmp_path)[1] if what.path == path]
    assert problem in found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"keep": "all"}, 'keep: found "all"; allowed: "runs" or "summary"'),
        ({"runs": "csv"}, 'keep: found "summary", which keeps no single runs, with runs = "csv"; leave one out'),
        ({"train": {"record_every": 10}}, "train.record_every = 10"),
        ({"train": {"last_losses": 10}}, "train.last_losses = 10"),
    ],
)
def test_what_needs_single_runs_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ExperimentError) as error:
        load({**summary_of(GRID), **change})
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_the_report_says_what_is_kept(counted: sweep.Result, tmp_path: Path) -> None:
    result = run(summary_of(GRID), tmp_path, figures=True)
    page = (tmp_path / "report.html").read_text()
    assert "counts of runs by setting, status, epoch and loss, not single runs" in page
    assert "0.4% off" in page
    figures = {Path(name).stem for name in result.manifest["files"] if name.startswith("figures/")}
    assert figures == {"success_rate", "epochs_to_converge", "success_curves", "final_loss"}
    assert "not compared, since that takes single runs" in page
    assert any("chosen by the same runs" in sentence for sentence in result.answer)


def test_figures_show_what_they_would_show_of_the_runs(whole: sweep.Result, counted: sweep.Result) -> None:
    where = {"gate": ["AND", "XOR"]}
    one, other = (select(result, where).findings for result in (whole, counted))
    assert (one.counts == other.counts).all(axis=None)
    assert other.result.manifest["statuses"] == one.result.manifest["statuses"]
    curves, exact = other.success_curves, one.success_curves
    assert (curves.converged[..., -1] == exact.converged[..., -1]).all()
    runs = one.result.runs
    epochs = runs["converged_epoch"].to_numpy(np.float64, na_value=np.inf)
    if not curves.held and curves.n.sum() == len(runs):
        counts = [(epochs <= epoch).sum() for epoch in curves.epochs]
        np.testing.assert_array_equal(curves.converged.sum(axis=(0, 1)), counts)
    assert one.histogram is not None
    assert other.histogram is not None
    np.testing.assert_allclose(one.histogram.shares.sum(axis=2), other.histogram.shares.sum(axis=2))


def test_a_run_is_replayed_though_none_is_kept(whole: sweep.Result, counted: sweep.Result) -> None:
    again = replay(counted, 65)
    row = whole.runs.iloc[65]
    assert (again.status, again.epochs, again.final_loss) == (row["status"], row["epochs"], row["final_loss"])
    assert any("there is no outcome of this run to compare with" in line for line in text(again))


def test_what_takes_single_runs_says_so(counted: sweep.Result) -> None:
    with pytest.raises(StoreError, match=r"keeps counts .* not runs, which compare needs"):
        compare(counted, counted)
    with pytest.raises(ValueError, match="kept counts instead"):
        _ = counted.runs
    with pytest.raises(ValueError, match="not single runs"):
        sweep.figures.decision_surfaces(counted, runs=[3])


def test_a_plan_knows_what_counts_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_SECONDS", 0.0)
    experiment = summary_of({**GRID, "seeds": 500})
    planned = plan.plan(load(experiment), jobs=1)
    result = run(experiment, tmp_path)
    assert planned.disk.keys() == {*result.manifest["files"], "chunks", "figures, report.html"}
    for name in result.manifest["files"]:
        assert 0.3 < planned.disk[name] / (tmp_path / name).stat().st_size < 3, name
    chunks = sum(path.stat().st_size for path in (tmp_path / "chunks").rglob("*.arrow"))
    assert 0.3 < planned.disk["chunks"] / chunks < 3
    many = load(summary_of({"gate": "AND", "learning_rate": 1, "seeds": 10**9}, train={"max_epochs": 1}))
    assert plan.estimate.memory(many, 2) < 10**9
    assert sum(plan.estimate.disk(many, plan.table_names(many), len(plan.chunks_of(many)), 0).values()) < 2 * 10**7
