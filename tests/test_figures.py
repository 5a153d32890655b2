import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import example_results as examples
import matplotlib as mpl
import numpy as np
import of_result as figures
import of_result as sentences
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from sweep.analysis import curves
from sweep.analysis.layout import Layout, choose_layout
from sweep.analysis.points import points
from sweep.plots.drawing.marks import Drawing
from sweep.plots.drawing.scales import log_ticks
from sweep.plots.drawing.style import CELLS, save, styled
from sweep.results.result import Result

GATES_AND_RATES = {"gate": ["AND", "OR", "XOR"], "learning_rate": examples.RATES}
FIVE_AXES = {
    "gate": ["AND", "OR", "XOR", "NOR"],
    "encoding": ["01", "pm1"],
    "learning_rate": examples.RATES,
    "init": [f"normal(0, {std})" for std in range(1, 10)],
    "init_scale": [0.5, 1.0],
}
WIDTHS = {
    "gate": ["XOR"],
    "hidden": [1, 2, 3, 4, 5, 6, 7, 8],
    "activation": ["sigmoid", "tanh", "relu"],
    "init": examples.STARTS,
    "learning_rate": [10**power for power in (-1, -0.5, 0.0, 0.5, 1)],
}
TWO_GRIDS = examples.union(
    *(
        examples.made(
            {"gate": ["AND"], "update": [update], "learning_rate": rates, "momentum": [0.0, 0.5, 0.9]}
            | {"init_scale": [0.1, 0.2, 0.5, 1.0, 2.0, 5.0], "loss": ["mse"], "optimizer": ["momentum"]},
            n_seeds=3,
        )
        for update, rates in (("batch", [2.0, 4.0]), ("online", [0.5, 1.0]))
    )
)
SIXTEEN = ["FALSE", "AND", "A_AND_NOT_B", "A", "NOT_A_AND_B", "B", "XOR", "OR"]
SIXTEEN += ["NOR", "XNOR", "NOT_B", "A_OR_NOT_B", "NOT_A", "NOT_A_OR_B", "NAND", "TRUE"]


def with_runs_dropped(result: Result) -> Result:
    return examples.with_runs(result, result.runs.iloc[:0], result.summary.iloc[:0])


CASES = {
    "gates and rates": examples.made(GATES_AND_RATES),
    "sixteen gates and starts": examples.made(
        {"gate": SIXTEEN, "learning_rate": examples.RATES, "init": examples.STARTS}
    ),
    "a single run": examples.made({"gate": ["AND"], "learning_rate": [1.0]}, n_seeds=1),
    "one setting, with curves": examples.made({"gate": ["AND"], "learning_rate": [1.0]}, record_every=50),
    "curves of all settings": examples.made(GATES_AND_RATES | {"init": examples.STARTS}, record_every=100),
    "all diverged": examples.made(GATES_AND_RATES, converged_epoch=examples.never, status="diverged", record_every=100),
    "nothing converged": examples.made(GATES_AND_RATES, converged_epoch=examples.never, status="stationary"),
    "only gates": examples.made({"gate": SIXTEEN}, n_seeds=3),
    "only rates": examples.made({"gate": ["AND"], "learning_rate": examples.RATES}),
    "a short integer axis": examples.made({"gate": ["AND", "XOR"], "hidden": [0, 1, 2]}),
    "converged at once": examples.made(GATES_AND_RATES, converged_epoch=lambda setting, seed: 0),
    "256 gates": examples.made({"gate": [f"{table:08b}" for table in range(256)]}, n_seeds=1),
    "five axes": examples.made(FIVE_AXES, n_seeds=2),
    "widths": examples.made(WIDTHS, n_seeds=2),
    "two grids": TWO_GRIDS,
}


def drawn(result: Result) -> dict[str, Figure]:
    return {name: draw(result) for name, draw in figures.figures_for(result).items()}


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")


