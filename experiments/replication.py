"""Write the replication page: what others reported on XOR and parity, beside what the experiments here measured.

    python experiments/replication.py [--results results] [--out docs]

reads the results of six experiments, results/xor and so on, and writes replication.md and replication/*.png. Every
number and every verdict on the page is computed from the results, by a rule that the page states.
"""

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from box_counting import boundary, box_counting_dimension
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray
from PIL import Image

import sweep
from sweep.plots.drawing.canvas import GREY, bands, panels
from sweep.plots.drawing.scales import log_scale, percent_ticks, scale_x
from sweep.plots.drawing.style import styled
from sweep.results.statistics import wilson

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
YES, NO, UNDECIDED = "yes", "no", "undecided"
CIRCLE_RADIUS = 0.35
"""Of the null model, in widths of the picture."""

Array = NDArray[np.float64]


class Claim(NamedTuple):
    """One line of the page's first table."""

    source: str
    reported: str
    measured: str
    agrees: str


@dataclass(frozen=True)
class Section:
    """What the page says about one experiment."""

    heading: str
    claims: list[Claim]
    text: list[str]
    figure: Figure
    alt: str


def percent(share: float) -> str:
    """A share in percent, with one decimal unless it is 0 or 1."""
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


def interval(k: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of k out of n."""
    low, high = wilson(np.array(k), n)
    return float(low), float(high)


def share(k: int, n: int) -> str:
    """A share in percent with its interval."""
    low, high = interval(k, n)
    return f"{percent(k / n)} % ({percent(low)}–{percent(high)})"


def verdict(k: int, n: int, low: float, high: float) -> str:
    """Whether a probability lies in a range: undecided where the interval of k out of n straddles one of its ends."""
    least, most = interval(k, n)
    if low <= least and most <= high:
        return YES
    return NO if most < low or least > high else UNDECIDED


def together(verdicts: Sequence[str]) -> str:
    """Of several conditions that must all hold."""
    return NO if NO in verdicts else UNDECIDED if UNDECIDED in verdicts else YES


def count(verdicts: Sequence[str], what: str) -> str:
    """How many of several cases agree: a plain yes or no where all say the same."""
    if len(set(verdicts)) == 1:
        return verdicts[0]
    said = [f"{verdict} in {verdicts.count(verdict)}" for verdict in (YES, NO, UNDECIDED) if verdict in verdicts]
    return f"{', '.join(said)} of {len(verdicts)} {what}"


def epochs(value: Any, max_epochs: int) -> str:
    """A quantile of the epochs over all runs."""
    return f"> {max_epochs:,}" if pd.isna(value) else f"{int(value):,}"


def epochs_range(row: Any, max_epochs: int) -> str:
    """Median and 5–95 % range of the epochs of a row of a summary."""
    if pd.isna(row.epochs_q05):
        return epochs(row.epochs_q05, max_epochs)
    high = f"{max_epochs:,}+" if pd.isna(row.epochs_q95) else f"{row.epochs_q95:,}"
    return f"{epochs(row.epochs_q50, max_epochs)} ({row.epochs_q05:,}–{high})"


def in_range(row: Any, value: float) -> str:
    """Whether a value lies within the 5–95 % range of the epochs; a missing end is later than any."""
    return YES if later(row.epochs_q05) <= value <= later(row.epochs_q95) else NO


def later(quantile: Any) -> float:
    """A quantile of the epochs as a number: a missing one is later than any."""
    return math.inf if pd.isna(quantile) else float(quantile)


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """Rows with their columns as attributes."""
    return list(frame.itertuples())


def groups(frame: pd.DataFrame, keys: str | list[str]) -> list[tuple[Any, pd.DataFrame]]:
    """The parts of a table with equal keys."""
    return list(frame.groupby(keys, observed=True))


def their_rate(update: str, rate: float) -> float:
    """Our learning rate in terms of ½ Σ (target − output)²: batch updates sum over four rows, online ones take "
    "one."""
    return rate / 2 if update == "batch" else 2 * rate


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def trained(result: sweep.Result) -> Mapping[str, Any]:
    """The [train] table of a result."""
    return cast(Mapping[str, Any], result.manifest["experiment"]["train"])


def seeds_of(summary: pd.DataFrame) -> str:
    """Runs per setting."""
    least, most = summary["n"].min(), summary["n"].max()
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def circle(shape: tuple[int, ...]) -> float:
    """The dimension that box counting gives for a circle in a picture of this shape."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = np.hypot(x - shape[1] / 2, y - shape[0] / 2) < CIRCLE_RADIUS * min(shape)
    return box_counting_dimension(boundary(inside))[0]


def dimension(mask: NDArray[np.bool_]) -> float:
    """The dimension of a mask's boundary, NaN if it has none."""
    edge = boundary(mask)
    return box_counting_dimension(edge)[0] if edge.any() else math.nan


# --- XOR by width


def xor(result: sweep.Result) -> Section:
    """Widths 1 to 8: the share of runs that learn XOR, and how fast."""
    summary, max_epochs = result.summary, trained(result)["max_epochs"]
    rows, never, once = [], True, True
    best: dict[tuple[str, int], Any] = {}
    for (activation, hidden), part in groups(summary, ["activation", "hidden"]):
        k, n = int(part["n_converged"].sum()), int(part["n"].sum())
        top = rows_of(part.sort_values(["n_converged", "epochs_q50"], ascending=[False, True]))[0]
        best[str(activation), int(hidden)] = top
        rate, setting = share(top.n_converged, top.n), f"{top.init}, {top.learning_rate:.3g}"
        fastest = part["epochs_q50"].min()
        rows.append([str(activation), str(hidden), f"{percent(k / n)} %", rate, setting if top.n_converged else "–"])
        rows[-1].append(epochs(fastest, max_epochs))
        never, once = never and not (hidden == 1 and k), once and not (hidden == 2 and not k)
    n_one = int(summary.loc[summary["hidden"] == 1, "n"].sum())
    k_one = int(summary.loc[summary["hidden"] == 1, "n_converged"].sum())
    k_two = summary[summary["hidden"] == 2].groupby("activation", observed=True)["n_converged"].sum()
    claims = [
        Claim(
            "theory",
            "one hidden unit cannot represent XOR",
            f"{k_one:,} of {n_one:,} runs learn it",
            YES if never else NO,
        ),
        Claim(
            "theory",
            "two hidden units can",
            "; ".join(f"{name}: {k:,} runs" for name, k in k_two.items()) + " learn it",
            YES if once else NO,
        ),
    ]
    n_settings = len(summary) // max(len(rows), 1)
    header = ["activation", "hidden", "all settings", "best setting", "which (start, rate)", "fastest median epochs"]
    text = [
        f"Networks 2-H-1, cross-entropy, batch updates, up to {max_epochs:,} epochs, until the loss is below "
        f"{trained(result)['target_loss']:g} nats. Each row has {n_settings} settings of start and learning rate "
        f"with {seeds_of(summary)} seeds each. *All settings* counts them together, so it depends on the settings "
        "scanned, and has no interval: their runs share seeds; *best setting* is the one with most successes, chosen "
        "after the fact. The last column is the lowest median of any setting, over all its runs, failures counted as "
        "later.",
        markdown(header, rows),
    ]
    return Section(
        "XOR by width of the hidden layer", claims, text, _xor_figure(summary, best), "Share that learned XOR"
    )


@styled
def _xor_figure(summary: pd.DataFrame, best: dict[tuple[str, int], Any]) -> Figure:
    names = list(dict.fromkeys(activation for activation, _ in best))
    legend = [
        Line2D([], [], color=BLUE, marker="o", markersize=3.5, label="best setting"),
        Line2D([], [], color=VERMILLION, ls="--", marker="o", markersize=3.5, label="all settings together"),
    ]
    all_axes = panels(
        names, "Share of runs that learn XOR, with 95 % intervals of the best setting", "hidden units", "", legend
    )
    counts = {
        key: (int(part["n_converged"].sum()), int(part["n"].sum()))
        for key, part in groups(summary, ["activation", "hidden"])
    }
    for axes, name in zip(all_axes, names, strict=True):
        widths = [hidden for activation, hidden in best if activation == name]
        tops = [(int(best[name, hidden].n_converged), int(best[name, hidden].n)) for hidden in widths]
        whole = [counts[name, hidden] for hidden in widths]
        for colour, style, pairs in ((VERMILLION, "--", whole), (BLUE, "-", tops)):
            if pairs is tops:
                low, high = zip(*(interval(k, n) for k, n in pairs), strict=True)
                bands(axes, [(colour, widths, low, high)])
            axes.plot(widths, [k / n for k, n in pairs], style, color=colour, marker="o", markersize=3.5)
        axes.set_ylim(-0.05, 1.05)
        percent_ticks(axes.yaxis)
        scale_x(axes, np.array(widths, np.float64))
    return cast(Figure, all_axes[0].figure)


# --- Kolen & Pollack 1990: failures by the size of the start

MIDDLE_RHO, MIDDLE_FAILURES = (2.0, 4.0), (0.05, 0.50)
SMALL_RHO, FEW_FAILURES = 0.5, 0.05


def kolen_pollack(result: sweep.Result) -> Section:
    """Their Monte Carlo: failures against ρ."""
    summary = result.summary.assign(failed=result.summary["n"] - result.summary["n_converged"])
    rows, middle, small = [], [], []
    by_curve = groups(summary, ["update", "learning_rate", "momentum"])
    for (update, rate, momentum), curve in by_curve:
        between = curve[curve["init_scale"].between(*MIDDLE_RHO)]
        below = curve[curve["init_scale"] <= SMALL_RHO]
        middle.append(together([verdict(k, n, *MIDDLE_FAILURES) for k, n in _failures(between)]))
        small.append(together([verdict(k, n, 0.0, FEW_FAILURES) for k, n in _failures(below)]))
        worst = rows_of(below.sort_values("failed", ascending=False))[0]
        rows.append(
            [
                str(update),
                f"{their_rate(update, rate):g}",
                f"{momentum:g}",
                f"{share(worst.failed, worst.n)} at ρ = {worst.init_scale:g}",
                small[-1],
                "; ".join(share(k, n) for k, n in _failures(between)),
                middle[-1],
            ]
        )
    rhos = ", ".join(
        f"{rho:g}" for rho in sorted(summary["init_scale"][summary["init_scale"].between(*MIDDLE_RHO)].unique())
    )
    ours = [(_spread(summary, *MIDDLE_RHO), middle), (_spread(summary, 0.0, SMALL_RHO), small)]
    reported = ["5 to 50 % fail for ρ between 2 and 4", "few fail for ρ ≤ 0.5"]
    claims = [
        Claim("Kolen & Pollack 1990", said, measured, count(verdicts, "curves"))
        for said, (measured, verdicts) in zip(reported, ours, strict=True)
    ]
    header = ["updates", "η", "α", "most failures, ρ ≤ 0.5", "below 5 %?", f"failures at ρ = {rhos}", "within 5–50 %?"]
    text = [
        "*They reported* a 2-2-1 sigmoid network, η 1 or 2, momentum α 0, 0.5 or 0.9, starts uniform in ±ρ, and "
        "plotted the percentage of 8 to 8,355 trials a point in which not every output was on the right side of ½ "
        "within 50,000 epochs. No table is printed; their text says 5 to 50 % for ρ between 2 and 4, and that few "
        "failures need ρ ≤ 0.5. *Not stated*: the loss, the targets, batch or online updates. *We assumed* squared "
        "error, and targets 0 and 1, and ran both update modes.",
        f"*We measured* {seeds_of(summary)} seeds a point, up to {trained(result)['max_epochs']:,} epochs. A curve "
        "agrees if the 95 % interval lies within the range at each ρ, disagrees if at some ρ it lies wholly "
        "outside, and is undecided otherwise. “Few” has no number in their text; we take it as below 5 %, the "
        "lower end of the other claim.",
        markdown(header, rows),
    ]
    alt = "Percentage of failures against the size of the initial weights"
    return Section(
        "Failures by the size of the start: Kolen & Pollack 1990", claims, text, _failure_figure(summary), alt
    )


def _failures(points: pd.DataFrame) -> list[tuple[int, int]]:
    return [(row.failed, row.n) for row in rows_of(points.sort_values("init_scale"))]


def _spread(summary: pd.DataFrame, low: float, high: float) -> str:
    """The lowest and the highest percentage of failures of any curve over a range of ρ."""
    shares = [k / n for k, n in _failures(summary[summary["init_scale"].between(low, high)])]
    return f"{percent(min(shares))} to {percent(max(shares))} % fail, over all curves"


@styled
def _failure_figure(summary: pd.DataFrame) -> Figure:
    momenta, modes = sorted(summary["momentum"].unique()), list(summary["update"].unique())
    etas = sorted({their_rate(u, r) for u, r in zip(summary["update"], summary["learning_rate"], strict=True)})
    colours = dict(zip(momenta, (BLUE, VERMILLION, GREEN), strict=False))
    styles = dict(zip(etas, ("-", "--"), strict=False))
    legend: list[Any] = [
        Line2D([], [], color=colour, ls=style, label=f"η {eta:g}, α {momentum:g}")
        for momentum, colour in colours.items()
        for eta, style in styles.items()
    ]
    legend.append(Patch(facecolor="none", edgecolor=GREY, label="their text: 5–50 % at ρ 2–4"))
    title = "Runs that fail to learn XOR, with 95 % intervals"
    all_axes = panels([f"{mode} updates" for mode in modes], title, "ρ: weights start in ±ρ", "runs that fail", legend)
    for axes, mode in zip(all_axes, modes, strict=True):
        (left, right), (bottom, top) = MIDDLE_RHO, MIDDLE_FAILURES
        box = Rectangle((left, bottom), right - left, top - bottom, fill=False, edgecolor=GREY, linewidth=1.2, zorder=3)
        axes.add_patch(box)
        by_curve = groups(summary[summary["update"] == mode], ["learning_rate", "momentum"])
        for (rate, momentum), curve in by_curve:
            colour, x = colours[momentum], curve["init_scale"].to_numpy()
            bands(axes, [(colour, x, 1 - curve["converged_high"], 1 - curve["converged_low"])])
            axes.plot(x, curve["failed"] / curve["n"], styles[their_rate(mode, rate)], color=colour, linewidth=1.4)
        axes.set_ylim(-0.03, 1.03)
        percent_ticks(axes.yaxis)
        log_scale(axes, "x", (0.09, 11), 4)
    return cast(Figure, all_axes[0].figure)


# --- Kolen & Pollack 1990: slices through the space of starts

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
    """Their pictures of the space of starts."""
    grids = result.manifest["experiment"]["grid"]
    pictures = {}
    n_y, n_x = (result.runs[key].nunique() for key in "yx")
    first_epochs = result.runs["converged_epoch"].to_numpy(np.float64, na_value=np.nan).reshape(len(grids), n_y, n_x)
    known = {(one.weights, one.momentum): one for one in SLICES}
    for grid, picture in zip(grids, first_epochs, strict=True):
        key = tuple(grid["weights"]), float(grid["momentum"])
        if key not in known:
            raise ValueError(f"the slice with weights {grid['weights']} is none of the figures that this page knows")
        pictures[known[key]] = picture
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


# --- Sohl-Dickstein 2024: the boundary of trainability

THEIR_DIMENSIONS = (1.17, 1.98)


def initial_loss(seed: int) -> float:
    """The loss before training: XOR, inputs ±1, 2-2-1 with tanh and a linear output, weights drawn from N(0, 1)."""
    drawn = np.random.default_rng(seed).standard_normal(9)
    W1, b1, w2, b2 = drawn[:4].reshape(2, 2), drawn[4:6], drawn[6:8], drawn[8]
    X, y = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 0.0])
    return float(np.mean((np.tanh(X @ W1.T + b1) @ w2 + b2 - y) ** 2))


