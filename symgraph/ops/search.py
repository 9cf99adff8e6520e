"""Where things are: positions of nonzero elements, places in sorted vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import AxisError, GraphTypeError
from symgraph.families import Example, Library, Sample
from symgraph.ops.arith import int_div, mod
from symgraph.ops.cast import cast
from symgraph.ops.compare import neq
from symgraph.ops.create import size_samples
from symgraph.ops.join import stack
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.shape import scalars_of, shape_i
from symgraph.types import (
    COMPLEX,
    Arg,
    Dims,
    Tensor,
    Tensors,
    as_operands,
    as_tensor_variable,
    promote,
    unify,
)

__all__ = ["flatnonzero", "nonzero", "searchsorted"]


@dataclass(frozen=True, repr=False)
class Nonzero(Library):
    """The flat positions of the nonzero elements of a mask; inputs: mask, their count, sizes.

    The mask has to have the sizes given, those of the axes it masks.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.search:nonzero"
    reads: ClassVar[int | None] = 1

    def prepare(self, *inputs: Any) -> Tensors:
        """A mask and integer scalars."""
        mask, *sizes = inputs
        return [cast(mask, "bool"), *scalars_of(sizes)]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Positions are int64."""
        return ("int64",)

    def out_shape(self, *args: Arg) -> Dims:
        """The count."""
        mask, count, *sizes = args
        for axis, size in enumerate(sizes):
            unify((size.value, mask.shape[axis]), f"mask: axis {axis}")
        return (count.value,)

    def reference(self, mask: Any, count: Any, *sizes: Any) -> Any:
        """NumPy's flatnonzero, of a mask of the right shape."""
        if sizes and np.shape(mask) != tuple(map(int, sizes)):
            raise ValueError(f"a mask of shape {np.shape(mask)} for axes of {tuple(sizes)}")
        return np.flatnonzero(mask)

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Positions do not move."""
        return [None] * len(inputs)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """All, nothing, and a matrix."""
        yield Example(cls(), (Sample((5,), "value:1", "bool"), *size_samples(5, 5)))
        yield Example(cls(), (Sample((5,), "value:0", "bool"), *size_samples(0)))
        yield Example(cls(), (Sample((2, 3), "value:1", "bool"), *size_samples(6, 2, 3)))


def mask_positions(mask: Tensor, sizes: Tensors) -> list[Tensor]:
    """For each axis of a mask the indices of its nonzero elements; `sizes` are what it masks."""
    chosen = neq(mask, 0)
    flat = Nonzero()(chosen, sum_over(cast(chosen, "int64")), *sizes)
    found: list[Tensor] = []
    for axis in reversed(range(1, mask.type.ndim)):
        size = shape_i(mask, axis)
        found.append(mod(flat, size))
        flat = int_div(flat, size)
    return [flat, *found[::-1]]


def nonzero(x: Any, return_matrix: bool = False) -> Any:
    """For each axis the indices (int64) of the nonzero elements, in row-major order.

    One vector for each axis, or the rows of one matrix with `return_matrix`.

    >>> nonzero([0, 3, 0, 4])[0].eval()
    array([1, 3])
    """
    x = as_tensor_variable(x)
    if not x.type.ndim:
        raise AxisError("nonzero takes a tensor of one axis or more, not a scalar")
    found = mask_positions(x, ())
    return stack(found) if return_matrix else tuple(found)


def flatnonzero(x: Any) -> Tensor:
    """The positions of the nonzero elements of the flattened tensor (int64).

    >>> flatnonzero([[0, 3], [4, 0]]).eval()
    array([1, 2])
    """
    return nonzero(as_tensor_variable(x).flatten())[0]


@dataclass(frozen=True, repr=False)
class SearchSorted(Library):
    """The places (int64) at which values would keep a vector in rising order.

    Inputs: the vector, the values; `right` puts equal ones behind, else in front.
    """

    right: bool = False
    routine: ClassVar[str] = "symgraph.backends.routines.search:searchsorted"

    def settings(self) -> tuple[int, ...]:
        """Whether equal elements are passed."""
        return (int(self.right),)

    def prepare(self, *inputs: Any) -> Tensors:
        """A vector and values, of one real dtype."""
        ordered, values = as_operands(inputs)
        if ordered.type.ndim != 1:
            raise AxisError(f"searchsorted looks through a vector, not {ordered.type}")
        common = promote(ordered.type.dtype, values.type.dtype)
        if common in COMPLEX:
            raise GraphTypeError("complex numbers have no order; compare their T.abs_")
        return [cast(ordered, common), cast(values, common)]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Places are int64."""
        return ("int64",)

    def out_shape(self, *args: Arg) -> Dims:
        """That of the values."""
        return args[1].shape

    def reference(self, ordered: Any, values: Any) -> Any:
        """NumPy's searchsorted."""
        return np.searchsorted(ordered, values, "right" if self.right else "left")

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Places do not move."""
        return [None, None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Equal elements, scalars, nothing to look through."""
        for right in (False, True):
            ordered = Sample((4,), "value:1", "int64")
            yield Example(cls(right), (ordered, Sample((3, 2), "int", "int8")))
            yield Example(cls(right), (ordered, Sample((), "real", "float64", False)))
            yield Example(cls(right), (Sample((0,), "int", "int64"), Sample((2,), "int", "int64")))


def searchsorted(x: Any, v: Any, side: str = "left", sorter: Any = None) -> Tensor:
    """The places (int64) at which values would keep a vector in rising order.

    Parameters
    ----------
    x
        A vector in rising order, or with `sorter` the indices that sort it.
    v
        Values of any shape, which the result has.
    side
        "left" puts them in front of equal elements, "right" behind.

    >>> searchsorted([1.0, 2.0, 2.0, 3.0], [2.0, 9.0]).eval()
    array([1, 4])
    """
    if side not in ("left", "right"):
        raise GraphTypeError(f"searchsorted: side is 'left' or 'right', not {side!r}")
    x = as_tensor_variable(x)
    ordered = x if sorter is None else x[sorter]
    result: Tensor = SearchSorted(side == "right")(ordered, v)
    return result
