"""How lines and panels are told apart: by colours, styles and names."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from sweep.analysis.findings import Findings
from sweep.analysis.layout import Layout
from sweep.analysis.names import text_of
from sweep.results.settings import Settings
from sweep.words import joined, label

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
WIDEST, NARROWEST = 3.4, 1.7
"""Widths of lines, in points."""
LINE_STYLES: tuple[LineStyleType, ...] = ("-", "--", "-.", ":", "-", "--", "-.")


class Look(NamedTuple):
    """How a line is told from the others.

    Attributes
    ----------
    name
        Its name within a drawing: "line-0", "line-1", ….
    colour, style
    width
        In points. Lines that are drawn later are narrower, so that of lines that coincide each can be seen.
    """

    name: str
    colour: str
    style: LineStyleType
    width: float


def looks_of(names: Sequence[str], layout: Layout, settings: Settings) -> dict[str, Look]:
    """Choose colours for the lines of a layout, by their names."""
    return looks_of_names(names, layout.lines is not None and settings.is_numeric(layout.lines))


def looks_of_names(names: Sequence[str], ordered: bool) -> dict[str, Look]:
    """Choose colours for lines: as different as can be for categories, in order for numbers (`ordered`)."""
    styles: Sequence[tuple[str, LineStyleType]] = tuple(zip(OKABE_ITO, LINE_STYLES, strict=True))
    if ordered:
        styles = [(to_hex(colour), "-") for colour in colormaps["viridis"](np.linspace(0, 0.84, len(names)))]
    widths = np.linspace(WIDEST if ordered else NARROWEST, NARROWEST, len(names)).tolist()
    looks = zip(names, styles, widths, strict=False)
    return {name: Look(f"line-{n}", *style, width) for n, (name, style, width) in enumerate(looks)}


def line_handles(looks: dict[str, Look], layout: Layout, settings: Settings) -> list[Artist]:
    """Legend entries: a category such as "normal(0, 1)" says what it is, a number does not."""
    if layout.lines is None:
        return []
    names = [text_of(settings, layout.lines, name) for name in looks]
    return [handle(look, name) for look, name in zip(looks.values(), names, strict=True)]


def handle(look: Look, name: str) -> Artist:
    """The legend entry of a line."""
    return Line2D([], [], color=look.colour, ls=look.style, lw=look.width, label=name, gid=look.name)


def per(layout: Layout) -> str:
    """The axes of panels and lines, for a title."""
    axes = [label(axis) for axis in (*layout.panels, layout.lines) if axis]
    if layout.by_inputs:
        axes[0] = "number of inputs"
    return f" per {joined(axes)}" if axes else ""


def present(column: "pd.Series[Any]", unnamed: str = "") -> list[str]:
    """The categories, in order, the empty one by another name."""
    return [str(name) or unnamed for name in column.cat.categories]


def check_runs(findings: Findings) -> None:
    """Refuse a result without runs: ``ValueError``."""
    if findings.result.n_runs == 0:
        raise ValueError("this result has no runs, so there is nothing to draw")
