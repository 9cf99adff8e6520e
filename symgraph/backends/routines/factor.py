"""Routines of triangular factors: Cholesky's, LU, and what is solved with them.

Every routine works on row-major matrices over the last two axes, for each index of the leading
ones. The matrices of a batch are shared among the threads of the pool, unless they are so large
that LAPACK uses threads itself. `report` gets the number of a matrix that could not be used.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.backends.numba.compiler import helper, kernel, routine
from symgraph.backends.numba.launch import launch
from symgraph.backends.numba.pointers import data, offset
from symgraph.backends.numba.support import hold
from symgraph.backends.routines.batched import place_of
from symgraph.backends.routines.lapack import (
    ADJOINT,
    LOWER,
    NOT_UNIT,
    PLAIN,
    RIGHT,
    TRANSPOSED,
    UNIT,
    UPPER,
    getrf,
    potrf,
    trsm,
)

# Steps from which OpenBLAS uses threads: SMP_THRESHOLD_MIN times GEMM_MULTITHREAD_THRESHOLD.
ALONE = 262_144
THREADED = 8  # right sides from which OpenBLAS's trsm uses threads
MODES = (PLAIN, TRANSPOSED, ADJOINT)  # which form of a matrix is meant: itself, its transpose, ...


@helper
def count_cases(x: Any) -> int:
    """How many matrices an array holds."""
    cases = 1
    for axis in range(x.ndim - 2):
        cases *= x.shape[axis]
    return cases


@helper
def shared_work(cases: int, steps: int) -> int:
    """The work of a launch over matrices of which each takes `steps`: 0 if LAPACK has threads."""
    return cases * steps if steps <= ALONE else 0


# --- Cholesky ------------------------------------------------------------------------------------


@routine
def cholesky(out: Any, report: Any, a: Any, silent: int) -> None:
    """The lower factor L with L L' = A of lower triangles; NaN if `silent` and there is none."""
    n, cases = a.shape[-1], count_cases(a)
    report[0] = 0
    work = shared_work(cases, n * n * n)
    launch(cases, work, _cholesky, data(out), data(report), data(a), n, silent != 0)


@kernel
def _cholesky(
    lo: int, hi: int, share: int, out: Any, report: Any, a: Any, n: int, silent: bool
) -> None:
    for case in range(lo, hi):
        x, z = offset(a, case * n * n), offset(out, case * n * n)
        for i in range(n):
            for j in range(i + 1):
                z[i * n + j] = x[i * n + j]
            for j in range(i + 1, n):
                z[i * n + j] = 0
        info = potrf(UPPER, n, z, max(n, 1))
        if info != 0 and silent:
            for k in range(n * n):
                z[k] = nan_of(z[k])
        elif info != 0:
            report[0], report[1] = case + 1, info


@helper
def nan_of(x: Any) -> Any:
    """Not a number, in the dtype of x."""
    zero = x - x
    return zero / zero


# --- triangular matrices -------------------------------------------------------------------------


@routine
def solve_triangular(
    out: Any, report: Any, a: Any, b: Any, lower: int, mode: int, unit: int
) -> None:
    """out = op(A)^-1 B for triangular A; leading axes of size 1 are repeated."""
    n, width, cases = out.shape[-2], out.shape[-1], count_cases(out)
    report[0] = 0
    work = shared_work(cases, n * n * width)
    launch(
        cases, work, _solve_triangular, data(out), data(report), data(a), data(b),
        out.shape, a.shape, b.shape, lower != 0, mode, unit != 0, out.dtype.type(1),
    )  # fmt: skip


@kernel
def _solve_triangular(
    lo: int, hi: int, share: int, out: Any, report: Any, a: Any, b: Any,
    shape: Any, shape_a: Any, shape_b: Any, lower: bool, mode: int, unit: bool, one: Any,
) -> None:  # fmt: skip
    n, width = shape[len(shape) - 2], shape[len(shape) - 1]
    for case in range(lo, hi):
        x = offset(a, place_of(case, shape, shape_a) * n * n)
        y = offset(b, place_of(case, shape, shape_b) * n * width)
        z = offset(out, case * n * width)
        for k in range(n * width):
            z[k] = y[k]
        if not unit and find_zero(x, n) > 0:
            report[0], report[1] = case + 1, find_zero(x, n)
        else:
            solve_with(x, z, n, width, lower, mode, unit, one)


@helper
def find_zero(x: Any, n: int) -> int:
    """The number, from 1, of the first zero on the diagonal; 0 if there is none."""
    for k in range(n):
        if x[k * n + k] == 0:
            return k + 1
    return 0


@helper
def solve_with(
    a: Any, b: Any, n: int, width: int, lower: bool, mode: int, unit: bool, one: Any
) -> None:
    """B = op(A)^-1 B. As BLAS sees it: B' = B' op(A')^-1, and A' is upper where A is lower.

    OpenBLAS gives threads to a trsm of 8 by 8; small ones are solved here, so that calls from
    several threads do not wait for each other.
    """
    if width >= THREADED and n * n * width <= ALONE:
        substitute(a, b, n, width, lower, mode, unit)
        return
    uplo = UPPER if lower else LOWER
    diag = UNIT if unit else NOT_UNIT
    trsm(RIGHT, uplo, MODES[mode], diag, width, n, one, a, max(n, 1), b, max(width, 1))


