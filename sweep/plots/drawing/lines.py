"""Lines and rows of points, in the order in which they are drawn."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from sweep.plots.drawing.canvas import GREY
from sweep.plots.drawing.looks import Look
from sweep.plots.drawing.marks import figure_of

FEW_POINTS = 12

Array = NDArray[np.float64]


def lines(table: pd.DataFrame, panel: str, looks: dict[str, Look]) -> list[tuple[Look, dict[str, Array]]]:
    """The lines of one panel, each a dict from column to values, in drawing order."""
    part = table[table["panel"] == panel]
    of_line = part["line"].to_numpy(object)
    columns = {name: part[name].to_numpy() for name in part.columns if name not in ("panel", "line")}
    members = ((look, of_line == name) for name, look in looks.items())
    return [(look, {name: values[on] for name, values in columns.items()}) for look, on in members if on.any()]


def plot(axes: Axes, look: Look, x: Array, y: Array, few: bool = False, thin: bool = False) -> None:
    """Draw a line, with its points where they are few; a single run's is thin."""
    marker, width, alpha = ("o" if few else None), (0.5 if thin else look.width), (0.8 if thin else 1)
    axes.plot(
        x, y, look.style, color=look.colour, marker=marker, markersize=3.5, lw=width, alpha=alpha, gid=_gid(axes, look)
    )


def band(axes: Axes, look: Look, *curves: Array) -> None:
    """Fill between two curves, given as x, low and high, where they are finite."""
    edges = np.column_stack(curves).astype(np.float64)
    edges = edges[np.isfinite(edges).all(axis=1)]
    if len(edges):
        outline = np.concatenate([edges[:, [0, 1]], edges[::-1, [0, 2]]])
        axes.add_artist(Polygon(outline, facecolor=look.colour, alpha=0.22, linewidth=0, gid=_gid(axes, look)))


def _gid(axes: Axes, look: Look) -> str:
    """Name an artist by its line, its panel and its number there, so that a page can hide the line."""
    return f"{look.name}-{figure_of(axes).panels.index(axes)}-{len(axes.lines) + len(axes.patches)}"


def row_positions(table: pd.DataFrame, looks: dict[str, Look]) -> Iterator[tuple[float, Look, "pd.Series[Any]"]]:
    """Place the rows of a table of categories: the panel's number, lines side by side around it."""
    offsets = dict(zip(looks, np.linspace(-0.3, 0.3, len(looks)) if len(looks) > 1 else [0.0], strict=True))
    numbers = {name: i for i, name in enumerate(table["panel"].cat.categories)}
    for _, row in table.iterrows():
        yield numbers[row["panel"]] + offsets[row["line"]], looks[row["line"]], row


def note_if_none_converged(axes: Axes, drawn: Sequence[Mapping[str, Array]]) -> None:
    """Write "0 of 10,000 runs converged" into a panel in which no run of any line did."""
    if not any(line["n_converged"].any() for line in drawn):
        note = f"0 of {sum(int(line['n'].sum()) for line in drawn):,} runs\nconverged"
        axes.text(0.5, 0.45, note, transform=axes.transAxes, ha="center", va="center", color=GREY)
