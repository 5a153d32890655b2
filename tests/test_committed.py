"""The committed results: running their experiments again gives the same bytes."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

import sweep

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "experiments").glob("*.toml"))
QUICK = ["and", "gates", "kolen_pollack_slices", "threshold_functions"]


def committed(name: str) -> dict[str, str]:
    """Table → SHA-256, as in git."""
    lines = (ROOT / "results" / name / "SHA256SUMS").read_text().splitlines()
    return {table: digest for digest, table in (line.split("  ") for line in lines)}


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_experiment_gives_the_committed_bytes(name: str, tmp_path: Path) -> None:
    result = sweep.run(ROOT / "experiments" / f"{name}.toml", tmp_path, figures=False)
    assert {table: digest for table, digest in result.manifest["files"].items() if table.endswith(".csv")} == committed(
        name
    )


@pytest.mark.parametrize(
    ("name", "overrides", "n_points"),
    [
        ("xor", ["hidden=2", "activation=tanh", "init=uniform(-1, 1)"], 5),
        ("kolen_pollack", ["init_scale=0.5"], 12),
    ],
)
def test_some_settings_of_a_long_experiment_give_the_committed_rows(
    name: str, overrides: list[str], n_points: int, tmp_path: Path
) -> None:
    result = sweep.run(ROOT / "experiments" / f"{name}.toml", tmp_path, overrides=overrides, figures=False)
    grid = list(result.summary.columns[: list(result.summary.columns).index("n")])
    again, whole = (
        pd.read_csv(path / "summary.csv", dtype=str, keep_default_na=False).set_index(grid)
        for path in (tmp_path, ROOT / "results" / name)
    )
    assert len(again) == n_points
    pd.testing.assert_frame_equal(again, whole.loc[again.index])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_its_committed_result(name: str) -> None:
    sums = committed(name)
    assert {"runs.csv", "summary.csv"} <= sums.keys()
    summary = ROOT / "results" / name / "summary.csv"
    if summary.exists():
        assert hashlib.sha256(summary.read_bytes()).hexdigest() == sums["summary.csv"]
