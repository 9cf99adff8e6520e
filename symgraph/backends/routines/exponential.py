"""The exponential of matrices, by a Padé approximant of degree 13, scaling and squaring.

N. Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM J. Matrix
Anal. Appl. 26 (2005), algorithm 2.3.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.backends.numba.compiler import helper, routine
from symgraph.backends.numba.pointers import data, offset
from symgraph.backends.numba.support import hold
from symgraph.backends.routines.blas import gemm
from symgraph.backends.routines.factor import count_cases
from symgraph.backends.routines.lapack import gesv

LARGEST = 5.371920351148152  # the 1-norm up to which the approximant is exact in float64
COEFFICIENTS = tuple(
    float(c)
    for c in (
        *(64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800),
        *(129060195264000, 10559470521600, 670442572800, 33522128640),
        *(1323241920, 40840800, 960960, 16380, 182, 1),
    )
)


@routine
def expm(out: Any, a: Any) -> None:
    """The exponential of every matrix."""
    n = a.shape[-1]
    room = np.empty((7, n * n), a.dtype)
    swaps = np.empty(n, np.int32)
    for case in range(count_cases(a)):
        _expm(offset(data(out), case * n * n), offset(data(a), case * n * n), room, swaps, n)
    hold(room)
    hold(swaps)


@routine
def _expm(out: Any, a: Any, room: Any, swaps: Any, n: int) -> None:
    size, one = n * n, room.dtype.type(1)
    x, x2, x4, x6 = (data(room), offset(data(room), size), offset(data(room), 2 * size),
                     offset(data(room), 3 * size))  # fmt: skip
    odd, even, t = (offset(data(room), 4 * size), offset(data(room), 5 * size),
                    offset(data(room), 6 * size))  # fmt: skip
    squarings = _squarings(a, n)
    for k in range(size):
        x[k] = a[k] * 0.5**squarings
    _multiply(x2, x, x, n, one)
    _multiply(x4, x2, x2, n, one)
    _multiply(x6, x4, x2, n, one)
    b = COEFFICIENTS
    for k in range(size):
        t[k] = b[13] * x6[k] + b[11] * x4[k] + b[9] * x2[k]
    _multiply(even, x6, t, n, one)
    for k in range(size):
        even[k] += b[7] * x6[k] + b[5] * x4[k] + b[3] * x2[k]
    for k in range(n):
        even[k * n + k] += b[1]
    _multiply(odd, x, even, n, one)
    for k in range(size):
        t[k] = b[12] * x6[k] + b[10] * x4[k] + b[8] * x2[k]
    _multiply(even, x6, t, n, one)
    for k in range(size):
        even[k] += b[6] * x6[k] + b[4] * x4[k] + b[2] * x2[k]
    for k in range(n):
        even[k * n + k] += b[0]
    for k in range(size):
        out[k], t[k] = even[k] + odd[k], even[k] - odd[k]
    gesv(n, n, t, max(n, 1), data(swaps), out, max(n, 1))  # polynomials of one matrix commute
    for _ in range(squarings):
        for k in range(size):
            t[k] = out[k]
        _multiply(out, t, t, n, one)


@helper
def _squarings(a: Any, n: int) -> int:
    """How often to halve a matrix until its 1-norm is small; 0 if that is not finite."""
    largest = 0.0
    for j in range(n):
        total = 0.0
        for i in range(n):
            total += abs(a[i * n + j])
        largest = max(largest, total)
    if not largest < np.inf:
        return 0
    count = 0
    while largest > LARGEST:
        largest *= 0.5
        count += 1
    return count


@routine
def _multiply(c: Any, a: Any, b: Any, n: int, one: Any) -> None:
    gemm(n, n, n, one, a, n, False, b, n, False, one - one, c, n)
