"""Products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.families import Example, Product, Sample
from symgraph.ops.arith import mul
from symgraph.ops.cast import cast
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.shape import dimshuffle, flatten, reshape, shape_i, transpose
from symgraph.types import (
    Arg,
    Dims,
    Tensor,
    Tensors,
    as_operands,
    as_tensor_variable,
    promote,
    unify,
)

__all__ = [
    "batched_dot",
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
        """g b' and a' g, outer products where an operand is a vector."""
        (a, b), (g,) = inputs, output_grads
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
        to_a, to_b = product.L_op([a, b], [], [mul(alpha, g)])
        return [mul(beta, g), to_a, to_b, sum_over(mul(g, product(a, b))), sum_over(mul(g, c))]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """All transposes."""
        scalars = (Sample(()), Sample(()))
        yield Example(cls(), (Sample((3, 2)), Sample((3, 4)), Sample((4, 2)), *scalars))
        yield Example(cls(True, True), (Sample((3, 2)), Sample((4, 3)), Sample((2, 4)), *scalars))


def dot(a: Any, b: Any) -> Tensor:
    """Product as NumPy's `dot`: last axis of the first with the last but one of the second.

    Scalars multiply; the sizes that meet have to agree.

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
    """All products of an element of `x` with one of `y`, both flattened."""
    x, y = flatten(x), flatten(y)
    return mul(dimshuffle(x, 0, "x"), dimshuffle(y, "x", 0))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """Sum of products over pairs of axes: a number of last and first ones, or two lists.

    >>> tensordot([[1.0, 2.0]], [[3.0, 4.0]], axes=[[1], [1]]).eval()
    array([[11.]])
    """
    a, b = as_operands([a, b])
    left, right = _summed_axes(axes, a.type.ndim, b.type.ndim)
    free_a = [k for k in range(a.type.ndim) if k not in left]
    free_b = [k for k in range(b.type.ndim) if k not in right]
    sizes = [*(shape_i(a, k) for k in free_a), *(shape_i(b, k) for k in free_b)]
    inner = _count(a, left)
    rows = reshape(dimshuffle(a, *free_a, *left), [_count(a, free_a), inner])
    columns = reshape(dimshuffle(b, *right, *free_b), [inner, _count(b, free_b)])
    return reshape(dot(rows, columns), sizes)


def _summed_axes(axes: Any, ndim_a: int, ndim_b: int) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        return list(range(ndim_a - axes, ndim_a)), list(range(axes))
    left, right = ([k] if isinstance(k, int) else list(k) for k in axes)
    if len(left) != len(right):
        raise GraphTypeError(f"tensordot pairs axes; {left} and {right} are not equally many")
    return [k % ndim_a for k in left], [k % ndim_b for k in right]


def _count(x: Tensor, axes: Sequence[int]) -> Tensor:
    total: Tensor = as_tensor_variable(np.int64(1))
    for axis in axes:
        total = mul(total, shape_i(x, axis))
    return total


def matmul(a: Any, b: Any) -> Tensor:
    """The `@` operator: matrices over the last two axes, leading axes paired."""
    a, b = as_operands([a, b])
    ranks = (a.type.ndim, b.type.ndim)
    if 0 in ranks:
        raise GraphTypeError("matmul takes no scalars; multiply with *")
    if ranks[1] <= 2:
        return (
            dot(a, b) if ranks[0] <= 2 or ranks[1] == 1 else tensordot(a, b, [[ranks[0] - 1], [0]])
        )
    return batched_dot(a, b)


def batched_dot(a: Any, b: Any) -> Tensor:
    """For each index of the first axis the product of two matrices (or vectors)."""
    a, b = as_operands([a, b])
    left = dimshuffle(a, *range(a.type.ndim), "x")
    if b.type.ndim == 2:
        right = dimshuffle(b, 0, *["x"] * (a.type.ndim - 2), 1, "x")
        return dimshuffle(
            sum_over(mul(left, right), axis=-2),
            *range(a.type.ndim - 1),
        )
    order = [0, *["x"] * (a.type.ndim - 2), *range(1, b.type.ndim)]
    return sum_over(mul(left, dimshuffle(b, *order)), axis=a.type.ndim - 1)
