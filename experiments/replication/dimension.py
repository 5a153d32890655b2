"""How rough a boundary in a picture is: its box-counting dimension."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_POSITIONS = 6
"""Of the grid, in each direction."""
CIRCLE_RADIUS = 0.35
"""Of the null model, in widths of the picture."""


def dimension(mask: NDArray[np.bool_]) -> float:
    """The dimension of a mask's boundary, NaN if it has none."""
    edge = boundary(mask)
    return box_counting_dimension(edge)[0] if edge.any() else math.nan


def circle(shape: tuple[int, ...]) -> float:
    """The dimension that box counting gives for a circle in a picture of this shape."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return dimension(np.hypot(x - shape[1] / 2, y - shape[0] / 2) < CIRCLE_RADIUS * min(shape))


def boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The picture elements that have a neighbour of the other class above, below, at the left or at the right.

    Parameters
    ----------
    mask : bool, shape (n_rows, n_columns)
        Which of two classes each element belongs to.

    Returns
    -------
    bool, shape of `mask`
        The boundary's elements on both of its sides. The picture's own edge is no boundary.
    """
    found = np.zeros_like(mask, dtype=np.bool_)
    across = mask[1:] != mask[:-1]
    found[1:] |= across
    found[:-1] |= across
    along = mask[:, 1:] != mask[:, :-1]
    found[:, 1:] |= along
    found[:, :-1] |= along
    return found


def box_counting_dimension(
    picture: NDArray[np.bool_], sizes: Sequence[int] | None = None
) -> tuple[float, NDArray[np.int64], NDArray[np.int64]]:
    """The box-counting dimension of a set of picture elements.

    With N(s) the number of boxes of a grid of s × s elements that hold any of the set, D is the slope in

        log N(s) = c − D log s                                              (1)

    by least squares over the sizes, each with the same weight (Falconer 2014, Fractal Geometry, section 2.1). N(s) is
    the smallest number over several positions of the grid: at a single one, a line along the axes could fall into one
    row of boxes or into two. Boxes at the picture's edges may be cut.

    Parameters
    ----------
    picture : bool, shape (n_rows, n_columns)
        The set, such as a `boundary`.
    sizes
        Sides of the boxes, in elements, at least two different ones. By default the powers of two from 2 to an eighth
        of the picture's shorter side: a boundary is two elements wide, and a few large boxes are always all hit.

    Returns
    -------
    dimension : float
        D of (1).
    sizes, counts : int64, shape (n_sizes,)
        s and N(s).

    Raises
    ------
    ValueError
        If the set is empty, a size is below 1, or there are fewer than two different sizes.
    """
    shorter = min(picture.shape)
    chosen = [2**k for k in range(1, max(shorter // 8, 1).bit_length())] if sizes is None else sizes
    sides = np.array(chosen, dtype=np.int64)
    if not picture.any():
        raise ValueError("found an empty set; it has no box-counting dimension")
    if (sides < 1).any() or np.unique(sides).size < 2:
        raise ValueError(f"sizes: found {sides.tolist()}; allowed: two or more different ones, each 1 or more")
    counts = np.array([_fewest_boxes(picture, side) for side in sides.tolist()], dtype=np.int64)
    slope, _ = np.polyfit(np.log(sides), np.log(counts), 1)
    return -float(slope), sides, counts


def _fewest_boxes(picture: NDArray[np.bool_], side: int) -> int:
    """N(side), over at most MAX_POSITIONS positions of the grid in each direction."""
    first_cuts = [round(k * side / min(side, MAX_POSITIONS)) for k in range(min(side, MAX_POSITIONS))]
    fewest = picture.size
    for first_row in first_cuts:
        by_rows = np.logical_or.reduceat(picture, _starts(first_row, side, picture.shape[0]), axis=0)
        for first_column in first_cuts:
            boxes = np.logical_or.reduceat(by_rows, _starts(first_column, side, picture.shape[1]), axis=1)
            fewest = min(fewest, int(boxes.sum()))
    return fewest


def _starts(first_cut: int, side: int, length: int) -> NDArray[np.int64]:
    """Where the boxes start along one direction."""
    return np.unique(np.append(0, np.arange(first_cut, length, side)))


def sign_changes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which neighbourhoods of 2 × 2 elements hold both classes: bool, one less than `mask` in each direction."""
    parts = np.array([mask[:-1, :-1], mask[1:, :-1], mask[:-1, 1:], mask[1:, 1:]])
    return np.asarray(parts.any(axis=0) & ~parts.all(axis=0))


def local_slopes(picture: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the local dimensions of a set of picture elements, as Sohl-Dickstein 2024 takes them from PoreSpy.

    Boxes of up to ten sizes, from 10 elements to the picture's shorter side and evenly spaced in the logarithm, are
    counted that the set fills in part but not wholly; the slopes are those of log N over log 1/s, by differences.
    """
    sizes = np.unique(np.logspace(1, np.log10(min(picture.shape)), 10).astype(int))
    counts = []
    for side in sizes.tolist():
        starts = [np.arange(0, length, side) for length in picture.shape]
        n_set = np.add.reduceat(np.add.reduceat(picture.astype(np.int64), starts[0], axis=0), starts[1], axis=1)
        heights, widths = (np.diff(np.append(at, n)) for at, n in zip(starts, picture.shape, strict=True))
        counts.append(int(((n_set > 0) & (n_set < np.outer(heights, widths))).sum()))
    if min(counts) == 0:
        return np.empty(0)
    return -np.asarray(np.gradient(np.log(counts), np.log(sizes)), dtype=np.float64)
