"""A short fresh run beside the committed one: fails where this project's kernel has become slower.

    python -m bench.check [--rounds 3] [--table results/bench/bench.csv]

Machines differ, so what is compared are ratios of one run: to the scalar Numba kernel on all cores, to the sigmoid's
own loop on one, and for a million runs to NumPy. A ratio that has fallen by more than 30 % is named, and the exit
status is 1. Where Valgrind is installed and the committed table has counts of instructions, these may rise by a tenth.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from bench import instructions, roof, tables
from bench.peers import installed
from bench.problem import experiment_of
from bench.roof import Reached
from bench.timing import Row, in_turn, rows
from bench.ways import ALL, Workload, kernel_ways, peer_way, trained

MOST_LOST = 0.3
"""The part of a ratio that may be lost to noise and to another machine."""
MOST_INSTRUCTIONS = 1.1
"""Times the committed count."""

Figures = Mapping[str, float]


def figures(table: list[Row], reached: list[Reached]) -> dict[str, float]:
    """Larger is better: how often ours is done while a peer is done once, and shares of the roof."""
    found = {
        f"{row.workload}: {row.way} ÷ {row.beside}": row.ratio_median
        for workload in ALL
        for row in table
        if row.workload == workload.title and row.way == yardstick(workload)
    }
    return found | {f"{row.workload}: share of a bare sigmoid loop's speed": row.share_of_sigmoids for row in reached}


def yardstick(workload: Workload) -> str:
    """The peer that a workload is held against: one that is always installed."""
    return "NumPy, batched" if workload.draws_starts else "Numba, scalar, prange"


def fallen(committed: Figures, fresh: Figures, most_lost: float = MOST_LOST) -> list[str]:
    """Name each figure of both that has fallen by more than this part of it."""
    lines = []
    for name, before in committed.items():
        now = fresh.get(name)
        if now is not None and now < (1 - most_lost) * before:
            lines.append(f"{name}: {now:.3g}, committed {before:.3g}: fallen by {1 - now / before:.0%}")
    return lines


def risen(committed: list[Reached], counted: Figures, most: float = MOST_INSTRUCTIONS) -> list[str]:
    """Name each workload that takes more instructions than it did, by more than this factor."""
    lines = []
    for row in committed:
        now = counted.get(row.workload)
        if now is not None and row.instructions is not None and now > most * row.instructions:
            lines.append(f"{row.workload}: {now:.1f} instructions of a model-epoch, committed {row.instructions:.1f}")
    return lines


def measured(rounds: int) -> dict[str, float]:
    """The figures of today."""
    kinds = {kind.name: kind for kind in installed()[0]}
    table: list[Row] = []
    for workload in ALL:
        experiment = experiment_of(workload.name)
        outcome = trained(experiment, -1)
        ways = [*kernel_ways(experiment), peer_way(kinds[yardstick(workload)], workload, outcome)]
        table += rows(workload.title, outcome.n_epochs, ways, in_turn(ways, rounds))
    return figures(table, roof.measure(rounds)[1])


def main() -> None:
    """Measure, compare and say."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--table", type=Path, default=tables.RESULTS / "bench.csv")
    options = parser.parse_args()
    reached = tables.read_rows(options.table.with_name("roof.csv"), Reached)
    committed = figures(tables.read_rows(options.table, Row), reached)
    fresh = measured(options.rounds)
    for name, value in fresh.items():
        print(f"{name}: {value:.3g}, committed {committed.get(name, float('nan')):.3g}")
    lost = fallen(committed, fresh)
    if why := instructions.missing():
        print(f"instructions of a model-epoch: skipped, {why}")
    elif any(row.instructions is not None for row in reached):
        counted = instructions.per_model_epoch()
        print(*(f"{name}: {count:.1f} instructions of a model-epoch" for name, count in counted.items()), sep="\n")
        lost += risen(reached, counted)
    if lost:
        sys.exit("slower than committed:\n" + "\n".join(lost))
    print("as fast as committed")


if __name__ == "__main__":
    main()
