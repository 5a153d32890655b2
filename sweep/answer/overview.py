"""A result in a few rows: how often and how fast runs converged, per gate and other categories."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.axes import combinations_in
from sweep.analysis.findings import Findings
from sweep.results.statistics import censored, wilson
from sweep.words import NBSP, joined, label, percent

MAX_ROWS = 20
MAX_RUNS = 2**20
"""Runs up to which medians over several settings are taken: above it, looking at every run takes long."""


@dataclass(frozen=True)
class Overview:
    """A small table for people.

    Attributes
    ----------
    columns
        Their names; the first one says which runs a row counts.
    rows
        The cells of each row.
    note
        What is counted together in a row, possibly empty.
    """

    columns: list[str]
    rows: list[list[str]]
    note: str


def overview(findings: Findings, most: int = MAX_ROWS) -> Overview:
    """Count runs per value of the gate, then of the other categories, then of numbers, as far as the rows are few.

    Parameters
    ----------
    findings
    most
        Rows at most.

    Returns
    -------
    Overview
        The share that converged, with its Wilson 95 % interval where each row is one setting; the median epoch of
        convergence over all runs, "> max_epochs" where that is later; runs that diverged, if any did. Without runs
        there are no rows.
    """
    if findings.n_runs == 0:
        return Overview([], [], "")
    keys, pooled, by_inputs = _keys(findings, most)
    groups = combinations_in(findings.result, "summary", keys, by_inputs).cat
    codes, names = groups.codes.to_numpy(np.intp), [str(name) for name in groups.categories]
    counts = findings.result.part("summary", ["n", "n_converged", "n_diverged"])
    n, n_converged, n_diverged = (
        np.bincount(codes, counts[name].to_numpy(np.float64), len(names)).astype(np.int64) for name in counts
    )
    if len(keys) == 1:
        names = [name.rpartition(f"={NBSP}")[2] for name in names]  # the column is named for it
    one_setting = len(codes) == len(names)
    columns = {
        joined([label(key) for key in keys]) if keys else "": [name or "all runs" for name in names],
        "runs": [f"{count:,}" for count in n],
        "converged": [f"{percent(share)}{NBSP}%" for share in n_converged / n],
    }
    if one_setting:
        interval = zip(*wilson(n_converged, n), strict=True)
        columns[f"95{NBSP}% interval"] = [f"{percent(low)} – {percent(high)}" for low, high in interval]
    medians = _medians(findings, keys, by_inputs, codes if one_setting else None, len(names))
    if medians is not None:
        max_epochs = findings.train.max_epochs
        later = f"> {max_epochs:,}"
        columns["median epochs"] = [f"{epoch:,.0f}" if np.isfinite(epoch) else later for epoch in medians]
    if n_diverged.any():
        columns["diverged"] = [f"{count:,}" for count in n_diverged]
    note = f"Counted together: all values of {joined([label(key) for key in pooled])}." if pooled else ""
    if by_inputs:
        note = f"Gates with the same number of inputs are counted together. {note}".strip()
    return Overview(list(columns), [list(row) for row in zip(*columns.values(), strict=True)], note)


def _keys(findings: Findings, most: int) -> tuple[list[str], list[str], bool]:
    """The keys whose combinations of values get a row, those that are counted together, and if gates are grouped."""
    shown: list[str] = []
    pooled: list[str] = []
    by_inputs = False
    for key in findings.by_kind:
        if _n_rows(findings, [*shown, key], by_inputs) <= most:
            shown.append(key)
        elif key == "gate" and 1 < _n_rows(findings, [key], by_inputs=True) <= most:
            shown.append(key)
            by_inputs = True
        else:
            pooled.append(key)
    return shown, pooled, by_inputs


def _n_rows(findings: Findings, keys: list[str], by_inputs: bool) -> int:
    return len(combinations_in(findings.result, "summary", keys, by_inputs).cat.categories)


def _medians(
    findings: Findings, keys: list[str], by_inputs: bool, codes: NDArray[np.integer[Any]] | None, n_groups: int
) -> NDArray[np.float64] | None:
    """The median epoch of each group of runs, infinite where later than max_epochs; `codes` tell settings apart."""
    medians: NDArray[Any] = np.empty(n_groups)
    if codes is not None:
        medians[codes] = censored(findings.result.part("summary", ["epochs_q50"])["epochs_q50"])
        return medians
    if findings.n_runs > MAX_RUNS:
        return None
    runs = findings.result.part("runs", ["status", "converged_epoch"])
    epochs = censored(runs["converged_epoch"].where(runs["status"] == "converged"))
    of_runs = combinations_in(findings.result, "runs", keys, by_inputs).cat.codes.to_numpy()
    for group in range(n_groups):
        members = epochs[of_runs == group]
        middle = (len(members) - 1) // 2
        medians[group] = np.partition(members, middle)[middle]
    return medians
