"""Pages about several results: the index of a directory, and a comparison of two."""

import os
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

import sweep
from sweep.api import index
from sweep.cli import app
from sweep.commands.compare import compare, write_page

GRID: dict[str, Any] = {"gate": ["AND", "XOR"], "learning_rate": [0.3, 1, 3], "seeds": 10}
SMALL: dict[str, Any] = {
    "question": "Is AND <b>learned</b>?",
    "grid": GRID,
    "train": {"max_epochs": 200, "target_loss": 0.2},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results below a directory: one drawn, one deeper without figures, one damaged, and a link to one elsewhere."""
    root = tmp_path_factory.mktemp("across")
    below = root / "results"
    sweep.run(SMALL, below / "drawn")
    sweep.run({**SMALL, "question": ""}, below / "deeper" / "tables only", figures=False)
    sweep.run(SMALL, below / "damaged", figures=False)
    (below / "damaged" / "summary.csv").write_text("nothing\n")
    sweep.run(SMALL, root / "elsewhere", figures=False)
    (below / "linked").symlink_to(root / "elsewhere")
    return below


def test_an_index_names_every_result_below(results: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(results)])
    assert done.exit_code == 0
    assert "summary.csv: not as it was written" in done.output.replace("\n", "")
    assert done.output.splitlines()[-1] == str(results / "index.html")
    text = (results / "index.html").read_text(encoding="utf-8")
    assert "Is AND &lt;b&gt;learned&lt;/b&gt;?" in text
    assert re.findall(r'<a href="([^"]+)">', text) == ["deeper/tables%20only/summary.csv", "drawn/report.html"]
    assert unescape(text).count(sweep.read(results / "drawn").answer[0]) == 2
    assert text.count("<img") == 1 and "data:image/png;base64," in text
    assert text.count('class="warning"') == 1 and "linked" not in text
    assert index(results)[0].read_text(encoding="utf-8") == text


def test_an_index_is_written_through_no_link(results: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "results").mkdir()
    sweep.run(SMALL, tmp_path / "results" / "a", figures=False)
    (tmp_path / "results" / "index.html").symlink_to(tmp_path / "mine")
    index(tmp_path / "results")
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "results" / "index.html").is_symlink()


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_no_result_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(sweep.SweepError, match="no result is here or below; make one with: sweep run FILE"):
        index(tmp_path / name)
    done = CliRunner().invoke(app, ["report", str(tmp_path / name)])
    assert done.exit_code == 2 and "make one with: sweep run FILE" in done.output


def test_a_comparison_counts_pairs_by_setting_and_by_epoch() -> None:
    one = sweep.run(SMALL)
    other = sweep.run({**SMALL, "grid": {**GRID, "seeds": 7, "learning_rate": [3, 0.3]}, "train": {"target_loss": 0.3}})
    found = compare(one, other)
    both = one.runs.merge(other.runs, on=["gate", "learning_rate", "seed"])
    for row, counts in zip(one.summary.itertuples(), found.settings, strict=True):
        pairs = both[(both["gate"] == row.gate) & (both["learning_rate"] == row.learning_rate)]
        converged = [int((pairs[f"status_{side}"] == "converged").sum()) for side in "xy"]
        assert counts.tolist() == [len(pairs), *converged]
    pairs = both[(both["status_x"] == "converged") & (both["status_y"] == "converged")]
    assert 0 < len(pairs) == found.epochs.sum() < len(both)
    for side, sums in zip("xy", (found.epochs.sum(1), found.epochs.sum(0)), strict=True):
        epochs = pairs[f"converged_epoch_{side}"].to_numpy(np.int64)
        assert sums.tolist() == np.histogram(epochs, found.edges)[0].tolist()


def page(tmp_path: Path, *compared: sweep.Result) -> str:
    write_page(compare(*compared), ["A", "B"], tmp_path / "page.html")
    return (tmp_path / "page.html").read_text("utf-8")


def test_a_comparison_is_written_as_a_page(results: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    arguments = ["compare", str(results / "drawn"), str(results / "deeper" / "tables only"), "--out", str(file)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert done.output.splitlines() == ["runs: 60 identical", str(file)]
    text = file.read_text(encoding="utf-8")
    converged = int(sweep.read(results / "drawn").summary["n_converged"].sum())
    assert "runs: 60 identical" in text and "as often at 6." in text and f"{converged} runs converged in both" in text
    assert text.count("data:image/svg+xml;base64,") == 2
    assert "href" not in text and "<script" not in text
    assert page(tmp_path, *[sweep.read(results / "drawn")] * 2).count("<img") == 2


def test_a_comparison_of_nothing_has_no_figures(tmp_path: Path) -> None:
    one, other = (sweep.run({**SMALL, "grid": {**GRID, "gate": gate}}) for gate in ("XOR", "XNOR"))
    assert "<img" not in page(tmp_path, one, other)
    assert page(tmp_path, one, one).count("<img") == 1


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as started:
        yield started


@pytest.mark.processes
@pytest.mark.skipif(
    browser.CHROMIUM is None and "NEED_CHROMIUM" not in os.environ,
    reason="no chromium here: apt-get install chromium fonts-dejavu-core",
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_the_pages_fit_every_screen_and_ask_for_nothing(
    chromium: Browser, results: Path, tmp_path: Path, width: int, scheme: Any
) -> None:
    page(tmp_path, *[sweep.read(results / "drawn")] * 2)
    for file in (index(results)[0], tmp_path / "page.html"):
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        opened, seen = context.new_page(), []
        opened.on("console", lambda message, seen=seen: seen.append(message.text))
        opened.on("request", lambda request, seen=seen: seen.append(request.url))
        opened.goto(file.as_uri())
        assert [each for each in seen if not each.startswith("data:")] == [file.as_uri()]
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        back = opened.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (back == "rgb(255, 255, 255)") == (scheme == "light")
        context.close()
