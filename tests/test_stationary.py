"""Runs whose weights come back, bit for bit: what is skipped changes nothing, and what is said of them is so."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from kernel_runs import GATES, XNOR, XOR, gate_runs, train

import sweep
from sweep.engine.training import train_one
from sweep.kernel import STATUSES
from sweep.kernel.loop import LONGEST_PERIOD, MAX_EPOCHS, STATIONARY
from sweep.spec.experiment import load

MANY = {
    "grid": {
        "gate": ["XOR", "XNOR", "AND"],
        "learning_rate": {"from": 0.001, "to": 1000, "num": 25, "scale": "log"},
        "init": ["uniform(0, 1)", "normal(0, 10)"],
        "seeds": 40,
    },
    "train": {"max_epochs": 3000},
}
MODELS = [
    {"hidden": 2, "loss": "mse", "learning_rate": [3, 300], "init_scale": [1, 30]},
    {"hidden": 1, "activation": "relu", "learning_rate": [0.1, 3]},
    {"hidden": 2, "activation": "tanh", "update": "online", "learning_rate": [1, 30], "init_scale": 30},
    {"optimizer": "momentum", "momentum": 0.5, "learning_rate": [1, 9]},
    {"optimizer": "adam", "learning_rate": [0.1, 10]},
    {"encoding": "pm1", "learning_rate": [1, 7.9, 8.1, 9]},
]


def run(experiment: dict[str, dict[str, object]], **train: object) -> pd.DataFrame:
    return sweep.run({**experiment, "train": {**experiment["train"], **train}}).runs


def others(runs: pd.DataFrame) -> pd.DataFrame:
    return runs.drop(columns=["status", "period"])


def test_every_other_column_is_the_same_without_the_shortcut() -> None:
    with_it, without = run(MANY), run(MANY, detect_stationary=False)
    stationary = with_it["status"] == "stationary"
    assert stationary.sum() > 1000
    pd.testing.assert_frame_equal(others(with_it), others(without), check_exact=True)
    assert not without["period"].notna().any()
    assert (without["status"][stationary] == "max_epochs").all()
    assert (without["status"][~stationary] == with_it["status"][~stationary]).all()
    assert (with_it["period"].notna() == stationary).all()
    assert {1, 2} < set(with_it["period"].dropna())


@pytest.mark.parametrize("grid", MODELS, ids=lambda grid: " ".join(map(str, grid.values())))
def test_of_other_models_too(grid: dict[str, object]) -> None:
    experiment = {"grid": {"gate": "XOR", "seeds": 20, **grid}, "train": {"max_epochs": 6000}}
    with_it, without = run(experiment), run(experiment, detect_stationary=False)
    pd.testing.assert_frame_equal(others(with_it), others(without), check_exact=True)
    assert (with_it["status"] == "stationary").any() or grid.get("optimizer") == "adam"


def test_runs_that_train_on_after_convergence() -> None:
    experiment = {**MANY, "train": {"max_epochs": 2000, "target_loss": 0.7, "early_stop": False}}
    with_it, without = run(experiment), run(experiment, detect_stationary=False)
    pd.testing.assert_frame_equal(others(with_it), others(without), check_exact=True)
    assert (with_it["status"] == "converged").any()


def test_the_last_weights_come_back_after_a_period_and_not_before() -> None:
    experiment = load(MANY)
    runs = sweep.run(MANY).runs
    picked = runs[runs["status"] == "stationary"].groupby("period").head(2)
    assert len(picked) > 5
    for row in picked.itertuples():
        weights = [_weights(experiment, row.run, 3000 + later) for later in range(row.period + 1)]
        same = [bool((later == weights[0]).all()) for later in weights[1:]]
        assert same == [False] * (row.period - 1) + [True]


def test_a_run_that_only_ran_out_of_epochs_does_not_come_back() -> None:
    experiment = load(MANY)
    runs = sweep.run(MANY).runs
    for number in runs[runs["status"] == "max_epochs"]["run"].sample(12, random_state=1):
        last, *after = (_weights(experiment, number, 3000 + later) for later in range(LONGEST_PERIOD + 1))
        assert not any((later == last).all() for later in after)


def _weights(experiment: object, run: int, max_epochs: int) -> np.ndarray:
    longer = replace(
        experiment,  # type: ignore[type-var]
        train=experiment.train.model_copy(update={"max_epochs": max_epochs, "detect_stationary": False}),
    )
    return train_one(longer, 0, 0, run).final[0].view(np.int64)


@pytest.mark.parametrize(("width", "max_epochs"), list(itertools.product((2, 8, 32), (1, 63, 64, 257, 1024))))
def test_neither_lanes_nor_the_number_of_epochs_matter(width: int, max_epochs: int) -> None:
    rng = np.random.default_rng(3)
    runs = gate_runs(np.tile([XOR, XNOR, 1], 15), rng.normal(0, 2, (45, 3)), np.repeat([1.0, 6.0, 9.0], 15))
    plan = replace(GATES, width=width)
    trained = train(plan, runs, max_epochs=max_epochs, target_loss=0.01, longest_period=LONGEST_PERIOD)
    every_epoch = train(plan, runs, max_epochs=max_epochs, target_loss=0.01)
    alone = [train(plan, runs[[i]], max_epochs=max_epochs, target_loss=0.01, longest_period=16) for i in range(45)]
    np.testing.assert_array_equal(trained.weights, every_epoch.weights)
    np.testing.assert_array_equal(trained.final_loss, every_epoch.final_loss)
    np.testing.assert_array_equal(trained.status, [one.status[0] for one in alone])
    np.testing.assert_array_equal(trained.period, [one.period[0] for one in alone])
    assert (trained.status == STATIONARY).any() == (max_epochs > 64)


def test_a_start_that_no_update_moves() -> None:
    outcome = train(GATES, gate_runs(XOR, [0.0, 0.0, 0.0], 1.0), max_epochs=1, longest_period=LONGEST_PERIOD)
    assert (STATUSES[outcome.status[0]], outcome.period[0]) == ("stationary", 1)


def test_as_ordinary_python() -> None:
    runs = gate_runs([XOR, XNOR], [[0.3, -0.2, 0.1]], [3.0, 6.0])
    compiled, in_python = (
        train(GATES, runs, max_epochs=400, longest_period=16, in_python=in_python) for in_python in (False, True)
    )
    assert in_python.status.tolist() == compiled.status.tolist()
    assert in_python.period.tolist() == compiled.period.tolist()
    assert set(compiled.status) <= {MAX_EPOCHS, STATIONARY}


def test_recorded_curves_are_whole() -> None:
    short = {"grid": {"gate": "XOR", "learning_rate": [2.0, 6.0], "seeds": 3}, "train": {"max_epochs": 1000}}
    runs, recorded = run(short), sweep.run({**short, "train": {"max_epochs": 1000, "record_every": 10}})
    pd.testing.assert_frame_equal(runs, recorded.runs, check_exact=True)
    assert (runs["status"] == "stationary").all()
    assert recorded.curves is not None
    assert len(recorded.curves) == 6 * 101


@pytest.mark.parametrize("early_stop", [True, False])
def test_a_cycle_that_meets_the_criterion_where_the_run_has_not_been_yet_is_not_the_end(early_stop: bool) -> None:
    """The bias goes −6656, −3584, −512, 2560, and on through 1536, 512, −512, 2560, …: only 512 meets the target."""
    experiment = {
        "grid": {"gate": "mostly 1", "learning_rate": 4096, "init": "given", "weights": [0, -9728]},
        "train": {"target_loss": 200, "early_stop": early_stop},
        "tables": {"mostly 1": {"rows": [[0, 1], [0, 1], [0, 1], [0, 0]]}},
    }
    assert run(experiment, max_epochs=4)["status"].tolist() == ["max_epochs"]
    assert run(experiment, max_epochs=6)["converged_epoch"].tolist() == [6]
    assert run(experiment, max_epochs=4, target_loss=100)["period"].tolist() == [4]
