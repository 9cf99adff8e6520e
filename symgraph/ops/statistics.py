"""Statistics over axes: quantiles, weighted averages, covariances, counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import add, maximum, minimum, mul, sub, true_div
from symgraph.ops.arrange import atleast_2d
from symgraph.ops.averages import mean
from symgraph.ops.cast import cast, conj, imag, real
from symgraph.ops.cast import complex as complex_of
from symgraph.ops.compare import isnan, lt, neq
from symgraph.ops.diagonals import diagonal
from symgraph.ops.elementary import sqrt
from symgraph.ops.index import subtensor
from symgraph.ops.join import stack
from symgraph.ops.linalg import dot
from symgraph.ops.picking import take_along_axis
from symgraph.ops.reduce import count_over, normalized_axes, spread
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import reshape
from symgraph.ops.rounding import ceil, floor, round_half_to_even
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, moveaxis, shape_i
from symgraph.ops.sort import sort
from symgraph.ops.stacking import vstack
from symgraph.types import (
    COMPLEX,
    CONTINUOUS,
    DISCRETE,
    Tensor,
    as_operands,
    as_tensor_variable,
    check_dtype,
)

__all__ = ["average", "corrcoef", "count_nonzero", "cov", "median", "percentile", "quantile"]


def count_nonzero(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The number (int64) of nonzero elements over axes.

    >>> count_nonzero([0.0, 2.0, 3.0]).eval()
    array(2)
    """
    return sum_over(cast(neq(x, 0), "int64"), axis, keepdims=keepdims)


# --- quantiles -----------------------------------------------------------------------------


