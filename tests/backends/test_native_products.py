"""The products of the LLVM target, called by address: every path, tile shape, number of threads."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from symgraph.backends import threads
from symgraph.backends.llvm import conv_block, dots, leaves, library, packing, products, rows, tiles
from symgraph.backends.llvm.machine import WRITTEN, Module, link

WORD, POINTER, FLAG = ctypes.c_int64, ctypes.c_void_p, ctypes.c_bool
REAL = {"float32": ctypes.c_float, "float64": ctypes.c_double}
# Rows, columns, depth: empty, single, few, beyond one tile, one block of rows, one pass.
SIZES = [
    *itertools.product((0, 1, 5, 19), (0, 1, 3, 50), (0, 1, 3, 19)),
    (300, 60, 20), (40, 500, 30), (65, 97, 600), (420, 30, 540), (1, 700, 90), (700, 1, 90),
    (1, 8300, 9), (9, 130, 270),
]  # fmt: skip
SHAPES = {  # lanes of a vector, rows of a tile
    "avx2": {"float32": (8, 4), "float64": (4, 4)},
    "neon": {"float32": (4, 8), "float64": (2, 8)},
    "sse2": {"float32": (4, 4), "float64": (2, 4)},
}


def function(code: Any, dtype: str) -> Callable[..., int]:
    real, name = REAL[dtype], products.product_name(dtype)
    kinds = (WORD, WORD, WORD, real, POINTER, WORD, FLAG, POINTER, WORD, FLAG, real, POINTER, WORD)
    return ctypes.CFUNCTYPE(WORD, *kinds)(code[name])  # type: ignore[no-any-return]


def native(dtype: str) -> Callable[..., int]:
    return function(library.addresses([products.product_name(dtype)], None), dtype)


def stored(random: Any, rows: int, columns: int, turned: bool, dtype: str) -> tuple[Any, Any]:
    """A matrix as it lies in memory, with three unused columns, and as it is meant."""
    shape = (columns, rows) if turned else (rows, columns)
    block = random.normal(size=(shape[0], shape[1] + 3)).astype(dtype)
    inner = block[:, : shape[1]]
    return block, inner.T if turned else inner


def results(multiply: Callable[..., int], dtype: str) -> Iterator[np.ndarray]:
    """The results of all cases, each compared with NumPy in float64."""
    random, bound = np.random.default_rng(0), 1e-5 if dtype == "float32" else 1e-13
    factors = itertools.cycle(((1, 0), (0.5, 1), (2, 0.25)))
    for (m, n, k), *turned in itertools.product(SIZES, (False, True), (False, True)):
        alpha, beta = next(factors)
        (a, left), (b, right) = (
            stored(random, m, k, turned[0], dtype),
            stored(random, k, n, turned[1], dtype),
        )
        c, result = stored(random, m, n, False, dtype)
        unused = c[:, n:].copy()
        wanted = alpha * (left.astype(float) @ right.astype(float)) + beta * result.astype(float)
        if beta == 0:
            result[:] = np.nan
        words = (a.ctypes.data, a.shape[1], turned[0], b.ctypes.data, b.shape[1], turned[1])
        assert multiply(m, n, k, alpha, *words, beta, c.ctypes.data, c.shape[1]) == 0
        np.testing.assert_allclose(result, wanted, rtol=0, atol=bound * (k + 1) ** 0.5)
        np.testing.assert_array_equal(c[:, n:], unused)
        yield result


@pytest.mark.parametrize("dtype", REAL)
def test_products_are_right_and_do_not_depend_on_threads(dtype: str) -> None:
    multiply, found = native(dtype), []
    for count in (1, 2, 3):
        threads.set_threads(count)
        found.append(list(results(multiply, dtype)))
    threads.set_threads(1)
    for first, *others in zip(*found, strict=True):
        for other in others:
            np.testing.assert_array_equal(first, other)


def test_nan_and_infinities_go_where_they_belong() -> None:
    multiply = native("float64")
    a, b, c = np.ones((9, 20)), np.ones((20, 30)), np.empty((9, 30))
    a[3, 7], b[5, 29] = np.nan, np.inf
    words = (a.ctypes.data, 20, False, b.ctypes.data, 30, False, 0.0, c.ctypes.data, 30)
    assert multiply(9, 30, 20, 1.0, *words) == 0
    wanted = np.full((9, 30), 20.0)
    wanted[:, 29], wanted[3] = np.inf, np.nan
    np.testing.assert_array_equal(c, wanted)


@pytest.mark.parametrize("processor", SHAPES)
def test_tiles_of_other_processors(processor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their shapes, in this processor's instructions."""
    for dtype, shape in SHAPES[processor].items():
        for module in (products, packing, tiles, dots, rows, conv_block):
            monkeypatch.setattr(module, "shape_of", lambda _, s=shape: tiles.Shape(*s))
        texts = *leaves.leaves_texts(dtype), products.product_text(dtype)
        modules = [Module(text, WRITTEN) for text in texts]
        name = products.product_name(dtype)
        code = link(modules, None, [name], library.addresses(products.IMPORTS, None))
        assert len(list(results(function(code.addresses, dtype), dtype))) == 4 * len(SIZES)
