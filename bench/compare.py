"""Side by side, in one process: this project's kernel and a plain scalar Numba kernel on the same experiment.

    python bench/compare.py [--rounds 5] [--experiment experiments/gates.toml]

Both train every run of the experiment to its end, in turn, several times; the table shows ratios of wall times, and how
far the two agree: rounding differs, so the epoch at which a run converges may, where training is chaotic.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

import numba
import numpy as np
import scalar
from numpy.typing import NDArray

from sweep.engine import runner
from sweep.engine.starts import draw_starts
from sweep.spec import inits
from sweep.spec.experiment import Experiment, load


class Scalar:
    """The peer, with everything it needs laid out before the clock starts."""

    def __init__(self, experiment: Experiment):
        (grid,) = experiment.grids
        runs = np.arange(grid.n_runs)
        tables = [experiment.table(gate, "01") for gate in grid.values["gate"]]
        self.inputs = tables[0].inputs
        self.targets = np.array([table.targets for table in tables])[grid.indices("gate", runs)]
        seeds = np.arange(grid.seeds.start, grid.seeds.stop)
        starts = np.stack([draw_starts(inits.parse(init), seeds, 2) for init in grid.values["init"]])
        self.starts = starts[grid.indices("init", runs), grid.seed_of(runs) - grid.seeds.start]
        self.rates = np.array(grid.values["learning_rate"])[grid.indices("learning_rate", runs)]
        self.train = experiment.train
        self.weights = np.empty_like(self.starts)
        self.epochs = np.empty(runs.size, np.int64)
        self.final_loss = np.empty(runs.size)

    def __call__(self) -> None:
        with numba.parallel_chunksize(256):
            scalar.train(
                self.inputs,
                self.targets,
                self.starts,
                self.rates,
                self.train.max_epochs,
                self.train.target_loss,
                self.weights,
                self.epochs,
                self.final_loss,
            )


def _seconds(work: object) -> float:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


def main() -> None:
    """Time both, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--experiment", type=Path, default=Path("experiments/gates.toml"))
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    experiment = load(options.experiment)
    peer = Scalar(experiment)
    outcome = runner.run(experiment)
    ways = {
        f"scalar Numba, prange, {cores} cores": peer,
        "sweep, 1 core": lambda: runner.run(experiment, jobs=1),
        f"sweep, {cores} cores": lambda: runner.run(experiment, jobs=cores),
    }
    peer()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, work in ways.items():
            times[name].append(_seconds(work))

    n_epochs = int(outcome.epochs.sum())
    first = next(iter(ways))
    print(f"{experiment.name}: {experiment.n_runs:,} runs, {n_epochs:,} model-epochs, {options.rounds} rounds in turn")
    print(f"{'':38}{'seconds':>9}{'M epochs/s':>12}{'ratio':>8}{'min':>8}{'max':>8}")
    for name, seconds in times.items():
        ratios: list[float] = sorted(a / b for a, b in zip(times[first], seconds, strict=True))
        median = statistics.median(seconds)
        speed, ratio = n_epochs / median / 1e6, statistics.median(ratios)
        print(f"{name:38}{median:9.2f}{speed:12.1f}{ratio:8.1f}{ratios[0]:8.1f}{ratios[-1]:8.1f}")
    _agreement(outcome.epochs, outcome.final_loss, peer)


def _agreement(epochs: NDArray[np.int64], final_loss: NDArray[np.float64], peer: Scalar) -> None:
    same = float(np.mean(epochs == peer.epochs))
    near = float(np.mean(np.isclose(final_loss, peer.final_loss, rtol=1e-6, atol=1e-300)))
    print(f"same number of epochs in {same:.3%} of the runs, final loss within 1e-6 in {near:.3%}")


if __name__ == "__main__":
    main()
