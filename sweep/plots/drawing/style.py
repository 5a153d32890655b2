"""The style of all figures, and saving them to the same bytes every time.

Figures are made without pyplot, in one style whatever the user's matplotlib settings are. matplotlib keeps its settings
in one global table, so figures are made and saved one at a time: everything here may be called from any thread.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from threading import RLock
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from PIL import Image

PICTURE_DPI = 160
"""Resolution of what is a picture within an SVG file."""
PICTURE_EFFORT = 3
"""Of zlib, 1 to 9, for PNG files."""
CELLS = "cells"
"""Label of a picture whose every cell is a setting."""

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


@styled
def save(figure: Figure, stem: Path | str) -> list[Path]:
    """Write `stem`.svg and `stem`.png, the same bytes for the same figure.

    Pictures of more cells than the figure has dots are written whole as well, one cell a dot.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        One made by a function of `sweep.plots`.
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
    options: dict[str, dict[str, Any]] = {
        "svg": {"dpi": PICTURE_DPI},
        "png": {"pil_kwargs": {"compress_level": PICTURE_EFFORT}},
    }
    whole = _save_whole(figure, stem)
    paths = []
    with _reduced(figure):
        for kind in ("svg", "png"):
            path = Path(f"{stem}.{kind}")
            unfinished = path.with_name(path.name + ".unfinished")
            figure.savefig(unfinished, format=kind, metadata=metadata[kind], **options[kind])
            paths.append(unfinished.replace(path))
    return paths + whole


def _pictures(figure: Figure) -> Iterator[tuple[AxesImage, NDArray[Any], tuple[float, ...]]]:
    """Find the pictures whose cells are settings: each with its cells, and the dots of the figure that it takes."""
    for axes in figure.axes:
        dots = axes.get_position().size * figure.get_size_inches() * PICTURE_DPI
        for image in axes.get_images():
            if image.get_label() == CELLS:
                yield image, np.asarray(image.get_array()), dots


@contextmanager
def _reduced(figure: Figure) -> Iterator[None]:
    """Average the cells of pictures that have several to a dot for a while: drawing takes many bytes for each."""
    whole = []
    for image, picture, dots in _pictures(figure):
        n = int(min(np.array(picture.shape[1::-1]) // np.ceil(dots)))
        if n > 1 and picture.ndim == 3:
            height, width = (size - size % n for size in picture.shape[:2])
            rows = (picture[at : at + n, :width].reshape(n, width // n, n, -1) for at in range(0, height, n))
            image.set_data(np.array([row.mean(axis=(0, 2)).round() for row in rows], np.uint8))
            whole.append((image, picture))
    try:
        yield
    finally:
        for image, picture in whole:
            image.set_data(picture)


def _save_whole(figure: Figure, stem: Path | str) -> list[Path]:
    """Write each picture that has more cells than dots in the figure, upwards as there."""
    pictures = [picture for _, picture, dots in _pictures(figure) if (np.array(picture.shape[1::-1]) > dots).any()]
    paths = []
    for number, picture in enumerate(pictures, 1):
        path = Path(f"{stem}_full{f'_{number}' if len(pictures) > 1 else ''}.png")
        unfinished = path.with_name(path.name + ".unfinished")
        Image.fromarray(picture[::-1]).save(unfinished, format="png", compress_level=PICTURE_EFFORT)
        paths.append(unfinished.replace(path))
    return paths
