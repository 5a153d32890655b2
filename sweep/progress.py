"""What a sweep says while it works: a live display on a terminal, plain lines elsewhere."""

from time import perf_counter
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

SECONDS_BETWEEN_LINES = 5.0


class Outcome(Protocol):
    """The part of a chunk's outcome that is counted."""

    @property
    def n_runs(self) -> int:
        """Number of runs."""

    @property
    def n_epochs(self) -> int:
        """Updates applied, all runs together."""

    @property
    def status_counts(self) -> dict[str, int]:
        """Runs by status."""


class Progress:
    """Counts finished runs and shows them, from `start` to the end of the `with` block whose context it is.

    Parameters
    ----------
    console
        Where to show them.
    """

    def __init__(self, console: Console):
        self.console = console
        self.name = ""
        self.n_runs = self.n_done = self.n_there = self.n_epochs = 0
        self.counts: dict[str, int] = {}
        self.began = self.last_line = perf_counter()
        self.live = Live(self, console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def start(self, name: str, n_runs: int, n_there: int = 0) -> None:
        """Begin to show the runs of an experiment, so many of which are there already, before anything slow is done."""
        self.name, self.n_runs, self.n_done, self.n_there = name, n_runs, n_there, n_there
        self.began = self.last_line = perf_counter()
        if self.console.is_terminal:
            self.live.start()

    def add(self, outcome: Outcome, n_trained: int) -> None:
        """Count one more chunk, so many of whose runs were trained for it, the others having been there already."""
        self.n_done += outcome.n_runs
        self.n_there += outcome.n_runs - n_trained
        self.n_epochs += outcome.n_epochs * n_trained // outcome.n_runs
        counts = outcome.status_counts
        self.counts = {status: self.counts.get(status, 0) + count for status, count in counts.items()}
        now = perf_counter()
        if not self.console.is_terminal and now - self.last_line >= SECONDS_BETWEEN_LINES and self.n_done < self.n_runs:
            self.last_line = now
            self.console.print(f"{self.name}: {self._sentence()}", soft_wrap=True, highlight=False)

    def _sentence(self) -> str:
        runs = f"{self.n_done:,} of {self.n_runs:,} runs"
        if self.n_done == self.n_there < self.n_runs:
            return f"{runs}, compiling"
        if self.n_done == self.n_runs:
            return ", ".join([f"{self.n_runs:,} runs", *counted(self.counts), "writing tables"])
        seconds = perf_counter() - self.began
        speed = f"{self.n_epochs / seconds / 1e6:,.1f} M model-epochs/s"
        left = f"{duration(seconds * (self.n_runs - self.n_done) / (self.n_done - self.n_there))} left"
        return ", ".join([runs, speed, left, *counted(self.counts)])

    def __rich__(self) -> Table:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(Text(self.name, style="bold"), ProgressBar(self.n_runs, self.n_done, width=30))
        shown = Table.grid()
        shown.add_row(bar)
        shown.add_row(Text(self._sentence()))
        return shown


def counted(counts: dict[str, int]) -> list[str]:
    """Statuses that occur, with their number of runs: "converged 90"."""
    return [f"{status.replace('_', ' ')} {count:,}" for status, count in counts.items() if count]


def duration(seconds: float) -> str:
    """A time for people: "4.2 s", "35 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
