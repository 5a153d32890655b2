"""What several test modules need: the committed experiments, and results that take a while to make."""

import fcntl
import os
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sweep

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
TINY = {
    "and": ["seeds=2", "max_epochs=200"],
    "gates": [],
    "threshold_functions": ["gate=all-3", "max_epochs=100"],
    "xor": ["seeds=2", "max_epochs=20", "hidden=2", "learning_rate=1"],
    "kolen_pollack": ["max_epochs=5", "init_scale=1"],
    "kolen_pollack_slices": ["grid.x.num=17", "grid.y.num=17", "max_epochs=50"],
    "trainability_boundary": ["learning_rate.num=16", "hidden_learning_rate.num=16", "max_epochs=50"],
    "parity": ["seeds=1", "max_epochs=3", "momentum=0.9", "init_scale=1", "learning_rate=1", "hidden=2"],
    "parity_fresh": ["max_epochs=1"],
    "one_hidden_unit": ["seeds=2", "max_epochs=20", "init_scale=1"],
    "large_steps": ["max_epochs=20"],
    "first_guess": ["seeds=4"],
    "five_inputs": ["gate=classes-3", "max_epochs=20"],
    "cycles": ["max_epochs=3"],
    "quickprop": ["seeds=2", "max_epochs=40", "init_scale=1", "learning_rate=8", "loss=mse"],
    "fast_learners": ["seeds=2", "max_epochs=20", "init_scale=1", "learning_rate=0.5"],
    "fractal": ["grid.learning_rate.num=4", "grid.hidden_learning_rate.num=4", "max_epochs=20", "last_losses=5"],
    "critical_learning_rate": ["seeds=1", "max_epochs=1000"],
    "published": ["seeds=2", "max_epochs=20", "momentum=0", "init_scale=1", "hidden=2"],
}
"""The committed experiments, and what makes them quick."""


@pytest.fixture(scope="session")
def mixed() -> dict[str, Any]:
    """A union: two and three inputs on one axis, both encodings, a table of one's own, statuses of all kinds."""
    return {
        "name": "mixed",
        "grid": [
            {
                "gate": ["AND", "0110", "TRUE"],
                "learning_rate": [0.1, 30, 1e6],
                "init": ["uniform(-5, 5)", "normal(0, 1)"],
                "seeds": {"from": 2**32 - 7, "count": 7},
            },
            {"learning_rate": 3, "gate": ["majority-3", "NAND"], "init": "normal(0, 1e300)", "seeds": 5},
            {"encoding": ["pm1", "01"], "gate": "OR", "learning_rate": 0.5, "init": "zeros"},
            {"gate": "points", "learning_rate": [1, 1e300], "init_scale": [1, 2], "seeds": 3},
        ],
        "train": {"max_epochs": 300, "record_every": 60},
        "tables": {"points": {"rows": [[0.3, -2, 1], [1e200, 4, 0], [0, 0.5, 0]]}},
    }


@pytest.fixture(scope="session")
def mixed_result(mixed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> sweep.Result:
    """The result of `mixed` on disk, trained in one piece."""
    return sweep.run(mixed, tmp_path_factory.mktemp("mixed"), jobs=1, chunk_size=10**6, figures=False)


@pytest.fixture(scope="session")
def threshold_functions() -> sweep.Result:
    """The result of the committed experiment: all Boolean functions of three and of four variables."""
    return sweep.run(tomllib.loads((EXPERIMENTS / "threshold_functions.toml").read_text()))


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of a committed experiment's result, made at its first use by any of the processes that test."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    @cache
    def of(name: str) -> Path:
        directory = root / "committed" / name
        directory.parent.mkdir(exist_ok=True)
        with (directory.parent / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            sweep.run(EXPERIMENTS / f"{name}.toml", directory, overrides=TINY[name])
        return directory

    return of


@pytest.fixture(scope="session")
def replicated_results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sweep.Result]:
    """Small results of the experiments of the replication page."""
    from replicated import trained_in

    return trained_in(tmp_path_factory.mktemp("results"))
