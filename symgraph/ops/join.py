"""Tensors put side by side: concatenate, stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.families import Assemble, Example, Index, Piece, Read, Sample, is_continuous
from symgraph.graph import Variable
from symgraph.ops.cast import cast
from symgraph.ops.shape import expand_dims, make_vector, shape_i
from symgraph.types import (
    Arg,
    Dim,
    Dims,
    Tensor,
    Tensors,
    TensorType,
    as_operands,
    as_tensor_variable,
    promote,
    unify,
)

__all__ = [
    "concatenate",
    "horizontal_stack",
    "join",
    "stack",
    "stacklists",
    "vertical_stack",
]


@dataclass(frozen=True, repr=False)
class Join(Assemble):
    """Tensors of one dtype and rank, one after the other along `axis`."""

    axis: int

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes along the axis added up, all others equal."""
        sizes: list[Dim] = []
        for axis, column in enumerate(zip(*(a.shape for a in args), strict=True)):
            if axis == self.axis:
                total: Dim = 0
                for size in column:
                    total = total + size
                sizes.append(total)
            else:
                sizes.append(unify(column, f"join along axis {self.axis}: axis {axis}"))
        return tuple(sizes)

    def pieces(self, args: Sequence[Arg]) -> Sequence[Piece]:
        """Each operand behind those before it."""
        pieces: list[Piece] = []
        start: Dim = 0
        for k, arg in enumerate(args):
            pieces.append(Piece(k, arg.shape, self._place(start)))
            start = start + arg.shape[self.axis]
        return pieces

    def _place(self, start: Dim) -> Any:
        def target(index: Index, read: Read) -> Index:
            return (*index[: self.axis], index[self.axis] + start, *index[self.axis + 1 :])

        return target

    def reference(self, *arrays: Any) -> Any:
        """NumPy's concatenate."""
        return np.concatenate(arrays, axis=self.axis)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Each operand gets its stretch of the cotangent."""
        (g,), parts, start = output_grads, list[Tensor](), as_tensor_variable(np.int64(0))
        for x in inputs:
            stop = start + shape_i(x, self.axis)
            cut = (slice(None),) * self.axis + (slice(start, stop),)
            parts.append(g[cut] if is_continuous(x) else None)
            start = stop
        return parts

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Two and three operands, one of them empty."""
        yield Example(cls(0), (Sample((2, 3)), Sample((1, 3))))
        yield Example(cls(1), (Sample((2, 3)), Sample((2, 0)), Sample((2, 2))))
        yield Example(cls(0), (Sample((4,)),))


def join(axis: Any, *tensors: Any) -> Tensor:
    """Tensors one after the other along an axis, promoted to one dtype.

    >>> join(0, [1, 2], [3]).eval()
    array([1, 2, 3])
    """
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tuple(tensors[0])
    if not tensors:
        raise GraphTypeError("join needs at least one tensor")
    operands = [as_tensor_variable(t) for t in tensors]
    ndim = operands[0].type.ndim
    if any(v.type.ndim != ndim for v in operands):
        ranks = ", ".join(f"{v} has {v.type.ndim} (made at {v.made_at})" for v in operands)
        raise GraphTypeError(f"join: tensors of one rank are needed; {ranks}")
    if not isinstance(axis, int | np.integer) or not -ndim <= axis < ndim:
        raise GraphTypeError(f"join: axis {axis!r} of tensors of {ndim} axes")
    common = promote(*(v.type.dtype for v in operands))
    operands = [cast(v, common) for v in operands]
    return operands[0] if len(operands) == 1 else Join(int(axis) % ndim)(*operands)


def concatenate(tensors: Any, axis: int = 0) -> Tensor:
    """Tensors one after the other along an axis.

    >>> concatenate([[1.0, 2.0], [3.0]]).eval()
    array([1., 2., 3.])
    """
    if isinstance(tensors, Variable):
        raise GraphTypeError("concatenate takes a list of tensors, not one tensor")
    return join(axis, *tensors)


def stack(tensors: Any, *others: Any, axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis: `stack(list, axis)`, or `stack(a, b, ...)`.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1).eval()
    array([[1., 3.],
           [2., 4.]])
    """
    if isinstance(tensors, list | tuple):
        axis = others[0] if others else axis
    else:
        tensors = [tensors, *others] if others else ()
    if not len(tensors):
        raise GraphTypeError("stack takes a list of one or more tensors")
    operands = as_operands(list(tensors))
    if all(v.type.ndim == 0 for v in operands):
        common = promote(*(v.type.dtype for v in operands))
        return make_vector([cast(v, common) for v in operands])
    ndim = operands[0].type.ndim + 1
    return join(axis % ndim, *(expand_dims(v, axis) for v in operands))


def horizontal_stack(*matrices: Any) -> Tensor:
    """Matrices side by side."""
    return join(1, *matrices)


def vertical_stack(*matrices: Any) -> Tensor:
    """Matrices on top of each other."""
    return join(0, *matrices)


def stacklists(nested: Any) -> Tensor:
    """Nested lists of scalars or tensors as one tensor."""
    if isinstance(nested, list | tuple):
        return stack([stacklists(item) for item in nested])
    return as_tensor_variable(nested)


TensorType.stacked = staticmethod(stack)
