"""Box counting on sets whose dimension is known."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.replication.dimension import boundary, box_counting_dimension, local_slopes, sign_changes

N = 1024
ROW, COLUMN = np.mgrid[:N, :N]


def sierpinski_carpet(depth: int) -> NDArray[np.bool_]:
    carpet = np.ones((1, 1), dtype=np.bool_)
    for _ in range(depth):
        carpet = np.kron(carpet, np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=np.bool_))
    return carpet


def koch_curve(depth: int, n: int) -> NDArray[np.bool_]:
    points = np.array([0.0 + 0j, 1.0])
    for _ in range(depth):
        start, step = points[:-1], np.diff(points) / 3
        bend = start + step * (1 + np.exp(1j * math.pi / 3))
        points = np.append(np.column_stack([start, start + step, bend, start + 2 * step]).ravel(), points[-1])
    picture = np.zeros((n, n), dtype=np.bool_)
    picture[(points.imag * (n - 1)).astype(int), (points.real * (n - 1)).astype(int)] = True
    return picture


def test_the_boundary_is_both_sides_of_every_change() -> None:
    mask = np.zeros((4, 5), dtype=np.bool_)
    mask[0, 0] = mask[2, 3] = True
    expected = [[1, 1, 0, 0, 0], [1, 0, 0, 1, 0], [0, 0, 1, 1, 1], [0, 0, 0, 1, 0]]
    np.testing.assert_array_equal(boundary(mask), np.array(expected, dtype=np.bool_))
    np.testing.assert_array_equal(boundary(~mask), boundary(mask))
    assert not boundary(np.ones((3, 3), dtype=np.bool_)).any()


@pytest.mark.parametrize(
    ("mask", "tolerance"),
    [
        (ROW < N // 2, 1e-12),
        (COLUMN < N // 3, 0.01),
        (2 * ROW < COLUMN, 0.01),
        ((ROW > N // 2 + 3) & (COLUMN > 2 * N // 3), 0.03),
        (np.hypot(ROW - N / 2, COLUMN - N / 2) < 0.35 * N, 0.07),
    ],
    ids=["horizontal", "vertical", "oblique", "corner", "circle"],
)
def test_a_smooth_boundary_has_dimension_1(mask: NDArray[np.bool_], tolerance: float) -> None:
    assert box_counting_dimension(boundary(mask))[0] == pytest.approx(1, abs=tolerance)


def test_a_filled_square_has_dimension_2() -> None:
    dimension, sizes, counts = box_counting_dimension(np.ones((N, N), dtype=np.bool_))
    assert dimension == pytest.approx(2, abs=1e-12)
    assert sizes.tolist() == [2, 4, 8, 16, 32, 64, 128]
    assert counts.tolist() == [(N // size) ** 2 for size in sizes]


def test_noise_fills_the_plane() -> None:
    noise = np.random.default_rng(0).random((N, N)) < 0.5
    assert box_counting_dimension(boundary(noise))[0] == pytest.approx(2, abs=1e-3)


def test_the_sierpinski_carpet() -> None:
    carpet = sierpinski_carpet(6)
    exact = math.log(8) / math.log(3)
    assert box_counting_dimension(carpet, [1, 3, 9, 27, 81, 243])[0] == pytest.approx(exact, abs=1e-12)
    assert box_counting_dimension(carpet)[0] == pytest.approx(exact, abs=0.04)


def test_the_koch_curve() -> None:
    assert box_counting_dimension(koch_curve(9, N))[0] == pytest.approx(math.log(4) / math.log(3), abs=0.08)


def test_boxes_are_cut_at_the_edge() -> None:
    picture = np.zeros((5, 7), dtype=np.bool_)
    picture[4, 6] = picture[0, 0] = True
    assert box_counting_dimension(picture, [1, 2, 4, 8])[2].tolist() == [2, 2, 2, 1]


@pytest.mark.parametrize(
    ("picture", "sizes", "message"),
    [
        (np.zeros((64, 64), dtype=np.bool_), None, "empty set"),
        (np.ones((8, 8), dtype=np.bool_), None, "two or more different"),
        (np.ones((64, 64), dtype=np.bool_), [4, 4], r"\[4, 4\]"),
        (np.ones((64, 64), dtype=np.bool_), [0, 2], r"\[0, 2\]"),
    ],
)
def test_what_has_no_dimension_is_refused(picture: NDArray[np.bool_], sizes: list[int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        box_counting_dimension(picture, sizes)


def test_sign_changes_are_neighbourhoods_with_both_classes() -> None:
    mask = np.zeros((3, 4), dtype=np.bool_)
    mask[1, 1] = True
    np.testing.assert_array_equal(sign_changes(mask), [[True, True, False], [True, True, False]])


def test_local_slopes_are_counted_as_defined() -> None:
    """Boxes that are filled in part, by a loop over them."""
    picture = np.random.default_rng(3).random((90, 60)) < 0.02
    sizes = np.unique(np.logspace(1, np.log10(60), 10).astype(int)).tolist()
    counts = []
    for side in sizes:
        boxes = [picture[i : i + side, j : j + side] for i in range(0, 90, side) for j in range(0, 60, side)]
        counts.append(sum(bool(box.any()) and not box.all() for box in boxes))
    expected = -np.gradient(np.log(counts), np.log(sizes))
    np.testing.assert_allclose(local_slopes(picture), expected)
    assert np.median(local_slopes(sign_changes(ROW < N // 3))) == pytest.approx(1, abs=0.05)
    assert local_slopes(np.zeros((64, 64), dtype=np.bool_)).size == 0
