"""The style all figures share: panels, rows, ticks, legends; and saving them to the same bytes every time.

Figures are made without pyplot, in one style whatever the user's matplotlib settings are. matplotlib keeps its settings
in one global table, so figures are made and saved one at a time: everything here may be called from any thread.
"""

import io
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from threading import RLock
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray
from PIL import Image

GREY = "#555555"
PICTURE_DPI = 160
"""Resolution of what is a picture within an SVG file."""
PICTURE_EFFORT = 3
"""Of zlib, 1 to 9, for whole pictures."""
_INCH_LEFT, _INCH_RIGHT, _INCH_BOTTOM, _INCH_LINE, _INCH_COLOUR_BAR = 0.85, 0.3, 0.62, 0.27, 0.85

_GROUPS = {
    "axes",
    "figure",
    "font",
    "grid",
    "legend",
    "lines",
    "markers",
    "mathtext",
    "patch",
    "path",
    "savefig",
    "svg",
}
_GROUPS |= {"text", "xaxis", "xtick", "yaxis", "ytick"}

P = ParamSpec("P")
R = TypeVar("R")

_matplotlib_lock = RLock()


@cache
def _style() -> Any:
    """Return every setting that bears on a figure, ours or else matplotlib's own default, never the user's."""
    style = mpl.rc_params_from_file(Path(__file__).with_name("sweep.mplstyle"))
    return {name: value for name, value in style.items() if name.split(".")[0] in _GROUPS}


@contextmanager
def _in_style() -> Iterator[None]:
    with _matplotlib_lock, mpl.rc_context(_style()):
        yield


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Make a function draw in the project's style, alone."""

    @wraps(draw)
    def draw_in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with _in_style():
            return draw(*args, **kwargs)

    return draw_in_style


class Picture(Figure):
    """A figure that notebooks show by themselves."""

    @styled
    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()


@styled
def save(figure: Figure, stem: Path | str) -> list[Path]:
    """Write `stem`.svg and `stem`.png, the same bytes for the same figure.

    Pictures of more cells than the figure has dots are written whole as well, one cell a dot.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        One made by a function of `sweep.report.figures`.
    stem : path
        The files' path without suffix; its directory exists.

    Returns
    -------
    list of Path
        The SVG file, then the PNG file, then `stem`_full.png, or `stem`_full_1.png … of several panels. None exists
        until it is whole.
    """
    metadata: dict[str, dict[str, Any]] = {
        "svg": dict.fromkeys(("Creator", "Date", "Format", "Type")),
        "png": {"Software": None},
    }
    resolution: dict[str, dict[str, Any]] = {"svg": {"dpi": PICTURE_DPI}, "png": {}}
    paths = []
    whole = _save_whole(figure, stem)
    _reduce(figure)
    for kind in ("svg", "png"):
        path = Path(f"{stem}.{kind}")
        unfinished = path.with_name(path.name + ".unfinished")
        figure.savefig(unfinished, format=kind, metadata=metadata[kind], **resolution[kind])
        paths.append(unfinished.replace(path))
    return paths + whole


