"""The share of runs converged by each epoch, against counting them one by one."""

from typing import Any

import example_results as examples
import numpy as np
import of_result as figures
import of_result as sentences
import pytest
from matplotlib.patches import Polygon

from sweep.analysis.curves import MAX_EPOCHS_DRAWN, SuccessCurves
from sweep.analysis.findings import Findings
from sweep.results.result import Result
from sweep.results.statistics import wilson
from sweep.spec.gates import shown

GATES = {"gate": ["AND", "OR", "XOR"], "learning_rate": examples.RATES}


def curves_of(result: Result) -> SuccessCurves:
    return Findings(result).success_curves


def has_curves(result: Result) -> bool:
    return curves_of(result).tell


def spread(setting: dict[str, Any], seed: int) -> int | None:
    """Anywhere from 0 to beyond max_epochs, at many different epochs."""
    epoch = int(7 * seed**1.5 / setting.get("learning_rate", 1.0))
    return epoch if epoch <= examples.MAX_EPOCHS else None


def of_setting(result: Result, **setting: Any) -> np.ndarray[Any, Any]:
    """The epochs of the runs of one setting, ∞ where they did not converge."""
    runs = result.runs
    for key, value in setting.items():
        runs = runs[runs[key] == value]
    return runs["converged_epoch"].to_numpy(np.float64, na_value=np.inf)


@pytest.mark.parametrize("n_seeds", [10, 300])
def test_shares_are_exact_at_every_epoch_drawn(n_seeds: int) -> None:
    result = examples.made(GATES, n_seeds, spread)
    curves = curves_of(result)
    assert (curves.panels, curves.lines) == (["AND", "OR", "XOR"], ["0.01", "0.1", "1", "10"])
    assert curves.epochs[0] == 0
    assert curves.epochs[-1] == examples.MAX_EPOCHS
    assert (np.diff(curves.epochs) > 0).all()
    for panel, gate in enumerate(curves.panels):
        for line, rate in enumerate(examples.RATES):
            epochs = of_setting(result, gate=gate, learning_rate=rate)
            expected = (epochs[:, None] <= curves.epochs).mean(axis=0)
            np.testing.assert_array_equal(curves.shares[panel, line], expected)


def test_many_epochs_are_thinned_to_some_that_are_exact() -> None:
    few = curves_of(examples.made(GATES, 10, spread))
    many = curves_of(examples.made({"gate": ["AND"], "hidden": [0, 1]}, 900, lambda _, seed: seed + 1))
    assert len(few.epochs) < 40
    assert len(many.epochs) <= MAX_EPOCHS_DRAWN + 2
    np.testing.assert_array_equal(many.converged[0, 0], np.minimum(many.epochs, 900))


def test_the_interval_is_wilsons_at_each_epoch() -> None:
    result = examples.made(GATES, 30, spread)
    curves = curves_of(result)
    assert (curves.n_settings == 1).all()
    low, high = curves.intervals
    expected = wilson(curves.converged, 30)
    np.testing.assert_array_equal(low, expected[0])
    np.testing.assert_array_equal(high, expected[1])
    figure = figures.success_curves(result)
    for axes, panel_low, panel_high in zip(figure.axes, low, high, strict=True):
        bands = (artist for artist in axes.patches if isinstance(artist, Polygon))
        for band, *ends in zip(bands, panel_low, panel_high, strict=True):
            path = band.get_path()
            n = len(path.vertices) // 2
            for corners, end in zip((path.vertices[:n], path.vertices[n : 2 * n][::-1]), ends, strict=True):
                at = np.searchsorted(corners[:, 0], np.maximum(curves.epochs, 0.5), side="right") - 1
                np.testing.assert_array_equal(corners[at, 1], end)
    assert "the 95\N{NO-BREAK SPACE}% Wilson interval at each epoch by itself, from 30 runs a curve" in caption(result)


@pytest.mark.parametrize("status", ["diverged", "max_epochs", "stationary"])
def test_runs_that_failed_never_converge_and_are_counted(status: str) -> None:
    result = examples.made(GATES, 10, lambda setting, seed: 3 if seed < 4 else None, status=status)
    curves = curves_of(result)
    assert (curves.n == 10).all()
    assert (curves.converged[..., -1] == 4).all()


