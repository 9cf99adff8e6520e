"""float16 is stored, not computed with: operands are widened to float32, results rounded back.

So each op gives what NumPy gives, which works the same way. Conversions and what only moves
elements stay as they are; kernels fuse the conversions with what stands around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symgraph.families import (
    Assemble,
    Elemwise,
    Indexed,
    Library,
    Moved,
    Product,
    Reduce,
    SizeOf,
    View,
)
from symgraph.graph import Apply, Op, Variable, toposort
from symgraph.ops.cast import Cast, cast
from symgraph.ops.linalg import BatchedDot
from symgraph.places import made_for
from symgraph.types import TensorType

HALF, WIDE = "float16", "float32"


def has_half(variables: Sequence[Variable]) -> bool:
    """Whether one of several variables is float16."""
    return any(isinstance(v.type, TensorType) and v.type.dtype == HALF for v in variables)


def keeps_half(op: Op) -> bool:
    """Whether an op takes float16 as it is: it converts it, or moves it from place to place."""
    adds = isinstance(op, Assemble) and getattr(op, "sets", True) is False
    return isinstance(op, Cast | Moved | View | SizeOf | Assemble) and not adds


def multiplies(op: Op) -> bool:
    """Whether an op multiplies matrices: libraries of devices take float16 as it is stored."""
    return isinstance(op, Product | BatchedDot)


def computes_half(node: Apply) -> bool:
    """Whether a node computes with float16, by an op of which targets know the float32 form."""
    known = isinstance(node.op, Elemwise | Indexed | Assemble | Reduce | Product | Library)
    return known and has_half((*node.inputs, *node.outputs)) and not keeps_half(node.op)


def widened(
    roots: Sequence[Variable], inputs: Sequence[Variable], libraries: bool = False
) -> list[Variable]:
    """A graph that computes with float32 where this one computes with float16.

    Products of matrices stay as they are for targets with `libraries`.
    """
    nodes = toposort(roots, stop=inputs)
    known: dict[Variable, Variable] = {}
    for node in nodes:
        given = [known.get(v, v) for v in node.inputs]
        if computes_half(node) and not (libraries and multiplies(node.op)):
            with made_for(node.made_at):
                known |= zip(node.outputs, _computed_wide(node, given), strict=True)
        elif any(a is not b for a, b in zip(given, node.inputs, strict=True)):
            with made_for(node.made_at):
                known |= zip(node.outputs, node.op.make_node(*given).outputs, strict=True)
    return [known.get(v, v) for v in roots]


def _computed_wide(node: Apply, inputs: Sequence[Any]) -> list[Variable]:
    op: Any = node.op
    if getattr(op, "dtype", None) == HALF:
        op = replace(op, dtype=WIDE)
    made = op.make_node(*(cast(v, WIDE) if has_half([v]) else v for v in inputs))
    return [
        cast(new, HALF) if has_half([old]) else new
        for new, old in zip(made.outputs, node.outputs, strict=True)
    ]
