"""Files of other people are never replaced: in a directory for a result, or named for a page or a learning curve."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sweep
from sweep.cli import app
from sweep.errors import StoreError

SOURCE: dict[str, Any] = {
    "name": "tiny",
    "grid": {"gate": "AND", "learning_rate": 1, "seeds": 3},
    "train": {"max_epochs": 9},
}
NAMES = (
    "report.html",
    "runs.csv",
    "summary.csv",
    "answers.csv",
    "manifest.json",
    "SHA256SUMS",
    "INCOMPLETE.txt",
    "figures/a.svg",
)


def run(out: Path) -> None:
    sweep.run(SOURCE, out, figures=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_a_result_replaces_no_file_of_others(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=name.partition("/")[0]):
        run(tmp_path)
    assert contents(tmp_path) == before


def test_other_files_are_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    run(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_result_of_which_a_repository_keeps_little_is_made_whole(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    whole = contents(tmp_path / "whole")
    (tmp_path / "kept").mkdir()
    for name in ("SHA256SUMS", "summary.csv"):
        (tmp_path / "kept" / name).write_bytes(whole[name])
    run(tmp_path / "kept")
    assert (tmp_path / "kept/runs.csv").read_bytes() == whole["runs.csv"]
    (tmp_path / "edited").mkdir()
    (tmp_path / "edited/SHA256SUMS").write_bytes(whole["SHA256SUMS"])
    (tmp_path / "edited/summary.csv").write_bytes(whole["summary.csv"] + b"mine\n")
    with pytest.raises(StoreError, match=r"summary\.csv"):
        run(tmp_path / "edited")


@pytest.mark.parametrize("name", ["runs.csv", "manifest.json"])
def test_a_damaged_result_is_made_again(name: str, tmp_path: Path) -> None:
    run(tmp_path)
    before = contents(tmp_path)
    (tmp_path / name).write_text("damaged")
    sweep.run(SOURCE, tmp_path, figures=False, say=lambda _: None)
    assert contents(tmp_path)[name] == before[name] or name == "manifest.json"
    assert sweep.verify(tmp_path)[1] == []


@pytest.mark.parametrize(
    "command",
    [["replay", "{}/one", "0", "--curve"], ["compare", "{}/one", "{}/one", "--out"]],
    ids=["replay", "compare"],
)
def test_a_file_that_is_named_is_replaced_only_by_its_like(command: list[str], tmp_path: Path) -> None:
    run(tmp_path / "one")
    arguments = [word.format(tmp_path) for word in command]
    runs = tmp_path / "one/runs.csv"
    before = runs.read_bytes()
    refused = CliRunner().invoke(app, [*arguments, str(runs)])
    assert refused.exit_code == 2
    assert f"{runs}: there is such a file already" in refused.stderr
    assert runs.read_bytes() == before
    for _ in range(2):
        assert CliRunner().invoke(app, [*arguments, str(tmp_path / "new")]).exit_code == 0


def test_an_index_replaces_only_an_index(tmp_path: Path) -> None:
    run(tmp_path / "one")
    for _ in range(2):
        assert CliRunner().invoke(app, ["report", str(tmp_path)]).exit_code == 0
    (tmp_path / "index.html").write_text("<h1>Mine</h1>")
    assert CliRunner().invoke(app, ["report", str(tmp_path)]).exit_code == 2
    assert (tmp_path / "index.html").read_text() == "<h1>Mine</h1>"
