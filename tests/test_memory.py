"""Memory of whole processes: flat, however many runs there are and whatever is done with them.

`make torture` does it with 16.8 million runs.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.engine.estimate import MOST_MEMORY

pytestmark = pytest.mark.processes
N_RUNS = int(os.environ.get("TORTURE_RUNS", "1000000"))
N_SETTINGS = 256
MANY_RUNS = """
[grid]
gate = ["AND", "XOR", "OR", "NAND"]
learning_rate = { from = 0.1, to = 10, num = 64, scale = "log" }
[train]
max_epochs = 3
"""
LONG_CURVES = """
[grid]
gate = ["AND", "XOR"]
learning_rate = [0.0001, 0.0002]
seeds = 100
[train]
max_epochs = 10_000
record_every = 1
"""


def peak(file: Path, out: Path, *changes: str) -> int:
    """Run an experiment; returns the bytes of memory that this took at most."""
    options = [word for change in changes for word in ("--set", change)]
    process = subprocess.Popen(
        [sys.executable, "-m", "sweep", "run", file, "--out", out, *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return usage.ru_maxrss * 1024


def test_fewer_seeds_and_more_again(tmp_path: Path) -> None:
    file, seeds = tmp_path / "many.toml", N_RUNS // N_SETTINGS
    file.write_text(MANY_RUNS)
    for n_seeds in (seeds, seeds - 10, seeds - 5):
        assert peak(file, tmp_path / "changed", f"seeds={n_seeds}") < MOST_MEMORY
    assert peak(file, tmp_path / "once", f"seeds={seeds - 5}") < MOST_MEMORY
    changed, once = ((tmp_path / name / "SHA256SUMS").read_bytes() for name in ("changed", "once"))
    assert changed == once


def test_many_seeds_of_one_setting(tmp_path: Path) -> None:
    file = tmp_path / "many.toml"
    file.write_text(MANY_RUNS)
    assert peak(file, tmp_path / "out", "gate=AND", "learning_rate=1", f"seeds={N_RUNS}") < MOST_MEMORY


def test_long_learning_curves(tmp_path: Path) -> None:
    file = tmp_path / "curves.toml"
    file.write_text(LONG_CURVES)
    n_seeds = 1000 if N_RUNS > 10**7 else 100
    assert peak(file, tmp_path / "out", f"seeds={n_seeds}") < MOST_MEMORY


def test_counts_take_no_more_for_more_runs(tmp_path: Path) -> None:
    file = tmp_path / "many.toml"
    file.write_text(MANY_RUNS)
    one = "gate=AND", "learning_rate=1", "keep=summary"
    peaks = [peak(file, tmp_path / str(n), *one, f"seeds={n * N_RUNS}") for n in (3, 12)]
    assert peaks[1] - peaks[0] < 50_000_000  # as runs, nine million more would take thrice that
