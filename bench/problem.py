"""Runs laid out as plain arrays, which is how every peer takes them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.spec import inits
from sweep.spec.experiment import Experiment, load
from sweep.spec.training_sets import TrainingSet

WORKLOADS = Path(__file__).with_name("workloads")

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Sample(NamedTuple):
    """Runs of a workload that a slow way trains: every k-th setting, and of each the first so many seeds."""

    every: int
    seeds: int


@dataclass(frozen=True)
class Problem:
    """Runs of an experiment with one grid, whose models are alike: sigmoids, cross-entropy.

    Attributes
    ----------
    experiment
    runs : int64, shape (n,)
        Their numbers, increasing.
    """

    experiment: Experiment
    runs: Integers

    @classmethod
    def of(cls, experiment: Experiment, sample: Sample | None = None) -> "Problem":
        """All runs of an experiment, or a sample of them."""
        (grid,) = experiment.grids
        n_seeds = len(grid.seeds)
        settings = np.arange(0, grid.n_points, sample.every if sample else 1)
        seeds = np.arange(min(sample.seeds, n_seeds) if sample else n_seeds)
        return cls(experiment, (settings[:, np.newaxis] * n_seeds + seeds).ravel())

    @property
    def max_epochs(self) -> int:
        """Updates at most."""
        return self.experiment.train.max_epochs

    @property
    def target_loss(self) -> float:
        """Nats, mean over the rows; a run has converged where its loss is below."""
        assert self.experiment.train.target_loss is not None
        return self.experiment.train.target_loss

    @property
    def hidden(self) -> int:
        """Hidden units; 0 is logistic regression."""
        (hidden,) = self.experiment.grids[0].values["hidden"]
        return int(hidden)

    @property
    def online(self) -> bool:
        """Updates come after every row."""
        return "online" in self._values("update")

    @property
    def adam(self) -> bool:
        """The optimizer is Adam with its published settings; else gradient descent."""
        return "adam" in self._values("optimizer")

    @property
    def is_plain(self) -> bool:
        """Gradient descent on all rows at once."""
        return not (self.online or self.adam)

    @property
    def n_units(self) -> int:
        """Units × rows: sigmoids of a pass."""
        return len(self.inputs) * (self.hidden + 1)

    @cached_property
    def inputs(self) -> Floats:
        """Shape (n_rows, n_inputs)."""
        return self._table(0).inputs

    @cached_property
    def targets(self) -> Floats:
        """A row for each run: shape (n, n_rows)."""
        gates, gate_of = np.unique(self._indices("gate"), return_inverse=True)
        return np.array([self._table(gate).targets for gate in gates.tolist()])[gate_of]

    @cached_property
    def rates(self) -> Floats:
        """Learning rates: shape (n,)."""
        return np.array(self._values("learning_rate"), np.float64)[self._indices("learning_rate")]

    def starts(self) -> Floats:
        """Draw the initial weights, W1 unit by unit, b1, w2, b2, or w and b: shape (n, n_params).

        As anyone would who is to have these very starts: from `numpy.random.default_rng(seed)`, once for each seed
        and each distribution.
        """
        seeds, seed_of = np.unique(self.experiment.grids[0].seed_of(self.runs), return_inverse=True)
        rows = [
            [
                inits.draw(init, np.random.default_rng(seed), self.inputs.shape[1], self.hidden)
                for seed in seeds.tolist()
            ]
            for init in map(inits.parse, self._values("init"))
        ]
        drawn: Floats = np.array(rows)[self._indices("init"), seed_of]
        return drawn

    def _table(self, gate: int) -> TrainingSet:
        return self.experiment.table(self._values("gate")[gate], "01")

    def _values(self, key: str) -> Sequence[Any]:
        return self.experiment.grids[0].values[key]

    def _indices(self, key: str) -> Integers:
        return self.experiment.grids[0].indices(key, self.runs)


def experiment_of(name: str, changes: Mapping[str, Mapping[str, Any]] | None = None) -> Experiment:
    """A workload's experiment, with some of its settings changed: {"train": {"max_epochs": 10}}."""
    document = tomllib.loads((WORKLOADS / f"{name}.toml").read_text())
    for table in document.get("tables", {}).values():
        table["csv"] = str(WORKLOADS / table["csv"])
    for part, settings in (changes or {}).items():
        document[part] |= settings
    return load(document)
