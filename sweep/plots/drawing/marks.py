"""What the points of a figure stand for: which rows of the summary, so that a page can tell the numbers of each.

A function that draws says it with one line beside the one that draws, in the same data coordinates. It changes nothing
that is drawn.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from sweep.plots.drawing.style import PICTURE_EFFORT, styled


@dataclass(frozen=True, eq=False)
class Series:
    """Points of a line, or any others that belong together, where they are in the figure.

    Attributes
    ----------
    x, y : float64, shape (n,)
        As shares of the figure's width and height, from its left and its top.
    rows : tuple of int64 arrays, length n
        Rows of the summary, by position, that each point stands for: several where they are counted together.
    numbers : mapping
        What else the figure says at each point: a name → float64, shape (n,).
    line : str
        Name of the line in the drawing, if it can be hidden.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    rows: tuple[NDArray[np.int64], ...]
    numbers: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    line: str = ""


@dataclass(frozen=True, eq=False)
class Cells:
    """A picture whose every cell is a setting.

    Attributes
    ----------
    left, top, width, height : float
        As shares of the figure's width and height, from its left and its top.
    rows : int array, shape (n_y, n_x)
        The row of the summary, by position, of each cell, the lowest ones first; −1 where there is none.
    """

    left: float
    top: float
    width: float
    height: float
    rows: NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class _Mark:
    axes: Axes
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    rows: Sequence[Any] | NDArray[Any]
    numbers: Mapping[str, NDArray[np.float64]]
    line: str


@dataclass(frozen=True, eq=False)
class _MarkedCells:
    axes: Axes
    rows: NDArray[np.integer[Any]]


class Drawing(Figure):
    """A figure that knows what it consists of, and that notebooks show by themselves.

    Attributes
    ----------
    marks : list
        What `mark` and `mark_cells` noted.
    panels : list of Axes
        Its panels, row by row; a colour bar is none.
    heading, x_label, y_label : str
        Its title, and what its panels have along and upwards.
    legend_handles : list of Artist
        What its legend shows; an entry of lines that can be told apart has their name as its gid.
    row_names : dict
        First panel of a row → the name of the row, where rows have names.
    bar : Axes or None
        Its colour bar.
    is_table : bool
        True for named rows in one panel, which is never cut out of the figure.
    """

    def __init__(self, size: tuple[float, float] | None = None) -> None:
        super().__init__(figsize=size)
        self.marks: list[_Mark | _MarkedCells] = []
        self.panels: list[Axes] = []
        self.heading = self.x_label = self.y_label = ""
        self.legend_handles: list[Artist] = []
        self.row_names: dict[Axes, str] = {}
        self.bar: Axes | None = None
        self.is_table = False

    @styled
    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": PICTURE_EFFORT})
        return file.getvalue()


def figure_of(axes: Axes) -> Drawing:
    """Return the drawing that axes of ours belong to."""
    return cast(Drawing, axes.figure)


def mark(
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    rows: Sequence[Any] | NDArray[Any],
    numbers: Mapping[str, ArrayLike] | None = None,
    line: str = "",
) -> None:
    """Note which settings some points stand for that are drawn in axes, as the points of one line.

    Parameters
    ----------
    axes
    x, y : float, shape (n,) or single numbers
        Data coordinates. Points that are not finite, or outside of the axes, cannot be pointed at.
    rows : length n
        For each point a row of the summary, by position, or an array of rows that are counted together.
    numbers
        What else the figure says at each point, shape (n,) each, such as {"epoch": …}.
    line
        Name of the line, if it can be hidden.
    """
    xs, ys = (np.atleast_1d(np.asarray(values, np.float64)) for values in (x, y))
    more = {name: np.asarray(values, np.float64) for name, values in (numbers or {}).items()}
    if not len(xs) == len(ys) == len(rows) or any(len(values) != len(xs) for values in more.values()):
        raise ValueError(f"marks: found {len(xs)} x, {len(ys)} y and {len(rows)} rows; allowed: as many of each")
    figure_of(axes).marks.append(_Mark(axes, xs, ys, rows, more, line))


def mark_cells(axes: Axes, rows: NDArray[np.integer[Any]]) -> None:
    """Note which setting each cell of a picture stands for that ``imshow`` draws with its origin at the bottom.

    Parameters
    ----------
    axes
    rows : int array, shape (n_y, n_x)
        Rows of the summary, by position; −1 where there is no setting.
    """
    figure_of(axes).marks.append(_MarkedCells(axes, rows))


def located(drawing: Drawing) -> list[Series | Cells]:
    """Return the points noted in a drawing, where they are once all axes have their limits and scales."""
    found = [_series(mark) if isinstance(mark, _Mark) else _cells(mark) for mark in drawing.marks]
    return [mark for mark in found if not isinstance(mark, Series) or len(mark.x)]


def _shares(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Data coordinates as shares of the figure, from its left and its top."""
    with np.errstate(all="ignore"):
        at = axes.transData.transform(np.column_stack([x, y])) / figure_of(axes).bbox.size
    return at[:, 0], 1.0 - at[:, 1]


def _series(marked: _Mark) -> Series:
    x, y = _shares(marked.axes, marked.x, marked.y)
    box = marked.axes.get_position()
    inside = (np.abs(x - (box.x0 + box.x1) / 2) <= box.width / 2 + 0.01) & (
        np.abs(y - (1.0 - (box.y0 + box.y1) / 2)) <= box.height / 2 + 0.01
    )
    which = np.flatnonzero(inside).tolist()
    rows = tuple(np.atleast_1d(np.asarray(marked.rows[place], np.int64)) for place in which)
    return Series(
        x[which], y[which], rows, {name: values[which] for name, values in marked.numbers.items()}, marked.line
    )


def _cells(marked: _MarkedCells) -> Cells:
    n_y, n_x = marked.rows.shape
    x, y = _shares(marked.axes, np.array([-0.5, n_x - 0.5]), np.array([-0.5, n_y - 0.5]))
    return Cells(float(x[0]), float(y[1]), float(x[1] - x[0]), float(y[0] - y[1]), marked.rows)