def sorted_rows(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Axes moved behind the others, made one and sorted; integers become floats."""
    ndim, count = x.type.ndim, len(axes)
    moved = moveaxis(x, tuple(axes), tuple(range(ndim - count, ndim)))
    kept = [shape_i(moved, a) for a in range(ndim - count)]
    rows = sort(reshape(moved, [*kept, count_over(x, axes)]), -1)
    return cast(rows, "float64") if rows.type.dtype in DISCRETE else rows


Rounding = Callable[[Tensor], Tensor]
METHODS: dict[str, tuple[Rounding, Rounding]] = {
    "linear": (floor, ceil),
    "lower": (floor, floor),
    "higher": (ceil, ceil),
    "nearest": (round_half_to_even, round_half_to_even),
    "midpoint": (floor, ceil),
}  # the neighbours of a place between elements


def of_sorted(rows: Tensor, count: Tensor, q: Tensor, method: str) -> Tensor:
    """The q-quantile of the first `count` elements of sorted rows; q is a scalar.

    `count` is a scalar, or has one element for each row. NaN of no elements.
    """
    if method not in METHODS:
        raise GraphTypeError(f"quantile has no method {method!r}; it has {', '.join(METHODS)}")
    kind = rows.type.dtype
    place = mul(cast(q, kind), cast(sub(count, 1), kind))
    low, high = (round_to(place) for round_to in METHODS[method])
    first, second = (_element(rows, at) for at in (low, high))
    share = sub(place, low) if method == "linear" else 0.5 if method == "midpoint" else 0
    found = first if method not in ("linear", "midpoint") else _between(first, second, share)
    return switch(lt(count, 1), np.nan, found)


def _between(first: Tensor, second: Tensor, share: Any) -> Tensor:
    """A mixture that is exact at both ends, infinities that are equal included."""
    gap = switch(neq(first, second), sub(second, first), 0)
    return add(first, mul(gap, share))


def _element(rows: Tensor, place: Tensor) -> Tensor:
    """The elements of rows at one place, or one for each row."""
    at = maximum(cast(place, "int64"), 0)
    if at.type.ndim == 0:
        return subtensor(rows, (..., at))
    return subtensor(take_along_axis(rows, dimshuffle(at, *range(at.type.ndim), "x"), -1), (..., 0))


def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The numbers below which the shares `q` of the elements over axes lie; NaN if there is one.

    Parameters
    ----------
    q
        A share in [0, 1], or a vector of shares: the result then has an axis for them in front.
    method
        What holds between two elements: "linear", "lower", "higher", "nearest" or "midpoint".

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5).eval()
    array(2.5)
    """
    x = _floating_or_whole(x)
    axes = normalized_axes(axis, x.type.ndim)
    rows = sorted_rows(x, axes)
    count = shape_i(rows, rows.type.ndim - 1)

    def one(share: Tensor) -> Tensor:
        found = of_sorted(rows, count, share, method)
        found = switch(isnan(subtensor(rows, (..., -1))), np.nan, found)
        return spread(found, x, axes) if keepdims else found

    return for_each(one, as_tensor_variable(q))


def for_each(one: Callable[[Tensor], Tensor], q: Tensor) -> Tensor:
    """A function of a scalar, for each element of a vector of known length."""
    if q.type.ndim == 0:
        return one(q)
    length = q.type.shape[0]
    if q.type.ndim != 1 or not isinstance(length, int):
        raise GraphTypeError(f"quantile takes q as a scalar or a vector of known length, not {q}")
    parts = [one(subtensor(q, k)) for k in range(length)]
    return stack(parts)


def _floating_or_whole(x: Any) -> Tensor:
    x = as_tensor_variable(x)
    if x.type.dtype in COMPLEX:
        raise GraphTypeError("complex numbers have no order; take quantiles of their parts")
    return x


def percentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """As `quantile`, of shares in per cent."""
    q = as_tensor_variable(q)
    return quantile(x, true_div(cast(q, "float64"), 100.0), axis, method, keepdims)


def median(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The middle element over axes, of an even number the mean of the two; NaN if there is one.

    Integers become floats.

    >>> median([3.0, 1.0, 2.0]).eval()
    array(2.)
    """
    return quantile(x, 0.5, axis, "midpoint", keepdims)


# --- averages and covariances ----------------------------------------------------------------


def average(
    x: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: bool = False
) -> Any:
    """The average over axes, weighted if `weights` are given; with `returned` their sum too.

    Weights have the shape of `x`, or are a vector along the one axis.

    >>> average([1.0, 4.0], weights=[3.0, 1.0]).eval()
    array(1.75)
    """
    x = as_tensor_variable(x)
    if weights is None:
        found = mean(x, axis, keepdims=keepdims)
        axes = normalized_axes(axis, x.type.ndim)
        total = mul(cast(count_over(x, axes), found.type.dtype), found.ones_like())
        return (found, total) if returned else found
    w = as_tensor_variable(weights)
    if w.type.ndim != x.type.ndim:
        (place,) = normalized_axes(axis, x.type.ndim)
        w = dimshuffle(w, *(0 if a == place else "x" for a in range(x.type.ndim)))
    x, w = as_operands([x, w])
    w = mul(w, x.ones_like(w.type.dtype))
    total = sum_over(w, axis, keepdims=keepdims)
    found = true_div(sum_over(mul(x, w), axis, keepdims=keepdims), total)
    return (found, total) if returned else found


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None,
) -> Tensor:  # fmt: skip
    """The covariance matrix of variables, one in each row; in each column unless `rowvar`.

    Parameters
    ----------
    y
        More variables.
    bias, ddof
        Sums are divided by the number of observations less `ddof`, by default 1, with `bias` 0.
    fweights, aweights
        How often each observation counts, and how much.

    >>> cov([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).eval()
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    rows = [_variables(v, rowvar) for v in (m, y) if v is not None]
    x = vstack(rows) if len(rows) > 1 else rows[0]
    less = ddof if ddof is not None else 0 if bias else 1
    weights = [as_tensor_variable(w) for w in (fweights, aweights) if w is not None]
    count = cast(shape_i(x, 1), _real(x))
    if not weights:
        total, norm, w = count, sub(count, less), None
    else:
        w = cast(weights[0], _real(x)) if len(weights) == 1 else mul(*weights)
        total = sum_over(w)
        spent = 0 if aweights is None else true_div(sum_over(mul(w, aweights)), total)
        norm = sub(total, mul(less, spent) if aweights is not None else less)
    weighted = x if w is None else mul(x, w.dimshuffle("x", 0))
    center = true_div(sum_over(weighted, 1, keepdims=True), total)
    x = sub(x, center)
    other = x if w is None else mul(x, w.dimshuffle("x", 0))
    product = dot(x, conj(other.T) if other.type.dtype in COMPLEX else other.T)
    found = true_div(product, norm)
    return subtensor(found, (0, 0)) if _is_single(rows) else found


def _is_single(rows: Sequence[Tensor]) -> bool:
    return len(rows) == 1 and rows[0].type.shape[0] == 1


def _real(x: Tensor) -> str:
    return {"complex64": "float32", "complex128": "float64"}.get(x.type.dtype, x.type.dtype)


def _variables(v: Any, rowvar: bool) -> Tensor:
    """Variables as the rows of a matrix of floats."""
    v = as_tensor_variable(v)
    if v.type.ndim > 2:
        raise GraphTypeError(f"cov takes vectors and matrices, not {v.type}")
    v = v if v.type.dtype in CONTINUOUS else cast(v, check_dtype("floatX"))
    return v.T if v.type.ndim == 2 and not rowvar else atleast_2d(v)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Tensor:
    """The correlations of variables: their covariances divided by the standard deviations.

    >>> corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).eval()
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    c = cov(x, y, rowvar)
    if c.type.ndim == 0:
        return true_div(c, c)
    spread_ = sqrt(real(diagonal(c)))
    found = true_div(true_div(c, spread_.dimshuffle(0, "x")), spread_.dimshuffle("x", 0))
    if found.type.dtype in COMPLEX:
        return complex_of(*(maximum(minimum(p, 1), -1) for p in (real(found), imag(found))))
    return maximum(minimum(found, 1), -1)
