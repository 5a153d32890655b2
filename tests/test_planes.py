"""A complete result on disk is drawn from its grids alone: the same as from a look at every row of its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from of_result import listing

import sweep
from sweep.analysis.axes import choose_layout, combinations, combinations_in, main_numeric_axis, varying
from sweep.analysis.planes import planes
from sweep.page import html
from sweep.results import columns
from sweep.results.result import Result
from sweep.results.settings import first_runs, n_rows, settings_at, whole_grids

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
    return in_memory, Result(Lazy(in_memory, []), in_memory.manifest)


@pytest.fixture(scope="module", params=EXPERIMENTS)
def pair(request: pytest.FixtureRequest) -> tuple[Result, Result]:
    return both(EXPERIMENTS[request.param])


def test_layout_and_planes_need_no_column(pair: tuple[Result, Result]) -> None:
    looked_at, told = pair
    assert whole_grids(looked_at) is None
    assert varying(told) == varying(looked_at)
    assert main_numeric_axis(told) == main_numeric_axis(looked_at)
    layout = choose_layout(looked_at)
    assert choose_layout(told) == layout
    assert [n_rows(told, name) for name in ("runs", "summary")] == [len(looked_at.runs), len(looked_at.summary)]
    axes = layout.plane or ("y", "x")
    (made, held), (expected, expected_held) = (
        planes(result, axes) if layout.plane else ([], {}) for result in (told, looked_at)
    )
    assert held == expected_held
    assert [plane.name for plane in made] == [plane.name for plane in expected]
    for plane, other in zip(made, expected, strict=True):
        assert (plane.points == other.points).all()
        assert (plane.x == other.x).all()
        assert (plane.y == other.y).all()
    assert told.tables.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("table", ["runs", "summary"])
def test_combinations_of_every_row(pair: tuple[Result, Result], table: Any) -> None:
    looked_at, told = pair
    for keys in ([], ["gate"], ["learning_rate", "gate"]):
        expected = combinations(getattr(looked_at, table), keys)
        found = combinations_in(told, table, keys)
        assert list(found.cat.categories) == list(expected.cat.categories)
        assert (found.cat.codes.to_numpy() == expected.cat.codes.to_numpy()).all()
    some = np.arange(0, len(looked_at.summary), 3)
    expected_settings = looked_at.summary[varying(told)].iloc[some].reset_index(drop=True)
    pd.testing.assert_frame_equal(settings_at(told, varying(told), some), expected_settings)
    pd.testing.assert_frame_equal(settings_at(looked_at, varying(told), some), expected_settings)
    assert (first_runs(told, some) == first_runs(looked_at, some)).all()


def test_the_report_lists_the_same_settings_by_arithmetic(pair: tuple[Result, Result]) -> None:
    looked_at, told = pair
    for most in (1, 7, 50, 10**6):
        found, expected = listing(told, most), listing(looked_at, most)
        assert (found.rows == expected.rows).all()
        assert 0 < len(found.rows) <= most
        assert (found.selection, found.n_rows) == (expected.selection, expected.n_rows)


@pytest.mark.parametrize("name", ["seeds and starts", "a picture"])
def test_the_report_is_the_same_and_reads_no_column_of_the_grid(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at, told = both(EXPERIMENTS[name])
    expected = [path.read_bytes() for path in html.write(looked_at, tmp_path / "expected")]
    monkeypatch.setattr(columns, "LARGE", 0)
    asked = told.tables.asked  # type: ignore[attr-defined]
    asked.clear()
    assert [path.read_bytes() for path in html.write(told, tmp_path / "found")] == expected
    assert len(asked) == len(set(asked))
    if choose_layout(told).lines_mix:
        assert not {name for _, name in asked} & set(varying(told))


def test_large_columns_are_narrow_and_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = both(EXPERIMENTS["a plane"])
    monkeypatch.setattr(columns, "LARGE", 0)
    monkeypatch.setattr(columns, "KEPT_BYTES", 12 * n_rows(told, "summary"))
    spared = columns.sparing(told)
    counts = spared.part("summary", ["n", "n_diverged", "epochs_q50"])
    assert [str(dtype) for dtype in counts.dtypes] == ["int8", "int8", "Int8"]
    for _ in range(2):
        assert (spared.part("runs", ["final_loss"]) == told.part("runs", ["final_loss"])).all(axis=None)
        assert spared.part("summary", ["n"]).to_numpy().dtype == np.int8
    asked = told.tables.asked  # type: ignore[attr-defined]
    assert asked.count(("summary", "n")) == 1
    assert asked.count(("runs", "final_loss")) == 4
