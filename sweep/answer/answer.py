"""The answer to an experiment's question, in plain sentences made from its numbers."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sweep.analysis.axes import inputs_of
from sweep.analysis.findings import Findings
from sweep.analysis.planes import Plane
from sweep.answer.reasons import comparisons, edge_sentences, separability
from sweep.results.statistics import censored, wilson
from sweep.words import (
    NBSP,
    NUMBERS,
    assignment,
    capital,
    counted,
    joined,
    label,
    loss_in_words,
    named,
    number,
    percent,
    plural,
    singular,
    small,
)

MAX_NAMED = 4
_COUNTS = ["n", "n_converged", "n_diverged", "n_stationary"]


def answer(findings: Findings) -> list[str]:
    """Answer the experiment's question: who converged and how often, where, how fast, and what became of the rest.

    The values of one axis (the gate if it varies, else the hidden units, else the first other axis) are told one by one
    where they are few and together where many say the same, and after gates those of the hidden units; of planes, each.
    An interval is given where all runs are of one setting: the share among runs of several settings depends on the
    settings chosen, and these share their seeds.
    """
    n = findings.n_runs
    if n == 0:
        return ["There are no runs, so there is no answer yet."]
    if n == 1:
        return [_the_one_run(findings), *separability(findings)]
    subject = subject_of(findings)
    if subject is None:
        return [*_one_setting(findings), *separability(findings), *speed(findings), *_outcomes(findings)]
    layout = findings.layout
    if layout.by_inputs:
        return [*_gates_by_inputs(findings), *separability(findings), *_outcomes(findings)]
    if layout.plane is not None:
        return [*_by_plane(findings, layout.plane), *separability(findings), *_outcomes(findings)]
    return [
        *edge_sentences(findings, resolved=True),
        *_by_value(findings, subject),
        *(_by_value(findings, "hidden") if subject == "gate" and "hidden" in findings.varying else []),
        *separability(findings),
        *_along(findings, subject),
        *speed(findings),
        *_outcomes(findings),
        *comparisons(findings),
    ]


def incomplete(findings: Findings) -> list[str]:
    """A sentence that warns of what is missing, if anything is."""
    manifest = findings.result.manifest
    if manifest.get("complete", True):
        return []
    done = f"{manifest['n_done']:,} of its {manifest['n_runs']:,} runs"
    return [f"Incomplete: the sweep was interrupted, and these are {done}."]


def subject_of(findings: Findings) -> str | None:
    """The axis whose values the answer is about: the gate, else the hidden units, else the first other one."""
    keys = findings.by_kind
    return "hidden" if "hidden" in keys and "gate" not in keys else next(iter(keys), None)


def column(findings: Findings, name: str) -> "pd.Series[Any]":
    """Return a column of the summary."""
    return findings.result.part("summary", [name])[name]


def _totals(findings: Findings) -> tuple[int, int, int, int]:
    """Runs that converged, all runs, diverged, stationary."""
    n, n_converged, n_diverged, n_stationary = (int(column(findings, name).sum()) for name in _COUNTS)
    return n_converged, n, n_diverged, n_stationary


def _the_one_run(findings: Findings) -> str:
    run = findings.result.runs.iloc[0]
    loss = f"its final loss is {_loss(findings, run['final_loss'])}"
    if run["status"] == "converged":
        return f"The one run converged after {_epochs(run['converged_epoch'])}; {loss}."
    how = {
        "diverged": "diverged: a weight or the loss is no longer finite",
        "stationary": f"became stationary: its weights come back every {_epochs_each(run['period'])}; {loss}",
        "max_epochs": f"had not converged after {_epochs(run['epochs'])}; {loss}",
    }
    return f"The one run {how[str(run['status'])]}."


def _one_setting(findings: Findings) -> list[str]:
    row = findings.result.summary.iloc[0]
    who = str(row["gate"]) if "gate" in row.index else "All runs"
    spread = f"5–95{NBSP}%: {_loss(findings, row['final_loss_q05'])} to {_loss(findings, row['final_loss_q95'])}"
    return [
        f"{who}: {_share(int(row['n_converged']), int(row['n']), one_setting=True)}.",
        f"The median final loss is {_loss(findings, row['final_loss_q50'])} ({spread}).",
    ]


def _share(n_converged: int, n: int, one_setting: bool, each: str = "") -> str:
    said = []
    if 0 < n_converged < n:
        said.append(f"{percent(n_converged / n)}{NBSP}%")
    if one_setting:
        low, high = (float(end) for end in wilson(np.array(n_converged), n))
        said.append(f"95{NBSP}% interval {percent(low)} – {percent(high)}{NBSP}%")
    many = f"all {n:,}" if n_converged == n else f"{n_converged:,} of {n:,}"
    return f"{many} runs {each}converged" + (f" ({', '.join(said)})" if said else "")


def _by_value(findings: Findings, subject: str) -> list[str]:
    """A sentence for each value of the subject, or for many that say the same; the largest group comes last."""
    by_value = findings.result.part("summary", [subject, *_COUNTS]).groupby(subject, observed=True, dropna=False)
    counts = by_value[_COUNTS].sum()
    one_setting = bool((by_value.size() == 1).all())
    converged, n = counts["n_converged"], counts["n"]
    groups = [counts[converged == 0], counts[converged == n], counts[(converged > 0) & (converged < n)]]
    groups = sorted((group for group in groups if len(group)), key=len)
    sentences = []
    for i, group in enumerate(groups):
        alike = group["n_converged"].nunique() == 1 and group["n"].nunique() == 1
        parts = [group] if alike or len(group) > MAX_NAMED else [group.loc[[name]] for name in group.index]
        for part in parts:
            who = _who(subject, list(part.index), list(counts.index), others=i == len(groups) - 1 > 0)
            where = _where_all(findings, subject, part)
            who = capital(who) if subject == "encoding" else who
            if len(part) > 1 and not alike:
                sentences.append(f"{who}: {_range(subject, part)}{where}.")
            else:
                first, each = part.iloc[0], "each " if len(part) > 1 else ""
                share = _share(int(first["n_converged"]), int(first["n"]), one_setting, each)
                sentences.append(f"{who}: {share}{where}.")
    return sentences


def _range(subject: str, group: pd.DataFrame) -> str:
    rates = group["n_converged"] / group["n"]
    lowest, highest = (rates.min(), rates.idxmin()), (rates.max(), rates.idxmax())
    ends = [f"{percent(rate)}{NBSP}% ({named(subject, at)})" for rate, at in (lowest, highest)]
    n = f"{group['n'].iloc[0]:,} " if group["n"].nunique() == 1 else ""
    return f"from {ends[0]} to {ends[1]} of the {n}runs of each converged"


def _where_all(findings: Findings, subject: str, group: pd.DataFrame) -> str:
    """Where along the main numeric axis every run of the group converged, if that is one unbroken part of it."""
    x = findings.main_axis
    if x is None or x == subject:
        return ""
    summary = findings.result.part("summary", [subject, x, "n", "n_converged"])
    counts = summary[summary[subject].isin(group.index)].groupby(x)[["n", "n_converged"]].sum()
    at = np.flatnonzero(counts["n"] == counts["n_converged"])
    if len(at) in (0, len(counts)) or len(at) != at[-1] - at[0] + 1:
        return ""
    values = [number(value) for value in counts.index[at]]
    if len(values) == 1:
        return f"; every run did at {label(x)} = {values[0]}"
    return f"; every run did at every {singular(x)} from {values[0]} to {values[-1]}"


def _along(findings: Findings, subject: str) -> list[str]:
    """How the share that converged goes along the main numeric axis, where neither it nor the gate is the subject."""
    x = findings.main_axis
    if x is None or subject in ("gate", x):
        return []
    summary = findings.result.part("summary", [subject, x, "n", "n_converged"])
    n_values = summary[subject].nunique()
    if (summary.groupby(x)[subject].nunique() < n_values).any():
        return []  # other values of the subject at other places: a difference along the axis may as well be theirs
    counts = summary.drop(columns=subject).groupby(x).sum()
    rates = counts["n_converged"] / counts["n"]
    if rates.nunique() == 1:
        return []
    lowest, highest = (rates.min(), rates.idxmin()), (rates.max(), rates.idxmax())
    ends = [f"{percent(rate)}{NBSP}% ({named(x, at)})" for rate, at in (lowest, highest)]
    return [f"Of the runs with each {singular(x)}, from {ends[0]} to {ends[1]} converged."]


def _by_plane(findings: Findings, axes: tuple[str, str]) -> list[str]:
    """For each plane, how many of its runs converged and where they did first."""
    made, held = findings.planes
    where = [assignment(key, value) for key, value in held.items()]
    epochs = column(findings, "epochs_q50")
    counts = {name: column(findings, name).to_numpy() for name in ("n", "n_converged")}
    sentences = []
    for plane in made:
        rows = [points[points >= 0] for points in plane.points]
        of_plane = {name: sum(int(count[row].sum(dtype=np.int64)) for row in rows) for name, count in counts.items()}
        share = _share(of_plane["n_converged"], of_plane["n"], one_setting=False)
        fastest = _fastest(plane, epochs)
        first = ""
        if fastest is not None:
            count, *values = fastest
            at = joined([f"{label(axis)} = {number(value)}" for axis, value in zip(axes, values, strict=True)])
            first = f"; the fastest setting took {_epochs(count)} ({at})"
        who = ", ".join([*plane.name.splitlines(), *where])
        sentences.append(f"{who}: {share}{first}." if who else f"{capital(share)}{first}.")
    return sentences


def _fastest(plane: Plane, column: "pd.Series[Any]") -> tuple[float, float, float] | None:
    """The fewest epochs of a plane's settings, and the first values upwards and to the right that took so many."""
    best = math.inf, math.nan, math.nan
    for y, points in zip(plane.y, plane.points, strict=True):
        epochs = np.where(points >= 0, censored(column.take(points)), np.inf)
        at = int(epochs.argmin())
        if epochs[at] < best[0]:
            best = float(epochs[at]), float(y), float(plane.x[at])
    return best if math.isfinite(best[0]) else None


