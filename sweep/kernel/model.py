"""The model, its loss and its gradient, written for one model and compiled for many side by side.

A network of H hidden units on a row x ∈ ℝᴺ with target y; logistic regression is H = 0, with direct weights u only:

    aⱼ = b1ⱼ + Σᵢ W1ⱼᵢ xᵢ,   hⱼ = φ(aⱼ)                                        (1)
    z = b2 + Σⱼ w2ⱼ hⱼ + Σᵢ uᵢ xᵢ,   p = σ(z) = 1/(1 + e⁻ᶻ)  or  p = z           (2)
    L = (1/M) Σ ℓ,   ℓ = −y ln p − (1 − y) ln(1 − p)  or  ℓ = (p − y)²          (3)

and, by the chain rule, with δ = −∂ℓ/∂z and δⱼ = −∂ℓ/∂aⱼ,

    δ = y − p  (bce),   2(y − p) p(1 − p)  (mse),   2(y − p)  (mse, linear)        (4)
    −∂ℓ/∂w2ⱼ = δ hⱼ,   −∂ℓ/∂uᵢ = δ xᵢ,   −∂ℓ/∂b2 = δ                            (5)
    δⱼ = δ w2ⱼ φ′(aⱼ),   −∂ℓ/∂W1ⱼᵢ = δⱼ xᵢ,   −∂ℓ/∂b1ⱼ = δⱼ                       (6)

For cross-entropy and targets 0 and 1 let s = 2y − 1. The right answer has probability q = σ(s z), and y − p = s·σ(−s z)
keeps its relative accuracy however sure the model is. The loss is below its target exactly where

    Π q > exp(−M · target)                                                 (7)

so that no epoch needs a logarithm. The engine chooses this way where the product neither rounds to 1 nor underflows.
"""

from dataclasses import dataclass
from typing import Any

from sweep.kernel.activations import ACTIVATIONS
from sweep.kernel.functions import sigmoid, softplus
from sweep.kernel.lanes import absolute, flip, fma, select

_UNROLLED_UNITS = 20
"""Units × rows, up to which the pass over a Boolean table is straight-line code with its inputs built in."""


@dataclass(frozen=True)
class Row:
    """Results of one row: −∂ℓ/∂w for each parameter, the logit, q, |p − y|, and ℓ where it was asked for."""

    ascent: list
    logit: Any
    likelihood: Any
    error: Any
    loss: Any


@dataclass(frozen=True)
class Pass:
    """Results of one pass over the table: M times −∂L/∂w, M·L where it was asked for, and two masks."""

    ascent: list
    total_loss: Any
    converged: Any
    finite: Any


def is_unrolled(plan):
    """Return True if the table's rows are straight-line code."""
    return bool(plan.bits) and plan.n_rows * (plan.hidden + 1) <= _UNROLLED_UNITS


def inputs_of(plan, X):
    """x(m, i): the i-th input of row m, a plain number where rows are unrolled."""
    if not is_unrolled(plan):
        return lambda m, i: X[m, i]
    low = 0.0 if plan.bits == "01" else -1.0
    return lambda m, i: 1.0 if m >> (plan.n_inputs - 1 - i) & 1 else low


def _times_plus(value, x, z):
    """value·x + z, rounded once; x and z may be plain numbers that are known while compiling."""
    known = type(x) is float
    if known and x == 0.0:
        return z
    if type(z) is float and z == 0.0:
        return value if known and x == 1.0 else value * x
    if known and abs(x) == 1.0:
        return z + value if x == 1.0 else z - value
    return fma(value, x, z)


