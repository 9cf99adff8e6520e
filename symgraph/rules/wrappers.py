"""Ops that stand around others: inner graphs are opened, checks that hold are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import CheckError
from symgraph.graph import Apply, Graph, Variable
from symgraph.ops.arith import add
from symgraph.ops.cast import cast
from symgraph.ops.checks import CheckAndRaise
from symgraph.ops.compare import isnan
from symgraph.ops.custom import FromFunctionOp
from symgraph.ops.inner import GraphOp
from symgraph.ops.logic import invert, or_
from symgraph.ops.shape import ShapeI, shape_i
from symgraph.rewrite import EXACT
from symgraph.rules.equations import Theme
from symgraph.rules.samples import matrix, scalar, vector
from symgraph.rules.terms import kind, made_by, number_of
from symgraph.types import as_tensor_variable

theme = Theme("wrappers")
exact = theme.marked(EXACT)


def _opened() -> list[Variable]:
    x, y = vector(name="x"), vector(name="y")
    inner = GraphOp(Graph((x, y), (add(x, y),)), "adds")
    return [inner(vector(), vector(name="w"))]


@exact.rule(GraphOp, examples=_opened)
def open_inner_graph(node: Apply) -> Sequence[Variable]:
    """An op that is a graph becomes that graph, so that it fuses with what is around it."""
    assert isinstance(node.op, GraphOp)
    return node.op.opened(node.inputs)


def _checked(x: Any, condition: Any) -> Variable:
    check = CheckAndRaise(CheckError, "never")
    result: Variable = check(x, condition)
    return result


def _held() -> Any:
    """A condition that always holds, though no rule knows."""
    nan = isnan(scalar("s"))
    return or_(nan, invert(nan))


@exact.rule(CheckAndRaise, examples=lambda: [_checked(matrix(), True)])
def passed_check(node: Apply) -> Variable | None:
    """Conditions that hold are dropped, and a check without any."""
    x, *conditions = node.inputs
    left = [c for c in conditions if number_of(c) is not True]
    if len(left) == len(conditions) > 0:
        return None
    result: Variable = node.op(x, *left) if left else x
    return result


@exact.rule(ShapeI, examples=lambda: [ShapeI(0)(_checked(matrix(), _held()))])
def size_of_checked(node: Apply) -> Variable | None:
    """A check changes no size."""
    made = made_by(node.inputs[0], CheckAndRaise)
    axis: int = node.op.axis  # type: ignore[attr-defined]
    return None if made is None else shape_i(made.inputs[0], axis)


def _stated() -> list[Variable]:
    kind = vector().type
    doubled = FromFunctionOp(np.square, (kind,), (kind,), lambda node, shapes: shapes)
    return [ShapeI(0)(doubled(vector()))]


@exact.rule(ShapeI, examples=_stated)
def size_by_infer_shape(node: Apply) -> Variable | None:
    """A size that an op of the user's says how to compute, by `infer_shape`."""
    made, place = node.inputs[0].owner, node.inputs[0].index
    infer = getattr(made.op, "infer_shape", None) if made is not None else None
    if made is None or infer is None or place is None:
        return None
    found = infer(made, [tuple(shape_i(v, k) for k in range(kind(v).ndim)) for v in made.inputs])
    if found is None:
        return None
    size: Variable = found[place][node.op.axis]  # type: ignore[attr-defined]
    return cast(as_tensor_variable(size), "int64")


@exact.rule(CheckAndRaise, examples=lambda: [_checked(matrix(), _held())])
def remove_checks(node: Apply) -> Variable:
    """Checks are dropped, held or not; only in a mode that includes this rule."""
    return node.inputs[0]
