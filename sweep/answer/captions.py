"""Captions of figures, and what they find for who cannot see them; how failures were counted."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sweep.analysis.findings import Findings
from sweep.analysis.question.best import FEWEST
from sweep.analysis.question.effects import MAX_RUNS, MAX_VALUES
from sweep.analysis.stability import SETTLED, Edge
from sweep.answer.along import edge_sentences, fallen
from sweep.answer.gates import MAX_NAMED, instead
from sweep.answer.names import value
from sweep.engine.tally import BIN_WIDTH, EXACT_EPOCHS
from sweep.spec.gates import shown
from sweep.words import (
    NBSP,
    counted,
    exact,
    joined,
    label,
    loss_in_words,
    nats,
    of_group,
    ordinal,
    outcome,
    percent,
    small,
    span,
)

KEPT = (
    f"counts of runs by setting, status, epoch and loss, not single runs; a quantile is the middle of its bin, which "
    f"is exact for epochs up to {EXACT_EPOCHS} and else at most {BIN_WIDTH / 2:.1%} off"
)
TITLES = {
    "heat_map": "Map of epochs",
    "success_rate": "Share that converged",
    "epochs_to_converge": "Epochs",
    "success_curves": "Share over time",
    "stability": "Edge of stability",
    "learned_instead": "Learned instead",
    "final_loss": "Final loss",
    "learning_curves": "Loss over time",
    "decision_surfaces": "Decision surfaces",
    "training": "Training, seen",
}
"""Figure → its name in a table of contents."""


class Description(NamedTuple):
    """The words of a figure: its heading, how to read it, and what it shows and finds for those who cannot see it."""

    finding: str
    caption: str
    alt: str


def failures(findings: Findings) -> str:
    """Say what converging means here and how the runs that did not were counted: a line for each kind of statistic."""
    train = findings.train
    max_epochs = f"{train.max_epochs:,}"
    criteria = []
    if train.target_loss is not None:
        criteria.append(f"its loss is below {exact(train.target_loss)}{nats(findings.losses.kinds)}")
    if train.target_error is not None:
        criteria.append(f"every |output − target| is below {exact(train.target_error)}")
    lines = [
        f"A run has converged once {' and '.join(criteria)}, within {max_epochs} epochs. No run is left out: in the "
        f"quantiles of epochs, one that did not converge counts as later than {max_epochs}, and in those of the final "
        "loss, one that diverged counts as infinite.",
        f"Intervals of shares are Wilson’s, at 95{NBSP}%, for independent runs; runs with the same seed share their "
        "random numbers across settings.",
    ]
    kept = [] if findings.result.keeps_runs else [f"Kept are {KEPT}."]
    return "\n".join([*lines, *kept, *_how_compared(findings)])


def _how_compared(findings: Findings) -> list[str]:
    """How best settings were chosen, pairs compared and edges found, a line for each that is told."""
    lines = []
    compared = not findings.layout.by_inputs and findings.layout.plane is None
    if compared and findings.n_settings > 1 and findings.chooses:
        if not findings.result.keeps_runs:
            return ["The best of several settings is chosen by the same runs that tell of it, so it looks too good."]
        lines.append(
            "The best of several settings is chosen by half of the seeds and told by the other half, which its luck "
            f"does not favour. With fewer than {2 * FEWEST} seeds the same runs do both, and it looks too good."
        )
    if compared and (
        n := sum(contrast is not None for effect in findings.effects for contrast in (effect.often, effect.fast))
    ):
        seed = "seed, one of the first," if findings.result.n_runs > MAX_RUNS else "seed"
        lines.append(
            f"Pairs have the same {seed} and otherwise the same setting. Of how often runs converge, the two values of "
            "an axis that differ in most pairs are told; of how fast, the fastest and the slowest, where both runs "
            f"converged. Of more than {small(MAX_VALUES)} values, only those with the most and the fewest converged "
            "runs are compared, of several the fastest and the slowest. p is of the exact sign test over seeds "
            "(McNemar’s where a seed has one pair), each counted once as its runs depend on each other, times the "
            "number of pairs of values; adjusted for "
            f"{counted(n, 'test')} (Holm). Below 0.05 is more than chance; it is below 0.001 where it is not told."
        )
    if findings.edges and (compared or findings.edge_layout is not None):
        lines.append(
            f"A run has settled if its final loss is within {SETTLED:.6f} nats of the least; the measured edge lies "
            "between the highest learning rate at which every run has, and the one from which on none has."
        )
    return lines


def _column(findings: Findings, name: str) -> "pd.Series[Any]":
    """Return a column of the summary."""
    return findings.result.part("summary", [name])[name]


def described(findings: Findings, name: str, answered: Sequence[str]) -> Description:
    """Caption and alternative text of a figure, by its name in `sweep.plots.figures_for`, given the `answer`."""
    return _DESCRIBED[name](findings, answered)


def _heat_map(findings: Findings, answered: Sequence[str]) -> Description:
    n = _column(findings, "n")
    runs = "the run" if n.max() == 1 else "half of the runs or more"
    found = int(_column(findings, "epochs_q50").notna().sum())
    return Description(
        f"At {found:,} of {counted(findings.n_settings, 'setting')}, {runs} converged",
        "Epochs until the criterion first held, the median where a setting has several runs. Colours are by rank: "
        "each shade stands for equally many settings.",
        " ".join(["Picture of the epochs to convergence.", *answered]),
    )


def _success_rate(findings: Findings, answered: Sequence[str]) -> Description:
    layout, n = findings.layout, _column(findings, "n")
    interval = ""
    if not layout.pooled and not layout.by_inputs:
        runs = "run" if n.max() == 1 else "runs"
        interval = f" Shaded: its 95{NBSP}% Wilson interval, from {span(n)} {runs} a point."
    n_converged = _column(findings, "n_converged")
    return Description(
        _always_and_never(int((n_converged == n).sum()), int((n_converged == 0).sum()), findings.n_settings),
        f"Share of the runs of a setting that converged.{interval}{_together(findings)}",
        " ".join(["Share of runs that converged.", *answered]),
    )


def _always_and_never(always: int, never: int, n: int) -> str:
    """Tell at how many of n settings every run converged, and at how many none did."""
    if n == 1:
        return "Every run converged" if always else "No run converged" if never else "Some runs converged, some did not"
    if always == n:
        return f"Every run converged at all {n:,} settings"
    if never == n:
        return f"No run converged at any of {n:,} settings"
    if not always and not never:
        return f"Some runs converged and some did not, at each of {n:,} settings"
    if not always:
        return f"At none of {n:,} settings did every run converge; at {never:,} no run did"
    return f"Every run converged at {always:,} of {n:,} settings, no run at {never:,}"


def _epochs_to_converge(findings: Findings, answered: Sequence[str]) -> Description:
    medians = _column(findings, "epochs_q50").dropna()
    finding = f"Half of the runs had not converged after {findings.train.max_epochs:,} epochs at any setting"
    if len(medians):
        epochs = "epoch" if medians.max() == 1 else "epochs"
        finding = f"Where half of the runs converged, that took {span(medians)} {epochs}"
    return Description(
        finding,
        f"Epochs until the criterion first held: median, and shaded the 5–95{NBSP}% range, over all runs. A median’s "
        f"line ends where it is later than max_epochs; a range is cut there.{_together(findings)}{_laws(findings)}",
        " ".join(["Epochs to convergence.", *answered]),
    )


def _together(findings: Findings) -> str:
    """Say which settings are counted together, and which axes are not shown."""
    layout = findings.layout
    together = ""
    if layout.pooled:
        together = f" Counted together: all values of {joined([label(axis) for axis in layout.pooled])}."
    if layout.by_inputs:
        together += " Gates with the same number of inputs are counted together."
    if findings.step > 1 and layout.x:
        together += f" Drawn: every {ordinal(findings.step)} value of {label(layout.x)}."
    shown = [*layout.axes, *layout.pooled]
    if follow := [label(key) for key in findings.varying if key not in shown]:
        together += f" Not shown, as it follows from what is: {joined(follow)}."
    return together


def _final_loss(findings: Findings, answered: Sequence[str]) -> Description:
    caption = "Loss at the end of training, by outcome, over all runs"
    caption += " and settings." if findings.n_settings > 1 else "."
    for *_, in_full in findings.losses.constants:
        caption += f" {in_full} is the loss of a model that answers ½ to every input."
    if findings.infima:
        caption += (
            " Broad: the least loss that any weights have, where the table is not linearly separable (by a linear "
            "program)."
        )
    sentences = [*_learned_nothing(findings), _median_losses(findings)]
    return Description(sentences[0].rstrip("."), caption, " ".join(["Histograms of the final loss.", *sentences]))


def _learning_curves(findings: Findings, answered: Sequence[str]) -> Description:
    found = fallen(findings)[:1] or [_median_losses(findings)]
    return Description(
        found[0].rstrip("."),
        f"Loss while training: median, shaded the 5–95{NBSP}% range, and thin some single runs. A run that stopped "
        "early keeps its final loss.",
        f"Loss against epochs. {_median_losses(findings)}",
    )


def _stability(findings: Findings, answered: Sequence[str]) -> Description:
    sentences = [*edge_sentences(findings, resolved=True), *edge_sentences(findings, resolved=False)]
    return Description(
        "; ".join(_edge_in_short(edge) for edge in findings.edges[:2]),
        f"Final loss after training: median, and shaded the 5–95{NBSP}% range. Below the critical learning rate "
        "2/λ, λ the largest eigenvalue of the loss’s Hessian at its minimum, theory has gradient descent settle "
        "there, beyond it run in cycles. The measured edge lies between the highest learning rate at which every "
        "run settled and the one from which on none did.",
        " ".join(["Final loss against learning rate.", *sentences]),
    )


def _edge_in_short(edge: Edge) -> str:
    """Tell the edge of stability of a table, measured and predicted, in a few words."""
    who, predicted = shown(edge.gate), f"{edge.theory.critical_learning_rate:.6g}"
    if edge.settled is None or edge.unsettled is None:
        return f"{who}: the runs show no edge of stability, which theory puts at η = {predicted}"
    return f"{who}: stable up to η between {edge.settled:.6g} and {edge.unsettled:.6g}; theory says {predicted}"


def _decision_surfaces(findings: Findings, answered: Sequence[str]) -> Description:
    found = findings.representatives
    which = (
        "Runs are in order of the epoch at which they converged, then of their final loss, then of their number: the "
        "fastest is the first, the median in the middle, and the failed one in the middle of those that did not "
        "converge; where none did, shown are the lowest, the median and the highest finite loss."
    )
    if found.n_groups > len(found.groups):
        which += (
            f" Of {found.n_groups:,} {'gates' if found.key == 'gate' else 'numbers of hidden units'}, "
            f"{len(found.groups)} are shown, that of which the most runs converged first: "
            f"{'AND, OR and XOR' if found.key == 'gate' else 'two hidden units'} where they are in the grid, others at "
            "even steps of rank."
        )
    sentences = []
    for group in found.groups:
        of_runs = [
            f"{choice.role.lower()} run {choice.run} {', '.join(outcome(choice.stored))}"
            for choice in found.chosen
            if choice.group == group
        ]
        sentences.append(f"{of_group(*group)}; {'; '.join(of_runs)}.")
    return Description(
        "What single models answer between the rows of their table",
        "What single models answer over the plane of their two inputs, by their weights after the last epoch. Each run "
        f"was trained again, bit for bit. {which}",
        " ".join(["Colour maps of the outputs of single models.", *sentences]),
    )


def _training(findings: Findings, answered: Sequence[str]) -> Description:
    chosen = findings.representatives.followed
    ended = "; ".join(f"{choice.role.lower()} run {outcome(choice.stored)[0]}" for choice in chosen)
    group = chosen[0].group
    return Description(
        f"{group.name}: {ended}" if group else ended,
        "What single models answer over the plane of their two inputs at their start, after 10, 100, … epochs, and at "
        "the end; where all is white, about ½ everywhere. Each run was trained again, bit for bit, and stopped there.",
        f"Colour maps of the outputs of single models while they train. {ended}.",
    )


def _median_losses(findings: Findings) -> str:
    median = _column(findings, "final_loss_q50")
    if len(median) == 1:
        return f"The median final loss is {loss_in_words(median.iloc[0], findings.losses.kinds)}."
    lowest, highest = (loss_in_words(loss, findings.losses.kinds) for loss in (median.min(), median.max()))
    return f"The median final losses of the settings go from {lowest} to {highest}."


def _learned_nothing(findings: Findings) -> list[str]:
    """Name the values of the subject that never end below the loss of answering ½, but for rounding."""
    known = findings.losses.constants
    if len(known) != 1 or len(findings.losses.kinds) != 1 or not findings.result.keeps_runs:
        return []
    loss = findings.result.part("runs", ["final_loss"])["final_loss"]
    above = loss >= known[0].loss - 1e-9
    share = f"{percent(float(above.mean()))}{NBSP}% of all runs end at {known[0].name} or above"
    subject = findings.subject
    layout = findings.layout
    if subject is None or layout.by_inputs or layout.plane is not None:
        return [f"{share}."]
    always = above.groupby(findings.result.part("runs", [subject])[subject], observed=True, dropna=False).all()
    names = [value(subject, at) for at in always.index[always]]
    of = "of" if subject == "gate" else "with"
    among = f", among them every run {of} {joined(names)}" if 0 < len(names) <= MAX_NAMED else ""
    return [f"{share}{among}."]


def _success_curves(findings: Findings, answered: Sequence[str]) -> Description:
    curves = findings.success_curves
    sentences = [
        "Share of all runs that have converged by epoch t; a run that diverged, or did not converge within max_epochs, "
        "never does."
    ]
    single = (curves.n_settings == 1)[curves.n > 0]
    if single.any():
        runs = span(curves.n[curves.n_settings == 1])
        sentences.append(
            f"Shaded: the 95{NBSP}% Wilson interval at each epoch by itself, from {runs} runs a curve; the whole curve "
            "lies within with less certainty."
        )
    if curves.axis is not None and len(curves.lines) < curves.of:
        sentences.append(f"Lines: {len(curves.lines)} of the {curves.of:,} values of {label(curves.axis)}.")
    if not single.all():
        what = joined([label(key) for key in curves.together]) if curves.together else "settings that share a curve"
        sentences.append(f"Counted together, so without an interval: all values of {what}.")
    n_runs, n_converged = (int(_column(findings, name).sum()) for name in ("n", "n_converged"))
    total = f"By the end, {n_converged:,} of all {n_runs:,} runs of the experiment have converged."
    return Description(total.rstrip("."), " ".join(sentences), f"Share of runs converged against epochs. {total}")


def _learned_instead(findings: Findings, answered: Sequence[str]) -> Description:
    found = findings.instead
    assert found is not None
    n = int(found.counts.sum())
    right = int(found.counts[found.right >= 0, found.right[found.right >= 0]].sum())
    target = f"{counted(right, 'failed run')} of {n:,} answer every row rightly, short of the target"
    sentences = instead(findings) or [f"{target}."]
    what = "answer each function" if found.functions else "answer so many rows wrongly"
    caption = (
        f"Percent of the failed runs of each line, counted at its right, that {what}: by the truth table of the final "
        "weights, where an output above ½ is 1, but for runs that end within 0.1 % of the loss of answering ½ to "
        "every row. Less than half a percent is left blank."
    )
    if found.functions:
        caption += " A and B are the inputs, TRUE and FALSE the constants."
    return Description(
        sentences[0].rstrip("."), caption, " ".join(["Table of what failed runs answer.", *sentences, f"{target}."])
    )


def _laws(findings: Findings) -> str:
    """Explain the predicted epochs, and compare measured medians with them; empty where there are none."""
    if not findings.laws:
        return ""
    ratios = findings.law_ratios
    text = (
        " The thin line: what theory predicts of tables that are linearly separable, 1/(γ² η target) epochs with γ "
        "the largest margin, the bias counted as a weight; the limit for small targets, drawn up to the learning rate "
        "below which the loss falls in every epoch."
    )
    if len(ratios):
        low, middle, high = np.quantile(ratios, [0, 0.5, 1])
        text += (
            f" There, the measured medians are {low:.2f} to {high:.2f} times the predicted ones, half of them more "
            f"than {middle:.2f}."
        )
    return text


_DESCRIBED = {
    "heat_map": _heat_map,
    "success_rate": _success_rate,
    "epochs_to_converge": _epochs_to_converge,
    "success_curves": _success_curves,
    "learned_instead": _learned_instead,
    "final_loss": _final_loss,
    "stability": _stability,
    "learning_curves": _learning_curves,
    "decision_surfaces": _decision_surfaces,
    "training": _training,
}
