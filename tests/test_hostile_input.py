"""Input that nobody writes on purpose: it is refused at once in one line, or runs and is reported."""

import os
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

import sweep
from sweep.errors import ExperimentError
from sweep.spec.experiment import load

SMALL = '[grid]\ngate = ["AND", "XOR"]\nlearning_rate = [1, 30]\n[train]\nmax_epochs = 20\n'
POINTS = '[tables.points]\ncsv = "points.csv"\n[grid]\ngate = "points"\nlearning_rate = 1\n[train]\nmax_epochs = 9\n'
GRID: dict[str, Any] = {"gate": "AND", "learning_rate": 1}


def refusal(source: Any, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(ExperimentError) as caught:
        load(source, overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def command(folder: Path, *arguments: bytes | str) -> subprocess.CompletedProcess[bytes]:
    def within_limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))

    line = [sys.executable, "-m", "sweep", *arguments]
    return subprocess.run(
        line,
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
        preexec_fn=within_limits,
    )


# ---- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("e", "e"),
        ("my gates-2.1_", "my gates-2.1_"),
        ("e (copy)", "e_copy"),
        ("e+1", "e_1"),
        ("a,b", "a_b"),
        ("e=mc2", "e_mc2"),
        ("-.$(rm)", "rm"),
        (".gates", "gates"),
        ("x" * 250, "x" * 250),
        ("f\udcfcr", "f_r"),
    ],
)
def test_any_files_stem_gives_a_name_under_which_its_result_is_read_again(
    stem: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / f"{stem}.toml"
    file.write_text(SMALL)
    result = sweep.run(file, figures=False)
    assert (result.manifest["name"], result.path) == (name, Path("results", name))
    assert len(sweep.read(Path("results", name)).runs) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([file.name, "results"])


@pytest.mark.parametrize("stem", ["..", "...", "+", "-", " ", "$$"])
def test_a_stem_that_gives_no_name_is_refused_unless_the_file_says_one(stem: str, tmp_path: Path) -> None:
    file = tmp_path / f"{stem}.toml"
    file.write_text(SMALL)
    assert "name: missing; the file's own name gives none" in refusal(file)
    assert load(file, ["name=e"]).name == "e"


@pytest.mark.processes
def test_the_command_takes_a_file_whose_name_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "f\udcfcr.toml").write_text(SMALL)
    done = command(tmp_path, "run", b"f\xfcr.toml", "--no-figures")
    assert done.returncode == 0, done.stderr
    assert b"results/f_r/manifest.json" in done.stdout.splitlines()
    done = command(tmp_path, "plan", b"\xfc")
    assert (done.returncode, done.stderr) == (2, b"sweep: \\udcfc: no such file\n")


@pytest.mark.parametrize("name", ["$$", "$x$", "\n", "a\x01b", "$\\notacommand$", "", " ", " a", "x" * 101])
def test_a_table_has_a_name_that_can_be_shown(name: str) -> None:
    source = {"grid": {**GRID, "gate": name}, "tables": {name: {"rows": [[0, 1]]}}}
    assert "tables: found " in refusal(source)
    assert "allowed: names of 1 to 100 characters" in refusal(source)


@pytest.mark.parametrize("question", ["a\x01b", "\x00", "\x1b[31m"])
def test_a_question_is_text(question: str) -> None:
    assert "question: found " in refusal({"question": question, "grid": GRID})
    assert load({"question": "Why?\n\tBecause.", "grid": GRID}).question == "Why?\n\tBecause."


@pytest.mark.parametrize("source", [{"question": "\ud800"}, {"tables": {"\udcfc": {}}}, {"grid": {"gate": "\ud800"}}])
def test_text_that_no_file_can_hold_is_refused(source: dict[str, Any]) -> None:
    message = refusal({"grid": GRID, **source})
    assert message.startswith('the experiment: found "\\ud') and message.endswith("in a text, which is no character")
    assert '--set name: found "\\udcfc"' in refusal({"grid": GRID}, ("name=\udcfc",))


# ---- numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("train", {"target_loss": 1e308}),
        ("train", {"target_loss": 1e-320}),
        ("train", {"target_error": 1e-301}),
        ("grid", {"learning_rate": 5e-324}),
        ("grid", {"learning_rate": [1, 1.7e308]}),
        ("grid", {"hidden": 1, "hidden_learning_rate": 1e301}),
        ("grid", {"init_scale": 1.7e308}),
        ("grid", {"optimizer": "adam", "epsilon": 1.7e308}),
        ("grid", {"optimizer": "momentum", "momentum": 1.7e308}),
        ("grid", {"init": "given", "weights": [10**400, 1, 1]}),
        ("grid", {"init": "given", "weights": [-(10**400), 1, 1]}),
        ("grid", {"init": "given", "weights": [1e301, 1, 1]}),
        ("grid", {"init": "given", "weights": ["x", 1, 1], "x": [1, -1.7e308]}),
    ],
)
def test_numbers_beyond_what_can_be_drawn_are_refused(part: str, change: dict[str, Any]) -> None:
    source: dict[str, Any] = {"grid": GRID, "train": {}}
    key = next(reversed(change))
    message = refusal({**source, part: {**source[part], **change}})
    assert f"the experiment: {part}.{key}: found " in message
    assert "1e300" in message


