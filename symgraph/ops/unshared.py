"""Convolutions with filters of their own at each place (locally connected layers).

Filters are (outputs, places..., channels / groups, axes...). Composed: what lies under the kernel
is looked up, and one product sums over channels and taps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.ops.arith import add, mul
from symgraph.ops.arrange import flip
from symgraph.ops.borders import pad
from symgraph.ops.convolution import Conv
from symgraph.ops.create import arange, zeros
from symgraph.ops.einsum import einsum
from symgraph.ops.index import inc_subtensor, subtensor
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import Tensor, as_operands

PLACES, TAPS = "pq", "tu"


def unshared_convolution(op: Conv, x: Any, w: Any) -> Tensor:
    """The convolution of images with filters of their own at each place."""
    x, w = as_operands([x, w])
    ndim = len(op.stride)
    kernel = [shape_i(w, axis) for axis in range(2 + ndim, 2 + 2 * ndim)]
    places = [shape_i(w, axis) for axis in range(1, 1 + ndim)]
    patches = subtensor(_framed(op, x, kernel), _index(op, places, kernel))
    p, t = PLACES[:ndim], TAPS[:ndim]
    filters = _in_groups(op, _turned(op, w), 0)
    out = einsum(f"ngc{p}{t},go{p}c{t}->ngo{p}", _in_groups(op, patches, 1), filters)
    return _together(out)


def unshared_inputs(op: Conv, w: Any, g: Any, image: Sequence[Any]) -> Tensor:
    """The cotangent of the images, `image` their sizes along the axes."""
    w, g = as_operands([w, g])
    ndim = len(op.stride)
    kernel = [shape_i(w, axis) for axis in range(2 + ndim, 2 + 2 * ndim)]
    places = [shape_i(w, axis) for axis in range(1, 1 + ndim)]
    p, t = PLACES[:ndim], TAPS[:ndim]
    filters = _in_groups(op, _turned(op, w), 0)
    patches = einsum(f"ngo{p},go{p}c{t}->ngc{p}{t}", _in_groups(op, g, 1), filters)
    channels = mul(shape_i(w, 1 + ndim), op.groups)
    frame = _framed(op, zeros((shape_i(g, 0), channels, *image), g.type.dtype), kernel)
    whole = inc_subtensor(subtensor(frame, _index(op, places, kernel)), _together(patches))
    lows = [op.zeros(axis, size)[0] for axis, size in enumerate(kernel)]
    cut = [slice(low, add(low, size)) for low, size in zip(lows, image, strict=True)]
    return subtensor(whole, (slice(None), slice(None), *cut))


def unshared_weights(op: Conv, x: Any, g: Any, kernel: Sequence[Any]) -> Tensor:
    """The cotangent of the filters, `kernel` their sizes along the axes."""
    x, g = as_operands([x, g])
    ndim = len(op.stride)
    places = [shape_i(g, axis) for axis in range(2, 2 + ndim)]
    patches = subtensor(_framed(op, x, kernel), _index(op, places, kernel))
    p, t = PLACES[:ndim], TAPS[:ndim]
    filters = einsum(
        f"ngo{p},ngc{p}{t}->go{p}c{t}", _in_groups(op, g, 1), _in_groups(op, patches, 1)
    )
    rest = [shape_i(filters, axis) for axis in range(2, filters.type.ndim)]
    return _turned(op, reshape(filters, [mul(shape_i(filters, 0), shape_i(filters, 1)), *rest]))


def _framed(op: Conv, x: Tensor, kernel: Sequence[Any]) -> Tensor:
    """The images in their border of zeros."""
    return pad(x, [(0, 0), (0, 0), *(op.zeros(axis, size) for axis, size in enumerate(kernel))])


def _index(op: Conv, places: Sequence[Any], kernel: Sequence[Any]) -> tuple[Any, ...]:
    """For each axis the coordinates under the taps of all places: axes places..., taps..."""
    ndim = len(places)
    index: list[Any] = [slice(None), slice(None)]
    for axis in range(ndim):
        place = mul(arange(places[axis]), op.stride[axis])
        tap = mul(arange(kernel[axis]), op.dilation[axis])
        both = add(dimshuffle(place, 0, "x"), dimshuffle(tap, "x", 0))
        order: list[Any] = ["x"] * (2 * ndim)
        order[axis], order[ndim + axis] = 0, 1
        index.append(dimshuffle(both, *order))
    return tuple(index)


def _turned(op: Conv, w: Tensor) -> Tensor:
    """The filters, turned round if they are to be."""
    return flip(w, tuple(range(w.type.ndim - len(op.stride), w.type.ndim))) if op.flip else w


def _in_groups(op: Conv, x: Tensor, axis: int) -> Tensor:
    """An axis cut in groups."""
    sizes = [shape_i(x, k) for k in range(x.type.ndim)]
    sizes[axis : axis + 1] = [op.groups, sizes[axis] // op.groups]
    return reshape(x, sizes)


def _together(x: Tensor) -> Tensor:
    """Axes 1 and 2 made one."""
    rest = [shape_i(x, axis) for axis in range(3, x.type.ndim)]
    return reshape(x, [shape_i(x, 0), mul(shape_i(x, 1), shape_i(x, 2)), *rest])
