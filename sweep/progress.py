"""Display of a sweep at work: live on a terminal, plain lines elsewhere."""

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweep.engine.estimate import work
from sweep.spec.experiment import Experiment
from sweep.spec.inits import parse
from sweep.spec.schema import STATUS
from sweep.words import counted, duration

if TYPE_CHECKING:
    from sweep.engine.outcome import Outcome
    from sweep.engine.tally import Tally
    from sweep.session import Started

SECONDS_BETWEEN_LINES = 5.0

_SAMPLE = 1_000
"""Runs whose work stands for that of all."""
_GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it are spread evenly between whole numbers."""


class Progress(AbstractContextManager["Progress"]):
    """Count finished runs and display them; as a context manager it ends the display, however the work ends."""

    experiment: Experiment

    def __init__(self, console: Console):
        self.console = console
        self.n_done = self.n_found = self.n_epochs = 0
        self.work = self.work_found = self.work_done = 0.0
        self.counts: Counter[str] = Counter()
        self.began = self.last_line = perf_counter()
        self.live = Live(self, console=console, refresh_per_second=8, transient=True)

    def __exit__(self, *error: object) -> None:
        self.live.stop()

    def start(self, started: "Started") -> None:
        """Announce an experiment and begin the display, before anything slow happens."""
        self.experiment = experiment = started.experiment
        self.n_done = self.n_found = started.n_runs_done
        self.work = _work(experiment, range(experiment.n_runs))
        self.work_done = self.work_found = _work(experiment, range(self.n_done))  # which are trained first
        settings = f"{experiment.n_points:,} settings" if experiment.n_points > 1 else "one setting"
        self._say(f"{counted(experiment.n_runs, 'run')}, {settings}{_one_seed(experiment)} → {started.directory}")
        if started.n_chunks_done:
            self._say(f"{started.n_chunks_done:,} of {started.n_chunks:,} chunks done")
        self.began = self.last_line = perf_counter()
        if self.console.is_terminal:
            self.live.start()

    def add(self, outcome: "Outcome | Tally", n_trained: int) -> None:
        """Count the runs of a chunk, of which so many were trained and the others found."""
        self.n_done += outcome.n_runs
        self.n_found += outcome.n_runs - n_trained
        cost = _work(self.experiment, outcome.runs)
        self.work_done += cost
        self.work_found += cost * (1 - n_trained / outcome.n_runs)
        self.n_epochs += outcome.n_epochs * n_trained // outcome.n_runs
        self.counts.update(outcome.status_counts)
        now = perf_counter()
        is_due = now - self.last_line >= SECONDS_BETWEEN_LINES and self.n_done < self.experiment.n_runs
        if is_due and not self.console.is_terminal:
            self.last_line = now
            self._say(self._sentence())

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Print the statuses of the runs, and how long training took."""
        sentence = ", ".join(by_status(manifest["statuses"]))
        if manifest["n_trained"]:
            speed = self.n_epochs / max(manifest["seconds"], 1e-9) / 1e6
            cores = "1 core" if manifest["jobs"] == 1 else f"{manifest['jobs']} cores"
            sentence += f"; {duration(manifest['seconds'])}, {speed:,.1f} M model-epochs/s on {cores}"
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        self.console.print(f"{self.experiment.name}: {sentence}", soft_wrap=True, highlight=False, markup=False)

    def _sentence(self) -> str:
        n_runs = self.experiment.n_runs
        runs = f"{self.n_done:,} of {n_runs:,} runs"
        if self.n_done == self.n_found < n_runs:
            return f"{runs}, compiling"
        if self.n_done == n_runs:
            return ", ".join([f"{n_runs:,} runs", *by_status(self.counts), "writing tables"])
        seconds = perf_counter() - self.began
        speed = f"{self.n_epochs / seconds / 1e6:,.1f} M model-epochs/s"
        left = seconds * max(self.work - self.work_done, 0.0) / (self.work_done - self.work_found)
        return ", ".join([runs, speed, f"{duration(left)} left", *by_status(self.counts)])

    def __rich__(self) -> Table:
        bar = Table.grid(padding=(0, 1))
        name = Text(self.experiment.name, style="bold")
        bar.add_row(name, ProgressBar(self.work, min(self.work_done, self.work), width=30))
        shown = Table.grid()
        shown.add_row(bar)
        shown.add_row(Text(self._sentence()))
        return shown


def by_status(counts: Mapping[str, int]) -> list[str]:
    """Return the statuses that occur with their number of runs, such as "converged 90"."""
    return [f"{STATUS[status].term} {count:,}" for status, count in counts.items() if count]


def _work(experiment: Experiment, runs: NDArray[np.int64] | range) -> float:
    """Return the work of runs, projected from some of them at uneven steps, lest these fall on one value of an axis."""
    n = len(runs)
    steps = np.arange(min(n, _SAMPLE))
    places = np.minimum((steps + steps * _GOLDEN % 1) * max(1.0, n / _SAMPLE), n - 1).astype(np.int64)
    sample = places + runs.start if isinstance(runs, range) else runs[places]
    return float(work(experiment, sample).mean() * n) if n else 0.0


def _one_seed(experiment: Experiment) -> str:
    """Say that each start is drawn once, which is the default where `seeds` is left out."""
    drawn = any(parse(start).random for grid in experiment.grids for start in grid.values["init"])
    return ", one seed" if drawn and all(len(grid.seeds) == 1 for grid in experiment.grids) else ""