def speed(findings: Findings) -> list[str]:
    """The median epoch at the setting where it is lowest, over the values of the subject."""
    if findings.layout.by_inputs:
        return []
    median = pd.Series(censored(column(findings, "epochs_q50")))
    median = median[np.isfinite(median)]
    if len(median) == 0:
        return []
    subject = subject_of(findings)
    if subject is None or len(findings.varying) == 1:
        best = int(median.index[int(median.argmin())])
        at = "" if subject is None else f", at best ({named(subject, column(findings, subject).iloc[best])}),"
        return [f"Half of the runs{at} converged within {_epochs(median.min())}."]
    fastest = median.groupby(column(findings, subject).reset_index(drop=True), observed=True, dropna=False).min()
    first, last = (fastest.min(), fastest.idxmin()), (fastest.max(), fastest.idxmax())
    ends = [f"{_epochs(epochs)} ({named(subject, at)})" for epochs, at in (first, last)]
    within = ends[0] if len(fastest) == 1 else f"{ends[0]} to {ends[1]}"
    if len(fastest) > 1 and fastest.min() == fastest.max():
        within = _epochs(fastest.min())
    each = singular(subject)
    every = column(findings, subject)
    never = list(dict.fromkeys(every[~every.isin(fastest.index)]))
    rest = ""
    if never:
        others = [named(subject, name) for name in never] if len(never) <= MAX_NAMED else [f"{len(never):,} others"]
        rest = f"; of {joined(others)}, at no setting did half"
    return [f"At the fastest setting of each {each}, half of the runs converged within {within}{rest}."]


