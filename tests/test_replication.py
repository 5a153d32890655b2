"""The replication page: its numbers are those of the tables, and its verdicts follow from them."""

import itertools
import math
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import sweep
from experiments.replication import page, statistics
from experiments.replication.dimension import boundary, box_counting_dimension
from experiments.replication.parts import percent, share
from experiments.replication.sections.boundary import initial_loss, trainability_boundary
from experiments.replication.sections.cycles import cycles, experiment, gate_theory, line_table, line_theory
from experiments.replication.sections.fast_learners import fast_learners
from experiments.replication.sections.five_inputs import five_inputs, has_equal_sums, has_weights
from experiments.replication.sections.fractal import CONDITIONS, fractal, held_against, pixels, reference
from experiments.replication.sections.kolen_pollack import kolen_pollack
from experiments.replication.sections.large_steps import large_steps
from experiments.replication.sections.one_hidden_unit import one_hidden_unit
from experiments.replication.sections.parity import best_settings, parity
from experiments.replication.sections.published import chauvin, published
from experiments.replication.sections.slices import slices
from experiments.replication.sections.xor import xor

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
SMALLER: dict[str, dict[str, Any]] = {
    "xor": {"hidden": [1, 2], "activation": "sigmoid", "init": "xavier_uniform", "learning_rate": [3, 10], "seeds": 6},
    "kolen_pollack": {"init_scale": [0.5, 2, 4]},
    "kolen_pollack_slices": {key: {"from": -10, "to": 10, "num": 40} for key in "xy"},
    "trainability_boundary": {
        key: {"from": 0.01, "to": 100, "num": 64, "scale": "log"} for key in ("hidden_learning_rate", "learning_rate")
    },
    "parity": {"momentum": 0.9, "learning_rate": [1, 2], "init_scale": 2, "seeds": 7},
    "parity_fresh": {},
    "published": {"momentum": 0.9, "init_scale": 1, "seeds": 5},
    "one_hidden_unit": {"momentum": [0, 0.9], "init_scale": [0.3, 10], "seeds": 20},
    "large_steps": {"learning_rate": {"from": 1, "to": 1e3, "num": 13, "scale": "log"}},
    "five_inputs": {"gate": "classes-3"},
    "cycles": {},
    "quickprop": {"learning_rate": [8], "growth": 1.75, "init_scale": [0.5, 2], "seeds": 30},
    "fast_learners": {"learning_rate": [0.5, 2], "init_scale": 1, "seeds": 12},
    "fractal": {key: {"num": 12, "scale": "log"} for key in ("learning_rate", "hidden_learning_rate")},
}
EPOCHS = {"kolen_pollack": 2000, "parity": 300, "parity_fresh": 300, "published": 3000}
EPOCHS |= {"one_hidden_unit": 20_000, "large_steps": 2000, "cycles": 2000, "quickprop": 120, "fast_learners": 1000}


def small(name: str) -> dict[str, Any]:
    """A committed experiment with the settings of SMALLER: few models and runs of the same kinds."""
    experiment = tomllib.loads((EXPERIMENTS / f"{name}.toml").read_text())
    grids = experiment["grid"] if isinstance(experiment["grid"], list) else [experiment["grid"]]
    if name == "parity":
        grids = grids[:2]
    if name == "kolen_pollack":
        grids = [
            {**grid, "seeds": {"from": grid["seeds"]["from"], "count": 8}} for grid in grids if grid["momentum"] == 0.9
        ]
    if name == "cycles":
        grids = [
            {**grids[0], "gate": ["0110", "01101001"], "seeds": 5},
            {**grids[-1], "w": {**grids[-1]["w"], "num": 41}},
        ]
    if name == "fractal":
        for grid, key in itertools.product(grids, SMALLER[name]):
            grid[key]["num"] = 12
        for table in experiment["tables"].values():
            table["csv"] = str(EXPERIMENTS / table["csv"])
        return {**experiment, "grid": grids}
    for grid in grids:
        grid.update(SMALLER[name])
        if name == "published" and grid["hidden"] != 1:
            grid["hidden"] = [2, 4]
    experiment["train"]["max_epochs"] = EPOCHS.get(name, experiment["train"]["max_epochs"])
    return {**experiment, "grid": grids}


