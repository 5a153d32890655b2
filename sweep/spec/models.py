"""Models and update rules by name: their parameters, published defaults, and the choices that go together."""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

ENCODINGS = ("01", "pm1")
ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity")
OUTPUTS = ("sigmoid", "linear")
LOSSES = ("bce", "mse")
UPDATES = ("batch", "online")


class Rule(NamedTuple):
    """Published defaults of an optimizer; None where it has no such setting."""

    momentum: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    growth: float | None = None
    shrink: float | None = None
    decay: float | None = None
    max_step: float | None = None
    min_step: float | None = None


SETTINGS = Rule._fields
OPTIMIZERS = {
    "gd": Rule(),
    "momentum": Rule(0.9),  # Rumelhart, Hinton & Williams 1986
    "nesterov": Rule(0.9),  # Sutskever et al. 2013
    "adam": Rule(0.9, 0.999, 1e-8),  # Kingma & Ba 2015
    "rmsprop": Rule(None, 0.99, 1e-8),  # Tieleman & Hinton 2012, with PyTorch's 0.99
    "quickprop": Rule(growth=1.75, decay=1e-4),  # Fahlman 1988
    "delta_bar_delta": Rule(0.7, growth=0.035, shrink=0.333),  # Jacobs 1988
    "rprop": Rule(growth=1.2, shrink=0.5, max_step=50.0, min_step=1e-6),  # Riedmiller & Braun 1993
}


class Parts(NamedTuple):
    """Places of each part in the array of a model's parameters, one part after another.

    Attributes
    ----------
    W1, b1
        Weights of the hidden units, row-major (units × inputs), and their biases.
    w2
        Weights from the hidden units to the output.
    u
        Weights from the inputs to the output: of logistic regression, or with shortcuts.
    b2
        Bias of the output.
    """

    W1: slice
    b1: slice
    w2: slice
    u: slice
    b2: slice


def parts(n_inputs: int, hidden: int, shortcut: bool) -> Parts:
    """Return the order of a model's parameters, which is also that of their draws."""
    n_direct = n_inputs if shortcut or not hidden else 0
    ends = itertools.accumulate((hidden * n_inputs, hidden, hidden, n_direct, 1), initial=0)
    return Parts(*(slice(*pair) for pair in itertools.pairwise(ends)))


def n_params(n_inputs: int, hidden: int, shortcut: bool) -> int:
    """Return the number of weights and biases of a model with one output."""
    return int(parts(n_inputs, hidden, shortcut).b2.stop)


def biases(n_inputs: int, hidden: int, shortcut: bool) -> list[int]:
    """Return the places of the biases among a model's parameters."""
    places = parts(n_inputs, hidden, shortcut)
    return [place for part in (places.b1, places.b2) for place in range(part.start, part.stop)]


def weight_names(n_inputs: int, hidden: int, shortcut: bool) -> list[str]:
    """Return the parameters' names in their order: "W1[0,0]", …, "b2"; of logistic regression "w1", …, "b"."""
    if not hidden:
        return [*(f"w{i + 1}" for i in range(n_inputs)), "b"]
    return [
        *(f"W1[{j},{i}]" for j, i in itertools.product(range(hidden), range(n_inputs))),
        *(f"{layer}[{j}]" for layer in ("b1", "w2") for j in range(hidden)),
        *(f"u[{i}]" for i in range(n_inputs) if shortcut),
        "b2",
    ]


def setting(point: Mapping[str, Any], key: str) -> float:
    """Return a setting of the optimizer at a grid point: its own, its optimizer's default, or 0."""
    if point[key] is not None:
        return float(point[key])
    return float(getattr(OPTIMIZERS[point["optimizer"]], key) or 0.0)


def conflict(values: Mapping[str, Any]) -> str | None:
    """Return why some values of a grid do not go together, or None: each value of a key meets all values of others."""

    def has(key: str, *wanted: Any) -> bool:
        return any(value in values[key] for value in wanted)

    if has("loss", "bce") and has("output", "linear"):
        return 'loss = "bce" needs a probability, and output = "linear" is none; take "mse"'
    if has("hidden", 0):
        if has("shortcut", True):
            return "shortcut = true leads past a hidden layer, and hidden = 0 has none"
        if any(rate is not None for rate in values["hidden_learning_rate"]):
            return "hidden_learning_rate is the rate of a hidden layer, and hidden = 0 has none"
        if len(values["hidden"]) == 1 and list(values["activation"]) != [ACTIVATIONS[0]]:
            return "activation is that of hidden units, and hidden = 0 has none"
        if len(values["activation"]) > 1:
            return "several activations of hidden units, and hidden = 0 has none: these would be the same runs"
    for optimizer in values["optimizer"]:
        rule = OPTIMIZERS[optimizer]
        for key in SETTINGS:
            unused = getattr(rule, key) is None and any(value is not None for value in values[key])
            if unused:
                return f'optimizer = "{optimizer}" has no {key}'
    return None
