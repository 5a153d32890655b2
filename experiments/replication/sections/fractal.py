"""Sohl-Dickstein 2024, his own networks: the boundary between training that converges and training that does not."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

import sweep
from experiments.replication.dimension import local_slopes, sign_changes
from experiments.replication.drawing import styled
from experiments.replication.parts import Array, Claim, Section, markdown, percent
from experiments.replication.statistics import NO, UNDECIDED, YES
from sweep.words import joined

CONDITIONS = {"tanh": 1.66, "relu": 1.20, "identity": 1.17, "tanh_single": 1.41}
"""His conditions in the order of fractal.toml, and the dimension that he gives for each."""
WORDS = {"tanh": "tanh", "relu": "relu", "identity": "identity (deep linear)", "tanh_single": "tanh, a single row"}
SAME = 1e-6
"""Relative difference of two picture elements that agree."""
LARGE = 512
"""Elements a side below which a dimension decides nothing: there are too few sizes of boxes."""
FEWEST_ZOOMS = 12
"""Zooms below which a dimension decides nothing: his is a median over about 50."""
NEAR = 0.1
"""Difference of two dimensions that agree."""
REFERENCE = Path(__file__).parents[2] / "fractal" / "reference.csv"


class Check(NamedTuple):
    """Elements of a reference grid, how many have the same class, and how many the same value."""

    n: int
    same_class: int
    same_value: int


def pixels(runs: "sweep.Result", number: int) -> Array:
    """The picture of one grid as he computes it, by output rate and input rate: −Σ v where it converges, else Σ 1/v."""
    grids = runs.experiment.grids
    first = sum(grid.n_runs for grid in grids[:number])
    part = runs.runs.iloc[first : first + grids[number].n_runs]
    side = len(grids[number].values["learning_rate"])
    values = np.where(part["mean_of_last"] < 1, -part["sum_of_losses"], part["sum_of_inverses"])
    return values.reshape(side, -1)


def reference() -> Mapping[str, Array]:
    """The grids of 12 × 12 elements that his own equations give."""
    with REFERENCE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: np.array([float(row["value"]) for row in rows if row["name"] == name]).reshape(12, 12)
        for name in CONDITIONS
    }


def held_against(picture: Array, known: Array) -> Check:
    """Compare the elements of a picture that lie on a coarser grid over the same plane."""
    step = (len(picture) - 1) // (len(known) - 1)
    ours = picture[::step, ::step]
    same_value = np.abs(ours / known - 1) < SAME
    return Check(known.size, int(((ours < 0) == (known < 0)).sum()), int(same_value.sum()))


class Zooms(NamedTuple):
    """Zooms of one condition, the whole plane counted: elements a side, and the local slopes of each."""

    side: int
    slopes: list[Array]

    @property
    def n(self) -> int:
        """Number of zooms."""
        return len(self.slopes) - 1


def read_zooms(table: Path) -> dict[str, Zooms]:
    """Zooms of each condition, as `experiments.replication.zooms` wrote them."""
    zooms: dict[str, Zooms] = {}
    if table.exists():
        with table.open(newline="") as file:
            for row in csv.DictReader(file):
                found = zooms.setdefault(row["name"], Zooms(int(row["side"]), []))
                found.slopes.append(np.array(row["slopes"].split(), np.float64))
    return zooms


def fractal(result: sweep.Result) -> Section:
    """Hold the pictures against his equations, and the dimension of their boundaries against his."""
    zooms = read_zooms(result.path.parent / "fractal_zooms" / "windows.csv") if result.path else {}
    known, pictures = reference(), {name: pixels(result, i) for i, name in enumerate(CONDITIONS)}
    checks = {name: held_against(picture, known[name]) for name, picture in pictures.items()}
    rows, claims = [], []
    for name, picture in pictures.items():
        check = checks[name]
        slopes = local_slopes(sign_changes(picture < 0))
        found = zooms.get(name)
        deep = float(np.median(np.concatenate(found.slopes))) if found else None
        agrees = NO if deep is None or abs(deep - CONDITIONS[name]) > NEAR else YES
        agrees = agrees if found and found.side >= LARGE and found.n >= FEWEST_ZOOMS else UNDECIDED
        rows.append(
            [
                WORDS[name],
                f"{picture.shape[0]} × {picture.shape[1]}",
                f"{percent(float((picture < 0).mean()))} %",
                f"{check.same_class} of {check.n}",
                f"{check.same_value} of {check.n}",
                f"{np.median(slopes):.2f}" if slopes.size else "–",
                "–" if not found else f"{deep:.2f} ({found.n} zooms, {found.side} × {found.side})",
                f"{CONDITIONS[name]:.2f}",
            ]
        )
        if found:
            over = f"over {found.n} zooms of" if found.n else "on the whole plane alone, with"
            measured = f"{deep:.2f} {over} {found.side} × {found.side} elements"
            claims.append(
                Claim("Sohl-Dickstein 2024", f"dimension {CONDITIONS[name]:.2f}, {WORDS[name]}", measured, agrees)
            )
    n, same = sum(check.n for check in checks.values()), sum(check.same_class for check in checks.values())
    agrees = YES if same == n else NO
    reported = "his equations on four grids of 12 × 12: which elements converge"
    claims.insert(0, Claim("Sohl-Dickstein 2024", reported, f"{same} of {n} as by his own code", agrees))
    sides = sorted({len(picture) for picture in pictures.values()} | {found.side for found in zooms.values()})
    circles, noises = (
        joined([f"{of_known(side):.2f} at {side}" for side in sides]) for of_known in (_of_a_circle, _of_noise)
    )
    header = ["network", "elements", "converging", "class as his", "value as his", "dimension, whole plane"]
    text = [
        "*He trained* networks of 16 inputs, 16 hidden units and one output without biases on random rows, 500 steps "
        "of "
        "full-batch gradient descent on the mean of squares, with the rate of the input layer along one axis and "
        "that of "
        "the output layer along the other, both from 0.001 to a million. A run converges if the mean of its last 20 "
        "losses is below its first; the colour is the sum of its losses over the first, or of their inverses. *Ours* "
        "are "
        "his networks, his data and his starts, in our terms the same descent: rates and weights are scaled, exactly.",
        "The reference are values from his own equations and his own random numbers, on grids of 12 × 12 elements that "
        f"are among ours; a value is as his if it differs by less than {SAME:g} of itself. Where training is chaotic, "
        "rounding alone makes values differ, and the class is what can be compared. The dimension is the median "
        "of local slopes of box counts, as he takes it, over all zooms, each 12-fold; it agrees if it differs from "
        f"his by at most {NEAR:g}. "
        f"Pictures of fewer than {LARGE} × {LARGE} elements leave it undecided, as they have few sizes of boxes, and "
        f"so do fewer than {FEWEST_ZOOMS} zooms. "
        f"(Of a circle, whose dimension is 1, the same measure makes {circles} elements a side; of noise, whose "
        f"dimension is 2, {noises}. A series of zooms that reaches the number of noise has found a place where "
        "neighbouring runs end as unlike as coins.) His pictures have 4096 × 4096 elements and about 50 zooms, at "
        "places that are not known; ours go where the boundary is densest. A boundary is not equally rough everywhere: "
        "pictures of other sizes lead to other places, so that a difference from his number is one of places as much "
        "as of networks.",
        markdown([*header, "over zooms", "his"], rows),
        *(["![The four whole planes](replication/fractal_planes.png)"] if len(zooms) == 4 else []),
        *(
            f"![Zooms into the boundary, {WORDS[name]}](replication/fractal_zooms_{name}.png)"
            for name, found in zooms.items()
            if found.n
        ),
    ]
    alt = "Planes of two learning rates, blue where training converges and red where it does not"
    return Section("The boundary of trainability: Sohl-Dickstein 2024", claims, text, planes(pictures, 4), alt)


def _of_a_circle(side: int) -> float:
    """The dimension that the measure gives for a circle."""
    y, x = np.mgrid[:side, :side]
    return float(np.median(local_slopes(sign_changes(np.hypot(x - side / 2, y - side / 2) < 0.35 * side))))


def _of_noise(side: int) -> float:
    """The dimension that the measure gives for elements that are drawn by lot."""
    return float(np.median(local_slopes(sign_changes(np.random.default_rng(0).random((side, side)) < 0.5))))


def coloured(picture: Array) -> Array:
    """Colours as he chooses them: each class by the rank of its values, blue where it converges, red where not."""
    colours = np.zeros((*picture.shape, 3))
    for members, name in ((picture < 0, "Blues"), (picture >= 0, "Reds")):
        values = np.abs(picture[members])
        ranks = np.argsort(np.argsort(values)) / max(values.size - 1, 1)
        colours[members] = colormaps[name](0.25 + 0.75 * ranks)[:, :3]
    return colours


@styled
def planes(pictures: Mapping[str, Array], n_columns: int) -> Figure:
    """Draw pictures of the whole plane, so many abreast."""
    n_rows = -(-len(pictures) // n_columns)
    figure = Figure(figsize=(9.6, n_rows * (9.6 / n_columns + 0.6)), dpi=160, layout="constrained")
    for i, (name, picture) in enumerate(pictures.items()):
        axes = figure.add_subplot(n_rows, n_columns, i + 1)
        axes.imshow(coloured(picture), origin="lower", extent=(-3, 6, -3, 6), interpolation="nearest")
        axes.set_title(WORDS[name])
        axes.set_xlabel("log₁₀ rate of the input layer")
        axes.set_ylabel("" if i % n_columns else "log₁₀ rate of the output layer")
        axes.grid(visible=False)
    return figure
