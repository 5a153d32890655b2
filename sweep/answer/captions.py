"""Captions of figures, and what they find for who cannot see them; how failures were counted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sweep.analysis.findings import Findings
from sweep.answer.answer import column, speed, subject_of
from sweep.answer.reasons import MAX_NAMED, edge_sentences, how_counted
from sweep.words import NBSP, exact, joined, label, loss_in_words, named, nats, of_group, outcome, percent


class Description(NamedTuple):
    """What a figure shows, and, for who cannot see it, what it finds."""

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
    stationary = ""
    if column(findings, "n_stationary").any():
        stationary = " A stationary run is back at earlier weights, bit for bit: training on would only repeat itself."
    lines = [
        f"A run has converged once {' and '.join(criteria)}, within {max_epochs} epochs. No run is left out: in the "
        f"quantiles of epochs, one that did not converge counts as later than {max_epochs}, and in those of the final "
        f"loss, one that diverged counts as infinite.{stationary}",
        f"Intervals are Wilson’s, at 95{NBSP}%, for independent runs; runs with the same seed share their random "
        "numbers across settings.",
    ]
    layout = findings.layout
    compared = not layout.by_inputs and layout.plane is None
    return "\n".join([*lines, *how_counted(findings, compared, compared or findings.edge_layout is not None)])


def descriptions(findings: Findings, answered: Sequence[str]) -> dict[str, Description]:
    """Caption and alternative text for each figure, by name, given the `answer`; without runs there are none."""
    if findings.n_runs == 0:
        return {}
    layout = findings.layout
    n = column(findings, "n")
    per_point = f"{n.min():,}" if n.min() == n.max() else f"{n.min():,} to {n.max():,}"
    per_point += " run" if n.max() == 1 else " runs"
    together = ""
    if layout.pooled:
        together = f" Counted together: all values of {joined([label(axis) for axis in layout.pooled])}."
    if layout.by_inputs:
        together += " Gates with the same number of inputs are counted together."
    shown = [layout.x, *layout.panels, layout.lines, *layout.pooled]
    if follow := [label(key) for key in findings.varying if key not in shown]:
        together += f" Not shown, as it follows from what is: {joined(follow)}."
    interval = (
        ""
        if layout.pooled or layout.by_inputs
        else f" Shaded: its 95{NBSP}% Wilson interval, from {per_point} a point."
    )
    median_losses = _median_losses(findings)
    least = ""
    if findings.infima:
        least = (
            " Broad: the least loss that any weights have, where the table is not linearly separable (by a linear "
            "program)."
        )
    answers_half = " ".join(
        f"{said} is the loss of a model that answers ½ to every input." for *_, said in findings.losses.constants
    )
    return {
        "heat_map": Description(
            "Epochs until the criterion first held, the median where a setting has several runs. Colours are by rank: "
            "each shade stands for equally many settings.",
            " ".join(["Picture of the epochs to convergence.", *answered]),
        ),
        "success_rate": Description(
            f"Share of the runs of a setting that converged.{interval}{together}",
            " ".join(["Share of runs that converged.", *answered]),
        ),
        "epochs_to_converge": Description(
            f"Epochs until the criterion first held: median, and shaded the 5–95{NBSP}% range, over all runs. A "
            f"median’s line ends where it is later than max_epochs; a range is cut there.{together}" + _laws(findings),
            " ".join(["Epochs to convergence.", *((not layout.lines_mix and speed(findings)) or answered)]),
        ),
        **_curves_described(findings),
        **_edge_described(findings),
        **_surfaces_described(findings),
        "final_loss": Description(
            "Loss at the end of training, by outcome, over all runs"
            + (" and settings" if len(n) > 1 else "")
            + f". {answers_half}".rstrip()
            + least,
            " ".join(["Histograms of the final loss.", *_learned_nothing(findings), median_losses]),
        ),
        "learning_curves": Description(
            f"Loss while training: median, shaded the 5–95{NBSP}% range, and thin some single runs. A run that stopped "
            "early keeps its final loss.",
            f"Loss against epochs. {median_losses}",
        ),
    }


def _curves_described(findings: Findings) -> dict[str, Description]:
    """Of the success curves, where there are any: when a tenth, a half, nine tenths of the runs have converged."""
    if not findings.success_curves.tell:
        return {}
    n, n_converged = (int(column(findings, name).sum()) for name in ("n", "n_converged"))
    total = f"By the end, {n_converged:,} of all {n:,} runs of the experiment have converged."
    return {
        "success_curves": Description(_success_curves(findings), f"Share of runs converged against epochs. {total}")
    }


def _edge_described(findings: Findings) -> dict[str, Description]:
    """Of the edge of stability, where there is one."""
    if findings.edge_layout is None:
        return {}
    told = [*edge_sentences(findings, resolved=True), *edge_sentences(findings, resolved=False)]
    return {
        "stability": Description(
            f"Final loss after training: median, and shaded the 5–95{NBSP}% range. Below the critical learning rate "
            "2/λ, λ the largest eigenvalue of the loss’s Hessian at its minimum, theory has gradient descent settle "
            "there, beyond it run in cycles. The measured edge lies between the highest learning rate at which every "
            "run settled and the one from which on none did.",
            " ".join(["Final loss against learning rate.", *told]),
        )
    }


def _surfaces_described(findings: Findings) -> dict[str, Description]:
    """Describe the decision surfaces of the representatives, where there are any."""
    found = findings.representatives
    if not found.chosen:
        return {}
    which = (
        "Runs are in order of the epoch at which they converged, then of their final loss, then of their number: the "
        "fastest is the first, the median in the middle, and the failed one in the middle of those that did not "
        "converge; where none did, shown are the lowest, the median and the highest finite loss."
    )
    if found.n_groups > len(found.groups):
        which += (
            f" Of {found.n_groups:,} {'gates' if found.key == 'gate' else 'numbers of hidden units'}, "
            f"{len(found.groups)} are shown: that of which the fewest runs converged first, that of which the most did "
            "last, and between them others at even steps of rank."
        )
    told = []
    for group in found.groups:
        of_runs = [
            f"{choice.role.lower()} run {choice.run} {', '.join(outcome(choice.stored))}"
            for choice in found.chosen
            if choice.group == group
        ]
        told.append(f"{of_group(*group)}; {'; '.join(of_runs)}.")
    caption = (
        "What single models answer over the plane of their two inputs, by their weights after the last epoch. Each run "
        f"was trained again, bit for bit. {which}"
    )
    return {
        "decision_surfaces": Description(caption, " ".join(["Colour maps of the outputs of single models.", *told]))
    }


def _median_losses(findings: Findings) -> str:
    median = column(findings, "final_loss_q50")
    if len(median) == 1:
        return f"The median final loss is {loss_in_words(median.iloc[0], findings.losses.kinds)}."
    lowest, highest = (loss_in_words(loss, findings.losses.kinds) for loss in (median.min(), median.max()))
    return f"The median final losses of the settings go from {lowest} to {highest}."


def _learned_nothing(findings: Findings) -> list[str]:
    """Which values of the subject never end below the loss of answering ½, but for rounding."""
    known = findings.losses.constants
    if len(known) != 1 or len(findings.losses.kinds) != 1:
        return []
    loss = findings.result.part("runs", ["final_loss"])["final_loss"]
    above = loss >= known[0].loss - 1e-9
    share = f"{percent(float(above.mean()))}{NBSP}% of all runs end at {known[0].name} or above"
    subject = subject_of(findings)
    layout = findings.layout
    if subject is None or layout.by_inputs or layout.plane is not None:
        return [f"{share}."]
    always = above.groupby(findings.result.part("runs", [subject])[subject], observed=True, dropna=False).all()
    names = [named(subject, name) for name in always.index[always]]
    among = f", among them every run of {joined(names)}" if 0 < len(names) <= MAX_NAMED else ""
    return [f"{share}{among}."]


def _success_curves(findings: Findings) -> str:
    """What the success curves show, how failures were counted, and what is not shown."""
    curves = findings.success_curves
    said = [
        "Share of all runs that have converged by epoch t; a run that diverged, or did not converge within max_epochs, "
        "never does."
    ]
    single = (curves.n_settings == 1)[curves.n > 0]
    if single.any():
        counts = curves.n[curves.n_settings == 1]
        n = f"{counts.min():,}" if counts.min() == counts.max() else f"{counts.min():,} to {counts.max():,}"
        said.append(
            f"Shaded: the 95\N{NO-BREAK SPACE}% Wilson interval at each epoch by itself, from {n} runs a curve; the "
            "whole curve lies within with less certainty."
        )
    if curves.axis is not None and len(curves.lines) < curves.of:
        said.append(f"Lines: {len(curves.lines)} of the {curves.of:,} values of {label(curves.axis)}.")
    if not single.all():
        what = joined([label(key) for key in curves.together]) if curves.together else "settings that share a curve"
        said.append(f"Counted together, so without an interval: all values of {what}.")
    return " ".join(said)


def _laws(findings: Findings) -> str:
    """What the predicted epochs are, and how far the measured medians are from them; empty where there are none."""
    if not findings.laws:
        return ""
    ratios = findings.law_ratios
    said = (
        " Thin and black: what theory predicts of tables that are linearly separable, 1/(γ² η target) epochs with γ "
        "the largest margin, the bias counted as a weight; the limit for small targets, drawn up to the learning rate "
        "below which the loss falls in every epoch."
    )
    if len(ratios):
        low, middle, high = np.quantile(ratios, [0, 0.5, 1])
        said += (
            f" There, the measured medians are {low:.2f} to {high:.2f} times the predicted ones, half of them more "
            f"than {middle:.2f}."
        )
    return said
