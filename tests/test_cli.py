"""The command line, as a user meets it: what it says, what it leaves, how it ends."""

import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import sweep
from sweep import exits
from sweep.cli import app
from sweep.spec.experiment import load

SMALL = """
[grid]
gate = ["AND", "XOR"]
learning_rate = [1, 30]
init = "uniform(0, 1)"
seeds = 4
[train]
max_epochs = 400
"""
LONG = """
[grid]
gate = "XOR"
learning_rate = 0.001
init = "normal(0, 1)"
seeds = 1_000_000
[train]
max_epochs = 1_000_000
detect_stationary = false
"""
COMMAND = [sys.executable, "-m", "sweep"]
SLOW_TO_IMPORT = ("numba", "numpy", "pandas", "pyarrow", "matplotlib", "joblib", "scipy", "sweep.spec.keys")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with an experiment in it."""
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SMALL)
    return tmp_path


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def finish(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False, **options)


# ---- what it leaves ----------------------------------------------------------------------------------------


def test_run_and_report(folder: Path) -> None:
    result = CliRunner().invoke(app, ["run", "small.toml", "--jobs", "2"])
    assert result.exit_code == 0, result.output
    first, second = result.stderr.splitlines()
    assert first == "small: 16 runs, 4 settings → results/small"
    assert second.startswith("small: converged 4, not converged 12; ")
    assert second.endswith(" M model-epochs/s on 2 cores")
    lines = result.stdout.splitlines()
    begins = next(at for at, line in enumerate(lines) if line.startswith("gate and"))
    table, printed = lines[begins : begins + 5], lines[begins + 5 :]
    assert " ".join(lines[:begins]).split() == " ".join(sweep.read("results/small").answer).split()
    assert [re.split(" {2,}", line.replace("\xa0", " ").strip()) for line in table] == [
        ["gate and learning rate η", "runs", "converged", "95 % interval", "median epochs"],
        ["AND, η = 1", "4", "0 %", "0 – 49.0", "> 400"],
        ["AND, η = 30", "4", "100 %", "51.0 – 100", str(sweep.read("results/small").summary["epochs_q50"][1])],
        ["XOR, η = 1", "4", "0 %", "0 – 49.0", "> 400"],
        ["XOR, η = 30", "4", "0 %", "0 – 49.0", "> 400"],
    ]
    files = {path.relative_to(folder) for path in (folder / "results").rglob("*") if path.is_file()}
    chunks = {path for path in files if path.parts[2] == "chunks"}
    assert [path.suffix for path in chunks].count(".arrow") == 1
    figures = {path for path in files if path.parts[2] == "figures"}
    beside = {Path("results/small/SHA256SUMS"), Path("results/small/.lock"), *chunks}
    assert printed[0] == "results/small/report.html"
    assert printed[-1] == f"results/small/figures/ ({len(figures)} files)"
    assert {Path(line) for line in printed[:-1]} == files - beside - figures
    assert beside < files
    assert {f"decision_surfaces.{kind}" for kind in ("svg", "png")} < {path.name for path in figures}
    again = CliRunner().invoke(app, ["report", "results/small"])
    assert (again.exit_code, again.stdout.splitlines()) == (0, printed)


def test_with_nothing_to_do_it_is_brief(folder: Path) -> None:
    first = CliRunner().invoke(app, ["run", "small.toml"])
    again = CliRunner().invoke(app, ["run", "small.toml"])
    n_files = len(sweep.read("results/small").manifest["files"])
    assert again.stderr == f"small: nothing to do, all 16 runs and {n_files} files are there\n"
    assert again.stdout
    assert first.stdout.endswith(again.stdout)


@pytest.mark.parametrize(("opens", "status"), [(True, 0), (False, 1)])
def test_the_report_is_opened_or_it_says_why_not(
    opens: bool, status: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: shown.append(url) or opens)
    sweep.run("small.toml", figures=False)
    result = CliRunner().invoke(app, ["report", "results/small", "--open"])
    assert result.exit_code == status, result.output
    assert shown == [(folder / "results" / "small" / "report.html").as_uri()]
    said = "" if opens else "sweep: no browser could be opened here; open results/small/report.html in one\n"
    assert result.stderr == said
    assert CliRunner().invoke(app, ["report", "results/small"]).exit_code == 0
    assert len(shown) == 1


def test_options_reach_the_experiment(folder: Path) -> None:
    options = ["--out", "elsewhere", "--set", "seeds=2", "--set", "gate=0001", "--chunk-size", "3", "--no-figures"]
    result = CliRunner().invoke(app, ["run", "small.toml", *options])
    assert result.exit_code == 0, result.output
    assert {path.name for path in Path("elsewhere").iterdir()} == {
        ".lock", "SHA256SUMS", "answers.csv", "chunks", "manifest.json", "runs.csv", "summary.csv"
    }  # fmt: skip
    assert sorted(path.name[:21] for path in Path("elsewhere").rglob("*.arrow")) == [
        "0000000000-0000000003", "0000000003-0000000004"
    ]  # fmt: skip
    runs = sweep.read("elsewhere").runs
    assert (len(runs), set(runs["gate"]), set(runs["seed"])) == (4, {"0001"}, {0, 1})


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_the_command_as_a_process_leaves_what_the_function_leaves(backend: str, folder: Path) -> None:
    done = finish("run", "small.toml", "--no-figures", "--out", "process", "--backend", backend, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.splitlines()[-9].startswith("gate and")
    sweep.run("small.toml", "function", figures=False)
    assert (folder / "process" / "runs.csv").read_bytes() == (folder / "function" / "runs.csv").read_bytes()


# ---- bad input ---------------------------------------------------------------------------------------------

WRITTEN = {
    "unknown.toml": SMALL + "epochs = 3\n",
    "misspelt.toml": SMALL.replace("XOR", "NANDD"),
    "empty.toml": SMALL.replace("[1, 30]", "[]"),
    "negative.toml": SMALL.replace("[1, 30]", "-0.1"),
    "num.toml": SMALL.replace("[1, 30]", "{ from = 1, to = 2, num = 0 }"),
    "nan.toml": SMALL.replace("[1, 30]", "nan"),
    "many.toml": SMALL.replace("seeds = 4", "seeds = 1_000_000_000_000"),
    "zeros.toml": SMALL.replace("uniform(0, 1)", "zeros").replace("seeds = 4", "seeds = 100"),
    "hole.toml": '[tables.points]\ncsv = "hole.csv"\n[grid]\ngate = "points"\nlearning_rate = 1\n',
    "hole.csv": "0.5,1,1\n0.25,,0\n",
    "none.toml": "",
    "broken.toml": "[grid\n",
    "file": "",
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "unknown.toml"], ["unknown.toml: train.epochs: unknown key", 'did you mean "max_epochs"?']),
        (["run", "misspelt.toml"], ['grid.gate: unknown gate "NANDD"', 'did you mean "NAND"?']),
        (["run", "empty.toml"], ["grid.learning_rate: found an empty list"]),
        (["run", "negative.toml"], ["grid.learning_rate: found -0.1; allowed: a number greater than 0"]),
        (["run", "num.toml"], ["grid.learning_rate.num: found 0; allowed: an integer, 1 or more"]),
        (["run", "nan.toml"], ["grid.learning_rate: found nan"]),
        (["run", "many.toml"], ["4,000,000,000,000 runs", "allowed: up to 2,147,483,647"]),
        (["run", "zeros.toml"], ['"zeros" ignores the seed', "100 identical runs, which are not a sample"]),
        (["run", "hole.toml"], ["hole.csv, line 2, column 2: empty"]),
        (["run", "none.toml"], ["none.toml: grid: missing"]),
        (["run", "broken.toml"], ["broken.toml: not valid TOML"]),
        (["run", "smal.toml"], ["smal.toml: no such file", 'did you mean "small.toml"?']),
        (["run", "."], ["found a directory"]),
        (["run", "small.toml", "--set", "sseds=3"], ["--set sseds: unknown key", 'did you mean "seeds"?']),
        (["run", "small.toml", "--set", "seeds"], ["--set seeds: allowed: KEY=VALUE"]),
        (["run", "small.toml", "--set", "learning_rate=-1"], ["--set learning_rate: found -1"]),
        (["run", "small.toml", "--out", "file/below"], ["file/below: results cannot be written there", "--out"]),
        (["run", "small.toml", "--out", "file"], ["file: results cannot be written there (File exists)"]),
        (["run", "small.toml", "--backend", "nonsense"], ["--backend", "Invalid value"]),
        (["run", "small.toml", "--jobs", "0"], ["--jobs", "Invalid value"]),
        (["run", "small.toml", "--chunk-size", "0"], ["--chunk-size", "Invalid value"]),
        (["run", "small.toml", "--fast"], ["No such option", "--fast"]),
        (["run"], ["Missing argument"]),
        (["learn"], ["No such command", "learn"]),
        (["report", "nowhere"], ["nowhere: no such directory; make one with: sweep run"]),
        (["report", "small.toml"], ["small.toml: no such directory"]),
        (["report", "."], [".: no complete result (no manifest.json)"]),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_message_and_status_2_and_writes_nothing(
    arguments: list[str], said: list[str], folder: Path
) -> None:
    for name, text in WRITTEN.items():
        (folder / name).write_text(text)
    before = listing(folder)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    for part in said:
        assert part in result.stderr
    assert "Traceback" not in result.stderr
    if not result.stderr.startswith("Usage: "):
        assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == ["sweep"]
    assert listing(folder) == before


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda result: (result / "manifest.json").write_text('{"name": "sm'), "manifest.json: damaged (Unterminated"),
        (lambda result: (result / "manifest.json").write_text("{}"), "manifest.json: damaged (no checksum)"),
        (lambda result: os.truncate(result / "runs.csv", 100), "runs.csv: not as it was written"),
        (lambda result: (result / "summary.csv").unlink(), "summary.csv: cannot be read (No such file"),
    ],
    ids=["half a manifest", "an empty manifest", "half of the runs", "no summary"],
)
def test_a_damaged_result_is_refused(damage: Callable[[Path], object], said: str, folder: Path) -> None:
    sweep.run("small.toml", figures=False)
    damage(folder / "results" / "small")
    before = listing(folder)
    result = CliRunner().invoke(app, ["report", "results/small"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert listing(folder) == before


# ---- how it starts and ends --------------------------------------------------------------------------------


def test_help_imports_nothing_slow() -> None:
    code = f"""
