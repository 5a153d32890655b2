"""Models and update rules by name: their published defaults, their sizes, and which choices go together."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sweep.spec.messages import show

ACTIVATIONS = ("sigmoid", "tanh", "relu")
OUTPUTS = ("sigmoid", "linear")
LOSSES = ("bce", "mse")
UPDATES = ("batch", "online")


class Rule(NamedTuple):
    """What an optimizer takes, with the published defaults; None where it has no such setting."""

    momentum: float | None
    beta2: float | None
    epsilon: float | None


OPTIMIZERS = {
    "gd": Rule(None, None, None),
    "momentum": Rule(0.9, None, None),  # Rumelhart, Hinton & Williams 1986
    "nesterov": Rule(0.9, None, None),  # Sutskever et al. 2013
    "adam": Rule(0.9, 0.999, 1e-8),  # Kingma & Ba 2015
    "rmsprop": Rule(None, 0.99, 1e-8),  # Tieleman & Hinton 2012, with PyTorch's 0.99
}


def n_params(n_inputs: int, hidden: int, shortcut: bool) -> int:
    """Weights and biases of a model with one output: W1, b1, w2, the direct weights, b2."""
    return hidden * (n_inputs + 2) + (n_inputs if shortcut or not hidden else 0) + 1


def setting(point: Mapping[str, Any], key: str) -> float:
    """The value of momentum, beta2 or epsilon that a point trains with: its own, its optimizer's default, or 0."""
    if point[key] is not None:
        return float(point[key])
    return float(getattr(OPTIMIZERS[point["optimizer"]], key) or 0.0)


def conflict(values: Mapping[str, Any]) -> str | None:
    """What is wrong with the choices of a grid taken together, if anything: every value of an axis meets every other.

    Parameters
    ----------
    values
        Key of the grid → its values.
    """

    def has(key: str, *wanted: Any) -> bool:
        return any(value in values[key] for value in wanted)

    def text(key: str, value: Any) -> str:
        return f"{key} = {show(value)}"

    if has("loss", "bce") and has("output", "linear"):
        return f'{text("loss", "bce")} needs a probability, and {text("output", "linear")} is none; take "mse"'
    if has("hidden", 0):
        if has("shortcut", True):
            return f"{text('shortcut', True)} leads past a hidden layer, and {text('hidden', 0)} has none"
        if any(rate is not None for rate in values["hidden_learning_rate"]):
            return f"hidden_learning_rate is the rate of a hidden layer, and {text('hidden', 0)} has none"
        if len(values["activation"]) > 1:
            return (
                f"several activations of hidden units, and {text('hidden', 0)} has none: these would be the same runs"
            )
    for optimizer in values["optimizer"]:
        rule = OPTIMIZERS[optimizer]
        for key in ("momentum", "beta2", "epsilon"):
            unused = getattr(rule, key) is None and any(value is not None for value in values[key])
            if unused:
                return f"{text('optimizer', optimizer)} has no {key}"
    return None
