"""Grids: from a run number to its values and back, without ever listing the runs."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.spec import gates, inits, models
from sweep.spec.keys import (
    KEYS,
    LARGEST,
    MAX_SEED,
    RELATIVE,
    Range,
    Relative,
    axis_of,
    key_of,
    named,
    numbers_of,
    seeds_of,
)
from sweep.spec.messages import Collector, not_allowed, show, unknown_key, validate
from sweep.spec.schema import TAKEN
from sweep.spec.theory import NotSeparable, predict
from sweep.spec.training_sets import TrainingSet, boolean_table

MAX_RUNS = 2**31 - 1
LONG_AXIS = 1_000
MAX_NAME = 100


@dataclass(frozen=True)
class Grid:
    """All combinations of the values of each key, each with all seeds.

    Runs are counted from 0 in mixed radix: the first key is the most significant digit, the seed the least.

    Attributes
    ----------
    values
        Key → its values, in the order of the file, then the keys that it does not write with their default. Gates
        and starts are under their canonical names.
    seeds
        The seeds of every point, each 0 ≤ seed < 2³²: a range, or a tuple where they do not follow each other.
    weights
        With init = "given": the parameters of every run, numbers and names of keys of `values`; otherwise empty.
    spelling
        The shorter way to write some keys: families of gates, long ranges.
    """

    values: Mapping[str, Sequence[Any]]
    seeds: Sequence[int]
    weights: tuple[float | str, ...] = ()
    spelling: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each key, then of seeds."""
        return (*(len(values) for values in self.values.values()), len(self.seeds))

    @property
    def n_points(self) -> int:
        """Number of combinations, seeds not counted."""
        return math.prod(self.shape[:-1])

    @property
    def n_runs(self) -> int:
        """Number of runs: points × seeds."""
        return math.prod(self.shape)

    def indices(self, key: str, runs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the place in ``values[key]`` of each run, by its number within this grid: int64, shape of `runs`."""
        axis = list(self.values).index(key)
        if self.shape[axis] == 1:
            return np.zeros_like(runs)
        return runs // math.prod(self.shape[axis + 1 :]) % self.shape[axis]

    def seed_of(self, runs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the seed of each run: int64, shape of `runs`, which are numbers within this grid."""
        places = runs % len(self.seeds)
        if isinstance(self.seeds, range):
            return places + self.seeds.start
        return np.array(self.seeds, np.int64)[places]

    def place_of_seed(self, seeds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the position of each seed among those of this grid, −1 where it has none of them."""
        if isinstance(self.seeds, range):
            places = seeds - self.seeds.start
            return np.where((places >= 0) & (places < len(self.seeds)), places, -1)
        order = np.argsort(self.seeds)
        ordered = np.array(self.seeds, np.int64)[order]
        places = np.minimum(np.searchsorted(ordered, seeds), len(ordered) - 1)
        return np.where(ordered[places] == seeds, order[places], -1)

    def setting(self, run: int) -> dict[str, Any]:
        """Return every key with its value for a run of this number within the grid, `seed` last."""
        at = np.array([run])
        values = {key: options[self.indices(key, at)[0]] for key, options in self.values.items()}
        return values | {"seed": int(self.seed_of(at)[0])}

    def resolved(self) -> dict[str, Any]:
        """Return this grid as JSON: axes as lists, families by name, successive seeds as {from, count}."""
        written = {
            key: values[0] if len(values) == 1 else list(values)
            for key, values in self.values.items()
            if key in KEYS or values[0] is not None
        }
        weights = {"weights": list(self.weights)} if self.weights else {}
        listed = not isinstance(self.seeds, range)
        seeds = list(self.seeds) if listed else {"from": self.seeds[0], "count": len(self.seeds)}
        return {**written, **self.spelling, **weights, "seeds": seeds}


def parse(written: Mapping[str, Any], n_inputs: Mapping[str, int] | None = None) -> Grid:
    """Read one [grid] table, as `sweep.spec.experiment.load` describes it; `InvalidError` has all that is wrong by key.

    `n_inputs` has the number of inputs of each training set of one's own, which is a gate here.
    """
    found = Collector()
    n_inputs = n_inputs or {}
    tables = list(n_inputs)
    weights: tuple[float | str, ...] = ()
    with found.at("weights"):
        weights = _weights(written)
    found.raise_if_any()
    names: dict[str, None] = dict.fromkeys(entry for entry in weights if isinstance(entry, str))
    axes: dict[str, Range | list[Any]] = {}
    for key in [*written, *(key for key in (*KEYS, *names) if key not in written)]:
        with found.at(str(key)):
            if key in KEYS or key in names:
                axes[key] = axis_of(key, written.get(key, key_of(key).default), tables)
            elif key not in ("seeds", "weights"):
                raise ValueError(unknown_key(key, [*KEYS, *names, "weights", "seeds", RELATIVE]))
    with found.at("seeds"):
        seeds = seeds_of(written.get("seeds", 1))
    found.raise_if_any()

    lengths = {key: axis.num if isinstance(axis, Range) else len(axis) for key, axis in axes.items()}
    with found.at(""):
        n_seeds = seeds.stop - seeds.start if isinstance(seeds, range) else len(seeds)  # len would overflow
        check_size(math.prod(lengths.values()) * n_seeds, {**lengths, "seeds": n_seeds})
    found.raise_if_any()
    values: dict[str, Sequence[Any]] = {}
    for key, axis in axes.items():
        with found.at(key):
            values[key] = _distinct(key, numbers_of(key, axis) if isinstance(axis, Range) else axis, tables)
    found.raise_if_any()

    with found.at("init"):
        _check_starts(values["init"], len(seeds))
    with found.at("encoding"):
        _check_encodings(values, tables)
    with found.at("weights"):
        _check_weights(weights, values, n_inputs)
    with found.at(""):
        if problem := models.conflict(values):
            raise ValueError(problem)
    found.raise_if_any()
    return Grid(values, seeds, weights, _spelling(written["gate"], axes, tables))


def with_rates(written: Mapping[str, Any], tables: Mapping[str, TrainingSet]) -> list[dict[str, Any]]:
    """Write one [grid] table with learning rates where it has multiples of each gate's critical one.

    The critical rate, 2/λ by `sweep.spec.theory`, and its multiples are rounded to nine digits, so that no library's
    rounding enters; gates that share one share a table. `InvalidError` if a gate has no critical rate, or the models
    are not those that it is meant for.
    """
    if RELATIVE not in written:
        return [dict(written)]
    found = Collector()
    rates: dict[float, list[str]] = {}
    with found.at(RELATIVE):
        multiples = validate(Relative, written[RELATIVE]).multiples()
        if "learning_rate" in written:
            raise ValueError("found learning_rate as well; allowed: one of the two")
        for key in ("hidden", "bias", "loss", "output", "optimizer", "update", "hidden_learning_rate"):
            if (value := written.get(key, KEYS[key].default)) not in (KEYS[key].default, [KEYS[key].default]):
                allowed = f"{key} = {show(KEYS[key].default)}" if KEYS[key].default is not None else f"no {key}"
                raise ValueError(f"{key} = {show(value)} has no critical rate; allowed: {allowed}")
        if not isinstance(encoding := written.get("encoding", "01"), str):
            raise ValueError(f"found encoding = {show(encoding)}; allowed: one encoding, each in a [[grid]] of its own")
    found.raise_if_any()
    with found.at("encoding"):
        axis_of("encoding", encoding, ())
    with found.at("gate"):
        chosen: Any = axis_of("gate", written.get("gate", KEYS["gate"].default), list(tables))
    found.raise_if_any()
    with found.at(RELATIVE):
        for gate in chosen:
            rates.setdefault(_critical(gate, tables.get(gate) or boolean_table(gate, encoding)), []).append(gate)
    found.raise_if_any()
    return [
        {
            ("learning_rate" if key == RELATIVE else key): value
            for key, value in {
                **written, RELATIVE: [_rounded(part * critical) for part in multiples], "gate": gates_of
            }.items()
        }
        for critical, gates_of in sorted(rates.items())
    ]  # fmt: skip


def _critical(gate: str, table: TrainingSet) -> float:
    """Return the critical rate of a training set; ``ValueError`` if it has none."""
    try:
        theory = predict(table)
    except ArithmeticError as error:
        raise ValueError(f"gate {show(gate)}: {error}") from None
    if isinstance(theory, NotSeparable):
        return _rounded(theory.critical_learning_rate)
    raise ValueError(f'gate {show(gate)} is separable and has no critical rate; allowed: gates that are not, as "XOR"')


def _rounded(rate: float) -> float:
    return float(f"{rate:.9g}")


def overlap(one: Grid, other: Grid, tables: Iterable[str] = (), seeds: bool = True) -> bool:
    """Return True if two grids have a run in common; without `seeds`, a setting."""
    tables = list(tables)
    if one.weights != other.weights or (seeds and not _share_seeds(one.seeds, other.seeds)):
        return False
    return not any(
        {_identity(key, value, tables) for value in one.values[key]}.isdisjoint(
            _identity(key, value, tables) for value in other.values[key]
        )
        for key in reversed(list(one.values))
    )


def _share_seeds(one: Sequence[int], other: Sequence[int]) -> bool:
    if isinstance(one, range) and isinstance(other, range):
        return max(one.start, other.start) < min(one.stop, other.stop)
    return any(seed in other for seed in one) if len(one) < len(other) else any(seed in one for seed in other)


def check_size(n_runs: int, lengths: Mapping[str, int], sign: str = " × ") -> None:
    """Refuse more than `MAX_RUNS` runs by a ``ValueError`` that names the lengths, joined by `sign`."""
    if n_runs > MAX_RUNS:
        parts = sign.join(f"{key} {_grouped(length)}" for key, length in lengths.items() if length > 1)
        raise ValueError(f"{_grouped(n_runs)} runs ({parts}); allowed: up to {MAX_RUNS:,} in one experiment")


def check_restarts(grids: Sequence["Grid"], max_epochs: int, restart_after: int) -> None:
    """Refuse restarts that would take seeds beyond the largest by a ``ValueError``: each takes those after the last."""
    n = (max_epochs - 1) // restart_after if restart_after else 0
    for seeds in (grid.seeds for grid in grids):
        last = (seeds[-1] if isinstance(seeds, range) else max(seeds)) + n * len(seeds)
        if last > MAX_SEED:
            raise ValueError(f"{n:,} restarts go on to seed {last:,}; allowed: up to {MAX_SEED:,}; take smaller seeds")


def _grouped(number: int) -> str:
    return f"{number:,}" if number < 10**18 else "more than 10^18"


def _weights(written: Mapping[str, Any]) -> tuple[float | str, ...]:
    """Return the given parameters; names among them are keys of the grid."""
    given = written.get("weights")
    if given is None:
        if written.get("init") == "given":
            raise ValueError('missing; init = "given" takes a list of numbers and names, such as [4, -7, "x", 0.5]')
        return ()
    if written.get("init") != "given":
        raise ValueError('found weights without init = "given"; allowed: both or neither')
    if not isinstance(given, list) or not given:
        raise ValueError(not_allowed(given, 'a list of numbers and names, such as [4, -7, "x", 0.5]'))
    taken = (*KEYS, "seeds", "weights", *TAKEN)
    for entry in given:
        is_number = isinstance(entry, int | float) and not isinstance(entry, bool) and abs(entry) <= LARGEST
        is_name = isinstance(entry, str) and entry.isidentifier() and len(entry) <= MAX_NAME and entry not in taken
        if not (is_number or is_name):
            raise ValueError(
                not_allowed(entry, "finite numbers up to ±1e300, and names that neither [grid] nor a table has already")
            )
    return tuple(entry if isinstance(entry, str) else float(entry) for entry in given)


def _check_weights(
    weights: Sequence[float | str], values: Mapping[str, Sequence[Any]], n_inputs: Mapping[str, int]
) -> None:
    if not weights:
        return
    sizes = {n_inputs[gate] if gate in n_inputs else gates.n_inputs(gate) for gate in values["gate"]}
    kinds = list(itertools.product(sizes, values["hidden"], values["shortcut"]))
    needed = {models.n_params(*kind) for kind in kinds}
    if needed != {len(weights)}:
        allowed = " or ".join(map(str, sorted(needed)))
        raise ValueError(f"found {len(weights)} weights; the models of this grid have {allowed} (W1, b1, w2, u, b2)")
    if False in values["bias"] and any(weights[place] != 0.0 for kind in kinds for place in models.biases(*kind)):
        raise ValueError("with bias = false, the biases among the weights (b1, b2) must be 0")


def _identity(key: str, value: Any, tables: Sequence[str]) -> Any:
    """Return a value that is equal for two values of a key exactly if they mean the same runs."""
    return gates.truth_table(value) if key == "gate" and value not in tables else value


def _distinct(key: str, values: list[Any], tables: Sequence[str]) -> tuple[Any, ...]:
    seen: dict[Any, Any] = {}
    for value in values:
        identity = _identity(key, value, tables)
        if identity in seen:
            same = f"{show(value)} twice" if seen[identity] == value else f"{show(seen[identity])} and {show(value)}"
            raise ValueError(f"found {same}, which are the same runs; allowed: each once")
        seen[identity] = value
    return tuple(values)


def _check_starts(starts: Iterable[str], n_seeds: int) -> None:
    for start in starts:
        if n_seeds > 1 and not inits.parse(start).random:
            raise ValueError(
                f"{show(start)} ignores the seed, so {n_seeds:,} seeds would be {n_seeds:,} identical runs, "
                "which are not a sample; give it a [[grid]] of its own with seeds = 1"
            )


def _check_encodings(values: Mapping[str, Sequence[Any]], tables: Sequence[str]) -> None:
    own = [gate for gate in values["gate"] if gate in tables]
    if own and list(values["encoding"]) != ["01"]:
        raise ValueError(
            f"{show(own[0])} is a table of this experiment, whose inputs are taken as they are; leave encoding out"
        )


def _spelling(gate: Any, axes: Mapping[str, Range | list[Any]], tables: Sequence[str]) -> dict[str, Any]:
    names = named(gate if isinstance(gate, list) else [gate], tables)
    spelling: dict[str, Any] = {"gate": names} if any(name in gates.FAMILIES for name in names) else {}
    for key, axis in axes.items():
        if isinstance(axis, Range) and axis.num > LONG_AXIS:
            spelling[key] = axis.model_dump(by_alias=True)
    return spelling
