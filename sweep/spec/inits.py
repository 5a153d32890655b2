"""Starts: how the initial weights of a run are drawn from its seed. This module is their definition."""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.spec.messages import did_you_mean, show

_PARAMETERS: dict[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "normal": ("mean", "std"),
    "zeros": (),
    "constant": ("value",),
    "given": (),
    "xavier_uniform": (),
    "xavier_normal": (),
    "he_uniform": (),
    "he_normal": (),
}
_USAGE = {name: f"{name}({', '.join(parameters)})" if parameters else name for name, parameters in _PARAMETERS.items()}
ALLOWED = ", ".join(_USAGE.values())

_CALL = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Init:
    """Parsed start; `str` gives its canonical text, such as "uniform(0, 1)"."""

    name: str
    arguments: tuple[float, ...] = ()

    @property
    def random(self) -> bool:
        """True if the start depends on the seed."""
        return self.name not in ("zeros", "constant", "given")

    def __str__(self) -> str:
        arguments = [repr(value).removesuffix(".0") for value in self.arguments]
        return f"{self.name}({', '.join(arguments)})" if arguments else self.name


def parse(text: str) -> Init:
    """Read a start such as "normal(0, 1)" or "xavier_uniform"; ``ValueError`` says what is wrong with another text."""
    call = _CALL.fullmatch(text)
    name = call[1].lower() if call else ""
    if call is None or name not in _PARAMETERS:
        near = did_you_mean(name or text, _PARAMETERS)
        raise ValueError(f"unknown start {show(text)}{near}; allowed: {ALLOWED}")
    words = [word.strip() for word in (call[2] or "").split(",")] if (call[2] or "").strip() else []
    if len(words) != len(_PARAMETERS[name]):
        raise ValueError(f"found {show(text)} with {len(words)} arguments; allowed: {_USAGE[name]}")
    for word in words:
        if not _NUMBER.fullmatch(word) or not math.isfinite(float(word)):
            raise ValueError(f"found {show(word)} in {show(text)}; allowed: finite numbers, as in {_USAGE[name]}")
    init = Init(name, tuple(float(word) + 0.0 for word in words))
    match init:
        case Init("uniform", (low, high)) if not (low < high and math.isfinite(high - low)):
            raise ValueError(f"found {show(text)}; allowed: uniform(low, high) with low < high and a finite width")
        case Init("normal", (_, std)) if std <= 0:
            raise ValueError(f"found {show(text)}; allowed: normal(mean, std) with std > 0")
    return init


def same(one: str, other: str) -> bool:
    """Return True if two texts mean one start."""
    try:
        return parse(one) == parse(other)
    except ValueError:
        return False


def draw(
    init: Init, rng: np.random.Generator, n_inputs: int, hidden: int, shortcut: bool = False
) -> NDArray[np.float64]:
    """Draw the initial parameters of one run.

    For each layer from the input: its weights (units × inputs, row-major), then its biases, one draw per parameter in
    that order. The xavier and he schemes draw the weights only; biases are zero::

        xavier_uniform   U(−l, l),  l  = √(6 / (fan_in + fan_out))     Glorot & Bengio 2010, eq. 16
        xavier_normal    N(0, s²),  s² = 2 / (fan_in + fan_out)        Glorot & Bengio 2010, eq. 12
        he_uniform       U(−l, l),  l  = √(6 / fan_in)                 He et al. 2015, eq. 10, as a uniform
        he_normal        N(0, s²),  s² = 2 / fan_in                    He et al. 2015, eq. 10

    Parameters
    ----------
    init
        The start.
    rng
        A fresh `numpy.random.default_rng(seed)`.
    n_inputs
        Inputs of the model, at least 1.
    hidden
        Hidden units; 0 is logistic regression. There is one output.
    shortcut
        True if the inputs lead to the output as well: their weights follow those of the hidden units in the output
        layer, and count in its fan-in.

    Returns
    -------
    float64 array, shape (n_params,)
        W1 row-major, b1, w2, direct weights, b2; for logistic regression w1, …, wn, b.
    """
    fan_in = hidden + (n_inputs if shortcut or not hidden else 0)
    layers = [(n_inputs, hidden), (fan_in, 1)] if hidden else [(fan_in, 1)]
    return np.concatenate([_layer(init, rng, fan_in, fan_out) for fan_in, fan_out in layers])


def _layer(init: Init, rng: np.random.Generator, fan_in: int, fan_out: int) -> NDArray[np.float64]:
    n_weights = fan_in * fan_out
    n_params = n_weights + fan_out
    match init:
        case Init("uniform", (low, high)):
            return _uniform(rng, low, high, n_params)
        case Init("normal", (mean, std)):
            with np.errstate(over="ignore"):
                return mean + std * rng.standard_normal(n_params)
        case Init("constant", (value,)):
            return np.full(n_params, value)
        case Init("zeros"):
            return np.zeros(n_params)
    fan = fan_in + fan_out if init.name.startswith("xavier") else fan_in
    if init.name.endswith("uniform"):
        limit = math.sqrt(6 / fan)
        weights = _uniform(rng, -limit, limit, n_weights)
    else:
        weights = math.sqrt(2 / fan) * rng.standard_normal(n_weights)
    return np.concatenate([weights, np.zeros(fan_out)])


def _uniform(rng: np.random.Generator, low: float, high: float, size: int) -> NDArray[np.float64]:
    # Generator.uniform's formula in two rounded steps: its own compiled loop may fuse them on some CPUs.
    return low + (high - low) * rng.random(size)
