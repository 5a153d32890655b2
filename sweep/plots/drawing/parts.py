"""Parts of a drawing: where its panels, their ticks and its legend are, so that a page can lay them out anew."""

import io
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.transforms import Bbox

from sweep.plots.drawing.marks import Drawing
from sweep.plots.drawing.style import styled

Box = tuple[float, float, float, float]
"""Left, top, width and height as shares of the figure's, from its left and its top."""

NARROW = 5.4
"""Width, in inches, up to which a figure is legible on a telephone as it is."""
_TICKS, _OWN_TICKS, _BELOW = 0.55, 0.36, 0.25
_BEFORE, _BEYOND = 0.15, 0.22
"""Of the ticks below a panel, at its left and at its right: the next panel's begin so far to the left of it."""
_FRAME = 0.03
_TWO_ABREAST = 3.0
"""Width of a panel, in inches, up to which two are legible side by side on a telephone."""


class Panel(NamedTuple):
    """Where a panel is, with its title.

    Attributes
    ----------
    box
    left
        Ticks of its own at its left; None if it has none.
    row_left, below
        Ticks of its row and of its column.
    row_name
        Name of the row that begins here, possibly empty.
    """

    box: Box
    left: Box | None
    row_left: Box
    below: Box
    row_name: str


class Parts(NamedTuple):
    """What a figure consists of.

    Attributes
    ----------
    heading, x_label, y_label
        Its title, and what its panels have along and upwards.
    legend : list of (Box, str, str or None)
        Its entries: where each is, what it says, and the name of the line that it stands for.
    panels : list of Panel
        Row by row; empty if the figure is legible on a telephone as it is, or a table, whose rows' names are long.
    columns, share
        How many panels are abreast there, and the share of the figure's width that they take.
    bar
        Where the colour bar is.
    """

    heading: str
    x_label: str
    y_label: str
    legend: list[tuple[Box, str, str | None]]
    panels: list[Panel]
    columns: int
    share: float
    bar: Box | None


class _Measuring(RendererSVG):
    """Lays texts out as in an SVG file, and writes none."""

    def draw_text(self, *args: Any, **kwargs: Any) -> None:
        """Write nothing."""


@styled
def parts(drawing: Drawing) -> Parts:
    """Locate the parts of a drawing."""
    width = drawing.get_size_inches()[0]
    found = [_panel(drawing, axes) for axes in drawing.panels] if width > NARROW and not drawing.is_table else []
    widest = max((panel.box[2] for panel in found), default=1.0)
    columns = 2 if len(found) > 1 and widest * width <= _TWO_ABREAST else 1
    ticks = _TICKS + (columns - 1) * (_OWN_TICKS if any(panel.left for panel in found) else 0.19)
    bar = None
    if drawing.bar is not None:
        bar = _around(drawing, drawing.bar, left=0.08, top=0.3, right=0.75, bottom=0.1)
    share = columns * widest + (ticks + 0.12) / width
    legend = _legend(drawing)
    return Parts(drawing.heading, drawing.x_label, drawing.y_label, legend, found, columns, share, bar)


def _panel(drawing: Drawing, axes: Axes) -> Panel:
    place = axes.get_position()
    others = [(other, other.get_position()) for other in drawing.panels]
    first, _ = min(((panel, at) for panel, at in others if abs(at.y0 - place.y0) < 1e-6), key=lambda pair: pair[1].x0)
    lowest, _ = min(((panel, at) for panel, at in others if abs(at.x0 - place.x0) < 1e-6), key=lambda pair: pair[1].y0)
    top = 0.06 + 0.185 * (axes.get_title("left").count("\n") + 1) if axes.get_title("left") else 0.06
    strip: dict[str, float] = {"top": top, "bottom": 0.09}
    own = axes is not first and bool(axes.yaxis.get_tick_params()["labelleft"])
    height = drawing.get_size_inches()[1]
    tall = lowest.get_position().height * height
    below = _around(drawing, lowest, left=_BEFORE, right=_BEYOND, top=-tall - _FRAME)
    return Panel(
        _around(drawing, axes, left=_FRAME, top=top, right=_FRAME, bottom=_FRAME),
        _ticks(drawing, axes, _OWN_TICKS, strip) if own else None,
        _ticks(drawing, first, _TICKS, strip),
        (*below[:3], _BELOW / height),
        drawing.row_names.get(axes, ""),
    )


def _ticks(drawing: Drawing, axes: Axes, wide: float, strip: dict[str, float]) -> Box:
    """Where the ticks at the left of axes are."""
    left, top, _, height = _around(drawing, axes, left=wide, **strip)
    return left, top, (wide - _FRAME) / drawing.get_size_inches()[0], height


def _around(drawing: Drawing, axes: Axes, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> Box:
    """Where axes are, with so many inches around them."""
    width, height = drawing.get_size_inches().tolist()
    at = axes.get_position()
    x0, x1 = max(at.x0 - left / width, 0), min(at.x1 + right / width, 1)
    y0, y1 = 1 - at.y1 - top / height, 1 - at.y0 + bottom / height
    return x0, y0, x1 - x0, y1 - y0


def _legend(drawing: Drawing) -> list[tuple[Box, str, str | None]]:
    """Where the entries of the legend are in an SVG file, whose texts have other widths than those of a picture."""
    found: list[tuple[Box, str, str | None]] = []
    dpi = drawing.dpi
    drawing.set_dpi(72)
    width, height = map(float, drawing.bbox.size)
    renderer: Any = _Measuring(width, height, io.StringIO())  # type: ignore[no-untyped-call]
    for legend in drawing.legends:
        legend.draw(renderer)
        shown: list[Any] = legend.legend_handles
        for named, handle, text in zip(drawing.legend_handles, shown, legend.get_texts(), strict=True):
            box = Bbox.union([handle.get_window_extent(renderer), text.get_window_extent(renderer)]).padded(3)
            place = box.x0 / width, 1 - box.y1 / height, box.width / width, box.height / height
            found.append((place, text.get_text(), named.get_gid()))
    drawing.set_dpi(dpi)
    return found
