"""The figures of a finished sweep, each one function from a result to a matplotlib Figure."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import LineStyleType
from numpy.typing import NDArray

from sweep.report.axes import Layout, choose_layout, is_numeric, label, place, placed, points, quantiles
from sweep.report.canvas import GREY, bands, log_scale, panels, percent_ticks, rows, save, scale_x, styled
from sweep.report.tables import STATUSES, Result

__all__ = ["epochs_to_converge", "figures_for", "final_loss", "learning_curves", "save", "success_rate"]

LN2 = math.log(2)
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES: tuple[LineStyleType, ...] = ("-", "--", "-.", ":", "-", "--", "-.")
STATUS_COLOURS = {"converged": "#0072B2", "stationary": "#E69F00", "max_epochs": "#B5B5B5"}
DASHED = (0, (4, 3))
FEW_POINTS = 12
ZERO_EPOCHS = 0.25  # where a logarithmic axis shows 0 epochs, labelled as such
MAX_CURVE_LINES = 5
N_SINGLE_CURVES = 3

Array = NDArray[np.float64]


def figures_for(result: Result) -> dict[str, Callable[[Result], Figure]]:
    """Choose the figures that have something to show for this result.

    Returns
    -------
    dict
        From a figure's name, which is also its files' stem, to the function that draws it, in reading order: of one
        setting, the learning curves tell most and come first.
    """
    chosen: dict[str, Callable[[Result], Figure]] = {}
    if len(result.runs) == 0:
        return chosen
    chosen["success_rate"] = success_rate
    if (result.summary["n_converged"] > 0).any():
        chosen["epochs_to_converge"] = epochs_to_converge
    if np.isfinite(result.runs["final_loss"]).any():
        chosen["final_loss"] = final_loss
    if result.curves is not None and np.isfinite(result.curves["loss"]).any():
        one_setting = len(result.summary) == 1
        curves = {"learning_curves": learning_curves}
        return curves | chosen if one_setting else chosen | curves
    return chosen


@styled
def success_rate(result: Result) -> Figure:
    """Draw the share of runs that converged, with its Wilson 95 % interval as a band or a bar."""
    layout = choose_layout(result)
    table = points(result, layout)
    title = "Share of runs that converged" + _per(layout)
    if table["converged_low"].notna().any():
        title += ", with 95\N{NO-BREAK SPACE}% intervals"
    looks = _looks(table, layout, result)
    legend = _line_handles(looks, layout, result)
    if layout.x is None:
        names = _present(table["panel"], "all runs")
        counts = [f"{row.n_converged:,} of {row.n:,}" for row in table.sort_values("panel").itertuples()]
        remarks = counts if len(counts) == len(names) else []
        axes = rows(names, title, "share of runs that converged", legend, remarks)
        for y, look, row in _row_positions(table, looks):
            axes.hlines(y, row["converged_low"], row["converged_high"], color=look.colour, linewidth=4, alpha=0.35)
            axes.plot(row["converged_rate"], y, "o", color=look.colour, markersize=6, clip_on=False, zorder=3)
        axes.set_xlim(-0.02, 1.02)
        percent_ticks(axes.xaxis)
        return _figure(axes)

    names = _present(table["panel"])
    all_axes = panels(names, title, label(layout.x), "runs that converged", legend)
    for axes, name in zip(all_axes, names, strict=True):
        lines = _lines(table, name, looks)
        bands(axes, [(look.colour, line["x"], line["converged_low"], line["converged_high"]) for look, line in lines])
        for look, line in lines:
            _plot(axes, look, line["x"], line["converged_rate"])
        axes.set_ylim(-0.05, 1.05)
        percent_ticks(axes.yaxis)
        scale_x(axes, table["x"].to_numpy())
    return _figure(all_axes[0])


@styled
def epochs_to_converge(result: Result) -> Figure:
    """Draw the median and the 5–95 % range of the epochs to convergence, over all runs, converged or not.

    A quantile later than max_epochs is not known: a median's line ends before it, a range is cut at max_epochs.
    """
    layout = choose_layout(result)
    table = points(result, layout)
    max_epochs = int(result.manifest["experiment"]["train"]["max_epochs"])
    epochs = [name for name in table.columns if name.startswith("epochs_")]
    earliest = float(table[epochs].to_numpy().min())
    table[epochs] = table[epochs].clip(lower=ZERO_EPOCHS)
    table["cut_q95"] = table["epochs_q95"].clip(upper=max_epochs)
    limits = (max(min(earliest, max_epochs / 10), ZERO_EPOCHS) / 1.4, max_epochs * 1.6)
    named = {ZERO_EPOCHS: "0"} if earliest == 0 else {}

    title = "Epochs to convergence" + _per(layout) + ": median and 5–95\N{NO-BREAK SPACE}% of all runs"
    looks = _looks(table, layout, result)
    limit = Line2D(
        [], [], color=GREY, linewidth=1, linestyle=DASHED, label=f"max_epochs = {max_epochs:,}: not converged"
    )
    legend = [*_line_handles(looks, layout, result), limit]
    if layout.x is None:
        later: dict[str, Any] = {"marker": ">", "markersize": 7, "markerfacecolor": "white"}
        if np.isinf(table["epochs_q50"]).any():
            legend.append(Line2D([], [], color=GREY, linewidth=0, label="median is later", **later))
        axes = rows(_present(table["panel"], "all runs"), title, "epochs", legend)
        for y, look, row in _row_positions(table, looks):
            for low, high, width in (("epochs_q05", "epochs_q95", 1.5), ("epochs_q25", "epochs_q75", 5)):
                if np.isfinite(row[low]):
                    axes.hlines(y, row[low], min(row[high], max_epochs), color=look.colour, linewidth=width, alpha=0.6)
            if np.isfinite(row["epochs_q50"]):
                axes.plot(row["epochs_q50"], y, "o", color=look.colour, markersize=6, zorder=3)
            else:
                axes.plot(max_epochs, y, color=look.colour, zorder=3, **later)
        axes.axvline(max_epochs, color=GREY, linewidth=1, linestyle=DASHED)
        log_scale(axes, "x", limits, 6, named)
        return _figure(axes)

    names = _present(table["panel"])
    all_axes = panels(names, title, label(layout.x), "epochs", legend)
    for axes, name in zip(all_axes, names, strict=True):
        axes.axhline(max_epochs, color=GREY, linewidth=1, linestyle=DASHED)
        lines = _lines(table, name, looks)
        bands(axes, [(look.colour, line["x"], line["epochs_q05"], line["cut_q95"]) for look, line in lines])
        for look, line in lines:
            known = np.isfinite(line["epochs_q50"])
            _plot(axes, look, line["x"][known], line["epochs_q50"][known])
        if not any(line["n_converged"].any() for _, line in lines):
            note = f"0 of {sum(int(line['n'].sum()) for _, line in lines):,} runs\nconverged"
            axes.text(0.5, 0.45, note, transform=axes.transAxes, ha="center", va="center", color=GREY)
        log_scale(axes, "y", limits, 5, named)
        scale_x(axes, table["x"].to_numpy())
    return _figure(all_axes[0])


@styled
def final_loss(result: Result) -> Figure:
    """Draw how the final losses are distributed, by outcome, with ln 2 and the target marked."""
    layout = choose_layout(result)
    layout = Layout(None, layout.panels or layout.lines, None, by_inputs=layout.by_inputs)
    panel = placed(result.runs, layout)["panel"].cat
    status = result.runs["status"].astype(pd.CategoricalDtype(list(STATUSES)))
    loss = result.runs["final_loss"].to_numpy()
    target = result.manifest["experiment"]["train"].get("target_loss")
    marks: dict[str, tuple[float, str, LineStyleType]] = {
        "ln 2: answers ½ to every input": (LN2, "#000000", (0, (1, 1.2)))
    }
    if target is not None:
        marks[f"target_loss = {target:g}"] = (float(target), "#009E73", "-")
    edges = _loss_edges(loss[np.isfinite(loss)], [value for value, *_ in marks.values()])
    named = {edges[0]: "lower"} if loss.min() < edges[0] else {}
    named |= {edges[-1]: "higher"} if loss[np.isfinite(loss)].max() > edges[-1] else {}

    bins = np.clip(np.searchsorted(edges, loss, side="right") - 1, 0, len(edges) - 2)
    counts = np.zeros((len(panel.categories), len(STATUSES), len(edges) - 1))
    np.add.at(counts, (panel.codes, status.cat.codes, bins), 1)
    shares = counts / counts.sum(axis=(1, 2), keepdims=True)
    highest = float(np.delete(shares, STATUSES.index("diverged"), axis=1).sum(axis=1).max())
    all_diverged = counts[:, STATUSES.index("diverged")].sum(axis=1)
    present = [name for name in STATUS_COLOURS if (status == name).any()]
    legend: list[Artist] = [Patch(color=STATUS_COLOURS[name], label=name) for name in present]
    for name, (_, colour, style) in marks.items():
        legend.append(Line2D([], [], color=colour, linewidth=1.3, linestyle=style, label=name))
    title = "Distribution of final losses" + _per(layout)
    all_axes = panels(list(panel.categories), title, "final loss (nats)", "share of runs", legend)
    for axes, share, n_diverged in zip(all_axes, shares, all_diverged, strict=True):
        base = np.zeros(len(edges) - 1)
        for name in present:
            top = base + share[STATUSES.index(name)]
            colour = STATUS_COLOURS[name]
            axes.add_artist(StepPatch(top, edges, baseline=cast(Any, base), fill=True, color=colour, linewidth=0))
            base = top
        for value, colour, style in marks.values():
            axes.axvline(value, color=colour, linewidth=1.3, linestyle=style)
        if n_diverged:
            note = f"{n_diverged:,.0f} diverged"
            axes.text(0.98, 0.97, note, transform=axes.transAxes, ha="right", va="top", fontsize=10)
        log_scale(axes, "x", (edges[0], edges[-1]), 4, named)
        axes.set_ylim(0, highest * 1.05)
        axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    return _figure(all_axes[0])


@styled
def learning_curves(result: Result) -> Figure:
    """Draw the loss over the epochs: per setting the median and the 5–95 % range over its runs, and a few single runs.

    A run that stopped keeps its final loss. Along the main numeric axis at most five values are shown; axes without a
    panel or a line of their own are held at their first value, as the title says.

    Raises
    ------
    ValueError
        If the losses were not recorded.
    """
    if result.curves is None:
        raise ValueError("this result has no learning curves: run it with record_every above 0")
    runs, layout, held = _curve_settings(result)
    table = placed(runs, layout)
    looks = _looks(table, layout, result)
    epochs = _curve_epochs(result.curves)
    losses = _losses_at(epochs, result.curves, runs)
    members = table.groupby(["panel", "line"], observed=True).indices
    medians = [quantiles(losses[rows_of])[2] for rows_of in members.values()]
    if log_epochs := _fall_early(epochs, medians):
        epochs, losses = epochs[epochs > 0], losses[:, epochs > 0]

    title = "Loss while training" + _per(layout) + ": median and 5–95\N{NO-BREAK SPACE}% of the runs"
    title += "".join(f"; {label(key)} = {value}" for key, value in held.items())
    single = Line2D([], [], color=GREY, linewidth=0.6, label="single runs")
    names = _present(table["panel"])
    all_axes = panels(names, title, "epochs", "loss (nats)", [*_line_handles(looks, layout, result), single])
    drawn = []
    for setting, rows_of in members.items():
        name, line = cast(tuple[str, str], setting)
        axes, look = all_axes[names.index(name)], looks[line]
        low, _, middle, _, high = np.where(np.isinf(q := quantiles(losses[rows_of])), np.nan, q)
        bands(axes, [(look.colour, epochs, low, high)])
        for curve in losses[rows_of[:N_SINGLE_CURVES]]:
            axes.plot(epochs, curve, color=look.colour, linewidth=0.5, alpha=0.8)
        axes.plot(epochs, middle, look.style, color=look.colour)
        drawn += [low, middle, high]
    for axes in all_axes:
        _scale_curves(axes, epochs, np.array(drawn), log_epochs)
    return _figure(all_axes[0])


class Look(NamedTuple):
    """How a line is told from the others."""

    colour: str
    style: LineStyleType


def _per(layout: Layout) -> str:
    axes = [label(axis) for axis in (layout.panels, layout.lines) if axis]
    if layout.by_inputs:
        axes[0] = "number of inputs"
    return f" per {' and '.join(axes)}" if axes else ""


def _present(column: "pd.Series[Any]", unnamed: str = "") -> list[str]:
    return [str(name) or unnamed for name in column.cat.categories]


def _figure(axes: Axes) -> Figure:
    return cast(Figure, axes.figure)


def _looks(table: pd.DataFrame, layout: Layout, result: Result) -> dict[str, Look]:
    """Colours for the lines: as different as can be for categories, in order for numbers."""
    names = list(table["line"].cat.categories)
    if layout.lines is not None and is_numeric(result, layout.lines):
        colours = [to_hex(colour) for colour in colormaps["viridis"](np.linspace(0, 0.88, len(names)))]
        return {name: Look(colour, "-") for name, colour in zip(names, colours, strict=True)}
    looks = [Look(colour, style) for colour, style in zip(OKABE_ITO, LINE_STYLES, strict=True)]
    return dict(zip(names, looks, strict=False))


def _line_handles(looks: dict[str, Look], layout: Layout, result: Result) -> list[Artist]:
    """Legend entries: a category such as "normal(0, 1)" says what it is, a number does not."""
    if layout.lines is None:
        return []
    symbol = "η" if layout.lines == "learning_rate" else label(layout.lines)
    lead = f"{symbol} = " if is_numeric(result, layout.lines) else ""
    return [Line2D([], [], color=look.colour, ls=look.style, label=f"{lead}{name}") for name, look in looks.items()]


def _lines(table: pd.DataFrame, panel: str, looks: dict[str, Look]) -> list[tuple[Look, dict[str, Array]]]:
    """The lines of one panel, each a dict from column to values, in drawing order."""
    part = table[table["panel"] == panel]
    of_line = part["line"].to_numpy(object)
    columns = {name: part[name].to_numpy() for name in part.columns if name not in ("panel", "line")}
    members = ((look, of_line == name) for name, look in looks.items())
    return [(look, {name: values[on] for name, values in columns.items()}) for look, on in members if on.any()]


def _plot(axes: Axes, look: Look, x: Array, y: Array) -> None:
    """Draw a line, with its points where they are few."""
    marker = "o" if len(x) <= FEW_POINTS else None
    axes.plot(x, y, look.style, color=look.colour, marker=marker, markersize=3.5)


def _row_positions(table: pd.DataFrame, looks: dict[str, Look]) -> Iterator[tuple[float, Look, "pd.Series[Any]"]]:
    """Place the rows of a table of categories: the panel's number, lines side by side around it."""
    offsets = dict(zip(looks, np.linspace(-0.3, 0.3, len(looks)) if len(looks) > 1 else [0.0], strict=True))
    numbers = {name: i for i, name in enumerate(table["panel"].cat.categories)}
    for _, row in table.iterrows():
        yield numbers[row["panel"]] + offsets[row["line"]], looks[row["line"]], row


