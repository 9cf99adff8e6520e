"""Sorting and selecting along an axis: native routines, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, ShapeError, SymgraphError
from symgraph.families import Example, Library, Sample
from symgraph.ops.cast import cast, imag, real
from symgraph.ops.compare import isnan
from symgraph.ops.create import size_samples, zeros_like
from symgraph.ops.picking import put_along_axis, take_along_axis
from symgraph.ops.shape import moveaxis, scalars_of
from symgraph.types import COMPLEX, Arg, Dims, Tensor, Tensors, as_tensor_variable, axis_of

__all__ = [
    "argpartition",
    "argsort",
    "argtopk",
    "lexsort",
    "partition",
    "sort",
    "topk",
    "topk_and_argtopk",
]


@dataclass(frozen=True, repr=False)
class _Ordering(Library):
    """A routine on the rows of the last axis; complex numbers have no order."""

    def prepare(self, *inputs: Any) -> Tensors:
        """A tensor of one axis or more, of real numbers."""
        x = as_tensor_variable(inputs[0])
        if x.type.dtype in COMPLEX:
            raise GraphTypeError("complex numbers have no order; sort their T.abs_")
        if not x.type.ndim:
            raise GraphTypeError(f"{self} works along an axis, but {x} is a scalar")
        return [x, *scalars_of(list(inputs[1:]))]

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's."""
        return args[0].shape

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A vector, rows, nothing, equal elements, long rows."""
        for shape in ((6,), (3, 4), (0,), (2, 0)):
            yield Example(cls(), (Sample(shape),))
        for dtype in ("int8", "uint16", "bool", "float32"):
            yield Example(cls(), (Sample((2, 90), "int", dtype, False),))


class Sort(_Ordering):
    """The elements of the last axis in rising order, NaN last."""

    routine: ClassVar[str] = "symgraph.backends.routines.sort:sort"

    def reference(self, x: Any) -> Any:
        """NumPy's sort."""
        return np.sort(x, axis=-1, kind="stable")

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangents put back where their elements came from."""
        (x,), (g,) = inputs, output_grads
        return [put_along_axis(zeros_like(g), ArgSort()(x), g, -1)]


class ArgSort(_Ordering):
    """The indices (int64) that sort the last axis, equal elements in their order, NaN last."""

    routine: ClassVar[str] = "symgraph.backends.routines.sort:argsort"

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Indices are int64."""
        return ("int64",)

    def reference(self, x: Any) -> Any:
        """NumPy's stable argsort."""
        return np.argsort(x, axis=-1, kind="stable")

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """An order does not move."""
        return [None]


