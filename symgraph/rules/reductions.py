"""Reductions: over axes of size 1, of reductions, of repeats, of what a factor scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symgraph.families import Reduce
from symgraph.graph import Apply, Variable
from symgraph.ops import extrema, reduce
from symgraph.ops.arith import Mul, Neg, TrueDiv, mul, neg, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq, isnan
from symgraph.ops.create import Alloc, alloc
from symgraph.ops.extrema import Argmax, Argmin, First, Max, Min
from symgraph.ops.logic import or_
from symgraph.ops.reduce import All, Any_, Prod, Sum, spread
from symgraph.ops.shape import DimShuffle, dimshuffle, transpose
from symgraph.rewrite import EXACT, NAN_BLIND, ROUNDING
from symgraph.rules.axes import order_of
from symgraph.rules.equations import Theme
from symgraph.rules.samples import matrix, scalar, vector
from symgraph.rules.terms import (
    finite_number_of,
    is_float,
    is_single,
    kind,
    made_by,
    scalar_of,
)
from symgraph.types import CONTINUOUS, constant

FOLDS = (Sum, Prod, Max, Min, All, Any_)  # those for which the order of elements is nothing

theme = Theme("reductions")
exact = theme.marked(EXACT)
rounding = theme.marked(ROUNDING)
blind = theme.marked(NAN_BLIND)


def axes_of(node: Apply) -> tuple[int, ...]:
    """The axes a node reduces."""
    assert isinstance(node.op, Reduce)
    return node.op.axes


def over(node: Apply, axes: Sequence[int], x: Variable) -> Variable:
    """The reduction of `node` over other axes of another operand."""
    made: Any = replace(node.op, axes=tuple(sorted(axes)))(x)  # type: ignore[type-var]
    result: Variable = made
    return result


@exact.rule(
    *FOLDS,
    examples=lambda: [
        extrema.max(matrix(1, 4), 0),
        reduce.sum(matrix(1, None)),
        reduce.all(matrix(1, 3), 0),
        Sum((), "float64", "float64")(vector()),
    ],
)
def reduction_of_single(node: Apply) -> Variable | None:
    """Axes of size 1 are dropped, not reduced."""
    (x,), axes = node.inputs, axes_of(node)
    gone = [a for a in axes if kind(x).shape[a] == 1]
    if len(gone) < len(axes) and not gone:
        return None
    left = dimshuffle(x, *(a for a in range(kind(x).ndim) if a not in gone))
    rest = [a - len([g for g in gone if g < a]) for a in axes if a not in gone]
    return over(node, rest, left) if rest else cast(left, kind(node.outputs[0]).dtype)


@rounding.rule(
    *FOLDS,
    examples=lambda: [
        reduce.sum(reduce.sum(matrix(), 0)),
        extrema.max(extrema.max(matrix(), 1)),
        reduce.any(reduce.any(matrix(dtype="bool"), 0)),
    ],
)
def reduction_of_reduction(node: Apply) -> Variable | None:
    """A sum of sums is a sum, and so for every other fold."""
    inner = made_by(node.inputs[0], *FOLDS)
    if inner is None or replace(inner.op, axes=axes_of(node)) != node.op:  # type: ignore[type-var]
        return None
    (x,), first = inner.inputs, axes_of(inner)
    left = [a for a in range(kind(x).ndim) if a not in first]
    return over(node, [*first, *(left[a] for a in axes_of(node))], x)


@rounding.rule(
    *FOLDS,
    examples=lambda: [
        reduce.sum(transpose(matrix()), 0),
        extrema.max(dimshuffle(matrix(), "x", 1, 0), (0, 2)),
    ],
)
def reduction_of_shuffle(node: Apply) -> Variable | None:
    """The axes are reduced where they were, and those that stay are reordered."""
    inner = made_by(node.inputs[0], DimShuffle)
    if inner is None:
        return None
    order, (x,) = order_of(inner), inner.inputs
    reduced = {order[a] for a in axes_of(node)} - {"x"}
    kept = [axis for place, axis in enumerate(order) if place not in axes_of(node)]
    if len([a for a in order if a != "x"]) != kind(x).ndim or not reduced:
        return None
    left = [a for a in range(kind(x).ndim) if a not in reduced]
    small = over(node, [int(a) for a in reduced], x)
    return dimshuffle(small, *("x" if a == "x" else left.index(int(a)) for a in kept))


@exact.rule(Sum, examples=lambda: [reduce.sum(-matrix(), 0)])
def sum_of_negative(node: Apply) -> Variable | None:
    """sum(-x) = -sum(x)."""
    inner = made_by(node.inputs[0], Neg)
    if inner is None or not is_float(inner.outputs[0]) or isinstance(node.op, Prod):
        return None
    return neg(node.op(inner.inputs[0]))


@rounding.rule(Sum, examples=lambda: [reduce.sum(matrix() * 3.0, 0), reduce.sum(3.0 * vector())])
def sum_of_multiple(node: Apply) -> Variable | None:
    """sum(c * x) = c * sum(x) for a number c."""
    return _factor_out(node, finite=True)


@blind.rule(
    Sum, examples=lambda: [reduce.sum(matrix() * scalar(), 0), reduce.sum(vector() / scalar())]
)
def sum_of_scaled(node: Apply) -> Variable | None:
    """sum(c * x) = c * sum(x) for a scalar c, which has to be finite."""
    return _factor_out(node, finite=False)


def _factor_out(node: Apply, finite: bool) -> Variable | None:
    inner = made_by(node.inputs[0], Mul, TrueDiv)
    if inner is None or isinstance(node.op, Prod) or kind(node.inputs[0]).dtype not in CONTINUOUS:
        return None
    quotient = isinstance(inner.op, TrueDiv)
    for x, c in (inner.inputs, inner.inputs[::-1])[: 1 if quotient else 2]:
        number = finite_number_of(c)
        fits = is_single(c) and kind(x).dtype == kind(node.inputs[0]).dtype
        if fits and kind(x).ndim == kind(node.inputs[0]).ndim and (number or not finite):
            combine = true_div if quotient else mul
            return combine(node.op(x), scalar_of(c))
    return None


def _repeats() -> Sequence[Variable]:
    row, n = vector(), scalar("n", dtype="int64")
    whole = alloc(scalar(), 3, 2), alloc(row, 3, row.shape[0]), alloc(2.0, n)
    return [
        extrema.max(whole[0]),
        extrema.min(whole[1], 0),
        reduce.sum(whole[1], 0),
        reduce.sum(whole[2]),
    ]


@rounding.rule(Sum, Max, Min, All, Any_, examples=_repeats)
def reduction_of_repeat(node: Apply) -> Variable | None:
    """The largest of equal values is any of them; their sum is one times how many there are."""
    found = _repeated_there(node)
    if found is None or isinstance(node.op, Prod):
        return None
    value, count = found
    dtype = kind(node.outputs[0]).dtype
    if not isinstance(node.op, Sum):
        return cast(value, dtype)
    return mul(cast(value, dtype), cast(count, dtype))


def _repeated_there(node: Apply) -> tuple[Variable, Variable] | None:
    """What remains of a repeat reduced along axes it runs along, and how many there were.

    None where there might be nothing to reduce, which makes a sum 0 and an extremum an error.
    """
    (x,), axes = node.inputs, axes_of(node)
    inner = made_by(x, Alloc)
    if inner is None:
        return None
    value, *sizes = inner.inputs
    lead, shape = len(sizes) - kind(value).ndim, kind(value).shape
    if any(a >= lead and shape[a - lead] != 1 for a in axes) or not _is_something(node, value):
        return None
    small = dimshuffle(value, *(a - lead for a in range(lead, len(sizes)) if a not in axes))
    kept = [size for a, size in enumerate(sizes) if a not in axes]
    count = constant(np.int64(1))
    for axis in axes:
        count = mul(count, sizes[axis])
    return (alloc(small, *kept) if kept else small), count


def _is_something(node: Apply, value: Variable) -> bool:
    counts = [kind(node.inputs[0]).shape[a] for a in axes_of(node)]
    finite_sum = isinstance(node.op, Sum) and finite_number_of(value) is not None
    return finite_sum or all(isinstance(n, int) and n > 0 for n in counts)


@exact.rule(
    Argmax,
    Argmin,
    examples=lambda: [
        extrema.argmax(matrix(), 1),
        extrema.argmin(vector()),
        extrema.argmax(matrix()),
    ],
)
def position_of_extremum(node: Apply) -> Variable | None:
    """argmax(x) is the first position where x is max(x), or NaN if that is.

    Along the last axis both looks take several elements at once; value and position together do
    not.
    """
    (x,), axes = node.inputs, axes_of(node)
    if kind(x).ndim - 1 not in axes:
        return None
    best = (Max if isinstance(node.op, Argmax) else Min)(axes)(x)
    there = eq(x, spread(best, x, axes))
    if kind(x).dtype in CONTINUOUS:
        there = or_(there, isnan(x))
    return First(axes)(there)
