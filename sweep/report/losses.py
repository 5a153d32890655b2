"""What the losses of a result are measured in, and the loss of a model that has learned nothing."""

import math
from typing import NamedTuple

from sweep.report.result import Result


class Constant(NamedTuple):
    """The loss of a model that answers ½ to every input."""

    name: str
    loss: float
    in_full: str


_CONSTANTS = {"bce": Constant("ln 2", math.log(2), "ln 2 ≈ 0.693"), "mse": Constant("0.25", 0.25, "0.25")}
_UNITS = {"bce": "nats", "mse": "mean squared error"}


def kinds(result: Result) -> list[str]:
    """The losses that the experiment's models minimise: "bce", "mse" or both."""
    named: list[str] = []
    for grid in result.manifest["experiment"]["grid"]:
        loss = grid.get("loss", "bce")
        named += [loss] if isinstance(loss, str) else loss
    return list(dict.fromkeys(named))


def unit(result: Result) -> str:
    """Of the losses, for an axis."""
    return " or ".join(_UNITS[kind] for kind in kinds(result))


def nats(result: Result) -> str:
    """What follows a loss in a sentence: the unit where there is one."""
    return "\N{NO-BREAK SPACE}nats" if kinds(result) == ["bce"] else ""


def exact(target: float) -> str:
    """A target with all its digits: ln 2 + 4e-10 is not 0.693147, below which no weights bring XOR."""
    short = f"{target:g}"
    return short if float(short) == target else repr(float(target))


def constants(result: Result) -> list[Constant]:
    """The losses of a model that answers ½ to every input: of cross-entropy always, of squares for targets 0 and 1."""
    own = bool(result.manifest["experiment"].get("tables"))
    return [_CONSTANTS[kind] for kind in kinds(result) if kind == "bce" or not own]