def _reduce(figure: Figure) -> None:
    """Average the cells of pictures that have several to a dot of the figure: drawing takes many bytes for each."""
    for axes in figure.axes:
        dots = axes.get_position().size * figure.get_size_inches() * PICTURE_DPI
        for image in axes.get_images():
            picture = np.asarray(image.get_array())
            n = int(min(np.array(picture.shape[1::-1]) // np.ceil(dots)))
            if n > 1 and picture.ndim == 3:
                height, width = (size - size % n for size in picture.shape[:2])
                rows = (picture[at : at + n, :width].reshape(n, width // n, n, -1) for at in range(0, height, n))
                image.set_data(np.array([row.mean(axis=(0, 2)).round() for row in rows], np.uint8))


def _save_whole(figure: Figure, stem: Path | str) -> list[Path]:
    """Write each picture that has more cells than dots in the figure, upwards as there."""
    pictures = []
    for axes in figure.axes:
        dots = axes.get_position().size * figure.get_size_inches() * PICTURE_DPI
        for image in axes.get_images():
            picture = np.asarray(image.get_array())
            if (np.array(picture.shape[1::-1]) > dots).any():
                pictures.append(picture)
    paths = []
    for number, picture in enumerate(pictures, 1):
        path = Path(f"{stem}_full{f'_{number}' if len(pictures) > 1 else ''}.png")
        unfinished = path.with_name(path.name + ".unfinished")
        Image.fromarray(picture[::-1]).save(unfinished, format="png", compress_level=PICTURE_EFFORT)
        paths.append(unfinished.replace(path))
    return paths


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
    figure = Picture(figsize=(width, height))
    _head(figure, title, legend)

    made = []
    for i, name in enumerate(titles):
        row, column = divmod(i, n_columns)
        left = _INCH_LEFT + column * (panel_width + column_gap)
        bottom = height - head - (row + 1) * panel_height - row * row_gap
        axes = figure.add_axes((left / width, bottom / height, panel_width / width, panel_height / height))
        axes.set_title(name)
        axes.tick_params(labelleft=column == 0, labelbottom=i + n_columns >= n)
        made.append(axes)
    middle = (_INCH_LEFT + width - right) / 2 / width
    figure.text(middle, 0.1 / height, x_label, ha="center", va="bottom")
    centre = (_INCH_BOTTOM + height - head) / 2 / height
    figure.text(0.1 / width, centre, y_label, ha="left", va="center", rotation="vertical")
    return made


def colour_bar(figure: Figure, label: str) -> Axes:
    """An empty strip for a colour scale, at the right of square panels, with its ticks at its right."""
    width, height = figure.get_size_inches().tolist()
    top = max(axes.get_position().y1 for axes in figure.axes)
    left = 1 - (_INCH_COLOUR_BAR + 0.1) / width
    strip = min(top - _INCH_BOTTOM / height, 3.4 / height)
    axes = figure.add_axes((left, top - strip, 0.16 / width, strip))
    axes.set_title(label, fontsize=10, pad=9)
    axes.tick_params(labelbottom=False, labelleft=False, labelright=True)
    axes.grid(visible=False)
    return axes


def _n_columns(n: int, most: int) -> int:
    """How many of n panels are abreast, so that the last row is full or nearly so."""
    if n <= 3:
        return min(n, 2) if most == 3 else n
    if most == 3:
        return 2 if n == 4 else 3
    return 3 if n % 4 and (n % 3 == 0 or n == 5) else 4


def rows(names: Sequence[str], title: str, x_label: str, legend: Sequence[Artist], right: Sequence[str] = ()) -> Axes:
    """Lay out one axes with a named row for each category, the first on top, and optionally a remark at its right."""
    width = 7.2
    left = min(0.35 + 0.09 * max(map(len, names)), 3.0)
    right_margin = 0.35 + 0.09 * max(map(len, right), default=0)
    head = _head_inches(title, legend, width) + 0.1
    height = head + 0.34 * max(len(names), 2) + _INCH_BOTTOM
    figure = Picture(figsize=(width, height))
    _head(figure, title, legend)
    size = ((width - left - right_margin) / width, (height - head - _INCH_BOTTOM) / height)
    axes = figure.add_axes((left / width, _INCH_BOTTOM / height, *size))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(names)))))
    axes.yaxis.set_major_formatter(FixedFormatter(list(names)))
    axes.set_xlabel(x_label)
    for y, remark in enumerate(right):
        axes.text(1.03, y, remark, transform=axes.get_yaxis_transform(), va="center", color=GREY)
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


def _head(figure: Figure, title: str, legend: Sequence[Artist]) -> None:
    """Write the title, wrapped, and the legend under it."""
    width, height = figure.get_size_inches().tolist()
    lines = _wrapped(title, width)
    top = 1 - 0.1 / height
    figure.text(0.1 / width, top, "\n".join(lines), ha="left", va="top", fontsize=12.5, weight="bold")
    if legend:
        figure.legend(
            handles=list(legend),
            loc="upper left",
            bbox_to_anchor=(0.1 / width, 1 - (0.14 + _INCH_LINE * len(lines)) / height),
            ncols=math.ceil(len(legend) / _legend_rows(legend, width)),
        )


def bands(axes: Axes, edges: Iterable[tuple[str, Any, Any, Any]]) -> None:
    """Fill between two curves for each (colour, x, low, high); a band without a finite value is left out."""
    colours, outlines = [], []
    for colour, *curves in edges:
        band = np.column_stack(curves).astype(np.float64)
        band = band[np.isfinite(band).all(axis=1)]
        if len(band):
            colours.append(colour)
            outlines.append(np.concatenate([band[:, [0, 1]], band[::-1, [0, 2]]]))
    axes.add_collection(PolyCollection(outlines, facecolors=colours, alpha=0.22, linewidths=0), autolim=False)


