"""Sorting: the order of elements along an axis, and what follows from it.

NumPy sorts, between two native parts; everything around the order is native.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.families import Example, Sample, TensorOp
from symgraph.ops.arrange import flip
from symgraph.ops.index import subtensor
from symgraph.ops.picking import take_along_axis
from symgraph.ops.shape import moveaxis
from symgraph.types import COMPLEX, Arg, Dims, Tensor, Tensors, as_tensor_variable

__all__ = ["argsort", "argtopk", "sort", "topk", "topk_and_argtopk"]


@dataclass(frozen=True, repr=False)
class ArgSort(TensorOp):
    """The indices (int64) that sort the last axis, equal elements in their order, NaN last."""

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Indices are int64."""
        if dtypes[0] in COMPLEX:
            raise GraphTypeError("complex numbers have no order; sort their T.abs_")
        return ("int64",)

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's."""
        return args[0].shape

    def reference(self, x: Any) -> Any:
        """NumPy's stable argsort."""
        return np.argsort(x, axis=-1, kind="stable")

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """An order does not move."""
        return [None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A vector, rows, nothing, equal elements."""
        for shape in ((6,), (3, 4), (0,), (2, 0)):
            yield Example(cls(), (Sample(shape),))
        yield Example(cls(), (Sample((9,), "int", "int8"),))


def _placed(x: Any, axis: int | None) -> tuple[Tensor, int]:
    """The operand, flattened for None, and the axis counted from 0."""
    x = as_tensor_variable(x)
    if axis is None:
        return x.flatten(), 0
    if not -x.type.ndim <= axis < x.type.ndim:
        raise GraphTypeError(f"axis {axis} of a tensor of {x.type.ndim} axes")
    return x, axis % x.type.ndim


def argsort(x: Any, axis: int | None = -1, kind: str = "stable", order: Any = None) -> Tensor:
    """The indices (int64) that sort an axis, equal elements in their order, NaN last.

    >>> argsort([3.0, 1.0, 2.0]).eval()
    array([1, 2, 0])
    """
    x, axis = _placed(x, axis)
    last = x.type.ndim - 1
    return moveaxis(ArgSort()(moveaxis(x, axis, last)), last, axis)


def sort(x: Any, axis: int | None = -1, kind: str = "stable", order: Any = None) -> Tensor:
    """The elements in rising order along an axis, NaN last; of the flattened tensor if None.

    >>> sort([3.0, 1.0, 2.0]).eval()
    array([1., 2., 3.])
    """
    x, axis = _placed(x, axis)
    return take_along_axis(x, argsort(x, axis), axis)


def topk_and_argtopk(
    x: Any, kth: Any, axis: int | None = -1, sorted: bool = True, idx_dtype: str = "int64"
) -> list[Tensor]:
    """The `kth` largest elements along an axis, largest first, and their indices.

    A negative `kth` takes the smallest, smallest first. They are sorted whatever `sorted` says.

    >>> [v.eval().tolist() for v in topk_and_argtopk([3.0, 1.0, 2.0], 2)]
    [[3.0, 2.0], [0, 2]]
    """
    if not isinstance(kth, int | np.integer) or kth == 0:
        raise GraphTypeError(f"topk takes how many as a number other than 0, not {kth!r}")
    x, axis = _placed(x, axis)
    order = argsort(x, axis)
    order = flip(order, axis) if kth > 0 else order
    chosen = subtensor(order, (*[slice(None)] * axis, slice(None, abs(int(kth)))))
    return [take_along_axis(x, chosen, axis), chosen.astype(idx_dtype)]


def topk(x: Any, kth: int, axis: int | None = -1, sorted: bool = True) -> Tensor:
    """The `kth` largest elements along an axis, largest first; the smallest if it is negative."""
    return topk_and_argtopk(x, kth, axis, sorted)[0]


def argtopk(
    x: Any, kth: int, axis: int | None = -1, sorted: bool = True, idx_dtype: str = "int64"
) -> Tensor:
    """The indices of what `topk` gives."""
    return topk_and_argtopk(x, kth, axis, sorted, idx_dtype)[1]