def trainability_boundary(result: sweep.Result) -> Section:
    """The plane of the two layers' learning rates."""
    runs = result.runs
    shape = runs["hidden_learning_rate"].nunique(), runs["learning_rate"].nunique()
    start, loss = initial_loss(int(runs["seed"].iloc[0])), runs["final_loss"].to_numpy().reshape(shape)
    converging = loss < start
    finite, n = np.isfinite(loss), loss.size
    found, null = dimension(converging), circle(shape)
    low, high = THEIR_DIMENSIONS
    agrees = YES if low <= found <= high else NO
    measured = "no boundary" if math.isnan(found) else f"{found:.2f}; a circle by the same code {null:.2f}"
    claims = [Claim("Sohl-Dickstein 2024", f"dimension of the boundary {low:.2f} to {high:.2f}", measured, agrees)]
    rates = [f"{runs[key].min():g} to {runs[key].max():g}" for key in ("hidden_learning_rate", "learning_rate")]
    kinds = {
        f"converging: final loss below the initial {start:.3g}": int(converging.sum()),
        "finite, but no better than at the start": int((finite & ~converging).sum()),
        "diverging: a weight or the loss is no longer finite": int((~finite).sum()),
    }
    text = [
        "*They trained* networks of 16 inputs, 16 hidden units and no bias on 272 random rows, with rates of the "
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
    return Section("The boundary of trainability: Sohl-Dickstein 2024", claims, text, figure, alt)


@styled
def _boundary_figure(result: sweep.Result, loss: Array, converging: NDArray[np.bool_]) -> Figure:
    dots, left, bottom = 160, 0.75, 0.6
    side_y, side_x = (max(length, 512) / dots for length in loss.shape)
    width, height = left + side_x + 1.25, bottom + side_y + 0.75
    figure = Figure(figsize=(width, height), dpi=dots)
    axes = figure.add_axes((left / width, bottom / height, side_x / width, side_y / height))
    rates = [np.log10(np.unique(result.runs[key])) for key in ("learning_rate", "hidden_learning_rate")]
    extent = (rates[0][0], rates[0][-1], rates[1][0], rates[1][-1])
    shown = loss[converging] if converging.any() else np.array([1e-6, 1.0])
    least = max(float(shown.min()), 1e-12)
    most = max(float(shown.max()), 2 * least)
    norm = LogNorm(least, most)
    shades = colormaps["viridis"].resampled(64)
    flat = {"diverging": VERMILLION, "finite, no better": "#F7C6A3"}
    picture = shades(norm(np.where(converging, loss, most)))[..., :3]
    for colour, members in zip(flat.values(), (~np.isfinite(loss), np.isfinite(loss) & ~converging), strict=True):
        picture[members] = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    axes.imshow(picture, origin="lower", extent=extent, interpolation="nearest", aspect="auto")
    axes.grid(visible=False)
    for axis, (first, last) in ((axes.xaxis, extent[:2]), (axes.yaxis, extent[2:])):
        axis.set_ticks(np.arange(math.ceil(first), math.floor(last) + 1))
        axis.set_major_formatter(lambda power, _: f"{10.0**power:g}")
    axes.set_xlabel("learning rate of the output layer")
    axes.set_ylabel("learning rate of the hidden layer")
    figure.text(0.1 / width, 1 - 0.1 / height, "Where training XOR converges", va="top", fontsize=12.5, weight="bold")
    handles = [Patch(color=colour, label=name) for name, colour in flat.items()]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.1 / width, 1 - 0.41 / height), ncols=2)
    bar = figure.add_axes(((left + side_x + 0.15) / width, bottom / height, 0.16 / width, side_y / height))
    figure.colorbar(ScalarMappable(norm, shades), cax=bar, label="final loss where it converges")
    bar.minorticks_off()
    return figure