@helper
def substitute(a: Any, b: Any, n: int, width: int, lower: bool, mode: int, unit: bool) -> None:
    """The same row by row, from the top where op(A) is lower."""
    forward = lower if mode == 0 else not lower
    for step in range(n):
        i = step if forward else n - 1 - step
        first, last = (0, i) if forward else (i + 1, n)
        for j in range(first, last):
            factor = a[i * n + j] if mode == 0 else a[j * n + i]
            if mode == 2:
                factor = np.conj(factor)
            for k in range(width):
                b[i * width + k] -= factor * b[j * width + k]
        if not unit:
            pivot = np.conj(a[i * n + i]) if mode == 2 else a[i * n + i]
            for k in range(width):
                b[i * width + k] /= pivot


# --- LU ------------------------------------------------------------------------------------------


@routine
def lu_factor(out: Any, pivots: Any, a: Any) -> None:
    """L below the diagonal and U on and above it, with row k exchanged for row pivots[k]."""
    m, n, cases = a.shape[-2], a.shape[-1], count_cases(a)
    turned = np.empty(a.size, a.dtype)
    work = shared_work(cases, m * n * min(m, n))
    launch(cases, work, _lu_factor, data(out), data(pivots), data(a), data(turned), m, n)
    hold(turned)


@kernel
def _lu_factor(
    lo: int, hi: int, share: int, out: Any, pivots: Any, a: Any, turned: Any, m: int, n: int
) -> None:
    for case in range(lo, hi):
        x, z = offset(a, case * m * n), offset(out, case * m * n)
        swaps, columns = offset(pivots, case * min(m, n)), offset(turned, case * m * n)
        transpose(x, columns, m, n)
        getrf(m, n, columns, max(m, 1), swaps)
        transpose(columns, z, n, m)
        for k in range(min(m, n)):
            swaps[k] -= 1


@helper
def transpose(x: Any, out: Any, rows: int, columns: int) -> None:
    """A row-major matrix as a column-major one."""
    for i in range(rows):
        for j in range(columns):
            out[j * rows + i] = x[i * columns + j]


@routine
def lu_solve(out: Any, report: Any, lu: Any, pivots: Any, b: Any, mode: int) -> None:
    """out = op(A)^-1 B from the factors of A; leading axes of size 1 are repeated."""
    n, width, cases = out.shape[-2], out.shape[-1], count_cases(out)
    report[0] = 0
    work = shared_work(cases, 2 * n * n * width)
    launch(
        cases, work, _lu_solve, data(out), data(report), data(lu), data(pivots), data(b),
        out.shape, lu.shape, b.shape, mode, out.dtype.type(1),
    )  # fmt: skip


@kernel
def _lu_solve(
    lo: int, hi: int, share: int, out: Any, report: Any, lu: Any, pivots: Any, b: Any,
    shape: Any, shape_lu: Any, shape_b: Any, mode: int, one: Any,
) -> None:  # fmt: skip
    n, width = shape[len(shape) - 2], shape[len(shape) - 1]
    for case in range(lo, hi):
        place = place_of(case, shape, shape_lu)
        x, swaps = offset(lu, place * n * n), offset(pivots, place * n)
        y, z = offset(b, place_of(case, shape, shape_b) * n * width), offset(out, case * n * width)
        for k in range(n * width):
            z[k] = y[k]
        if find_zero(x, n) > 0:
            report[0], report[1] = case + 1, find_zero(x, n)
        elif mode == 0:
            for k in range(n):
                swap_rows(z, k, swaps[k], width)
            solve_with(x, z, n, width, True, mode, True, one)
            solve_with(x, z, n, width, False, mode, False, one)
        else:
            solve_with(x, z, n, width, False, mode, False, one)
            solve_with(x, z, n, width, True, mode, True, one)
            for k in range(n - 1, -1, -1):
                swap_rows(z, k, swaps[k], width)


@helper
def swap_rows(x: Any, i: int, j: int, width: int) -> None:
    """Exchange two rows."""
    if i != j:
        for k in range(width):
            x[i * width + k], x[j * width + k] = x[j * width + k], x[i * width + k]


@routine
def permutation(order: Any, pivots: Any) -> None:
    """The order of rows that exchanges bring about: row k of the result was row order[k]."""
    length, count = order.shape[-1], pivots.shape[-1]
    where, swaps = order.ravel(), pivots.ravel()
    for case in range(where.size // max(length, 1)):
        for k in range(length):
            where[case * length + k] = k
        for k in range(count):
            i, j = case * length + k, case * length + swaps[case * count + k]
            where[i], where[j] = where[j], where[i]


@routine
def determinant(out: Any, lu: Any, pivots: Any) -> None:
    """The product of the diagonal of U, with the sign of the exchanges."""
    n = lu.shape[-1]
    results, x, swaps = out.ravel(), data(lu), pivots.ravel()
    for case in range(results.size):
        total = results.dtype.type(1)
        for k in range(n):
            factor = x[case * n * n + k * n + k]
            total *= factor if swaps[case * n + k] == k else -factor
        results[case] = total


@routine
def sign_and_logarithm(sign: Any, logarithm: Any, lu: Any, pivots: Any) -> None:
    """The sign of a determinant and the logarithm of its size."""
    n = lu.shape[-1]
    signs, sizes, x, swaps = sign.ravel(), logarithm.ravel(), data(lu), pivots.ravel()
    for case in range(sizes.size):
        direction, total = signs.dtype.type(1), sizes.dtype.type(0)
        for k in range(n):
            factor = x[case * n * n + k * n + k]
            size = abs(factor)
            turn = factor / size if size > 0 else factor
            direction *= turn if swaps[case * n + k] == k else -turn
            total += np.log(size)
        signs[case], sizes[case] = direction, total
