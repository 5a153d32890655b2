"""The page's sections on what was not replicated before: long training, large steps, cycles, five inputs, fractals."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from example_results import in_memory
from replicated import EXPERIMENTS, table, verdicts, with_runs

import sweep
from experiments.replication.parts import percent
from experiments.replication.sections.cycles import cycles, experiment, gate_theory, line_table, line_theory
from experiments.replication.sections.fast_learners import fast_learners
from experiments.replication.sections.five_inputs import five_inputs, has_equal_sums, has_weights
from experiments.replication.sections.fractal import CONDITIONS, fractal, held_against, pixels, reference
from experiments.replication.sections.large_steps import large_steps
from experiments.replication.sections.one_hidden_unit import one_hidden_unit


@pytest.fixture(scope="module", name="results")
def _results(replicated_results: dict[str, sweep.Result]) -> dict[str, sweep.Result]:
    return replicated_results


def test_one_hidden_unit_learns_unless_it_stands_still(results: dict[str, sweep.Result]) -> None:
    result = results["one_hidden_unit"]
    rows = table(one_hidden_unit(result), "α")
    for (momentum, scale), runs in result.runs.groupby(["momentum", "init_scale"]):
        row = rows[(rows["α"] == f"{momentum:g}") & (rows["start"] == f"±{scale:g}")].iloc[0]
        late = (runs["converged_epoch"].fillna(10**9) > 1000).sum()
        assert row["not yet at 1,000"] == f"{percent(late / len(runs))} %"
        assert int(row["of these, stand still"]) == (runs["status"] == "stationary").sum()
    none = result.runs.assign(converged_epoch=_missing(len(result.runs)), status="max_epochs")
    assert one_hidden_unit(with_runs(result, none)).claims[0].agrees == "no"
    assert one_hidden_unit(with_runs(result, none.assign(status="stationary"))).claims[0].agrees == "yes"
    every = result.runs.assign(converged_epoch=7, status="converged")
    assert one_hidden_unit(with_runs(result, every)).claims[0].agrees == "yes"


def _missing(n: int) -> Any:
    return pd.array([pd.NA] * n, "Int64")


def test_large_steps(results: dict[str, sweep.Result]) -> None:
    result = results["large_steps"]
    assert verdicts(large_steps(result))[0] == "yes"
    rows = table(large_steps(result), "table")
    losses = result.curves["loss"].to_numpy().reshape(len(result.runs), -1)  # type: ignore[index]
    for name, runs in result.runs.groupby("gate", observed=True):
        rising = [np.flatnonzero(np.diff(curve) > 1e-9 * curve[:-1]) for curve in losses[runs.index]]
        last = max(int(epochs[-1]) + 1 if len(epochs) else 0 for epochs in rising)
        assert rows.loc[rows["table"] == name, "last rise at any rate"].item() == str(last)


def with_losses(result: sweep.Result, losses: Any) -> sweep.Result:
    assert result.curves is not None
    return in_memory(
        result.runs, result.summary, result.curves.assign(loss=losses.ravel()), result.manifest, result.experiment
    )


def test_oscillations_that_grow_with_the_rate_are_measured(results: dict[str, sweep.Result]) -> None:
    result = results["large_steps"]
    rates, epochs = result.runs["learning_rate"].to_numpy()[:, np.newaxis], np.arange(2001)[np.newaxis]
    for power, expected in ((0.5, "yes"), (1.5, "no")):
        rising = np.abs(epochs - np.round(rates**power)) < 0.5
        losses = 100.0 / (1 + epochs) ** 2 + np.where(rising, 1e3, 0)
        assert verdicts(large_steps(with_losses(result, losses)))[0] == expected
    for power, expected in ((2.2, "yes"), (1.0, "no")):
        losses = np.broadcast_to(1.0 / (1 + epochs) ** power, (len(rates), 2001))
        assert verdicts(large_steps(with_losses(result, losses)))[1] == expected


def test_functions_are_counted_by_their_classes(results: dict[str, sweep.Result]) -> None:
    result = results["five_inputs"]
    section = five_inputs(result)
    assert [claim[2:] for claim in section.claims[:2]] == [
        ("104 are learned", "yes"),
        ("14 of 14 classes as the linear program says", "yes"),
    ]
    status = np.where(result.runs["gate"] == "00000001", "max_epochs", result.runs["status"])
    assert verdicts(five_inputs(with_runs(result, result.runs.assign(status=status))))[:2] == ["no", "no"]


def test_certificates_agree_with_the_known_functions(threshold_functions: sweep.Result) -> None:
    gates = threshold_functions.runs["gate"].astype(str).to_numpy()
    learned = (threshold_functions.runs["status"] == "converged").to_numpy()
    for n_rows in (8, 16):
        of_size = np.array([len(gate) == n_rows for gate in gates])
        np.testing.assert_array_equal(has_equal_sums(gates[of_size]), ~learned[of_size])
    rng = np.random.default_rng(0)
    for i in rng.choice(len(gates), 100, replace=False):
        assert has_weights(gates[i]) == learned[i]


# ---- cycles ----------------------------------------------------------------------------------------------------------


def test_cycles_toml_is_what_theory_writes() -> None:
    assert "\n".join(experiment()) + "\n" == (EXPERIMENTS / "cycles.toml").read_text()


def test_theory_of_the_line() -> None:
    """The minimum and the critical rate that others found for 30 points at 1 and one at −10."""
    theory = line_theory()
    points = np.array([1.0] * 30 + [-10.0])
    w = np.linspace(0.6, 0.8, 200_001)
    losses = np.logaddexp(0, -points[:, np.newaxis] * w).mean(axis=0)
    assert w[losses.argmin()] == pytest.approx(0.695, abs=1e-3)
    assert theory.infimum == pytest.approx(losses.min(), rel=1e-12)
    curvature = (losses[2:] - 2 * losses[1:-1] + losses[:-2]) / (w[1] - w[0]) ** 2
    assert theory.critical == pytest.approx(
        2 / np.median(curvature[losses.argmin() - 500 : losses.argmin() + 500]), rel=1e-3
    )
    table = line_table()
    assert table.inputs.shape == (62, 1)
    assert table.targets.sum() == 31
    assert gate_theory("0110") is not None
    assert gate_theory("0001") is None


def test_the_known_table_cycles_and_parity_does_not(results: dict[str, sweep.Result]) -> None:
    section = cycles(results["cycles"])
    assert section.claims[0].agrees == "yes"
    assert section.claims[1].measured.startswith("0 of 4, 0 of ")
    line = table(section, "rate, in 2/λ")
    assert line["cycle"][0] == "0 %"
    away = [row for row in line.itertuples(index=False) if row[0] == "0.975"]
    assert float(away[0][3].removesuffix(" %")) > 20
    calm = results["cycles"].runs.assign(status="max_epochs")
    assert cycles(with_runs(results["cycles"], calm)).claims[0].agrees == "no"


# ---- fast learners ---------------------------------------------------------------------------------------------------


def test_fast_learners(results: dict[str, sweep.Result]) -> None:
    quick, learners = results["quickprop"], results["fast_learners"]
    section = fast_learners(quick, learners)
    assert section.claims[0].agrees in ("possible", "no")
    epochs = np.resize([12] * 20 + [19] * 45 + [22] * 21 + [56] * 14, len(quick.runs))
    runs = quick.runs.assign(converged_epoch=epochs, restarts=(epochs > 40).astype(int), status="converged")
    assert fast_learners(with_runs(quick, runs), learners).claims[0].agrees == "possible"
    assert fast_learners(with_runs(quick, runs.assign(restarts=1)), learners).claims[0].agrees == "no"
    rows = table(section, "method")
    assert rows["method"].iloc[0] == "back-propagation"
    dbd = learners.runs.assign(converged_epoch=250, status="converged")
    assert fast_learners(quick, with_runs(learners, dbd)).claims[1].agrees == "no"  # all means are 250.0
    spread = np.where(np.arange(len(dbd)) % 12 == 0, -1, np.where(np.arange(len(dbd)) % 2, 200, 301))
    dbd = dbd.assign(converged_epoch=pd.array([pd.NA if value < 0 else value for value in spread], "Int64"))
    assert fast_learners(quick, with_runs(learners, dbd)).claims[1].agrees == "possible"


# ---- his own networks ------------------------------------------------------------------------------------------------


def test_every_element_of_the_reference_grids_has_the_class_that_his_equations_give(
    results: dict[str, sweep.Result],
) -> None:
    known = reference()
    for number, name in enumerate(CONDITIONS):
        picture = pixels(results["fractal"], number)
        check = held_against(picture, known[name])
        assert check.same_class == check.n == 144
        assert check.same_value >= {"tanh": 110, "relu": 140, "identity": 144, "tanh_single": 144}[name]
    section = fractal(results["fractal"])
    assert section.claims[0][2:] == ("576 of 576 as by his own code", "yes")
    wrong = results["fractal"].runs.assign(mean_of_last=2.0)
    assert fractal(with_runs(results["fractal"], wrong)).claims[0].agrees == "no"


@pytest.mark.parametrize(
    ("seeds", "last"), [([2**32 - 1], "4,294,967,299"), ({"from": 2**32 - 9, "count": 3}, "4,294,967,301")]
)
def test_restarts_beyond_the_largest_seed_are_refused_before_training(seeds: Any, last: str) -> None:
    grid = {"gate": "XOR", "learning_rate": 1, "seeds": seeds}
    train = {"max_epochs": 50, "restart_after": 10}
    with pytest.raises(sweep.SweepError, match=f"4 restarts go on to seed {last}; allowed: up to 4,294,967,295"):
        sweep.run({"grid": grid, "train": train})
    assert sweep.run({"grid": {**grid, "seeds": {"from": 2**32 - 5, "count": 1}}, "train": train}).n_runs == 1