# --- Tesauro & Janssens 1988: parity

TESAURO_JANSSENS = {2: 24, 3: 33, 4: 75, 5: 128, 6: 312, 7: 781, 8: 1953}
SAME_GROWTH = 1.25
"""Two growth factors agree if neither is more than this times the other."""


def parity(result: sweep.Result) -> Section:
    """N-2N-1 on the parity of N bits, at the setting of those scanned with the lowest median."""
    max_epochs = trained(result)["max_epochs"]
    rows, verdicts, measured = [], [], {}
    for gate, part in result.summary.groupby("gate", observed=True):
        bits = int(str(gate).removeprefix("parity-"))
        theirs, best = TESAURO_JANSSENS[bits], rows_of(part.sort_values("epochs_q50"))[0]
        verdicts.append(in_range(best, theirs))
        setting = f"η {their_rate('online', best.learning_rate):g}, α {best.momentum:g}, ±{best.init_scale:g}"
        converged = share(best.n_converged, best.n)
        if pd.isna(best.epochs_q50):
            setting, converged = "no setting's median converged", f"{percent(part['converged_rate'].max())} % at most"
        else:
            measured[bits] = best
        network = f"{bits}-{2 * bits}-1"
        rows.append(
            [network, f"{theirs:,}", epochs_range(best, max_epochs), setting, f"{best.n:,}", converged, verdicts[-1]]
        )
    claims = [
        Claim(
            "Tesauro & Janssens 1988",
            f"epochs to learn parity of N bits: {', '.join(f'{t:,}' for t in TESAURO_JANSSENS.values())}",
            f"medians {', '.join(epochs(row.epochs_q50, max_epochs) for row in measured.values())} at our best "
            "settings",
            count(verdicts, "N"),
        )
    ]
    growth = ""
    if len(measured) > 1:
        first, last = min(measured), max(measured)
        ours = float(measured[last].epochs_q50 / measured[first].epochs_q50) ** (1 / (last - first))
        theirs_by_bit = (TESAURO_JANSSENS[last] / TESAURO_JANSSENS[first]) ** (1 / (last - first))
        alike = YES if max(ours, theirs_by_bit) <= SAME_GROWTH * min(ours, theirs_by_bit) else NO
        said = f"epochs grow {theirs_by_bit:.2f}-fold a bit"
        claims.append(Claim("Tesauro & Janssens 1988", f"{said} (N = {first} … {last})", f"{ours:.2f}-fold", alike))
        growth = (
            f"From N = {first} to {last} their {said}, our medians {ours:.2f}-fold; we call growths alike if they "
            f"differ by less than a factor {SAME_GROWTH:g}."
        )
    header = [
        "network",
        "theirs",
        "ours: median (5–95 %)",
        "our best setting",
        "runs",
        "converged",
        "theirs in our range?",
    ]
    text = [
        "*They reported* epochs of online back-propagation until every output was within 0.1 of its target. *Not "
        "known here*: their rates, momenta and starts, and how runs that never learn entered their averages.",
        f"*We scanned* {len(result.summary) // len(rows)} settings for each N: rate, momentum and width of the "
        f"start (uniform); rows in counting order, up to {max_epochs:,} epochs. For each N the table has the "
        "setting with the lowest median over all its runs, chosen after the fact, and asks whether their number "
        f"lies in its 5–95 % range. “+” marks a quantile later than the last epoch. {growth}",
        markdown(header, rows),
    ]
    alt = "Epochs to learn parity against the number of bits"
    return Section("Parity: Tesauro & Janssens 1988", claims, text, _parity_figure(measured, max_epochs), alt)


