"""Speed over the size of a network, from 2-2-1 to 16-32-1: ours and each peer's that trains such models."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.peers import Adjustable, installed
from bench.problem import Problem, experiment_of
from bench.timing import seconds_of
from bench.ways import N_CORES, ours, trained
from sweep.plots.drawing.looks import OKABE_ITO
from sweep.plots.drawing.marks import figure_of
from sweep.plots.drawing.style import save, styled
from sweep.spec.experiment import Experiment

_SIZES = ((2, 2), (2, 4), (2, 8), (3, 8), (4, 8), (5, 10), (8, 16), (16, 16), (16, 32))
_OURS, _PEERS = 60_000_000, 1_500_000
"""Sigmoids of a timing, about: a good part of a second."""
_LEAST_RUNS = 64
_MARKERS = "osD^v<>"


class Size(NamedTuple):
    """One way at one size, as sizes.csv has it; the best of its rounds on so many cores."""

    network: str
    parameters: int
    way: str
    cores: int
    model_epochs_per_second: float


def _load(n_inputs: int, hidden: int, n_sigmoids: int) -> Experiment:
    """Models that train to the last epoch, on parity or on the 272 real rows, and take about so many sigmoids."""
    n_rows = 272 if n_inputs == 16 else 2**n_inputs
    most = n_sigmoids // (n_rows * (hidden + 1))
    runs = max(_LEAST_RUNS, min(4096, most // 50 // _LEAST_RUNS * _LEAST_RUNS))
    gate = {"gate": "rows"} if n_inputs == 16 else {"gate": "XOR" if n_inputs == 2 else f"parity-{n_inputs}"}
    grid = {"hidden": hidden, "learning_rate": 1e-6, "init": "normal(0, 1)", "seeds": runs, **gate}
    changes: dict[str, dict[str, Any]] = {"grid": grid, "train": {"max_epochs": max(10, most // runs)}}
    return experiment_of("real-rows" if n_inputs == 16 else "parity-5", changes)


def measure(rounds: int) -> list[Size]:
    """Every way at every size."""
    found = []
    for n_inputs, hidden in _SIZES:
        network = f"{n_inputs}-{hidden}-1"
        ways: list[tuple[str, int, Experiment, Any]] = []
        load = _load(n_inputs, hidden, _OURS)
        ways.append((ours(N_CORES), N_CORES, load, lambda load=load: trained(load, N_CORES)))
        load = _load(n_inputs, hidden, _PEERS)
        problem = Problem.of(load)
        starts = problem.starts()
        for kind in installed()[0]:
            if kind.can(problem) and kind.name != "Python loop":
                peer = kind(problem)
                if isinstance(peer, Adjustable):
                    peer.choose(peer.choices[0])
                ways.append((kind.name, peer.cores, load, lambda peer=peer, starts=starts: peer(starts)))
        for name, cores, load, work in ways:
            work()
            seconds = min(seconds_of(work) for _ in range(rounds))
            per_second = load.n_runs * load.train.max_epochs / seconds
            found.append(Size(network, starts.shape[1], name, cores, per_second))
    return found


@styled
def draw(table: Sequence[Size], stem: Path) -> list[Path]:
    """Write `stem`.svg and `stem`.png: model-epochs per second over networks, a line for each way."""
    from matplotlib.figure import Figure

    networks = list(dict.fromkeys(row.network for row in table))
    axes = Figure(figsize=(7.0, 4.2), layout="constrained").add_subplot()
    for colour, marker, way in zip(OKABE_ITO, _MARKERS, dict.fromkeys(row.way for row in table), strict=False):
        rows = [row for row in table if row.way == way]
        cores = rows[0].cores
        label = way if "core" in way else f"{way}, {cores} core{'s' if cores > 1 else ''}"
        places = [networks.index(row.network) for row in rows]
        speeds = np.array([row.model_epochs_per_second for row in rows])
        axes.plot(places, speeds, color=colour, marker=marker, ms=5, lw=1.4, label=label)
    axes.set_yscale("log")
    axes.set_xticks(range(len(networks)), networks)
    axes.set_xlabel("network")
    axes.set_ylabel("model-epochs per second")
    axes.set_title("Speed over the size of a network, every lane busy")
    axes.legend()
    return save(figure_of(axes), stem)
