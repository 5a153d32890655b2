"""The whole comparison, in one run on one machine.

    python -m bench [--rounds 5] [--workload NAME ...] [--out results/bench]

Each workload is done in every way, in turn, several times; a peer that would take too long does a part of it, and its
times are extrapolated by model-epochs. Then come what skipping the epochs of stationary runs spares, what keeping
chunks on disk costs, the roof, and speed over the size of a network. Everything goes to bench.csv, roof.csv, sizes.csv,
machine.json and two figures; a run of all workloads writes README.md's table as well.
"""

import argparse
import json
from pathlib import Path

from bench import figure, instructions, roof, sizes, tables
from bench.extras import chunk_rows, stationary_rows
from bench.peers import installed
from bench.problem import Problem, experiment_of
from bench.timing import Row, in_turn, rows
from bench.ways import ALL, Workload, first_process, kernel_ways, peer_way, process_ways, trained


def main() -> None:
    """Measure, print and write everything."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workload", nargs="+", choices=[workload.name for workload in ALL], metavar="NAME")
    parser.add_argument("--out", type=Path, default=tables.RESULTS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    chosen = [workload for workload in ALL if not options.workload or workload.name in options.workload]
    found: list[Row] = []
    for workload in chosen:
        found += _show(compare(workload, options.rounds))
    whole = len(chosen) == len(ALL)
    if whole:
        extras = stationary_rows(options.rounds) + chunk_rows(options.rounds)
        for name in dict.fromkeys(row.workload for row in extras):
            print(f"\n{name}")
            found += _show([row for row in extras if row.workload == name])
    tables.write_rows(options.out / "bench.csv", found)
    if not whole:
        return

    allowed, reached = roof.measure(options.rounds)
    if why := instructions.missing():
        print(f"instructions of a model-epoch: skipped, {why}")
    else:
        counted = instructions.per_model_epoch()
        reached = [row._replace(instructions=counted[row.workload]) for row in reached]
    print(*tables.text_of_roof(allowed, reached), sep="\n")
    tables.write_rows(options.out / "roof.csv", reached)
    text = json.dumps(tables.machine(options.rounds, allowed), indent=2) + "\n"
    (options.out / "machine.json").write_text(text)
    figure.draw(found, options.out / "bench")
    by_size = sizes.measure(min(options.rounds, 3))
    tables.write_rows(options.out / "sizes.csv", by_size)
    sizes.draw(by_size, options.out / "sizes")
    if options.out == tables.RESULTS:
        readme = tables.ROOT / "README.md"
        readme.write_text(tables.with_block(readme.read_text(), tables.committed_block()))


def compare(workload: Workload, rounds: int) -> list[Row]:
    """One workload in every way."""
    experiment = experiment_of(workload.name)
    outcome = trained(experiment, -1)
    peers, missing = installed()
    print(f"\n{workload.title}: {outcome.n_runs:,} runs, {outcome.n_epochs:,} model-epochs, {rounds} rounds in turn")
    if missing:
        print(f"skipped, as not installed: {', '.join(missing)}")
    ways = kernel_ways(experiment)
    ways += [peer_way(peer, workload, outcome) for peer in peers if peer.can(Problem.of(experiment))]
    if workload is ALL[0] or workload is ALL[-1]:
        ways += process_ways(workload)
    found = rows(workload.title, outcome.n_epochs, ways, in_turn(ways, rounds))
    if workload is ALL[0]:
        once = [kernel_ways(experiment)[-1], first_process(workload)]
        found += rows(workload.title, outcome.n_epochs, once, in_turn(once, 1))[1:]
    return found


def _show(found: list[Row]) -> list[Row]:
    print(*tables.text_of(found), sep="\n", flush=True)
    return found


if __name__ == "__main__":
    main()
