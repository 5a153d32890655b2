"""XOR by width of the hidden layer."""

from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import sweep
from experiments.replication.drawing import bands, panels, percent_ticks, scale_x, styled
from experiments.replication.parts import (
    BLUE,
    VERMILLION,
    Claim,
    Section,
    all_epochs,
    epochs,
    groups,
    markdown,
    percent,
    rows_of,
    runs_each,
    share,
    trained,
)
from experiments.replication.statistics import NO, YES, quantile, wilson

SETTING = ["activation", "hidden", "init", "learning_rate"]


def xor(result: sweep.Result) -> Section:
    """Tell for widths 1 to 8 the share of runs that learn XOR, and how fast."""
    summary, max_epochs = result.summary, trained(result)["max_epochs"]
    best = _best(result)
    rows, once = [], True
    for (activation, hidden), part in groups(summary, ["activation", "hidden"]):
        k, n, top = int(part["n_converged"].sum()), int(part["n"].sum()), best[str(activation), int(hidden)]
        setting = f"{top.init}, {top.learning_rate:.3g}" if top.chosen else "–"
        rows.append([str(activation), str(hidden), f"{percent(k / n)} %", setting, share(top.k, top.n)])
        rows[-1].append(epochs(top.median, max_epochs))
        once = once and not (hidden == 2 and not k)
    one, two = summary[summary["hidden"] == 1], summary[summary["hidden"] == 2]
    k_one, n_one = int(one["n_converged"].sum()), int(one["n"].sum())
    learned = ", ".join(
        f"{name}: {k:,}" for name, k in two.groupby("activation", observed=True)["n_converged"].sum().items()
    )
    claims = [
        Claim(
            "theory",
            "one hidden unit cannot represent XOR",
            f"{k_one:,} of {n_one:,} runs learn it",
            NO if k_one else YES,
        ),
        Claim("theory", "two hidden units can", f"runs that learn it: {learned}", YES if once else NO),
    ]
    header = ["activation", "hidden", "all settings", "best setting (start, rate)", "it learns", "its median epochs"]
    text = [
        f"Networks 2-H-1, cross-entropy, batch updates, up to {max_epochs:,} epochs, until the loss is below "
        f"{trained(result)['target_loss']:g} nats. Each row has {len(summary) // max(len(rows), 1)} settings of start "
        f"and learning rate with {runs_each(summary)} seeds each. *All settings* counts them together: it depends on "
        "the settings scanned, and has no interval, since their runs share seeds. The *best setting* has most "
        "successes among the first half of the seeds; what is said of it is measured on the other half.",
        markdown(header, rows),
    ]
    return Section(
        "XOR by width of the hidden layer", claims, text, _figure(summary, best), "Share of runs that learned XOR"
    )


def _best(result: sweep.Result) -> dict[tuple[str, int], Any]:
    """For each activation and width the best setting of the first half of the seeds, measured on the other half."""
    runs = result.runs
    runs = runs.assign(epoch=all_epochs(runs), learned=runs["status"] == "converged")
    chooses = runs["seed"] < runs["seed"].min() + (runs["seed"].max() - runs["seed"].min() + 1) // 2
    scores, reports = (
        part.groupby(SETTING, observed=True).agg(
            k=("learned", "sum"),
            n=("learned", "size"),
            median=("epoch", lambda values: quantile(values.to_numpy(), 50)),
        )
        for part in (runs[chooses], runs[~chooses])
    )
    scores = scores.sort_values(["k", "median"], ascending=[False, True], kind="stable")
    tops = scores.groupby(level=["activation", "hidden"], observed=True, sort=False).head(1)
    table = reports.loc[tops.index].assign(chosen=tops["k"] > 0).reset_index()
    return {(str(row.activation), int(row.hidden)): row for row in rows_of(table)}


@styled
def _figure(summary: pd.DataFrame, best: dict[tuple[str, int], Any]) -> Figure:
    names = list(dict.fromkeys(summary["activation"].astype(str)))
    legend = [
        Line2D([], [], color=BLUE, marker="o", markersize=3.5, label="best setting, on seeds that did not choose it"),
        Line2D([], [], color=VERMILLION, ls="--", marker="o", markersize=3.5, label="all settings together"),
    ]
    all_axes = panels(names, "Share of runs that learn XOR, with 95 % intervals", "hidden units", "", legend)
    counts = {
        key: part["n_converged"].sum() / part["n"].sum() for key, part in groups(summary, ["activation", "hidden"])
    }
    for axes, name in zip(all_axes, names, strict=True):
        widths = sorted(hidden for activation, hidden in best if activation == name)
        tops = [best[name, hidden] for hidden in widths]
        low, high = zip(*(wilson(top.k, top.n) for top in tops), strict=True)
        bands(axes, [(BLUE, widths, low, high)])
        axes.plot(widths, [counts[name, hidden] for hidden in widths], "--o", color=VERMILLION, markersize=3.5)
        axes.plot(widths, [top.k / top.n for top in tops], "-o", color=BLUE, markersize=3.5)
        axes.set_ylim(-0.05, 1.05)
        percent_ticks(axes.yaxis)
        scale_x(axes, np.array(widths, np.float64))
    return cast(Figure, all_axes[0].figure)
