"""Routines of orthogonal factors: eigenvalues, singular values, QR.

Every routine works on row-major matrices over the last two axes, for each index of the leading
ones. LAPACK is given the memory as it lies, which it takes for the transpose: so the singular
vectors of a matrix come out exchanged and transposed, that is in place, and the eigenvectors of a
Hermitian matrix conjugated. `report` gets the number of a matrix whose iteration did not converge.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.backends.numba.compiler import helper, routine
from symgraph.backends.numba.pointers import data, offset
from symgraph.backends.numba.support import hold
from symgraph.backends.routines.factor import count_cases, transpose
from symgraph.backends.routines.lapack import (
    ALL,
    LOWER,
    NO_VECTORS,
    SOME,
    UPPER,
    VECTORS,
    geev,
    geqrf,
    gesdd,
    orgqr,
    syevd,
)


@routine
def eigh(values: Any, vectors: Any, report: Any, a: Any, lower: int) -> None:
    """Eigenvalues, rising, and eigenvectors (columns) of Hermitian matrices."""
    n = a.shape[-1]
    _hermitian(values, vectors, report, a, UPPER if lower else LOWER, VECTORS)
    x = data(vectors)
    for case in range(count_cases(a)):
        z = offset(x, case * n * n)
        for i in range(n):
            for j in range(i + 1):
                above, below = z[j * n + i], z[i * n + j]
                z[i * n + j], z[j * n + i] = np.conj(above), np.conj(below)


@routine
def eigvalsh(values: Any, report: Any, a: Any, lower: int) -> None:
    """Eigenvalues, rising, of Hermitian matrices."""
    scratch = np.empty(a.shape, a.dtype)
    _hermitian(values, scratch, report, a, UPPER if lower else LOWER, NO_VECTORS)
    hold(scratch)


@routine
def _hermitian(values: Any, vectors: Any, report: Any, a: Any, uplo: int, job: int) -> None:
    n, cases, w, z, x = a.shape[-1], count_cases(a), data(values), data(vectors), data(a)
    report[0] = 0
    for k in range(a.size):
        z[k] = x[k]
    if a.size == 0:
        return
    sizes, real_sizes, whole_sizes = np.zeros(1, a.dtype), np.zeros(1, values.dtype), _ints(1)
    syevd(job, uplo, n, z, n, w, data(sizes), -1, data(real_sizes), -1, data(whole_sizes), -1)
    count, real, whole = int(sizes[0].real), max(int(real_sizes[0]), 1), int(whole_sizes[0])
    work, real_work = np.empty(count, a.dtype), np.empty(real, values.dtype)
    whole_work = _ints(whole)
    for case in range(cases):
        info = syevd(
            job, uplo, n, offset(z, case * n * n), n, offset(w, case * n),
            data(work), count, data(real_work), real, data(whole_work), whole,
        )  # fmt: skip
        if info != 0:
            report[0], report[1] = case + 1, info
    hold(work)
    hold(real_work)
    hold(whole_work)


@helper
def _ints(count: int) -> Any:
    """Zeros of LAPACK's integers."""
    return np.zeros(count, np.int32)


@routine
def svd(u: Any, s: Any, vh: Any, report: Any, a: Any, full: int) -> None:
    """U, singular values, falling, and V' with A = U S V'."""
    job = ALL if full else SOME
    _singular(u, s, vh, report, a, job)


@routine
def singular_values(s: Any, report: Any, a: Any) -> None:
    """Singular values, falling."""
    scratch = np.empty((1, 1), a.dtype)
    _singular(scratch, s, scratch, report, a, NO_VECTORS)
    hold(scratch)