@styled
def _parity_figure(measured: dict[int, Any], max_epochs: int) -> Figure:
    theirs = Line2D([], [], color=VERMILLION, ls="--", marker="s", markersize=5, label="Tesauro & Janssens")
    ours = Line2D([], [], color=BLUE, marker="o", markersize=5, label="ours: median and 5–95 % at the best setting")
    (axes,) = panels([""], "Epochs to learn parity", "bits", "epochs", [theirs, ours])
    axes.plot(list(TESAURO_JANSSENS), list(TESAURO_JANSSENS.values()), "s--", color=VERMILLION, markersize=5)
    for bits, row in measured.items():
        high = max_epochs if pd.isna(row.epochs_q95) else row.epochs_q95
        axes.vlines(bits, max(row.epochs_q05, 1), high, color=BLUE, linewidth=4, alpha=0.3)
    axes.plot(list(measured), [row.epochs_q50 for row in measured.values()], "o-", color=BLUE, markersize=5)
    scale_x(axes, np.array(list(TESAURO_JANSSENS), np.float64))
    axes.set_xticks(list(TESAURO_JANSSENS))
    log_scale(axes, "y", (5, max(max_epochs, 2000) * 1.3), 5)
    return cast(Figure, axes.figure)


# --- Published XOR runs

CHAUVIN_ETA, RUMELHART_ETA, RUMELHART_EPOCHS = 0.25, 0.5, 558
JACOBS_MEAN, JACOBS_FAILED, JACOBS_TRIALS = 538.9, 1, 25


