"""The section of a report that trains runs: what it knows of a result."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sweep.analysis.findings import Findings
from sweep.page import kernels
from sweep.spec.experiment import Experiment
from sweep.spec.schema import OUTCOME, status_code

MOST_BYTES = 360_000
MOST_POINTS = 20_000
MOST_RUNS = 2_000_000
"""Above these a page knows nothing of single settings, or single runs."""
_MISSING = {"epochs": -1, "converged_epoch": -1, "period": 0}


def live(findings: Findings, replay: str | None, more: str | None = None, whole: bool = False) -> str:
    """Make what a page needs to train runs of a result; "" where that is too much for a page.

    Parameters
    ----------
    findings
    replay
        What to type, but for the number of a run, to replay it.
    more
        What to type for a page with every kernel.
    whole
        True for every kernel, however large the page becomes.
    """
    result, experiment = findings.result, findings.experiment
    is_complete = bool(result.manifest.get("complete", True))
    file = Path("experiments") / f"{experiment.name}.toml"
    sums = is_complete and result.keeps_runs and experiment.n_runs <= MOST_RUNS
    known = kernels.Known(
        replay=replay,
        more=more,
        file=shlex.quote((file if file.exists() else Path(file.name)).as_posix()),
        openings=openings(findings),
        points=_points(findings) if is_complete and experiment.n_points <= MOST_POINTS else None,
        sums=_sums(findings) if sums else None,
    )
    made = kernels.data(experiment, known, whole)
    return made if whole or len(made) <= MOST_BYTES else ""


def openings(findings: Findings) -> list[int]:
    """Choose the runs to open on: XOR beside AND where both are trained, else one that converged at a good setting.

    It is at the best setting of the last group whose surfaces are drawn: of XOR, the network of two hidden units.
    """
    pair = _xor_and_and(findings.experiment)
    if pair:
        return pair
    found = findings.representatives
    converged = [choice for choice in found.chosen if choice.stored["status"] == "converged"]
    if not converged or findings.trials is None:
        return [choice.run for choice in (converged or found.chosen)[-1:]] or [0]
    rows = np.arange(findings.n_settings)
    if found.key is not None:
        rows = np.flatnonzero(
            findings.settings.column(found.key) == findings.experiment.setting(converged[-1].run)[found.key]
        )
    (best,) = findings.best([rows], "often")
    first, n = int(findings.counts["n"].iloc[: best.row].sum()), int(findings.counts["n"].iloc[best.row])
    runs = findings.result.part("runs", ["run", "status"]).iloc[first : first + n]
    good = runs["run"][runs["status"] == "converged"]  # none, where few seeds chose a setting by chance
    return [int(good.iloc[0]) if len(good) else converged[-1].run]


def _xor_and_and(experiment: Experiment) -> list[int]:
    """Numbers of two runs of the first grid that differ in nothing but the gate; at the middle learning rate."""
    grid = experiment.grids[0]
    gates = list(grid.values["gate"])
    if not {"XOR", "AND"} <= set(gates):
        return []
    runs = []
    for gate in ("XOR", "AND"):
        at = {"gate": gates.index(gate), "learning_rate": len(grid.values["learning_rate"]) // 2}
        run = 0
        for key, values in grid.values.items():
            run = run * len(values) + at.get(key, 0)
        runs.append(run * len(grid.seeds))
    return runs


def _points(findings: Findings) -> dict[str, list[Any]]:
    columns = ["n", "n_converged", "epochs_q50"]
    table = findings.result.part("summary", columns)
    medians = [None if pd.isna(value) else int(value) for value in table["epochs_q50"]]
    return {"n": table["n"].tolist(), "converged": table["n_converged"].tolist(), "median": medians}


def _sums(findings: Findings) -> dict[str, Any]:
    experiment = findings.experiment
    stride = kernels.stride_of(experiment.n_runs, len(experiment.grids[0].seeds))
    table = findings.result.part("runs", OUTCOME).iloc[::stride]
    status = np.array([status_code(name) for name in table["status"].astype(str)])
    integers = [table[key].astype("Int64").fillna(missing).to_numpy(np.int64) for key, missing in _MISSING.items()]
    return kernels.fingerprints([status, *integers, table["final_loss"].to_numpy(np.float64)], stride)
