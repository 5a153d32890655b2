"""Experiment files: TOML, or a dict of the same shape, read into a validated `Experiment`."""

import itertools
import math
import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, field_validator

from sweep.spec import grid, reading
from sweep.spec.grid import MAX_NAME, Grid
from sweep.spec.keys import KEYS, RELATIVE, Train
from sweep.spec.messages import Collector, InvalidError, did_you_mean, not_allowed, show, unknown_key, validate
from sweep.spec.reading import Written
from sweep.spec.training_sets import TrainingSet, boolean_table, own_table

_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]*$"  # what XML and terminals take
ALWAYS_COLUMNS = ("gate", "learning_rate", "init")


class Document(BaseModel, extra="forbid"):
    """Experiment file, as it is written."""

    name: str | None = Field(
        default=None,
        pattern=f"^{reading.NAME}$",
        max_length=250,
        description="letters, digits, dots, dashes and spaces, the first a letter or digit",
    )
    question: str = Field(default="", pattern=_TEXT, description="a text without control characters")
    runs: Literal["csv", "parquet", "both"] | None = Field(default=None, description='"csv", "parquet" or "both"')
    columns: list[str] | None = Field(default=None, description="a list of keys of [grid]")
    keep: Literal["runs", "summary"] = Field(default="runs", description='"runs" or "summary"')
    compare: str | None = Field(default=None, description="a key of [grid]")
    grid: list[dict[str, Any]] = Field(min_length=1, description="a [grid] table, or several [[grid]]")
    train: dict[str, Any] = Field(default={}, description="a [train] table")
    tables: dict[str, dict[str, Any]] = Field(default={}, description="[tables.NAME] tables with csv or rows")

    @field_validator("tables")
    @classmethod
    def _names(cls, tables: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name in tables:
            if not (0 < len(name) <= MAX_NAME and name.isprintable() and name == name.strip() and "$" not in name):
                allowed = f'names of 1 to {MAX_NAME} characters that print, without "$" and without spaces around'
                raise ValueError(not_allowed(name, allowed))
        return tables

    @field_validator("grid", mode="before")
    @classmethod
    def _one_grid(cls, written: object) -> object:
        return [written] if isinstance(written, dict) else written


N = TypeVar("N", int, NDArray[np.int64])


class Place(NamedTuple, Generic[N]):
    """Place of runs: the number of their grid, that of the grid's first run, and those of the runs within the grid."""

    number: int
    first: int
    within: N


@dataclass(frozen=True, eq=False)
class Experiment:
    """Experiment, complete and valid.

    Attributes
    ----------
    name
        The file's stem, or "sweep" for a dict, unless given.
    question
        Question that the experiment asks, possibly empty.
    grids
        Grids whose union is trained; run numbers go on from one to the next.
    train
        Length of training, and the criterion of convergence.
    columns
        Keys of the grid in the order of runs.csv, without `seeds`.
    tables
        Name → training set, for the gates that are tables of one's own.
    runs
        Formats of the table of runs: "csv", "parquet", "both"; None leaves it to their number.
    compare
        The axis that the question is about; None leaves it to the words of the question.
    keep
        "runs", or "summary" for counts of runs only.
    """

    name: str
    question: str
    grids: tuple[Grid, ...]
    train: Train
    columns: tuple[str, ...]
    tables: Mapping[str, TrainingSet]
    runs: str | None = None
    compare: str | None = None
    keep: str = "runs"

    @property
    def n_runs(self) -> int:
        """Number of runs, all grids together."""
        return self.firsts[-1]

    @property
    def n_points(self) -> int:
        """Number of grid points, all grids together, seeds not counted."""
        return self.first_points[-1]

    @cached_property
    def firsts(self) -> tuple[int, ...]:
        """Number of the first run of each grid, and the number of runs."""
        return tuple(itertools.accumulate((grid.n_runs for grid in self.grids), initial=0))

    @cached_property
    def first_points(self) -> tuple[int, ...]:
        """Number of the first point of each grid, points numbered through all grids, and the number of points."""
        return tuple(itertools.accumulate((grid.n_points for grid in self.grids), initial=0))

    def locate(self, run: int) -> Place[int]:
        """Return the place of a run; ``ValueError`` if the experiment has none of this number."""
        if not 0 <= run < self.n_runs:
            raise ValueError(f"found {run}; allowed: 0 to {self.n_runs - 1}")
        number = bisect_right(self.firsts, run) - 1
        return Place(number, self.firsts[number], run - self.firsts[number])

    def by_grid(self, runs: NDArray[np.int64]) -> list[Place[NDArray[np.int64]]]:
        """Return the places of increasing run numbers, one for each grid that has any of them."""
        ends = np.searchsorted(runs, self.firsts)
        return [
            Place(number, first, runs[low:high] - first)
            for number, (first, (low, high)) in enumerate(zip(self.firsts, itertools.pairwise(ends), strict=False))
            if low < high
        ]

    def points_of(self, runs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the point of each of some runs with increasing numbers."""
        places = self.by_grid(runs)
        return np.concatenate([self.first_points[at] + within // len(self.grids[at].seeds) for at, _, within in places])

    def first_runs(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the first run of each point."""
        n_seeds = np.array([len(grid.seeds) for grid in self.grids])
        at = np.searchsorted(self.first_points, points, side="right") - 1
        within = points - np.array(self.first_points)[at]
        return np.asarray(np.array(self.firsts)[at] + within * n_seeds[at], np.int64)

    def setting(self, run: int) -> dict[str, Any]:
        """Return every key of the grid with its value for a run, `seed` last."""
        number, _, within = self.locate(run)
        return self.grids[number].setting(within)

    def row(self, run: int) -> dict[str, Any]:
        """Return the columns of the grid, and `seed`, with their values for a run."""
        setting = self.setting(run)
        return {key: setting[key] for key in (*self.columns, "seed")}

    def table(self, gate: str, encoding: str) -> TrainingSet:
        """Return the training set of a gate: a table of one's own, or a Boolean table in its encoding."""
        return self.tables[gate] if gate in self.tables else boolean_table(gate, encoding)

    def out_of_reach(self) -> list[str]:
        """List tables of one's own whose target loss no outputs attain, in lines for people."""
        target = self.train.target_loss or math.inf
        lines = []
        for name, table in self.tables.items():
            losses = (each.values["loss"] for each in self.grids if name in each.values["gate"])
            for loss in dict.fromkeys(itertools.chain(*losses)):
                if (least := table.least_loss(loss)) > target:
                    what = f"gate {show(name)}: no outputs have a loss ({loss}) below {least:.4g}"
                    lines.append(f"{what}, so target_loss = {target:g} is never met")
        return lines

    def resolved(self) -> dict[str, Any]:
        """Return the experiment with every setting filled in, ready for JSON; `load` makes the same experiment of it.

        The order of the keys matters: it is the order of the axes, and with it of the run numbers.
        """
        return {
            "name": self.name,
            "question": self.question,
            **({"runs": self.runs} if self.runs else {}),
            **({"keep": self.keep} if self.keep != "runs" else {}),
            **({"compare": self.compare} if self.compare else {}),
            "columns": list(self.columns),
            "grid": [grid.resolved() for grid in self.grids],
            "train": self.train.model_dump(),
            "tables": {
                name: {"rows": np.column_stack([table.inputs, table.targets]).tolist()}
                for name, table in self.tables.items()
            },
        }


def load(
    source: str | os.PathLike[str] | Mapping[str, Any], overrides: Sequence[str] = (), stored: bool = False
) -> Experiment:
    """Read an experiment.

    Parameters
    ----------
    source
        The path of a TOML file, or a dict of the same shape (NumPy arrays and numbers are welcome in it)::

            question      text, optional; further keys: see docs/reference.md
            [grid]        or several [[grid]], whose union is run; each key a scalar, a list, or, for numbers,
                          {from, to, num, scale = "linear" or "log"}
              gate            required: names, families, truth tables, own tables; see `sweep.spec.gates`
              learning_rate   required: > 0; or learning_rate_relative, multiples of each gate's critical rate
              hidden, init …  with defaults; see `sweep.spec.keys`
              weights         with init = "given": [4, -7, "x", 0.5, ...], the parameters; a name is a key of the grid
              seeds           a count (1 by default: seed 0), a list, or {from, count}; each 0 ≤ seed < 2³²
            [train]       see `Train`
            [tables.NAME] csv = "points.csv", relative to the file, or rows = [[0, 1, 1], ...]; the target comes last
    overrides
        "KEY=VALUE" texts as `--set` takes them, such as "train.max_epochs=100"; a key of the grid is set in each grid.
    stored
        True for the experiment of a result, which may have a setting in two grids, as was once allowed.

    Raises
    ------
    ExperimentError
        With the first few problems, one a line: the file, the key, what was found and what is allowed.
    """
    keys = (*KEYS, RELATIVE, "weights", "seeds")
    below: dict[str, tuple[str, ...]] = {"train": tuple(Train.model_fields), "grid": keys}
    written = reading.read(source, overrides, {key: below.get(key, ()) for key in Document.model_fields})
    try:
        return _experiment(written, stored)
    except InvalidError as error:
        raise written.refusal(error) from None


def _experiment(written: Written, stored: bool) -> Experiment:
    document = validate(Document, written.data)
    found = Collector()
    tables: dict[str, TrainingSet] = {}
    losses = [each.get("loss", KEYS["loss"].default) for each in document.grid]
    probabilities = any("bce" in (loss if isinstance(loss, list) else [loss]) for loss in losses)
    for name, source in document.tables.items():
        with found.at(f"tables.{name}"):
            tables[name] = own_table(name, source, written.folder, probabilities)
    with found.at("train"):
        train = validate(Train, document.train)
    n_inputs = {name: tables[name].inputs.shape[1] if name in tables else 0 for name in document.tables}
    problems: dict[tuple[str, str], list[int]] = {}
    grids: list[Grid] = []
    places: list[str] = []
    for number, keys in enumerate(document.grid, 1):
        try:
            grids += [grid.parse(each, n_inputs) for each in grid.with_rates(keys, tables)]
            places += [f"[[grid]] {number}"] * (len(grids) - len(places))
        except InvalidError as error:
            for key, text in error.items:
                problems.setdefault((f"grid.{key}".rstrip("."), text), []).append(number)
    for (place, text), numbers in problems.items():
        everywhere = len(numbers) == len(document.grid)
        found.items.append((place, text if everywhere else f"{text} (in [[grid]] {', '.join(map(str, numbers))})"))
    found.raise_if_any()

    names = dict.fromkeys(key for part in grids for key in part.values if key not in KEYS)
    open_names = [{name: (None,) for name in names if name not in part.values} for part in grids]
    grids = [replace(part, values={**part.values, **absent}) for part, absent in zip(grids, open_names, strict=True)]
    with found.at("grid"):
        _check_union(places, grids, document.tables, stored)
        grid.check_restarts(grids, train.max_epochs, train.restart_after)
    with found.at("columns"):
        columns = _columns(document, grids)
    with found.at("compare"):
        if document.compare is not None and document.compare not in grids[0].values:
            raise ValueError(unknown_key(document.compare, list(grids[0].values)))
    with found.at("keep"):
        _check_kept(document.keep, document.runs, train)
    for key in written.overridden:
        with found.at(key):
            _check_used(key, grids)
    name = document.name or written.name
    if not name:
        found.items.append(("name", 'missing; the file\'s own name gives none, so it takes name = "..." in the file'))
    found.raise_if_any()
    return Experiment(
        name, document.question, tuple(grids), train, columns, tables, document.runs, document.compare, document.keep
    )


def _check_union(places: Sequence[str], grids: Sequence[Grid], tables: Mapping[str, Any], stored: bool) -> None:
    lengths = {place: sum(g.n_runs for at, g in zip(places, grids, strict=True) if at == place) for place in places}
    grid.check_size(sum(lengths.values()), lengths, " + ")
    for (i, part), (j, other) in itertools.combinations(zip(places, grids, strict=True), 2):
        if grid.overlap(part, other, tables):
            raise ValueError(f"{i} and {j} have runs in common; allowed: each run once")
        if not stored and grid.overlap(part, other, tables, seeds=False):
            raise ValueError(
                f"{i} and {j} have a setting in common, with other seeds; allowed: each setting in one [[grid]], with "
                "all its seeds"
            )


def _check_kept(keep: str, runs: str | None, train: Train) -> None:
    """Refuse what needs single runs where none is kept."""
    needing = {"runs": runs, "train.record_every": train.record_every, "train.last_losses": train.last_losses}
    for key, value in needing.items():
        if keep == "summary" and value:
            raise ValueError(f'found "summary", which keeps no single runs, with {key} = {show(value)}; leave one out')


def _check_used(override: str, grids: Sequence[Grid]) -> None:
    """Refuse an override of a table that no gate uses."""
    section, _, rest = override.partition(".")
    name = rest.partition(".")[0]
    gates_used = list(dict.fromkeys(gate for part in grids for gate in part.values["gate"]))
    if section == "tables" and name not in gates_used:
        near = did_you_mean(name, gates_used)
        raise ValueError(f"no gate is called {show(name)}{near}; allowed: a table that gate names")


def _columns(document: Document, grids: Sequence[Grid]) -> tuple[str, ...]:
    if document.columns is None:
        written = itertools.chain(*document.grid, ALWAYS_COLUMNS)
        named = dict.fromkeys("learning_rate" if key == RELATIVE else key for key in written)
        return tuple(key for key in named if key not in ("seeds", "weights"))
    keys = list(grids[0].values)
    for key in document.columns:
        if key not in keys:
            raise ValueError(f"{show(key)}: {unknown_key(key, keys)}")
    varying = [key for key in keys if len(set().union(*(part.values[key] for part in grids))) > 1]
    missing = [key for key in dict.fromkeys((*ALWAYS_COLUMNS, *varying)) if key not in document.columns]
    if missing or len(set(document.columns)) < len(document.columns):
        allowed = f"each once, and at least {', '.join(dict.fromkeys((*ALWAYS_COLUMNS, *varying)))}"
        raise ValueError(f"found {show(document.columns)}; allowed: {allowed}")
    return tuple(document.columns)
