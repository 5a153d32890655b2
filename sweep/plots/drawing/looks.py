"""How lines and panels are told apart: by colours, styles and names."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from sweep.analysis.findings import Findings
from sweep.analysis.layout import Layout
from sweep.analysis.names import text_of
from sweep.results.settings import Settings
from sweep.words import joined, label

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STATUS_COLOURS = {"converged": "#0072B2", "stationary": "#E69F00", "max_epochs": "#B5B5B5"}
LINE_STYLES: tuple[LineStyleType, ...] = ("-", "--", "-.", ":", "-", "--", "-.")


class Look(NamedTuple):
    """How a line is told from the others."""

    colour: str
    style: LineStyleType


def looks_of(names: Sequence[str], layout: Layout, settings: Settings) -> dict[str, Look]:
    """Choose colours for the lines of a layout, by their names."""
    return looks_of_names(names, layout.lines is not None and settings.is_numeric(layout.lines))


def looks_of_names(names: Sequence[str], ordered: bool) -> dict[str, Look]:
    """Choose colours for lines: as different as can be for categories, in order for numbers (`ordered`)."""
    if ordered:
        colours = [to_hex(colour) for colour in colormaps["viridis"](np.linspace(0, 0.88, len(names)))]
        return {name: Look(colour, "-") for name, colour in zip(names, colours, strict=True)}
    looks = [Look(colour, style) for colour, style in zip(OKABE_ITO, LINE_STYLES, strict=True)]
    return dict(zip(names, looks, strict=False))


def line_handles(looks: dict[str, Look], layout: Layout, settings: Settings) -> list[Artist]:
    """Legend entries: a category such as "normal(0, 1)" says what it is, a number does not."""
    if layout.lines is None:
        return []
    names = [text_of(settings, layout.lines, name) for name in looks]
    looks_and_names = zip(looks.values(), names, strict=True)
    return [Line2D([], [], color=look.colour, ls=look.style, label=name) for look, name in looks_and_names]


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
    if findings.n_runs == 0:
        raise ValueError("this result has no runs, so there is nothing to draw")


def figure_of(axes: Axes) -> Figure:
    """The figure that axes of ours belong to, which is no subfigure."""
    return cast(Figure, axes.figure)
