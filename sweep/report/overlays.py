"""What theory predicts, to be drawn over what was measured, panel by panel."""

from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sweep.report.axes import Layout, censored, choose_layout
from sweep.report.predictions import predicted_target, with_panels
from sweep.report.result import Result
from sweep.report.theory import NotSeparable, Separable

BLACK = "#000000"
LEAST = "#CC79A7"


class Law(NamedTuple):
    """The predicted epochs to convergence over some learning rates: float64 arrays, shape (n,)."""

    learning_rate: NDArray[np.float64]
    epochs: NDArray[np.float64]


def laws(result: Result, layout: Layout) -> dict[str, list[Law]]:
    """For each panel that has any, the curves 1/(γ² η target) of its tables.

    Each goes from the lowest learning rate of the experiment to where the loss may rise in the first epochs
    (`Separable.monotone_learning_rate`), which the law does not count. There are none of a target that is not small,
    nor where something else than the learning rate runs along the figure, or there is none of lines.
    """
    target = predicted_target(result)
    if layout.x != "learning_rate" or layout.lines_mix or target is None:
        return {}
    found: dict[str, list[Law]] = {}
    table = with_panels(result, layout, _unique([*layout.panels, "learning_rate"]))
    for panel, of_panel in table.groupby("panel", sort=False):
        seen: set[tuple[float, float]] = set()
        for theory in dict.fromkeys(of_panel["theory"]):
            if not isinstance(theory, Separable) or (theory.margin, theory.monotone_learning_rate) in seen:
                continue
            seen.add((theory.margin, theory.monotone_learning_rate))
            rates = of_panel["learning_rate"][[one is theory for one in of_panel["theory"]]]
            low, high = float(rates.min()), min(float(rates.max()), theory.monotone_learning_rate)
            if low < high:
                rate = np.geomspace(low, high, 50)
                found.setdefault(str(panel), []).append(Law(rate, theory.epochs(rate, target)))
    return found


def draw_laws(axes: Axes, curves: list[Law]) -> None:
    """Draw predicted epochs as thin black lines, over what is measured."""
    for curve in curves:
        axes.plot(curve.learning_rate, curve.epochs, color=BLACK, linewidth=0.9, zorder=4, scalex=False, scaley=False)


def law_handle() -> Artist:
    """The legend entry of predicted epochs."""
    return Line2D([], [], color=BLACK, linewidth=0.9, label="theory: 1/(γ² η target)")


def law_caption(result: Result) -> str:
    """What the predicted epochs are, and how far the measured medians are from them; empty where there are none."""
    if not laws(result, choose_layout(result)):
        return ""
    ratios = law_ratios(result)
    said = (
        " Thin and black: what theory predicts of tables that are linearly separable, 1/(γ² η target) epochs with γ "
        "the largest margin, the bias counted as a weight; the limit for small targets, drawn up to the learning rate "
        "below which the loss falls in every epoch."
    )
    if len(ratios):
        low, middle, high = np.quantile(ratios, [0, 0.5, 1])
        said += (
            f" There, the measured medians are {low:.2f} to {high:.2f} times the predicted ones, half of them more "
            f"than {middle:.2f}."
        )
    return said


def law_ratios(result: Result) -> NDArray[np.float64]:
    """Of every setting in the law's range: its median epochs to convergence over the predicted ones; float64, (n,).

    Settings whose median is later than max_epochs are left out where the predicted one is so as well; otherwise the
    ratio is that of max_epochs, which is the least it can be.
    """
    target = predicted_target(result)
    table = with_panels(result, choose_layout(result), ["learning_rate", "epochs_q50"])
    if target is None or len(table) == 0:
        return np.empty(0)
    theories = table["theory"].to_numpy(object)
    rate, median = table["learning_rate"].to_numpy(np.float64), censored(table["epochs_q50"])
    inside = np.array([isinstance(one, Separable) for one in theories], np.bool_)
    inside &= rate <= np.array([getattr(one, "monotone_learning_rate", 0.0) for one in theories])
    gamma = np.array([getattr(one, "margin", 1.0) for one in theories])
    predicted = 1.0 / (gamma**2 * rate * target)
    max_epochs = float(result.manifest["experiment"]["train"]["max_epochs"])
    inside &= np.isfinite(median) | (predicted < max_epochs)
    return np.asarray(np.minimum(median, max_epochs)[inside] / predicted[inside])


def infima(result: Result, layout: Layout) -> dict[str, float]:
    """For each panel all of whose runs are of tables that are not separable and have one least loss: that loss."""
    if layout.by_inputs:
        return {}
    table = with_panels(result, layout, _unique(layout.panels))
    of_panels = table.groupby("panel", sort=False)["theory"].agg(list)
    found = {}
    for panel, theories in of_panels.items():
        losses = [one.infimum for one in theories if isinstance(one, NotSeparable)]
        if len(losses) == len(theories) and max(losses) - min(losses) < 1e-9:
            found[str(panel)] = losses[0]
    return found


def draw_infimum(axes: Axes, infimum: float) -> None:
    """Mark the least loss that any weights have."""
    axes.axvline(infimum, color=LEAST, linewidth=4, alpha=0.5, zorder=0.9)


def infimum_handle() -> Artist:
    """The legend entry of the least loss."""
    return Line2D([], [], color=LEAST, linewidth=4, alpha=0.5, label="least loss of any weights: not separable")


def _unique(keys: "list[str] | tuple[str, ...]") -> list[str]:
    return list(dict.fromkeys(keys))
