"""Meng, Orvieto, Cao & De Sa 2024: does gradient descent cycle below the critical learning rate?

    python -m experiments.replication.sections.cycles > experiments/cycles.toml

writes the experiment: its gates are those that theory gives a critical rate.
"""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import sweep
from experiments.replication.drawing import panels, percent_ticks, styled
from experiments.replication.parts import BLUE, NEW, VERMILLION, Claim, Section, groups, markdown, percent, trained
from experiments.replication.statistics import ERROR, NO, YES
from sweep.spec.classes import members, representatives
from sweep.spec.theory import NotSeparable, predict
from sweep.spec.training_sets import TrainingSet, boolean_table

RELATIVE = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.01, 1.02, 1.05, 1.1)
"""Rates of gates, in units of the critical one."""
RELATIVE_ON_LINE = (0.8, 0.9, 0.95, 0.975, 0.995, 1.02)
LINE = "line"
N_ONES, FAR = 30, 10
SETTLED = 1e-9
"""Nats above the least loss up to which a run counts as settled there."""
HEADER = """\
#:schema ../docs/experiment.schema.json
# Meng, Orvieto, Cao & De Sa 2024 (arXiv 2406.05033): on data that are not separable, gradient descent may end in
# a cycle even below the critical learning rate 2/λ. Rates are multiples of each table's own. Gates: one of each
# class of functions of two to four inputs, up to permuting and negating inputs and negating the output,
# whose loss has a minimum; with inputs ±1 and symmetric starts a class behaves alike. The table “line” is known
# to cycle: 30 points at 1 and one at −10, and their mirror images, which keep the bias at 0. Written by python -m
# experiments.replication.sections.cycles."""
KINDS = ("settled", "cycle", "neither")


class Theory(NamedTuple):
    """Least loss of a table, and its critical learning rate."""

    infimum: float
    critical: float


def line_table() -> TrainingSet:
    """30 points at 1 and one at −10 that must all be answered 1, each beside its mirror image, to be answered 0.

    The mirror images keep the bias at 0, so that the one weight moves as it does on the 31 points without a bias.
    """
    points = np.array([1.0] * N_ONES + [-float(FAR)])
    inputs = np.column_stack([points, -points]).reshape(-1, 1)
    return TrainingSet(inputs, np.tile([1.0, 0.0], len(points)))


def line_theory() -> Theory:
    """Minimise the loss over the one weight; the bias is 0 there."""
    points = np.array([1.0] * N_ONES + [-float(FAR)])
    w = 0.0
    for _ in range(100):
        q = 1 / (1 + np.exp(points * w))
        w += float((points * q).mean() / (points**2 * q * (1 - q)).mean())
    q = 1 / (1 + np.exp(points * w))
    return Theory(float(np.logaddexp(0, -points * w).mean()), float(2 / (points**2 * q * (1 - q)).mean()))


def gate_theory(gate: str) -> Theory | None:
    """Theory of a gate with inputs ±1; None if it is separable or its loss has no minimum."""
    found = predict(boolean_table(gate, "pm1"))
    if isinstance(found, NotSeparable) and found.overlap.all():
        return Theory(found.infimum, found.critical_learning_rate)
    return None


def experiment() -> Iterator[str]:
    """Write the lines of cycles.toml."""
    yield HEADER
    yield 'question = "Does gradient descent on tables that are not separable cycle below the critical learning rate?"'
    gates = [gate for n in (2, 3, 4) for gate in representatives(n) if gate_theory(gate)]
    yield "\n[[grid]]\ngate = ["
    quoted = [f'"{gate}"' for gate in gates]
    yield from (f"    {', '.join(quoted[i : i + 5])}," for i in range(0, len(gates), 5))
    yield ']\nencoding = "pm1"'
    yield _relative(RELATIVE)
    yield 'init = "normal(0, 1)"\ninit_scale = [0.1, 1, 5, 20]\nseeds = 100'
    yield f'\n[[grid]]\ngate = "{LINE}"'
    yield _relative(RELATIVE_ON_LINE)
    yield 'init = "given"'
    yield 'weights = ["w", 0]'
    yield "w = { from = -40, to = 40, num = 401 }"
    yield "\n[train]\nmax_epochs = 10_000\ntarget_loss = 1e-9"
    yield f"\n[tables.{LINE}]\nrows = ["
    table = line_table()
    cells = [f"[{x:g}, {y:g}]" for x, y in zip(table.inputs[:, 0], table.targets, strict=True)]
    yield from (f"    {', '.join(cells[i : i + 10])}," for i in range(0, len(cells), 10))
    yield "]"


def _relative(multiples: Iterable[float]) -> str:
    return f'learning_rate_relative = {{ of = "critical", values = [{", ".join(map(str, multiples))}] }}'


