"""Choices and comparisons whose outcome is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.ops.arith import Maximum, Minimum, maximum, minimum
from symgraph.ops.compare import eq, ge, gt, le, lt, neq
from symgraph.ops.logic import And, Invert, Or, and_, invert, or_
from symgraph.ops.select import Switch, switch
from symgraph.rewrite import EXACT, NAN_BLIND
from symgraph.rules.equations import Theme, Yielded, whole
from symgraph.rules.samples import vector
from symgraph.rules.terms import kind, made_by, number_of
from symgraph.types import constant

theme = Theme("choice")
exact = theme.marked(EXACT)
blind = theme.marked(NAN_BLIND)


def _switches() -> Sequence[Variable]:
    c, x, y = vector(dtype="bool"), vector(), vector(name="y")
    inner, turned = switch(c, x, y), switch(invert(c), y, x)
    return [switch(True, x, y), switch(c, x, x), switch(c, inner, y), switch(c, y, inner), turned]


@exact.rule(Switch, examples=_switches)
def decided_switch(node: Apply) -> Variable | None:
    """A choice that is known, makes no difference, or was made before."""
    condition, then, other = node.inputs
    known = number_of(condition)
    if known is not None:
        return then if known else other
    if then is other:
        return then
    turned = made_by(condition, Invert)
    if turned is not None and kind(condition).dtype == "bool":
        return switch(turned.inputs[0], other, then)
    taken = _chosen(condition, then, 1), _chosen(condition, other, 2)
    changed = taken[0] is not then or taken[1] is not other
    return switch(condition, *taken) if changed else None


def _chosen(condition: Variable, branch: Variable, place: int) -> Variable:
    """What a branch is, now that the condition is known to hold, or not to."""
    node = made_by(branch, Switch)
    return node.inputs[place] if node is not None and node.inputs[0] is condition else branch


@exact.equations
def repeated_extrema(x: Any, y: Any) -> Iterator[Yielded]:
    """A bound that was applied already."""
    yield maximum(maximum(x, y), y), maximum(x, y)
    yield minimum(minimum(x, y), y), minimum(x, y)


@exact.rule(
    Maximum, Minimum, examples=lambda: [maximum(vector(), -math.inf), minimum(vector(), math.inf)]
)
def infinite_bound(node: Apply) -> Variable | None:
    """max(x, -inf) = min(x, inf) = x."""
    nothing = -math.inf if isinstance(node.op, Maximum) else math.inf
    x, y = node.inputs
    if number_of(y) == nothing:
        return x
    return y if number_of(x) == nothing else None


@exact.equations
def compared_with_itself(x: Any) -> Iterator[Yielded]:
    """x < x never holds; the others need x not to be NaN."""
    yield lt(x, x), False
    yield gt(x, x), False
    yield le(x, x), True, whole(x)
    yield ge(x, x), True, whole(x)
    yield eq(x, x), True, whole(x)
    yield neq(x, x), False, whole(x)


@exact.equations
def turned_comparison(x: Any, y: Any) -> Iterator[Yielded]:
    """not (x == y) is x != y; the others need operands that are not NaN."""
    yield invert(eq(x, y)), neq(x, y)
    yield invert(neq(x, y)), eq(x, y)
    yield invert(lt(x, y)), ge(x, y), whole(x) & whole(y)
    yield invert(le(x, y)), gt(x, y), whole(x) & whole(y)
    yield invert(gt(x, y)), le(x, y), whole(x) & whole(y)
    yield invert(ge(x, y)), lt(x, y), whole(x) & whole(y)


@blind.equations
def turned_comparison_of_numbers(x: Any, y: Any) -> Iterator[Yielded]:
    """not (x < y) is x >= y where neither is NaN."""
    yield invert(lt(x, y)), ge(x, y)
    yield invert(le(x, y)), gt(x, y)
    yield invert(gt(x, y)), le(x, y)
    yield invert(ge(x, y)), lt(x, y)


def _decided() -> Sequence[Variable]:
    x = vector(dtype="bool")
    return [and_(x, True), and_(False, x), or_(x, True), or_(False, x), invert(invert(x))]


@exact.rule(And, Or, Invert, examples=_decided)
def decided_logic(node: Apply) -> Variable | None:
    """x and True = x or False = x; x and False = False; x or True = True; not not x = x."""
    if isinstance(node.op, Invert):
        twice = made_by(node.inputs[0], Invert)
        return None if twice is None else twice.inputs[0]
    if kind(node.outputs[0]).dtype != "bool":
        return None
    for x, known in (node.inputs, node.inputs[::-1]):
        value = number_of(known)
        if value is not None:
            return x if bool(value) == isinstance(node.op, And) else constant(bool(value))
    return None
