"""Initial weights against the only authority on them: numpy.random.default_rng."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sweep.kernel import draws

Draw = Callable[[NDArray[Any], int], NDArray[np.float64]]

LARGEST_SEED = 2**32 - 1
ZIGGURAT_TAIL = 3.6541528853610088  # normals beyond it come from the tail, none from a layer
PCG_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645


def assert_same_bits(actual: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    assert actual.dtype == np.float64
    assert actual.flags.c_contiguous
    np.testing.assert_array_equal(actual.view(np.uint64), expected.view(np.uint64))


@settings(deadline=None)
@given(st.lists(st.integers(0, LARGEST_SEED), max_size=20), st.integers(1, 40))
@example([0, 1, LARGEST_SEED - 1, LARGEST_SEED], 9)
@example([], 1)
def test_any_seeds_draw_as_numpy_does(seeds: list[int], k: int) -> None:
    rows = (len(seeds), k)
    uniforms = np.array([np.random.default_rng(seed).random(k) for seed in seeds]).reshape(rows)
    normals = np.array([np.random.default_rng(seed).standard_normal(k) for seed in seeds]).reshape(rows)
    assert_same_bits(draws.standard_uniforms(np.array(seeds, np.int64), k), uniforms)
    assert_same_bits(draws.standard_normals(np.array(seeds, np.int64), k), normals)


def test_a_block_of_seeds_with_wedges_and_tails_draws_normals_as_numpy_does() -> None:
    seeds, k = np.arange(20_000, dtype=np.uint32), 3
    expected = np.empty((len(seeds), k))
    took_more_than_k = np.empty(len(seeds), np.bool_)
    for seed in seeds:
        pcg = np.random.PCG64(seed)
        before = pcg.state
        expected[seed] = np.random.Generator(pcg).standard_normal(k)
        after = pcg.state
        pcg.state = before
        took_more_than_k[seed] = pcg.advance(k).state["state"] != after["state"]
    has_tail = (np.abs(expected) > ZIGGURAT_TAIL).any(axis=1)
    assert has_tail.any()
    assert (took_more_than_k & ~has_tail).any()

    assert_same_bits(draws.standard_normals(seeds, k), expected)


def test_the_ziggurat_tables_are_those_of_numpy() -> None:
    """Each layer's edge and scale, found out by making NumPy's generator give chosen bits."""
    pcg = np.random.PCG64(0)
    generator, state = np.random.Generator(pcg), pcg.state
    inverse = pow(PCG_MULTIPLIER, -1, 2**128)

    def normal(layer: int, magnitude: int) -> tuple[float, bool]:
        """NumPy's normal from these bits, and whether they were enough for it."""
        bits = magnitude << 9 | layer
        state["state"]["state"] = (bits - state["state"]["inc"]) * inverse % 2**128
        pcg.state = state
        return generator.standard_normal(), pcg.state["state"]["state"] == bits

    for layer, (edge, scale) in enumerate(zip(draws.LAYER_EDGE.tolist(), draws.LAYER_SCALE.tolist(), strict=True)):
        assert not normal(layer, edge)[1]
        if layer == 1:  # the topmost layer has no rectangle
            assert edge == 0
            continue
        assert normal(layer, edge - 1) == ((edge - 1) * scale, True)
        assert normal(layer, 2**51) == (2**51 * scale, True)


@pytest.mark.parametrize("draw", [draws.standard_uniforms, draws.standard_normals])
@pytest.mark.parametrize(
    ("seeds", "k", "message"),
    [
        (np.array([3, -1]), 3, "a seed must be between 0 and 2**32 - 1 = 4294967295, not -1"),
        (np.array([2**32]), 3, "a seed must be between 0 and 2**32 - 1 = 4294967295, not 4294967296"),
        (np.array([0.5]), 3, "seeds must be one row of integers, not float64 of shape (1,)"),
        (np.array([[1, 2]]), 3, "seeds must be one row of integers, not int64 of shape (1, 2)"),
        (np.array([1]), 0, "the number of draws per seed must be at least 1, not 0"),
    ],
)
def test_impossible_requests_are_refused(draw: Draw, seeds: NDArray[Any], k: int, message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        draw(seeds, k)
    assert str(refusal.value) == message
