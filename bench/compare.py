"""Side by side, in one process: this project's kernel and a plain scalar Numba kernel on the same experiments.

    python bench/compare.py [--rounds 5]

The experiments are gates.toml, and XOR on networks with two hidden units. Both train every run to its end, in turn,
several times; the table shows ratios of wall times, and how far the two agree: rounding differs, and with it, where
training is chaotic, the epoch at which a run converges.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
import scalar
from numpy.typing import NDArray

from sweep.engine import runner
from sweep.engine.chunks import chunks_of
from sweep.engine.outcome import Outcome
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
        hidden = grid.values["hidden"][0]
        starts = np.stack([draw_starts(inits.parse(init), seeds, 2, hidden) for init in grid.values["init"]])
        self.starts = starts[grid.indices("init", runs), grid.seed_of(runs) - grid.seeds.start]
        self.rates = np.array(grid.values["learning_rate"])[grid.indices("learning_rate", runs)]
        self.work = scalar.train_network if hidden else scalar.train
        self.train = experiment.train
        self.weights = np.empty_like(self.starts)
        self.epochs = np.empty(runs.size, np.int64)
        self.final_loss = np.empty(runs.size)

    def __call__(self) -> None:
        """Train every run."""
        with numba.parallel_chunksize(256):
            self.work(
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


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


XOR = {
    "name": "XOR on 2-2-1",
    "grid": {
        "gate": "XOR",
        "hidden": 2,
        "learning_rate": {"from": 0.1, "to": 10, "num": 5, "scale": "log"},
        "init": "normal(0, 1)",
        "seeds": 2000,
    },
    "train": {"max_epochs": 10_000, "target_loss": 0.01},
}


def main() -> None:
    """Time both on both experiments, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    for experiment in (load(root / "experiments" / "gates.toml"), load(XOR)):
        _compare(experiment, options.rounds)


def _trained(experiment: Experiment, jobs: int = -1) -> Outcome:
    """What becomes of every run."""
    tasks = [(chunk, None) for chunk in chunks_of(experiment)]
    parts = [outcome for _, outcome in runner.train(experiment, tasks, jobs)]
    return Outcome.joined(sorted(parts, key=lambda part: int(part.runs[0])))


def _compare(experiment: Experiment, rounds: int) -> None:
    cores = len(os.sched_getaffinity(0))
    peer = Scalar(experiment)
    outcome = _trained(experiment)
    ways: dict[str, Callable[[], object]] = {
        f"scalar Numba, prange, {cores} cores": peer,
        "sweep, 1 core": lambda: _trained(experiment, jobs=1),
        f"sweep, {cores} cores": lambda: _trained(experiment, jobs=cores),
    }
    peer()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            times[name].append(_seconds(work))

    n_epochs = int(outcome.epochs.sum())
    first = next(iter(ways))
    print(f"{experiment.name}: {experiment.n_runs:,} runs, {n_epochs:,} model-epochs, {rounds} rounds in turn")
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