def _outcomes(findings: Findings) -> list[str]:
    """What became of all runs, by status."""
    n_converged, n, n_diverged, n_stationary = _totals(findings)
    max_epochs = findings.train.max_epochs
    parts = {
        "converged": n_converged,
        "diverged": n_diverged,
        "became stationary": n_stationary,
        f"had not converged after {max_epochs:,} epochs": n - n_converged - n_diverged - n_stationary,
    }
    if n in parts.values():
        return []
    said = [f"{count:,} ({percent(count / n)}{NBSP}%) {what}" for what, count in parts.items() if count]
    return [f"Of all {n:,} runs, {joined(said)}."]


def _gates_by_inputs(findings: Findings) -> list[str]:
    """For each number of inputs, how many gates converged always, sometimes, never."""
    counts = findings.result.part("summary", ["gate", "n", "n_converged"]).groupby("gate", observed=True).sum()
    groups = counts.groupby([inputs_of(str(gate)) for gate in counts.index], sort=False)
    sentences = []
    for name, gates in groups:
        always = int((gates["n_converged"] == gates["n"]).sum())
        never = int((gates["n_converged"] == 0).sum())
        sometimes = len(gates) - always - never
        said = f"{always:,} of the {len(gates):,} gates with {name} converged"
        if (gates["n"] > 1).any():
            said += f" in every run, {sometimes:,} in some and {never:,} in none"
        sentences.append(f"{said}.")
    return sentences


def _who(subject: str, names: Sequence[Any], every: Sequence[Any], others: bool) -> str:
    """Name some values of the subject: each of a few, numbers that follow each other as a range, else how many."""
    if len(names) <= MAX_NAMED:
        return joined([named(subject, name) for name in names])
    first = list(every).index(names[0])
    if isinstance(names[0], NUMBERS) and list(every[first : first + len(names)]) == list(names):
        return f"{capital(label(subject))} from {number(names[0])} to {number(names[-1])}"
    count = small(len(names))
    return f"The {count} other {plural(subject)}" if others else f"All {count} {plural(subject)}"


def _epochs(count: float) -> str:
    return counted(count, "epoch")


def _epochs_each(period: float) -> str:
    return "epoch" if pd.isna(period) or period == 1 else _epochs(period)


def _loss(findings: Findings, loss: float) -> str:
    return loss_in_words(loss, findings.losses.kinds)
