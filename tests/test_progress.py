"""Progress: what a terminal and what a log file are shown."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from sweep import progress
from sweep.engine.estimate import work
from sweep.engine.outcome import Outcome
from sweep.progress import SECONDS_BETWEEN_LINES, Progress, by_status
from sweep.session import Started
from sweep.spec.experiment import load
from sweep.spec.schema import status_code
from sweep.words import duration

GATES: dict[str, Any] = {"name": "gates", "grid": {"gate": ["AND", "OR"], "learning_rate": [1, 2], "seeds": 250}}
FIRST_LINE = "gates: 1,000 runs, 4 settings → there\n"


class Clock:
    """A clock that only we move."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "perf_counter", clock)
    return clock


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    shown = io.StringIO()
    return Console(file=shown, force_terminal=terminal, width=120, highlight=False), shown


def started(source: dict[str, Any], n_runs_done: int = 0, n_chunks_done: int = 0) -> Started:
    return Started(load(source), Path("there"), n_runs_done, n_chunks_done, 10, str)


class Chunks:
    """Successive chunks of runs, so many of each status, which took so many epochs all together."""

    def __init__(self) -> None:
        self.first = 0

    def __call__(self, n_epochs: int, **counts: int) -> Outcome:
        n_runs = sum(counts.values())
        outcome = Outcome.empty(np.arange(self.first, self.first + n_runs), 0, 0, 0)
        outcome.status[:] = np.repeat([status_code(name) for name in counts], list(counts.values()))
        outcome.epochs[0] = n_epochs
        self.first += n_runs
        return outcome


@pytest.fixture
def chunk() -> Chunks:
    return Chunks()


def test_plain_lines_every_few_seconds(clock: Clock, chunk: Chunks) -> None:
    plain, shown = console(terminal=False)
    with Progress(plain) as display:
        display.start(started(GATES))
        display.add(chunk(2_000_000, converged=90, diverged=10), 100)
        assert shown.getvalue() == FIRST_LINE
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(18_000_000, converged=100, max_epochs=50), 150)
        line = (
            "gates: 250 of 1,000 runs, 4.0 M model-epochs/s, 15 s left, converged 190, diverged 10, not converged 50\n"
        )
        assert shown.getvalue() == FIRST_LINE + line
        clock.now += SECONDS_BETWEEN_LINES / 2
        display.add(chunk(0, converged=50), 50)
        assert shown.getvalue() == FIRST_LINE + line
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(0, converged=700), 700)
        assert shown.getvalue() == FIRST_LINE + line


def test_what_was_there_already_is_done_but_took_no_time(clock: Clock, chunk: Chunks) -> None:
    plain, shown = console(terminal=False)
    chunk.first = 400
    with Progress(plain) as display:
        display.start(started(GATES, 400, 4))
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(9_000_000, converged=100), 0)
        assert shown.getvalue().splitlines()[1:] == [
            "gates: 4 of 10 chunks done", "gates: 500 of 1,000 runs, compiling"
        ]  # fmt: skip
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(40_000_000, converged=200), 100)
    assert shown.getvalue().splitlines()[3] == (
        "gates: 700 of 1,000 runs, 2.0 M model-epochs/s, 30 s left, converged 300"
    )
    assert display.n_epochs == 20_000_000


def test_time_left_counts_the_work_of_an_epoch(clock: Clock, chunk: Chunks) -> None:
    """Of 100 runs on 4 rows × 3 units and 100 on 256 rows × 9 units, half of the runs are 0.5 % of the work."""
    base = {"learning_rate": 1, "seeds": 100}
    grids = [{**base, "gate": "parity-2", "hidden": 2}, {**base, "gate": "parity-8", "hidden": 8}]
    plain, shown = console(terminal=False)
    with Progress(plain) as display:
        display.start(started({"grid": grids}))
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(1000, converged=100), 100)
    assert f" {duration(5 * 256 * 9 / (4 * 3))} left, " in shown.getvalue()


def test_work_is_about_the_same_from_some_runs_as_from_all() -> None:
    grid = {"gate": "XOR", "learning_rate": {"from": 1, "to": 2, "num": 1000}, "hidden": [1, 2, 3, 4, 5, 6, 7, 8]}
    experiment = load({"grid": grid})
    runs = np.arange(experiment.n_runs)
    for some in (runs, runs[100:], runs[::8]):
        assert progress._work(experiment, some) == pytest.approx(work(experiment, some).sum(), rel=0.01)


def test_a_terminal_shows_a_live_display(clock: Clock, chunk: Chunks) -> None:
    terminal, shown = console(terminal=True)

    def refreshed() -> str:
        shown.seek(0)
        shown.truncate()
        display.live.refresh()
        return shown.getvalue()

    with Progress(terminal) as display:
        assert shown.getvalue() == ""
        display.start(started(GATES))
        assert "0 of 1,000 runs, compiling" in refreshed()
        clock.now += 10
        display.add(chunk(5_000_000, converged=499, diverged=1), 500)
        text = refreshed()
        assert "500 of 1,000 runs, 0.5 M model-epochs/s, 10 s left, converged 499, diverged 1" in text
        assert "gates" in text
        display.add(chunk(5_000_000, converged=500), 500)
        assert "1,000 runs, converged 999, diverged 1, writing tables" in refreshed()
        assert display.live.is_started
    assert not display.live.is_started
    assert shown.getvalue().rindex("\x1b[?25h") > 0


def test_the_display_ends_when_the_work_fails() -> None:
    terminal, shown = console(terminal=True)
    with pytest.raises(RuntimeError), Progress(terminal) as display:
        display.start(started(GATES))
        raise RuntimeError
    assert not display.live.is_started
    assert "\x1b[?25h" in shown.getvalue()


def test_by_status() -> None:
    assert by_status({"converged": 1234, "diverged": 0, "max_epochs": 1}) == ["converged 1,234", "not converged 1"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (100_000, "27 h 46 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
