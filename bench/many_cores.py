"""What more cores would give, by simulation with recorded times: where a sweep's speed ends, and what ends it.

    python -m bench.many_cores

Each chunk of a sweep is trained and kept once, and its times are recorded: of a core while it is trained, on the clock
while it is written. Then workers take the chunks in their order, writers keep them, and the tables are made at the
end, as `sweep run` does it. Not simulated is that workers in threads wait for Python's lock;
`--backend loky`, processes, has none to wait for.
"""

import heapq
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench import tables
from sweep.engine.chunks import chunks_of
from sweep.engine.estimate import chunks_in_work, n_writers
from sweep.engine.training import train_chunk
from sweep.results.making import done, make_tables
from sweep.spec.experiment import load
from sweep.store.files import Tree
from sweep.store.table_files import writing_tables
from sweep.store.work import Work

WORKERS = (1, 16, 64, 256)
SWEEPS = {
    "gates": ("experiments/gates.toml", []),
    "XOR, 100 seeds": ("experiments/xor.toml", ["seeds=100"]),
    "a million runs of one epoch": ("bench/workloads/million.toml", []),
    "… of which counts are kept": ("bench/workloads/million.toml", ["keep=summary"]),
}


class Recorded(NamedTuple):
    """Seconds of a sweep: of each chunk while it is trained and while it is kept, and of its tables."""

    trained: Sequence[float]
    kept: Sequence[float]
    tables: float


class Simulated(NamedTuple):
    """Seconds of a sweep with so many workers, and what it would take at least, by its cause."""

    seconds: float
    limits: dict[str, float]

    @property
    def limit(self) -> str:
        """Return what takes longest of all that must be done in turn."""
        return max(self.limits, key=self.limits.__getitem__)


def simulated(recorded: Recorded, workers: int) -> Simulated:
    """Train recorded chunks with so many workers; they are kept in their order, as many at a time as in a sweep."""
    free, writers = [0.0] * workers, [0.0] * n_writers(workers)
    room = chunks_in_work(workers)
    written: list[float] = []
    for number, (training, keeping) in enumerate(zip(recorded.trained, recorded.kept, strict=True)):
        start = max(heapq.heappop(free), written[number - room] if number >= room else 0.0)
        heapq.heappush(free, start + training)
        written.append(max(heapq.heappop(writers), start + training) + keeping)
        heapq.heappush(writers, written[-1])
    limits = {
        "training": math.fsum(recorded.trained) / workers,
        "the longest chunk": max(recorded.trained),
        "writing chunks": math.fsum(recorded.kept) / n_writers(workers),
        "tables": recorded.tables,
    }
    return Simulated(max(written) + recorded.tables, limits)


def record(file: str, changes: Sequence[str]) -> Recorded:
    """Train and keep each chunk of an experiment."""
    experiment = load(tables.ROOT / file, changes)
    with tempfile.TemporaryDirectory() as folder:
        work = Work(experiment, Tree(Path(folder)), print)
        chunks = chunks_of(experiment)
        for chunk in chunks:  # so that no kernel is compiled while time is taken
            train_chunk(replace(experiment, train=experiment.train.model_copy(update={"max_epochs": 1})), chunk)
        trained, kept = [], []
        for chunk in chunks:
            began = time.thread_time()
            outcome = train_chunk(experiment, chunk)
            trained.append(time.thread_time() - began)
            began = time.perf_counter()
            work.keep(chunk, outcome)
            kept.append(time.perf_counter() - began)
        began = time.perf_counter()
        with writing_tables(work.tree, {}) as writer:
            make_tables(experiment, done(experiment, work.tree), writer.write)
        return Recorded(trained, kept, time.perf_counter() - began)


def block(found: dict[str, Recorded]) -> str:
    """Return what the page says of more cores."""
    lines = [
        f"| sweep | chunks | {' | '.join(f'{n} cores' if n > 1 else '1 core' for n in WORKERS)} | ends with |",
        f"|---|--:|{'--:|' * len(WORKERS)}---|",
    ]
    for name, recorded in found.items():
        each = [simulated(recorded, workers) for workers in WORKERS]
        times = [f"{one.seconds:.3g} s" for one in each]
        lines.append(f"| {name} | {len(recorded.trained):,} | {' | '.join(times)} | {each[-1].limit} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Record, simulate and print."""
    print(block({name: record(*sweep) for name, sweep in SWEEPS.items()}))


if __name__ == "__main__":
    main()
