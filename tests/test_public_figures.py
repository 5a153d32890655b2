"""`sweep.figures`: each figure as a function, of a whole result or a part of it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import example_results as examples
import numpy as np
import of_result as of_report
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import sweep
from sweep import plots
from sweep.results.result import Result
from sweep.results.selection import select

GATES = {"gate": ["AND", "OR", "XOR"], "learning_rate": examples.RATES, "init": examples.STARTS}
FIVE = {**GATES, "encoding": ["01", "pm1"], "hidden": [1, 2, 3]}
CASES = {
    "gates": examples.made(GATES, record_every=100),
    "a single run": examples.made({"gate": ["AND"]}, n_seeds=1, record_every=100),
    "one axis": examples.made({"gate": ["AND"], "learning_rate": examples.RATES}, record_every=100),
    "five axes": examples.made(FIVE, n_seeds=2, record_every=200),
}
OTHERS = ("save", "heat_map", "decision_surfaces", "learned_instead", "stability", "training")
FIGURES = [name for name in sweep.figures.__all__ if name not in OTHERS]


def made_again(result: Result, gates: list[str]) -> Result:
    """What running these gates alone gives, but for the numbers of the runs."""
    return examples.made({**GATES, "gate": gates}, record_every=100)


def bytes_of(figure: Figure) -> bytes:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return bytes(canvas.buffer_rgba())


def drawn(draw: Callable[..., Figure], result: Result, **options: Any) -> bytes | str:
    """The picture, or why there is none."""
    try:
        return bytes_of(draw(result, **options))
    except ValueError as error:
        return str(error)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title("left") for axes in figure.axes]


def test_every_figure_of_the_report_is_there() -> None:
    modules = {path.stem for path in Path(plots.__path__[0]).glob("*.py")} - {"__init__", "registry"}
    assert modules | {"save"} == set(sweep.figures.__all__)
    for name in sweep.figures.__all__:
        assert getattr(sweep.figures, name).__doc__


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_the_report(name: str, case: str) -> None:
    assert drawn(getattr(sweep.figures, name), CASES[case]) == drawn(getattr(of_report, name), CASES[case])


@pytest.mark.parametrize("name", FIGURES)
def test_a_part_is_drawn_as_if_nothing_else_had_been_run(name: str) -> None:
    draw = getattr(sweep.figures, name)
    part = drawn(draw, CASES["gates"], where={"gate": ["XOR", "AND"]})
    assert part == drawn(draw, made_again(CASES["gates"], ["AND", "XOR"]))
    of_all = drawn(draw, CASES["gates"])
    assert (part == of_all) == (name == "stability")  # which shows none but the gates that are not separable


def test_the_edge_of_stability_is_drawn_of_gates_that_have_one() -> None:
    whole = bytes_of(sweep.figures.stability(CASES["gates"]))
    assert whole == bytes_of(of_report.stability(CASES["gates"]))
    assert whole == bytes_of(sweep.figures.stability(CASES["gates"], where={"gate": ["AND", "XOR"]}))
    for case in ("a single run", "one axis"):
        with pytest.raises(ValueError, match="critical"):
            sweep.figures.stability(CASES[case])


def test_importing_sweep_imports_no_figures() -> None:
    code = "import sys, sweep; print([n for n in ('matplotlib', 'numpy', 'pandas', 'sweep.plots') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ---- parts of a result -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [{"gate": "OR"}, {"gate": ["OR", "XOR"], "learning_rate": 0.1}, {"hidden": [1, 3], "encoding": "pm1"}],
    ids=str,
)
def test_a_part_has_these_rows_of_every_table_as_they_are(where: dict[str, Any]) -> None:
    whole = CASES["five axes"]
    part = select(whole, where)
    for mine, all_of_it in ((part.runs, whole.runs), (part.summary, whole.summary)):
        kept = np.ones(len(all_of_it), bool)
        for key, values in where.items():
            kept &= all_of_it[key].isin(values if isinstance(values, list) else [values]).to_numpy()
        assert 0 < kept.sum() < len(all_of_it)
        wanted = all_of_it[kept].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, wanted, check_categorical=False)
    assert set(part.runs["gate"].cat.categories) == set(part.runs["gate"])
    assert part.curves is not None
    assert set(part.curves["run"]) == set(part.runs["run"])
    assert (part.manifest["n_runs"], part.manifest["n_points"]) == (len(part.runs), len(part.summary))
    assert len(whole.runs) == whole.manifest["n_runs"]


def test_a_part_from_disk(tmp_path: Path) -> None:
    experiment = {
        "grid": [{"gate": ["AND", "XOR"], "learning_rate": [1, 30], "seeds": 3},
                 {"gate": "OR", "learning_rate": 1, "hidden_learning_rate": 2, "hidden": 1}],
        "train": {"max_epochs": 60},
    }  # fmt: skip
    result = sweep.run(experiment, tmp_path, figures=False)
    part = select(sweep.read(tmp_path), {"learning_rate": 1, "hidden_learning_rate": None})
    assert part.runs["run"].tolist() == [0, 1, 2, 6, 7, 8]
    assert select(result, {"hidden_learning_rate": 2.0}).runs["gate"].tolist() == ["OR"]
    sweep.figures.decision_surfaces(part, where={"gate": "XOR"})
    assert select(result, None) is select(result, {}) is result


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"gat": "XOR"}, 'where: unknown key "gat" (did you mean "gate"?); allowed: gate, learning_rate, init'),
        ({"seed": 1}, 'where: unknown key "seed"'),
        ({"gate": "NOR"}, 'where: gate: found "NOR" (did you mean "OR"?); allowed: "AND", "OR", "XOR"'),
        ({"gate": ["AND", 3]}, "where: gate: found 3; allowed:"),
        ({"learning_rate": 0.11}, "where: learning_rate: found 0.11 (nearest: 0.1"),
        ({"learning_rate": "0.1"}, 'where: learning_rate: found "0.1"; allowed: 0.01, '),
        ({"init": None}, "where: init: found nothing; allowed:"),
    ],
    ids=str,
)
def test_what_a_result_does_not_have_is_refused(where: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as error:
        sweep.figures.success_rate(CASES["gates"], where=where)
    assert said in str(error.value)


# ---- what cannot be drawn ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FIGURES, "heat_map", "decision_surfaces"])
def test_an_empty_result_is_refused(name: str) -> None:
    full = CASES["gates"]
    curves = full.curves
    assert curves is not None
    empty = examples.in_memory(
        full.runs.iloc[:0], full.summary.iloc[:0], curves.iloc[:0], full.manifest, full.experiment
    )
    with pytest.raises(ValueError, match="there are no runs to draw"):
        getattr(sweep.figures, name)(empty)


def test_what_has_no_values_is_refused_in_words() -> None:
    diverged = examples.made(GATES, converged_epoch=examples.never, status="diverged")
    for name, said in (
        ("epochs_to_converge", "this result has no run that converged"),
        ("final_loss", "every run diverged"),
        ("learning_curves", "run it with record_every"),
        ("heat_map", "no two numeric axes that are long enough"),
    ):
        with pytest.raises(ValueError, match=said):
            getattr(sweep.figures, name)(diverged)
    assert isinstance(sweep.figures.success_rate(diverged), Figure)


# ---- options of single figures -----------------------------------------------------------------------------


def test_a_heat_map_of_any_two_numeric_axes() -> None:
    figure = sweep.figures.heat_map(CASES["five axes"], x="hidden", y="learning_rate", where={"gate": ["AND", "XOR"]})
    first, *_ = figure.axes
    (image,) = first.get_images()
    assert np.asarray(image.get_array()).shape == (4, 3, 3)
    assert len(figure.axes) == 2 * 2 * 2 + 1
    assert titles(figure)[0].startswith("AND, uniform(0, 1)".replace(" ", "\xa0").replace(",\xa0u", ", u"))
    turned = sweep.figures.heat_map(CASES["five axes"], x="learning_rate", y="hidden", where={"gate": "AND"})
    assert np.asarray(turned.axes[0].get_images()[0].get_array()).shape == (3, 4, 3)
    plane = examples.plane()
    assert bytes_of(sweep.figures.heat_map(plane)) == bytes_of(
        sweep.figures.heat_map(plane, x="learning_rate", y="init_scale")
    )


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"x": "hidden"}, r"y: found None; allowed: a numeric key that varies \(learning_rate, hidden\)"),
        ({"x": "gate", "y": "hidden"}, "x: found 'gate'; allowed"),
        ({"x": "hidden", "y": "hidden"}, "found 'hidden' twice"),
    ],
)
def test_axes_that_are_none(axes: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sweep.figures.heat_map(CASES["five axes"], **axes)


def test_surfaces_of_any_runs() -> None:
    grid = {"gate": ["AND", "XOR", "majority-3"], "learning_rate": [1, 30], "seeds": 3}
    result = sweep.run({"grid": grid, "train": {"max_epochs": 60}})
    figure = sweep.figures.decision_surfaces(result, runs=[7, 2, 3, 11])
    assert [title.partition("\n")[0] for title in titles(figure)[:-1]] == ["Run 7", "Run 2", "Run 3", "Run 11"]
    with pytest.raises(ValueError, match="run: found 99, which is not among the 18 runs"):
        sweep.figures.decision_surfaces(result, runs=[99])
    with pytest.raises(ValueError, match="run: found 7, which is not among the 6 runs"):
        sweep.figures.decision_surfaces(result, runs=[7], where={"gate": "AND"})
    with pytest.raises(ValueError, match="run: found 12, whose table has not two inputs"):
        sweep.figures.decision_surfaces(result, runs=[12])
    with pytest.raises(ValueError, match="two inputs"):
        sweep.figures.decision_surfaces(result, where={"gate": "majority-3"})
    with pytest.raises(ValueError, match="two inputs"):
        sweep.figures.decision_surfaces(result, runs=[])


def test_a_figure_is_saved_and_shown_in_notebooks(tmp_path: Path) -> None:
    figure = sweep.figures.success_rate(CASES["one axis"])
    paths = sweep.figures.save(figure, tmp_path / "rate")
    assert [path.name for path in paths] == ["rate.svg", "rate.png"]
    again = sweep.figures.success_rate(CASES["one axis"])
    assert again._repr_png_() == paths[1].read_bytes()  # type: ignore[attr-defined]