class ArgSortRows(_Ordering):
    """The indices (int64) that sort the rows of matrices by their first elements, then the next.

    Equal rows keep their order; NaN is the largest.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.sort:argsort_rows"

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Indices are int64."""
        return ("int64",)

    def out_shape(self, *args: Arg) -> Dims:
        """One index for each row."""
        if len(args[0].shape) < 2:
            raise GraphTypeError(f"{self} takes matrices, not a vector")
        return args[0].shape[:-1]

    def reference(self, x: Any) -> Any:
        """NumPy's lexsort of the columns, the first as the last key."""
        order = np.tile(np.arange(x.shape[-2]), (*x.shape[:-2], 1))
        for column in np.moveaxis(x, -1, 0)[::-1]:
            keys = np.take_along_axis(column, order, -1)
            order = np.take_along_axis(order, np.argsort(keys, axis=-1, kind="stable"), -1)
        return order

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """An order does not move."""
        return [None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Rows of which many are alike, several matrices, no rows, no columns."""
        for shape in ((70, 2), (2, 9, 3)):
            yield Example(cls(), (Sample(shape, "bool", "float32", False),))
        yield Example(cls(), (Sample((5, 2)),))
        for shape in ((0, 2), (3, 0)):
            yield Example(cls(), (Sample(shape, "int", "int8", False),))


@dataclass(frozen=True, repr=False)
class ArgTopK(_Ordering):
    """The indices (int64) of the k best elements of the last axis, the best first.

    Of equal elements the earlier ones are better; NaN counts as the largest. Inputs: x, k.
    """

    largest: bool = True
    routine: ClassVar[str] = "symgraph.backends.routines.sort:argtopk"
    reads: ClassVar[int | None] = 1
    failure: ClassVar[tuple[type[SymgraphError], str] | None] = (
        ShapeError,
        "more elements are asked for than the %1 there are",
    )

    def settings(self) -> tuple[int, ...]:
        """Whether the largest are best."""
        return (int(self.largest),)

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Indices are int64."""
        return ("int64",)

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's, the last axis k long."""
        x, count = args
        known = isinstance(x.shape[-1], int) and isinstance(count.value, int)
        if known and count.value > x.shape[-1]:
            raise ShapeError(f"{self}: {count.value} of {x.shape[-1]} elements are asked for")
        return (*x.shape[:-1], count.value)

    def reference(self, x: Any, count: Any) -> Any:
        """The start of NumPy's stable argsort, of reversed ranks for the largest."""
        if count > x.shape[-1]:
            raise ValueError(f"more elements are asked for than the {x.shape[-1]} there are")
        order = np.argsort(x, axis=-1, kind="stable")
        if self.largest:
            back = np.argsort(x[..., ::-1], axis=-1, kind="stable")
            order = x.shape[-1] - 1 - back[..., ::-1]
        return order[..., : int(count)]

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Places do not move."""
        return [None, None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Few and many of a row, equal elements, nothing, the smallest."""
        for shape, count in (((6,), 2), ((3, 4), 3), ((2, 0), 0), ((2, 200), 5)):
            yield Example(cls(), (Sample(shape), *size_samples(count)))
        yield Example(cls(largest=False), (Sample((2, 99), "int", "int8"), *size_samples(9)))
        yield Example(cls(), (Sample((2, 99), "int", "float32", False), *size_samples(9)))


def _placed(x: Any, axis: int | None) -> tuple[Tensor, int]:
    """The operand, flattened for None, and the axis counted from 0."""
    x = as_tensor_variable(x)
    if axis is None:
        return x.flatten(), 0
    return x, axis_of(axis, x.type.ndim)


def _along(op: Any, x: Any, axis: int | None, *more: Any) -> Tensor:
    """An op on the last axis applied along another one."""
    x, axis = _placed(x, axis)
    last = x.type.ndim - 1
    return moveaxis(op(moveaxis(x, axis, last), *more), last, axis)


def argsort(x: Any, axis: int | None = -1, kind: str = "stable", order: Any = None) -> Tensor:
    """The indices (int64) that sort an axis, equal elements in their order, NaN last.

    Complex numbers are sorted by their real parts, equal ones by their imaginary parts.

    >>> argsort([3.0, 1.0, 2.0]).eval()
    array([1, 2, 0])
    """
    x, axis = _placed(x, axis)
    if x.type.dtype not in COMPLEX:
        return _along(ArgSort(), x, axis)
    parts = real(x), imag(x)
    missing = [cast(isnan(part), "int8") for part in parts]
    return lexsort([parts[1], parts[0], missing[1], missing[0]], axis)


def sort(x: Any, axis: int | None = -1, kind: str = "stable", order: Any = None) -> Tensor:
    """The elements in rising order along an axis, NaN last; of the flattened tensor if None.

    Complex numbers are sorted by their real parts, equal ones by their imaginary parts.

    >>> sort([3.0, 1.0, 2.0]).eval()
    array([1., 2., 3.])
    """
    x, axis = _placed(x, axis)
    if x.type.dtype in COMPLEX:
        return take_along_axis(x, argsort(x, axis), axis)
    return _along(Sort(), x, axis)


def topk_and_argtopk(
    x: Any, kth: Any, axis: int | None = -1, sorted: bool = True, idx_dtype: str = "int64"
) -> list[Tensor]:
    """The `kth` largest elements along an axis, largest first, and their indices.

    A negative `kth` takes the smallest, smallest first; an integer scalar of the graph has to be
    positive. They are sorted whatever `sorted` says; of equal elements the earlier come first, NaN
    counts as the largest. More than there are is an error.

    >>> [v.eval().tolist() for v in topk_and_argtopk([3.0, 1.0, 2.0], 2)]
    [[3.0, 2.0], [0, 2]]
    """
    number = isinstance(kth, int | np.integer)
    if number and kth == 0:
        raise GraphTypeError("topk takes a number of elements other than 0")
    x, axis = _placed(x, axis)
    op = ArgTopK(largest=not number or bool(kth > 0))
    chosen = _along(op, x, axis, abs(int(kth)) if number else kth)
    return [take_along_axis(x, chosen, axis), chosen.astype(idx_dtype)]


def topk(x: Any, kth: Any, axis: int | None = -1, sorted: bool = True) -> Tensor:
    """The `kth` largest elements along an axis, largest first; the smallest if it is negative."""
    return topk_and_argtopk(x, kth, axis, sorted)[0]


def argtopk(
    x: Any, kth: Any, axis: int | None = -1, sorted: bool = True, idx_dtype: str = "int64"
) -> Tensor:
    """The indices of what `topk` gives."""
    return topk_and_argtopk(x, kth, axis, sorted, idx_dtype)[1]


def partition(x: Any, kth: Any, axis: int | None = -1) -> Tensor:
    """Elements so ordered that place `kth` holds what it holds when sorted; they all are."""
    return sort(x, axis)


def argpartition(x: Any, kth: Any, axis: int | None = -1) -> Tensor:
    """The indices of what `partition` gives."""
    return argsort(x, axis)


def lexsort(keys: Sequence[Any], axis: int = -1) -> Tensor:
    """The indices that sort by the last key, where it is equal by the one before, and so on.

    >>> lexsort([[3.0, 1.0, 2.0], [0.0, 0.0, -1.0]]).eval()
    array([2, 1, 0])
    """
    first, *others = [as_tensor_variable(key) for key in keys]
    order = argsort(first, axis)
    for key in others:
        again = argsort(take_along_axis(key, order, axis), axis)
        order = take_along_axis(order, again, axis)
    return order
