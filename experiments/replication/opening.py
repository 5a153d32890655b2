"""The page's first picture."""

import numpy as np
from matplotlib.figure import Figure

import sweep
from experiments.replication.drawing import styled
from experiments.replication.sections.boundary import initial_loss, rates_plane, shades_of
from experiments.replication.sections.slices import SLICES, pictures_of


@styled
def opening(slices: sweep.Result, boundary: sweep.Result) -> Figure:
    """Draw the map of starts of one of Kolen & Pollack's figures beside the plane of two learning rates."""
    figure = Figure(figsize=(9.6, 4.9), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    pictures = pictures_of(slices)
    picture = pictures[SLICES[0]] if SLICES[0] in pictures else next(iter(pictures.values()))
    learned = np.isfinite(picture)
    left.imshow(
        np.where(learned, np.log1p(np.nan_to_num(picture)), np.nan),
        "viridis_r",
        origin="lower",
        interpolation="nearest",
    )
    left.set_facecolor("black")
    left.set_title("Where it begins: bright learns soon, black not at all")
    loss, start = rates_plane(boundary), initial_loss(int(boundary.runs["seed"].iloc[0]))
    right.imshow(shades_of(loss, loss < start)[0], origin="lower", interpolation="nearest")
    right.set_title("How large its steps are: red fails")
    for axes, x, y in (
        (left, "one of its nine numbers", "another one"),
        (right, "step size of its last layer", "step size of its first layer"),
    ):
        axes.set(xlabel=f"{x} →", ylabel=f"{y} →", xticks=[], yticks=[])
        axes.grid(visible=False)
    return figure
