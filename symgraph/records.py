"""Types whose values are several tensors under one name: sparse matrices.

In a graph such a variable is one; `TakeApart` gives its tensors and `PutTogether` makes one of
tensors. What is computed is computed on tensors. A function opens its inputs and outputs of these
types (`borders.py`), and where one op takes apart what the other put together nothing is left.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from symgraph.errors import GraphTypeError, InputShapeError, InputTypeError
from symgraph.graph import Apply, Op, Type, Variable
from symgraph.later import Later
from symgraph.types import CONTINUOUS, TensorType, check_dtype

sparse = Later("scipy.sparse")
FORMATS = ("csr", "csc")
INDEX = "int32"  # the dtype of indices, SciPy's own up to 2**31 entries


def is_sparse_matrix(value: Any) -> bool:
    """Whether `value` is one of SciPy's sparse matrices; there are none before it is imported."""
    return "scipy.sparse" in sys.modules and bool(sparse.issparse(value))


class RecordType(Type):
    """Values made of several tensors."""

    shared_class: ClassVar[type[Variable]]

    @property
    def fields(self) -> tuple[TensorType, ...]:
        """The types of the tensors."""
        raise NotImplementedError

    def take_apart(self, value: Any) -> list[npt.NDArray[Any]]:
        """The tensors of a value."""
        raise NotImplementedError

    def put_together(self, parts: Sequence[npt.NDArray[Any]]) -> Any:
        """The value made of tensors."""
        raise NotImplementedError


class SparseTensorType(RecordType):
    """Matrices of which only some entries are stored, by rows (csr) or by columns (csc).

    Values are SciPy's. They are kept sorted and without duplicates: `filter` sees to that.

    Parameters
    ----------
    format
        "csr" or "csc".
    dtype
        The dtype of the entries.
    """

    __slots__ = ("dtype", "format")
    ndim = 2
    shape = (None, None)
    broadcastable = (False, False)

    def __init__(self, format: str, dtype: str = "floatX", **options: Any) -> None:
        if format not in FORMATS:
            raise GraphTypeError(f"a sparse format is one of {', '.join(FORMATS)}, not {format!r}")
        self.format, self.dtype = format, check_dtype(dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SparseTensorType) and (
            (self.format, self.dtype) == (other.format, other.dtype)
        )

    def __hash__(self) -> int:
        return hash((self.format, self.dtype))

    def __str__(self) -> str:
        return f"SparseTensorType({self.format}, {self.dtype})"

    __repr__ = __str__

    def clone(self, format: str | None = None, dtype: str | None = None) -> SparseTensorType:
        """This type with another format or dtype."""
        return SparseTensorType(format or self.format, dtype or self.dtype)

    @property
    def fields(self) -> tuple[TensorType, ...]:
        """Data, indices, indptr, shape, as SciPy calls them."""
        of_index = TensorType(INDEX, (None,))
        return TensorType(self.dtype, (None,)), of_index, of_index, TensorType("int64", (2,))

    def filter(self, value: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """`value` as a SciPy matrix of this format, sorted, without duplicates.

        Other sparse formats are converted unless `strict`; dense arrays are refused.
        """
        if not is_sparse_matrix(value):
            raise InputTypeError(
                f"is a {type(value).__name__} where a sparse matrix is needed ({self}); convert it"
                f" with scipy.sparse.{self.format}_matrix(value)"
            )
        if strict and value.format != self.format:
            raise InputTypeError(f"has format {value.format}, not {self.format} ({self})")
        matrix = sparse.csr_matrix if self.format == "csr" else sparse.csc_matrix
        found = value if isinstance(value, matrix) else matrix(value)
        data = self.fields[0].filter(found.data, strict, allow_downcast)
        if data is not found.data:
            found = matrix((data, found.indices, found.indptr), shape=found.shape)
        _check_indices(found)
        if not found.has_canonical_format:
            found = found.copy()
            found.sum_duplicates()
        return found

    def take_apart(self, value: Any) -> list[npt.NDArray[Any]]:
        """The arrays of a SciPy matrix."""
        indices, indptr = (np.asarray(a, dtype=INDEX) for a in (value.indices, value.indptr))
        return [value.data, indices, indptr, np.array(value.shape, dtype="int64")]

    def put_together(self, parts: Sequence[npt.NDArray[Any]]) -> Any:
        """The SciPy matrix of four arrays."""
        data, indices, indptr, shape = parts
        matrix = sparse.csr_matrix if self.format == "csr" else sparse.csc_matrix
        return matrix((data, indices, indptr), shape=tuple(map(int, shape)))


def _check_indices(matrix: Any) -> None:
    """Refuse indices that lie outside: native code trusts them."""
    last, width = len(matrix.indices), matrix.shape[1 if matrix.format == "csr" else 0]
    if last > np.iinfo(INDEX).max:
        raise InputShapeError(f"has {last} entries, more than {INDEX} counts")
    steps = np.diff(matrix.indptr)
    ordered = matrix.indptr[0] == 0 and matrix.indptr[-1] == last and (steps >= 0).all()
    if not ordered or (last and not 0 <= matrix.indices.min() <= matrix.indices.max() < width):
        raise InputShapeError(
            "has indices outside its shape; see its check_format(full_check=True)"
        )


def is_record(var: Variable) -> bool:
    """Whether a variable holds several tensors under one name."""
    return isinstance(var.type, RecordType)


class _RecordOp(Op):
    """What both ops share."""

    __props__: tuple[str, ...] = ()

    def __str__(self) -> str:
        return type(self).__name__


class TakeApart(_RecordOp):
    """The tensors of a record; of a sparse matrix its data, indices, indptr and shape."""

    def make_node(self, *inputs: Any) -> Apply:
        """Of one record."""
        (x,) = inputs
        kind = getattr(x, "type", None)
        if not isinstance(kind, RecordType):
            raise GraphTypeError(f"{x!r} is not a sparse variable")
        return Apply(self, [x], [field() for field in kind.fields])

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The arrays."""
        kind = node.inputs[0].type
        assert isinstance(kind, RecordType)
        return list(kind.take_apart(inputs[0]))

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> Any:
        """A record of the cotangents of what is continuous, all else as it is."""
        kind = inputs[0].type
        pairs = zip(kind.fields, outputs, output_grads, strict=True)
        parts = [g if field.dtype in CONTINUOUS else out for field, out, g in pairs]
        return [PutTogether(kind)(*parts)]


class PutTogether(_RecordOp):
    """A record of tensors."""

    __props__ = ("kind",)

    def __init__(self, kind: RecordType) -> None:
        self.kind = kind

    def make_node(self, *inputs: Any) -> Apply:
        """Of tensors of the right types."""
        fields = self.kind.fields
        if len(inputs) != len(fields):
            raise GraphTypeError(f"a {self.kind} has {len(fields)} parts, not {len(inputs)}")
        parts = [field.as_variable(item) for field, item in zip(fields, inputs, strict=True)]
        return Apply(self, parts, [self.kind()])

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The record."""
        return [self.kind.put_together(inputs)]

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> Any:
        """The same parts of the cotangent, of what is continuous."""
        parts = TakeApart()(output_grads[0])
        return [
            g if field.dtype in CONTINUOUS else None
            for field, g in zip(self.kind.fields, parts, strict=True)
        ]
