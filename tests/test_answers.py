"""Answers against what an expert would say, from numbers computed here from runs.csv with pandas alone.

`known` collects every true statement with a number in it, as text; what is left of an answer without these has no digits.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, linregress, t

import sweep

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
OUTCOMES = ("run", "seed", "status", "epochs", "converged_epoch", "period", "final_loss", "epoch")


@dataclass
class Asked:
    """An experiment's answer, in plain spaces, and its runs as they are on disk."""

    answer: list[str]
    runs: pd.DataFrame
    max_epochs: int
    curves: pd.DataFrame | None
    known: list[str] = field(default_factory=list)
    following: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: sweep.Result, runs: pd.DataFrame, curves: pd.DataFrame | None) -> Self:
        answer = [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in result.answer]
        converged = runs["converged_epoch"].astype(float).where(runs["status"] == "converged", np.inf)
        return cls(answer, runs.assign(epoch=converged), result.manifest["experiment"]["train"]["max_epochs"], curves)

    @property
    def axes(self) -> list[str]:
        return [key for key in self.runs if key not in OUTCOMES and self.runs[key].nunique() > 1]

    @property
    def first_two(self) -> str:
        return " ".join(self.answer[:2])


def ask(source: Any, directory: Path, *overrides: str) -> Asked:
    """Run an experiment, and read its runs as anyone would."""
    result = sweep.run(source, directory, overrides=overrides, figures=False)
    curves = directory / "curves.csv"
    runs = pd.read_csv(directory / "runs.csv", dtype={"gate": str})
    return Asked.of(result, runs, pd.read_csv(curves) if curves.exists() else None)


def share(part: float, whole: float, decimals: int = 1) -> str:
    """In percent; of what is close to 0 or 100, as many decimals as it takes."""
    value = 100 * part / whole
    distance = min(value, 100 - value)
    if distance == 0:
        return f"{value:.0f}"
    places = decimals if distance >= 0.95 else 2 if distance >= 0.01 else int(np.ceil(-np.log10(distance)))
    return f"{value:.{places}f}"


def median(epochs: "pd.Series[float]", q: float = 0.5) -> float:
    """The order statistic that at least so many of the values do not exceed."""
    return float(np.sort(epochs)[int(np.ceil(q * len(epochs) - 1e-9)) - 1])


def halves(runs: pd.DataFrame, axes: Sequence[str], n: int) -> Iterator[tuple[Any, pd.DataFrame, pd.DataFrame]]:
    """Each setting with the runs of its first n seeds, and its others; all its runs in both where n is 0."""
    for at, of_setting in runs.groupby(list(axes), sort=False):
        ordered = of_setting.sort_values("seed")
        yield (at, ordered.head(n), ordered.tail(len(ordered) - n)) if n else (at, ordered, ordered)


def best(runs: pd.DataFrame, axes: Sequence[str], n: int, by: str) -> tuple[Any, pd.DataFrame]:
    """The setting that does best among the first n seeds, and its runs with the others."""

    def worth(chosen: pd.DataFrame) -> tuple[float, float]:
        failed, epochs = float((chosen["epoch"] == np.inf).mean()), median(chosen["epoch"])
        return (failed, epochs) if by == "often" else (epochs, failed)

    at, _, reported = min(halves(runs, axes, n), key=lambda one: worth(one[1]))
    return dict(zip(axes, at, strict=True)), reported


def of_runs(reported: pd.DataFrame, max_epochs: int) -> str:
    """How the runs of one setting came out."""
    n, k = len(reported), int((reported["epoch"] < np.inf).sum())
    low, high = binomtest(k, n).proportion_ci(method="wilson")
    said = f"all {n:,} runs" if k == n else f"{k:,} of {n:,} runs" if k else f"none of the {n:,} runs"
    said += f" converged ({f'{share(k, n)} %, ' if 0 < k < n else ''}95 % interval {share(low, 1)} – {share(high, 1)} %)"
    q05, q50, q95 = (median(reported["epoch"], q) for q in (0.05, 0.5, 0.95))
    ends = [f"{q:,.0f}" if q < np.inf else f"more than {max_epochs:,}" for q in (q05, q95)]
    if q50 == np.inf:
        return said
    return f"{said}, half of {'them' if k == n else 'all'} within {q50:,.0f} epoch{'s' if q50 > 1 else ''} (5–95 %: {' – '.join(ends)})"


