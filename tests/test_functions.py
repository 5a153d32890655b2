"""exp, log and what is made of them against mpmath: accuracy over the whole range, and what happens at its ends."""

# mypy: allow-untyped-calls, allow-untyped-decorators, allow-untyped-defs

import functools
from collections.abc import Callable
from types import SimpleNamespace

import mpmath  # type: ignore[import-untyped]
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from sweep.kernel import functions
from sweep.kernel.lanes import traced

Array = NDArray[np.float64]

WIDTH = 8
INF, NAN = float("inf"), float("nan")
TINIEST, SMALLEST_NORMAL, LARGEST = 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308
SIGMOID_UNDER_TEST = {"sigmoid": 0, "one_minus_sigmoid": 1}
APPLIED = {
    name: SimpleNamespace(width=WIDTH, of=getattr(functions, name))
    for name in ("exp", "log", "log1p", "softplus", "tanh")
}
for _name, _part in SIGMOID_UNDER_TEST.items():
    APPLIED[_name] = SimpleNamespace(width=WIDTH, of=lambda x, part=_part: functions.sigmoid(x)[part])


@traced(APPLIED.__getitem__)
def apply(plan, n, x, y_out):
    def body(i):
        y_out[i] = plan.of(x[i])

    y_out.repeat(n, body)


@functools.cache
def over_array(name: str) -> Callable[[Array, Array], None]:
    @numba.njit
    def run(x, y_out):
        apply(name, x.size // WIDTH, x, y_out)

    return run  # type: ignore[no-any-return]


def compiled(name: str, x: ArrayLike) -> Array:
    """The function at each of the points, as compiled code computes it."""
    points = np.atleast_1d(np.asarray(x, float))
    padded = np.resize(points, -(-points.size // WIDTH) * WIDTH)
    y = np.full_like(padded, NAN)
    over_array(name)(padded, y)
    return y[: points.size]


def bits(x: Array) -> NDArray[np.uint64]:
    """The bits of each number, all NaNs alike."""
    return np.where(np.isnan(x), NAN, x).view(np.uint64)


def ulps(y: float, exact: mpmath.mpf) -> float:
    """|y − exact| in units of the last place of a double next to `exact`."""
    return float(abs(mpmath.mpf(y) - exact) / mpmath.mpf(float(np.spacing(abs(float(exact))))))


def magnitudes(n: int, smallest: float) -> Array:
    """n numbers from 10**smallest to 1, even in their logarithm, of either sign."""
    rng = np.random.default_rng(n)
    numbers: Array = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(smallest, 0, n)
    return numbers


def uniform(low: float, high: float, n: int) -> Array:
    return np.random.default_rng(n).uniform(low, high, n)


def around(points: Array, n: int) -> Array:
    """Doubles at most 4 ulp away from n random ones of the points."""
    rng = np.random.default_rng(n)
    near: Array = rng.choice(points, n)
    return near + rng.integers(-4, 5, n) * np.spacing(near)


HALVES_OF_LN2 = (np.arange(-1000, 1000) + 0.5) * np.log(2)  # where the reduced argument changes its sign
POINTS = {
    "exp": np.concatenate(
        [
            uniform(-745.13, 709.78, 1000),
            uniform(-745.13, -708, 800),
            uniform(-2, 2, 400),
            magnitudes(600, -320),
            around(HALVES_OF_LN2, 400),
            [-745.133219101941, -708.3964185322641, 709.782712893384],
        ]
    ),
    "log": np.concatenate(
        [
            2.0 ** uniform(-1022, 1024, 1000),
            np.random.default_rng(0).integers(1, 2**52, 500).view(np.float64),
            np.arange(1, 100) * TINIEST,
            1 + magnitudes(800, -16),
            uniform(0.5, 2, 400),
            around(np.sqrt(2.0) * 2.0 ** np.arange(-1000, 1000), 300),
            [TINIEST, SMALLEST_NORMAL, np.nextafter(SMALLEST_NORMAL, 0), LARGEST],
        ]
    ),
    "log1p": np.concatenate([uniform(0, 1, 1500), np.abs(magnitudes(1500, -322)), [TINIEST, 1.0, 2.0**-53, 2.0**-52]]),
    "softplus": np.concatenate(
        [uniform(-745, 709, 1000), uniform(-40, 40, 1000), uniform(-745, -708, 300), magnitudes(700, -300)]
    ),
    "sigmoid": np.concatenate(
        [uniform(-700, 700, 1000), uniform(-40, 40, 1500), magnitudes(500, -300), [-700.0, 700.0]]
    ),
}
POINTS["one_minus_sigmoid"] = POINTS["sigmoid"]
POINTS["tanh"] = np.concatenate(
    [
        uniform(-20, 20, 1000),
        uniform(-1, 1, 1000),
        magnitudes(1000, -320),
        around(HALVES_OF_LN2[960:1040] / 2, 500),
        [TINIEST, -TINIEST, SMALLEST_NORMAL, np.nextafter(SMALLEST_NORMAL, 0), 2.0**-28, 19.06, 19.07, 350.0, LARGEST],
    ]
)

EXACT: dict[str, tuple[Callable[[mpmath.mpf], mpmath.mpf], float]] = {
    "exp": (mpmath.exp, 2),
    "log": (mpmath.log, 2),
    "log1p": (mpmath.log1p, 2),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), 2),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), 3),
    "one_minus_sigmoid": (lambda x: 1 / (1 + mpmath.exp(x)), 3),
    "tanh": (mpmath.tanh, 3),
}
"""The function that is meant, and how many units of the last place the computed value may be away from it."""


