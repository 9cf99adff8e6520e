"""`map_variables`: other variables in the place of some, also inside loops and ops of graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from symgraph.inner_graph import InnerGraph
from symgraph.from_graph import DEFAULT, OpFromGraph
from symgraph.graph import Apply, Constant, Variable, clone_graph, inputs, toposort
from symgraph.ops.scan import Scan
from symgraph.rewrite import on_inputs
from symgraph.shared import SharedVariable

__all__ = ["map_variables"]
Replacer = Callable[[Variable], Variable]


def map_variables(
    replacer: Replacer, graphs: Iterable[Variable], additional_inputs: Iterable[Variable] = ()
) -> list[Variable]:
    """Copies of graphs in which `replacer(variable)` stands for each variable.

    What it gives is not looked at again. In the steps of a scan it may give what depends on
    variables outside, which the steps are then passed.

    Raises
    ------
    NotImplementedError
        If a step would read a shared variable that has an update: it would be read more often. If
        something is replaced in an `OpFromGraph` whose gradients are overridden.

    >>> import symgraph.compat.theano.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> (out,) = map_variables(lambda v: y if v is x else v, [x * 2])
    >>> out.eval({y: 3.0})
    array(6.)
    """
    roots = list(graphs)
    memo: dict[Variable, Variable] = {var: replacer(var) for var in inputs(roots)}
    for node in toposort(roots):
        given = [memo[v] for v in node.inputs]
        for old, new in zip(node.outputs, _on(node, given, replacer), strict=True):
            wanted = replacer(old)
            memo[old] = new if wanted is old else wanted
    return [memo[root] for root in roots]


def _on(node: Apply, given: Sequence[Variable], replacer: Replacer) -> Sequence[Variable]:
    """The outputs of a node on other inputs, the graph in it mapped."""
    if isinstance(node.op, Scan):
        return _scan_on(node.op, given, replacer).outputs
    if isinstance(node.op, OpFromGraph):
        return _graph_on(node.op, given, replacer)
    if all(new is old for new, old in zip(given, node.inputs, strict=True)):
        return node.outputs
    return on_inputs(node, given).outputs


def _graph_on(op: OpFromGraph, given: Sequence[Variable], replacer: Replacer) -> list[Variable]:
    """What the mapped graph of an op makes, opened; what it was written with stands for inputs."""
    results = map_variables(replacer, op.body.outputs)
    if all(new is old for new, old in zip(results, op.body.outputs, strict=True)):
        return list(op.make_node(*given).outputs)
    if any(override != DEFAULT for override in (op.lop, op.rop)):
        raise NotImplementedError(f"map_variables: {op} has gradients of its own for its graph")
    places = zip((*op.body.inputs, *op.written), (*given, *given), strict=True)
    return clone_graph(results, dict(places))


def _scan_on(op: Scan, given: Sequence[Variable], replacer: Replacer) -> Apply:
    body = op.body
    results = map_variables(replacer, body.outputs)
    leaves = (v for v in inputs(results) if not isinstance(v, Constant))
    foreign = [v for v in leaves if v not in body.inputs]
    for var in foreign:
        moves = getattr(var, "update", None), getattr(var, "default_update", None)
        if isinstance(var, SharedVariable) and any(update is not None for update in moves):
            raise NotImplementedError(
                f"map_variables: a step would read {var}, which has an update; return the update"
                " from the function of the scan instead"
            )
    inner: dict[Any, Any] = {var: var.type.make_variable(var.name) for var in foreign}
    graph = InnerGraph((*body.inputs, *inner.values()), tuple(clone_graph(results, inner)))
    return replace(op, body=graph).make_node(*given, *foreign)
