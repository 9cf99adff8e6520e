"""x to the power y, as exp(y*log(x)) with the logarithm in two parts.

y*log(x) may be 745 and must be right to some 60 bits for the result to be right to 53, so log(x)
is computed as high + low, each a float, with the error-free sum and product of Dekker (A
floating-point technique for extending the available precision, 1971), products by fma. With
s = f/(2 + f), z = s*s as in logarithm.py,

    log(1 + f) = 2*s + s*z*(2/3 + z*p(z)).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from symgraph.backends.elementary.coefficients import POWER
from symgraph.backends.elementary.exponential import exp_of_sum
from symgraph.backends.elementary.logarithm import mantissa_and_exponent
from symgraph.backends.elementary.notation import (
    absolute,
    copysign,
    differs,
    equal,
    fma,
    polynomial,
    rint,
)
from symgraph.backends.elementary.scalar_function import Body, define
from symgraph.kernel import Expr, select

LN2_WHOLE = 2**60 * 0.6931471805599453  # its float has zeros at the end
TWO_THIRDS = 0.6666666666666666, 3.700743415417188e-17
LN2_HIGH = 0.693145751953125, 0.6931471805598903  # 16 and 42 bits, so n*high is exact
LN2_LOW = 1.4286068203094173e-06, 5.497923018708371e-14


class Pair(NamedTuple):
    """high + low, where low is less than the last bit of high."""

    high: Expr
    low: Expr


def _sum(let: Body, greater: Expr, lesser: Expr, rest: Expr) -> Pair:
    """greater + lesser + rest for |greater| >= |lesser| >> |rest|."""
    high = let("h", greater + lesser)
    return Pair(high, let("l", greater - high + lesser + rest))


def _product(let: Body, a: Pair, b: Pair) -> Pair:
    high = let("h", a.high * b.high)
    cross = fma(a.high, b.low, a.low * b.high)
    return Pair(high, let("l", fma(a.high, b.high, -high) + cross))


def _quotient(let: Body, f: Expr) -> Pair:
    """f/(2 + f)."""
    below = let("b", f + 2)
    inverse = let("i", 1 / below)
    high = let("s", f * inverse)
    error = fma(-high, below, f) - high * (2 - below + f)
    return Pair(high, let("sl", error * inverse))


def _log(let: Body, a: Expr) -> Pair:
    """The logarithm of a positive, finite number."""
    e, f = mantissa_and_exponent(let, a)
    s = _quotient(let, f)
    z = _product(let, s, s)
    p = let("p", z.high * polynomial(let, z.high, POWER.of(let.dtype)))
    two_thirds, rest = let.split(*TWO_THIRDS)
    slope = _product(let, z, _sum(let, two_thirds, p, rest))
    cubic = _product(let, s, slope)
    near = _sum(let, s.high * 2, cubic.high, fma(s.low, 2, cubic.low))
    of_2, of_2_low = let.number(let.pick(*LN2_HIGH)), let.number(let.pick(*LN2_LOW))
    far = _sum(let, let("e2", e * of_2), near.high, fma(e, of_2_low, near.low))
    return _sum(let, far.high, far.low, let.number(0))


def _magnitude(let: Body, a: Expr, y: Expr) -> Expr:
    """a**y for a >= 0, except 1**inf and what is NaN**0 elsewhere."""
    log = _log(let, a)
    finite = select(a < math.inf, log.high, a)
    high = let("g", select(equal(a, 0), -math.inf, finite))
    product = let("yl", y * high)
    error = fma(y, high, -product) + y * log.low
    sure = absolute(product) < let.pick(200.0, 2000.0)
    return exp_of_sum(let, product, let("dl", select(sure, error, 0)))


@define
def pow(let: Body, x: Expr, y: Expr) -> Expr:
    """x to the power y, as C99's pow in every corner (Annex F.9.4.4)."""
    a = let("a", absolute(x))
    size = let("size", _magnitude(let, a, y))
    half = let("half", y * 0.5)
    whole = let("whole", equal(rint(y), y))
    odd = let("odd", whole & differs(rint(half), half))
    size = let("size", select(equal(a, 1) & equal(absolute(y), math.inf), 1, size))
    real = select((x < 0) & (x > -math.inf) & differs(rint(y), y), math.nan, size)
    signed = select(odd, copysign(real, x), real)
    return select(equal(x, 1), 1, select(equal(y, 0), 1, signed))
