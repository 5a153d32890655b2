"""Starts: their texts, and the draws that define them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.spec import inits
from sweep.spec.inits import Init


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("uniform(0,1)", "uniform(0, 1)"),
        (" Uniform ( -5.0 , 5 ) ", "uniform(-5, 5)"),
        ("normal(0, 1e1)", "normal(0, 10)"),
        ("normal(-0, .5)", "normal(0, 0.5)"),
        ("constant(1e300)", "constant(1e+300)"),
        ("zeros", "zeros"),
        ("zeros()", "zeros"),
        ("he_normal", "he_normal"),
    ],
)
def test_texts_are_normalised(text, canonical):
    assert str(inits.parse(text)) == canonical


@given(st.floats(-1e300, 1e300), st.floats(1e-300, 1e300))
def test_canonical_text_reads_back_to_the_same_start(mean, std):
    init = Init("normal", (mean + 0.0, std))
    assert inits.parse(str(init)) == init


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unifrom(0, 1)", 'unknown start "unifrom(0, 1)" (did you mean "uniform"?); allowed: uniform(low, high)'),
        ("", 'unknown start ""'),
        ("uniform(0, 1", "unknown start"),
        ("uniform(1)", 'found "uniform(1)" with 1 arguments; allowed: uniform(low, high)'),
        ("uniform", "with 0 arguments"),
        ("zeros(1)", 'found "zeros(1)" with 1 arguments; allowed: zeros'),
        ("uniform(a, b)", 'found "a" in "uniform(a, b)"; allowed: finite numbers'),
        ("uniform(0, nan)", 'found "nan"'),
        ("normal(0, 1e999)", 'found "1e999"'),
        ("uniform(1_0, 20)", 'found "1_0"'),
        ("uniform(1, 1)", "low < high"),
        ("uniform(-1e308, 1e308)", "a finite width"),
        ("normal(0, -1)", "std > 0"),
        ("normal(0, 0)", "std > 0"),
    ],
)
def test_unknown_starts(text, said):
    with pytest.raises(ValueError) as caught:
        inits.parse(text)
    assert said in str(caught.value)


def test_which_starts_depend_on_the_seed():
    fixed = {name for name in inits._PARAMETERS if not Init(name).random}
    assert fixed == {"zeros", "constant", "given"}


def test_uniform_and_normal_draw_every_parameter_in_order():
    assert inits.draw(inits.parse("uniform(-2, 3)"), np.random.default_rng(7), 2, 0) == pytest.approx(
        np.random.default_rng(7).uniform(-2, 3, 3), rel=1e-15
    )
    rng = np.random.default_rng(7)
    one_by_one = [rng.normal(1, 10) for _ in range(3 * 4 + 4 + 4 + 1)]
    drawn = inits.draw(inits.parse("normal(1, 10)"), np.random.default_rng(7), 3, 4)
    assert drawn == pytest.approx(one_by_one, rel=1e-15)


def test_fixed_starts():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(inits.draw(Init("zeros"), rng, 2, 0), [0, 0, 0])
    np.testing.assert_array_equal(inits.draw(inits.parse("constant(0.5)"), rng, 2, 2), [0.5] * 9)
    assert rng.random() == np.random.default_rng(0).random()


def test_xavier_and_he_scale_each_layer_by_its_own_fans_and_leave_biases_zero():
    n_inputs, hidden = 3, 5
    scales = {
        "xavier_uniform": (math.sqrt(6 / (3 + 5)), math.sqrt(6 / (5 + 1))),
        "xavier_normal": (math.sqrt(2 / (3 + 5)), math.sqrt(2 / (5 + 1))),
        "he_uniform": (math.sqrt(6 / 3), math.sqrt(6 / 5)),
        "he_normal": (math.sqrt(2 / 3), math.sqrt(2 / 5)),
    }
    for name, (first, second) in scales.items():
        rng = np.random.default_rng(11)
        sample = (lambda n: rng.uniform(-1, 1, n)) if name.endswith("uniform") else rng.standard_normal  # noqa: B023
        expected = np.concatenate([first * sample(15), np.zeros(5), second * sample(5), [0]])
        drawn = inits.draw(Init(name), np.random.default_rng(11), n_inputs, hidden)
        np.testing.assert_allclose(drawn, expected, rtol=1e-14, atol=1e-15)


def test_logistic_regression_is_one_layer():
    drawn = inits.draw(Init("xavier_normal"), np.random.default_rng(3), 2, 0)
    np.testing.assert_allclose(
        drawn, [*(math.sqrt(2 / 3) * np.random.default_rng(3).standard_normal(2)), 0], rtol=1e-15
    )


def test_huge_starts_overflow_in_silence():
    drawn = inits.draw(inits.parse("normal(0, 1.7e308)"), np.random.default_rng(0), 8, 0)
    assert np.isinf(drawn).any()
