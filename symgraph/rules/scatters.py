"""Scatters: zeros with something added at an index, as gradients of look-ups are.

A scatter stays symbolic as long as it can, so that `W - rate * gradient` adds to the rows of W
that were looked up and touches no others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.ops.arith import Add, Mul, Neg, Sub, TrueDiv, mul, neg
from symgraph.ops.compare import EQ, eq
from symgraph.ops.create import alloc, zeros_like
from symgraph.ops.index import inc_subtensor, subtensor
from symgraph.ops.lookup import AdvancedIncSubtensor
from symgraph.ops.pattern import AT, Part
from symgraph.ops.reduce import Sum
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import Switch, switch
from symgraph.ops.shape import shape_i
from symgraph.ops.subtensor import IncSubtensor
from symgraph.rewrite import EXACT, NAN_BLIND, ROUNDING
from symgraph.rules.equations import Theme
from symgraph.rules.reductions import axes_of
from symgraph.rules.samples import matrix, scalar, vector
from symgraph.rules.terms import (
    finite_number_of,
    is_single,
    kind,
    made_by,
    number,
    number_of,
    runs_alike,
    scalar_of,
)

theme = Theme("scatters")
exact = theme.marked(EXACT)
rounding = theme.marked(ROUNDING)
nan_blind = theme.marked(NAN_BLIND)
Scatters = tuple[Apply, ...]


def scatters_of(var: Variable) -> Scatters:
    """The nodes that add one thing after the other to zeros at an index, the first one first."""
    found = list[Apply]()
    node = made_by(var, IncSubtensor, AdvancedIncSubtensor)
    while node is not None and not node.op.sets:  # type: ignore[attr-defined]
        found.append(node)
        var = node.inputs[0]
        node = made_by(var, IncSubtensor, AdvancedIncSubtensor)
    return tuple(found[::-1]) if number_of(var) == 0 else ()


def scattered(
    scatters: Scatters, change: Callable[[Variable], Variable], onto: Variable | None = None
) -> Variable:
    """The scatters with what they add changed, added to zeros unless told to what."""
    total = scatters[0].inputs[0] if onto is None else onto
    for node in scatters:
        total = node.op(total, change(node.inputs[1]), *node.inputs[2:])
    return total


def same(y: Variable) -> Variable:
    """No change."""
    return y


def by(op: Callable[..., Any], factor: Any) -> Callable[[Variable], Variable]:
    """What multiplies or divides by a factor."""
    return lambda y: op(y, factor)


def _scatter() -> Any:
    x, at = matrix(), vector(name="at", dtype="int64")
    return inc_subtensor(zeros_like(x)[at], matrix(name="y"))


def _scatters() -> Any:
    return inc_subtensor(_scatter()[1:], 0.5)


def _sums() -> Sequence[Variable]:
    return [
        matrix() + _scatter(),
        matrix() - _scatter(),
        _scatter() - matrix(),
        matrix() - _scatters(),
    ]


@rounding.rule(Add, Sub, examples=_sums, asks_readers=True)
def sum_with_scatter(node: Apply, readers: Callable[[Variable], int]) -> Variable | None:
    """a + (zeros with y added at an index) = a with y added there."""
    minus = isinstance(node.op, Sub)
    for place, (a, b) in enumerate((node.inputs, node.inputs[::-1])):
        found = scatters_of(b)
        if not found or readers(b) != 1 or not runs_alike(a, b) or kind(a).dtype != kind(b).dtype:
            continue
        if minus and place:
            return scattered(found, same, onto=neg(a))
        return scattered(found, neg if minus else same, onto=a)
    return None


@exact.rule(Neg, Mul, examples=lambda: [-_scatter(), _scatter() * 2.0, -_scatters()])
def multiple_of_scatter(node: Apply) -> Variable | None:
    """c * (zeros with y added at an index) = zeros with c * y added there, for a number c."""
    if isinstance(node.op, Neg):
        found = scatters_of(node.inputs[0])
        return scattered(found, neg) if found else None
    for a, c in (node.inputs, node.inputs[::-1]):
        factor, found = finite_number_of(c), scatters_of(a)
        if found and factor is not None and _scales(c, a, node):
            return scattered(found, by(mul, factor))
    return None


def _scales(c: Variable, a: Variable, node: Apply) -> bool:
    """Whether the result is the tensor `a` again, times one number `c`."""
    return (
        is_single(c)
        and kind(c).ndim <= kind(a).ndim
        and kind(a).dtype == kind(node.outputs[0]).dtype
    )


def _multiples() -> Sequence[Variable]:
    c = scalar("c")
    return [c * _scatter(), _scatter() / c, c * _scatters(), c * (scalar("d") * _scatter())]


@nan_blind.rule(Mul, TrueDiv, examples=_multiples)
def scaled_scatter(node: Apply) -> Variable | None:
    """c * (zeros with y added at an index) = zeros with c * y added there, for any scalar c.

    If c is no number, 0 * c is none either and belongs in every element. It is added to the
    first k rows, where k is 0 in all other cases, so that nothing is lost and nothing costs.
    What is not kept is an infinite sum of multiples, of an infinite c, of opposite signs.
    """
    pairs = (node.inputs, node.inputs[::-1]) if isinstance(node.op, Mul) else (node.inputs,)
    for a, c in pairs:
        found = scatters_of(a)
        if not found or not _scales(c, a, node) or not kind(a).ndim:
            continue
        factor = scalar_of(c)
        zeros, rest = found[0].inputs[0], number(0, a)
        if _is_rest(found[0]):
            rest, found = found[0].inputs[1], found[1:]
        rest = node.op(rest, factor)
        return scattered(found, by(node.op, factor), _with_rest(zeros, rest))
    return None


def _with_rest(zeros: Variable, rest: Variable) -> Variable:
    """Zeros, or a number that is none in every element."""
    rows = switch(eq(rest, 0), 0, shape_i(zeros, 0))
    return inc_subtensor(subtensor(zeros, slice(None, rows)), rest)


def _is_rest(scatter: Apply) -> bool:
    """Whether a scatter is one that `_with_rest` made."""
    _, rest, *numbers = scatter.inputs
    chosen = made_by(numbers[0], Switch) if len(numbers) == 1 else None
    compared = made_by(chosen.inputs[0], EQ) if chosen is not None else None
    return compared is not None and compared.inputs[0] is rest


def _picked(values: bool) -> Any:
    x, rows, columns = matrix(), vector(name="i", dtype="int64"), vector(name="j", dtype="int64")
    return inc_subtensor(zeros_like(x)[rows, columns], vector(name="y") if values else 1.0)


@rounding.rule(
    Sum, examples=lambda: [sum_over(_picked(v), a) for v in (True, False) for a in (0, 1, None)]
)
def sum_of_scatter(node: Apply) -> Variable | None:
    """A sum over an axis of zeros with y added at (i, j) is zeros with y added at i, or at j.

    Over both it is the sum of y.
    """
    found = scatters_of(node.inputs[0])
    if len(found) != 1 or not isinstance(found[0].op, AdvancedIncSubtensor):
        return None
    if type(node.op) is not Sum:
        return None
    zeros, y, *places = found[0].inputs
    axes, ndim = axes_of(node), kind(zeros).ndim
    alike = all(kind(v).shape != (1,) and kind(v).ndim == 1 for v in places)
    if len(places) != ndim or not alike or kind(y).ndim > 1:
        return None
    left = [axis for axis in range(ndim) if axis not in axes]
    if not left:
        every = y if runs_alike(y, places[0]) else alloc(y, shape_i(places[0], 0))
        return Sum((0,), node.op.dtype, node.op.acc_dtype)(every)
    small = alloc(number(0, y), *(shape_i(zeros, axis) for axis in left))
    made: Variable = AdvancedIncSubtensor((Part(AT),) * len(left), False)(
        small, y, *(places[a] for a in left)
    )
    return made
