"""Keys of [grid] and of [train]: the values that each takes, in [grid] as a scalar, a list or a range."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cache
from types import GenericAlias
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, model_validator

from sweep.spec import gates, inits, models, schema
from sweep.spec.messages import InvalidError, did_you_mean, not_allowed, show, validate

MAX_AXIS = 1_000_000
MAX_SEED = 2**32 - 1
REQUIRED = object()


@dataclass(frozen=True)
class Key:
    """Key of [grid]: the pydantic type of one value, the same in words, its default, and True if a range is allowed.

    Validators of the type may raise ``ValueError`` with a message for people.
    """

    type: Any
    allowed: str
    default: Any = REQUIRED
    numeric: bool = False


LARGEST = 1e300
"""Magnitude of numbers at most, and its inverse that of positive ones at least: what is beyond cannot be drawn."""
POSITIVE = "a number greater than 0, from 1e-300 to 1e300"
_Positive = Annotated[float, Field(ge=1 / LARGEST, le=LARGEST, allow_inf_nan=False)]
PositiveOrNone = _Positive | None
_FractionOrNone = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | None
_NonNegativeOrNone = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)] | None


def _choice(*names: str) -> dict[str, Any]:
    return {"type": Literal[names], "allowed": ", ".join(f'"{name}"' for name in names)}


KEYS: dict[str, Key] = {
    "gate": Key(str, gates.ALLOWED),
    "encoding": Key(Literal[models.ENCODINGS], '"01" (inputs 0 and 1) or "pm1" (inputs -1 and 1)', "01"),
    "hidden": Key(Annotated[int, Field(ge=0, le=32)], "an integer from 0 (logistic regression) to 32", 0, numeric=True),
    "activation": Key(**_choice(*models.ACTIVATIONS), default="sigmoid"),
    "output": Key(**_choice(*models.OUTPUTS), default="sigmoid"),
    "loss": Key(**_choice(*models.LOSSES), default="bce"),
    "shortcut": Key(bool, "true or false", False),
    "bias": Key(bool, "true or false", True),
    "optimizer": Key(**_choice(*models.OPTIMIZERS), default="gd"),
    "momentum": Key(_NonNegativeOrNone, "a number, 0 or more, up to 1e300", None, numeric=True),
    "beta2": Key(_FractionOrNone, "a number from 0 to below 1", None, numeric=True),
    "epsilon": Key(_NonNegativeOrNone, "a number, 0 or more, up to 1e300", None, numeric=True),
    "growth": Key(PositiveOrNone, POSITIVE, None, numeric=True),
    "shrink": Key(_FractionOrNone, "a number from 0 to below 1", None, numeric=True),
    "decay": Key(_NonNegativeOrNone, "a number, 0 or more, up to 1e300", None, numeric=True),
    "max_step": Key(PositiveOrNone, POSITIVE, None, numeric=True),
    "min_step": Key(PositiveOrNone, POSITIVE, None, numeric=True),
    "update": Key(**_choice(*models.UPDATES), default="batch"),
    "learning_rate": Key(_Positive, POSITIVE, numeric=True),
    "hidden_learning_rate": Key(PositiveOrNone, POSITIVE, None, numeric=True),
    "init": Key(Annotated[str, AfterValidator(lambda text: str(inits.parse(text)))], inits.ALLOWED, "normal(0, 1)"),
    "init_scale": Key(_Positive, POSITIVE, 1.0, numeric=True),
}


RELATIVE = "learning_rate_relative"
"""Key of a [grid] in the place of learning_rate: see `Relative`."""

WEIGHT = Key(
    Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)],
    "a finite number, from -1e300 to 1e300",
    numeric=True,
)


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
        """Return the numbers in order, integers where they are whole.

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


