"""Diagonals: read, summed, filled, made to matrices; triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.graph import Variable
from symgraph.ops.arith import add, maximum, minimum, sub
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq
from symgraph.ops.create import arange, tri, zeros
from symgraph.ops.index import set_subtensor, subtensor, take
from symgraph.ops.join import concatenate
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import switch
from symgraph.ops.shape import moveaxis, shape_i
from symgraph.types import Tensor, as_tensor_variable, axes_of

__all__ = [
    "diag",
    "diagflat",
    "diagonal",
    "extract_diag",
    "fill_diagonal",
    "fill_diagonal_offset",
    "trace",
    "tril",
    "triu",
]


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal `offset` of the matrices in two axes, as the last axis of the result.

    >>> diagonal([[1.0, 2.0], [3.0, 4.0]]).eval()
    array([1., 4.])
    """
    x = as_tensor_variable(x)
    if x.type.ndim < 2:
        raise GraphTypeError(f"diagonal takes a tensor of two axes or more, not {x.type}")
    first, second = axes_of((axis1, axis2), x.type.ndim)
    front = moveaxis(x, (first, second), (0, 1))
    rows, columns = _places(front, offset)
    return moveaxis(subtensor(front, (rows, columns)), 0, -1)


extract_diag = diagonal


def _places(x: Tensor, offset: Any) -> tuple[Tensor, Tensor]:
    """Rows and columns of a diagonal of the first two axes."""
    down, right = _above_zero(-offset), _above_zero(offset)
    length = minimum(sub(shape_i(x, 0), down), sub(shape_i(x, 1), right))
    order = arange(maximum(length, 0))
    return add(order, down), add(order, right)


def _above_zero(offset: Any) -> Any:
    """A number, or 0 if it is less; known now unless it is a variable."""
    return maximum(offset, 0) if isinstance(offset, Variable) else max(offset, 0)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal; arguments as for `diagonal`."""
    return sum_over(diagonal(x, offset, axis1, axis2), -1)


def diag(x: Any, k: int = 0) -> Tensor:
    """The diagonal `k` of a matrix, or the square matrix that has a vector as its diagonal.

    >>> diag([1.0, 2.0]).eval()
    array([[1., 0.],
           [0., 2.]])
    """
    x = as_tensor_variable(x)
    if x.type.ndim == 2:
        return diagonal(x, k)
    if x.type.ndim != 1:
        raise GraphTypeError(f"diag takes a vector or a matrix, not {x.type}")
    size = add(shape_i(x, 0), abs(k))
    rows = sub(arange(size), max(-k, 0))
    within = (rows >= 0) & (rows < shape_i(x, 0))
    longer = concatenate([x, zeros((1,), x.type.dtype)])
    values = take(longer, switch(within, rows, shape_i(x, 0)), 0)
    on = eq(add(arange(size).dimshuffle(0, "x"), k), arange(size).dimshuffle("x", 0))
    return switch(on, values.dimshuffle(0, "x"), cast(as_tensor_variable(np.int8(0)), x.type.dtype))


def diagflat(x: Any, k: int = 0) -> Tensor:
    """The square matrix that has the elements of the flattened tensor as its diagonal `k`."""
    return diag(as_tensor_variable(x).flatten(), k)


def fill_diagonal(x: Any, value: Any) -> Tensor:
    """`x` with `value` on its main diagonal: where all indices are equal.

    A vector gives the diagonal of a matrix one value for each place.

    >>> fill_diagonal([[1.0, 2.0], [3.0, 4.0]], 0.0).eval()
    array([[0., 2.],
           [3., 0.]])
    """
    x = as_tensor_variable(x)
    if x.type.ndim < 2:
        raise GraphTypeError(f"fill_diagonal takes a tensor of two axes or more, not {x.type}")
    if x.type.ndim == 2:
        return fill_diagonal_offset(x, value, 0)
    size = shape_i(x, 0)
    for axis in range(1, x.type.ndim):
        size = minimum(size, shape_i(x, axis))
    return set_subtensor(subtensor(x, (arange(size),) * x.type.ndim), value)


def fill_diagonal_offset(x: Any, value: Any, offset: Any) -> Tensor:
    """A matrix with `value`, a scalar or a vector, on its diagonal `offset`, maybe a variable."""
    x, value = as_tensor_variable(x), value if isinstance(value, Variable) else np.asarray(value)
    if x.type.ndim != 2:
        raise GraphTypeError(f"fill_diagonal_offset takes a matrix, not {x.type}")
    return set_subtensor(subtensor(x, _places(x, offset)), value)


def tril(x: Any, k: Any = 0) -> Tensor:
    """The elements of matrices (in the last two axes) on and below diagonal `k`, zeros above."""
    x = _matrices(x, "tril")
    return switch(tri(shape_i(x, -2), shape_i(x, -1), k, "bool"), x, 0)


def triu(x: Any, k: Any = 0) -> Tensor:
    """The elements of matrices (in the last two axes) on and above diagonal `k`, zeros below."""
    x = _matrices(x, "triu")
    below = tri(shape_i(x, -2), shape_i(x, -1), sub(as_tensor_variable(k), 1), "bool")
    return switch(below, 0, x)


def _matrices(x: Any, name: str) -> Tensor:
    x = as_tensor_variable(x)
    if x.type.ndim < 2:
        raise GraphTypeError(f"{name} takes matrices, not {x.type}")
    return x
