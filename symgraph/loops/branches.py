"""The gradient of a lazy choice: a lazy choice of gradients."""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.families import is_continuous
from symgraph.grad import pullback
from symgraph.graph import Variable
from symgraph.inner_graph import InnerGraph
from symgraph.loops.slots import many
from symgraph.ops.create import zeros_like
from symgraph.ops.ifelse import Branches
from symgraph.types import Tensor, Tensors


def differentiate(op: Branches, inputs: Tensors, output_grads: Tensors) -> Tensors:
    """The pullback of the graph that was run, zeros for what the other one reads."""
    sides = op.inputs(inputs)
    found: list[Tensor | None] = [None] * len(inputs)
    for number, (graph, given) in enumerate(zip((op.then, op.otherwise), sides, strict=True)):
        start = 1 + number * len(sides[0])
        cotangents = _of_side(op, number, graph, inputs, output_grads)
        found[start : start + len(given)] = cotangents
    return found


def _of_side(
    op: Branches, number: int, graph: InnerGraph, inputs: Tensors, output_grads: Tensors
) -> list[Tensor | None]:
    """What the inputs of one graph are owed."""
    given = op.inputs(inputs)[number]
    duals = [v.type.make_variable(v.name) for v in graph.outputs]
    starts: dict[Variable, Variable] = {}
    for var, dual in zip(graph.outputs, duals, strict=True):
        if is_continuous(var):
            starts[var] = starts[var] + dual if var in starts else dual  # type: ignore[operator]
    wanted = [v for v in graph.inputs if is_continuous(v)]
    owed = pullback(starts, wanted) if starts and wanted else []
    back = {v: g for v, g in zip(wanted, owed, strict=False) if g is not None}
    if not back:
        return [None] * len(given)
    return _chosen(op, number, graph, inputs, output_grads, duals, back)


def _chosen(
    op: Branches,
    number: int,
    graph: InnerGraph,
    inputs: Tensors,
    output_grads: Tensors,
    duals: Sequence[Variable],
    back: dict[Variable, Variable],
) -> list[Tensor | None]:
    given = op.inputs(inputs)[number]
    pulled = InnerGraph((*graph.inputs, *duals), tuple(back.values()))
    outer = dict(zip(graph.inputs, given, strict=True))
    like = {v: v.type.make_variable(v.name) for v in back}
    nothing = InnerGraph(tuple(like.values()), tuple(zeros_like(v) for v in like.values()))
    taken, others = [*given, *output_grads], [outer[v] for v in back]
    sides = (pulled, nothing) if number == 0 else (nothing, pulled)
    values = [*taken, *others] if number == 0 else [*others, *taken]
    made = dict(zip(back, many(Branches(*sides)(inputs[0], *values)), strict=True))
    return [made.get(v) for v in graph.inputs]


Branches.differentiate = differentiate