import sys
from sweep.cli import app
try:
    app(["run", "--help"])
finally:
    print([name for name in {SLOW_TO_IMPORT} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--set" in done.stdout
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_output_is_no_failure(folder: Path, closed: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m sweep run small.toml --no-figures {closed}"
    assert subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False).returncode == 0
    assert sweep.read("results/small").manifest["complete"]


def test_the_module_is_the_command(folder: Path) -> None:
    done = finish("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("run", "report"):
        assert command in done.stdout
    refused = finish("run", "other.json")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "sweep: other.json: no such file\n"


def test_a_failure_of_ours_is_status_1_and_leaves_no_result(folder: Path) -> None:
    code = """
import sys
from sweep import cli
from sweep.engine import runner
def fail(experiment, chunk, missing):
    raise RuntimeError("broken")
runner.train_chunk = fail
sys.argv = ["sweep", "run", "small.toml", "--no-figures"]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("RuntimeError: broken\n")
    assert not (folder / "results" / "small" / "manifest.json").exists()
    assert list((folder / "results" / "small").rglob("*.arrow")) == []


def without_work(folder: Path) -> dict[str, bytes]:
    """What is there, but for who is at work and on what."""
    return {name: data for name, data in listing(folder).items() if Path(name).name not in (".lock", "experiment.json")}


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_ctrl_c_before_anything_is_done_ends_it_at_once_and_keeps_the_earlier_result(
    backend: str, folder: Path
) -> None:
    sweep.run("small.toml", "out", figures=False)
    Path("long.toml").write_text(LONG.replace("max_epochs = 1_000_000", "max_epochs = 2_000_000_000"))
    before = without_work(folder)
    arguments = ["run", "long.toml", "--out", "out", "--no-figures", "--jobs", "2", "--backend", backend]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while (line := process.stderr.readline()) != "long: 1,000,000 runs, one setting → out\n":
            assert line.startswith("sweep: changed since the last run: ")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (output, errors) == ("", "sweep: interrupted; no chunk was finished yet\n")
    assert without_work(folder) == before
    assert sweep.read("out").manifest["name"] == "small"


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_ctrl_c_keeps_what_was_finished_and_says_so(backend: str, folder: Path) -> None:
    Path("long.toml").write_text(LONG.replace("max_epochs = 1_000_000", "max_epochs = 10_000"))
    arguments = ["run", "long.toml", "--no-figures", "--jobs", "2", "--backend", backend, "--chunk-size", "100"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while len(list(folder.rglob("*.arrow"))) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    result = sweep.read("results/long")
    n_done = len(result.runs)
    assert errors.splitlines()[-1] == (
        f"sweep: interrupted; {n_done:,} of 1,000,000 runs are kept, their tables written and marked incomplete; "
        "run the same command again to go on"
    )
    assert (result.manifest["complete"], result.manifest["n_done"]) == (False, n_done)
    n_written = 100 * len(list(folder.rglob("*.arrow")))
    assert n_written >= 300
    assert n_done in (n_written, n_written - 100)  # the signal may come just after a chunk has got its name


def test_ctrl_c_that_raises_ends_with_its_status_whatever_typer_makes_of_it() -> None:
    with pytest.raises(typer.Exit) as ended, exits.failures():
        raise KeyboardInterrupt("told by main")
    assert ended.value.exit_code == 130


def test_ctrl_c_does_not_wait_for_compiled_code(folder: Path) -> None:
    sweep.run("small.toml", figures=False)
    Path("long.toml").write_text(LONG.replace("max_epochs = 1_000_000", "max_epochs = 2_000_000_000"))
    code = """
import os, sys, threading
from sweep import cli
def announced(plan):
    from sweep.kernel.compiled import kernel
    def train(*args):
        runs, limits, out = args
        kernel(plan)(runs, limits._replace(max_epochs=1), out)
        threading.Timer(0.5, os.write, (1, b"in compiled code for hours\\n")).start()
        kernel(plan)(*args)
    return train
app = cli.app
def patched():
    from sweep.engine import training
    training.kernel = announced
    app()
cli.app = patched
sys.argv = ["sweep", "run", "long.toml", "--jobs", "1", "--no-figures"]
cli.main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "in compiled code for hours\n"
        run.send_signal(signal.SIGINT)
        try:
            _, errors = run.communicate(timeout=30)
        finally:
            run.kill()
    assert run.returncode == 130
    assert errors.endswith("sweep: interrupted; no chunk was finished yet\n")


def test_a_terminal_sees_compiling_then_progress_and_its_cursor_again_after_ctrl_c(folder: Path) -> None:
    Path("long.toml").write_text(LONG.replace("max_epochs = 1_000_000", "max_epochs = 10_000"))
    terminal, inside = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "run", "long.toml"], stderr=inside, env={**os.environ, "COLUMNS": "120"}
    ) as process:
        os.close(inside)
        shown = b""
        while b" left, not converged" not in shown:
            shown += os.read(terminal, 1 << 16)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        while not shown.endswith(b"to go on\r\n"):
            shown += os.read(terminal, 1 << 16)
    os.close(terminal)
    assert process.returncode == 130
    compiling, progress, end = (
        shown.index(text) for text in (b"0 of 1,000,000 runs, compiling", b" M model-epochs/s, ", b"sweep: interrupted")
    )
    assert compiling < progress < end
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert b"Traceback" not in shown
    result = sweep.read("results/long")
    assert not result.manifest["complete"]
    assert 0 < len(result.runs) == result.manifest["n_done"] < 1_000_000
    assert f"{len(result.runs):,} of 1,000,000 runs" in Path("results/long/INCOMPLETE.txt").read_text()


# ---- conveniences ------------------------------------------------------------------------------------------


def test_the_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"sweep {sweep.__version__}\n")


