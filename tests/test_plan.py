"""Plans: exact counts, estimates of the right kind, and nothing on disk."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweep
from sweep.commands import plan as command
from sweep.engine.chunks import chunks_of
from sweep.engine.training import plans_of, train_runs
from sweep.kernel.plan import natural_width
from sweep.spec.experiment import load


class Clock:
    """A clock that only work moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_SECONDS", 0.0)


def network(**grid: Any) -> dict[str, Any]:
    grid = {"gate": ["XOR", "majority-3"], "hidden": [1, 2], "learning_rate": [0.1, 1, 3], "seeds": 50, **grid}
    return {"grid": grid, "train": {"max_epochs": 400}}


def test_counts_are_exact(mixed: dict[str, Any]) -> None:
    experiment = load(mixed)
    planned = command.plan(experiment, jobs=2)
    assert planned.n_runs == experiment.n_runs == 126 + 10 + 2 + 12
    assert planned.n_points == experiment.n_points
    assert planned.n_chunks == len(chunks_of(experiment))
    assert planned.jobs == 2
    assert planned.n_kernels == 4


def test_the_first_rows(mixed: dict[str, Any], mixed_result: sweep.Result) -> None:
    planned = command.plan(load(mixed), jobs=1)
    names = [*mixed_result.runs.columns[: len(planned.rows[0])]]
    assert [[row[name] for name in names] for row in planned.rows] == mixed_result.runs.head(5)[names].values.tolist()


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planned = command.plan(load(network()), jobs=2)
    assert list(tmp_path.iterdir()) == []
    assert planned.seconds.keys() == {"training", "tables", "figures"}
    assert all(math.isfinite(seconds) and seconds >= 0 for seconds in planned.seconds.values())
    assert planned.memory > 0


@pytest.mark.parametrize("runs", ["csv", "parquet", "both"])
def test_disk_is_about_what_is_left(runs: str, tmp_path: Path) -> None:
    experiment = {**network(), "runs": runs}
    experiment["train"]["record_every"] = 40
    planned = command.plan(load(experiment), jobs=1)
    result = sweep.run(experiment, tmp_path, figures=False)
    assert planned.disk.keys() == {*result.manifest["files"], "chunks", "figures, report.html"}
    for name in result.manifest["files"]:
        assert 0.5 < planned.disk[name] / (tmp_path / name).stat().st_size < 2, name
    chunks = sum(path.stat().st_size for path in (tmp_path / "chunks").rglob("*.arrow"))
    assert 0.3 < planned.disk["chunks"] / chunks < 3


def test_one_run() -> None:
    planned = command.plan(load({"grid": {"gate": "AND", "learning_rate": 1}}), jobs=4)
    assert (planned.n_runs, len(planned.rows)) == (1, 1)
    assert "…" not in list(command.text(planned))


def test_what_is_too_slow_to_finish_is_a_bound() -> None:
    slow = network(gate="XOR")
    slow["train"] = {"max_epochs": 10**6, "target_loss": 1e-9}
    planned = command.plan(load(slow), jobs=1)
    assert planned.at_most
    assert any("at most" in line for line in list(command.text(planned)))


@given(n=st.integers(1, 150))
def test_every_kind_has_its_runs_and_no_others(mixed: dict[str, Any], n: int) -> None:
    for experiment in (load(mixed), load(network(optimizer=["gd", "adam"]))):
        runs = np.sort(np.random.default_rng(n).permutation(experiment.n_runs)[:n])
        kinds = command._kinds(experiment, runs)
        assert sorted(np.concatenate([kind.first + kind.within for kind in kinds]).tolist()) == runs.tolist()
        assert len(kinds) >= len(plans_of(experiment)) or n < experiment.n_runs


def test_time_is_about_what_training_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in epochs, of which each takes a second here, with as many lanes as there are."""
    experiment = load({**network(seeds=1000), "train": {"max_epochs": 400}})
    monkeypatch.setattr(command, "perf_counter", Clock())
    monkeypatch.setattr(command, "_FIRST_EPOCHS", 400)
    outcomes: list[Any] = []

    def train(*arguments: Any) -> Any:
        outcomes.append(command_train(*arguments))
        Clock.now += outcomes[-1].epochs.sum() / natural_width()
        return outcomes[-1]

    command_train = command.train_runs
    monkeypatch.setattr(command, "train_runs", train)
    training = command._measured(experiment, 1)
    whole = [
        train_runs(experiment, number, first, np.arange(grid.n_runs)).epochs.sum()
        for number, (grid, first) in enumerate(zip(experiment.grids, experiment.firsts, strict=False))
    ]
    assert not training.at_most
    assert training.mean_epochs == pytest.approx(sum(whole) / experiment.n_runs, rel=0.1)
    assert training.core_seconds == pytest.approx(sum(whole) / natural_width(), rel=0.15)


def test_text(mixed: dict[str, Any]) -> None:
    planned = command.plan(load(mixed), jobs=2)
    lines = list(command.text(planned))
    assert lines[0].startswith("mixed: 150 runs, ")
    assert "with 2 jobs" in lines[1]
    assert lines[-1] == "…"
