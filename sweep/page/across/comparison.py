"""The page of two results compared run by run."""

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from sweep.page.across.cards import Card, page
from sweep.page.across.paired import paired_epochs, paired_shares
from sweep.plots.drawing.style import save
from sweep.words import counted


def comparison(
    names: Sequence[str],
    lines: Sequence[str],
    settings: NDArray[np.int64],
    epochs: NDArray[np.int64],
    edges: NDArray[np.float64],
) -> str:
    """Make the page.

    Parameters
    ----------
    names
        Of the two results.
    lines
        The comparison in words.
    settings, epochs, edges
        As `paired_shares` and `paired_epochs` take them; a figure of nothing is left out.
    """
    cards = []
    settings = settings[settings[:, 0] > 0]
    if len(settings):
        _, first, second = settings.T
        more = f"{names[0]} at {(first > second).sum():,} of {counted(len(settings), 'setting')}"
        description = (
            f"Runs converged more often in {more}, in {names[1]} at {(first < second).sum():,}, and as often at "
            f"{(first == second).sum():,}. A dot is a setting, and a larger one stands for several. On the line the "
            "share is the same in both. Only runs that both results have are counted."
        )
        cards.append(_card("Runs that converged", description, paired_shares(settings, names)))
    if epochs.any():
        description = (
            f"{counted(epochs.sum(), 'run')} converged in both results. On the line a run took as many epochs in both. "
            "The colour counts runs, and epochs are binned; 0 is counted with 1."
        )
        cards.append(_card("Epochs to convergence", description, paired_epochs(epochs, edges, names)))
    return page(f"{names[0]} and {names[1]}, run by run", lines, cards)


def _card(title: str, description: str, figure: Figure) -> Card:
    with tempfile.TemporaryDirectory() as folder:
        svg, png, *_ = save(figure, Path(folder) / "figure")
        with Image.open(io.BytesIO(png.read_bytes())) as image:
            width, height = image.size
        return Card(
            title,
            [description],
            picture=svg.read_bytes(),
            kind="image/svg+xml",
            width=width,
            height=height,
            alt=description,
        )
