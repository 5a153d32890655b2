"""The summary in words: its columns as a page shows them, and which settings of a large one it lists."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.results.result import Result
from sweep.results.settings import first_runs, settings_at, values_of, whole_grids
from sweep.results.statistics import QUANTILES, censored, quantiles, wilson
from sweep.spec.grid import Grid
from sweep.words import NBSP, cell, joined, label, ordinal, percent

MAX_ROWS = 2_000
"""Settings listed at most."""
SHOWN_QUANTILES = {5: "5 %", 50: "median", 95: "95 %"}

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the summary as shown.

    Attributes
    ----------
    key, name : str
        For programs and for people.
    texts : list of str
        What its cells say, each once.
    codes : int64, shape (n_rows,)
        Which of the texts each row has.
    is_text : bool
        Whether it is rather words than numbers.
    """

    key: str
    name: str
    texts: list[str]
    codes: NDArray[np.int64]
    is_text: bool = False

    @property
    def cells(self) -> list[str]:
        """The text of each row."""
        return [self.texts[code] for code in self.codes.tolist()]


@dataclass(frozen=True, eq=False)
class Listing:
    """The settings that are listed.

    Attributes
    ----------
    rows : int64, shape (n,)
        Rows of the summary, by position, increasing.
    n_rows : int
        How many the summary has.
    selection : str
        How those listed were selected, if they are not all.
    """

    rows: Rows
    n_rows: int
    selection: str = ""


