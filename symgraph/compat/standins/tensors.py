"""Ops of `theano.tensor.basic`, `extra_ops` and `sort`."""

from __future__ import annotations

from typing import Any, ClassVar

from symgraph.compat.standins.base import OpClass
from symgraph.dataclass import dataclass
from symgraph.graph import Op
from symgraph.ops import create, cumulative, extrema, sort
from symgraph.ops.join import Join as JoinOp
from symgraph.tensor import (
    argmax,
    argsort,
    argtopk,
    bartlett,
    choose,
    cumprod,
    cumsum,
    diagonal,
    diff,
    eye,
    fill_diagonal,
    fill_diagonal_offset,
    flatten,
    inc_subtensor,
    join,
    max_and_argmax,
    nonzero,
    permute_row_elements,
    ravel_multi_index,
    repeat,
    searchsorted,
    split,
    tile,
    topk,
    topk_and_argtopk,
    tri,
    unique,
    unravel_index,
    zeros,
)
from symgraph.tensor import sort as sorted_along
from symgraph.types import as_tensor_variable, check_dtype, static_value

Kinds = tuple[type[Op], ...]


def _number(axis: Any) -> Any:
    """An axis as a number, where it may be a constant."""
    if axis is None:
        return None
    value = static_value(as_tensor_variable(axis))
    if not isinstance(value, int):
        raise TypeError("an axis has to be a number: the rank of the result depends on it")
    return value


@dataclass(frozen=True)
class TensorFromScalar(OpClass):
    """A scalar as a tensor, which it is."""

    def apply(self, x: Any) -> Any:
        """The operand."""
        return as_tensor_variable(x).copy()


@dataclass(frozen=True)
class ScalarFromTensor(OpClass):
    """A tensor of no axes as a scalar, which it is."""

    def apply(self, x: Any) -> Any:
        """The operand; others than tensors of no axes are a TypeError."""
        x = as_tensor_variable(x)
        if x.type.ndim:
            raise TypeError(f"{x} has {x.type.ndim} axes; a scalar has none")
        return x.copy()


@dataclass(frozen=True)
class MaxAndArgmax(OpClass):
    """The largest elements over axes, and where they are."""

    own: ClassVar[Kinds] = (extrema.Max, extrema.Argmax)
    axis: Any

    def apply(self, x: Any) -> Any:
        """Both."""
        return max_and_argmax(x, self.axis)


@dataclass(frozen=True)
class Argmax(OpClass):
    """Where the largest elements over axes are."""

    own: ClassVar[Kinds] = (extrema.Argmax, extrema.Argmin)
    axis: Any

    def apply(self, x: Any) -> Any:
        """The positions."""
        return argmax(x, self.axis)


@dataclass(frozen=True)
class Nonzero(OpClass):
    """The positions of what is not zero, a vector for each axis."""

    def apply(self, x: Any) -> Any:
        """The vectors."""
        return list(nonzero(x))


@dataclass(frozen=True)
class Tri(OpClass):
    """Ones on and below a diagonal."""

    dtype: str | None = None

    def apply(self, n: Any, m: Any, k: Any) -> Any:
        """The matrix."""
        return tri(n, m, k, self.dtype)


@dataclass(frozen=True)
class Eye(OpClass):
    """Ones on a diagonal."""

    own: ClassVar[Kinds] = (create.Eye,)
    dtype: str | None = None

    def apply(self, n: Any, m: Any, k: Any) -> Any:
        """The matrix."""
        return eye(n, m, k, self.dtype)


@dataclass(frozen=True)
class ARange(OpClass):
    """Numbers at equal distances."""

    own: ClassVar[Kinds] = (create.ARange,)
    dtype: str

    def apply(self, start: Any, stop: Any, step: Any) -> Any:
        """The vector."""
        return create.arange(start, stop, step, check_dtype(self.dtype))


@dataclass(frozen=True)
class Join(OpClass):
    """Tensors one after the other along an axis; `view` is taken and means nothing."""

    own: ClassVar[Kinds] = (JoinOp,)
    view: int = -1

    def apply(self, axis: Any, *tensors: Any) -> Any:
        """The tensor."""
        return join(axis, *tensors)


@dataclass(frozen=True)
class Split(OpClass):
    """Parts along an axis; their number is known."""

    len_splits: int

    def apply(self, x: Any, axis: Any, splits: Any) -> Any:
        """The parts."""
        found = split(x, splits, self.len_splits, _number(axis))
        return found[0] if self.len_splits == 1 else found


