"""Equations between an expression that overflows, underflows or cancels and one that does not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from symgraph.ops.arith import abs_, maximum, sqr
from symgraph.ops.compare import eq
from symgraph.ops.elementary import erf, erfc, exp, expm1, log, log1p, sigmoid, softplus, sqrt
from symgraph.ops.select import switch
from symgraph.rewrite import ROUNDING
from symgraph.rules.equations import WILDCARD, Guard, Theme, Yielded, read_once
from symgraph.rules.powers import is_nonnegative

theme = Theme("stable")
rounding = theme.marked(ROUNDING)


def nonnegative(part: Any) -> Guard:
    """Holds if a wildcard is what some op gives that gives no negative numbers."""
    return Guard(lambda b, readers: is_nonnegative(b[part]), {part: sqr(WILDCARD("z"))})


@rounding.equations
def softplus_forms(x: Any) -> Iterator[Yielded]:
    """log(1 + exp(x)), and logarithms of the logistic function."""
    yield log(1 + exp(x)), softplus(x)
    yield log1p(exp(x)), softplus(x)
    yield log(sigmoid(x)), -softplus(-x)
    yield log1p(-sigmoid(x)), -softplus(x)
    yield log(1 - sigmoid(x)), -softplus(x)


@rounding.equations
def sigmoid_forms(x: Any, y: Any) -> Iterator[Yielded]:
    """The logistic function, however it is written, and beside a factor."""
    yield exp(x) / (1 + exp(x)), sigmoid(x)
    yield exp(x) / (exp(x) + exp(y)), sigmoid(x - y)
    yield 1 / (1 + exp(-x)), sigmoid(x)
    yield 1 / (1 + exp(x)), sigmoid(-x)
    yield y / (1 + exp(-x)), y * sigmoid(x)
    yield y / (1 + exp(x)), y * sigmoid(-x)
    yield exp(-x) * sigmoid(x), sigmoid(-x)
    yield exp(x) * sigmoid(-x), sigmoid(x)


@rounding.equations
def complement(x: Any) -> Iterator[Yielded]:
    """1 - sigmoid(x) without cancellation, where that costs no second exponential."""
    s = sigmoid(x)
    yield 1 - s, sigmoid(-x), read_once(s)


@rounding.equations
def inverses(x: Any) -> Iterator[Yielded]:
    """Pairs that undo each other, but overflow in between."""
    yield log(exp(x)), x
    yield log1p(expm1(x)), x
    yield sqrt(sqr(x)), abs_(x)


@rounding.equations
def near_one(x: Any) -> Iterator[Yielded]:
    """Sums with 1 that cancel."""
    yield log(1 + x), log1p(x)
    yield log(1 - x), log1p(-x)
    yield exp(x) - 1, expm1(x)
    yield 1 - exp(x), -expm1(x)
    yield 1 - erf(x), erfc(x)
    yield 1 - erfc(x), erf(x)


@rounding.equations
def log_of_sum(x: Any, y: Any) -> Iterator[Yielded]:
    """log(exp(x) + exp(y)), the larger taken out first; equal infinities stay."""
    apart = maximum(x, y) + softplus(-abs_(x - y))
    yield log(exp(x) + exp(y)), switch(eq(x, y), x + math.log(2), apart)


@rounding.equations
def log_of_quotient(x: Any, y: Any) -> Iterator[Yielded]:
    """Logarithms of a softmax and its like, finite where the quotient underflows."""
    yield log(exp(x) / y), x - log(y), nonnegative(y)
    yield log(y / exp(x)), log(y) - x, nonnegative(y)
    yield log(y * exp(x)), log(y) + x, nonnegative(y)