def test_help_is_whole_sentences() -> None:
    def shown(*arguments: str) -> str:
        return CliRunner().invoke(app, [*arguments, "--help"]).stdout

    names = re.findall(r"^  ([a-z]+)  ", shown().partition("Commands:")[2], re.MULTILINE)
    assert len(names) == 9
    for name in names:
        parts = re.split(r"^(?:Arguments|Options):$", shown(name), flags=re.MULTILINE)[1:]
        for entry in [entry for part in parts for entry in re.split(r"\n  (?=\S)", part) if entry.strip()]:
            sentence = re.split(r"\s{2,}", entry.strip(), maxsplit=1)[1]
            assert re.fullmatch(r"[A-Z][a-z].*?\.(?:\s+\[.*)?", sentence, re.DOTALL), entry


COMMANDS = ("run small.toml --no-figures", "plan small.toml", "replay results/small 3", "verify results/small")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_seen_enough_changes_nothing(command: str, folder: Path) -> None:
    sweep.run("small.toml", figures=False)
    if command.startswith("run"):
        shutil.rmtree("results")
    line = [sys.executable, "-u", "-m", "sweep", *command.split()]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, [line for line in errors.splitlines() if not line.startswith("small: ")]) == (0, [])
    assert sweep.read("results/small").manifest["complete"]


