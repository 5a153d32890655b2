"""Decision surfaces: what trained models answer between the rows of their table."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from sweep.analysis.findings import Findings
from sweep.analysis.representatives import Choice, Group, Model, logits, outputs
from sweep.plots.drawing.canvas import GREY, colour_bar, picture_rows
from sweep.plots.drawing.marks import Drawing, figure_of
from sweep.plots.drawing.style import styled
from sweep.words import assignment, number, of_group, outcome, unbroken

MARGIN = 0.4
"""Of the plane around the rows of the table, in spans of each input."""

N_CELLS = 241
"""Of a picture, in each direction."""
_N_SHADES = 41
"""Odd, so that one is that of ½; few, so that steps show and files are small."""
_WRAP = 31
_NUMBERED_ROWS = 16
"""Rows of a table up to which each point bears its target."""
_ORANGE, _BLUE = "#D55E00", "#0072B2"
COLOURS = LinearSegmentedColormap.from_list("output", [_ORANGE, "#F4C6A6", "#FFFFFF", "#A6CDE6", _BLUE])
"""From output 0 to output 1, both ends told apart by every kind of colour vision; white at ½."""


@styled
def decision_surfaces(findings: Findings, chosen: Sequence[Choice], models: Sequence[Model]) -> Drawing:
    """Draw the output of models over the plane of their two inputs, their tables' rows, and where the output is ½.

    Parameters
    ----------
    findings
        Of the result from which the runs were chosen.
    chosen
        At least one; group after group, at most three each.
    models
        One for each choice.
    """
    pairs = list(zip(chosen, models, strict=True))
    groups: dict[Group | None, list[tuple[Choice, Model]]] = {}
    for choice, model in pairs:
        groups.setdefault(choice.group, []).append((choice, model))
    rows = [(of_group(*group) if group else "", row) for group, row in groups.items()]
    if any(len(row) > 3 for _, row in rows):
        rows = [("", pairs[at : at + 3]) for at in range(0, len(pairs), 3)]
    titles = [[_title(findings, choice, model) for choice, model in row] for _, row in rows]
    legend = legend_of(models)
    names = [name for name, _ in rows]
    made = picture_rows(names, titles, "What the models answer", ("first input", "second input"), legend)
    for axes, (_, row) in zip(made, rows, strict=True):
        for panel, (_, model) in zip(axes, row, strict=True):
            picture(panel, model)
    return with_bar(figure_of(made[0][0]))


def legend_of(models: Sequence[Model]) -> list[Artist]:
    """Legend entries of pictures of models."""
    legend: list[Artist] = [Line2D([], [], color="black", linewidth=1.6, label="output ½")]
    targets = np.concatenate([model.table.targets for model in models])
    for target, colour in ((0, _ORANGE), (1, _BLUE)):
        if (targets == target).any():
            legend.append(_point(colour, label=f"row of the table with target {target}"))
    return legend


def with_bar(figure: Drawing) -> Drawing:
    """Add the colours of outputs to a figure of pictures."""
    bar = colour_bar(figure, "output")
    bar.imshow(np.linspace(0, 1, 256)[:, None], COLOURS, origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    bar.yaxis.tick_right()
    bar.xaxis.set_major_locator(NullLocator())
    bar.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    bar.yaxis.set_major_formatter(lambda share, _: {0.0: "0", 0.5: "½", 1.0: "1"}[share])
    return figure


def _title(findings: Findings, choice: Choice, model: Model) -> str:
    """Say which run a panel shows, its setting and its outcome, in lines."""
    of_row = findings.representatives.key if choice.group else None
    shown = [key for key in findings.by_kind if key != of_row]
    parts = [_value(findings, key, model.setting[key]) for key in shown if model.setting[key] is not None]
    setting = ", ".join([*parts, unbroken(f"seed {model.setting['seed']}")])
    who = f"{choice.role}: run {choice.run:,}" if choice.role else f"Run {choice.run:,}"
    became, *loss = outcome(choice.stored)
    return "\n".join([who, *textwrap.wrap(setting, _WRAP), *textwrap.wrap(became, _WRAP), *loss])


def _value(findings: Findings, key: str, value: Any) -> str:
    if not findings.settings.is_numeric(key):
        return unbroken(str(value)) if isinstance(value, str) else assignment(key, str(value).lower())
    return assignment(key, number(value) if abs(value) < 1000 else f"{value:.0f}".replace("-", "\N{MINUS SIGN}"))


def picture(axes: Axes, model: Model, n_cells: int = N_CELLS) -> None:
    """Draw the output of a model, the line where it is ½, and the rows of the table."""
    inputs, targets = model.table.inputs, model.table.targets
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1.0)
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    axes.set(xlim=(left, right), ylim=(bottom, top))
    for axis, values in ((axes.xaxis, inputs[:, 0]), (axes.yaxis, inputs[:, 1])):
        few = np.unique(values)
        axis.set_major_locator(FixedLocator(few.tolist()) if len(few) <= 3 else MaxNLocator(3))
    axes.spines[:].set_visible(True)
    if not model.identical:
        _note(axes, "came out otherwise than\nin the table of runs")
        return
    x, y = np.linspace(left, right, n_cells), np.linspace(bottom, top, n_cells)
    plane = np.column_stack([grid.ravel() for grid in np.meshgrid(x, y)])
    z = logits(model, plane).reshape(n_cells, n_cells)
    shown = np.round(np.clip(outputs(model, z), 0, 1), 9)
    if not np.isfinite(z).any():
        _note(axes, "no finite output")
        return
    shades = np.round(shown * (_N_SHADES - 1)) / (_N_SHADES - 1)
    cells = COLOURS(shades, bytes=True)[..., :3].copy()
    cells[np.isnan(shown)] = 0xB5
    axes.imshow(cells, origin="lower", aspect="auto", extent=(left, right, bottom, top), interpolation="none")
    crosses = bool(np.nanmin(shown) < 0.5 < np.nanmax(shown))
    if not crosses and (np.abs(shown - 0.5) < 0.5 / _N_SHADES).all():
        _note(axes, "about ½\neverywhere")
    elif np.isfinite(shown).all() and (side := np.unique(shown > 0.5)).size == 1:
        _note(axes, f"{'above' if side[0] else 'below'} ½\neverywhere")
    height = z - 0.5 if model.setting["output"] == "linear" else z
    if crosses:  # else of ½ everywhere the line would be noise
        height = np.where(np.isfinite(height), height, np.nan)
        height = np.round(height / np.nanmax(np.abs(height)), 12)  # whose products overflow otherwise
        axes.contour(x, y, height, levels=[0.0], colors="black", linewidths=1.6, linestyles="-")
    numbered = len(targets) <= _NUMBERED_ROWS and n_cells == N_CELLS
    for (x1, x2), target in zip(inputs.tolist(), targets.tolist(), strict=True):
        dark = abs(target - 0.5) > 0.25
        size = 13 if numbered else 5.5
        colour = COLOURS(target)
        axes.plot(x1, x2, "o", markersize=size, color=colour, markeredgecolor="black", clip_on=False, zorder=3)
        if numbered:
            text_colour = "white" if dark else "black"
            axes.text(
                x1, x2, f"{target:.2g}", color=text_colour, fontsize=8.5, ha="center", va="center_baseline", zorder=4
            )


def _point(colour: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker="o", linewidth=0, markersize=8, markeredgecolor="black", label=label)


def _note(axes: Axes, text: str) -> None:
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, bbox=ground, zorder=2.5)
