"""The examples of the Markdown files, run as a reader would; and that the reference names everything there is."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import EXPERIMENTS
from typer.main import get_command
from typer.testing import CliRunner

import sweep
from sweep.cli import app
from sweep.results import tables
from sweep.spec.experiment import Document, load
from sweep.spec.keys import KEYS, Train
from sweep.spec.schema import STATUSES
from sweep.words import NBSP

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
OPTIONAL = {"duckdb", "polars", "xarray"}


class Block(NamedTuple):
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page."""
    return [
        Block(*found)
        for found in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    ]


@pytest.fixture
def reader(tmp_path: Path, committed: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory like a clone in which `make sweep` has been run."""
    (tmp_path / "results").mkdir()
    shutil.copytree(committed("gates"), tmp_path / "results" / "gates")
    shutil.copytree(EXPERIMENTS, tmp_path / "experiments", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_lines(text: str) -> None:
    """Run the commands of a block."""
    for line in text.splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "make":
            targets = [word for word in words if "=" not in word]
            assert all(re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE) for target in targets)
            continue
        assert program == "sweep", line
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (line, done.output)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page: Path, reader: Path) -> None:
    names: dict[str, Any] = {}
    for language, text in blocks(page):
        match language:
            case "toml":
                (reader / "units.toml").write_text(text, encoding="utf-8")
                load(reader / "units.toml")
            case "sh":
                run_lines(text)
            case "text":
                said = [sentence.replace(NBSP, " ") for sentence in sweep.read("results/units").answer]
                assert {*text.splitlines()} <= {*said}
            case "python":
                try:
                    exec(text, names)
                except ModuleNotFoundError as error:
                    assert error.name in OPTIONAL
                except ImportError as error:
                    assert "xarray" in str(error)
            case _:
                assert language == "r", f"nothing runs a block of {language!r}"


def test_other_tools_count_what_is_there(reader: Path) -> None:
    result = sweep.read("results/gates")
    expected = (result.runs["status"] == "converged").groupby(result.runs["gate"], observed=True).mean().to_dict()
    counted = []
    for tool in ("pandas", "duckdb", "polars"):
        (block,) = [block for block in blocks(ROOT / "docs/reference.md") if block.text.startswith(f"import {tool}")]
        names: dict[str, Any] = {}
        try:
            exec(block.text, names)
        except ModuleNotFoundError:
            continue
        share = names["share"]
        found = share.to_dict() if tool == "pandas" else dict(zip(share["gate"], share["share"], strict=True))
        assert found == pytest.approx(expected), tool
        counted.append(tool)
    assert "pandas" in counted


def test_truth_tables_stay_text(tmp_path: Path) -> None:
    """Each tool is told that `gate` is text; without being told it would read a number."""
    sweep.run(
        {"grid": {"gate": ["0110", "0001"], "learning_rate": 1}, "train": {"max_epochs": 1}}, tmp_path, figures=False
    )
    for block in blocks(ROOT / "docs/reference.md"):
        found = re.search(r"^runs (?:=|<-) (.*results/gates/runs.csv.*)$", block.text, re.MULTILINE)
        if found is None:
            continue
        line = found[0].replace("results/gates", tmp_path.as_posix())
        if block.language == "r":
            assert 'colClasses = c(gate = "character", answers = "character")' in line
            if shutil.which("Rscript"):
                script = f"{line}\ncat(runs$gate)"
                done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
                assert done.stdout == "0110 0001"
            continue
        names: dict[str, Any] = {}
        try:
            exec(block.text.partition("\n")[0] + f"\n{line}", names)
        except ModuleNotFoundError as error:
            assert error.name in OPTIONAL
            continue
        gates = names["runs"]
        gates = gates.df() if hasattr(gates, "df") else gates
        assert list(gates["gate"]) == ["0110", "0001"]


def test_every_experiment_is_listed_with_its_runs() -> None:
    rows = dict(re.findall(r"^\| `(\w+)\.toml` \|.*\| ([\d,]+) \|$", REFERENCE, re.MULTILINE))
    assert rows.keys() == {path.stem for path in EXPERIMENTS.glob("*.toml")}
    for name, n_runs in rows.items():
        assert f"{load(EXPERIMENTS / f'{name}.toml').n_runs:,}" == n_runs, name
    assert len(rows) == 19 and "[nineteen experiments]" in PAGES[0].read_text(encoding="utf-8")


def test_the_reference_names_every_key_column_status_command_and_option() -> None:
    experiment = load({"grid": {"gate": "AND", "learning_rate": 1}, "train": {"record_every": 1, "restart_after": 2}})
    columns = {name for table in ("runs", "summary", "curves") for name in tables.column_names(experiment, table)}
    columns = {re.sub(r"_q\d\d$", "_q05", name) for name in columns}
    commands = get_command(app).commands  # type: ignore[attr-defined]
    options = {
        option
        for command in commands.values()
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        for option in (parameter.secondary_opts or parameter.opts)
        if option.startswith("--")
    }
    fields = {*Document.model_fields, *Train.model_fields} - {"grid", "train", "tables"}
    named = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`\n]+)`", REFERENCE))))
    wanted = {*KEYS, *fields, *columns, *STATUSES, *commands, *options, "seeds", "weights"}
    assert not {name for name in wanted if name not in named}


def anchors(page: Path) -> set[str]:
    """Names of a page's headings in addresses, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith("http"):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
