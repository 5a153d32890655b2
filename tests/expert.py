"""An expert's numbers, from runs.csv with pandas alone: what an answer may say, word for word.

`known` of an `Asked` collects true statements with numbers, as text; what is left of an answer without these has no
digits.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.stats import binomtest, linregress, quantile_test, t

import sweep
from sweep.spec.gates import expand, truth_table

OUTCOMES = ("run", "seed", "status", "epochs", "converged_epoch", "period", "final_loss", "answers", "epoch")
SMALL = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
]
FUNCTIONS = {truth_table(name): name for name in expand("all-2")}
WORDS: dict[str, Callable[[Any], str]] = {
    "hidden": lambda at: f"{at} hidden unit{'s' if at != 1 else ''}",
    "learning_rate": lambda at: f"η = {number(at)}",
    "momentum": lambda at: f"momentum {number(at)}",
    "init_scale": lambda at: f"init scale {number(at)}",
    "update": lambda at: f"{at} updates",
}


@dataclass
class Asked:
    """An experiment's answer, in plain spaces, and its runs as they are on disk; `epoch` is infinite if none."""

    answer: list[str]
    runs: pd.DataFrame
    max_epochs: int
    curves: pd.DataFrame | None
    constant: pd.Series
    known: list[str] = field(default_factory=list)
    following: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: sweep.Result, runs: pd.DataFrame, curves: pd.DataFrame | None = None) -> Self:
        answer = [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in result.answer]
        converged = runs["converged_epoch"].astype(float).where(runs["status"] == "converged", np.inf)
        experiment = result.manifest["experiment"]
        every = [loss for grid in experiment["grid"] for loss in np.atleast_1d(grid["loss"])]
        constant = runs.get("loss", pd.Series(every[0], runs.index)).map({"bce": np.log(2), "mse": 0.25})
        return cls(answer, runs.assign(epoch=converged), experiment["train"]["max_epochs"], curves, constant)

    @property
    def axes(self) -> list[str]:
        return [key for key in map(str, self.runs) if key not in OUTCOMES and self.runs[key].nunique() > 1]

    @property
    def first_two(self) -> str:
        return " ".join(self.answer[:2])


def ask(source: Any, directory: Path, *overrides: str) -> Asked:
    """Run an experiment, and read its runs as anyone would."""
    result = sweep.run(source, directory, overrides=overrides, figures=False)
    curves = directory / "curves.csv"
    runs = pd.read_csv(directory / "runs.csv", dtype={"gate": str, "answers": str})
    return Asked.of(result, runs, pd.read_csv(curves) if curves.exists() else None)


def number(value: float) -> str:
    """Three digits, or all of a whole number."""
    written = f"{value:.0f}" if value == int(value) else f"{value:.3g}"
    return written.replace("-", "−")


def word(axis: str, at: Any) -> str:
    return WORDS.get(axis, str)(at)


def share(part: float, whole: float) -> str:
    """In percent; of what is close to 0 or 100, as many decimals as it takes."""
    value = 100 * (part / whole)
    distance = min(value, 100 - value)
    places = 1 if distance >= 0.95 else 2 if distance >= 0.01 else int(np.ceil(-np.log10(distance))) if distance else 0
    return f"{value:.{places}f}"


def median(epochs: "pd.Series[float]", q: float = 0.5) -> float:
    """The order statistic that at least so many of the values do not exceed."""
    return float(np.sort(epochs)[int(np.ceil(q * len(epochs) - 1e-9)) - 1])


def halves(runs: pd.DataFrame, axes: Sequence[str], n: int) -> Iterator[tuple[Any, pd.DataFrame, pd.DataFrame]]:
    """Each setting with the runs of its first n seeds, and its others; all its runs in both where n is 0."""
    for at, of_setting in runs.groupby(list(axes), sort=False):
        ordered = of_setting.sort_values("seed")
        yield (at, ordered.head(n), ordered.tail(len(ordered) - n)) if n else (at, ordered, ordered)