def chauvin(hidden: float) -> float:
    """Their summary: 280 − 33 log₂ H."""
    return 280 - 33 * math.log2(hidden)


def published(result: sweep.Result) -> Section:
    """Plain back-propagation on XOR: Chauvin, Rumelhart et al., Jacobs."""
    summary, max_epochs = result.summary, trained(result)["max_epochs"]
    pairs = zip(summary["update"], summary["learning_rate"], strict=True)
    summary = summary.assign(eta=[their_rate(update, rate) for update, rate in pairs])
    layered, direct = summary[~summary["shortcut"]], summary[summary["shortcut"]]
    by_width = layered[np.isclose(layered["eta"], CHAUVIN_ETA)]
    of_chauvin, chauvin_table = _chauvin(by_width, max_epochs)
    of_rumelhart, rumelhart_table = _rumelhart(direct[np.isclose(direct["eta"], RUMELHART_ETA)], max_epochs)
    of_jacobs, jacobs_table, nearest = _jacobs(result, layered[layered["hidden"] == 2], max_epochs)
    text = [
        "All of ours: squared error, targets 0 and 1, starts uniform in ± the width given, until every output is "
        f"within {trained(result)['target_error']:g} of its target, up to {max_epochs:,} epochs, "
        f"{seeds_of(summary)} seeds a setting. *Not known here* are their momenta α, starts, stopping criteria and "
        "modes of update, so these are scanned, and a number agrees with a setting if it lies within the 5–95 % "
        "range of the epochs over all its runs (for Chauvin, at every H). Where more than 5 % of the runs fail, "
        "that range has no upper end (“+”). With so many settings some may agree by chance: a yes means that the "
        "number can be had, not that it is confirmed.",
        "**Chauvin** (in Rumelhart, Hinton & Williams 1986), 2-H-1, η 0.25: 280 − 33 log₂ H epochs, and 245 for H "
        "= 2. Ours, median (5–95 %), bold where his formula is in the range:",
        chauvin_table,
        "**Rumelhart, Hinton & Williams 1986**, one hidden unit and shortcuts from the inputs to the output, η "
        f"0.5: {RUMELHART_EPOCHS} epochs. (The number is often quoted for 2-2-1, to which it does not belong.)",
        rumelhart_table,
        f"**Jacobs 1988**, 2-2-1: mean of {JACOBS_MEAN:g} over {JACOBS_TRIALS} trials with {JACOBS_FAILED} failure "
        f"left out (failures: {share(JACOBS_FAILED, JACOBS_TRIALS)}). His rate is not known here, so every rate is "
        "tried. A setting agrees if his mean lies in the 5–95 % range and the intervals of the two shares of "
        "failures overlap. The mean over successes is given for comparison only: it misleads, since it forgets the "
        f"runs that fail and depends on when one gives up. {nearest}",
        jacobs_table,
        "**Not run**: delta-bar-delta (Jacobs 1988: mean of 250.4, 2 of 25 left out) and quickprop (Fahlman 1988: "
        "mean of 24.22, median of 19, 14 of 100 restarted) are other methods than plain back-propagation.",
    ]
    claims = [*of_chauvin, of_rumelhart, of_jacobs]
    alt = "Epochs against the number of hidden units, Chauvin's and ours"
    return Section("Published XOR runs", claims, text, _published_figure(by_width, max_epochs), alt)


