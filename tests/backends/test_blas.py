"""`gemm` against NumPy: every transpose, size, alpha and beta."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from symgraph.backends.numba.runtime import data, driver, gemm

SIZES = (0, 1, 2, 17)


@driver
def multiply(sizes: Any, a: Any, b: Any, c: Any, flags: Any, factors: Any) -> Any:
    m, n, k, lda, ldb, ldc = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]
    left = (factors[0], data(a), lda, flags[0])
    return gemm(m, n, k, *left, data(b), ldb, flags[1], factors[1], data(c), ldc)


def stored(random: Any, rows: int, columns: int, transposed: bool, dtype: str) -> tuple[Any, Any]:
    """A matrix as it lies in memory, with two unused columns, and as it is meant."""
    shape = (columns, rows) if transposed else (rows, columns)
    block = random.normal(size=(shape[0], shape[1] + 2)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        block += 1j * random.normal(size=block.shape).astype(block.real.dtype)
    inner = block[:, : shape[1]]
    return block, inner.T if transposed else inner


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_gemm(dtype: str) -> None:
    random = np.random.default_rng(0)
    tolerance = 1e-4 if dtype in ("float32", "complex64") else 1e-11
    cases = itertools.product(SIZES, SIZES, SIZES, (False, True), (False, True))
    for m, n, k, trans_a, trans_b in cases:
        for alpha, beta in ((1, 0), (0.5, 1), (2, 0.25), (0, 0)):
            a, left = stored(random, m, k, trans_a, dtype)
            b, right = stored(random, k, n, trans_b, dtype)
            c, result = stored(random, m, n, False, dtype)
            unused = c[:, n:].copy()
            if beta == 0:
                result[:] = np.nan
            wanted = alpha * (left @ right) + (beta * result if beta else 0)
            sizes = np.array([m, n, k, a.shape[1], b.shape[1], c.shape[1]])
            flags, factors = np.array([trans_a, trans_b]), np.array([alpha, beta], dtype)
            assert multiply(sizes, a, b, c, flags, factors) == 0
            np.testing.assert_allclose(result, wanted, rtol=tolerance, atol=tolerance)
            np.testing.assert_array_equal(c[:, n:], unused)


def test_complex_sizes_beyond_32_bits_are_refused() -> None:
    c = np.ones((1, 1), complex)
    sizes = np.array([1, 1, 2**31, 2**31, 1, 1])
    flags, factors = np.array([False, False]), np.array([1.0, 0.0], complex)
    assert multiply(sizes, c, c, c, flags, factors) == 1
    assert c[0, 0] == 1
