"""Rows and columns of sparse matrices: scaled, summed, put beside each other; diagonals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symgraph.errors import GraphTypeError, ShapeError
from symgraph.ops.arith import minimum, mul
from symgraph.ops.cast import cast
from symgraph.ops.checks import CheckAndRaise
from symgraph.ops.compare import eq
from symgraph.ops.create import arange, zeros
from symgraph.ops.index import inc_subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reduce import wide_integer
from symgraph.ops.search import nonzero
from symgraph.ops.shape import make_vector, shape_i
from symgraph.sparse.matrix import Matrix, common_data, from_entries, parts_of
from symgraph.types import Tensor, as_tensor_variable

__all__ = [
    "col_scale",
    "diag",
    "hstack",
    "row_scale",
    "sp_sum",
    "square_diagonal",
    "vstack",
]


def row_scale(x: Any, s: Any) -> Any:
    """Every row times its element of the vector `s`."""
    m = parts_of(x)
    return m.variable(mul(m.data, as_tensor_variable(s)[m.rows]))


def col_scale(x: Any, s: Any) -> Any:
    """Every column times its element of the vector `s`."""
    m = parts_of(x)
    return m.variable(mul(m.data, as_tensor_variable(s)[m.columns]))


def sp_sum(x: Any, axis: int | None = None, sparse_grad: bool = False) -> Tensor:
    """The sum of all entries, or of those of each column (axis 0) or row (axis 1); dense.

    `sparse_grad` is taken for Theano's sake: the gradient has entries where `x` has.
    """
    m = parts_of(x)
    if axis is None:
        return sum_over(m.data)
    if axis not in (0, 1, -1, -2):
        raise GraphTypeError(f"a matrix has axes 0 and 1, not {axis}")
    along, count = (m.columns, m.size[1]) if axis % 2 == 0 else (m.rows, m.size[0])
    data = cast(m.data, wide_integer(m.data.type.dtype))
    return inc_subtensor(zeros((count,), data.type.dtype)[along], data)


def diag(x: Any) -> Tensor:
    """The diagonal, a dense vector."""
    m = parts_of(x)
    (kept,) = nonzero(eq(m.rows, m.columns))
    count = minimum(*m.size)
    return inc_subtensor(zeros((count,), m.data.type.dtype)[m.rows[kept]], m.data[kept])


def square_diagonal(diagonal: Any) -> Any:
    """A square matrix stored by columns, with a vector on its diagonal."""
    vector = as_tensor_variable(diagonal)
    if vector.type.ndim != 1:
        raise GraphTypeError(f"a diagonal is a vector, not {vector} ({vector.type})")
    size = shape_i(vector, 0)
    places = arange(size + 1)
    return Matrix(vector, places[:-1], places, make_vector([size, size]), "csc").variable()


def hstack(blocks: Sequence[Any], format: str | None = None, dtype: str | None = None) -> Any:
    """Sparse matrices beside each other, stored by columns unless `format` says otherwise."""
    return _stacked(blocks, 1, format or "csc", dtype)


def vstack(blocks: Sequence[Any], format: str | None = None, dtype: str | None = None) -> Any:
    """Sparse matrices below each other, stored by rows unless `format` says otherwise."""
    return _stacked(blocks, 0, format or "csr", dtype)


def _stacked(blocks: Sequence[Any], axis: int, format: str, dtype: str | None) -> Any:
    matrices = [parts_of(block) for block in blocks]
    if not matrices:
        raise GraphTypeError("nothing to stack: a list of sparse matrices is needed")
    across = 1 - axis
    start: Any = 0
    places: list[list[Tensor]] = [[], []]
    for m in matrices:
        coordinates: list[Tensor] = [cast(m.rows, "int64"), cast(m.columns, "int64")]
        coordinates[axis] = coordinates[axis] + start
        start = m.size[axis] + start
        for found, coordinate in zip(places, coordinates, strict=True):
            found.append(coordinate)
    widths = [eq(m.size[across], matrices[0].size[across]) for m in matrices[1:]]
    check: Callable[..., Tensor] = CheckAndRaise(ShapeError, "stack: the matrices do not fit")
    sizes = [start, start]
    sizes[across] = check(matrices[0].size[across], *widths)
    data = concatenate(common_data(matrices))
    rows, columns = map(concatenate, places)
    data = data if dtype is None else cast(data, dtype)
    return from_entries(rows, columns, data, make_vector(sizes), format)
