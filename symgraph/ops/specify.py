"""Sizes that are promised, checked, or forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, ShapeError
from symgraph.families import (
    Example,
    Index,
    Moved,
    Read,
    Sample,
)
from symgraph.graph import Apply, Constant, Variable
from symgraph.ops.shape import scalars_of
from symgraph.types import (
    Arg,
    Dims,
    Tensor,
    Tensors,
    Unknown,
    as_tensor_variable,
    axes_of,
    unify,
)

__all__ = [
    "addbroadcast",
    "patternbroadcast",
    "specify_broadcastable",
    "specify_shape",
    "unbroadcast",
]


@dataclass(frozen=True, repr=False)
class SpecifyShape(Moved):
    """The operand, known to have certain sizes; others are an error when it runs."""

    sizes: tuple[int | str | None, ...]

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes given, where they are."""
        return tuple(
            unify((want, size), f"specify_shape: axis {axis}") if isinstance(want, int) else size
            for axis, (want, size) in enumerate(zip(self.sizes, args[0].shape, strict=True))
        )

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """The same place."""
        return index

    def axis_map(self, node: Apply) -> tuple[int | None, ...]:
        """Every axis is itself."""
        return tuple(range(len(self.sizes)))

    def reference(self, x: Any) -> Any:
        """The operand, its sizes checked."""
        for axis, (want, size) in enumerate(zip(self.sizes, np.shape(x), strict=True)):
            if isinstance(want, int) and want != size:
                raise ShapeError(f"specify_shape: axis {axis} has {size} elements, not {want}")
        return x

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent."""
        return [output_grads[0]]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Some sizes given."""
        yield Example(cls((3, None)), (Sample((3, 4)),))
        yield Example(cls((1, 4)), (Sample((1, 4)),))


@dataclass(frozen=True, repr=False)
class SpecifySizes(Moved):
    """The operand, whose sizes along `axes` are those given as int64 scalars.

    Others are an error when it runs, which says `what`.
    """

    axes: tuple[int, ...]
    what: str = "specify_shape"

    def __str__(self) -> str:
        return f"SpecifySizes{{({', '.join(map(str, self.axes))})}}"

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's sizes, those of `axes` as they are given."""
        x, *given = args
        sizes = list(x.shape)
        for axis, size in zip(self.axes, given, strict=True):
            sizes[axis] = unify((size.value, x.shape[axis]), f"{self.what}: axis {axis}")
        return tuple(sizes)

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """The same place."""
        return index

    def axis_map(self, node: Apply) -> tuple[int | None, ...]:
        """Every axis is itself."""
        x: Tensor = node.inputs[0]
        return tuple(range(x.type.ndim))

    def reference(self, x: Any, *sizes: Any) -> Any:
        """The operand, its sizes checked."""
        for axis, want in zip(self.axes, sizes, strict=True):
            if x.shape[axis] != want:
                sizes_ = f"sizes {want} and {x.shape[axis]}"
                raise ShapeError(f"{self.what}: axis {axis}: {sizes_} do not agree")
        return x

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent; nothing to the sizes."""
        return [output_grads[0], *[None] * len(self.axes)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One axis, two."""
        three, four = (Sample((), f"value:{n}", "int64", False) for n in (3, 4))
        yield Example(cls((1,)), (Sample((3, 4)), four))
        yield Example(cls((1, 0)), (Sample((3, 4)), four, three))


@dataclass(frozen=True, repr=False)
class Unbroadcast(Moved):
    """The operand, whose sizes along some axes count as unknown while the graph is built."""

    axes: tuple[int, ...]

    def out_shape(self, *args: Arg) -> Dims:
        """The same sizes, those of the axes forgotten."""
        return tuple(
            Unknown() if axis in self.axes and isinstance(size, int) else size
            for axis, size in enumerate(args[0].shape)
        )

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """The same place."""
        return index

    def axis_map(self, node: Apply) -> tuple[int | None, ...]:
        """Every axis is itself."""
        x: Tensor = node.inputs[0]
        return tuple(range(x.type.ndim))

    def reference(self, x: Any) -> Any:
        """The operand."""
        return x

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent."""
        return [output_grads[0]]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A row."""
        yield Example(cls((0,)), (Sample((1, 4)),))


