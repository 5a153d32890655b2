"""Grids: what each key may be, and which values a run number stands for, without ever listing the runs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from functools import cache
from types import GenericAlias
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, model_validator

from sweep.spec import gates, inits, models
from sweep.spec.messages import Collector, not_allowed, show, unknown_key, validate

MAX_RUNS = 2**31 - 1
MAX_AXIS = 1_000_000
LONG_AXIS = 1_000
MAX_SEED = 2**32 - 1
REQUIRED = object()


@dataclass(frozen=True)
class Key:
    """One key of [grid].

    Attributes
    ----------
    type
        The pydantic type of one value; its validators may raise ``ValueError`` with a message for people.
    allowed
        The same in words.
    default
        The value where the key is not written, or `REQUIRED`.
    numeric
        Whether its values are numbers: then a range is allowed.
    """

    type: Any
    allowed: str
    default: Any = REQUIRED
    numeric: bool = False


_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_PositiveOrNone = Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
_FractionOrNone = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | None
_NonNegativeOrNone = Annotated[float, Field(ge=0, allow_inf_nan=False)] | None


def _choice(*names: str) -> dict[str, Any]:
    return {"type": Literal[names], "allowed": ", ".join(f'"{name}"' for name in names)}


KEYS: dict[str, Key] = {
    "gate": Key(str, gates.ALLOWED),
    "encoding": Key(Literal["01", "pm1"], '"01" (inputs 0 and 1) or "pm1" (inputs -1 and 1)', "01"),
    "hidden": Key(Annotated[int, Field(ge=0, le=32)], "an integer from 0 (logistic regression) to 32", 0, numeric=True),
    "activation": Key(**_choice(*models.ACTIVATIONS), default="sigmoid"),
    "output": Key(**_choice(*models.OUTPUTS), default="sigmoid"),
    "loss": Key(**_choice(*models.LOSSES), default="bce"),
    "shortcut": Key(bool, "true or false", False),
    "optimizer": Key(**_choice(*models.OPTIMIZERS), default="gd"),
    "momentum": Key(_NonNegativeOrNone, "a number, 0 or more", None, numeric=True),
    "beta2": Key(_FractionOrNone, "a number from 0 to below 1", None, numeric=True),
    "epsilon": Key(_NonNegativeOrNone, "a number, 0 or more", None, numeric=True),
    "update": Key(**_choice(*models.UPDATES), default="batch"),
    "learning_rate": Key(_Positive, "a number greater than 0", numeric=True),
    "hidden_learning_rate": Key(_PositiveOrNone, "a number greater than 0", None, numeric=True),
    "init": Key(Annotated[str, AfterValidator(lambda text: str(inits.parse(text)))], inits.ALLOWED, "normal(0, 1)"),
    "init_scale": Key(_Positive, "a number greater than 0", 1.0, numeric=True),
}


OUTCOMES = (
    *("run", "seed", "status", "epochs", "converged_epoch", "period", "final_loss"),
    *("n", "n_converged", "converged_rate", "converged_low", "converged_high", "n_diverged", "n_stationary"),
    *(f"{name}_q{percent:02d}" for name in ("epochs", "final_loss") for percent in (5, 25, 50, 75, 95)),
    *("rate", "interval", "settings"),
)
"""Columns of the tables, and of the page, beside those of the grid: no key may have such a name."""

_WEIGHT = Key(Annotated[float, Field(allow_inf_nan=False)], "a finite number", numeric=True)


class Range(BaseModel, frozen=True, extra="forbid"):
    """Evenly spaced numbers {from, to, num, scale}, both ends included."""

    start: float = Field(alias="from", allow_inf_nan=False, description="a finite number")
    stop: float = Field(alias="to", allow_inf_nan=False, description="a finite number")
    num: int = Field(ge=1, description="an integer, 1 or more")
    scale: Literal["linear", "log"] = Field(default="linear", description='"linear" or "log"')

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.scale == "log" and not (self.start > 0 and self.stop > 0):
            ends = f"from = {show(self.start)}, to = {show(self.stop)}"
            raise ValueError(f'found {ends}; allowed with scale = "log": both greater than 0')
        if self.num == 1 and self.start != self.stop:
            raise ValueError("found num = 1; from and to differ, so num must be 2 or more")
        return self

    def values(self) -> list[int | float]:
        """The numbers, in order; integers where they are whole.

        The ends are exactly `from` and `to`. What lies between is computed from their decimal spelling to 60 digits
        and then rounded once, so that 0.01 to 10 passes through 0.1 and 1, and no library's rounding enters.
        """
        between: list[Decimal] = []
        with localcontext(Context(prec=60)):
            start, stop, steps = Decimal(repr(self.start)), Decimal(repr(self.stop)), self.num - 1
            if self.scale == "linear":
                between = [start + (stop - start) * i / steps for i in range(1, steps)]
            elif steps > 1:
                ratio = ((stop.ln() - start.ln()) / steps).exp()
                value = start
                for _ in range(1, steps):
                    value *= ratio
                    between.append(value)
        numbers = [self.start, *map(float, between), self.stop][: self.num]
        return [int(number) if number.is_integer() else number for number in numbers]


class _Seeds(BaseModel, frozen=True, extra="forbid"):
    start: int = Field(default=0, alias="from", ge=0, le=MAX_SEED, description=f"an integer from 0 to {MAX_SEED:,}")
    count: int = Field(ge=1, description="an integer, 1 or more")


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
        The seeds of every point, each 0 ≤ seed < 2³².
    weights
        With init = "given": the parameters of every run, numbers and names of keys of `values`; otherwise empty.
    spelling
        The shorter way to write some keys: families of gates, long ranges.
    """

    values: Mapping[str, Sequence[Any]]
    seeds: range
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
        """Which value of `key` each run has.

        Parameters
        ----------
        key
            A key of `values`.
        runs : int64 array, any shape
            Run numbers within this grid, 0 ≤ run < n_runs.

        Returns
        -------
        int64 array, shape of `runs`
            Positions in ``values[key]``.
        """
        axis = list(self.values).index(key)
        return runs // math.prod(self.shape[axis + 1 :]) % self.shape[axis]

    def seed_of(self, runs: NDArray[np.int64]) -> NDArray[np.int64]:
        """The seed of each run: int64, shape of `runs`, which are numbers within this grid."""
        return runs % len(self.seeds) + self.seeds.start

    def resolved(self) -> dict[str, Any]:
        """This grid as JSON: every key with its values, axes as lists, families by name, seeds as {from, count}."""
        written = {
            key: values[0] if len(values) == 1 else list(values)
            for key, values in self.values.items()
            if key in KEYS or values[0] is not None
        }
        weights = {"weights": list(self.weights)} if self.weights else {}
        return {**written, **self.spelling, **weights, "seeds": {"from": self.seeds.start, "count": len(self.seeds)}}


