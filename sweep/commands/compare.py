"""Two results compared run by run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweep.engine.outcome import Outcome
from sweep.engine.pairing import partner_runs
from sweep.engine.retraining import differences, plain
from sweep.errors import StoreError
from sweep.spec.experiment import Experiment
from sweep.spec.schema import OUTCOME, STATUS, STATUSES, status_code
from sweep.store.files import Tree
from sweep.store.strangers import check_file

if TYPE_CHECKING:
    from sweep.results.result import Result

MAX_EXAMPLES = 5

_BINS = 60
_CONVERGED = status_code("converged")
_BLOCK = 1 << 19
"""Runs that are paired at a time."""


@dataclass(frozen=True)
class Example:
    """A run that came out differently: its columns of the grid and `seed`, its number and its outcome in each result.

    In an outcome, `converged_epoch` is None for never, and `period` unless the run is stationary.
    """

    setting: Mapping[str, Any]
    run: int
    other_run: int
    one: Mapping[str, Any]
    other: Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Differences between two results.

    Attributes
    ----------
    n_identical, n_changed
        Number of runs that both have, whose outcomes are the same, bit for bit, and are not.
    n_only_one, n_only_other
        Number of runs that only one of them has.
    columns
        Column → number of runs of which it changed, where there are any.
    transitions
        (status in one, status in the other) → number of runs, where they differ.
    examples
        The first few changed runs.
    train
        Key of [train], or `numerics`, → its values in each, where they differ.
    settings : int64, shape (n_settings, 3)
        For each row of the first summary, the runs that both have, and how many of them converged in each.
    epochs : int64, shape (n_bins, n_bins)
        Number of the runs that converged in both, by the epoch in each.
    edges : float64, shape (n_bins + 1,)
        Of the bins of epochs; an epoch 0 is counted with 1.
    """

    n_identical: int
    n_changed: int
    n_only_one: int
    n_only_other: int
    columns: Mapping[str, int]
    transitions: Mapping[tuple[str, str], int]
    examples: tuple[Example, ...]
    train: Mapping[str, tuple[Any, Any]]
    settings: NDArray[np.int64]
    epochs: NDArray[np.int64]
    edges: NDArray[np.float64]

    @property
    def same(self) -> bool:
        """True if both have the same runs with the same outcomes."""
        return not (self.n_changed or self.n_only_one or self.n_only_other)

    def __str__(self) -> str:
        """The comparison in lines for people."""
        return "\n".join(text(self))


def compare(one: "Result", other: "Result") -> Comparison:
    """Pair the runs of two results by their settings and seeds, and compare their outcomes.

    Parameters
    ----------
    one, other
        On disk or in memory, complete or not. Runs are the same where `sweep.engine.pairing.partner_runs` pairs them.
    """
    left, right = _outcome(one), _outcome(other)
    n_paired = n_changed = 0
    columns = dict.fromkeys(OUTCOME, 0)
    transitions = np.zeros((len(STATUSES), len(STATUSES)), np.int64)
    examples: list[Example] = []
    setting_of, n_settings = one.of_runs(np.arange(one.settings.n, dtype=np.int32)), one.settings.n
    settings = np.zeros((n_settings, 3), np.int64)
    most = max(result.experiment.train.max_epochs for result in (one, other))
    edges = np.geomspace(1, most + 1, _BINS + 1)
    epochs = np.zeros((_BINS, _BINS), np.int64)
    for rows, partners in _pairs(one.experiment, left.runs, other.experiment, right.runs):
        n_paired += rows.size
        converged = left.status[rows] == _CONVERGED, right.status[partners] == _CONVERGED
        for column, counted in enumerate((slice(None), *converged)):
            settings[:, column] += np.bincount(setting_of[rows][counted], minlength=n_settings)
        both = converged[0] & converged[1]
        at = left.converged_epoch[rows][both], right.converged_epoch[partners][both]
        bins = [np.searchsorted(edges, np.maximum(epoch, 1), side="right") - 1 for epoch in at]
        np.add.at(epochs, tuple(bins), 1)
        changed = np.zeros(rows.size, np.bool_)
        for name in OUTCOME:
            differs = _bits(left, name)[rows] != _bits(right, name)[partners]
            columns[name] += int(differs.sum())
            changed |= differs
        n_changed += int(changed.sum())
        codes = left.status[rows], right.status[partners]
        np.add.at(transitions, tuple(code[changed] for code in codes), 1)
        for i in np.flatnonzero(changed)[: MAX_EXAMPLES - len(examples)]:
            before, after = left[rows[i : i + 1]], right[partners[i : i + 1]]
            run, other_run = int(before.runs[0]), int(after.runs[0])
            examples.append(Example(one.experiment.row(run), run, other_run, plain(before), plain(after)))
    np.fill_diagonal(transitions, 0)
    return Comparison(
        n_identical=n_paired - n_changed,
        n_changed=n_changed,
        n_only_one=left.n_runs - n_paired,
        n_only_other=right.n_runs - n_paired,
        columns={name: n for name, n in columns.items() if n},
        transitions={(STATUSES[i], STATUSES[j]): int(transitions[i, j]) for i, j in np.argwhere(transitions)},
        examples=tuple(examples),
        train=_settings_that_differ(one, other),
        settings=settings,
        epochs=epochs,
        edges=edges,
    )