@pytest.mark.parametrize(
    "source",
    [
        {"grid": {**GRID, "gate": ["AND", "XOR"]}, "train": {"max_epochs": 9, "target_loss": 1e300}},
        {"grid": GRID, "train": {"max_epochs": 9, "target_loss": 1e-300, "record_every": 1}},
        {"grid": {**GRID, "gate": ["AND", "XOR"], "learning_rate": [1e-300, 1, 1e300]}, "train": {"max_epochs": 9}},
        {
            "grid": {**GRID, "init": "given", "weights": ["x", "y", 0], "x": [-1e300, 0, 1e300], "y": [0, 1e-300]},
            "train": {"max_epochs": 9},
        },
        {
            "grid": {**GRID, "gate": ["AND", "表 (50 %) \\frac & <b>'\"^_{}"]},
            "tables": {"表 (50 %) \\frac & <b>'\"^_{}": {"rows": [[0, 0, 1], [0, 1, 0]]}},
            "train": {"max_epochs": 9},
        },
    ],
    ids=["a large target", "a small target", "rates", "weights", "a name"],
)
@pytest.mark.filterwarnings("ignore:Glyph .* missing", "ignore:overflow encountered:RuntimeWarning")
def test_what_is_allowed_is_run_and_reported(source: dict[str, Any], tmp_path: Path) -> None:
    result = sweep.run(source, tmp_path, jobs=1)
    assert "report.html" in result.manifest["files"]


def test_given_weights_that_overflow_diverge_without_a_word() -> None:
    grid = {**GRID, "init": "given", "weights": [1e300, 1, -1e300], "init_scale": [1, 1e300]}
    result = sweep.run({"grid": grid, "train": {"max_epochs": 5}})
    assert result.runs["status"].tolist()[1] == "diverged"
    assert result.runs["epochs"].tolist()[1] == 0


# ---- files -------------------------------------------------------------------------------------------------


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.mark.processes
@pytest.mark.parametrize("kind", ["/dev/zero", "pipe"])
@pytest.mark.parametrize("role", ["experiment", "csv"])
def test_only_files_are_read(kind: str, role: str, tmp_path: Path, pipe: Path) -> None:
    file = tmp_path / "e.toml"
    file.write_text(POINTS.replace("points.csv", kind))
    done = command(tmp_path, "run", kind if role == "experiment" else "e.toml")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.endswith(f"{kind}: cannot be read (no regular file)\n".encode())
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    with file.open("wb") as opened:
        opened.truncate(200_000_000)
    tracemalloc.start()
    try:
        assert "cannot be read (larger than 64 MB)" in refusal(file)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("start", [b"0.5,", b"x", b'"', b""])
def test_a_line_without_an_end_is_given_up_soon(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(POINTS)
    (tmp_path / "points.csv").write_bytes(b"1,0\n" + start + b"1" * 60_000_000)
    tracemalloc.start()
    try:
        assert "points.csv, line 2: found a line of more than 1 MB; allowed: numbers separated" in refusal(
            tmp_path / "e.toml"
        )
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "line"),
    [('"0,1\n1,0\n', 1), ('x,y\n0,1\n"1,0\n', 3), ('x,"y\n0,1\n', 1), ('0,1\n1,"0', 2)],
)
def test_an_unclosed_quote_is_called_one(content: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(POINTS)
    (tmp_path / "points.csv").write_text(content)
    assert refusal(tmp_path / "e.toml").endswith(f"points.csv, line {line}: a quote is opened and never closed")


def test_quoted_numbers_and_headers_are_read(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(POINTS)
    (tmp_path / "points.csv").write_text('"x, in m","the\ntarget"\n"0.5","1"\r\n\n2,0\n')
    assert load(tmp_path / "e.toml").tables["points"].inputs.tolist() == [[0.5], [2]]


# ---- overrides ---------------------------------------------------------------------------------------------


def test_an_override_of_a_table_that_no_gate_uses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(POINTS)
    (tmp_path / "points.csv").write_text("0,1\n1,0\n")
    (tmp_path / "other.csv").write_text("0,0\n1,1\n")
    message = refusal(tmp_path / "e.toml", ("tables.point.csv=other.csv",))
    assert message.endswith(
        '--set tables.point.csv: no gate is called "point" (did you mean "points"?); allowed: a table that gate names'
    )
    assert refusal(tmp_path / "e.toml", ("gate=AND", "tables.points.csv=other.csv")).endswith("a table that gate names")
    assert load(tmp_path / "e.toml", ["tables.points.csv=other.csv"]).tables["points"].targets.tolist() == [0, 1]
    added = load(tmp_path / "e.toml", ["tables.more.csv=other.csv", 'gate=["points", "more"]'])
    assert added.grids[0].values["gate"] == ("points", "more")
