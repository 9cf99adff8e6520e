"""Counting by bins: how often integers occur, in which interval numbers lie, histograms."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import add, maximum, mul, sub, true_div
from symgraph.ops.arrange import diff, flip
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq, ge, lt
from symgraph.ops.create import ones_like, zeros
from symgraph.ops.extrema import max as max_over
from symgraph.ops.extrema import min as min_over
from symgraph.ops.index import inc_subtensor, subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.ranges import linspace
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.search import searchsorted
from symgraph.ops.select import switch
from symgraph.ops.shape import shape_i
from symgraph.types import DISCRETE, Tensor, as_tensor_variable, check_dtype

__all__ = ["bincount", "digitize", "histogram", "histogram_bin_edges"]


def bincount(
    x: Any, weights: Any = None, minlength: Any = None, assert_nonneg: bool = False
) -> Tensor:
    """How often each integer from 0 to the largest occurs in a vector; or the sum of its weights.

    A negative one is an error. The result has `minlength` elements at least.

    >>> bincount([1, 1, 3]).eval()
    array([0, 2, 0, 1])
    """
    x = as_tensor_variable(x)
    if x.type.dtype not in DISCRETE or x.type.ndim != 1:
        raise GraphTypeError(f"bincount takes a vector of integers, not {x.type}")
    whole = cast(x, "int64")
    least = sub(as_tensor_variable(0 if minlength is None else minlength), 1).reshape((1,))
    count = add(max_over(concatenate([whole, least])), 1)
    amounts = ones_like(whole) if weights is None else as_tensor_variable(weights)
    ground = zeros((count,), amounts.type.dtype)
    return inc_subtensor(subtensor(ground, switch(lt(whole, 0), count, whole)), amounts)


def digitize(x: Any, bins: Any, right: bool = False) -> Tensor:
    """For each number the index (int64) of the interval it lies in, between monotonic bounds.

    Interval i is bins[i-1] <= x < bins[i] of rising bounds, bins[i-1] > x >= bins[i] of falling
    ones; with `right` the other bound belongs to it.

    >>> digitize([0.5, 2.0], [0.0, 1.0, 2.0]).eval()
    array([1, 3])
    """
    bins = as_tensor_variable(bins)
    count = shape_i(bins, 0)
    side = "left" if right else "right"
    rising = searchsorted(bins, x, side)
    falling = sub(count, searchsorted(flip(bins, 0), x, side))
    ends = concatenate([bins, zeros((1,), bins.type.dtype)])
    first, last = subtensor(ends, 0), subtensor(ends, maximum(sub(count, 1), 0))
    return switch(lt(last, first), falling, rising)


def histogram_bin_edges(x: Any, bins: Any = 10, range: Any = None) -> Tensor:
    """The bounds of the intervals that `histogram` counts in."""
    x, given = as_tensor_variable(x), as_tensor_variable(bins)
    if given.type.ndim:
        return given
    kind = x.type.dtype if x.type.dtype not in DISCRETE else check_dtype("floatX")
    if range is None:
        flat = cast(x.flatten(), kind)
        low, high = min_over(flat), max_over(flat)
    else:
        low, high = (cast(as_tensor_variable(end), kind) for end in range)
    flat_range = eq(low, high)
    low, high = switch(flat_range, sub(low, 0.5), low), switch(flat_range, add(high, 0.5), high)
    return linspace(low, high, add(given, 1))


def histogram(
    x: Any, bins: Any = 10, range: Any = None, density: bool = False, weights: Any = None
) -> tuple[Tensor, Tensor]:
    """How many numbers lie in each interval, and the bounds of the intervals.

    Parameters
    ----------
    bins
        The number of equal intervals, or a vector of rising bounds. The last interval holds its
        upper bound too; what lies outside, and NaN, is not counted.
    range
        The outer bounds, by default the smallest and largest number.
    density
        Whether counts are divided by the length of the interval and their sum.
    weights
        What each number counts for, 1 if None.

    >>> counts, bounds = histogram([1.0, 2.0, 2.5, 4.0], 3)
    >>> counts.eval()
    array([1, 2, 1])
    """
    flat = as_tensor_variable(x).flatten()
    edges = histogram_bin_edges(flat, bins, range)
    count = sub(shape_i(edges, 0), 1)
    place = searchsorted(edges, flat, "right")
    at_end = ge(place, add(count, 1)) & eq(flat, subtensor(edges, -1))
    place = switch(at_end, count, place)
    amounts = ones_like(place) if weights is None else as_tensor_variable(weights).flatten()
    ground = zeros((add(count, 2),), amounts.type.dtype)
    counts = subtensor(inc_subtensor(subtensor(ground, place), amounts), slice(1, -1))
    if not density:
        return counts, edges
    share = true_div(counts, mul(diff(edges), cast(sum_over(counts), edges.type.dtype)))
    return share, edges
