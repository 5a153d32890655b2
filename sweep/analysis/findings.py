"""Findings of a result: each is computed at its first use and kept for figures, sentences and page."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis import curves, losses, planes, predictions, representatives, stability
from sweep.analysis.curves import LearningCurves, SuccessCurves
from sweep.analysis.layout import Layout, categories_first, choose_layout, combinations_of, varying
from sweep.analysis.losses import Histogram, Losses
from sweep.analysis.names import gate_names
from sweep.analysis.planes import HeatMap, Plane
from sweep.analysis.points import points, thinned
from sweep.analysis.predictions import Law
from sweep.analysis.question import best, effects, growth, subject
from sweep.analysis.question import instead as learned
from sweep.analysis.question import ones as answered
from sweep.analysis.question.best import Best, By, Factor
from sweep.analysis.question.effects import Effect
from sweep.analysis.question.growth import ByInputs, Fall, Oscillation
from sweep.analysis.question.instead import Instead
from sweep.analysis.question.ones import Ones
from sweep.analysis.question.trials import Trials, arranged
from sweep.analysis.representatives import Representatives
from sweep.analysis.stability import Below, Edge
from sweep.results.columns import sparing
from sweep.results.result import Result
from sweep.results.settings import Settings
from sweep.spec.experiment import Experiment
from sweep.spec.keys import Train
from sweep.spec.schema import COUNTED, FAILURES, STATUS


class Findings:
    """Findings of a result, each computed once.

    Parameters
    ----------
    result
        On disk or in memory. Its columns are read once.
    """

    def __init__(self, result: Result) -> None:
        self.result = sparing(result)
        self.experiment: Experiment = result.experiment
        self.train: Train = result.experiment.train

    @property
    def settings(self) -> Settings:
        """The setting of each row of the summary."""
        return self.result.settings

    @cached_property
    def status_counts(self) -> dict[str, int]:
        """Number of runs of each status."""
        counts = self.result.part("summary", COUNTED)
        n, *known = (int(counts[name].sum()) for name in COUNTED)
        return dict(zip(("converged", *FAILURES.values(), "max_epochs"), [*known, n - sum(known)], strict=True))

    @property
    def any_converged(self) -> bool:
        """True if a run converged."""
        return self.status_counts["converged"] > 0

    @property
    def any_finite(self) -> bool:
        """True if a run ended with a finite loss."""
        return any(count and STATUS[name].is_finite for name, count in self.status_counts.items())

    @property
    def n_settings(self) -> int:
        """Number of settings, which are the rows of the summary."""
        return self.settings.n

    @cached_property
    def varying(self) -> list[str]:
        """Keys of the grid that take more than one value, in file order."""
        return varying(self.settings)

    @cached_property
    def by_kind(self) -> list[str]:
        """The keys of `varying`: the gate, then the other categories, then numbers."""
        return categories_first(self.settings, self.varying)

    @cached_property
    def layout(self) -> Layout:
        """The part that each varying axis plays in a figure."""
        return choose_layout(self.settings)

    @cached_property
    def _points(self) -> tuple[pd.DataFrame, int]:
        return thinned(points(self.result, self.layout))

    @property
    def points(self) -> pd.DataFrame:
        """One row per panel, line and x of the layout; see `sweep.analysis.points.points`."""
        return self._points[0]

    @property
    def step(self) -> int:
        """Number of values of the axis along the figure of which the first is among `points`; 1 if all are."""
        return self._points[1]

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
        return ([], {}) if self.layout.plane is None else planes.planes(self.settings, self.layout.plane)

    @cached_property
    def heat_map(self) -> HeatMap | None:
        """Shades of the settings of `planes`."""
        made, held = self.planes
        return planes.heat_map(self.result, self.layout.plane, made, held) if self.layout.plane and made else None

    def heat_map_of(self, upwards: str, rightwards: str) -> HeatMap:
        """Shades of the planes of two numeric axes, of two values or more."""
        axes = upwards, rightwards
        made, held = planes.planes(self.settings, axes, least=2)
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
        return predictions.law_ratios(self.experiment, self.covered)

    @cached_property
    def infima(self) -> dict[str, float]:
        """Least loss of each panel of `histogram` that has one."""
        return predictions.infima(self.result, self.covered, self.layout.panels_only)

    @cached_property
    def unreachable(self) -> dict[str, float]:
        """Own tables that no model can learn up to the target → their least loss; see `predictions.unreachable`."""
        return predictions.unreachable(self.experiment)

    @cached_property
    def edges(self) -> list[Edge]:
        """Edge of stability of each table that has one, told by the losses of single runs."""
        if not self.result.keeps_runs:
            return []
        return stability.edges(self.result, self.covered)

    @cached_property
    def below_edges(self) -> Below | None:
        """Runs below the edges of stability, and those of them that end in cycles."""
        return stability.below(self.result, self.covered) if self.result.keeps_runs else None

    @cached_property
    def edge_layout(self) -> Layout | None:
        """Layout of the final losses across the edges; None where there is nothing to draw."""
        return stability.edge_layout(self.layout, self.edges)

    @cached_property
    def edge_losses(self) -> pd.DataFrame | None:
        """Final losses across the edges, in `edge_layout`; see `sweep.analysis.stability.losses_across`."""
        layout = self.edge_layout
        if layout is None:
            return None
        return thinned(stability.losses_across(self.result, self.covered, layout, self.edges))[0]

    @cached_property
    def subject(self) -> str | None:
        """Axis that the question is about; None where nothing varies."""
        return subject.subject(self.experiment.question, self.by_kind, self.experiment.compare)

    @cached_property
    def varied(self) -> pd.DataFrame:
        """Axes that vary, the subject first: one row per setting."""
        first = [key for key in (self.subject, *self.by_kind) if key]
        columns = {key: self.settings.column(key) for key in dict.fromkeys(first)}
        if "gate" in columns:
            columns["gate"] = columns["gate"].cat.rename_categories(gate_names(self.settings.values("gate")))
        return pd.DataFrame(columns, range(self.n_settings))

    @cached_property
    def companions(self) -> Mapping[str, list[str]]:
        """Axis → the axes that follow from it, for each that follows from none; see `subject.followers`."""
        axes = list(map(str, self.varied))
        return subject.followers(axes, combinations_of(self.settings, axes))

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Columns n and n_converged of the summary."""
        return self.result.part("summary", ["n", "n_converged"]).reset_index(drop=True)

    @cached_property
    def trials(self) -> Trials | None:
        """Epochs of convergence by setting and seed; None where seeds differ too much, or no single runs are kept."""
        if not self.result.keeps_runs:
            return None
        runs = self.result.part("runs", ["seed", "status", "converged_epoch"])
        kind = np.int32 if self.train.max_epochs < 2**31 - 2 else np.int64
        epoch = runs["converged_epoch"].to_numpy(kind, na_value=-1)
        epoch[(runs["status"] != "converged").to_numpy(np.bool_)] = -1
        n = self.counts["n"].to_numpy(np.int64)
        return arranged(self.varied, n, runs["seed"].to_numpy(), epoch, self.train.max_epochs)

    @cached_property
    def by_value(self) -> dict[Any, NDArray[np.intp]]:
        """Rows of `varied` by value of the subject, in order; a hole is no value."""
        grouped = self.varied.groupby(self.subject, observed=True, sort=True).indices
        return {at: np.asarray(rows, np.intp) for at, rows in grouped.items()}

    def learned_with(self, axis: str) -> dict[Any, int]:
        """Count the runs that converged, by value of an axis that varies."""
        n = self.counts["n_converged"].groupby(self.varied[axis], observed=True, sort=True).sum()
        return {at: int(count) for at, count in n.items()}

    def best(self, groups: Sequence[NDArray[np.intp]], by: By) -> list[Best]:
        """Choose the best setting of each group of rows of `varied`; see `best.best_of_each`."""
        if not self.result.keeps_runs:
            names = ["n", "n_converged", "epochs_q05", "epochs_q50", "epochs_q95"]
            return best.best_of_summary(self.result.part("summary", names), groups, by)
        return [] if self.trials is None else best.best_of_each(self.trials, groups, by)

    def factor(self, of: Best, by: Best) -> Factor | None:
        """Divide the epochs of one setting by those of another; see `best.factor`."""
        return None if self.trials is None else best.factor(self.trials, of, by)

    @property
    def chooses(self) -> bool:
        """True if the best of several settings can be told."""
        return self.trials is not None or not self.result.keeps_runs

    @cached_property
    def everywhere(self) -> tuple[Any, Any] | None:
        """First and last value of `layout.x` at which every run of what was learned converged; None if there is none.

        Of gates, or else of values of the subject, those that were learned in some run.
        """
        if self.layout.x is None or self.layout.x in (key for keys in self.companions.values() for key in keys):
            return None
        kind = "gate" if "gate" in self.varied else self.subject
        return best.everywhere(self.varied, self.counts, self.layout.x, None if kind == self.layout.x else kind)

    @cached_property
    def effects(self) -> list[Effect]:
        """Effects of each axis, all else equal; `layout.x` only where `everywhere` says nothing of it.

        Values of the subject with which no run converged do not count.
        """
        if self.trials is None or self.subject is None:
            return []
        elsewhere = ["gate", "loss", *([self.layout.x] if self.everywhere else [])]
        compared = [axis for axis in self.companions if axis not in elsewhere]
        return effects.effects(self.trials.learned(self.subject), compared, self.companions, "gate" in self.varied)

    @cached_property
    def by_inputs(self) -> ByInputs | None:
        """How the epochs of a family of gates grow with their inputs; None where gates are no such family."""
        if self.subject != "gate" or self.trials is None:
            return None
        return growth.by_inputs(self.trials, [str(gate) for gate in self.by_value], list(self.by_value.values()))

    @cached_property
    def fall(self) -> Fall | None:
        """How the median loss falls at the setting where it ends lowest; None if it was not recorded."""
        if self.result.curves is None:
            return None
        final = self.result.part("runs", ["final_loss"])["final_loss"].to_numpy(np.float64)
        return growth.lowest_fall(self.result.curves, final, self.counts["n"].to_numpy(np.int64))

    def oscillations(self, groups: Sequence[NDArray[np.intp]]) -> list[Oscillation]:
        """Longest oscillation of the loss in each group of rows of `varied`; none if not every epoch was recorded."""
        if self.result.curves is None:
            return []
        last = growth.last_rises(self.result.curves, self.result.n_runs)
        rates = self.varied["learning_rate"].to_numpy(np.float64) if "learning_rate" in self.varied else None
        n = self.counts["n"].to_numpy(np.int64)
        return [] if last is None else growth.oscillations(last, n, rates, groups)

    @cached_property
    def instead(self) -> Instead | None:
        """What failed runs of Boolean tables answer; None where there is nothing to tell, or no runs are kept."""
        if self.experiment.keep == "summary":
            return None
        first = [key for key in ("gate", self.subject) if key in self.varying]
        return learned.instead(self.result, list(dict.fromkeys([*first, *self.by_kind])))

    @cached_property
    def ones(self) -> list[Ones]:
        """How many rows runs answer 1, by gate; see `ones.ones`."""
        return answered.ones(self.result)

    @cached_property
    def representatives(self) -> Representatives:
        """Runs worth a look."""
        return representatives.representatives(self.result)
