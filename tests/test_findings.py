"""Findings of a report: each is computed once, whoever asks for it."""

import sys
from collections import Counter
from pathlib import Path
from types import FrameType

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
    calls: Counter[tuple[str, str]] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "analysis" in frame.f_code.co_filename:
            calls[Path(frame.f_code.co_filename).name, frame.f_code.co_name] += 1

    sys.setprofile(count)
    try:
        done = CliRunner().invoke(
            cli.app, ["run", str(EXPERIMENTS / f"{name}.toml"), "--out", str(tmp_path / name), "--jobs", "1", *options]
        )
    finally:
        sys.setprofile(None)
    assert done.exit_code == 0, done.output
    counts = {function: calls[file, function] for file, functions in ONCE.items() for function in functions}
    assert {function: n for function, n in counts.items() if n > 1} == {}
    assert {function: counts[function] for function in some} == dict.fromkeys(some, 1)
