"""What failed runs learned instead: counts against a table by pandas, the figure, and what is said of it."""

from typing import Any

import example_results as examples
import numpy as np
import of_result as of_report
import pytest
from matplotlib.text import Text

import sweep
from sweep.analysis.findings import Findings
from sweep.analysis.question.instead import FUNCTIONS, Instead
from sweep.plots.drawing.parts import parts
from sweep.spec.gates import truth_table


def trained(grid: dict[str, Any], **train: Any) -> sweep.Result:
    return sweep.run({"grid": grid, "train": {"max_epochs": 60, **train}})


def found_in(result: sweep.Result) -> Instead:
    found = Findings(result).instead
    assert found is not None
    return found


@pytest.fixture(scope="module")
def gates() -> sweep.Result:
    return trained({"gate": "all-2", "learning_rate": [0.01, 5], "seeds": 20})


def test_counts_are_those_of_the_runs(gates: sweep.Result) -> None:
    found = found_in(gates)
    failed = gates.runs[gates.runs["status"] != "converged"]
    half = (failed["final_loss"] / np.log(2) - 1).abs() < 1e-3
    functions = failed["answers"].astype(str).map(FUNCTIONS).mask(half, "½ always")
    expected = failed.groupby([failed["gate"].astype(str), functions]).size()
    assert half.any()
    for gate, counts, right in zip(found.names, found.counts, found.right, strict=True):
        told = dict(expected[gate])
        assert {kind: n for kind, n in zip(found.kinds, counts, strict=True) if n} == told
        assert right < 0 if gate not in told else found.kinds[right] == gate
    assert found.counts.sum() == len(failed) > 100
    members = [gates.summary.loc[rows, "gate"].unique().tolist() for rows in found.rows]
    assert members == [[gate] for gate in found.names]


def test_a_gate_is_told_by_its_name_however_it_is_written() -> None:
    xor, table = (found_in(trained({"gate": gate, "learning_rate": 1, "seeds": 30})) for gate in ("XOR", "0110"))
    assert (xor.kinds, xor.counts.tolist()) == (table.kinds, table.counts.tolist())
    assert (xor.gates, table.gates) == (["XOR"], ["0110"])


def test_groups_are_as_many_as_there_is_room_for() -> None:
    grid = {"gate": "XOR", "hidden": [1, 2, 3], "activation": ["tanh", "relu"], "seeds": 4}
    result = trained({**grid, "learning_rate": {"from": 0.01, "to": 0.1, "num": 5}})
    names = [name.replace("\N{NO-BREAK SPACE}", " ") for name in found_in(result).names]
    assert names == [f"hidden units = {n}, {kind}" for n in (1, 2, 3) for kind in grid["activation"]]


