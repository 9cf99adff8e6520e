"""Sparse variables: operators and methods, constructors, shared ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgraph.graph import Constant, Type, Variable
from symgraph.records import SparseTensorType
from symgraph.shared import Container, SharedVariable
from symgraph.sparse import arithmetic, elementwise, indexing, matrix, products, reductions
from symgraph.types import Tensor

__all__ = [
    "SparseConstant",
    "SparseSharedVariable",
    "SparseVariable",
    "csc_matrix",
    "csr_matrix",
]


class SparseVariable(Variable):
    """A symbolic sparse matrix. `*` multiplies entry by entry, `dot` and `@` as matrices."""

    __slots__ = ()
    __array_ufunc__ = None  # NumPy leaves operators with an array on the left to us

    @property
    def _kind(self) -> SparseTensorType:
        assert isinstance(self.type, SparseTensorType)
        return self.type

    @property
    def dtype(self) -> str:
        """The dtype of the entries."""
        return self._kind.dtype

    @property
    def format(self) -> str:
        """How it is stored, "csr" or "csc"."""
        return self._kind.format

    @property
    def ndim(self) -> int:
        """2."""
        return 2

    @property
    def shape(self) -> Tensor:
        """The numbers of rows and columns, an int64 vector."""
        return matrix.csm_shape(self)

    @property
    def data(self) -> Tensor:
        """The entries."""
        return matrix.csm_data(self)

    @property
    def indices(self) -> Tensor:
        """The column (of csc: the row) of each entry."""
        return matrix.csm_indices(self)

    @property
    def indptr(self) -> Tensor:
        """Where each row (of csc: column) begins among the entries."""
        return matrix.csm_indptr(self)

    @property
    def T(self) -> Any:
        """The transpose."""
        return matrix.transpose(self)

    def __neg__(self) -> Any:
        return elementwise.neg(self)

    def __add__(self, other: Any) -> Any:
        return arithmetic.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return arithmetic.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return arithmetic.sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return arithmetic.sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return arithmetic.mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return arithmetic.mul(other, self)

    def __truediv__(self, other: Any) -> Any:
        return arithmetic.true_div(self, other)

    def __matmul__(self, other: Any) -> Any:
        return products.true_dot(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return products.true_dot(other, self)

    def __lt__(self, other: Any) -> Any:
        return arithmetic.lt(self, other)

    def __le__(self, other: Any) -> Any:
        return arithmetic.le(self, other)

    def __gt__(self, other: Any) -> Any:
        return arithmetic.gt(self, other)

    def __ge__(self, other: Any) -> Any:
        return arithmetic.ge(self, other)

    def __getitem__(self, index: Any) -> Any:
        return indexing.get_item(self, index)

    def dot(self, other: Any) -> Any:
        """The matrix product, dense."""
        return products.dot(self, other)

    def sum(self, axis: int | None = None, sparse_grad: bool = False) -> Tensor:
        """The sum of all entries, or along an axis; dense."""
        return reductions.sp_sum(self, axis, sparse_grad)

    def transpose(self) -> Any:
        """The transpose."""
        return matrix.transpose(self)

    def astype(self, dtype: str) -> Any:
        """The same matrix with entries of another dtype."""
        return matrix.cast(self, dtype)

    def toarray(self) -> Tensor:
        """The dense matrix."""
        return matrix.dense_from_sparse(self)

    todense = toarray

    def zeros_like(self) -> Any:
        """A matrix of the same shape without entries."""
        return matrix.sp_zeros_like(self)

    def ones_like(self) -> Any:
        """Ones where there are entries."""
        return matrix.sp_ones_like(self)


class SparseConstant(Constant, SparseVariable):
    """A sparse matrix whose value is known."""

    __slots__ = ()


class SparseSharedVariable(SparseVariable, SharedVariable):
    """A shared sparse matrix."""

    __slots__ = ()

    def __init__(
        self,
        type: Type,
        value: Any = None,
        name: str | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
    ) -> None:
        super().__init__(type, name=name)
        self.container = Container(value)
        self.default_update = None
        self.strict, self.allow_downcast = strict, allow_downcast

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The SciPy matrix: a copy, or with `borrow` the one that is kept."""
        value = self.container.value
        return value if borrow else value.copy()

    def set_value(self, value: Any, borrow: bool = False) -> None:
        """Give it another SciPy matrix."""
        kept = self.type.filter(value, self.strict, self.allow_downcast)
        self.container.value = kept.copy() if kept is value and not borrow else kept

    def zero(self, borrow: bool = False) -> None:
        """Drop every entry."""
        self.container.value = type(self.container.value)(
            self.container.value.shape, dtype=self.dtype
        )


SparseTensorType.variable_class = SparseVariable
SparseTensorType.constant_class = SparseConstant
SparseTensorType.shared_class = SparseSharedVariable


def matrix_of(format: str, name: str | None = None, dtype: str | None = None) -> Any:
    """A sparse input stored in a format."""
    return SparseTensorType(format, dtype or "floatX")(name)


def _constructor(format: str) -> Callable[..., Any]:
    def make(name: str | None = None, dtype: str | None = None) -> Any:
        return matrix_of(format, name, dtype)

    make.__name__ = f"{format}_matrix"
    make.__doc__ = f"A sparse input in {format} format; `config.floatX` unless a dtype is given."
    return make


csr_matrix = _constructor("csr")
csc_matrix = _constructor("csc")
