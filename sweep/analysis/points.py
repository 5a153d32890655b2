"""Points of a figure: how many runs of the settings at each converged, and when."""

import numpy as np
import pandas as pd

from sweep.analysis.groups import members, quantiles_over_runs
from sweep.analysis.layout import Layout
from sweep.analysis.names import combinations, values_by_name
from sweep.results.result import Result
from sweep.results.settings import Settings
from sweep.results.statistics import censored
from sweep.spec.schema import EPOCH_QUANTILES

MAX_POINTS = 20_000
"""Points of a figure at most: more make files of many megabytes, and are closer together than the dots of a screen."""

_RATES = ["n", "n_converged", "converged_rate", "converged_low", "converged_high"]


def points(result: Result, layout: Layout) -> pd.DataFrame:
    """Count the runs that converged at each point of the success and epoch figures.

    Returns
    -------
    pandas.DataFrame
        One row per panel, line and x: panel, line, x, the counts n and n_converged, converged_rate, its interval
        converged_low, converged_high, epochs_q05 … epochs_q95 (float64, infinite where later than max_epochs), and
        rows: the row of the summary, by position, or an array of those counted together. Straight from the summary
        where each drawn point is one grid point; else from all its runs, and without an interval, which would take
        runs of different settings for repetitions of one.
    """
    placed = _placed(result.settings, layout)
    if layout.pooled or layout.by_inputs:
        found = _pooled(result, placed)
    else:
        summary = result.part("summary", [*_RATES, *EPOCH_QUANTILES])
        epochs = {name: censored(summary[name]) for name in EPOCH_QUANTILES}
        found = placed.join(summary[_RATES]).assign(**epochs, rows=np.arange(len(summary)))
    return found.sort_values("x", kind="stable", ignore_index=True)


def thinned(points: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Keep every how many-th value of x, so that there are few enough points; return these and the step, 1 for all."""
    step = -(-len(points) // MAX_POINTS)
    if step <= 1:
        return points, 1
    kept = np.unique(points["x"])[::step]
    return points[points["x"].isin(kept)].reset_index(drop=True), step


def _placed(settings: Settings, layout: Layout) -> pd.DataFrame:
    """Return columns panel and line (categorical) and x (float64) for each row of the summary."""
    line = values_by_name(settings, layout.lines) if layout.lines else combinations(settings, ())
    return pd.DataFrame(
        {
            "panel": combinations(settings, layout.panels, layout.by_inputs).column(),
            "line": line.column(),
            "x": settings.column(layout.x).astype("float64") if layout.x else np.zeros(settings.n),
        }
    )


def _pooled(result: Result, placed: pd.DataFrame) -> pd.DataFrame:
    """Count all runs of the settings that share a point together."""
    keys = ["panel", "line", "x"]
    settings = placed.join(result.part("summary", ["n", "n_converged"])).groupby(keys, observed=True)
    counts = settings.sum()
    counts["converged_rate"] = counts["n_converged"] / counts["n"]
    counts["converged_low"] = counts["converged_high"] = np.nan
    rows = members(settings.ngroup().to_numpy())
    found = quantiles_over_runs(result, result.epochs_of_runs(), rows)
    together = np.fromiter(rows, object, len(rows))
    return counts.assign(**dict(zip(EPOCH_QUANTILES, found.T, strict=True)), rows=together).reset_index()
