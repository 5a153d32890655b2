"""What several test modules need: the committed experiments, and results that take a while to make."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import sweep

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


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