def number(value: float) -> str:
    return f"{value:,.3g}".replace(",", "") if value != int(value) else f"{value:.0f}"


WORDS: dict[str, Callable[[Any], str]] = {
    "hidden": lambda at: f"{at} hidden unit{'s' if at != 1 else ''}",
    "learning_rate": lambda at: f"η = {number(at)}",
    "momentum": lambda at: f"momentum {number(at)}",
    "init_scale": lambda at: f"init scale {number(at)}",
    "update": lambda at: f"{at} updates",
}


SMALL = "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()


def word(axis: str, at: Any) -> str:
    return WORDS.get(axis, str)(at)


def tell_best(asked: Asked, subject: str, by: str, follow: Sequence[str] = ()) -> tuple[Any, dict[Any, str]]:
    """Note the best setting and that of each value of an axis; return the winner and what is told of each value."""
    learned = asked.runs.groupby(subject).filter(lambda of: (of["epoch"] < np.inf).any())
    n = int(learned.groupby(asked.axes)["seed"].count().min())
    n = n // 2 if n >= 10 and learned.groupby(asked.axes).ngroups > 1 else 0
    setting, reported = best(learned, asked.axes, n, by)
    asked.known += [of_runs(reported, asked.max_epochs), f"chosen by {n:,} other seeds"]
    told = {}
    for at, runs in learned.groupby(subject):
        asked.known.append(f"of {runs.groupby(asked.axes).ngroups:,} settings")
        asked.known.append(f"of the {runs.groupby(asked.axes).ngroups:,} settings")
        _, of_value = best(runs, asked.axes, n, by)
        epochs = median(of_value["epoch"])
        k = int((of_value["epoch"] < np.inf).sum())
        told[at] = f"{share(k, len(of_value))} %" if by == "often" else f"{epochs:,.0f}"
    asked.known.append(f"of {learned.groupby(asked.axes).ngroups:,} settings")
    return setting[subject], told


def contrasts(runs: pd.DataFrame, axis: str, others: Sequence[str]) -> list[dict[str, Any]]:
    """The two values of an axis that differ in most pairs: in who converged, and in who did first where both did."""
    found: list[list[dict[str, Any]]] = [[], []]
    values = sorted(runs[axis].unique())
    for a, b in itertools.combinations(values, 2):
        pair = runs[runs[axis] == a].merge(runs[runs[axis] == b], on=[*others, "seed"])
        both = pair[(pair["epoch_x"] < np.inf) & (pair["epoch_y"] < np.inf)]
        alone = (pair["epoch_x"] < np.inf).astype(int) - (pair["epoch_y"] < np.inf).astype(int)
        for kind, (rows, sign) in enumerate([(pair, alone), (both, np.sign(both["epoch_y"] - both["epoch_x"]))]):
            seeds = sign.groupby(rows["seed"]).sum()
            for_a, for_b, of_a, of_b = ((sign > 0).sum(), (sign < 0).sum(), (seeds > 0).sum(), (seeds < 0).sum())
            ratio = (rows["epoch_y"].clip(1) / rows["epoch_x"].clip(1)).median() if kind else np.nan
            if for_b > for_a:
                a_, b_, for_a, for_b, of_a, of_b, ratio = b, a, for_b, for_a, of_b, of_a, 1 / ratio
            else:
                a_, b_ = a, b
            p = binomtest(int(min(of_a, of_b)), int(of_a + of_b)).pvalue if of_a + of_b else 1.0
            p = min(1.0, p * len(values) * (len(values) - 1) / 2) if of_a > of_b else 1.0
            one = {"kind": kind, "a": a_, "b": b_, "n": len(rows), "for_a": for_a, "for_b": for_b, "ratio": ratio, "p": p}
            if rows["seed"].nunique() >= 6 or kind:
                found[kind].append(one | {"axis": axis})
    largest = [max(of, key=lambda one: (abs(one["for_a"] - one["for_b"]), one["for_a"] + one["for_b"])) for of in found if of]
    return [one for one in largest if one["for_a"] + one["for_b"]]


