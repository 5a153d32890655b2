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

Rows go through in blocks: a weight is read once for all rows of a block, and its sum is written once. Units go through
in pairs, which read an input once. Each sum takes its terms in the order of the rows all the same, so that no bit
depends on the size of a block.
"""

import math
from dataclasses import dataclass
from typing import Any

from sweep.kernel.activations import ACTIVATIONS
from sweep.kernel.functions import sigmoid, softplus
from sweep.kernel.lanes import Values, absolute, apart, flip, fma, select, together


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
        if not plan.bits:
            return X[first + r, i]
        bit = 1 << (plan.n_inputs - 1 - i)
        if plan.is_straight:
            return 1.0 if (first + r) & bit else low
        return (1.0 if r & bit else low) if bit < n else X[first, i]

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


class _Block:
    """Rows that go through together, and what is kept of them from (1) to (6).

    Parameters
    ----------
    plan
    w : Storage or Values
        P parameters.
    n : int
        Rows.
    """

    def __init__(self, plan, w, n):
        self.plan, self.w, self.n = plan, w, n
        self.z, self.h, self.slope = w.local(n), w.local(n * plan.hidden), w.local(n * plan.hidden)
        self.b1 = plan.hidden * plan.n_inputs
        self.w2 = self.b1 + plan.hidden
        self.u = self.w2 + plan.hidden
        self.b2 = self.u + plan.n_direct

    def begin(self):
        """z ← b2 for each row."""
        for r in range(self.n):
            self.z[r] = self.w[self.b2]

    def forward(self, x, units):
        """Equation (1) for these hidden units, and their terms of z."""
        plan, w, n = self.plan, self.w, self.n
        for j, a in zip(units, self._inputs_of_units(x, units), strict=True):
            for r, (h, slope) in enumerate(_abreast(plan, ACTIVATIONS[plan.activation], a)):
                self.h[j * n + r], self.slope[j * n + r] = h, slope
                self.z[r] = fma(w[self.w2 + j], h, self.z[r])

    def _inputs_of_units(self, x, units):
        """a of each row for each unit; inputs that are read from memory are read once for all units."""
        N, w, n = self.plan.n_inputs, self.w, self.n
        b1 = [w[self.b1 + j] for j in units]
        if self.plan.bits:
            weights = [[w[j * N + i] for i in range(N)] for j in units]
            return [_plus_inputs(self.plan, [b], of_unit, x, n) for b, of_unit in zip(b1, weights, strict=True)]
        sums = w.local(len(units) * n)
        for k in range(len(units) * n):
            sums[k] = b1[k // n]

        def add_input(i):
            weights = [w[j * N + i] for j in units]
            for r in range(n):
                for k, weight in enumerate(weights):
                    sums[k * n + r] = _times_plus(weight, x(r, i), sums[k * n + r])

        w.repeat(N, add_input)
        return [[sums[k * n + r] for r in range(n)] for k in range(len(units))]

    def logits(self, x):
        """Equation (2), all hidden units being in z."""
        plan, n = self.plan, self.n
        z = [self.z[r] for r in range(n if plan.hidden or not plan.bits else 1)]
        return _plus_inputs(plan, z, [self.w[self.u + i] for i in range(plan.n_direct)], x, n)

    def backward(self, x, delta, sums, fresh, units):
        """Equations (5) and (6) for these hidden units."""
        N, n, delta_of_units = self.plan.n_inputs, self.n, []
        for j in units:
            w2 = self.w[self.w2 + j]
            _add(sums, [self.w2 + j], [delta], lambda r, j=j: self.h[j * n + r], fresh)
            delta_of_units.append([delta[r] * w2 * self.slope[j * n + r] for r in range(n)])

        def add_input(i):
            _add(sums, [j * N + i for j in units], delta_of_units, lambda r: x(r, i), fresh)

        (Values() if self.plan.bits else self.w).repeat(N, add_input)
        _add(sums, [self.b1 + j for j in units], delta_of_units, lambda _: 1.0, fresh)

    def at_output(self, x, targets, sums, with_loss, tell=None):
        """Equations (2) to (4); returns δ of each row, and tells z."""
        plan, P, delta, logits = self.plan, self.plan.n_params, [], self.logits(x)
        found = _abreast(plan, lambda z, target: _at_output(plan, z, target, with_loss), logits, targets)
        looks = plan.loss == "bce" and (plan.hidden or not plan.checks_ahead)
        for r, (ascent, likelihood, error, loss) in enumerate(found):
            if tell:
                tell(r, logits[r])
            delta.append(ascent)
            sums[P] = sums[P] * likelihood
            sums[P + 1] = sums[P + 1] + loss
            sums[P + 2] = select(error > sums[P + 2], error, sums[P + 2]) if plan.stop_error else sums[P + 2]
            sums[P + 3] = fma(logits[r], 0.0, sums[P + 3]) if looks else sums[P + 3]
        return delta

    def end(self, x, delta, sums, fresh):
        """Equation (5) where hidden units have no part."""
        for i in range(self.plan.n_direct):
            _add(sums, [self.u + i], [delta], lambda r, i=i: x(r, i), fresh)
        _add(sums, [self.b2], [delta], lambda _: 1.0, fresh)


def _add(sums, places, values, factor_of, fresh):
    """sums[k] ← Σᵣ v[r]·factor_of(r) for each place k and its v of `values`, added to what it was unless `fresh`."""
    totals = [0.0 if fresh else sums[k] for k in places]
    for r in range(len(values[0])):
        factor = factor_of(r)
        totals = [_times_plus(v[r], factor, total) for v, total in zip(values, totals, strict=True)]
    for k, total in zip(places, totals, strict=True):
        sums[k] = total


def _abreast(plan, function, *values):
    """function(…) of each row's values, for several rows at once: the operations of their chains alternate."""
    n = math.gcd(len(values[0]), plan.n_abreast)
    for first in range(0, len(values[0]), n):
        parts = function(*(together(each[first : first + n]) for each in values))
        yield from zip(*(apart(part, n) for part in parts), strict=True)


