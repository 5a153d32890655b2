"""The summary in words: its columns as a page shows them, and which settings of a large one it lists."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.analysis.groups import pooled as pool
from sweep.answer.best import interval
from sweep.results.settings import Settings
from sweep.results.statistics import censored
from sweep.spec.schema import FAILURES, QUANTILES, STATUS
from sweep.words import NBSP, cell, epochs_text, joined, label, loss_text, ordinal, percent

MAX_ROWS = 2_000
"""Settings listed at most."""
SHOWN_QUANTILES = {5: "5 %", 50: "median", 95: "95 %"}

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the summary as shown: what its cells say, each text once, and which of them each row has.

    `key` is its name for programs; `is_text` tells words from numbers.
    """

    key: str
    name: str
    texts: list[str]
    codes: NDArray[np.int64]
    is_text: bool = False


@dataclass(frozen=True, eq=False)
class Listing:
    """The settings that are listed: rows of the summary, increasing, and how they were selected if they are not all."""

    rows: Rows
    n_rows: int
    selection: str = ""


def listing(findings: Findings, most: int | None = None) -> Listing:
    """List every setting, or of more than `most` a coarser grid: every second, third, … value of the longest axes."""
    settings, n, most = findings.settings, findings.n_settings, most or MAX_ROWS
    if n <= most:
        return Listing(np.arange(n), n)
    steps = _steps(settings, findings.varying, most)
    kept = np.ones(n, np.bool_)
    for key, step in steps.items():
        kept &= (np.arange(len(settings.values(key))) % step == 0)[settings.codes(key)]
    rows = np.flatnonzero(kept)
    selection = [f"every {ordinal(step)} {label(key)}" for key, step in steps.items() if step > 1]
    if len(rows) > most:  # settings that differ in what is no axis, such as given weights
        step = -(-len(rows) // most)
        rows = rows[::step]
        selection.append(f"every {ordinal(step)} setting")
    return Listing(rows, n, joined(selection))


def _steps(settings: Settings, keys: Sequence[str], most: int) -> dict[str, int]:
    """Choose every how many-th value of each key is listed, so that few enough settings are, if that can be."""
    numbers = [{key: settings.codes_in(part, key) for key in keys} for part in settings.parts]
    n_values = {key: len(settings.values(key)) for key in keys}
    steps = dict.fromkeys(keys, 1)
    while (
        sum(math.prod(int((codes % steps[key] == 0).sum()) for key, codes in part.items()) for part in numbers) > most
    ):
        left = {key: -(-n_values[key] // step) for key, step in steps.items()}
        longest = max(left.values(), default=1)
        if longest == 1:
            break
        for key in (key for key in keys if left[key] == longest):
            steps[key] = max(steps[key] + 1, int(1.05 * steps[key]))
    return steps


def axis_columns(findings: Findings, rows: Rows) -> list[Column]:
    """Make the columns of what varies, for some rows of the summary, by position."""
    settings = findings.settings
    return [
        _column(key, label(key), settings.column(key, rows), cell, settings.is_text(key)) for key in findings.varying
    ]


def columns(findings: Findings, rows: Rows) -> list[Column]:
    """Make the columns of rows of the summary: what varies, how runs ended, epochs, "> max_epochs" for later ones."""
    made = axis_columns(findings, rows)
    counts = findings.result.part("summary", ["n", "n_converged"]).take(rows)
    n, n_converged = (counts[name].to_numpy(np.int64) for name in ("n", "n_converged"))
    most = int(n.max(initial=0)) + 1
    pairs = pd.Series(n_converged * most + n)
    made += [
        _column("n", "runs", n, _count),
        _column("n_converged", "converged", n_converged, _count),
        _column("rate", "%", pairs, lambda pair: percent(pair // most / (pair % most))),
        _column("interval", f"95{NBSP}% interval", pairs, lambda pair: interval(pair // most, pair % most)),
    ]
    for name, status in FAILURES.items():
        if (column := findings.result.part("summary", [name])[name]).any():
            made.append(_column(name, STATUS[status].term, column.take(rows).to_numpy(), _count))
    later = partial(epochs_text, max_epochs=findings.train.max_epochs)
    for quantile, name in SHOWN_QUANTILES.items():
        key = f"epochs_q{quantile:02d}"
        epochs = censored(findings.result.part("summary", [key])[key].take(rows))
        made.append(_column(key, f"epochs: {name}", epochs, later))
    losses = findings.result.part("summary", ["final_loss_q50"])["final_loss_q50"].take(rows).to_numpy()
    made.append(_column("final_loss_q50", "final loss: median", losses, loss_text))
    return made


def run_column(findings: Findings, rows: Rows) -> Column:
    """Make the column of first runs: the other runs of a setting follow in number."""
    return _column("run", "first run", findings.settings.first_runs(rows), str)


def pooled(findings: Findings, groups: Sequence[Rows]) -> list[dict[str, str]]:
    """Make the same columns, as far as they have a meaning, and `settings` for settings counted together.

    An axis has its value where all settings of the group share it. Quantiles are over all runs of the group. There is
    no interval, as the runs are of different settings.
    """
    settings, quantile = findings.settings, QUANTILES.index
    made = []
    for rows, found in zip(groups, pool(findings.result, groups), strict=True):
        record = {"settings": _count(len(rows))}
        for key in findings.varying:
            codes = np.unique(settings.codes(key)[rows])
            if len(codes) == 1:
                record[key] = cell(settings.values(key)[codes[0]])
        record |= {name: _count(count) for name, count in found.counts.items()}
        record["rate"] = percent(found.counts["n_converged"] / found.counts["n"])
        for q in SHOWN_QUANTILES:
            record[f"epochs_q{q:02d}"] = epochs_text(found.epochs[quantile(q)], findings.train.max_epochs)
        record["final_loss_q50"] = loss_text(found.losses[quantile(50)])
        record["run"] = str(settings.first_runs(rows[:1])[0])
        made.append(record)
    return made


def _count(count: int) -> str:
    return f"{count:,}"


def _column(key: str, name: str, values: Any, text: Callable[[Any], str], is_text: bool = False) -> Column:
    """Make a column; each different value is put into words once."""
    codes, found = pd.factorize(values, use_na_sentinel=False)
    of_texts, texts = pd.factorize(np.array([text(value) for value in found.tolist()], dtype=object))
    return Column(key, name, texts.tolist(), np.asarray(of_texts[codes], np.int64), is_text)
