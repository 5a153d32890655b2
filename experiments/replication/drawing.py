"""How the page's figures look: the style of the sweep's own figures, taken from there in this one place."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from sweep.plots.drawing.canvas import GREY, bands, panels
from sweep.plots.drawing.scales import log_scale, percent_ticks, scale_x
from sweep.plots.drawing.style import styled

__all__ = ["GREY", "bands", "log_scale", "panels", "percent_ticks", "save_png", "scale_x", "styled"]


@styled
def save_png(figure: Figure, path: Path) -> None:
    """Write a figure to the same bytes every time, in a palette of 256 colours."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi="figure" if figure.dpi > 110 else 110, metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
