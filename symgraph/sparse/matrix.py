"""Sparse matrices as data, indices, indptr and shape; made, converted, put together of entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, ShapeError
from symgraph.graph import Variable
from symgraph.ops.arith import int_div, mod
from symgraph.ops.cast import cast as cast_tensor
from symgraph.ops.checks import CheckAndRaise
from symgraph.ops.compare import eq, neq
from symgraph.ops.create import arange, zeros
from symgraph.ops.csr import CsrMajors
from symgraph.ops.cumulative import cumsum
from symgraph.ops.index import inc_subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.search import nonzero
from symgraph.ops.shape import make_vector, shape_i
from symgraph.ops.sort import argsort
from symgraph.ops.specify import specify_shape
from symgraph.records import (
    FORMATS,
    INDEX,
    PutTogether,
    SparseTensorType,
    TakeApart,
    is_sparse_matrix,
)
from symgraph.types import Tensor, as_tensor_variable, promote

__all__ = [
    "CSC",
    "CSM",
    "CSR",
    "as_sparse_variable",
    "cast",
    "construct_sparse_from_list",
    "csc_from_dense",
    "csm_data",
    "csm_indices",
    "csm_indptr",
    "csm_properties",
    "csm_shape",
    "csr_from_dense",
    "dense_from_sparse",
    "ensure_sorted_indices",
    "is_sparse",
    "sp_ones_like",
    "sp_zeros_like",
    "to_format",
    "transpose",
]


OTHER = {"csr": "csc", "csc": "csr"}


@dataclass(frozen=True)
class Matrix:
    """The parts of a sparse matrix, as dense variables."""

    data: Tensor
    indices: Tensor
    indptr: Tensor
    shape: Tensor
    format: str

    @property
    def majors(self) -> Tensor:
        """The row (of csc: the column) of each entry."""
        return CsrMajors()(self.indptr, shape_i(self.indices, 0))

    @property
    def rows(self) -> Tensor:
        """The row of each entry."""
        return self.majors if self.format == "csr" else self.indices

    @property
    def columns(self) -> Tensor:
        """The column of each entry."""
        return self.indices if self.format == "csr" else self.majors

    @property
    def size(self) -> tuple[Tensor, Tensor]:
        """The numbers of rows and columns."""
        return self.shape[0], self.shape[1]

    @property
    def major_count(self) -> Tensor:
        """How many rows (of csc: columns) there are."""
        return self.size[FORMATS.index(self.format)]

    def variable(self, data: Tensor | None = None) -> Any:
        """The sparse variable, with other data if given."""
        numbers = self.data if data is None else data
        kind = SparseTensorType(self.format, numbers.type.dtype)
        parts = cast_tensor(self.indices, INDEX), cast_tensor(self.indptr, INDEX), self.shape
        return PutTogether(kind)(numbers, *parts)


def is_sparse(x: Any) -> bool:
    """Whether `x` is a sparse variable or one of SciPy's matrices."""
    kind = getattr(x, "type", None)
    return isinstance(kind, SparseTensorType) or is_sparse_matrix(x)


def as_sparse_variable(x: Any, name: str | None = None) -> Any:
    """`x` as a sparse variable: itself, or a constant made of a SciPy matrix.

    Raises
    ------
    GraphTypeError
        If it is dense; `csr_from_dense` converts it.
    """
    if isinstance(x, Variable) and isinstance(x.type, SparseTensorType):
        return x
    if not is_sparse_matrix(x):
        raise GraphTypeError(
            f"{x!r} is dense where a sparse matrix is needed; use sparse.csr_from_dense(x)"
        )
    found = x.format if x.format in FORMATS else FORMATS[0]
    kind = SparseTensorType(found, str(x.dtype))
    return kind.constant_class(kind, x.copy(), name=name)


def parts_of(x: Any) -> Matrix:
    """The parts of a sparse variable."""
    var = as_sparse_variable(x)
    data, indices, indptr, shape = TakeApart()(var)
    return Matrix(data, indices, indptr, shape, var.type.format)


def CSM(data: Any, indices: Any, indptr: Any, shape: Any, format: str = "csr") -> Any:
    """A sparse matrix of its parts, as SciPy calls them.

    Parameters
    ----------
    data
        The entries, a vector.
    indices, indptr
        Integer vectors: the columns of the entries, and where each row begins; of "csc" the rows,
        and where each column begins. Rows have to be sorted where an op says so;
        `ensure_sorted_indices` sorts them.
    shape
        Two integers.
    """
    sizes = (
        specify_shape(shape, (2,))
        if isinstance(shape, Variable)
        else make_vector(
            [as_tensor_variable(np.int64(n) if isinstance(n, int) else n) for n in shape]
        )
    )
    data, indices, indptr = map(as_tensor_variable, (data, indices, indptr))
    return Matrix(data, indices, indptr, cast_tensor(sizes, "int64"), format).variable()


def CSR(data: Any, indices: Any, indptr: Any, shape: Any) -> Any:
    """A matrix stored by rows, of its parts."""
    return CSM(data, indices, indptr, shape, "csr")


def CSC(data: Any, indices: Any, indptr: Any, shape: Any) -> Any:
    """A matrix stored by columns, of its parts."""
    return CSM(data, indices, indptr, shape, "csc")