def tell_effects(asked: Asked, axes: Mapping[str, Sequence[str]], runs: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    """Note the effect of each axis, given with the axes that follow from it, gate by gate; p by Holm over all."""
    runs = asked.runs if runs is None else runs
    found: list[dict[str, Any]] = []
    for axis, follow in axes.items():
        others = [key for key in asked.axes if key not in (axis, *follow, *asked.following)]
        for gate, of_gate in runs.groupby("gate", sort=False) if "gate" in asked.axes else [("", runs)]:
            found += [one | {"gate": gate} for one in contrasts(of_gate, axis, others)]
    ordered = sorted(found, key=lambda one: one["p"])
    highest = 0.0
    for rank, one in enumerate(ordered):
        one["p"] = highest = max(highest, min(1.0, one["p"] * (len(found) - rank)))
        p = "p < 0.001" if highest < 0.001 else f"p = {highest:.2g}"
        if highest < 0.05 and one["kind"] == 0:
            told = f"of {one['n']:,} pairs, only the former did in {one['for_a']:,} and only the latter in {one['for_b']:,} ({p})"
            asked.known.append(told)
        elif highest < 0.05:
            ratio = f", by a median factor of {one['ratio']:.2g}" if one["ratio"] >= 1.05 else ""
            asked.known.append(f"{ratio}: of {one['n']:,} pairs, in {one['for_a']:,}, and slower in {one['for_b']:,} ({p})")
    return found


def tell_outcomes(asked: Asked) -> None:
    """Note what became of all runs."""
    names = {"converged": "converged", "diverged": "diverged", "stationary": "became stationary"}
    names["max_epochs"] = f"had not converged after {asked.max_epochs:,} epochs"
    n = len(asked.runs)
    for status, count in asked.runs["status"].value_counts().items():
        asked.known += [f"{count:,} ({share(count, n)} %) {names[status]}", f"All {n:,} runs of this grid {names[status]}"]
    asked.known.append(f"Of all {n:,} runs")


def check(asked: Asked, *facts: str) -> None:
    """The first two sentences state the facts, and no sentence has a number that is not known to be right."""
    for fact in facts:
        assert fact in asked.first_two, asked.answer
    tell_outcomes(asked)
    names = [word(axis, at) for axis in asked.runs if axis not in OUTCOMES for at in asked.runs[axis].dropna().unique()]
    always = ["ln 2 ≈ 0.693 nats", "1/t", f"after {asked.max_epochs:,} epochs", f"after {asked.max_epochs:,}."]
    known = sorted([*asked.known, *facts, *names, *always], key=len, reverse=True)
    for sentence in asked.answer:
        rest = sentence
        for one in known:
            rest = rest.replace(one, "")
        assert not re.search(r"\d", rest), f"{rest}\n{sentence}\n{known}"
        assert sentence[0].isupper() or sentence[0] in "ηλ", sentence
        assert not re.search(r"runs each converged|all 1 |max.epochs|\b1 (epochs|runs|hidden units)|  |\(\)", sentence), sentence


def test_gates(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "gates.toml", tmp_path, "learning_rate.num=9", "seeds=40")
    learned = asked.runs.groupby("gate", sort=False).filter(lambda of: (of["epoch"] < np.inf).any())
    always = learned.groupby("learning_rate")["epoch"].max() < np.inf
    rates = always.index[always]
    bests = {gate: best(of, ["init", "learning_rate"], 20, "fast")[1] for gate, of in learned.groupby("gate")}
    medians = {gate: median(reported["epoch"]) for gate, reported in bests.items()}
    least, most = min(medians.values()), max(medians.values())
    assert set(asked.runs["gate"]) - set(learned["gate"]) == {"XOR", "XNOR"}
    assert all((reported["epoch"] < np.inf).all() for reported in bests.values())
    asked.known += [f"{least:.0f} epoch (", f"{most:.0f} epochs ({max(medians, key=lambda gate: medians[gate])})"]
    asked.known.append("of the 36 settings of each, chosen by 20 other seeds, all 20 runs of each")
    asked.known.append(f"from {number(rates[0])} to {number(rates[-1])}")
    never = "it never learned XOR or XNOR: none of 1,440 runs each."
    reason = "no straight line tells their ones from their zeros (they are not linearly separable"
    check(asked, f"Logistic regression learned fourteen of the sixteen gates; {never}", reason, "the target is 0.01 nats")
    starts = [one for one in tell_effects(asked, {"init": ()}, learned) if one["p"] < 0.05]
    (told,) = (sentence for sentence in asked.answer if sentence.startswith("Start: "))
    for kind, words in enumerate(("runs converged more often with", "runs were faster with")):
        winners = pd.Series([one["a"] for one in starts if one["kind"] == kind]).value_counts()
        expected = [f"{words} {at} than with another for {SMALL[n]}" for at, n in winners.items() if n == winners.max()]
        assert any(one in told for one in expected) if expected else words not in told


def test_the_fall_of_a_loss(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "and.toml", tmp_path)
    assert asked.curves is not None
    losses = asked.curves.groupby("epoch")["loss"].median()
    slope = np.log(losses[5000] / losses[10_000]) / np.log(2)
    assert abs(slope - 1) < 0.05
    assert (asked.runs["epoch"] < np.inf).all()
    check(
        asked,
        f"fell from {losses[0]:.3g} nats to {losses[10_000]:.3g} nats in 10,000 epochs, from epoch 5,000 on like 1/t",
        f"like t^−{slope:.2f}",
        f"The median loss of 100 runs",
        of_runs(asked.runs, 10_000),
    )


def test_threshold_functions(threshold_functions: sweep.Result) -> None:
    asked = Asked.of(threshold_functions, threshold_functions.runs.astype({"gate": str}), None)
    learned = asked.runs[asked.runs["epoch"] < np.inf]["gate"].str.len().value_counts()
    every = asked.runs["gate"].str.len().value_counts()
    assert (learned[8], learned[16]) == (104, 1882)  # OEIS A000609
    facts = [f"{learned[rows]:,} of the {every[rows]:,} Boolean functions of {n} inputs" for n, rows in ((3, 8), (4, 16))]
    check(asked, *facts, "exactly the linearly separable ones")


def edge(asked: Asked, encoding: str, critical: float) -> list[str]:
    runs = asked.runs[asked.runs["encoding"] == encoding] if "encoding" in asked.runs else asked.runs
    runs = runs.assign(settled=runs["final_loss"] <= np.log(2) + 1e-6)
    by_rate = runs.groupby("learning_rate")["settled"].agg(["all", "any"])
    last, first = by_rate.index[by_rate["all"]].max(), by_rate.index[by_rate["any"]].max()
    beyond = runs[runs["learning_rate"] > first]
    cycles = int((beyond["period"] > 1).sum())
    unsettled = beyond["learning_rate"].min()
    assert last < critical < unsettled
    seen = f"{cycles:,} ended in one" if cycles < len(beyond) else "all ended in one"
    asked.known.append(f"of the {len(beyond):,} runs on XOR")
    assert any(seen in sentence for sentence in asked.answer)
    asked.known.append(seen)
    return [
        f"at learning rates up to {last:.6g}, and none did from {unsettled:.6g} on",
        f"η = 2/λ = {critical:.6g}, between the two",
    ]


def test_the_critical_learning_rate(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "critical_learning_rate.toml", tmp_path)
    facts = [*edge(asked, "01", 4 * (7 - 33**0.5)), *edge(asked, "pm1", 8)]
    asked.known += ["inputs 0 and 1", "inputs −1 and +1"]
    check(asked, *facts)


def test_a_coarse_grid_brackets_the_edge_no_finer_than_it_is(tmp_path: Path) -> None:
    grid = {"gate": "XOR", "learning_rate": {"from": 4, "to": 6, "num": 9}, "seeds": 6}
    train = {"max_epochs": 3000, "target_loss": 0.693147181, "early_stop": False}
    question = "Up to which learning rate does descent on XOR settle?"
    asked = ask({"question": question, "grid": grid, "train": train}, tmp_path)
    facts = edge(asked, "01", 4 * (7 - 33**0.5))
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
    tell_effects(asked, {"hidden": (), "activation": (), "learning_rate": ()}, asked.runs[asked.runs["hidden"] > 1])
    asked.known += [f"within {fastest[2]} epochs with 2", *(f"{fastest[n]} with {n}" for n in (3, 4))]
    shares = [f"{often[2]} with 2 hidden units"] + [f"{often[n]} with {n}" for n in (3, 4)]
    shares = shares[:2] + shares[2:] if often[3] != often[4] else [shares[0], f"{often[3]} with 3 and 4"]
    check(
        asked,
        f"Runs converged most often with {winner} hidden units (",
        *shares,
        f"with 1 hidden unit, none of {len(never):,} runs converged",
    )


def test_kolen_pollack(tmp_path: Path) -> None:
    overrides = ["init_scale=[0.1, 1, 4, 10]", "momentum=[0, 0.9]", "seeds=24", "max_epochs=2000"]
    asked = ask(EXPERIMENTS / "kolen_pollack.toml", tmp_path, *overrides)
    winner, told = tell_best(asked, "init_scale", "often")
    failed = {at: f"{share(100 - float(text[:-2]), 100)} %" for at, text in told.items()}
    tell_effects(asked, {"init_scale": (), "learning_rate": ("update",), "momentum": ()})
    facts = [f"{failed[0.1]} with init scale 0.1", *(f"{failed[at]} with {at}" for at in (1, 4, 10))]
    check(asked, f"Runs converged most often with init scale {number(winner)} (", "the share that failed was", *facts)


def test_maps_of_starts(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "kolen_pollack_slices.toml", tmp_path, "grid.x.num=40", "grid.y.num=40")
    numbered = asked.runs.assign(map=asked.runs["run"] // 1600)
    for at, runs in numbered.groupby("map"):
        learned = runs[runs["epoch"] < np.inf]
        said = f"of 1,600 runs, {len(learned):,} converged ({share(len(learned), 1600)} %)" if len(learned) else "of 1,600 runs, none"
        assert said in asked.answer[int(str(at))]
        asked.known += [said, asked.answer[int(str(at))].partition(":")[0]]
        if len(learned):
            first = learned.sort_values(["epoch", "y", "x"]).iloc[0]
            asked.known.append(f"took {first['epoch']:.0f} epochs")
            asked.known += [f"initial weight {key} = {number(first[key])}".replace("-", "−") for key in ("x", "y")]
            for key in ("x", "y"):
                ends = [number(float(end)).replace("-", "−") for end in (learned[key].min(), learned[key].max())]
                asked.known.append(f"initial weight {key} from {ends[0]} to {ends[1]}")
    check(asked, "of 1,600 runs")


def test_where_training_stops(tmp_path: Path) -> None:
    source = EXPERIMENTS / "trainability_boundary.toml"
    asked = ask(source, tmp_path, "learning_rate.num=32", "hidden_learning_rate.num=32")
    runs, keys = asked.runs, {"hidden_learning_rate": "hidden learning rate", "learning_rate": "learning rate η"}
    learned = runs[runs["epoch"] < np.inf]
    first = learned.sort_values(["epoch", *keys]).iloc[0]
    facts = [f"Of {len(runs):,} runs, {len(learned):,} converged ({share(len(learned), len(runs))} %)"]
    facts += [f"{name} from {number(learned[key].min())} to {number(learned[key].max())}" for key, name in keys.items()]
    asked.known += [f"took {first['epoch']:.0f} epochs", *(f"{name} = {number(first[key])}" for key, name in keys.items())]
    alive = runs[runs["status"] != "diverged"]["learning_rate"].max()
    facts.append(f"every run diverged from learning rate η = {number(runs['learning_rate'][runs['learning_rate'] > alive].min())} on")
    check(asked, *facts)


def grows(asked: Asked, bits: Sequence[int], choosing: int) -> None:
    """Growth by a straight line through the logarithms of the fastest settings' medians, those that there are."""
    asked.following = ("hidden",)
    keys = [key for key in asked.axes if key not in ("gate", "hidden")]
    medians = np.array([median(best(runs, keys, choosing, "fast")[1]["epoch"]) for _, runs in asked.runs.groupby("gate")])
    x, y = np.array(bits)[medians < np.inf], np.log(medians[medians < np.inf])
    line = linregress(x, y)
    half = t.ppf(0.975, len(x) - 2) * line.stderr
    low, factor, high = np.exp([line.slope - half, line.slope, line.slope + half])
    without = f", {len(bits) - len(x)} later than the last epoch left out" if len(x) < len(bits) else ""
    asked.known.append(f"by a straight line through the logarithms of {len(x)} medians{without}")
    texts = [f"{one:,.0f}" if one < np.inf else f"more than {asked.max_epochs:,}" for one in medians]
    listed = f"{', '.join(texts[:-1])} and {texts[-1]} epochs for {', '.join(map(str, bits[:-1]))} and {bits[-1]} bits"
    n = asked.runs.groupby(asked.axes).size().min() - choosing
    settings = asked.runs.groupby(asked.axes).ngroups // len(bits)
    asked.known.append(f"the fastest of {settings} settings, chosen by {choosing} other seeds, told by {n} runs")
    asked.known.append(f"hidden units, from {asked.runs['hidden'].min()} to {asked.runs['hidden'].max()}")
    told = [one for one in tell_effects(asked, {key: () for key in keys}) if one["p"] < 0.05]
    interval = f"(95 % interval {low:.3g} – {high:.3g}"
    check(asked, f"The epochs to learn parity grow {factor:.3g}-fold with each bit", interval, listed)
    assert bool(told) == any("more than chance" in sentence or "p <" in sentence for sentence in asked.answer)


def test_parity(tmp_path: Path) -> None:
    overrides = ["momentum=0.9", "learning_rate=[0.2, 0.5]", "init_scale=4", "seeds=12", "max_epochs=600"]
    grows(ask(EXPERIMENTS / "parity.toml", tmp_path, *overrides), range(2, 9), 6)


def test_published(tmp_path: Path) -> None:
    asked = ask(EXPERIMENTS / "published.toml", tmp_path, "seeds=24", "init_scale=1", "max_epochs=4000")
    winner, told = tell_best(asked, "hidden", "fast")
    others = {key: () for key in ("momentum", "learning_rate", "update")}
    tell_effects(asked, {"hidden": ("shortcut",), "update": (), "momentum": (), "learning_rate": ()} | others)
    facts = [f"{told[1]} epochs with 1 hidden unit and shortcuts"]
    facts += [f"{told[n]} with {n} hidden units" for n in (2, 4, 8, 16, 32)]
    check(asked, f"Runs converged fastest with {winner} hidden units (", *facts)
    for sentence in asked.answer:
        assert not re.search(r"\b1 hidden unit(?! and shortcuts)", sentence)


def test_the_axis_that_the_question_names_comes_first(tmp_path: Path) -> None:
    grid = {"gate": "XOR", "hidden": [2, 3], "activation": ["sigmoid", "tanh"], "optimizer": ["gd", "nesterov", "adam"]}
    grid |= {"learning_rate": [0.03, 0.3], "seeds": 20}
    source = {"question": "Which optimizer learns XOR with few hidden units?", "grid": grid, "train": {"max_epochs": 1500}}
    asked = ask(source, tmp_path)
    winner, told = tell_best(asked, "optimizer", "often")
    tell_effects(asked, {"optimizer": (), "activation": (), "hidden": (), "learning_rate": ()})
    check(asked, f"Runs converged most often with {winner} (", *(f"{share} with" for share in told.values()))
    assert all(name in asked.first_two for name in ("gd", "nesterov", "adam"))
    for title in ("Optimizer: ", "Activation: ", "Hidden units: ", "Learning rate η: "):
        assert sum(sentence.startswith(title) for sentence in asked.answer) == 1


def test_compare_says_which_axis_comes_first(tmp_path: Path) -> None:
    grid = {"gate": "XOR", "hidden": [2, 3], "activation": ["sigmoid", "tanh"], "learning_rate": 1, "seeds": 20}
    source = {"question": "What learns XOR?", "compare": "activation", "grid": grid, "train": {"max_epochs": 500}}
    asked = ask(source, tmp_path)
    winner, told = tell_best(asked, "activation", "often")
    tell_effects(asked, {"activation": (), "hidden": ()})
    check(asked, f"Runs converged most often with {winner} (", *(f"{share} with {at}" for at, share in told.items()))


def test_what_goes_together_is_named_together(tmp_path: Path) -> None:
    common = {"gate": "XOR", "loss": "mse", "optimizer": "momentum", "learning_rate": [1, 2], "seeds": 20}
    grid = [common | {"hidden": 1, "shortcut": True}, common | {"hidden": [2, 3]}]
    train = {"max_epochs": 1500, "target_error": 0.2}
    asked = ask({"question": "How many hidden units does XOR need?", "grid": grid, "train": train}, tmp_path)
    winner, told = tell_best(asked, "hidden", "often")
    assert winner == 1
    tell_effects(asked, {"hidden": ("shortcut",), "learning_rate": ()})
    facts = [f"{told[1]} with 1 hidden unit and shortcuts", *(f"with {n} hidden units" for n in (2, 3))]
    asked.known += [f"{told[n]} with" for n in (2, 3)]
    check(asked, "Runs converged most often with 1 hidden unit and shortcuts (", *facts)
    assert not any(re.search(r"\b1 hidden unit(?! and shortcuts)", sentence) for sentence in asked.answer)
    assert not any(sentence.startswith("Shortcut") for sentence in asked.answer)


def test_many_poor_rates_are_no_headline(tmp_path: Path) -> None:
    grid = {"gate": "AND", "learning_rate": {"from": 1e-4, "to": 1e3, "num": 15, "scale": "log"}, "seeds": 20}
    source = {"question": "How often does logistic regression learn AND?", "grid": grid, "train": {"max_epochs": 1000}}
    asked = ask(source, tmp_path)
    winner, told = tell_best(asked, "learning_rate", "often")
    always = asked.runs.groupby("learning_rate")["epoch"].max() < np.inf
    rates = always.index[always]
    never = asked.runs[~asked.runs["learning_rate"].isin(list(told))]
    asked.known += [f"{number(asked.runs['learning_rate'].min())} to {number(never['learning_rate'].max())}"]
    asked.known += [f"none of {len(never):,} runs", f"from {number(rates[0])} to {number(rates[-1])}"]
    asked.known += [text for at, one in told.items() for text in (f"{one} with {number(at)}", f" to {number(at)}", f"{one} with η = {number(at)}")]
    check(asked, f"Runs converged most often with η = {number(winner)}")
    pooled = share(int((asked.runs["epoch"] < np.inf).sum()), len(asked.runs))
    assert not any(f"{pooled} %" in sentence for sentence in asked.answer[:-1])
    assert any(f"every one tried from {number(rates[0])} to {number(rates[-1])}" in sentence for sentence in asked.answer)


def test_growth_with_bits(tmp_path: Path) -> None:
    common = {"loss": "mse", "update": "online", "optimizer": "momentum", "learning_rate": [0.5, 1], "seeds": 20}
    grid = [common | {"gate": f"parity-{n}", "hidden": 2 * n, "init": "uniform(-2, 2)"} for n in (2, 3, 4)]
    source = {"question": "How do epochs grow with the number of bits?", "grid": grid}
    grows(ask(source | {"train": {"max_epochs": 2000, "target_error": 0.1}}, tmp_path), (2, 3, 4), 10)


def test_starts_are_compared_gate_by_gate_and_speed_apart_from_convergence(tmp_path: Path) -> None:
    grid = {"gate": ["OR", "1110"], "learning_rate": {"from": 0.01, "to": 10, "num": 6, "scale": "log"}, "seeds": 60}
    grid["init"] = ["uniform(0, 1)", "normal(0, 1)", "uniform(-5, 5)"]
    source = {"question": "Does a larger start help OR, or NAND?", "grid": grid, "train": {"max_epochs": 3000}}
    asked = ask(source, tmp_path)
    told = [one for one in tell_effects(asked, {"init": ()}) if one["p"] < 0.05]
    for gate, sentence in zip(("OR", "1110"), asked.answer, strict=False):
        assert sentence.startswith(f"Start, {gate}: ")
        for one in told:
            if one["gate"] == gate:
                words = "more often" if one["kind"] == 0 else "were faster"
                assert f"{words} with {one['a']} than with {one['b']}" in sentence
    assert {one["gate"] for one in told} == {"OR", "1110"}
    for gate, of_gate in asked.runs.groupby("gate"):
        setting, reported = best(of_gate, ["learning_rate", "init"], 30, "often")
        asked.known += [of_runs(reported, 3000), f"the best of {18} settings, chosen by 30 other seeds", str(gate)]
    always = asked.runs.groupby("learning_rate")["epoch"].max() < np.inf
    ends = [number(rate) for rate in always.index[always]]
    asked.known.append(f"from {ends[0]} to {ends[-1]}")
    check(asked, "Start, OR: ")


def test_where_there_is_nothing_to_say_nothing_is_said(tmp_path: Path) -> None:
    grid = {"gate": "OR", "optimizer": ["momentum", "nesterov"], "momentum": 0, "learning_rate": 1, "seeds": 12}
    asked = ask({"question": "Which optimizer?", "grid": grid, "train": {"max_epochs": 2000}}, tmp_path)
    tell_best(asked, "optimizer", "often")
    asked.known += ["in any of 12 pairs", "100 % with momentum and nesterov"]
    check(asked, "Runs converged most often with momentum")
    assert "Optimizer: no difference in when runs converge, in any of 12 pairs." in asked.answer


def test_the_fall_before_the_target(tmp_path: Path) -> None:
    grid = {"gate": "OR", "learning_rate": 0.1, "seeds": 5}
    source = {"question": "How does the loss fall while OR is learned?", "grid": grid}
    asked = ask(source | {"train": {"max_epochs": 1000, "record_every": 100}}, tmp_path)
    assert asked.curves is not None
    losses = asked.curves.groupby("epoch")["loss"].median()
    slope = np.log(losses[500] / losses[1000]) / np.log(2)
    assert (asked.runs["epoch"] == np.inf).all()
    ends = [f"{asked.runs['final_loss'].quantile(q, interpolation='higher'):.3g} nats" for q in (0, 0.5, 1)]
    asked.known += ends
    # OR with inputs 0 and 1 and a bias: signed rows (0, 0, −1), (0, 1, 1), (1, 0, 1), (1, 1, 1); w = (4, 4, −2)/γ⁻¹ …
    margin = 1 / np.linalg.norm([2, 2, -1])
    asked.known.append(f"about {float(f'{1 / (margin**2 * 0.1 * 0.01):.2g}'):,.0f} epochs until the loss is 0.01 nats, at η = 0.1")
    law = f"from epoch 500 on like a power of t, t the epoch: measured, like t^−{slope:.2f}"
    law = law if abs(slope - 1) > 0.15 else law.replace("a power of t", "1/t")
    low, high = binomtest(0, 5).proportion_ci(method="wilson")
    check(
        asked,
        f"The median loss of 5 runs fell from {losses[0]:.3g} nats to {losses[1000]:.3g} nats in 1,000 epochs, {law}.",
        f"OR: none of the 5 runs converged (95 % interval 0 – {share(high, 1)} %)",
    )


@pytest.mark.parametrize(
    ("grid", "sentences"),
    [
        ({"gate": "AND", "learning_rate": 1}, ["The one run converged after {epoch} epochs; its final loss is {loss} nats."]),
        (
            {"gate": ["AND", "XOR"], "learning_rate": 1},
            ["Logistic regression learned AND; it never learned XOR: its one run did not converge."],
        ),
        ({"gate": ["AND", "OR"], "learning_rate": 1}, ["Logistic regression learned AND and OR."]),
    ],
)
def test_one_is_not_many(grid: dict[str, Any], sentences: list[str], tmp_path: Path) -> None:
    asked = ask({"question": "Which?", "grid": grid, "train": {"max_epochs": 3000}}, tmp_path)
    first = asked.runs.iloc[0]
    expected = [one.format(epoch=f"{first['epoch']:,.0f}", loss=f"{first['final_loss']:.3g}") for one in sentences]
    asked.known += [text for _, run in asked.runs.iterrows() for text in (f"{run['gate']}: {of_runs(asked.runs[asked.runs['run'] == run['run']], 3000)}",)]
    asked.known += ["after {:,.0f} epochs".format(epoch) for epoch in asked.runs["epoch"]]
    check(asked, *expected, "0.01 nats" if "XOR" in str(grid) else "")


def test_separability_is_the_reason(tmp_path: Path) -> None:
    grid = {"gate": "all-3", "learning_rate": 10, "init": "zeros"}
    train = {"max_epochs": 1000, "target_error": 0.5}
    asked = ask({"question": "Which functions of three variables are learned?", "grid": grid, "train": train}, tmp_path)
    assert (asked.runs["epoch"] < np.inf).sum() == 104
    check(asked, "104 of the 256 Boolean functions of 3 inputs", "exactly the linearly separable ones")