def fresh_parity(scan: sweep.Result) -> dict[str, Any]:
    """The best settings of a small scan, on seeds of their own."""
    experiment = small("parity_fresh")
    grids = []
    for grid, (rate, momentum, scale) in zip(experiment["grid"], best_settings(scan.summary).values(), strict=False):
        settings = {"learning_rate": rate, "momentum": momentum, "init_scale": scale}
        grids.append({**grid, **settings, "seeds": {"from": grid["seeds"]["from"], "count": 9}})
    return {**experiment, "grid": grids}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sweep.Result]:
    directory = tmp_path_factory.mktemp("results")
    results = {}
    for name in SMALLER:
        experiment = fresh_parity(results["parity"]) if name == "parity_fresh" else small(name)
        results[name] = sweep.run(experiment, directory / name, figures=False)
    return results


def changed(result: sweep.Result, **columns: Any) -> sweep.Result:
    """The result with other columns in its summary."""
    return sweep.Result.of(
        result.runs, result.summary.assign(**columns), result.curves, result.manifest, result.experiment
    )


def with_runs(result: sweep.Result, runs: pd.DataFrame) -> sweep.Result:
    """The result with other runs."""
    return sweep.Result.of(runs, result.summary, result.curves, result.manifest, result.experiment)


def verdicts(section: Any) -> list[str]:
    return [claim.agrees for claim in section.claims]


def table(section: Any, title: str) -> pd.DataFrame:
    """The first table of a section whose header begins with a title, as texts."""
    lines = next(text for text in section.text if text.startswith(f"| {title} |")).splitlines()
    header, _, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in lines)
    return pd.DataFrame(rows, columns=header)


def test_the_command_writes_the_same_page_and_figures_every_time(
    results: dict[str, sweep.Result], tmp_path: Path
) -> None:
    path = results["xor"].path
    assert path is not None
    for out in ("one", "two"):
        assert page.main(["--results", str(path.parent), "--out", str(tmp_path / out)]) == 0
    files = sorted(file.relative_to(tmp_path / "one") for file in (tmp_path / "one").rglob("*.*"))
    figures = [f"{name}.png" for name in (*page.PARTS, "opening")]
    assert sorted(file.name for file in files) == sorted(["replication.md", *figures])
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
        assert (tmp_path / "one" / file).stat().st_size < 400_000
    text = (tmp_path / "one" / "replication.md").read_text()
    for figure in figures:
        assert f"](replication/{figure})" in text
    for name in SMALLER:
        assert f"`experiments/{name}.toml`" in text
    assert not {"nan", "inf", "None", "NA"} & set(text.replace("|", " ").split())


