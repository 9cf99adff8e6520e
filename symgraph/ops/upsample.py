"""Images made larger by bilinear interpolation: look-ups and weights, which fuse."""

from __future__ import annotations

from math import gcd
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.activations import floating
from symgraph.ops.arith import add, clip, int_div, mod, mul, sub, true_div
from symgraph.ops.cast import cast
from symgraph.ops.create import arange
from symgraph.ops.index import subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.linalg import outer
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import Tensor

__all__ = [
    "bilinear_kernel_1D",
    "bilinear_kernel_2D",
    "bilinear_upsampling",
    "frac_bilinear_upsampling",
]


def bilinear_kernel_1D(ratio: Any, normalize: bool = True) -> Tensor:
    """The 2 * ratio - 1 weights of interpolation along an axis: a triangle.

    >>> bilinear_kernel_1D(2).eval()
    array([0.5, 1. , 0.5])
    """
    rising = cast(arange(1, add(ratio, 1)), "floatX")
    falling = subtensor(rising, slice(-2, None, -1))
    whole = concatenate([rising, falling])
    return true_div(whole, cast(ratio, "floatX")) if normalize else whole


def bilinear_kernel_2D(ratio: Any, normalize: bool = True) -> Tensor:
    """The weights of interpolation along two axes: a pyramid.

    >>> bilinear_kernel_2D(2).eval()
    array([[0.25, 0.5 , 0.25],
           [0.5 , 1.  , 0.5 ],
           [0.25, 0.5 , 0.25]])
    """
    rows, columns = ratio if isinstance(ratio, tuple) else (ratio, ratio)
    return outer(bilinear_kernel_1D(rows, normalize), bilinear_kernel_1D(columns, normalize))


def bilinear_upsampling(
    input: Any,
    ratio: Any = None,
    frac_ratio: Any = None,
    batch_size: Any = None,
    num_input_channels: Any = None,
    use_1D_kernel: bool = True,
) -> Tensor:
    """Images `ratio` times as large, by bilinear interpolation.

    Parameters
    ----------
    input
        (batch, channels, rows, columns).
    ratio
        An integer. Element i of the input lies at place i * ratio + (ratio - 1) // 2 of the
        output; the first and the last are repeated beyond.
    frac_ratio
        Instead of it, as of `frac_bilinear_upsampling`.
    batch_size, num_input_channels, use_1D_kernel
        Hints for Theano's implementation, which mean nothing here.

    >>> bilinear_upsampling([[[[0.0, 1.0]]]], 2).eval()[0, 0, 0]
    array([0. , 0.5, 1. , 1. ])
    """
    if (ratio is None) == (frac_ratio is None):
        raise GraphTypeError("bilinear_upsampling takes either ratio or frac_ratio")
    if frac_ratio is not None:
        return frac_bilinear_upsampling(input, frac_ratio)
    return _interpolated(_interpolated(_images(input), 2, ratio, 1), 3, ratio, 1)


def frac_bilinear_upsampling(input: Any, frac_ratio: Any) -> Tensor:
    """Images made larger by a fraction: every q-th place of `bilinear_upsampling` by p.

    `frac_ratio` is a pair (p, q) of ints, or one for rows and one for columns.

    >>> frac_bilinear_upsampling([[[[0.0, 3.0, 6.0, 9.0]]]], ((1, 1), (3, 2))).eval()[0, 0, 0]
    array([0., 1., 3., 5., 7., 9.])
    """
    pairs = frac_ratio if isinstance(frac_ratio[0], tuple | list) else (frac_ratio, frac_ratio)
    x = _images(input)
    for axis, (p, q) in zip((2, 3), pairs, strict=True):
        common = gcd(p, q)
        x = _interpolated(x, axis, p // common, q // common)
    return x


def _images(x: Any) -> Tensor:
    x = floating(x)
    if x.type.ndim != 4:
        raise GraphTypeError(f"upsampling takes (batch, channels, rows, columns), not {x.type}")
    return x


def _interpolated(x: Tensor, axis: int, p: Any, q: int) -> Tensor:
    """An axis p / q times as long."""
    length = shape_i(x, axis)
    count = int_div(add(mul(length, p), q - 1), q)
    place = sub(mul(arange(count), q), int_div(sub(p, 1), 2))
    before, rest = int_div(place, p), mod(place, p)
    weight = true_div(cast(rest, x.type.dtype), cast(p, x.type.dtype))
    weight = dimshuffle(weight, 0, *["x"] * (3 - axis))
    left, right = (
        subtensor(x, (*[slice(None)] * axis, clip(at, 0, sub(length, 1))))
        for at in (before, add(before, 1))
    )
    return add(mul(left, sub(1, weight)), mul(right, weight))