def _loss_edges(losses: Array, marks: list[float]) -> Array:
    """Edges of about 40 bins, equal on the logarithmic axis, one at the last mark, over the losses and the marks.

    What is far below the marks goes to the first bin, the highest thousandth of the losses to the last.
    """
    low, high = np.quantile(losses, [0, 0.999])
    low = max(min(low, *marks) / 2, 10.0 ** (math.floor(math.log10(min(marks))) - 3))
    high = max(high, *marks) * 2
    width = math.log(high / low) / 40
    n_below, n_above = math.ceil(math.log(marks[-1] / low) / width), math.ceil(math.log(high / marks[-1]) / width)
    return np.asarray(marks[-1] * np.exp(width * np.arange(-n_below, n_above + 1)))


def _curve_settings(result: Result) -> tuple[pd.DataFrame, Layout, dict[str, str]]:
    """Choose the runs whose curves are shown, their layout, and the axes held at one value."""
    layout = choose_layout(result)
    runs = result.runs
    spare = [layout.lines, *layout.pooled] if layout.x and layout.panels else [*layout.pooled]
    held = {}
    for key in filter(None, spare):
        first = place(runs[key]).cat.categories[0]
        held[key] = str(first)
        runs = runs[place(runs[key]) == first]
    if layout.x is None:
        return runs, layout, held
    values = np.sort(runs[layout.x].unique())
    chosen = np.unique(np.linspace(0, len(values) - 1, MAX_CURVE_LINES).round().astype(int))
    runs = runs[runs[layout.x].isin(values[chosen])]
    return runs, Layout(None, layout.panels or layout.lines, layout.x, by_inputs=layout.by_inputs), held


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