def _each_unit(plan, w, body):
    """body(units) for all hidden units, as many at a time as go through together."""
    H, n = plan.hidden, plan.units_together
    w.repeat(H // n, lambda k: body([k * n + u for u in range(n)]))
    if H % n:
        body(range(H - H % n, H))


def logit(plan, w, x):
    """Equations (1) and (2) for one row, or for arrays of rows: w holds P numbers, x holds N numbers or arrays."""
    block = _Block(plan, Values(w), 1)
    block.begin()
    for j in range(plan.hidden):
        block.forward(lambda _, i: x[i], [j])
    return block.logits(lambda _, i: x[i])[0]


def answer(plan, z):
    """Equation (2): p for a logit z."""
    return z if plan.output == "linear" else sigmoid(z)[0]


def through_rows(plan, w, x, targets, sums, with_loss, fresh, with_ascent=True, tell=None):
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
    with_ascent : bool
        False if the first P sums are not asked for.
    tell : callable, optional
        Called with the number of each row in the block and its z.
    """
    block = _Block(plan, w, len(targets))
    block.begin()
    _each_unit(plan, w, lambda units: block.forward(x, units))
    delta = block.at_output(x, targets, sums, with_loss, tell)
    if with_ascent:
        _each_unit(plan, w, lambda units: block.backward(x, delta, sums, fresh, units))
        block.end(x, delta, sums, fresh)


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


def through_table(plan, X, w, targets, thresholds, with_loss, with_ascent, sides_out=None, checked=None):
    """One pass over all rows with the parameters w; `thresholds` are the limits of `advance`.

    The criterion is always told; the loss where a cross-entropy's target needs it, or with_loss asks; in `sides_out`,
    if it is given, how far the logit of each row, or its linear output, lies above that of the answer ½. `checked` is
    what `check` says of the parameters if that is known.
    """
    P, M, n = plan.n_params, plan.n_rows, plan.n_together
    needs_loss = with_loss or (plan.soft_targets and plan.stop_loss)

    fresh = plan.starts_from_nothing

    def block(first, n):
        def tell(r, z):
            sides_out[first + r] = z - 0.5 if plan.output == "linear" else z

        rows, sides = [targets[first + r] for r in range(n)], tell if sides_out else None
        through_rows(plan, w, inputs_of(plan, X, first, n), rows, sums, needs_loss, fresh, with_ascent, sides)

    if plan.is_straight:
        sums = Values([targets.number(0.0)] * P + [1.0, 0.0, 0.0, 0.0])
        block(0, M)
    else:
        sums = targets.local(P + 4)
        sums.repeat(P if with_ascent else 0, lambda k: sums.__setitem__(k, 0.0))
        sums[P + 1], sums[P + 2], sums[P + 3] = 0.0, 0.0, 0.0
        sums[P] = 1.0
        targets.repeat(M // n, lambda k: block(k * n, n))
        if M % n:
            block(M - M % n, M % n)
    likelihood, total_loss, worst, finite = (sums[P + k] for k in range(4))
    if checked is not None:
        finite = finite + checked
    elif plan.hidden or plan.loss == "mse" or plan.checks_ahead:  # else an infinite parameter shows in the logit
        finite = check(plan, w, finite)
    if plan.loss == "mse":
        finite = fma(total_loss, 0.0, finite)
    converged = finite = finite == 0.0
    if plan.stop_loss:
        converged = converged & (total_loss < thresholds[0] if plan.soft_targets else likelihood > thresholds[0])
    if plan.stop_error:
        converged = converged & (worst < thresholds[1])
    return Pass(sums, total_loss, converged, finite)


def check(plan, w, finite):
    """`finite`, or NaN if a parameter is not finite; in chains that do not wait for one another.

    Of logistic regression that checks ahead, NaN if a logit is not finite.
    """
    if plan.checks_ahead and not plan.hidden:
        block = _Block(plan, w, plan.n_rows)
        block.begin()
        for z in block.logits(inputs_of(plan, None, 0, plan.n_rows)):
            finite = fma(z, 0.0, finite)
        return finite
    n = plan.n_params
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
