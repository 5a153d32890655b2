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

Rows go through in blocks: a weight is read once for all rows of a block, and its sum is written once. Each sum takes
its terms in the order of the rows all the same, so that no bit depends on the size of a block.
"""

from dataclasses import dataclass
from typing import Any

from sweep.kernel.activations import ACTIVATIONS
from sweep.kernel.functions import sigmoid, softplus
from sweep.kernel.lanes import Values, absolute, flip, fma, select


@dataclass(frozen=True)
class Pass:
    """Results of one pass over the table: M times −∂L/∂w, M·L where it was asked for, and two masks."""

    ascent: Any
    total_loss: Any
    converged: Any
    finite: Any


def inputs_of(plan, X, first, n):
    """x(r, i): the i-th input of row first + r of a block of n rows, a plain number where it is known while compiling.

    It is in a complete Boolean table where all rows are written out; else its lower bits are, within a block.
    """
    low = 0.0 if plan.bits == "01" else -1.0

    def x(r, i):
        bit = 1 << (plan.n_inputs - 1 - i)
        if plan.is_straight:
            return 1.0 if (first + r) & bit else low
        if plan.bits:
            return (1.0 if r & bit else low) if bit < n else X[first, i]
        return X[first + r, i]

    return x


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


def _plus_inputs(plan, values, weights, x, n):
    """values + Σᵢ weights[i]·x(r, i) for each row r of a block of n.

    `values` are one for each row, or a single one that they share; then rows of a Boolean block, which differ in their
    last inputs only, share what they have in common.
    """
    for i, weight in enumerate(weights):
        bit = 1 << (plan.n_inputs - 1 - i)
        if len(values) == n:
            values = [_times_plus(weight, x(r, i), value) for r, value in enumerate(values)]
        elif bit < n:
            values = [_times_plus(weight, x(r, i), value) for value in values for r in (0, bit)]
        else:
            values = [_times_plus(weight, x(0, i), values[0])]
    return values


def logit(plan, w, x):
    """Equations (1) and (2) for one row, or for arrays of rows: w holds P numbers, x holds N numbers or arrays."""
    return _forward(plan, Values(w), lambda _, i: x[i], 1)[0][0]


def _forward(plan, w, x, n):
    """Equations (1) and (2) for a block of n rows: logits, and hⱼ and φ′(aⱼ) of row r at j·n + r."""
    N, H, D = plan.n_inputs, plan.hidden, plan.n_direct
    b1, w2, u = H * N, H * N + H, H * N + 2 * H
    z, h, slope = w.local(n), w.local(n * H), w.local(n * H)
    shared = 1 if plan.bits else n
    if not H:
        return _plus_inputs(plan, [w[u + D]] * shared, [w[u + i] for i in range(D)], x, n), h, slope
    for r in range(n):
        z[r] = w[u + D]

    def unit(j):
        a = _plus_inputs(plan, [w[b1 + j]] * shared, [w[j * N + i] for i in range(N)], x, n)
        for r in range(n):
            h[j * n + r], slope[j * n + r] = ACTIVATIONS[plan.activation](a[r])
            z[r] = fma(w[w2 + j], h[j * n + r], z[r])

    w.repeat(H, unit)
    return _plus_inputs(plan, [z[r] for r in range(n)], [w[u + i] for i in range(D)], x, n), h, slope


def through_rows(plan, w, x, targets, sums, with_loss, fresh):
    """Equations (1) to (6) for a block of rows, added to `sums`.

    Parameters
    ----------
    w : Storage or Values
        P parameters.
    x : callable
        As `inputs_of` gives it.
    targets : list of lanes
        y of each row, or its sign where the plan has no soft targets.
    sums : Storage or Values
        −∂ℓ/∂w for each parameter, then Π q, Σ ℓ, the largest |p − y|, and a number that is 0 while logits are finite.
    with_loss : bool
        True if a cross-entropy is asked for, which takes a logarithm.
    fresh : bool
        True if the first P sums begin with these rows; else they are added to.
    """
    N, H, D, P, n = plan.n_inputs, plan.hidden, plan.n_direct, plan.n_params, len(targets)
    b1, w2, u = H * N, H * N + H, H * N + 2 * H
    z, h, slope = _forward(plan, w, x, n)
    delta = []
    for r in range(n):
        ascent, likelihood, error, loss = _at_output(plan, z[r], targets[r], with_loss)
        delta.append(ascent)
        sums[P] = sums[P] * likelihood
        sums[P + 1] = sums[P + 1] + loss
        sums[P + 2] = select(error > sums[P + 2], error, sums[P + 2]) if plan.stop_error else sums[P + 2]
        sums[P + 3] = fma(z[r], 0.0, sums[P + 3]) if plan.loss == "bce" else sums[P + 3]

    def add(k, values, factor_of):
        total = 0.0 if fresh else sums[k]
        for r, value in enumerate(values):
            total = _times_plus(value, factor_of(r), total)
        sums[k] = total

    def unit(j):
        add(w2 + j, delta, lambda r: h[j * n + r])
        delta_j = [delta[r] * w[w2 + j] * slope[j * n + r] for r in range(n)]
        for i in range(N):
            add(j * N + i, delta_j, lambda r, i=i: x(r, i))
        add(b1 + j, delta_j, lambda _: 1.0)

    w.repeat(H, unit)
    for i in range(D):
        add(u + i, delta, lambda r, i=i: x(r, i))
    add(u + D, delta, lambda _: 1.0)


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
    """One pass over all rows with the parameters w; `thresholds` are the limits of `advance`."""
    P, M, n = plan.n_params, plan.n_rows, plan.block
    needs_loss = with_loss or (plan.soft_targets and plan.stop_loss)

    fresh = plan.starts_from_nothing

    def block(first, n):
        rows = [targets[first + r] for r in range(n)]
        through_rows(plan, w, inputs_of(plan, X, first, n), rows, sums, needs_loss, fresh)

    if plan.is_straight:
        sums = Values([targets.number(0.0)] * P + [1.0, 0.0, 0.0, 0.0])
        block(0, M)
    else:
        sums = targets.local(P + 4)
        sums.repeat(P + 4, lambda k: sums.__setitem__(k, 0.0))
        sums[P] = 1.0
        targets.repeat(M // n, lambda k: block(k * n, n))
        if M % n:
            block(M - M % n, M % n)
    likelihood, total_loss, worst, finite = (sums[P + k] for k in range(4))
    if plan.hidden or plan.loss == "mse":  # else an infinite parameter shows in the logit
        finite = _check(w, P, finite)
    if plan.loss == "mse":
        finite = fma(total_loss, 0.0, finite)
    converged = finite = finite == 0.0
    if plan.stop_loss:
        converged = converged & (total_loss < thresholds[0] if plan.soft_targets else likelihood > thresholds[0])
    if plan.stop_error:
        converged = converged & (worst < thresholds[1])
    return Pass(sums, total_loss, converged, finite)


def _check(w, n, finite):
    """`finite`, or NaN if one of n parameters is not finite; in chains that do not wait for one another."""
    chains = range(min(n, 4))
    checks = w.local(len(chains))
    for c in chains:
        checks[c] = fma(w[c], 0.0, finite)

    def body(k):
        for c in chains:
            checks[c] = fma(w[(k + 1) * len(chains) + c], 0.0, checks[c])

    w.repeat(n // len(chains) - 1, body)
    for j in range(n - n % len(chains), n):
        checks[0] = fma(w[j], 0.0, checks[0])
    for c in chains[1:]:
        checks[0] = checks[0] + checks[c]
    return checks[0]