def write_page(comparison: Comparison, names: Sequence[str], file: Path) -> None:
    """Write a page with a comparison of results of these names, in words and figures; it replaces only such a page."""
    from sweep.page.across.cards import MARK
    from sweep.page.across.comparison import comparison as made

    check_file(file, MARK, "page of a comparison")
    page = made(names, text(comparison), comparison.settings, comparison.epochs, comparison.edges)
    with Tree(file.parent).new_file(file.name) as opened:
        opened.write(page.encode())


def text(comparison: Comparison) -> list[str]:
    """Return a comparison in lines for people."""
    lines = [f"{key}: {_shown(values[0])} → {_shown(values[1])}" for key, values in comparison.train.items()]
    counts = {
        "identical": comparison.n_identical,
        "changed": comparison.n_changed,
        "only in the first": comparison.n_only_one,
        "only in the second": comparison.n_only_other,
    }
    lines.append("runs: " + ", ".join(f"{n:,} {what}" for what, n in counts.items() if n or what == "identical"))
    if comparison.columns:
        lines.append("changed: " + ", ".join(f"{name} of {n:,}" for name, n in comparison.columns.items()))
    for (before, after), n in comparison.transitions.items():
        lines.append(f"status: {STATUS[before].term} → {STATUS[after].term} {n:,}")
    for example in comparison.examples:
        setting = ", ".join(f"{key} {_shown(value)}" for key, value in example.setting.items())
        changes = [
            f"{name} {_shown(example.one[name])} → {_shown(example.other[name])}"
            for name in differences(example.one, example.other)
        ]
        lines.append(f"run {example.run} → {example.other_run} ({setting}): {', '.join(changes)}")
    if comparison.n_changed > len(comparison.examples):
        lines.append(f"… and {comparison.n_changed - len(comparison.examples):,} more")
    return lines


def _outcome(result: "Result") -> Outcome:
    """Return the outcomes of a result in the order of run numbers."""
    if not result.keeps_runs:
        place = result.path or result.experiment.name
        raise StoreError(f'{place}: keeps counts (keep = "summary"), not runs, which compare needs')
    frame = result.part("runs", ["run", *OUTCOME])
    outcome = Outcome.empty(frame["run"].to_numpy(), 0, 0, 0)
    outcome.status[:] = frame["status"].cat.codes
    outcome.epochs, outcome.final_loss = frame["epochs"].to_numpy(), frame["final_loss"].to_numpy()
    outcome.converged_epoch = frame["converged_epoch"].to_numpy(np.int64, na_value=-1)
    outcome.period = frame["period"].to_numpy(np.int64, na_value=-1)
    return outcome


def _bits(outcome: Outcome, name: str) -> NDArray[Any]:
    """Return a column whose values are equal if their bits are."""
    column: NDArray[Any] = getattr(outcome, name)
    return column.view(np.int64) if name == "final_loss" else column


def _pairs(
    one: Experiment, left: NDArray[np.int64], other: Experiment, right: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the places of runs in `left` and of those with the same settings in `right`, block by block."""
    for start in range(0, left.size, _BLOCK):
        places = one.by_grid(left[start : start + _BLOCK])
        wanted = np.concatenate([_numbers(one, number, within, other) for number, _, within in places])
        found = np.flatnonzero(np.isin(wanted, right))
        yield start + found, np.searchsorted(right, wanted[found])


def _numbers(experiment: Experiment, number: int, runs: NDArray[np.int64], other: Experiment) -> NDArray[np.int64]:
    """Return the numbers in another experiment of runs of one grid, −1 where it has no such run."""
    numbers = np.full(runs.size, -1)
    for grid, first in zip(other.grids, other.firsts, strict=False):
        at = partner_runs(experiment.grids[number], experiment.tables, grid, other.tables, runs)
        numbers = np.where(at >= 0, at + first, numbers)
    return numbers


def _settings_that_differ(one: "Result", other: "Result") -> dict[str, tuple[Any, Any]]:
    """Return the keys of [train], and `numerics`, whose values differ, with both values."""
    settings = [
        {**result.experiment.train.model_dump(), "numerics": result.manifest["numerics"]} for result in (one, other)
    ]
    return {key: (settings[0][key], settings[1][key]) for key in settings[0] if settings[0][key] != settings[1][key]}


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else repr(value) if isinstance(value, float) else str(value)
