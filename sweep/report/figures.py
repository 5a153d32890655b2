"""The figures of a finished sweep, each one function from a result to a matplotlib Figure."""

import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import LineStyleType
from numpy.typing import NDArray

from sweep.kernel import STATUSES
from sweep.report.axes import choose_layout, combinations_in, label, points, varying
from sweep.report.canvas import GREY, bands, log_scale, panels, percent_ticks, rows, save, scale_x, styled
from sweep.report.curves import learning_curves
from sweep.report.heatmap import PIECE, heat_map
from sweep.report.looks import Look, check_runs, figure_of, line_handles, looks_of, panels_only, per, present
from sweep.report.losses import constants, exact, unit
from sweep.report.marks import mark
from sweep.report.overlays import draw_infimum, draw_laws, infima, infimum_handle, law_handle, laws
from sweep.report.result import Result
from sweep.report.settings import n_rows
from sweep.report.stability import has_edge, stability
from sweep.report.success import has_curves, success_curves

__all__ = [
    "epochs_to_converge",
    "figures_for",
    "final_loss",
    "heat_map",
    "learning_curves",
    "save",
    "stability",
    "success_curves",
    "success_rate",
]

STATUS_COLOURS = {"converged": "#0072B2", "stationary": "#E69F00", "max_epochs": "#B5B5B5"}
DASHED = (0, (4, 3))
FEW_POINTS = 12
ZERO_EPOCHS = 0.25  # where a logarithmic axis shows 0 epochs, labelled as such

Array = NDArray[np.float64]


def figures_for(result: Result) -> dict[str, Callable[[Result], Figure]]:
    """Choose the figures that have something to show for this result.

    Returns
    -------
    dict
        From a figure's name, which is also its files' stem, to the function that draws it, in reading order: of one
        setting, the learning curves tell most and come first, and of a gate that is not separable, the edge of
        stability.
    """
    chosen: dict[str, Callable[[Result], Figure]] = {}
    if n_rows(result, "runs") == 0:
        return chosen
    layout = choose_layout(result)
    edge = has_edge(result)
    if edge and "gate" not in varying(result):
        chosen["stability"] = stability
    counts = result.part("summary", ["n", "n_converged", "n_diverged"])
    if layout.plane is not None:
        chosen["heat_map"] = heat_map
    if not layout.lines_mix:
        chosen["success_rate"] = success_rate
        if (counts["n_converged"] > 0).any():
            chosen["epochs_to_converge"] = epochs_to_converge
    if has_curves(result):
        chosen["success_curves"] = success_curves
    if edge:
        chosen["stability"] = stability
    if (counts["n_diverged"] < counts["n"]).any():
        chosen["final_loss"] = final_loss
    if result.curves is not None and np.isfinite(result.curves["loss"]).any():
        one_setting = len(counts) == 1
        curves = {"learning_curves": learning_curves}
        return curves | chosen if one_setting else chosen | curves
    return chosen


@styled
def success_rate(result: Result) -> Figure:
    """Draw the share of runs that converged, with its Wilson 95 % interval as a band or a bar."""
    check_runs(result)
    layout = choose_layout(result)
    table = points(result, layout)
    title = "Share of runs that converged" + per(layout)
    if table["converged_low"].notna().any():
        title += ", with 95\N{NO-BREAK SPACE}% intervals"
    looks = looks_of(table, layout, result)
    legend = line_handles(looks, layout, result)
    if layout.x is None:
        names = present(table["panel"], "all runs")
        counts = [f"{row.n_converged:,} of {row.n:,}" for row in table.sort_values("panel").itertuples()]
        remarks = counts if len(counts) == len(names) else []
        axes = rows(names, title, "share of runs that converged", legend, remarks)
        for y, look, row in _row_positions(table, looks):
            axes.hlines(y, row["converged_low"], row["converged_high"], color=look.colour, linewidth=4, alpha=0.35)
            axes.plot(row["converged_rate"], y, "o", color=look.colour, markersize=6, clip_on=False, zorder=3)
            mark(axes, row["converged_rate"], y, [row["rows"]])
        axes.set_xlim(-0.02, 1.02)
        percent_ticks(axes.xaxis)
        return figure_of(axes)

    names = present(table["panel"])
    all_axes = panels(names, title, label(layout.x), "runs that converged", legend)
    few = table["x"].nunique() <= FEW_POINTS
    for axes, name in zip(all_axes, names, strict=True):
        lines = _lines(table, name, looks)
        bands(axes, [(look.colour, line["x"], line["converged_low"], line["converged_high"]) for look, line in lines])
        for look, line in lines:
            _plot(axes, look, line["x"], line["converged_rate"], few)
            mark(axes, line["x"], line["converged_rate"], line["rows"])
        axes.set_ylim(-0.05, 1.05)
        percent_ticks(axes.yaxis)
        scale_x(axes, table["x"].to_numpy())
    return figure_of(all_axes[0])


