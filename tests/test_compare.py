"""Two results, run by run."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from example_results import in_memory

import sweep
from sweep.commands import compare as command
from sweep.commands.compare import compare

BASE: dict[str, Any] = {
    "grid": {"gate": ["AND", "OR"], "learning_rate": [0.3, 3, 1e300], "init": "normal(0, 1)", "seeds": 10},
    "train": {"max_epochs": 60, "target_loss": 0.2},
}


def ran(train: dict[str, Any] | None = None, **grid: Any) -> sweep.Result:
    return sweep.run({"grid": {**BASE["grid"], **grid}, "train": {**BASE["train"], **(train or {})}})


@pytest.fixture(scope="module")
def base() -> sweep.Result:
    return ran()


def without(result: sweep.Result, runs: list[int]) -> sweep.Result:
    """A result that lacks some runs."""
    kept = result.runs[~result.runs["run"].isin(runs)].reset_index(drop=True)
    n = np.bincount(kept["run"] // 10, minlength=len(result.summary))
    summary = result.summary.assign(n=n)[n > 0].reset_index(drop=True)
    return in_memory(kept, summary, None, result.manifest, result.experiment)


def with_value(result: sweep.Result, run: int, column: str, value: Any) -> sweep.Result:
    frame = result.runs.copy()
    frame.loc[run, column] = value
    return in_memory(frame, result.summary, None, result.manifest, result.experiment)


def test_a_result_is_the_same_as_itself(mixed_result: sweep.Result) -> None:
    comparison = compare(mixed_result, mixed_result)
    assert comparison.same
    assert comparison.n_identical == len(mixed_result.runs)
    assert command.text(comparison) == [f"runs: {len(mixed_result.runs):,} identical"]


def test_the_order_of_axes_does_not_matter(base: sweep.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    turned = ran(learning_rate=[1e300, 0.3, 3], gate=["0111", "AND"])
    grid = {key: BASE["grid"][key] for key in ("init", "learning_rate", "seeds", "gate")}
    other = sweep.run({"grid": grid, "train": BASE["train"]})
    monkeypatch.setattr(command, "_BLOCK", 7)
    for result in (turned, other):
        assert result.runs["final_loss"].tolist() != base.runs["final_loss"].tolist()
        assert compare(base, result).n_identical == 60
        assert compare(base, result).same


def test_fewer_epochs(base: sweep.Result) -> None:
    other = ran({"max_epochs": 20, "target_error": 0.5})
    comparison = compare(base, other)
    keys = ["gate", "learning_rate", "seed"]
    both = base.runs.merge(other.runs, on=keys)
    changed = (
        (both["status_x"] != both["status_y"])
        | (both["epochs_x"] != both["epochs_y"])
        | (both["converged_epoch_x"].fillna(-1) != both["converged_epoch_y"].fillna(-1))
        | (both["final_loss_x"] != both["final_loss_y"])
    )
    assert 0 < comparison.n_changed == changed.sum() < 60
    assert comparison.n_identical == 60 - comparison.n_changed
    assert comparison.columns["epochs"] == (both["epochs_x"] != both["epochs_y"]).sum()
    assert comparison.transitions == {
        ("converged", "max_epochs"): int(((both["status_x"] == "converged") & (both["status_y"] == "max_epochs")).sum())
    }
    assert comparison.train == {"max_epochs": (60, 20), "target_error": (None, 0.5)}
    assert not comparison.same
    lines = command.text(comparison)
    assert lines[:2] == ["max_epochs: 60 → 20", "target_error: none → 0.5"]


def test_examples_are_the_rows_of_both(base: sweep.Result) -> None:
    other = ran({"max_epochs": 20}, gate=["OR", "AND"])
    comparison = compare(base, other)
    assert len(comparison.examples) == command.MAX_EXAMPLES < comparison.n_changed
    for example in comparison.examples:
        for result, run, outcome in ((base, example.run, example.one), (other, example.other_run, example.other)):
            row = result.runs.iloc[run]
            assert {key: row[key] for key in example.setting} == dict(example.setting)
            assert outcome["status"] == row["status"]
            assert outcome["epochs"] == row["epochs"]
            assert outcome["final_loss"] == row["final_loss"]
            assert (outcome["converged_epoch"] is None) == pd.isna(row["converged_epoch"])
    assert f"… and {comparison.n_changed - 5:,} more" in command.text(comparison)


def test_runs_that_only_one_has(base: sweep.Result) -> None:
    other = ran(seeds={"from": 4, "count": 9}, learning_rate=[3, 0.3])
    comparison = compare(base, other)
    assert (comparison.n_identical, comparison.n_changed) == (2 * 2 * 6, 0)
    assert (comparison.n_only_one, comparison.n_only_other) == (60 - 24, 36 - 24)
    assert not comparison.same
    assert command.text(comparison) == ["runs: 24 identical, 36 only in the first, 12 only in the second"]
    assert compare(other, base).n_only_one == 12


def test_nothing_in_common(base: sweep.Result) -> None:
    comparison = compare(base, ran(gate="XOR"))
    assert (comparison.n_identical, comparison.n_only_one, comparison.n_only_other) == (0, 60, 30)


def test_incomplete_results(base: sweep.Result) -> None:
    comparison = compare(without(base, [0, 5, 59]), without(base, [5, 30]))
    assert (comparison.n_identical, comparison.n_only_one, comparison.n_only_other) == (56, 1, 2)
    assert compare(without(base, list(range(60))), base).n_only_other == 60


def test_interrupted(tmp_path: Path, base: sweep.Result) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.run(BASE, tmp_path, jobs=1, chunk_size=10, figures=False, on_chunk=stop)
    part = sweep.read(tmp_path)
    comparison = compare(part, base)
    assert 0 < comparison.n_identical == len(part.runs) == 60 - comparison.n_only_other
    assert (comparison.n_changed, comparison.n_only_one) == (0, 0)


@pytest.mark.parametrize(
    ("column", "value"),
    [("final_loss", -0.0), ("epochs", 61), ("converged_epoch", pd.NA), ("status", "stationary")],
)
def test_every_column_counts(base: sweep.Result, column: str, value: Any) -> None:
    run = int(base.runs.index[base.runs["status"] == "converged"][0])
    one = with_value(base, run, "final_loss", 0.0)
    comparison = compare(one, with_value(one, run, column, value))
    assert comparison.n_changed == 1
    assert comparison.columns == {column: 1}
    assert comparison.examples[0].run == run
    assert any(line.startswith(f"run {run} → {run} ") and column in line for line in command.text(comparison))


def test_not_a_number_is_itself(base: sweep.Result) -> None:
    one = with_value(base, 3, "final_loss", np.nan)
    assert compare(one, one).same


def test_unions_are_paired_across_their_grids(mixed: dict[str, Any], mixed_result: sweep.Result) -> None:
    turned = copy.deepcopy(mixed)
    turned["grid"].reverse()
    turned["train"]["record_every"] = 0
    comparison = compare(mixed_result, sweep.run(turned))
    assert comparison.same
    assert comparison.train == {"record_every": (60, 0)}
