"""Sentences of an answer: what small results that are made up must be told, word for word."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import example_results as examples
import pandas as pd
import pytest
from conftest import TINY
from of_result import answer as told
from of_result import failures
from test_html import CASES, at_width_2, plain

import sweep
from sweep.analysis.findings import Findings
from sweep.answer import captions
from sweep.answer.glossary import GLOSSARY, explained

XOR_AND_XNOR = (
    "XOR and XNOR cannot be learned: no straight line tells their ones from their zeros (they are not linearly "
    "separable, by a linear program), so no weights bring the loss below ln 2 ≈ 0.693 nats, and the target is 0.01 nats"
)


def answer(result: sweep.Result) -> list[str]:
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in told(result)]


def halves(setting: dict[str, Any], seed: int) -> int | None:
    return 5 if seed % 2 else None


def test_gates_that_say_the_same_are_told_together() -> None:
    assert answer(CASES["gates"]) == [
        "Logistic regression learned AND, OR, NOR and NAND; it never learned XOR or XNOR: none of 80 runs each.",
        "AND, OR, NOR and NAND each: the best of 8 settings, chosen by 5 seeds, has start uniform(0, 1), η = 10: all "
        "5 runs with other seeds converged (95 % interval 56.6 – 100 %), half of them within 16 epochs (5–95 %: 12 – "
        "20).",
        f"{XOR_AND_XNOR}.",
        "Start: no difference in when runs converge, in any of 160 pairs.",
        "Learning rate η: every run of every gate that was learned converged at every value tried from 1 to 10, "
        "whatever else was set.",
        "Of all 480 runs of this grid, 200 (41.7 %) converged and 280 (58.3 %) had not converged after 1,000 epochs.",
    ]


def test_values_never_learned_stand_beside_the_others() -> None:
    result = examples.made({"hidden": [1, 2, 3], "gate": ["AND"], "activation": ["tanh", "relu"]}, 5, at_width_2)
    assert answer(result)[:3] == [
        "The best of 4 settings, chosen by the same runs, has 2 hidden units, tanh: all 5 runs converged (95 % "
        "interval 56.6 – 100 %), half of them within 2 epochs (5–95 %: 2 – 2).",
        "AND was learned from 2 hidden units on: with 1 hidden unit, none of 10 runs converged.",
        "At the best of the 2 settings of each, chosen by the same runs, the share that converged was 100 % with 2 and "
        "3 hidden units.",
    ]
    (one,) = answer(examples.made({"hidden": [1, 2], "gate": ["AND"]}, 5, at_width_2))[1:2]
    assert one == "AND was learned with 2 hidden units: with 1 hidden unit, none of 5 runs converged."
    (none,) = answer(examples.made({"hidden": [0, 2], "gate": ["AND"]}, 5, at_width_2))[1:2]
    assert none == "AND was learned with 2 hidden units: with no hidden units, none of 5 runs converged."


@pytest.mark.parametrize(
    ("learned", "said"),
    [
        ([3, 4, 8], "AND was learned from 3 hidden units on: with 1 and 2 hidden units, none of 20 runs converged."),
        ([1, 2], "AND was learned up to 2 hidden units: with 3 to 8 hidden units, none of 30 runs converged."),
        ([2, 3], "AND was learned from 2 hidden units to 3: with 1, 4 and 8 hidden units, none of 30 runs converged."),
        ([4], "AND was learned with 4 hidden units: with 1, 2, 3 and 8 hidden units, none of 40 runs converged."),
        (
            [2, 4],
            "The share that converged was 100 % with 2 and 4 hidden units; with 1, 3 and 8 hidden units, none of 30",
        ),
        ([1, 2, 8], "The share that converged was 100 % with 1, 2 and 8 hidden units; with 3 and 4 hidden units, none"),
        ([1, 2, 3, 4, 8], "The share that converged was 100 % with 1 to 8 hidden units."),
    ],
)
def test_the_axis_of_the_question_comes_first_and_from_where_on_runs_converged(learned: list[int], said: str) -> None:
    grid = {"hidden": [1, 2, 3, 4, 8], "gate": ["AND"]}

    def epoch(setting: dict[str, Any], seed: int) -> int | None:
        return 5 if setting["hidden"] in learned else None

    told, *more = answer(examples.made(grid, 10, epoch, question="How many hidden units does AND take?"))
    assert told.startswith(said)
    if "was learned" in told and len(learned) > 1:
        assert more.pop(0).startswith("The share that converged was 100 % with ")
    assert more[0].startswith("The best of " if len(learned) > 1 else "With 4 hidden units: all 10 runs converged")


def test_what_only_the_choosing_seeds_learned_is_not_said_to_be_learned() -> None:
    def epoch(setting: dict[str, Any], seed: int) -> int | None:
        return 5 if setting["hidden"] > 2 or (setting["hidden"] == 2 and seed == 0) else None

    grid = {"hidden": [1, 2, 3], "gate": ["AND"], "activation": ["tanh", "relu"]}
    first, *_ = answer(examples.made(grid, 10, epoch, question="How many hidden units does AND take?"))
    assert first == (
        "At the best of the 2 settings of each, chosen by 5 other seeds, the share that converged was 0 % with 2 "
        "hidden units and 100 % with 3; with 1 hidden unit, none of 20 runs converged."
    )


def test_a_share_is_of_one_setting_and_has_its_interval() -> None:
    alone = examples.made({"gate": ["AND"]}, 10, halves)
    assert answer(alone)[0] == (
        "AND: 5 of 10 runs converged (50.0 %, 95 % interval 23.7 – 76.3 %), half of all within 5 epochs (5–95 %: 5 – "
        "more than 1,000)."
    )
    several = answer(examples.made({"gate": ["AND"], "learning_rate": [1.0, 2.0]}, 10, halves))
    assert "The share that converged was 50.0 % with η = 1 and 2." in several


def test_encodings_are_told_in_words_and_what_follows_from_another_axis_is_not_compared() -> None:
    made = [
        examples.made({"encoding": [encoding], "gate": ["AND"], "learning_rate": rates})
        for encoding, rates in (("01", [0.1, 1.0]), ("pm1", [0.2, 2.0]))
    ]
    said = answer(examples.union(*made))
    assert "has inputs −1 and +1, η = 2" in said[0]
    assert "100 % with inputs 0 and 1 and inputs −1 and +1" in said[1]
    assert not any(sentence.startswith("Encoding") for sentence in said)


@pytest.mark.parametrize(
    ("case", "first"),
    [
        ("one gate", "AND: all 10 runs converged (95 % interval 72.2 – 100 %), half of them within 100 epochs"),
        ("a single run", "The one run converged after 20 epochs; its final loss is 0.0099 nats."),
        ("all diverged", "Logistic regression never learned any of the six gates: none of 80 runs each."),
        ("everything converged", "Logistic regression learned all six gates."),
        (
            "only starts",
            "The best of 2 settings, chosen by 5 seeds, has start zeros: all 5 runs with other seeds converged",
        ),
        ("256 gates", "Logistic regression learned 256 of the 256 Boolean functions of 3 inputs."),
        ("a plane", "Runs converged only with init scale from 1 to 16 and learning rate η from"),
    ],
)
def test_first_sentence(case: str, first: str) -> None:
    assert answer(CASES[case])[0].startswith(first)


def test_whether_it_cycles_is_answered_of_models_of_which_theory_says_nothing() -> None:
    said = answer(examples.made({"gate": ["XOR"], "hidden": [2]}, 10, question="Does it cycle?"))
    assert said[0].startswith("XOR: none of the 10 runs converged")


def test_a_separable_gate_that_was_not_learned_is_told_how_long_theory_has_it_take() -> None:
    slow = {"learning_rate": [0.01, 0.02], "encoding": ["01"]}
    said = answer(examples.made({"gate": ["AND", "XOR"], **slow}, converged_epoch=examples.never))
    assert said[2] == (  # for AND γ² = 1/17
        "AND is linearly separable and takes longer: theory predicts about 85,000 epochs until the loss is 0.01 nats, "
        "even at η = 0.02, and training ended after 1,000."
    )
    one = answer(examples.made({"gate": ["AND"], "learning_rate": [0.01]}, converged_epoch=examples.never))
    assert "about 170,000 epochs until the loss is 0.01 nats, at η = 0.01" in one[-1]
    fast = examples.made({"gate": ["AND"], "learning_rate": [5.0]}, converged_epoch=examples.never)
    assert "takes longer" not in " ".join(answer(fast))
    wide = examples.made({"gate": ["AND"], "hidden": [2], "learning_rate": [0.01]}, converged_epoch=examples.never)
    assert "takes longer" not in " ".join(answer(wide))


def test_the_axis_asked_for_comes_before_gates_that_are_merely_mentioned() -> None:
    grid = {"gate": ["AND", "XOR"], "hidden": [1, 2, 3], "learning_rate": [1.0]}
    asked = examples.made(grid, 10, at_width_2, question="How many hidden units do the gates take?")
    assert answer(asked)[0].startswith("Hidden units")


@pytest.mark.parametrize("gate", ["0110", "XOR"])
def test_a_gate_has_one_name_however_it_is_written(gate: str) -> None:
    edges = {"gate": gate, "learning_rate": [4, 5, 6, 7], "seeds": 3}
    train = {"target_loss": 0.693147181, "early_stop": False}
    settles = sweep.run({"question": "Up to which learning rate?", "grid": edges, "train": train})
    said = answer(settles)
    assert said[0].startswith("XOR: every run settled") and "of the 6 runs on XOR, all" in said[1]
    assert captions.described(Findings(settles), "stability", said).finding.startswith("XOR: stable up to")
    failing = examples.made({"gate": [gate, "AND"]}, 10, lambda setting, _: None if setting["gate"] == gate else 5)
    assert captions.described(Findings(failing), "final_loss", []).finding.endswith("among them every run of XOR")
    alone = answer(examples.made({"gate": [gate]}, 10, examples.never))
    assert alone[0].startswith("XOR: none of the 10 runs converged")


def test_after_a_colon_a_sentence_goes_on_small() -> None:
    grid = {"gate": "parity-3", "hidden": [0, 1], "learning_rate": 1, "seeds": 2}
    said = answer(sweep.run({"question": "Is it learned?", "grid": grid, "train": {"max_epochs": 20}}))
    assert said[1].startswith("Without hidden units, by plain gradient descent: the gate parity-3 cannot be learned")
    alone = answer(examples.made({"gate": ["parity-3"]}, 10, examples.never))
    assert alone[0].startswith("The gate parity-3: none of") and alone[2].startswith("The gate parity-3 cannot be")


@pytest.mark.parametrize("grid", [{"hidden": 2, "learning_rate": [1, 2]}, {"learning_rate": 1}, {"hidden": [0, 1]}])
@pytest.mark.filterwarnings("ignore:gate .* no outputs have a loss")
def test_a_perfect_fit_of_targets_between_0_and_1_is_not_called_a_failure(grid: dict[str, Any]) -> None:
    """−0.2 ln 0.2 − 0.8 ln 0.8 is 0.500402; where 0 and 1 are the targets of one input, ln 2 of half of the rows."""
    for rows, least in (([[0, 0.2], [1, 0.8]], "0.500402 nats"), ([[0, 0], [0, 1], [1, 1], [2, 1]], "0.346574 nats")):
        source = {"question": "How often?", "grid": {"gate": "mine", "learning_rate": 1, "seeds": 3} | grid}
        source |= {"tables": {"mine": {"rows": rows}}, "train": {"max_epochs": 50}}
        said = answer(sweep.run(source))
        assert (
            "No run on the gate mine can converge: the target is 0.01 nats, below the least loss that its targets "
            f"allow, {least} of a perfect fit."
        ) in said
        assert not any("Nothing was learned" in sentence or "cannot be learned" in sentence for sentence in said)
        within = answer(sweep.run(source | {"train": {"max_epochs": 50, "target_loss": 0.51}}))
        assert not any("can converge" in sentence for sentence in within)


def test_of_many_gates_none_of_which_was_learned_it_is_said_once() -> None:
    result = sweep.run(
        {
            "grid": {"gate": "all-3", "learning_rate": 0.001, "init": "normal(0, 1)", "seeds": 2},
            "train": {"max_epochs": 1},
        }
    )
    said = answer(result)
    assert said[0].startswith("Logistic regression learned none of them: 256 Boolean functions of 3 inputs.")
    assert not any("learned in some" in sentence for sentence in said)


def test_an_axis_that_cannot_be_compared_comes_after_what_was_learned() -> None:
    grid = {"gate": ["AND", "OR"], "learning_rate": [1, 10], "init": ["uniform(0, 1)", "normal(0, 1)"], "seeds": 2}
    said = answer(sweep.run({"question": "Which start?", "grid": grid, "train": {"max_epochs": 300}}))
    at = next(at for at, sentence in enumerate(said) if "not compared" in sentence)
    assert at > 0 and said[0].startswith("Logistic regression learned ")


def test_yes_and_no_are_no_numbers() -> None:
    result = examples.made({"gate": ["AND"], "shortcut": [False, True], "hidden": [2]})
    assert "has no shortcuts: " in answer(result)[0]
    assert "100 % with no shortcuts and shortcuts" in answer(result)[1]


def test_many_values_are_told_at_even_steps_with_the_best_and_the_worst() -> None:
    rates = [float(rate) for rate in range(1, 22)]

    def epoch(setting: dict[str, Any], seed: int) -> int | None:
        return 5 if seed < (9 if setting["learning_rate"] == 4 else 3) else None

    said = answer(examples.made({"gate": ["AND"], "learning_rate": rates}, 9, epoch))
    assert "33.3 % with η = 1, 100 % with 4 and 33.3 % with 6, 11, 16 and 21." in said[1]

    def between(setting: dict[str, Any], seed: int) -> int | None:
        return 5 if 5 <= setting["learning_rate"] <= 10 else None

    within = answer(examples.made({"gate": ["AND"], "learning_rate": rates}, 9, between))[1]
    assert within == "AND was learned from η = 5 to 10: with η = 1 to 4 and 11 to 21, none of 135 runs converged."


def test_of_many_values_it_is_said_which_two_are_compared() -> None:
    def epoch(setting: dict[str, Any], seed: int) -> int | None:
        return None if setting["init_scale"] == 3 and seed < 11 else 5

    def said(n: int) -> str:
        grid = {"gate": ["AND"], "learning_rate": [1.0, 2.0], "init_scale": [float(scale) for scale in range(1, n + 1)]}
        made = examples.made(grid, 12, epoch, question="Which learning rate?")
        (sentence,) = (one for one in answer(made) if one.startswith("Init scale: "))
        return sentence

    two = "of 9 values, those with the most and the fewest converged runs are compared; "
    assert said(9).startswith(f"Init scale: {two}in this grid, runs converged more often with init scale ")
    assert said(8).startswith("Init scale: in this grid, runs converged more often with init scale ")


def test_epochs_are_divided_by_those_of_the_fastest_value_or_of_plain_gradient_descent_by_theirs() -> None:
    def epoch(setting: dict[str, Any], seed: int) -> int:
        return {"gd": 60, "adam": 10, "rprop": 120}[setting["optimizer"]] + (seed == 3)

    grid = {"gate": ["AND"], "optimizer": ["gd", "adam", "rprop"]}
    took = "With the same seeds, where both converged, runs at these settings took "
    fast = answer(examples.made(grid, 9, epoch, question="Which optimizer is faster?"))
    assert (
        f"{took}6 times as many epochs with gd as with adam (median of 9 pairs, 95 % interval 6 – 6) and 12 times "
        "with rprop (9 pairs, 12 – 12)."
    ) in fast
    plain = answer(examples.made(grid, 9, epoch, question="How much faster than gradient descent are they?"))
    assert (
        "With the same seeds, where both converged, gd at its setting took 6 times as many epochs as adam (median of 9 "
        "pairs, 95 % interval 6 – 6) and 0.5 times as rprop (9 pairs, 0.5 – 0.5)."
    ) in plain


def test_growth_is_that_of_the_settings_chosen_and_no_rate() -> None:
    def epoch(setting: dict[str, Any], seed: int) -> int:
        return int(setting["learning_rate"]) * 2 ** int(setting["gate"][-1])

    grid = {"gate": ["parity-2", "parity-3", "parity-4"], "learning_rate": [1.0, 2.0]}
    growing = {"question": "How do the epochs grow with the number of bits?"}
    said = answer(examples.made(grid, 10, epoch, **growing))
    assert said[0].startswith("At settings chosen by 5 seeds, the epochs to learn parity grow 2-fold with each bit")
    assert said[2] == (
        "This factor is that of these settings, not a rate of parity: other seeds may choose other settings, and each "
        "median is of 5 runs. The settings chosen, trained from fresh seeds, tell more."
    )
    few = answer(examples.made(grid, 4, epoch, **growing))
    assert few[0].startswith("At settings chosen by the same runs, the epochs") and "faster than they are" in few[2]
    alone = answer(examples.made(grid | {"learning_rate": [1.0]}, 10, epoch, **growing))
    assert alone[0].startswith("The epochs to learn parity grow 2-fold") and "not a rate" not in " ".join(alone)


@pytest.mark.parametrize(
    ("grid", "train", "said"),
    [
        (
            {"gate": ["AND", "OR"], "learning_rate": [1, 10, 100]},
            {"record_every": 1},
            "The loss goes up and down, and rose for the last time in epoch 7 with AND (η = 10) and 1 with OR "
            "(η = 100), each at the setting where that is latest; at the largest learning rate, η = 100, in epoch 3 or "
            "before.",
        ),
        (
            {"gate": ["AND", "OR"], "learning_rate": 10},
            {"record_every": 1},
            "The loss goes up and down, and rose for the last time in epoch 7 with AND; with OR it never rose.",
        ),
        ({"gate": "AND", "learning_rate": 1}, {"record_every": 1}, "The loss does not oscillate: it rose in no epoch"),
        ({"gate": "AND", "learning_rate": 10}, {"record_every": 10}, "How long the loss oscillates is not told"),
        ({"gate": "AND", "learning_rate": 10}, {}, "How long the loss oscillates is not told"),
    ],
)
def test_how_long_a_loss_oscillates(grid: dict[str, Any], train: dict[str, Any], said: str) -> None:
    question = "How long does the loss oscillate?"
    train = {"max_epochs": 100, "early_stop": False, **train}
    result = sweep.run({"question": question, "grid": grid | {"init": "zeros"}, "train": train})
    assert answer(result)[0].startswith(said)


def guesses(text: Callable[[int], str], gates: list[str], n_seeds: int = 40, **grid: list[Any]) -> list[str]:
    """What is answered to a question about rows, of runs that answer a text, by their number in the grid."""
    made = examples.made(
        {"gate": gates, **grid}, n_seeds, examples.never, question="To how many rows does it answer 1?"
    )
    texts = pd.Categorical([text(run) for run in made.runs["run"]])
    return answer(examples.with_runs(made, made.runs.assign(answers=texts), made.summary))


def test_how_many_rows_are_answered_1() -> None:
    fair = ["0000", "0001", "0011", "0111"]
    assert guesses(lambda run: fair[run % 4], ["XOR"])[0] == (
        "On XOR, 0 to 3 of the 4 rows are answered 1 equally often, up to chance (χ² = 0, 3 degrees of freedom, "
        "p = 1): no row least often (10 of 40 runs), 3 rows most often (10); equal frequencies would be 10 each."
    )
    both = guesses(lambda run: fair[run % 4] if run >= 40 else fair[run % 3 == 0], ["XOR", "OR"])
    assert both[0] == (  # 2 · 6²/20 = 3.6, of one degree of freedom: p = 0.058, times two
        "On XOR, 0 to 1 of the 4 rows are answered 1 equally often, up to chance (χ² = 3.6, 1 degree of freedom, "
        "p = 0.12 by Holm over 2 gates): 1 row least often (14 of 40 runs), no row most often (26); equal frequencies "
        "would be 20 each."
    )
    uneven = guesses(lambda run: fair[run % 8 == 0], ["XOR"])[0]
    assert "not equally often, by more than chance (χ² = 22.5, 1 degree of freedom, p < 0.001)" in uneven


def test_rows_answered_1_are_not_tested_where_seeds_repeat_or_runs_are_few() -> None:
    several = guesses(lambda run: f"000{run % 2}", ["XOR"], learning_rate=[0.1, 1.0])
    assert "chance" not in several[0] and several[0].endswith("equal frequencies would be 40 each.")
    few = guesses(lambda run: f"000{run % 2}", ["XOR"], 9)[0]
    assert "chance" not in few and few.endswith("equal frequencies would be 4.5 each.")
    assert "p = 1)" in guesses(lambda run: f"000{run % 2}", ["XOR"], 10)[0]
    fair_some = ["0001", "0011"]
    nothing = guesses(lambda run: "0000" if run else "", ["XOR"])
    assert nothing[0] == "On XOR, none of the 4 rows is answered 1 in any of 39 runs."
    assert guesses(lambda _: "", ["XOR"])[0].startswith("XOR: none of the 40 runs converged")
    assert guesses(lambda run: fair_some[run % 2], ["XOR"], 8)[0].startswith(
        "On XOR, 1 to 2 of the 4 rows are answered 1: "
    )


def test_an_axis_with_one_value_that_learns_is_told_by_it() -> None:
    def epoch(setting: dict[str, Any], seed: int) -> int | None:
        return 5 if setting["bias"] and setting["hidden"] == 2 else None

    grid = {"gate": ["XOR"], "hidden": [2, 3], "bias": [True, False], "learning_rate": [1.0]}
    said = answer(examples.made(grid, 4, epoch, question="How many hidden units does it take?"))
    assert "Bias: runs converged with biases only." in said
    assert not any("not compared" in sentence for sentence in said)
    failed = answer(examples.made({"gate": ["XOR"], "learning_rate": [1.0, 2.0]}, 8, examples.never))
    assert not any("not compared" in sentence for sentence in failed)


def test_no_setting_is_the_best_where_all_runs_take_all_epochs() -> None:
    grid = {"gate": "AND", "learning_rate": [0.1, 1, 10], "seeds": 10}
    train = {"max_epochs": 60, "last_losses": 10}
    said = sweep.run({"question": "Which learning rate is best?", "grid": grid, "train": train}).answer
    assert not any("best of" in sentence or "fastest of" in sentence for sentence in said)


def test_momentum_is_named_once_with_its_value() -> None:
    grid = {"gate": "AND", "learning_rate": [1, 2], "seeds": 12}
    grids = [{**grid, "optimizer": "momentum", "momentum": [0.5, 0.9]}, {**grid, "optimizer": "gd"}]
    said = sweep.run({"question": "Which momentum?", "grid": grids, "train": {"max_epochs": 4000}}).answer
    assert any("momentum\N{NO-BREAK SPACE}0.9" in sentence for sentence in said)
    assert not any(re.search(r"momentum\s0.9(, momentum| and momentum)", sentence) for sentence in said)


@pytest.mark.parametrize("keep", ["runs", "summary"])
def test_runs_that_begin_again_are_told(keep: str) -> None:
    grid = {"gate": "XOR", "hidden": 1, "learning_rate": 1, "seeds": 4}
    train = {"max_epochs": 90, "restart_after": 30}
    said = sweep.run({"question": "Do restarts help?", "keep": keep, "grid": grid, "train": train}).answer
    counts = ", as 4 did once or more" if keep == "runs" else ""
    assert said[-1 if keep == "runs" else -2] == (
        f"Runs begin again from another start where they had not converged after 30 epochs{counts}; the epochs of all "
        "starts are added up."
    )


def test_words_are_explained_where_they_occur() -> None:
    found = explained(
        ["all 10 runs converged (95\N{NO-BREAK SPACE}% interval 72 – 100 %)", "2 hidden units; p < 0.001"]
    )
    assert list(found) == ["converged", "hidden unit", "95 % interval", "p"]
    assert list(explained(["The critical learning rate", "two pairs at the best setting"])) == [
        "setting",
        "best",
        "critical learning rate",
        "pair",
    ]
    compared = "In this grid, runs converged more often with 8 hidden units than with 2; runs were faster below 2/λ."
    assert {"grid", "more often", "runs were faster", "λ"} <= set(explained([compared]))
    assert all(meaning[0].islower() or meaning[0].isdigit() or meaning[0] in "γη" for meaning in GLOSSARY.values())
    said = [*answer(CASES["gates"]), failures(CASES["gates"])]
    assert {"nats", "linearly separable", "linear program", "epoch", "seed", "setting", "5–95 %"} <= set(
        explained(said)
    )


@pytest.mark.parametrize("number", range(24))
def test_any_experiment_is_answered_in_whole_sentences(number: int) -> None:
    rng = random.Random(number)

    def some(values: list[Any]) -> Any:
        chosen = rng.sample(values, rng.randint(1, min(3, len(values))))
        return chosen if len(chosen) > 1 else chosen[0]

    grids = [
        {
            "gate": some(["AND", "XOR", "NAND", "TRUE", "majority-3"]),
            "learning_rate": some([0.01, 0.1, 1, 5, 30, 1e4]),
            "init": some(["uniform(0, 1)", "normal(0, 1)", "uniform(-5, 5)"]),
            "encoding": encoding,
            "seeds": rng.choice([1, 5, 6, 20]),
        }
        for encoding in rng.choice([["01"], ["01", "pm1"]])
    ]
    asks = ["", "Which gates, and how fast?", "How does the loss fall?", "Which start?", "Up to which learning rate?"]
    train = {"max_epochs": rng.choice([20, 200]), "record_every": rng.choice([0, 10])}
    whole(sweep.run({"question": rng.choice(asks), "grid": grids, "train": train}).answer)


@pytest.mark.parametrize("name", TINY)
def test_every_committed_experiment_is_answered_in_whole_sentences(name: str, committed: Callable[[str], Path]) -> None:
    whole(sweep.read(committed(name)).answer)


def whole(said: list[str]) -> None:
    assert said
    for sentence in (text.replace("\N{NO-BREAK SPACE}", " ") for text in said):
        assert sentence[0].isupper() and sentence.endswith(".")
        assert not re.search(r"nan|inf\b|None|  |\(\)|has :|np\.|\b1 (epochs|runs)\b", sentence), sentence


@pytest.mark.parametrize(
    ("always", "never", "n", "heading"),
    [
        (1, 0, 1, "Every run converged"),
        (0, 0, 1, "Some runs converged, some did not"),
        (4, 0, 4, "Every run converged at all 4 settings"),
        (0, 1600, 1600, "No run converged at any of 1,600 settings"),
        (0, 4, 54, "At none of 54 settings did every run converge; at 4 no run did"),
        (0, 0, 9, "Some runs converged and some did not, at each of 9 settings"),
        (975, 518, 1600, "Every run converged at 975 of 1,600 settings, no run at 518"),
    ],
)
def test_the_heading_counts_settings_in_whole_words(always: int, never: int, n: int, heading: str) -> None:
    assert captions._always_and_never(always, never, n) == heading


def test_the_heading_of_the_edge_is_one_line() -> None:
    short = Findings(CASES["gates"]).edges[0]
    said = captions._edge_in_short(short)
    assert said.startswith(f"{short.gate}: ") and f"{short.theory.critical_learning_rate:.6g}" in said
    assert len(said) < 100


def test_a_bound_of_one_loss_is_said_of_that_loss_only() -> None:
    grid = {"gate": "XOR", "loss": ["bce", "mse"], "learning_rate": 1, "seeds": 2}
    answer = sweep.run({"grid": grid, "train": {"max_epochs": 50}}).answer
    (bound,) = (sentence for sentence in answer if "no weights bring the loss below" in sentence)
    assert bound.startswith("Without hidden units, by plain gradient descent on cross-entropy: XOR cannot be learned")


def test_the_middle_of_a_bin_is_not_said_to_be_exact() -> None:
    source = {"keep": "summary", "grid": {"gate": "AND", "learning_rate": 1, "seeds": 4}, "train": {"max_epochs": 9}}
    exact = "Counts of runs are kept here: epochs from 256 on, and losses, are right to within 0.4 %."
    assert plain(sweep.run(source).answer[-1]) == exact
