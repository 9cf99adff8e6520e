"""Ops of `theano.tensor.subtensor`, and those of shapes and products in `theano.tensor.basic`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from symgraph.compat.standins.base import OpClass
from symgraph.dataclass import dataclass
from symgraph.graph import Op, Type
from symgraph.ops import create, lookup, reshape, specify, subtensor
from symgraph.ops import shape as sizes
from symgraph.tensor import (
    abs_,
    alloc,
    eq,
    gt,
    inc_subtensor,
    lt,
    maximum,
    minimum,
    set_subtensor,
    specify_shape,
    stack,
    switch,
    zeros,
)
from symgraph.types import as_tensor_variable

Kinds = tuple[type[Op], ...]


def filled(idx_list: Sequence[Any], inputs: Sequence[Any]) -> tuple[Any, ...]:
    """An index whose types are replaced by variables, in order, also inside slices."""
    values = iter(inputs)
    return tuple(_entry(entry, values) for entry in idx_list)


def _entry(entry: Any, values: Iterator[Any]) -> Any:
    if isinstance(entry, slice):
        return slice(*(_entry(bound, values) for bound in (entry.start, entry.stop, entry.step)))
    return next(values) if isinstance(entry, Type) else entry


def _written(x: Any, y: Any, index: Any, sets: bool) -> Any:
    return (set_subtensor if sets else inc_subtensor)(as_tensor_variable(x)[index], y)


@dataclass(frozen=True)
class Subtensor(OpClass):
    """x[...] by a pattern of slices and numbers; types in it stand for the inputs to come."""

    own: ClassVar[Kinds] = (subtensor.Subtensor,)
    idx_list: Sequence[Any]

    def __hash__(self) -> int:
        return hash((type(self), str(self.idx_list)))  # a slice has no hash

    def apply(self, x: Any, *inputs: Any) -> Any:
        """The part."""
        return as_tensor_variable(x)[filled(self.idx_list, inputs)]


@dataclass(frozen=True)
class IncSubtensor(OpClass):
    """A copy of x whose part by a pattern is increased by y, or set to it."""

    own: ClassVar[Kinds] = (subtensor.IncSubtensor,)
    idx_list: Sequence[Any]
    inplace: bool = False
    set_instead_of_inc: bool = False
    destroyhandler_tolerate_aliased: Any = None

    def __hash__(self) -> int:
        return hash((type(self), str(self.idx_list), self.set_instead_of_inc))

    def apply(self, x: Any, y: Any, *inputs: Any) -> Any:
        """The copy."""
        return _written(x, y, filled(self.idx_list, inputs), self.set_instead_of_inc)


@dataclass(frozen=True)
class AdvancedSubtensor1(OpClass):
    """The rows of a tensor at a vector of positions."""

    own: ClassVar[Kinds] = (lookup.AdvancedSubtensor,)
    sparse_grad: bool = False

    def apply(self, x: Any, rows: Any) -> Any:
        """The rows."""
        return as_tensor_variable(x)[as_tensor_variable(rows)]


@dataclass(frozen=True)
class AdvancedSubtensor(OpClass):
    """x[...] with arrays of positions, or masks, among the indices."""

    own: ClassVar[Kinds] = (lookup.AdvancedSubtensor,)

    def apply(self, x: Any, *index: Any) -> Any:
        """What is looked up."""
        return as_tensor_variable(x)[index]


@dataclass(frozen=True)
class AdvancedIncSubtensor1(OpClass):
    """A copy of x whose rows at a vector of positions are increased by y, or set to it."""

    own: ClassVar[Kinds] = (lookup.AdvancedIncSubtensor,)
    inplace: bool = False
    set_instead_of_inc: bool = False

    def apply(self, x: Any, y: Any, rows: Any) -> Any:
        """The copy."""
        return _written(x, y, as_tensor_variable(rows), self.set_instead_of_inc)


@dataclass(frozen=True)
class AdvancedIncSubtensor(OpClass):
    """A copy of x that is increased by y, or set to it, at arrays of positions or masks."""

    own: ClassVar[Kinds] = (lookup.AdvancedIncSubtensor,)
    inplace: bool = False
    set_instead_of_inc: bool = False

    def apply(self, x: Any, y: Any, *index: Any) -> Any:
        """The copy."""
        return _written(x, y, index, self.set_instead_of_inc)


@dataclass(frozen=True)
class Reshape(OpClass):
    """The same elements under other sizes, of which there are `ndim`."""

    own: ClassVar[Kinds] = (reshape.Reshape,)
    ndim: int
    name: str | None = None

    def apply(self, x: Any, shape: Any) -> Any:
        """The tensor."""
        return reshape.reshape(x, shape, ndim=self.ndim)


@dataclass(frozen=True)
class Shape(OpClass):
    """The sizes of a tensor, as a vector."""

    own: ClassVar[Kinds] = (sizes.MakeVector,)

    def apply(self, x: Any) -> Any:
        """The vector."""
        return sizes.shape(x)


@dataclass(frozen=True)
class Shape_i(OpClass):  # noqa: N801 - Theano's name
    """The size of a tensor along an axis."""

    own: ClassVar[Kinds] = (sizes.ShapeI,)
    i: int

    def apply(self, x: Any) -> Any:
        """The size."""
        return sizes.shape_i(x, self.i)


@dataclass(frozen=True)
class SpecifyShape(OpClass):
    """A tensor whose sizes are promised."""

    own: ClassVar[Kinds] = (specify.SpecifyShape,)

    def apply(self, x: Any, shape: Any) -> Any:
        """The tensor; an error when it runs if the promise does not hold."""
        return specify_shape(x, shape)


@dataclass(frozen=True)
class MakeVector(OpClass):
    """Scalars as a vector."""

    own: ClassVar[Kinds] = (sizes.MakeVector,)
    dtype: str = "int64"

    def apply(self, *scalars: Any) -> Any:
        """The vector, of a dtype that holds all."""
        if not scalars:
            return zeros((0,), self.dtype)
        return stack([as_tensor_variable(s) for s in scalars])


@dataclass(frozen=True)
class Alloc(OpClass):
    """A value again and again, in sizes given one by one."""

    own: ClassVar[Kinds] = (create.Alloc,)

    def apply(self, value: Any, *sizes: Any) -> Any:
        """The tensor."""
        return alloc(value, *sizes)


def get_canonical_form_slice(theslice: Any, length: Any) -> tuple[Any, int | Any]:
    """A slice of an axis of `length` elements, as one that runs forward inside it.

    Returns the slice and 1 or -1, the direction in which its elements are to be read. Numbers may
    be variables. An index, which is not a slice, is counted from 0, with direction 1.
    """
    if not isinstance(theslice, slice):
        at = as_tensor_variable(theslice)
        return switch(lt(at, 0), at + length, at), 1
    step = as_tensor_variable(1 if theslice.step is None else theslice.step)
    up, length = gt(step, 0), as_tensor_variable(length)
    least, most = switch(up, 0, -1), switch(up, length, length - 1)
    start = _clamped(theslice.start, switch(up, least, most), length, (least, most))
    stop = _clamped(theslice.stop, switch(up, most, least), length, (least, most))
    count = maximum(0, -((start - stop) // step))
    last = start + (count - 1) * step
    first, end = switch(up, start, last), switch(up, stop, start + 1)
    empty = eq(count, 0)
    whole = slice(switch(empty, 0, first), switch(empty, 0, end), abs_(step))
    return whole, switch(up, 1, -1)


def _clamped(bound: Any, default: Any, length: Any, limits: tuple[Any, Any]) -> Any:
    """A bound of a slice, counted from 0, inside the axis."""
    if bound is None:
        return default
    at = as_tensor_variable(bound)
    return minimum(maximum(switch(lt(at, 0), at + length, at), limits[0]), limits[1])
