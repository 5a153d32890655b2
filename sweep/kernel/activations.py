"""Activations of hidden units: a name and a function each.

A function takes the input a of a unit, lanes or an array, and gives its activation h = φ(a) and its slope φ′(a).
"""

from sweep.kernel.functions import sigmoid, tanh
from sweep.kernel.lanes import fma, select


def _sigmoid(a):
    """1/(1 + e⁻ᵃ), with φ′ = φ·(1 − φ)."""
    h, rest = sigmoid(a)
    return h, h * rest


def _tanh(a):
    """tanh a, with φ′ = 1 − φ²."""
    h = tanh(a)
    return h, fma(-h, h, 1.0)


def _relu(a):
    """max(a, 0), with φ′(0) = 0."""
    active = a > 0.0
    return select(active, a, 0.0), select(active, 1.0, 0.0)


ACTIVATIONS = {"sigmoid": _sigmoid, "tanh": _tanh, "relu": _relu}
