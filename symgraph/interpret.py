"""The reference interpreter: every op by its NumPy meaning. It defines the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symgraph.errors import MissingInputError
from symgraph.graph import Apply, Constant, Variable

Watch = Callable[[Apply, Sequence[Any], Sequence[Any] | None], None]


def interpret(
    outputs: Sequence[Variable], values: Mapping[Variable, Any], watch: Watch | None = None
) -> list[Any]:
    """The values of `outputs` when the variables in `values` have those values.

    Only what is needed is computed: of a lazy op, what it awaits. `watch(node, operands, results)`
    is called before each node, its results being None, and after it.
    """
    known: dict[Variable, Any] = dict(values)
    stack = list(reversed(outputs))
    while stack:
        var = stack[-1]
        if var in known:
            stack.pop()
        elif var.owner is None:
            known[var] = _given(var)
        else:
            waits = [v for v in var.owner.op.awaits(var.owner, known) if v not in known]
            stack += reversed(waits)
            if not waits:
                _run(var.owner, known, watch)
    return [known[var] for var in outputs]


def _given(var: Variable) -> Any:
    if isinstance(var, Constant):
        return var.data
    raise MissingInputError(f"{var}, made at {var.made_at}, has no value")


def _run(node: Apply, known: dict[Variable, Any], watch: Watch | None) -> None:
    """One node; an input that was not awaited is None."""
    operands = [known.get(var) for var in node.inputs]
    if watch is not None:
        watch(node, operands, None)
    results = node.op.evaluate(node, operands)
    if watch is not None:
        watch(node, operands, results)
    known.update(zip(node.outputs, results, strict=True))
