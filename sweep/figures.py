"""Figures of a result, each one function that returns a `Drawing`, which is a `matplotlib.figure.Figure`.

::

    import sweep
    result = sweep.read("results/gates")
    figure = sweep.figures.success_rate(result, where={"gate": ["AND", "XOR"]})
    sweep.figures.save(figure, "and-and-xor")           # and-and-xor.svg and and-and-xor.png

One for a slide, 11 by 4.5 inches with letters of 15 points, is the same figure, as matplotlib changes it::

    from matplotlib.text import Text
    figure.set_size_inches(11, 4.5)
    for text in figure.findobj(Text):
        text.set_fontsize(15)
    sweep.figures.save(figure, "slide")

A notebook shows such a figure by itself. Every function takes `where`, which draws a part of the result only: a dict of
keys of the grid, each with a value or a list of values of which any will do. Runs keep their numbers; nothing else of
the result is counted. Whatever a figure shows is what the report would show of a result with these rows only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sweep import plots
from sweep.analysis.findings import Findings
from sweep.analysis.representatives import Choice, chosen_by_number
from sweep.plots.drawing.marks import Drawing
from sweep.plots.drawing.style import save
from sweep.results.result import Result
from sweep.results.selection import select

__all__ = [
    "decision_surfaces",
    "epochs_to_converge",
    "final_loss",
    "heat_map",
    "learned_instead",
    "learning_curves",
    "save",
    "stability",
    "success_curves",
    "success_rate",
    "training",
]

Where = Mapping[str, Any] | None


def success_rate(result: Result, *, where: Where = None) -> Drawing:
    """Draw the share of runs that converged, with its Wilson 95 % interval where a point is one setting.

    Parameters
    ----------
    result
    where
        Key of the grid → value, or list of values: the part of the result to draw.

    Raises
    ------
    ValueError
        If there are no runs, or for a key or value that the result does not have.

    Examples
    --------
    >>> sweep.figures.success_rate(result, where={"gate": "XOR", "hidden": [1, 2]})
    """
    return plots.success_rate(_part(result, where))


def epochs_to_converge(result: Result, *, where: Where = None) -> Drawing:
    """Draw the median and the 5–95 % range of the epochs to convergence, over all runs, converged or not.

    Parameters
    ----------
    result, where
        As in `success_rate`.

    Raises
    ------
    ValueError
        If no run converged; else as in `success_rate`.

    Examples
    --------
    >>> sweep.figures.epochs_to_converge(result, where={"init": "normal(0, 1)"})
    """
    part = _part(result, where)
    if not part.result.part("summary", ["n_converged"])["n_converged"].any():
        raise ValueError("no run of this result converged, so there are no epochs to draw")
    return plots.epochs_to_converge(part)


def final_loss(result: Result, *, where: Where = None) -> Drawing:
    """Draw how the final losses are distributed, by outcome; marked are the target and what answering ½ costs.

    Parameters
    ----------
    result, where
        As in `success_rate`.

    Raises
    ------
    ValueError
        If every run diverged; else as in `success_rate`.

    Examples
    --------
    >>> sweep.figures.final_loss(result, where={"learning_rate": 10})
    """
    part = _part(result, where)
    counts = part.result.part("summary", ["n", "n_diverged"])
    if not (counts["n_diverged"] < counts["n"]).any():
        raise ValueError("every run of this result diverged, so there are no finite losses to draw")
    return plots.final_loss(part)


def learned_instead(result: Result, *, where: Where = None) -> Drawing:
    """Draw which functions the failed runs of each gate answer, in percent of these runs.

    Where not all gates have two inputs, it is how many rows they answer wrongly.

    Parameters
    ----------
    result, where
        As in `success_rate`.

    Raises
    ------
    ValueError
        If no run of a Boolean table failed, or all that did diverged; else as in `success_rate`.

    Examples
    --------
    >>> sweep.figures.learned_instead(result, where={"gate": "XOR"})
    """
    return plots.learned_instead(_part(result, where))


def learning_curves(result: Result, *, where: Where = None) -> Drawing:
    """Draw the loss over the epochs: per setting the median and the 5–95 % range over its runs, and a few single runs.

    Parameters
    ----------
    result, where
        As in `success_rate`.

    Raises
    ------
    ValueError
        If the losses were not recorded, or none is finite; else as in `success_rate`.

    Examples
    --------
    >>> result = sweep.run({"grid": {"gate": "AND", "learning_rate": [0.1, 1]}, "train": {"record_every": 10}})
    >>> sweep.figures.learning_curves(result, where={"learning_rate": 1})
    """
    part = _part(result, where)
    curves = part.result.curves
    if curves is not None and not (curves["loss"] < float("inf")).any():
        raise ValueError("this result has no finite losses to draw")
    return plots.learning_curves(part)


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
        As in `success_rate`.

    Raises
    ------
    ValueError
        If `x` and `y` are not two numeric keys that vary; else as in `success_rate`.

    Examples
    --------
    >>> sweep.figures.heat_map(result, x="learning_rate", y="hidden", where={"activation": "tanh"})
    """
    part = _part(result, where)
    if x is None and y is None:
        return plots.heat_map(part)
    numeric = [key for key in part.varying if part.settings.is_numeric(key)]
    for name, key in (("x", x), ("y", y)):
        if key not in numeric:
            allowed = ", ".join(numeric) or "none: no numeric key of this result varies"
            raise ValueError(f"{name}: found {key!r}; allowed: a numeric key that varies ({allowed})")
    if x == y:
        raise ValueError(f"x and y: found {x!r} twice; allowed: two different keys")
    return plots.heat_map(part, part.heat_map_of(str(y), str(x)))


