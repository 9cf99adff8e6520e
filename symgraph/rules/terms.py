"""Questions that rules ask about variables, and small pieces they build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from symgraph.families import Elemwise
from symgraph.graph import Apply, Constant, Op, Variable
from symgraph.ops.cast import cast
from symgraph.ops.create import Alloc, alloc
from symgraph.ops.shape import DimShuffle, dimshuffle, shape_i
from symgraph.types import DISCRETE, FLOATS, TensorType, constant

LARGEST_SEARCH = 10_000  # elements; larger constants are not searched for one repeated number
OpT = TypeVar("OpT", bound=Op)


def kind(var: Variable) -> TensorType:
    """A variable's type, which is a tensor's."""
    assert isinstance(var.type, TensorType)
    return var.type


def made_by(var: Variable, *ops: type[OpT]) -> Apply | None:
    """The node that computes a variable, if its op is one of `ops`."""
    node = var.owner
    return node if node is not None and isinstance(node.op, ops) else None


def number_of(var: Variable) -> Any:
    """The one Python number that all elements of a constant are, looking through repeats.

    None if there is no such number.
    """
    node = made_by(var, DimShuffle, Alloc)
    while node is not None:
        var = node.inputs[0]
        node = made_by(var, DimShuffle, Alloc)
    if not isinstance(var, Constant) or not isinstance(var.type, TensorType):
        return None
    data = var.data
    if not 0 < data.size < LARGEST_SEARCH:
        return None
    first = data.flat[0]
    return first.item() if data.size == 1 or bool(np.all(data == first)) else None


def finite_number_of(var: Variable) -> Any:
    """As `number_of`, None for NaN and infinities."""
    number = number_of(var)
    return number if number is not None and np.isfinite(number) else None


def is_float(var: Variable) -> bool:
    """Whether a variable holds real floating numbers."""
    return kind(var).dtype in FLOATS


def is_discrete(var: Variable) -> bool:
    """Whether a variable holds integers or booleans."""
    return kind(var).dtype in DISCRETE


def is_single(var: Variable) -> bool:
    """Whether a variable is known to have one element."""
    return all(size == 1 for size in kind(var).shape)


def scalar_of(var: Variable) -> Variable:
    """A variable of one element as a scalar."""
    return dimshuffle(var)


def padded(var: Variable, ndim: int) -> Variable:
    """A variable with axes of size 1 in front, `ndim` in all."""
    missing = ndim - kind(var).ndim
    return dimshuffle(var, *["x"] * missing, *range(kind(var).ndim)) if missing else var


def number(value: Any, like: Variable) -> Variable:
    """A scalar constant of the dtype of `like`."""
    return constant(value, dtype=kind(like).dtype)


def fitted(new: Variable, node: Apply) -> Variable | None:
    """`new` as the output of `node`: in its dtype and, for elementwise ops, in its shape.

    None if it has another rank, or would have to be repeated to sizes nobody knows.
    """
    old = kind(node.outputs[0])
    made = cast(new, old.dtype)
    if isinstance(node.op, Elemwise) and _is_smaller(kind(made), old):
        return alloc(made, *(size_along(axis - old.ndim, node.inputs) for axis in range(old.ndim)))
    return made if kind(made).ndim == old.ndim else None


def _is_smaller(new: TensorType, old: TensorType) -> bool:
    short = old.ndim - new.ndim
    sizes = zip((1,) * short + new.shape, old.shape, strict=True) if short >= 0 else ()
    return short > 0 or any(n == 1 and o != 1 for n, o in sizes)


def size_along(axis: int, operands: Sequence[Variable]) -> Variable:
    """The size of an axis, counted from the right, of what operands broadcast to."""
    long = [v for v in operands if -axis <= kind(v).ndim]
    wide = next((v for v in long if kind(v).shape[axis] != 1), long[0])
    return shape_i(wide, axis % kind(wide).ndim)


def runs_alike(x: Variable, y: Variable) -> bool:
    """Whether two variables have one rank and broadcast along the same axes."""
    return kind(x).broadcastable == kind(y).broadcastable