@dataclass(frozen=True)
class Flatten(OpClass):
    """The first axes as they are, all others as one."""

    outdim: int = 1

    def apply(self, x: Any) -> Any:
        """The tensor."""
        return flatten(x, self.outdim)


@dataclass(frozen=True)
class Tile(OpClass):
    """Copies side by side along each axis."""

    ndim: int

    def apply(self, x: Any, reps: Any) -> Any:
        """The tensor."""
        return tile(x, reps, self.ndim)


@dataclass(frozen=True)
class PermuteRowElements(OpClass):
    """Rows whose elements are put in the order of a permutation, or of its inverse."""

    def apply(self, x: Any, y: Any, inverse: Any = 0) -> Any:
        """The tensor."""
        backwards = static_value(as_tensor_variable(inverse))
        return permute_row_elements(x, y, bool(backwards))


@dataclass(frozen=True)
class ExtractDiag(OpClass):
    """A diagonal of the matrices in two axes."""

    offset: int = 0
    axis1: int = 0
    axis2: int = 1
    view: bool = False

    def apply(self, x: Any) -> Any:
        """The diagonals along the last axis."""
        x = as_tensor_variable(x)
        if x.type.ndim < 2:
            raise ValueError("a diagonal needs two axes")
        return diagonal(x, self.offset, self.axis1, self.axis2)


@dataclass(frozen=True)
class AllocDiag(OpClass):
    """Matrices in two axes, zero but for a diagonal, which is the last axis of the operand."""

    offset: int = 0
    axis1: int = 0
    axis2: int = 1

    def apply(self, x: Any) -> Any:
        """The tensor, of one axis more."""
        x = as_tensor_variable(x)
        count = x.shape[x.type.ndim - 1]
        size = count + abs(self.offset)
        rows = create.arange(count) + max(0, -self.offset)
        columns = create.arange(count) + max(0, self.offset)
        lead = (slice(None),) * (x.type.ndim - 1)
        whole = zeros([*(x.shape[a] for a in range(x.type.ndim - 1)), size, size], x.type.dtype)
        made = inc_subtensor(whole[(*lead, rows, columns)], x)
        ndim = x.type.ndim + 1
        first, second = self.axis1 % ndim, self.axis2 % ndim
        rest = iter(range(ndim - 2))
        places = {first: ndim - 2, second: ndim - 1}
        return made.dimshuffle(*(places[a] if a in places else next(rest) for a in range(ndim)))


@dataclass(frozen=True)
class Choose(OpClass):
    """Each element from the choice whose number stands there."""

    mode: str = "raise"

    def apply(self, index: Any, choices: Any) -> Any:
        """The tensor."""
        return choose(index, choices, self.mode)


# --- extra_ops -------------------------------------------------------------------------------


@dataclass(frozen=True)
class CpuContiguous(OpClass):
    """The operand, in row-major order, as all results are."""

    def apply(self, x: Any) -> Any:
        """The operand."""
        return as_tensor_variable(x).copy()


@dataclass(frozen=True)
class SearchsortedOp(OpClass):
    """Where values would be put into a sorted vector."""

    side: str = "left"

    def __post_init__(self) -> None:
        if self.side not in ("left", "right"):
            raise ValueError(f"side is 'left' or 'right', not {self.side!r}")

    def apply(self, x: Any, v: Any, sorter: Any = None) -> Any:
        """The positions."""
        return searchsorted(x, v, self.side, sorter)


@dataclass(frozen=True)
class CumOp(OpClass):
    """Sums ("add") or products ("mul") of what stands up to each element."""

    own: ClassVar[Kinds] = (cumulative.CumSum, cumulative.CumProd)
    axis: int | None = None
    mode: str = "add"

    def __post_init__(self) -> None:
        if self.mode not in ("add", "mul"):
            raise ValueError(f"{self.mode!r} is no mode of CumOp; say 'add' or 'mul'")

    def apply(self, x: Any) -> Any:
        """The tensor; without an axis, of the flattened operand."""
        return (cumsum if self.mode == "add" else cumprod)(x, self.axis)


def CumsumOp(axis: int | None = None) -> CumOp:
    """Sums of what stands up to each element."""
    return CumOp(axis)


def CumprodOp(axis: int | None = None) -> CumOp:
    """Products of what stands up to each element."""
    return CumOp(axis, "mul")


