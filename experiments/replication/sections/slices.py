"""Kolen & Pollack 1990: slices through the space of starts."""

import math
from typing import Any, NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

import sweep
from experiments.replication.dimension import circle, dimension
from experiments.replication.drawing import styled
from experiments.replication.parts import Array, Claim, Section, markdown, percent, trained
from experiments.replication.statistics import NO, YES

WEIGHTS = (
    "left ← input 1",
    "left ← input 2",
    "right ← input 1",
    "right ← input 2",
    "left bias",
    "right bias",
    "output ← left",
    "output ← right",
    "output bias",
)


class Slice(NamedTuple):
    """A figure of theirs, in the order of our weights."""

    name: str
    theirs: str
    eta: float
    momentum: float
    weights: tuple[Any, ...]


SLICES = (
    Slice("figure 4", "(+4 −7 +6, +0 −3 Y, +1 X +1)", 2.75, 0.0, (4, -7, 0, -3, 6, "y", 1, "x", 1)),
    Slice("figure 6", "(Y X −3, +6 +8 +3, +1 +7 −3)", 3.25, 0.0, ("y", "x", 6, 8, -3, 3, 1, 7, -3)),
    Slice("figure 8", "(−6 −4 X, Y −6 −6, +9 −4 −9)", 3.0, 0.5, (-6, -4, "y", -6, "x", -6, 9, -4, -9)),
    Slice("figure 11", "(+7 +4 −9, −9 −5 Y, −3 +9 X)", 3.0, 0.7, (7, 4, -9, -5, -9, "y", -3, 9, "x")),
    Slice("figure 11, biases first", "(+7 +4 −9, −9 −5 Y, −3 +9 X)", 3.0, 0.7, (4, -9, -5, "y", 7, -9, 9, "x", -3)),
)


def slices(result: sweep.Result) -> Section:
    """Compare their pictures of the space of starts."""
    n_y, n_x = (result.runs[key].nunique() for key in "yx")
    pictures = pictures_of(result)
    null = circle((n_y, n_x))
    rows, claims = [], []
    for one, picture in pictures.items():
        learned = np.isfinite(picture)
        k, n, found = int(learned.sum()), learned.size, dimension(learned)
        median = f"{np.nanmedian(picture):.0f}" if k else "–"
        rough = "–" if math.isnan(found) else f"{found:.2f}"
        converged = f"{k:,} of {n:,} ({percent(k / n)} %)"
        rows.append([one.name, one.theirs, f"{one.eta:g}, {one.momentum:g}", converged, median, rough])
        if one.name.count(",") == 0:
            source, said = f"Kolen & Pollack 1990, {one.name}", "some starts converge and some do not"
            claims.append(Claim(source, said, converged + " converge", YES if 0 < k < n else NO))
    rows.append(["a circle", "", "", "", "", f"{null:.2f}"])
    first = [one.name.endswith("first") for one in pictures]
    other_reading = (
        " In our last picture the first of each three numbers is the bias instead of the last, another reading of "
        "figure 11."
        if any(first)
        else ""
    )
    header = ["picture", "their weights", "η, α", "converged", "median epochs of these", "dimension of the boundary"]
    max_epochs = trained(result)["max_epochs"]
    text = [
        "*They showed* 200 × 200 starts, two of the nine weights from −10 to 10, grey by epochs to converge, black "
        "if not within 200. The list of weights is, for the left hidden, the right hidden and the output unit, two "
        f"weights and the bias. *We assumed* batch updates and squared error; ours have {n_y} × {n_x} starts and up "
        f"to {max_epochs:,} epochs.{other_reading} Every start of the grid is trained, so there are no intervals.",
        "Pictures cannot be compared by number. What is checked is that both kinds of start occur, as they do in "
        "theirs. The box-counting dimension of the line between them is ours. A picture this small tells it to "
        "about ± 0.1 only, as that of a circle by the same code shows, whose true value is 1.",
        markdown(header, rows),
    ]
    alt = "Maps of the starts that learn XOR, grey by epochs"
    return Section(
        "Slices through the space of starts: Kolen & Pollack 1990", claims, text, _slices_figure(pictures, result), alt
    )


def pictures_of(result: sweep.Result) -> dict[Slice, Array]:
    """The first epoch that converged for each start of each figure, NaN for none: shape (n_y, n_x)."""
    grids = result.manifest["experiment"]["grid"]
    shape = len(grids), *(result.runs[key].nunique() for key in "yx")
    first_epochs = result.runs["converged_epoch"].to_numpy(np.float64, na_value=np.nan).reshape(shape)
    known = {(one.weights, one.momentum): one for one in SLICES}
    pictures = {}
    for grid, picture in zip(grids, first_epochs, strict=True):
        key = tuple(grid["weights"]), float(grid["momentum"])
        if key not in known:
            raise ValueError(f"the slice with weights {grid['weights']} is none of the figures that this page knows")
        pictures[known[key]] = picture
    return pictures


@styled
def _slices_figure(pictures: dict[Slice, Array], result: sweep.Result) -> Figure:
    n_columns = 3 if len(pictures) > 4 else 2
    n_rows = math.ceil(len(pictures) / n_columns)
    figure = Figure(figsize=(3.2 * n_columns + 1.1, 3.35 * n_rows + 0.6), layout="constrained")
    figure.suptitle("Starts that learn XOR, and how fast", x=0.01, ha="left", fontsize=12.5, weight="bold")
    left, right, bottom, top = (float(end) for key in "xy" for end in (result.runs[key].min(), result.runs[key].max()))
    most = trained(result)["max_epochs"]
    greys = LinearSegmentedColormap.from_list("greys", ["white", "#3c3c3c"])
    all_axes = []
    for i, (one, picture) in enumerate(pictures.items()):
        axes = figure.add_subplot(n_rows, n_columns, i + 1)
        axes.set_title(f"{one.name}: η {one.eta:g}, α {one.momentum:g}")
        axes.set_facecolor("black")
        axes.imshow(
            picture,
            greys,
            Normalize(0, most),
            origin="lower",
            extent=(left, right, bottom, top),
            interpolation="nearest",
        )
        axes.set_xlabel(f"X: {WEIGHTS[one.weights.index('x')]}")
        axes.set_ylabel(f"Y: {WEIGHTS[one.weights.index('y')]}", labelpad=0)
        axes.set_xticks([-10, -5, 0, 5])
        axes.set_yticks([-10, -5, 0, 5])
        axes.grid(visible=False)
        all_axes.append(axes)
    label = "epochs to converge; black: not within them"
    bar = figure.colorbar(ScalarMappable(Normalize(0, most), greys), ax=all_axes, label=label, shrink=0.8, aspect=30)
    bar.ax.grid(visible=False)
    return figure
