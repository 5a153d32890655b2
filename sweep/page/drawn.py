"""A figure of a report: drawn, with what the page needs to embed it, to point at it and to lay it out anew."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sweep.answer.captions import TITLES, Description
from sweep.page.pointing import Marked
from sweep.plots.drawing.marks import Drawing, located
from sweep.plots.drawing.parts import Box, Parts, parts
from sweep.plots.drawing.style import save

_IN_ADDRESS = str.maketrans({"\n": " "} | {letter: f"%{ord(letter):02X}" for letter in '"#%&<>\\^`{|}'})
"""What an address of data has instead of letters that it may not have as they are, or not within an attribute."""


class Drawn(NamedTuple):
    """A figure that has been drawn.

    Attributes
    ----------
    width, height : int
        In points.
    source : str
        The address of an image that is the figure itself.
    marks : mapping
        What can be pointed at; see `sweep.plots.drawing.marks`.
    parts : str
        What it consists of, as JSON; without it a page does not lay it out anew for a narrow screen.
    files : sequence of Path
        SVG and PNG; then the pictures that have one cell a dot, where the figure has not so many dots itself.
    """

    width: int
    height: int
    source: str
    marks: Marked
    parts: str = ""
    files: Sequence[Path] = ()


def drawn(figure: Drawing, stem: Path) -> Drawn:
    """Write a figure's files, and keep what a page needs of it.

    Parameters
    ----------
    figure
        One made by a function of `sweep.plots`.
    stem
        The files' path without suffix; its directory exists.
    """
    files = save(figure, stem)
    return Drawn(*embedded(files[0].read_text(encoding="utf-8")), located(figure), _written(parts(figure)), files)


def embedded(svg: str) -> tuple[int, int, str]:
    """Return width, height and address of an image as data: its identifiers cannot clash with those of other figures.

    Raises
    ------
    ValueError
        If it has no viewBox.
    """
    box = re.search(r'viewBox="0 0 (\S+) (\S+)"', svg)
    if box is None:
        raise ValueError("the figure is not an SVG with a viewBox")
    width, height = (round(float(size)) for size in box.groups())
    text = svg if "'" in svg else svg.replace('"', "'")
    return width, height, f"data:image/svg+xml,{text.translate(_IN_ADDRESS)}"


def for_page(name: str, drawn: Drawn, description: Description) -> dict[str, Any]:
    """Make what the template of the page takes of a figure."""
    return {
        "name": name,
        "title": TITLES[name],
        "width": drawn.width,
        "height": drawn.height,
        "source": drawn.source,
        "parts": drawn.parts,
        "files": [f"figures/{name}.{kind}" for kind in ("svg", "png")] if drawn.files else [],
        **description._asdict(),
        "caption": description.caption + _shared(drawn.files[2:]),
    }


def _written(made_of: Parts) -> str:
    """Write what a figure consists of as JSON."""

    def rounded(box: Box | None) -> list[float] | None:
        return box and [round(side, 4) for side in box]

    panels = [
        {
            "box": rounded(panel.box),
            "left": rounded(panel.left),
            "row_left": rounded(panel.row_left),
            "below": rounded(panel.below),
            "name": panel.row_name,
        }
        for panel in made_of.panels
    ]
    content = {
        "heading": made_of.heading,
        "x": made_of.x_label,
        "y": made_of.y_label,
        "legend": [{"box": rounded(box), "name": name, "line": line} for box, name, line in made_of.legend],
        "panels": panels,
        "columns": made_of.columns,
        "share": round(made_of.share, 4),
        "bar": rounded(made_of.bar),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _shared(pictures: Sequence[Path]) -> str:
    """Name the pictures in which settings that share a dot here have one each."""
    if not pictures:
        return ""
    first, last = pictures[0].name, pictures[-1].name
    named = f"figures/{first}" if first == last else f"figures/{first} to {last}"
    return f" Several settings share a dot here; each has one of its own in {named}."