@dataclass(frozen=True)
class DiffOp(OpClass):
    """Differences of neighbours along an axis, n times."""

    n: int = 1
    axis: int = -1

    def apply(self, x: Any) -> Any:
        """The tensor."""
        return diff(x, self.n, self.axis)


@dataclass(frozen=True)
class RepeatOp(OpClass):
    """Elements along an axis again and again."""

    axis: int | None = None

    def apply(self, x: Any, repeats: Any) -> Any:
        """The tensor; counts are integers that int64 can hold."""
        counts = as_tensor_variable(repeats)
        if counts.type.dtype not in ("bool", *(f"int{n}" for n in (8, 16, 32, 64))) and (
            counts.type.dtype not in ("uint8", "uint16", "uint32")
        ):
            raise TypeError(f"counts are integers that int64 can hold, not {counts.type.dtype}")
        return repeat(x, counts, self.axis)


@dataclass(frozen=True)
class Bartlett(OpClass):
    """A triangular window."""

    def apply(self, M: Any) -> Any:
        """The vector."""
        return bartlett(M)


@dataclass(frozen=True)
class FillDiagonal(OpClass):
    """A copy with a number on the diagonal."""

    def apply(self, a: Any, val: Any) -> Any:
        """The tensor."""
        return fill_diagonal(a, val)


@dataclass(frozen=True)
class FillDiagonalOffset(OpClass):
    """A copy with a number on another diagonal."""

    def apply(self, a: Any, val: Any, offset: Any) -> Any:
        """The matrix."""
        return fill_diagonal_offset(a, val, offset)


@dataclass(frozen=True)
class Unique(OpClass):
    """The elements, or slices along an axis, that differ, in order."""

    return_index: bool = False
    return_inverse: bool = False
    return_counts: bool = False
    axis: int | None = None

    def apply(self, x: Any) -> Any:
        """One variable, or a list of all that was asked for."""
        x = as_tensor_variable(x)
        if self.axis is not None and not -x.type.ndim <= self.axis < x.type.ndim:
            raise RuntimeError(f"axis {self.axis} of a tensor of {x.type.ndim} axes")
        wanted = (self.return_index, self.return_inverse, self.return_counts)
        found = unique(x, *wanted, axis=self.axis)
        return list(found) if any(wanted) else found


@dataclass(frozen=True)
class UnravelIndex(OpClass):
    """An index for each axis, from positions in the flattened tensor."""

    ndim: int
    order: str = "C"

    def apply(self, indices: Any, dims: Any) -> Any:
        """The indices, one variable if there is one axis."""
        found = list(unravel_index(indices, dims, self.order))
        return found[0] if len(found) == 1 else found


@dataclass(frozen=True)
class RavelMultiIndex(OpClass):
    """Positions in the flattened tensor, from an index for each axis."""

    mode: Any = "raise"
    order: str = "C"

    def apply(self, *inputs: Any) -> Any:
        """The positions; the last input is the shape."""
        *indices, dims = inputs
        return ravel_multi_index(indices, dims, self.mode, self.order)


# --- sort ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SortOp(OpClass):
    """Elements in order along an axis."""

    own: ClassVar[Kinds] = (sort.Sort,)
    kind: str = "quicksort"
    order: Any = None

    def apply(self, x: Any, axis: Any = -1) -> Any:
        """The tensor."""
        return sorted_along(x, _number(axis), self.kind, self.order)


@dataclass(frozen=True)
class ArgSortOp(OpClass):
    """The positions that put elements in order along an axis."""

    own: ClassVar[Kinds] = (sort.ArgSort, sort.ArgSortRows)
    kind: str = "quicksort"
    order: Any = None

    def apply(self, x: Any, axis: Any = -1) -> Any:
        """The positions."""
        return argsort(x, _number(axis), self.kind, self.order)


@dataclass(frozen=True)
class TopKOp(OpClass):
    """The k largest elements along an axis, or the smallest for a negative k."""

    own: ClassVar[Kinds] = (sort.ArgTopK,)
    axis: int = -1
    sorted: bool = True
    idx_dtype: str = "int64"
    return_values: bool = True
    return_indices: bool = True

    def apply(self, x: Any, kth: Any) -> Any:
        """Values and positions, or what of them was asked for."""
        if self.return_values and self.return_indices:
            return topk_and_argtopk(x, kth, self.axis, self.sorted, self.idx_dtype)
        if self.return_values:
            return topk(x, kth, self.axis, self.sorted)
        return argtopk(x, kth, self.axis, self.sorted, self.idx_dtype)
