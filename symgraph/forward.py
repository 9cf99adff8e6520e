"""Derivatives pushed forward: the product of a Jacobian with a column vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symgraph.absent import without_nothing
from symgraph.errors import GraphTypeError
from symgraph.grad import as_list, finished, nodes_between, pullback
from symgraph.graph import Apply, Op, Variable, ancestors, clone_graph
from symgraph.ops.create import zeros_like
from symgraph.types import Tensor, as_tensor_variable


def Rop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    disconnected_outputs: str = "raise",
) -> Any:
    """The product of the Jacobian df/dwrt with a column vector (`eval_points`, shaped like `wrt`).

    The pullback u -> u.J is linear in u, so its own pullback along `eval_points` is J.v
    (J. Townsend, "A new trick for calculating Jacobian vector products", 2017). Where an op on the
    way has an `R_op` of its own, the derivative is pushed forward node by node, and that is used.
    """
    outputs, targets = as_list(f), as_list(wrt)
    points = [as_tensor_variable(p) for p in as_list(eval_points)]
    for var, point in zip(targets, points, strict=True):
        if var.type.ndim != point.type.ndim:
            raise GraphTypeError(
                f"the eval point of {var} is {point.type}; it has to be like {var.type}"
            )
    between = nodes_between(targets, outputs, set())
    if any(has_own_rop(node.op) for node in between):
        pushed = _forward(between, dict(zip(targets, points, strict=True)))
        results = [_pushed(out, pushed.get(out), targets, disconnected_outputs) for out in outputs]
    else:
        results = [_push(out, targets, points, disconnected_outputs) for out in outputs]
    return type(f)(results) if isinstance(f, list | tuple) else results[0]


def has_own_rop(op: Op) -> bool:
    """Whether the class of an op says how derivatives are pushed through it."""
    return type(op).R_op is not Op.R_op


def _forward(
    nodes: Sequence[Apply], tangents: Mapping[Variable, Variable]
) -> dict[Variable, Variable]:
    """The derivatives of all outputs of `nodes` along those of their inputs, in order."""
    known = dict(tangents)
    for node in nodes:
        points = [known.get(var) for var in node.inputs]
        if has_own_rop(node.op):
            found = without_nothing(node.op.R_op(node.inputs, points))
        else:
            found = [_through_forward(out, points) for out in node.outputs]
        pairs = zip(node.outputs, found, strict=True)
        known = {out: g for out, g in pairs if g is not None} | known
    return known


def _through_forward(out: Variable, points: Sequence[Variable | None]) -> Variable | None:
    """The derivative of one output of a node, taken by itself, along those of its inputs."""
    node = out.owner
    assert node is not None
    assert out.index is not None
    leaves = [v if p is None else v.type() for v, p in zip(node.inputs, points, strict=True)]
    alone: Tensor = node.clone_with_new_inputs(leaves).outputs[out.index]
    moved = [(leaf, p) for leaf, p in zip(leaves, points, strict=True) if p is not None]
    if not moved:
        return None
    pushed = _push(alone, [leaf for leaf, _ in moved], [p for _, p in moved], "ignore")
    given = {leaf: v for leaf, v in zip(leaves, node.inputs, strict=True) if leaf is not v}
    (result,) = clone_graph([pushed], given)
    return result


def _push(out: Tensor, wrt: Sequence[Tensor], points: Sequence[Tensor], policy: str) -> Tensor:
    dual = out.type.make_variable()
    rows = pullback({out: dual}, wrt)
    known = {row: p for row, p in zip(rows, points, strict=True) if row is not None}
    found = pullback(known, [dual])[0] if known else None
    pushed = zeros_like(out) if known and found is None else _pushed(out, found, wrt, policy)
    if dual in set(ancestors([pushed])):
        (pushed,) = clone_graph([pushed], {dual: zeros_like(out)})
    return pushed


def _pushed(out: Tensor, found: Tensor | None, wrt: Sequence[Tensor], policy: str) -> Tensor:
    """A derivative, zeros if `out` does not depend on `wrt` and that is allowed."""
    if found is None:
        finished(None, wrt[0], out, policy, "none")
        return zeros_like(out)
    return found
