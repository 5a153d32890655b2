"""Quickprop, delta-bar-delta and RPROP; networks without biases, with linear units; restarts; sums along a run."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference as ref

import sweep
from sweep.engine import training
from sweep.errors import ExperimentError
from sweep.spec import models
from sweep.spec.experiment import load

RULES = ("quickprop", "delta_bar_delta", "rprop")
XOR = {"gate": "XOR", "hidden": 2, "loss": "mse", "init": "uniform(-1, 1)"}


def settings_of(rule: str, **changed: float) -> dict[str, float]:
    return {key: value for key, value in models.OPTIMIZERS[rule]._asdict().items() if value is not None} | changed


def final_losses(grid: dict[str, Any], **train: Any) -> list[float]:
    losses: list[float] = (
        sweep.run({"grid": grid, "train": {"target_loss": 1e-300, **train}}).runs["final_loss"].tolist()
    )
    return losses


def reference_losses(grid: dict[str, Any], n_epochs: int, **settings: Any) -> list[float]:
    names = ("hidden", "activation", "output", "loss", "shortcut")
    model = ref.Model(2, **{name: grid[name] for name in names if name in grid})
    X, y = ref.truth_table_rows("0110")
    losses = []
    for seed in range(grid["seeds"]):
        start = ref.draw(grid["init"], seed, model)
        run = ref.train(model, start, X, y, learning_rate=grid["learning_rate"], max_epochs=n_epochs, **settings)
        losses.append(run.final_loss)
    return losses


@pytest.mark.parametrize("update", ["batch", "online"])
@pytest.mark.parametrize(
    ("rule", "changed"),
    [(rule, {}) for rule in RULES]
    + [
        ("quickprop", {"growth": 1.2, "decay": 0.01}),
        ("delta_bar_delta", {"momentum": 0.2, "growth": 0.3, "shrink": 0.1}),
    ]
    + [("rprop", {"growth": 1.7, "shrink": 0.3, "max_step": 0.4, "min_step": 0.01})],
)
def test_epochs_of_the_reference(rule: str, changed: dict[str, float], update: Any) -> None:
    grid = {**XOR, "optimizer": rule, "learning_rate": 0.1, "update": update, "seeds": 6, **changed}
    expected = reference_losses(grid, 12, optimizer=rule, update=update, **settings_of(rule, **changed))
    np.testing.assert_allclose(final_losses(grid, max_epochs=12), expected, rtol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_settings_that_are_left_out_are_the_published_ones(rule: str) -> None:
    grid = {**XOR, "optimizer": rule, "learning_rate": 0.1, "seeds": 4}
    plain = final_losses(grid, max_epochs=30)
    assert plain == final_losses(grid | settings_of(rule), max_epochs=30)
    for key, value in settings_of(rule).items():
        other = final_losses(
            grid | {key: 0.02 if key == "max_step" else 0.3 if key == "min_step" else value / 2}, max_epochs=30
        )
        assert plain != other


def test_a_published_setting_of_0_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.OPTIMIZERS, "momentum", models.Rule(0.9, decay=0.0))
    grid = load({"grid": {"gate": "AND", "learning_rate": 1, "optimizer": "momentum"}}).grids[0]
    assert training._settings(grid, np.arange(1), "momentum").shape == (1, 2 + len(models.SETTINGS))


def test_published_settings() -> None:
    assert settings_of("rprop") == {"growth": 1.2, "shrink": 0.5, "max_step": 50, "min_step": 1e-6}
    assert settings_of("quickprop") == {"growth": 1.75, "decay": 1e-4}


def test_quickprop_finds_the_minimum_of_a_parabola_in_three_steps() -> None:
    """A linear unit on one row x = 1 with target 0 and no bias: the loss is w²."""
    grid = {"gate": "point", "output": "linear", "loss": "mse", "bias": False, "optimizer": "quickprop", "decay": 0}
    grid |= {"learning_rate": 0.25, "init": "constant(3)"}
    table = {"rows": [[1.0, 0.0]]}
    losses = [
        sweep.run({"grid": grid, "train": {"max_epochs": n, "target_loss": 1e-300}, "tables": {"point": table}}).runs
        for n in (1, 2)
    ]
    assert [runs["final_loss"].item() for runs in losses] == [1.5**2, 0.75**2]  # −g = 6 and 3: η S, then μ Δ limits


@pytest.mark.parametrize("hidden", [0, 3])
@pytest.mark.parametrize("optimizer", ["gd", "momentum", "adam"])
def test_without_biases_they_stay_zero(hidden: int, optimizer: str) -> None:
    grid: dict[str, Any] = {"gate": "XOR", "init": "normal(0, 1)", "learning_rate": 0.2, "seeds": 5, "hidden": hidden}
    grid |= {"optimizer": optimizer, "bias": False}
    model = ref.Model(2, hidden=hidden)
    X, y = ref.truth_table_rows("0110")
    fixed = np.zeros(model.n_params)
    fixed[models.biases(2, hidden, False)] = 1
    expected = []
    for seed in range(5):
        start = np.where(fixed > 0, 0.0, ref.draw("normal(0, 1)", seed, model))
        momentum = {"momentum": 0.9} if optimizer != "gd" else {}
        run = ref.train(
            model, start, X, y, learning_rate=0.2, max_epochs=20, optimizer=optimizer, fixed=fixed, **momentum
        )  # type: ignore[arg-type]
        expected.append(run.final_loss)
    np.testing.assert_allclose(final_losses(grid, max_epochs=20), expected, rtol=1e-10)
    assert final_losses(grid, max_epochs=20) != final_losses({**grid, "bias": True}, max_epochs=20)


def test_given_biases_must_be_zero_where_there_are_none() -> None:
    grid = {"gate": "AND", "learning_rate": 1, "init": "given", "weights": [1, 1, 0.5], "bias": False}
    with pytest.raises(ExperimentError, match="must be 0"):
        sweep.run({"grid": grid})
    assert len(sweep.run({"grid": {**grid, "weights": [1, 1, 0]}, "train": {"max_epochs": 2}}).runs) == 1


def test_linear_hidden_units() -> None:
    grid = {**XOR, "activation": "identity", "output": "linear", "learning_rate": 0.1, "seeds": 5}
    np.testing.assert_allclose(final_losses(grid, max_epochs=20), reference_losses(grid, 20), rtol=1e-10)
    with pytest.raises(ExperimentError, match="has none"):
        sweep.run({"grid": {"gate": "AND", "activation": "identity", "learning_rate": 1}})


# ---- restarts --------------------------------------------------------------------------------------------------------

NET = {**XOR, "optimizer": "quickprop", "learning_rate": 4, "seeds": 40}


def test_a_restarted_run_is_that_of_the_next_seed_with_its_epochs_added() -> None:
    train = {"target_error": 0.4, "max_epochs": 90}
    restarted = sweep.run({"grid": NET, "train": {**train, "restart_after": 30}}).runs
    single = sweep.run({"grid": {**NET, "seeds": 120}, "train": {**train, "max_epochs": 30}}).runs
    seen = set()
    for seed in range(40):
        starts = [single.iloc[seed + 40 * restart] for restart in range(3)]
        first = next((r for r, start in enumerate(starts) if start["status"] == "converged"), 2)
        row = restarted.iloc[seed]
        assert row["restarts"] == first
        assert row["status"] == starts[first]["status"]
        assert row["epochs"] == 30 * first + starts[first]["epochs"]
        assert row["final_loss"] == starts[first]["final_loss"]
        seen.add((first, row["status"]))
    assert {(0, "converged"), (1, "converged")} < seen


@pytest.mark.parametrize("keep", ["runs", "summary"])
def test_with_other_seeds_a_run_begins_again_from_another_start(keep: str, tmp_path: Path) -> None:
    source = {"name": "net", "grid": NET, "train": {"target_error": 0.4, "max_epochs": 90, "restart_after": 30}}

    def tables(folder: str, n_seeds: int, **train: int) -> list[bytes]:
        grid = {**NET, "seeds": n_seeds}
        changed = {**source, "keep": keep, "grid": grid, "train": {**source["train"], **train}}
        sweep.run(changed, tmp_path / folder, figures=False, say=lambda _: None)
        return [file.read_bytes() for file in sorted((tmp_path / folder).glob("*.csv"))]

    tables("grown", 40, restart_after=0)
    for n_seeds in (40, 60, 20):
        assert tables("grown", n_seeds) == tables(f"fresh-{n_seeds}", n_seeds)


def test_the_table_of_runs_has_a_column_of_restarts_only_if_asked(tmp_path: Any) -> None:
    train = {"target_error": 0.4, "max_epochs": 60}
    assert "restarts" not in sweep.run({"grid": NET, "train": train}).runs
    run = sweep.run({"grid": NET, "train": {**train, "restart_after": 20}}, tmp_path / "a", chunk_size=7, figures=False)
    read = sweep.read(tmp_path / "a")
    assert read.runs["restarts"].tolist() == run.runs["restarts"].tolist()
    assert read.runs["restarts"].dtype == np.int64
    assert sweep.verify(tmp_path / "a")[1] == []


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ({"restart_after": 10, "early_stop": False}, "early_stop"),
        ({"last_losses": 5, "target_loss": 0.1}, "takes the place"),
        ({"last_losses": 50}, "up to max_epochs"),
        ({"restart_after": 10, "record_every": 3}, "multiple of record_every"),
    ],
)
def test_what_does_not_go_together_is_refused(train: dict[str, Any], said: str) -> None:
    with pytest.raises(ExperimentError, match=said):
        sweep.run({"grid": NET, "train": {"max_epochs": 40, **train}})


# ---- sums along a run ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rates", [[0.05, 0.4, 3.0, 1e9]])
def test_sums_along_a_run(rates: list[float]) -> None:
    """As Sohl-Dickstein 2024 takes them: not finite → 1e6, over the first, at most 1e6."""
    grid = {**XOR, "activation": "tanh", "output": "linear", "bias": False, "learning_rate": rates, "seeds": 3}
    train = {"max_epochs": 40, "last_losses": 10}
    runs = sweep.run({"grid": grid, "train": train}).runs
    model = ref.Model(2, hidden=2, activation="tanh", output="linear", loss="mse")
    X, y = ref.truth_table_rows("0110")
    fixed = np.zeros(model.n_params)
    fixed[models.biases(2, 2, False)] = 1
    for row in runs.itertuples():
        start = np.where(fixed > 0, 0.0, ref.draw(XOR["init"], row.seed, model))
        curve = ref.train(
            model, start, X, y, learning_rate=row.learning_rate, max_epochs=40, record_every=1, fixed=fixed
        ).curve
        losses = np.full(40, math.inf)
        losses[: len(curve)] = [loss for _, loss in curve[:40]]
        v = np.where(np.isfinite(losses), losses, 1e6)
        v = np.minimum(v / v[0], 1e6)
        measured = [row.mean_of_last, row.sum_of_losses, row.sum_of_inverses]
        np.testing.assert_allclose(measured, [v[-10:].mean(), v.sum(), (1 / v).sum()], rtol=1e-6)
        if row.status != "diverged":
            assert (row.status == "converged") == (v[-10:].mean() < 1)
    assert {"converged", "diverged", "max_epochs"} <= set(runs["status"])


def test_sums_survive_the_disk_and_every_division(tmp_path: Any) -> None:
    grid = {**XOR, "output": "linear", "learning_rate": [0.1, 2.0], "seeds": 9}
    experiment = {"grid": grid, "train": {"max_epochs": 30, "last_losses": 4}}
    whole = sweep.run(experiment).runs
    sweep.run(experiment, tmp_path / "a", chunk_size=5, figures=False)
    names = ["mean_of_last", "sum_of_losses", "sum_of_inverses"]
    np.testing.assert_array_equal(sweep.read(tmp_path / "a").runs[names].to_numpy(), whole[names].to_numpy())
    assert sweep.verify(tmp_path / "a")[1] == []
