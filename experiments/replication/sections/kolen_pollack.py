"""Kolen & Pollack 1990: failures by the size of the start."""

from typing import Any, cast

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

import sweep
from experiments.replication.drawing import GREY, bands, log_scale, panels, percent_ticks, styled
from experiments.replication.parts import (
    BLUE,
    GREEN,
    VERMILLION,
    Claim,
    Section,
    groups,
    markdown,
    percent,
    rows_of,
    runs_each,
    share,
    their_rate,
    trained,
)
from experiments.replication.statistics import counted, together, verdict

MIDDLE_RHO, MIDDLE_FAILURES = (2.0, 4.0), (0.05, 0.50)
SMALL_RHO, FEW_FAILURES = 0.5, 0.05


def kolen_pollack(result: sweep.Result) -> Section:
    """Compare their Monte Carlo: failures against ρ."""
    summary = result.summary.assign(failed=result.summary["n"] - result.summary["n_converged"])
    rows, middle, small = [], [], []
    by_curve = groups(summary, ["update", "learning_rate", "momentum"])
    between, below = summary["init_scale"].between(*MIDDLE_RHO), summary["init_scale"] <= SMALL_RHO
    m_middle, m_small = int(between.sum()), int(below.sum())
    for (update, rate, momentum), curve in by_curve:
        central, close = curve[between[curve.index]], curve[below[curve.index]]
        middle.append(together([verdict(k, n, *MIDDLE_FAILURES, m_middle) for k, n in _failures(central)]))
        small.append(together([verdict(k, n, 0.0, FEW_FAILURES, m_small) for k, n in _failures(close)]))
        rows.append(
            [
                str(update),
                f"{their_rate(update, rate):g}",
                f"{momentum:g}",
                "; ".join(share(k, n, m_small) for k, n in _failures(close)),
                small[-1],
                "; ".join(share(k, n, m_middle) for k, n in _failures(central)),
                middle[-1],
            ]
        )
    small_rhos, rhos = (
        ", ".join(f"{rho:g}" for rho in sorted(summary["init_scale"][part].unique())) for part in (below, between)
    )
    ours = [(_spread(summary[between]), middle), (_spread(summary[below]), small)]
    reported = ["5 to 50 % fail for ρ between 2 and 4", "few fail for ρ ≤ 0.5"]
    claims = [
        Claim("Kolen & Pollack 1990", said, measured, counted(verdicts, "curves"))
        for said, (measured, verdicts) in zip(reported, ours, strict=True)
    ]
    header = [
        "updates",
        "η",
        "α",
        f"failures at ρ = {small_rhos}",
        "below 5 %?",
        f"failures at ρ = {rhos}",
        "within 5–50 %?",
    ]
    text = [
        "*They reported* a 2-2-1 sigmoid network, η 1 or 2, momentum α 0, 0.5 or 0.9, starts uniform in ±ρ, and "
        "plotted the percentage of 8 to 8,355 trials a point in which not every output was on the right side of ½ "
        "within 50,000 epochs. No table is printed; their text says 5 to 50 % for ρ between 2 and 4, and that few "
        "failures need ρ ≤ 0.5. *Not stated*: the loss, the targets, batch or online updates. *We assumed* squared "
        "error, and targets 0 and 1, and ran both update modes.",
        f"*We measured* {runs_each(summary)} seeds a point, up to {trained(result)['max_epochs']:,} epochs. Each "
        "curve has "
        "seeds of its own, so that curves are independent; the points of one curve scale the same starts, and are not. "
        "A curve agrees if the interval lies within the range at each ρ, disagrees if at some ρ it lies wholly "
        "outside, "
        f"and is undecided otherwise. The intervals of a claim, {m_small} and {m_middle} in all, hold together with "
        "95 %. "
        "“Few” has no number in their text; we take it as below 5 %, the lower end of the other claim.",
        markdown(header, rows),
    ]
    alt = "Percentage of failures against the size of the initial weights"
    return Section(
        "Failures by the size of the start: Kolen & Pollack 1990", claims, text, _failure_figure(summary), alt
    )


def _failures(points: pd.DataFrame) -> list[tuple[int, int]]:
    return [(row.failed, row.n) for row in rows_of(points.sort_values("init_scale"))]


def _spread(points: pd.DataFrame) -> str:
    """The lowest and the highest percentage of failures of any curve."""
    shares = [k / n for k, n in _failures(points)]
    return f"{percent(min(shares))} to {percent(max(shares))} % fail, over all curves"


@styled
def _failure_figure(summary: pd.DataFrame) -> Figure:
    momenta, modes = sorted(summary["momentum"].unique()), list(summary["update"].unique())
    etas = sorted({their_rate(u, r) for u, r in zip(summary["update"], summary["learning_rate"], strict=True)})
    colours = dict(zip(momenta, (BLUE, VERMILLION, GREEN), strict=False))
    styles = dict(zip(etas, ("-", "--"), strict=False))
    legend: list[Any] = [
        Line2D([], [], color=colour, ls=style, label=f"η {eta:g}, α {momentum:g}")
        for momentum, colour in colours.items()
        for eta, style in styles.items()
    ]
    legend.append(Patch(facecolor="none", edgecolor=GREY, label="their text: 5–50 % at ρ 2–4"))
    title = "Runs that fail to learn XOR, with the 95 % interval of each point"
    all_axes = panels([f"{mode} updates" for mode in modes], title, "ρ: weights start in ±ρ", "runs that fail", legend)
    for axes, mode in zip(all_axes, modes, strict=True):
        (left, right), (bottom, top) = MIDDLE_RHO, MIDDLE_FAILURES
        box = Rectangle((left, bottom), right - left, top - bottom, fill=False, edgecolor=GREY, linewidth=1.2, zorder=3)
        axes.add_patch(box)
        by_curve = groups(summary[summary["update"] == mode], ["learning_rate", "momentum"])
        for (rate, momentum), curve in by_curve:
            colour, x = colours[momentum], curve["init_scale"].to_numpy()
            bands(axes, [(colour, x, 1 - curve["converged_high"], 1 - curve["converged_low"])])
            axes.plot(x, curve["failed"] / curve["n"], styles[their_rate(mode, rate)], color=colour, linewidth=1.4)
        axes.set_ylim(-0.03, 1.03)
        percent_ticks(axes.yaxis)
        log_scale(axes, "x", (0.09, 11), 4)
    return cast(Figure, all_axes[0].figure)
