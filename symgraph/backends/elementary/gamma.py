"""Derivatives of the logarithm of the gamma function.

Both are sums of the first terms of their series, and Euler and Maclaurin's formula for the rest
(Abramowitz and Stegun, 6.4 and 23.1; Digital Library of Mathematical Functions, 25.11).
"""

from __future__ import annotations

import math

from symgraph.backends.elementary.notation import differs, equal, fma, polynomial, rint
from symgraph.backends.elementary.scalar_function import Body, define
from symgraph.kernel import Expr, call, select

# The Bernoulli numbers B(2), B(4), ...
BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
    -174611 / 330,
)  # fmt: skip


@define
def trigamma(let: Body, x: Expr) -> Expr:
    """The sum of 1/(x + k)**2 over k >= 0; below 0 by reflection, psi1(x) + psi1(1 - x).

    The rest from a = x + n on is 1/a + 1/(2 a**2) + sum of B(2j)/a**(2j + 1).
    """
    steps, terms = let.pick(5, 10), let.pick(5, 9)
    below = let("below", x < 0.5)
    y = let("y", select(below, 1 - x, x))
    first = let("r", 1 / y)
    total = let("s", first * first)
    for k in range(1, steps):
        part = let("r", 1 / (y + k))
        total = let("s", fma(part, part, total))
    u = let("u", 1 / (y + steps))
    z = let("z", u * u)
    rest = fma(z * u, polynomial(let, z, BERNOULLI[:terms]), fma(z, 0.5, u))
    total = let("s", total + rest)
    turn = call("sin", (x - rint(x)) * math.pi)
    ratio = let("ratio", let.number(math.pi) / turn)
    return select(below, fma(ratio, ratio, -total), total)


@define
def zeta(let: Body, s: Expr, q: Expr) -> Expr:
    """Hurwitz's zeta function: the sum of (q + k)**-s over k >= 0, for s > 1 and q > 0.

    The rest from a = q + n on is a**(1 - s)/(s - 1) + a**-s/2 + the sum over j of
    B(2j)/(2j)! s(s + 1)...(s + 2j - 2) a**(1 - s - 2j). Infinite at q = 0, NaN elsewhere.
    """
    steps = let.pick(6, 10)
    total = let("t", call("pow", q, -s))
    for k in range(1, steps):
        total = let("t", total + call("pow", q + k, -s))
    a = let("a", q + steps)
    power = let("p", call("pow", a, -s))
    total = let("t", total + power * a / (s - 1) + power * 0.5)
    factor = let("f", power * s / a)
    over = let("o", 1 / (a * a))
    for j, number in enumerate(BERNOULLI, 1):
        total = let("t", fma(factor, let.number(number / math.factorial(2 * j)), total))
        factor = let("f", factor * (s + (2 * j - 1)) * (s + 2 * j) * over)
    total = let("t", select(equal(q, 0), let.number(math.inf), total))
    total = let("t", select(equal(a, math.inf), let.number(0), total))
    bad = (s < 1) | (q < 0) | differs(s, s) | differs(q, q)
    return select(bad, let.number(math.nan), select(equal(s, 1), let.number(math.inf), total))