@styled
def epochs_to_converge(result: Result) -> Figure:
    """Draw the median and the 5–95 % range of the epochs to convergence, over all runs, converged or not.

    A quantile later than max_epochs is not known: a median's line ends before it, a range is cut at max_epochs.
    """
    check_runs(result)
    layout = choose_layout(result)
    table = points(result, layout)
    max_epochs = int(result.manifest["experiment"]["train"]["max_epochs"])
    epochs = [name for name in table.columns if name.startswith("epochs_")]
    earliest = float(table[epochs].to_numpy().min())
    table[epochs] = table[epochs].clip(lower=ZERO_EPOCHS)
    table["cut_q95"] = table["epochs_q95"].clip(upper=max_epochs)
    limits = (max(min(earliest, max_epochs / 10), ZERO_EPOCHS) / 1.4, max_epochs * 1.6)
    named = {ZERO_EPOCHS: "0"} if earliest == 0 else {}

    title = "Epochs to convergence" + per(layout) + ": median and 5–95\N{NO-BREAK SPACE}% of all runs"
    looks = looks_of(table, layout, result)
    limit = Line2D(
        [], [], color=GREY, linewidth=1, linestyle=DASHED, label=f"max_epochs = {max_epochs:,}: not converged"
    )
    predicted = laws(result, layout)
    legend = [*line_handles(looks, layout, result), *([law_handle()] if predicted else []), limit]
    if layout.x is None:
        later: dict[str, Any] = {"marker": ">", "markersize": 7, "markerfacecolor": "white"}
        if np.isinf(table["epochs_q50"]).any():
            legend.append(Line2D([], [], color=GREY, linewidth=0, label="median is later", **later))
        axes = rows(present(table["panel"], "all runs"), title, "epochs", legend)
        axes.set_xlim(limits)
        for y, look, row in _row_positions(table, looks):
            for low, high, width in (("epochs_q05", "epochs_q95", 1.5), ("epochs_q25", "epochs_q75", 5)):
                if np.isfinite(row[low]):
                    axes.hlines(y, row[low], min(row[high], max_epochs), color=look.colour, linewidth=width, alpha=0.6)
            if np.isfinite(row["epochs_q50"]):
                axes.plot(row["epochs_q50"], y, "o", color=look.colour, markersize=6, zorder=3)
            else:
                axes.plot(max_epochs, y, color=look.colour, zorder=3, **later)
            mark(axes, min(row["epochs_q50"], max_epochs), y, [row["rows"]])
        axes.axvline(max_epochs, color=GREY, linewidth=1, linestyle=DASHED)
        log_scale(axes, "x", limits, 6, named)
        return figure_of(axes)

    names = present(table["panel"])
    all_axes = panels(names, title, label(layout.x), "epochs", legend)
    few = table["x"].nunique() <= FEW_POINTS
    for axes, name in zip(all_axes, names, strict=True):
        axes.axhline(max_epochs, color=GREY, linewidth=1, linestyle=DASHED)
        lines = _lines(table, name, looks)
        bands(axes, [(look.colour, line["x"], line["epochs_q05"], line["cut_q95"]) for look, line in lines])
        for look, line in lines:
            known = np.isfinite(line["epochs_q50"])
            _plot(axes, look, line["x"][known], line["epochs_q50"][known], few)
            mark(axes, line["x"][known], line["epochs_q50"][known], line["rows"][known])
        draw_laws(axes, predicted.get(name, []))
        if not any(line["n_converged"].any() for _, line in lines):
            note = f"0 of {sum(int(line['n'].sum()) for _, line in lines):,} runs\nconverged"
            axes.text(0.5, 0.45, note, transform=axes.transAxes, ha="center", va="center", color=GREY)
        log_scale(axes, "y", limits, 5, named)
        scale_x(axes, table["x"].to_numpy())
    return figure_of(all_axes[0])


