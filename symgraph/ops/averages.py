"""What is made of sums and extrema: averages, variances, norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.ops.arith import abs_, add, sqr, sub, true_div
from symgraph.ops.barrier import disconnected_grad
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.compare import isinf, neq
from symgraph.ops.elementary import exp, log, sqrt
from symgraph.ops.extrema import max, min
from symgraph.ops.reduce import count_over, kept_axes, normalized_axes, sum
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle
from symgraph.types import (
    COMPLEX,
    DISCRETE,
    Tensor,
    as_tensor_variable,
)

__all__ = [
    "logsumexp",
    "mean",
    "norm",
    "std",
    "var",
]


def mean(
    x: Any, axis: Any = None, dtype: str | None = None, keepdims: bool = False,
    acc_dtype: str | None = None,
) -> Tensor:  # fmt: skip
    """Average over axes; of integers a float64. Sums of float16 are float32, as in NumPy.

    >>> mean([1.0, 2.0, 6.0]).eval()
    array(3.)
    """
    x = as_tensor_variable(x)
    if x.type.dtype in DISCRETE:
        x = cast_to(x, "float64")
    half = dtype is None and x.type.dtype == "float16"
    total = sum(x, axis, "float32" if half else dtype, keepdims, acc_dtype)
    axes = normalized_axes(axis, x.type.ndim)
    average = true_div(total, cast_to(count_over(x, axes), total.type.dtype))
    return cast_to(average, "float16") if half else average


def var(
    x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False
) -> Tensor:
    """Variance over axes: mean squared distance from the mean, divided by count - `ddof`."""
    x = as_tensor_variable(x)
    if x.type.dtype == "float16":
        return cast_to(var(cast_to(x, "float32"), axis, ddof, keepdims), "float16")
    distance = sub(x, mean(x, axis, keepdims=True))
    squares = sqr(abs_(distance)) if x.type.dtype in COMPLEX else sqr(distance)
    if not ddof:
        return mean(squares, axis, keepdims=keepdims)
    total = sum(squares, axis, keepdims=keepdims)
    axes = normalized_axes(axis, x.type.ndim)
    return true_div(total, cast_to(sub(count_over(x, axes), ddof), total.type.dtype))


def std(
    x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False
) -> Tensor:
    """Standard deviation over axes: the root of `var`."""
    return sqrt(var(x, axis, ddof, keepdims, corrected))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow: the largest element is taken out first.

    It cancels in the result, so no gradient flows through it.
    """
    x = as_tensor_variable(x)
    axes = normalized_axes(axis, x.type.ndim)
    top = max(x, axes, keepdims=True)
    top = disconnected_grad(switch(isinf(top), 0, top))
    kept = dimshuffle(top, *(a for a in range(x.type.ndim) if a not in axes))
    return kept_axes(add(log(sum(exp(sub(x, top)), axes)), kept), x, axes, keepdims)


def norm(x: Any, ord: Any = 2, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The `ord`-norm over axes: (sum |x|**ord) ** (1/ord); inf for the largest, 0 for the count."""
    size = abs_(x)
    if ord == np.inf:
        return max(size, axis, keepdims)
    if ord == -np.inf:
        return min(size, axis, keepdims)
    if ord == 0:
        return sum(cast_to(neq(size, 0), size.type.dtype), axis, keepdims=keepdims)
    if ord == 1:
        return sum(size, axis, keepdims=keepdims)
    if ord in (2, None):
        return sqrt(sum(sqr(size), axis, keepdims=keepdims))
    return sum(size**ord, axis, keepdims=keepdims) ** (1.0 / ord)
