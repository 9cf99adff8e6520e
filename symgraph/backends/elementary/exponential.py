"""Exponentials and the hyperbolic functions made of them.

All begin as Cody and Waite do (Software Manual for the Elementary Functions, 1980, chapter 6):
x = n*log(2) + r with a whole n and |r| <= log(2)/2, and exp(x) = 2**n * exp(r). With a fused
multiply-add the first step, x - n*float(log 2), is exact, since the result is a multiple of the
last bit of log 2 and below 1.
"""

from __future__ import annotations

from symgraph.backends.elementary.coefficients import EXP, EXP2
from symgraph.backends.elementary.notation import (
    absolute,
    at_least,
    at_most,
    bits,
    copysign,
    fma,
    from_bits,
    polynomial,
    shl,
    shr,
)
from symgraph.backends.elementary.scalar_function import Body, define
from symgraph.kernel import Expr, call, select

LN2 = 0.6931471805599453, 2.3190468138462996e-17
LOG2_E = 1.4426950408889634


def _reduce(let: Body, x: Expr, offset: int, rest: Expr | None = None) -> tuple[Expr, Expr]:
    """r, and a word whose low bits are n + offset, for x + rest = n*log(2) + r."""
    high, low = let.split(*LN2)
    whole = let.number(let.format.whole + offset)
    shifted = let("t", fma(x, let.number(LOG2_E), whole))
    n = let("n", shifted - whole)
    near = let("r", fma(n, -high.value, x))
    r = fma(n, -low.value, near)
    return let("r", r if rest is None else r + rest), bits(shifted)


def _expm1(let: Body, r: Expr) -> Expr:
    """exp(r) - 1 on [-log(2)/2, log(2)/2]."""
    return let("p", fma(r * r, polynomial(let, r, EXP.of(let.dtype)), r))


def _power_of_two(let: Body, word: Expr) -> Expr:
    """2**n, where the low bits of `word` are n + bias."""
    return from_bits(shl(word, let.format.mantissa))


def _scaled(let: Body, p: Expr, word: Expr) -> Expr:
    """p * 2**n, where the low bits of `word` are n + 2*bias.

    In two steps, since 2**n alone may overflow, or be subnormal. Only the last one can round.
    """
    word = let("w", word)
    half = let("h", shr(word, 1))
    return p * _power_of_two(let, half) * _power_of_two(let, word - half)


def exp_of_sum(let: Body, x: Expr, rest: Expr | None = None) -> Expr:
    """exp(x + rest) for a small `rest`."""
    x = let("a", at_least(x, let.pick(-104.0, -746.0)))
    x = let("a", at_most(x, let.pick(89.0, 710.0)))
    r, word = _reduce(let, x, 2 * let.format.bias, rest)
    return _scaled(let, _expm1(let, r) + 1, word)


@define
def exp(let: Body, x: Expr) -> Expr:
    """e to the power x."""
    return exp_of_sum(let, x)


@define
def exp2(let: Body, x: Expr) -> Expr:
    """2 to the power x; exact where x is whole."""
    x = let("a", at_least(x, let.pick(-151.0, -1076.0)))
    x = let("a", at_most(x, let.pick(128.0, 1024.0)))
    whole = let.number(let.format.whole + 2 * let.format.bias)
    shifted = let("t", x + whole)
    r = let("r", x - (shifted - whole))
    p = let("p", fma(r, polynomial(let, r, EXP2.of(let.dtype)), 1))
    return _scaled(let, p, bits(shifted))


def _fraction_of_expm1(let: Body, x: Expr, halvings: int) -> tuple[Expr, Expr]:
    """(exp(x) - 1) / 2**halvings and exp(x) / 2**halvings, where 2**(n - halvings) is normal."""
    r, word = _reduce(let, x, let.format.bias - halvings)
    p = _expm1(let, r)
    scale = let("s", _power_of_two(let, word))
    return fma(p, scale, scale - 2.0**-halvings), fma(p, scale, scale)


@define
def expm1(let: Body, x: Expr) -> Expr:
    """exp(x) - 1, without cancellation."""
    a = let("a", at_least(x, let.pick(-18.0, -38.0)))
    a = let("a", at_most(a, let.pick(89.0, 710.0)))
    half, _ = _fraction_of_expm1(let, a, 1)
    return copysign(half * 2, x)


@define
def tanh(let: Body, x: Expr) -> Expr:
    """Hyperbolic tangent: (exp(2a) - 1) / (exp(2a) + 1) for a = |x|."""
    a = let("a", at_most(let("a", absolute(x)), let.pick(9.1, 19.1)))
    half, _ = _fraction_of_expm1(let, let("a", a + a), 1)
    half = let("m", half)
    return copysign(half / (half + 1), x)


@define
def sinh(let: Body, x: Expr) -> Expr:
    """Hyperbolic sine: (m + m/(m + 1)) / 2 for m = exp(|x|) - 1."""
    a = let("a", at_most(let("a", absolute(x)), let.pick(89.5, 710.6)))
    quarter, _ = _fraction_of_expm1(let, a, 2)
    quarter = let("m", quarter)
    return copysign((quarter + quarter / fma(quarter, 4, 1)) * 2, x)


@define
def cosh(let: Body, x: Expr) -> Expr:
    """Hyperbolic cosine: (e + 1/e) / 2 for e = exp(|x|)."""
    a = let("a", at_most(let("a", absolute(x)), let.pick(89.5, 710.6)))
    _, quarter = _fraction_of_expm1(let, a, 2)
    quarter = let("e", quarter)
    return (quarter + 0.0625 / quarter) * 2


@define
def sigmoid(let: Body, x: Expr) -> Expr:
    """1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow."""
    e = let("e", call("exp", -absolute(x)))
    return select(x < 0, e, 1) / (e + 1)
