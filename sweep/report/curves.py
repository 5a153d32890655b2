"""The learning curves: how the loss falls while training."""

from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sweep.report.axes import Layout, assignment, choose_layout, is_numeric, place, placed, quantiles
from sweep.report.canvas import GREY, bands, log_scale, panels, styled
from sweep.report.looks import figure_of, line_handles, looks_of, panels_only, per, present
from sweep.report.losses import unit
from sweep.report.marks import mark
from sweep.report.result import Result
from sweep.report.settings import rows_of_runs

MAX_CURVE_LINES = 5
N_SINGLE_CURVES = 3

Array = NDArray[np.float64]


@styled
def learning_curves(result: Result) -> Figure:
    """Draw the loss over the epochs: per setting the median and the 5–95 % range over its runs, and a few single runs.

    A run that stopped keeps its final loss. Along the main numeric axis at most five values are shown; axes without a
    panel or a line of their own are held at one value, a number in the middle or the first category, as the title says.

    Raises
    ------
    ValueError
        If the losses were not recorded.
    """
    if result.curves is None:
        raise ValueError("this result has no learning curves: run it with record_every above 0")
    runs, layout, held = _curve_settings(result)
    table = placed(runs, layout)
    looks = looks_of(table, layout, result)
    epochs = _curve_epochs(result.curves)
    losses = _losses_at(epochs, result.curves, runs)
    members = table.groupby(["panel", "line"], observed=True).indices
    medians = [quantiles(losses[rows_of])[2] for rows_of in members.values()]
    if log_epochs := _fall_early(epochs, medians):
        epochs, losses = epochs[epochs > 0], losses[:, epochs > 0]

    title = "Loss while training" + per(layout) + ": median and 5–95\N{NO-BREAK SPACE}% of the runs"
    title += "".join(f"; {assignment(key, value)}" for key, value in held.items())
    handles = line_handles(looks, layout, result)
    only = None if handles else next(iter(looks.values())).colour
    if only:
        handles = [Line2D([], [], color=only, label="median")]
    single = Line2D([], [], color=only or GREY, linewidth=0.6, label="single runs")
    names = present(table["panel"])
    all_axes = panels(names, title, "epochs", f"loss ({unit(result)})", [*handles, single])
    drawn = []
    for setting, rows_of in members.items():
        name, line = cast(tuple[str, str], setting)
        axes, look = all_axes[names.index(name)], looks[line]
        low, _, middle, _, high = np.where(np.isinf(q := quantiles(losses[rows_of])), np.nan, q)
        bands(axes, [(look.colour, epochs, low, high)])
        for curve in losses[rows_of[:N_SINGLE_CURVES]]:
            axes.plot(epochs, curve, color=look.colour, linewidth=0.5, alpha=0.8)
        axes.plot(epochs, middle, look.style, color=look.colour)
        settings = rows_of_runs(result, runs.index.to_numpy()[rows_of])
        mark(axes, epochs, middle, [settings] * len(epochs), {"epoch": epochs, "loss then, median": middle})
        drawn += [low, middle, high]
    for axes in all_axes:
        _scale_curves(axes, epochs, np.array(drawn), log_epochs)
    return figure_of(all_axes[0])


def _curve_settings(result: Result) -> tuple[pd.DataFrame, Layout, dict[str, str]]:
    """Choose the runs whose curves are shown, their layout, and the axes held at one value."""
    layout = choose_layout(result)
    axes = [key for key in (layout.x, *layout.panels, layout.lines, *layout.pooled) if key]
    runs = result.part("runs", [*axes, "run", "epochs", "final_loss"])
    spare = [layout.lines, *layout.pooled] if layout.x and layout.panels else [*layout.pooled]
    held = {}
    for key in filter(None, spare):
        values = place(runs[key]).cat.remove_unused_categories().cat.categories
        at = values[(len(values) - 1) // 2 if is_numeric(result, key) else 0]
        held[key] = str(at)
        runs = runs[place(runs[key]) == at]
    if layout.x is None:
        return runs, layout, held
    along = np.sort(runs[layout.x].unique())
    chosen = np.unique(np.linspace(0, len(along) - 1, MAX_CURVE_LINES).round().astype(int))
    runs = runs[runs[layout.x].isin(along[chosen])]
    return runs, replace(panels_only(layout), lines=layout.x), held


def _curve_epochs(curves: pd.DataFrame) -> Array:
    """At most 120 of the recorded epochs, dense enough for a linear and for a logarithmic axis."""
    recorded = np.unique(curves["epoch"].to_numpy())
    n = len(recorded)
    if n > 120:
        picks = np.concatenate([np.linspace(0, n - 1, 60), np.geomspace(1, n - 1, 60)])
        recorded = recorded[np.unique(picks.round().astype(int))]
    return recorded.astype(np.float64)


def _losses_at(epochs: Array, curves: pd.DataFrame, runs: pd.DataFrame) -> Array:
    """Loss of each run (row) at each epoch (column): the last one recorded; once it has stopped, its final one."""
    curves = curves[np.isin(curves["run"].to_numpy(), runs["run"].to_numpy())]
    order = np.argsort(runs["run"].to_numpy())
    place_of_run = order[np.searchsorted(runs["run"].to_numpy()[order], curves["run"].to_numpy())]
    span = float(curves["epoch"].max()) + 1
    key = place_of_run * span + curves["epoch"].to_numpy()
    by_key = np.argsort(key)
    wanted = np.arange(len(runs))[:, None] * span + epochs
    last = np.searchsorted(key[by_key], wanted, side="right") - 1
    recorded = curves["loss"].to_numpy()[by_key][np.maximum(last, 0)]
    stopped = epochs >= runs["epochs"].to_numpy(dtype=np.float64)[:, None]
    return np.where(stopped, runs["final_loss"].to_numpy()[:, None], recorded)


def _fall_early(epochs: Array, medians: list[Array]) -> bool:
    """Whether most lines fall half their way in the first fiftieth of the epochs, and enough is recorded to show it."""
    early = int(np.searchsorted(epochs, 0.02 * epochs[-1]))
    falling = [median for median in medians if np.isfinite(median).all() and median[-1] < 0.9 * median[0]]
    n_early = sum(bool(median[0] - median[early] > 0.5 * (median[0] - median[-1])) for median in falling)
    return early > 3 and n_early > len(falling) / 2


def _scale_curves(axes: Axes, epochs: Array, losses: Array, log_epochs: bool) -> None:
    if log_epochs:
        log_scale(axes, "x", (float(epochs[0]), float(epochs[-1])), 4)
    else:
        axes.set_xlim(0, epochs[-1] or 1)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_formatter(lambda epoch, _: f"{epoch:,.0f}")
    shown = losses[losses > 0]
    lowest, highest = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    if highest > 20 * lowest > 0:
        log_scale(axes, "y", (lowest / 1.3, highest * 1.3), 4)
    else:
        axes.set_ylim(0, highest * 1.05)
        axes.yaxis.set_major_locator(MaxNLocator(4))
