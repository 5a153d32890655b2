"""The figures of a result, in reading order."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from sweep.analysis.findings import Findings
from sweep.analysis.representatives import Course, Model
from sweep.plots.decision_surfaces import decision_surfaces
from sweep.plots.drawing.marks import Drawing
from sweep.plots.epochs_to_converge import epochs_to_converge
from sweep.plots.final_loss import final_loss
from sweep.plots.heat_map import heat_map
from sweep.plots.learned_instead import learned_instead
from sweep.plots.learning_curves import learning_curves
from sweep.plots.stability import stability
from sweep.plots.success_curves import success_curves
from sweep.plots.success_rate import success_rate
from sweep.plots.training import training

Draw = Callable[[Findings], Drawing]


class Figure(NamedTuple):
    """A figure, and which results have it.

    Attributes
    ----------
    draw
    tells
        Returns True for findings of which it shows something.
    """

    draw: Draw
    tells: Callable[[Findings], bool]


def _has_losses(findings: Findings) -> bool:
    curves = findings.result.curves
    return curves is not None and bool(np.isfinite(curves["loss"]).any())


FIGURES = {
    figure.draw.__name__: figure
    for figure in (
        Figure(heat_map, lambda found: bool(found.planes[0])),
        Figure(success_rate, lambda found: not found.layout.lines_mix),
        Figure(epochs_to_converge, lambda found: found.any_converged and not found.layout.lines_mix),
        Figure(success_curves, lambda found: found.any_converged and found.success_curves.tell),
        Figure(stability, lambda found: found.edge_layout is not None),
        Figure(learned_instead, lambda found: found.instead is not None),
        Figure(final_loss, lambda found: found.any_finite),
        Figure(learning_curves, _has_losses),
    )
}
"""Figures that take nothing but findings, by name, in reading order."""


def figures_for(findings: Findings, models: Sequence[Model] = (), courses: Sequence[Course] = ()) -> dict[str, Draw]:
    """Choose the figures that have something to show for this result.

    Parameters
    ----------
    findings
    models
        Of the runs of `Findings.representatives`, trained again; without them there are no decision surfaces.
    courses
        Of its runs that are `followed`, trained again; without them there is no figure of their training.

    Returns
    -------
    dict
        From a figure's name, which is also its files' stem, to the function that draws it, in reading order: of one
        setting, the learning curves tell most and come first, and of a gate that is not separable, the edge of
        stability.
    """
    if findings.result.n_runs == 0:
        return {}
    telling = [name for name, figure in FIGURES.items() if figure.tells(findings)]
    first = "learning_curves" if findings.n_settings == 1 else "stability" if "gate" not in findings.varying else ""
    chosen = {name: FIGURES[name].draw for name in sorted(telling, key=lambda name: name != first)}
    if models:
        representatives = findings.representatives
        chosen["decision_surfaces"] = lambda found: decision_surfaces(found, representatives.chosen, models)
    if courses:
        chosen["training"] = lambda _: training(courses)
    return chosen
