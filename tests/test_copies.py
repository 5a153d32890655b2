"""Work shared with copies of this process: done once, whatever becomes of a copy."""

import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import sweep
from sweep.engine import copies
from sweep.engine.copies import in_copies

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux")
SMALL = {
    "grid": {"gate": ["AND", "XOR"], "learning_rate": [0.5, 5], "seeds": 3},
    "train": {"max_epochs": 50},
}


def meeting(folder: Path, then: Callable[[], object]) -> list[Callable[[], object]]:
    """Two tasks that end only if both are begun."""

    def task(mine: str, other: str) -> object:
        (folder / mine).touch()
        while not (folder / other).exists():
            time.sleep(0.001)
        return then()

    return [lambda: task("one", "other"), lambda: task("other", "one")]


def test_results_come_in_the_order_of_the_tasks() -> None:
    assert in_copies([lambda n=n: n**2 for n in range(50)], 3) == [n**2 for n in range(50)]  # type: ignore[misc]
    assert in_copies([], 3) == []


def test_two_processes_work_at_a_time(tmp_path: Path) -> None:
    assert len(set(in_copies(meeting(tmp_path, os.getpid), 2))) == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_what_a_copy_dies_of_is_done_here(number: int, tmp_path: Path) -> None:
    here = os.getpid()

    def end() -> int:
        if os.getpid() != here:
            faulthandler.disable()  # it would tell of what is meant to be
            os.kill(os.getpid(), number)
        return os.getpid()

    assert in_copies(meeting(tmp_path, end), 2) == [here, here]


def test_without_room_for_a_copy_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError("too many processes")

    n_files = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(os, "fork", refused)
    assert in_copies([os.getpid, os.getpid], 2) == [os.getpid()] * 2
    assert len(list(Path("/proc/self/fd").iterdir())) == n_files


def test_a_copy_that_the_system_removes_by_itself_has_done_its_work() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert in_copies([lambda: 1, lambda: 2, lambda: 3], 3) == [1, 2, 3]
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_copy_that_never_answers_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_PATIENCE", 0.05)
    here = os.getpid()

    def stuck() -> int:
        while os.getpid() != here:
            time.sleep(0.1)
        return here

    assert in_copies(meeting(tmp_path, stuck), 2) == [here, here]


def test_an_error_in_a_copy_is_one_here(tmp_path: Path) -> None:
    here = os.getpid()

    def fails() -> int:
        if os.getpid() != here or not copy_fails:
            raise OSError("full")
        return here

    copy_fails = True
    assert in_copies(meeting(tmp_path, fails), 2) == [here, here]
    copy_fails = False
    with pytest.raises(OSError, match="full"):
        in_copies([fails, fails], 2)


def test_a_copy_holds_none_of_the_files_that_are_open_here(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w"):
        held = in_copies(meeting(tmp_path, lambda: (os.getpid(), open_files(os.getpid()))), 2)
    assert {pid: str(tmp_path / "lock") in files for pid, files in held} == {pid: pid == os.getpid() for pid, _ in held}


def open_files(pid: int) -> list[str]:
    found = []
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(handle.readlink()))
        except OSError:
            continue
    return found


FOR_EVER = """
import os, time
from sweep.engine.copies import in_copies
def sleep():
    print(os.getpid(), flush=True)
    time.sleep(600)
in_copies([sleep, sleep], 2)
"""


@pytest.mark.processes
def test_a_copy_ends_with_a_parent_that_is_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", FOR_EVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids = {int(process.stdout.readline()) for _ in range(2)}
    process.kill()
    assert process.stdout.read() == ""  # which ends when the copy has
    process.communicate()
    assert len(pids) == 2


def test_a_report_is_the_same_from_any_number_of_processes(tmp_path: Path) -> None:
    result = sweep.run(SMALL, tmp_path, figures=False)
    one, two = (sweep.draw(result, jobs=jobs).manifest["files"] for jobs in (1, 2))
    assert any(name.endswith(".png") for name in one)
    assert one == two