class Relative(BaseModel, frozen=True, extra="forbid"):
    """Learning rates as multiples of each gate's critical one, either {of, values} or {of, from, to, num, scale}."""

    of: Literal["critical"] = Field(description='"critical"')
    values: list[_Positive] | None = Field(default=None, min_length=1, description="a list of numbers greater than 0")
    start: _Positive | None = Field(default=None, alias="from", description=POSITIVE)
    stop: _Positive | None = Field(default=None, alias="to", description=POSITIVE)
    num: int | None = Field(default=None, ge=1, le=MAX_AXIS, description=f"an integer from 1 to {MAX_AXIS:,}")
    scale: Literal["linear", "log"] = Field(default="linear", description='"linear" or "log"')

    @model_validator(mode="after")
    def _either(self) -> Self:
        n_missing = (self.start, self.stop, self.num).count(None)
        if n_missing != (3 if self.values else 0) or (self.values and self.scale == "log"):
            raise ValueError("allowed: either values, or from, to, num and scale")
        return self

    def multiples(self) -> list[float]:
        """Return the multiples in order; ``ValueError`` for a range that is none."""
        ends = self.model_dump(by_alias=True, exclude={"of", "values"})
        return self.values or list(validate(Range, ends).values())


class Seeds(BaseModel, frozen=True, extra="forbid"):
    """Successive seeds {from, count}."""

    start: int = Field(default=0, alias="from", ge=0, le=MAX_SEED, description=f"an integer from 0 to {MAX_SEED:,}")
    count: int = Field(ge=1, description="an integer, 1 or more")


class Train(BaseModel, frozen=True, extra="forbid"):
    """Length of training, and the criterion of convergence.

    Attributes
    ----------
    max_epochs
        Updates at most.
    target_loss
        Converged where the loss is below it, in nats. 0.01 if neither target is given.
    target_error
        Converged where every |output − target| is below it. With `target_loss` as well, both must hold.
    early_stop
        True to stop at convergence.
    record_every
        Keep the loss every so many epochs; 0 for never.
    detect_stationary
        True to tell runs whose weights come back bit for bit from others, and to skip epochs that only repeat.
    restart_after
        Begin again after so many epochs without convergence, with seed + number of seeds; 0 for never.
    last_losses
        k > 0: train `max_epochs`; converged where the mean of the last k losses is below that at the start.
    """

    max_epochs: int = Field(default=10_000, ge=1, le=2**31 - 1, description=f"an integer from 1 to {2**31 - 1:,}")
    target_loss: PositiveOrNone = Field(default=None, description=POSITIVE)
    target_error: PositiveOrNone = Field(default=None, description=POSITIVE)
    early_stop: bool = Field(default=True, description="true or false")
    record_every: int = Field(default=0, ge=0, description="an integer, 0 (never) or more")
    detect_stationary: bool = Field(default=True, description="true or false")
    restart_after: int = Field(default=0, ge=0, description="an integer, 0 (never) or more")
    last_losses: int = Field(default=0, ge=0, description="an integer, 0 (no such criterion) or more")

    @model_validator(mode="before")
    @classmethod
    def _some_target(cls, data: dict[str, Any]) -> dict[str, Any]:
        targets = (data.get("target_loss"), data.get("target_error"))
        return {**data, "target_loss": 0.01} if targets == (None, None) and not data.get("last_losses") else data

    @model_validator(mode="after")
    def _together(self) -> Self:
        targets = self.target_loss is not None or self.target_error is not None
        if self.last_losses and (targets or self.restart_after):
            raise ValueError("last_losses takes the place of target_loss, target_error and restart_after")
        for key, n_epochs in (("record_every", self.record_every), ("last_losses", self.last_losses)):
            if n_epochs > self.max_epochs:
                allowed = f"up to max_epochs, which is {self.max_epochs:,}"
                raise InvalidError([(key, f"found {n_epochs:,}; allowed: {allowed}")])
        if self.restart_after and not self.early_stop:
            raise ValueError("restart_after begins again where a run has not converged; it needs early_stop = true")
        if self.restart_after and self.record_every and self.restart_after % self.record_every:
            raise ValueError("restart_after must be a multiple of record_every")
        return self

    @property
    def extra(self) -> tuple[str, ...]:
        """Columns of the table of runs that these settings ask for, after those of every outcome."""
        return schema.SUMS if self.last_losses else schema.RESTARTS if self.restart_after else ()


