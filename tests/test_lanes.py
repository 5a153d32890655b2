"""Operations on lanes: the same bits at every width as in Python, what they mean, and memory in the promised layout."""

# mypy: allow-untyped-calls, allow-untyped-decorators, allow-untyped-defs

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sweep.kernel import lanes
from sweep.kernel.activations import ACTIVATIONS
from sweep.kernel.functions import sigmoid
from sweep.kernel.lanes import Unfused, absolute, apart, flip, fma, scale, select, split, sqrt, together, traced

Array = NDArray[np.float64]
Operation = Callable[[Any, Any, Any], Any]

WIDTHS = [1, 2, 8, 16, 32]
INF, NAN = float("inf"), float("nan")
TINIEST, SMALLEST_NORMAL, LARGEST = 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308
SPECIAL = [0.0, -0.0, 1.0, -1.5, INF, -INF, NAN, TINIEST, -SMALLEST_NORMAL, LARGEST]
SHIFT = 6755399441055744.0  # 1.5·2⁵²

OF_ANY_NUMBER: dict[str, Operation] = {
    "x + y": lambda x, y, z: x + y,
    "x - y": lambda x, y, z: x - y,
    "x * y": lambda x, y, z: x * y,
    "x / y": lambda x, y, z: x / y,
    "x + 1.5": lambda x, y, z: x + 1.5,
    "x - 1.5": lambda x, y, z: x - 1.5,
    "x * 1.5": lambda x, y, z: x * 1.5,
    "x / 1.5": lambda x, y, z: x / 1.5,
    "1.5 + x": lambda x, y, z: 1.5 + x,
    "1.5 - x": lambda x, y, z: 1.5 - x,
    "1.5 * x": lambda x, y, z: 1.5 * x,
    "1.5 / x": lambda x, y, z: 1.5 / x,
    "-x": lambda x, y, z: -x,
    "x < y": lambda x, y, z: select(x < y, 1.0, 0.0),
    "x <= y": lambda x, y, z: select(x <= y, 1.0, 0.0),
    "x > y": lambda x, y, z: select(x > y, 1.0, 0.0),
    "x >= y": lambda x, y, z: select(x >= y, 1.0, 0.0),
    "x == y": lambda x, y, z: select(x == y, 1.0, 0.0),
    "x < 1": lambda x, y, z: select(x < 1.0, 1.0, 0.0),
    "and": lambda x, y, z: select((x < y) & (y < z), 1.0, 0.0),
    "or": lambda x, y, z: select((x < y) | (y < z), 1.0, 0.0),
    "not": lambda x, y, z: select(~(x < y), 1.0, 0.0),
    "select": lambda x, y, z: select(x < y, z, x),
    "select a number": lambda x, y, z: select(x < y, -2.0, z),
    "fma": fma,
    "fma with numbers": lambda x, y, z: fma(x, 3.0, fma(-2.0, y, fma(x, z, 0.5))),
    "flip": lambda x, y, z: flip(x, select(y < z, -0.0, 0.0)),
    "absolute": lambda x, y, z: absolute(x),
    "sqrt": lambda x, y, z: sqrt(x),
}
OF_POSITIVE_NORMALS: dict[str, Operation] = {
    "mantissa": lambda x, y, z: split(x)[0],
    "exponent": lambda x, y, z: split(x)[1],
    "scale": lambda x, y, z: scale(split(x)[0], split(y)[1] + SHIFT),
    "scale a negative number": lambda x, y, z: scale(-split(x)[0], split(y)[1] + SHIFT),
}


@dataclass(frozen=True)
class Expressions:
    """Plan of a traced function of these tests."""

    width: int
    operations: dict[str, Operation]

    @classmethod
    def parse(cls, text: str) -> "Expressions":
        domain, width = text.split()
        return cls(int(width), {"any": OF_ANY_NUMBER, "positive": OF_POSITIVE_NORMALS}[domain])


@traced(Expressions.parse)
def apply(plan, x, y, z, results_out):
    for k, operation in enumerate(plan.operations.values()):
        results_out[k] = operation(x[0], y[0], z[0])


@functools.cache
def compiled(function: Callable[..., None], text: str) -> Callable[..., None]:
    """A traced function of four arrays, compiled for one text."""

    @numba.njit
    def call(a, b, c, d):
        function(text, a, b, c, d)

    return call  # type: ignore[no-any-return]