def listing(findings: Findings, most: int | None = None) -> Listing:
    """Every setting, or of more than `most` a coarser grid: every second, third, … value of the longest axes."""
    n, most = findings.n_settings, most or MAX_ROWS
    if n <= most:
        return Listing(np.arange(n), n)
    result, keys = findings.result, findings.varying
    n_values = {key: len(pd.unique(values_of(result, key))) for key in keys}
    steps = dict.fromkeys(keys, 1)
    numbers = _numbers(result, keys)
    while len(rows := _at_steps(numbers, steps)) > most:
        left = {key: -(-n_values[key] // step) for key, step in steps.items()}
        for key in (key for key in keys if left[key] == max(left.values())):
            steps[key] = max(steps[key] + 1, int(1.05 * steps[key]))
    return Listing(rows, n, joined([f"every {ordinal(step)} {label(key)}" for key, step in steps.items() if step > 1]))


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Of a full grid, or of rows one by one: the number of each key's values, in order of appearance in the summary."""

    first: int
    shape: tuple[int, ...] | None
    of_keys: dict[str, NDArray[np.int64]]


def _numbers(result: Result, keys: Sequence[str]) -> list[_Numbers]:
    grids = whole_grids(result)
    if grids is None:
        axes = result.part("summary", keys)
        codes = {key: pd.factorize(axes[key], use_na_sentinel=False)[0].astype(np.int64) for key in keys}
        return [_Numbers(0, None, codes)]
    made = []
    first = 0
    for grid in grids:
        number = {key: {value: at for at, value in enumerate(_different(grids, key))} for key in grid.values}
        codes = {key: np.array([number[key][value] for value in values]) for key, values in grid.values.items()}
        made.append(_Numbers(first, grid.shape[:-1], codes))
        first += grid.n_points
    return made


def _different(grids: Sequence[Grid], key: str) -> list[Any]:
    return list(dict.fromkeys(value for grid in grids for value in grid.values[key]))


def _at_steps(numbers: Sequence[_Numbers], steps: dict[str, int]) -> Rows:
    """The rows all of whose values have a number that is a multiple of their key's step."""
    found = []
    for one in numbers:
        kept = [np.asarray(codes % steps.get(key, 1) == 0) for key, codes in one.of_keys.items()]
        if one.shape is None:
            rows = np.flatnonzero(np.logical_and.reduce(kept))
        else:
            places = np.ix_(*map(np.flatnonzero, kept))
            rows = np.ravel_multi_index(places, one.shape).ravel()
        found.append(one.first + rows)
    return np.concatenate(found).astype(np.int64)


def axis_columns(findings: Findings, rows: Rows) -> list[Column]:
    """The columns of what varies, for some rows of the summary, by position."""
    axes = settings_at(findings.result, findings.varying, rows)
    is_text = {key: not pd.api.types.is_numeric_dtype(axes.dtypes[key]) for key in axes.columns}
    return [_column(str(key), label(str(key)), axes[key], cell, is_text[key]) for key in axes.columns]


def columns(findings: Findings, rows: Rows) -> list[Column]:
    """The columns: what varies; runs, and what became of them; epochs, those beyond max_epochs as "> max_epochs".

    Parameters
    ----------
    findings
    rows : int64
        Rows of the summary, by position.
    """
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
    for status in ("diverged", "stationary"):
        name = f"n_{status}"
        if (column := findings.result.part("summary", [name])[name]).any():
            made.append(_column(name, status, column.take(rows).to_numpy(), _count))
    later = epochs_text(findings)
    for quantile, name in SHOWN_QUANTILES.items():
        key = f"epochs_q{quantile:02d}"
        epochs = censored(findings.result.part("summary", [key])[key].take(rows))
        made.append(_column(key, f"epochs: {name}", epochs, later))
    losses = findings.result.part("summary", ["final_loss_q50"])["final_loss_q50"].take(rows).to_numpy()
    made.append(_column("final_loss_q50", "final loss: median", losses, loss_text))
    return made


def run_column(findings: Findings, rows: Rows) -> Column:
    """The number of the first run of each setting, the others following it."""
    return _column("run", "first run", first_runs(findings.result, rows), str)


def pooled(findings: Findings, groups: Sequence[Rows]) -> list[dict[str, str]]:
    """For groups of settings counted together the same columns, as far as they have a meaning; and `settings`.

    An axis has its value where all settings of the group share it. Quantiles are over all runs of the group. There is
    no interval, as the runs are of different settings.
    """
    if not groups:
        return []
    totals = findings.result.part("summary", ["n", "n_converged", "n_diverged", "n_stationary"])
    counts = {name: totals[name].to_numpy(np.int64) for name in totals.columns}
    ends = np.cumsum(counts["n"])
    runs = findings.result.part("runs", ["status", "converged_epoch", "final_loss"])
    epochs_of_runs = censored(runs["converged_epoch"].where(runs["status"] == "converged"))
    losses_of_runs = runs["final_loss"].to_numpy(np.float64)
    every = np.concatenate(groups)
    cuts = np.cumsum([len(rows) for rows in groups])[:-1]
    axes = {column.key: (column, np.split(column.codes, cuts)) for column in axis_columns(findings, every)}
    later = epochs_text(findings)
    made = []
    for number, rows in enumerate(groups):
        shared = {key: np.unique(codes[number]) for key, (_, codes) in axes.items()}
        record = {key: axes[key][0].texts[codes[0]] for key, codes in shared.items() if len(codes) == 1}
        total = {name: int(count[rows].sum()) for name, count in counts.items()}
        record |= {name: _count(count) for name, count in total.items()}
        record["rate"] = percent(total["n_converged"] / total["n"])
        n = counts["n"][rows]
        members = np.repeat(ends[rows] - np.cumsum(n), n) + np.arange(total["n"])
        ranks = list(QUANTILES).index
        epochs, losses = quantiles(epochs_of_runs[members]), quantiles(losses_of_runs[members])
        record |= {f"epochs_q{q:02d}": later(epochs[ranks(q)]) for q in SHOWN_QUANTILES}
        record["final_loss_q50"] = loss_text(losses[ranks(50)])
        record["run"] = str(first_runs(findings.result, rows[:1])[0])
        made.append({"settings": _count(len(rows)), **record})
    return made


def interval(n_converged: int, n: int) -> str:
    """Wilson's, in percent."""
    low, high = (float(end) for end in wilson(np.array(n_converged), n))
    return f"{percent(low)} – {percent(high)}"


def epochs_text(findings: Findings) -> Callable[[float], str]:
    """How epochs are written: those later than max_epochs, which are not known, as "> max_epochs"."""
    max_epochs = findings.train.max_epochs
    return lambda epoch: f"{epoch:,.0f}" if math.isfinite(epoch) else f"> {max_epochs:,}"


def loss_text(loss: float) -> str:
    """A loss to three digits."""
    return f"{loss:.3g}" if math.isfinite(loss) else "∞"


def _count(count: int) -> str:
    return f"{count:,}"


def _column(key: str, name: str, values: Any, text: Callable[[Any], str], is_text: bool = False) -> Column:
    """A column, each of whose different values is put into words once."""
    codes, found = pd.factorize(values, use_na_sentinel=False)
    of_texts, texts = pd.factorize(np.array([text(value) for value in found.tolist()], dtype=object))
    return Column(key, name, texts.tolist(), np.asarray(of_texts[codes], np.int64), is_text)
