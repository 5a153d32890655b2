"""Figures: one module each, and which of them a result has."""

from sweep.plots.decision_surfaces import decision_surfaces
from sweep.plots.epochs_to_converge import epochs_to_converge
from sweep.plots.final_loss import final_loss
from sweep.plots.heat_map import heat_map
from sweep.plots.learned_instead import learned_instead
from sweep.plots.learning_curves import learning_curves
from sweep.plots.registry import figures_for
from sweep.plots.stability import stability
from sweep.plots.success_curves import success_curves
from sweep.plots.success_rate import success_rate
from sweep.plots.training import training

__all__ = [
    "decision_surfaces",
    "epochs_to_converge",
    "figures_for",
    "final_loss",
    "heat_map",
    "learned_instead",
    "learning_curves",
    "stability",
    "success_curves",
    "success_rate",
    "training",
]
