"""Linear algebra: diagonals of products, logarithms of determinants, products with inverses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgraph.graph import Apply, Variable
from symgraph.ops.arith import mul
from symgraph.ops.cast import cast
from symgraph.ops.compare import lt
from symgraph.ops.create import Eye
from symgraph.ops.diagonals import diagonal
from symgraph.ops.elementary import Log, log
from symgraph.ops.index import take
from symgraph.ops.linalg import Dot, dot
from symgraph.ops.lookup import AdvancedSubtensor
from symgraph.ops.matrices import column, vector_of
from symgraph.ops.pattern import AT, Part
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import switch
from symgraph.ops.shape import transpose
from symgraph.ops.solve import Det, LUSolve, SlogDet, det, inv
from symgraph.ops.triangular import PLAIN, TRANSPOSED
from symgraph.rewrite import NAN_BLIND, ROUNDING
from symgraph.rules.equations import Theme
from symgraph.rules.samples import matrix, vector
from symgraph.rules.terms import kind, made_by
from symgraph.types import COMPLEX

PLACE = (Part(AT), Part(AT))

theme = Theme("matrices")
rounding, nan_blind = theme.marked(ROUNDING), theme.marked(NAN_BLIND)
stable = Theme("determinants")


@stable.marked(ROUNDING).rule(Log, examples=lambda: [log(det(matrix()))])
def log_of_determinant(node: Apply) -> Variable | None:
    """log(det(A)) without the determinant, which overflows long before its logarithm does."""
    found = made_by(node.inputs[0], Det)
    if found is None or kind(node.outputs[0]).dtype in COMPLEX:
        return None
    sign, logarithm = SlogDet()(*found.inputs)
    return switch(lt(sign, 0), cast(np.nan, kind(logarithm).dtype), logarithm)


@rounding.rule(
    AdvancedSubtensor, examples=lambda: [diagonal(dot(matrix(), matrix()))], asks_readers=True
)
def diagonal_of_product(node: Apply, readers: Callable[[Variable], int]) -> Variable | None:
    """The diagonal of a product, and so its trace, without the rest of the product."""
    op: Any = node.op
    product = made_by(node.inputs[0], Dot)
    if product is None or op.parts != PLACE or node.inputs[1] is not node.inputs[2]:
        return None
    if readers(product.outputs[0]) != 1 or any(kind(v).ndim != 2 for v in product.inputs):
        return None
    flags: Any = product.op
    places, (a, b) = node.inputs[1], product.inputs
    rows = take(transpose(a) if flags.trans_a else a, places, 0)
    columns = take(b if flags.trans_b else transpose(b), places, 0)
    return sum_over(mul(rows, columns), axis=1, dtype=kind(node.outputs[0]).dtype)


@nan_blind.rule(
    Dot,
    examples=lambda: [
        dot(inv(matrix(3, 3)), matrix(3, 2)),
        dot(inv(matrix(3, 3)), vector(3)),
        dot(matrix(2, 3), inv(matrix(3, 3))),
        dot(vector(3), inv(matrix(3, 3))),
    ],
    asks_readers=True,
)
def product_with_inverse(node: Apply, readers: Callable[[Variable], int]) -> Variable | None:
    """A^-1 B is what solves A X = B: fewer steps, smaller errors."""
    op: Any = node.op
    a, b = node.inputs
    if (op.trans_a, op.trans_b) != (False, False):
        return None
    if _is_inverse(a) and readers(a) == 1:
        return _solved(a, b, PLAIN)
    if _is_inverse(b) and readers(b) == 1:
        return _solved(b, a, TRANSPOSED)
    return None


def _is_inverse(var: Variable) -> bool:
    node = made_by(var, LUSolve)
    return (
        node is not None
        and node.op.mode == PLAIN  # type: ignore[attr-defined]
        and kind(var).ndim == 2
        and made_by(node.inputs[2], Eye) is not None
    )


def _solved(inverse: Variable, right: Variable, mode: int) -> Variable:
    """What solves A X = B, or X A = B if A is to be taken transposed."""
    assert inverse.owner is not None
    lu, pivots, _, a = inverse.owner.inputs
    is_vector = kind(right).ndim == 1
    turned = right if mode == PLAIN or is_vector else transpose(right)
    x = LUSolve(mode)(lu, pivots, column(turned) if is_vector else turned, a)
    if is_vector:
        return vector_of(x)
    return x if mode == PLAIN else transpose(x)
