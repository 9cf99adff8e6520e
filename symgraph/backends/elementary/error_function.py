"""The error function and its complement."""

from __future__ import annotations

from symgraph.backends.elementary.coefficients import ERF, ERF_TAIL, ERFC
from symgraph.backends.elementary.exponential import exp_of_sum
from symgraph.backends.elementary.notation import absolute, at_most, copysign, fma, polynomial
from symgraph.backends.elementary.scalar_function import Body, define
from symgraph.kernel import Expr, call, select


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
