"""Products and look-ups of matrices stored by rows: data, indices, indptr.

`symgraph.sparse` is made of these and of dense ops. The three products differentiate into each
other. A matrix stored by columns is the transpose of one stored by rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, IndexRangeError, SymgraphError
from symgraph.families import Example, Library, Sample, is_continuous
from symgraph.later import Later
from symgraph.ops.cast import cast, conjugate
from symgraph.ops.shape import scalars_of, shape_i
from symgraph.types import DISCRETE, Arg, Dims, Tensor, Tensors, as_tensor_variable, promote, unify

sparse = Later("scipy.sparse")
__all__ = ["CsrDot", "CsrFind", "CsrMajors", "CsrSample", "CsrTransposedDot"]
INDICES = np.array([1, 3, 0, 1, 2], dtype="int32")
INDPTR = np.array([0, 2, 2, 5], dtype="int32")  # of a (3, 4) matrix whose second row is empty
NOTHING = np.array([], dtype="int32"), np.array([0, 0, 0], dtype="int32")


def _matrix(data: Any, indices: Any, indptr: Any, width: int) -> Any:
    return sparse.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, width))


@dataclass(frozen=True, repr=False)
class _CsrOp(Library):
    """What the products share: an entry outside is an error."""

    failure: ClassVar[tuple[type[SymgraphError], str] | None] = (
        IndexRangeError,
        "entry %0 of a sparse matrix has index %1, which is out of range",
    )

    @staticmethod
    def numbers(*operands: Any) -> list[Tensor]:
        """Operands of one dtype."""
        variables = [as_tensor_variable(x) for x in operands]
        common = promote(*(v.type.dtype for v in variables))
        return [cast(v, common) for v in variables]

    @staticmethod
    def pattern(indices: Any, indptr: Any) -> list[Tensor]:
        """Index vectors."""
        found = [as_tensor_variable(indices), as_tensor_variable(indptr)]
        if any(v.type.ndim != 1 or v.type.dtype != "int32" for v in found):
            raise GraphTypeError("indices and indptr of a sparse matrix are int32 vectors")
        return found

    @staticmethod
    def matrices(*operands: Tensor) -> None:
        """Refuse what is no matrix."""
        for x in operands:
            if x.type.ndim != 2:
                raise GraphTypeError(f"a sparse product takes matrices, not {x} ({x.type})")


class CsrDot(_CsrOp):
    """A b of a sparse and a dense matrix. Inputs: data, indices, indptr, b."""

    routine: ClassVar[str] = "symgraph.backends.routines.csr:csr_dot"

    def prepare(self, *inputs: Any) -> Tensors:
        """Numbers of one dtype, int32 indices."""
        data, indices, indptr, b = inputs
        data, b = self.numbers(data, b)
        self.matrices(b)
        return [data, *self.pattern(indices, indptr), b]

    def out_shape(self, *args: Arg) -> Dims:
        """The rows of A, the columns of b."""
        data, indices, indptr, b = args
        unify((data.shape[0], indices.shape[0]), f"{self}: data and indices")
        return indptr.shape[0] - 1, b.shape[1]

    def reference(self, data: Any, indices: Any, indptr: Any, b: Any) -> Any:
        """SciPy's product."""
        _check_range(indices, len(b))
        return _matrix(data, indices, indptr, len(b)) @ b

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """To the entries (g b') where they stand, to b A' g, of conjugates."""
        data, indices, indptr, b = inputs
        (g,) = output_grads
        if not is_continuous(data):
            return [None] * 4
        to_data = CsrSample()(indices, indptr, g, conjugate(b))
        to_b = CsrTransposedDot()(conjugate(data), indices, indptr, g, shape_i(b, 0))
        return [to_data, None, None, to_b]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A matrix with an empty row, one without entries, one column."""
        yield Example(_of(cls(), INDICES, INDPTR), (Sample((5,)), Sample((4, 2))))
        yield Example(_of(cls(), INDICES, INDPTR), (Sample((5,)), Sample((4, 1))))
        yield Example(_of(cls(), *NOTHING), (Sample((0,)), Sample((4, 2))))


class CsrTransposedDot(_CsrOp):
    """A' b of a sparse and a dense matrix. Inputs: data, indices, indptr, b, the columns of A."""

    routine: ClassVar[str] = "symgraph.backends.routines.csr:csr_transposed_dot"
    reads: ClassVar[int | None] = 4

    def prepare(self, *inputs: Any) -> Tensors:
        """Numbers of one dtype, int32 indices, a size."""
        data, indices, indptr, b, width = inputs
        data, b = self.numbers(data, b)
        self.matrices(b)
        return [data, *self.pattern(indices, indptr), b, *scalars_of([width])]

    def out_shape(self, *args: Arg) -> Dims:
        """The columns of A, the columns of b; A has as many rows as b."""
        data, indices, indptr, b, width = args
        unify((data.shape[0], indices.shape[0]), f"{self}: data and indices")
        unify((indptr.shape[0] - 1, b.shape[0]), f"{self}: the inner sizes")
        return width.value, b.shape[1]

    def reference(self, data: Any, indices: Any, indptr: Any, b: Any, width: Any) -> Any:
        """SciPy's product."""
        _check_range(indices, int(width))
        return _matrix(data, indices, indptr, int(width)).T @ b

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """To the entries (b g') where they stand, to b A g, of conjugates."""
        data, indices, indptr, b, _ = inputs
        (g,) = output_grads
        if not is_continuous(data):
            return [None] * 5
        to_data = CsrSample()(indices, indptr, conjugate(b), g)
        return [to_data, None, None, CsrDot()(conjugate(data), indices, indptr, g), None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A matrix with an empty row, and one without entries."""
        yield Example(_of(cls(), INDICES, INDPTR, tail=(4,)), (Sample((5,)), Sample((3, 2))))
        yield Example(_of(cls(), *NOTHING, tail=(4,)), (Sample((0,)), Sample((2, 2))))


class CsrSample(_CsrOp):
    """The entries of a b' where a sparse matrix has some. Inputs: indices, indptr, a, b."""

    routine: ClassVar[str] = "symgraph.backends.routines.csr:csr_sample"

    def prepare(self, *inputs: Any) -> Tensors:
        """Numbers of one dtype, int32 indices."""
        indices, indptr, a, b = inputs
        a, b = self.numbers(a, b)
        self.matrices(a, b)
        return [*self.pattern(indices, indptr), a, b]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Of the matrices."""
        return (dtypes[2],)

    def out_shape(self, *args: Arg) -> Dims:
        """One for each entry; a has as many rows as the matrix and as many columns as b."""
        indices, indptr, a, b = args
        unify((indptr.shape[0] - 1, a.shape[0]), f"{self}: rows")
        unify((a.shape[1], b.shape[1]), f"{self}: the inner sizes")
        return (indices.shape[0],)

    def reference(self, indices: Any, indptr: Any, a: Any, b: Any) -> Any:
        """Sums of products of rows."""
        if len(indptr) - 1 != len(a):
            raise ValueError(f"{len(a)} rows for a matrix of {len(indptr) - 1}")
        _check_range(indices, len(b))
        rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        return (a[rows] * b[indices]).sum(1)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangents are the entries of a sparse matrix, times the other's conjugate."""
        indices, indptr, a, b = inputs
        (g,) = output_grads
        if not is_continuous(a):
            return [None] * 4
        to_b = CsrTransposedDot()(g, indices, indptr, conjugate(a), shape_i(b, 0))
        return [None, None, CsrDot()(g, indices, indptr, conjugate(b)), to_b]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A matrix with an empty row, and one without entries."""
        for pattern, rows in (((INDICES, INDPTR), 3), (NOTHING, 2)):
            op = _of(cls(), *pattern, at=0)
            yield Example(op, (Sample((rows, 2)), Sample((4, 2))))


@dataclass(frozen=True, repr=False)
class CsrMajors(Library):
    """The row of every entry. Inputs: indptr, the number of entries."""

    routine: ClassVar[str] = "symgraph.backends.routines.csr:csr_majors"
    reads: ClassVar[int | None] = 1

    def prepare(self, *inputs: Any) -> Tensors:
        """Where rows begin, and how many entries there are."""
        indptr, count = inputs
        return [as_tensor_variable(indptr), *scalars_of([count])]

    def out_shape(self, *args: Arg) -> Dims:
        """One for each entry."""
        return (args[1].value,)

    def reference(self, indptr: Any, count: Any) -> Any:
        """NumPy's repeat."""
        return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Where an entry is does not change."""
        return [None] * len(inputs)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Rows with entries and without, no entries at all."""
        for indices, indptr in ((INDICES, INDPTR), NOTHING):
            count = Sample((), f"value:{len(indices)}", "int64", False)
            yield Example(partial(cls(), indptr), (count,))


@dataclass(frozen=True, repr=False)
class CsrFind(Library):
    """Where entries are stored, -1 if they are not. Inputs: rows, columns, indices, indptr.

    The indices of every row have to be sorted.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.csr:csr_find"

    def prepare(self, *inputs: Any) -> Tensors:
        """Vectors of integers."""
        found = [as_tensor_variable(x) for x in inputs]
        if any(v.type.ndim != 1 or v.type.dtype not in DISCRETE for v in found):
            raise GraphTypeError(f"{self} takes vectors of integers")
        return found

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Positions are int64."""
        return ("int64",)

    def out_shape(self, *args: Arg) -> Dims:
        """One for each pair."""
        return (unify((args[0].shape[0], args[1].shape[0]), f"{self}: rows and columns"),)

    def reference(self, rows: Any, columns: Any, indices: Any, indptr: Any) -> Any:
        """A look-up in a dictionary."""
        where = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        places = {
            pair: k for k, pair in enumerate(zip(where.tolist(), indices.tolist(), strict=True))
        }
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return np.array([places.get(pair, -1) for pair in pairs], dtype="int64")

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Where an entry is does not change."""
        return [None] * len(inputs)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Pairs inside and outside, none."""
        for count in (8, 0):
            pairs = (Sample((count,), "index:4", "int64", False),) * 2
            yield Example(_of(cls(), INDICES, INDPTR, at=2), pairs)


def _check_range(indices: Any, size: int) -> None:
    bad = np.flatnonzero((indices < 0) | (indices >= size))
    if bad.size:
        raise IndexRangeError(
            f"entry {bad[0] + 1} of a sparse matrix has index {indices[bad[0]]},"
            " which is out of range"
        )


def _of(
    op: Library, indices: Any, indptr: Any, at: int = 1, tail: tuple[int, ...] = ()
) -> Callable[..., Tensor]:
    """An op on a fixed pattern, put in at an input."""

    def applied(*operands: Any) -> Tensor:
        result: Tensor = op(*operands[:at], indices, indptr, *operands[at:], *tail)
        return result

    return applied
