"""Decision surfaces: which runs are chosen, and that what is drawn is what they answer."""

from pathlib import Path
from typing import Any

import example_results as examples
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

import sweep
from sweep import decisions
from sweep.analysis import representatives as surfaces
from sweep.analysis.findings import Findings
from sweep.analysis.representatives import Choice, Course, Model, logits, outputs
from sweep.answer.captions import described
from sweep.commands import replay as replaying
from sweep.engine.retraining import train_again
from sweep.plots.decision_surfaces import decision_surfaces
from sweep.plots.drawing.style import save
from sweep.words import counted, of_group

TRAIN = {"max_epochs": 300, "target_loss": 0.05}
POINTS = {"rows": [[0.3, -2, 1], [1.5, 4, 0], [0, 0.5, 0.25]]}


def run(train: dict[str, Any] | None = None, tables: dict[str, Any] | None = None, **grid: Any) -> sweep.Result:
    grid = {"gate": "XOR", "learning_rate": 3, **grid}
    return sweep.run({"grid": grid, "train": {**TRAIN, **(train or {})}, "tables": tables or {}})


GATES = run(gate=["XOR", "AND", "TRUE", "OR", "majority-3"], learning_rate=[0.01, 1, 30], seeds=4)
WIDTHS = run(hidden=[0, 1, 2, 4], learning_rate=[1, 5], seeds=6)


def choices(result: sweep.Result, max_rows: int = surfaces.MAX_ROWS) -> list[Choice]:
    return surfaces.representatives(result, max_rows).chosen


def row_of(choice: Choice) -> str:
    return of_group(*choice.group) if choice.group else ""


def caption(result: sweep.Result) -> str:
    return described(Findings(result), "decision_surfaces", []).caption


def for_report(result: sweep.Result) -> list[Model]:
    return decisions.for_report(result.experiment, choices(result))


def drawn(result: sweep.Result) -> tuple[Figure, list[Choice]]:
    chosen = choices(result)
    return decision_surfaces(Findings(result), chosen, decisions.models_of(result.experiment, chosen)), chosen


def pictures(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in figure.axes[:-1] for image in axes.get_images()]


def texts(figure: Figure) -> str:
    return "\n".join([axes.get_title("left") for axes in figure.axes] + [text.get_text() for text in figure.texts])


# ---- which runs --------------------------------------------------------------------------------------------


def in_order(result: sweep.Result, gate: str) -> list[tuple[float, float, int]]:
    """Runs of a gate by epoch of convergence, final loss and number."""
    runs = result.runs[result.runs["gate"] == gate]
    epochs = runs["converged_epoch"].where(runs["status"] == "converged").to_numpy(float, na_value=np.inf)
    return sorted(zip(epochs, runs["final_loss"], runs["run"], strict=True))


