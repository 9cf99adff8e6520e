"""The reference interpreter: every op by its NumPy meaning. It defines the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symgraph.errors import MissingInputError
from symgraph.graph import Apply, Constant, Variable, toposort

Watch = Callable[[Apply, Sequence[Any]], None]


def interpret(
    outputs: Sequence[Variable], values: Mapping[Variable, Any], watch: Watch | None = None
) -> list[Any]:
    """The values of `outputs` when the variables in `values` have those values.

    `watch(node, results)` is called after each node.
    """
    known: dict[Variable, Any] = dict(values)

    def value(var: Variable) -> Any:
        if var in known:
            return known[var]
        if isinstance(var, Constant):
            return var.data
        raise MissingInputError(f"{var}, made at {var.made_at}, has no value")

    for node in toposort(outputs, stop=known):
        results = node.op.evaluate(node, [value(var) for var in node.inputs])
        if watch is not None:
            watch(node, results)
        known.update(zip(node.outputs, results, strict=True))
    return [value(var) for var in outputs]
