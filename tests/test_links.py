"""Results that lead out of themselves: nothing outside is written, removed or moved, and no command waits for ever.

Every file and directory of a result is replaced in turn by a link, a second name, a loop, a directory or a FIFO, and
every command is run on it.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_damage import quiet

import sweep
from sweep import decisions
from sweep.commands.compare import compare as compare_results
from sweep.commands.replay import replay as replay_run
from sweep.page import html

SECONDS = 60
EXPERIMENT: dict[str, Any] = {
    "grid": {"gate": ["AND", "XOR"], "learning_rate": [1, 30], "init": "uniform(0, 1)", "seeds": 3},
    "train": {"max_epochs": 40, "record_every": 20},
}
TABLES = ("runs.csv", "summary.csv", "answers.csv", "curves.csv", "SHA256SUMS")


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Draw figures of a few bytes: what they show does not matter here."""

    def write(findings: object, directory: Path, *others: object) -> list[Path]:
        paths = [directory / name for name in ("report.html", "figures/some.svg", "figures/some.png")]
        (directory / "figures").mkdir()
        for path in paths:
            path.write_text(path.name)
        return paths

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(html, "write", write)
        patched.setattr(decisions, "for_report", lambda *_: [])
        yield


@pytest.fixture(scope="module")
def drawn(quick: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("drawn") / "result"
    sweep.run(EXPERIMENT, directory, jobs=1)
    return directory


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("other") / "result"
    sweep.run(EXPERIMENT, directory, jobs=1, figures=False)
    return directory


def symbolic(path: Path, outside: Path) -> None:
    path.symlink_to(outside)


def hard(path: Path, outside: Path) -> None:
    if outside.is_dir():
        pytest.skip("directories have one name")
    path.hardlink_to(outside)


def loop(path: Path, outside: Path) -> None:
    path.symlink_to(path.name)


def directory(path: Path, outside: Path) -> None:
    if outside.is_dir():
        path.write_text("a file")
    else:
        path.mkdir()
        (path / "notes.txt").write_text("the user's own")


def fifo(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def run(path: Path, other: Path) -> None:
    sweep.run(EXPERIMENT, path, jobs=1, figures=False, say=quiet)


def report(path: Path, other: Path) -> None:
    sweep.draw(sweep.read(path))


def verify(path: Path, other: Path) -> None:
    assert sweep.verify(path)[1]


def repair(path: Path, other: Path) -> None:
    sweep.verify(path, repair=True, say=quiet)


def replay(path: Path, other: Path) -> None:
    replay_run(sweep.read(path), 3)


def compare(path: Path, other: Path) -> None:
    compare_results(sweep.read(path), sweep.read(other))


COMMANDS = (run, report, verify, repair, replay, compare)
KINDS = (symbolic, hard, loop, directory, fifo)
NAMES = [
    *(".lock", "manifest.json", "SHA256SUMS", *TABLES[:4], "report.html", "figures"),
    *("figures/*.svg", "figures/*.png", "chunks", "chunks/manifest.json", "chunks/*/", "layout.json", "*.arrow"),
]


def one_of(result: Path, name: str) -> Path:
    """The first file or directory of this kind."""
    if "*" not in name and (result / name).exists():
        return result / name
    found = result.glob("chunks/*/") if name == "chunks/*/" else result.rglob(name)
    return min(path for path in found if path.parent.name != "chunks" or path.is_dir())


def state(outside: Path) -> dict[str, Any]:
    """Everything about files outside that a command could change."""
    found = {}
    for path in [outside.parent, *outside.parent.rglob("*")]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (content, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def in_time(command: Callable[[Path, Path], None], path: Path, other: Path) -> None:
    """Run a command, which may refuse, but neither fail otherwise nor hang."""
    failed: list[BaseException] = []

    def call() -> None:
        try:
            command(path, other)
        except sweep.SweepError as error:
            assert str(error)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive(), "it hangs"
    if failed:
        raise failed[0]


def attacks(drawn: Path, tmp_path: Path, name: str, kind: Callable[[Path, Path], None]) -> Iterator[tuple[Path, Path]]:
    """A fresh copy of the result for each command, one file of which is not what it was; and what lies outside."""
    for number in range(len(COMMANDS)):
        place = tmp_path / str(number)
        result, outside = place / "result", place / "outside" / "kept"
        shutil.copytree(drawn, result)
        outside.parent.mkdir()
        path = one_of(result, name)
        path.rename(outside)
        kind(path, outside)
        yield result, outside


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_outside_is_touched(
    name: str, kind: Callable[[Path, Path], None], drawn: Path, other: Path, tmp_path: Path
) -> None:
    whole = {table: (drawn / table).read_bytes() for table in TABLES}
    for command, (result, outside) in zip(COMMANDS, attacks(drawn, tmp_path, name, kind), strict=True):
        before = state(outside)
        in_time(command, result, other)
        assert state(outside) == before, command.__name__
        if command in (run, repair):
            assert sweep.verify(result)[1] == []
            assert {table: (result / table).read_bytes() for table in TABLES} == whole


def test_the_directory_itself_may_be_a_link(other: Path, tmp_path: Path) -> None:
    shutil.copytree(other, tmp_path / "elsewhere")
    link = tmp_path / "link"
    link.symlink_to("elsewhere")
    sweep.run(EXPERIMENT, link, jobs=1)
    assert (tmp_path / "elsewhere" / "report.html").is_file()
    assert sweep.verify(link)[1] == []
    assert link.is_symlink()


def test_temporary_names_cannot_be_prepared(other: Path, tmp_path: Path) -> None:
    """Links under every name that a writer is known to have used lead nowhere that is written."""
    result, outside = Path(shutil.copytree(other, tmp_path / "result")), tmp_path / "outside" / "kept"
    outside.parent.mkdir()
    outside.write_text("kept")
    for name in ("report.html.unfinished", ".report.html.part", ".manifest.json.part", ".runs.csv.part"):
        (result / name).symlink_to(outside)
    before = state(outside)
    for command in COMMANDS[:2]:
        command(result, other)
    assert state(outside) == before
