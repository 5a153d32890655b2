"""Grids: axes, ranges, and the arithmetic from run numbers to coordinates."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.spec import grid
from sweep.spec.messages import InvalidError

positive = st.floats(1e-300, 1e300)

small_grids = st.fixed_dictionaries(
    {
        "gate": st.lists(st.sampled_from(["AND", "OR", "XOR", "01101001"]), min_size=1, unique=True),
        "learning_rate": st.lists(positive, min_size=1, max_size=4, unique=True),
        "init": st.lists(st.sampled_from(["uniform(0, 1)", "he_normal"]), min_size=1, unique=True),
        "encoding": st.sampled_from(["01", ["pm1", "01"]]),
        "seeds": st.builds(lambda start, count: {"from": start, "count": count}, st.integers(0, 99), st.integers(1, 3)),
    }
).flatmap(lambda written: st.permutations(list(written.items())).map(dict))


def axis(key, written, **rest):
    base = {"gate": "AND", "learning_rate": 1, **rest}
    return list(grid.parse({**base, key: written}).values[key])


@given(small_grids)
def test_runs_count_the_grid_in_the_order_written_seed_innermost(written):
    parsed = grid.parse(written)
    points = list(itertools.product(*parsed.values.values(), parsed.seeds))
    runs = np.arange(parsed.n_runs)
    columns = [[values[i] for i in parsed.indices(key, runs)] for key, values in parsed.values.items()]
    assert list(zip(*columns, parsed.seed_of(runs), strict=True)) == points
    assert parsed.n_runs == len(points) == parsed.n_points * len(parsed.seeds)
    assert parsed.shape == (*map(len, parsed.values.values()), len(parsed.seeds))
    assert list(parsed.values)[: len(written) - 1] == [key for key in written if key != "seeds"]


def test_indices_are_arithmetic_on_any_run_numbers():
    parsed = grid.parse({"gate": "all-4", "learning_rate": {"from": 1, "to": 9, "num": 9}, "seeds": 3000})
    runs = np.array([[parsed.n_runs - 1, 0], [3000, 2999]])
    for indices in (parsed.indices("gate", runs), parsed.indices("learning_rate", runs), parsed.seed_of(runs)):
        assert indices.dtype == np.int64
    np.testing.assert_array_equal(parsed.indices("gate", runs), [[65535, 0], [0, 0]])
    np.testing.assert_array_equal(parsed.indices("learning_rate", runs), [[8, 0], [1, 0]])
    np.testing.assert_array_equal(parsed.seed_of(runs), [[2999, 0], [0, 2999]])


def test_unwritten_keys_have_their_defaults():
    parsed = grid.parse({"learning_rate": 0.1, "gate": "xor"})
    assert parsed.values == {
        "learning_rate": (0.1,),
        "gate": ("XOR",),
        "encoding": ("01",),
        "hidden": (0,),
        "activation": ("sigmoid",),
        "output": ("sigmoid",),
        "loss": ("bce",),
        "shortcut": (False,),
        "bias": (True,),
        "optimizer": ("gd",),
        "momentum": (None,),
        "beta2": (None,),
        "epsilon": (None,),
        "growth": (None,),
        "shrink": (None,),
        "decay": (None,),
        "max_step": (None,),
        "min_step": (None,),
        "update": ("batch",),
        "hidden_learning_rate": (None,),
        "init": ("normal(0, 1)",),
        "init_scale": (1.0,),
    }
    assert parsed.seeds == range(1)


def test_numbers_become_floats():
    assert [type(value) for value in axis("learning_rate", [1, 0.5])] == [float, float]
    assert [type(value) for value in axis("init_scale", {"from": 1, "to": 3, "num": 3})] == [float] * 3


def test_families_mix_with_gates_of_any_number_of_inputs():
    gates = axis("gate", ["NOT", "all-3", "majority-5"])
    assert (len(gates), gates[0], gates[1], gates[-1]) == (258, "NOT", "00000000", "majority-5")


def test_ranges_pass_through_the_numbers_one_would_write():
    assert axis("learning_rate", {"from": 0.001, "to": 1000, "num": 7, "scale": "log"}) == [
        0.001, 0.01, 0.1, 1, 10, 100, 1000,
    ]  # fmt: skip
    assert axis("learning_rate", {"from": 0.1, "to": 0.7, "num": 7}) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert axis("learning_rate", {"from": 0.1, "to": 0.3, "num": 11})[:3] == [0.1, 0.12, 0.14]
    assert axis("learning_rate", {"from": 2, "to": 2, "num": 1}) == [2]
    assert axis("learning_rate", {"from": 8, "to": 2, "num": 3, "scale": "log"}) == [8, 4, 2]


@given(positive, positive, st.integers(2, 40), st.sampled_from(["linear", "log"]))
def test_ranges_are_monotone_with_exact_ends(start, stop, num, scale):
    values = grid.Range.model_validate({"from": start, "to": stop, "num": num, "scale": scale}).values()
    assert len(values) == num
    assert (values[0], values[-1]) == (start, stop)
    assert values == sorted(values, reverse=start > stop)


@given(st.floats(1e-5, 1e5), st.floats(1e-5, 1e5), st.integers(2, 40))
def test_ranges_agree_with_numpy(start, stop, num):
    written = {"from": start, "to": stop, "num": num}
    linear = grid.Range.model_validate(written).values()
    np.testing.assert_allclose(linear, np.linspace(start, stop, num), rtol=1e-12)
    log = grid.Range.model_validate(written | {"scale": "log"}).values()
    np.testing.assert_allclose(log, np.geomspace(start, stop, num), rtol=1e-12)


@given(small_grids)
def test_resolved_reads_back_to_the_same_grid(written):
    parsed = grid.parse(written)
    again = grid.parse(parsed.resolved())
    assert again == parsed
    assert list(again.values) == list(parsed.values)


def test_resolved_is_short_where_axes_are_long():
    written = {"gate": ["all-4", "NOT"], "learning_rate": {"from": 1, "to": 2, "num": 1500}, "seeds": 7}
    resolved = grid.parse(written).resolved()
    assert resolved["gate"] == ["all-4", "NOT"]
    assert resolved["learning_rate"] == {"from": 1, "to": 2, "num": 1500, "scale": "linear"}
    assert resolved["seeds"] == {"from": 0, "count": 7}
    assert grid.parse(resolved) == grid.parse(written)
    assert grid.parse({"gate": "AND", "learning_rate": {"from": 1, "to": 2, "num": 3}}).resolved()["learning_rate"] == [
        1,
        1.5,
        2,
    ]


def test_the_size_limit_is_exact_and_builds_nothing():
    base = {"gate": "AND", "learning_rate": 1}
    assert grid.parse({**base, "seeds": 2**31 - 1}).n_runs == 2**31 - 1
    with pytest.raises(InvalidError, match="2,147,483,648 runs"):
        grid.parse({**base, "seeds": 2**31})
    with pytest.raises(InvalidError, match="more than 10\\^18 runs"):
        grid.parse({**base, "seeds": 10**4000})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, True),
        ({"gate": "XOR"}, {"gate": ["AND", "0110"]}, True),
        ({"gate": "AND"}, {"gate": "OR"}, False),
        ({"seeds": 5}, {"seeds": {"from": 5, "count": 5}}, False),
        ({"seeds": 6}, {"seeds": {"from": 5, "count": 5}}, True),
        ({"learning_rate": [1, 2]}, {"learning_rate": 3}, False),
        ({"encoding": "pm1"}, {}, False),
    ],
)
def test_overlap(one, other, expected):
    base = {"gate": "XOR", "learning_rate": 1}
    grids = grid.parse(base | one), grid.parse(base | other)
    assert grid.overlap(*grids) is grid.overlap(*reversed(grids)) is expected
