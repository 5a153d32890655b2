"""The mathematics of training, written for one model and compiled for many side by side.

Logistic regression on a table of M rows x ∈ ℝᴺ with targets y:

    z = b + Σᵢ wᵢ xᵢ,   p = σ(z) = 1/(1 + e⁻ᶻ)                                 (1)
    L = −(1/M) Σ [y ln p + (1 − y) ln(1 − p)]                               (2)
    −∂L/∂z = (y − p)/M,   −∂L/∂wᵢ = (1/M) Σ (y − p) xᵢ                       (3)
    w ← w − η ∂L/∂w                                                        (4)

For targets 0 and 1 let s = 2y − 1. The right answer has probability q = σ(s z), and y − p = s·σ(−s z), which keeps its
relative accuracy however sure the model is. The loss is below its target exactly where

    Π q > exp(−M · target)                                                 (5)

so that no epoch needs a logarithm. A product that underflows is below any target met in practice (the engine sees to it).

Parameters lie in the order w₁ … w_N, b; arrays hold one value for each of `width` models at a time ("lanes").
"""

from dataclasses import dataclass
from typing import Any

from sweep.kernel.functions import sigmoid, softplus
from sweep.kernel.lanes import absolute, flip, fma, select, traced
from sweep.kernel.plan import Plan

_UNROLLED_ROWS = 16


def _times_plus(value, x, z):
    """value·x + z, rounded once; x and z may be plain numbers that are known while compiling."""
    known = isinstance(x, float)
    if known and x == 0.0:
        return z
    if isinstance(z, float):
        return value if known and x == 1.0 else value * x
    if known and abs(x) == 1.0:
        return z + value if x == 1.0 else z - value
    return fma(value, x, z)


def _is_unrolled(plan):
    return bool(plan.bits) and plan.n_rows <= _UNROLLED_ROWS


def _inputs(plan, X):
    """x(m, i): the i-th input of row m, a plain number where the table is known while compiling."""
    if not _is_unrolled(plan):
        return lambda m, i: X[m, i]
    low = 0.0 if plan.bits == "01" else -1.0
    return lambda m, i: 1.0 if m >> (plan.n_inputs - 1 - i) & 1 else low


def _sum_over_rows(plan, storage, start, row):
    """sums ← row(m, sums) for all rows m in order, beginning with the numbers `start`."""
    if _is_unrolled(plan):
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


@dataclass(frozen=True)
class _Pass:
    """What one pass over the table finds: −M ∂L/∂w, M·L where asked for, and masks."""

    ascent: list
    total_loss: Any
    converged: Any
    finite: Any


def _pass_over_table(plan, X, w, targets, thresholds, storage, with_loss):
    """Equations (1) to (3) and (5) for the parameters w, a list of lanes."""
    P, x = plan.n_params, _inputs(plan, X)
    needs_loss = with_loss or (plan.soft_targets and plan.stop_loss)

    def row(m, sums):
        ascent, (likelihood, total_loss, worst, finite) = sums[:P], sums[P:]
        z = w[P - 1]
        for i in range(plan.n_inputs):
            z = _times_plus(w[i], x(m, i), z)
        finite = fma(z, 0.0, finite)
        if plan.soft_targets:
            y = targets[m]
            p, _ = sigmoid(z)
            residual = y - p
            error = absolute(residual)
            if needs_loss:
                total_loss = softplus(z) - y * z + total_loss
        else:
            sign = targets[m]
            margin = flip(z, sign)
            q, error = sigmoid(margin)
            residual = flip(error, sign)
            likelihood = q * likelihood
            if needs_loss:
                total_loss = softplus(-margin) + total_loss
        if plan.stop_error:
            worst = select(error > worst, error, worst)
        by_weight = [_times_plus(residual, x(m, i), ascent[i]) for i in range(plan.n_inputs)]
        by_bias = _times_plus(residual, 1.0, ascent[P - 1])
        return [*by_weight, by_bias, likelihood, total_loss, worst, finite]

    sums = _sum_over_rows(plan, storage, [0.0] * P + [1.0, 0.0, 0.0, 0.0], row)
    ascent, (likelihood, total_loss, worst, finite) = sums[:P], sums[P:]
    finite = finite == 0.0
    converged = finite
    if plan.stop_loss:
        converged = converged & (total_loss < thresholds[0] if plan.soft_targets else likelihood > thresholds[0])
    if plan.stop_error:
        converged = converged & (worst < thresholds[1])
    return _Pass(ascent, total_loss, converged, finite)


@traced(Plan.parse)
def advance(plan, n_epochs, X, w, targets, rate, epochs, converged_epoch, loss_limit, error_limit):
    """Train for n epochs; a lane whose run has converged (with early stop) or is no longer finite stays as it is.

    Parameters
    ----------
    n_epochs : int
    X : (M, N) float64
        Read only where the plan does not know the table.
    w : (P * width,) float64, lanes
        Parameters, updated.
    targets : (M * width,) float64, lanes
        y if the plan has soft targets, else the sign of s: +0.0 for y = 1, −0.0 for y = 0.
    rate : (width,) float64, lanes
        η/M; 0 for a lane without a run.
    epochs, converged_epoch : (width,) float64, lanes
        Updates applied so far; the first epoch at which the criterion held, −1 for none: both updated.
    loss_limit, error_limit : float64
        exp(−M · target_loss), or M · target_loss for soft targets; target_error.
    """
    P, thresholds = plan.n_params, (loss_limit, error_limit)
    state = w.local(P + 2)
    for j in range(P):
        state[j] = w[j]
    state[P], state[P + 1] = epochs[0], converged_epoch[0]

    def epoch(_):
        parameters = [state[j] for j in range(P)]
        now = _pass_over_table(plan, X, parameters, targets, thresholds, w, with_loss=False)
        count, first = state[P], state[P + 1]
        going_on = now.finite
        if plan.early_stop:
            going_on = going_on & ~now.converged
        else:
            state[P + 1] = select(now.converged & (first < 0.0), count, first)
        step = select(going_on, rate[0], 0.0)
        for j in range(P):
            state[j] = fma(step, now.ascent[j], parameters[j])
        state[P] = count + select(going_on, 1.0, 0.0)

    w.repeat(n_epochs, epoch)
    for j in range(P):
        w[j] = state[j]
    epochs[0], converged_epoch[0] = state[P], state[P + 1]


@traced(Plan.parse)
def evaluate(plan, X, w, targets, loss_limit, error_limit, loss_out, converged_out, finite_out):
    """The loss (2) in nats, and as 1.0 or 0.0 whether the criterion holds and whether all logits are finite.

    Parameters as in `advance`; the last three are (width,) float64, lanes.
    """
    parameters = [w[j] for j in range(plan.n_params)]
    now = _pass_over_table(plan, X, parameters, targets, (loss_limit, error_limit), w, with_loss=True)
    loss_out[0] = now.total_loss / float(plan.n_rows)
    converged_out[0] = select(now.converged, 1.0, 0.0)
    finite_out[0] = select(now.finite, 1.0, 0.0)
