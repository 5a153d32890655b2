"""The committed experiments, at a tiny size, as a user would run them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import EXPERIMENTS, TINY

import sweep
from sweep.spec.experiment import load


def test_every_committed_experiment_is_tried() -> None:
    assert {path.stem for path in EXPERIMENTS.glob("*.toml")} == set(TINY)


@pytest.mark.parametrize("name", TINY)
def test_a_committed_experiment_end_to_end(name: str, committed: Callable[[str], Path]) -> None:
    directory = committed(name)
    expected = load(EXPERIMENTS / f"{name}.toml", TINY[name])
    result = sweep.read(directory)
    assert (len(result.runs), len(result.summary)) == (expected.n_runs, expected.n_points)
    assert (result.curves is not None) == (expected.train.record_every > 0)
    assert not result.runs["final_loss"].isna().any()
    assert result.manifest["question"] == expected.question
    manifest = json.loads((directory / "manifest.json").read_text())
    assert {"runs.csv", "summary.csv", "report.html"} < manifest["files"].keys()
    sums = dict(line.split("  ")[::-1] for line in (directory / "SHA256SUMS").read_text().splitlines())
    for file, digest in {**manifest["files"], **sums}.items():
        assert hashlib.sha256((directory / file).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(("name", "n_runs"), [("and", 100), ("gates", 160_000), ("threshold_functions", 65_792)])
def test_the_size_of_a_committed_experiment(name: str, n_runs: int) -> None:
    assert load(EXPERIMENTS / f"{name}.toml").n_runs == n_runs
