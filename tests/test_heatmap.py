import re
from dataclasses import replace
from pathlib import Path

import example_results as examples
import numpy as np
import of_result as figures
import of_result as sentences
import pytest
from matplotlib.figure import Figure
from PIL import Image

from sweep.analysis.findings import Findings
from sweep.analysis.planes import DIVERGED, LATER
from sweep.plots.drawing.style import save
from sweep.plots.heat_map import COLOURS, PALETTE
from sweep.results.result import Result

RATES = np.geomspace(0.01, 100, 20)


def pictures(figure: Figure) -> list[np.ndarray]:
    """The panels' colours, upwards and to the right, without the scale."""
    *panels, _scale = figure.axes
    return [np.asarray(axes.get_images()[0].get_array()) for axes in panels]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_every_setting_is_one_cell_in_the_colour_of_what_became_of_it() -> None:
    figure = figures.heat_map(examples.plane())
    (picture,) = pictures(figure)
    assert picture.shape == (16, 20, 3)
    converged = (RATES >= 0.1) & (RATES <= 10)
    assert (picture[:, RATES > 10] == PALETTE[DIVERGED]).all()
    assert (picture[:, RATES < 0.1] == PALETTE[LATER]).all()
    rows = picture[:, converged]
    assert (rows == rows[:, :1]).all()
    expected = COLOURS[np.round(255 * (np.arange(16) + 0.5) / 16).astype(int)]
    assert (rows[:, 0] == expected).all()
    assert legend(figure) == ["not converged after 1,000 epochs", "diverged"]
    assert figure.axes[0].get_images()[0].origin == "lower"
    assert [text.get_text() for text in figure.axes[-1].get_yticklabels()] == ["1", "4", "8", "12", "16"]


def test_ticks_stand_at_their_values() -> None:
    axes, _ = figures.heat_map(examples.plane()).axes
    assert dict(zip(axes.xaxis.get_major_formatter().seq, axes.xaxis.get_majorticklocs(), strict=True)) == {
        "0.01": 0,
        "0.1": pytest.approx(19 / 4),
        "1": pytest.approx(19 / 2),
        "10": pytest.approx(3 * 19 / 4),
        "100": 19,
    }
    ticks = zip(axes.yaxis.get_major_formatter().seq, axes.yaxis.get_majorticklocs(), strict=True)
    assert all(float(name) == at + 1 for name, at in ticks)


def test_of_several_runs_the_median_counts() -> None:
    result = examples.plane(n_seeds=3)
    first = result.summary.index[0]
    assert first == 0
    result.summary.loc[0, ["n_converged", "n_diverged", "epochs_q50"]] = [1, 2, None]
    result.summary.loc[1, ["n_converged", "n_diverged", "epochs_q50"]] = [1, 1, None]
    (picture,) = pictures(figure := figures.heat_map(result))
    assert (picture[0, 0] == PALETTE[DIVERGED]).all()
    assert (picture[0, 1] == PALETTE[LATER]).all()
    assert legend(figure) == ["median later than 1,000 epochs", "half of the runs or more diverged"]


def test_each_value_of_another_axis_has_its_panel_and_the_same_colours() -> None:
    result = examples.plane(update=["batch", "online"])
    figure = figures.heat_map(result)
    assert [axes.get_title(loc="left") for axes in figure.axes[:-1]] == ["batch", "online"]
    one, other = pictures(figure)
    assert (one == other).all()


def with_weights(weights: list[object], rate: float) -> Result:
    steps = [float(step) for step in range(-8, 9)]
    grid = {"gate": ["AND"], "learning_rate": [rate], "init": ["given"], "y": steps, "x": steps}
    result = examples.made(grid, 1, lambda setting, seed: 3 if setting["x"] < setting["y"] else None)
    (made,) = result.experiment.grids
    return replace(result, experiment=replace(result.experiment, grids=(replace(made, weights=tuple(weights)),)))


