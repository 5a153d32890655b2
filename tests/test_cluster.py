"""A cluster: a scheduler and two workers, one of which is killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_faults import EXPERIMENT, finish, n_chunks, tables

pytestmark = pytest.mark.processes
SWEEP = [sys.executable, "-m", "sweep", "run"]
OPTIONS = ["--no-figures", "--chunk-size", "64"]


def start(*line: str, **how: object) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-m", *line], text=True, start_new_session=True, **how)


DEADLY = """
import os
from sweep.engine import runner
def train_chunk(*_):
    os._exit(1)
runner.train_chunk = train_chunk
"""


@pytest.fixture
def deadly() -> bool:
    """Whether every chunk ends the worker that trains it."""
    return False


@pytest.fixture
def cluster(deadly: bool, tmp_path: Path) -> Iterator[tuple[str, list["subprocess.Popen[str]"]]]:
    """The scheduler's address, and two workers."""
    file, log = tmp_path / "scheduler.json", (tmp_path / "cluster.log").open("w")
    quiet = {"stdout": log, "stderr": log}
    host = ["--host", "127.0.0.1"]
    preload = []
    if deadly:
        (tmp_path / "deadly.py").write_text(DEADLY)
        preload = ["--preload", str(tmp_path / "deadly.py")]
        quiet["env"] = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    started = [
        start("distributed.cli.dask_scheduler", *host, "--port", "0", "--no-dashboard",
              "--scheduler-file", str(file), **quiet)
    ]  # fmt: skip
    try:
        while not file.exists():
            assert started[0].poll() is None
            time.sleep(0.05)
        options = ["--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        for _ in range(2):
            started.append(  # noqa: PERF401
                start("distributed.cli.dask_worker", "--scheduler-file", str(file), *host, *options, *preload,
                      "--local-directory", str(tmp_path), **quiet)
            )  # fmt: skip
        while "address" not in (scheduler := json.loads(file.read_text() or "{}")):
            time.sleep(0.05)
        yield scheduler["address"], started[1:]
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def test_a_worker_is_killed_and_nothing_shows(
    cluster: tuple[str, list["subprocess.Popen[str]"]], tmp_path: Path
) -> None:
    address, workers = cluster
    file = tmp_path / "some.toml"
    file.write_text(EXPERIMENT)
    whole, out = tmp_path / "whole", tmp_path / "out"
    subprocess.run([*SWEEP, file, "--out", whole, *OPTIONS], check=True, capture_output=True)
    process = start("sweep", "run", str(file), "--out", str(out), *OPTIONS, "--backend", "dask", "--scheduler", address,
                    stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)  # fmt: skip
    while n_chunks(out) < 50:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    os.killpg(workers[0].pid, signal.SIGKILL)
    finish(process)
    assert workers[1].poll() is None
    assert tables(out) == tables(whole)


@pytest.mark.parametrize("deadly", [True])
def test_a_chunk_that_ends_its_workers(cluster: tuple[str, list["subprocess.Popen[str]"]], tmp_path: Path) -> None:
    address, _ = cluster
    file = tmp_path / "some.toml"
    file.write_text(EXPERIMENT)
    process = start("sweep", "run", str(file), "--out", str(tmp_path / "out"), *OPTIONS, "--backend", "dask",
                    "--scheduler", address, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)  # fmt: skip
    assert "one chunk has ended several of the cluster's workers" in finish(process, 1)


def test_no_scheduler_there(tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text(EXPERIMENT)
    process = start("sweep", "run", str(file), "--out", str(tmp_path / "out"), "--backend", "dask",
                    "--scheduler", "tcp://127.0.0.1:1", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)  # fmt: skip
    assert "no dask scheduler answers at tcp://127.0.0.1:1" in finish(process, 1)
