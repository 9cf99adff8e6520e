"""Statistics over axes that are made of sums, counts and sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.ops.arith import add, int_div, sub, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import isnan, neq
from symgraph.ops.index import subtensor
from symgraph.ops.reduce import count_over, normalized_axes, spread
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import switch
from symgraph.ops.shape import moveaxis, reshape, shape_i
from symgraph.ops.sort import sort
from symgraph.types import CONTINUOUS, DISCRETE, Tensor, as_tensor_variable

__all__ = ["count_nonzero", "median"]


def count_nonzero(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The number (int64) of nonzero elements over axes.

    >>> count_nonzero([0.0, 2.0, 3.0]).eval()
    array(2)
    """
    return sum_over(cast(neq(x, 0), "int64"), axis, keepdims=keepdims)


def _last(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Axes moved behind the others and made one."""
    ndim, count = x.type.ndim, len(axes)
    moved = moveaxis(x, axes, tuple(range(ndim - count, ndim)))
    kept = [shape_i(moved, a) for a in range(ndim - count)]
    return reshape(moved, [*kept, count_over(x, axes)])


def median(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The middle element over axes, of an even number the mean of the two; NaN if there is one.

    Integers become floats.

    >>> median([3.0, 1.0, 2.0]).eval()
    array(2.)
    """
    x = as_tensor_variable(x)
    axes = normalized_axes(axis, x.type.ndim)
    rows = sort(_last(x, axes), -1)
    count = shape_i(rows, -1)
    middle = [subtensor(rows, (..., int_div(place, 2))) for place in (sub(count, 1), count)]
    wide = [cast(m, "float64") if m.type.dtype in DISCRETE else m for m in middle]
    half = true_div(add(*wide), 2)
    if x.type.dtype in CONTINUOUS:
        half = switch(isnan(subtensor(rows, (..., -1))), np.nan, half)
    return spread(half, x, axes) if keepdims else half