def best(runs: pd.DataFrame, axes: Sequence[str], n: int, by: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """The setting that does best among the first n seeds, and its runs with the others."""

    def worth(chosen: pd.DataFrame) -> tuple[float, float]:
        failed, epochs = float((chosen["epoch"] == np.inf).mean()), median(chosen["epoch"])
        return (failed, epochs) if by == "often" else (epochs, failed)

    at, _, reported = min(halves(runs, axes, n), key=lambda one: worth(one[1]))
    return dict(zip(axes, at, strict=True)), reported


def of_runs(reported: pd.DataFrame, max_epochs: int, other: str = "") -> str:
    """How the runs of one setting came out."""
    n, k = len(reported), int((reported["epoch"] < np.inf).sum())
    if n == 1:
        return f"the one run converged after {reported['epoch'].iloc[0]:,.0f} epochs" if k else "did not converge"
    low, high = binomtest(k, n).proportion_ci(method="wilson")
    said = f"all {n:,}" if k == n else f"{k:,} of {n:,}" if k else f"none of the {n:,}"
    exact = f"{share(k, n)} %, " if 0 < k < n else ""
    said += f" runs{other} converged ({exact}95 % interval {share(low, 1)} – {share(high, 1)} %)"
    q05, q50, q95 = (median(reported["epoch"], q) for q in (0.05, 0.5, 0.95))
    ends = " – ".join(f"{q:,.0f}" if q < np.inf else f"more than {max_epochs:,}" for q in (q05, q95))
    whose = "half of them" if k == n else "half of all"
    return said if q50 == np.inf else f"{said}, {whose} within {q50:,.0f} epoch{'s' * (q50 > 1)} (5–95 %: {ends})"


def tell_best(asked: Asked, subject: str, by: str) -> tuple[str, dict[Any, str]]:
    """Note the best setting and that of each value of an axis; return who is best, and what is told of each value."""
    learned = asked.runs.groupby(subject).filter(lambda of: bool((of["epoch"] < np.inf).any()))
    settings = learned.groupby(asked.axes)["seed"].count()
    n = settings.min() // 2 if settings.min() >= 10 and len(settings) > 1 else 0
    setting, reported = best(learned, asked.axes, n, by)
    name = "best" if by == "often" else "fastest"
    winner = f"The {name} of {len(settings):,} settings, chosen by {f'{n:,} seeds' if n else 'the same runs'}, has "
    asked.known += [of_runs(reported, asked.max_epochs, " with other seeds" if n else ""), winner]
    told = {}
    for at, runs in learned.groupby(subject):
        sizes = runs.groupby(asked.axes).ngroups
        asked.known.append(f"of the {sizes:,} settings of each, chosen by {n:,} other seeds")
        asked.known.append(f"setting of each, chosen by {n:,} other seeds")
        _, of_value = best(runs, asked.axes, n if sizes > 1 else 0, by)
        k = int((of_value["epoch"] < np.inf).sum())
        told[at] = f"{share(k, len(of_value))} %" if by == "often" else f"{median(of_value['epoch']):,.0f}"
    return winner + word(subject, setting[subject]), told


def tell_medians(asked: Asked, subject: str) -> list[str]:
    """From where to where the medians of all settings of each value of an axis go."""
    said = []
    for _, runs in asked.runs.groupby(subject):
        medians = [median(of_setting["epoch"]) for _, of_setting in runs.groupby(asked.axes)]
        ends = [f"{q:,.0f}" if q < np.inf else f"more than {asked.max_epochs:,}" for q in (min(medians), max(medians))]
        said.append(" to ".join(ends))
    asked.known += said
    return said


def tell_factors(asked: Asked, subject: str, slower: str) -> list[str]:
    """How many times the epochs of each other value one value takes, by pairs of the runs that chose no setting."""
    size = asked.runs.groupby(asked.axes)["seed"].count().min()
    reported = {at: best(runs, asked.axes, size // 2, "fast")[1] for at, runs in asked.runs.groupby(subject)}
    said = []
    for at, runs in reported.items():
        pair = reported[slower].merge(runs, on="seed")
        both = pair[(pair["epoch_x"] < np.inf) & (pair["epoch_y"] < np.inf)]
        ratio = both["epoch_x"] / both["epoch_y"]
        ends = quantile_test(ratio, q=1, p=0.5).confidence_interval(0.95)
        if at != slower:
            said.append(f"{ratio.median():.3g} times")
            asked.known += [f"{len(both):,} pairs", f"{ends.low:.3g} – {ends.high:.3g}", "95 % interval"]
    asked.known += said
    return said


def contrasts(runs: pd.DataFrame, axis: str, others: Sequence[str]) -> list[dict[str, Any]]:
    """Two values of an axis: those that differ in most pairs in who converged; and in speed, where both did.

    For speed these have the largest median factor of all that differ by more than chance, or else differ in most pairs.
    """
    found: list[list[dict[str, Any]]] = [[], []]
    values = sorted(runs[axis].unique())
    for a, b in itertools.combinations(values, 2):
        pair = runs[runs[axis] == a].merge(runs[runs[axis] == b], on=[*others, "seed"])
        both = pair[(pair["epoch_x"] < np.inf) & (pair["epoch_y"] < np.inf)]
        alone = (pair["epoch_x"] < np.inf).astype(int) - (pair["epoch_y"] < np.inf).astype(int)
        for kind, (rows, sign) in enumerate([(pair, alone), (both, np.sign(both["epoch_y"] - both["epoch_x"]))]):
            seeds = sign.groupby(rows["seed"]).sum()
            sides = [
                (int((sign > 0).sum()), int((seeds > 0).sum()), a),
                (int((sign < 0).sum()), int((seeds < 0).sum()), b),
            ]
            swapped = sides[1][0] > sides[0][0]
            (n_more, seeds_more, more), (n_less, seeds_less, less) = sides[::-1] if swapped else sides
            ratio = float((both["epoch_y"].clip(1) / both["epoch_x"].clip(1)).median()) if len(both) else np.nan
            p = binomtest(seeds_less, seeds_more + seeds_less).pvalue if seeds_more > seeds_less else 1.0
            one = {"axis": axis, "kind": kind, "a": more, "b": less, "n": len(rows), "for_a": n_more, "for_b": n_less}
            one |= {"ratio": 1 / ratio if swapped else ratio, "p": min(1.0, p * len(values) * (len(values) - 1) / 2)}
            found[kind] += [one] if pair["seed"].nunique() >= 6 else []
    fast = [one for one in found[1] if one["p"] < 0.05]
    largest = [
        max(several, key=lambda one: (abs(one["for_a"] - one["for_b"]), one["for_a"] + one["for_b"]))
        for several in found[: 1 if fast else 2]
        if several
    ]
    largest += [max(fast, key=lambda one: one["ratio"])] if fast else []
    return [one for one in largest if one["for_a"] + one["for_b"]]


def tell_effects(
    asked: Asked, axes: Mapping[str, Sequence[str]], runs: pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """Note the effect of each axis, given with the axes that follow from it, gate by gate; p by Holm over all.

    Returned are those that are more than chance.
    """
    runs = asked.runs if runs is None else runs
    found: list[dict[str, Any]] = []
    for axis, follow in axes.items():
        others = [key for key in asked.axes if key not in (axis, *follow, *asked.following)]
        for gate, of_gate in runs.groupby("gate", sort=False) if "gate" in asked.axes else [("", runs)]:
            found += [one | {"gate": gate} for one in contrasts(of_gate, axis, others)]
    highest = 0.0
    for rank, one in enumerate(sorted(found, key=lambda one: float(one["p"]))):
        one["p"] = highest = max(highest, min(1.0, one["p"] * (len(found) - rank)))
        p = "" if highest < 0.001 else f"; p = {highest:.2g}"
        numbers = re.findall(r"-?\d[\d.,]*", word(one["axis"], one["b"]))
        asked.known += [f"than with {numbers[0]}" if numbers else ""]
        if highest < 0.05 and one["kind"] == 0:
            only = f"only the former did, in {one['for_b']:,} only the latter{p}"
            asked.known.append(f"(in {one['for_a']:,} of {one['n']:,} pairs {only})")
        elif highest < 0.05:
            factor = f", by a median factor of {one['ratio']:.2g}" if one["ratio"] >= 1.05 else ""
            asked.known.append(f"{factor} (in {one['for_a']:,} of {one['n']:,} pairs{p})")
    return [one for one in found if one["p"] < 0.05]


def tell_growth(asked: Asked, bits: Sequence[int], choosing: int) -> list[str]:
    """Growth by a straight line through the logarithms of the fastest settings' medians, those that there are."""
    asked.following = ("hidden",)
    keys = [key for key in asked.axes if key not in ("gate", "hidden")]
    tell_effects(asked, dict.fromkeys(keys, ()))
    by_gate = asked.runs.groupby("gate")
    medians = np.array([median(best(runs, keys, choosing, "fast")[1]["epoch"]) for _, runs in by_gate])
    x, y = np.array(bits)[medians < np.inf], np.log(medians[medians < np.inf])
    line = linregress(x, y)
    half = t.ppf(0.975, len(x) - 2) * line.stderr
    low, factor, high = np.exp([line.slope - half, line.slope, line.slope + half])
    lost = len(bits) - len(x)
    without = f", {lost} later than the last epoch left out, so it may be more" if lost else ""
    asked.known.append(f"by a straight line through the logarithms of {len(x)} medians{without}")
    texts = [f"{one:,.0f}" if one < np.inf else f"more than {asked.max_epochs:,}" for one in medians]
    settings = asked.runs.groupby(asked.axes)
    told = f"and measured on {settings.size().min() - choosing} runs with other seeds"
    chosen = f"chosen by {choosing} seeds {told}"
    asked.known.append(f"the fastest of {settings.ngroups // len(bits)} settings, {chosen}")
    asked.known.append(f"hidden units, from {asked.runs['hidden'].min()} to {asked.runs['hidden'].max()}")
    listed = [f"{', '.join(map(str, some[:-1]))} and {some[-1]}" for some in (texts, list(bits))]
    asked.known.append(f"each median is of {settings.size().min() - choosing} runs")
    grow = f"At settings chosen by {choosing} seeds, the epochs to learn parity grow {factor:.3g}-fold with each bit "
    grow += f"(95 % interval {low:.3g} – {high:.3g}"
    return [grow, f"{listed[0]} epochs for {listed[1]} bits"]


def tell_outcomes(asked: Asked) -> None:
    """Note what became of all runs."""
    names = {"converged": "converged", "diverged": "diverged", "stationary": "became stationary"}
    names["max_epochs"] = f"had not converged after {asked.max_epochs:,} epochs"
    n = len(asked.runs)
    asked.known.append(f"Of all {n:,} runs")
    for status, count in asked.runs["status"].value_counts().items():
        name = names[str(status)]
        asked.known += [f"{count:,} ({share(count, n)} %) {name}", f"All {n:,} runs of this grid {name}"]


def tell_answers(asked: Asked) -> None:
    """Note what failed runs of gates answer, as far as it is a function of two inputs."""
    failed = asked.runs[asked.runs["status"] != "converged"].astype({"gate": str, "answers": str})
    half = (failed["final_loss"] / asked.constant[failed.index] - 1).abs() < 1e-3
    counts = failed.groupby("gate").size()
    asked.known += [f"of the {n:,} failed runs{each} of {gate}" for gate, n in counts.items() for each in ("", " each")]
    for gate, n in failed[half].groupby("gate").size().items():
        asked.known.append(f"{share(n, counts[gate])} % end at the loss of answering ½ to every row")
    others = failed[~half].assign(function=failed["answers"].map(FUNCTIONS))
    for (gate, name), n in others.groupby(["gate", "function"]).size().items():
        asked.known.append(f"{share(n, counts[gate])} % answer {name}")


def check(asked: Asked, *facts: str) -> None:
    """Check that the first two sentences state the facts, and no sentence a number that is not known to be right."""
    for fact in facts:
        assert fact in asked.first_two, "\n".join([fact, *asked.answer])
    tell_outcomes(asked)
    tell_answers(asked)
    keys = [key for key in map(str, asked.runs) if key not in OUTCOMES]
    names = [word(key, at) for key in keys for at in asked.runs[key].dropna().unique()]
    always = ["ln 2 ≈ 0.693 nats", "1/t", f"after {asked.max_epochs:,}"]
    known = sorted([*asked.known, *facts, *names, *always], key=len, reverse=True)
    for sentence in asked.answer:
        rest = sentence
        for one in known:
            rest = rest.replace(one, "")
        assert not re.search(r"\d", rest), "\n".join([rest, sentence, *known])
        assert sentence[0].isupper(), sentence
        wrong = re.search(r"runs each converged|all 1 |max.epochs|\b1 (epochs|runs|hidden units)|  |\(\)", sentence)
        assert not wrong, sentence
