"""Products made of matrix products: powers, chains, Kronecker's, those over a last axis."""

from __future__ import annotations

from functools import reduce
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import add, mul
from symgraph.ops.cast import conjugate
from symgraph.ops.create import eye, zeros_like
from symgraph.ops.linalg import dot, matmul, tensordot
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import dimshuffle, expand_dims, moveaxis, shape_i, shape_padleft, squeeze
from symgraph.types import Tensor, as_operands, as_tensor_variable

__all__ = [
    "inner",
    "kron",
    "matrix_dot",
    "matrix_power",
    "matvec",
    "vecdot",
    "vecmat",
]


def inner(a: Any, b: Any) -> Tensor:
    """Sums of products over the last axes; the result has the other axes of `a`, then of `b`.

    Scalars multiply. Raises `ShapeError` where the last sizes differ.

    >>> inner([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]).eval()
    array([[11., 17.]])
    """
    a, b = as_operands([a, b])
    return mul(a, b) if 0 in (a.type.ndim, b.type.ndim) else tensordot(a, b, [[-1], [-1]])


def kron(a: Any, b: Any) -> Tensor:
    """Kronecker's product: a block for each element of `a`, that element times `b`.

    Operands of unequal rank get axes of size 1 in front, as in NumPy.

    >>> kron([[1.0, 2.0]], [[1.0], [1.0]]).eval()
    array([[1., 2.],
           [1., 2.]])
    """
    a, b = as_operands([a, b])
    ndim = max(a.type.ndim, b.type.ndim)
    a, b = (shape_padleft(v, ndim - v.type.ndim) if v.type.ndim < ndim else v for v in (a, b))
    apart = dimshuffle(a, *(k for axis in range(ndim) for k in (axis, "x")))
    blocks = mul(apart, dimshuffle(b, *(k for axis in range(ndim) for k in ("x", axis))))
    return reshape(blocks, [mul(shape_i(a, axis), shape_i(b, axis)) for axis in range(ndim)])


def vecdot(a: Any, b: Any, axis: int = -1) -> Tensor:
    """Sums of products over one axis, the first operand conjugated; other axes broadcast.

    >>> vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).eval()
    array([3., 7.])
    """
    a, b = (moveaxis(v, axis, -1) for v in as_operands([a, b]))
    product = mul(conjugate(a), b)
    return sum_over(product, axis=-1, dtype=product.type.dtype)


def matvec(a: Any, b: Any) -> Tensor:
    """Products of matrices (..., m, n) with vectors (..., n), leading axes broadcast.

    >>> matvec([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]).eval()
    array([[1., 3.],
           [2., 4.]])
    """
    a, b = as_operands([a, b])
    return matmul(a, b) if b.type.ndim == 1 else squeeze(matmul(a, expand_dims(b, -1)), -1)


def vecmat(a: Any, b: Any) -> Tensor:
    """Products of conjugated vectors (..., m) with matrices (..., m, n), leading axes broadcast.

    >>> vecmat([1.0, 1.0], [[1.0, 2.0], [3.0, 4.0]]).eval()
    array([4., 6.])
    """
    a, b = as_operands([a, b])
    a = conjugate(a)
    return matmul(a, b) if a.type.ndim == 1 else squeeze(matmul(expand_dims(a, -2), b), -2)


def matrix_dot(*matrices: Any) -> Tensor:
    """The product of any number of matrices, from left to right.

    >>> matrix_dot([[2.0]], [[3.0]], [[4.0]]).eval()
    array([[24.]])
    """
    if not matrices:
        raise GraphTypeError("matrix_dot needs a matrix")
    return reduce(dot, map(as_tensor_variable, matrices))


def matrix_power(x: Any, n: int) -> Tensor:
    """Square matrices (..., m, m) to a whole power n >= 0, by repeated squaring.

    >>> matrix_power([[1.0, 1.0], [0.0, 1.0]], 5).eval()
    array([[1., 5.],
           [0., 1.]])
    """
    x = as_tensor_variable(x)
    if n < 0:
        raise GraphTypeError(f"matrix_power takes a power n >= 0, not {n}; invert the matrix first")
    if n == 0:
        return add(zeros_like(x), eye(shape_i(x, -1), dtype=x.type.dtype))
    power, square = None, x
    for bit in reversed(f"{n:b}"):
        if bit == "1":
            power = square if power is None else matmul(power, square)
        square = matmul(square, square)
    return power
