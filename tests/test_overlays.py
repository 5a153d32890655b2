"""Theory drawn over what was measured: where it applies, where it is drawn, and what the sentences make of it."""

import math
from typing import Any

import example_results as examples
import numpy as np
import of_result as figures
import of_result as sentences
import pandas as pd
import pytest
from conftest import EXPERIMENTS
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import sweep
from experiments.replication.sections.cycles import line_table
from sweep.analysis.findings import Findings
from sweep.analysis.layout import choose_layout
from sweep.analysis.predictions import MAX_TABLES
from sweep.analysis.stability import SETTLED
from sweep.answer.along import RESOLVED
from sweep.answer.along import edge_sentences as of_edges
from sweep.answer.gates import separability as of_tables
from sweep.results.result import Result
from sweep.spec.gates import expand
from sweep.spec.theory import NotSeparable, Separable, predict
from sweep.spec.training_sets import boolean_table

CRITICAL = 4 * (7 - math.sqrt(33))
RATES = [float(rate) for rate in np.geomspace(0.01, 100, 9)]


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def along(gates: list[str], n_seeds: int = 3, **more: list[Any]) -> Result:
    return examples.made({"gate": gates, "learning_rate": RATES, **more}, n_seeds)


def covered(result: Result) -> pd.DataFrame:
    return Findings(result).covered


def separability(result: Result) -> list[str]:
    return of_tables(Findings(result))


def edge_sentences(result: Result, resolved: bool) -> list[str]:
    return of_edges(Findings(result), resolved)