def specify_shape(x: Any, sizes: Any) -> Tensor:
    """`x`, known to have certain sizes; checked when it runs.

    `sizes` holds for each axis an int, an integer scalar, or None for any; a vector is taken too.

    >>> specify_shape([1.0, 2.0], (2,)).type
    TensorType(float64, (2,))
    """
    x = as_tensor_variable(x)
    given = scalars_of(sizes) if isinstance(sizes, Variable) else list(sizes)
    if len(given) != x.type.ndim:
        raise GraphTypeError(f"specify_shape: {len(given)} sizes for {x.type.ndim} axes")
    known = [int(s.data) if isinstance(s, Constant) else s for s in given]
    result: Tensor = SpecifyShape(tuple(None if isinstance(s, Variable) else s for s in known))(x)
    found = {axis: s for axis, s in enumerate(known) if isinstance(s, Variable)}
    if found:
        result = SpecifySizes(tuple(found))(result, *scalars_of(list(found.values())))
    return result


@dataclass(frozen=True, repr=False)
class MatchSizes(Moved):
    """The first operand, whose sizes along some axes are known to be those of the second.

    `pairs` are axes of the one and of the other.
    """

    pairs: tuple[tuple[int, int], ...]

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's sizes, where they agree."""
        x, other = args
        sizes = list(x.shape)
        for mine, theirs in self.pairs:
            sizes[mine] = unify((x.shape[mine], other.shape[theirs]), f"{self}: axis {mine}")
        return tuple(sizes)

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """The same place."""
        return index

    def axis_map(self, node: Apply) -> tuple[int | None, ...]:
        """Every axis is itself."""
        return tuple(range(node.outputs[0].type.ndim))  # type: ignore[attr-defined]

    def reference(self, x: Any, other: Any) -> Any:
        """The operand, its sizes checked."""
        for mine, theirs in self.pairs:
            if x.shape[mine] != other.shape[theirs]:
                sizes = f"{x.shape[mine]} and {other.shape[theirs]}"
                raise ShapeError(f"sizes {sizes} along axis {mine} do not agree")
        return x

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent; nothing to the operand that only gives sizes."""
        return [output_grads[0], None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One axis, two."""
        yield Example(cls(((0, 1),)), (Sample((3, 4)), Sample((2, 3), differentiable=False)))
        yield Example(cls(((0, 1), (1, 0))), (Sample((3, 4)), Sample((4, 3), differentiable=False)))


def match_sizes(x: Tensor, other: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """`x`, whose sizes have to agree with those of `other` along pairs of axes.

    Sizes that agree already as far as types tell are left alone.
    """
    open_pairs = tuple(
        pair
        for pair in pairs
        if not isinstance(x.type.shape[pair[0]], int)
        or x.type.shape[pair[0]] != other.type.shape[pair[1]]
    )
    if not open_pairs:
        return x
    var: Tensor = MatchSizes(open_pairs)(x, other)
    return var


def addbroadcast(x: Any, *axes: int) -> Tensor:
    """`x` whose `axes` are known to have size 1, so that they broadcast."""
    x = as_tensor_variable(x)
    ndim, ones = x.type.ndim, axes_of(axes, x.type.ndim)
    return specify_shape(x, [1 if a in ones else None for a in range(ndim)])


specify_broadcastable = addbroadcast


def patternbroadcast(x: Any, broadcastable: Sequence[bool]) -> Tensor:
    """`x` whose axes are known to have size 1, and broadcast, where the pattern is True."""
    others = [axis for axis, one in enumerate(broadcastable) if not one]
    return unbroadcast(specify_shape(x, [1 if one else None for one in broadcastable]), *others)


def unbroadcast(x: Any, *axes: int) -> Tensor:
    """`x` whose `axes` do not broadcast: sizes of 1 that are known there are forgotten.

    >>> unbroadcast([[1.0, 2.0]], 0).type
    TensorType(float64, (?, 2))
    """
    x = as_tensor_variable(x)
    ones = tuple(axis for axis in axes_of(axes, x.type.ndim) if x.type.shape[axis] == 1)
    result: Tensor = Unbroadcast(ones)(x) if ones else x
    return result
