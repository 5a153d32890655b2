"""What is easily mistyped, left out or written otherwise: taken, or refused with the right word."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweep
from sweep.commands.compare import compare
from sweep.errors import ExperimentError
from sweep.results.selection import select
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
    assert "[[grid]] 1 and [[grid]] 2 have runs in common" in refusal({"grid": [grids[0], grids[2]]})
    assert "[[grid]] 1 and [[grid]] 2 have a setting in common, with other seeds" in refusal({"grid": grids[:2]})
    assert load({"grid": grids[:2]}, stored=True).n_runs == 6  # results of before can be read
    assert load({"grid": [grids[0], {**grids[1], "learning_rate": 2}]}).n_runs == 6


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


# ---- gates and numbers as people write them ------------------------------------------------------------------


@pytest.fixture(scope="module")
def written() -> sweep.Result:
    """A gate as a truth table, a rate of many digits, and a union that leaves keys open."""
    rates = [0.1, 0.31622776601683794, 1]
    grids = [
        {"gate": ["OR", "1110"], "learning_rate": rates, "seeds": 3, "init": ["uniform(-1, 1)", "normal(0, 1)"]},
        {"gate": "XOR", "learning_rate": 1, "hidden": 2, "optimizer": "momentum", "momentum": 0.5, "seeds": 2},
    ]
    return sweep.run({"grid": grids, "train": {"max_epochs": 30}})


@pytest.mark.parametrize(
    ("where", "n_runs"),
    [
        ({"gate": "NAND"}, 18),
        ({"gate": "1110"}, 18),
        ({"gate": ["nand", "0110"]}, 20),
        ({"learning_rate": 0.316228}, 12),
        ({"learning_rate": 0.316}, 12),
        ({"learning_rate": 0.31622776601683794}, 12),
        ({"init": "normal(0,1)", "learning_rate": 1}, 8),
    ],
)
def test_a_part_is_found_as_it_is_printed_and_by_other_names(
    where: dict[str, Any], n_runs: int, written: sweep.Result
) -> None:
    assert select(written, where).n_runs == n_runs


@pytest.mark.parametrize("where", [{"learning_rate": 0.3163}, {"gate": "AND"}, {"gate": "all-2"}, {"hidden": "2"}])
def test_what_is_not_there_is_not_found(where: dict[str, Any], written: sweep.Result) -> None:
    with pytest.raises(ValueError, match=r"where: .*allowed: "):
        select(written, where)


def test_a_number_that_two_values_are_printed_like_is_neither() -> None:
    result = sweep.run({"grid": {**GRID, "learning_rate": [0.12345678, 0.12345679]}, "train": {"max_epochs": 1}})
    with pytest.raises(ValueError, match=r"found 0\.123457 \(nearest"):
        select(result, {"learning_rate": 0.123457})


def test_gates_are_told_by_their_names(written: sweep.Result) -> None:
    assert "NAND" in str(written) and "1110" not in str(written)
    assert "gate NAND" in str(sweep.replay(written, gate="1110", learning_rate=1, init="normal(0, 1)", seed=0))
    assert written.summary["gate"].tolist().count("1110") == 6


def test_a_gate_that_is_written_in_two_ways_keeps_both() -> None:
    grids = [{**GRID, "gate": "0110"}, {**GRID, "gate": "XOR", "hidden": 2}]
    result = sweep.run({"grid": grids, "train": {"max_epochs": 1}})
    assert select(result, {"gate": "XOR"}).n_runs == 2
    assert "0110" in str(result)


# ---- the interface from Python -------------------------------------------------------------------------------


def test_the_interface_is_listed() -> None:
    assert {*sweep.__all__, "__version__"} <= {*dir(sweep)}
    assert all(getattr(sweep, name) is not None for name in sweep.__all__)


def test_a_run_is_replayed_by_its_number_and_by_its_address(written: sweep.Result, tmp_path: Path) -> None:
    run = sweep.replay(written, gate="NAND", learning_rate=0.1, init="normal(0, 1)", seed=2)
    assert run.identical and run.setting["gate"] == "1110" and run.setting["seed"] == 2
    assert run.run == sweep.replay(written, run.run).run == sweep.replay(written, shlex.join(run.address)).run
    assert run.run == sweep.replay(written, **run.setting).run
    with pytest.raises(ValueError, match="gate: found AND and XOR; allowed: one value"):
        sweep.replay(written, "gate=AND gate=XOR seed=2")
    result = sweep.run({"grid": {**GRID, "seeds": 2}, "train": {"max_epochs": 5}}, tmp_path, figures=False)
    assert sweep.replay(tmp_path, seed=1).run == sweep.replay(result, 1).run == 1
    with pytest.raises(ValueError, match="found no setting, which 2 runs have; allowed: one run, so add seed"):
        sweep.replay(result)
    with pytest.raises(TypeError, match="either"):
        sweep.replay(result, 1, seed=1)


def test_results_are_compared_by_directory_or_object(tmp_path: Path) -> None:
    results = [
        sweep.run({"grid": {**GRID, "seeds": seeds}, "train": {"max_epochs": 5}}, tmp_path / str(seeds), figures=False)
        for seeds in (1, 3)
    ]
    assert sweep.compare(results[0], tmp_path / "1").same
    assert str(sweep.compare(tmp_path / "1", str(tmp_path / "3"))) == "runs: 1 identical, 2 only in the second"


def test_a_summary_has_a_dimension_for_each_key_that_varies(written: sweep.Result) -> None:
    pytest.importorskip("xarray")
    data = written.to_xarray()
    assert data.sizes == {"gate": 3, "learning_rate": 3, "hidden": 2, "optimizer": 2, "momentum": 2, "init": 2}
    assert list(data["gate"].values) == ["OR", "1110", "XOR"]
    for _, row in written.summary.iterrows():
        place = {key: data[key].isnull() if pd.isna(row[key]) else data[key] == row[key] for key in data.sizes}
        cell = data.sel({key: data[key][mask] for key, mask in place.items() if key != "momentum"})
        cell = cell.isel(momentum=int(np.flatnonzero(place["momentum"].values)[0]))
        assert cell["final_loss_q50"].item() == row["final_loss_q50"]
        assert cell["n"].item() == row["n"]
    assert int(data["n"].notnull().sum()) == len(written.summary)
    alone = sweep.run({"grid": GRID, "train": {"max_epochs": 5}}).to_xarray()
    assert (dict(alone.sizes), alone.attrs["gate"], alone["n"].item()) == ({}, "XOR", 1)


def test_settings_that_no_column_tells_apart_have_no_dimensions() -> None:
    pytest.importorskip("xarray")
    grid = {**GRID, "init": "given"}
    result = sweep.run(
        {"grid": [{**grid, "weights": [0, 1, 2]}, {**grid, "weights": [1, 1, 2]}], "train": {"max_epochs": 1}}
    )
    with pytest.raises(ValueError, match="differ in what is no column"):
        result.to_xarray()


def test_without_xarray_it_is_said_what_to_install(written: sweep.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match="pip install xarray"):
        written.to_xarray()
