"""Processes that are killed, interrupted, short of room or of a worker: nothing that was finished is lost.

`make torture` does the same with many more kills.
"""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes
TORTURE = "TORTURE_KILLS" in os.environ
N_KILLS = int(os.environ.get("TORTURE_KILLS", "1"))
"""For each way to run."""
EXPERIMENT = """
[grid]
gate = "all-2"
learning_rate = { from = 0.1, to = 10, num = 10, scale = "log" }
init = ["uniform(0, 1)", "normal(0, 1)"]
seeds = 160
[train]
max_epochs = 2000
"""
N_CHUNKS = 800
TABLES = ("runs.csv", "summary.csv", "answers.csv", "SHA256SUMS")
WAYS = {
    "one job": ("--jobs", "1"),
    "two jobs": ("--jobs", "2"),
    "loky": ("--jobs", "2", "--backend", "loky"),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "some.toml"
    path.write_text(EXPERIMENT)
    return path


@pytest.fixture(scope="module")
def undisturbed(file: Path) -> dict[str, bytes]:
    finish(command(file, file.parent / "whole"))
    return tables(file.parent / "whole")


def command(file: Path, out: Path, *options: str, **how: object) -> "subprocess.Popen[str]":
    """A sweep of N_CHUNKS chunks, in a process group of its own: as many as take a second or more."""
    line = [sys.executable, "-m", "sweep", "run", str(file), "--out", str(out), "--no-figures", "--chunk-size", "64"]
    return subprocess.Popen(
        [*line, *options], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True, **how
    )


def finish(process: "subprocess.Popen[str]", status: int = 0) -> str:
    """What a sweep says that ends with this status and without a traceback."""
    _, said = process.communicate(timeout=120)
    assert process.returncode == status, said
    assert "Traceback" not in said
    return said


def tables(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in TABLES}


def n_chunks(directory: Path) -> int:
    return len(list(directory.glob("chunks/*/*.arrow")))


def wait_for(process: "subprocess.Popen[str]", directory: Path, chunks: int) -> None:
    while n_chunks(directory) < chunks and process.poll() is None:
        time.sleep(0.005)


def kill_all(process: "subprocess.Popen[str]") -> bool:
    """As the system does when it has had enough: the command and its workers, at once; whether it was still there."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("way", WAYS)
def test_killed_at_random_moments(way: str, file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    moments = random.Random(way)
    out, n_there, n_killed = tmp_path / "0", 0, 0
    while n_killed < N_KILLS:
        if (out / "manifest.json").exists():
            assert tables(out) == undisturbed
            out, n_there = tmp_path / str(n_killed), 0
        process = command(file, out, *WAYS[way])
        if moments.random() < 0.8:
            wait_for(process, out, n_there + moments.randint(1, 50))
        time.sleep(0.3 * moments.random())
        n_killed += kill_all(process)
        assert n_chunks(out) >= n_there
        n_there = n_chunks(out)
    process = command(file, out, *WAYS[way])
    said = finish(process)
    assert n_there in (0, N_CHUNKS) or f"{n_there} of " in said
    assert tables(out) == undisturbed
    assert not list(out.rglob("*.part"))


PARTS = ["runs.csv", "summary.csv", "answers.csv", "SHA256SUMS", "manifest.json"]


@pytest.mark.parametrize("part", PARTS if TORTURE else PARTS[1:])
def test_killed_while_it_writes(part: str, file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    n_killed = 0
    while n_killed < max(1, N_KILLS // 10):
        process = command(file, tmp_path)
        for name in (part, *TABLES, "manifest.json"):
            (tmp_path / name).unlink(missing_ok=True)
        while not any(tmp_path.glob(f"*{part}*")) and process.poll() is None:
            pass
        n_killed += kill_all(process)
    process = command(file, tmp_path)
    finish(process)
    assert tables(tmp_path) == undisturbed
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("way", ["two jobs", "loky"])
def test_interrupted(way: str, file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    """As a terminal does it: the signal goes to the workers as well."""
    process = command(file, tmp_path, *WAYS[way])
    wait_for(process, tmp_path, 20)
    os.killpg(process.pid, signal.SIGINT)
    said = finish(process, 130)
    assert said.count("sweep: ") == 1
    assert "are kept" in said
    assert not workers_of(process.pid)
    done = n_chunks(tmp_path)
    assert 20 <= done < N_CHUNKS
    assert (tmp_path / "runs.csv").read_bytes().count(b"\n") == 1 + 64 * done
    assert (tmp_path / "INCOMPLETE.txt").exists()
    finish(command(file, tmp_path))
    assert not (tmp_path / "INCOMPLETE.txt").exists()
    assert tables(tmp_path) == undisturbed


def test_a_worker_that_is_killed(file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    process = command(file, tmp_path, *WAYS["loky"])
    wait_for(process, tmp_path, 20)
    for worker in workers_of(process.pid):
        os.kill(worker, signal.SIGKILL)
    said = finish(process, 1)
    assert "a worker process was killed" in said
    assert n_chunks(tmp_path) >= 20
    finish(command(file, tmp_path))
    assert tables(tmp_path) == undisturbed


@pytest.mark.parametrize("n", range(N_KILLS))
def test_interrupted_at_any_moment(n: int, file: Path, tmp_path: Path) -> None:
    """While workers start, too, which is when the signal was swallowed."""
    moments = random.Random(n)
    process = command(file, tmp_path, *WAYS["loky"])
    wait_for(process, tmp_path, moments.choice([1, 1, 2, 60]))
    time.sleep(0.1 * moments.random())
    os.killpg(process.pid, signal.SIGINT)
    assert "interrupted; " in finish(process, 130)


def test_workers_end_with_a_parent_that_is_killed(file: Path, tmp_path: Path) -> None:
    """None of them holds on to what the parent wrote to: reading that ends."""
    process = command(file, tmp_path, *WAYS["loky"])
    wait_for(process, tmp_path, 5)
    assert workers_of(process.pid)
    process.kill()
    process.communicate(timeout=20)
    assert not workers_of(process.pid)


def workers_of(pid: int) -> list[int]:
    """The processes of a group that run joblib's worker loop."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"popen_loky" in status.read_bytes() and os.getpgid(int(status.parent.name)) == pid:
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("limit", [2500, 100_000])
def test_files_that_may_not_grow(limit: int, file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    """A limit that a chunk exceeds, and one that only a table does."""
    process = command(file, tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    said = finish(process, 1)
    assert "File too large" in said
    assert "are kept" in said or "is kept" in said
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("*.part"))
    assert not (tmp_path / "manifest.json").exists()
    finish(command(file, tmp_path))
    assert tables(tmp_path) == undisturbed


def test_a_second_one_is_refused(file: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    first = command(file, tmp_path)
    wait_for(first, tmp_path, 1)
    os.killpg(first.pid, signal.SIGSTOP)  # so that it is at work however fast it is
    try:
        said = finish(command(file, tmp_path), 3)
    finally:
        os.killpg(first.pid, signal.SIGCONT)
    assert f"another sweep is at work there (process {first.pid} on " in said
    finish(first)
    assert tables(tmp_path) == undisturbed
