"""Findings of a report: each is computed once, whoever asks for it."""

import cProfile
import pstats
from pathlib import Path

import pytest
from conftest import EXPERIMENTS
from typer.testing import CliRunner

from sweep import cli

ONCE = {
    "layout.py": ("choose_layout",),
    "points.py": ("points",),
    "losses.py": ("losses_of", "histogram"),
    "curves.py": ("success_curves", "learning_curves"),
    "planes.py": ("planes", "heat_map"),
    "predictions.py": ("covered", "laws", "law_ratios", "infima"),
    "stability.py": ("edges", "edge_layout", "losses_across"),
    "representatives.py": ("representatives",),
}
EXPERIMENTS_WITH = {
    "gates": (["seeds=3", "max_epochs=1000"], ["points", "histogram", "success_curves", "laws", "edges", "covered"]),
    "and": (["seeds=3", "max_epochs=300"], ["learning_curves", "representatives"]),
    "trainability_boundary": (
        ["learning_rate.num=16", "hidden_learning_rate.num=16", "max_epochs=50"],
        ["planes", "heat_map"],
    ),
}


@pytest.mark.parametrize("name", EXPERIMENTS_WITH)
def test_every_finding_of_a_run_and_its_report_is_computed_once(name: str, tmp_path: Path) -> None:
    overrides, some = EXPERIMENTS_WITH[name]
    options = [part for override in overrides for part in ("--set", override)]
    profile = cProfile.Profile()
    profile.enable()
    done = CliRunner().invoke(
        cli.app, ["run", str(EXPERIMENTS / f"{name}.toml"), "--out", str(tmp_path / name), "--jobs", "1", *options]
    )
    profile.disable()
    assert done.exit_code == 0, done.output
    calls = {
        (Path(file).name, function): n_calls
        for (file, _, function), (_, n_calls, *_) in pstats.Stats(profile).stats.items()
        if "analysis" in file
    }
    counts = {function: calls.get((file, function), 0) for file, functions in ONCE.items() for function in functions}
    assert {function: n for function, n in counts.items() if n > 1} == {}
    assert all(counts[function] == 1 for function in some)
