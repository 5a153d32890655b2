"""What the points of figures stand for, and what a page is given to tell their numbers."""

import base64
import json
import zlib
from typing import Any

import example_results as examples
import numpy as np
import of_result as figures
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from of_result import listing

from sweep.analysis.findings import Findings
from sweep.page import pointing
from sweep.plots.drawing.marks import Cells, Drawing, Series, located, mark, mark_cells
from sweep.results.result import Result

CASES = {
    "gates": examples.made({"gate": ["AND", "XOR"], "learning_rate": examples.RATES, "init": examples.STARTS}, 4),
    "rows": examples.made({"gate": ["AND", "OR"], "init": examples.STARTS}, 3, record_every=100),
    "by inputs": examples.made({"gate": [f"{table:08b}" for table in range(40)]}, n_seeds=2),
    "crowded": examples.made(
        {"gate": ["AND", "XOR"], "learning_rate": examples.RATES, "init": [f"normal(0, {n})" for n in range(1, 31)]}, 1
    ),
}
MARKED = ("success_rate", "epochs_to_converge", "learning_curves")
LINES = [(name, figure) for name, result in CASES.items() for figure in figures.figures_for(result) if figure in MARKED]


def shares(axes: Axes, line: Line2D) -> np.ndarray[Any, Any]:
    """The points of a line as shares of the figure, from its left and its top."""
    assert isinstance(axes.figure, Drawing)
    at = axes.transData.transform(np.column_stack([line.get_xdata(), line.get_ydata()])) / axes.figure.bbox.size
    return np.column_stack([at[:, 0], 1 - at[:, 1]])


@pytest.mark.parametrize(("name", "figure"), LINES)
def test_every_point_that_can_be_pointed_at_is_drawn_there(name: str, figure: str) -> None:
    drawn = figures.figures_for(CASES[name])[figure](CASES[name])
    marks = [one for one in located(drawn) if isinstance(one, Series)]
    assert marks
    lines = [shares(axes, line) for axes in drawn.axes for line in axes.lines]
    for one in marks:
        found = np.column_stack([one.x, one.y])
        assert ((found >= -1e-9) & (found <= 1 + 1e-9)).all()
        assert any(
            all(np.isclose(line, point, atol=1e-9).all(axis=1).any() for point in found) for line in lines if len(line)
        )


@pytest.mark.parametrize("name", CASES)
def test_the_points_of_the_success_rate_stand_for_each_setting_once(name: str) -> None:
    result = CASES[name]
    marks = [one for one in located(figures.success_rate(result)) if isinstance(one, Series)]
    rows = np.concatenate([rows for one in marks for rows in one.rows])
    assert sorted(rows.tolist()) == list(range(len(result.summary)))


def test_a_point_says_the_share_at_which_it_is_drawn() -> None:
    result = CASES["gates"]
    figure = figures.success_rate(result)
    for one in located(figure):
        assert isinstance(one, Series)
        of_settings = [result.summary.iloc[rows] for rows in one.rows]
        assert len({(*row["gate"], *row["init"]) for row in of_settings}) == 1
        shown = {round(float(row["converged_rate"].iloc[0]), 9): y for row, y in zip(of_settings, one.y, strict=True)}
        assert sorted(shown, reverse=True) == sorted(shown, key=lambda rate: shown[rate])


def test_marks_that_do_not_fit_together_are_refused() -> None:
    axes = Drawing().add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(ValueError, match=r"found 2 x, 2 y and 1 rows"):
        mark(axes, [1, 2], [1, 2], [0])
    with pytest.raises(ValueError, match="marks"):
        mark(axes, [1, 2], [1, 2], [0, 1], {"epoch": [1]})


def test_points_that_are_not_shown_cannot_be_pointed_at() -> None:
    axes = Drawing().add_axes((0.2, 0.2, 0.5, 0.5))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    mark(axes, [0, 0.5, 2, 0.5], [0, np.nan, 0.5, -3], [7, 8, 9, 10])
    mark(axes, [5], [5], [11])
    (one,) = located(axes.figure)  # type: ignore[arg-type]
    assert isinstance(one, Series)
    assert [rows.tolist() for rows in one.rows] == [[7]]
    assert (one.x.tolist(), one.y.tolist()) == ([pytest.approx(0.2)], [pytest.approx(0.8)])


def unpacked(store: dict[str, Any]) -> tuple[dict[str, list[str]], list[int]]:
    """The columns of a packed store and the first runs, as the page reads them."""
    columns = {}
    for key, texts, codes in store["columns"]:
        data = zlib.decompress(base64.b64decode(codes))
        columns[key] = [texts[code] for code in np.frombuffer(data, f"<u{len(data) // store['n']}")]
    runs = np.cumsum(np.frombuffer(zlib.decompress(base64.b64decode(store["runs"])), "<f8"))
    return columns, runs.astype(int).tolist()


