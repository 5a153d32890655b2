"""Starts of many runs at once, against what `inits.draw` defines for one."""

import numpy as np
import pytest

from sweep.engine.starts import draw_starts
from sweep.spec import inits

TEXTS = ["uniform(0, 1)", "uniform(-5, 0.1)", "normal(0, 1)", "normal(-3, 1e300)", "normal(1e308, 1e308)", "zeros"]
TEXTS += ["constant(-2.5)", "xavier_uniform", "xavier_normal", "he_uniform", "he_normal"]


@pytest.mark.parametrize("n_inputs", [1, 2, 8])
@pytest.mark.parametrize("text", TEXTS)
def test_every_start_is_bit_for_bit_what_defines_it(text: str, n_inputs: int) -> None:
    init = inits.parse(text)
    seeds = np.array([0, 5, 2**32 - 1, *range(1000, 1200)])
    starts = draw_starts(init, seeds, n_inputs)
    expected = [inits.draw(init, np.random.default_rng(int(seed)), n_inputs, hidden=0) for seed in seeds]
    assert starts.dtype == np.float64
    assert starts.flags.c_contiguous
    np.testing.assert_array_equal(starts.view(np.uint64), np.array(expected).view(np.uint64))