@pytest.mark.parametrize("name", EXACT)
def test_accuracy(name: str) -> None:
    exact, bound = EXACT[name]
    x = POINTS[name]
    with mpmath.workdps(40):
        errors = [ulps(b, exact(mpmath.mpf(a))) for a, b in zip(x.tolist(), compiled(name, x).tolist(), strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= bound, f"{name}({x[worst]!r}) is {errors[worst]:.2f} ulp away"


SPECIAL_VALUES = {
    "exp": [
        (0.0, 1.0),
        (-0.0, 1.0),
        (TINIEST, 1.0),
        (-745.1, TINIEST),
        (-745.2, 0.0),
        (-746.5, 0.0),
        (709.7827128933841, INF),
        (710.5, INF),
        (LARGEST, INF),
        (-LARGEST, 0.0),
        (INF, INF),
        (-INF, 0.0),
        (NAN, NAN),
    ],
    "log": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (-TINIEST, NAN), (-1.0, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
    "log1p": [(0.0, 0.0), (TINIEST, TINIEST), (NAN, NAN)],
    "softplus": [
        (-746.0, 0.0),
        (-LARGEST, 0.0),
        (-INF, 0.0),
        (40.0, 40.0),
        (710.0, 710.0),
        (1e300, 1e300),
        (LARGEST, LARGEST),
        (INF, INF),
        (NAN, NAN),
    ],
    "sigmoid": [(0.0, 0.5), (-0.0, 0.5), (TINIEST, 0.5), (NAN, NAN)],
    "one_minus_sigmoid": [(0.0, 0.5), (-0.0, 0.5), (TINIEST, 0.5), (NAN, NAN)],
    "tanh": [
        (0.0, 0.0),
        (TINIEST, TINIEST),
        (-TINIEST, -TINIEST),
        (SMALLEST_NORMAL, SMALLEST_NORMAL),
        (1e-300, 1e-300),
        (22.0, 1.0),
        (400.0, 1.0),
        (LARGEST, 1.0),
        (INF, 1.0),
        (-INF, -1.0),
        (NAN, NAN),
    ],
}


@pytest.mark.parametrize("name", SPECIAL_VALUES)
def test_special_values(name: str) -> None:
    x, expected = np.array(SPECIAL_VALUES[name]).T.copy()
    np.testing.assert_array_equal(bits(compiled(name, x)), bits(expected))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(bits(APPLIED[name].of(x)), bits(expected))


def test_the_sigmoid_of_minus_x_is_one_minus_that_of_x_bit_for_bit() -> None:
    x = POINTS["sigmoid"]
    np.testing.assert_array_equal(compiled("sigmoid", -x), compiled("one_minus_sigmoid", x))
    np.testing.assert_array_equal(compiled("one_minus_sigmoid", -x), compiled("sigmoid", x))


def test_tanh_is_odd_bit_for_bit_and_never_above_one() -> None:
    x = POINTS["tanh"]
    y = compiled("tanh", x)
    np.testing.assert_array_equal(bits(compiled("tanh", -x)), bits(-y))
    assert np.abs(y).max() == 1.0


@pytest.mark.parametrize("name", SIGMOID_UNDER_TEST)
def test_the_sigmoid_saturates_without_ever_being_zero(name: str) -> None:
    far = np.array([700.0, np.nextafter(700.0, INF), 745.2, 1e10, LARGEST, INF])
    for x in (far, -far):
        y = compiled(name, x)
        assert set(y) == {y[0]}
        assert 1.0 - 2.0**-53 <= y[0] <= 1.0 or 0.0 < y[0] < 1e-304


@pytest.mark.parametrize("name", EXACT)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_compiled_code_and_python_compute_the_same_bits(name: str, data: st.DataObject) -> None:
    number = st.floats(0.0, 1.0) if name == "log1p" else st.one_of(st.floats(allow_nan=False), st.floats(-40, 40))
    x = np.array(data.draw(st.lists(number, min_size=WIDTH, max_size=WIDTH)))
    with np.errstate(all="ignore"):
        in_python = APPLIED[name].of(x)
    np.testing.assert_array_equal(bits(compiled(name, x)), bits(in_python))
