"""Sine, cosine and tangent.

x = n*(pi/2) + r with a whole n and |r| <= pi/4 (Cody and Waite, Software Manual for the Elementary
Functions, 1980, chapter 8), in float64 for both dtypes. With fused multiply-adds
x - n*float(pi/2) is exact; two more parts of pi/2 leave less than 2**-159 of it out.

So r is right to its last bits for |x| < 2**50, about 1e15. Beyond that neighbouring floats are up
to periods apart, and more digits of 2/pi would cost every call dear. There, finite x count as a
multiple of 2*pi: sin is 0 and cos is 1, which are their values at a point within some 30 units in
the last place of x. So results stay in [-1, 1] and sin**2 + cos**2 is 1.
"""

from __future__ import annotations

from symgraph.backends.elementary.coefficients import COSINE, SINE, TANGENT
from symgraph.backends.elementary.notation import (
    absolute,
    bits,
    differs,
    equal,
    fma,
    from_bits,
    polynomial,
    shl,
    shr,
    xor,
)
from symgraph.backends.elementary.scalar_function import FORMATS, Body, define
from symgraph.kernel import Expr, cast, lit, select

TWO_OVER_PI = 0.6366197723675814
HALF_PI = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33
FARTHEST = 2.0**50


def _reduce(let: Body, x: Expr) -> tuple[Expr, Expr]:
    """r, and an integer whose two low bits are n modulo 4."""
    wide = let("v", cast(x, "float64"))
    wide = let("v", select(absolute(wide) < FARTHEST, wide, wide * 0))
    whole = lit(FORMATS["float64"].whole, "float64")
    shifted = let("t", fma(wide, TWO_OVER_PI, whole))
    n = let("n", shifted - whole)
    r = wide
    for part in HALF_PI[: let.pick(2, 3)]:
        r = let("r", fma(n, -part, r))
    return let("r", cast(r, let.dtype)), let("q", cast(bits(shifted), let.format.word))


def _sine(let: Body, r: Expr, z: Expr) -> Expr:
    return let("s", fma(r * z, polynomial(let, z, SINE.of(let.dtype)), r))


def _cosine(let: Body, z: Expr) -> Expr:
    p = polynomial(let, z, COSINE.of(let.dtype))
    return let("c", fma(z * z, p, fma(z, -0.5, 1)))


def _sine_of_quadrant(let: Body, x: Expr, ahead: int) -> Expr:
    """sin(x + ahead*pi/2)."""
    r, quadrant = _reduce(let, x)
    z = let("z", r * r)
    s, c = _sine(let, r, z), _cosine(let, z)
    if ahead:
        quadrant = let("q", quadrant + ahead)
    value = select(differs(quadrant & 1, 0), c, s)
    width = let.format.mantissa + let.pick(8, 11)
    return from_bits(xor(bits(value), shl(shr(quadrant, 1), width)))


@define
def sin(let: Body, x: Expr) -> Expr:
    """Sine; NaN at infinities, -0 at -0."""
    return select(equal(x, 0), x, _sine_of_quadrant(let, x, 0))


@define
def cos(let: Body, x: Expr) -> Expr:
    """Cosine; NaN at infinities."""
    return _sine_of_quadrant(let, x, 1)


@define
def tan(let: Body, x: Expr) -> Expr:
    """Tangent: tan(r), or -1/tan(r) in odd quadrants."""
    r, quadrant = _reduce(let, x)
    z = let("z", r * r)
    t = let("s", fma(r * z, polynomial(let, z, TANGENT.of(let.dtype)), r))
    odd = let("odd", differs(quadrant & 1, 0))
    return select(equal(x, 0), x, select(odd, let.number(-1), t) / select(odd, t, 1))
