"""Ways to do the same work, timed in turn, and what their times say."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_PAUSE_SECONDS = 0.05
"""Between two timings, for threads of the one before to fall asleep."""


@dataclass(frozen=True)
class Way:
    """One way to do a workload.

    Attributes
    ----------
    name
    cores
        How many it may use.
    work
        Does it once.
    beside
        The way of ours that it is compared with.
    share_run
        The part of the workload's model-epochs that it does; its times are extrapolated to all of them.
    share_same
        Of the runs that it trains, how many take as many epochs as ours; None where that is no question.
    note
        How it was set up.
    """

    name: str
    cores: int
    work: Callable[[], object]
    beside: str
    share_run: float = 1.0
    share_same: float | None = None
    note: str = ""


class Spread(NamedTuple):
    """Times of several rounds."""

    median: float
    least: float
    most: float


class Row(NamedTuple):
    """One way of one workload, as bench.csv has it; seconds are extrapolated to the whole workload."""

    workload: str
    way: str
    cores: int
    seconds_median: float
    seconds_min: float
    seconds_max: float
    model_epochs_per_second: float
    beside: str
    ratio_median: float
    ratio_min: float
    ratio_max: float
    share_same_epochs: float | None
    share_run: float
    rounds: int
    note: str


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds that the work takes, once."""
    time.sleep(_PAUSE_SECONDS)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(ways: Sequence[Way], rounds: int) -> list[list[float]]:
    """Seconds of each way in each round, extrapolated to the whole workload."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, seconds in zip(ways, times, strict=True):
            seconds.append(seconds_of(way.work) / way.share_run)
    return times


def spread(values: Sequence[float]) -> Spread:
    """Median, least and most."""
    return Spread(statistics.median(values), min(values), max(values))


def rows(workload: str, n_epochs: int, ways: Sequence[Way], times: Sequence[Sequence[float]]) -> list[Row]:
    """Measured times, way by way; a ratio is of two times of one round.

    Parameters
    ----------
    workload
    n_epochs
        Model-epochs of the whole workload.
    ways, times
        As for, and from, `in_turn`.
    """
    by_name = {way.name: seconds for way, seconds in zip(ways, times, strict=True)}
    found = []
    for way, seconds in zip(ways, times, strict=True):
        ratios = [time / other for time, other in zip(seconds, by_name[way.beside], strict=True)]
        taken = spread(seconds)
        found.append(
            Row(
                workload,
                way.name,
                way.cores,
                *taken,
                n_epochs / taken.median,
                way.beside,
                *spread(ratios),
                way.share_same,
                way.share_run,
                len(seconds),
                way.note,
            )
        )
    return found
