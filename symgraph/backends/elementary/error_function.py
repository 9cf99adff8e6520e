"""The error function, its complement and its inverse."""

from __future__ import annotations

import math

from symgraph.backends.elementary.coefficients import (
    ERF,
    ERF_TAIL,
    ERFC,
    ERFINV_FAR,
    ERFINV_MIDDLE,
    ERFINV_NEAR,
)
from symgraph.backends.elementary.exponential import exp_of_sum
from symgraph.backends.elementary.notation import (
    absolute,
    at_least,
    at_most,
    copysign,
    equal,
    fma,
    polynomial,
    sqrt,
)
from symgraph.backends.elementary.scalar_function import Body, define
from symgraph.kernel import Expr, call, lit, select


@define
def erf(let: Body, x: Expr) -> Expr:
    """Error function: x + x*p(x*x) up to 1, 1 - exp(q(|x|)) beyond."""
    a = let("a", at_most(let("a", absolute(x)), let.pick(4.0, 6.0)))
    z = let("z", a * a)
    near = fma(a, polynomial(let, z, ERF.of(let.dtype)), a)
    tail = call("exp", polynomial(let, a, ERF_TAIL.of(let.dtype), "q"))
    return copysign(select(a < 1, near, 1 - tail), x)


@define
def erfc(let: Body, x: Expr) -> Expr:
    """1 - erf(x): exp(-a*a) * p(q)/(a + k) with q = (a - k)/(a + k), a = |x|; 2 minus it below 0.

    exp(a*a)*erfc(a)*(a + k) is smooth up to infinity (Shepherd and Laframboise, Chebyshev
    approximation of (1 + 2x)exp(x*x)erfc(x), Math. Comp. 36, 1981). One Newton step makes good
    the roundings of q; exp takes that of a*a as a second argument.
    """
    k = let.pick(2.0, 4.0)
    a = let("a", at_most(let("a", absolute(x)), let.pick(10.2, 27.5)))
    d = let("d", a + k)
    u = let("u", 1 / d)
    q = let("q", (a - k) * u)
    error = fma(-a, q, fma(q + 1, -k, a))  # a - k - q*(a + k)
    p = polynomial(let, let("q", fma(u, error, q)), ERFC.of(let.dtype))
    square = let("z", a * a)
    e = exp_of_sum(let, -square, fma(-a, a, square))
    y = let("y", e * (p / d))
    return select(x < 0, 2 - y, y)


@define
def erfinv(let: Body, x: Expr) -> Expr:
    """Inverse of erf: x*p(w) with w = -log(1 - x*x), from w = 5 on x*p(sqrt(w)).

    M. Giles, Approximating the erfinv function (GPU Computing Gems, 2011). NaN outside [-1, 1].
    """
    a = let("a", absolute(x))
    w = let("w", -call("log", (1 - a) * (a + 1)))
    near = let("near", polynomial(let, let("t", w - 2.5), ERFINV_NEAR.of(let.dtype)))
    s = let("s", at_most(let("s", sqrt(at_least(w, 0))), 6.25))
    middle = let("m", polynomial(let, let("t", s - 3.125), ERFINV_MIDDLE.of(let.dtype), "q"))
    far = let("far", polynomial(let, let("t", s - 5.125), ERFINV_FAR.of(let.dtype), "r"))
    factor = let("f", select(w < 5, near, select(s < 4, middle, far)))
    return select(equal(a, 1), copysign(lit(math.inf, x.dtype), x), x * factor)
