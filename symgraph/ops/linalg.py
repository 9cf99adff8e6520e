"""Products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import AxisError, GraphTypeError, ShapeError
from symgraph.families import Example, Library, Product, Sample, is_one, size_conflict
from symgraph.graph import Apply
from symgraph.ops.arith import mul
from symgraph.ops.cast import cast, conjugate
from symgraph.ops.reduce import count_over
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import flatten, reshape
from symgraph.ops.shape import (
    dimshuffle,
    expand_dims,
    shape_i,
    shape_padleft,
    shape_padright,
    squeeze,
    swapaxes,
    transpose,
)
from symgraph.ops.specify import match_sizes
from symgraph.types import (
    CONTINUOUS,
    Arg,
    Dims,
    Tensor,
    Tensors,
    TensorType,
    as_operands,
    as_tensor_variable,
    promote,
    unify,
)

__all__ = [
    "batched_dot",
    "batched_tensordot",
    "dot",
    "matmul",
    "outer",
    "tensordot",
]


@dataclass(frozen=True, repr=False)
class Dot(Product):
    """Product of vectors or matrices of one dtype; a matrix is transposed first if flagged."""

    trans_a: bool = False
    trans_b: bool = False

    def prepare(self, *inputs: Any) -> Tensors:
        """Two operands of one or two axes and one dtype."""
        a, b = as_operands(inputs)
        common = promote(a.type.dtype, b.type.dtype)
        if any(v.type.ndim not in (1, 2) for v in (a, b)):
            raise GraphTypeError(f"Dot takes vectors and matrices, not {a.type} and {b.type}")
        return [cast(a, common), cast(b, common)]

    def out_shape(self, *args: Arg) -> Dims:
        """Rows of the first, columns of the second; the inner sizes agree."""
        a, b = args
        left = a.shape[::-1] if self.trans_a else a.shape
        right = b.shape[::-1] if self.trans_b else b.shape
        unify((left[-1], right[0]), f"{self}: the inner sizes")
        return (*left[:-1], *right[1:])

    def reference(self, a: Any, b: Any) -> Any:
        """NumPy's dot."""
        return np.dot(a.T if self.trans_a else a, b.T if self.trans_b else b)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """g b' and a' g of conjugates, outer products where an operand is a vector."""
        (a, b), (g,) = map(conjugate, inputs), output_grads
        left = transpose(a) if self.trans_a else a
        right = transpose(b) if self.trans_b else b
        to_left, to_right = _cotangents(left, right, g)
        return [
            transpose(to_left) if self.trans_a else to_left,
            transpose(to_right) if self.trans_b else to_right,
        ]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """All ranks and transposes, nothing to sum, integers."""
        yield Example(cls(), (Sample((3, 4)), Sample((4, 2))))
        yield Example(cls(), (Sample((4,)), Sample((4, 2))))
        yield Example(cls(), (Sample((3, 4)), Sample((4,))))
        yield Example(cls(), (Sample((4,)), Sample((4,))))
        yield Example(cls(True, False), (Sample((4, 3)), Sample((4, 2))))
        yield Example(cls(False, True), (Sample((3, 4)), Sample((2, 4))))
        yield Example(cls(True, True), (Sample((4, 3)), Sample((2, 4))))
        yield Example(cls(), (Sample((3, 0)), Sample((0, 2))))
        yield Example(cls(), (Sample((2, 3), "int", "int64"), Sample((3, 2), "int", "int64")))


