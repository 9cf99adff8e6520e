"""Pooling: the largest element, the sum or the mean of windows over the last axes.

Sums and means are linear: an op and its transpose. Where a window's largest element lies does not
move, so taking there and putting there are each other's gradients too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, ClassVar, TypeAlias

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.families import Example, Library, Sample
from symgraph.ops.cast import cast
from symgraph.ops.create import size_samples
from symgraph.ops.shape import scalars_of, shape_i
from symgraph.types import (
    COMPLEX,
    Arg,
    Dim,
    Dims,
    Tensor,
    Tensors,
    as_tensor_variable,
    larger,
    unify,
    upgrade_to_float,
)

MODES = ("sum", "average_inc_pad", "average_exc_pad")
Place: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, repr=False)
class Pooling(Library):
    """What the ops share: for each axis a window's size, the step between windows, the border.

    With `ignore_border` only whole windows count; without it the last one may be cut off by the
    end of the image.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    ignore_border: bool = True

    def prepare(self, *inputs: Any) -> Tensors:
        """Floating tensors; sizes behind them are integer scalars."""
        count = self.reads or len(inputs)
        arrays = [as_tensor_variable(x) for x in inputs[:count]]
        for x in arrays:
            if x.type.ndim < len(self.size) or x.type.dtype in COMPLEX:
                raise GraphTypeError(
                    f"pooling takes real tensors of {len(self.size)} axes or more, not {x.type}"
                )
        return [
            *(cast(x, upgrade_to_float(x.type.dtype)) for x in arrays),
            *scalars_of(list(inputs[count:])),
        ]

    def pooled(self, image: Dims) -> Dims:
        """The sizes of what is pooled from an image."""
        front = len(image) - len(self.size)
        pairs = enumerate(image[front:])
        return (*image[:front], *(self._windows(axis, n) for axis, n in pairs))

    def _windows(self, axis: int, length: Dim) -> Dim:
        size, stride = self.size[axis], self.stride[axis]
        if self.ignore_border:
            return larger((length + (2 * self.pad[axis] - size)) // stride + 1, 0)
        if stride >= size:
            return (length + (stride - 1)) // stride
        return larger((length + (stride - size - 1)) // stride, 0) + 1

    def each(self, image: Sequence[int], pooled: Sequence[int]) -> Iterator[tuple[Place, Place]]:
        """For each window its place and the part of the image it is over, in NumPy."""
        front = len(image) - len(self.size)
        for place in np.ndindex(*pooled[front:]):
            cut = [
                slice(max(p * step - pad, 0), max(min(p * step - pad + size, n), 0))
                for p, size, step, pad, n in zip(
                    place, self.size, self.stride, self.pad, image[front:], strict=True
                )
            ]
            yield (..., *place), (..., *cut)

    def fields(self) -> dict[str, Any]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def cases(**more: Any) -> Iterator[tuple[dict[str, Any], tuple[int, ...]]]:
    """Settings and the image's size: overlaps, gaps, borders, cut windows, one to three axes."""
    yield {"size": (2, 2), "stride": (2, 2), "pad": (0, 0)} | more, (2, 5, 6)
    yield {"size": (3, 2), "stride": (2, 1), "pad": (1, 1)} | more, (1, 2, 5, 4)
    yield {"size": (2, 3), "stride": (2, 2), "pad": (0, 0), "ignore_border": False} | more, (5, 6)
    yield {"size": (2,), "stride": (3,), "pad": (0,), "ignore_border": False} | more, (2, 7)
    yield {"size": (2, 1, 2), "stride": (1, 1, 2), "pad": (1, 0, 0)} | more, (3, 2, 4)
    yield {"size": (3, 3), "stride": (3, 3), "pad": (0, 0)} | more, (2, 2, 7)
    yield {"size": (2, 2), "stride": (2, 2), "pad": (0, 0)} | more, (0, 4, 4)


@dataclass(frozen=True, repr=False)
class _Linear(Pooling):
    """Sums, or means over the whole window or over its part inside the image."""

    mode: str = "sum"

    def divisor(self, place: Any, cut: Any, image: Sequence[int]) -> int:
        """What a window's sum is divided by, in NumPy."""
        if self.mode == "sum":
            return 1
        if self.mode == "average_exc_pad":
            return int(np.prod([c.stop - c.start for c in cut[1:]]))
        lengths = image[len(image) - len(self.size) :]
        counts = [
            min(p * step + size, n + 2 * pad) - p * step
            for p, size, step, pad, n in zip(
                place[1:], self.size, self.stride, self.pad, lengths, strict=True
            )
        ]
        return int(np.prod(counts))


class PoolSum(_Linear):
    """The sum or mean of each window."""

    def out_shape(self, *args: Arg) -> Dims:
        """A place for each window."""
        return self.pooled(args[0].shape)

    def reference(self, x: Any) -> Any:
        """Window by window, by NumPy."""
        out = np.zeros(self.pooled(x.shape), x.dtype)
        axes = tuple(range(-len(self.size), 0))
        for place, cut in self.each(x.shape, out.shape):
            out[place] = x[cut].sum(axis=axes) / self.divisor(place, cut, x.shape)
        return out

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent spread over the windows."""
        sizes = [shape_i(inputs[0], axis) for axis in range(inputs[0].type.ndim)]
        return [PoolSpread(**self.fields())(output_grads[0], *sizes)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Every mode over every kind of window."""
        for mode in MODES:
            for options, image in cases(mode=mode):
                yield Example(cls(**options), (Sample(image),))


class PoolSpread(_Linear):
    """The transpose of `PoolSum`: inputs a cotangent and the sizes of the image."""

    reads: ClassVar[int | None] = 1

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes given."""
        g, *sizes = args
        image = tuple(s.value for s in sizes)
        for axis, pair in enumerate(zip(g.shape, self.pooled(image), strict=True)):
            unify(pair, f"{type(self).__name__}: axis {axis}")
        return image

    def reference(self, g: Any, *sizes: Any) -> Any:
        """Window by window, by NumPy."""
        out = np.zeros(tuple(map(int, sizes)), g.dtype)
        rest = (np.newaxis,) * len(self.size)
        for place, cut in self.each(out.shape, g.shape):
            out[cut] += np.asarray(g[place])[(..., *rest)] / self.divisor(place, cut, out.shape)
        return out

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The sums of the cotangent."""
        return [PoolSum(**self.fields())(output_grads[0]), *[None] * (len(inputs) - 1)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """As of the sums."""
        for mode in MODES:
            for options, image in cases(mode=mode):
                op = cls(**options)
                yield Example(op, (Sample(op.pooled(image)), *size_samples(*image)))


class PoolTake(Pooling):
    """For each window the element of the second operand where the first is largest.

    The first of equal ones; NaN counts as larger than all. A window without elements gives 0.
    """

    def out_shape(self, *args: Arg) -> Dims:
        """A place for each window."""
        sizes = zip(args[0].shape, args[1].shape, strict=True)
        image = tuple(unify(pair, f"PoolTake: axis {axis}") for axis, pair in enumerate(sizes))
        return self.pooled(image)

    def reference(self, x: Any, y: Any) -> Any:
        """Window by window, by NumPy."""
        out = np.zeros(self.pooled(x.shape), y.dtype)
        for place, at in self.largest(x, out.shape):
            out[place] = np.take_along_axis(y.reshape(*at.shape[:-1], -1), at, -1)[..., 0]
        return out

    def largest(self, x: Any, pooled: Sequence[int]) -> Iterator[tuple[Any, Any]]:
        """For each window its place and where, counted along the flat image, x is largest."""
        front, image = x.shape[: x.ndim - len(self.size)], x.shape[x.ndim - len(self.size) :]
        flat = np.broadcast_to(np.arange(int(np.prod(image))).reshape(image), x.shape)
        for place, cut in self.each(x.shape, pooled):
            window = x[cut].reshape(*front, int(np.prod(x[cut].shape[len(front) :])))
            if window.size:
                best = np.argmax(window, axis=-1)[..., None]
                yield place, np.take_along_axis(flat[cut].reshape(window.shape), best, -1)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent put where the elements were taken."""
        return [None, PoolPut(**self.fields())(inputs[0], output_grads[0])]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Every kind of window."""
        for options, image in cases():
            yield Example(cls(**options), (Sample(image, differentiable=False), Sample(image)))


class PoolPut(PoolTake):
    """The transpose of `PoolTake`: each cotangent added where the first operand is largest."""

    def out_shape(self, *args: Arg) -> Dims:
        """The image's sizes."""
        sizes = zip(self.pooled(args[0].shape), args[1].shape, strict=True)
        for axis, pair in enumerate(sizes):
            unify(pair, f"PoolPut: axis {axis}")
        return args[0].shape

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The cotangent's."""
        return (dtypes[1],)

    def reference(self, x: Any, g: Any) -> Any:
        """Window by window, by NumPy."""
        image = x.shape[x.ndim - len(self.size) :]
        out = np.zeros((*x.shape[: x.ndim - len(self.size)], int(np.prod(image))), g.dtype)
        for place, at in self.largest(x, g.shape):
            here = np.take_along_axis(out, at, -1) + np.asarray(g[place])[..., None]
            np.put_along_axis(out, at, here, -1)
        return out.reshape(x.shape)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent's elements taken there."""
        return [None, PoolTake(**self.fields())(inputs[0], output_grads[0])]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Every kind of window."""
        for options, image in cases():
            op = cls(**options)
            yield Example(op, (Sample(image, differentiable=False), Sample(op.pooled(image))))


def max_pooled(x: Tensor, **options: Any) -> Tensor:
    """The largest element of each window."""
    result: Tensor = PoolTake(**options)(x, x)
    return result
