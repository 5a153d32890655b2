"""The boundary of trainability of a small network, after Sohl-Dickstein 2024."""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

import sweep
from experiments.replication.dimension import circle, dimension
from experiments.replication.drawing import styled
from experiments.replication.parts import NEW, VERMILLION, Array, Claim, Section, markdown, percent, trained
from experiments.replication.statistics import NO, YES

THEIR_DIMENSIONS = (1.17, 1.98)
FLAT = {"diverging": VERMILLION, "finite, no better": "#F7C6A3"}


def initial_loss(seed: int) -> float:
    """The loss before training: XOR, inputs ±1, 2-2-1 with tanh and a linear output, weights drawn from N(0, 1)."""
    drawn = np.random.default_rng(seed).standard_normal(9)
    W1, b1, w2, b2 = drawn[:4].reshape(2, 2), drawn[4:6], drawn[6:8], drawn[8]
    X, y = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 0.0])
    return float(np.mean((np.tanh(X @ W1.T + b1) @ w2 + b2 - y) ** 2))


def rates_plane(result: sweep.Result) -> Array:
    """The final losses, by the rates of the hidden and of the output layer: shape (n_hidden_rates, n_rates)."""
    runs = result.runs
    shape = runs["hidden_learning_rate"].nunique(), runs["learning_rate"].nunique()
    return runs["final_loss"].to_numpy(np.float64).reshape(shape)


def trainability_boundary(result: sweep.Result) -> Section:
    """Describe the plane of the two layers' learning rates."""
    runs = result.runs
    start, loss = initial_loss(int(runs["seed"].iloc[0])), rates_plane(result)
    shape = loss.shape
    converging = loss < start
    finite, n = np.isfinite(loss), loss.size
    found, null = dimension(converging), circle(shape)
    low, high = THEIR_DIMENSIONS
    agrees = YES if low <= found <= high else NO
    measured = "no boundary" if math.isnan(found) else f"{found:.2f}; a circle by the same code {null:.2f}"
    claims = [
        Claim(
            NEW,
            f"XOR on 2-2-1: is the dimension of the boundary among Sohl-Dickstein's, {low:.2f} to {high:.2f}?",
            measured,
            agrees,
        )
    ]
    rates = [f"{runs[key].min():g} to {runs[key].max():g}" for key in ("hidden_learning_rate", "learning_rate")]
    kinds = {
        f"converging: final loss below the initial {start:.3g}": int(converging.sum()),
        "finite, but no better than at the start": int((finite & ~converging).sum()),
        "diverging: a weight or the loss is no longer finite": int((~finite).sum()),
    }
    text = [
        "*Sohl-Dickstein 2024 trained* networks of 16 inputs, 16 hidden units and no bias on 272 random rows, with "
        "rates of the "
        "two layers on the axes, for 500 or 1,000 steps, in several variants, and found box-counting dimensions of "
        f"the boundary between converging and diverging from {low:.2f} to {high:.2f}: medians over many "
        "enlargements. *Ours is a different, much smaller network*: 2-2-1 with biases on the four rows of XOR "
        "(inputs ±1, tanh, linear output, squared error), one seed, and one picture without enlargements. "
        "Agreement here says that the phenomenon is not confined to theirs; it does not reproduce their numbers.",
        f"*We measured* {shape[0]} × {shape[1]} runs, rates {rates[0]} (hidden layer) and {rates[1]} (output "
        f"layer), {trained(result)['max_epochs']:,} epochs. The boundary divides the first class from the other "
        "two; we agree if its dimension lies in their range.",
        markdown(["class", "runs", "share"], [[k, f"{m:,}", f"{percent(m / n)} %"] for k, m in kinds.items()]),
        f"Dimension of the boundary: **{measured}**.",
    ]
    alt = "Plane of learning rates, coloured by final loss where training converges"
    figure = _boundary_figure(result, loss, converging)
    return Section("The boundary of trainability of a network for XOR", claims, text, figure, alt)


def shades_of(loss: Array, converging: NDArray[np.bool_]) -> tuple[Array, LogNorm]:
    """Colours of the plane, RGB by runs, and the scale of those that converge."""
    shown = loss[converging] if converging.any() else np.array([1e-6, 1.0])
    least = max(float(shown.min()), 1e-12)
    most = max(float(shown.max()), 2 * least)
    norm = LogNorm(least, most)
    picture = colormaps["viridis"].resampled(64)(norm(np.where(converging, loss, most)))[..., :3]
    for colour, members in zip(FLAT.values(), (~np.isfinite(loss), np.isfinite(loss) & ~converging), strict=True):
        picture[members] = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return picture, norm


@styled
def _boundary_figure(result: sweep.Result, loss: Array, converging: NDArray[np.bool_]) -> Figure:
    dots, left, bottom = 160, 0.75, 0.6
    side_y, side_x = (max(length, 512) / dots for length in loss.shape)
    width, height = left + side_x + 1.25, bottom + side_y + 0.75
    figure = Figure(figsize=(width, height), dpi=dots)
    axes = figure.add_axes((left / width, bottom / height, side_x / width, side_y / height))
    rates = [np.log10(np.unique(result.runs[key])) for key in ("learning_rate", "hidden_learning_rate")]
    extent = (rates[0][0], rates[0][-1], rates[1][0], rates[1][-1])
    picture, norm = shades_of(loss, converging)
    axes.imshow(picture, origin="lower", extent=extent, interpolation="nearest", aspect="auto")
    axes.grid(visible=False)
    for axis, (first, last) in ((axes.xaxis, extent[:2]), (axes.yaxis, extent[2:])):
        axis.set_ticks(np.arange(math.ceil(first), math.floor(last) + 1))
        axis.set_major_formatter(lambda power, _: f"{10.0**power:g}")
    axes.set_xlabel("learning rate of the output layer")
    axes.set_ylabel("learning rate of the hidden layer")
    figure.text(0.1 / width, 1 - 0.1 / height, "Where training XOR converges", va="top", fontsize=12.5, weight="bold")
    handles = [Patch(color=colour, label=name) for name, colour in FLAT.items()]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.1 / width, 1 - 0.41 / height), ncols=2)
    bar = figure.add_axes(((left + side_x + 0.15) / width, bottom / height, 0.16 / width, side_y / height))
    figure.colorbar(ScalarMappable(norm, "viridis"), cax=bar, label="final loss where it converges")
    bar.minorticks_off()
    return figure