def texts(figure: Figure) -> list[str]:
    found = [text.get_text() for text in figure.texts]
    found += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return found + [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("result", CASES.values(), ids=CASES)
def test_every_result_has_figures_whose_texts_lie_within(result: Result) -> None:
    made = drawn(result)
    assert "success_rate" in made
    for figure in made.values():
        width, height = figure.get_size_inches() * figure.dpi
        renderer = FigureCanvasAgg(figure).get_renderer()
        boxes = [text.get_window_extent(renderer) for text in figure.texts]
        boxes += [legend.get_window_extent(renderer) for legend in figure.legends]
        boxes += [axes.get_tightbbox(renderer) for axes in figure.axes]
        assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
        title, *legends = boxes[0], *(legend.get_window_extent(renderer) for legend in figure.legends)
        panels = [axes.get_tightbbox(renderer) for axes in figure.axes]
        assert all(legend.y1 <= title.y0 for legend in legends)
        assert all(panel.y1 <= box.y0 for panel in panels for box in (title, *legends))
        assert not any(a.overlaps(b) for i, a in enumerate(panels) for b in panels[:i])
        for axes in figure.panels if not figure.is_table else []:
            ticks_are_apart_and_within(axes, renderer)


def ticks_are_apart_and_within(axes: Axes, renderer: RendererAgg) -> None:
    """Of ticks along a panel a telephone shows what is at most 0.15 inches to its left and 0.1 to its right."""
    labels = [label for label in axes.get_xticklabels() if label.get_visible() and label.get_text()]
    boxes = sorted((label.get_window_extent(renderer) for label in labels), key=lambda box: box.x0)
    shown, dpi = axes.get_window_extent(renderer), axes.figure.dpi
    boxes = [box for box in boxes if shown.x0 <= (box.x0 + box.x1) / 2 <= shown.x1]
    assert all(box.x0 >= shown.x0 - 0.15 * dpi and box.x1 <= shown.x1 + 0.1 * dpi for box in boxes)
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


@pytest.mark.parametrize("draw", [figures.final_loss, figures.success_curves, figures.learning_curves])
def test_ticks_at_the_ends_of_panels_stand_inwards(draw: Callable[[Result], Drawing]) -> None:
    grid = {"gate": ["AND", "OR", "XOR", "NOR"], "learning_rate": [0.5, 1.0]}
    result = examples.made(grid, 20, record_every=100)
    result.runs["final_loss"] = np.geomspace(1e-12, 1e308, len(result.runs))
    figure = draw(result)
    renderer = FigureCanvasAgg(figure).get_renderer()
    for axes in figure.panels:
        ticks_are_apart_and_within(axes, renderer)
    assert {label.get_text() for label in axes.get_xticklabels()} & {"lower", "higher", "1000", "1,000"}


def test_an_empty_result_has_no_figures() -> None:
    assert figures.figures_for(with_runs_dropped(CASES["gates and rates"])) == {}


ALWAYS = [figures.success_rate, figures.success_curves]
FIGURES = [
    *ALWAYS,
    figures.epochs_to_converge,
    figures.final_loss,
    figures.stability,
    figures.learning_curves,
    figures.heat_map,
]
LITTLE = {
    "a single run": CASES["a single run"],
    "a single run that failed": examples.made({"gate": ["XOR"], "learning_rate": [1.0]}, 1, examples.never),
    "all diverged": CASES["all diverged"],
    "a single run that diverged": examples.made({"gate": ["AND"]}, 1, examples.never, status="diverged"),
    "one axis": CASES["only rates"],
    "one axis of categories": CASES["only gates"],
    "five axes": CASES["five axes"],
}


@pytest.mark.parametrize("draw", FIGURES)
def test_an_empty_result_is_refused_by_every_figure(draw: Callable[[Result], Figure]) -> None:
    with pytest.raises(ValueError, match="this result has no"):
        draw(with_runs_dropped(CASES["sixteen gates and starts"]))


@pytest.mark.parametrize("result", LITTLE.values(), ids=LITTLE)
def test_every_figure_is_drawn_or_says_why_not(result: Result) -> None:
    assert all(draw(result).axes for draw in ALWAYS)
    for draw in FIGURES[len(ALWAYS) :]:
        try:
            assert draw(result).axes
        except ValueError as error:
            assert str(error).startswith(("this result has no", "every run diverged"))


@pytest.mark.parametrize("result", LITTLE.values(), ids=LITTLE)
def test_every_sentence_is_whole_whatever_there_is_to_say(result: Result) -> None:
    said = sentences.answer(result)
    described = sentences.descriptions(result, said)
    assert set(figures.figures_for(result)) <= described.keys()
    lines = [*said, *sentences.failures(result).splitlines()]
    lines += [text for one in described.values() for text in (one.caption, one.alt) if text]
    lines += [f"{one.finding}." for one in described.values()]  # a heading has no full stop
    assert said
    for line in lines:
        assert line[-1] in ".:", line
        assert not re.search(r"nan|None|inf\b|  | \.|\.\.", line), line


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("gates and rates", ["success_rate", "epochs_to_converge", "success_curves", "stability", "final_loss"]),
        (
            "one setting, with curves",
            ["learning_curves", "success_rate", "epochs_to_converge", "success_curves", "final_loss"],
        ),
        ("nothing converged", ["success_rate", "stability", "final_loss"]),
        ("all diverged", ["success_rate", "learning_curves"]),
    ],
)
def test_figures_are_chosen_by_what_there_is_to_show(case: str, names: list[str]) -> None:
    assert list(figures.figures_for(CASES[case])) == names


