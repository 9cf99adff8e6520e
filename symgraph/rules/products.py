"""Matrix products: transposes become flags, factors and addends part of the product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.ops.arith import Add, Mul, Neg, Sub, mul, neg
from symgraph.ops.cast import cast
from symgraph.ops.linalg import BatchedDot, Dot, Gemm, dot, matmul, products_of_pairs
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.shape import DimShuffle, dimshuffle, transpose
from symgraph.rewrite import ROUNDING
from symgraph.rules.equations import Theme
from symgraph.rules.samples import matrix, scalar, vector
from symgraph.rules.terms import is_single, kind, made_by, number, scalar_of
from symgraph.types import CONTINUOUS

TRANSPOSE = (1, 0)

theme = Theme("products")
rounding = theme.marked(ROUNDING)


def flags(node: Apply) -> tuple[bool, bool]:
    """Which operands of a product are transposed."""
    assert isinstance(node.op, Dot)
    return node.op.trans_a, node.op.trans_b


def _transposed(var: Variable) -> Variable | None:
    """What a matrix is the transpose of."""
    node = made_by(var, DimShuffle)
    if node is None or node.op.order != TRANSPOSE:  # type: ignore[attr-defined]
        return None
    return node.inputs[0]


@rounding.rule(
    Dot, examples=lambda: [dot(transpose(matrix()), matrix()), dot(vector(), transpose(matrix()))]
)
def transposed_operand(node: Apply) -> Variable | None:
    """a' b is a product with a flag."""
    found = [_transposed(v) for v in node.inputs]
    if found == [None, None]:
        return None
    turned = [flag ^ (v is not None) for flag, v in zip(flags(node), found, strict=True)]
    operands = [old if v is None else v for old, v in zip(node.inputs, found, strict=True)]
    return Dot(*turned)(*operands)


@rounding.rule(DimShuffle, examples=lambda: [transpose(dot(matrix(), matrix()))], asks_readers=True)
def transposed_product(node: Apply, readers: Callable[[Variable], int]) -> Variable | None:
    """(a b)' = b' a', if nothing else reads the product."""
    product = made_by(node.inputs[0], Dot)
    if product is None or node.op.order != TRANSPOSE or readers(product.outputs[0]) != 1:  # type: ignore[attr-defined]
        return None
    a, b = product.inputs
    trans_a, trans_b = flags(product)
    return Dot(not trans_b, not trans_a)(b, a)


@rounding.rule(
    BatchedDot,
    examples=lambda: [
        matmul(transpose(matrix(None, None, None), (0, 2, 1)), matrix(None, None, None)),
        matmul(matrix(None, None, None), transpose(matrix(None, None, None), (0, 2, 1))),
    ],
)
def transposed_matrices(node: Apply) -> Variable | None:
    """Batches of matrices transposed are batches with a flag."""
    found = [_turned(v) for v in node.inputs]
    if found == [None, None]:
        return None
    op: Any = node.op
    turned = [f ^ (v is not None) for f, v in zip((op.trans_a, op.trans_b), found, strict=True)]
    operands = [old if v is None else v for old, v in zip(node.inputs, found, strict=True)]
    return BatchedDot(*turned)(*operands)


def _turned(var: Variable) -> Variable | None:
    """What a batch of matrices is the transpose of, if that has the batch at the same place."""
    node = made_by(var, DimShuffle)
    last = kind(var).ndim - 1
    if node is None or node.op.order != (*range(last - 1), last, last - 1):  # type: ignore[attr-defined]
        return None
    return node.inputs[0]


@rounding.rule(
    BatchedDot,
    examples=lambda: [products_of_pairs(matrix(None, None, None), matrix(1, None, None))],
)
def same_right_matrix(node: Apply) -> Variable | None:
    """Many matrices times one: their rows are those of a single large matrix."""
    a, b = node.inputs
    op: Any = node.op
    leading = kind(b).ndim - 2
    if op.trans_a or not all(kind(b).broadcastable[:leading]):
        return None
    one = dimshuffle(b, *((leading + 1, leading) if op.trans_b else (leading, leading + 1)))
    return matmul(a, one)


@rounding.rule(Dot, examples=lambda: [dot(vector(), vector())])
def product_of_vectors(node: Apply) -> Variable | None:
    """A product of vectors is a sum, which takes up what computes them."""
    a, b = node.inputs
    if kind(a).ndim != 1 or kind(b).ndim != 1:
        return None
    return sum_over(mul(a, b))


@rounding.rule(Dot, examples=lambda: [dot(matrix(None, 1), matrix(1, None))])
def product_of_column_and_row(node: Apply) -> Variable | None:
    """With one term to sum, a product repeats a column and a row."""
    if any(kind(v).ndim != 2 for v in node.inputs):
        return None
    a, b = (transpose(v) if flag else v for v, flag in zip(node.inputs, flags(node), strict=True))
    if kind(a).shape[1] != 1 or kind(b).shape[0] != 1:
        return None
    return mul(a, b)


def _scaled() -> Sequence[Variable]:
    c, a, b = matrix(3, 4), matrix(3, 5), matrix(5, 4)
    ab = dot(a, b)
    return [c + ab, c - ab, c - 0.5 * ab, 2.0 * c + ab, c - scalar() * ab, ab - c]


@rounding.rule(Add, Sub, examples=_scaled, asks_readers=True)
def product_with_addend(node: Apply, readers: Callable[[Variable], int]) -> Variable | None:
    """beta c + alpha a b is one call, if c is as large as the product and that is read once."""
    out = kind(node.outputs[0])
    if out.ndim != 2 or out.dtype not in CONTINUOUS:
        return None
    for k in (1, 0):
        alpha, var = factored(node.inputs[k])
        beta, c = factored(node.inputs[1 - k])
        product = made_by(var, Dot)
        if product is None or readers(var) != 1 or readers(node.inputs[k]) != 1:
            continue
        if kind(c).ndim != 2 or not _as_large(c, var) or kind(c).dtype != out.dtype:
            continue
        if isinstance(node.op, Sub):
            alpha, beta = (neg(alpha), beta) if k == 1 else (alpha, neg(beta))
        a, b = product.inputs
        return Gemm(*flags(product))(c, a, b, alpha, beta)
    return None


def factored(var: Variable) -> tuple[Variable, Variable]:
    """A matrix as (scalar, rest)."""
    dtype, node = kind(var).dtype, made_by(var, Neg, Mul)
    if node is not None and isinstance(node.op, Neg):
        inner, rest = factored(node.inputs[0])
        return neg(inner), rest
    if node is not None:
        for factor, rest in (node.inputs, node.inputs[::-1]):
            if is_single(factor) and kind(rest).ndim == 2 and kind(rest).dtype == dtype:
                return cast(scalar_of(factor), dtype), rest
    return number(1.0, var), var


def _as_large(c: Variable, product: Variable) -> bool:
    """Whether an addend is not repeated along an axis of the product, nor the product for it."""
    return kind(c).broadcastable == kind(product).broadcastable