def _setting(row: Any) -> list[str]:
    return [str(row.update), f"{row.momentum:g}", f"±{row.init_scale:g}"]


def _medians(points: pd.DataFrame, max_epochs: int) -> str:
    """The lowest and the highest median epochs of several settings."""
    medians = points["epochs_q50"].sort_values(na_position="last")
    return f"medians {epochs(medians.iloc[0], max_epochs)} to {epochs(medians.iloc[-1], max_epochs)}"


def _chauvin(by_width: pd.DataFrame, max_epochs: int) -> tuple[list[Claim], str]:
    widths = sorted(by_width["hidden"].unique())
    table = [["*theirs*", "", "", *(f"*{chauvin(hidden):.0f}*" for hidden in widths)]]
    verdicts, faster = [], []
    for _, part in groups(by_width, ["update", "momentum", "init_scale"]):
        points = rows_of(part.sort_values("hidden"))
        inside = [in_range(row, chauvin(row.hidden)) for row in points]
        cells = [epochs_range(row, max_epochs) for row in points]
        cells = [f"**{cell}**" if agrees == YES else cell for cell, agrees in zip(cells, inside, strict=True)]
        table.append([*_setting(points[0]), *cells])
        verdicts.append(together(inside))
        faster.append(YES if later(points[-1].epochs_q50) < later(points[0].epochs_q50) else NO)
    narrowest = by_width[by_width["hidden"] == widths[0]]
    said = f"H = {widths[0]}: {_medians(narrowest, max_epochs)}"
    fell = f"median lower at H = {widths[-1]} than at {widths[0]}"
    claims = [
        Claim("Chauvin 1986", "280 − 33 log₂ H epochs, η 0.25", said, count(verdicts, "settings")),
        Claim("Chauvin 1986", "more hidden units learn faster", fell, count(faster, "settings")),
    ]
    return claims, markdown(["updates", "α", "start", *(f"H = {hidden}" for hidden in widths)], table)


