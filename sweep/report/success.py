"""The success curves: the share of all runs that have converged by each epoch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sweep.report.axes import (
    Layout,
    assignment,
    choose_layout,
    combinations_in,
    is_numeric,
    joined,
    label,
    place,
    varying,
)
from sweep.report.canvas import bands, log_scale, panels, percent_ticks, styled
from sweep.report.curves import MAX_CURVE_LINES
from sweep.report.heatmap import PIECE
from sweep.report.looks import check_runs, figure_of, looks_of_names, per
from sweep.report.result import Result
from sweep.report.tables import wilson

MAX_EPOCHS_DRAWN = 400
FEWEST_RUNS = 10
"""Of the largest curve: with fewer, its steps say less than a table."""
ZERO_EPOCHS = 0.5
"""Where a logarithmic axis shows 0 epochs, labelled as such."""

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Curves:
    """The share of the runs of some settings that have converged by each of some epochs.

    Attributes
    ----------
    epochs : int64, shape (n_epochs,)
        From 0 to max_epochs, increasing; the shares are exact at each.
    n, n_settings : int64, shape (n_panels, n_lines)
        Runs and settings of each curve; 0 where there is none.
    converged : int64, shape (n_panels, n_lines, n_epochs)
        How many of the runs have converged by each epoch.
    panels, lines : list of str
        The names of the curves.
    axis : str or None
        The axis whose values the lines are.
    of : int
        How many values this axis has, of which the lines are some.
    held : dict
        The axes that are held at one value, which is the one shown.
    together : tuple of str
        The axes whose values are counted together.
    """

    epochs: Numbers
    n: Numbers
    n_settings: Numbers
    converged: Numbers
    panels: list[str]
    lines: list[str]
    axis: str | None = None
    of: int = 1
    held: dict[str, str] = field(default_factory=dict)
    together: tuple[str, ...] = ()

    @property
    def shares(self) -> Array:
        """`converged` / `n`: float64, its shape, NaN where there are no runs."""
        n = np.where(self.n > 0, self.n, np.nan)[..., None]
        return np.asarray(self.converged / n)

    @property
    def intervals(self) -> tuple[Array, Array]:
        """Wilson's 95 % interval at each epoch, where the curve is one of repetitions of one setting; else NaN."""
        low, high = wilson(self.converged, np.maximum(self.n, 1)[..., None])
        single = (self.n_settings == 1)[..., None]
        return np.where(single, low, np.nan), np.where(single, high, np.nan)