@pytest.mark.parametrize("command", [*COMMANDS, "--help"])
def test_output_that_cannot_be_written_is_said_when_the_work_is_done(command: str, folder: Path) -> None:
    sweep.run("small.toml", figures=False)
    if command.startswith("run"):
        shutil.rmtree("results")
    with Path("/dev/full").open("w") as full:
        line = [sys.executable, "-m", "sweep", *command.split()]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "sweep: the output cannot be written (No space left on device)"
    assert sweep.read("results/small").manifest["complete"]


def test_both_outputs_may_be_closed_pipes(folder: Path) -> None:
    line = f"{shlex.quote(sys.executable)} -m sweep run small.toml 2>&1 | true"
    subprocess.run(["/bin/bash", "-c", f"set -o pipefail; {line}"], check=True)
    assert "report.html" in sweep.read("results/small").manifest["files"]


def test_the_backend_that_others_want_does_not_matter(folder: Path) -> None:
    environment = {**os.environ, "MPLBACKEND": "nothing that exists"}
    line = [sys.executable, "-m", "sweep", "run", "small.toml"]
    subprocess.run(line, env=environment, stdout=subprocess.DEVNULL, check=True)
    assert "report.html" in sweep.read("results/small").manifest["files"]


def test_completion_in_a_shell(folder: Path) -> None:
    def completed(*words: str) -> set[str]:
        environment = {
            "_SWEEP_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        code = "import sys; from sweep import cli; sys.argv = ['sweep']; cli.app(prog_name='sweep')"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
        )
        return set(done.stdout.split())

    assert completed("sweep", "re") == {"report", "replay"}
    assert completed("sweep", "run", "--backend", "l") == {"loky"}


