"""Elements repeated."""

from __future__ import annotations

from typing import Any

from symgraph.ops.arith import mul
from symgraph.ops.checks import Assert
from symgraph.ops.compare import eq, ge
from symgraph.ops.create import alloc, arange
from symgraph.ops.cumulative import cumsum
from symgraph.ops.index import take
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import reshape
from symgraph.ops.search import searchsorted
from symgraph.ops.shape import expand_dims, shape_i
from symgraph.types import Tensor, as_tensor_variable, axis_of

__all__ = ["repeat"]


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element, or each part along an axis, `repeats` times; of the flattened tensor if None.

    `repeats` is an integer scalar, or a vector with one count for each part; counts that are
    negative, or not as many as there are parts, are a `CheckError` when the function runs.

    >>> repeat([1.0, 2.0], 2).eval()
    array([1., 1., 2., 2.])
    """
    x = as_tensor_variable(x)
    if axis is None:
        x, axis = x.flatten(), 0
    axis, count = axis_of(axis, x.type.ndim), as_tensor_variable(repeats)
    sizes = [shape_i(x, a) for a in range(x.type.ndim)]
    if count.type.shape == (1,):
        count = reshape(count, ())
    if count.type.ndim:
        return take(x, _places_repeated(count, sizes[axis]), axis)
    wide = alloc(expand_dims(x, axis + 1), *sizes[: axis + 1], count, *sizes[axis + 1 :])
    return reshape(wide, [*sizes[:axis], mul(sizes[axis], count), *sizes[axis + 1 :]])


def _places_repeated(counts: Tensor, size: Tensor) -> Tensor:
    """0 counts[0] times, 1 counts[1] times, ...: how many ends lie at or before each place."""
    fits = Assert("repeat: counts are not one for each part, or one is negative")
    counts = fits(counts, eq(shape_i(counts, 0), size), ge(counts, 0))
    return searchsorted(cumsum(counts), arange(sum_over(counts)), side="right")