def decision_surfaces(result: Result, *, runs: Sequence[int] | None = None, where: Where = None) -> Drawing:
    """Draw what single models answer over the plane of their two inputs; the runs are trained again, bit for bit.

    Parameters
    ----------
    result
    runs
        Numbers of runs to draw. By default the fastest, the median and a failed one of some gates, chosen as
        `sweep.analysis.representatives.representatives` says.
    where
        As in `success_rate`.

    Raises
    ------
    ValueError
        If no table has two inputs and targets from 0 to 1, or a run of `runs` is another one's or is not there; else as
        in `success_rate`.

    Examples
    --------
    >>> sweep.figures.decision_surfaces(result, where={"gate": "XOR", "hidden": 2})
    >>> sweep.figures.decision_surfaces(result, runs=[0, 17])
    """
    from sweep import decisions

    part = _part(result, where)
    chosen = _chosen(part, runs)
    return plots.decision_surfaces(part, chosen, decisions.models_of(result.experiment, chosen))


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

    return plots.training(decisions.courses_of(result.experiment, _chosen(_part(result, where), runs, followed=True)))


def success_curves(result: Result, *, where: Where = None) -> Drawing:
    """Draw the share of all runs that have converged by each epoch, with its Wilson 95 % interval.

    Parameters
    ----------
    result, where
        As in `success_rate`.

    Raises
    ------
    ValueError
        As in `success_rate`.

    Examples
    --------
    >>> sweep.figures.success_curves(result, where={"gate": "AND"})
    """
    return plots.success_curves(_part(result, where))


def stability(result: Result, *, where: Where = None) -> Drawing:
    """Draw the final loss over the learning rate, of each table that is not separable, and its predicted edge.

    Parameters
    ----------
    result, where
        As in `success_rate`.

    Raises
    ------
    ValueError
        If no table has learning rates on both sides of its critical one, or tables are too many to tell apart; else as
        in `success_rate`.

    Examples
    --------
    >>> sweep.figures.stability(result, where={"gate": "XOR"})
    """
    return plots.stability(_part(result, where))


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
    if part.n_runs == 0:
        raise ValueError("there are no runs to draw")
    return part
