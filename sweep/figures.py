r"""Figures of a result, each one function that returns a `Drawing`, which is a `matplotlib.figure.Figure`.

::

    import sweep
    result = sweep.read("results/gates")
    figure = sweep.figures.success_rate(result, where={"gate": ["AND", "XOR"]})
    sweep.figures.save(figure, "and-and-xor")           # and-and-xor.svg and and-and-xor.png

For a slide or a paper, take SVG or PDF and choose the width there; as wide as drawn, it has letters of 11 points::

    figure.savefig("and-and-xor.pdf")                   # \includegraphics[width=\columnwidth]{and-and-xor}

A figure of curves may also be as wide as you like and have larger letters, as matplotlib changes it::

    from matplotlib.text import Text
    figure.set_size_inches(11, 4.5)
    for text in figure.findobj(Text):
        text.set_fontsize(15)
    sweep.figures.save(figure, "slide")

A notebook shows such a figure by itself. Every function takes `where`, which draws a part of the result only: a dict of
keys of the grid, each with a value or a list of values of which any will do. Runs keep their numbers; nothing else of
the result is counted. Whatever a figure shows is what the report would show of a result with these rows only.
"""

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from sweep.analysis.findings import Findings
from sweep.analysis.representatives import Choice, chosen_by_number
from sweep.plots import registry
from sweep.plots.decision_surfaces import decision_surfaces as _decision_surfaces
from sweep.plots.drawing.marks import Drawing
from sweep.plots.drawing.style import save
from sweep.plots.heat_map import heat_map as _heat_map
from sweep.plots.training import training as _training
from sweep.results.result import Result
from sweep.results.selection import select

__all__ = ["decision_surfaces", "save", "training"]
__all__ += list(registry.FIGURES)

Where = Mapping[str, Any] | None

_PARAMETERS = """

Parameters
----------
result
where
    Key of the grid → value, or list of values: the part of the result to draw. ValueError for a key or a value that the
    result does not have, and for a part without runs.
"""


class OfResult(Protocol):
    """A figure of a result, or of the part of it that `where` names."""

    def __call__(self, result: Result, *, where: Where = None) -> Drawing:
        """Draw it."""


def __getattr__(name: str) -> OfResult:
    """Find a figure in the registry."""
    if name not in registry.FIGURES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _of_result(name)


def __dir__() -> list[str]:
    return __all__


@cache
def _of_result(name: str) -> OfResult:
    """Make a figure of findings one of a result; its documentation tells of `where` too."""
    draw = registry.FIGURES[name].draw

    def drawn(result: Result, *, where: Where = None) -> Drawing:
        return draw(_part(result, where))

    summary, *rest = (inspect.getdoc(draw) or "").partition("\n\nRaises")
    drawn.__name__ = drawn.__qualname__ = name
    drawn.__module__ = __name__
    drawn.__doc__ = summary + _PARAMETERS + "".join(rest).removeprefix("\n")
    return drawn


def heat_map(result: Result, *, x: str | None = None, y: str | None = None, where: Where = None) -> Drawing:
    """Draw the median epochs to convergence of every setting of a plane as a picture.

    Other axes get a picture for each of their values; of too many, they are held at their first one, as the title says.

    Parameters
    ----------
    result
    x, y
        Numeric keys of the grid, to the right and upwards; both or neither. By default the two longest, if each has 16
        values or more.
    where
        Key of the grid → value, or list of values: the part of the result to draw.

    Raises
    ------
    ValueError
        If `x` and `y` are not two numeric keys that vary; if the part has no runs; for a key or value of `where` that
        the result does not have.

    Examples
    --------
    >>> sweep.figures.heat_map(result, x="learning_rate", y="hidden", where={"activation": "tanh"})
    """
    part = _part(result, where)
    if x is None and y is None:
        return _heat_map(part)
    numeric = [key for key in part.varying if part.settings.is_numeric(key)]
    for name, key in (("x", x), ("y", y)):
        if key not in numeric:
            allowed = ", ".join(numeric) or "none: no numeric key of this result varies"
            raise ValueError(f"{name}: found {key!r}; allowed: a numeric key that varies ({allowed})")
    if x == y:
        raise ValueError(f"x and y: found {x!r} twice; allowed: two different keys")
    return _heat_map(part, part.heat_map_of(str(y), str(x)))


def decision_surfaces(result: Result, *, runs: Sequence[int] | None = None, where: Where = None) -> Drawing:
    """Draw what single models answer over the plane of their two inputs; the runs are trained again, bit for bit.

    Parameters
    ----------
    result
    runs
        Numbers of runs to draw. By default the fastest, the median and a failed one of some gates, chosen as
        `sweep.analysis.representatives.representatives` says.
    where
        As in `heat_map`.

    Raises
    ------
    ValueError
        If no table has two inputs and targets from 0 to 1, or a run of `runs` is another one's or is not there; else as
        in `heat_map`.

    Examples
    --------
    >>> sweep.figures.decision_surfaces(result, where={"gate": "XOR", "hidden": 2})
    >>> sweep.figures.decision_surfaces(result, runs=[0, 17])
    """
    from sweep import decisions

    part = _part(result, where)
    chosen = _chosen(part, runs)
    return _decision_surfaces(part, chosen, decisions.models_of(result.experiment, chosen))


def training(result: Result, *, runs: Sequence[int] | None = None, where: Where = None) -> Drawing:
    """Draw what single models answer after 0, 10, 100, … epochs; the runs are trained again, bit for bit.

    Parameters
    ----------
    result, runs, where
        As in `decision_surfaces`, but for the runs by default, which are those of one gate: see
        `sweep.analysis.representatives.Representatives.followed`.

    Raises
    ------
    ValueError
        As in `decision_surfaces`.

    Examples
    --------
    >>> sweep.figures.training(result, where={"gate": "XOR", "hidden": 2})
    """
    from sweep import decisions

    return _training(decisions.courses_of(result.experiment, _chosen(_part(result, where), runs, followed=True)))


def _chosen(part: Findings, runs: Sequence[int] | None, followed: bool = False) -> list[Choice]:
    """Choose runs by their numbers, or those that are worth a look."""
    found = part.representatives
    worth = found.followed if followed else found.chosen
    chosen = worth if runs is None else chosen_by_number(part.result, runs)
    if not chosen:
        raise ValueError("a decision surface takes a run of a gate or a table with two inputs and targets from 0 to 1")
    return chosen


def _part(result: Result, where: Where) -> Findings:
    part = Findings(select(result, where))
    if part.result.n_runs == 0:
        raise ValueError("there are no runs to draw")
    return part
