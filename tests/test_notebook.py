"""Results in notebooks: what they show of themselves, and the committed example, run as a student would."""

import base64
import re
from pathlib import Path
from typing import Any

import example_results as examples
import nbformat
import of_result as sentences
import pytest
from nbclient import NotebookClient

import sweep
from sweep.results.result import Result

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))
GATES = {"gate": ["AND", "OR", "XOR"], "learning_rate": examples.RATES}
FIVE = GATES | {"encoding": ["01", "pm1"], "hidden": [0, 1, 2], "init": examples.STARTS}
CASES = {
    "gates": examples.made(GATES),
    "a single run": examples.made({"gate": ["AND"]}, n_seeds=1),
    "all diverged": examples.made(GATES, converged_epoch=examples.never, status="diverged"),
    "one axis": examples.made({"gate": ["AND"], "learning_rate": examples.RATES}),
    "five axes": examples.made(FIVE, n_seeds=2),
    "a plane": examples.plane(),
}


def empty(result: Result) -> Result:
    return examples.with_runs(result, result.runs.iloc[:0], result.summary.iloc[:0])


def pictures(html: str) -> list[bytes]:
    return [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', html)]


@pytest.mark.parametrize("name", CASES)
def test_a_result_shows_its_question_its_answer_a_figure_and_its_first_rows(name: str) -> None:
    result = CASES[name]
    html = result._repr_html_()
    assert html.startswith("<div><h3>Which gates?</h3><p>")
    for sentence in sentences.answer(result):
        assert f"<p>{sentence}</p>" in html
    assert [picture[:4] for picture in pictures(html)] == [b"\x89PNG"]
    n = min(10, len(result.summary))
    assert f"{n} of {len(result.summary):,} settings" in html
    assert html.count("<tr>") >= 1 + 1 + 1 + n
    assert html.count("<table>") == html.count("</table>") == 2


def test_an_empty_result_shows_that_it_is() -> None:
    assert empty(CASES["gates"])._repr_html_() == (
        "<div><h3>Which gates?</h3><p>There are no runs, so there is no answer yet.</p></div>"
    )


def test_users_text_is_escaped() -> None:
    html = examples.made({"gate": ["<b>AND</b>", "OR"]}, question="Is 1 < 2 & <i>3</i>?")._repr_html_()
    assert "<h3>Is 1 &lt; 2 &amp; &lt;i&gt;3&lt;/i&gt;?</h3>" in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_a_result_on_disk_shows_the_figure_that_was_drawn(tmp_path: Path) -> None:
    experiment = {"grid": {"gate": ["AND", "XOR"], "learning_rate": [1, 30], "seeds": 3}, "train": {"max_epochs": 50}}
    result = sweep.run(experiment, tmp_path)
    (first,) = pictures(result._repr_html_())
    assert first == (tmp_path / "figures" / "success_rate.png").read_bytes()
    assert pictures(sweep.run(experiment)._repr_html_()) == [first]
    (tmp_path / "figures" / "success_rate.png").write_bytes(b"drawn before")
    assert pictures(sweep.read(tmp_path)._repr_html_()) == [b"drawn before"]


def test_there_is_an_example() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_tidy(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert text == nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n"
    assert len(text) < 20_000
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.processes
@pytest.mark.filterwarnings("default")
def test_an_example_runs_and_shows_what_it_says(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(sweep.__file__).parents[1]))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert list(tmp_path.iterdir()) == []
    shown: list[dict[str, Any]] = [
        output["data"] for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]
    assert len(shown) == sum(cell.cell_type == "code" for cell in notebook.cells)
    html = "".join(data.get("text/html", "") for data in shown)
    said = html.replace("\xa0", " ")
    assert "Logistic regression learned AND and OR; it never learned XOR: none of 450 runs converged." in said
    assert "with 0 and 1 hidden units, none of 200 runs converged" in said
    assert sum("image/png" in data for data in shown) == 2