def test_many_categories_become_panels_and_the_next_ones_lines() -> None:
    result = CASES["sixteen gates and starts"]
    figure = figures.success_rate(result)
    assert [axes.get_title(loc="left") for axes in figure.axes] == SIXTEEN
    assert [text.get_text() for text in figure.legends[0].get_texts()] == examples.STARTS
    assert all(len(axes.get_lines()) == 2 for axes in figure.axes)
    assert all(axes.get_xscale() == "log" for axes in figure.axes)


def test_drawn_rates_and_bands_are_those_of_the_summary() -> None:
    result = examples.made(GATES_AND_RATES | {"init": examples.STARTS})
    figure = figures.success_rate(result)
    for axes in figure.axes:
        bands = (artist for artist in axes.patches if isinstance(artist, Polygon))
        for line, filled, start in zip(axes.get_lines(), bands, examples.STARTS, strict=True):
            band = filled.get_path()
            of_gate = result.summary[result.summary["gate"] == axes.get_title(loc="left")]
            rows = of_gate[of_gate["init"] == start]
            assert line.get_xdata().tolist() == rows["learning_rate"].tolist()
            assert line.get_ydata().tolist() == rows["converged_rate"].tolist()
            low, high = band.vertices[: len(rows), 1], band.vertices[len(rows) : 2 * len(rows), 1][::-1]
            assert low.tolist() == rows["converged_low"].tolist()
            assert high.tolist() == rows["converged_high"].tolist()


def test_a_median_later_than_max_epochs_is_not_drawn_and_the_band_is_cut() -> None:
    result = examples.made({"gate": ["AND"], "learning_rate": [0.05, 1.0, 10.0]})
    assert result.summary["epochs_q50"].isna().tolist() == [True, False, False]
    figure = figures.epochs_to_converge(result)
    (axes,) = figure.axes
    limit, median, law = axes.get_lines()
    assert law.get_xdata()[0] == pytest.approx(0.05)
    assert limit.get_ydata() == [examples.MAX_EPOCHS] * 2
    assert median.get_xdata().tolist() == [1.0, 10.0]
    assert median.get_ydata().tolist() == [100, 10]
    assert axes.patches[0].get_path().vertices[:, 1].max() == examples.MAX_EPOCHS
    assert "max_epochs = 1,000: not converged" in texts(figure)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_zero_epochs_have_a_place_on_the_logarithmic_axis() -> None:
    (axes,) = figures.epochs_to_converge(examples.made({"hidden": [1, 2, 3]}, converged_epoch=lambda *_: 0)).axes
    named = dict(zip(axes.yaxis.get_major_formatter().seq, axes.yaxis.get_majorticklocs(), strict=True))
    assert {float(y) for line in axes.get_lines()[1:] for y in line.get_ydata()} == {named["0"]}


