"""Small results made up for tests: when a run converges is a function of its setting and seed."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sweep.page.shown import Result
from sweep.results.result import InMemory
from sweep.results.statistics import wilson
from sweep.spec.experiment import Experiment
from sweep.spec.grid import Grid
from sweep.spec.keys import KEYS, REQUIRED, Train
from sweep.spec.schema import FAILURES, STATUSES
from sweep.spec.training_sets import TrainingSet

MAX_EPOCHS = 1000

RATES = [float(rate) for rate in np.geomspace(0.01, 10, 4)]
STARTS = ["uniform(0, 1)", "normal(0, 1)"]


def in_memory(
    runs: pd.DataFrame,
    summary: pd.DataFrame,
    curves: pd.DataFrame | None,
    manifest: Mapping[str, Any],
    experiment: Experiment,
) -> Result:
    frames = {"runs": runs, "summary": summary} | ({} if curves is None else {"curves": curves})
    return Result(InMemory(frames), manifest, experiment)


def learns_unless_xor(setting: dict[str, Any], seed: int) -> int | None:
    """XOR never; else in 200 / rate epochs and a few more, so at rate 0.01 and at some seeds at 0.1 never."""
    if setting.get("gate") in ("XOR", "XNOR"):
        return None
    epoch = int(20 * (1 + seed) / setting.get("learning_rate", 1.0))
    return epoch if epoch <= MAX_EPOCHS else None


def never(setting: dict[str, Any], seed: int) -> None:
    return None


def made(
    grid: dict[str, list[Any]],
    n_seeds: int = 10,
    converged_epoch: Callable[[dict[str, Any], int], int | None] = learns_unless_xor,
    status: str = "max_epochs",
    record_every: int = 0,
    question: str = "Which gates?",
) -> Result:
    """A result whose runs converge at `converged_epoch`, or end with `status` where that is None."""
    settings = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    rows = [(setting, seed, converged_epoch(setting, seed)) for setting in settings for seed in range(n_seeds)]
    epochs = [MAX_EPOCHS if epoch is None else epoch for *_, epoch in rows]
    missed = np.inf if status == "diverged" else 0.7
    runs = pd.DataFrame({"run": np.arange(len(rows))})
    for key, values in grid.items():
        column = [setting[key] for setting, *_ in rows]
        runs[key] = pd.Categorical(column, values) if isinstance(values[0], str) else column
    runs["seed"] = [seed for _, seed, _ in rows]
    runs["status"] = pd.Categorical([status if epoch is None else "converged" for *_, epoch in rows], STATUSES)
    runs["epochs"] = np.array(epochs, dtype=np.int64)
    runs["converged_epoch"] = pd.array([epoch for *_, epoch in rows], dtype="Int64")
    periods = [1 if epoch is None and status == "stationary" else None for *_, epoch in rows]
    runs["period"] = pd.array(periods, dtype="Int64")
    runs["answers"] = pd.Categorical([""] * len(rows))
    runs["final_loss"] = np.array([missed if epoch is None else 0.0099 for *_, epoch in rows], dtype=np.float64)

    manifest = {
        "name": "made",
        "question": question,
        "n_runs": len(rows),
        "n_points": len(settings),
        "versions": {"numpy": "2.3.1"},
        "cpu": "A processor",
        "jobs": 1,
        "seconds": 0.5,
        "files": {"runs.csv": "0" * 64},
    }
    experiment = Experiment(
        "made",
        question,
        (_grid(grid, n_seeds),),
        Train(max_epochs=MAX_EPOCHS, target_loss=0.01, record_every=record_every),
        tuple(grid),
        {},
    )
    return in_memory(runs, _summary(runs, list(grid), n_seeds), _curves(runs, record_every), manifest, experiment)


def with_runs(result: Result, runs: pd.DataFrame, summary: pd.DataFrame) -> Result:
    """The same experiment with other tables, and no curves."""
    return in_memory(runs, summary, None, result.manifest, result.experiment)


def with_train(result: Result, **settings: Any) -> Result:
    """The same tables, as if trained otherwise."""
    train = result.experiment.train.model_copy(update=settings)
    return replace(result, experiment=replace(result.experiment, train=train))


def with_values(result: Result, **values: Any) -> Result:
    """The same tables, as if keys that are no columns had other values."""
    grids = tuple(
        replace(grid, values={**grid.values, **{key: [value] for key, value in values.items()}})
        for grid in result.experiment.grids
    )
    return replace(result, experiment=replace(result.experiment, grids=grids))


def with_table(result: Result, name: str, rows: list[list[float]]) -> Result:
    """The same tables, as if a gate were a table of one's own."""
    array = np.array(rows, dtype=np.float64)
    own = TrainingSet(np.ascontiguousarray(array[:, :-1]), array[:, -1])
    return replace(result, experiment=replace(result.experiment, tables={**result.experiment.tables, name: own}))


