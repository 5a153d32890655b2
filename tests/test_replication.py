"""The replication page: its numbers are those of the tables, and its verdicts follow from them."""

import importlib.util
import math
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from box_counting import boundary, box_counting_dimension

import sweep
from sweep.results.statistics import wilson

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
SMALLER: dict[str, dict[str, Any]] = {
    "xor": {"hidden": [1, 2], "activation": "sigmoid", "init": "xavier_uniform", "learning_rate": [3, 10], "seeds": 6},
    "kolen_pollack": {"momentum": [0.9], "init_scale": [0.5, 2, 4], "seeds": 8},
    "kolen_pollack_slices": {key: {"from": -10, "to": 10, "num": 40} for key in "xy"},
    "trainability_boundary": {
        key: {"from": 0.01, "to": 100, "num": 64, "scale": "log"} for key in ("hidden_learning_rate", "learning_rate")
    },
    "parity": {"momentum": 0.9, "learning_rate": [1, 2], "init_scale": 2, "seeds": 7},
    "published": {"momentum": 0.9, "init_scale": 1, "seeds": 5},
}
EPOCHS = {"kolen_pollack": 2000, "parity": 300, "published": 3000}


def small(name: str) -> dict[str, Any]:
    """A committed experiment with the settings of SMALLER: few models and runs of the same kinds."""
    experiment = tomllib.loads((EXPERIMENTS / f"{name}.toml").read_text())
    grids = experiment["grid"] if isinstance(experiment["grid"], list) else [experiment["grid"]]
    if name == "parity":
        grids = grids[:2]
    for grid in grids:
        grid.update(SMALLER[name])
        if name == "published" and grid["hidden"] != 1:
            grid["hidden"] = [2, 4]
    experiment["train"]["max_epochs"] = EPOCHS.get(name, experiment["train"]["max_epochs"])
    return {**experiment, "grid": grids}


@pytest.fixture(scope="module")
def replication() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replication", EXPERIMENTS / "replication.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["replication"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sweep.Result]:
    directory = tmp_path_factory.mktemp("results")
    return {name: sweep.run(small(name), directory / name, figures=False) for name in SMALLER}


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
    replication: ModuleType, results: dict[str, sweep.Result], tmp_path: Path
) -> None:
    path = results["xor"].path
    assert path is not None
    for out in ("one", "two"):
        assert replication.main(["--results", str(path.parent), "--out", str(tmp_path / out)]) == 0
    files = sorted(file.relative_to(tmp_path / "one") for file in (tmp_path / "one").rglob("*.*"))
    assert sorted(file.name for file in files) == sorted(["replication.md", *(f"{name}.png" for name in SMALLER)])
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
        assert (tmp_path / "one" / file).stat().st_size < 300_000
    page = (tmp_path / "one" / "replication.md").read_text()
    for name in SMALLER:
        assert f"](replication/{name}.png)" in page
    assert not {"nan", "inf", "None", "NA"} & set(page.replace("|", " ").split())


