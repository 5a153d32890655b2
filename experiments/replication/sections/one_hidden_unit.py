"""Sprinkhuizen-Kuyper & Boers 1996: one hidden unit and shortcuts learn XOR with probability one."""

from itertools import pairwise
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import sweep
from experiments.replication.drawing import log_scale, panels, styled
from experiments.replication.parts import (
    BLUE,
    GREEN,
    NEW,
    PURPLE,
    VERMILLION,
    Array,
    Claim,
    Section,
    all_epochs,
    groups,
    markdown,
    percent,
    runs_each,
    share,
    trained,
)
from experiments.replication.statistics import NO, UNDECIDED, YES, together


def one_hidden_unit(result: sweep.Result) -> Section:
    """Follow the share of runs that have not learned XOR as epochs grow."""
    max_epochs = trained(result)["max_epochs"]
    times = [10**power for power in range(3, len(str(max_epochs)))]
    rows, verdicts, n_open, n_still, n_all = [], [], 0, 0, 0
    curves: dict[tuple[float, float], Array] = {}
    falls: dict[float, list[float]] = {}
    for (momentum, scale), runs in groups(result.runs, ["momentum", "init_scale"]):
        first = all_epochs(runs)
        still = int((runs["status"] == "stationary").sum())
        left = [int((first > time).sum()) for time in times]
        moving, n = left[-1] - still, len(runs)
        n_open, n_still, n_all = n_open + moving, n_still + still, n_all + n
        falling = all(after < before for before, after in pairwise(left) if before - still > 0)
        verdicts.append(YES if not moving else UNDECIDED if falling else NO)
        cells = [f"{percent(k / n)} %" for k in left[:-1]]
        if moving and len(left) > 2:
            falls.setdefault(float(scale), []).append((left[1] - left[-1]) / n / (len(left) - 2))
        rows.append([f"{momentum:g}", f"±{scale:g}", *cells, share(left[-1], n), str(still), str(moving), verdicts[-1]])
        curves[float(momentum), float(scale)] = np.sort(first)
    claims = [
        Claim(
            "Sprinkhuizen-Kuyper & Boers 1996",
            "one hidden unit and shortcuts learn XOR with probability one",
            f"of {n_all:,} runs {n_open:,} still on their way after {max_epochs:,} epochs, {n_still:,} stand still in "
            "float64",
            together(verdicts),
        ),
        Claim(NEW, "how fast does the share that has not learned fall, where it does not reach 0?", _fall(falls), "–"),
        Claim(NEW, "where does double precision stop it?", _where(result.runs), "–"),
    ]
    header = [
        "α",
        "start",
        *(f"not yet at {time:,}" for time in times),
        "of these, stand still",
        "on their way",
        "holds?",
    ]
    text = [
        "*They proved* that the error of this network, a sigmoid 2-1-1 with weights from the inputs to the output, "
        "has no local minima: all its "
        "stationary points but those of error 0 are saddles, and back-propagation with momentum reaches error 0 with "
        "probability "
        "one, given time and exact arithmetic. *We measured* full-batch training on the mean of squares at rate "
        f"{result.runs['learning_rate'].iloc[0]:g} from starts uniform in ± the width given, until every output is "
        "within "
        f"{trained(result)['target_error']:g} of its target, {runs_each(result.summary)} seeds a setting, the same "
        f"for all settings, up to {max_epochs:,} epochs. A run stands "
        "still if all its weights and its momentum come back, bit for bit: units so saturated that a step is less "
        "than the last bit of "
        "every weight.",
        "The claim holds in a setting if no run is left on its way; it is undecided if some are, but each factor of "
        "ten in epochs leaves "
        "fewer; it fails if one does not.",
        markdown(header, rows),
    ]
    alt = "Share of runs that have not learned XOR against epochs"
    figure = _figure(curves, max_epochs)
    return Section("One hidden unit: Sprinkhuizen-Kuyper & Boers 1996", claims, text, figure, alt)


def _fall(falls: dict[float, list[float]]) -> str:
    """Write by how many points the share falls for each factor of ten in epochs, beyond the first two."""
    parts = [
        f"from starts in ±{scale:g} by {' and '.join(f'{100 * fall:.1f}' for fall in values)} points"
        for scale, values in falls.items()
    ]
    return f"{'; '.join(parts)} for each factor of ten in epochs" if parts else "it reaches 0 everywhere"


def _where(runs: pd.DataFrame) -> str:
    """Write from which widths of the start runs stand still, and how many."""
    still = runs[runs["status"] == "stationary"]
    if still.empty:
        return "nowhere: no run stands still"
    counts = still.groupby("init_scale", observed=True).size()
    return ", ".join(f"{k:,} runs from starts in ±{float(cast(Any, scale)):g}" for scale, k in counts.items())


@styled
def _figure(curves: dict[tuple[float, float], Array], max_epochs: int) -> Figure:
    momenta, scales = (sorted({key[at] for key in curves}) for at in (0, 1))
    colours = dict(zip(scales, (BLUE, GREEN, VERMILLION, PURPLE), strict=False))
    legend = [Line2D([], [], color=colour, label=f"starts in ±{scale:g}") for scale, colour in colours.items()]
    names = [f"momentum {momentum:g}" for momentum in momenta]
    title = "Runs with one hidden unit and shortcuts that have not learned XOR"
    all_axes = panels(names, title, "epochs", "share of runs", legend)
    for axes, momentum in zip(all_axes, momenta, strict=True):
        for scale, colour in colours.items():
            first = curves[momentum, scale]
            left = 1 - np.arange(1, len(first) + 1) / len(first)
            left[~np.isfinite(first)] = np.isinf(first).mean()
            axes.plot(
                np.minimum(first, max_epochs), np.where(left > 0, left, np.nan), color=colour, drawstyle="steps-post"
            )
        log_scale(axes, "x", (10, max_epochs), 4)
        log_scale(axes, "y", (3e-4, 1.2), 4, {1.0: "100 %", 0.1: "10 %", 0.01: "1 %", 0.001: "0.1 %"})
    return cast(Figure, all_axes[0].figure)