def _grid(grid: dict[str, list[Any]], n_seeds: int) -> Grid:
    required = {"gate": "no gate", "learning_rate": 1.0}
    defaults = {key: [required[key] if entry.default is REQUIRED else entry.default] for key, entry in KEYS.items()}
    return Grid({**grid, **{key: values for key, values in defaults.items() if key not in grid}}, range(n_seeds))


def plane(n_seeds: int = 1, **settings: list[Any]) -> Result:
    """A picture of 16 × 20 settings, of which some converge, some do not and some diverge."""
    rates = [float(rate) for rate in np.geomspace(0.01, 100, 20)]
    scales = [float(scale) for scale in np.linspace(1, 16, 16)]
    grid = {"gate": ["AND"], **settings, "init_scale": scales, "learning_rate": rates}
    result = made(grid, n_seeds, lambda setting, seed: converges_in_the_middle(setting))
    diverged = (result.runs["learning_rate"] > 10).to_numpy()
    result.runs.loc[diverged, "status"] = "diverged"
    result.runs.loc[diverged, "final_loss"] = np.inf
    return with_runs(result, result.runs, _summary(result.runs, list(grid), n_seeds))


def converges_in_the_middle(setting: dict[str, Any]) -> int | None:
    """In as many epochs as the scale, at rates from 0.1 to 10."""
    return int(setting["init_scale"]) if 0.1 <= setting["learning_rate"] <= 10 else None


def union(*results: Result) -> Result:
    """The runs of several results as those of one experiment with a grid for each."""
    keys = results[0].experiment.columns
    tables = []
    for frames in ([result.runs for result in results], [result.summary for result in results]):
        table = pd.concat(frames, ignore_index=True)
        for key in {*keys, "status"} & {*table.columns}:
            if isinstance(frames[0].dtypes[key], pd.CategoricalDtype):
                values = dict.fromkeys(value for frame in frames for value in frame[key].cat.categories)
                table[key] = pd.Categorical(table[key].astype(object), list(values))
        tables.append(table)
    runs, summary = tables
    runs["run"] = np.arange(len(runs))
    experiment = replace(
        results[0].experiment, grids=tuple(grid for result in results for grid in result.experiment.grids)
    )
    return in_memory(runs, summary, None, results[0].manifest, experiment)


def _summary(runs: pd.DataFrame, keys: list[str], n: int) -> pd.DataFrame:
    n_points = len(runs) // n
    summary = runs[keys].iloc[::n].reset_index(drop=True)
    statuses = runs["status"].to_numpy(object).reshape(n_points, n)
    summary["n"] = n
    summary["n_converged"] = (statuses == "converged").sum(axis=1)
    summary["converged_rate"] = summary["n_converged"] / n
    summary["converged_low"], summary["converged_high"] = wilson(summary["n_converged"].to_numpy(), n)
    for name, status in FAILURES.items():
        summary[name] = (statuses == status).sum(axis=1)
    epochs = np.sort(runs["converged_epoch"].to_numpy(np.float64, na_value=np.inf).reshape(n_points, n), axis=1)
    losses = np.sort(runs["final_loss"].to_numpy().reshape(n_points, n), axis=1)
    ranks = {f"q{q:02d}": -(-q * n // 100) - 1 for q in (5, 25, 50, 75, 95)}
    for name, rank in ranks.items():
        reached = [int(epoch) if np.isfinite(epoch) else None for epoch in epochs[:, rank]]
        summary[f"epochs_{name}"] = pd.array(reached, dtype="Int64")
    for name, rank in ranks.items():
        summary[f"final_loss_{name}"] = losses[:, rank]
    return summary


def _curves(runs: pd.DataFrame, record_every: int) -> pd.DataFrame | None:
    """Losses that fall from 1 to the final one in a straight line."""
    if record_every == 0:
        return None
    parts = []
    for run in runs.itertuples():
        epoch = np.arange(0, run.epochs + 1, record_every)
        loss = 1 + (min(run.final_loss, 1e3) - 1) * epoch / max(run.epochs, 1)
        parts.append(pd.DataFrame({"run": run.run, "epoch": epoch, "loss": loss}))
    return pd.concat(parts, ignore_index=True)
