"""Inverse sine, cosine and tangent.

    arcsin(s) = s + d,  d = s*z*p(z),  z = s*s <= 1/4
    arctan(t) = t + d,  d = t*z*p(z),  z = t*t <= 1

Outside these ranges arcsin(a) = pi/2 - 2*arcsin(sqrt((1 - a)/2)) and
arctan(a) = pi/2 - arctan(1/a) (Abramowitz and Stegun, 4.4). Sums with multiples of pi/2 are formed
as (k*high + m*s) + (k*low + m*d): the first bracket loses little or nothing, the second is small.
"""

from __future__ import annotations

from symgraph.backends.elementary.coefficients import ARCSINE, ARCTANGENT
from symgraph.backends.elementary.notation import (
    absolute,
    copysign,
    equal,
    fma,
    polynomial,
    sqrt,
)
from symgraph.backends.elementary.scalar_function import Body, define
from symgraph.kernel import Expr, select

HALF_PI = 1.5707963267948966, 6.123233995736766e-17


def _quarter_turns(let: Body, k: Expr, m: Expr, s: Expr, d: Expr) -> Expr:
    """k*pi/2 + m*(s + d) for small whole k and m."""
    high, low = let.split(*HALF_PI)
    return fma(m, s, k * high) + fma(m, d, k * low)


def _arcsine(let: Body, x: Expr) -> tuple[Expr, Expr, Expr]:
    """Whether |x| > 1/2; s = sqrt((1 - |x|)/2) if so, else |x|; and d = arcsin(s) - s."""
    a = let("a", absolute(x))
    far = let("far", a > 0.5)
    z = let("z", select(far, fma(a, -0.5, 0.5), a * a))
    s = let("s", select(far, sqrt(z), a))
    return far, s, s * z * polynomial(let, z, ARCSINE.of(let.dtype))


@define
def arcsin(let: Body, x: Expr) -> Expr:
    """Inverse sine; NaN outside [-1, 1]."""
    far, s, d = _arcsine(let, x)
    k = let("k", select(far, let.number(1), 0))
    m = let("m", select(far, let.number(-2), 1))
    return copysign(_quarter_turns(let, k, m, s, d), x)


@define
def arccos(let: Body, x: Expr) -> Expr:
    """Inverse cosine: 2*arcsin(s), pi - 2*arcsin(s) or pi/2 - arcsin(x); NaN outside [-1, 1]."""
    far, s, d = _arcsine(let, x)
    k = let("k", select(far, select(x < 0, let.number(2), 0), 1))
    m = let("m", select(far, let.number(2), -1))
    return _quarter_turns(let, k, m, copysign(s, x), copysign(d, x))


def _arctangent_rest(let: Body, t: Expr) -> Expr:
    """arctan(t) - t."""
    z = let("z", t * t)
    return t * z * polynomial(let, z, ARCTANGENT.of(let.dtype))


@define
def arctan(let: Body, x: Expr) -> Expr:
    """Inverse tangent."""
    a = let("a", absolute(x))
    far = let("far", a > 1)
    t = let("t", select(far, 1 / a, a))
    k = let("k", select(far, let.number(1), 0))
    m = let("m", select(far, let.number(-1), 1))
    return copysign(_quarter_turns(let, k, m, t, _arctangent_rest(let, t)), x)


@define
def arctan2(let: Body, y: Expr, x: Expr) -> Expr:
    """Angle of the point (x, y), as C99's atan2 in every corner.

    With t the lesser over the greater of |x| and |y|, it is arctan(t), pi/2 - arctan(t),
    pi/2 + arctan(t) or pi - arctan(t), with the sign of y.
    """
    across, up = let("across", absolute(x)), let("up", absolute(y))
    steep = let("steep", up > across)
    short = let("short", select(steep, across, up))
    long = let("long", select(steep, up, across))
    ratio = select(equal(short, long), 1, short / long)
    t = let("t", select(equal(long, 0), short, ratio))
    side = let("side", copysign(let.number(1), x))
    k = let("k", select(steep, 1, 1 - side))
    m = let("m", select(steep, -side, side))
    return copysign(_quarter_turns(let, k, m, t, _arctangent_rest(let, t)), y)
