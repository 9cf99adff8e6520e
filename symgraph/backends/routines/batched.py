"""Batched matrix products: one product for each pair of matrices.

Pairs are shared among the threads of the pool; pairs that are few and large are cut themselves, one
after the other.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from symgraph.backends.numba.compiler import helper, kernel, routine
from symgraph.backends.numba.launch import launch
from symgraph.backends.numba.pointers import data, offset
from symgraph.backends.routines.blas import gemm

MANY = 16  # pairs that keep all threads busy
LARGEST_INT = 2**31 - 1  # complex matrices are multiplied by BLAS


@routine
def batched_dot(out: Any, report: Any, a: Any, b: Any, trans_a: int, trans_b: int) -> None:
    """out = op(a) @ op(b) over the last two axes; leading axes of size 1 are repeated."""
    m, n = out.shape[-2], out.shape[-1]
    k = a.shape[-2] if trans_a else a.shape[-1]
    pairs = 1
    for axis in range(out.ndim - 2):
        pairs *= out.shape[axis]
    report[0] = 1 if max(m, n, k) > LARGEST_INT else 0
    if report[0] == 0:
        work = m * n * k * pairs // 2 if pairs >= MANY else 0
        launch(
            pairs, work, _products, data(out), data(a), data(b), out.shape, a.shape, b.shape,
            k, trans_a != 0, trans_b != 0, out.dtype.type(1), out.dtype.type(0),
        )  # fmt: skip


@kernel
def _products(
    lo: int, hi: int, share: int, out: Any, a: Any, b: Any, shape: Any, shape_a: Any, shape_b: Any,
    k: int, trans_a: bool, trans_b: bool, one: Any, zero: Any,
) -> None:  # fmt: skip
    m, n = shape[len(shape) - 2], shape[len(shape) - 1]
    lda, ldb = m if trans_a else k, k if trans_b else n
    for pair in range(lo, hi):
        x = offset(a, place_of(pair, shape, shape_a) * m * k)
        y = offset(b, place_of(pair, shape, shape_b) * k * n)
        z = offset(out, pair * m * n)
        gemm(m, n, k, one, x, lda, trans_a, y, ldb, trans_b, zero, z, n)


@helper
def place_of(pair: int, shape: Any, own: Any) -> int:
    """Which matrix of an operand belongs to a pair: axes of size 1 stay at 0."""
    rest, place, width = pair, 0, 1
    for axis in range(len(shape) - 3, -1, -1):
        if own[axis] != 1:
            place += rest % shape[axis] * width
            width *= own[axis]
        rest //= shape[axis]
    return place
