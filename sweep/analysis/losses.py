"""Losses of a result: their kinds, what answering ½ costs, and how final losses are distributed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.layout import Layout
from sweep.analysis.names import combinations
from sweep.results.result import Result
from sweep.results.statistics import PIECE
from sweep.spec.schema import STATUSES, status_code

Array = NDArray[np.float64]


class Constant(NamedTuple):
    """Loss of a model that answers ½ to every input."""

    name: str
    loss: float
    in_full: str


CONSTANTS = {"bce": Constant("ln 2", math.log(2), "ln 2 ≈ 0.693"), "mse": Constant("0.25", 0.25, "0.25")}
"""By loss; of mse for targets 0 and 1."""


@dataclass(frozen=True)
class Losses:
    """Losses that the models minimise, and those of a model that answers ½ to every input.

    These are known of cross-entropy always, of squares for targets 0 and 1.
    """

    kinds: tuple[str, ...]
    constants: tuple[Constant, ...]


@dataclass(frozen=True, eq=False)
class Histogram:
    """Distribution of the final losses of each panel.

    Attributes
    ----------
    edges : float64, shape (n_bins + 1,)
        Bins, equal on a logarithmic axis.
    shares : float64, shape (n_panels, n_statuses, n_bins)
        Shares of all runs of a panel, by status in the order of `sweep.spec.schema.STATUSES`.
    lower, higher
        True if losses lie below the first edge, or above the last, and are counted in the outermost bins.
    """

    panels: list[str]
    edges: Array
    shares: Array
    n_diverged: NDArray[np.int64]
    lower: bool
    higher: bool


def losses_of(result: Result) -> Losses:
    """Return the kinds of losses of a result, and what answering ½ costs."""
    kinds = tuple(result.settings.values("loss"))
    own = any(gate in result.experiment.tables for gate in result.settings.values("gate"))
    return Losses(kinds, tuple(CONSTANTS[kind] for kind in kinds if kind == "bce" or not own))


def histogram(result: Result, layout: Layout, marks: Sequence[float]) -> Histogram | None:
    """Count final losses by panel and status, in bins that cover the losses and the marks; None if all diverged."""
    panel = combinations(result.settings, layout.panels, layout.by_inputs)
    runs = result.outcomes(["status", "final_loss"])
    status = runs["status"].cat.set_categories(list(STATUSES)).cat.codes.to_numpy()
    loss = runs["final_loss"].to_numpy()
    finite = loss[np.isfinite(loss)]
    if len(finite) == 0:
        return None
    lowest, highest = finite.min(), finite.max()
    edges = _loss_edges(finite, list(marks))
    del finite
    shape = (len(panel.names), len(STATUSES), len(edges) - 1)
    panel_of, n = result.of_runs(panel.codes), result.weights
    counts = np.zeros(shape, np.int64)
    for start in range(0, len(loss), PIECE):
        piece = slice(start, start + PIECE)
        bins = np.clip(np.searchsorted(edges, loss[piece], side="right") - 1, 0, shape[2] - 1)
        np.add.at(counts, (panel_of[piece], status[piece], bins), 1 if n is None else n[piece])
    return Histogram(
        panel.names,
        edges,
        counts / counts.sum(axis=(1, 2), keepdims=True),
        counts[:, status_code("diverged")].sum(axis=1),
        bool(lowest < edges[0]),
        bool(highest > edges[-1]),
    )


def _loss_edges(losses: Array, marks: list[float]) -> Array:
    """Choose edges of about 40 bins, equal on a logarithmic axis, over losses and marks; one lies at the last mark.

    Losses more than three powers of ten below the marks go to the first bin; the highest thousandth, and losses as far
    above 1 and the marks, go to the last. The array of losses is overwritten.
    """
    marks = marks or [1.0]
    lowest = 10.0 ** (math.floor(math.log10(min(marks))) - 3)
    highest = 1e3 * max(1.0, *marks)
    np.minimum(losses, highest, out=losses)
    low, high = np.quantile(losses, [0, 0.999], overwrite_input=True)
    low = max(min(low, *marks) / 2, lowest)
    high = max(high, *marks) * 2
    width = math.log(high / low) / 40
    n_below, n_above = math.ceil(math.log(marks[-1] / low) / width), math.ceil(math.log(high / marks[-1]) / width)
    return np.asarray(marks[-1] * np.exp(width * np.arange(-n_below, n_above + 1)))
