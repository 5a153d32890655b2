"""Odd grids: many that differ in no axis, values that nearly agree, parts of a result, long axes."""

import itertools
from dataclasses import replace
from typing import Any

import example_results as examples
import numpy as np
import of_result
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sweep
from sweep.analysis import points
from sweep.analysis.findings import Findings
from sweep.analysis.layout import Combinations
from sweep.analysis.names import named
from sweep.results.result import Result
from sweep.results.selection import select

VALUES = st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True)


@given(st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES, "c": VALUES}), min_size=1, max_size=4))
@settings(deadline=None)
def test_combinations_are_counted_as_if_listed(grids: list[dict[str, list[int]]]) -> None:
    counts = Combinations(grids)
    rows = pd.DataFrame(
        [row for grid in grids for row in itertools.product(*(grid[key] for key in "abc"))], columns=list("abc")
    )
    for n in (1, 2, 3):
        for keys in map(list, itertools.combinations("abc", n)):
            assert counts.n(keys) == len(rows.drop_duplicates(keys))
    assert counts.most_within("b", ["a", "c"]) == rows.groupby(["a", "c"])["b"].nunique().max()
    assert counts.follows("b", "a") == (rows.groupby("a")["b"].nunique().max() == 1)


def test_ten_grids_over_many_named_weights_have_a_layout() -> None:
    names = [f"w{i}" for i in range(21)]
    grids = [{name: [0.0, number + 1.0] for name in names} for number in range(10)]
    assert Combinations(grids).n(names) == 1 + 10 * (2**21 - 1)
    assert Combinations(grids).most_within("w0", names[1:]) == 11


def of_weights(n: int) -> Result:
    """One run of each of so many grids, which differ in their given weights only."""
    one = examples.made({"gate": ["AND"], "init": ["given"]}, n)
    (grid,) = one.experiment.grids
    grids = tuple(replace(grid, seeds=range(1), weights=(float(number), 1.0, 2.0)) for number in range(n))
    summary = one.summary.iloc[[0] * n].reset_index(drop=True).assign(n=1, n_converged=0)
    result = examples.with_runs(one, one.runs.assign(seed=0), summary)
    return replace(result, experiment=replace(one.experiment, grids=grids))


def test_more_settings_than_are_listed_that_differ_in_weights_only() -> None:
    listed = of_result.listing(of_weights(2050))
    assert listed.rows.tolist() == list(range(0, 2050, 2))
    assert listed.selection == "every 2nd setting"


def test_values_that_nearly_agree_have_names_of_their_own() -> None:
    assert named([1.0, 1.0000001, 0.5]).names == ["0.5", "1", "1.0000001"]
    assert named([1.0, 1 + 2**-52]).names == ["1", "1.0000000000000002"]
    assert named([0.1, 0.25, None]).names == ["0.1", "0.25", "none"]
    assert named([True, False]).names == ["false", "true"]
    assert named([1e300, 1e308, -3]).names[0] == "-3"


def test_rates_that_nearly_agree_are_lines_of_their_own() -> None:
    grid = {"gate": ["AND"], "hidden": [1, 2, 3, 4], "learning_rate": [1.0, 1.0000001]}
    (axes,) = of_result.success_rate(examples.made(grid)).axes
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [4, 4]


# ---- parts -------------------------------------------------------------------------------------------------


def texts(figure: Any) -> str:
    legends = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return " ".join([*(text.get_text() for text in figure.texts), *legends])


def test_a_part_knows_nothing_of_the_losses_of_the_rest() -> None:
    result = examples.made({"gate": ["AND", "XOR"], "loss": ["bce", "mse"], "learning_rate": examples.RATES})
    squares = texts(sweep.figures.final_loss(result, where={"loss": "mse"}))
    assert "final loss (mean squared error)" in squares
    assert "0.25: answers ½ to every input" in squares
    assert "ln 2" not in squares and "nats" not in squares
    assert "nats" in texts(sweep.figures.final_loss(result, where={"loss": "bce"}))


def test_a_part_without_tables_of_ones_own_has_the_loss_of_answering_one_half() -> None:
    result = examples.with_table(examples.made({"gate": ["mine", "AND"], "loss": ["mse"]}), "mine", [[0, 3.0], [1, 5]])
    assert "½" not in texts(sweep.figures.final_loss(result))
    assert "½" in texts(sweep.figures.final_loss(result, where={"gate": "AND"}))


def test_a_part_is_of_the_models_that_it_has() -> None:
    """Whether theory speaks is asked of the settings that there are, also where a key is no column."""
    result = examples.made({"gate": ["AND"], "learning_rate": examples.RATES, "optimizer": ["gd", "adam"]})
    assert len(Findings(select(result, {"optimizer": "gd"})).covered) == len(examples.RATES)
    assert len(Findings(select(result, {"optimizer": "adam"})).covered) == 0


def test_the_weights_of_a_single_grid_need_not_be_told() -> None:
    result = of_weights(3)
    assert len(select(result, {"gate": "AND"}).settings.parts) == 3
    two = examples.with_runs(result, result.runs.iloc[1:2], result.summary.iloc[1:2])
    assert [part.number for part in two.settings.parts] == [1]
    assert two.settings.first_runs(np.array([0])).tolist() == [1]


# ---- long axes ---------------------------------------------------------------------------------------------


def test_of_a_long_axis_every_so_many_th_value_is_drawn_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MAX_POINTS", 40)
    rates = [float(rate) for rate in range(1, 51)]
    result = examples.made({"gate": ["AND", "OR"], "learning_rate": rates}, 1)
    (axes,) = of_result.success_rate(result).axes
    assert [line.get_xdata().tolist() for line in axes.get_lines()] == [rates[::3]] * 2
    assert "Drawn: every 3rd value of learning rate η." in of_result.descriptions(result, [])["success_rate"].caption


def test_a_long_axis_takes_time_in_proportion() -> None:
    """Counted in names made: each value is looked at a few times, whatever their number."""
    counted = []

    class Number(float):
        def __format__(self, spec: str) -> str:
            counted.append(1)
            return super().__format__(spec)

    for n in (100, 1000):
        counted.clear()
        assert len(named([Number(i / 7) for i in range(n)]).names) == n
        assert len(counted) <= 5 * n
