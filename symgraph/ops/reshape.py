"""The same elements in row-major order under other sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import AxisError, GraphTypeError, ShapeError
from symgraph.families import (
    Example,
    Sample,
    View,
)
from symgraph.graph import Constant, Variable
from symgraph.ops.shape import MakeVector, scalars_of, shape, shape_i
from symgraph.types import (
    Arg,
    Dim,
    Dims,
    Tensor,
    Tensors,
    as_tensor_variable,
    axis_of,
    product,
    unify,
)

__all__ = [
    "flatten",
    "join_dims",
    "reshape",
    "split_dims",
]


@dataclass(frozen=True, repr=False)
class Reshape(View):
    """The same elements in row-major order under other sizes, which are scalar inputs.

    A size of -1 is whatever is left.
    """

    ndim: int

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes given, one of them found by division."""
        x, *sizes = args
        whole, given = product(x.shape), [s.value for s in sizes]
        holes = [k for k, s in enumerate(given) if _is_hole(s)]
        if len(holes) > 1:
            raise ShapeError("reshape: only one size may be -1")
        if holes:
            rest = product([s for k, s in enumerate(given) if k not in holes])
            given[holes[0]] = whole // rest if not _is_zero(rest) else 0
        unify((whole, product(given)), "reshape keeps the number of elements")
        return tuple(given)

    def reference(self, x: Any, *sizes: Any) -> Any:
        """NumPy's reshape."""
        try:
            return np.reshape(x, [int(s) for s in sizes])
        except ValueError:
            raise ShapeError(f"cannot reshape {np.shape(x)} to {[int(s) for s in sizes]}") from None

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent under the old sizes."""
        return [reshape(output_grads[0], shape(inputs[0])), *[None] * self.ndim]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Flattened, regrouped, with a size left open, empty."""

        def sizes(*values: int) -> tuple[Sample, ...]:
            return tuple(Sample((), f"value:{v}", "int64", False) for v in values)

        yield Example(cls(1), (Sample((3, 4)), *sizes(12)))
        yield Example(cls(3), (Sample((3, 4)), *sizes(2, 3, 2)))
        yield Example(cls(1), (Sample((0, 4)), *sizes(0)))
        yield Example(cls(2), (Sample((8,)), *sizes(4, 2)))


def _is_hole(size: Dim) -> bool:
    return getattr(size, "value", size) == -1


def _is_zero(size: Dim) -> bool:
    return getattr(size, "value", size) == 0


def reshape(x: Any, newshape: Any, ndim: int | None = None) -> Tensor:
    """The same elements in row-major order under other sizes.

    `newshape` is a sequence of ints and integer scalars, or an integer vector; one of the sizes
    may be -1 if it is a number. `ndim` gives the rank if `newshape` is a vector of unknown length.

    >>> reshape([[1.0, 2.0], [3.0, 4.0]], (4,)).eval()
    array([1., 2., 3., 4.])
    """
    x = as_tensor_variable(x)
    if ndim is not None and isinstance(newshape, Variable) and not isinstance(newshape, Constant):
        known = newshape.owner is not None and isinstance(newshape.owner.op, MakeVector)
        vector: Tensor = newshape
        sizes = scalars_of(vector) if known else [vector[k] for k in range(ndim)]
    else:
        sizes = scalars_of(newshape)
    if ndim is not None and len(sizes) != ndim:
        raise GraphTypeError(f"reshape to {len(sizes)} sizes, but ndim={ndim}")
    result: Tensor = Reshape(len(sizes))(x, *sizes)
    return result


def flatten(x: Any, ndim: int = 1, outdim: int | None = None) -> Tensor:
    """The first `ndim` - 1 axes as they are, all others as one."""
    x, keep = as_tensor_variable(x), (outdim or ndim) - 1
    rank = x.type.ndim
    if not 0 <= keep < max(rank, 1):
        raise AxisError(f"flatten: ndim={keep + 1} for a tensor of {rank} axes")
    if rank == keep + 1:
        return x
    known = [size for size in x.type.shape[keep:] if isinstance(size, int)]
    rest = math.prod(known) if len(known) == rank - keep else -1
    return reshape(x, [*(shape_i(x, a) for a in range(keep)), rest])


def join_dims(x: Any, start_axis: int = 0, n_axes: int | None = None) -> Tensor:
    """`n_axes` axes from `start_axis` on as one, all that follow if None; 0 makes a new one.

    >>> join_dims(np.ones((2, 3, 4)), 1).type
    TensorType(float64, (2, 12))
    """
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    start = start_axis + ndim if start_axis < 0 else start_axis
    stop = ndim if n_axes is None else start + n_axes
    if not 0 <= start <= stop <= ndim:
        raise AxisError(f"join_dims: axes {start} to {stop} of a tensor of {ndim} axes")
    sizes = [shape_i(x, axis) for axis in range(ndim)]
    known: Any = product(x.type.dims[start:stop])
    joined = known if isinstance(known, int) else product(sizes[start:stop])
    return reshape(x, [*sizes[:start], joined, *sizes[stop:]])


def split_dims(x: Any, shape: Any, axis: int = 0) -> Tensor:
    """One axis as several of the sizes `shape`, in row-major order; one size may be -1.

    >>> split_dims(np.ones((6, 5)), (2, -1)).type
    TensorType(float64, (2, 3, 5))
    """
    x = as_tensor_variable(x)
    place = axis_of(axis, x.type.ndim)
    sizes = [shape_i(x, a) for a in range(x.type.ndim)]
    return reshape(x, [*sizes[:place], *scalars_of(shape), *sizes[place + 1 :]])