def test_final_losses_count_every_run_and_mark_ln2_and_the_target() -> None:
    result = examples.made({"gate": ["AND", "XOR"], "learning_rate": examples.RATES}, status="diverged")
    figure = figures.final_loss(result)
    for axes, gate in zip(figure.axes, ["AND", "XOR"], strict=True):
        of_gate = result.runs[result.runs["gate"] == gate]
        heights = [patch.get_data().values - patch.get_data().baseline for patch in axes.patches]
        edges = axes.patches[0].get_data().edges
        filled = np.flatnonzero(np.sum(heights, axis=0))
        assert all(edges[bar] <= 0.0099 < edges[bar + 1] <= 0.01 for bar in filled)
        n_diverged = int((of_gate["status"] == "diverged").sum())
        assert np.sum(heights) * len(of_gate) == pytest.approx(len(of_gate) - n_diverged)
        assert [text.get_text() for text in axes.texts] == [f"{n_diverged} diverged"]
        least = [np.log(2)] if gate == "XOR" else []
        assert [line.get_xdata()[0] for line in axes.get_lines()] == pytest.approx([*least, np.log(2), 0.01])


@pytest.mark.parametrize(
    ("grid", "layout"),
    [
        (WIDTHS, Layout("hidden", ("activation", "init"), "learning_rate")),
        ({"gate": ["AND", "OR"], "learning_rate": [1.0, 2.0]}, Layout("learning_rate", (), "gate")),
        ({"hidden": [1, 2, 3], "learning_rate": [1.0, 2.0, 3.0]}, Layout("learning_rate", (), "hidden")),
        ({"shortcut": [False, True], "hidden": [1, 2, 3]}, Layout("hidden", (), "shortcut")),
        ({"gate": ["AND", "OR"], "shortcut": [False, True]}, Layout(None, ("gate",), "shortcut")),
        ({"gate": SIXTEEN, "init": examples.STARTS}, Layout(None, ("gate",), "init")),
    ],
)
def test_the_longest_numeric_axis_runs_along_the_figure(grid: dict[str, list[object]], layout: Layout) -> None:
    assert choose_layout(examples.made(grid, n_seeds=1).settings) == layout


def test_an_axis_that_differs_between_grids_has_panels_of_its_own_values_only() -> None:
    assert choose_layout(TWO_GRIDS.settings) == Layout("init_scale", ("update", "learning_rate"), "momentum")
    figure = figures.success_rate(TWO_GRIDS)
    titles = [plain(axes.get_title(loc="left")) for axes in figure.axes]
    assert titles == ["batch, η = 2", "batch, η = 4", "online, η = 0.5", "online, η = 1"]
    assert all(len(axes.get_lines()) == 3 for axes in figure.axes)
    assert [plain(text) for text in texts(figure)[-3:]] == ["momentum = 0", "momentum = 0.5", "momentum = 0.9"]
    (axes, *_) = figure.axes
    rows = TWO_GRIDS.summary.query("learning_rate == 2 and momentum == 0")
    assert axes.get_lines()[0].get_ydata().tolist() == rows["converged_rate"].tolist()


def test_an_axis_that_follows_from_another_has_no_part() -> None:
    wider = [
        examples.made({"gate": [gate], "hidden": [width], "learning_rate": [1.0, 2.0], "init_scale": [0.5, 1.0]}, 1)
        for gate, width in (("parity-2", 4), ("parity-3", 6), ("parity-4", 8), ("parity-5", 10))
    ]
    assert choose_layout(examples.union(*wider).settings) == Layout("learning_rate", ("gate",), "init_scale")
    narrow = [
        examples.made({"gate": [gate], "hidden": [width], "learning_rate": [1.0, 2.0]}, 1)
        for gate, width in (("parity-2", 4), ("parity-3", 6))
    ]
    assert choose_layout(examples.union(*narrow).settings) == Layout("learning_rate", ("gate",))
    other_models = [
        examples.made(
            {"hidden": widths, "update": ["batch", "online"], "learning_rate": rates, "shortcut": [shortcut]}, 1
        )
        for widths, rates, shortcut in (([2, 4, 8, 16, 32], [0.1, 0.5], False), ([1], [0.25, 1.0], True))
    ]
    assert choose_layout(examples.union(*other_models).settings) == Layout("hidden", ("update",), "learning_rate")


def test_losses_without_end_have_a_bin_of_their_own() -> None:
    result = examples.made({"gate": ["XOR"], "loss": ["mse"]}, n_seeds=1000)
    result.runs["final_loss"] = np.geomspace(1e-12, 1e308, 1000)
    (axes,) = figures.final_loss(result).axes
    axis = axes.xaxis
    names = dict(zip(axis.get_major_formatter().seq, axis.get_majorticklocs(), strict=True))
    assert names["higher"] == axes.get_xlim()[1] < 1e4
    assert names["lower"] == axes.get_xlim()[0]
    (heights,) = (patch.get_data().values for patch in axes.patches)
    assert heights[-1] > 0.9
    assert heights.sum() == pytest.approx(1)