def key_of(key: str) -> Key:
    """Return the entry of a key of the grid; names of given weights are numbers."""
    return KEYS.get(key, WEIGHT)


def axis_of(key: str, written: object, tables: Sequence[str]) -> Range | list[Any]:
    """Check the values written for one key, without making the numbers of a range; ``ValueError`` is for people."""
    if written is REQUIRED:
        raise ValueError(f"missing; it takes {key_of(key).allowed}")
    if key_of(key).numeric and isinstance(written, Mapping):
        return validate(Range, written)
    if written == []:
        raise ValueError("found an empty list; an axis needs at least one value")
    entries = _checked(key, written if isinstance(written, list) else [written])
    if key == "gate":
        return [gate for name in named(entries, tables) for gate in ([name] if name in tables else gates.expand(name))]
    return entries


def named(entries: Iterable[str], tables: Sequence[str]) -> list[str]:
    """Return gates, families and tables under their canonical names."""
    return [gates.canonical(entry, tables) for entry in entries]


def numbers_of(key: str, axis: Range) -> list[Any]:
    """Return the numbers of a range, each checked; ``ValueError`` if there are too many of them."""
    if axis.num > MAX_AXIS:
        raise ValueError(f"found num = {axis.num:,}; allowed: up to {MAX_AXIS:,} values on one axis")
    return _checked(key, axis.values())


@cache
def _adapter(key: str) -> TypeAdapter[list[Any]]:
    values_type: Any = GenericAlias(list, (key_of(key).type,))
    return TypeAdapter(values_type)


def _checked(key: str, values: list[Any]) -> list[Any]:
    """Convert values to the type of their key; ``ValueError`` for the first that is not allowed."""
    try:
        return _adapter(key).validate_python(values, strict=True)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        number = int(detail["loc"][0])
        if detail["type"] == "value_error":
            text = str(detail["ctx"]["error"])
        else:
            text = not_allowed(values[number], _allowed(key, values[number]))
        raise ValueError(text + (f" (value {number + 1} of {len(values)})" if len(values) > 1 else "")) from None


def _allowed(key: str, value: object) -> str:
    """Return the values that a key takes in words, the nearest to a wrong one first."""
    if key == "gate" and isinstance(value, int) and gates.is_truth_table(str(value)):
        return f'a text, in quotes: "{value}"'
    choices = get_args(key_of(key).type) if isinstance(value, str) else ()
    near = did_you_mean(value, [choice for choice in choices if isinstance(choice, str)])
    return f"{key_of(key).allowed}{near}"


def seeds_of(written: object) -> Sequence[int]:
    """Read a count of seeds, a list of them, or {from, count}; ``ValueError`` for anything else."""
    if isinstance(written, list) and written:
        return _listed_seeds(written)
    if isinstance(written, Mapping):
        seeds = validate(Seeds, written)
    elif isinstance(written, int) and not isinstance(written, bool) and written >= 1:
        seeds = Seeds(count=written)
    else:
        allowed = "a count such as 100, a list such as [1, 2, 3], or {from = 1000, count = 100}"
        raise ValueError(not_allowed(written, allowed))
    if seeds.start and seeds.start + seeds.count > MAX_SEED + 1:
        raise ValueError(f"from + count goes beyond {MAX_SEED:,}, the largest seed")
    return range(seeds.start, seeds.start + seeds.count)


def _listed_seeds(written: list[Any]) -> Sequence[int]:
    """Return seeds in their order, as a range where they follow each other."""
    for seed in written:
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MAX_SEED:
            raise ValueError(not_allowed(seed, f"an integer from 0 to {MAX_SEED:,}"))
    if len(set(written)) < len(written):
        twice = next(seed for seed in written if written.count(seed) > 1)
        raise ValueError(f"found {twice} twice; allowed: each seed once")
    successive = range(written[0], written[0] + len(written))
    return successive if written == list(successive) else tuple(written)