def with_losses(result: Result, loss: dict[float, tuple[float, ...]]) -> Result:
    """The same runs, but for their final losses, by learning rate and seed."""
    rates, seeds = result.runs["learning_rate"].tolist(), result.runs["seed"].tolist()
    losses = np.array([loss[rate][seed] for rate, seed in zip(rates, seeds, strict=True)])
    n = len(set(seeds))
    ordered = np.sort(losses.reshape(-1, n), axis=1)
    ranks = {f"final_loss_q{q:02d}": ordered[:, -(-q * n // 100) - 1] for q in (5, 25, 50, 75, 95)}
    return examples.in_memory(
        result.runs.assign(final_loss=losses), result.summary.assign(**ranks), None, result.manifest, result.experiment
    )


# Where theory applies


@pytest.mark.parametrize(
    "other", [{"hidden": [1]}, {"loss": ["mse"]}, {"optimizer": ["adam"]}, {"update": ["online"]}], ids=str
)
def test_theory_is_silent_on_other_models(other: dict[str, list[Any]]) -> None:
    assert len(Findings(along(["AND", "XOR"])).covered) == 18
    result = along(["AND", "XOR"], **other)
    assert len(Findings(result).covered) == 0
    assert Findings(result).laws == {}
    assert Findings(result).edges == separability(result) == []
    assert "theory" not in plain(" ".join(sentences.answer(result)))


@pytest.mark.parametrize("key", ["hidden", "loss", "optimizer", "update"])
def test_keys_that_are_no_columns_are_looked_up_in_the_experiment(key: str) -> None:
    result = along(["AND"])
    value = {"hidden": 2, "loss": "mse", "optimizer": "adam", "update": "online"}[key]
    result = examples.with_values(result, **{key: value})
    assert len(Findings(result).covered) == 0


def test_of_a_mixed_experiment_theory_speaks_of_its_own_settings() -> None:
    result = along(["AND", "XOR"], hidden=[0, 1], encoding=["01", "pm1"])
    table = Findings(result).covered
    assert (result.summary["hidden"][table.index] == 0).all()
    assert len(table) == 2 * 2 * 9
    for gate, encoding, theory in table[["gate", "encoding", "theory"]].itertuples(index=False):
        expected = predict(boolean_table(gate, encoding))
        assert type(theory) is type(expected)
        if isinstance(expected, Separable):
            assert theory.margin == expected.margin


def test_own_tables_unknown_gates_and_too_many() -> None:
    result = examples.made({"gate": ["AND", "G1", "mine"], "learning_rate": RATES}, 1)
    result = examples.with_table(result, "mine", [[0, 0], [1, 1], [2, 0]])
    table = Findings(result).covered
    assert set(table["gate"]) == {"AND", "mine"}
    assert isinstance(table["theory"].iloc[-1], NotSeparable)
    gates = [f"{number:016b}" for number in range(MAX_TABLES + 1)]
    assert len(covered(examples.made({"gate": gates}, 1))) == 0


# Epochs


def test_the_predicted_epochs_are_drawn_up_to_where_the_loss_always_falls() -> None:
    figure = figures.epochs_to_converge(along(["AND", "OR", "A", "XOR"]))
    assert "theory: 1/(γ² η target)" in [text.get_text() for text in figure.legends[0].get_texts()]
    for axes, squared in zip(figure.axes, [17, 9, 5, None], strict=True):
        laws = [line for line in axes.get_lines() if line.get_linewidth() == 0.9]
        assert len(laws) == (squared is not None)
        for law in laws:
            rates, epochs = np.array(law.get_xdata()), np.array(law.get_ydata())
            assert (rates[0], rates[-1]) == pytest.approx((0.01, CRITICAL))
            np.testing.assert_allclose(epochs, squared / (rates * 0.01), rtol=1e-12)


def test_the_range_of_the_law_is_that_of_its_encoding() -> None:
    result = along(["AND", "OR"], encoding=["01", "pm1"])
    laws = Findings(result).laws
    assert sorted(len(of_panel) for of_panel in laws.values()) == [2, 2]
    assert {round(float(law.learning_rate[-1]), 6) for of_panel in laws.values() for law in of_panel} == {
        round(CRITICAL, 6),
        8.0,
    }


@pytest.mark.parametrize("train", [{"target_loss": 0.2}, {"target_loss": None}, {"target_error": 0.1}], ids=str)
def test_without_a_small_target_of_the_loss_there_is_no_law(train: dict[str, float]) -> None:
    result = along(["AND"])
    result = examples.with_train(result, **train)
    assert Findings(result).laws == {}
    assert "theory" not in sentences.descriptions(result, [])["epochs_to_converge"].caption


def test_without_learning_rates_along_the_figure_there_is_no_law() -> None:
    result = examples.made({"gate": ["AND"], "init_scale": [0.5, 1.0, 2.0], "learning_rate": [0.1, 1.0]})
    assert choose_layout(result.settings).x == "init_scale"
    assert Findings(result).laws == {}


def test_the_caption_sets_measured_medians_beside_the_predicted_ones() -> None:
    """At 20/η and 40/η and 60/η epochs, the second the median; predicted are 17/(0.01 η); later than 1,000 is 1,000."""
    result = along(["AND"])
    ratios = [
        min(int(40 / rate), 1000) / (1700 / rate)
        for rate in RATES
        if rate <= CRITICAL and (int(40 / rate) <= 1000 or 1700 / rate < 1000)
    ]
    np.testing.assert_allclose(Findings(result).law_ratios, ratios)
    caption = sentences.descriptions(result, [])["epochs_to_converge"].caption
    assert f"the measured medians are {min(ratios):.2f} to {max(ratios):.2f} times the predicted ones" in caption


def test_the_law_holds_of_real_runs() -> None:
    grid = {"gate": ["AND", "NOR"], "learning_rate": [0.1, 0.3, 1, 3], "init": "normal(0, 1)", "seeds": 10}
    result = sweep.run({"grid": grid, "train": {"target_loss": 0.001, "max_epochs": 200_000}})
    ratios = Findings(result).law_ratios
    assert len(ratios) == 8
    np.testing.assert_allclose(ratios, 1, atol=0.01)


# Least losses


def test_the_least_loss_is_marked_where_the_table_is_not_separable() -> None:
    half = "01101111"
    figure = figures.final_loss(along(["AND", "XOR", half]))
    marks = [[line.get_xdata()[0] for line in axes.get_lines() if line.get_linewidth() == 4] for axes in figure.axes]
    assert marks[0] == []
    assert marks[1] == pytest.approx([math.log(2)])
    assert marks[2] == pytest.approx([math.log(2) / 2])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "least loss of any weights: not separable" in labels
    assert "ln 2: answers ½ to every input" in labels


def test_networks_keep_the_mark_of_answering_one_half_and_have_no_least_loss() -> None:
    figure = figures.final_loss(along(["AND", "XOR"], hidden=[2]))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "ln 2: answers ½ to every input" in labels
    assert not any("least" in label for label in labels)


# The edge of stability


@pytest.fixture(scope="module")
def across() -> Result:
    """XOR over its critical rate, every fourth learning rate of the committed experiment, and fewer epochs."""
    grids = [
        {"gate": "XOR", "encoding": encoding, "learning_rate": {"from": first, "to": last, "num": num}, "seeds": 2}
        for encoding, first, last, num in (("01", 4.771, 5.271, 64), ("pm1", 7.601, 8.399, 100))
    ]
    train = {"max_epochs": 30_000, "target_loss": 0.693147181, "early_stop": False}
    return sweep.run({"grid": [{**grid, "init": "normal(0, 1)"} for grid in grids], "train": train})


def test_the_edge_that_runs_show_is_the_predicted_one(across: Result) -> None:
    found = {edge.encoding: edge for edge in Findings(across).edges}
    for encoding, predicted in (("01", CRITICAL), ("pm1", 8.0)):
        edge = found[encoding]
        assert edge.theory.critical_learning_rate == pytest.approx(predicted)
        assert edge.settled is not None
        assert edge.unsettled is not None
        assert edge.settled < predicted < edge.unsettled
        assert edge.half_width is not None and edge.half_width < 0.001


def test_the_answer_states_between_which_rates_the_edges_lie(across: Result) -> None:
    said = [plain(sentence) for sentence in sentences.answer(across)]
    for sentence, encoding, table in zip(said, ("01", "pm1"), ("inputs 0 and 1", "inputs −1 and +1"), strict=False):
        (edge,) = (edge for edge in Findings(across).edges if edge.encoding == encoding)
        assert edge.settled and edge.unsettled
        assert sentence == (
            f"XOR with {table}: every run settled at the least loss, ln 2 ≈ 0.693 nats, at learning rates up to "
            f"{edge.settled:.6g}, and none did from {edge.unsettled:.6g} on; theory predicts the edge of stability at "
            f"η = 2/λ = {edge.theory.critical_learning_rate:.6g}, between the two."
        )
    assert "within 0.000001 nats" in sentences.failures(across)


def test_of_one_gate_that_is_not_separable_the_edge_comes_first(across: Result) -> None:
    assert next(iter(figures.figures_for(across))) == "stability"


def spans(axes: Axes) -> list[Rectangle]:
    """The measured edge, which is a rectangle; bands of losses are polygons."""
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_the_figure_has_both_edges_and_every_loss(across: Result) -> None:
    figure = figures.stability(across)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["01", "pm1"]
    for axes, edge in zip(figure.axes, Findings(across).edges, strict=True):
        rows = across.summary[across.summary["encoding"] == edge.encoding]
        median, least, predicted = axes.get_lines()
        np.testing.assert_array_equal(median.get_xdata(), rows["learning_rate"])
        np.testing.assert_array_equal(median.get_ydata(), rows["final_loss_q50"])
        assert least.get_ydata()[0] == pytest.approx(math.log(2))
        assert predicted.get_xdata()[0] == edge.theory.critical_learning_rate
        (span,) = spans(axes)
        assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((edge.settled, edge.unsettled))
        low, high = axes.get_ylim()
        assert low < rows["final_loss_q05"].min() < rows["final_loss_q95"].max() < high


def test_the_committed_experiment_resolves_the_edge_and_stays_near_it() -> None:
    """So that its report states the relative difference."""
    from sweep.spec.experiment import load

    for grid, predicted in zip(load(EXPERIMENTS / "critical_learning_rate.toml").grids, (CRITICAL, 8.0), strict=True):
        rates = np.array(grid.values["learning_rate"])
        below, above = rates[rates < predicted].max(), rates[rates > predicted].min()
        assert (above - below) / 2 / predicted < RESOLVED / 10


def test_a_rate_at_which_one_run_does_not_settle_is_not_below_the_edge() -> None:
    at, off = math.log(2) + SETTLED / 2, math.log(2) + 2 * SETTLED
    losses = dict.fromkeys(RATES[:4], (at, at, at)) | {RATES[4]: (at, off, at)} | dict.fromkeys(RATES[5:], (off,) * 3)
    losses[RATES[0]] = (off, off, off)
    (edge,) = Findings(with_losses(along(["XOR"]), losses)).edges
    assert (edge.settled, edge.unsettled) == (RATES[3], RATES[5])
    between, cycles = map(plain, edge_sentences((with_losses(along(["XOR"]), losses)), resolved=False))
    assert f"up to {RATES[3]:.6g}, and none did from {RATES[5]:.6g} on; theory" in between
    assert "of the 12 runs on XOR, none ended in one" in cycles


def test_a_run_that_stands_still_is_in_no_cycle() -> None:
    """Weights that come back every epoch do not move; those of a cycle come back after two or more."""
    result = with_losses(along(["XOR"]), {rate: (math.log(2) if rate < 5 else 0.8,) * 3 for rate in RATES})
    period = (1 + result.runs["seed"]).where(result.runs["learning_rate"] > 5).astype("Int64")
    runs = result.runs.assign(period=period)
    (edge,) = Findings(examples.with_runs(result, runs, result.summary)).edges
    assert (edge.n_beyond, edge.n_cycles) == (9, 6)


def test_runs_that_never_settle_or_always_do_show_no_edge() -> None:
    for loss in (math.log(2), 0.8):
        result = with_losses(along(["XOR"]), dict.fromkeys(RATES, (loss,) * 3))
        (edge,) = Findings(result).edges
        assert edge.half_width is None and not edge.measured
        assert edge_sentences((result), resolved=True) == []
        assert edge_sentences((result), resolved=False)[0].endswith("the runs show none.")
        assert not spans(figures.stability(result).axes[0])


def test_a_target_above_the_least_loss_hides_the_edge() -> None:
    """Runs stop on their way; with early_stop = false they do not."""
    result = along(["XOR"])
    result = examples.with_train(result, target_loss=0.7)
    assert Findings(result).edges == []
    result = examples.with_train(result, early_stop=False)
    assert len(Findings(result).edges) == 1


@pytest.mark.parametrize("rates", [[0.1, 1.0, 4.0], [6.0, 7.0, 8.0]])
def test_learning_rates_on_one_side_show_no_edge(rates: list[float]) -> None:
    result = examples.made({"gate": ["XOR"], "learning_rate": rates})
    assert not Findings(result).edge_layout
    with pytest.raises(ValueError, match="both sides"):
        figures.stability(result)


def test_tables_that_share_a_panel_have_no_edge_to_draw() -> None:
    """One vertical line would be that of one table among many."""
    many = examples.made({"gate": [f"{n:08b}" for n in range(256)], "learning_rate": [1.0, 10.0]}, 1, examples.never)
    assert len(Findings(many).edges) > 100
    assert not Findings(many).edge_layout and "stability" not in figures.figures_for(many)
    with pytest.raises(ValueError, match="too many to tell apart"):
        figures.stability(many)
    assert "A run has settled" not in sentences.failures(many)


# Why


def test_why_xor_fails_and_that_all_others_were_learned() -> None:
    result = examples.made({"gate": list(expand("all-2")), "learning_rate": [1.0, 2.0]}, 3)
    (sentence,) = map(plain, separability(result))
    assert sentence == (
        "XOR and XNOR cannot be learned: no straight line tells their ones from their zeros (they are not linearly "
        "separable, by a linear program), so no weights bring the loss below ln 2 ≈ 0.693 nats, and the target is "
        "0.01 nats; the fourteen others are linearly separable."
    )


def test_a_target_within_reach_is_no_reason() -> None:
    result = along(["XOR"])
    result = examples.with_train(result, target_loss=0.7)
    assert separability(result) == []


def test_a_target_of_the_error_alone_is_out_of_reach_for_another_reason() -> None:
    result = along(["XOR"])
    result = examples.with_train(result, target_loss=None, target_error=0.5)
    (sentence,) = separability(result)
    assert "so some output is always on the wrong side of ½" in sentence
    result = examples.with_train(result, target_error=0.6)
    assert separability(result) == []


def test_what_theory_rules_out_is_not_said_of_runs_that_converged() -> None:
    assert separability(examples.made({"gate": ["XOR"]}, 3, lambda *_: 5)) == []


def test_of_a_mixed_experiment_the_reason_is_for_models_without_hidden_units() -> None:
    (sentence,) = separability(along(["AND", "XOR"], hidden=[0, 2]))
    assert sentence.startswith("Without hidden units, by plain gradient descent: XOR cannot be learned")


def test_many_inputs_have_no_straight_line() -> None:
    (sentence,) = separability(examples.made({"gate": ["parity-3"]}, 3, examples.never))
    assert "no weighted sum of its inputs tells its ones from its zeros" in sentence


def test_cycles_below_the_edge_are_those_that_stay_above_the_least_loss() -> None:
    """On 30 points at +1 and one at −10 descent cycles at 0.98 of the critical rate from half of all starts."""
    table = line_table()
    rows = np.column_stack([table.inputs, table.targets]).tolist()
    grid = {
        "gate": "line", "init": "given", "weights": ["w", 0], "w": {"from": -40, "to": 40, "num": 41},
        "learning_rate_relative": {"of": "critical", "values": [0.8, 0.975, 1.02]}, "encoding": "01",
    }  # fmt: skip
    train = {"max_epochs": 10_000, "target_loss": 1e-9}
    question = "Does it cycle below the critical learning rate?"
    result = sweep.run({"question": question, "grid": grid, "train": train, "tables": {"line": {"rows": rows}}})
    runs, rates = result.runs, sorted(result.runs["learning_rate"].unique())
    least = runs["final_loss"].min()
    cycles = (runs["period"].fillna(0) > 1) & (runs["final_loss"] > least + 1e-6) & (runs["learning_rate"] < rates[2])
    assert 0 < cycles.sum() < 41
    assert ((runs["period"].fillna(0) > 1) & (runs["learning_rate"] == rates[0])).any()  # which alternate by rounding
    told = f"Of 82 runs below the critical learning rate 2/λ of their table, {cycles.sum()} "
    assert result.answer[0].startswith(told) and "two epochs or more." in result.answer[0]


def test_settings_drawn_as_one_point_have_the_quantiles_of_all_their_runs() -> None:
    result = along(["XOR"], init=[f"uniform(0, {high})" for high in range(1, 31)])
    losses = np.random.default_rng(0).uniform(0.7, 2, len(result.runs))
    result = examples.with_runs(result, result.runs.assign(final_loss=losses), result.summary)
    found = Findings(result).edge_losses
    assert found is not None and found["x"].tolist() == RATES
    of_rates = [losses[result.runs["learning_rate"] == rate] for rate in RATES]
    for name, q in (("q05", 0.05), ("q50", 0.5), ("q95", 0.95)):
        assert found[name].tolist() == [np.quantile(one, q, method="inverted_cdf") for one in of_rates]