@routine
def _singular(u: Any, s: Any, vh: Any, report: Any, a: Any, job: int) -> None:
    m, n, cases = a.shape[-2], a.shape[-1], count_cases(a)
    least = min(m, n)
    report[0] = 0
    if a.size == 0:
        _fill_identities(u)
        _fill_identities(vh)
        return
    wide_u, wide_v = u.shape[-1], vh.shape[-2]
    step_u, step_v = (0, 0) if job == NO_VECTORS else (m * wide_u, wide_v * n)
    copy, sizes = np.empty(m * n, a.dtype), np.zeros(1, a.dtype)
    whole, real = _ints(8 * least), np.empty(_real_words(m, n), s.dtype)
    x, z, w, left, right = data(a), data(copy), data(s), data(vh), data(u)
    gesdd(job, n, m, z, n, w, left, n, right, wide_u, data(sizes), -1, data(real), data(whole))
    count = int(sizes[0].real)
    work = np.empty(count, a.dtype)
    for case in range(cases):
        for k in range(m * n):
            z[k] = x[case * m * n + k]
        info = gesdd(
            job, n, m, z, n, offset(w, case * least), offset(left, case * step_v), n,
            offset(right, case * step_u), wide_u, data(work), count, data(real), data(whole),
        )  # fmt: skip
        if info != 0:
            report[0], report[1] = case + 1, info
    hold(work)
    hold(copy)
    hold(whole)
    hold(real)


@helper
def _real_words(m: int, n: int) -> int:
    """What gesdd needs for complex matrices."""
    least, most = min(m, n), max(m, n)
    return max(5 * least * least + 7 * least, 2 * most * least + 2 * least * least + least, 1)


@helper
def _fill_identities(x: Any) -> None:
    """Identity matrices: what is left of a factor when the other side is empty."""
    rows, columns, z = x.shape[-2], x.shape[-1], data(x)
    for k in range(x.size):
        z[k] = 0
    for case in range(count_cases(x)):
        for k in range(min(rows, columns)):
            z[(case * rows + k) * columns + k] = 1


@routine
def qr(q: Any, r: Any, a: Any) -> None:
    """Q with orthonormal columns and upper triangular R with A = Q R."""
    m, n, width, cases = a.shape[-2], a.shape[-1], q.shape[-1], count_cases(a)
    if m == 0 or n == 0:
        _fill_identities(q)
        return
    least = min(m, n)
    columns = np.zeros(m * max(n, width), a.dtype)
    tau, sizes = np.empty(least, a.dtype), np.zeros(2, a.dtype)
    geqrf(m, n, data(columns), m, data(tau), data(sizes), -1)
    orgqr(m, width, least, data(columns), m, data(tau), offset(data(sizes), 1), -1)
    count = int(max(sizes[0].real, sizes[1].real))
    work = np.empty(count, a.dtype)
    for case in range(cases):
        transpose(offset(data(a), case * m * n), data(columns), m, n)
        geqrf(m, n, data(columns), m, data(tau), data(work), count)
        z = offset(data(r), case * width * n)
        for i in range(width):
            for j in range(n):
                z[i * n + j] = columns[j * m + i] if i <= j else 0
        orgqr(m, width, least, data(columns), m, data(tau), data(work), count)
        transpose(data(columns), offset(data(q), case * m * width), width, m)
    hold(columns)
    hold(tau)
    hold(work)


@routine
def eig(values: Any, vectors: Any, report: Any, a: Any) -> None:
    """Eigenvalues and eigenvectors (columns) of complex matrices."""
    n, cases, z = a.shape[-1], count_cases(a), data(vectors)
    report[0] = 0
    if a.size == 0:
        return
    columns, found, sizes = np.empty(n * n, a.dtype), np.empty(n * n, a.dtype), np.zeros(1, a.dtype)
    real = np.empty(2 * n, values.real.dtype)
    geev(
        NO_VECTORS, VECTORS, n, data(columns), n, data(values), data(found), n, data(found), n,
        data(sizes), -1, data(real),
    )  # fmt: skip
    count = int(sizes[0].real)
    work = np.empty(count, a.dtype)
    for case in range(cases):
        transpose(offset(data(a), case * n * n), data(columns), n, n)
        info = geev(
            NO_VECTORS, VECTORS, n, data(columns), n, offset(data(values), case * n),
            data(found), n, data(found), n, data(work), count, data(real),
        )  # fmt: skip
        transpose(data(found), offset(z, case * n * n), n, n)
        if info != 0:
            report[0], report[1] = case + 1, info
    hold(columns)
    hold(found)
    hold(work)
    hold(real)
