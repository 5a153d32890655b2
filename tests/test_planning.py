"""Plans: exact counts, estimates of the right kind, and nothing on disk."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweep
from sweep import planning
from sweep.engine.chunks import chunks_of
from sweep.planning import plan
from sweep.spec.experiment import load


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_SECONDS", 0.0)


def network(**grid: Any) -> dict[str, Any]:
    grid = {"gate": ["XOR", "majority-3"], "hidden": [1, 2], "learning_rate": [0.1, 1, 3], "seeds": 50, **grid}
    return {"grid": grid, "train": {"max_epochs": 400}}


def test_counts_are_exact(mixed: dict[str, Any]) -> None:
    experiment = load(mixed)
    planned = plan(experiment, jobs=2)
    assert planned.n_runs == experiment.n_runs == 126 + 10 + 2 + 12
    assert planned.n_points == experiment.n_points
    assert planned.n_chunks == len(chunks_of(experiment))
    assert planned.jobs == 2
    assert planned.n_kernels == 4


def test_the_first_rows(mixed: dict[str, Any], mixed_result: sweep.Result) -> None:
    planned = plan(load(mixed), jobs=1)
    names = [*mixed_result.runs.columns[: len(planned.rows[0])]]
    assert [[row[name] for name in names] for row in planned.rows] == mixed_result.runs.head(5)[names].values.tolist()


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planned = plan(load(network()), jobs=2)
    assert list(tmp_path.iterdir()) == []
    assert planned.seconds.keys() == {"compile", "training", "tables", "figures"}
    assert all(math.isfinite(seconds) and seconds >= 0 for seconds in planned.seconds.values())
    assert planned.memory > 0


@pytest.mark.parametrize("runs", ["csv", "parquet", "both"])
def test_disk_is_about_what_is_left(runs: str, tmp_path: Path) -> None:
    experiment = {**network(), "runs": runs}
    experiment["train"]["record_every"] = 40
    planned = plan(load(experiment), jobs=1)
    result = sweep.run(experiment, tmp_path, figures=False)
    assert planned.disk.keys() == {*result.manifest["files"], "chunks", "figures, report.html"}
    for name in result.manifest["files"]:
        assert 0.5 < planned.disk[name] / (tmp_path / name).stat().st_size < 2, name
    chunks = sum(path.stat().st_size for path in (tmp_path / "chunks").rglob("*.arrow"))
    assert 0.3 < planned.disk["chunks"] / chunks < 3


def test_one_run() -> None:
    planned = plan(load({"grid": {"gate": "AND", "learning_rate": 1}}), jobs=4)
    assert (planned.n_runs, len(planned.rows)) == (1, 1)
    assert "…" not in planning.text(planned)


def test_what_is_too_slow_to_finish_is_a_bound() -> None:
    slow = network(gate="XOR")
    slow["train"] = {"max_epochs": 10**6, "target_loss": 1e-9}
    planned = plan(load(slow), jobs=1)
    assert planned.at_most
    assert any("at most" in line for line in planning.text(planned))


def test_every_kind_has_its_runs_and_no_others(mixed: dict[str, Any]) -> None:
    for experiment in (load(mixed), load(network(optimizer=["gd", "adam"]))):
        rng = np.random.default_rng(0)
        runs = [kind.first + kind.sample(kind.n_runs, rng) for kind in planning._kinds(experiment)]
        assert sorted(np.concatenate(runs).tolist()) == list(range(experiment.n_runs))


@given(n=st.integers(1, 400), seed=st.integers(0, 2**32 - 1))
def test_samples_spread_over_their_kind(n: int, seed: int) -> None:
    for kind in planning._kinds(load(network())):
        sample = kind.sample(n, np.random.default_rng(seed))
        assert (np.diff(sample) > 0).all()
        assert min(n, kind.n_runs) / 2 <= sample.size <= min(n, kind.n_runs)
        whole = kind.sample(kind.n_runs, np.random.default_rng(0))
        assert set(sample) <= set(whole)
        stretches = np.searchsorted(whole, sample) * min(n, kind.n_runs) // kind.n_runs
        assert np.bincount(stretches).max() <= 2


def test_text(mixed: dict[str, Any]) -> None:
    planned = plan(load(mixed), jobs=2)
    lines = planning.text(planned)
    assert lines[0].startswith("mixed: 150 runs, ")
    assert "with 2 jobs" in lines[1]
    assert lines[-1] == "…"
