"""Sentences about what goes along: the edge of stability, growth with inputs, the fall of a loss, planes."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.analysis.question.growth import ByInputs
from sweep.analysis.question.subject import asks
from sweep.analysis.stability import Edge
from sweep.answer.best import WORDS, later
from sweep.answer.gates import MAX_NAMED, called, in_nats
from sweep.answer.names import setting
from sweep.results.statistics import censored
from sweep.spec.gates import shown
from sweep.words import (
    ENCODINGS,
    NBSP,
    assignment,
    capital,
    counted,
    joined,
    label,
    loss_in_words,
    number,
    percent,
    span,
)

Array = NDArray[np.float64]

RESOLVED = 0.005
"""Half the distance, relative, between the learning rates on both sides of a measured edge that has been resolved."""
MAX_GATES = 8
"""Gates whose oscillation is told one by one; of more, the longest."""
NEAR = 0.15
"""Distance of an exponent from 1 up to which a loss falls like 1/t."""


def edge_sentences(findings: Findings, resolved: bool) -> list[str]:
    """Tell between which learning rates the edge of stability of each table lies, as measured and as predicted.

    Of edges that the learning rates of the experiment resolve (`RESOLVED`), or of the others.
    """
    found = findings.edges
    several = len({edge.encoding for edge in found}) > 1
    wanted = [edge for edge in found if resolved == (edge.half_width is not None and edge.half_width <= RESOLVED)]
    who = [called([edge.gate]) + (f" with {ENCODINGS[edge.encoding]}" if several else "") for edge in wanted]
    named_edges = list(zip(who, wanted, strict=True))
    return [_edge(*pair) for pair in named_edges] + [text for pair in named_edges if (text := _beyond(*pair))]


def grown(findings: Findings, found: ByInputs) -> list[str]:
    """Tell by which factor the epochs of a family grow with each input, and the medians."""
    what = "bit" if found.family == "parity" else "input"
    medians = [f"{best.q50:,.0f}" if math.isfinite(best.q50) else later(findings) for best in found.fastest]
    factor, low, high, n = found.growth
    left_out = f", {len(medians) - n} later than the last epoch left out, so it may be more" if n < len(medians) else ""
    first = found.fastest[0]
    n_runs = span([best.n for best in found.fastest])
    seeds = f"{first.n_choosing:,} seeds" if first.n_choosing else "the same runs"
    measured = f" and measured on {n_runs} runs with other seeds" if first.n_choosing else ""
    at = f", each at the {WORDS['fast']} of {first.n_settings:,} settings, chosen by {seeds}{measured}"
    chosen = first.n_settings > 1
    sentences = [
        capital(
            f"{f'at settings chosen by {seeds}, ' if chosen else ''}the epochs to learn {found.family} grow "
            f"{factor:.3g}-fold with each {what} (95{NBSP}% interval {low:.3g} – {high:.3g}, by a straight line "
            f"through the logarithms of {n} medians{left_out})."
        ),
        f"Half of the runs converged within {joined(medians)} epochs for {joined(list(map(str, found.inputs)))} {what}s"
        f"{at if chosen else ''}.",
    ]
    if chosen:
        why = f"other seeds may choose other settings, and each median is of {n_runs} runs"
        why = why if first.n_choosing else "the runs that chose them make them look faster than they are"
        sentences.append(
            f"This factor is that of these settings, not a rate of {found.family}: {why}. The settings chosen, trained "
            "from fresh seeds, tell more."
        )
    if follow := findings.companions.get("gate", ()):
        ends = [findings.varied.iloc[found.fastest[at].row] for at in (0, -1)]
        with_it = [f"{label(key)}, from {number(ends[0][key])} to {number(ends[1][key])}" for key in follow]
        sentences.append(f"With the {what}s go {joined(with_it)}.")
    return sentences


def oscillations(findings: Findings) -> list[str]:
    """Tell how long the loss goes up and down, by gate, if the question asks for it and every epoch was recorded."""
    if not asks(findings.experiment.question, "oscillation"):
        return []
    by_gate = findings.varied.groupby("gate", observed=True).indices if "gate" in findings.varied else {}
    gates = list(map(str, by_gate)) if 1 < len(by_gate) <= MAX_GATES else [""]
    rows = list(by_gate.values()) if gates != [""] else [np.arange(findings.n_settings)]
    found = dict(zip(gates, findings.oscillations([np.asarray(of_gate, np.intp) for of_gate in rows]), strict=False))
    if not found:
        return ["How long the loss oscillates is not told, which takes the loss of every epoch."]
    rose = {gate: wave for gate, wave in found.items() if wave.longest}
    if not rose:
        return ["The loss does not oscillate: it rose in no epoch of any run."]
    epochs = []
    for gate, wave in rose.items():
        at = setting(findings, wave.row, ["gate"] if gate else [])
        epochs.append(f"{wave.longest:,}{f' with {gate}' if gate else ''}{f' ({at})' if at else ''}")
    each = "each " if len(rose) > 1 else ""
    latest = f", {each}at the setting where that is latest" if max(map(len, rows)) > 1 else ""
    largest = max((wave.at_largest or 0) for wave in found.values())
    if largest:
        rate = assignment("learning_rate", number(findings.varied["learning_rate"].max()))
        latest += f"; at the largest learning rate, {rate}, in epoch {largest:,} or before"
    if never := [gate for gate in found if gate not in rose]:
        latest += f"; with {joined(never)} it never rose"
    return [f"The loss goes up and down, and rose for the last time in epoch {joined(epochs)}{latest}."]


def fallen(findings: Findings) -> list[str]:
    """Tell from where to where the loss fell, by which law, and what the target would have taken."""
    fall = findings.fall
    if fall is None:
        return []
    kinds = findings.losses.kinds
    at = setting(findings, fall.row)
    where = f" ({at}, where it ends lowest)" if at else ""
    what = "loss of the one run" if fall.n == 1 else f"median loss of {fall.n:,} runs"
    ends = f"from {loss_in_words(fall.first, kinds)} to {loss_in_words(fall.last, kinds)}"
    epochs = counted(fall.n_epochs, "epoch")
    ends += f" in {epochs}" if fall.together else f" by the end of each, within {epochs}"
    start = f"The {what}{where} fell {ends}"
    if not fall.last < fall.first:
        return [f"The {what}{where} did not fall: it went {ends}."]
    if not math.isfinite(fall.exponent) or fall.exponent < 0.05:
        flat = "" if not math.isfinite(fall.exponent) else f", and no longer falls after epoch {fall.since:,}"
        return [f"{start}{flat}."]
    law = "like 1/t" if abs(fall.exponent - 1) <= NEAR else "like a power of t"
    return [f"{start}, from epoch {fall.since:,} on {law}, t the epoch: measured, like t^−{fall.exponent:.2f}."]


def planes(findings: Findings) -> list[str]:
    """Tell, for each plane, how many of its runs converged, up to where, and where they did first."""
    axes = findings.layout.plane
    assert axes is not None
    made, held = findings.planes
    where = [assignment(key, at) for key, at in held.items()]
    epochs = censored(findings.result.part("summary", ["epochs_q50"])["epochs_q50"])
    counts = findings.result.part("summary", ["n", "n_converged", "n_diverged"])
    sentences = []
    for plane in made:
        along = list(zip(map(label, axes), (plane.y, plane.x), (1, 0), strict=True))
        exists = plane.points >= 0
        n, n_converged, n_diverged = (np.where(exists, counts[name].to_numpy()[plane.points], 0) for name in counts)
        total, learned = int(n.sum()), int(n_converged.sum())
        who = ", ".join([*plane.name.splitlines(), *where])
        share = f"{'all' if learned else 'none of'} {total:,} runs converged"
        if 0 < learned < total:
            ends = joined([_ends(name, values[n_converged.any(axis=other)]) for name, values, other in along])
            share = f"runs converged only with {ends}: {learned:,} of {total:,} ({percent(learned / total)}{NBSP}%)"
        if learned and not findings.train.last_losses:  # where every run takes all epochs
            share += _first(along, np.where(exists, epochs[plane.points], np.inf))
        lost = [(name, values, (n == n_diverged).all(axis=other)) for name, values, other in along]
        if every := [text for one in lost if (text := _from(*one))]:
            share += f"; every run diverged from {' on, and from '.join(every)} on"
        sentences.append(f"With {who}: {share}." if who else f"{capital(share)}.")
    return sentences


def _ends(name: str, values: Array) -> str:
    """From where to where some values go."""
    first, last = number(values[0]), number(values[-1])
    return f"{name} from {first} to {last}" if first != last else f"{name} = {first}"


def _from(name: str, values: Array, holds: NDArray[np.bool_]) -> str:
    """From which of some values on something holds, but not from the first one."""
    last = np.flatnonzero(~holds)
    return f"{name} = {number(values[last[-1] + 1])}" if len(last) and holds[-1] else ""


def _first(along: Sequence[tuple[str, Array, int]], epochs: Array) -> str:
    """The fewest epochs of a plane's settings, and the first values upwards and to the right that took so many."""
    at = np.unravel_index(epochs.argmin(), epochs.shape)
    if not math.isfinite(epochs[at]):
        return ""
    where = joined([f"{name} = {number(values[place])}" for (name, values, _), place in zip(along, at, strict=True)])
    return f"; the fastest setting took {counted(epochs[at], 'epoch')} ({where})"


