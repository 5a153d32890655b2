"""Update rules: the memory that each parameter needs and a function each, by the name that experiment files give it.

A function takes one parameter w, the descent direction `ascent` = −∂L/∂w, the parameter's memory (a list of lanes, all
zero at the start) and the run's settings; it gives the next w and the next memory. Where `divides` is false, sums over
rows arrive undivided: the rate then carries the factor 1/M.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sweep.kernel.lanes import fma, select, sqrt


@dataclass(frozen=True)
class Settings:
    """Settings of a run's update rule, one value a lane."""

    rate: Any
    momentum: Any
    beta2: Any
    epsilon: Any
    growth: Any = 0.0
    shrink: Any = 0.0
    decay: Any = 0.0
    max_step: Any = 0.0
    min_step: Any = 0.0


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


def _quickprop(w, ascent, memory, settings):
    """Fahlman 1988 (CMU-CS-88-162): a step to the minimum of the parabola through two slopes, with S = −g − decay·w.

    Where the last step Δ and S agree, the step has η S; and μ Δ if the slope has not fallen below μ/(1 + μ) of what it
    was, else Δ S/(S′ − S).
    """
    before, last = memory
    slope, mu = fma(-settings.decay, w, ascent), settings.growth
    gradient = settings.rate * slope
    least = mu / (1.0 + mu) * before
    up, down = last > 0.0, last < 0.0
    far = (up & (slope > least)) | (down & (slope < least))
    fall = before - slope
    jump = select(far, mu * last, select(fall == 0.0, 0.0, last * slope / fall))
    along = (up & (slope > 0.0)) | (down & (slope < 0.0))
    step = select(up | down, jump + select(along, gradient, 0.0), gradient)
    return w + step, [slope, step]


def _delta_bar_delta(w, ascent, memory, settings):
    """Jacobs 1988: a rate for each parameter, + κ where g agrees with the mean of earlier ones, · (1 − φ) where not."""
    rate, mean = memory
    agreement, rate = mean * ascent, select(rate == 0.0, settings.rate, rate)
    grown = select(agreement > 0.0, rate + settings.growth, rate)
    rate = select(agreement < 0.0, rate * (1.0 - settings.shrink), grown)
    mean = fma(settings.momentum, mean, (1.0 - settings.momentum) * ascent)
    return fma(rate, ascent, w), [rate, mean]


def _rprop(w, ascent, memory, settings):
    """Riedmiller & Braun 1993: steps from the gradient's signs alone; one that went too far is taken back."""
    before, size, last = memory
    size = select(size == 0.0, settings.rate, size)
    agreement = before * ascent
    larger, smaller = size * settings.growth, size * settings.shrink
    larger = select(larger > settings.max_step, settings.max_step, larger)
    smaller = select(smaller < settings.min_step, settings.min_step, smaller)
    size = select(agreement > 0.0, larger, select(agreement < 0.0, smaller, size))
    forward = select(ascent > 0.0, size, select(ascent < 0.0, -size, 0.0))
    back = agreement < 0.0
    step = select(back, -last, forward)
    return w + step, [select(back, 0.0, ascent), size, step]


OPTIMIZERS = {
    "gd": Optimizer(_gd),
    "momentum": Optimizer(_momentum, n_memory=1),
    "nesterov": Optimizer(_nesterov, n_memory=1),
    "adam": Optimizer(_adam, n_memory=4, divides=True),
    "rmsprop": Optimizer(_rmsprop, n_memory=1, divides=True),
    "quickprop": Optimizer(_quickprop, n_memory=2, divides=True),
    "delta_bar_delta": Optimizer(_delta_bar_delta, n_memory=2, divides=True),
    "rprop": Optimizer(_rprop, n_memory=3, divides=True),
}
"""Names are those of `sweep.spec.models.OPTIMIZERS`, as a test holds."""
