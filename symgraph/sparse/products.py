"""Matrix products with sparse operands.

The gradient by a sparse operand is structured: it has entries where the operand has. The gradient
by a dense operand is dense.
"""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError, ShapeError
from symgraph.ops.arith import mul
from symgraph.ops.cast import cast
from symgraph.ops.checks import CheckAndRaise
from symgraph.ops.compare import eq
from symgraph.ops.create import arange
from symgraph.ops.csr import CsrDot, CsrMajors, CsrSample, CsrTransposedDot
from symgraph.ops.cumulative import cumsum
from symgraph.ops.join import concatenate
from symgraph.ops.shape import make_vector, shape_i
from symgraph.records import INDEX
from symgraph.sparse.matrix import (
    Matrix,
    common_data,
    dense_from_sparse,
    from_entries,
    is_sparse,
    parts_of,
    to_format,
    transpose,
)
from symgraph.types import Tensor, as_tensor_variable

__all__ = [
    "dot",
    "sampling_dot",
    "structured_dot",
    "true_dot",
    "usmm",
]


def dot(x: Any, y: Any) -> Tensor:
    """The matrix product of operands of which one at least is sparse; the result is dense.

    A dense operand may be a vector.

    >>> import scipy.sparse
    >>> dot(scipy.sparse.csr_matrix([[0.0, 2.0]]), [[1.0], [3.0]]).eval()
    array([[6.]])
    """
    if not is_sparse(x):
        if not is_sparse(y):
            raise GraphTypeError("sparse.dot takes a sparse operand at least; use T.dot")
        return _of_dense(transpose(y), as_tensor_variable(x).T).T
    return _of_dense(x, dense_from_sparse(y) if is_sparse(y) else as_tensor_variable(y))


def _of_dense(x: Any, y: Tensor) -> Tensor:
    """Sparse times dense."""
    if y.type.ndim == 1:
        return _of_dense(x, y.dimshuffle(0, "x"))[:, 0]
    if y.type.ndim != 2:
        raise GraphTypeError(f"a sparse matrix times {y} ({y.type}): a matrix or vector is needed")
    m = parts_of(x)
    rows, columns = m.size
    y = CheckAndRaise(ShapeError, "dot: the inner sizes differ")(y, eq(shape_i(y, 0), columns))
    result: Tensor
    if m.format == "csr":
        result = CsrDot()(m.data, m.indices, m.indptr, y)
    else:
        result = CsrTransposedDot()(m.data, m.indices, m.indptr, y, rows)
    return result


def true_dot(x: Any, y: Any, grad_preserves_dense: bool = True) -> Any:
    """The matrix product: sparse if both operands are, else dense.

    `grad_preserves_dense` is taken for Theano's sake: gradients of dense operands are dense.
    """
    if is_sparse(x) and is_sparse(y):
        return _of_sparse(parts_of(x), parts_of(to_format(y, "csr")))
    return dot(x, y)


def _of_sparse(x: Matrix, y: Matrix) -> Any:
    """Every entry of `x` meets the entries of one row of `y`, which is stored by rows."""
    x_shape = CheckAndRaise(ShapeError, "true_dot: the inner sizes differ")(
        x.shape, eq(x.shape[1], y.shape[0])
    )
    left, right = meetings(x.columns, y.indptr)
    first, second = common_data([x, y])
    shape = make_vector([x_shape[0], y.shape[1]])
    data = mul(first[left], second[right])
    return from_entries(x.rows[left], y.indices[right], data, shape, x.format)


def meetings(rows: Tensor, indptr: Tensor) -> tuple[Tensor, Tensor]:
    """For each of `rows` all entries of that row: pairs (place in `rows`, place of the entry)."""
    rows = cast(rows, "int64")
    starts = cast(indptr[:-1], "int64")[rows]
    counts = cast(indptr[1:], "int64")[rows] - starts
    ends = concatenate([cast([0], "int64"), cumsum(counts)])
    total = ends[-1]
    left = CsrMajors()(cast(ends, INDEX), total)
    return left, arange(total) - ends[left] + starts[left]


def structured_dot(x: Any, y: Any) -> Any:
    """The product of a sparse matrix with a dense one (dense) or a sparse one (sparse).

    The gradient by `x` has entries where `x` has.
    """
    if not is_sparse(x) and not is_sparse(y):
        raise GraphTypeError("structured_dot takes a sparse operand at least; use T.dot")
    return true_dot(x, y)


def sampling_dot(x: Any, y: Any, p: Any) -> Any:
    """x y' of dense matrices, times `p` entry by entry, computed where the sparse `p` has entries.

    `x` is (m, k), `y` (n, k) and `p` (m, n).
    """
    m = parts_of(p)
    first, second = map(as_tensor_variable, (x, y) if m.format == "csr" else (y, x))
    products = CsrSample()(m.indices, m.indptr, first, second)
    return m.variable(mul(products, m.data))


def usmm(alpha: Any, x: Any, y: Any, z: Any) -> Tensor:
    """alpha * (x y) + z: `alpha` a scalar, `x` or `y` sparse, `z` dense."""
    product: Tensor = mul(alpha, dot(x, y)) + as_tensor_variable(z)
    return product
