"""Adding a batch axis: a graph for one case becomes a graph for many at once.

`vectorize` walks a graph from chosen inputs, each replaced by a variable with one more axis in
front, and applies every op once to the whole batch. So a Jacobian is one pullback of a batch of
unit vectors, and costs matrix products instead of a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from symgraph.errors import GraphTypeError
from symgraph.families import Elemwise, Reduce
from symgraph.graph import Apply, Variable, toposort
from symgraph.ops.create import Alloc, alloc
from symgraph.ops.join import Join, join, stack
from symgraph.ops.linalg import BatchedDot, Dot, batched_dot, tensordot
from symgraph.ops.lookup import AdvancedIncSubtensor, AdvancedSubtensor
from symgraph.ops.matrices import MatrixOp
from symgraph.ops.pattern import FULL
from symgraph.ops.pseudo_inverse import PseudoInverse
from symgraph.ops.reshape import Reshape, reshape
from symgraph.ops.shape import (
    DimShuffle,
    MakeVector,
    ShapeI,
    dimshuffle,
    shape_i,
    shape_padleft,
    transpose,
)
from symgraph.ops.solve import LUSolve
from symgraph.ops.specify import MatchSizes, SpecifyShape
from symgraph.ops.subtensor import IncSubtensor, Subtensor
from symgraph.ops.triangular import SolveTriangular
from symgraph.types import Tensor


class Operand:
    """An operand of a node: the variable for the whole batch, or one that all cases share."""

    def __init__(self, var: Tensor, ndim: int, batched: bool) -> None:
        self.var, self.ndim, self.batched = var, ndim, batched

    def padded(self, ndim: int) -> Tensor:
        """With the axes of one case filled up to `ndim`, so that batches broadcast."""
        if not self.batched:
            return self.var
        return dimshuffle(self.var, 0, *["x"] * (ndim - self.ndim), *range(1, self.ndim + 1))

    def spread(self, size: Tensor) -> Tensor:
        """With a batch axis, repeated if all cases share the operand."""
        if self.batched:
            return self.var
        return alloc(self.var, size, *(shape_i(self.var, axis) for axis in range(self.ndim)))


Operands: TypeAlias = Sequence[Operand]
Rule: TypeAlias = Callable[[Apply, Operands, Tensor], Any]  # node, operands, size of the batch


def vectorize(outputs: Sequence[Variable], batches: Mapping[Variable, Variable]) -> list[Variable]:
    """`outputs` for every case of a batch.

    Parameters
    ----------
    batches
        For each varying input of one case, a variable with a batch axis in front.

    Returns
    -------
    list
        The outputs with a batch axis in front; those that depend on no varying input as they are.
    """
    done: dict[Variable, Variable] = dict(batches)
    batched = set(batches)
    size = shape_i(next(iter(batches.values())), 0)
    for node in toposort(outputs, stop=batches):
        if not any(var in done for var in node.inputs):
            continue
        operands = [Operand(done.get(v, v), _ndim(v), v in batched) for v in node.inputs]
        if isinstance(node.op, ShapeI) and operands[0].batched:
            done[node.outputs[0]] = shape_i(operands[0].var, node.op.axis + 1)
        elif any(operand.batched for operand in operands):
            made = _rule(node)(node, operands, size)
            done.update(zip(node.outputs, made if isinstance(made, list) else [made], strict=True))
            batched.update(node.outputs)
        else:
            new = node.clone_with_new_inputs([operand.var for operand in operands])
            done.update(zip(node.outputs, new.outputs, strict=True))
    return [done.get(var, var) for var in outputs]


def _ndim(var: Tensor) -> int:
    return int(var.type.ndim)


def _rule(node: Apply) -> Rule:
    for kind in type(node.op).__mro__:
        if kind in RULES and (len(node.outputs) == 1 or kind in SEVERAL):
            return RULES[kind]
    raise GraphTypeError(
        f"{node.op}, made at {node.made_at}, has no batched form, which a Jacobian through it needs"
    )


def _shared(operands: Operands, node: Apply) -> list[Tensor]:
    """Operands that say where or how much: all cases have to share them."""
    if any(operand.batched for operand in operands):
        raise GraphTypeError(
            f"{node.op}, made at {node.made_at}, has sizes or indices that differ within a batch"
        )
    return [operand.var for operand in operands]


def _elemwise(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    ndim = _ndim(node.outputs[0])
    return node.op(*(operand.padded(ndim) for operand in operands))


def _reduce(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    op: Any = node.op
    return replace(op, axes=tuple(axis + 1 for axis in op.axes))(operands[0].var)


def _dimshuffle(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    op: Any = node.op
    return dimshuffle(operands[0].var, 0, *(a if a == "x" else a + 1 for a in op.order))


def _alloc(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    value, *sizes = operands
    return alloc(value.padded(len(sizes)), size, *_shared(sizes, node))


def _reshape(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    x, *sizes = operands
    return reshape(x.var, [size, *_shared(sizes, node)])


def _specify_shape(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    op: Any = node.op
    return SpecifyShape((None, *op.sizes))(operands[0].var)


def _part(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    op: Any = node.op
    x, *numbers = operands
    return _keeping_place(op, node)(x.spread(size), *_shared(numbers, node))


def _written(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    op: Any = node.op
    x, y, *numbers = operands
    reading = Subtensor if isinstance(op, IncSubtensor) else AdvancedSubtensor
    ndim = _ndim(reading(op.parts)(node.inputs[0], *node.inputs[2:]))
    return _keeping_place(op, node)(x.spread(size), y.padded(ndim), *_shared(numbers, node))


def _keeping_place(op: Any, node: Apply) -> Any:
    """The op with the batch axis left alone, unless NumPy would put axes of indices before it."""
    if isinstance(op, AdvancedSubtensor | AdvancedIncSubtensor) and op.front() is None:
        raise GraphTypeError(
            f"{node.op}, made at {node.made_at}, has a slice between its index arrays, which has"
            " no batched form; take the slices first"
        )
    return replace(op, parts=(FULL, *op.parts))


def _join(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    op: Any = node.op
    return join(op.axis + 1, *(operand.spread(size) for operand in operands))


def _make_vector(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    return stack([operand.spread(size) for operand in operands], axis=1)


def _dot(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    op: Any = node.op
    a, b = (
        _turned(operand) if turn and operand.ndim == 2 else operand
        for operand, turn in zip(operands, (op.trans_a, op.trans_b), strict=True)
    )
    if a.batched and b.batched:
        return _batched_product(a, b)
    if a.batched:
        return tensordot(a.var, b.var, axes=[[a.ndim], [0]])
    product = tensordot(a.var, b.var, axes=[[a.ndim - 1], [1]])  # axes of a, batch, axes of b
    rest = [axis for axis in range(_ndim(product)) if axis != a.ndim - 1]
    return dimshuffle(product, a.ndim - 1, *rest)


def _turned(operand: Operand) -> Operand:
    axes = (0, 2, 1) if operand.batched else (1, 0)
    return Operand(transpose(operand.var, axes), operand.ndim, operand.batched)


def _batched_product(a: Operand, b: Operand) -> Tensor:
    """Products case by case, vectors taken for matrices of one row or column."""
    left = a.var if a.ndim == 2 else dimshuffle(a.var, 0, "x", 1)
    right = b.var if b.ndim == 2 else dimshuffle(b.var, 0, 1, "x")
    product = batched_dot(left, right)
    kept = [0, *([1] if a.ndim == 2 else []), *([2] if b.ndim == 2 else [])]
    return dimshuffle(product, *kept)


def _broadcast(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    return node.op(*(x.var if x.batched else shape_padleft(x.var) for x in operands))


def _of_matrices(node: Apply, operands: Operands, size: Tensor) -> Any:
    return node.op(*(x.spread(size) for x in operands))


def _match_sizes(node: Apply, operands: Operands, size: Tensor) -> Tensor:
    op: Any = node.op
    pairs = tuple((mine + 1, theirs + 1) for mine, theirs in op.pairs)
    return MatchSizes(pairs)(*(x.spread(size) for x in operands))


RULES: dict[type, Rule] = {
    Elemwise: _elemwise,
    Reduce: _reduce,
    DimShuffle: _dimshuffle,
    Alloc: _alloc,
    Reshape: _reshape,
    SpecifyShape: _specify_shape,
    Subtensor: _part,
    AdvancedSubtensor: _part,
    IncSubtensor: _written,
    AdvancedIncSubtensor: _written,
    Join: _join,
    MakeVector: _make_vector,
    Dot: _dot,
    BatchedDot: _broadcast,
    SolveTriangular: _broadcast,
    LUSolve: _broadcast,
    MatrixOp: _of_matrices,
    PseudoInverse: _broadcast,
    MatchSizes: _match_sizes,
}
# Whose rules give a list, one for each output.
SEVERAL: set[type] = {MatrixOp}