def is_log_spaced(values: NDArray[np.float64]) -> bool:
    """Whether an axis' values are spread more evenly on a logarithmic than on a linear scale."""
    distinct = np.unique(values)
    if len(distinct) < 2 or distinct[0] <= 0:
        return False
    if len(distinct) == 2:
        return bool(distinct[1] >= 10 * distinct[0])
    linear, log = np.diff(distinct / distinct[-1]), np.diff(np.log(distinct))
    return bool(log.std() / log.mean() < linear.std() / linear.mean())


def scale_x(axes: Axes, values: NDArray[np.float64]) -> None:
    """Set a linear or a logarithmic scale that fits an axis' values."""
    if is_log_spaced(values):
        least, most = float(values.min()), float(values.max())
        margin = (most / least) ** 0.03 if least > most / 1e300 else 1.0
        log_scale(axes, "x", (least / margin, min(most * margin, np.finfo(np.float64).max)), 4)
    else:
        margin = 0.03 * (np.ptp(values) or 1.0)
        axes.set_xlim(values.min() - margin, values.max() + margin)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=bool(np.all(values == np.round(values)))))


def log_scale(
    axes: Axes,
    direction: Literal["x", "y"],
    limits: tuple[float, float],
    most: int,
    named: Mapping[float, str] | None = None,
) -> None:
    """Set a logarithmic scale with at most `most` ticks at powers of ten, and ticks with names of their own."""
    ticks = log_ticks(limits, most)
    near = math.log(limits[1] / limits[0]) * (0.2 if direction == "x" else 0.1)
    names = dict(named or {})
    names |= {at: name for at, name in ticks.items() if all(abs(math.log(at / other)) > near for other in names)}
    axes.set(**{f"{direction}scale": "log", f"{direction}lim": limits})
    axis = axes.xaxis if direction == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(names)))
    axis.set_major_formatter(FixedFormatter(list(names.values())))
    axis.set_minor_locator(NullLocator())


def log_ticks(limits: tuple[float, float], most: int) -> dict[float, str]:
    """At most `most` powers of ten within limits, or where there are fewer than two, three values between; named."""
    first, last = math.ceil(math.log10(limits[0]) - 1e-9), math.floor(math.log10(limits[1]) + 1e-9)
    step = max(math.ceil((last - first + 1) / most), 1)
    ticks = {10.0**power: _power_of_ten(power) for power in range(first, last + 1) if power % step == 0}
    if len(ticks) < 2:
        ticks = {value: f"{value:.2g}" if value < 99.5 else f"{value:,.0f}" for value in _between(limits)}
    return ticks


def _between(limits: tuple[float, float]) -> list[float]:
    """Three values between two."""
    values: list[float] = np.geomspace(*limits, 5)[1:4].tolist()
    return values


def _power_of_ten(power: int) -> str:
    if -3 <= power <= 3:
        return f"{10.0**power:g}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def percent_ticks(axis: Axis) -> None:
    """Set ticks of a share that goes from 0 to 1."""
    axis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axis.set_major_formatter(FixedFormatter(["0 %", "50 %", "100 %"]))


def picture_rows(
    names: Sequence[str],
    titles: Sequence[Sequence[str]],
    title: str,
    labels: tuple[str, str],
    legend: Sequence[Artist],
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
    """
    n_columns = max(map(len, titles))
    panel = {1: 3.2, 2: 2.7}.get(n_columns, 2.27)
    gap = 0.45
    width = max(_INCH_LEFT + n_columns * panel + (n_columns - 1) * gap + _INCH_RIGHT + _INCH_COLOUR_BAR, 5.6)
    heads = [
        0.17 * max(name.count("\n") + 1 for name in of_row) + (0.27 if name else 0.05)
        for name, of_row in zip(names, titles, strict=True)
    ]
    top = _head_inches(title, legend, width) + 0.05
    row_gap = 0.45
    height = top + sum(heads) + len(heads) * panel + (len(heads) - 1) * row_gap + _INCH_BOTTOM
    figure = Picture(figsize=(width, height))
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
    rightwards, upwards = labels
    middle = (_INCH_LEFT + n_columns * panel / 2 + (n_columns - 1) * gap / 2) / width
    figure.text(middle, 0.1 / height, rightwards, ha="center", va="bottom")
    centre = (_INCH_BOTTOM + height - top) / 2 / height
    figure.text(0.1 / width, centre, upwards, ha="left", va="center", rotation="vertical")
    return made
