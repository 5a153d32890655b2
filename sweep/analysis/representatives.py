"""Runs worth a look, the fastest, the median and a failed one of some gates, and the outputs of their models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.names import combinations, text_of
from sweep.results.result import Result
from sweep.results.statistics import sums_by
from sweep.spec.gates import truth_table
from sweep.spec.schema import OUTCOME
from sweep.spec.training_sets import TrainingSet

if TYPE_CHECKING:
    from sweep.kernel.plan import Plan

MAX_ROWS = 3
"""Gates, or numbers of hidden units, that get a row of panels."""
TEXTBOOK = ("AND", "OR", "XOR"), (2,)
"""Gates, and numbers of hidden units, that get one first."""


Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NEVER = 2**32 - 1


class Group(NamedTuple):
    """Runs that share a row of panels: of a gate, or of a number of hidden units."""

    name: str
    n_converged: int
    n: int


class Choice(NamedTuple):
    """A run worth a look, by its number.

    It was chosen among a group for its role, such as "Fastest" or "Median", or asked for without a group. `stored` has
    its `OUTCOME` in the table of runs, None where missing.
    """

    group: Group | None
    role: str
    run: int
    stored: Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """Model of a run that was trained again on a table of two inputs.

    Attributes
    ----------
    setting
        Every key of the grid → its value; `seed` last.
    weights : float64, shape (n_params,)
        After the last update, in the order of `sweep.spec.inits.draw`.
    identical
        True if it came out as the table of runs has it, bit for bit.
    """

    setting: Mapping[str, Any]
    table: TrainingSet
    plan: "Plan"
    weights: Array
    identical: bool


@dataclass(frozen=True)
class Course:
    """Models of one run in the course of its training, after so many epochs each, increasing; 0 is the start."""

    choice: Choice
    epochs: list[int]
    models: list[Model]


@dataclass(frozen=True)
class Representatives:
    """Runs whose decision surfaces tell most; none if no table has two inputs, or there are no runs.

    They are chosen from some of `n_groups` groups, the values of `key`: "gate", "hidden" or, of a single group, None.
    """

    chosen: list[Choice]
    key: str | None
    n_groups: int

    @property
    def groups(self) -> list[Group]:
        """The groups chosen from, in order."""
        return list(dict.fromkeys(choice.group for choice in self.chosen if choice.group))

    @property
    def followed(self) -> list[Choice]:
        """The runs worth following while they train: those of a group some of which converged and some failed.

        Of several, the one of which the fewest converged.
        """
        groups = sorted(self.groups, key=lambda group: (group.n_converged == 0, group.n_converged / group.n))
        rows = [[choice for choice in self.chosen if choice.group == group] for group in groups]
        return max(rows, key=len, default=[])


def epochs_of_interest(epochs: int) -> list[int]:
    """Return the epochs at which to look at a run that took so many: 0, powers of ten from 10 on, and its last."""
    powers = [10**power for power in range(1, len(str(epochs))) if 10**power < epochs]
    return [0, *powers, epochs] if epochs else [0]


def representatives(result: Result, max_rows: int = MAX_ROWS) -> Representatives:
    """Choose runs, group by group the fastest, the median and a failed one.

    A group is a gate or a table of one's own with two inputs and targets from 0 to 1; of a single one, a number of
    hidden units if that varies. The groups go from the largest share of runs that converged to the smallest; of more
    than `max_rows`, those of `TEXTBOOK` and others at even steps of rank.

    Runs are ordered by the epoch at which they converged (those that did not come last), then by final loss, then by
    number. The fastest is the first, the median the middle one, the lower of two; the failed one is in the middle of
    those that did not converge. Where none did, these are the lowest, the median and the highest finite loss. A run
    that is two of these is named once.
    """
    settings = result.settings
    tables = _tables(result) if "gate" in settings.keys and result.keeps_runs else []
    key = "gate" if len(tables) > 1 else "hidden" if settings.varies("hidden") else None
    if not tables:
        return Representatives([], key, 0)
    eligible = np.isin(settings.values("gate"), tables)[settings.codes("gate")]
    groups = combinations(settings, [key or "gate"])
    narrow: type[np.signedinteger[Any]] = np.int16 if len(groups.names) < 2**15 else np.int32
    of_row = groups.codes.astype(narrow)
    of_row[~eligible] = -1
    counts = result.part("summary", ["n", "n_converged"])
    n, n_converged = (sums_by(of_row, counts[name].to_numpy(), len(groups.names)) for name in counts)
    codes, epochs = result.of_runs(of_row), _epochs(result)
    loss = result.part("runs", ["final_loss"])["final_loss"].to_numpy(np.float64)
    found: list[tuple[Group, str, int]] = []
    first = [text_of(settings, key, str(name)) for name in TEXTBOOK[key == "hidden"]] if key else []
    for code in _ranked(n, n_converged, np.isin(groups.names, first), max_rows):
        group = Group(groups.names[code], int(n_converged[code]), int(n[code]))
        found += [(group, role, place) for role, place in _roles(epochs, loss, codes == code).items()]
    del codes, epochs, loss  # room for the columns that are read next
    runs = _stored(result, [place for *_, place in found])
    chosen = [Choice(group, role, *run) for (group, role, _), run in zip(found, runs, strict=True)]
    return Representatives(chosen, key, len(np.unique(groups.codes[eligible])))


def chosen_by_number(result: Result, runs: Sequence[int]) -> list[Choice]:
    """Choose runs by their numbers, all in one row.

    Raises
    ------
    ValueError
        If the result has no such run.
    """
    if not result.keeps_runs:
        raise ValueError('runs: this result keeps counts (keep = "summary"), not single runs; replay one by its number')
    numbers = result.part("runs", ["run"])["run"].to_numpy()
    places = [np.flatnonzero(numbers == run) for run in runs]
    for run, found in zip(runs, places, strict=True):
        if len(found) == 0:
            raise ValueError(f"run: found {run}, which is not among the {len(numbers):,} runs of this result")
    return [Choice(None, "", *run) for run in _stored(result, [int(found[0]) for found in places])]


def logits(model: Model, inputs: Array) -> Array:
    """Return the logit z of a model for inputs of shape (n, n_inputs): NaN or infinite where weights are not finite.

    It is made by the kernel's own arithmetic but for multiply-adds, which round twice.
    """
    from sweep.kernel.lanes import Unfused
    from sweep.kernel.model import logit

    columns = list(np.ascontiguousarray(inputs.T).view(Unfused))
    with np.errstate(all="ignore"):
        return np.asarray(logit(model.plan, list(model.weights), columns))  # type: ignore[no-untyped-call]


def outputs(model: Model, z: Array) -> Array:
    """Return the output of a model for its logits, by the same arithmetic."""
    from sweep.kernel.lanes import Unfused
    from sweep.kernel.model import answer

    with np.errstate(all="ignore"):
        return np.asarray(answer(model.plan, z.view(Unfused)))  # type: ignore[no-untyped-call]


def has_plane(table: TrainingSet) -> bool:
    """Return True if a training set has two inputs, and targets from 0 to 1."""
    return table.inputs.shape[1] == 2 and bool(((table.targets >= 0) & (table.targets <= 1)).all())


def _tables(result: Result) -> list[str]:
    """Return the gates, and tables of one's own, that have a plane."""
    own = result.experiment.tables
    gates = result.settings.values("gate")
    return [gate for gate in gates if (has_plane(own[gate]) if gate in own else len(truth_table(gate)) == 4)]


