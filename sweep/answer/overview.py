"""A result in a few rows: how often and how fast runs converged, per gate and other categories."""

from dataclasses import dataclass

from sweep.analysis.findings import Findings
from sweep.analysis.groups import groups
from sweep.answer.best import interval
from sweep.words import NBSP, epochs_text, joined, label, percent

MAX_ROWS = 20


@dataclass(frozen=True)
class Overview:
    """A small table for people, whose first column says which runs a row counts, and the note what is pooled."""

    columns: list[str]
    rows: list[list[str]]
    note: str


def overview(findings: Findings, most: int = MAX_ROWS) -> Overview:
    """Count runs per value of the gate, then of the other categories, then of numbers, in at most so many rows.

    A row has the share that converged, with its Wilson 95 % interval where each row is one setting; the median epoch of
    convergence over all runs, "> max_epochs" where that is later; runs that diverged, if any did.
    """
    if findings.result.n_runs == 0:
        return Overview([], [], "")
    found = groups(findings.result, findings.by_kind, most)
    columns = {
        joined([label(key) for key in found.keys]) if found.keys else "": [name or "all runs" for name in found.names],
        "runs": [f"{count:,}" for count in found.n],
        "converged": [f"{percent(share)}{NBSP}%" for share in found.n_converged / found.n],
    }
    if found.single:
        columns[f"95{NBSP}% interval"] = list(map(interval, found.n_converged.tolist(), found.n.tolist()))
    if found.medians is not None:
        columns["median epochs"] = [epochs_text(epoch, findings.train.max_epochs) for epoch in found.medians]
    if found.n_diverged.any():
        columns["diverged"] = [f"{count:,}" for count in found.n_diverged]
    note = f"Counted together: all values of {joined([label(key) for key in found.pooled])}." if found.pooled else ""
    if found.by_inputs:
        note = f"Gates with the same number of inputs are counted together. {note}".strip()
    return Overview(list(columns), [list(row) for row in zip(*columns.values(), strict=True)], note)
