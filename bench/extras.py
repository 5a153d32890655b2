"""Costs and savings of two of this project's own choices: stationary runs ended early, and chunks kept on disk."""

import tempfile
import tomllib
from pathlib import Path
from typing import Any

from bench.timing import Row, Way, in_turn, rows
from bench.ways import N_CORES, trained
from sweep.engine.workers import Workers
from sweep.spec.experiment import Experiment, load
from sweep.store.files import Tree
from sweep.store.work import Work

EXPERIMENTS = Path(__file__).parents[1] / "experiments"

_LENGTHS = {10_000: 100, 1_000_000: 2}
"""Epochs at most, and for each so many seeds."""


def stationary_rows(rounds: int) -> list[Row]:
    """gates.toml with and without `detect_stationary`, at its own length and at a hundred times that."""
    found = []
    for max_epochs, seeds in _LENGTHS.items():
        ways = []
        for detect in (True, False):
            experiment = _gates(seeds, {"max_epochs": max_epochs, "detect_stationary": detect})
            name = f"detect_stationary = {str(detect).lower()}"
            work = lambda experiment=experiment: trained(experiment, N_CORES)  # noqa: E731
            ways.append(Way(name, N_CORES, work, "detect_stationary = true"))
        n_epochs = trained(_gates(seeds, {"max_epochs": max_epochs}), N_CORES).n_epochs
        workload = f"gates.toml, {max_epochs:,} epochs, {seeds} seeds"
        found += rows(workload, n_epochs, ways, in_turn(ways, rounds))
    return found


def chunk_rows(rounds: int) -> list[Row]:
    """gates.toml trained with what is finished kept on disk, and without."""
    experiment = _gates(100, {})
    work = {"chunks dropped": lambda: trained(experiment, N_CORES), "chunks kept": lambda: _kept(experiment)}
    ways = [Way(name, N_CORES, once, "chunks dropped") for name, once in work.items()]
    n_epochs = trained(experiment, N_CORES).n_epochs
    return rows("gates.toml, chunks on disk", n_epochs, ways, in_turn(ways, rounds))


def _gates(seeds: int, train: dict[str, Any]) -> Experiment:
    document = tomllib.loads((EXPERIMENTS / "gates.toml").read_text())
    document["grid"]["seeds"] = seeds
    document["train"] |= train
    return load(document)


def _kept(experiment: Experiment) -> None:
    with tempfile.TemporaryDirectory(dir=".") as directory:
        work = Work(experiment, Tree(directory), lambda _: None)
        work.train(work.remaining(), Workers())
