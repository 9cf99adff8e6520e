"""Sums, products and comparisons of sparse matrices with sparse and dense ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgraph.errors import GraphTypeError, ShapeError
from symgraph.graph import Variable
from symgraph.ops import arith, compare
from symgraph.ops.cast import cast
from symgraph.ops.checks import CheckAndRaise
from symgraph.ops.csr import CsrFind
from symgraph.ops.index import inc_subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.logic import and_
from symgraph.ops.search import nonzero
from symgraph.ops.select import switch
from symgraph.ops.shape import shape_i
from symgraph.sparse.elementwise import neg
from symgraph.sparse.matrix import (
    Matrix,
    common_data,
    csr_from_dense,
    dense_from_sparse,
    from_entries,
    is_sparse,
    parts_of,
    same_shape,
    to_format,
)
from symgraph.types import Tensor, as_tensor_variable, promote

__all__ = [
    "add",
    "clean",
    "eq",
    "ge",
    "gt",
    "le",
    "lt",
    "mul",
    "mul_s_v",
    "neq",
    "remove0",
    "structured_add_s_v",
    "sub",
    "true_div",
]


def add(x: Any, y: Any) -> Any:
    """The sum: sparse if both are, else dense. Matrices have one shape; it is checked.

    >>> import scipy.sparse
    >>> x = scipy.sparse.csr_matrix([[0.0, 2.0]])
    >>> add(x, x).eval().toarray()
    array([[0., 4.]])
    """
    if is_sparse(x) and is_sparse(y):
        return _sum(parts_of(x), parts_of(y))
    m, other = (parts_of(x), y) if is_sparse(x) else (parts_of(y), x)
    dense = _fitting(m, other, "add")
    dtype = promote(m.data.type.dtype, dense.type.dtype)
    data, dense = cast(m.data, dtype), cast(dense, dtype)
    return inc_subtensor(dense[m.rows, m.columns], data)


def _sum(x: Matrix, y: Matrix) -> Any:
    first, second = common_data([x, y])
    if _is_same(x.indices, y.indices) and _is_same(x.indptr, y.indptr):
        return x.variable(arith.add(first, second))
    shape = same_shape(x.shape, y.shape, "add")
    rows, columns = (concatenate([_wide(a), _wide(b)]) for a, b in (
        (x.rows, y.rows), (x.columns, y.columns)
    ))  # fmt: skip
    return from_entries(rows, columns, concatenate([first, second]), shape, x.format)


def _wide(indices: Tensor) -> Tensor:
    return cast(indices, "int64")


def _is_same(x: Variable, y: Variable) -> bool:
    """Whether two index vectors are one, or the same part of one matrix."""
    if x is y or x.owner is None or y.owner is None:
        return x is y
    return (x.owner.op, x.owner.inputs, x.index) == (y.owner.op, y.owner.inputs, y.index)


def _fitting(m: Matrix, y: Any, what: str) -> Tensor:
    """A dense matrix of the shape of a sparse one; that is checked when the function runs."""
    dense = as_tensor_variable(y)
    if dense.type.ndim != 2:
        raise GraphTypeError(
            f"sparse.{what} takes matrices, not {dense} ({dense.type}); use structured_add_s_v,"
            " mul_s_v, or the structured functions for scalars"
        )
    rows, columns = m.size
    same = and_(compare.eq(shape_i(dense, 0), rows), compare.eq(shape_i(dense, 1), columns))
    return CheckAndRaise(ShapeError, f"{what}: the matrices differ in shape")(dense, same)


def sub(x: Any, y: Any) -> Any:
    """The difference; see `add`."""
    return add(x, neg(y) if is_sparse(y) else arith.neg(as_tensor_variable(y)))


def mul(x: Any, y: Any) -> Any:
    """The product entry by entry, sparse: of two matrices of one shape, or with a scalar."""
    if is_sparse(x) and is_sparse(y):
        return _intersection(parts_of(x), parts_of(y))
    m, other = (parts_of(x), y) if is_sparse(x) else (parts_of(y), x)
    return _scaled(m, other, arith.mul, "mul")


def true_div(x: Any, y: Any) -> Any:
    """The entries of a sparse matrix divided by a scalar, or by those of a dense matrix."""
    return _scaled(parts_of(x), y, arith.true_div, "true_div")


def _scaled(m: Matrix, y: Any, function: Callable[..., Any], what: str) -> Any:
    if not isinstance(y, int | float | complex):
        y = as_tensor_variable(y)
        if y.type.ndim:
            y = _fitting(m, y, what)[m.rows, m.columns]
    return m.variable(function(m.data, y))


def _intersection(x: Matrix, y: Matrix) -> Any:
    """Entries of `x` times those of `y` at the same place; y's indices have to be sorted."""
    shape = same_shape(x.shape, y.shape, "mul")
    wanted = (x.rows, x.columns) if y.format == "csr" else (x.columns, x.rows)
    place = CsrFind()(*map(_wide, wanted), y.indices, y.indptr)
    first, second = common_data([x, y])
    padded = concatenate([second, second.zeros_like()[:1], cast([0], second.type.dtype)])
    found = switch(compare.lt(place, 0), shape_i(second, 0), place)
    data = arith.mul(first, padded[found])
    return Matrix(data, x.indices, x.indptr, shape, x.format).variable()


def mul_s_v(x: Any, y: Any) -> Any:
    """Every row of a sparse matrix times a vector as long as it, entry by entry."""
    m, vector = parts_of(x), as_tensor_variable(y)
    return m.variable(arith.mul(m.data, vector[m.columns]))


def structured_add_s_v(x: Any, y: Any) -> Any:
    """Every row of a sparse matrix plus a vector as long as it, where the row has entries."""
    m, vector = parts_of(x), as_tensor_variable(y)
    return m.variable(arith.add(m.data, vector[m.columns]))


def _comparison(name: str, function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def compared(x: Any, y: Any) -> Any:
        if is_sparse(x) and is_sparse(y):
            a, b = parts_of(x), parts_of(y)
            same_shape(a.shape, b.shape, name)
            both = function(dense_from_sparse(x), dense_from_sparse(y))
            return to_format(csr_from_dense(both), a.format)
        return function(*(dense_from_sparse(v) if is_sparse(v) else v for v in (x, y)))

    compared.__name__ = name
    compared.__doc__ = (
        f"`T.{name}` of all elements, bool: sparse if both are, else dense."
        " Zeros are compared too, so the result may be full."
    )
    return compared


eq = _comparison("eq", compare.eq)
neq = _comparison("neq", compare.neq)
lt = _comparison("lt", compare.lt)
le = _comparison("le", compare.le)
gt = _comparison("gt", compare.gt)
ge = _comparison("ge", compare.ge)


def remove0(x: Any) -> Any:
    """The matrix without entries that are 0."""
    m = parts_of(x)
    (kept,) = nonzero(m.data)
    rows, columns = m.rows[kept], m.columns[kept]
    return from_entries(rows, columns, m.data[kept], m.shape, m.format)


clean = remove0  # entries come out sorted, those at one place added up