def test_a_missing_result_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert page.main(["--results", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert str(tmp_path / "xor") in capsys.readouterr().err
    assert not (tmp_path / "out" / "replication.md").exists()


def test_every_experiment_of_the_page_is_committed() -> None:
    used = {name for part in page.PARTS.values() for name in part.experiments}
    assert used == set(SMALLER) <= {path.stem for path in EXPERIMENTS.glob("*.toml")}


def test_xor_by_width(results: dict[str, sweep.Result]) -> None:
    result = results["xor"]
    section = xor(result)
    for hidden, row in zip([1, 2], table(section, "activation").itertuples(index=False), strict=True):
        part = result.summary[result.summary["hidden"] == hidden]
        assert row[2] == f"{percent(part['n_converged'].sum() / part['n'].sum())} %"
    assert result.summary["n_converged"].sum() > 0
    assert verdicts(section) == ["yes", "yes"]
    assert verdicts(xor(changed(result, n_converged=1))) == ["no", "yes"]
    assert verdicts(xor(changed(result, n_converged=0))) == ["yes", "no"]


def test_the_best_setting_is_chosen_on_half_of_the_seeds_and_measured_on_the_other(
    results: dict[str, sweep.Result],
) -> None:
    result = results["xor"]
    good_at_first = (result.runs["learning_rate"] == 3) & (result.runs["seed"] < 3)
    good_at_last = (result.runs["learning_rate"] == 10) & (result.runs["seed"] >= 3)
    status = np.where(good_at_first | good_at_last, "converged", "max_epochs")
    epochs = pd.array([40 if one == "converged" else pd.NA for one in status], "Int64")
    runs = result.runs.assign(status=status, converged_epoch=epochs)
    row = table(xor(with_runs(result, runs)), "activation").iloc[1]
    assert row["best setting (start, rate)"] == "xavier_uniform, 3"
    assert row["it learns"] == share(0, 3)


def test_intervals() -> None:
    for k, n in ((0, 20), (30, 1000), (20, 20)):
        exact = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
        np.testing.assert_allclose(statistics.wilson(k, n), exact, atol=1e-12)
        simultaneous = stats.binomtest(k, n).proportion_ci(1 - 0.05 / 36, "wilson")
        np.testing.assert_allclose(statistics.wilson(k, n, 36), simultaneous, atol=1e-12)
    low, high = statistics.wilson(30, 1000)
    assert share(30, 1000) == f"3.0 % ({100 * low:.1f}–{100 * high:.1f})"


@pytest.mark.parametrize(
    ("k", "m", "expected"),
    [
        (30, 1, "no"),
        (300, 1, "yes"),
        (500, 1, "undecided"),
        (540, 1, "no"),
        (540, 60, "undecided"),
        (460, 60, "undecided"),
    ],
)
def test_verdicts_on_a_share(k: int, m: int, expected: str) -> None:
    assert statistics.verdict(k, 1000, 0.05, 0.5, m) == expected


def test_verdicts_together() -> None:
    cases = {"yes undecided": "undecided", "no undecided": "no", "yes yes": "yes"}
    assert [statistics.together(case.split()) for case in cases] == list(cases.values())
    assert statistics.scanned(["no", "yes"]) == "possible"
    assert statistics.scanned(["no", "no"]) == "no"


def test_an_interval_of_a_median_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covers = [
        low <= 1 <= high
        for low, high in (statistics.median_interval(rng.exponential(1 / math.log(2), 60)) for _ in range(2000))
    ]
    assert 0.95 <= np.mean(covers) < 0.985
    assert statistics.median_interval(np.full(30, math.inf)) == (math.inf, math.inf)
    assert statistics.median_interval(np.arange(4.0)) == (0, math.inf)


def test_the_predictive_range_of_a_mean_holds_means_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    holds = []
    for _ in range(40):
        low, high = statistics.range_of_mean(rng.exponential(1, 400), 24, 0.9)
        holds += [low <= rng.exponential(1, 24).mean() <= high for _ in range(50)]
    assert 0.87 < np.mean(holds) < 0.93
    assert statistics.count_is_expected(1, 25, 40, 1000, 0.975)
    assert not statistics.count_is_expected(1, 25, 300, 1000, 0.975)


def test_the_slope_of_a_line() -> None:
    x = np.arange(6.0)
    assert statistics.slope(x, 3 - 2 * x) == pytest.approx((-2, -2, -2))
    y = 2 * x + np.array([1, -1, 0, 0, 1, -1])
    fit = stats.linregress(x, y)
    half = stats.t.isf(0.025, 4) * fit.stderr
    assert statistics.slope(x, y) == pytest.approx((fit.slope, fit.slope - half, fit.slope + half))


@pytest.mark.parametrize(("failed", "expected"), [(250, ["yes", "no"]), (10, ["no", "yes"]), (40, ["undecided"] * 2)])
def test_failures_by_the_size_of_the_start(failed: int, expected: list[str], results: dict[str, sweep.Result]) -> None:
    result = changed(results["kolen_pollack"], n=1000, n_converged=1000 - failed)
    section = kolen_pollack(result)
    assert verdicts(section) == expected
    rows = table(section, "updates")
    assert list(rows["η"]) == ["1", "2", "1", "2"]
    assert set(rows["failures at ρ = 2, 4"]) == {"; ".join([share(failed, 1000, 8)] * 2)}


def test_curves_of_kolen_and_pollack_have_seeds_of_their_own() -> None:
    grids = tomllib.loads((EXPERIMENTS / "kolen_pollack.toml").read_text())["grid"]
    starts = sorted((grid["seeds"]["from"], grid["seeds"]["from"] + grid["seeds"]["count"]) for grid in grids)
    assert len(starts) == 12
    assert all(stop <= start for (_, stop), (start, _) in pairwise(starts))


def test_one_curve_that_disagrees_is_counted(results: dict[str, sweep.Result]) -> None:
    summary = results["kolen_pollack"].summary
    bad = (summary["update"] == "online") & (summary["learning_rate"] == 1) & (summary["init_scale"] == 4)
    result = changed(results["kolen_pollack"], n=1000, n_converged=np.where(bad, 0, 700))
    section = kolen_pollack(result)
    assert verdicts(section)[0] == "yes in 3, no in 1 of 4 curves"
    assert section.claims[0].measured == "30.0 to 100 % fail, over all curves"


def test_slices(results: dict[str, sweep.Result]) -> None:
    result = results["kolen_pollack_slices"]
    n_grids, n = len(result.manifest["experiment"]["grid"]), 40 * 40
    section = slices(result)
    rows = table(section, "picture")
    assert len(rows) == n_grids + 1
    for i in range(n_grids):
        k = int((result.runs["status"].iloc[i * n : (i + 1) * n] == "converged").sum())
        assert rows["converged"][i].startswith(f"{k:,} of 1,600")
        if i < 4:
            assert section.claims[i].agrees == ("yes" if k else "no")
    none = result.runs.assign(converged_epoch=pd.array([pd.NA] * len(result.runs), dtype="Int64"))
    assert verdicts(slices(with_runs(result, none))) == ["no"] * 4


def test_the_initial_loss_is_that_of_a_run_that_does_not_move(results: dict[str, sweep.Result]) -> None:
    experiment = small("trainability_boundary")
    experiment["grid"] = [
        {**experiment["grid"][0], "learning_rate": 1e-300, "hidden_learning_rate": 1e-300, "seeds": 3}
    ]
    still = sweep.run(experiment).runs["final_loss"]
    np.testing.assert_allclose([initial_loss(seed) for seed in range(3)], still, rtol=1e-14)


def test_the_boundary_of_trainability(results: dict[str, sweep.Result]) -> None:
    result = results["trainability_boundary"]
    counts = table(trainability_boundary(result), "class")["runs"].str.replace(",", "").astype(int)
    loss, start = result.runs["final_loss"], initial_loss(0)
    assert list(counts) == [(loss < start).sum(), ((loss >= start) & (loss < math.inf)).sum(), (loss == math.inf).sum()]
    y, x = np.mgrid[:64, :64]
    noise = np.random.default_rng(0).random((64, 64)) < 0.5
    for converging, expected in ((noise & (x < 16), "yes"), (y < 32, "no"), (noise, "no")):
        changed_runs = result.runs.assign(final_loss=np.where(converging.ravel(), 0.1, 1.5 * start))
        claim = trainability_boundary(with_runs(result, changed_runs)).claims[0]
        dimension = box_counting_dimension(boundary(converging))[0]
        assert claim.measured.startswith(f"{dimension:.2f};")
        assert claim.agrees == expected == ("yes" if 1.17 <= dimension <= 1.98 else "no")
    one_class = with_runs(result, result.runs.assign(final_loss=0.1))
    assert trainability_boundary(one_class).claims[0][2:] == ("no boundary", "no")


def with_epochs(result: sweep.Result, gate: str, epochs: list[float]) -> sweep.Result:
    """The result with these epochs, in turn, for the runs of a gate; ∞ for those that do not converge."""
    of_gate = (result.runs["gate"] == gate).to_numpy()
    values = result.runs["converged_epoch"].to_numpy(np.float64, na_value=math.inf)
    values[of_gate] = np.resize(epochs, of_gate.sum())
    found = pd.array([pd.NA if value == math.inf else int(value) for value in values], "Int64")
    return with_runs(result, result.runs.assign(converged_epoch=found))


def test_parity_reports_fresh_seeds_of_the_chosen_settings(results: dict[str, sweep.Result]) -> None:
    scan = results["parity"]
    fresh = with_epochs(results["parity_fresh"], "parity-2", [21, 24, 27] * 100)
    fresh = with_epochs(fresh, "parity-3", [30, 33, 36] * 100)
    section = parity(scan, fresh)
    assert list(table(section, "network")["ours: median (5–95 %)"]) == ["24 (21–27)", "33 (30–36)"]
    assert section.claims[0].agrees == "possible"
    assert section.claims[1].measured.startswith("1.38-fold (")
    best = best_settings(scan.summary)
    tops = scan.summary[scan.summary["gate"] == "parity-3"].sort_values("epochs_q50", na_position="last")
    assert best[3][0] == tops["learning_rate"].iloc[0]
    far = with_epochs(fresh, "parity-3", [100])
    assert parity(scan, far).claims[0].agrees == "yes in 1, no in 1 of 2 N"
    assert parity(scan, far).claims[1].agrees == "no"
    never = with_epochs(fresh, "parity-3", [math.inf])
    assert table(parity(scan, never), "network")["ours: median (5–95 %)"][1] == "> 300"
    assert len(parity(scan, never).claims) == 1


def test_parity_growth_is_decided_by_the_whole_interval(results: dict[str, sweep.Result]) -> None:
    fresh = with_epochs(results["parity_fresh"], "parity-2", [24])
    steady = parity(results["parity"], with_epochs(fresh, "parity-3", [33]))
    assert steady.claims[1][2:] == ("1.38-fold (1.38–1.38)", "yes")
    scattered = parity(results["parity"], with_epochs(fresh, "parity-3", [20, 33, 60]))
    assert scattered.claims[1].agrees == "undecided"


def test_parity_refuses_settings_and_seeds_that_were_not_chosen_so(results: dict[str, sweep.Result]) -> None:
    scan, fresh = results["parity"], results["parity_fresh"]
    elsewhere = with_runs(fresh, fresh.runs.assign(learning_rate=7.0))
    with pytest.raises(ValueError, match="has no runs of parity-2 with"):
        parity(scan, elsewhere)
    with pytest.raises(ValueError, match="are among those that chose"):
        parity(scan, with_runs(fresh, fresh.runs.assign(seed=0)))


def test_the_committed_fresh_settings_are_those_that_the_committed_scan_finds_best() -> None:
    root = EXPERIMENTS.parent
    summary = pd.read_csv(root / "results" / "parity" / "summary.csv")
    grids = tomllib.loads((EXPERIMENTS / "parity_fresh.toml").read_text())["grid"]
    written = {
        int(grid["gate"][7:]): tuple(grid[key] for key in ("learning_rate", "momentum", "init_scale")) for grid in grids
    }
    assert best_settings(summary) == written
    counts = {grid["seeds"]["count"] for grid in grids}
    assert len(counts) == 1
    assert set(summary["n"]) == {20}


def test_published_runs(results: dict[str, sweep.Result]) -> None:
    summary = results["published"].summary
    rate = [chauvin(hidden) if hidden > 1 else 558 for hidden in summary["hidden"]]
    theirs = pd.Series(np.round(rate), dtype="Int64")
    quantiles = {f"epochs_q{q:02d}": theirs + shift for q, shift in ((5, -3), (50, 0), (95, 3))}
    result = changed(results["published"], **quantiles)
    claims = published(result).claims
    assert (claims[0][2:], claims[2][2:]) == (("compatible with 2 of 2 settings", "possible"),) * 2
    later = {name: column + 1000 for name, column in quantiles.items()}
    claims = published(changed(result, **later)).claims
    assert (claims[0][2:], claims[2][2:]) == (("compatible with 0 of 2 settings", "no"),) * 2
    slower_if_wide = {name: column + 500 * (summary["hidden"] == 4) for name, column in quantiles.items()}
    assert published(changed(result, **slower_if_wide)).claims[0].agrees == "no"


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ([500, 578], "possible"),
        ([300, 778], "possible"),
        ([100, 5000], "no"),  # single runs lie on both sides of 538.9, means of 24 do not
        ([539, math.inf], "no"),  # half of the runs fail
    ],
)
def test_jacobs_mean_is_compared_with_means(
    epochs: list[float], expected: str, results: dict[str, sweep.Result]
) -> None:
    many = results["published"].runs
    many = pd.concat([many.assign(seed=many["seed"] + 5 * copy) for copy in range(40)], ignore_index=True)
    result = with_epochs(with_runs(results["published"], many), "XOR", epochs)
    assert published(result).claims[3].agrees == expected


def test_wider_networks_are_faster_where_intervals_of_medians_are_apart(results: dict[str, sweep.Result]) -> None:
    result = results["published"]
    runs = pd.concat([result.runs.assign(seed=copy) for copy in range(10)], ignore_index=True)
    for wide, expected in ((100, "yes"), (900, "no"), (500, "undecided")):
        epochs = pd.array(np.where(runs["hidden"] == 4, wide, 500), "Int64")
        faster = with_runs(result, runs.assign(converged_epoch=epochs))
        assert published(faster).claims[1].agrees == expected


def test_means_over_successes_are_of_the_runs(results: dict[str, sweep.Result]) -> None:
    result = results["published"]
    jacobs = next(text for text in published(result).text if "mean of successes" in text.splitlines()[0])
    runs = result.runs[(result.runs["hidden"] == 2) & ~result.runs["shortcut"]]
    means = runs.groupby(["update", "momentum", "learning_rate"], observed=True)["converged_epoch"].mean()
    assert len(means) == 8  # four rates in either update mode
    for mean in means.dropna():
        assert f"| {mean:,.1f} (" in jacobs


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
    return sweep.Result.of(
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
