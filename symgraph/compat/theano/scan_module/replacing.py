"""`map_variables`: other variables in the place of some, also inside loops and ops of graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from symgraph.inner_graph import InnerGraph
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
        If a step would read a shared variable that has an update: it would be read more often.

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
        fresh = _on(node, given, replacer)
        for old, new in zip(node.outputs, fresh.outputs, strict=True):
            wanted = replacer(old)
            memo[old] = new if wanted is old else wanted
    return [memo[root] for root in roots]


def _on(node: Apply, given: Sequence[Variable], replacer: Replacer) -> Apply:
    """A node on other inputs, the graph in it mapped."""
    if isinstance(node.op, Scan):
        return _scan_on(node.op, given, replacer)
    if all(new is old for new, old in zip(given, node.inputs, strict=True)):
        return node
    return on_inputs(node, given)


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
