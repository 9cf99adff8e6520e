"""What is known before the function runs: constants, sizes, conversions."""

from __future__ import annotations

import numpy as np

from symgraph.errors import SymgraphError
from symgraph.families import Elemwise, Reduce, SizeOf, TensorOp
from symgraph.graph import Apply, Constant, Variable
from symgraph.ops.barrier import Barrier, Beside, disconnected_grad
from symgraph.ops.cast import Cast
from symgraph.ops.create import Alloc, ARange
from symgraph.ops.linalg import Dot
from symgraph.ops.lookup import AdvancedIncSubtensor, AdvancedSubtensor
from symgraph.ops.shape import DimShuffle, ShapeI, shape_i
from symgraph.ops.specify import SpecifyShape
from symgraph.ops.subtensor import IncSubtensor
from symgraph.ops.transfer import Transfer
from symgraph.rewrite import EXACT
from symgraph.rules.equations import Theme
from symgraph.rules.samples import matrix, vector
from symgraph.rules.terms import kind, made_by
from symgraph.types import constant

LARGEST_FOLD = 1000  # elements; a result larger than this and than its operands is not folded

theme = Theme("constants")
exact = theme.marked(EXACT)


@exact.rule(TensorOp, examples=lambda: [constant(2.0) * constant(3.0)])  # type: ignore[operator]
def constant_folding(node: Apply) -> Variable | None:
    """An op on constants is a constant; an error in it is left for the run."""
    if not all(isinstance(v, Constant) for v in node.inputs) or isinstance(node.op, Alloc):
        return None
    values = [v.data for v in node.inputs]  # type: ignore[attr-defined]
    try:
        found = node.op.evaluate(node, values)
    except SymgraphError:
        return None
    if len(found) != 1 or found[0].size > max(LARGEST_FOLD, *(np.size(v) for v in values)):
        return None
    return constant(found[0], dtype=kind(node.outputs[0]).dtype)


@exact.rule(
    Barrier, Beside, examples=lambda: [disconnected_grad(vector()), Beside()(vector(), vector())]
)
def spent_barrier(node: Apply) -> Variable | None:
    """What only stops or bends gradients is the identity once they are taken."""
    return node.inputs[0]


@exact.rule(Cast, examples=lambda: [Cast("float64")(vector())])
def useless_cast(node: Apply) -> Variable | None:
    """A conversion to the dtype the operand has."""
    (x,) = node.inputs
    return x if kind(x).dtype == kind(node.outputs[0]).dtype else None


@exact.rule(Cast, examples=lambda: [Cast("float32")(Cast("float64")(vector(dtype="float32")))])
def cast_of_cast(node: Apply) -> Variable | None:
    """A conversion that loses nothing needs no step in between."""
    inner = made_by(node.inputs[0], Cast)
    if inner is None:
        return None
    (source,) = inner.inputs
    lossless = np.can_cast(kind(source).dtype, kind(inner.outputs[0]).dtype, "safe")
    result: Variable | None = node.op(source) if lossless else None
    return result


def _sized() -> list[Variable]:
    x = matrix()
    return [ShapeI(0)(matrix(3, None)), ShapeI(0)(x + 1), ShapeI(1)(x.T), ShapeI(0)(x.sum(0))]


@exact.rule(ShapeI, examples=_sized)
def size_of_source(node: Apply) -> Variable | None:
    """A size is known, or is that of the operand it comes from."""
    (x,), op = node.inputs, node.op
    assert isinstance(op, ShapeI)
    found = size_source(x, op.axis)
    return None if found is None or found is node.outputs[0] else found


def size_source(x: Variable, axis: int) -> Variable | None:
    """The size of an axis, found without `x`; None if only `x` tells it."""
    size = kind(x).shape[axis]
    if isinstance(size, int):
        return constant(np.int64(size))
    if x.owner is None:
        return None
    if isinstance(x.owner.op, Alloc):
        return x.owner.inputs[1 + axis]
    if isinstance(x.owner.op, ARange) and is_size(x.owner.inputs[2]):
        return x.owner.inputs[2]
    operand = _axis_source(x.owner, axis)
    return None if operand is None else shape_i(*operand)


def is_size(var: Variable) -> bool:
    """Whether a scalar is a size, which cannot be negative."""
    return isinstance(var.owner and var.owner.op, SizeOf)


def _axis_source(node: Apply, axis: int) -> tuple[Variable, int] | None:
    """An operand and the axis of it that an output axis runs along."""
    op, x = node.op, node.inputs[0] if node.inputs else None
    if x is None:
        return None
    if isinstance(op, Elemwise):
        place = axis - kind(node.outputs[0]).ndim
        wide = (v for v in node.inputs if -place <= kind(v).ndim and kind(v).shape[place] != 1)
        return next(((v, place % kind(v).ndim) for v in wide), None)
    if isinstance(op, Reduce):
        return x, [a for a in range(kind(x).ndim) if a not in op.axes][axis]
    if isinstance(op, DimShuffle):
        return x, int(op.order[axis])
    if isinstance(op, IncSubtensor | AdvancedIncSubtensor | SpecifyShape | Transfer):
        return x, axis
    if isinstance(op, AdvancedSubtensor):
        return _looked_up_axis(node, axis)
    if isinstance(op, Dot) and all(kind(v).ndim == 2 for v in node.inputs):
        return (x, int(op.trans_a)) if axis == 0 else (node.inputs[1], int(not op.trans_b))
    return None


def _looked_up_axis(node: Apply, axis: int) -> tuple[Variable, int] | None:
    """An axis of what index arrays of one axis, and nothing else, look up."""
    x, *places = node.inputs
    if len(places) != len(node.op.parts) or any(kind(v).ndim != 1 for v in places):  # type: ignore[attr-defined]
        return None
    if axis > 0:
        return x, axis - 1 + len(places)
    return next(((v, 0) for v in places if kind(v).shape != (1,)), None)


def same_size(left: Variable, right: Variable) -> bool:
    """Whether two integer scalars are known to be one size: a number, a name or an axis."""
    left, right = _followed(left), _followed(right)
    if isinstance(left, Constant) and isinstance(right, Constant):
        return bool(left.data == right.data)
    if left is right:
        return True
    a, b = made_by(left, ShapeI), made_by(right, ShapeI)
    if a is None or b is None:
        return False
    names = _named(a), _named(b)
    return (a.op == b.op and a.inputs == b.inputs) or (None not in names and names[0] == names[1])


def _named(node: Apply) -> str | None:
    name = kind(node.inputs[0]).shape[node.op.axis]  # type: ignore[attr-defined]
    return name if isinstance(name, str) else None


def _followed(size: Variable) -> Variable:
    node = made_by(size, ShapeI)
    while node is not None:
        found = size_source(node.inputs[0], node.op.axis)  # type: ignore[attr-defined]
        if found is None:
            break
        size, node = found, made_by(found, ShapeI)
    return size
