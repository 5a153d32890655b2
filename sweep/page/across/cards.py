"""One template for pages about several results: a heading, lines of text, and cards with a picture each."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from sweep.page.html import policy, styles, template

MARK = "img-src data:; style-src &#39;unsafe-inline&#39;; script-src &#39;none&#39;"
"""What such a page says at its beginning, and no report does: that it has no scripts."""


@dataclass(frozen=True)
class Card:
    """A part of the page.

    Attributes
    ----------
    title, lines
        Its heading and its text.
    link
        Where the heading leads, relative to the page; empty for nowhere.
    picture, kind
        An image and its media type, such as "image/png"; empty where there is none.
    width, height
        Of the image, in pixels.
    alt
        The image in words.
    failed
        True if the lines say what went wrong.
    """

    title: str
    lines: Sequence[str] = ()
    link: str = ""
    picture: bytes = b""
    kind: str = "image/png"
    width: int = 0
    height: int = 0
    alt: str = ""
    failed: bool = False

    @property
    def source(self) -> str:
        """The image as an address that holds it."""
        return f"data:{self.kind};base64,{base64.b64encode(self.picture).decode('ascii')}" if self.picture else ""


def page(heading: str, lines: Sequence[str], cards: Sequence[Card]) -> str:
    """Make a page that needs nothing else, neither files nor network; links lead to other files."""
    made: str = template("across/across.html").render(
        heading=heading,
        lines=lines,
        cards=cards,
        linked=any(card.link for card in cards),
        style=styles("report/page"),
        policy=policy([], trains=False),
    )
    return made
