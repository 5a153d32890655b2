"""Two results compared run by run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweep.engine.pairing import partner_runs
from sweep.engine.retraining import differences
from sweep.errors import StoreError
from sweep.spec.experiment import Experiment
from sweep.spec.schema import OUTCOME, STATUS, STATUSES, status_code
from sweep.store.files import Tree

if TYPE_CHECKING:
    from sweep.results.result import Result

MAX_EXAMPLES = 5

_BINS = 60
_CONVERGED = status_code("converged")
_BLOCK = 1 << 19
"""Runs that are paired at a time."""


@dataclass(frozen=True)
class Example:
    """A run that came out differently.

    Attributes
    ----------
    setting
        Column of the grid → its value; `seed` last.
    run, other_run
        Its number in each result.
    one, other
        `status`, `epochs`, `converged_epoch` (None for never), `period` (None unless stationary) and `final_loss`.
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


@dataclass(frozen=True)
class _Rows:
    """Outcomes of a result as arrays, in the order of run numbers."""

    experiment: Experiment
    run: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, result: "Result") -> "_Rows":
        if not result.keeps_runs:
            place = result.path or result.experiment.name
            raise StoreError(f'{place}: keeps counts (keep = "summary"), not runs, which compare needs')
        frame = result.part("runs", ["run", *OUTCOME])
        columns = {
            "status": frame["status"].cat.codes.to_numpy(),
            "epochs": frame["epochs"].to_numpy(),
            "converged_epoch": frame["converged_epoch"].to_numpy(np.int64, na_value=-1),
            "period": frame["period"].to_numpy(np.int64, na_value=-1),
            "final_loss": frame["final_loss"].to_numpy().view(np.int64),
        }
        return cls(result.experiment, frame["run"].to_numpy(), columns)

    def find(self, runs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each run, −1 where it has none."""
        at = np.searchsorted(self.run, runs)
        found = at < self.run.size
        found[found] = self.run[at[found]] == runs[found]
        return np.where(found, at, -1)

    def outcome(self, row: int) -> dict[str, Any]:
        """Return the outcome in a row."""
        code, epochs, converged_epoch, period, loss = (self.columns[name][row] for name in OUTCOME)
        known = (None if number < 0 else int(number) for number in (converged_epoch, period))
        return dict(zip(OUTCOME, (STATUSES[code], int(epochs), *known, float(loss.view(np.float64))), strict=True))


def compare(one: "Result", other: "Result") -> Comparison:
    """Pair the runs of two results by their settings and seeds, and compare their outcomes.

    Parameters
    ----------
    one, other
        On disk or in memory, complete or not. Runs are the same where `sweep.engine.pairing.partner_runs` pairs them.
    """
    left, right = _Rows.of(one), _Rows.of(other)
    n_paired = n_changed = 0
    columns = dict.fromkeys(OUTCOME, 0)
    transitions = np.zeros((len(STATUSES), len(STATUSES)), np.int64)
    examples: list[Example] = []
    setting_of, n_settings = one.of_runs(np.arange(one.settings.n, dtype=np.int32)), one.settings.n
    settings = np.zeros((n_settings, 3), np.int64)
    most = max(result.experiment.train.max_epochs for result in (one, other))
    edges = np.geomspace(1, most + 1, _BINS + 1)
    epochs = np.zeros((_BINS, _BINS), np.int64)
    for rows, partners in _pairs(left, right):
        n_paired += rows.size
        converged = left.columns["status"][rows] == _CONVERGED, right.columns["status"][partners] == _CONVERGED
        for column, counted in enumerate((slice(None), *converged)):
            settings[:, column] += np.bincount(setting_of[rows][counted], minlength=n_settings)
        both = converged[0] & converged[1]
        at = left.columns["converged_epoch"][rows][both], right.columns["converged_epoch"][partners][both]
        bins = [np.searchsorted(edges, np.maximum(epoch, 1), side="right") - 1 for epoch in at]
        np.add.at(epochs, tuple(bins), 1)
        changed = np.zeros(rows.size, np.bool_)
        for name in OUTCOME:
            differs = left.columns[name][rows] != right.columns[name][partners]
            columns[name] += int(differs.sum())
            changed |= differs
        n_changed += int(changed.sum())
        codes = left.columns["status"][rows], right.columns["status"][partners]
        np.add.at(transitions, tuple(code[changed] for code in codes), 1)
        examples += [
            _example(left, right, rows[at], partners[at])
            for at in np.flatnonzero(changed)[: MAX_EXAMPLES - len(examples)]
        ]
    np.fill_diagonal(transitions, 0)
    return Comparison(
        n_identical=n_paired - n_changed,
        n_changed=n_changed,
        n_only_one=left.run.size - n_paired,
        n_only_other=right.run.size - n_paired,
        columns={name: n for name, n in columns.items() if n},
        transitions={(STATUSES[i], STATUSES[j]): int(transitions[i, j]) for i, j in np.argwhere(transitions)},
        examples=tuple(examples),
        train=_settings_that_differ(one, other),
        settings=settings,
        epochs=epochs,
        edges=edges,
    )


def page(comparison: Comparison, names: Sequence[str]) -> str:
    """Return a page with a comparison in words and figures, which needs nothing else; `names` are of the results."""
    from sweep.page.across.comparison import comparison as made

    return made(names, text(comparison), comparison.settings, comparison.epochs, comparison.edges)


def write_page(comparison: Comparison, names: Sequence[str], file: Path) -> None:
    """Write the page of a comparison to a file, which it replaces."""
    with Tree(file.parent).new_file(file.name) as opened:
        opened.write(page(comparison, names).encode())


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


def _pairs(left: _Rows, right: _Rows) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield rows of the left result and the rows of the right one with the same settings, block by block."""
    for start in range(0, left.run.size, _BLOCK):
        runs = left.run[start : start + _BLOCK]
        numbers = [
            _numbers(left.experiment, place.number, place.within, right.experiment)
            for place in left.experiment.by_grid(runs)
        ]
        partners = right.find(np.concatenate(numbers))
        found = np.flatnonzero(partners >= 0)
        yield start + found, partners[found]


def _numbers(experiment: Experiment, number: int, runs: NDArray[np.int64], other: Experiment) -> NDArray[np.int64]:
    """Return the numbers in another experiment of runs of one grid, −1 where it has no such run."""
    numbers = np.full(runs.size, -1)
    for grid, first in zip(other.grids, other.firsts, strict=False):
        at = partner_runs(experiment.grids[number], experiment.tables, grid, other.tables, runs)
        numbers = np.where(at >= 0, at + first, numbers)
    return numbers


def _example(left: _Rows, right: _Rows, row: int, partner: int) -> Example:
    run = int(left.run[row])
    setting = left.experiment.setting(run)
    return Example(
        {key: setting[key] for key in (*left.experiment.columns, "seed")},
        run,
        int(right.run[partner]),
        left.outcome(row),
        right.outcome(partner),
    )


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
