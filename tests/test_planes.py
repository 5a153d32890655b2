"""Settings of rows: what the grids say of them is what the tables say, and planes are made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import example_results as examples
import numpy as np
import pandas as pd
import pytest
from of_result import listing

import sweep
from sweep.analysis.findings import Findings
from sweep.analysis.layout import choose_layout
from sweep.analysis.names import combinations
from sweep.analysis.planes import planes
from sweep.page import html
from sweep.results import columns
from sweep.results.result import Result

RATES = {"from": 0.01, "to": 100, "num": 17, "scale": "log"}
STEPS = [20.0, -3.0, *range(-2, 14)]
EXPERIMENTS: dict[str, list[dict[str, Any]]] = {
    "a plane": [{"gate": ["AND", "XOR"], "hidden": [0, 2], "init_scale": [8.0, 0.5, *range(10, 24)], "seeds": 2}],
    "seeds and starts": [{"gate": "all-2", "learning_rate": [0.5, 1, 2], "init": ["normal(0, 1)", "uniform(0, 1)"]}],
    "many gates": [{"gate": ["all-2", "majority-3", *(f"{n:08b}" for n in range(1, 30, 3))], "seeds": 2}],
    "a picture": [{"gate": "OR", "init_scale": [1.0, *range(20, 47)], "learning_rate": list(range(30, 1, -1))}],
    "crowded": [
        {
            "gate": "OR",
            "init_scale": [1.0, *range(20, 47)],
            "hidden": [2, 1],
            "activation": ["tanh", "relu"],
            "init": [f"normal(0, {std})" for std in range(1, 8)],
        }
    ],
    "two widths": [
        {"gate": "parity-2", "hidden": [2, 4], "learning_rate": [1, 2, 4]},
        {"gate": "parity-3", "hidden": [6], "learning_rate": [2, 4, 8]},
        {"gate": "parity-3", "hidden": [1], "shortcut": True, "learning_rate": [2], "init_scale": [1, 2]},
    ],
    "given weights": [
        {"gate": ["AND", "OR"], "init": "given", "weights": ["y", "x", 1], "x": STEPS, "y": list(range(16))},
        {"gate": "AND", "init": "given", "weights": ["x", 2, "y"], "y": STEPS[:17], "x": list(range(19))},
    ],
}


@dataclass
class Lazy:
    """Tables like those on disk, and what was asked of them."""

    whole: Result
    asked: list[tuple[str, str]]
    complete = True

    def load(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        if name == "curves":
            return None
        frame: pd.DataFrame = getattr(self.whole, name)
        self.asked += [(name, column) for column in (frame.columns if columns is None else columns)]
        return frame if columns is None else frame[list(columns)]


def both(grids: list[dict[str, Any]]) -> tuple[Result, Result]:
    """The same result with tables in memory and with tables that are loaded."""
    written = [{"learning_rate": RATES} | grid for grid in grids]
    in_memory = sweep.run({"grid": written, "train": {"max_epochs": 3}})
    return in_memory, Result(Lazy(in_memory, []), in_memory.manifest, in_memory.experiment)


@pytest.fixture(scope="module", params=EXPERIMENTS)
def pair(request: pytest.FixtureRequest) -> tuple[Result, Result]:
    return both(EXPERIMENTS[request.param])


@pytest.fixture(scope="module", params=["whole", "some settings", "few runs"])
def some(request: pytest.FixtureRequest, pair: tuple[Result, Result]) -> Result:
    """A result in memory, whole, without some of its settings, or as if it had been interrupted soon."""
    whole, _ = pair
    rng = np.random.default_rng(7)
    n = len(whole.summary)
    kept = {"whole": np.ones(n, bool), "some settings": rng.random(n) < 0.7, "few runs": np.arange(n) < n // 3}
    return part_of(whole, kept[request.param])


def part_of(whole: Result, rows: np.ndarray[Any, Any]) -> Result:
    runs = whole.runs[np.repeat(rows, whole.summary["n"])].reset_index(drop=True)
    return examples.with_runs(whole, runs, whole.summary[rows].reset_index(drop=True))


def test_settings_are_those_that_the_tables_say(some: Result) -> None:
    settings = some.settings
    assert settings.n == len(some.summary)
    for key in settings.keys:
        table = some.summary[key]
        pd.testing.assert_series_equal(settings.column(key), table, check_categorical=False)
        of_runs = settings.decoded(key, some.of_runs(settings.codes(key)))
        pd.testing.assert_series_equal(of_runs, some.runs[key], check_categorical=False)
        assert len(settings.values(key)) == table.nunique(dropna=False)
        assert settings.codes(key).dtype == np.min_scalar_type(len(settings.values(key)) - 1)
    first = some.runs.groupby((some.runs["seed"] == some.runs["seed"][0]).cumsum())["run"].first()
    assert settings.first_runs(np.arange(settings.n)).tolist() == first.tolist()


def test_a_complete_result_reads_nothing_for_its_settings(pair: tuple[Result, Result]) -> None:
    looked_at, told = pair
    for key in told.settings.keys:
        pd.testing.assert_series_equal(told.settings.column(key), looked_at.settings.column(key))
    rows = np.arange(0, told.settings.n, 3)
    assert (told.settings.first_runs(rows) == looked_at.settings.first_runs(rows)).all()
    layout = choose_layout(told.settings)
    assert layout == choose_layout(looked_at.settings)
    if layout.plane:
        assert planes(told.settings, layout.plane)[0]
    for most in (1, 7, 50, 10**6):
        found = listing(told, most)
        assert (found.rows == listing(looked_at, most).rows).all()
        assert 0 < len(found.rows) <= most
    assert told.tables.asked == []  # type: ignore[attr-defined]


def test_every_cell_of_a_plane_is_the_setting_of_its_row_and_column(some: Result) -> None:
    axes = choose_layout(some.settings).plane
    if axes is None:
        pytest.skip("no plane")
    made, held = planes(some.settings, axes)
    upwards, rightwards = (some.summary[axis].to_numpy(float) for axis in axes)
    shown = np.concatenate([plane.points.ravel() for plane in made])
    assert np.unique(shown[shown >= 0]).size == (shown >= 0).sum()
    if not held and all(part.points is None for part in some.settings.parts):
        assert (shown >= 0).sum() == len(some.summary)
    for plane in made:
        assert (np.diff(plane.x) > 0).all() and (np.diff(plane.y) > 0).all()
        there = plane.points >= 0
        assert there.any(axis=0).all() and there.any(axis=1).all()
        y, x = np.broadcast_to(plane.y[:, None], there.shape), np.broadcast_to(plane.x, there.shape)
        assert (upwards[plane.points[there]] == y[there]).all()
        assert (rightwards[plane.points[there]] == x[there]).all()


@pytest.mark.parametrize("keys", [[], ["gate"], ["learning_rate", "gate"]])
def test_combinations_have_names_of_their_own(some: Result, keys: list[str]) -> None:
    codes, names = combinations(some.settings, keys)
    assert len(set(names)) == len(names) == len(some.summary.drop_duplicates(keys)) if keys else names == [""]
    for key in keys:
        assert (pd.Series(some.summary[key]).groupby(codes, observed=True).nunique() == 1).all()


@pytest.mark.parametrize("name", ["seeds and starts", "a picture"])
def test_the_report_is_the_same_and_reads_no_column_of_the_grid(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at, told = both(EXPERIMENTS[name])
    expected = [path.read_bytes() for path in html.write(Findings(looked_at), tmp_path / "expected")]
    monkeypatch.setattr(columns, "LARGE", 0)
    asked = told.tables.asked  # type: ignore[attr-defined]
    asked.clear()
    assert [path.read_bytes() for path in html.write(Findings(told), tmp_path / "found")] == expected
    assert len(asked) == len(set(asked))
    assert not {name for _, name in asked} & set(told.settings.keys)


def test_large_columns_are_narrow_and_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = both(EXPERIMENTS["a plane"])
    monkeypatch.setattr(columns, "LARGE", 0)
    monkeypatch.setattr(columns, "KEPT_BYTES", 12 * told.settings.n)
    spared = columns.sparing(told)
    counts = spared.part("summary", ["n", "n_diverged", "epochs_q50"])
    assert [str(dtype) for dtype in counts.dtypes] == ["int8", "int8", "Int8"]
    for _ in range(2):
        assert (spared.part("runs", ["final_loss"]) == told.part("runs", ["final_loss"])).all(axis=None)
        assert spared.part("summary", ["n"]).to_numpy().dtype == np.int8
    asked = told.tables.asked  # type: ignore[attr-defined]
    assert asked.count(("summary", "n")) == 1
    assert asked.count(("runs", "final_loss")) == 4
