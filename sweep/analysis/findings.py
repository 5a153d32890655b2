"""Findings of a result: each is computed at its first use, once, for all who draw it, write of it or list it."""

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis import axes, curves, losses, pairs, planes, predictions, representatives, stability
from sweep.analysis.axes import Layout
from sweep.analysis.curves import LearningCurves, SuccessCurves
from sweep.analysis.losses import Histogram, Losses
from sweep.analysis.planes import HeatMap, Plane
from sweep.analysis.points import points
from sweep.analysis.predictions import Law
from sweep.analysis.representatives import Representatives
from sweep.analysis.stability import Edge
from sweep.results.columns import sparing
from sweep.results.result import Result
from sweep.results.settings import n_rows
from sweep.spec.experiment import Experiment, Train


class Findings:
    """What a result shows.

    Parameters
    ----------
    result
        On disk or in memory. Its columns are read once.
    """

    def __init__(self, result: Result) -> None:
        self.result = sparing(result)

    @property
    def experiment(self) -> Experiment:
        """The experiment whose runs these are."""
        return self.result.experiment

    @property
    def train(self) -> Train:
        """How long was trained, and when a run has converged."""
        return self.experiment.train

    @cached_property
    def n_runs(self) -> int:
        """Number of runs."""
        return n_rows(self.result, "runs")

    @cached_property
    def n_settings(self) -> int:
        """Number of settings, which are the rows of the summary."""
        return n_rows(self.result, "summary")

    @cached_property
    def varying(self) -> list[str]:
        """Keys of the grid that take more than one value, in file order."""
        return axes.varying(self.result)

    @cached_property
    def by_kind(self) -> list[str]:
        """The keys of `varying`: the gate, then the other categories, then numbers."""
        return axes.categories_first(self.result, self.varying)

    @cached_property
    def layout(self) -> Layout:
        """The part that each varying axis plays in a figure."""
        return axes.choose_layout(self.result)

    @cached_property
    def main_axis(self) -> str | None:
        """The numeric axis along a figure."""
        return axes.main_numeric_axis(self.result)

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per panel, line and x of the layout; see `sweep.analysis.points.points`."""
        return points(self.result, self.layout)

    @cached_property
    def losses(self) -> Losses:
        """Kinds of losses, and what answering ½ costs."""
        return losses.losses_of(self.result)

    @cached_property
    def histogram(self) -> Histogram | None:
        """Final losses by panel and status; None if every run diverged."""
        target = self.train.target_loss
        marks = [*sorted(set(self.infima.values())), *(constant.loss for constant in self.losses.constants)]
        marks += [target] if target is not None else []
        return losses.histogram(self.result, self.layout.panels_only, marks)

    @cached_property
    def planes(self) -> tuple[list[Plane], dict[str, str]]:
        """The planes of the layout, and the axes held at one value; none where the layout has no plane."""
        return ([], {}) if self.layout.plane is None else planes.planes(self.result, self.layout.plane)

    @cached_property
    def heat_map(self) -> HeatMap | None:
        """Shades of the settings of `planes`."""
        made, held = self.planes
        return planes.heat_map(self.result, self.layout.plane, made, held) if self.layout.plane and made else None

    def heat_map_of(self, upwards: str, rightwards: str) -> HeatMap:
        """Shades of the planes of two numeric axes, of two values or more."""
        axes = upwards, rightwards
        made, held = planes.planes(self.result, axes, least=2)
        if not made:
            raise ValueError(f"no grid of this result has two values or more of both {upwards} and {rightwards}")
        return planes.heat_map(self.result, axes, made, held)

    @cached_property
    def success_curves(self) -> SuccessCurves:
        """Share of the runs converged by each epoch."""
        return curves.success_curves(self.result, self.layout)

    @cached_property
    def learning_curves(self) -> LearningCurves | None:
        """Losses while training; None if they were not recorded."""
        return curves.learning_curves(self.result, self.layout)

    @cached_property
    def covered(self) -> pd.DataFrame:
        """Settings of which theory speaks, and what it says; see `sweep.analysis.predictions.covered`."""
        return predictions.covered(self.result)

    @cached_property
    def laws(self) -> dict[str, list[Law]]:
        """Predicted epochs to convergence of each panel of the layout that has any."""
        return predictions.laws(self.result, self.covered, self.layout)

    @cached_property
    def law_ratios(self) -> NDArray[np.float64]:
        """Median epochs to convergence over the predicted ones, of every setting in the law's range."""
        return predictions.law_ratios(self.result, self.covered)

    @cached_property
    def infima(self) -> dict[str, float]:
        """Least loss of each panel of `histogram` that has one."""
        return predictions.infima(self.result, self.covered, self.layout.panels_only)

    @cached_property
    def edges(self) -> list[Edge]:
        """Edge of stability of each table that has one."""
        return stability.edges(self.result, self.covered)

    @cached_property
    def edge_layout(self) -> Layout | None:
        """Layout of the final losses across the edges; None where there is nothing to draw."""
        return stability.edge_layout(self.layout, self.edges)

    @cached_property
    def edge_losses(self) -> pd.DataFrame | None:
        """Final losses across the edges, in `edge_layout`; see `sweep.analysis.stability.losses_across`."""
        layout = self.edge_layout
        return None if layout is None else stability.losses_across(self.result, self.covered, layout, self.edges)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Paired comparisons of values of an axis; see `sweep.analysis.pairs.paired`."""
        return pairs.paired(self.result)

    @cached_property
    def representatives(self) -> Representatives:
        """Runs worth a look."""
        return representatives.representatives(self.result)