@styled
def final_loss(result: Result) -> Figure:
    """Draw how the final losses are distributed, by outcome; marked are the target and what answering ½ costs.

    Where theory knows that a table is not separable, so is the least loss that any weights have.

    Raises
    ------
    ValueError
        If every run diverged.
    """
    check_runs(result)
    layout = panels_only(choose_layout(result))
    panel = combinations_in(result, "runs", layout.panels, layout.by_inputs).cat
    runs = result.part("runs", ["status", "final_loss"])
    status = runs["status"].cat.set_categories(list(STATUSES)).cat.codes.to_numpy()
    loss = runs["final_loss"].to_numpy()
    target = result.manifest["experiment"]["train"].get("target_loss")
    marks: dict[str, tuple[float, str, LineStyleType]] = {
        f"{name}: answers ½ to every input": (value, "#000000", (0, (1, 1.2))) for name, value, _ in constants(result)
    }
    if target is not None:
        marks[f"target_loss = {exact(target)}"] = (float(target), "#009E73", "-")
    finite = loss[np.isfinite(loss)]
    if len(finite) == 0:
        raise ValueError("every run diverged, so there are no final losses to draw")
    lowest, highest = finite.min(), finite.max()
    least = infima(result, layout)
    edges = _loss_edges(finite, [*sorted(set(least.values())), *(value for value, *_ in marks.values())])
    del finite
    named = {edges[0]: "lower"} if lowest < edges[0] else {}
    named |= {edges[-1]: "higher"} if highest > edges[-1] else {}

    shape = (len(panel.categories), len(STATUSES), len(edges) - 1)
    counts = _histograms(panel.codes.to_numpy(), status, loss, edges, shape)
    shares = counts / counts.sum(axis=(1, 2), keepdims=True)
    highest = float(np.delete(shares, STATUSES.index("diverged"), axis=1).sum(axis=1).max())
    all_diverged = counts[:, STATUSES.index("diverged")].sum(axis=1)
    present = [name for name in STATUS_COLOURS if counts[:, STATUSES.index(name)].any()]
    legend: list[Artist] = [Patch(color=STATUS_COLOURS[name], label=name) for name in present]
    for name, (_, colour, style) in marks.items():
        legend.append(Line2D([], [], color=colour, linewidth=1.3, linestyle=style, label=name))
    legend += [infimum_handle()] if least else []
    title = "Distribution of final losses" + per(layout)
    names = [str(name) for name in panel.categories]
    all_axes = panels(names, title, f"final loss ({unit(result)})", "share of runs", legend)
    for axes, name, share, n_diverged in zip(all_axes, names, shares, all_diverged, strict=True):
        if name in least:
            draw_infimum(axes, least[name])
        base = np.zeros(len(edges) - 1)
        for outcome in present:
            top = base + share[STATUSES.index(outcome)]
            colour = STATUS_COLOURS[outcome]
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
    return figure_of(all_axes[0])


def _histograms(
    panel: NDArray[np.integer[Any]],
    status: NDArray[np.integer[Any]],
    loss: Array,
    edges: Array,
    shape: tuple[int, int, int],
) -> NDArray[np.int64]:
    """Number of runs of each panel, status and bin of losses, what lies outside in the first bin and the last."""
    counts = np.zeros(math.prod(shape), np.int64)
    for start in range(0, len(loss), PIECE):
        piece = slice(start, start + PIECE)
        bins = np.clip(np.searchsorted(edges, loss[piece], side="right") - 1, 0, shape[2] - 1)
        places = np.ravel_multi_index((panel[piece].astype(np.intp), status[piece].astype(np.intp), bins), shape)
        counts += np.bincount(places, minlength=len(counts))
    return counts.reshape(shape)


def _lines(table: pd.DataFrame, panel: str, looks: dict[str, Look]) -> list[tuple[Look, dict[str, Array]]]:
    """The lines of one panel, each a dict from column to values, in drawing order."""
    part = table[table["panel"] == panel]
    of_line = part["line"].to_numpy(object)
    columns = {name: part[name].to_numpy() for name in part.columns if name not in ("panel", "line")}
    members = ((look, of_line == name) for name, look in looks.items())
    return [(look, {name: values[on] for name, values in columns.items()}) for look, on in members if on.any()]


def _plot(axes: Axes, look: Look, x: Array, y: Array, few: bool) -> None:
    """Draw a line, with its points where they are few."""
    marker = "o" if few else None
    axes.plot(x, y, look.style, color=look.colour, marker=marker, markersize=3.5)


def _row_positions(table: pd.DataFrame, looks: dict[str, Look]) -> Iterator[tuple[float, Look, "pd.Series[Any]"]]:
    """Place the rows of a table of categories: the panel's number, lines side by side around it."""
    offsets = dict(zip(looks, np.linspace(-0.3, 0.3, len(looks)) if len(looks) > 1 else [0.0], strict=True))
    numbers = {name: i for i, name in enumerate(table["panel"].cat.categories)}
    for _, row in table.iterrows():
        yield numbers[row["panel"]] + offsets[row["line"]], looks[row["line"]], row


def _loss_edges(losses: Array, marks: list[float]) -> Array:
    """Edges of about 40 bins, equal on the logarithmic axis, one at the last mark, over the losses and the marks.

    What is more than three powers of ten below the marks goes to the first bin; the highest thousandth of the losses,
    and what is as far above 1 and the marks, to the last. The losses are overwritten.
    """
    marks = marks or [1.0]
    lowest = 10.0 ** (math.floor(math.log10(min(marks))) - 3)
    highest = 1e3 * max(1.0, *marks)
    np.minimum(losses, highest, out=losses)
    low, high = np.quantile(losses, [0, 0.999], overwrite_input=True)
    low = max(min(low, *marks) / 2, lowest)
    high = max(high, *marks) * 2
    width = math.log(high / low) / 40
    n_below, n_above = math.ceil(math.log(marks[-1] / low) / width), math.ceil(math.log(high / marks[-1]) / width)
    return np.asarray(marks[-1] * np.exp(width * np.arange(-n_below, n_above + 1)))
