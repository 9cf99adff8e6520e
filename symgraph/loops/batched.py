"""Loops and choices for every case of a batch at once: what a Jacobian through them needs.

A batch runs through the same steps, so the axis of steps stays in front and that of the batch
comes after it. A state is one for each case if its initial values are, or if a step makes it so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symgraph.batch import RULES, SEVERAL, Operand, Operands, vectorize
from symgraph.errors import GraphTypeError
from symgraph.graph import Apply, Variable
from symgraph.inner_graph import InnerGraph
from symgraph.loops.slots import many
from symgraph.ops.create import alloc
from symgraph.ops.ifelse import Branches
from symgraph.ops.scan import Inputs, Scan
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import Tensor, TensorType

Twins = Mapping[Variable, Variable]  # for a variable of the body, that of all cases


def of_scan(node: Apply, operands: Operands, size: Tensor) -> list[Tensor]:
    """A scan for every case of a batch."""
    op = node.op
    assert isinstance(op, Scan)
    given = op.inputs(operands)
    if given.count.batched:
        raise GraphTypeError(
            f"{op}, made at {node.made_at}, has numbers of steps that differ within a batch"
        )
    twins, outputs = _body(op, given, node)
    reads = op.arguments(op.body.inputs)
    body = InnerGraph(tuple(twins.get(v, v) for v in op.body.inputs), outputs)
    new = replace(op, body=body)
    rows = [_steps_first(x) for x in given.sequences]
    initials = [
        _steps_first(Operand(x.spread(size), x.ndim, True) if lags[0] in twins else x)
        for x, lags in zip(given.initials, reads.lagged, strict=True)
    ]
    made = many(new(given.count.var, *rows, *initials, *(x.var for x in given.others)))
    old, found = op.outputs(node.outputs), new.outputs(made)
    pairs = [*zip(old.states, found.states, strict=True), *zip(old.rows, found.rows, strict=True)]
    results = [_batch_first(after, before, size) for before, after in pairs]
    return [*results, *([alloc(found.steps, size)] if op.stops else [])]


def _body(op: Scan, given: Inputs, node: Apply) -> tuple[Twins, tuple[Variable, ...]]:
    """The variables of the body that differ from case to case, and what a step makes of all."""
    reads, count = op.arguments(op.body.inputs), len(op.states)
    twins: dict[Variable, Variable] = {}
    slots = [*given.sequences, *given.others], [*reads.rows, *reads.others]
    for operand, var in zip(*slots, strict=True):
        if operand.batched:
            twins[var] = _of_all(var)
    pending = [k for k, initial in enumerate(given.initials) if initial.batched]
    while True:
        twins |= {var: _of_all(var) for k in pending for var in reads.lagged[k]}
        outputs = vectorize(op.body.outputs, twins) if twins else list(op.body.outputs)
        several = [_differs(a, b) for a, b in zip(op.body.outputs, outputs, strict=True)]
        pending = [k for k in range(count) if several[k] and reads.lagged[k][0] not in twins]
        if not pending:
            break
    if op.stops and several[-1]:
        raise GraphTypeError(
            f"{op}, made at {node.made_at}, ends at steps that differ within a batch"
        )
    for k, lags in enumerate(reads.lagged):
        if lags[0] in twins and not several[k]:
            var, rows = outputs[k], shape_i(twins[lags[0]], 0)
            outputs[k] = _spread(var, rows)
    return twins, tuple(outputs)


def _of_all(var: Tensor) -> Tensor:
    """A variable that holds one for every case."""
    twin: Tensor = TensorType(var.type.dtype, (None, *var.type.shape))(var.name)
    twin.made_at = var.made_at
    return twin


def _differs(one: Tensor, found: Tensor) -> bool:
    return bool(found.type.ndim > one.type.ndim)


def _spread(var: Tensor, size: Tensor) -> Tensor:
    """One value repeated for every case."""
    return Operand(var, var.type.ndim, False).spread(size)


def _steps_first(operand: Operand) -> Tensor:
    """Rows or initial values with the axis of the batch behind that of steps."""
    rest = range(2, operand.ndim + 1)
    return dimshuffle(operand.var, 1, 0, *rest) if operand.batched else operand.var


def _batch_first(made: Tensor, one: Tensor, size: Tensor) -> Tensor:
    """An output with the axis of the batch in front."""
    if not _differs(one, made):
        return _spread(made, size)
    return dimshuffle(made, 1, 0, *range(2, made.type.ndim))


def of_branches(node: Apply, operands: Operands, size: Tensor) -> list[Tensor]:
    """A lazy choice for every case of a batch, which all cases have to share."""
    op = node.op
    assert isinstance(op, Branches)
    condition, *values = operands
    if condition.batched:
        raise GraphTypeError(
            f"{op}, made at {node.made_at}, has conditions that differ within a batch; choose"
            " element by element with T.switch"
        )
    number = TensorType("int64", ())("size")
    sides = op.inputs([condition, *values])
    graphs = [
        _side(graph, given, number)
        for graph, given in zip((op.then, op.otherwise), sides, strict=True)
    ]
    then, otherwise = ([x.var for x in side] for side in sides)
    return many(Branches(*graphs)(condition.var, *then, size, *otherwise, size))


def _side(graph: InnerGraph, given: Sequence[Operand], size: Tensor) -> InnerGraph:
    """One graph of a choice, its outputs with a batch axis; the size of the batch comes last."""
    twins = {v: _of_all(v) for v, x in zip(graph.inputs, given, strict=True) if x.batched}
    outputs = vectorize(graph.outputs, twins) if twins else list(graph.outputs)
    spread = [
        var if _differs(one, var) else _spread(var, size)
        for one, var in zip(graph.outputs, outputs, strict=True)
    ]
    return InnerGraph((*(twins.get(v, v) for v in graph.inputs), size), tuple(spread))


RULES[Scan], RULES[Branches] = of_scan, of_branches
SEVERAL.update((Scan, Branches))