def _ranked(n: NDArray[np.int64], n_converged: NDArray[np.int64], first: Mask, most: int) -> list[int]:
    """Choose groups that have runs, at most so many, from the largest share that converged to the smallest."""
    filled = np.flatnonzero(n)
    ranked = filled[np.argsort(-n_converged[filled] / n[filled], kind="stable")]
    if len(ranked) > most:
        preferred, others = ranked[first[ranked]][:most], ranked[~first[ranked]]
        steps = np.linspace(0, len(others) - 1, most - len(preferred)).round().astype(int)
        ranked = ranked[np.isin(ranked, [*preferred, *others[steps]])]
    return [int(group) for group in ranked]


def _epochs(result: Result) -> NDArray[np.uint32]:
    """Return the epoch at which each run converged, _NEVER for the others."""
    runs = result.part("runs", ["status", "converged_epoch"])
    epochs = runs["converged_epoch"].to_numpy(np.uint32, na_value=_NEVER)
    epochs[(runs["status"] != "converged").to_numpy()] = _NEVER
    return epochs


def _roles(epochs: NDArray[np.uint32], loss: Array, members: Mask) -> dict[str, int]:
    """Return role → position of the run that has it, among the members of a group."""
    failed = members & (epochs == _NEVER)
    n, n_failed = int(members.sum()), int(failed.sum())
    if n == 1:
        return {"The one run": int(members.argmax())}
    best, middle = (_nth(epochs, loss, members, at) for at in (0, (n - 1) // 2))
    if n_failed < n:
        places = {"Fastest": best, "Median": middle}
        if n_failed:
            places["Failed"] = _nth(epochs, loss, failed, (n_failed - 1) // 2)
    else:
        places = {"Lowest loss": best, "Median loss": middle}
        if (finite := members & np.isfinite(loss)).any():
            places["Highest finite loss"] = int((finite & (loss == loss[finite].max())).argmax())
    named: dict[int, list[str]] = {}
    for role, place in places.items():
        named.setdefault(place, []).append(role)
    return {" and ".join(several).capitalize(): place for place, several in named.items()}


def _nth(epochs: NDArray[np.uint32], loss: Array, members: Mask, n: int) -> int:
    """Return the position of the n-th member, from 0, in the order of epochs, then of losses, then of positions."""
    for values in (epochs, loss):
        found = values[members]
        found.partition(n)
        value = found[n]
        n -= int(np.count_nonzero(found[:n] < value))
        members = members & (values == value)
    return int(np.flatnonzero(members)[n])


def _stored(result: Result, places: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
    """Read the numbers and the outcomes of runs, given by their rows in the table of runs."""
    columns = ("run", *OUTCOME)
    rows = {name: result.part("runs", [name])[name].iloc[list(places)] for name in columns}  # one at a time in memory
    found = []
    for run, status, epochs, *known, loss in zip(*(rows[name].to_numpy(object) for name in rows), strict=True):
        converged_epoch, period = (None if pd.isna(number) else int(number) for number in known)
        values = (str(status), int(epochs), converged_epoch, period, float(loss))
        found.append((int(run), dict(zip(OUTCOME, values, strict=True))))
    return found