def _rumelhart(one_unit: pd.DataFrame, max_epochs: int) -> tuple[Claim, str]:
    table, verdicts = [], []
    for row in rows_of(one_unit):
        verdicts.append(in_range(row, RUMELHART_EPOCHS))
        converged = share(row.n_converged, row.n)
        table.append([*_setting(row), epochs_range(row, max_epochs), converged, verdicts[-1]])
    reported = f"{RUMELHART_EPOCHS} epochs, one hidden unit and shortcuts, η {RUMELHART_ETA:g}"
    claim = Claim("Rumelhart et al. 1986", reported, _medians(one_unit, max_epochs), count(verdicts, "settings"))
    return claim, markdown(["updates", "α", "start", "median (5–95 %)", "converged", "558 in range?"], table)


def _jacobs(result: sweep.Result, two_units: pd.DataFrame, max_epochs: int) -> tuple[Claim, str, str]:
    """Claim and table for 2-2-1, and a sentence on the setting whose mean over successes comes nearest to his."""
    keys = ["update", "learning_rate", "momentum", "init_scale"]
    runs = result.runs[(result.runs["hidden"] == 2) & ~result.runs["shortcut"]]
    means = runs.groupby(keys, observed=True)["converged_epoch"].mean().astype("Float64").to_dict()
    low, high = interval(JACOBS_FAILED, JACOBS_TRIALS)
    table, verdicts, nearest, sentence = [], [], math.inf, ""
    for row in rows_of(two_units):
        failed, mean = row.n - row.n_converged, means[tuple(getattr(row, key) for key in keys)]
        least, most = interval(failed, row.n)
        verdicts.append(together([in_range(row, JACOBS_MEAN), YES if least <= high and low <= most else NO]))
        said = "–" if pd.isna(mean) else f"{mean:,.1f}"
        update, momentum, start = _setting(row)
        cells = [share(failed, row.n), said, epochs_range(row, max_epochs), verdicts[-1]]
        table.append([update, f"{row.eta:g}", momentum, start, *cells])
        if failed < row.n and abs(math.log(mean / JACOBS_MEAN)) < nearest:
            nearest = abs(math.log(mean / JACOBS_MEAN))
            sentence = (
                f"The nearest of ours is {said} ({update}, η {row.eta:g}, α {momentum}, {start}): it leaves out "
                f"{percent(failed / row.n)} % of the runs, and the median over all runs is "
                f"{epochs(row.epochs_q50, max_epochs)}."
            )
    reported = f"{JACOBS_MEAN:g} epochs on average, {JACOBS_FAILED} of {JACOBS_TRIALS} runs left out"
    claim = Claim("Jacobs 1988", reported, _medians(two_units, max_epochs), count(verdicts, "settings"))
    header = ["updates", "η", "α", "start", "failed", "mean of successes", "median of all (5–95 %)", "agrees?"]
    return claim, markdown(header, table), sentence


