"""One run again: the stored row bit for bit, its weights, its curve."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference as ref

import sweep
from sweep.commands import replay as command
from sweep.commands.address import address_of, find
from sweep.commands.replay import replay
from sweep.errors import UnknownRunError
from sweep.spec import models
from sweep.spec.experiment import load
from sweep.spec.schema import ANSWERS, OUTCOME

NETWORKS: dict[str, dict[str, Any]] = {
    "adam": {"hidden": [1, 3], "activation": "tanh", "optimizer": "adam", "learning_rate": [0.05, 1], "seeds": 4},
    "online": {
        "hidden": 2,
        "update": "online",
        "loss": "mse",
        "optimizer": "momentum",
        "learning_rate": 0.7,
        "seeds": 8,
    },
    "shortcut": {"hidden": 2, "shortcut": True, "activation": "relu", "learning_rate": [0.3, 1e200], "seeds": 5},
    "given": {
        "hidden": 2,
        "loss": "mse",
        "learning_rate": 5.5,
        "init": "given",
        "weights": [4, -7, 0, -3, 6, "y", 1, "x", 1],
        "y": [-3, 0.1],
        "x": [0, 2.5, 7],
    },
}


def network(name: str, **train: Any) -> dict[str, Any]:
    return {
        "grid": {"gate": ["XOR", "OR"], **NETWORKS[name]},
        "train": {"max_epochs": 150, "target_loss": 0.1, **train},
    }


def test_every_run_of_a_union_again(mixed_result: sweep.Result) -> None:
    runs, curves = mixed_result.runs, mixed_result.curves
    assert curves is not None
    for row in runs.iloc[::9].to_dict("records"):
        again = replay(mixed_result, row["run"])
        assert again.identical, row
        columns = [name for name in runs.columns[1:] if name not in (*OUTCOME, ANSWERS)]
        wanted = {name: row[name] for name in columns}
        assert {k: v for k, v in again.setting.items() if v is not None} == {
            k: v
            for k, v in wanted.items()
            if v == v  # noqa: PLR0124
        }
        recorded = curves[curves["run"] == row["run"]].set_index("epoch")["loss"]
        here = again.curve.set_index("epoch")["loss"]
        np.testing.assert_array_equal(here.loc[recorded.index].to_numpy(), recorded.to_numpy())
        assert again.curve["epoch"].tolist() == list(range(again.epochs + 1))
        assert again.curve["loss"].iloc[-1] == again.final_loss or math.isinf(again.final_loss)
    assert {"converged", "diverged", "max_epochs"} <= set(runs["status"].iloc[::9])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("early_stop", [True, False])
def test_networks(name: str, early_stop: bool, tmp_path: Path) -> None:
    result = sweep.run(network(name, early_stop=early_stop), tmp_path, figures=False)
    for run in result.runs["run"]:
        again = replay(sweep.read(tmp_path), run)
        assert again.identical
        assert len(again.weight_names) == again.initial_weights.size == again.final_weights.size


def test_weights_and_outputs_are_those_of_the_model(tmp_path: Path) -> None:
    result = sweep.run(network("adam"), tmp_path, figures=False)
    last = replay(result, len(result.runs) - 1)
    model = ref.Model(n_inputs=2, hidden=3, activation="tanh", output="sigmoid", loss="bce", shortcut=False)
    np.testing.assert_array_equal(last.initial_weights, ref.draw("normal(0, 1)", last.setting["seed"], model))
    X, y = ref.truth_table_rows("0111")
    np.testing.assert_array_equal(last.outputs[["x1", "x2"]].to_numpy(), X)
    np.testing.assert_array_equal(last.outputs["target"].to_numpy(), y)
    np.testing.assert_allclose(last.outputs["output"], ref.outputs(model, last.final_weights, X), rtol=1e-13)
    np.testing.assert_allclose(ref.loss(model, last.final_weights, X, y), last.final_loss, rtol=1e-12)
    assert last.weight_names[:2] == ["W1[0,0]", "W1[0,1]"]
    assert last.weight_names[6:] == ["b1[0]", "b1[1]", "b1[2]", "w2[0]", "w2[1]", "w2[2]", "b2"]


def test_given_weights_are_where_they_were_written(tmp_path: Path) -> None:
    result = sweep.run(network("given"), tmp_path, figures=False)
    run = int(result.runs.query("y == 0.1 and x == 7 and gate == 'OR'")["run"].item())
    again = replay(result, run)
    assert (again.setting["y"], again.setting["x"], again.setting["gate"]) == (0.1, 7, "OR")
    assert again.initial_weights.tolist() == [4, -7, 0, -3, 6, 0.1, 1, 7, 1]


def test_names_of_weights() -> None:
    assert models.weight_names(2, 0, False) == ["w1", "w2", "b"]
    assert models.weight_names(1, 1, True) == ["W1[0,0]", "b1[0]", "w2[0]", "u[0]", "b2"]


def test_a_long_curve_is_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MAX_POINTS", 21)
    again = replay(sweep.run(network("online", target_loss=1e-9), tmp_path, figures=False), 3)
    assert again.identical
    assert again.curve["epoch"].tolist() == list(range(0, 151, 8))


@pytest.mark.parametrize("runs", ["csv", "parquet"])
def test_from_each_kind_of_table(runs: str, tmp_path: Path) -> None:
    trained = sweep.run({**network("adam"), "runs": runs}, tmp_path, figures=False)
    result = sweep.read(tmp_path)
    assert replay(result, 7).identical
    assert "runs" not in vars(result), "the whole table was read"
    assert replay(result, 7).stored == {
        "status": trained.runs["status"][7],
        "epochs": trained.runs["epochs"][7],
        "converged_epoch": replay(result, 7).converged_epoch,
        "period": None,
        "final_loss": trained.runs["final_loss"][7],
    }


def test_from_memory() -> None:
    result = sweep.run(network("adam"))
    assert all(replay(result, run).identical for run in range(8))


def test_a_difference_is_told() -> None:
    result = sweep.run(network("adam"))
    result.runs.loc[2, "final_loss"] = np.nextafter(result.runs["final_loss"][2], 1)
    again = replay(result, 2)
    assert not again.identical
    assert any("NOT the same" in line and "final_loss" in line for line in command.text(again))


@pytest.mark.parametrize("run", [-1, 32, 10**12])
def test_a_run_that_is_not_there(run: int) -> None:
    with pytest.raises(ValueError, match=f"run: found {run}; allowed: 0 to 31"):
        replay(sweep.run(network("adam")), run)


def test_a_run_that_is_not_done(tmp_path: Path) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.run(network("adam"), tmp_path, jobs=1, chunk_size=10, figures=False, on_chunk=stop)
    result = sweep.read(tmp_path)
    done = result.part("runs", ["run"])["run"]
    assert 0 < len(done) < 32
    assert replay(result, done.iloc[-1]).identical
    missing = min(set(range(32)) - set(done))
    with pytest.raises(ValueError, match=f"found {missing}, which is not done yet; allowed: one of the {len(done)} of"):
        replay(result, missing)


def test_text(mixed_result: sweep.Result) -> None:
    lines = command.text(replay(mixed_result, 0))
    assert lines[0].startswith("run 0: ")
    assert "the same as in the result, bit for bit" in lines
    assert sum(line.split()[:1] == ["epoch"] for line in lines) == 1


# ---- addresses ---------------------------------------------------------------------------------------------


def test_every_run_has_an_address_of_its_own(mixed: dict[str, Any]) -> None:
    for source in (mixed, network("given"), network("adam")):
        experiment = load(source)
        for run in range(experiment.n_runs):
            assert find(experiment, address_of(experiment, run)) == run


def test_an_address_lasts_when_the_experiment_grows() -> None:
    before = load({"grid": {"gate": ["XOR", "OR"], "hidden": [2, 4], "learning_rate": [0.1, 1], "seeds": 20}})
    after = load({"grid": {"gate": ["AND", "XOR"], "learning_rate": [1, 0.5], "hidden": [1, 2, 8], "seeds": 30}})
    run = find(before, ["gate=XOR", "hidden=2", "learning_rate=1", "seed=19"])
    assert address_of(before, run) == ["gate=XOR", "hidden=2", "learning_rate=1", "seed=19"]
    again = find(after, address_of(before, run))
    assert again != run
    assert {key: after.setting(again)[key] for key in before.columns} == {
        key: before.setting(run)[key] for key in before.columns
    }


def test_grids_that_no_column_tells_apart_are_numbered() -> None:
    grid = {"gate": "XOR", "learning_rate": 1, "init": "given", "x": [0, 1]}
    experiment = load({"grid": [{**grid, "weights": ["x", 1, 2]}, {**grid, "weights": [1, "x", 2]}]})
    assert address_of(experiment, 3) == ["grid=2", "x=1"]
    assert find(experiment, ["grid=2", "x=1"]) == 3


@pytest.mark.parametrize(
    ("address", "run"),
    [
        (["gate=nand", "learning_rate=0.316228", "seed=1"], 3),
        (["gate=1110", "learning_rate=0.31622776601683794", "seed=1"], 3),
        (["gate=points", "learning_rate=1e0", "seed=0"], 10),
        (["seed=1", "gate=NAND", "learning_rate=1.0", "init=normal(0,1)"], 5),
    ],
)
def test_values_are_found_as_they_are_printed_and_by_other_names(address: list[str], run: int) -> None:
    rates = {"from": 0.1, "to": 1, "num": 3, "scale": "log"}
    tables = {"points": {"rows": [[0, 1], [1, 0]]}}
    experiment = load({"grid": {"gate": ["NAND", "points"], "learning_rate": rates, "seeds": 2}, "tables": tables})
    assert find(experiment, address) == run


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (["seed=1"], "found seed=1, which 4 runs have; allowed: one run, so add gate, learning_rate"),
        (["gate=XOR"], "which 20 runs have; allowed: one run, so add learning_rate, seed"),
        (["gate=AND"], "gate: found AND; allowed: XOR, OR"),
        (["gate=nothing"], "gate: found nothing; allowed: XOR, OR"),
        (["seed=10"], "seed: found 10; allowed: 0, 1, 2, 3, 4, …"),
        (["seeds=1"], 'seeds: unknown key (did you mean "seed"?); allowed: gate, '),
        (["17x"], 'found "17x"; allowed: a run\'s number, or KEY=VALUE such as seed=3'),
        (["grid=2"], "grid: found 2; allowed: 1"),
    ],
)
def test_an_address_of_no_run_or_of_several(address: list[str], said: str) -> None:
    experiment = load({"grid": {"gate": ["XOR", "OR"], "learning_rate": [0.1, 1], "seeds": 10}})
    with pytest.raises(UnknownRunError) as caught:
        find(experiment, address)
    assert said in str(caught.value)
