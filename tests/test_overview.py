"""The small table that a run ends with."""

import io
import os
from contextlib import redirect_stdout
from unittest import mock

import example_results as examples
import numpy as np
import pytest
from of_result import overview

from sweep.analysis import groups as module
from sweep.commands.run_output import show_overview
from sweep.page.shown import Result

GATES = {"gate": ["AND", "OR", "XOR"], "learning_rate": examples.RATES, "init": examples.STARTS}
LONG = {"gate": ["AND"], "init": [f"uniform(-{n}.123456789, {n}.123456789)" for n in range(1, 5)]}
FIVE = {
    "gate": ["AND", "OR", "XOR", "NOR"],
    "encoding": ["01", "pm1"],
    "learning_rate": examples.RATES,
    "init": [f"normal(0, {std})" for std in range(1, 10)],
    "hidden": [1, 2],
}


def shown(result: Result, width: int = 80, terminal: bool = False) -> list[str]:
    file = io.StringIO()
    where = {"COLUMNS": str(width), "TERM": "xterm"} | ({"FORCE_COLOR": "1"} if terminal else {})
    with mock.patch.dict(os.environ, where), redirect_stdout(file):
        show_overview(result)
    return file.getvalue().splitlines()


def cells(rows: list[list[str]]) -> list[list[str]]:
    return [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in rows]


def test_gates_with_what_is_counted_together() -> None:
    result = examples.made({**GATES, "learning_rate": examples.RATES * 2}, n_seeds=5)
    found = overview(result, most=5)
    n_converged = result.runs.groupby("gate", observed=True)["status"].apply(lambda one: (one == "converged").sum())
    epochs = result.runs["converged_epoch"].to_numpy(float, na_value=np.inf)
    middle = np.sort(epochs[(result.runs["gate"] == "AND").to_numpy()])[(80 - 1) // 2]
    assert found.columns == ["gate", "runs", "converged", "median epochs"]
    share = f"{100 * n_converged['AND'] / 80:.1f} %"
    assert cells(found.rows) == [
        ["AND", "80", share, f"{middle:,.0f}"],
        ["OR", "80", share, f"{middle:,.0f}"],
        ["XOR", "80", "0 %", "> 1,000"],
    ]
    assert found.note == "Counted together: all values of start and learning rate η."


def test_single_settings_have_intervals_and_the_medians_of_the_summary() -> None:
    result = examples.made({"gate": ["AND", "XOR"], "hidden": [2, 1]}, n_seeds=4)
    found = overview(result)
    assert cells([found.columns]) == [["gate and hidden units", "runs", "converged", "95 % interval", "median epochs"]]
    assert cells(found.rows)[0] == ["AND, hidden units = 1", "4", "100 %", "51.0 – 100", "40"]
    assert found.note == ""
    assert [row[0] for row in overview(examples.made({"hidden": [2, 1, 3]})).rows] == ["1", "2", "3"]


def test_many_gates_are_counted_by_their_inputs() -> None:
    gates = [f"{table:04b}" for table in range(16)] + [f"{table:08b}" for table in range(30)]
    found = overview(examples.made({"gate": gates}, n_seeds=1))
    assert [row[:2] for row in found.rows] == [["2 inputs", "16"], ["3 inputs", "30"]]
    assert found.note == "Gates with the same number of inputs are counted together."


def test_diverged_runs_have_a_column_where_there_are_any() -> None:
    found = overview(examples.made(GATES, converged_epoch=examples.never, status="diverged"))
    assert found.columns[-1] == "diverged"
    assert {row[-1] for row in found.rows} == {row[1] for row in found.rows}


def test_of_very_many_runs_medians_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    result = examples.made(GATES)
    monkeypatch.setattr(module, "MAX_RUNS", len(result.runs))
    assert "median epochs" in overview(result, 3).columns
    monkeypatch.setattr(module, "MAX_RUNS", len(result.runs) - 1)
    assert "median epochs" not in overview(result, 3).columns


def test_nothing_is_said_of_nothing() -> None:
    full = examples.made(GATES)
    empty = examples.with_runs(full, full.runs.iloc[:0], full.summary.iloc[:0])
    assert (overview(empty).rows, shown(empty)) == ([], [])


@pytest.mark.parametrize(
    "result",
    [
        examples.made({"gate": ["AND"]}, n_seeds=1),
        examples.made(FIVE, n_seeds=1),
        examples.made(LONG),
        examples.made(GATES, converged_epoch=examples.never, status="diverged"),
        examples.plane(),
    ],
    ids=["one run", "five axes", "long names", "all diverged", "a plane"],
)
@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits(result: Result, terminal: bool, width: int) -> None:
    lines = shown(result, width, terminal)
    assert ("\x1b[" in "".join(lines)) == terminal
    plain = [line for line in lines if "\x1b" not in line]
    assert max(map(len, plain)) <= width
    found = overview(result)
    assert 1 <= len(found.rows) <= 20
    assert sum(int(row[1].replace(",", "")) for row in found.rows) == len(result.runs)
    text = "".join(lines).replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    assert found.rows[-1][2].replace("\N{NO-BREAK SPACE}", "") in text
    assert not any("…" in line for line in lines)
