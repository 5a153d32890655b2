"""Points of a figure: how many runs of the settings at each converged, and when."""

import numpy as np
import pandas as pd

from sweep.analysis.axes import Layout, combinations, place
from sweep.results.result import Result
from sweep.results.statistics import QUANTILES, censored, quantiles


def placed(frame: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Columns panel and line (categorical) and x (float64) for each row of `runs` or `summary`."""
    return pd.DataFrame(
        {
            "panel": combinations(frame, layout.panels, layout.by_inputs),
            "line": place(frame[layout.lines]) if layout.lines else combinations(frame, ()),
            "x": frame[layout.x].astype("float64") if layout.x else np.zeros(len(frame)),
        }
    )


def points(result: Result, layout: Layout) -> pd.DataFrame:
    """Everything the success and epoch figures draw: one row per panel, line and x.

    Returns
    -------
    pandas.DataFrame
        panel, line, x, the counts n and n_converged, converged_rate, its interval converged_low, converged_high,
        epochs_q05 … epochs_q95 (float64, infinite where later than max_epochs), and rows: the row of the summary, by
        position, or an array of those counted together. Straight from the summary where each
        drawn point is one grid point; else from all its runs, and without an interval, which would take runs of
        different settings for repetitions of one.
    """
    names = [f"epochs_q{q:02d}" for q in QUANTILES]
    rates = ["n", "n_converged", "converged_rate", "converged_low", "converged_high"]
    if not layout.pooled and not layout.by_inputs:
        summary = result.part("summary", [*layout.axes, *rates, *names])
        epochs = {name: censored(summary[name]) for name in names}
        drawn = placed(summary, layout).join(summary[rates]).assign(**epochs, rows=np.arange(len(summary)))
        return drawn.sort_values("x", kind="stable", ignore_index=True)

    keys = ["panel", "line", "x"]
    summary = result.part("summary", [*layout.axes, "n", "n_converged"])
    settings = placed(summary, layout).join(summary[["n", "n_converged"]]).groupby(keys, observed=True)
    counts = settings.sum()
    counts["converged_rate"] = counts["n_converged"] / counts["n"]
    counts["converged_low"] = counts["converged_high"] = np.nan
    runs = result.part("runs", [*layout.axes, "status", "converged_epoch"])
    epochs_of_runs = censored(runs["converged_epoch"].where(runs["status"] == "converged"))
    members = placed(runs, layout).groupby(keys, observed=True).indices
    rows = np.fromiter((settings.indices[key] for key in counts.index), object, len(counts))
    quantiles_of = np.array([quantiles(epochs_of_runs[members[key]]) for key in counts.index])
    return (
        counts.assign(**dict(zip(names, quantiles_of.T, strict=True)), rows=rows)
        .reset_index()
        .sort_values("x", kind="stable", ignore_index=True)
    )
