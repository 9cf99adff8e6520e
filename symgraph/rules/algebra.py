"""Algebra of sums, products and signs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from symgraph.families import Elemwise
from symgraph.graph import Apply, Variable
from symgraph.ops.arith import (
    Add,
    Mul,
    Sub,
    TrueDiv,
    abs_,
    add,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    reciprocal,
    sgn,
    sqr,
    sub,
    true_div,
)
from symgraph.ops.elementary import cos, cosh, exp, expm1, log, log1p, sqrt
from symgraph.rewrite import EXACT, FAST, NAN_BLIND, ROUNDING
from symgraph.rules.equations import Theme, Yielded, known, signed, whole
from symgraph.rules.samples import vector
from symgraph.rules.terms import finite_number_of, is_float, kind, number, number_of
from symgraph.types import FLOATS

theme = Theme("algebra")
exact = theme.marked(EXACT)
rounding = theme.marked(ROUNDING)
blind = theme.marked(NAN_BLIND)
fast = theme.marked(FAST)


@exact.rule(
    Elemwise,
    examples=lambda: [vector() + 0, vector() - 0, vector() * 1, vector() / 1, pow(vector(), 1)],
)
def unit_operand(node: Apply) -> Variable | None:
    """x + 0 = x - 0 = x * 1 = x / 1 = x ** 1 = x."""
    op = node.op
    assert isinstance(op, Elemwise)
    if op.unit is None or len(node.inputs) != 2:
        return None
    x, y = node.inputs
    if number_of(y) == op.unit:
        return x
    return y if op.commutative and number_of(x) == op.unit else None


@exact.rule(
    Elemwise,
    examples=lambda: [
        maximum(*[vector()] * 2),
        minimum(*[vector()] * 2),
        abs_(abs_(vector())),
        sgn(sgn(vector())),
    ],
)
def idempotent(node: Apply) -> Variable | None:
    """max(x, x) = x, |(|x|)| = |x|, and so for every op that says it is idempotent."""
    op, x = node.op, node.inputs[0] if node.inputs else None
    if x is None or not getattr(op, "idempotent", False):
        return None
    if len(node.inputs) == 2:
        return x if x is node.inputs[1] else None
    return x if x.owner is not None and x.owner.op == op else None


@exact.equations
def signs(x: Any, y: Any) -> Iterator[Yielded]:
    """Signs cancel, or move outwards, where the next sum takes them up."""
    yield neg(-x), x
    yield -(x - y), y - x
    yield x - (-y), x + y
    yield x + (-y), x - y
    yield (-x) - y, -(x + y)
    yield (-x) * y, -(x * y)
    yield (-x) / y, -(x / y)
    yield x / (-y), -(x / y)
    yield -(x * y), x * (-y), known(y)
    yield -(x / y), x / (-y), known(y)
    yield -(x / y), (-x) / y, known(x)
    yield x * (-1), -x
    yield x / (-1), -x


@exact.equations
def even(x: Any) -> Iterator[Yielded]:
    """Functions that do not see the sign of their operand."""
    yield abs_(-x), abs_(x), signed(x)
    yield sqr(-x), sqr(x)
    yield sqr(abs_(x)), sqr(x)
    yield cos(-x), cos(x)
    yield cosh(-x), cosh(x)


@exact.equations
def squares(x: Any) -> Iterator[Yielded]:
    """One spelling of squares and reciprocals."""
    yield x * x, sqr(x)
    yield reciprocal(x), 1 / x


@exact.equations
def whole_numbers(x: Any, y: Any) -> Iterator[Yielded]:
    """What cancels in the ring of integers modulo a power of two."""
    yield x * 0, 0, whole(x)
    yield x - x, 0, whole(x)
    yield (x + y) - y, x, whole(x)
    yield (x - y) + y, x, whole(x)
    yield x - (x - y), y, whole(x)
    yield x // 1, x, whole(x)


@blind.equations
def cancelling(x: Any, y: Any) -> Iterator[Yielded]:
    """What holds for finite operands, and roots and logarithms of positive ones."""
    yield x * 0, 0
    yield x - x, 0
    yield 0 / x, 0
    yield sqr(sqrt(x)), x
    yield exp(log(x)), x
    yield exp(log1p(x)), 1 + x
    yield expm1(log1p(x)), x


@fast.equations
def quotients(x: Any, y: Any) -> Iterator[Yielded]:
    """What holds where nothing is 0, overflows or is rounded away."""
    yield x / x, 1
    yield x * y / y, x
    yield x / y * y, x
    yield (x + y) - y, x
    yield (x - y) + y, x
    yield exp(x) * exp(y), exp(x + y)
    yield sqrt(x) * sqrt(y), sqrt(x * y)
    yield log(sqrt(x)), 0.5 * log(x)


@exact.rule(TrueDiv, examples=lambda: [vector() / 4.0])
def division_by_power_of_two(node: Apply) -> Variable | None:
    """x / 2**k = x * 2**-k, exactly."""
    x, divisor = node.inputs
    n = finite_number_of(divisor)
    if n is None or not is_float(node.outputs[0]) or abs(math.frexp(n)[0]) != 0.5:
        return None
    return mul(x, number(1 / n, node.outputs[0])) if _is_normal(1 / n, node) else None


def _is_normal(value: float, node: Apply) -> bool:
    limits = np.finfo(kind(node.outputs[0]).dtype)
    return bool(limits.tiny <= abs(value) <= limits.max)


class Scaled(NamedTuple):
    """factor * x, or factor / x."""

    factor: float
    x: Variable
    below: bool


def scaled(var: Variable) -> Scaled | None:
    """A product or quotient with a number, taken apart."""
    node = var.owner
    if node is None or not isinstance(node.op, Mul | TrueDiv):
        return None
    x, y = node.inputs
    below = isinstance(node.op, TrueDiv)
    left, right = finite_number_of(x), finite_number_of(y)
    if right is not None and right != 0:
        return Scaled(1 / right if below else right, x, False)
    return None if left is None else Scaled(left, y, below)


def _factors() -> Sequence[Variable]:
    return [
        (vector() * 2.0) * 3.0,
        (vector() / 3.0) * 2.0,
        6.0 / (vector() * 3.0),
        (6.0 / vector()) / 5.0,
    ]


@rounding.rule(Mul, TrueDiv, examples=_factors)
def collected_factors(node: Apply) -> Variable | None:
    """(x * c) * d = x * (c * d), and so for quotients."""
    out = node.outputs[0]
    outer = scaled(out)
    inner = None if outer is None else scaled(outer.x)
    if outer is None or inner is None or not _one_float_dtype(out, outer.x, inner.x):
        return None
    factor = outer.factor / inner.factor if outer.below else outer.factor * inner.factor
    if not _is_normal(factor, node):
        return None
    combine = true_div if outer.below != inner.below else mul
    made: Variable = combine(number(factor, out), inner.x)
    return made


def _one_float_dtype(*variables: Variable) -> bool:
    dtypes = {kind(v).dtype for v in variables}
    return len(dtypes) == 1 and dtypes <= set(FLOATS)


class Shifted(NamedTuple):
    """term + x, or term - x."""

    term: Any
    x: Variable
    minus: bool


def shifted(var: Variable) -> Shifted | None:
    """A sum or difference with a number, taken apart."""
    node = var.owner
    if node is None or not isinstance(node.op, Add | Sub):
        return None
    x, y = node.inputs
    minus = isinstance(node.op, Sub)
    left, right = finite_number_of(x), finite_number_of(y)
    if right is not None:
        return Shifted(-right if minus else right, x, False)
    return None if left is None else Shifted(left, y, minus)


@rounding.rule(
    Add,
    Sub,
    examples=lambda: [(vector() + 1.0) + 2.0, 5.0 + (1.0 - vector()), (vector() - 1.0) - 2.0],
)
def collected_terms(node: Apply) -> Variable | None:
    """(x + c) + d = x + (c + d), unless the numbers cancel: then the rounding may be meant."""
    out = node.outputs[0]
    outer = shifted(out)
    inner = None if outer is None else shifted(outer.x)
    if outer is None or inner is None or not _one_float_dtype(out, outer.x, inner.x):
        return None
    term = -inner.term if outer.minus else inner.term
    if term * outer.term < 0:
        return None
    total = number(outer.term + term, out)
    made: Variable = sub(total, inner.x) if outer.minus != inner.minus else add(total, inner.x)
    return made