@pytest.mark.parametrize("gate", ["AND", "TRUE", "OR"])
def test_the_fastest_the_median_and_a_failed_run(gate: str) -> None:
    order = in_order(GATES, gate)
    failed = [run for epochs, _, run in order if np.isinf(epochs)]
    wanted = {"Fastest": order[0][2], "Median": order[(len(order) - 1) // 2][2]}
    if failed:
        wanted["Failed"] = failed[(len(failed) - 1) // 2]
    chosen = choices(GATES, max_rows=9)
    assert {one.role: one.run for one in chosen if row_of(one).startswith(f"{gate}: ")} == wanted


def test_a_run_that_diverged_after_it_had_converged_has_failed() -> None:
    result = run(gate="AND", learning_rate=[1, 30], seeds=4)
    fastest, *_ = choices(result)
    result.runs.loc[fastest.run, "status"] = "diverged"
    result.runs.loc[fastest.run, "final_loss"] = np.inf
    again, *_ = choices(result)
    assert fastest.role == again.role == "Fastest"
    assert again.run != fastest.run


def test_where_none_converged_losses_decide() -> None:
    order = in_order(GATES, "XOR")
    worst = max((loss, -run) for _, loss, run in order)
    of_xor = [one for one in choices(GATES) if row_of(one) == "XOR: 0 of 12 runs converged"]
    assert {one.role: one.run for one in of_xor} == {
        "Lowest loss": order[0][2],
        "Median loss": order[5][2],
        "Highest finite loss": -worst[1],
    }


def test_of_many_gates_those_of_textbooks_come_from_the_most_learned_on() -> None:
    shares = GATES.runs.assign(done=GATES.runs["status"] == "converged").groupby("gate", observed=True)["done"].mean()
    two_inputs = ["XOR", "AND", "TRUE", "OR"]
    ranked = sorted(two_inputs, key=lambda gate: -shares[gate])
    rows = list(dict.fromkeys(row_of(one).partition(":")[0] for one in choices(GATES)))
    assert rows == [gate for gate in ranked if gate != "TRUE"]
    assert list(dict.fromkeys(row_of(one).partition(":")[0] for one in choices(GATES, max_rows=4))) == ranked
    assert "Of 4 gates, 3 are shown" in caption(GATES)


def test_of_one_gate_the_numbers_of_hidden_units_have_rows() -> None:
    rows = [row.replace("\xa0", " ") for row in dict.fromkeys(map(row_of, choices(WIDTHS)))]
    assert [row.partition(":")[0] for row in rows] == ["hidden units = 4", "hidden units = 2", "hidden units = 1"]
    assert rows[-1] == "hidden units = 1: 0 of 12 runs converged"
    assert "Of 4 numbers of hidden units" in caption(WIDTHS)


def test_what_is_stored_goes_with_the_choice() -> None:
    runs = GATES.runs.set_index("run")
    for one in choices(GATES):
        row = runs.loc[one.run]
        assert (one.stored["status"], one.stored["epochs"]) == (row["status"], row["epochs"])
        assert one.stored["final_loss"] == row["final_loss"]


@pytest.mark.parametrize("n", [2, 3, 7, 20])
def test_the_nth_run_without_sorting(n: int) -> None:
    rng = np.random.default_rng(n)
    epochs = rng.choice([3.0, 5.0, np.inf], n)
    loss = rng.choice([0.1, 0.2, np.inf], n)
    order = sorted(range(n), key=lambda at: (epochs[at], loss[at], at))
    assert [surfaces._nth(epochs, loss, np.ones(n, bool), k) for k in range(n)] == order


def test_a_single_run_is_named_so() -> None:
    (one,) = choices(run(gate="AND"))
    assert (one.role, one.run) == ("The one run", 0)
    first, *_ = choices(run(gate="AND", seeds=2))
    assert first.role == "Fastest and median"


@pytest.mark.parametrize(
    "result",
    [
        run(gate=["majority-3", "NOT"]),
        run(gate="points", tables={"points": {"rows": [[1, 2, 3, 1], [1, 0, 0, 0]]}}),
        run(gate="points", loss="mse", output="linear", tables={"points": {"rows": [[1, 2, 5], [1, 0, 0]]}}),
        examples.made({"hidden": [0, 1]}),
    ],
    ids=["other numbers of inputs", "three inputs of one's own", "targets beyond 1", "no gate"],
)
def test_where_there_is_no_plane_there_is_no_figure(result: sweep.Result) -> None:
    assert choices(result) == []
    assert for_report(result) == []


def test_an_empty_result_has_none() -> None:
    assert choices(examples.with_runs(GATES, GATES.runs.iloc[:0], GATES.summary.iloc[:0])) == []


# ---- what is drawn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grid",
    [
        {"gate": "OR", "encoding": "pm1"},
        {"hidden": 3},
        {"hidden": 2, "activation": "tanh", "shortcut": True},
        {"hidden": 2, "activation": "relu", "loss": "mse", "output": "linear", "learning_rate": 0.05},
        {"gate": "points", "hidden": 1},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:gate .* no outputs have a loss")
def test_answers_are_those_of_the_kernels_own_arithmetic(grid: dict[str, Any]) -> None:
    result = run(tables={"points": POINTS}, **grid)
    setting, table, again = train_again(result.experiment, 0)
    model = Model(setting, table, again.plan, again.final[0], True)
    answers = outputs(model, logits(model, table.inputs))
    np.testing.assert_allclose(answers, replaying.replay(result, 0).outputs["output"], rtol=1e-12, atol=1e-15)


def test_the_picture_is_orange_and_blue_where_the_model_answers_0_and_1() -> None:
    figure, chosen = drawn(run(gate="A", learning_rate=30, seeds=3))
    first = pictures(figure)[0].astype(int)
    n = len(first)
    left, right = first[:, n // 4], first[:, 3 * n // 4]
    assert (left[:, 0] > left[:, 2] + 30).all()
    assert (right[:, 2] > right[:, 0] + 30).all()
    (image,) = [image for image in figure.axes[0].get_images() if isinstance(image, AxesImage)]
    assert list(image.get_extent()) == pytest.approx([-0.4, 1.4, -0.4, 1.4])
    assert image.origin == "lower"
    assert chosen[0].role == "Fastest"


def test_the_line_is_where_the_output_is_a_half() -> None:
    result = run(gate="AND", learning_rate=10, seeds=1)
    figure, _ = drawn(result)
    w1, w2, b = replaying.replay(result, 0).final_weights
    (contour,) = [one for one in figure.axes[0].collections if len(one.get_paths())]
    x1, x2 = contour.get_paths()[0].vertices.T
    np.testing.assert_allclose(w1 * x1 + w2 * x2 + b, 0, atol=1e-6)


@pytest.mark.parametrize(("gate", "side"), [("FALSE", "below"), ("TRUE", "above")])
def test_of_one_side_everywhere_it_is_said(gate: str, side: str) -> None:
    figure, _ = drawn(run(gate=gate, learning_rate=1, train={"max_epochs": 1000}))
    assert f"{side} ½\neverywhere" in [text.get_text() for text in figure.axes[0].texts]
    figure, _ = drawn(run(gate="AND", learning_rate=10))
    assert not any("everywhere" in text.get_text() for text in figure.axes[0].texts)


def test_of_a_half_everywhere_no_line_is_drawn_but_it_is_said() -> None:
    figure, _ = drawn(run(gate="XOR", learning_rate=1, train={"max_epochs": 10_000}))
    assert replaying.replay(run(gate="XOR", learning_rate=1, train={"max_epochs": 10_000}), 0).final_weights.any()
    assert [one for one in figure.axes[0].collections if len(one.get_paths())] == []
    assert "about ½\neverywhere" in [text.get_text() for text in figure.axes[0].texts]


def test_no_words_lie_on_a_line() -> None:
    start = {"init": "given", "weights": [0.001, 0.001, -0.001], "learning_rate": 1e-9}
    figure, _ = drawn(run(gate="AND", train={"max_epochs": 1}, **start))
    axes = figure.axes[0]
    assert axes.get_images()[0].get_array().min() >= 254  # white, of about ½
    assert [one for one in axes.collections if len(one.get_paths())] != []
    assert not any("everywhere" in text.get_text() for text in axes.texts)


def test_a_panel_does_not_round_a_rate_that_has_few_digits() -> None:
    figure, _ = drawn(run(gate="XOR", encoding="pm1", learning_rate=[7.999, 8.001], train={"max_epochs": 100}))
    said = texts(figure).replace("\xa0", " ")
    assert "η = 7.999" in said
    assert "η = 8," not in said


def test_a_row_of_the_only_gate_names_it() -> None:
    assert {row_of(one) for one in choices(run(gate="XOR", learning_rate=1))} == {"XOR: 0 of 1 runs converged"}


def test_each_panel_says_which_run_it_is() -> None:
    figure, chosen = drawn(WIDTHS)
    said = texts(figure).replace("\xa0", " ")
    for one in chosen:
        assert f"{one.role}: run {one.run:,}\n" in said
    assert "η = 5, seed " in said
    assert "not converged after 300 epochs\nloss 0.6" in said
    assert len(figure.axes) == len(chosen) + 1


def test_points_show_their_targets_in_either_encoding() -> None:
    figure, _ = drawn(run(gate="XOR", encoding="pm1"))
    at = {text.get_position(): text.get_text() for text in figure.axes[0].texts if text.get_text() in "01"}
    assert at == {(-1, -1): "0", (-1, 1): "1", (1, -1): "1", (1, 1): "0"}


def test_a_run_that_diverged_and_one_that_is_not_the_same_are_not_drawn() -> None:
    figure, chosen = drawn(run(hidden=2, activation="relu", output="linear", loss="mse", learning_rate=1e300, seeds=1))
    assert chosen[0].stored["status"] == "diverged"
    assert pictures(figure) == []
    assert "no finite output" in [text.get_text() for text in figure.axes[0].texts]

    result = run(gate="OR")
    result.runs.loc[0, "final_loss"] = np.nextafter(result.runs["final_loss"][0], 1)
    figure, _ = drawn(result)
    assert pictures(figure) == []
    assert any("came out otherwise" in text.get_text() for text in figure.axes[0].texts)


def test_weights_may_be_as_large_as_numbers_are() -> None:
    figure, chosen = drawn(run(gate="OR", learning_rate=1, init="normal(0, 1e307)", seeds=4))
    assert len(pictures(figure)) == len(chosen) > 1
    FigureCanvasAgg(figure).draw()


def test_what_takes_long_is_left_out_of_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    work = sum(one.stored["epochs"] for one in choices(WIDTHS)) * 4 * 5
    monkeypatch.setattr(decisions, "MAX_WORK", work)
    assert for_report(WIDTHS)
    monkeypatch.setattr(decisions, "MAX_WORK", work - 1)
    assert for_report(WIDTHS) == []


def test_the_report_shows_it_and_lists_its_files(tmp_path: Path) -> None:
    experiment = {"grid": {"gate": ["AND", "XOR"], "learning_rate": [1, 30], "seeds": 3}, "train": TRAIN}
    for name in ("one", "two"):
        result = sweep.run(experiment, tmp_path / name)
        assert {"figures/decision_surfaces.svg", "figures/decision_surfaces.png"} < result.manifest["files"].keys()
    page = (tmp_path / "one" / "report.html").read_text()
    assert 'id="decision_surfaces"' in page
    assert "XOR: 0 of 6 runs converged; lowest loss run " in page
    for file in ("report.html", "figures/decision_surfaces.svg", "figures/decision_surfaces.png"):
        if file != "report.html":  # which says how long it took
            assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert sweep.verify(tmp_path / "one")[1] == []


def test_numbers_of_hidden_units_that_only_other_tables_have_are_not_counted() -> None:
    grids = [
        {"gate": "XOR", "hidden": 2, "learning_rate": 1, "seeds": 4},
        {"gate": "parity-3", "hidden": 3, "learning_rate": 1, "seeds": 4},
    ]
    result = sweep.run({"grid": grids, "train": {"max_epochs": 5}})
    assert " are shown" not in caption(result)


# ---- in the course of training -----------------------------------------------------------------------------


def followed(result: sweep.Result) -> list[Course]:
    return decisions.courses_of(result.experiment, surfaces.representatives(result).followed)


def test_a_group_with_a_failed_run_is_followed_rather_than_one_without() -> None:
    grid = {"gate": ["AND", "XOR"], "hidden": 2, "learning_rate": 3, "init": "uniform(-3, 3)", "seeds": 12}
    result = sweep.run({"grid": grid, "train": {"max_epochs": 1000, "target_loss": 0.05}})
    shares = (result.summary["n_converged"] / result.summary["n"]).tolist()
    assert shares[0] == 1 > shares[1] > 0
    found = surfaces.representatives(result).followed
    assert [choice.role for choice in found] == ["Fastest", "Median", "Failed"]
    assert {str(choice.group.name) for choice in found if choice.group} == {"XOR"}


def test_followed_are_runs_of_a_group_that_converged_and_failed() -> None:
    chosen = surfaces.representatives(WIDTHS).followed
    assert {row_of(one).replace("\xa0", " ").partition(":")[0] for one in chosen} == {"hidden units = 2"}
    assert [one.role for one in chosen] == ["Fastest", "Median", "Failed"]
    assert {row_of(one) for one in surfaces.representatives(run(seeds=3)).followed} == {"XOR: 0 of 3 runs converged"}


@pytest.mark.parametrize(
    ("epochs", "shown"),
    [(0, [0]), (1, [0, 1]), (10, [0, 10]), (11, [0, 10, 11]), (2500, [0, 10, 100, 1000, 2500])],
)
def test_epochs_of_interest_are_the_first_the_last_and_powers_of_ten(epochs: int, shown: list[int]) -> None:
    assert surfaces.epochs_of_interest(epochs) == shown


def test_models_on_the_way_are_those_of_a_run_that_is_stopped_there() -> None:
    for course in followed(WIDTHS):
        assert course.epochs == surfaces.epochs_of_interest(course.choice.stored["epochs"])
        again = replaying.replay(WIDTHS, course.choice.run)
        assert (course.models[0].weights == again.initial_weights).all()
        assert (course.models[-1].weights == again.final_weights).all()
        _, table, _ = train_again(WIDTHS.experiment, course.choice.run)
        for epoch, model in zip(course.epochs[1:], course.models[1:], strict=True):
            z = logits(model, table.inputs)
            loss = np.mean(np.logaddexp(0, z) - table.targets * z)
            assert loss == pytest.approx(again.curve["loss"][epoch], rel=1e-9)


def test_each_row_of_the_training_figure_says_its_run_and_each_panel_its_epoch() -> None:
    figure = sweep.figures.training(WIDTHS)
    said = texts(figure).replace("\xa0", " ")
    courses = followed(WIDTHS)
    for course in courses:
        assert f"{course.choice.role}: run {course.choice.run:,}, " in said
    panels = [axes.get_title("left") for axes in figure.panels]
    assert panels == [counted(epoch, "epoch") for course in courses for epoch in course.epochs]
    assert sweep.figures.training(WIDTHS, runs=[3]).panels


@pytest.mark.parametrize("size", [None, (3.5, 2.6)])
def test_a_figure_of_any_size_is_written_without_a_picture_of_its_colours(
    size: tuple[float, float] | None, tmp_path: Path
) -> None:
    result = run(gate="AND", learning_rate=1, seeds={"from": 1, "count": 1})
    for name, figure in (
        ("surfaces", sweep.figures.decision_surfaces(result, runs=[0])),
        ("training", sweep.figures.training(result, runs=[0])),
    ):
        if size:
            figure.set_size_inches(*size)
        assert [path.name for path in save(figure, tmp_path / name)] == [f"{name}.svg", f"{name}.png"]