def test_a_missing_result_is_named(replication: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replication.main(["--results", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert str(tmp_path / "xor") in capsys.readouterr().err
    assert not (tmp_path / "out" / "replication.md").exists()


def test_xor_by_width(replication: ModuleType, results: dict[str, sweep.Result]) -> None:
    result = results["xor"]
    section = replication.xor(result)
    rows = table(section, "activation")
    for hidden, row in zip([1, 2], rows.itertuples(index=False), strict=True):
        part = result.summary[result.summary["hidden"] == hidden]
        assert row[2] == f"{replication.percent(part['n_converged'].sum() / part['n'].sum())} %"
        assert row[3] == replication.share(part["n_converged"].max(), 6)
    assert result.summary["n_converged"].sum() > 0
    assert verdicts(section) == ["yes", "yes"]
    assert verdicts(replication.xor(changed(result, n_converged=1))) == ["no", "yes"]
    assert verdicts(replication.xor(changed(result, n_converged=0))) == ["yes", "no"]


def test_shares_and_their_intervals(replication: ModuleType) -> None:
    low, high = wilson(np.array(30), 1000)
    assert replication.share(30, 1000) == f"3.0 % ({100 * low:.1f}–{100 * high:.1f})"
    cases = [
        (30, 1000, "no"),
        (300, 1000, "yes"),
        (500, 1000, "undecided"),
        (510, 1000, "undecided"),
        (540, 1000, "no"),
    ]
    for k, n, expected in cases:
        assert replication.verdict(k, n, 0.05, 0.5) == expected
    assert [replication.together(list(v)) for v in (["yes", "undecided"], ["no", "undecided"], ["yes"])] == [
        "undecided",
        "no",
        "yes",
    ]


@pytest.mark.parametrize(("failed", "expected"), [(250, ["yes", "no"]), (10, ["no", "yes"]), (40, ["undecided"] * 2)])
def test_failures_by_the_size_of_the_start(
    failed: int, expected: list[str], replication: ModuleType, results: dict[str, sweep.Result]
) -> None:
    result = changed(results["kolen_pollack"], n=1000, n_converged=1000 - failed)
    section = replication.kolen_pollack(result)
    assert verdicts(section) == expected
    rows = table(section, "updates")
    assert list(rows["η"]) == ["1", "2", "1", "2"]
    assert set(rows["failures at ρ = 2, 4"]) == {"; ".join([replication.share(failed, 1000)] * 2)}


def test_one_curve_that_disagrees_is_counted(replication: ModuleType, results: dict[str, sweep.Result]) -> None:
    summary = results["kolen_pollack"].summary
    bad = (summary["update"] == "online") & (summary["learning_rate"] == 1) & (summary["init_scale"] == 4)
    result = changed(results["kolen_pollack"], n=1000, n_converged=np.where(bad, 0, 700))
    section = replication.kolen_pollack(result)
    assert verdicts(section)[0] == "yes in 3, no in 1 of 4 curves"
    assert section.claims[0].measured == "30.0 to 100 % fail, over all curves"


def test_slices(replication: ModuleType, results: dict[str, sweep.Result]) -> None:
    result = results["kolen_pollack_slices"]
    n_grids, n = len(result.manifest["experiment"]["grid"]), 40 * 40
    section = replication.slices(result)
    rows = table(section, "picture")
    assert len(rows) == n_grids + 1
    for i in range(n_grids):
        k = int((result.runs["status"].iloc[i * n : (i + 1) * n] == "converged").sum())
        assert rows["converged"][i].startswith(f"{k:,} of 1,600")
        if i < 4:
            assert section.claims[i].agrees == ("yes" if k else "no")
    none = result.runs.assign(converged_epoch=pd.array([pd.NA] * len(result.runs), dtype="Int64"))
    assert verdicts(replication.slices(with_runs(result, none))) == ["no"] * 4


def test_the_initial_loss_is_that_of_a_run_that_does_not_move(
    replication: ModuleType, results: dict[str, sweep.Result]
) -> None:
    experiment = small("trainability_boundary")
    experiment["grid"] = [
        {**experiment["grid"][0], "learning_rate": 1e-300, "hidden_learning_rate": 1e-300, "seeds": 3}
    ]
    still = sweep.run(experiment).runs["final_loss"]
    np.testing.assert_allclose([replication.initial_loss(seed) for seed in range(3)], still, rtol=1e-14)


def test_the_boundary_of_trainability(replication: ModuleType, results: dict[str, sweep.Result]) -> None:
    result = results["trainability_boundary"]
    counts = table(replication.trainability_boundary(result), "class")["runs"].str.replace(",", "").astype(int)
    loss, start = result.runs["final_loss"], replication.initial_loss(0)
    assert list(counts) == [(loss < start).sum(), ((loss >= start) & (loss < math.inf)).sum(), (loss == math.inf).sum()]
    y, x = np.mgrid[:64, :64]
    noise = np.random.default_rng(0).random((64, 64)) < 0.5
    for converging, expected in ((noise & (x < 16), "yes"), (y < 32, "no"), (noise, "no")):
        changed_runs = result.runs.assign(final_loss=np.where(converging.ravel(), 0.1, 1.5 * start))
        claim = replication.trainability_boundary(with_runs(result, changed_runs)).claims[0]
        dimension = box_counting_dimension(boundary(converging))[0]
        assert claim.measured.startswith(f"{dimension:.2f};")
        assert claim.agrees == expected == ("yes" if 1.17 <= dimension <= 1.98 else "no")
    one_class = with_runs(result, result.runs.assign(final_loss=0.1))
    assert replication.trainability_boundary(one_class).claims[0][2:] == ("no boundary", "no")


def test_parity(replication: ModuleType, results: dict[str, sweep.Result]) -> None:
    gates = results["parity"].summary["gate"]
    theirs = gates.map({"parity-2": 24, "parity-3": 33}).astype("Int64")
    quantiles = {f"epochs_q{q:02d}": theirs + shift for q, shift in ((5, -3), (50, 0), (95, 3))}
    result = changed(results["parity"], **quantiles)
    section = replication.parity(result)
    assert verdicts(section) == ["yes", "yes"]
    assert list(table(section, "network")["ours: median (5–95 %)"]) == ["24 (21–27)", "33 (30–36)"]
    slower = {name: column.where(gates == "parity-2", column * 2) for name, column in quantiles.items()}
    section = replication.parity(changed(result, **slower))
    assert verdicts(section) == ["yes in 1, no in 1 of 2 N", "no"]
    assert section.claims[1].measured == "2.75-fold"
    never = {name: column.mask(gates == "parity-3") for name, column in quantiles.items()}
    section = replication.parity(changed(result, **never))
    assert verdicts(section) == ["yes in 1, no in 1 of 2 N"]
    assert table(section, "network")["ours: median (5–95 %)"][1] == "> 300"


def test_published_runs(replication: ModuleType, results: dict[str, sweep.Result]) -> None:
    summary = results["published"].summary
    rate = [replication.chauvin(hidden) if hidden > 1 else 558 for hidden in summary["hidden"]]
    theirs = pd.Series(np.round(rate), dtype="Int64")
    quantiles = {f"epochs_q{q:02d}": theirs + shift for q, shift in ((5, -3), (50, 0), (95, 3))}
    result = changed(results["published"], n=25, n_converged=24, **quantiles)
    assert verdicts(replication.published(result)) == ["yes", "yes", "yes", "no"]
    wider = {**quantiles, "epochs_q95": pd.array([pd.NA] * len(summary), dtype="Int64")}
    assert verdicts(replication.published(changed(result, **wider))) == ["yes", "yes", "yes", "yes"]
    many_failures = changed(result, n_converged=5, **wider)
    assert verdicts(replication.published(many_failures))[3] == "no"
    later = {name: column + 1000 for name, column in quantiles.items()}
    assert verdicts(replication.published(changed(result, **later))) == ["no", "yes", "no", "no"]
    slower_if_wide = {name: column + 500 * (summary["hidden"] == 4) for name, column in quantiles.items()}
    assert verdicts(replication.published(changed(result, **slower_if_wide)))[:2] == ["no", "no"]


def test_means_over_successes_are_of_the_runs(replication: ModuleType, results: dict[str, sweep.Result]) -> None:
    result = results["published"]
    jacobs = next(text for text in replication.published(result).text if "mean of successes" in text.splitlines()[0])
    runs = result.runs[(result.runs["hidden"] == 2) & ~result.runs["shortcut"]]
    means = runs.groupby(["update", "momentum", "learning_rate"], observed=True)["converged_epoch"].mean()
    assert len(means) == 8  # four rates in either update mode
    for mean in means.dropna():
        assert f"| {mean:,.1f} |" in jacobs