def csm_properties(x: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Data, indices, indptr and shape of a sparse matrix."""
    m = parts_of(x)
    return m.data, m.indices, m.indptr, m.shape


def csm_data(x: Any) -> Tensor:
    """The entries of a sparse matrix, a vector."""
    return parts_of(x).data


def csm_indices(x: Any) -> Tensor:
    """The column (of csc: the row) of each entry."""
    return parts_of(x).indices


def csm_indptr(x: Any) -> Tensor:
    """Where each row (of csc: each column) begins among the entries, and the end."""
    return parts_of(x).indptr


def csm_shape(x: Any) -> Tensor:
    """The numbers of rows and columns, an int64 vector."""
    return parts_of(x).shape


def same_shape(x: Tensor, y: Tensor, what: str) -> Tensor:
    """The first of two shapes, which have to be equal when the function runs."""
    if x is y:
        return x
    return CheckAndRaise(ShapeError, f"{what}: the matrices differ in shape")(x, eq(x, y))


def indptr_of(majors: Tensor, count: Any) -> Tensor:
    """Where each row begins, given the rows of sorted entries."""
    counts = inc_subtensor(zeros((count + 1,), "int64")[majors + 1], 1)
    return cast_tensor(cumsum(counts), INDEX)


def from_entries(rows: Tensor, columns: Tensor, data: Tensor, shape: Tensor, format: str) -> Any:
    """A sparse matrix of entries in any order; those at one place are added up."""
    majors, minors = (rows, columns) if format == "csr" else (columns, rows)
    sizes = (shape[0], shape[1]) if format == "csr" else (shape[1], shape[0])
    keys = cast_tensor(majors, "int64") * sizes[1] + minors
    order = argsort(keys)
    keys, data = keys[order], data[order]
    first = neq(keys, concatenate([[np.int64(-1)], keys])[:-1])
    (kept,) = nonzero(first)
    place = cumsum(cast_tensor(first, "int64")) - 1
    total = inc_subtensor(zeros((shape_i(kept, 0),), data.type.dtype)[place], data)
    keys = keys[kept]
    minor, indptr = mod(keys, sizes[1]), indptr_of(int_div(keys, sizes[1]), sizes[0])
    return Matrix(total, minor, indptr, shape, format).variable()


def to_format(x: Any, format: str) -> Any:
    """A sparse matrix stored by rows ("csr") or by columns ("csc")."""
    m = parts_of(x)
    if m.format == format:
        return as_sparse_variable(x)
    return from_entries(m.rows, m.columns, m.data, m.shape, format)


def ensure_sorted_indices(x: Any) -> Any:
    """The same matrix with sorted indices; entries at one place are added up."""
    m = parts_of(x)
    return from_entries(m.rows, m.columns, m.data, m.shape, m.format)


def dense_from_sparse(x: Any) -> Tensor:
    """The matrix with its zeros.

    >>> import scipy.sparse
    >>> dense_from_sparse(scipy.sparse.csr_matrix([[0.0, 2.0]])).eval()
    array([[0., 2.]])
    """
    m = parts_of(x)
    return inc_subtensor(zeros(m.size, m.data.type.dtype)[m.rows, m.columns], m.data)


def csr_from_dense(x: Any) -> Any:
    """The nonzero elements of a matrix, stored by rows."""
    x = as_tensor_variable(x)
    if x.type.ndim != 2:
        raise GraphTypeError(f"a sparse matrix is made of a matrix, not of {x} ({x.type})")
    rows, columns = nonzero(x)
    indptr = indptr_of(rows, shape_i(x, 0))
    shape = make_vector([shape_i(x, 0), shape_i(x, 1)])
    return Matrix(x[rows, columns], columns, indptr, shape, "csr").variable()


def csc_from_dense(x: Any) -> Any:
    """The nonzero elements of a matrix, stored by columns."""
    return transpose(csr_from_dense(as_tensor_variable(x).T))


def transpose(x: Any) -> Any:
    """The transpose: stored by columns what was stored by rows; nothing is moved."""
    m = parts_of(x)
    return Matrix(m.data, m.indices, m.indptr, m.shape[::-1], OTHER[m.format]).variable()


def cast(x: Any, dtype: str) -> Any:
    """The same matrix with entries of another dtype."""
    m = parts_of(x)
    return m.variable(cast_tensor(m.data, dtype))


def sp_ones_like(x: Any) -> Any:
    """Ones where a matrix has entries."""
    m = parts_of(x)
    return m.variable(m.data.ones_like())


def sp_zeros_like(x: Any) -> Any:
    """A matrix of the same shape without entries."""
    m = parts_of(x)
    nothing = arange(0, dtype=INDEX)
    empty = cast_tensor(nothing, m.data.type.dtype)
    return Matrix(empty, nothing, m.indptr.zeros_like(), m.shape, m.format).variable()


def construct_sparse_from_list(x: Any, values: Any, ilist: Any) -> Any:
    """A csr matrix shaped like the dense `x` whose rows `ilist` are those of `values`."""
    x, values, places = map(as_tensor_variable, (x, values, ilist))
    count, width = shape_i(values, 0), shape_i(values, 1)
    order = arange(count * width)
    rows, columns = places[int_div(order, width)], mod(order, width)
    shape = make_vector([shape_i(x, 0), shape_i(x, 1)])
    return from_entries(rows, columns, values.flatten(), shape, "csr")


def common_data(matrices: Sequence[Matrix]) -> list[Tensor]:
    """The entries of several matrices in one dtype."""
    dtype = promote(*(m.data.type.dtype for m in matrices))
    return [cast_tensor(m.data, dtype) for m in matrices]