@styled
def _published_figure(by_width: pd.DataFrame, max_epochs: int) -> Figure:
    colours = {("batch", 0.0): BLUE, ("batch", 0.9): SKY, ("online", 0.0): GREEN, ("online", 0.9): ORANGE}
    styles = dict(zip(sorted(by_width["init_scale"].unique()), ("--", "-", ":"), strict=False))
    legend = [Line2D([], [], color="black", marker="s", markersize=5, label="Chauvin: 280 − 33 log₂ H")]
    legend += [Line2D([], [], color=c, label=f"{mode}, α {alpha:g}") for (mode, alpha), c in colours.items()]
    legend += [Line2D([], [], color=GREY, ls=style, label=f"starts in ±{scale:g}") for scale, style in styles.items()]
    (axes,) = panels([""], "Median epochs to learn XOR, η 0.25", "hidden units H", "epochs", legend)
    for (update, momentum, scale), part in groups(by_width, ["update", "momentum", "init_scale"]):
        known = part[part["epochs_q50"].notna()].sort_values("hidden")
        colour = colours[str(update), float(momentum)]
        axes.plot(known["hidden"], known["epochs_q50"], styles[scale], color=colour, marker="o", markersize=4)
    widths = np.array(sorted(by_width["hidden"].unique()), np.float64)
    axes.plot(widths, [chauvin(hidden) for hidden in widths], "s-", color="black", markersize=5)
    log_scale(axes, "x", (widths.min() / 1.15, widths.max() * 1.15), 1, {h: f"{h:g}" for h in widths.tolist()})
    log_scale(axes, "y", (80, max_epochs * 1.1), 4)
    return cast(Figure, axes.figure)


# --- The page

SECTIONS: dict[str, Callable[[sweep.Result], Section]] = {
    "xor": xor,
    "kolen_pollack": kolen_pollack,
    "kolen_pollack_slices": slices,
    "trainability_boundary": trainability_boundary,
    "parity": parity,
    "published": published,
}

INTRODUCTION = """# What others reported, and what we measure

This page is made by `make replication` from the results of the experiments named in it; every number and every verdict
is computed. *Agrees* says “yes” or “no” by the rule given in the section, and “undecided” where the number of runs does
not settle it. A no may mean that they erred, or that we assumed wrongly where a source is silent. Percentages have 95 %
Wilson intervals in parentheses, for independent runs. No run is left out unless it is said: one that did not converge
counts as later than the last epoch, and a quantile that falls there is given as “>” or “+”.

**Rates.** The papers of 1986 to 1990 do not all state their loss. We assume an error of ½ Σ (target − output)², summed
over the four rows of XOR in batch updates. Ours is the mean of squares over the rows, without ½, so that their rate η
is 2η in our batch updates and η/2 in our online ones. On this page η is always theirs.
"""


def page(sections: Mapping[str, Section]) -> str:
    """The page as Markdown."""
    claims = [list(claim) for section in sections.values() for claim in section.claims]
    parts = [INTRODUCTION, markdown(["source", "reported", "measured here", "agrees"], claims)]
    for name, section in sections.items():
        parts += [f"## {section.heading}", *section.text, f"![{section.alt}](replication/{name}.png)"]
        parts.append(f"From `experiments/{name}.toml`.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


@styled
def save_png(figure: Figure, path: Path) -> None:
    """Write a figure to the same bytes every time, in a palette of 256 colours."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi="figure" if figure.dpi > 110 else 110, metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and its figures; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write replication.md and its figures from the results.")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="where the results are (default: results)"
    )
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the page goes (default: docs)")
    options = parser.parse_args(arguments)
    figures = options.out / "replication"
    figures.mkdir(parents=True, exist_ok=True)
    sections = {}
    for name, describe in SECTIONS.items():
        try:
            sections[name] = describe(sweep.read(options.results / name))
        except sweep.SweepError as error:
            print(f"replication: {error}", file=sys.stderr)
            return 2
        save_png(sections[name].figure, figures / f"{name}.png")
    (options.out / "replication.md").write_text(page(sections), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
