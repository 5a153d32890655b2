"""The replication page: its numbers are those of the tables, and its verdicts follow from them."""

import math
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from replicated import EXPERIMENTS, SMALLER, changed, small, table, verdicts, with_epochs, with_runs
from scipy import stats

import sweep
from experiments.replication import page, statistics
from experiments.replication.dimension import boundary, box_counting_dimension
from experiments.replication.parts import percent, share
from experiments.replication.sections.boundary import initial_loss, trainability_boundary
from experiments.replication.sections.kolen_pollack import kolen_pollack
from experiments.replication.sections.parity import best_settings, parity
from experiments.replication.sections.published import chauvin, published
from experiments.replication.sections.slices import slices
from experiments.replication.sections.xor import xor


@pytest.fixture(scope="module", name="results")
def _results(replicated_results: dict[str, sweep.Result]) -> dict[str, sweep.Result]:
    return replicated_results


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