def test_of_longer_tables_it_is_told_how_many_rows_are_wrong() -> None:
    result = trained({"gate": ["parity-3", "AND"], "learning_rate": 1, "seeds": 40}, max_epochs=1)
    found = found_in(result)
    assert not found.functions
    for gate, counts in zip(found.names, found.counts, strict=True):
        right = truth_table(gate)
        texts = result.runs.loc[result.runs["gate"] == gate, "answers"]
        wrong = [sum(a != b for a, b in zip(text, right, strict=True)) / len(right) for text in texts]
        eighths = [min(-(-share * 8 // 1), 5) for share in wrong]
        told = {kind: n for kind, n in zip(found.kinds, counts, strict=True) if n}
        names = ["none wrong", "≤ ⅛ wrong", "≤ ¼ wrong", "≤ ⅜ wrong", "≤ ½ wrong", "> ½ wrong"]
        assert told == {name: eighths.count(at) for at, name in enumerate(names) if eighths.count(at)}
    assert of_report.descriptions(result, [])["learned_instead"].finding.endswith("rightly, short of the target")


def test_many_gates_are_told_by_their_inputs() -> None:
    assert found_in(trained({"gate": ["all-2", "all-3"], "learning_rate": 1}, max_epochs=2)).names == [
        "2 inputs",
        "3 inputs",
    ]


def test_runs_that_diverged_are_counted_as_such() -> None:
    grid = {"gate": "XOR", "output": "linear", "loss": "mse", "learning_rate": [0.1, 1e3], "seeds": 5}
    found = found_in(trained(grid, max_epochs=500))
    assert found.kinds[-1] == "diverged"
    assert found.counts[:, -1].sum() == 5
    assert found.counts.sum() == 10


def test_nothing_is_told_where_nothing_failed_or_all_diverged_or_tables_are_real() -> None:
    easy = trained({"gate": "AND", "learning_rate": 30, "seeds": 3}, max_epochs=300)
    wild = trained({"gate": "AND", "output": "linear", "loss": "mse", "learning_rate": 1e3}, max_epochs=500)
    real = sweep.run(
        {
            "grid": {"gate": "own", "learning_rate": 1, "seeds": 12},
            "train": {"max_epochs": 3},
            "tables": {"own": {"rows": [[0.3, 0], [0.4, 1]]}},
        }
    )
    for result in (easy, wild, real, examples.made({"gate": ["XOR"]})):
        assert Findings(result).instead is None
        assert "learned_instead" not in of_report.figures_for(result)
        assert not any("failed runs of" in sentence for sentence in of_report.answer(result))
        with pytest.raises(ValueError, match="nothing was learned instead"):
            sweep.figures.learned_instead(result)


def test_the_figure_tells_each_share_and_outlines_the_gate(gates: sweep.Result) -> None:
    found = found_in(gates)
    (axes,) = sweep.figures.learned_instead(gates).axes
    told = {text.get_position(): text.get_text() for text in axes.texts if text.get_position()[0] >= 2}
    for y, (counts, n) in enumerate(zip(found.counts, found.counts.sum(axis=1), strict=True)):
        for x in range(2, len(found.kinds)):
            assert told.get((x, y), "") == (f"{100 * (counts[x] / n):.0f}" if counts[x] >= n * 0.005 else "")
    outlined = [(x - 0.5, y - 0.5) for y, x in enumerate(found.right) if x >= 0]
    assert [box.get_xy() for box in axes.patches] == outlined
    assert len(outlined) == 14
    part = sweep.figures.learned_instead(gates, where={"gate": "XOR", "learning_rate": 5})
    assert [label.get_text() for label in part.axes[0].get_yticklabels()] == ["all failed runs"]


def test_the_answer_names_the_commonest_function(gates: sweep.Result) -> None:
    runs = gates.runs[(gates.runs["gate"] == "XOR") & (gates.runs["status"] != "converged")]
    half = (runs["final_loss"] / np.log(2) - 1).abs() < 1e-3
    counts = runs.loc[~half, "answers"].value_counts()
    shares = [f"{100 * n / len(runs):.1f}\N{NO-BREAK SPACE}%" for n in (half.sum(), counts.iloc[0])]
    (sentence,) = [one for one in of_report.answer(gates) if "failed runs" in one]
    assert sentence.startswith(
        f"In this grid, of the {len(runs)} failed runs each of XOR and XNOR, {shares[0]} end at the loss of answering ½"
    )
    assert f"and {shares[1]} answer {FUNCTIONS[str(counts.index[0])]}, the commonest wrong answer" in sentence
    slow = of_report.answer(trained({"gate": "AND", "learning_rate": [0.1, 1], "seeds": 30}, max_epochs=9))
    (sentence,) = [one for one in slow if "failed runs" in one]
    assert "answer AND itself, short of the target, and" in sentence
    assert "the commonest wrong answer" in sentence


def test_nothing_of_the_figure_is_cut_off(gates: sweep.Result) -> None:
    figure = sweep.figures.learned_instead(gates)
    assert parts(figure).panels == []  # a narrow screen shows it whole: pieces have no room for its rows' names
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height, text.get_text()