def results(call: Callable[..., None], width: int, operations: dict[str, Operation], numbers: Array) -> Array:
    """Results of every operation (axis 0) on every row of three numbers (axis 1), `width` at a time."""
    n = len(numbers)
    padded = np.resize(numbers, (-(-n // width) * width, 3))
    out = np.full((len(operations), len(padded)), NAN)
    for at in range(0, len(padded), width):
        block = np.full(len(operations) * width, NAN)
        x, y, z = (column.copy() for column in padded[at : at + width].T)
        call(x, y, z, block)
        out[:, at : at + width] = block.reshape(-1, width)
    return out[:, :n]


def bits(x: Array) -> NDArray[np.uint64]:
    """The bits of each number, all NaNs alike."""
    return np.where(np.isnan(x), NAN, x).view(np.uint64)


def assert_same_bits(actual: Array, expected: Array, message: str = "") -> None:
    np.testing.assert_array_equal(bits(actual), bits(expected), message)


def assert_compiled_like_python(domain: str, width: int, numbers: Array) -> None:
    text = f"{domain} {width}"
    operations = Expressions.parse(text).operations
    with np.errstate(all="ignore"):
        in_python = results(functools.partial(apply.in_python, text), width, operations, numbers)
    actual = results(compiled(apply, text), width, operations, numbers)
    for k, name in enumerate(operations):
        assert_same_bits(actual[k], in_python[k], name)


@pytest.mark.parametrize("width", WIDTHS)
def test_special_numbers(width: int) -> None:
    assert_compiled_like_python("any", width, np.array(list(itertools.product(SPECIAL, repeat=3))))


@pytest.mark.parametrize("width", WIDTHS)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_any_numbers(width: int, data: st.DataObject) -> None:
    number = st.one_of(st.floats(), st.floats(-4, 4))
    numbers = data.draw(st.lists(st.tuples(number, number, number), min_size=1, max_size=40))
    assert_compiled_like_python("any", width, np.array(numbers))


@pytest.mark.parametrize("width", WIDTHS)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_positive_normal_numbers(width: int, data: st.DataObject) -> None:
    number = st.floats(SMALLEST_NORMAL, LARGEST)
    numbers = data.draw(st.lists(st.tuples(number, number, number), min_size=1, max_size=40))
    assert_compiled_like_python("positive", width, np.array(numbers))


# ---- what the operations mean, in Python; the tests above carry it over to compiled code --------------------------


def test_fma_rounds_once() -> None:
    x = 1 + 2.0**-30
    assert x * x - (1 + 2.0**-29) == 0.0
    assert fma(x, x, -(1 + 2.0**-29)) == 2.0**-60
    assert fma(LARGEST, 2.0, -LARGEST) == LARGEST
    assert fma(LARGEST, 2.0, LARGEST) == INF
    assert fma(-LARGEST, 2.0, -LARGEST) == -INF
    assert fma(TINIEST, 0.5, TINIEST) == 2 * TINIEST  # a tie, to even
    assert np.isnan(fma(INF, 0.0, 1.0))
    assert fma(np.zeros(3), 1.0, np.ones((2, 1))).shape == (2, 3)


@given(*[st.floats(-1e150, 1e150)] * 3)
def test_fma_is_the_double_nearest_to_the_exact_value(x: float, y: float, z: float) -> None:
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    value = float(fma(x, y, z))
    distance = abs(Fraction(value) - exact)
    assert all(distance <= abs(Fraction(float(np.nextafter(value, to))) - exact) for to in (-INF, INF))


@given(st.floats(SMALLEST_NORMAL, LARGEST))
def test_split_takes_a_number_apart(x: float) -> None:
    m, k = split(x)
    assert 1 <= m < 2
    assert Fraction(float(m)) * Fraction(2) ** int(k) == Fraction(x)


@given(st.floats(1, 2, exclude_max=True), st.integers(-1022, 1023), st.booleans())
def test_scale_multiplies_by_a_power_of_two(m: float, n: int, negative: bool) -> None:
    x = -m if negative else m
    assert Fraction(float(scale(x, n + SHIFT))) == Fraction(x) * Fraction(2) ** n


@given(st.floats(TINIEST, LARGEST))
def test_sqrt_is_the_double_nearest_to_the_exact_root(x: float) -> None:
    root = float(sqrt(np.float64(x)))
    half = Fraction(float(np.spacing(root))) / 2
    assert (Fraction(root) - half) ** 2 <= Fraction(x) <= (Fraction(root) + half) ** 2


def test_sqrt_at_the_ends_of_its_range() -> None:
    x = np.array([0.0, -0.0, 4.0, INF, -TINIEST, -INF, NAN])
    assert_same_bits(sqrt(x), np.array([0.0, -0.0, 2.0, INF, NAN, NAN, NAN]))


def test_flip_changes_the_sign_where_asked() -> None:
    x, sign = np.array([3.0, 3.0, -3.0, -3.0, 0.0]), np.array([0.0, -0.0, 0.0, -0.0, -0.0])
    assert_same_bits(flip(x, sign), np.array([3.0, -3.0, -3.0, 3.0, -0.0]))


# ---- memory ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Width:
    width: int


WIDTH_OF = {str(width): Width(width) for width in WIDTHS}.__getitem__


@traced(WIDTH_OF)
def weigh(plan, X, n, x, sums_out):
    """sums[0] ← Σₘ X[m, 1]·x[m] over the rows m < n, sums[1] ← 1 − Σₘ x[m], sums[2] ← half of sums[0]."""
    kept, other = x.local(2), x.local(1)
    kept[0], kept[1], other[0] = 0.0, 1.0, 0.5

    def body(m):
        kept[0] = fma(x[m], X[m, 1], kept[0])
        kept[1] = kept[1] - x[m]

    x.repeat(n, body)
    sums_out[0], sums_out[1] = kept[0], kept[1]
    x.repeat(1, lambda i: sums_out.__setitem__(2, kept[i] * other[i]))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n", [0, 1, 5])
def test_storage_local_repeat_and_table(width: int, n: int) -> None:
    text = str(width)
    rng = np.random.default_rng(width)
    X, x = rng.normal(size=(7, 3)), rng.normal(size=(7, width))
    for call in (compiled(weigh, text), functools.partial(weigh.in_python, text)):
        sums = np.full(4 * width, 7.0)
        call(X, n, x.ravel(), sums)
        expected = np.zeros(width)
        for m in range(n):
            expected = fma(x[m], X[m, 1], expected)
        rest = functools.reduce(lambda total, row: total - row, x[:n], np.ones(width))
        assert_same_bits(sums.reshape(4, width), np.array([expected, rest, 0.5 * expected, np.full(width, 7.0)]))


@traced(WIDTH_OF)
def count_on(plan, n, more, x, count):
    """count ← count + n where x > 0 holds in every lane, else count + more."""
    all_above = (x[0] > 0.0).all()
    x.repeat(all_above * n + (all_above * -1 + 1) * more, lambda _: count.__setitem__(0, count[0] + 1.0))


@pytest.mark.parametrize("width", WIDTHS)
def test_all_lanes_decide_how_often_a_loop_runs(width: int) -> None:
    text = str(width)
    for call in (compiled(count_on, text), functools.partial(count_on.in_python, text)):
        for last, expected in ((1.0, 3.0), (-1.0, 5.0), (np.nan, 5.0)):
            x, count = np.ones(width), np.zeros(width)
            x[-1] = last
            call(3, 5, x, count)
            assert set(count) == {expected}


@traced(WIDTH_OF)
def mix(plan, X, scalar, x, results_out):
    """Numbers of the code under construction, on either side of lanes."""
    for k, value in enumerate(
        [X[0, 1] * x[0], x[0] - X[1, 0], scalar - x[0], x[0] / scalar, select(x[0] < scalar, X[1, 1], scalar)]
    ):
        results_out[k] = value


@pytest.mark.parametrize("width", WIDTHS)
def test_scalars_stand_in_every_lane(width: int) -> None:
    rng = np.random.default_rng(width)
    X, scalar, x = rng.normal(size=(2, 2)), 0.125, rng.normal(size=width)
    expected = [X[0, 1] * x, x - X[1, 0], scalar - x, x / scalar, np.where(x < scalar, X[1, 1], scalar)]
    for call in (compiled(mix, str(width)), functools.partial(mix.in_python, str(width))):
        results_out = np.full(5 * width, NAN)
        call(X, scalar, x, results_out)
        assert_same_bits(results_out.reshape(5, width), np.array(expected))


@traced(WIDTH_OF)
def swap(plan, x, y, z, w):
    first = x[0]
    x[0] = x[1]
    x[1] = first


def test_a_value_read_from_memory_stays_when_the_memory_changes() -> None:
    for call in (compiled(swap, "2"), functools.partial(swap.in_python, "2")):
        x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(2)
        call(x, y, y, y)
        assert x.tolist() == [3.0, 4.0, 1.0, 2.0]


@traced(WIDTH_OF)
def square_together(plan, x, y, z, results_out):
    for n in (1, 2, 4, 8):
        joined = together([x[k] for k in range(n)])
        for k, square in enumerate(apart(joined * joined, n)):
            results_out[n + k] = square


@pytest.mark.parametrize("width", WIDTHS)
def test_values_that_were_made_one_come_apart_in_their_order(width: int) -> None:
    x, unused = np.random.default_rng(width).normal(size=(8, width)), np.zeros(width)
    expected = np.concatenate([x[:n] ** 2 for n in (1, 2, 4, 8)])
    for call in (compiled(square_together, str(width)), functools.partial(square_together.in_python, str(width))):
        results_out = np.full(16 * width, NAN)
        call(x.ravel(), unused, unused, results_out)
        assert_same_bits(results_out.reshape(16, width)[1:], expected)
    assert apart(0.5, 2) == [0.5, 0.5]


@pytest.mark.parametrize("function", [sigmoid, *ACTIVATIONS.values()], ids=lambda function: function.__qualname__)
def test_pictures_are_spared_exact_multiply_adds_and_lose_a_few_last_bits(
    function: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.concatenate([np.linspace(-750, 750, 301), np.linspace(-3, 3, 301), [0.0, INF, -INF, NAN]])
    with np.errstate(invalid="ignore"):
        exact, _ = function(x)
        monkeypatch.delattr(lanes, "_fma_of_numbers")
        rough, _ = function(x.view(Unfused))
    assert isinstance(rough, Unfused)
    np.testing.assert_allclose(rough, exact, rtol=1e-12, atol=0)
