"""The page that names every result below a directory."""

import io
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

from PIL import Image

from sweep.errors import StoreError
from sweep.page.across.cards import Card, page
from sweep.page.shown import Result
from sweep.store.chunk_store import CHUNKS
from sweep.store.files import SET_ASIDE, Tree
from sweep.store.manifest import MANIFEST
from sweep.words import counted

WIDTH = 560
"""Pixels of a picture."""
_NO_RESULTS = {CHUNKS, SET_ASIDE, "figures"}


def results_below(tree: Tree, folder: str = "") -> Iterator[str]:
    """Yield the name of each directory below one that holds a result, in order; links are not followed."""
    for name in tree.names(folder):
        last = name.rpartition("/")[2]
        if last.startswith(".") or last in _NO_RESULTS or not tree.is_directory(name):
            continue
        if tree.exists(f"{name}/{MANIFEST}"):
            yield name
        else:
            yield from results_below(tree, name)


def card_of(name: str, result: Result) -> Card:
    """Show a result by its question, the first sentence of its answer, and the first figure of its report."""
    files = result.manifest["files"]
    link = "report.html" if "report.html" in files else "summary.csv"
    picture, width, height = b"", 0, 0
    drawn = next((file for file in files if file.startswith("figures/") and file.endswith(".png")), None)
    if drawn:
        assert result.path is not None
        with suppress(OSError), Tree(result.path).open(drawn) as file, Image.open(file) as image:
            image.thumbnail((WIDTH, 4 * WIDTH))
            width, height = image.size
            small = io.BytesIO()
            image.convert("RGB").quantize(64).save(small, "png", optimize=True)
            picture = small.getvalue()
    question = result.manifest["question"]
    return Card(
        title=name,
        lines=[*([question] if question else []), *result.answer[:1], f"{counted(result.manifest['n_done'], 'run')}."],
        link=quote(f"{name}/{link}"),
        picture=picture,
        width=width,
        height=height,
        alt=f"The first figure of {name}",
    )


def failed(name: str, error: StoreError) -> Card:
    """Name a result that cannot be read, with the reason."""
    return Card(title=name, lines=[str(error)], failed=True)


def index(heading: str, cards: list[Card]) -> str:
    """Make the page."""
    return page(heading, [f"{counted(len(cards), 'result')}."], cards)
