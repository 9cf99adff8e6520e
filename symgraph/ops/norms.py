"""Norms of vectors and matrices, and the condition of a matrix, as numpy.linalg has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import abs_, mul, pow, true_div
from symgraph.ops.cast import cast, conjugate, real, real_of
from symgraph.ops.compare import neq
from symgraph.ops.elementary import sqrt
from symgraph.ops.extrema import max as max_of
from symgraph.ops.extrema import min as min_of
from symgraph.ops.matrices import floating_dtype
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import flatten
from symgraph.ops.shape import expand_dims, moveaxis
from symgraph.ops.solve import inv
from symgraph.ops.spectral import svdvals
from symgraph.types import Tensor, as_operands

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """A norm of vectors or matrices, as numpy.linalg.norm.

    Parameters
    ----------
    ord
        Of vectors: None or 2, any other number p for the sum of |x|^p to the power 1/p, inf, -inf,
        0 for how many elements are not 0. Of matrices: None or "fro" (Frobenius), "nuc" (the sum of
        the singular values), 2 and -2 (the largest and smallest of them), 1 and -1 (the largest and
        smallest sum of a column), inf and -inf (of a row).
    axis
        An axis for vectors, two for matrices; None for all of a vector or a matrix, or with
        ord=None of the flattened tensor.
    keepdims
        Whether reduced axes stay, with size 1.

    Returns
    -------
    tensor
        Of the real dtype that belongs to x; integers give float64.

    Raises
    ------
    GraphTypeError
        If there is no such norm.

    >>> norm([3.0, 4.0]).eval()
    array(5.)
    >>> norm([[1.0, -2.0], [3.0, 4.0]], 1).eval()
    array(6.)
    """
    (x,) = as_operands([x])
    x = cast(x, floating_dtype("norm", [x]))
    ndim = x.type.ndim
    if axis is None and ord is None:
        total = _euclidean(flatten(x), -1, False)
        return expand_dims(total, list(range(ndim))) if keepdims and ndim else total
    axes = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if len(axes) not in (1, 2) or not all(-ndim <= a < ndim for a in axes):
        raise GraphTypeError(f"norm runs over one axis or two, not {axes} of {x.type}")
    axes = tuple(a % ndim for a in axes)
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims)
    if axes[0] == axes[1]:
        raise GraphTypeError(f"norm: axis {axes[0]} stands twice")
    result = _of_matrices(moveaxis(x, axes, (-2, -1)), ord)
    return expand_dims(result, sorted(axes)) if keepdims else result


def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    """A norm over one axis, or of the flattened tensor if None; `ord` as for `norm`.

    >>> vector_norm([[3.0, 0.0], [0.0, 4.0]]).eval()
    array(5.)
    """
    (x,) = as_operands([x])
    if axis is not None:
        return norm(x, ord, axis, keepdims)
    total = norm(flatten(x), ord, 0)
    return expand_dims(total, list(range(x.type.ndim))) if keepdims and x.type.ndim else total


def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """A norm of matrices over the last two axes; `ord` as for `norm`.

    >>> matrix_norm([[3.0, 0.0], [0.0, 4.0]]).eval()
    array(5.)
    """
    return norm(x, ord, (-2, -1), keepdims)


def cond(x: Any, p: Any = None) -> Tensor:
    """The condition of matrices (..., m, n): by which factor they can magnify a relative error.

    `p` names a norm as for `norm`: None and 2 take the ratio of the largest singular value to the
    smallest, -2 the inverse, others the norm of a square matrix times that of its inverse.

    >>> cond([[2.0, 0.0], [0.0, 0.5]]).eval()
    array(4.)
    """
    if p in (None, 2, -2):
        s = svdvals(x)
        ends = [max_of(s, axis=-1), min_of(s, axis=-1)]
        return true_div(*(ends[::-1] if p == -2 else ends))
    return mul(norm(x, p, (-2, -1)), norm(inv(x), p, (-2, -1)))


def _squares(x: Tensor) -> Tensor:
    return real(mul(x, conjugate(x)))


def _total(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return sum_over(x, axis=axis, keepdims=keepdims, dtype=x.type.dtype)


def _euclidean(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return sqrt(_total(_squares(x), axis, keepdims))


def _of_vectors(x: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    if ord in (None, 2):
        return _euclidean(x, axis, keepdims)
    if not isinstance(ord, int | float):
        raise GraphTypeError(f"vectors have no norm {ord!r}; ord is a number")
    if math.isinf(ord):
        return (max_of if ord > 0 else min_of)(abs_(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return _total(cast(neq(x, 0), real_of(x.type.dtype)), axis, keepdims)
    if ord == 1:
        return _total(abs_(x), axis, keepdims)
    return pow(_total(pow(abs_(x), ord), axis, keepdims), 1 / ord)


def _largest_sum(axis: int, extremum: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: extremum(_total(abs_(x), axis, False), axis=-1)


MATRIX_NORMS: dict[Any, Callable[[Tensor], Tensor]] = {
    None: lambda x: _euclidean(x, (-2, -1), False),
    "fro": lambda x: _euclidean(x, (-2, -1), False),
    "nuc": lambda x: _total(svdvals(x), -1, False),
    2: lambda x: max_of(svdvals(x), axis=-1),
    -2: lambda x: min_of(svdvals(x), axis=-1),
    1: _largest_sum(-2, max_of),
    -1: _largest_sum(-2, min_of),
    math.inf: _largest_sum(-1, max_of),
    -math.inf: _largest_sum(-1, min_of),
}


def _of_matrices(x: Tensor, ord: Any) -> Tensor:
    if ord not in MATRIX_NORMS:
        raise GraphTypeError(f"matrices have no norm {ord!r}; there are {list(MATRIX_NORMS)}")
    return MATRIX_NORMS[ord](x)
