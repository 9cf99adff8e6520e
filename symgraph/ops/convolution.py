"""Convolutions over one to three axes, and what their gradients are made of.

Images are (batch, channels, axes...), filters (outputs, channels / groups, axes...). A convolution
is linear in both, so three ops are each other's gradients and any order of them exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import product
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
    as_operands,
    larger,
    promote,
    unify,
    upgrade_to_float,
)

Side: TypeAlias = "str | tuple[int, int]"  # "half", "full", or the zeros before and behind
CODES = {"half": -1, "full": -2}


@dataclass(frozen=True, repr=False)
class _Convolution(Library):
    """What the three ops share.

    For each axis: the step between places, the step between taps, the border of zeros. With `flip`
    the kernel is turned round, as in mathematics; without it this is a correlation.
    """

    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    border: tuple[Side, ...]
    groups: int = 1
    flip: bool = True

    reads: ClassVar[int | None] = 2

    def prepare(self, *inputs: Any) -> Tensors:
        """Two tensors of one floating dtype; sizes behind them are integer scalars."""
        first, second, *sizes = inputs
        pair = as_operands([first, second])
        common = upgrade_to_float(promote(*(v.type.dtype for v in pair)))
        if common in COMPLEX:
            raise GraphTypeError("convolutions take real numbers; convolve real and imaginary part")
        rank = len(self.stride) + 2
        if any(v.type.ndim != rank for v in pair):
            kinds = " and ".join(f"{v} ({v.type}, made at {v.made_at})" for v in pair)
            raise GraphTypeError(
                f"{type(self).__name__} takes tensors of {rank} axes (batch, channels, sizes), not"
                f" {kinds}; x.dimshuffle('x', 'x', 0, 1) adds two axes in front"
            )
        return [*(cast(v, common) for v in pair), *scalars_of(sizes)]

    def settings(self) -> tuple[int, ...]:
        """Groups, flip, then for each of three axes stride, dilation, zeros in front."""
        axes = [(1, 1, 0)] * (3 - len(self.stride)) + [
            (stride, dilation, CODES[side] if isinstance(side, str) else side[0])
            for stride, dilation, side in zip(self.stride, self.dilation, self.border, strict=True)
        ]
        return (self.groups, int(self.flip), *(number for axis in axes for number in axis))

    def zeros(self, axis: int, size: Dim) -> tuple[Dim, Dim]:
        """The zeros before and behind an axis, for a kernel of `size` along it."""
        side, reach = self.border[axis], (size - 1) * self.dilation[axis]
        if isinstance(side, tuple):
            return side
        return ((reach + 1) // 2,) * 2 if side == "half" else (reach, reach)

    def places(self, image: Dims, kernel: Dims) -> Dims:
        """The sizes of the output's axes, none if the kernel is larger than the image."""
        return tuple(
            larger(
                (n + sum(self.zeros(axis, k)) - (k - 1) * self.dilation[axis] - 1)
                // self.stride[axis]
                + 1,
                0,
            )
            for axis, (n, k) in enumerate(zip(image, kernel, strict=True))
        )

    def check(self, image: Dims, filters: Dims, out: Dims) -> None:
        """Ask that the sizes of image, filters and output belong together."""
        name = type(self).__name__
        unify((image[0], out[0]), f"{name}: the images of a batch")
        unify((image[1], filters[1] * self.groups), f"{name}: channels of images and of filters")
        unify((filters[0], out[1]), f"{name}: filters")
        unify((filters[0], filters[0] // self.groups * self.groups), f"{name}: filters in groups")
        for axis, pair in enumerate(zip(out[2:], self.places(image[2:], filters[2:]), strict=True)):
            unify(pair, f"{name}: axis {axis + 2}")

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """The convolution of images with filters."""
        return Conv(**self._fields())(x, w)

    def to_inputs(self, w: Tensor, g: Tensor, x: Tensor) -> Tensor:
        """The cotangent of the images `x`."""
        sizes = [shape_i(x, axis) for axis in range(2, x.type.ndim)]
        return ConvInputs(**self._fields())(w, g, *sizes)

    def to_weights(self, x: Tensor, g: Tensor, w: Tensor) -> Tensor:
        """The cotangent of the filters `w`."""
        sizes = [shape_i(w, axis) for axis in range(2, w.type.ndim)]
        return ConvWeights(**self._fields())(x, g, *sizes)

    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def under(self, image: Any, kernel: Sequence[int], places: Sequence[int]) -> Iterator[Any]:
        """For each tap its index in the filters and the elements it is over, in NumPy."""
        for tap in product(*map(range, kernel)):
            cut = tuple(
                slice(t * d, t * d + max((n - 1) * s + 1, 0), s)
                for t, d, n, s in zip(tap, self.dilation, places, self.stride, strict=True)
            )
            weight = tuple(k - 1 - t for k, t in zip(kernel, tap, strict=True))
            yield (..., *(weight if self.flip else tap)), image[(slice(None), slice(None), *cut)]

    def framed(self, image: Any, kernel: Sequence[int]) -> Any:
        """The image in its border of zeros, in NumPy."""
        return np.pad(image, [(0, 0), (0, 0), *(self.zeros(a, k) for a, k in enumerate(kernel))])

    def grouped(self, array: Any, axis: int) -> Any:
        """An array with an axis cut in groups, in NumPy."""
        *front, channels = array.shape[: axis + 1]
        return array.reshape(*front, self.groups, channels // self.groups, *array.shape[axis + 1 :])

    def flat(self, array: Any) -> Any:
        """Channels in groups, spatial axes made one, in NumPy."""
        whole = self.grouped(array, 1)
        return whole.reshape(*whole.shape[:3], int(np.prod(whole.shape[3:])))


Case: TypeAlias = tuple[Any, tuple[int, ...], tuple[int, ...]]  # op, sizes of images and filters


def cases(kind: type[_Convolution]) -> Iterator[Case]:
    """Every setting at least once, on one to three axes."""
    one = ((1, 1), (1, 1))
    yield kind(*one, ((0, 0), (0, 0))), (2, 1, 4, 5), (3, 1, 2, 3)
    yield kind((2, 1), (1, 2), ((1, 0), "half"), 2, False), (1, 4, 5, 4), (2, 2, 2, 3)
    yield kind((3, 2), (1, 1), ("full", (0, 2)), 1, True), (1, 2, 4, 6), (2, 2, 2, 3)
    yield kind((2,), (2,), ("full",), 1, False), (2, 2, 6), (3, 2, 2)
    yield kind((1, 2, 1), (1, 1, 2), ("half", (0, 0), (1, 1)), 2), (1, 2, 3, 3, 4), (2, 1, 1, 2, 2)
    yield kind(*one, ((0, 0), (0, 0))), (0, 2, 3, 3), (2, 2, 2, 2)
    yield kind(*one, ((0, 0), (0, 0))), (2, 2, 1, 3), (2, 2, 2, 2)


class Conv(_Convolution):
    """The convolution of images with filters."""

    routine: ClassVar[str] = "symgraph.backends.routines.convolution:convolve"

    def out_shape(self, *args: Arg) -> Dims:
        """One channel for each filter, a place wherever the kernel fits."""
        image, filters = args[0].shape, args[1].shape
        out = (image[0], filters[0], *self.places(image[2:], filters[2:]))
        self.check(image, filters, out)
        return out

    def reference(self, x: Any, w: Any) -> Any:
        """A sum over taps, by NumPy."""
        kernel = w.shape[2:]
        places = self.places(x.shape[2:], kernel)
        out = np.zeros((len(x), self.groups, len(w) // self.groups, *places), x.dtype)
        for tap, part in self.under(self.framed(x, kernel), kernel, places):
            weights = self.grouped(w[tap], 0)
            out += np.einsum("ngc...,goc->ngo...", self.grouped(part, 1), weights)
        return out.reshape(len(x), len(w), *places)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Through the filters to the images, through the images to the filters."""
        (x, w), (g,) = inputs, output_grads
        return [self.to_inputs(w, g, x), self.to_weights(x, g, w)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """All borders, strides, dilation, groups, both directions, one to three axes."""
        for op, image, filters in cases(cls):
            yield Example(op, (Sample(image), Sample(filters)))


class ConvInputs(_Convolution):
    """The cotangent of a convolution's images: inputs filters, cotangent, sizes of the images."""

    routine: ClassVar[str] = "symgraph.backends.routines.convolution:convolve_inputs"

    def out_shape(self, *args: Arg) -> Dims:
        """The images' sizes."""
        filters, out, *sizes = args
        channels = filters.shape[1] * self.groups
        image = (out.shape[0], channels, *(s.value for s in sizes))
        self.check(image, filters.shape, out.shape)
        return image

    def reference(self, w: Any, g: Any, *sizes: Any) -> Any:
        """The cotangent added, tap by tap, to what was under the tap, by NumPy."""
        kernel, channels = w.shape[2:], w.shape[1] * self.groups
        wide = self.framed(np.zeros((len(g), channels, *map(int, sizes)), g.dtype), kernel)
        for tap, part in self.under(wide, kernel, g.shape[2:]):
            weights = self.grouped(w[tap], 0)
            part += np.einsum("ngo...,goc->ngc...", self.grouped(g, 1), weights).reshape(part.shape)
        lows = [self.zeros(axis, k)[0] for axis, k in enumerate(kernel)]
        cut = (slice(low, low + int(n)) for low, n in zip(lows, sizes, strict=True))
        return wide[(slice(None), slice(None), *cut)]

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The weights' cotangent of these images, and their convolution."""
        (w, g, *sizes), (image,) = inputs, output_grads
        return [self.to_weights(image, g, w), self.forward(image, w), *[None] * len(sizes)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """As of the convolution; one image has a rest behind the last stride."""
        for op, image, filters in cases(cls):
            out = (image[0], filters[0], *op.places(image[2:], filters[2:]))
            yield Example(op, (Sample(filters), Sample(out), *size_samples(*image[2:])))


class ConvWeights(_Convolution):
    """The cotangent of a convolution's filters: inputs images, cotangent, sizes of the kernel."""

    routine: ClassVar[str] = "symgraph.backends.routines.convolution:convolve_weights"

    def out_shape(self, *args: Arg) -> Dims:
        """The filters' sizes."""
        image, out, *sizes = args
        filters = (out.shape[1], image.shape[1] // self.groups, *(s.value for s in sizes))
        self.check(image.shape, filters, out.shape)
        return filters

    def reference(self, x: Any, g: Any, *sizes: Any) -> Any:
        """The products of the cotangent with what was under each tap, by NumPy."""
        kernel = tuple(map(int, sizes))
        out = np.zeros((g.shape[1], x.shape[1] // self.groups, *kernel), x.dtype)
        for tap, part in self.under(self.framed(x, kernel), kernel, g.shape[2:]):
            total = np.einsum("ngop,ngcp->goc", self.flat(g), self.flat(part))
            out[tap] = total.reshape(out[tap].shape)
        return out

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The images' cotangent of these filters, and the convolution with them."""
        (x, g, *sizes), (filters,) = inputs, output_grads
        return [self.to_inputs(filters, g, x), self.forward(x, filters), *[None] * len(sizes)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """As of the convolution."""
        for op, image, filters in cases(cls):
            out = (image[0], filters[0], *op.places(image[2:], filters[2:]))
            yield Example(op, (Sample(image), Sample(out), *size_samples(*filters[2:])))
