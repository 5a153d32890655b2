"""exp, log and what is made of them, on lanes or NumPy arrays: the same bits on every CPU, whatever its libm.

Every function reduces its argument to x = n·ln 2 + r with |r| ≤ ½ ln 2 (Cody & Waite) and evaluates a minimax
approximation on that interval. In R(r²) = r·coth(r/2) the exponential is

    eʳ = (R + r) / (R − r)                                                  (1)

(the form fdlibm uses), so a function that divides anyway, such as the logistic sigmoid, needs five coefficients where a
polynomial of eʳ needs eleven. The coefficients were fitted at Chebyshev nodes in 60 digits.
"""

from sweep.kernel.lanes import absolute, fma, scale, select, split

_SHIFT = 6755399441055744.0  # 1.5·2⁵²: adding it rounds to an integer, left in the low bits
_INVERSE_LN2 = 1.4426950408889634
_LN2_HIGH = 0.6931471805599453
_LN2_LOW = 2.3190468138462996e-17

_COTH = (
    4.1437096880780196e-08,
    -1.6534058842837582e-06,
    6.613756470855508e-05,
    -0.0027777777777562864,
    0.1666666666666666,
)
"""(R(t) − 2)/t, highest power first; |error of (1)| < 1.2e−18."""

_EXP = (
    2.5100472505694996e-08,
    2.7620201591031547e-07,
    2.7557268276905696e-06,
    2.4801521057868204e-05,
    0.00019841269863171557,
    0.0013888888917367081,
    0.008333333333330039,
    0.041666666666623824,
    0.16666666666666669,
    0.5000000000000001,
    1.0,
    1.0,
)
"""eʳ, highest power first; relative error < 1.7e−17."""

_ATANH = (
    0.14619166134888018,
    0.15331501611145323,
    0.18182895750119193,
    0.22222211043776857,
    0.2857142862653362,
    0.3999999999989827,
    0.666666666666667,
)
"""(2 artanh(s) − 2s)/s³ in t = s², highest power first; relative error of the logarithm < 4.3e−18."""

SATURATION = 700.0
"""Beyond this logit the sigmoid stays as it is here, within 1e−304 of its limit: every step is a normal number."""


def _polynomial(coefficients, x):
    value = coefficients[0]
    for c in coefficients[1:]:
        value = fma(x, value, c)
    return value


def _reduce(x):
    """(shifted, n, r): x = n·ln 2 + r, and n in the low bits of `shifted`."""
    shifted = fma(x, _INVERSE_LN2, _SHIFT)
    n = shifted - _SHIFT
    r = fma(n, -_LN2_HIGH, x)
    return shifted, n, fma(n, -_LN2_LOW, r)


def _exp_as_quotient(x):
    """(S, D, r, n): eˣ = S/D by (1), for |x| ≤ SATURATION; D is near 2."""
    shifted, n, r = _reduce(x)
    t = r * r
    R = fma(t, _polynomial(_COTH, t), 2.0)
    return scale(R + r, shifted), R - r, r, n


def _clamp(x, limit):
    """x, at most `limit` in magnitude; NaN stays."""
    x = select(x < -limit, -limit, x)
    return select(x > limit, limit, x)


def sigmoid(x):
    """(σ(x), 1 − σ(x)), each to full relative accuracy: σ(x) = 1/(1 + e⁻ˣ)."""
    S, D, _, _ = _exp_as_quotient(_clamp(x, SATURATION))
    inverse = 1.0 / (D + S)
    return S * inverse, D * inverse


def tanh(x):
    """tanh x = (e²ˣ − 1)/(e²ˣ + 1), to full relative accuracy near 0 as well."""
    S, D, r, n = _exp_as_quotient(_clamp(x + x, SATURATION))
    return select(n == 0.0, r + r, S - D) / (S + D)


def exp(x):
    """eˣ over its whole range, subnormal results, 0 and ∞ included."""
    _, n, r = _reduce(select(x < -746.0, -746.0, select(x > 710.0, 710.0, x)))
    p = _polynomial(_EXP, r)
    half = fma(n, 0.5, _SHIFT)
    rest = n - (half - _SHIFT)
    unit = p * 0.0 + 1.0
    return p * scale(unit, half) * scale(unit, rest + _SHIFT)


def log(x):
    """ln x over its whole range: −∞ at 0, NaN below, subnormal arguments included."""
    tiny = x < 2.2250738585072014e-308
    m, k = split(select(tiny, x * 2.0**54, x))
    k = select(tiny, k - 54.0, k)
    large = m > 1.4142135623730951
    m = select(large, m * 0.5, m)
    k = select(large, k + 1.0, k)
    f = m - 1.0
    s = f / (2.0 + f)
    t = s * s
    half_square = 0.5 * f * f
    tail = s * (half_square + t * _polynomial(_ATANH, t))
    value = fma(k, _LN2_HIGH, f - (half_square - fma(k, _LN2_LOW, tail)))
    value = select(x == 0.0, -float("inf"), value)
    value = select(x == float("inf"), float("inf"), value)
    return select(x >= 0.0, value, float("nan"))


def log1p(x):
    """ln(1 + x) for 0 ≤ x ≤ 1: the rounding of 1 + x is made up for by its share of the sum."""
    u = 1.0 + x
    return log(u) + (x - (u - 1.0)) / u


def softplus(x):
    """ln(1 + eˣ), the binary cross-entropy in nats of a row whose margin is −x."""
    return select(x > 0.0, x, 0.0) + log1p(exp(-absolute(x)))
