"""Two results, run by run: which are the same, which are not, and which only one of them has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweep.engine.pairing import paired
from sweep.spec.experiment import Experiment, load
from sweep.spec.grid import Grid
from sweep.spec.schema import OUTCOME, STATUSES

if TYPE_CHECKING:
    from sweep.results.result import Result

MAX_EXAMPLES = 5

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
    """How two results differ.

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
    """

    n_identical: int
    n_changed: int
    n_only_one: int
    n_only_other: int
    columns: Mapping[str, int]
    transitions: Mapping[tuple[str, str], int]
    examples: tuple[Example, ...]
    train: Mapping[str, tuple[Any, Any]]

    @property
    def same(self) -> bool:
        """Whether both have the same runs with the same outcomes."""
        return not (self.n_changed or self.n_only_one or self.n_only_other)


@dataclass(frozen=True)
class _Rows:
    """The outcomes of a result as arrays, in the order of run numbers, and what they are outcomes of."""

    experiment: Experiment
    run: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, result: "Result") -> "_Rows":
        frame = result.part("runs", ["run", *OUTCOME])
        columns = {
            "status": frame["status"].cat.codes.to_numpy(),
            "epochs": frame["epochs"].to_numpy(),
            "converged_epoch": frame["converged_epoch"].to_numpy(np.int64, na_value=-1),
            "period": frame["period"].to_numpy(np.int64, na_value=-1),
            "final_loss": frame["final_loss"].to_numpy().view(np.int64),
        }
        return cls(load(result.manifest["experiment"]), frame["run"].to_numpy(), columns)

    def grids(self) -> Iterator[tuple[Grid, int]]:
        """Each grid with the number of its first run."""
        first = 0
        for grid in self.experiment.grids:
            yield grid, first
            first += grid.n_runs

    def find(self, runs: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each run, −1 where it has none."""
        at = np.searchsorted(self.run, runs)
        there = at < self.run.size
        there[there] = self.run[at[there]] == runs[there]
        return np.where(there, at, -1)

    def outcome(self, row: int) -> dict[str, Any]:
        """One row, as people have it."""
        code, epochs, converged_epoch, period, loss = (self.columns[name][row] for name in OUTCOME)
        known = (None if number < 0 else int(number) for number in (converged_epoch, period))
        return dict(zip(OUTCOME, (STATUSES[code], int(epochs), *known, float(loss.view(np.float64))), strict=True))


def compare(one: "Result", other: "Result") -> Comparison:
    """Pair the runs of two results by their settings and seeds, and compare what became of them.

    Parameters
    ----------
    one, other
        On disk or in memory, complete or not. Runs are the same where `sweep.engine.pairing.paired` pairs them.
    """
    mine, theirs = _Rows.of(one), _Rows.of(other)
    n_paired = n_changed = 0
    columns = dict.fromkeys(OUTCOME, 0)
    transitions = np.zeros((len(STATUSES), len(STATUSES)), np.int64)
    examples: list[Example] = []
    for grid, first, rows, partners in _pairs(mine, theirs):
        n_paired += rows.size
        changed = np.zeros(rows.size, np.bool_)
        for name in OUTCOME:
            differs = mine.columns[name][rows] != theirs.columns[name][partners]
            columns[name] += int(differs.sum())
            changed |= differs
        n_changed += int(changed.sum())
        codes = mine.columns["status"][rows], theirs.columns["status"][partners]
        np.add.at(transitions, tuple(code[changed] for code in codes), 1)
        examples += [
            _example(mine, theirs, grid, first, rows[at], partners[at])
            for at in np.flatnonzero(changed)[: MAX_EXAMPLES - len(examples)]
        ]
    np.fill_diagonal(transitions, 0)
    return Comparison(
        n_identical=n_paired - n_changed,
        n_changed=n_changed,
        n_only_one=mine.run.size - n_paired,
        n_only_other=theirs.run.size - n_paired,
        columns={name: n for name, n in columns.items() if n},
        transitions={(STATUSES[i], STATUSES[j]): int(transitions[i, j]) for i, j in np.argwhere(transitions)},
        examples=tuple(examples),
        train=_settings_that_differ(one.manifest, other.manifest),
    )


def text(comparison: Comparison) -> list[str]:
    """A comparison, in lines for people."""
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
        lines.append(f"status: {before.replace('_', ' ')} → {after.replace('_', ' ')} {n:,}")
    for example in comparison.examples:
        setting = ", ".join(f"{key} {_shown(value)}" for key, value in example.setting.items())
        changes = [
            f"{name} {_shown(example.one[name])} → {_shown(example.other[name])}"
            for name in OUTCOME
            if _differ(example.one[name], example.other[name])
        ]
        lines.append(f"run {example.run} → {example.other_run} ({setting}): {', '.join(changes)}")
    if comparison.n_changed > len(comparison.examples):
        lines.append(f"… and {comparison.n_changed - len(comparison.examples):,} more")
    return lines


def _pairs(mine: _Rows, theirs: _Rows) -> Iterator[tuple[Grid, int, NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of one, those of the other with the same settings, and the grid and first run that they belong to in one."""
    tables, their_tables = mine.experiment.tables, theirs.experiment.tables
    for grid, first in mine.grids():
        low, high = np.searchsorted(mine.run, (first, first + grid.n_runs))
        for start in range(low, high, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, high))
            numbers = np.full(rows.size, -1)
            for their_grid, their_first in theirs.grids():
                at = paired(grid, tables, their_grid, their_tables, mine.run[rows] - first)
                numbers = np.where(at >= 0, at + their_first, numbers)
            partners = theirs.find(numbers)
            there = partners >= 0
            yield grid, first, rows[there], partners[there]


def _example(mine: _Rows, theirs: _Rows, grid: Grid, first: int, row: int, partner: int) -> Example:
    runs = mine.run[row : row + 1] - first
    setting = {key: grid.values[key][grid.indices(key, runs)[0]] for key in mine.experiment.columns}
    return Example(
        setting | {"seed": int(grid.seed_of(runs)[0])},
        int(mine.run[row]),
        int(theirs.run[partner]),
        mine.outcome(row),
        theirs.outcome(partner),
    )


def _settings_that_differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Key of [train], or the version of the arithmetic → its values, where they differ."""
    settings = [{**manifest["experiment"]["train"], "numerics": manifest["numerics"]} for manifest in (one, other)]
    return {key: (settings[0][key], settings[1][key]) for key in settings[0] if settings[0][key] != settings[1][key]}


def _differ(one: Any, other: Any) -> bool:
    return bool(one.hex() != other.hex() if isinstance(one, float) else one != other)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else repr(value) if isinstance(value, float) else str(value)