def curves_of(result: Result) -> Curves:
    """Count the runs that have converged by each epoch, over all runs: one that failed never converges.

    The panels are those of `choose_layout`. Lines are at most five values of its main numeric axis, evenly spread over
    those that every panel has; any other axis is held at one value that every panel has, a number in the middle or the
    first category. A curve then holds repetitions of one setting. Where there is no numeric axis, the lines are those
    of the layout. Counted together are all settings of a plane, gates too many to show one by one, and the values of
    an axis that has none in common to all panels.

    Parameters
    ----------
    result : Result
        With one run at least.
    """
    layout = _shown(choose_layout(result))
    panel = combinations_in(result, "summary", layout.panels, layout.by_inputs).cat
    panel_of = np.asarray(panel.codes, np.int32)
    line_of = np.zeros(len(panel_of), np.int32)
    names, axis, n_values = [""], None, 1
    together = ["gate"] if layout.by_inputs else []
    held: dict[str, str] = {}
    if layout.plane is not None:
        together += [key for key in varying(result) if key not in (*layout.panels, *together)]
    else:
        for key in layout.pooled:
            values, codes = _values(result, key)
            common = _common(codes, len(values), panel_of, line_of >= 0)
            if len(common):
                at = common[(len(common) - 1) // 2 if is_numeric(result, key) else 0]
                held[key] = values[at]
                line_of[codes != at] = -1
            else:
                together.append(key)
    if layout.lines is not None:
        values, codes = _values(result, layout.lines)
        common = _common(codes, len(values), panel_of, line_of >= 0)
        if not is_numeric(result, layout.lines):
            common = np.arange(len(values))
        if len(common):
            axis, n_values = layout.lines, len(values)
            chosen = common[np.unique(np.linspace(0, len(common) - 1, MAX_CURVE_LINES).round().astype(int))]
            chosen = chosen if is_numeric(result, axis) else common
            names = [values[at] for at in chosen]
            number = np.full(n_values, -1)
            number[chosen] = np.arange(len(chosen))
            line_of = np.where(line_of >= 0, number[codes], -1).astype(np.int32)
        else:
            together.append(layout.lines)

    n_of = result.part("summary", ["n"])["n"].to_numpy()
    shape = len(panel.categories), len(names)
    curve_of = np.where(line_of >= 0, panel_of * shape[1] + line_of, -1).astype(np.int32)
    drawn = curve_of >= 0
    n, n_settings = (
        np.bincount(curve_of[drawn], weights, minlength=math.prod(shape)).astype(np.int64).reshape(shape)
        for weights in (n_of[drawn], None)
    )
    epochs, converged = _counted(result, np.repeat(curve_of, n_of), shape)
    panels = [str(name) for name in panel.categories]
    return Curves(epochs, n, n_settings, converged, panels, names, axis, n_values, held, tuple(together))


@styled
def success_curves(result: Result) -> Figure:
    """Draw the share of all runs that have converged by epoch t, with a pointwise 95 % Wilson interval.

    Runs that diverged, or did not converge within max_epochs, never do. A curve that counts several settings together
    has no interval: these are no repetitions.
    """
    check_runs(result)
    curves = curves_of(result)
    layout = _shown(choose_layout(result))
    earliest = int(curves.epochs[(curves.converged.sum(axis=(0, 1)) > 0).argmax()])
    t = np.maximum(curves.epochs.astype(np.float64), ZERO_EPOCHS)
    limits = max(min(earliest, t[-1] / 100), ZERO_EPOCHS) / 1.4, float(t[-1])
    ordered = curves.axis is not None and is_numeric(result, curves.axis)
    looks = list(looks_of_names(curves.lines, ordered).values())
    legend: list[Artist] = []
    if curves.axis is not None:
        names = [assignment(curves.axis, name) if ordered else name for name in curves.lines]
        pairs = zip(looks, names, strict=True)
        legend += [Line2D([], [], color=look.colour, linestyle=look.style, label=name) for look, name in pairs]
    title = "Share of all runs converged by epoch t" + per(replace(layout, lines=curves.axis))
    title += "".join(f"; {assignment(key, value)}" for key, value in curves.held.items())
    if mixed := [label(key) for key in curves.together if key != "gate" or not layout.by_inputs]:
        title += f"; all values of {joined(mixed)} together"
    all_axes = panels(curves.panels, title, "epoch t", "runs converged", legend)
    for axes, *of_panel in zip(all_axes, curves.shares, *curves.intervals, strict=True):
        edges = [(look.colour, *_band(t, *ends)) for look, *ends in zip(looks, *of_panel[1:], strict=True)]
        bands(axes, edges)
        for look, share in zip(looks, of_panel[0], strict=True):
            if np.isfinite(share).all():
                axes.plot(*_steps(t, share), look.style, color=look.colour)
        axes.set_ylim(-0.05, 1.05)
        percent_ticks(axes.yaxis)
        log_scale(axes, "x", limits, 4, {ZERO_EPOCHS: "0"} if earliest == 0 else {})
    return figure_of(all_axes[0])


def has_curves(result: Result) -> bool:
    """Whether success curves say something: some run converges in them, and one at least is of several runs."""
    if not (result.part("summary", ["n_converged"])["n_converged"] > 0).any():
        return False
    curves = curves_of(result)
    return bool(curves.converged.any()) and int(curves.n.max()) >= FEWEST_RUNS


def caption(result: Result) -> str:
    """What the success curves show, how failures were counted, and what is not shown."""
    curves = curves_of(result)
    said = [
        "Share of all runs that have converged by epoch t; a run that diverged, or did not converge within max_epochs, "
        "never does."
    ]
    single = (curves.n_settings == 1)[curves.n > 0]
    if single.any():
        counts = curves.n[curves.n_settings == 1]
        n = f"{counts.min():,}" if counts.min() == counts.max() else f"{counts.min():,} to {counts.max():,}"
        said.append(
            f"Shaded: the 95\N{NO-BREAK SPACE}% Wilson interval at each epoch by itself, from {n} runs a curve; the "
            "whole curve lies within with less certainty."
        )
    if curves.axis is not None and len(curves.lines) < curves.of:
        said.append(f"Lines: {len(curves.lines)} of the {curves.of:,} values of {label(curves.axis)}.")
    if not single.all():
        what = joined([label(key) for key in curves.together]) if curves.together else "settings that share a curve"
        said.append(f"Counted together, so without an interval: all values of {what}.")
    return " ".join(said)


def _shown(layout: Layout) -> Layout:
    """The parts of axes where time runs along the figure: lines are the numeric axis, `pooled` has no part."""
    if layout.plane is not None:
        panels = tuple(key for key in layout.panels if key not in layout.plane)
        return Layout(None, panels, by_inputs=layout.by_inputs, plane=layout.plane)
    if layout.x is None:
        return layout
    spare = (layout.lines,) if layout.lines else ()
    if layout.panels:
        return Layout(None, layout.panels, layout.x, (*spare, *layout.pooled), layout.by_inputs)
    return Layout(None, spare, layout.x, layout.pooled, layout.by_inputs)


def _values(result: Result, key: str) -> tuple[list[str], Numbers]:
    """The values of an axis by name, and the number of that of each setting."""
    column = place(result.part("summary", [key])[key]).cat
    return [str(name) for name in column.categories], np.asarray(column.codes, np.int64)


def _common(codes: Numbers, n_values: int, panel_of: NDArray[np.int32], wanted: NDArray[np.bool_]) -> Numbers:
    """The values of an axis that occur in every panel, among the settings wanted."""
    occurs = np.zeros((int(panel_of.max()) + 1, n_values), np.bool_)
    occurs[panel_of[wanted], codes[wanted]] = True
    return np.flatnonzero(occurs.all(axis=0))


def _counted(result: Result, curve_of: NDArray[np.int32], shape: tuple[int, int]) -> tuple[Numbers, Numbers]:
    """Some epochs, and how many runs of each curve have converged by each: all epochs where something changes, if few.

    Parameters
    ----------
    result : Result
    curve_of : int32, shape (n_runs,)
        The curve of each run, −1 for none.
    shape
        Numbers of panels and of lines.
    """
    runs = result.part("runs", ["status", "converged_epoch"])
    max_epochs = int(result.manifest["experiment"]["train"]["max_epochs"])
    found: Numbers = np.array([0, max_epochs], np.int64)
    first = max_epochs
    for _, epoch in _pieces(runs, curve_of):
        if len(epoch):
            first = min(first, int(epoch.min()))
            found = np.union1d(found, epoch) if len(found) <= MAX_EPOCHS_DRAWN else found
    if len(found) > MAX_EPOCHS_DRAWN:
        spread = np.geomspace(max(first, 1), max_epochs, MAX_EPOCHS_DRAWN).round().astype(np.int64)
        found = np.unique(np.append(spread, [0, first, max_epochs]))
    counts = np.zeros(math.prod(shape) * len(found), np.int64)
    for curve, epoch in _pieces(runs, curve_of):
        places = curve * len(found) + np.searchsorted(found, epoch)
        counts += np.bincount(places, minlength=len(counts))
    return found, counts.reshape(*shape, -1).cumsum(axis=2)


def _pieces(runs: pd.DataFrame, curve_of: NDArray[np.int32]) -> Iterator[tuple[Numbers, Numbers]]:
    """Of the runs that converged and have a curve: its number, and the epoch."""
    for start in range(0, len(runs), PIECE):
        piece = runs.iloc[start : start + PIECE]
        curve = curve_of[start : start + PIECE]
        counted = (piece["status"] == "converged").to_numpy(np.bool_) & (curve >= 0)
        yield curve[counted].astype(np.int64), piece["converged_epoch"][counted].to_numpy(np.int64)


def _steps(t: Array, share: Array) -> tuple[Array, Array]:
    """The corners of a curve that keeps each value until the next epoch."""
    return np.repeat(t, 2)[1:], np.repeat(share, 2)[:-1]


def _band(t: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """The corners of a band between two such curves."""
    return _steps(t, low)[0], _steps(t, low)[1], _steps(t, high)[1]
