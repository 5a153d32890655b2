"""Why: sentences that set what theory says beside what was measured."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from sweep.analysis.axes import inputs_of
from sweep.analysis.findings import Findings
from sweep.analysis.predictions import out_of_reach, predicted_target, with_columns
from sweep.analysis.stability import SETTLED, Edge
from sweep.analysis.theory import Separable
from sweep.results.settings import grid_keys, whole_grids
from sweep.words import ENCODINGS, NBSP, exact, joined, label, small

MAX_NAMED = 4
MAX_COMPARED = 3
"""Axes whose values are compared in sentences; all are in the table."""
RESOLVED = 0.005
"""Half the distance, relative, between the learning rates on both sides of a measured edge that has been resolved."""


def separability(findings: Findings) -> list[str]:
    """Which gates no weights can learn, and why; and how many of the linearly separable ones were learned.

    Only of logistic regression, and only where a gate that theory rules out did not converge, as it must be. Of the
    separable ones that were not learned, how long theory has that take.
    """
    table = with_columns(findings.result, findings.covered, ["n_converged"])
    if len(table) == 0:
        return []
    converged = table.groupby("gate", sort=False, observed=True)["n_converged"].sum()
    theories = dict(zip(table["gate"].astype(str), table["theory"], strict=True))
    who = "" if len(table) == findings.n_settings else "Without hidden units, by plain gradient descent: "
    barred = [
        gate
        for gate, theory in theories.items()
        if out_of_reach(findings.experiment, gate, theory) and not converged[gate]
    ]
    separable = [gate for gate, theory in theories.items() if isinstance(theory, Separable)]
    said = []
    if barred:
        names = joined(barred) if len(barred) <= MAX_NAMED else f"{len(barred):,} gates"
        one = len(barred) == 1
        told = (
            "no straight line tells" if {inputs_of(gate) for gate in barred} == {"2 inputs"} else "no weighted sum of "
        )
        told += "" if told.endswith("tells") else ("its inputs tells" if one else "their inputs tells")
        its = "its" if one else "their"
        told += f" {its} ones from {its} zeros"
        if any(_between_0_and_1(findings, gate) for gate in barred):
            told = "no weights give every row its target"
        said.append(
            f"{who}{names} cannot be learned: {told} ({'it is' if one else 'they are'} not linearly separable, by a "
            f"linear program), so {_bound(findings, [theories[gate] for gate in barred])}."
        )
    if separable and len(theories) > 1:
        n, n_learned = len(separable), sum(bool(converged[gate]) for gate in separable)
        start = "" if said else who
        if n == 1:
            learned = "was learned" if n_learned else "was not learned"
            said.append(f"{start}The one gate that is linearly separable, {separable[0]}, {learned}.")
        elif n_learned == n:
            learned = "were learned, in some runs or in all"
            every = "Both" if n == 2 else f"All {small(n)}"
            said.append(f"{start}{every} gates that are linearly separable {learned}.")
        else:
            some = small(n_learned) if n_learned else "none"
            learned = "was learned" if n_learned == 1 else "were learned"
            said.append(f"{start}Of the {small(n)} gates that are linearly separable, {some} {learned}.")
    return said + _too_soon(findings, [gate for gate in separable if not converged[gate]])


def _too_soon(findings: Findings, unlearned: Sequence[str]) -> list[str]:
    """Of separable gates that no run learned: how many epochs theory predicts, where these are more than there were."""
    target = predicted_target(findings.experiment)
    if target is None or not 0 < len(unlearned) <= MAX_NAMED or "learning_rate" not in grid_keys(findings.result):
        return []
    grids = whole_grids(findings.result)
    one_grid = grids[0].values["learning_rate"] if grids and len(grids) == 1 else None
    table = with_columns(findings.result, findings.covered, [] if one_grid else ["learning_rate"])
    max_epochs = findings.train.max_epochs
    said = []
    for gate in unlearned:
        of_gate = table[table["gate"].astype(str) == gate]
        if one_grid:
            settings = list(itertools.product(of_gate["theory"].unique(), map(float, one_grid)))
        else:
            settings = list(zip(of_gate["theory"], of_gate["learning_rate"].astype(float), strict=True))
        epochs, rate = min((float(theory.epochs(rate, target)), rate) for theory, rate in settings)
        if epochs <= max_epochs or any(rate > theory.monotone_learning_rate for theory, rate in settings):
            continue
        at = "even at" if len(settings) > 1 else "at"
        said.append(
            f"{gate} is linearly separable and takes longer: theory predicts about {float(f'{epochs:.2g}'):,.0f} "
            f"epochs until the loss is {exact(target)}{NBSP}nats, {at} η{NBSP}={NBSP}{rate:.6g}, and training ended "
            f"after {max_epochs:,}."
        )
    return said


def edge_sentences(findings: Findings, resolved: bool) -> list[str]:
    """Predicted and measured edge of stability of each table, and how far they are apart.

    Parameters
    ----------
    findings
    resolved
        Only edges that the learning rates of the experiment resolve (`RESOLVED`), or only the others.
    """
    found = findings.edges
    several = len({edge.encoding for edge in found}) > 1
    said = []
    for edge in found:
        width = edge.half_width
        if resolved == (width is not None and width <= RESOLVED):
            who = f"{edge.gate} with {ENCODINGS[edge.encoding]}" if several else edge.gate
            said.append(_edge(who, edge))
    return said


def comparisons(findings: Findings) -> list[str]:
    """For each axis of few categories, the two values that differ most in how often they converged, paired by seed."""
    table = findings.pairs
    said = []
    for axis in list(dict.fromkeys(table["axis"]))[:MAX_COMPARED]:
        rows = table[table["axis"] == axis].reset_index(drop=True)
        apart = [
            (abs(row.only_a - row.only_b), abs(row.earlier_a - row.earlier_b), row.earlier_a + row.earlier_b)
            for row in rows.itertuples()
        ]
        row: Any = rows.iloc[apart.index(max(apart))]
        if max(apart)[-1] == 0:
            said.append(
                f"Same seeds, all else equal: {label(axis)} makes no difference to when a run converges, in any of "
                f"{row['n_pairs']:,} pairs."
            )
            continue
        most = f"; no two values of {label(axis)} differ more" if len(rows) > 1 else ""
        said.append(
            f"Same seeds, all else equal: of {row['n_pairs']:,} pairs, {_sides(axis, row, 'only')} "
            f"({_agreed(row, 'only', 'more', 'holm_converged')}{most}); {_sides(axis, row, 'earlier')} "
            f"({_agreed(row, 'earlier', 'sooner', 'holm_earlier')})."
        )
    return said


def _sides(axis: str, row: Any, name: str) -> str:
    """The pairs that tell for either value, the one with more of them first."""
    names, counts = {side: _value(axis, row[side]) for side in "ab"}, {s: f"{row[f'{name}_{s}']:,}" for s in "ab"}
    (more, n_more), (less, n_less) = ((names[side], counts[side]) for side in _order(row, name))
    if name == "only":
        return f"{more} alone converged in {n_more} and {less} alone in {n_less}"
    return f"{more} was earlier in {n_more} and {less} in {n_less}"


def _agreed(row: Any, name: str, seeds: str, p: str) -> str:
    """The p of the test over seeds, unless these tell otherwise than the pairs."""
    first, second = _order(row, name)
    agree = row[f"{seeds}_{first}"] >= row[f"{seeds}_{second}"]
    return _p(row[p]) if agree else "but not so in most seeds"


def _order(row: Any, name: str) -> list[str]:
    return sorted("ab", key=lambda side: -int(row[f"{name}_{side}"]))


def how_counted(findings: Findings, compared: bool = True, edged: bool = True) -> list[str]:
    """How paired comparisons and measured edges count runs that failed, a line for each that is told and there."""
    said = []
    if compared and len(table := findings.pairs):
        n = 2 * len(table)
        said.append(
            "Pairs have the same seed and otherwise the same setting. A run that did not converge is later than every "
            "one that did, and two that did not are tied. p is of the exact sign test over seeds (McNemar’s where a "
            f"seed has one pair), each counted once as its runs depend on each other; adjusted for {n} tests (Holm)."
        )
    if edged and findings.edges:
        said.append(
            f"A run has settled if its final loss is within {SETTLED:.6f} nats of the least; the measured edge lies "
            "between the highest learning rate at which every run has, and the one from which on none has."
        )
    return said


def _between_0_and_1(findings: Findings, gate: str) -> bool:
    """Whether some target of a table is neither 0 nor 1."""
    own = findings.experiment.tables.get(gate)
    return own is not None and bool(((own.targets != 0) & (own.targets != 1)).any())


def _bound(findings: Findings, theories: Sequence[Any]) -> str:
    """What keeps runs on these tables from converging."""
    target = findings.train.target_loss
    lowest = [float(theory.infimum) for theory in theories]
    if target is None or target > min(lowest):
        return "some output is always on the wrong side of ½"
    values = sorted({round(value, 9) for value in lowest})
    least = _nats(values[0]) if len(values) == 1 else f"{values[0]:.3g} to {values[-1]:.3g}{NBSP}nats"
    return f"no weights bring the loss below {least}, and the target is {exact(target)}{NBSP}nats"


def _edge(who: str, edge: Edge) -> str:
    predicted = edge.theory.critical_learning_rate
    start = f"{who}: theory predicts the edge of stability at η = 2/λ = {predicted:.6g}"
    if edge.settled is None or edge.unsettled is None or edge.measured is None or edge.difference is None:
        return f"{start}; the runs show none."
    least = f"at {edge.settled:.6g} every run still ended at the least loss, {_nats(edge.theory.infimum)}"
    above = f"up to {edge.above:.3g}{NBSP}nats above" if math.isfinite(edge.above) else "above, or diverged"
    beyond = f"from {edge.unsettled:.6g} on none did, but {above}, as in the cycles that theory predicts"
    if edge.half_width is None or edge.half_width > RESOLVED:
        return f"{start}; measured, it lies between {edge.settled:.6g} and {edge.unsettled:.6g}: {least}; {beyond}."
    half = (edge.unsettled - edge.settled) / 2
    at = f"{edge.measured:.6g} ± {half:.1g}, {_apart(edge.difference)}"
    return f"{start}, and it was measured at {at}: {least}; {beyond}."


def _apart(difference: float) -> str:
    """How far the measured edge is from the predicted one."""
    percent = 100 * abs(difference)
    if percent < 5e-4:
        return f"less than 0.001{NBSP}% from it"
    return f"{percent:.2g}{NBSP}% {'above' if difference > 0 else 'below'} it"


def _nats(loss: float) -> str:
    """A loss, by the name of ln 2 where it is that."""
    return f"ln{NBSP}2 ≈ 0.693{NBSP}nats" if abs(loss - math.log(2)) < 1e-8 else f"{loss:.3g}{NBSP}nats"


def _p(p: float) -> str:
    return f"p{NBSP}<{NBSP}0.001" if p < 0.001 else f"p{NBSP}={NBSP}{p:.2g}"


def _value(axis: str, value: str) -> str:
    """A value of an axis so that it is clear of which."""
    if axis == "encoding":
        return ENCODINGS[value]
    return f"{label(axis)}{NBSP}={NBSP}{value}" if axis in ("hidden", "shortcut") else value
