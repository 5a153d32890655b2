"""Curves over epochs: the share of runs that have converged by each, and the losses on the way."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.layout import Layout, varying
from sweep.analysis.names import combinations, values_by_name
from sweep.engine.tally import last_of_bins
from sweep.results.result import Result
from sweep.results.settings import Settings
from sweep.results.statistics import PIECE, quantiles, recoded, spread, sums_by, wilson

MAX_CURVE_LINES = 5
N_SINGLE_CURVES = 3
MAX_EPOCHS_DRAWN = 400
MAX_LOSSES_DRAWN = 120
FEWEST_RUNS = 10
"""Least number of runs in the largest curve: with fewer, a table says more."""
Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class SuccessCurves:
    """Share of the runs of some settings that have converged by each of some epochs.

    Attributes
    ----------
    epochs : int64, shape (n_epochs,)
        From 0 to max_epochs, increasing; the shares are exact at each.
    n, n_settings : int64, shape (n_panels, n_lines)
        Runs and settings of each curve; 0 where there is none.
    converged : int64, shape (n_panels, n_lines, n_epochs)
        How many of the runs have converged by each epoch.
    axis, of
        The axis whose values have lines, and the number of its values, not all of which do.
    held
        The axes that are held at one value, which is the one shown.
    together
        The axes whose values are counted together.
    """

    epochs: Numbers
    n: Numbers
    n_settings: Numbers
    converged: Numbers
    panels: list[str]
    lines: list[str]
    layout: Layout
    axis: str | None = None
    of: int = 1
    held: dict[str, str] = field(default_factory=dict)
    together: tuple[str, ...] = ()

    @property
    def tell(self) -> bool:
        """True if some run converges, and one curve at least is of several runs."""
        return bool(self.converged.any()) and int(self.n.max()) >= FEWEST_RUNS

    @property
    def shares(self) -> Array:
        """Quotient `converged` / `n`: float64, shape of `converged`, NaN where there are no runs."""
        n = np.where(self.n > 0, self.n, np.nan)[..., None]
        return np.asarray(self.converged / n)

    @property
    def intervals(self) -> tuple[Array, Array]:
        """Wilson's 95 % interval at each epoch of curves whose runs repeat one setting; NaN for other curves."""
        low, high = wilson(self.converged, np.maximum(self.n, 1)[..., None])
        single = (self.n_settings == 1)[..., None]
        return np.where(single, low, np.nan), np.where(single, high, np.nan)


def success_curves(result: Result, whole: Layout) -> SuccessCurves:
    """Count the runs that have converged by each epoch, over all runs: one that failed never converges.

    The panels are those of `whole`. Lines are at most five values of its main numeric axis, evenly spread over
    those that every panel has; any other axis is held at one value that every panel has, a number in the middle or the
    first category. A curve then holds repetitions of one setting. Where there is no numeric axis, the lines are those
    of the layout. Three things are counted together: all settings of a plane, gates too many to show one by one, and
    the values of an axis if no value occurs in every panel.

    Parameters
    ----------
    result : Result
        With one run at least.
    """
    layout, settings = _shown(whole), result.settings
    panel_of, panels = combinations(settings, layout.panels, layout.by_inputs)
    if layout.plane is None:
        shown, held, mixed = _held(settings, layout.pooled, panel_of)
    else:
        shown, held = np.ones(settings.n, np.bool_), {}
        mixed = [
            key for key in varying(settings) if key not in layout.panels and not (layout.by_inputs and key == "gate")
        ]
    line_of, names = _lines_of(settings, layout.lines, panel_of, shown)
    if layout.lines is not None and not names:
        mixed.append(layout.lines)
    axis = layout.lines if names else None
    shape = len(panels), max(len(names), 1)
    curve_of = panel_of.astype(np.int16)
    curve_of *= shape[1]
    curve_of += line_of
    curve_of[~shown | (line_of < 0)] = -1
    n, n_settings = (sums_by(curve_of, n, math.prod(shape)).reshape(shape) for n in (result.n, None))
    epochs, converged = _counted(result, result.of_runs(curve_of), shape)
    return SuccessCurves(
        epochs,
        n,
        n_settings,
        converged,
        panels,
        names or [""],
        layout,
        axis,
        len(settings.values(axis)) if axis else 1,
        held,
        ("gate", *mixed) if layout.by_inputs else tuple(mixed),
    )


