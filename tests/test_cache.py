"""Compiled code on disk: shared by processes that compiled different kernels, it never takes one for another."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sweep

pytestmark = pytest.mark.processes
KINDS: list[dict[str, Any]] = [
    {"encoding": "01"},
    {"encoding": "pm1"},
    {"hidden": 1},
]
TRAIN = """
import json, sys
import sweep

for kind in json.loads(sys.argv[1]):
    grid = {"gate": ["AND", "XOR"], "learning_rate": [0.5, 2], "seeds": 4, **kind}
    print(sweep.run({"grid": grid, "train": {"max_epochs": 60}}, jobs=1).runs["final_loss"].tolist())
"""


def final_losses(kinds: list[dict[str, Any]], cache: Path, first: str = "") -> list[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", first + TRAIN, json.dumps(kinds)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


def test_kernels_cached_by_several_processes_meet_in_one(tmp_path: Path) -> None:
    expected = [final_losses([kind], tmp_path / "shared")[0] for kind in KINDS]
    assert len(set(expected)) == len(KINDS)
    assert final_losses([*KINDS[::-1], *KINDS], tmp_path / "shared") == [*expected[::-1], *expected]


def test_each_kernel_is_compiled_once(tmp_path: Path) -> None:
    final_losses(KINDS[:1], tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    assert before
    final_losses(KINDS[:1], tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == before


AHEAD = """
import sweep
from sweep.engine.runner import compile_ahead
from sweep.engine.training import plans_of
from sweep.kernel.compiled import uncompiled
from sweep.spec.experiment import load

grid = {"gate": ["AND", "XOR"], "hidden": [0, 1], "learning_rate": [0.5, 2], "init": ["uniform(0, 1)", "normal(0, 1)"]}
experiment = load({"grid": grid, "train": {"max_epochs": 60}})
print(len(uncompiled(plans_of(experiment), True, True)))
compile_ahead(experiment, 2)
print(len(uncompiled(plans_of(experiment), True, True)))
print(sweep.run(experiment.resolved()).runs["final_loss"].tolist())
"""


def test_copies_of_a_process_compile_for_it(tmp_path: Path) -> None:
    """Two loops, the draws and two kinds of models; then nothing is left, and nothing is compiled again."""

    def run() -> list[str]:
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        return subprocess.check_output([sys.executable, "-c", AHEAD], env=environment, text=True).splitlines()

    first = run()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    assert first[:2] == ["5", "0"]
    assert run() == ["0", "0", first[2]]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == before


def test_a_change_of_one_file_makes_the_code_of_all_anew(tmp_path: Path) -> None:
    """Code may have taken in a constant of another file than its own."""
    package, cache = tmp_path / "sweep", tmp_path / "cache"
    shutil.copytree(Path(sweep.__file__).parent, package)

    def made() -> set[str]:
        """Functions that a process compiles, by module and name."""
        before = set(cache.rglob("*.nbi"))
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(tmp_path)}
        command = [sys.executable, "-c", TRAIN, json.dumps(KINDS[:1])]
        subprocess.run(command, env=environment, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
        return {re.split("_[0-9a-f]{20}|-", path.name)[0] for path in set(cache.rglob("*.nbi")) - before}

    everything = made()
    assert {name.partition(".")[0] for name in everything} == {"compiled", "draws", "loop"}
    descent = package / "kernel" / "descent.py"
    descent.write_text(descent.read_text().replace("N_SETTINGS = 5", "N_SETTINGS = 6"))
    assert made() == everything


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))"


def test_damaged_code_is_compiled_again_even_if_it_cannot_be_kept(tmp_path: Path) -> None:
    """A file that would grow beyond a limit fails as one on a full disk does."""
    expected = final_losses(KINDS[:1], tmp_path)
    names = sorted(path.name for path in tmp_path.rglob("*.nb?"))
    for number, path in enumerate(sorted(tmp_path.rglob("*.nb?"))):
        path.write_bytes(path.read_bytes()[: -10 if number % 2 else 100])
    assert final_losses(KINDS[:1], tmp_path, FULL) == expected
    assert final_losses(KINDS[:1], tmp_path) == expected
    assert sorted(path.name for path in tmp_path.rglob("*.nb?")) == names


def test_training_without_a_compiler_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.toml").write_text('grid = { gate = "AND", learning_rate = 1 }')
    command = [sys.executable, "-m", "sweep", "run", "one.toml"]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == ["sweep: training takes compiled code; unset NUMBA_DISABLE_JIT"]
