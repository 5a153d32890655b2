"""The committed experiments, at a tiny size, as a user would run them."""

import hashlib
import json
from pathlib import Path

import pytest
from conftest import EXPERIMENTS
from typer.testing import CliRunner

import sweep
from sweep.cli import app
from sweep.spec.experiment import load

TINY = {
    "and": ["seeds=2", "max_epochs=200"],
    "gates": ["seeds=3", "max_epochs=50", "learning_rate=[0.1, 10]"],
    "threshold_functions": ["gate=all-3", "max_epochs=100"],
    "xor": ["seeds=2", "max_epochs=20", "hidden=2", "learning_rate=1"],
    "kolen_pollack": ["seeds=2", "max_epochs=50", "momentum=0.5", "init_scale=1"],
    "kolen_pollack_slices": ["grid.x.num=17", "grid.y.num=17", "max_epochs=50"],
    "trainability_boundary": ["learning_rate.num=16", "hidden_learning_rate.num=16", "max_epochs=50"],
    "parity": ["seeds=1", "max_epochs=3", "momentum=0.9", "init_scale=1", "learning_rate=1", "hidden=2"],
    "critical_learning_rate": ["seeds=1", "max_epochs=50"],
    "published": ["seeds=2", "max_epochs=20", "momentum=0", "init_scale=1", "hidden=2"],
}


def test_every_committed_experiment_is_tried() -> None:
    assert {path.stem for path in EXPERIMENTS.glob("*.toml")} == set(TINY)


@pytest.mark.parametrize("name", TINY)
def test_a_committed_experiment_end_to_end(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changes = [part for override in TINY[name] for part in ("--set", override)]
    path = EXPERIMENTS / f"{name}.toml"
    done = CliRunner().invoke(app, ["run", str(path), *changes])
    assert done.exit_code == 0, done.output
    expected = load(path, TINY[name])
    result = sweep.read(Path("results") / name)
    assert (len(result.runs), len(result.summary)) == (expected.n_runs, expected.n_points)
    assert (result.curves is not None) == (expected.train.record_every > 0)
    assert not result.runs["final_loss"].isna().any()
    assert result.manifest["question"] == expected.question
    manifest = json.loads(Path("results", name, "manifest.json").read_text())
    assert {"runs.csv", "summary.csv", "report.html"} < manifest["files"].keys()
    sums = dict(line.split("  ")[::-1] for line in Path("results", name, "SHA256SUMS").read_text().splitlines())
    for file, digest in {**manifest["files"], **sums}.items():
        assert hashlib.sha256(Path("results", name, file).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(("name", "n_runs"), [("and", 100), ("gates", 160_000), ("threshold_functions", 65_792)])
def test_the_size_of_a_committed_experiment(name: str, n_runs: int) -> None:
    assert load(EXPERIMENTS / f"{name}.toml").n_runs == n_runs