def through_row(plan, w, x, target, sums, with_loss):
    """Equations (1) to (6) for one row; `sums` are added to its −∂ℓ/∂w.

    Parameters
    ----------
    w, sums : list
        P parameters; P numbers or lanes.
    x : list
        N inputs.
    target : lanes
        y, or its sign where the plan has no soft targets.
    with_loss : bool
        True if a cross-entropy is asked for, which takes a logarithm.
    """
    N, H, D = plan.n_inputs, plan.hidden, plan.n_direct
    b1, w2, u = H * N, H * N + H, H * N + 2 * H
    sums = list(sums)

    z = w[u + D]
    units = []
    for j in range(H):
        a = w[b1 + j]
        for i in range(N):
            a = _times_plus(w[j * N + i], x[i], a)
        units.append(ACTIVATIONS[plan.activation](a))
        z = fma(w[w2 + j], units[j][0], z)
    for i in range(D):
        z = _times_plus(w[u + i], x[i], z)

    delta, likelihood, error, loss = _at_output(plan, z, target, with_loss)

    for j, (h, slope) in enumerate(units):
        sums[w2 + j] = _times_plus(delta, h, sums[w2 + j])
        delta_j = delta * w[w2 + j] * slope
        for i in range(N):
            sums[j * N + i] = _times_plus(delta_j, x[i], sums[j * N + i])
        sums[b1 + j] = _times_plus(delta_j, 1.0, sums[b1 + j])
    for i in range(D):
        sums[u + i] = _times_plus(delta, x[i], sums[u + i])
    sums[u + D] = _times_plus(delta, 1.0, sums[u + D])
    return Row(sums, z, likelihood, error, loss)


def _at_output(plan, z, target, with_loss):
    """δ of (4), q, |p − y| and ℓ for a logit."""
    if not plan.soft_targets:
        margin = flip(z, target)
        q, error = sigmoid(margin)
        return flip(error, target), q, error, softplus(-margin) if with_loss else 0.0
    if plan.output == "linear":
        residual = target - z
        return 2.0 * residual, 1.0, absolute(residual), residual * residual
    p, rest = sigmoid(z)
    residual = target * rest - (1.0 - target) * p  # y − p, without its cancellation where p is near y = 1
    if plan.loss == "bce":
        return residual, 1.0, absolute(residual), _cross_entropy(z, target) if with_loss else 0.0
    return 2.0 * residual * (p * rest), 1.0, absolute(residual), residual * residual


def _cross_entropy(z, y):
    """−y ln σ(z) − (1 − y) ln(1 − σ(z)) = max(z, 0) − y z + ln(1 + e^−|z|), in this order exact where z is large."""
    return (select(z > 0.0, z, 0.0) - y * z) + softplus(-absolute(z))


def through_table(plan, X, w, targets, thresholds, with_loss):
    """One pass over all rows with the parameters w, a list of lanes; `thresholds` are the limits of `advance`."""
    P, x = plan.n_params, inputs_of(plan, X)
    needs_loss = with_loss or (plan.soft_targets and plan.stop_loss)

    def add_row(m, sums):
        likelihood, total_loss, worst, finite = sums[P:]
        row = through_row(plan, w, [x(m, i) for i in range(plan.n_inputs)], targets[m], sums[:P], needs_loss)
        worst = select(row.error > worst, row.error, worst) if plan.stop_error else worst
        return [
            *row.ascent,
            likelihood * row.likelihood,
            total_loss + row.loss,
            worst,
            fma(row.logit, 0.0, finite) if plan.loss == "bce" else finite,
        ]

    sums = _over_rows(plan, targets, [0.0] * P + [1.0, 0.0, 0.0, 0.0], add_row)
    likelihood, total_loss, worst, finite = sums[P:]
    for parameter in w if plan.hidden or plan.loss == "mse" else []:  # else an infinite one shows in the logit
        finite = fma(parameter, 0.0, finite)
    if plan.loss == "mse":
        finite = fma(total_loss, 0.0, finite)
    converged = finite = finite == 0.0
    if plan.stop_loss:
        converged = converged & (total_loss < thresholds[0] if plan.soft_targets else likelihood > thresholds[0])
    if plan.stop_error:
        converged = converged & (worst < thresholds[1])
    return Pass(sums[:P], total_loss, converged, finite)


def _over_rows(plan, storage, start, row):
    """sums ← row(m, sums) for all rows m in order, beginning with the numbers `start`."""
    if is_unrolled(plan):
        sums = start
        for m in range(plan.n_rows):
            sums = row(m, sums)
        return sums
    kept = storage.local(len(start))
    for k, number in enumerate(start):
        kept[k] = number

    def body(m):
        for k, value in enumerate(row(m, [kept[k] for k in range(len(start))])):
            kept[k] = value

    storage.repeat(plan.n_rows, body)
    return [kept[k] for k in range(len(start))]
