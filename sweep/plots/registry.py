"""The figures of a result, in reading order."""

from collections.abc import Callable, Sequence

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
    chosen: dict[str, Draw] = {}
    if findings.n_runs == 0:
        return chosen
    layout, edge = findings.layout, findings.edge_layout is not None
    if edge and "gate" not in findings.varying:
        chosen["stability"] = stability
    counts = findings.result.part("summary", ["n", "n_converged", "n_diverged"])
    converged = bool((counts["n_converged"] > 0).any())
    if findings.planes[0]:
        chosen["heat_map"] = heat_map
    if not layout.lines_mix:
        chosen["success_rate"] = success_rate
        if converged:
            chosen["epochs_to_converge"] = epochs_to_converge
    if converged and findings.success_curves.tell:
        chosen["success_curves"] = success_curves
    if edge:
        chosen["stability"] = stability
    if findings.instead is not None:
        chosen["learned_instead"] = learned_instead
    if (counts["n_diverged"] < counts["n"]).any():
        chosen["final_loss"] = final_loss
    curves = findings.result.curves
    if curves is not None and np.isfinite(curves["loss"]).any():
        learning: dict[str, Draw] = {"learning_curves": learning_curves}
        chosen = learning | chosen if len(counts) == 1 else chosen | learning
    if models:
        representatives = findings.representatives
        chosen["decision_surfaces"] = lambda found: decision_surfaces(found, representatives.chosen, models)
    if courses:
        chosen["training"] = lambda _: training(courses)
    return chosen
