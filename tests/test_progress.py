"""Progress: what a terminal and what a log file are shown."""

import io
from dataclasses import dataclass, field

import pytest
from rich.console import Console

from sweep import progress
from sweep.progress import SECONDS_BETWEEN_LINES, Progress, counted, duration


@dataclass
class Chunk:
    n_runs: int
    n_epochs: int
    status_counts: dict[str, int] = field(default_factory=lambda: {"converged": 0, "diverged": 0, "max_epochs": 0})


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


def chunk(n_runs: int, n_epochs: int, **counts: int) -> Chunk:
    return Chunk(n_runs, n_epochs, {"converged": 0, "diverged": 0, "max_epochs": 0, **counts})


def test_plain_lines_every_few_seconds(clock: Clock) -> None:
    plain, shown = console(terminal=False)
    with Progress(plain) as display:
        display.start("gates", 1000)
        display.add(chunk(100, 2_000_000, converged=90, diverged=10), 100)
        assert shown.getvalue() == ""
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(150, 18_000_000, converged=100, max_epochs=50), 150)
        line = "gates: 250 of 1,000 runs, 4.0 M model-epochs/s, 15 s left, converged 190, diverged 10, max epochs 50\n"
        assert shown.getvalue() == line
        clock.now += SECONDS_BETWEEN_LINES / 2
        display.add(chunk(50, 0, converged=50), 50)
        assert shown.getvalue() == line
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(700, 0, converged=700), 700)
        assert shown.getvalue() == line


def test_what_was_there_already_is_done_but_took_no_time(clock: Clock) -> None:
    plain, shown = console(terminal=False)
    with Progress(plain) as display:
        display.start("gates", 1000, 400)
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(100, 9_000_000, converged=100), 0)
        assert shown.getvalue() == "gates: 500 of 1,000 runs, compiling\n"
        clock.now += SECONDS_BETWEEN_LINES
        display.add(chunk(200, 40_000_000, converged=200), 100)
    assert shown.getvalue().splitlines()[1] == (
        "gates: 700 of 1,000 runs, 2.0 M model-epochs/s, 30 s left, converged 300"
    )
    assert display.n_epochs == 20_000_000


def test_a_terminal_shows_a_live_display(clock: Clock) -> None:
    terminal, shown = console(terminal=True)

    def refreshed() -> str:
        shown.seek(0)
        shown.truncate()
        display.live.refresh()
        return shown.getvalue()

    with Progress(terminal) as display:
        assert shown.getvalue() == ""
        display.start("gates", 1000)
        assert "0 of 1,000 runs, compiling" in refreshed()
        clock.now += 10
        display.add(chunk(500, 5_000_000, converged=499, diverged=1), 500)
        text = refreshed()
        assert "500 of 1,000 runs, 0.5 M model-epochs/s, 10 s left, converged 499, diverged 1" in text
        assert "gates" in text
        display.add(chunk(500, 5_000_000, converged=500), 500)
        assert "1,000 runs, converged 999, diverged 1, writing tables" in refreshed()
        assert display.live.is_started
    assert not display.live.is_started
    assert shown.getvalue().rindex("\x1b[?25h") > 0


def test_the_display_ends_when_the_work_fails() -> None:
    terminal, shown = console(terminal=True)
    with pytest.raises(RuntimeError), Progress(terminal) as display:
        display.start("gates", 1000)
        raise RuntimeError
    assert not display.live.is_started
    assert "\x1b[?25h" in shown.getvalue()


def test_counted() -> None:
    assert counted({"converged": 1234, "diverged": 0, "max_epochs": 1}) == ["converged 1,234", "max epochs 1"]


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