def _cotangents(a: Tensor, b: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    ranks = (a.type.ndim, b.type.ndim)
    if ranks == (1, 1):
        return mul(g, b), mul(g, a)
    if ranks == (1, 2):
        return dot(b, g), outer(a, g)
    if ranks == (2, 1):
        return outer(g, b), dot(transpose(a), g)
    return dot(g, transpose(b)), dot(transpose(a), g)


@dataclass(frozen=True, repr=False)
class Gemm(Product):
    """beta * C + alpha * op(A) @ op(B) of matrices: inputs C, A, B, alpha, beta.

    Made by rewrites: C's memory is reused if nothing else needs it.
    """

    trans_a: bool = False
    trans_b: bool = False

    def out_shape(self, *args: Arg) -> Dims:
        """The shape of C."""
        c, a, b = args[:3]
        left = a.shape[::-1] if self.trans_a else a.shape
        right = b.shape[::-1] if self.trans_b else b.shape
        unify((left[1], right[0]), f"{self}: the inner sizes")
        return (
            unify((c.shape[0], left[0]), f"{self}: rows"),
            unify((c.shape[1], right[1]), f"{self}: columns"),
        )

    def reference(self, c: Any, a: Any, b: Any, alpha: Any, beta: Any) -> Any:
        """The same, by NumPy."""
        product = np.dot(a.T if self.trans_a else a, b.T if self.trans_b else b)
        return beta * c + alpha * product

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """As of the expression it stands for."""
        (c, a, b, alpha, beta), (g,) = inputs, output_grads
        product = Dot(self.trans_a, self.trans_b)
        to_a, to_b = product.L_op([a, b], [], [mul(conjugate(alpha), g)])
        to_alpha = sum_over(mul(g, conjugate(product(a, b))))
        to_beta = sum_over(mul(g, conjugate(c)))
        return [mul(conjugate(beta), g), to_a, to_b, to_alpha, to_beta]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """All transposes."""
        scalars = (Sample(()), Sample(()))
        yield Example(cls(), (Sample((3, 2)), Sample((3, 4)), Sample((4, 2)), *scalars))
        yield Example(cls(True, True), (Sample((3, 2)), Sample((4, 3)), Sample((2, 4)), *scalars))


def leading_axes(a: Dims, b: Dims, where: str) -> Dims:
    """All axes but the last two of two shapes of one rank, known ones broadcast."""
    joined = []
    for axis, pair in enumerate(zip(a[:-2], b[:-2], strict=True)):
        wide = [size for size in pair if not is_one(size)]
        joined.append(unify(wide, f"{where}: axis {axis}") if wide else 1)
    return tuple(joined)


def check_leading_axes(node: Apply, inputs: Sequence[Any], which: tuple[int, int] = (0, 1)) -> None:
    """Refuse leading sizes of two operands that differ, unless 1 was declared."""
    chosen = [(inputs[k], node.inputs[k].type) for k in which]
    for axis in range(chosen[0][0].ndim - 2):
        sizes = {x.shape[axis] for x, kind in chosen
                 if isinstance(kind, TensorType) and kind.shape[axis] != 1}  # fmt: skip
        if len(sizes) > 1:
            raise ShapeError(size_conflict(node, axis, sorted(sizes)))


@dataclass(frozen=True, repr=False)
class BatchedDot(Library):
    """Products of floating matrices over the last two axes, for every index of the leading ones.

    Both operands have as many axes, three or more; leading axes known to be 1 broadcast. The
    matrices of a flagged operand are transposed first.
    """

    trans_a: bool = False
    trans_b: bool = False
    routine: ClassVar[str] = "symgraph.backends.routines.batched:batched_dot"
    failure = (ShapeError, "more rows or columns than BLAS counts (2**31)")

    def settings(self) -> tuple[int, ...]:
        """The flags."""
        return (int(self.trans_a), int(self.trans_b))

    def prepare(self, *inputs: Any) -> Tensors:
        """Two operands of one rank and one floating dtype."""
        a, b = as_operands(inputs)
        common = promote(a.type.dtype, b.type.dtype)
        if a.type.ndim != b.type.ndim or a.type.ndim < 3 or common not in CONTINUOUS:
            raise GraphTypeError(
                f"BatchedDot takes floating tensors of one rank, not {a.type} and {b.type}"
            )
        return [cast(a, common), cast(b, common)]

    def out_shape(self, *args: Arg) -> Dims:
        """Leading axes broadcast; rows of the first, columns of the second."""
        a, b = (arg.shape for arg in args)
        rows, inner = a[-2:][::-1] if self.trans_a else a[-2:]
        again, columns = b[-2:][::-1] if self.trans_b else b[-2:]
        unify((inner, again), f"{self}: the inner sizes")
        return (*leading_axes(a, b, str(self)), rows, columns)

    def reference(self, a: Any, b: Any) -> Any:
        """NumPy's matmul."""
        left = a.swapaxes(-1, -2) if self.trans_a else a
        return np.matmul(left, b.swapaxes(-1, -2) if self.trans_b else b)

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The products, run-time broadcasting refused."""
        check_leading_axes(node, inputs)
        return super().evaluate(node, inputs)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """g b' and a' g, of conjugates; `grad` sums them over axes that were repeated."""
        (a, b), (g,) = map(conjugate, inputs), output_grads
        to_a = BatchedDot(False, not self.trans_b)(g, b)
        if self.trans_a:
            to_a = BatchedDot(self.trans_b, True)(b, g)
        to_b = BatchedDot(not self.trans_a, False)(a, g)
        if self.trans_b:
            to_b = BatchedDot(True, self.trans_a)(g, a)
        return [to_a, to_b]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """All transposes, repeated matrices, vectors as matrices, nothing."""
        yield Example(cls(), (Sample((2, 3, 4)), Sample((2, 4, 2))))
        yield Example(cls(True, False), (Sample((2, 4, 3)), Sample((2, 4, 2))))
        yield Example(cls(False, True), (Sample((2, 3, 4)), Sample((2, 2, 4))))
        yield Example(cls(True, True), (Sample((2, 4, 3)), Sample((1, 2, 4))))
        yield Example(cls(), (Sample((2, 1, 3, 4)), Sample((1, 3, 4, 2))))
        yield Example(cls(), (Sample((3, 1, 4)), Sample((3, 4, 1))))
        yield Example(cls(), (Sample((0, 3, 4)), Sample((0, 4, 2))))
        yield Example(cls(), (Sample((2, 3, 0)), Sample((2, 0, 2))))
        yield Example(
            cls(), (Sample((2, 3, 4), dtype="float32"), Sample((2, 4, 2), dtype="float32"))
        )


def dot(a: Any, b: Any) -> Tensor:
    """Product as NumPy's `dot`: last axis of the first with the last but one of the second.

    Scalars multiply. The result has the other axes of `a`, then those of `b`, and the promoted
    dtype. Raises `ShapeError` where the sizes that meet differ.

    >>> dot([[1.0, 2.0]], [[3.0], [4.0]]).eval()
    array([[11.]])
    """
    a, b = as_operands([a, b])
    ranks = (a.type.ndim, b.type.ndim)
    if 0 in ranks:
        return mul(a, b)
    if max(ranks) <= 2:
        result: Tensor = Dot()(a, b)
        return result
    return tensordot(a, b, [[ranks[0] - 1], [max(ranks[1] - 2, 0)]])


def outer(x: Any, y: Any) -> Tensor:
    """All products of an element of `x` with one of `y`, both flattened: a matrix.

    >>> outer([1.0, 2.0], [3.0, 4.0]).eval()
    array([[3., 4.],
           [6., 8.]])
    """
    x, y = flatten(as_tensor_variable(x)), flatten(as_tensor_variable(y))
    return mul(dimshuffle(x, 0, "x"), dimshuffle(y, "x", 0))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """Sum of products over pairs of axes: a number of last and first ones, or two lists.

    The result has the other axes of `a`, then those of `b`. Raises `GraphTypeError` for axes
    that do not exist or come in unequal numbers, `ShapeError` where the sizes of a pair differ.

    >>> tensordot([[1.0, 2.0]], [[3.0, 4.0]], axes=[[1], [1]]).eval()
    array([[11.]])
    """
    a, b = as_operands([a, b])
    left, right = summed_axes(axes, a.type.ndim, b.type.ndim)
    if len(left) > 1:
        b = match_sizes(b, a, list(zip(right, left, strict=True)))
    free_a = [k for k in range(a.type.ndim) if k not in left]
    free_b = [k for k in range(b.type.ndim) if k not in right]
    sizes = [*(shape_i(a, k) for k in free_a), *(shape_i(b, k) for k in free_b)]
    inner = count_over(a, left)
    rows = reshape(dimshuffle(a, *free_a, *left), [count_over(a, free_a), inner])
    columns = reshape(dimshuffle(b, *right, *free_b), [inner, count_over(b, free_b)])
    return reshape(dot(rows, columns), sizes)


def summed_axes(axes: Any, ndim_a: int, ndim_b: int) -> tuple[list[int], list[int]]:
    """The pairs of axes that `tensordot` sums over, counted from 0."""
    if isinstance(axes, int | np.integer):
        left, right = list(range(ndim_a - int(axes), ndim_a)), list(range(int(axes)))
    else:
        left, right = ([k] if isinstance(k, int) else list(k) for k in axes)
    if len(left) != len(right):
        raise GraphTypeError(f"tensordot pairs axes; {left} and {right} are not equally many")
    for own, ndim in ((left, ndim_a), (right, ndim_b)):
        if not all(-ndim <= k < ndim for k in own) or len({k % ndim for k in own}) < len(own):
            raise AxisError(f"tensordot: axes {own} of a tensor of {ndim} axes")
    return [k % ndim_a for k in left], [k % ndim_b for k in right]


def matmul(a: Any, b: Any) -> Tensor:
    """The `@` operator: products of matrices over the last two axes, leading axes broadcast.

    A vector on the left is a row, on the right a column, whose axis the result leaves out. Leading
    axes broadcast where their size is known to be 1. Raises `GraphTypeError` for scalars,
    `ShapeError` where sizes differ. The meaning is that of Python's PEP 465 and numpy.matmul.

    >>> matmul([[[1.0, 2.0]], [[3.0, 4.0]]], [[1.0], [1.0]]).eval().tolist()
    [[[3.0]], [[7.0]]]
    """
    a, b = as_operands([a, b])
    ranks = (a.type.ndim, b.type.ndim)
    if 0 in ranks:
        raise GraphTypeError("matmul takes no scalars; multiply with *")
    if max(ranks) <= 2:
        return dot(a, b)
    if ranks[1] <= 2:
        return tensordot(a, b, [[ranks[0] - 1], [0]])
    left = shape_padleft(a, 1) if ranks[0] == 1 else a
    product = products_of_pairs(left, b)
    return squeeze(product, -2) if ranks[0] == 1 else product


def products_of_pairs(a: Tensor, b: Tensor) -> Tensor:
    """Products over the last two axes of tensors of two axes or more, leading axes broadcast."""
    ndim = max(a.type.ndim, b.type.ndim)
    a, b = (shape_padleft(v, ndim - v.type.ndim) if v.type.ndim < ndim else v for v in (a, b))
    if ndim == 2:
        return dot(a, b)
    if promote(a.type.dtype, b.type.dtype) in CONTINUOUS:
        product: Tensor = BatchedDot()(a, b)
        return product
    columns = swapaxes(b, -1, -2)
    return sum_over(mul(expand_dims(a, ndim - 1), expand_dims(columns, ndim - 2)), axis=-1)


def batched_dot(a: Any, b: Any) -> Tensor:
    """For each index of the first axis the product of two matrices or vectors, as Theano's.

    `a` is (n, ..., k), `b` (n, k) or (n, k, ...); the result has the first axis, the other axes of
    `a`, those of `b`. Raises `GraphTypeError` for scalars, `ShapeError` where sizes differ.

    >>> batched_dot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [2.0, 2.0]]).eval()
    array([ 3., 14.])
    """
    a, b = as_operands([a, b])
    if 0 in (a.type.ndim, b.type.ndim):
        raise GraphTypeError("batched_dot runs over the first axis, which a scalar has not got")
    if 1 in (a.type.ndim, b.type.ndim):
        return _scaled_cases(a, b)
    return batched_tensordot(a, b, [[a.type.ndim - 1], [1]])


def _scaled_cases(a: Tensor, b: Tensor) -> Tensor:
    ndim = max(a.type.ndim, b.type.ndim)
    return mul(*(shape_padright(v, ndim - v.type.ndim) for v in (a, b)))


def batched_tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """For each index of the first axis the `tensordot` of two tensors.

    `axes` is a number of last axes of `a` and of axes of `b` behind the first, or two lists of
    axes, which count the first one too. Errors are those of `tensordot`.

    >>> batched_tensordot([[1.0, 2.0]], [[3.0, 4.0]], axes=1).eval()
    array([11.])
    """
    a, b = as_operands([a, b])
    if isinstance(axes, int):
        axes = [range(a.type.ndim - axes, a.type.ndim), range(1, axes + 1)]
    left, right = summed_axes(axes, a.type.ndim, b.type.ndim)
    if 0 in (*left, *right):
        raise GraphTypeError("batched_tensordot: the first axis is that of the batch, not summed")
    if len(left) > 1:
        b = match_sizes(b, a, list(zip(right, left, strict=True)))
    free_a = [k for k in range(1, a.type.ndim) if k not in left]
    free_b = [k for k in range(1, b.type.ndim) if k not in right]
    batch = b if a.type.shape[0] == 1 else a
    sizes = [shape_i(batch, 0)]
    sizes += [*(shape_i(a, k) for k in free_a), *(shape_i(b, k) for k in free_b)]
    return reshape(products_of_pairs(_grouped(a, free_a, left), _columns(b, right, free_b)), sizes)


def _columns(x: Tensor, inner: list[int], free: list[int]) -> Tensor:
    """Matrices (inner, free) for each index of the first axis, transposed if they lie so."""
    if inner + free == sorted(inner + free) or not free:
        return _grouped(x, inner, free)
    return swapaxes(_grouped(x, free, inner), 1, 2)


def _grouped(x: Tensor, rows: list[int], columns: list[int]) -> Tensor:
    """Two groups of axes as one axis each, behind the first axis."""
    moved = dimshuffle(x, 0, *rows, *columns)
    return reshape(moved, [shape_i(x, 0), count_over(x, rows), count_over(x, columns)])