def test_squares_have_their_own_label_and_mark() -> None:
    figure = figures.final_loss(TWO_GRIDS)
    assert "final loss (mean squared error)" in texts(figure)
    assert "0.25: answers ½ to every input" in texts(figure)
    assert figure.axes[0].get_lines()[0].get_xdata()[0] == 0.25
    own = examples.made({"gate": ["mine"], "loss": ["mse"]})
    own = examples.with_table(own, "mine", [[0, 3.0], [1, 5.0]])
    assert not any("½" in text for text in texts(figures.final_loss(own)))
    both = figures.final_loss(examples.made({"gate": ["AND"], "loss": ["bce", "mse"]}))
    assert "final loss (nats or mean squared error)" in texts(both)


def test_learning_curves_keep_the_final_loss_of_runs_that_stopped() -> None:
    result = examples.made({"gate": ["AND"], "learning_rate": [1.0]}, n_seeds=5, record_every=10)
    (axes,) = figures.learning_curves(result).axes
    *singles, median = axes.get_lines()
    assert len(singles) == curves.N_SINGLE_CURVES
    at_epoch = dict(zip(median.get_xdata(), median.get_ydata(), strict=True))
    assert at_epoch[0] == 1
    assert at_epoch[50] == pytest.approx(np.median([1 - 0.9901 * min(50 / (20 * (1 + seed)), 1) for seed in range(5)]))
    assert at_epoch[100] == 0.0099 or median.get_ydata()[-1] == 0.0099


def test_learning_curves_hold_a_number_in_the_middle_and_name_the_median_of_a_single_line() -> None:
    grid = {"gate": ["AND", "OR"], "hidden": [1, 2, 3], "learning_rate": [0.1, 0.5, 1.0, 2.0]}
    said = texts(figures.learning_curves(examples.made(grid, 2, record_every=100)))
    assert plain(said[0]).endswith("; hidden units = 2")
    said = texts(figures.learning_curves(examples.made({"gate": ["AND"]}, record_every=100)))
    assert {"median", "single runs"} <= set(said)


def test_learning_curves_without_records_are_refused() -> None:
    with pytest.raises(ValueError, match="record_every"):
        figures.learning_curves(CASES["only rates"])


def test_axes_without_room_are_counted_together_and_without_an_interval() -> None:
    result = CASES["five axes"]
    layout = choose_layout(result.settings)
    assert layout == Layout("learning_rate", ("gate", "encoding"), "init_scale", ("init",))
    table = points(result, layout)
    assert table["n"].sum() == len(result.runs)
    assert table["converged_low"].isna().all()
    runs = result.runs.query("gate == 'AND' and encoding == 'pm1' and init_scale == 0.5 and learning_rate == 10")
    (point,) = table.query("panel == 'AND, pm1' and line == '0.5' and x == 10").itertuples()
    assert (point.n, point.n_converged) == (len(runs), runs["converged_epoch"].notna().sum())
    assert point.epochs_q50 == runs["converged_epoch"].sort_values().iloc[len(runs) // 2 - 1]


def test_too_many_gates_are_counted_by_their_number_of_inputs() -> None:
    gates = [f"{table:08b}" for table in range(256)] + [f"{table:016b}" for table in range(0, 65536, 512)]
    result = examples.made({"gate": gates}, 1, lambda setting, seed: 9 if setting["gate"].startswith("00") else None)
    figure = figures.success_rate(result)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["3 inputs", "4 inputs"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["64 of 256", "32 of 128"]


def test_files_are_the_same_bytes_every_time_and_from_any_thread(tmp_path: Path) -> None:
    result = CASES["curves of all settings"]

    def save_all(directory: Path) -> dict[str, bytes]:
        directory.mkdir()
        for name, draw in figures.figures_for(result).items():
            save(draw(result), directory / name)
        return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}

    with ThreadPoolExecutor(3) as pool:
        first, *others = pool.map(save_all, [tmp_path / "first", tmp_path / "second", tmp_path / "third"])
    assert len(first) == 12
    assert all(other == first for other in others)
    assert b"<dc:date>" not in first["success_rate.svg"]


def test_only_one_thread_at_a_time_draws() -> None:
    drawing: list[int] = []
    together: list[int] = []

    @styled
    def draw(number: int) -> None:
        drawing.append(number)
        threading.Event().wait(0.01)
        together.append(len(drawing))
        drawing.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(draw, range(4)))
    assert together == [1, 1, 1, 1]


