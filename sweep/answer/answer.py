"""The answer to an experiment's question, in plain sentences made from its numbers."""

import numpy as np
import pandas as pd

from sweep.analysis.findings import Findings
from sweep.analysis.question.subject import asks
from sweep.answer.along import cycles, edge_sentences, fallen, grown, oscillations, planes
from sweep.answer.axes import axes, axis
from sweep.answer.best import of_runs
from sweep.answer.gates import called, functions, gates, instead, rows_answered, separability
from sweep.answer.leading import leading
from sweep.engine.tally import BIN_WIDTH, EXACT_EPOCHS
from sweep.spec.schema import STATUS
from sweep.words import NBSP, capital, counted, joined, loss_in_words, percent


def answer(findings: Findings) -> list[str]:
    """Answer the experiment's question: its axis first, the best setting in full, then the other axes.

    What the question is about decides what comes first: the edge of stability, the fall of the loss, growth with a
    gate's inputs, the gates learned, or the values of another axis. Each further axis has a sentence. Shares are of
    the runs of one setting; those over a whole grid depend on the settings scanned, and are told last.
    """
    if findings.result.n_runs == 0:
        return ["There are no runs, so there is no answer yet."]
    if findings.result.n_runs == 1 and findings.result.keeps_runs:
        return [*oscillations(findings), _the_one_run(findings), *separability(findings)]
    if asks(findings.experiment.question, "rows") and findings.ones:
        return rows_answered(findings)
    if findings.layout.by_inputs:
        return [*cycles(findings), *functions(findings), *_outcomes(findings)]
    if findings.layout.plane is not None:
        return [*planes(findings), *separability(findings), *instead(findings), *_outcomes(findings)]
    loss_first = asks(findings.experiment.question, "loss")
    answered = findings.subject if "gate" in findings.varied and findings.subject != "gate" else None
    edges = edge_sentences(findings, resolved=True)
    edges += edge_sentences(findings, resolved=False) if findings.subject == "learning_rate" else []
    return [
        *cycles(findings),
        *oscillations(findings),
        *edges,
        *(fallen(findings) if loss_first else []),
        *_what_was_learned(findings, edges),
        *(fallen(findings) if not loss_first else []),
        *([] if _only_edges(findings, edges) else [*axes(findings, answered), *instead(findings)]),
        *_outcomes(findings),
        *_restarts(findings),
        *_kept(findings),
    ]


def incomplete(findings: Findings) -> list[str]:
    """Warn of what is missing, if anything is."""
    manifest = findings.result.manifest
    if manifest.get("complete", True):
        return []
    done = f"{manifest['n_done']:,} of its {manifest['n_runs']:,} runs"
    return [f"Incomplete: the sweep was interrupted, and these are {done}."]


def _only_edges(findings: Findings, edges: list[str]) -> bool:
    """Return True if the edge of stability is the whole answer."""
    return bool(edges) and findings.subject == "learning_rate" and "gate" not in findings.varied


def _what_was_learned(findings: Findings, edges: list[str]) -> list[str]:
    if findings.subject is None:
        return [*_one_setting(findings), *separability(findings)]
    if _only_edges(findings, edges):
        return separability(findings)
    if findings.by_inputs is not None:
        return [*grown(findings, findings.by_inputs), *separability(findings)]
    if findings.subject == "gate":
        return gates(findings)
    if "gate" in findings.varied:
        along, learned = axis(findings, findings.subject), gates(findings)
        compared = any(effect.axis == findings.subject for effect in findings.effects)
        everywhere = findings.subject == findings.layout.x and findings.everywhere is not None
        return [*along, *learned] if compared or everywhere else [*learned, *along]
    return [*leading(findings), *separability(findings)]


def _the_one_run(findings: Findings) -> str:
    run = findings.result.runs.iloc[0]
    status = STATUS[run["status"]]
    epochs = run["converged_epoch"] if run["status"] == "converged" else run["epochs"]
    each = "epoch" if pd.isna(run["period"]) or run["period"] == 1 else counted(run["period"], "epoch")
    how = f": {status.because.format(period=each)}" if status.because else f" after {counted(epochs, 'epoch')}"
    loss = f"; its final loss is {_loss(findings, run['final_loss'])}" if status.is_finite else ""
    return f"The one run {status.became}{how}{loss}."


def _one_setting(findings: Findings) -> list[str]:
    row = findings.result.summary.iloc[0]
    spread = f"5–95{NBSP}%: {_loss(findings, row['final_loss_q05'])} to {_loss(findings, row['final_loss_q95'])}"
    results = [of_runs(findings, best) for best in findings.best([np.zeros(1, np.intp)], "often")]
    sentences = [f"{capital(called(findings.settings.values('gate')))}: {text}." for text in results]
    if row["n_converged"] < row["n"]:
        sentences.append(f"The median final loss is {_loss(findings, row['final_loss_q50'])} ({spread}).")
    return sentences


def _outcomes(findings: Findings) -> list[str]:
    """Tell how all runs ended, by status."""
    counts, too_few = findings.status_counts, f" after {counted(findings.train.max_epochs, 'epoch')}"
    n = sum(counts.values())
    ends = [(STATUS[name].became + (too_few if name == "max_epochs" else ""), counts[name]) for name in counts]
    told = [(what, count) for what, count in ends if count]
    if len(told) == 1:
        return [f"All {n:,} runs of this grid {told[0][0]}."] if findings.n_settings > 1 else []
    shares = [f"{count:,} ({percent(count / n)}{NBSP}%) {what}" for what, count in told]
    return [f"Of all {n:,} runs of this grid, {joined(shares)}."]


def _restarts(findings: Findings) -> list[str]:
    """Tell how many runs began again, whose epochs are added up."""
    after = findings.train.restart_after
    if not after:
        return []
    again = f"from another start where they had not converged after {counted(after, 'epoch')}"
    if findings.result.keeps_runs:
        again += f", as {int((findings.result.part('runs', ['restarts'])['restarts'] > 0).sum()):,} did once or more"
    return [f"Runs begin again {again}; the epochs of all starts are added up."]


def _kept(findings: Findings) -> list[str]:
    """Tell how exact epochs and losses are where only counts of runs are kept."""
    if findings.result.keeps_runs:
        return []
    exact = f"{BIN_WIDTH / 2:.1%}".replace("%", f"{NBSP}%")
    return [
        f"Counts of runs are kept here: epochs from {EXACT_EPOCHS + 1:,} on, and losses, are right to within {exact}."
    ]


def _loss(findings: Findings, loss: float) -> str:
    return loss_in_words(loss, findings.losses.kinds)
