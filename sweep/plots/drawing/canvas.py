"""Panels and rows of a figure, with its title and legend."""

import math
import textwrap
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator

from sweep.plots.drawing.marks import Drawing

GREY = "#555555"
_INCH_LEFT, _INCH_RIGHT, _INCH_BOTTOM, _INCH_LINE, _INCH_COLOUR_BAR = 0.85, 0.3, 0.62, 0.27, 0.85


def panels(
    names: Sequence[str], title: str, x_label: str, y_label: str, legend: Sequence[Artist], square: bool = False
) -> list[Axes]:
    """Lay out one panel per name that share their axes' labels; the legend stands under the title.

    Up to four panels are abreast; of square ones up to three, and there is room for a colour bar at their right.
    """
    n = len(names)
    n_columns = _n_columns(n, 3 if square else 4)
    width, panel_height = (7.2, 3.6) if n == 1 else (9.6, 2.9) if n <= 3 else (9.6, 2.0 if n == 4 else 1.55)
    right = _INCH_RIGHT + (_INCH_COLOUR_BAR if square else 0)
    column_gap = 0.36
    panel_width = (width - _INCH_LEFT - right - (n_columns - 1) * column_gap) / n_columns
    if square:
        panel_height = panel_width
    titles = [
        "\n".join(part for line in name.splitlines() for part in textwrap.wrap(line, int(panel_width / 0.092)))
        for name in names
    ]
    title_height = 0.18 * max(name.count("\n") for name in titles)
    row_gap = 0.33 + title_height
    head = _head_inches(title, legend, width) + (0.3 + title_height if any(names) else 0.1)
    n_rows = math.ceil(n / n_columns)
    height = head + n_rows * panel_height + (n_rows - 1) * row_gap + _INCH_BOTTOM
    figure = Drawing((width, height))
    _head(figure, title, legend)

    for i, name in enumerate(titles):
        row, column = divmod(i, n_columns)
        left = _INCH_LEFT + column * (panel_width + column_gap)
        bottom = height - head - (row + 1) * panel_height - row * row_gap
        axes = figure.add_axes((left / width, bottom / height, panel_width / width, panel_height / height))
        axes.set_title(name)
        axes.tick_params(labelleft=column == 0, labelbottom=i + n_columns >= n)
        figure.panels.append(axes)
    _labels(figure, (x_label, y_label), _INCH_LEFT, width - right, height - head)
    return figure.panels


def _labels(figure: Drawing, labels: tuple[str, str], left: float, right: float, top: float) -> None:
    """Write what all panels have along and upwards, at the middle of where they are, in inches."""
    width, height = figure.get_size_inches().tolist()
    figure.x_label, figure.y_label = labels
    figure.text((left + right) / 2 / width, 0.1 / height, labels[0], ha="center", va="bottom")
    middle = (_INCH_BOTTOM + top) / 2 / height
    figure.text(0.1 / width, middle, labels[1], ha="left", va="center", rotation="vertical")


def colour_bar(figure: Drawing, label: str) -> Axes:
    """An empty strip for a colour scale, at the right of square panels, with its ticks at its right."""
    width, height = figure.get_size_inches().tolist()
    top = max(axes.get_position().y1 for axes in figure.axes)
    left = 1 - (_INCH_COLOUR_BAR + 0.1) / width
    strip = min(top - _INCH_BOTTOM / height, 3.4 / height)
    axes = figure.add_axes((left, top - strip, 0.16 / width, strip))
    axes.set_title(label, fontsize=10, pad=9)
    axes.tick_params(labelbottom=False, labelleft=False, labelright=True)
    axes.grid(visible=False)
    figure.bar = axes
    return axes


def _n_columns(n: int, most: int) -> int:
    """How many of n panels are abreast, so that the last row is full or nearly so."""
    if n <= 3:
        return min(n, 2) if most == 3 else n
    if most == 3:
        return 2 if n == 4 else 3
    return 3 if n % 4 and (n % 3 == 0 or n == 5) else 4