def test_the_users_matplotlib_settings_are_left_alone_and_make_no_difference(tmp_path: Path) -> None:
    result = CASES["only rates"]
    plain = save(figures.success_rate(result), tmp_path / "plain")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9, "svg.hashsalt": None}):
        before = dict(mpl.rcParams)
        loud = save(figures.success_rate(result), tmp_path / "loud")
        assert dict(mpl.rcParams) == before
    assert [path.read_bytes() for path in plain] == [path.read_bytes() for path in loud]


def test_single_points_of_categories_show_their_interval() -> None:
    result = CASES["only gates"]
    (axes,) = figures.success_rate(result).axes
    summary = result.summary.set_index(pd.Index(SIXTEEN))
    rows = [label.get_text() for label in axes.get_yticklabels()]
    for name, interval in zip(rows, axes.collections, strict=True):
        (ends,) = interval.get_segments()
        assert ends[:, 0].tolist() == summary.loc[name, ["converged_low", "converged_high"]].tolist()


def test_learning_rates_as_far_apart_as_numbers_go() -> None:
    rates = [1e-150, 1e-10, 1.0, 1e10, 1e200]
    result = examples.made({"gate": ["AND"], "learning_rate": rates}, converged_epoch=lambda setting, seed: seed)
    (axes,) = figures.success_rate(result).axes
    assert axes.get_xscale() == "log" and axes.get_xlim() == (1e-150, 1e200)


def test_saving_leaves_the_figure_as_it_is(tmp_path: Path) -> None:
    drawing = Drawing((4, 3))
    picture = np.random.default_rng(1).integers(0, 256, (1500, 1700, 3), np.uint8)
    drawing.add_axes((0.2, 0.2, 0.7, 0.7)).imshow(picture, aspect="auto", origin="lower", label=CELLS)
    shown = drawing._repr_png_()
    first = {path.name: path.read_bytes() for path in save(drawing, tmp_path / "picture")}
    assert first.keys() == {"picture.svg", "picture.png", "picture_full.png"}
    assert {path.name: path.read_bytes() for path in save(drawing, tmp_path / "picture")} == first
    assert drawing._repr_png_() == shown


@pytest.mark.parametrize("widths", [[1, 2, 4, 8], [1, 2, 4, 8, 16, 32, 64], [0, 2, 8], [3, 5, 200]], ids=str)
def test_ticks_of_few_values_are_values(widths: list[int]) -> None:
    figure = figures.success_rate(examples.made({"gate": ["XOR", "AND"], "hidden": widths}))
    ticks = figure.axes[0].xaxis.get_majorticklocs().tolist()
    assert set(ticks) <= set(widths)
    assert len(ticks) > 1


def test_of_lines_that_coincide_each_is_seen() -> None:
    figure = figures.success_rate(
        examples.made({"gate": ["AND", "OR"], "learning_rate": [1.0, 2.0], "hidden": [1, 2, 3]})
    )
    for axes in figure.axes:
        widths = [line.get_linewidth() for line in axes.get_lines()]
        assert len(set(widths)) == len(widths) > 1
        assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(
    ("limits", "names"),
    [
        ((5, 20_000), ["10", "100", "1000", "10⁴"]),
        ((432, 1660), ["500", "1,000"]),
        ((15, 900), ["20", "100", "500"]),
        ((0.6, 0.8), ["0.6", "0.7", "0.8"]),
        ((2e-5, 7e-5), ["2·10⁻⁵", "5·10⁻⁵"]),
        ((123_456, 130_000), ["1.25·10⁵", "1.3·10⁵"]),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_round(limits: tuple[float, float], names: list[str]) -> None:
    found = log_ticks(limits, 4)
    assert list(found.values()) == names
    assert all(limits[0] <= value <= limits[1] for value in found)