def test_a_single_seed_is_said(folder: Path) -> None:
    Path("one.toml").write_text(SMALL.replace("seeds = 4\n", ""))
    result = CliRunner().invoke(app, ["run", "one.toml", "--no-figures"])
    assert result.stderr.startswith("one: 4 runs, 4 settings, one seed → results/one\n")
    Path("zeros.toml").write_text(SMALL.replace("seeds = 4\n", "").replace("uniform(0, 1)", "zeros"))
    result = CliRunner().invoke(app, ["run", "zeros.toml", "--no-figures"])
    assert result.stderr.startswith("zeros: 4 runs, 4 settings → results/zeros\n")


def test_a_run_is_replayed_by_number_and_by_address(folder: Path) -> None:
    sweep.run("small.toml", figures=False)
    by_number = CliRunner().invoke(app, ["replay", "results/small", "14"])
    by_address = CliRunner().invoke(app, ["replay", "results/small", "gate=XOR", "learning_rate=30", "seed=2"])
    assert by_number.exit_code == by_address.exit_code == 0
    assert by_number.stdout == by_address.stdout
    assert "address: gate=XOR learning_rate=30 seed=2" in by_number.stdout
    several = CliRunner().invoke(app, ["replay", "results/small", "gate=XOR"])
    assert (several.exit_code, several.stdout) == (2, "")
    assert several.stderr.startswith("sweep: found gate=XOR, which 8 runs have; allowed: one run")


def test_a_new_file_runs_and_is_never_written_over(folder: Path) -> None:
    result = CliRunner().invoke(app, ["new", "mine.toml"])
    assert (result.exit_code, result.stdout) == (0, "mine.toml: run it with: sweep run mine.toml\n")
    ran = CliRunner().invoke(app, ["run", "mine.toml", "--no-figures", "--set", "seeds=2", "--set", "max_epochs=20"])
    assert ran.exit_code == 0, ran.output
    again = CliRunner().invoke(app, ["new", "mine.toml"])
    assert (again.exit_code, again.stderr) == (
        2,
        "sweep: mine.toml: there is such a file already; allowed: a new one\n",
    )
    uncommented = re.sub(r"^# (?=\w+ = |\[)", "", Path("mine.toml").read_text(), flags=re.MULTILINE)
    uncommented = uncommented.replace('gate = ["OR", "NAND"]', 'gate = ["OR", "points"]')
    Path("points.csv").write_text("0,0,1\n1,0,0\n")
    Path("whole.toml").write_text(uncommented)
    assert load("whole.toml").tables.keys() == {"points"}


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_target_that_is_never_met_is_said_beforehand(command: str, folder: Path) -> None:
    grid = '[grid]\ngate = "soft"\nhidden = 2\nloss = ["bce", "mse"]\nlearning_rate = 1\n'
    tables = "[tables.soft]\nrows = [[0, 0.1], [1, 0.9]]\n"
    Path("soft.toml").write_text(f"{grid}[train]\nmax_epochs = 9\n{tables}")
    said = [line for line in CliRunner().invoke(app, [command, "soft.toml"]).stderr.splitlines() if "never" in line]
    least = 'sweep: gate "soft": no outputs have a loss (bce) below 0.3251'
    assert said == [f"{least}, so target_loss = 0.01 is never met"]
    met = CliRunner().invoke(app, [command, "soft.toml", "--set", "target_loss=0.33"])
    assert "never met" not in met.stderr
