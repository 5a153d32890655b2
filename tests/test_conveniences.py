"""What is easily mistyped, left out or written otherwise: taken, or refused with the right word."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweep
from sweep.commands.compare import compare
from sweep.errors import ExperimentError
from sweep.spec.experiment import load

GRID: dict[str, Any] = {"gate": "XOR", "learning_rate": 1}


def refusal(source: Any, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(ExperimentError) as caught:
        load(source, overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


# ---- seeds -------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5, unique=True))
def test_seeds_may_be_listed(seeds: list[int]) -> None:
    experiment = load({"grid": {**GRID, "gate": ["AND", "OR"], "seeds": seeds}})
    (grid,) = experiment.grids
    runs = np.arange(grid.n_runs)
    assert grid.seed_of(runs).tolist() == seeds * 2
    assert grid.place_of_seed(grid.seed_of(runs)).tolist() == [*range(len(seeds))] * 2
    assert grid.place_of_seed(np.array([2**32, -1])).tolist() == [-1, -1]
    again = load(json.loads(json.dumps(experiment.resolved())))
    assert again.grids == experiment.grids
    assert [again.setting(run)["seed"] for run in range(len(seeds))] == seeds


def test_successive_seeds_in_a_list_are_a_count() -> None:
    assert (
        load({"grid": {**GRID, "seeds": [7, 8, 9]}}).grids
        == load({"grid": {**GRID, "seeds": {"from": 7, "count": 3}}}).grids
    )


def test_runs_of_listed_seeds_are_those_of_the_same_seeds_elsewhere(tmp_path: Path) -> None:
    train = {"max_epochs": 50}
    listed = sweep.run({"grid": {**GRID, "hidden": 2, "seeds": [9, 2, 5]}, "train": train}, tmp_path, figures=False)
    counted = sweep.run({"grid": {**GRID, "hidden": 2, "seeds": 10}, "train": train})
    rows = counted.runs.set_index("seed").loc[[9, 2, 5]]
    assert listed.runs["seed"].tolist() == [9, 2, 5]
    assert listed.runs["final_loss"].tolist() == rows["final_loss"].tolist()
    comparison = compare(listed, counted)
    assert (comparison.n_identical, comparison.n_only_one, comparison.n_only_other) == (3, 0, 7)
    fewer = sweep.run(
        {"grid": {**GRID, "hidden": 2, "seeds": [5, 9, 3]}, "train": train}, tmp_path, figures=False, say=str
    )
    assert fewer.manifest["n_trained"] == 1
    assert fewer.runs["final_loss"].tolist() == counted.runs.set_index("seed").loc[[5, 9, 3], "final_loss"].tolist()


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ([], "found []; allowed: a count such as 100, a list such as [1, 2, 3], or {from = 1000, count = 100}"),
        ([1, 1], "found 1 twice"),
        ([1, -1], "found -1; allowed: an integer from 0 to 4,294,967,295"),
        ([2**32], "found 4294967296; allowed: an integer from 0"),
        ([1.0], "found 1.0; allowed: an integer from 0"),
        ([True], "found true; allowed: an integer from 0"),
    ],
)
def test_seeds_that_are_none(seeds: Any, said: str) -> None:
    assert f"grid.seeds: {said}" in refusal({"grid": {**GRID, "seeds": seeds}})


def test_grids_with_a_listed_seed_in_common_overlap() -> None:
    grids = [{**GRID, "seeds": [1, 5, 9]}, {**GRID, "seeds": {"from": 6, "count": 3}}, {**GRID, "seeds": [10, 9]}]
    assert "[[grid]] 1 and [[grid]] 3 have runs in common" in refusal({"grid": grids})
    assert load({"grid": grids[:2]}).n_runs == 6


# ---- choices that do nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu", ["tanh"]])
def test_an_activation_without_hidden_units_is_refused(activation: Any) -> None:
    message = refusal({"grid": {**GRID, "activation": activation}})
    assert "grid: activation is that of hidden units, and hidden = 0 has none" in message
    assert load({"grid": {**GRID, "activation": activation, "hidden": [0, 2]}}).n_points == 2


# ---- near misses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ({"activation": "Tanh", "hidden": 2}, "tanh"),
        ({"loss": "MSE"}, "mse"),
        ({"optimizer": ["gd", "Adam"]}, "adam"),
        ({"optimizer": "adamw"}, "adam"),
        ({"encoding": "PM1"}, "pm1"),
        ({"Hidden": 2}, "hidden"),
        ({"init": "Xavier-Uniform"}, "xavier_uniform"),
    ],
)
def test_a_near_miss_is_told_what_it_may_have_meant(change: dict[str, Any], near: str) -> None:
    assert f'(did you mean "{near}"?)' in refusal({"grid": {**GRID, **change}})


@pytest.mark.parametrize("written", ["0110", "[0110, 0001]", '["AND", 0110]'])
def test_a_truth_table_without_quotes_is_told_to_take_some(written: str, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(f"[grid]\ngate = {written}\nlearning_rate = 1\n")
    assert 'not valid TOML: a truth table takes quotes, such as "0110" (at line 2, ' in refusal(tmp_path / "e.toml")


def test_a_number_with_a_zero_in_front_elsewhere_is_no_truth_table(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text('[grid]\ngate = "AND"\nlearning_rate = 01\n')
    assert "quotes" not in refusal(tmp_path / "e.toml")


@pytest.mark.parametrize("gate", [1001, 10, ["AND", 1110]])
def test_a_truth_table_that_became_a_number_is_told_to_take_quotes(gate: Any) -> None:
    number = gate if isinstance(gate, int) else gate[1]
    assert f'grid.gate: found {number}; allowed: a text, in quotes: "{number}"' in refusal(
        {"grid": {**GRID, "gate": gate}}
    )
