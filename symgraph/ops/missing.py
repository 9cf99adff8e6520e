"""Reductions that leave NaN out, under NumPy's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import sqr, sub, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq, isnan
from symgraph.ops.cumulative import cumprod, cumsum
from symgraph.ops.elementary import sqrt
from symgraph.ops.extrema import argmax, argmin
from symgraph.ops.extrema import max as max_over
from symgraph.ops.extrema import min as min_over
from symgraph.ops.logic import invert
from symgraph.ops.reduce import all as all_over
from symgraph.ops.reduce import normalized_axes, prod, spread
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import switch
from symgraph.ops.statistics import for_each, of_sorted, sorted_rows
from symgraph.types import CONTINUOUS, Tensor, as_tensor_variable

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
]


def _filled(x: Any, value: float) -> Tensor:
    """A number in place of NaN."""
    x = as_tensor_variable(x)
    return switch(isnan(x), value, x) if x.type.dtype in CONTINUOUS else x


def _count(x: Any, axis: Any, keepdims: bool) -> Tensor:
    """How many elements are numbers."""
    return sum_over(cast(invert(isnan(x)), "int64"), axis, keepdims=keepdims)


def nansum(x: Any, axis: Any = None, dtype: str | None = None, keepdims: bool = False) -> Tensor:
    """Sum over axes of what is not NaN.

    >>> nansum([1.0, float("nan"), 2.0]).eval()
    array(3.)
    """
    return sum_over(_filled(x, 0), axis, dtype, keepdims)


def nanprod(x: Any, axis: Any = None, dtype: str | None = None, keepdims: bool = False) -> Tensor:
    """Product over axes of what is not NaN."""
    return prod(_filled(x, 1), axis, dtype, keepdims)


def nancumsum(x: Any, axis: int | None = None) -> Tensor:
    """Running sums of what is not NaN."""
    return cumsum(_filled(x, 0), axis)


def nancumprod(x: Any, axis: int | None = None) -> Tensor:
    """Running products of what is not NaN."""
    return cumprod(_filled(x, 1), axis)


def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest element over axes that is not NaN; NaN if all are.

    >>> nanmax([1.0, float("nan"), 2.0]).eval()
    array(2.)
    """
    return _extremum(x, axis, keepdims, -np.inf, max_over)


def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes that is not NaN; NaN if all are."""
    return _extremum(x, axis, keepdims, np.inf, min_over)


def _extremum(x: Any, axis: Any, keepdims: bool, worst: float, over: Any) -> Tensor:
    x = as_tensor_variable(x)
    found: Tensor = over(_filled(x, worst), axis, keepdims)
    if x.type.dtype not in CONTINUOUS:
        return found
    return switch(all_over(isnan(x), axis, keepdims), np.nan, found)


def nanargmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Position (int64) of the largest element that is not NaN; 0 if all are."""
    return argmax(_filled(x, -np.inf), axis, keepdims)


def nanargmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Position (int64) of the smallest element that is not NaN; 0 if all are."""
    return argmin(_filled(x, np.inf), axis, keepdims)


def nanmean(x: Any, axis: Any = None, dtype: str | None = None, keepdims: bool = False) -> Tensor:
    """Average over axes of what is not NaN.

    >>> nanmean([1.0, float("nan"), 2.0]).eval()
    array(1.5)
    """
    total = nansum(x, axis, dtype, keepdims)
    total = total if total.type.dtype in CONTINUOUS else cast(total, "float64")
    return true_div(total, cast(_count(x, axis, keepdims), total.type.dtype))


def nanvar(x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Variance over axes of what is not NaN, divided by the count less `ddof`."""
    x = as_tensor_variable(x)
    distance = sub(x, nanmean(x, axis, keepdims=True))
    total = sum_over(sqr(_filled(distance, 0)), axis, keepdims=keepdims)
    count = cast(sub(_count(x, axis, keepdims), ddof), total.type.dtype)
    return true_div(total, switch(eq(count, 0), np.nan, count))


def nanstd(x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation over axes of what is not NaN."""
    return sqrt(nanvar(x, axis, ddof, keepdims))


def nanquantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """As `quantile`, of what is not NaN.

    >>> nanquantile([1.0, float("nan"), 2.0], 0.5).eval()
    array(1.5)
    """
    x = as_tensor_variable(x)
    if x.type.dtype not in CONTINUOUS:
        raise GraphTypeError(f"{x} holds integers, which are never NaN; use T.quantile")
    axes = normalized_axes(axis, x.type.ndim)
    rows, count = sorted_rows(x, axes), _count(x, axes, False)

    def one(share: Tensor) -> Tensor:
        found = of_sorted(rows, count, share, method)
        return spread(found, x, axes) if keepdims else found

    return for_each(one, as_tensor_variable(q))


def nanpercentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """As `percentile`, of what is not NaN."""
    share = true_div(cast(as_tensor_variable(q), "float64"), 100.0)
    return nanquantile(x, share, axis, method, keepdims)


def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """As `median`, of what is not NaN."""
    return nanquantile(x, 0.5, axis, "midpoint", keepdims)
