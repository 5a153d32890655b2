"""Small results of the experiments of the replication page, and what its tests do with them."""

import itertools
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from example_results import in_memory

import sweep
from experiments.replication.sections.parity import best_settings

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
SMALLER: dict[str, dict[str, Any]] = {
    "xor": {"hidden": [1, 2], "activation": "sigmoid", "init": "xavier_uniform", "learning_rate": [3, 10], "seeds": 6},
    "kolen_pollack": {"init_scale": [0.5, 2, 4]},
    "kolen_pollack_slices": {key: {"from": -10, "to": 10, "num": 40} for key in "xy"},
    "trainability_boundary": {
        key: {"from": 0.01, "to": 100, "num": 64, "scale": "log"} for key in ("hidden_learning_rate", "learning_rate")
    },
    "parity": {"momentum": 0.9, "learning_rate": [1, 2], "init_scale": 2, "seeds": 7},
    "parity_fresh": {},
    "published": {"momentum": 0.9, "init_scale": 1, "seeds": 5},
    "one_hidden_unit": {"momentum": [0, 0.9], "init_scale": [0.3, 10], "seeds": 20},
    "large_steps": {"learning_rate": {"from": 1, "to": 1e3, "num": 13, "scale": "log"}},
    "five_inputs": {"gate": "classes-3"},
    "first_guess": {},
    "cycles": {},
    "quickprop": {"learning_rate": [8], "growth": 1.75, "init_scale": [0.5, 2], "seeds": 30},
    "fast_learners": {"learning_rate": [0.5, 2], "init_scale": 1, "seeds": 12},
    "fractal": {key: {"num": 12, "scale": "log"} for key in ("learning_rate", "hidden_learning_rate")},
}
EPOCHS = {"kolen_pollack": 2000, "parity": 300, "parity_fresh": 300, "published": 3000}
EPOCHS |= {"one_hidden_unit": 20_000, "large_steps": 2000, "cycles": 2000, "quickprop": 120, "fast_learners": 1000}


def small(name: str) -> dict[str, Any]:
    """A committed experiment with the settings of SMALLER: few models and runs of the same kinds."""
    experiment = tomllib.loads((EXPERIMENTS / f"{name}.toml").read_text())
    grids = experiment["grid"] if isinstance(experiment["grid"], list) else [experiment["grid"]]
    if name == "parity":
        grids = grids[:2]
    if name == "kolen_pollack":
        grids = [
            {**grid, "seeds": {"from": grid["seeds"]["from"], "count": 8}} for grid in grids if grid["momentum"] == 0.9
        ]
    if name == "first_guess":
        grids = [{**grids[0], "gate": ["parity-2", "parity-3"], "seeds": 2000}]
    if name == "cycles":
        grids = [
            {**grids[0], "gate": ["0110", "01101001"], "seeds": 5},
            {**grids[-1], "w": {**grids[-1]["w"], "num": 41}},
        ]
    if name == "fractal":
        for grid, key in itertools.product(grids, SMALLER[name]):
            grid[key]["num"] = 12
        for table in experiment["tables"].values():
            table["csv"] = str(EXPERIMENTS / table["csv"])
        return {**experiment, "grid": grids}
    for grid in grids:
        grid.update(SMALLER[name])
        if name == "published" and grid["hidden"] != 1:
            grid["hidden"] = [2, 4]
    experiment["train"]["max_epochs"] = EPOCHS.get(name, experiment["train"]["max_epochs"])
    return {**experiment, "grid": grids}


def fresh_parity(scan: sweep.Result) -> dict[str, Any]:
    """The best settings of a small scan, on seeds of their own."""
    experiment = small("parity_fresh")
    grids = []
    for grid, (rate, momentum, scale) in zip(experiment["grid"], best_settings(scan.summary).values(), strict=False):
        settings = {"learning_rate": rate, "momentum": momentum, "init_scale": scale}
        grids.append({**grid, **settings, "seeds": {"from": grid["seeds"]["from"], "count": 9}})
    return {**experiment, "grid": grids}


def trained_in(directory: Path) -> dict[str, sweep.Result]:
    """Results of small experiments, one for each that the page is about."""
    results = {}
    for name in SMALLER:
        experiment = fresh_parity(results["parity"]) if name == "parity_fresh" else small(name)
        results[name] = sweep.run(experiment, directory / name, figures=False)
    return results


def changed(result: sweep.Result, **columns: Any) -> sweep.Result:
    """The result with other columns in its summary."""
    return in_memory(result.runs, result.summary.assign(**columns), result.curves, result.manifest, result.experiment)


def with_runs(result: sweep.Result, runs: pd.DataFrame) -> sweep.Result:
    """The result with other runs."""
    return in_memory(runs, result.summary, result.curves, result.manifest, result.experiment)


def verdicts(section: Any) -> list[str]:
    return [claim.agrees for claim in section.claims]


def table(section: Any, title: str) -> pd.DataFrame:
    """The first table of a section whose header begins with a title, as texts."""
    lines = next(text for text in section.text if text.startswith(f"| {title} |")).splitlines()
    header, _, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in lines)
    return pd.DataFrame(rows, columns=header)


def with_epochs(result: sweep.Result, gate: str, epochs: list[float]) -> sweep.Result:
    """The result with these epochs, in turn, for the runs of a gate; ∞ for those that do not converge."""
    of_gate = (result.runs["gate"] == gate).to_numpy()
    values = result.runs["converged_epoch"].to_numpy(np.float64, na_value=math.inf)
    values[of_gate] = np.resize(epochs, of_gate.sum())
    found = pd.array([pd.NA if value == math.inf else int(value) for value in values], "Int64")
    return with_runs(result, result.runs.assign(converged_epoch=found))
