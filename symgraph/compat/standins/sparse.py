"""Ops of `theano.sparse.basic`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph import sparse as own
from symgraph.compat.standins.base import OpClass
from symgraph.dataclass import dataclass
from symgraph.graph import Variable
from symgraph.records import SparseTensorType, is_sparse_matrix
from symgraph.types import TensorType, as_tensor_variable


class Plain(OpClass):
    """An op without settings that mean anything here; those it is given are taken."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, *settings: Any, **more: Any) -> None:
        """Settings of Theano's: in place, what the gradient keeps."""

    def apply(self, *inputs: Any) -> Any:
        """What the function gives."""
        return type(self).function(*inputs)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "AddSD": own.add,
    "AddSS": own.add,
    "AddSSData": own.add,
    "CSMProperties": own.csm_properties,
    "ColScaleCSC": own.col_scale,
    "ConstructSparseFromList": own.construct_sparse_from_list,
    "DenseFromSparse": own.dense_from_sparse,
    "Diag": own.diag,
    "Dot": own.dot,
    "EnsureSortedIndices": own.ensure_sorted_indices,
    "EqualSD": own.eq,
    "EqualSS": own.eq,
    "GetItem2Lists": own.get_item_2lists,
    "GetItem2d": own.get_item_2d,
    "GetItemList": own.get_item_list,
    "GetItemScalar": own.get_item_scalar,
    "GreaterEqualSD": own.ge,
    "GreaterEqualSS": own.ge,
    "GreaterThanSD": own.gt,
    "GreaterThanSS": own.gt,
    "LessEqualSD": own.le,
    "LessEqualSS": own.le,
    "LessThanSD": own.lt,
    "LessThanSS": own.lt,
    "MulSD": own.mul,
    "MulSS": own.mul,
    "MulSV": own.mul_s_v,
    "Neg": own.neg,
    "NotEqualSD": own.neq,
    "NotEqualSS": own.neq,
    "Remove0": own.remove0,
    "RowScaleCSC": own.row_scale,
    "SamplingDot": own.sampling_dot,
    "SquareDiagonal": own.square_diagonal,
    "StructuredAddSV": own.structured_add_s_v,
    "StructuredDot": own.structured_dot,
    "Transpose": own.transpose,
    "TrueDot": own.true_dot,
    "Usmm": own.usmm,
}
CLASSES: dict[str, Any] = {
    name: type(
        name,
        (Plain,),
        {
            "function": staticmethod(function),
            "__doc__": (function.__doc__ or "").partition("\n")[0],
            "__module__": __name__,
        },
    )
    for name, function in FUNCTIONS.items()
}
# Theano's names of their instances.
INSTANCES: dict[str, Any] = {
    name: CLASSES[kind]()
    for name, kind in {
        "add_s_d": "AddSD",
        "add_s_s": "AddSS",
        "add_s_s_data": "AddSSData",
        "equal_s_d": "EqualSD",
        "equal_s_s": "EqualSS",
        "greater_equal_s_d": "GreaterEqualSD",
        "greater_equal_s_s": "GreaterEqualSS",
        "greater_than_s_d": "GreaterThanSD",
        "greater_than_s_s": "GreaterThanSS",
        "less_equal_s_d": "LessEqualSD",
        "less_equal_s_s": "LessEqualSS",
        "less_than_s_d": "LessThanSD",
        "less_than_s_s": "LessThanSS",
        "mul_s_d": "MulSD",
        "mul_s_s": "MulSS",
        "not_equal_s_d": "NotEqualSD",
        "not_equal_s_s": "NotEqualSS",
        "_dot": "Dot",
        "_structured_dot": "StructuredDot",
    }.items()
}


@dataclass(frozen=True)
class CSM(OpClass):
    """A matrix of entries, their indices, where rows or columns begin, and its shape."""

    format: str
    kmap: Any = None

    def apply(self, data: Any, indices: Any, indptr: Any, shape: Any) -> Any:
        """The matrix."""
        return own.CSM(data, indices, indptr, shape, self.format)


@dataclass(frozen=True)
class SparseFromDense(OpClass):
    """A dense matrix's entries that are not zero."""

    format: str

    def apply(self, x: Any) -> Any:
        """The matrix."""
        return {"csr": own.csr_from_dense, "csc": own.csc_from_dense}[self.format](x)


@dataclass(frozen=True)
class Cast(OpClass):
    """Entries in another dtype."""

    out_type: str

    def apply(self, x: Any) -> Any:
        """The matrix."""
        return own.cast(x, self.out_type)


@dataclass(frozen=True)
class HStack(OpClass):
    """Matrices side by side."""

    format: str | None = None
    dtype: str | None = None

    def apply(self, *blocks: Any) -> Any:
        """The matrix."""
        return own.hstack(blocks, self.format, self.dtype)


@dataclass(frozen=True)
class VStack(HStack):
    """Matrices one above the other."""

    def apply(self, *blocks: Any) -> Any:
        """The matrix."""
        return own.vstack(blocks, self.format, self.dtype)


@dataclass(frozen=True)
class SpSum(OpClass):
    """The sum of all entries, of columns (0) or of rows (1)."""

    axis: int | None = None
    sparse_grad: bool = True

    def apply(self, x: Any) -> Any:
        """Dense."""
        return own.sp_sum(x, self.axis, self.sparse_grad)


def as_sparse_or_tensor_variable(x: Any, name: str | None = None) -> Any:
    """`x` as a sparse variable if it is one, or a sparse matrix; else as a tensor."""
    if is_sparse_matrix(x) or (isinstance(x, Variable) and isinstance(x.type, SparseTensorType)):
        return own.as_sparse_variable(x, name)
    return as_tensor_variable(x, name)


def is_sparse_variable(x: Any) -> bool:
    """Whether a variable is sparse; a TypeError for what is no matrix."""
    if not isinstance(x, Variable) or not isinstance(x.type, SparseTensorType | TensorType):
        raise TypeError(f"{x!r} is neither a sparse nor a dense variable")
    return isinstance(x.type, SparseTensorType)


def is_dense_variable(x: Any) -> bool:
    """Whether a variable is dense; a TypeError for what is no tensor."""
    return not is_sparse_variable(x)


def is_sparse(x: Any) -> bool:
    """Whether a value is a sparse matrix; a TypeError for what is no array."""
    if not is_sparse_matrix(x) and not isinstance(x, np.ndarray | np.number | int | float):
        raise TypeError(f"{x!r} is neither a sparse matrix nor an array")
    return is_sparse_matrix(x)


def is_dense(x: Any) -> bool:
    """Whether a value is an array; a TypeError for what is no matrix."""
    return not is_sparse(x)


def matrices(prefixes: Sequence[tuple[str, str]]) -> dict[str, SparseTensorType]:
    """Types that make sparse variables: `csr_dmatrix("x")`."""
    return {
        f"{format}_{letter}matrix": SparseTensorType(format, dtype)
        for format in ("csc", "csr")
        for letter, dtype in prefixes
    }