def test_a_run_that_stopped_converging_has_still_converged() -> None:
    """With early_stop = false a run may have diverged after its first epoch that converged: its status counts."""
    result = examples.made({"gate": ["AND"]}, 10, lambda *_: 3)
    result.runs.loc[:1, "status"] = "diverged"
    assert curves_of(result).converged[..., -1].tolist() == [[8]]


def test_a_numeric_axis_becomes_at_most_five_lines_that_the_caption_counts() -> None:
    rates = [float(rate) for rate in np.geomspace(0.01, 10, 13)]
    result = examples.made({"gate": ["AND", "OR", "XOR"], "learning_rate": rates, "init": examples.STARTS}, 10)
    curves = curves_of(result)
    assert curves.lines == ["0.01", "0.0562", "0.316", "1.78", "10"]
    assert curves.held == {"init": "uniform(0, 1)"}
    assert "Lines: 5 of the 13 values of learning rate η." in caption(result)
    figure = figures.success_curves(result)
    assert len(figure.legends[0].get_texts()) == 5
    title = figure.texts[0].get_text().replace("\n", " ").replace("\N{NO-BREAK SPACE}", " ")
    assert title.endswith("per gate and learning rate η; start = uniform(0, 1)")
    np.testing.assert_array_equal(
        curves.converged[0, -1, -1],
        np.isfinite(of_setting(result, gate="AND", learning_rate=10.0, init="uniform(0, 1)")).sum(),
    )


def test_sixteen_categories_become_panels() -> None:
    gates = [f"{table:04b}" for table in range(16)]
    figure = figures.success_curves(examples.made({"gate": gates, "learning_rate": examples.RATES}, 10))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [shown(gate) for gate in gates]
    assert len(figure.legends[0].get_texts()) == 4


def test_settings_counted_together_have_no_interval_and_are_named() -> None:
    plane = examples.plane()
    curves = curves_of(plane)
    assert curves.n.tolist() == [[320]]
    assert curves.converged[0, 0, -1] == (plane.runs["status"] == "converged").sum()
    assert np.isnan(curves.intervals[0]).all()
    figure = figures.success_curves(plane)
    assert not figure.axes[0].patches
    assert "all values of init scale and learning rate η together" in figure.texts[0].get_text().replace("\n", " ")
    assert "Counted together, so without an interval: all values of init scale and learning rate η." in caption(plane)
    many = examples.made({"gate": [f"{table:08b}" for table in range(256)]}, 1, lambda *_: 9)
    assert curves_of(many).n.tolist() == [[256]]
    assert "all values of gate" in caption(many)


def test_an_axis_without_a_value_for_all_panels_is_counted_together() -> None:
    grids = [
        examples.made({"gate": ["AND"], "update": [update], "learning_rate": rates, "init_scale": [1.0, 2.0, 3.0]}, 10)
        for update, rates in (("batch", [1.0, 2.0]), ("online", [3.0, 4.0]))
    ]
    curves = curves_of(examples.union(*grids))
    assert curves.n.sum() == curves.n_settings.sum() * 10
    assert (curves.n > 0).all()


def test_curves_of_a_few_runs_or_without_a_success_say_nothing() -> None:
    assert has_curves(examples.made(GATES, 10))
    assert not has_curves(examples.made(GATES, 9))
    assert not has_curves(examples.made(GATES, 10, examples.never))
    assert not has_curves(examples.made({"gate": ["AND"]}, 1))


def test_epoch_0_has_a_place() -> None:
    (axes,) = figures.success_curves(examples.made({"gate": ["AND"]}, 10, lambda *_: 0)).axes
    named = dict(zip(axes.xaxis.get_major_formatter().seq, axes.xaxis.get_majorticklocs(), strict=True))
    (line,) = axes.get_lines()
    assert line.get_xdata()[0] == named["0"] > axes.get_xlim()[0]
    assert set(line.get_ydata()) == {1.0}


def caption(result: Result) -> str:
    return sentences.descriptions(result, [])["success_curves"].caption