def parse(written: Mapping[str, Any], n_inputs: Mapping[str, int] | None = None) -> Grid:
    """The grid that one [grid] table describes.

    Parameters
    ----------
    written
        Key → a scalar, a list, or a range {from, to, num, scale}; see `KEYS`. `seeds` is a count or {from, count}.
    n_inputs
        Name → number of inputs of the training sets of one's own, which are gates here.

    Raises
    ------
    InvalidError
        With everything that is wrong, by key.
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
                axes[key] = _axis(key, written.get(key, _key(key).default), tables)
            elif key not in ("seeds", "weights"):
                raise ValueError(unknown_key(key, [*KEYS, *names, "weights", "seeds"]))
    with found.at("seeds"):
        seeds = _seeds(written.get("seeds", 1))
    found.raise_if_any()

    lengths = {key: axis.num if isinstance(axis, Range) else len(axis) for key, axis in axes.items()}
    with found.at(""):
        check_size(math.prod(lengths.values()) * seeds.count, {**lengths, "seeds": seeds.count})
    found.raise_if_any()
    values: dict[str, Sequence[Any]] = {}
    for key, axis in axes.items():
        with found.at(key):
            values[key] = _distinct(key, _numbers(key, axis) if isinstance(axis, Range) else axis, tables)
    found.raise_if_any()

    with found.at("init"):
        _check_starts(values["init"], seeds.count)
    with found.at("encoding"):
        _check_encodings(values, tables)
    with found.at("weights"):
        _check_weights(weights, values, n_inputs)
    with found.at(""):
        if problem := models.conflict(values):
            raise ValueError(problem)
    found.raise_if_any()
    seeds_of_point = range(seeds.start, seeds.start + seeds.count)
    return Grid(values, seeds_of_point, weights, _spelling(written["gate"], axes, tables))


def overlap(one: Grid, other: Grid, tables: Iterable[str] = ()) -> bool:
    """Whether two grids have a run in common."""
    tables = list(tables)
    if max(one.seeds.start, other.seeds.start) >= min(one.seeds.stop, other.seeds.stop):
        return False
    if one.weights != other.weights:
        return False
    return not any(
        {_identity(key, value, tables) for value in one.values[key]}.isdisjoint(
            _identity(key, value, tables) for value in other.values[key]
        )
        for key in reversed(list(one.values))
    )


def check_size(n_runs: int, lengths: Mapping[str, int], sign: str = " × ") -> None:
    """Refuse more than `MAX_RUNS` runs: ``ValueError`` with the lengths that `sign` combines to them."""
    if n_runs > MAX_RUNS:
        parts = sign.join(f"{key} {_grouped(length)}" for key, length in lengths.items() if length > 1)
        raise ValueError(f"{_grouped(n_runs)} runs ({parts}); allowed: up to {MAX_RUNS:,} in one experiment")


def _grouped(number: int) -> str:
    return f"{number:,}" if number < 10**18 else "more than 10^18"


def _key(key: str) -> Key:
    """The entry of a key of the grid; names of given weights are numbers."""
    return KEYS.get(key, _WEIGHT)


def _weights(written: Mapping[str, Any]) -> tuple[float | str, ...]:
    """The given parameters, whose names are keys of the grid."""
    given = written.get("weights")
    if given is None:
        if written.get("init") == "given":
            raise ValueError('missing; init = "given" takes a list of numbers and names, such as [4, -7, "x", 0.5]')
        return ()
    if written.get("init") != "given":
        raise ValueError('found weights without init = "given"; allowed: both or neither')
    if not isinstance(given, list) or not given:
        raise ValueError(not_allowed(given, 'a list of numbers and names, such as [4, -7, "x", 0.5]'))
    taken = (*KEYS, "seeds", "weights", *OUTCOMES)
    for entry in given:
        is_number = isinstance(entry, int | float) and not isinstance(entry, bool) and math.isfinite(entry)
        is_name = isinstance(entry, str) and entry.isidentifier() and entry not in taken
        if not (is_number or is_name):
            raise ValueError(
                not_allowed(entry, "finite numbers, and names that neither [grid] nor a table has already")
            )
    return tuple(entry if isinstance(entry, str) else float(entry) for entry in given)


def _check_weights(
    weights: Sequence[float | str], values: Mapping[str, Sequence[Any]], n_inputs: Mapping[str, int]
) -> None:
    if not weights:
        return
    sizes = {n_inputs[gate] if gate in n_inputs else gates.n_inputs(gate) for gate in values["gate"]}
    needed = {
        models.n_params(size, hidden, shortcut)
        for size in sizes
        for hidden in values["hidden"]
        for shortcut in values["shortcut"]
    }
    if needed != {len(weights)}:
        allowed = " or ".join(map(str, sorted(needed)))
        raise ValueError(f"found {len(weights)} weights; the models of this grid have {allowed} (W1, b1, w2, u, b2)")


def _axis(key: str, written: object, tables: Sequence[str]) -> Range | list[Any]:
    """What is written for one key, checked as far as that builds nothing long."""
    if written is REQUIRED:
        raise ValueError(f"missing; it takes {_key(key).allowed}")
    if _key(key).numeric and isinstance(written, Mapping):
        return validate(Range, written)
    if written == []:
        raise ValueError("found an empty list; an axis needs at least one value")
    entries = _checked(key, written if isinstance(written, list) else [written])
    if key == "gate":
        return [gate for name in _names(entries, tables) for gate in ([name] if name in tables else gates.expand(name))]
    return entries


def _names(entries: Iterable[str], tables: Sequence[str]) -> list[str]:
    return [gates.canonical(entry, tables) for entry in entries]


def _numbers(key: str, axis: Range) -> list[Any]:
    if axis.num > MAX_AXIS:
        raise ValueError(f"found num = {axis.num:,}; allowed: up to {MAX_AXIS:,} values on one axis")
    return _checked(key, axis.values())


@cache
def _adapter(key: str) -> TypeAdapter[list[Any]]:
    values_type: Any = GenericAlias(list, (_key(key).type,))
    return TypeAdapter(values_type)


def _checked(key: str, values: list[Any]) -> list[Any]:
    """The values of one key, converted to its type; ``ValueError`` for the first that is not allowed."""
    try:
        return _adapter(key).validate_python(values, strict=True)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        number = int(detail["loc"][0])
        if detail["type"] == "value_error":
            text = str(detail["ctx"]["error"])
        else:
            text = not_allowed(values[number], _key(key).allowed)
        raise ValueError(text + (f" (value {number + 1} of {len(values)})" if len(values) > 1 else "")) from None


def _identity(key: str, value: Any, tables: Sequence[str]) -> Any:
    """Equal for two values of a key exactly if they mean the same runs."""
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


def _seeds(written: object) -> _Seeds:
    if isinstance(written, Mapping):
        seeds = validate(_Seeds, written)
    elif isinstance(written, int) and not isinstance(written, bool) and written >= 1:
        seeds = _Seeds(count=written)
    else:
        raise ValueError(not_allowed(written, "a count such as 100, or {from = 1000, count = 100}"))
    if seeds.start and seeds.start + seeds.count > MAX_SEED + 1:
        raise ValueError(f"from + count goes beyond {MAX_SEED:,}, the largest seed")
    return seeds


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
    names = _names(gate if isinstance(gate, list) else [gate], tables)
    spelling: dict[str, Any] = {"gate": names} if any(name in gates.FAMILIES for name in names) else {}
    for key, axis in axes.items():
        if isinstance(axis, Range) and axis.num > LONG_AXIS:
            spelling[key] = axis.model_dump(by_alias=True)
    return spelling
