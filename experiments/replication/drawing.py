"""How the page's figures look: the style of the sweep's own figures, taken from there in this one place."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from PIL import Image

from sweep.plots.drawing.canvas import GREY, panels
from sweep.plots.drawing.scales import log_scale, percent_ticks, scale_x
from sweep.plots.drawing.style import styled

__all__ = ["GREY", "bands", "log_scale", "panels", "percent_ticks", "save_png", "scale_x", "styled"]


@styled
def save_png(figure: Figure, path: Path) -> None:
    """Write a figure to the same bytes every time, in a palette of 256 colours."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi="figure" if figure.dpi > 110 else 110, metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


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
