"""Activations of hidden units: a function each, by the name that experiment files give it.

A function takes the input a of a unit, lanes or an array, and gives its activation h = φ(a) and its slope φ′(a).
"""

from sweep.kernel import functions
from sweep.kernel.lanes import fma, select


def sigmoid(a):
    """1/(1 + e⁻ᵃ), with φ′ = φ·(1 − φ)."""
    h, rest = functions.sigmoid(a)
    return h, h * rest


def tanh(a):
    """tanh a, with φ′ = 1 − φ²."""
    h = functions.tanh(a)
    return h, fma(-h, h, 1.0)


def relu(a):
    """max(a, 0), with φ′(0) = 0."""
    active = a > 0.0
    return select(active, a, 0.0), select(active, 1.0, 0.0)


def identity(a):
    """a, with φ′ = 1."""
    return a, 1.0


ACTIVATIONS = {function.__name__: function for function in (sigmoid, tanh, relu, identity)}
