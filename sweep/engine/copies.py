"""Do Python's work on several cores: in copies of this process, which have all that it has computed."""

import os
import pickle
import select
import signal
import stat
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

_SECONDS_BETWEEN_LOOKS = 0.5
_PATIENCE = 20.0
"""Seconds to wait for a copy, and times as long as this process took for its own tasks."""

Tasks = Sequence[Callable[[], Any]]


def in_copies(tasks: Tasks, n: int) -> list[Any]:
    """Do tasks, here and in n − 1 copies of this process at a time, each of which takes the next one.

    A task must not need another thread. There are at most 256, and their results can be pickled. What a copy could not
    do, this process does; there are no copies where the system cannot make them safely.
    """
    ahead, end = os.pipe()
    os.write(end, bytes(range(len(tasks))))
    os.close(end)
    copies: list[tuple[int, int]] = []
    done: dict[int, Any] = {}
    try:
        with suppress(OSError):  # no room for another process
            for _ in range(min(n, len(tasks)) - 1 if sys.platform == "linux" else 0):
                copies.append(_copy(tasks, ahead))  # noqa: PERF401  # those that there are end whatever comes next
        began = time.monotonic()
        _do(tasks, ahead, done)
        patience = _PATIENCE * (1.0 + time.monotonic() - began)
        for _, answer in copies:
            if not select.select([answer], [], [], patience)[0]:
                continue  # it waits for a lock that no one holds there
            with os.fdopen(os.dup(answer), "rb") as file, suppress(EOFError, pickle.UnpicklingError):
                done |= pickle.load(file)
    finally:
        os.close(ahead)
        for process, answer in copies:
            os.close(answer)
            with suppress(ProcessLookupError, ChildProcessError):  # where the system has removed it by itself
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
    return [done[number] if number in done else task() for number, task in enumerate(tasks)]


def _do(tasks: Tasks, ahead: int, done: dict[int, Any]) -> None:
    while number := os.read(ahead, 1):
        done[number[0]] = tasks[number[0]]()


def _copy(tasks: Tasks, ahead: int) -> tuple[int, int]:
    """Copy this process; returns the copy's number, and where it answers at its end.

    The copy closes every file of this process, whose lock is not its own, but for pipes, and ends with it.
    """
    answer, end = os.pipe()
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which a copy has not
        try:
            process = os.fork()
        except OSError:
            os.close(answer)
            os.close(end)
            raise
    if process:
        os.close(end)
        return process, answer
    try:
        for handle in {int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2, ahead, end}:  # noqa: PTH208
            with suppress(OSError):
                if not stat.S_ISFIFO(os.fstat(handle).st_mode):  # through a pipe a library wakes itself
                    os.close(handle)
        end_with(parent)
        done: dict[int, Any] = {}
        with os.fdopen(end, "wb") as file, suppress(Exception):
            try:
                _do(tasks, ahead, done)
            finally:
                pickle.dump(done, file)
    finally:
        os._exit(0)


def end_with(parent: int) -> None:
    """End this worker process soon after its parent, whose death nobody else tells it."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