def cycles(result: sweep.Result) -> Section:
    """Count the runs that end in cycles by the ratio of their rate to the critical one."""
    table = _judged(result)
    line, gates = table[table["gate"] == LINE], table[table["gate"] != LINE]
    sizes = {gate: len(members(gate)) for gate in gates["gate"].unique()}
    n_functions, n_starts = sum(sizes.values()), int(gates.groupby(["gate", "ratio"]).size().iloc[0])
    rows = [_row(ratio, part, sizes) for ratio, part in groups(gates, "ratio")]
    below = gates[gates["ratio"] < 1]
    found = below[below["kind"] == "cycle"]
    m = below.groupby(["gate", "ratio"]).ngroups
    excluded = 1 - (ERROR / m) ** (1 / n_starts)
    n_cycling = sum(sizes[gate] for gate in found["gate"].unique())
    line_rows = [[f"{ratio:g}", f"{len(part):,}", *_shares(part)] for ratio, part in groups(line, "ratio")]
    known = line[(line["ratio"] < 1) & (line["kind"] == "cycle")]
    claims = [
        Claim(
            "Meng et al. 2024",
            "gradient descent may end in a cycle below 2/λ",
            f"on 31 points of a line {len(known):,} runs do, from "
            f"{percent(known['ratio'].min() if len(known) else 1.0)} % of 2/λ on",
            YES if len(known) else NO,
        ),
        Claim(
            NEW,
            "how many functions of up to four inputs make it cycle below 2/λ?",
            f"{n_cycling:,} of {n_functions:,}, {len(found):,} of {len(below):,} runs",
            "–",
        ),
    ]
    text = [
        "*They showed* that on data which are not separable, gradient descent on the logistic loss can end in a "
        "cycle at learning rates below 2/λ, where the "
        "minimum is stable, if it begins far from it; for which data it does is open. *We measured* two things. "
        "First a table "
        f"that does: {N_ONES} points at 1 and one at −{FAR} on a line, which cannot all be answered 1, from 401 "
        "starts between −40 and 40, with their mirror "
        "images, which hold the bias at 0. Then all functions of two, three and four inputs that are not separable "
        "and whose loss has a "
        f"minimum: {n_functions:,}, in {len(sizes)} classes up to negating and permuting inputs and negating the "
        "output. With inputs ±1 and starts that are "
        f"symmetric about 0 a class behaves alike, so that one member stands for it: {n_starts} starts each, normal "
        "with standard deviations 0.1, 1, "
        f"5 and 20, up to {trained(result)['max_epochs']:,} epochs. (The other functions that are not separable, 48 "
        "of three inputs and 6,080 of four, have a part that is: their "
        "loss has no minimum, and 2/λ has no place to be measured at.)",
        f"A run has *settled* if its loss is within {SETTLED:g} nats of the least; it ends in a *cycle* if it has not "
        "and its weights come back bit for bit within 16 "
        "epochs; *neither* is what is left, slow or irregular.",
        markdown(["rate, in 2/λ", "runs on the line", "settled", "cycle", "neither"], line_rows),
        markdown(["rate, in 2/λ", "runs of gates", "settled", "cycle", "neither", "functions that cycle"], rows),
        _news(n_cycling, n_functions, excluded, m),
    ]
    alt = "Share of runs that end in cycles against the learning rate in units of the critical one"
    return Section("Cycles below the critical rate: Meng et al. 2024", claims, text, _figure(line, gates), alt)


def _news(n_cycling: int, n_functions: int, excluded: float, m: int) -> str:
    if n_cycling:
        return f"**New**: {n_cycling:,} of {n_functions:,} functions cycle below their critical rate from some start."
    return (
        "**New**: no function of up to four inputs was seen to cycle below its critical rate. For each class and rate, "
        f"a share of starts above {percent(excluded)} % that cycle is excluded, all {m:,} together with 95 %; starts "
        "are "
        "shared by classes and rates, which this bound allows for."
    )


def _judged(result: sweep.Result) -> pd.DataFrame:
    """One row per run: gate, ratio of the rate to the critical one, and what it ended in."""
    runs = result.runs[["gate", "learning_rate", "status", "period", "final_loss"]]
    names = runs["gate"].astype(str)
    theory = {gate: line_theory() if gate == LINE else gate_theory(gate) for gate in names.unique()}
    critical = names.map({gate: found.critical if found else math.nan for gate, found in theory.items()})
    infimum = names.map({gate: found.infimum if found else math.nan for gate, found in theory.items()})
    ratio = (runs["learning_rate"].astype(float) / critical).round(6)
    settled = runs["final_loss"] - infimum <= SETTLED
    kind = np.where(settled, "settled", np.where(runs["status"] == "stationary", "cycle", "neither"))
    return pd.DataFrame({"gate": names, "ratio": ratio, "kind": kind})


def _shares(part: pd.DataFrame) -> list[str]:
    return [f"{percent((part['kind'] == kind).mean())} %" for kind in KINDS]


def _row(ratio: float, part: pd.DataFrame, sizes: dict[str, int]) -> list[str]:
    cycling = sum(sizes[gate] for gate in part["gate"][part["kind"] == "cycle"].unique())
    return [f"{ratio:g}", f"{len(part):,}", *_shares(part), f"{cycling:,}"]


@styled
def _figure(line: pd.DataFrame, gates: pd.DataFrame) -> Figure:
    legend = [
        Line2D([], [], color=VERMILLION, marker="o", markersize=4, label="31 points on a line"),
        Line2D([], [], color=BLUE, marker="o", markersize=4, label="functions of two to four inputs"),
    ]
    title, x_label = "Runs that do not settle at the minimum", "learning rate, in units of the critical one 2/λ"
    (axes,) = panels([""], title, x_label, "share of runs", legend)
    for part, colour in ((line, VERMILLION), (gates, BLUE)):
        shares = part.assign(away=part["kind"] != "settled").groupby("ratio")["away"].mean()
        axes.plot(shares.index, shares.to_numpy(), color=colour, marker="o", markersize=4)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(0.48, 1.12)
    axes.set_ylim(-0.03, 1.03)
    percent_ticks(axes.yaxis)
    return cast(Figure, axes.figure)


if __name__ == "__main__":
    print("\n".join(experiment()))