def _held(
    settings: Settings, keys: Sequence[str], panel_of: Codes
) -> tuple[NDArray[np.bool_], dict[str, str], list[str]]:
    """Hold keys at a value that every panel has.

    Returns the settings that are left, the name of the value of each key, and the keys that have no such value.
    """
    shown = np.ones(settings.n, np.bool_)
    held: dict[str, str] = {}
    mixed = []
    for key in keys:
        codes, names = values_by_name(settings, key)
        common = _common(codes, len(names), panel_of, shown)
        if len(common):
            at = common[(len(common) - 1) // 2 if settings.is_numeric(key) else 0]
            held[key] = names[at]
            shown &= codes == at
        else:
            mixed.append(key)
    return shown, held, mixed


def _lines_of(
    settings: Settings, key: str | None, panel_of: Codes, shown: NDArray[np.bool_]
) -> tuple[Codes, list[str]]:
    """Choose values of a key for the lines: of each setting the line, −1 for none, and the names of the lines.

    All settings have one line without a name where there is no key, or no value of it that every panel has.
    """
    if key is None:
        return np.zeros(settings.n, np.int8), []
    codes, names = values_by_name(settings, key)
    chosen = np.unique(codes[shown])
    if settings.is_numeric(key):
        common = _common(codes, len(names), panel_of, shown)
        if not len(common):
            return np.zeros(settings.n, np.int8), []
        chosen = common[np.unique(np.linspace(0, len(common) - 1, MAX_CURVE_LINES).round().astype(int))]
    number = np.full(len(names), -1, np.int8)
    number[chosen] = np.arange(len(chosen))
    return recoded(number, codes), [names[at] for at in chosen]


def _shown(layout: Layout) -> Layout:
    """Lay out the axes where epochs run along the figure: the numeric axis has lines, `pooled` has no part."""
    if layout.plane is not None:
        panels = tuple(key for key in layout.panels if key not in layout.plane)
        return Layout(None, panels, by_inputs=layout.by_inputs, plane=layout.plane)
    if layout.x is None:
        return layout
    spare = (layout.lines,) if layout.lines else ()
    if layout.panels:
        return Layout(None, layout.panels, layout.x, (*spare, *layout.pooled), layout.by_inputs)
    return Layout(None, spare, layout.x, layout.pooled, layout.by_inputs)


def _common(codes: Codes, n_values: int, panel_of: Codes, wanted: NDArray[np.bool_]) -> Numbers:
    """Return the values of an axis that occur in every panel, among the settings wanted."""
    occurs = np.zeros((int(panel_of.max()) + 1, n_values), np.bool_)
    for start in range(0, len(codes), PIECE):
        piece = slice(start, start + PIECE)
        occurs[panel_of[piece][wanted[piece]], codes[piece][wanted[piece]]] = True
    return np.flatnonzero(occurs.all(axis=0))


def _counted(result: Result, curve_of: Codes, shape: tuple[int, int]) -> tuple[Numbers, Numbers]:
    """Choose epochs, every one at which a run converges unless these are many; count the runs converged by each.

    `curve_of` is the curve of each run, −1 for none, and `shape` the numbers of panels and of lines.
    """
    runs = result.outcomes(["status", "converged_epoch"])
    n = result.weights
    if n is not None:  # at the end of a bin it is known who has converged
        runs["converged_epoch"] = result.part("counts", ["epoch_high"])["epoch_high"]
    max_epochs = result.experiment.train.max_epochs
    found: Numbers = np.array([0, max_epochs], np.int64)
    first = max_epochs
    for _, epoch, _ in _pieces(runs, curve_of, n):
        if len(epoch):
            first = min(first, int(epoch.min()))
            found = np.union1d(found, epoch) if len(found) <= MAX_EPOCHS_DRAWN else found
    if len(found) > MAX_EPOCHS_DRAWN:
        spread = np.geomspace(max(first, 1), max_epochs, MAX_EPOCHS_DRAWN).round().astype(np.int64)
        spread = spread if n is None else np.minimum(last_of_bins(spread), max_epochs)
        found = np.unique(np.append(spread, [0, first, max_epochs]))
    counts = np.zeros(math.prod(shape) * len(found), np.int64)
    for curve, epoch, each in _pieces(runs, curve_of, n):
        places = curve * len(found) + np.searchsorted(found, epoch)
        counts += np.bincount(places, each, len(counts)).astype(np.int64)
    return found, counts.reshape(*shape, -1).cumsum(axis=2)


def _pieces(
    runs: pd.DataFrame, curve_of: Codes, n: Numbers | None
) -> Iterator[tuple[Numbers, Numbers, Numbers | None]]:
    """Yield the number of the curve, the epoch and n of those runs that converged and have a curve, piece by piece."""
    for start in range(0, len(runs), PIECE):
        piece = runs.iloc[start : start + PIECE]
        curve = curve_of[start : start + PIECE]
        counted = (piece["status"] == "converged").to_numpy(np.bool_) & (curve >= 0)
        each = None if n is None else n[start : start + PIECE][counted]
        yield curve[counted].astype(np.int64), piece["converged_epoch"][counted].to_numpy(np.int64), each


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Losses of the runs of one line of one panel: their `QUANTILES`, NaN where infinite, and those of a few runs.

    Both have the shape (…, n_epochs). `rows` are those of the summary, by position, that the runs belong to.
    """

    panel: str
    line: str
    quantiles: Array
    single: Array
    rows: Numbers


@dataclass(frozen=True, eq=False)
class LearningCurves:
    """Losses over the epochs of training, a curve for each panel and line, and the axes held at the value shown.

    `log_epochs` is true if most lines fall early, so that a logarithmic axis shows more.
    """

    epochs: Array
    log_epochs: bool
    curves: list[LearningCurve]
    panels: list[str]
    lines: list[str]
    layout: Layout
    held: dict[str, str]


def learning_curves(result: Result, whole: Layout) -> LearningCurves | None:
    """Take the quantiles of the losses over the epochs; None where no losses were recorded.

    A run that stopped keeps its final loss. Along the main numeric axis at most five values are shown; axes without a
    panel or a line of their own are held at one value, a number in the middle or the first category.
    """
    if result.curves is None:
        return None
    settings = result.settings
    layout = replace(whole.panels_only, lines=whole.x) if whole.x else whole
    spare = [whole.lines] if whole.lines and whole.x and whole.panels else []
    together = np.zeros(settings.n, np.int8)  # panels need have no value in common
    shown, held, _ = _held(settings, [*spare, *whole.pooled], together)
    line_of, lines = _lines_of(settings, layout.lines, together, shown)
    lines = lines or [""]
    shown &= line_of >= 0
    rows = np.flatnonzero(shown)
    panel, panels = combinations(settings, layout.panels, layout.by_inputs, rows)
    at = np.flatnonzero(result.of_runs(shown))
    runs = result.part("runs", ["run", "epochs", "final_loss"]).iloc[at]
    epochs = _curve_epochs(result.curves)
    losses = _losses_at(epochs, result.curves, runs)
    row_of_run = result.of_runs(np.arange(settings.n))[at]
    groups = pd.DataFrame({"panel": panel, "line": line_of[rows]}, index=rows).loc[row_of_run]
    members = groups.groupby(["panel", "line"]).indices
    log_epochs = _fall_early(epochs, [quantiles(losses[at])[2] for at in members.values()])
    if log_epochs:
        epochs, losses = epochs[epochs > 0], losses[:, epochs > 0]
    made = []
    for place, of_curve in members.items():
        at_panel, at_line = cast(tuple[int, int], place)
        found = quantiles(losses[of_curve])
        made.append(
            LearningCurve(
                panels[at_panel],
                lines[at_line],
                np.where(np.isinf(found), np.nan, found),
                losses[of_curve[:N_SINGLE_CURVES]],
                np.unique(row_of_run[of_curve]),
            )
        )
    return LearningCurves(epochs, log_epochs, made, panels, lines, layout, held)


def _curve_epochs(curves: pd.DataFrame) -> Array:
    """Choose at most 120 of the recorded epochs, dense enough for a linear and for a logarithmic axis."""
    recorded = np.unique(curves["epoch"].to_numpy())
    return recorded[spread(len(recorded), MAX_LOSSES_DRAWN)].astype(np.float64)


def _losses_at(epochs: Array, curves: pd.DataFrame, runs: pd.DataFrame) -> Array:
    """Return the loss of each run (row) at each epoch (column): the last recorded, or its final one once it stopped."""
    table = curves[curves["run"].isin(runs["run"])].pivot(index="run", columns="epoch", values="loss")
    recorded = table.reindex(index=runs["run"], columns=np.union1d(table.columns, epochs)).ffill(axis=1)[epochs]
    stopped = epochs >= runs["epochs"].to_numpy(dtype=np.float64)[:, None]
    return np.where(stopped, runs["final_loss"].to_numpy()[:, None], recorded)


def _fall_early(epochs: Array, medians: list[Array]) -> bool:
    """Return True if most lines fall half their way in the first fiftieth of the epochs, and that part was recorded."""
    early = int(np.searchsorted(epochs, 0.02 * epochs[-1]))
    falling = [median for median in medians if np.isfinite(median).all() and median[-1] < 0.9 * median[0]]
    n_early = sum(bool(median[0] - median[early] > 0.5 * (median[0] - median[-1])) for median in falling)
    return early > 3 and n_early > len(falling) / 2