def test_each_grid_has_its_panel_named_by_its_weights() -> None:
    result = examples.union(with_weights(["x", "y", -2.0], 6.0), with_weights([4.5, "y", "x"], 5.0))
    figure = figures.heat_map(result)
    titles = [axes.get_title(loc="left").replace("\N{NO-BREAK SPACE}", " ") for axes in figure.axes[:-1]]
    assert titles == ["η = 6\nweights x y −2", "η = 5\nweights 4.5 y x"]
    for picture in pictures(figure):
        assert ((picture != PALETTE[LATER]).any(axis=2) == np.tri(17, k=-1, dtype=bool)).all()
    one, other = Findings(result).planes[0]
    assert (one.points.ravel() == np.arange(17**2)).all()
    assert (other.points.ravel() == 17**2 + np.arange(17**2)).all()
    first, second, _ = (plain(sentence) for sentence in sentences.answer(result))
    assert first == (
        "With η = 6, weights x y −2: runs converged only with initial weight y from −7 to 8 and initial weight x from "
        "−8 to 7: 136 of 289 (47.1 %); the fastest setting took 3 epochs "
        "(initial weight y = −7 and initial weight x = −8)."
    )
    assert second.startswith("With η = 5, weights 4.5 y x: runs converged only with initial weight y ")


@pytest.mark.parametrize(("other", "names"), [(5.0, ["η = 6", "η = 5"]), (6.0, ["given weights 1", "given weights 2"])])
def test_many_weights_are_no_name(other: float, names: list[str]) -> None:
    many = [0.5] * 20
    result = examples.union(with_weights(["x", "y", *many], 6.0), with_weights(["y", "x", *many], other))
    assert [plain(plane.name) for plane in Findings(result).planes[0]] == names


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_axes_with_too_many_values_are_held_at_the_first() -> None:
    result = examples.plane(init=[f"normal(0, {std})" for std in range(1, 26)])
    figure = figures.heat_map(result)
    assert len(figure.axes) == 2
    assert (
        figure.texts[0].get_text().replace("\N{NO-BREAK SPACE}", " ") == "Epochs to convergence; start = normal(0, 1)"
    )


def test_a_plane_takes_the_place_of_lines_that_would_mix_it_up() -> None:
    assert list(figures.figures_for(examples.plane())) == [
        "heat_map",
        "success_rate",
        "epochs_to_converge",
        "success_curves",
        "final_loss",
    ]
    scales = [float(scale) for scale in range(1, 31)]
    grid = {
        "gate": ["AND"],
        "init_scale": scales,
        "learning_rate": [float(rate) for rate in np.geomspace(0.01, 10, 30)],
    }
    assert list(figures.figures_for(examples.made(grid, 1))) == ["heat_map", "success_curves", "final_loss"]
    short = {"init_scale": scales[:15], "learning_rate": [0.1, 1.0]}
    assert "heat_map" not in figures.figures_for(examples.made(grid | short, 1))
    cross = [examples.made(grid | {key: [1.0]}, 1) for key in ("init_scale", "learning_rate")]
    assert "heat_map" not in figures.figures_for(examples.union(*cross))


def test_without_a_plane_there_is_no_heat_map() -> None:
    with pytest.raises(ValueError, match="no two numeric axes"):
        figures.heat_map(examples.made({"gate": ["AND"]}))


def test_a_large_picture_is_one_image_in_a_small_file(tmp_path: Path) -> None:
    rates = [float(rate) for rate in np.geomspace(0.01, 100, 1200)]
    few = [float(scale) for scale in range(1, 17)]
    result = examples.made(
        {"init_scale": few, "learning_rate": rates}, 1, lambda setting, seed: hash(setting["learning_rate"]) % 500
    )
    svg, _, whole = save(figures.heat_map(result), tmp_path / "heat_map")
    text = svg.read_text(encoding="utf-8")
    assert len(re.findall("<image", text)) == 2
    assert len(text) < 1_500_000
    assert text.count("<path") < 200
    (picture,) = pictures(figures.heat_map(result))
    with Image.open(whole) as image:
        assert (np.asarray(image)[::-1] == picture).all()
    assert save(figures.heat_map(examples.plane()), tmp_path / "small")[2:] == []
