"""Answers against what an expert would say: each committed experiment, and one for each way to answer badly."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from expert import (
    SMALL,
    Asked,
    ask,
    best,
    check,
    median,
    number,
    of_runs,
    share,
    tell_best,
    tell_effects,
    tell_factors,
    tell_growth,
    tell_medians,
)
from scipy.stats import binomtest, chisquare

import sweep

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
CRITICAL = 4 * (7 - 33**0.5)
"""2/λ of XOR with inputs 0 and 1."""


def test_gates(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "gates.toml", tmp_path, "learning_rate.num=9", "seeds=40")
    learned = asked.runs.groupby("gate", sort=False).filter(lambda of: bool((of["epoch"] < np.inf).any()))
    always = learned.groupby("learning_rate")["epoch"].max() < np.inf
    rates = always.index[always]
    bests = {str(gate): best(of, ["init", "learning_rate"], 20, "fast")[1] for gate, of in learned.groupby("gate")}
    medians = {gate: median(reported["epoch"]) for gate, reported in bests.items()}
    least, most = min(medians.values()), max(medians.values())
    assert set(asked.runs["gate"]) - set(learned["gate"]) == {"XOR", "XNOR"}
    assert all((reported["epoch"] < np.inf).all() for reported in bests.values())
    asked.known += [f"{least:.0f} epoch (", f"{most:.0f} epochs ({max(medians, key=lambda gate: medians[gate])})"]
    asked.known.append("of the 36 settings of each, chosen by 20 other seeds, all 20 runs of each")
    asked.known.append(f"from {number(rates[0])} to {number(rates[-1])}")
    never = "it never learned XOR or XNOR: none of 1,440 runs each."
    reason = "no straight line tells their ones from their zeros (they are not linearly separable"
    learns = f"Logistic regression learned fourteen of the sixteen gates; {never}"
    check(asked, learns, reason, "the target is 0.01 nats")
    starts = tell_effects(asked, {"init": ()}, learned)
    (told,) = (sentence for sentence in asked.answer if sentence.startswith("Start: "))
    for kind, words in enumerate(("runs converged more often with", "runs were faster with")):
        winners = pd.Series([one["a"] for one in starts if one["kind"] == kind], dtype=object).value_counts()
        expected = [f"{words} {at} than with another for {SMALL[n]}" for at, n in winners.items() if n == winners.max()]
        assert any(one in told for one in expected) if expected else words not in told


def test_the_fall_of_a_loss(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "and.toml", tmp_path)
    assert asked.curves is not None
    losses = asked.curves.groupby("epoch")["loss"].median()
    slope = np.log(losses[5000] / losses[10_000]) / np.log(2)
    assert abs(slope - 1) < 0.05
    assert (asked.runs["epoch"] < np.inf).all()
    fell = f"The median loss of 100 runs fell from {losses[0]:.3g} nats to {losses[10_000]:.3g} nats in 10,000 epochs"
    law = f"from epoch 5,000 on like 1/t, t the epoch: measured, like t^−{slope:.2f}"
    check(asked, fell, law, of_runs(asked.runs, 10_000))


def test_threshold_functions(threshold_functions: sweep.Result) -> None:
    asked = Asked.of(threshold_functions, threshold_functions.runs.astype({"gate": str}))
    learned = asked.runs[asked.runs["epoch"] < np.inf]["gate"].str.len().value_counts()
    assert (learned[8], learned[16]) == (104, 1882)  # OEIS A000609
    facts = ["104 of the 256 Boolean functions of 3 inputs", "1,882 of the 65,536 Boolean functions of 4 inputs"]
    check(asked, *facts, "exactly the linearly separable ones")


def test_classes_of_functions_are_counted_by_their_members(tmp_path: Path) -> None:
    grid = {"gate": "classes-4", "encoding": "pm1", "learning_rate": 10, "init": "zeros"}
    train = {"max_epochs": 1000, "target_error": 0.5}
    asked = ask({"question": "Which functions are learned?", "grid": grid, "train": train}, tmp_path)
    assert np.isfinite(asked.runs["epoch"]).sum() == 15
    facts = ["1,882 of the 65,536 Boolean functions of 4 inputs", "15 of 222 classes"]  # OEIS A000609, A000370
    check(asked, *facts)


def edge(asked: Asked, encoding: str, critical: float) -> list[str]:
    """Between which rates the edge lies, and how many runs beyond it were seen to cycle."""
    runs = asked.runs[asked.runs["encoding"] == encoding] if "encoding" in asked.runs else asked.runs
    runs = runs.assign(settled=runs["final_loss"] <= np.log(2) + 1e-6)
    by_rate = runs.groupby("learning_rate")["settled"].agg(["all", "any"])
    last = by_rate.index[by_rate["all"]].max()
    beyond = runs[runs["learning_rate"] > by_rate.index[by_rate["any"]].max()]
    cycles = int((beyond["period"] > 1).sum())
    assert last < critical < beyond["learning_rate"].min()
    seen = f"of the {len(beyond):,} runs on XOR", f"{cycles:,} ended in one" if cycles < len(beyond) else "all ended in"
    asked.known += [*seen, f"for the other {len(beyond) - cycles:,} no cycle was seen"]
    assert any(all(one in sentence for one in seen) for sentence in asked.answer)
    between = f"at learning rates up to {last:.6g}, and none did from {beyond['learning_rate'].min():.6g} on"
    return [between, f"η = 2/λ = {critical:.6g}, between the two"]


def test_the_critical_learning_rate(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "critical_learning_rate.toml", tmp_path)
    asked.known += ["inputs 0 and 1", "inputs −1 and +1"]
    check(asked, *edge(asked, "01", CRITICAL), *edge(asked, "pm1", 8))


def test_a_coarse_grid_brackets_the_edge_no_finer_than_it_is(tmp_path: Path) -> None:
    grid = {"gate": "XOR", "learning_rate": {"from": 4, "to": 6, "num": 9}, "seeds": 6}
    train = {"max_epochs": 3000, "target_loss": 0.693147181, "early_stop": False}
    question = "Up to which learning rate does descent on XOR settle?"
    asked = ask({"question": question, "grid": grid, "train": train}, tmp_path)
    facts = edge(asked, "01", CRITICAL)
    assert facts[0] == "at learning rates up to 5, and none did from 5.25 on"
    check(asked, *facts)
    assert "±" not in " ".join(asked.answer)


def test_xor_by_width(tmp_path: Path) -> None:
    overrides = ["hidden=[1, 2, 3, 4]", 'init="uniform(-1, 1)"', "learning_rate=[1, 3]", "seeds=40", "max_epochs=3000"]
    asked = ask(EXPERIMENTS / "xor.toml", tmp_path, *overrides)
    never = asked.runs[asked.runs["hidden"] == 1]
    assert (never["epoch"] == np.inf).all()
    _, fastest = tell_best(asked, "hidden", "fast")
    winner, often = tell_best(asked, "hidden", "often")
    tell_effects(asked, dict.fromkeys(("hidden", "activation", "learning_rate"), ()), asked.runs.drop(never.index))
    asked.known += [f"within {fastest[2]} epochs with 2", *(f"{fastest[n]} with {n}" for n in (3, 4))]
    shares = [f"{often[2]} with 2 hidden units"]
    shares += [f"{often[3]} with 3 and 4"] if often[3] == often[4] else [f"{often[n]} with {n}" for n in (3, 4)]
    none = f"with 1 hidden unit, none of {len(never):,} runs converged"
    check(asked, f"XOR was learned from 2 hidden units on: {none}", *shares)
    assert any(sentence.startswith(winner) for sentence in asked.answer)


def test_kolen_pollack(tmp_path: Path) -> None:
    overrides = ["init_scale=[0.1, 1, 4, 10]", "seeds=24", "max_epochs=2000"]
    asked = ask(EXPERIMENTS / "kolen_pollack.toml", tmp_path, *overrides)
    winner, told = tell_best(asked, "init_scale", "often")
    failed = {at: f"{share(100 - float(text[:-2]), 100)} %" for at, text in told.items()}
    tell_effects(asked, {"init_scale": (), "learning_rate": ("update",), "momentum": ()})
    facts = [f"{failed[0.1]} with init scale 0.1", *(f"{failed[at]} with {at}" for at in (1, 4, 10))]
    check(asked, winner, "the share that failed was", *facts)


def test_maps_of_starts(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "kolen_pollack_slices.toml", tmp_path, "grid.x.num=40", "grid.y.num=40")
    for at, runs in enumerate(np.split(asked.runs.index, 5)):
        of_map = asked.runs.loc[runs]
        learned = of_map[of_map["epoch"] < np.inf].sort_values(["epoch", "y", "x"])
        n = len(learned)
        said = f": {n:,} of 1,600 ({share(n, 1600)} %)" if n else "none of 1,600 runs converged"
        assert said in asked.answer[at]
        asked.known += [said, asked.answer[at].partition(":")[0]]
        for first in learned.head(1).itertuples():
            asked.known.append(f"took {first.epoch:.0f} epochs")
            asked.known += [f"initial weight {key} = {number(float(learned[key].iloc[0]))}" for key in ("x", "y")]
        for key in ("x", "y") if n else ():
            ends = [number(float(end)) for end in (learned[key].min(), learned[key].max())]
            asked.known.append(f"initial weight {key} from {ends[0]} to {ends[1]}")
    check(asked, "runs converged only with")


def test_where_training_stops(tmp_path: Path) -> None:
    source = EXPERIMENTS / "trainability_boundary.toml"
    asked = ask(source, tmp_path, "learning_rate.num=32", "hidden_learning_rate.num=32")
    runs, keys = asked.runs, {"hidden_learning_rate": "hidden learning rate", "learning_rate": "learning rate η"}
    learned = runs[runs["epoch"] < np.inf].sort_values(["epoch", *keys])
    first = learned.iloc[0]
    facts = [f": {len(learned):,} of {len(runs):,} ({share(len(learned), len(runs))} %)"]
    facts += [f"{name} from {number(learned[key].min())} to {number(learned[key].max())}" for key, name in keys.items()]
    asked.known.append(f"took {first['epoch']:.0f} epochs")
    asked.known += [f"{name} = {number(first[key])}" for key, name in keys.items()]
    alive = runs[runs["status"] != "diverged"]["learning_rate"].max()
    lost = runs["learning_rate"][runs["learning_rate"] > alive].min()
    check(asked, *facts, f"every run diverged from learning rate η = {number(lost)} on")


def test_parity(tmp_path: Path) -> None:
    overrides = ["momentum=0.9", "learning_rate=[0.2, 0.5]", "init_scale=4", "seeds=12", "max_epochs=600"]
    asked = ask(EXPERIMENTS / "parity.toml", tmp_path, *overrides)
    check(asked, *tell_growth(asked, range(2, 9), 6))


def test_growth_with_bits(tmp_path: Path) -> None:
    common = {"loss": "mse", "update": "online", "optimizer": "momentum", "learning_rate": [0.5, 1], "seeds": 20}
    grid = [common | {"gate": f"parity-{n}", "hidden": 2 * n, "init": "uniform(-2, 2)"} for n in (2, 3, 4)]
    source = {"question": "How do epochs grow with the number of bits?", "grid": grid}
    asked = ask(source | {"train": {"max_epochs": 2000, "target_error": 0.1}}, tmp_path)
    facts = tell_growth(asked, (2, 3, 4), 10)
    always = asked.runs.groupby("learning_rate")["epoch"].max() < np.inf
    asked.known += [f"from {number(always.index[0])} to {number(always.index[1])}"] if always.all() else []
    check(asked, *facts)


def test_published(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "published.toml", tmp_path, "seeds=24", "init_scale=1", "max_epochs=4000")
    winner, told = tell_best(asked, "hidden", "fast")
    tell_effects(asked, {"hidden": ("shortcut",), "update": (), "momentum": (), "learning_rate": ()})
    facts = [f"{told[1]} epochs with 1 hidden unit and shortcuts"]
    facts += [f"{told[n]} with {n} hidden units" for n in (2, 4, 8, 16, 32)]
    medians = tell_medians(asked, "hidden")
    check(asked, *facts)
    assert asked.answer[2].startswith(winner)
    slowest = asked.answer[1].removeprefix(
        "From the fastest setting to the slowest, half of all runs converged within "
    )
    assert slowest.startswith(f"{medians[0]} epochs with 1 hidden unit and shortcuts, {medians[1]} with 2 hidden units")
    assert not any(re.search(r"\b1 hidden unit(?! and shortcuts)", sentence) for sentence in asked.answer)


def test_fast_learners(tmp_path: Path) -> None:
    overrides = ["init_scale=1", "seeds=60", "max_epochs=4000"]
    asked = ask(EXPERIMENTS / "fast_learners.toml", tmp_path, *overrides)
    asked.runs = asked.runs.drop(columns="momentum")
    asked.known.append("momentum 0.9")
    winner, told = tell_best(asked, "optimizer", "fast")
    asked.known += tell_best(asked, "optimizer", "often")[1].values()
    factors = tell_factors(asked, "optimizer", "gd")
    tell_effects(asked, {"optimizer": (), "learning_rate": ()})
    assert len(factors) == 4 and all(factor in asked.answer[1] for factor in factors)
    assert asked.answer[1].startswith("With the same other seeds, where both converged, gd at its setting took ")
    check(asked, *told.values())
    assert any(sentence.startswith(winner) for sentence in asked.answer)


def test_how_long_the_loss_oscillates(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "large_steps.toml", tmp_path, "learning_rate.num=11", "max_epochs=1000")
    assert asked.curves is not None
    losses = asked.curves.pivot(index="epoch", columns="run", values="loss")
    rises = (losses.diff() > 1e-9 * losses.shift()).mul(losses.index, axis=0).max()
    runs = asked.runs.assign(rose=asked.runs["run"].map(rises))
    last = {gate: of_gate.loc[of_gate["rose"].idxmax()] for gate, of_gate in runs.groupby("gate")}
    told = [f"{at['rose']:,.0f} with {gate} (η = {number(at['learning_rate'])})" for gate, at in last.items()]
    assert len(told) == 5 and min(at["rose"] for at in last.values()) > 0
    largest = runs[runs["learning_rate"] == runs["learning_rate"].max()]["rose"].max()
    ends = f"at the largest learning rate, η = 100000, in epoch {largest:.0f} or before"
    assert all(one in asked.answer[0] for one in [*told, ends])


def test_first_guess(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "first_guess.toml", tmp_path, "seeds=2000")
    counts = {gate: of["answers"].str.count("1").value_counts().sort_index() for gate, of in asked.runs.groupby("gate")}
    tests = {gate: chisquare(of) for gate, of in counts.items()}
    highest = 0.0
    for place, gate in enumerate(sorted(counts, key=lambda gate: float(tests[gate].pvalue))):
        highest = max(highest, min(1.0, (4 - place) * tests[gate].pvalue))
        (sentence,) = (one for one in asked.answer if one.startswith(f"On {gate}, "))
        of, n_rows = counts[gate], 2 ** int(gate[-1])
        assert list(of.index) == list(range(n_rows))
        parts = [
            f"0 to {n_rows - 1} of the {n_rows} rows are answered 1 equally often",
            f" least often ({of.min():,} of 2,000 runs)",
        ]
        parts += [f" most often ({of.max():,})", f"would be {2000 / n_rows:.1f}".removesuffix(".0") + " each"]
        parts.append(
            f"χ² = {tests[gate].statistic:.3g}, {n_rows - 1} degrees of freedom, p = {highest:.2g} by Holm over 4"
        )
        assert all(part in sentence for part in parts), (sentence, parts)
    assert len(asked.answer) == 4 and asked.answer[0].startswith("On parity-2, ")


def test_the_axis_that_the_question_names_comes_first(tmp_path: Path) -> None:
    grid: dict[str, Any] = {"gate": "XOR", "hidden": [2, 3], "activation": ["sigmoid", "tanh"]}
    grid |= {"learning_rate": [0.03, 0.3], "optimizer": ["gd", "nesterov", "adam"], "seeds": 20}
    source = {"question": "Which optimizer learns XOR with few hidden units?", "grid": grid}
    asked = ask(source | {"train": {"max_epochs": 1000}}, tmp_path)
    winner, told = tell_best(asked, "optimizer", "often")
    tell_effects(asked, dict.fromkeys(("optimizer", "activation", "hidden", "learning_rate"), ()))
    check(asked, winner, *(f"{text} with" for text in told.values()))
    assert all(name in asked.first_two for name in ("gd", "nesterov", "adam"))
    for title in ("Optimizer: ", "Activation: ", "Hidden units: ", "Learning rate η: "):
        assert sum(sentence.startswith(title) for sentence in asked.answer) == 1


def test_compare_says_which_axis_comes_first(tmp_path: Path) -> None:
    grid = {"gate": "XOR", "hidden": [2, 3], "activation": ["sigmoid", "tanh"], "learning_rate": 1, "seeds": 20}
    source = {"question": "What learns XOR?", "compare": "activation", "grid": grid, "train": {"max_epochs": 1500}}
    asked = ask(source, tmp_path)
    winner, told = tell_best(asked, "activation", "often")
    tell_effects(asked, {"activation": (), "hidden": ()})
    check(asked, winner, *(f"{text} with" for text in told.values()), "and tanh")


def test_what_goes_together_is_named_together(tmp_path: Path) -> None:
    common = {"gate": "XOR", "loss": "mse", "optimizer": "momentum", "learning_rate": [1, 2], "seeds": 20}
    grid = [common | {"hidden": 1, "shortcut": True}, common | {"hidden": [2, 3]}]
    train = {"max_epochs": 1000, "target_error": 0.2}
    asked = ask({"question": "How many hidden units does XOR need?", "grid": grid, "train": train}, tmp_path)
    _, told = tell_best(asked, "hidden", "often")
    tell_effects(asked, {"hidden": ("shortcut",), "learning_rate": ()})
    asked.known += [f"{told[n]} with" for n in (2, 3)]
    check(asked, f"{told[1]} with 1 hidden unit and shortcuts", *(f"{n} hidden units" for n in (2, 3)))
    assert not any(re.search(r"\b1 hidden unit(?! and shortcuts)", sentence) for sentence in asked.answer)
    assert not any(sentence.startswith("Shortcut") for sentence in asked.answer)


def test_many_poor_rates_are_no_headline(tmp_path: Path) -> None:
    grid = {"gate": "AND", "learning_rate": {"from": 1e-4, "to": 1e3, "num": 15, "scale": "log"}, "seeds": 20}
    source = {"question": "How often does logistic regression learn AND?", "grid": grid, "train": {"max_epochs": 1000}}
    asked = ask(source, tmp_path)
    winner, told = tell_best(asked, "learning_rate", "often")
    always = asked.runs.groupby("learning_rate")["epoch"].max() < np.inf
    first, last = (number(always.index[always][end]) for end in (0, -1))
    never = asked.runs[~asked.runs["learning_rate"].isin(list(told))]
    asked.known.append(f"{number(never['learning_rate'].min())} to {number(never['learning_rate'].max())}")
    asked.known += [f"none of {len(never):,} runs", f"from {first} to {last}", f" to {last}"]
    asked.known += [f"{text} with {number(at)}" for at, text in told.items()]
    asked.known += [f"{text} with η = {number(at)}" for at, text in told.items()]
    check(asked, winner)
    pooled = share(int((asked.runs["epoch"] < np.inf).sum()), len(asked.runs))
    assert not any(f"{pooled} %" in sentence for sentence in asked.answer[:-1])
    assert any(f"every value tried from {first} to {last}" in sentence for sentence in asked.answer)


def test_starts_are_compared_gate_by_gate_and_speed_apart_from_convergence(tmp_path: Path) -> None:
    grid = {"gate": ["OR", "NAND"], "learning_rate": {"from": 0.01, "to": 10, "num": 6, "scale": "log"}, "seeds": 60}
    grid["init"] = ["uniform(0, 1)", "normal(0, 1)", "uniform(-5, 5)"]
    source = {"question": "Does a larger start help OR, or NAND?", "grid": grid, "train": {"max_epochs": 3000}}
    asked = ask(source, tmp_path)
    told = tell_effects(asked, {"init": ()})
    assert ("OR", 1) in {(one["gate"], one["kind"]) for one in told}
    for gate, sentence in zip(("OR", "NAND"), asked.answer, strict=False):
        assert sentence.startswith(f"Start, {gate}: ")
        for one in told:
            words = "more often" if one["kind"] == 0 else "were faster"
            assert (f"{words} with {one['a']} than with {one['b']}" in sentence) or one["gate"] != gate
    for _, of_gate in asked.runs.groupby("gate"):
        reported = best(of_gate, ["learning_rate", "init"], 30, "often")[1]
        asked.known += [of_runs(reported, 3000, " with other seeds"), "the best of 18 settings, chosen by 30 seeds"]
    always = asked.runs.groupby("learning_rate")["epoch"].max() < np.inf
    asked.known.append(f"from {number(always.index[always][0])} to {number(always.index[always][-1])}")
    check(asked, "Start, OR: ", "Start, NAND: ")


def test_where_there_is_nothing_to_say_nothing_is_said(tmp_path: Path) -> None:
    grid = {"gate": "OR", "optimizer": ["momentum", "nesterov"], "momentum": 0, "learning_rate": 1, "seeds": 12}
    asked = ask({"question": "Which optimizer?", "grid": grid, "train": {"max_epochs": 2000}}, tmp_path)
    winner, _ = tell_best(asked, "optimizer", "often")
    asked.known += ["in any of 12 pairs", "100 % with momentum and nesterov"]
    check(asked, winner)
    assert "Optimizer: no difference in when runs converge, in any of 12 pairs." in asked.answer


def test_the_fall_before_the_target(tmp_path: Path) -> None:
    grid = {"gate": "OR", "learning_rate": 0.1, "seeds": 5}
    source = {"question": "How does the loss fall while OR is learned?", "grid": grid}
    asked = ask(source | {"train": {"max_epochs": 1000, "record_every": 100}}, tmp_path)
    assert asked.curves is not None
    losses = asked.curves.groupby("epoch")["loss"].median()
    slope = np.log(losses[500] / losses[1000]) / np.log(2)
    assert (asked.runs["epoch"] == np.inf).all()
    low, middle, high = (f"{asked.runs['final_loss'].sort_values().iloc[at]:.3g} nats" for at in (0, 2, 4))
    asked.known.append(f"{middle} (5–95 %: {low} to {high})")
    # weights (4, 4) and bias −2 give the signed rows of OR the products 2, 2, 2 and 6
    epochs = np.linalg.norm([2, 2, -1]) ** 2 / (0.1 * 0.01)
    asked.known.append(f"about {float(f'{epochs:.2g}'):,.0f} epochs until the loss is 0.01 nats, at η = 0.1")
    law = "1/t" if abs(slope - 1) <= 0.15 else "a power of t"
    fell = f"The median loss of 5 runs fell from {losses[0]:.3g} nats to {losses[1000]:.3g} nats in 1,000 epochs"
    interval = f"(95 % interval 0 – {share(binomtest(0, 5).proportion_ci(method='wilson').high, 1)} %)"
    facts = [f"{fell}, from epoch 500 on like {law}, t the epoch: measured, like t^−{slope:.2f}."]
    check(asked, *facts, f"OR: none of the 5 runs converged {interval}")


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        ({"gate": "AND"}, "The one run converged after {epoch} epochs; its final loss is {loss} nats."),
        (
            {"gate": ["AND", "XOR"]},
            "Logistic regression learned AND; it never learned XOR: its one run did not converge.",
        ),
        ({"gate": ["AND", "OR"]}, "Logistic regression learned AND and OR."),
    ],
)
def test_one_is_not_many(grid: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    asked = ask({"question": "Which?", "grid": grid | {"learning_rate": 1}, "train": {"max_epochs": 3000}}, tmp_path)
    first = asked.runs.iloc[0]
    asked.known += [of_runs(asked.runs[asked.runs["run"] == run], 3000) for run in asked.runs["run"]]
    asked.known.append("the target is 0.01 nats")
    check(asked, sentence.format(epoch=f"{first['epoch']:,.0f}", loss=f"{first['final_loss']:.3g}"))


def test_separability_is_the_reason(tmp_path: Path) -> None:
    grid = {"gate": "all-3", "learning_rate": 10, "init": "zeros"}
    train = {"max_epochs": 1000, "target_error": 0.5}
    asked = ask({"question": "Which functions of three variables are learned?", "grid": grid, "train": train}, tmp_path)
    assert (asked.runs["epoch"] < np.inf).sum() == 104
    check(asked, "104 of the 256 Boolean functions of 3 inputs", "exactly the linearly separable ones")


def test_a_loss_that_rises_before_it_falls_is_not_said_to_rise(tmp_path: Path) -> None:
    grid = {"gate": "OR", "encoding": "pm1", "learning_rate": 3000, "seeds": 21}
    train = {"max_epochs": 10, "target_loss": 0.1, "record_every": 1}
    asked = ask({"question": "How does the loss fall?", "grid": grid, "train": train}, tmp_path)
    assert asked.curves is not None
    first = asked.curves.query("epoch == 0")["loss"].median()
    assert asked.runs["final_loss"].median() < 1e-9
    n = asked.curves["epoch"].max()
    fell = f"The median loss of 21 runs fell from {first:.3g} nats to less than 1e-9 nats by the end of each"
    low, middle, high = (int(asked.runs["converged_epoch"].sort_values().iloc[at]) for at in (1, 10, 19))
    interval = f"(95 % interval {share(binomtest(21, 21).proportion_ci(method='wilson').low, 1)} – 100 %)"
    converged = f"OR: all 21 runs converged {interval}, half of them within {middle} epochs (5–95 %: {low} – {high})"
    check(asked, f"{fell}, within {n} epochs", converged)


def test_an_optimizer_is_asked_for_by_its_name(tmp_path: Path) -> None:
    grid = {"gate": "AND", "hidden": [1, 2], "optimizer": ["gd", "momentum"], "learning_rate": 1, "seeds": 20}
    said = sweep.run({"question": "Does momentum help?", "grid": grid, "train": {"max_epochs": 3000}}).answer
    assert "gd and momentum" in said[0]


def test_the_best_of_all_settings_may_lack_the_axis_of_the_question() -> None:
    shared = {"gate": "AND", "learning_rate": 1, "seeds": 20}
    grids = [{**shared, "optimizer": "gd"}, {**shared, "optimizer": "momentum", "momentum": [0.5, 0.9]}]
    train = {"max_epochs": 2000}
    said = sweep.run({"question": "Does momentum help?", "grid": grids, "train": train}).answer
    assert any(sentence.startswith("The best of 3 settings") for sentence in said)


def test_what_is_fastest_is_answered_by_speed_and_by_medians_that_there_are() -> None:
    grid = {"gate": "XOR", "hidden": 4, "activation": ["sigmoid", "tanh", "relu"], "learning_rate": 3, "seeds": 60}
    question = "Which activation learns XOR fastest?"
    result = sweep.run({"question": question, "grid": grid, "train": {"max_epochs": 380}})
    assert result.summary.set_index("activation")["epochs_q50"].isna()["relu"]
    assert (result.summary["n_converged"] > 6).all()
    assert result.answer[0].startswith("The fastest of 3 settings") and "tanh" in result.answer[0]
    assert result.answer[1].startswith("It took half of all runs") and "more than 380 with relu" in result.answer[1]
    (factors,) = (sentence for sentence in result.answer if "times as many epochs" in sentence)
    assert "with sigmoid" in factors and "relu" not in factors
