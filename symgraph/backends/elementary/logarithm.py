"""Logarithms, and the functions made of them.

x = 2**e * (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), and with s = f/(2 + f), z = s*s

    log(1 + f) = 2*atanh(s) = 2*s + s*z*p(z) = f - (h - s*(h + z*p(z))),   h = f*f/2

where the last form hides the rounding of s behind an exact f (K. C. Ng, fdlibm e_log.c, 1993).
"""

from __future__ import annotations

import math

from symgraph.backends.elementary.coefficients import LOG
from symgraph.backends.elementary.notation import (
    absolute,
    bits,
    bits_of,
    copysign,
    equal,
    fma,
    from_bits,
    polynomial,
    shl,
    shr,
    sqrt,
)
from symgraph.backends.elementary.scalar_function import Body, define
from symgraph.kernel import Expr, call, select

Parts = tuple[float, float]
LN2: Parts = 0.6931471805599453, 2.3190468138462996e-17
LOG2_E: Parts = 1.4426950408889634, 2.0355273740931033e-17
LOG10_E: Parts = 0.4342944819032518, 1.098319650216765e-17
LOG10_2: Parts = 0.3010299956639812, -2.8037281277851704e-18


def _exponent_word(let: Body, x: Expr) -> Expr:
    """2**mantissa times the exponent e of a normal x > 0."""
    lowest = bits_of(let.number(math.sqrt(0.5)).value, let.dtype)
    return let("w", shr(bits(x) - lowest, let.format.mantissa))


def _as_float(let: Body, word: Expr, less: Expr | None = None) -> Expr:
    """A small integer as a float, minus `less`."""
    whole = let.number(let.format.whole)
    shifted = from_bits(word + bits_of(whole.value, let.dtype))
    return shifted - (whole if less is None else less)


def mantissa_and_exponent(let: Body, x: Expr) -> tuple[Expr, Expr]:
    """e and f of a positive x, which may be subnormal."""
    shift, whole = let.format.mantissa, let.format.whole
    tiny = let("tiny", x < let.format.least)
    y = let("y", select(tiny, x * 2.0**shift, x))
    word = _exponent_word(let, y)
    f = let("f", from_bits(bits(y) - shl(word, shift)) - 1)
    bias = select(tiny, let.number(whole + shift), let.number(whole))
    return let("e", _as_float(let, word, bias)), f


def _log_sum(let: Body, e: Expr, f: Expr, of_2: Parts = LN2, of_e: Parts | None = None) -> Expr:
    """e*log(2) + log(1 + f), in the base whose logarithms of 2 and of Euler's number are given."""
    s = let("s", f / (f + 2))
    z = let("z", s * s)
    h = let("h", f * f * 0.5)
    tail = s * fma(z, polynomial(let, z, LOG.of(let.dtype)), h)
    of_2_high, of_2_low = let.split(*of_2)
    if of_e is None:
        rest = let("d", h - fma(e, of_2_low, tail))
        return fma(e, of_2_high, f - rest)
    rest = let("d", h - tail)
    high, low = let.split(*of_e)
    small = fma(e, of_2_low, fma(f, low, -(rest * high)))
    return fma(e, of_2_high, fma(f, high, small))


@define
def log(let: Body, x: Expr) -> Expr:
    """Natural logarithm."""
    e, f = mantissa_and_exponent(let, x)
    return _at_the_ends(let, x, _log_sum(let, e, f))


@define
def log2(let: Body, x: Expr) -> Expr:
    """Logarithm to base 2; exact at powers of two."""
    e, f = mantissa_and_exponent(let, x)
    return _at_the_ends(let, x, _log_sum(let, e, f, (1.0, 0.0), LOG2_E))


@define
def log10(let: Body, x: Expr) -> Expr:
    """Logarithm to base 10."""
    e, f = mantissa_and_exponent(let, x)
    return _at_the_ends(let, x, _log_sum(let, e, f, LOG10_2, LOG10_E))


def _at_the_ends(let: Body, x: Expr, inside: Expr) -> Expr:
    """inf at inf, -inf at 0, NaN below."""
    y = let("y", select(x < math.inf, inside, x))
    outside = select(equal(x, 0), let.number(-math.inf), let.number(math.nan))
    return select(x > 0, y, outside)


@define
def log1p(let: Body, x: Expr) -> Expr:
    """log(1 + x), without cancellation.

    e is taken from the rounded 1 + x, f = x/2**e + (1/2**e - 1) rounds once. A quarter and 4 keep
    1/2**e normal. 0 and inf are the solutions of x + x = x.
    """
    shift = let.format.mantissa
    word = let("w", shl(_exponent_word(let, let("u", x + 1)), shift))
    inverse = from_bits(-word + bits_of(4.0, let.dtype))
    f = let("f", from_bits(bits(x) - word) + fma(inverse, 0.25, -1))
    e = let("e", _as_float(let, shr(word, shift)))
    inside = select(equal(x + x, x), x, _log_sum(let, e, f))
    outside = select(equal(x, -1), let.number(-math.inf), let.number(math.nan))
    return select(x > -1, inside, outside)


@define
def softplus(let: Body, x: Expr) -> Expr:
    """log(1 + exp(x)) = max(x, 0) + log(1 + t) for t = exp(-|x|) <= 1.

    Where 1 + t > sqrt(2) that is log(2) + log(1 + (t - 1)/2).
    """
    t = let("t", call("exp", -absolute(x)))
    upper = let("upper", t > let.number(math.sqrt(2) - 1))
    f = let("f", select(upper, (t - 1) * 0.5, t))
    e = let("e", select(upper, let.number(1), let.number(0)))
    return select(x > 0, x, let.number(0)) + _log_sum(let, e, f)


@define
def arcsinh(let: Body, x: Expr) -> Expr:
    """Inverse hyperbolic sine: log1p(a + a*a/(1 + sqrt(a*a + 1))) for a = |x|."""
    a = let("a", absolute(x))
    large = let("large", a > let.pick(2.0**28, 2.0**60))
    root = sqrt(fma(a, a, 1))
    grown = select(large, a, a + a * a / (root + 1))
    return copysign(call("log1p", grown) + _ln2_where(let, large), x)


@define
def arccosh(let: Body, x: Expr) -> Expr:
    """Inverse hyperbolic cosine: log1p(t + sqrt(t*t + 2t)) for t = x - 1."""
    t = let("t", x - 1)
    large = let("large", x > let.pick(2.0**28, 2.0**60))
    grown = select(large, x, t + sqrt(fma(t, t, t + t)))
    inside = call("log1p", grown) + _ln2_where(let, large)
    return select(x < 1, let.number(math.nan), inside)


def _ln2_where(let: Body, condition: Expr) -> Expr:
    return select(condition, let.number(LN2[0]), let.number(0))


@define
def arctanh(let: Body, x: Expr) -> Expr:
    """Inverse hyperbolic tangent: log1p(2a/(1 - a))/2 for a = |x|."""
    a = let("a", absolute(x))
    return copysign(call("log1p", (a + a) / (1 - a)) * 0.5, x)