def rows(
    names: Sequence[str],
    title: str,
    x_label: str,
    legend: Sequence[Artist],
    right: Sequence[str] = (),
    right_name: str = "",
    bottom: float = _INCH_BOTTOM,
) -> Axes:
    """Lay out one axes with a named row for each category, the first on top, and optionally a remark at its right.

    The remarks may have a name above them. Below the axes there are so many inches of room.
    """
    width = 7.2
    left = min(0.35 + 0.09 * max(map(len, names)), 3.0)
    right_margin = 0.35 + 0.09 * max(map(len, [*right, *right_name.split("\n")]), default=0)
    head = _head_inches(title, legend, width) + 0.1
    height = head + 0.34 * max(len(names), 2) + bottom
    figure = Drawing((width, height))
    _head(figure, title, legend)
    size = ((width - left - right_margin) / width, (height - head - bottom) / height)
    axes = figure.add_axes((left / width, bottom / height, *size))
    figure.panels.append(axes)
    figure.is_table = True
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(names)))))
    axes.yaxis.set_major_formatter(FixedFormatter(list(names)))
    axes.set_xlabel(x_label)
    for y, remark in enumerate(right):
        axes.text(1.03, y, remark, transform=axes.get_yaxis_transform(), va="center", color=GREY)
    if right_name:
        axes.text(1.03, -0.75, right_name, transform=axes.get_yaxis_transform(), va="bottom", fontsize=10)
    return axes


def _wrapped(title: str, width: float) -> list[str]:
    return textwrap.wrap(title, int((width - 0.2) / 0.106))


def _legend_rows(legend: Sequence[Artist], width: float) -> int:
    """The fewest rows in which a legend, filled column by column, is no wider than the figure."""
    inches = [0.55 + 0.085 * len(str(handle.get_label())) for handle in legend]
    for n_rows in range(1, len(inches)):
        if sum(max(inches[i : i + n_rows]) for i in range(0, len(inches), n_rows)) < width - 0.2:
            return n_rows
    return len(inches)


def _head_inches(title: str, legend: Sequence[Artist], width: float) -> float:
    return 0.14 + _INCH_LINE * (len(_wrapped(title, width)) + _legend_rows(legend, width))


def _head(figure: Drawing, title: str, legend: Sequence[Artist]) -> None:
    """Write the title, wrapped, and the legend under it."""
    width, height = figure.get_size_inches().tolist()
    lines = _wrapped(title, width)
    figure.heading, figure.legend_handles = title, list(legend)
    top = 1 - 0.1 / height
    figure.text(0.1 / width, top, "\n".join(lines), ha="left", va="top", fontsize=12.5, weight="bold")
    if legend:
        figure.legend(
            handles=figure.legend_handles,
            loc="upper left",
            bbox_to_anchor=(0.1 / width, 1 - (0.14 + _INCH_LINE * len(lines)) / height),
            ncols=math.ceil(len(legend) / _legend_rows(legend, width)),
        )


def picture_rows(
    names: Sequence[str],
    titles: Sequence[Sequence[str]],
    title: str,
    labels: tuple[str, str],
    legend: Sequence[Artist],
    row_gap: float = 0.45,
) -> list[list[Axes]]:
    """Lay out a row of square panels under each name, with room for a colour bar at the right of all.

    Parameters
    ----------
    names
        One for each row; a row without a name has no line for it.
    titles
        Of the panels of each row, one to three, each of any number of lines.
    title
        Of the figure.
    labels
        Of the axes to the right and upwards.
    legend
    row_gap
        In inches, with room for ticks.
    """
    n_columns = max(map(len, titles))
    panel = {1: 3.2, 2: 2.7, 3: 2.27, 4: 1.8}.get(n_columns, 6.6 / n_columns)
    gap = 0.45 if n_columns < 5 else 0.2
    width = max(_INCH_LEFT + n_columns * panel + (n_columns - 1) * gap + _INCH_RIGHT + _INCH_COLOUR_BAR, 5.6)
    heads = [
        0.17 * max(name.count("\n") + 1 for name in of_row) + (0.27 + 0.18 * name.count("\n") if name else 0.05)
        for name, of_row in zip(names, titles, strict=True)
    ]
    top = _head_inches(title, legend, width) + 0.05
    height = top + sum(heads) + len(heads) * panel + (len(heads) - 1) * row_gap + _INCH_BOTTOM
    figure = Drawing((width, height))
    _head(figure, title, legend)
    made: list[list[Axes]] = []
    bottom = height - top + row_gap
    for name, of_row, head in zip(names, titles, heads, strict=True):
        start = bottom - row_gap
        bottom = start - head - panel
        figure.text(_INCH_LEFT / width, start / height, name, ha="left", va="top", fontsize=11, weight="bold")
        made.append([])
        for column, text in enumerate(of_row):
            left = _INCH_LEFT + column * (panel + gap)
            axes = figure.add_axes((left / width, bottom / height, panel / width, panel / height))
            axes.set_title(text, fontsize=9.5, linespacing=1.15)
            axes.grid(visible=False)
            made[-1].append(axes)
        figure.panels += made[-1]
        figure.row_names[made[-1][0]] = name
    right = _INCH_LEFT + n_columns * panel + (n_columns - 1) * gap
    _labels(figure, labels, _INCH_LEFT, right, height - top)
    return made
