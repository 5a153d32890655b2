"""What a run costs as sweeps grow: time, memory and disk, by how its outcome is kept; `docs/scale.md` is made of it.

    python -m bench.scale

Each experiment is run by the command, in a process of its own, at two sizes; a cost a run is the difference between
both over that of their runs, so that starting Python is none of it. Time is that of the process on all cores, which
other processes of the machine do not lengthen much. Figures are left out.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import tables
from sweep.engine import estimate
from sweep.engine.chunks import chunks_of
from sweep.results.making import table_names
from sweep.spec.experiment import load
from sweep.words import duration

TABLE = tables.RESULTS / "scale.csv"
PAGE = tables.ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
SIZES = (10**9, 10**12)
CORES = {"one machine of 2 cores": 2, "a hundred of 64": 6400}
EXPERIMENTS: dict[str, tuple[str, tuple[int, int]]] = {
    "one epoch of logistic regression": ("bench/workloads/million.toml", (100_000, 3_100_000)),
    "16 gates, logistic regression": ("experiments/gates.toml", (20, 220)),
    "XOR, 1 to 8 hidden units": ("experiments/xor.toml", (2, 102)),
}
"""Name → file, and the two numbers of seeds."""
KEPT = {"CSV": "runs=csv", "Parquet": "runs=parquet", "counts": "keep=summary"}


class Cost(NamedTuple):
    """Cost of a run of an experiment, and memory of the larger sweep.

    Attributes
    ----------
    experiment, kept
    n_settings, n_runs
        Of the larger sweep.
    core_microseconds
        Of a core, for each run.
    chunk_bytes, table_bytes
        Bytes in `chunks/` and of tables, for each run.
    megabytes
        The most memory that the process had, and all bytes of the result on disk, of the larger sweep.
    disk_megabytes
    """

    experiment: str
    kept: str
    n_settings: int
    n_runs: int
    core_microseconds: float
    chunk_bytes: float
    table_bytes: float
    megabytes: float
    disk_megabytes: float


def measure() -> list[Cost]:
    """Run each experiment, kept in each way, at two sizes."""
    costs = []
    for name, (file, sizes) in EXPERIMENTS.items():
        for kept, change in KEPT.items():
            if change == KEPT["CSV"]:
                _swept(file, [change, "seeds=1"])  # so that no kernel is compiled while time is taken
            small, large = (_swept(file, [change, f"seeds={n}"]) for n in sizes)
            experiments = [load(tables.ROOT / file, [f"seeds={n}"]) for n in sizes]
            n = experiments[1].n_runs - experiments[0].n_runs
            seconds, chunks, table = ((large[i] - small[i]) / n for i in range(3))
            total = large[1] + large[2]
            runs, points = experiments[1].n_runs, experiments[1].n_points
            costs.append(Cost(name, kept, points, runs, 1e6 * seconds, chunks, table, large[3] / 1e6, total / 1e6))
            print(costs[-1], flush=True)
    return costs


def _swept(file: str, changes: Sequence[str]) -> tuple[float, int, int, int]:
    """Run a sweep: seconds of cores, bytes in chunks, bytes of tables, bytes of memory at most."""
    with tempfile.TemporaryDirectory() as folder:
        options = [word for change in changes for word in ("--set", change)]
        command = [sys.executable, "-m", "sweep", "run", file, "--out", folder, "--no-figures", *options]
        process = subprocess.Popen(command, cwd=tables.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
        chunks = _size(Path(folder).rglob("chunks/**/*.arrow"))
        return usage.ru_utime + usage.ru_stime, chunks, _size(Path(folder).glob("*.[cp]*")), usage.ru_maxrss * 1024


def _size(files: Any) -> int:
    return sum(path.stat().st_size for path in files)


def block(costs: Sequence[Cost]) -> str:
    """Return what the page says of measured costs."""
    lines = [
        "| experiment | kept as | µs of a core a run | bytes a run, chunks + tables | memory, MB | disk, MB |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for cost in costs:
        bytes_each = f"{cost.chunk_bytes:.3g} + {cost.table_bytes:.3g}"
        disk = f"{cost.disk_megabytes:.3g} for {cost.n_runs:,} runs"
        parts = cost.experiment, cost.kept, f"{cost.core_microseconds:.3g}", bytes_each, f"{cost.megabytes:.0f}", disk
        lines.append(f"| {' | '.join(parts)} |")
    names = "runs", "experiment", *CORES, "disk: CSV", "Parquet", "counts"
    lines += ["", f"| {' | '.join(names)} |", "|--:|---|--:|--:|--:|--:|--:|"]
    for n in SIZES:
        for name in EXPERIMENTS:
            by = {cost.kept: cost for cost in costs if cost.experiment == name}
            times = [_time(by["counts"].core_microseconds * 1e-6 * n / cores) for cores in CORES.values()]
            disks = [_bytes(n * (by[kept].chunk_bytes + by[kept].table_bytes)) for kept in ("CSV", "Parquet")]
            counts = _bytes(counts_on_disk(EXPERIMENTS[name][0], n))
            lines.append(f"| 10{'⁹' if n == 10**9 else '¹²'} | {name} | {' | '.join([*times, *disks, counts])} |")
    return "\n".join([*lines, ""])


def counts_on_disk(file: str, n: int) -> float:
    """Return the bytes of counts of n runs: of sweeps of 10⁹ runs, as `sweep plan` estimates each."""
    points = load(tables.ROOT / file, ["keep=summary"]).n_points
    experiment = load(tables.ROOT / file, ["keep=summary", f"seeds={10**9 // points}"])
    disk = estimate.disk(experiment, table_names(experiment), len(chunks_of(experiment)), 0)
    return n / 10**9 * (disk["chunks"] + disk["counts.csv"] + disk["summary.csv"])


def _time(seconds: float) -> str:
    for unit, factor in (("years", 365.25 * 86400), ("days", 86400)):
        if seconds >= 2 * factor:
            return f"{_two_digits(seconds / factor)} {unit}"
    return duration(seconds) if seconds >= 10 else "less than 10 s"


def _two_digits(number: float) -> str:
    return f"{float(f'{number:.2g}'):,g}"


def _bytes(size: float) -> str:
    for unit, factor in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if size >= factor:
            return f"{_two_digits(size / factor)} {unit}"
    return f"{_two_digits(size / 1e6)} MB"


def with_block(page: str, text: str) -> str:
    """Return the page with another block between its marks."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + text + END + rest.partition(END)[2]


def main() -> None:
    """Measure, and write the table and the page."""
    costs = measure()
    tables.write_rows(TABLE, costs)
    PAGE.write_text(with_block(PAGE.read_text(), block(tables.read_rows(TABLE, Cost))))


if __name__ == "__main__":
    main()