def cycles(findings: Findings) -> list[str]:
    """Tell how many runs end in cycles below the critical learning rate, if the question is about cycles."""
    below = findings.below_edges if asks(findings.experiment.question, "cycles") else None
    if below is None:
        return []
    seen = f"{below.n_cycles:,} ({percent(below.n_cycles / below.n)}{NBSP}%)" if below.n_cycles else "none"
    found, others, where = below.with_cycles, below.n_tables - len(below.with_cycles), ""
    if found and below.n_tables > 1:
        where = f", on {len(found):,} of the {below.n_tables:,} tables"
    if found and others and len(found) == len({*found[:MAX_NAMED]}):
        own = findings.experiment.tables
        names = joined([f"the own table {gate}" if gate in own else shown(gate) for gate in found])
        where = f", all on {names}; on the {counted(others, 'other table')} none did"
    return [
        f"Of {counted(below.n, 'run')} below the critical learning rate 2/λ of their table, {seen} ended in a cycle, "
        f"above the least loss, their weights coming back bit for bit after two epochs or more{where}."
    ]


def _edge(who: str, edge: Edge) -> str:
    who = capital(who)
    predicted = f"{edge.theory.critical_learning_rate:.6g}"
    theory = f"theory predicts the edge of stability at η = 2/λ = {predicted}"
    if edge.settled is None or edge.unsettled is None:
        return f"{who}: {theory}; the runs show none."
    between = edge.settled <= edge.theory.critical_learning_rate <= edge.unsettled
    apart = edge.theory.critical_learning_rate / (edge.settled if not between else 1) - 1
    agrees = "between the two" if between else f"which is {percent(abs(apart))}{NBSP}% from the nearer of the two"
    return (
        f"{who}: every run settled at the least loss, {in_nats(edge.theory.infimum)}, at learning rates up to "
        f"{edge.settled:.6g}, and none did from {edge.unsettled:.6g} on; {theory}, {agrees}."
    )


def _beyond(who: str, edge: Edge) -> str:
    """Tell how many runs beyond the edge ended in the cycles that theory predicts."""
    if not edge.n_beyond or not edge.measured:
        return ""
    seen = "all" if edge.n_cycles == edge.n_beyond else f"{edge.n_cycles:,}" if edge.n_cycles else "none"
    n_others = edge.n_beyond - edge.n_cycles
    others = f"; for the other {n_others:,} no cycle was seen" if n_others and edge.n_cycles else ""
    runs = counted(edge.n_beyond, "run")
    return (
        f"Beyond the edge theory predicts cycles: of the {runs} on {who}, {seen} ended in one, their "
        f"weights coming back bit for bit after two epochs or more{others}."
    )