def told(result: Result) -> dict[str, Any]:
    marks = {name: located(draw(result)) for name, draw in figures.figures_for(result).items()}
    found = pointing.pointing(Findings(result), marks, listing(result))
    assert json.loads(json.dumps(found)) is not None
    return found


def test_cells_are_packed_with_the_numbers_of_their_settings() -> None:
    result = examples.plane(3)
    found = told(result)
    (cells,) = found["figures"]["heat_map"]["cells"]
    columns, runs = unpacked(found["packed"][cells["store"]])
    assert cells["shape"] == [16, 20]
    assert runs == (3 * np.arange(320)).tolist()
    summary = result.summary
    assert columns["learning_rate"] == [f"{rate:.6g}" for rate in summary["learning_rate"]]
    assert columns["n_converged"] == [str(count) for count in summary["n_converged"]]
    assert columns["n_diverged"] == [str(count) for count in summary["n_diverged"]]
    epochs = summary["epochs_q50"].to_numpy(np.float64, na_value=np.inf)
    assert columns["epochs_q50"] == [f"{epoch:.0f}" if np.isfinite(epoch) else "> 1,000" for epoch in epochs]


def test_a_picture_of_too_many_cells_gives_every_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pointing, "MAX_CELLS", 100)
    found = told(examples.plane())
    (cells,) = found["figures"]["heat_map"]["cells"]
    _, runs = unpacked(found["packed"][cells["store"]])
    assert cells["step"] == 2
    assert cells["shape"] == [16, 20]
    assert runs == np.arange(320).reshape(16, 20)[::2, ::2].ravel().tolist()


def test_what_tells_less_is_left_out_where_there_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = unpacked(told(examples.plane(3))["packed"][0])
    monkeypatch.setattr(pointing, "MAX_BYTES", 0)
    columns, _ = unpacked(told(examples.plane(3))["packed"][0])
    assert {"n_diverged", "epochs_q95", "final_loss_q50"} <= whole.keys() - columns.keys()
    assert {"learning_rate", "init_scale", "n", "n_converged", "rate", "interval", "epochs_q50"} <= columns.keys()


def test_a_cell_without_a_setting_has_no_run() -> None:
    result = examples.plane()
    axes = Drawing().add_axes((0, 0, 1, 1))
    rows = np.array([[0, -1], [2, 5]])
    axes.imshow(np.zeros((2, 2)), origin="lower", aspect="auto")
    mark_cells(axes, rows)
    (cells,) = located(axes.figure)  # type: ignore[arg-type]
    assert isinstance(cells, Cells)
    assert (cells.left, cells.top, cells.width, cells.height) == pytest.approx((0, 0, 1, 1))
    _, runs = unpacked(pointing.pointing(Findings(result), {"picture": [cells]}, listing(result))["packed"][0])
    assert runs == [0, -1, 2, 5]


def test_settings_that_are_not_listed_are_packed() -> None:
    result = CASES["gates"]
    listed = listing(result, 5)
    marks = {"success_rate": located(figures.success_rate(result))}
    found = pointing.pointing(Findings(result), marks, listed)
    columns, runs = unpacked(found["packed"][0])
    n_listed = len(listed.rows)
    for drawn, one in zip(marks["success_rate"], found["figures"]["success_rate"]["series"], strict=True):
        assert isinstance(drawn, Series)
        for (row,), record in zip(drawn.rows, one["records"], strict=True):
            if record < n_listed:
                assert listed.rows[record] == row
            else:
                assert runs[record - n_listed] == 4 * row
                assert columns["gate"][record - n_listed] == result.summary["gate"].iloc[row]


def test_settings_counted_together_have_the_numbers_of_all_their_runs() -> None:
    result = CASES["crowded"]
    found = told(result)
    one = found["figures"]["success_rate"]["series"][0]
    assert all(record < 0 for record in one["records"])
    for record in one["records"]:
        together = found["pooled"][-1 - record]
        rate = next(rate for rate in examples.RATES if f"{rate:.6g}" == together["learning_rate"])
        runs = result.runs[(result.runs["gate"] == together["gate"]) & (result.runs["learning_rate"] == rate)]
        assert together["settings"] == together["n"] == str(len(runs)) == "30"
        assert together["n_converged"] == str((runs["status"] == "converged").sum())
        epochs = sorted(runs["converged_epoch"].to_numpy(np.float64, na_value=np.inf))
        assert together["epochs_q50"] == (f"{epochs[14]:.0f}" if np.isfinite(epochs[14]) else "> 1,000")
        assert together["run"] == str(runs["run"].min())
        assert not {"init", "interval"} & together.keys()
