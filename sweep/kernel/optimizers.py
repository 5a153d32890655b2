"""Update rules: the memory that each parameter needs and a function each, by the name that experiment files give it.

A function takes one parameter w, the descent direction `ascent` = −∂L/∂w, the parameter's memory (a list of lanes, all
zero at the start) and the run's settings; it gives the next w and the next memory. Where `divides` is false, sums over
rows arrive undivided: the rate then carries the factor 1/M.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sweep.kernel.lanes import fma, sqrt
from sweep.spec import models


@dataclass(frozen=True)
class Settings:
    """Settings of a run's update rule, one value a lane."""

    rate: Any
    momentum: Any
    beta2: Any
    epsilon: Any


@dataclass(frozen=True)
class Optimizer:
    """An update rule.

    Attributes
    ----------
    step : callable
        step(w, ascent, memory, settings) → (w, memory).
    n_memory : int
        Values kept for each parameter from one update to the next.
    divides : bool
        True if the rule needs the mean over the rows itself, because it is not linear in the gradient.
    """

    step: Callable[..., Any]
    n_memory: int = 0
    divides: bool = False


def _gd(w, ascent, memory, settings):
    """w ← w − η g."""
    return fma(settings.rate, ascent, w), memory


def _momentum(w, ascent, memory, settings):
    """v ← βv − η g, w ← w + v (Polyak 1964)."""
    v = fma(settings.rate, ascent, settings.momentum * memory[0])
    return w + v, [v]


def _nesterov(w, ascent, memory, settings):
    """v ← βv − η g, w ← w + βv − η g (Sutskever et al. 2013, eqs. 3–4, seen from the point where g is taken)."""
    step = settings.rate * ascent
    v = fma(settings.momentum, memory[0], step)
    return w + fma(settings.momentum, v, step), [v]


def _mean_of_squares(s, ascent, beta2):
    """s ← β₂s + (1 − β₂)g²."""
    return fma(beta2, s, (1.0 - beta2) * (ascent * ascent))


def _adam(w, ascent, memory, settings):
    """Kingma & Ba 2015, algorithm 1; the corrections 1 − βᵗ are kept as c ← βc + (1 − β)."""
    m, s, c1, c2 = memory
    beta1, beta2 = settings.momentum, settings.beta2
    m = fma(beta1, m, (1.0 - beta1) * ascent)
    s = _mean_of_squares(s, ascent, beta2)
    c1 = fma(beta1, c1, 1.0 - beta1)
    c2 = fma(beta2, c2, 1.0 - beta2)
    step = settings.rate * (m / c1) / (sqrt(s / c2) + settings.epsilon)
    return w + step, [m, s, c1, c2]


def _rmsprop(w, ascent, memory, settings):
    """s ← β₂s + (1 − β₂)g², w ← w − η g/(√s + ε) (Tieleman & Hinton 2012)."""
    s = _mean_of_squares(memory[0], ascent, settings.beta2)
    return w + settings.rate * ascent / (sqrt(s) + settings.epsilon), [s]


gd = Optimizer(_gd)
momentum = Optimizer(_momentum, n_memory=1)
nesterov = Optimizer(_nesterov, n_memory=1)
adam = Optimizer(_adam, n_memory=4, divides=True)
rmsprop = Optimizer(_rmsprop, n_memory=1, divides=True)
OPTIMIZERS = {name: globals()[name] for name in models.OPTIMIZERS}
