"""Kernels and drivers: the whole shape of a generated module, memory, vector instructions."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from symgraph.backends.numba.runtime import (
    add_any_order,
    address,
    boolean,
    data,
    driver,
    float32,
    int32,
    kernel,
    launch,
    max_nan,
    offset,
    pointer,
)

X86 = platform.machine() in ("x86_64", "AMD64")
PACKED = re.compile(r"\bv?(?:(?:add|mul|max|fmadd\d+)p[sd]|paddd|pmulld)\b.*%[xyz]mm")


def dense(x: Any, w: Any, b: Any) -> tuple[Any, Any]:
    t = x @ w + b
    out = t / (1 + np.abs(t))
    return out, out.sum(1)


def test_generated_module(example: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    arena = np.empty(8, np.uint8)
    for n0, n1, n2 in ((5, 7, 3), (1, 1, 1), (0, 4, 2), (64, 33, 20)):
        x, w, b = (random.normal(size=s).astype("f") for s in ((n0, n2), (n2, n1), (n1,)))
        status = np.zeros(4, np.int64)
        out, sums, arena = example(status, arena, x, w, b)
        wanted = dense(x, w, b)
        np.testing.assert_allclose(out, wanted[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(sums, wanted[1], rtol=1e-4, atol=1e-4)
        assert status[0] == 0
        assert arena.size >= n0 * n1 * 4


def test_generated_module_reports_wrong_shapes(example: Callable[..., Any]) -> None:
    status = np.zeros(4, np.int64)
    x, w, b = np.ones((2, 3), "f"), np.ones((4, 5), "f"), np.ones(5, "f")
    out, _, _ = example(status, np.empty(8, np.uint8), x, w, b)
    assert list(status[:3]) == [1, 3, 4]
    assert out.shape == (0, 0)


@kernel
def negate(lo: Any, hi: Any, share: Any, x: Any, out: Any) -> None:
    for i in range(lo, hi):
        out[i] = not x[i]


@kernel
def twice(lo: Any, hi: Any, share: Any, x: Any) -> None:
    for i in range(lo, hi):
        x[i] = x[i] * float32(2)


@driver
def memory(flags: Any, block: Any) -> Any:
    launch(flags.size, 0, negate, data(flags), data(flags))
    first = pointer(address(block) + 4, float32)
    launch(2, 0, twice, offset(first, 1))
    return first[0]


def test_pointers() -> None:
    flags = np.array([True, False, True])
    block = np.arange(6, dtype="f")
    assert memory(flags, block.view(np.uint8)) == 1
    np.testing.assert_array_equal(flags, [False, True, False])
    np.testing.assert_array_equal(block, [0, 1, 4, 6, 4, 5])


@driver
def bools(place: Any) -> Any:
    return pointer(address(place), boolean)[1]


def test_pointer_to_bool() -> None:
    assert bools(np.array([0, 1], np.uint8)) is True


@kernel
def many(lo: Any, hi: Any, share: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any,
         h: Any, p: Any, q: Any, r: Any, s: Any) -> None:  # fmt: skip
    for i in range(lo, hi):
        x = a[i] + b[i] * c[i]
        p[i] = x + d[i] + e[i]
        q[i] = x * f[i] + g[i]
        r[i] = x * h[i]
        s[i] = s[i] + x


@kernel
def whole(lo: Any, hi: Any, share: Any, x: Any, out: Any) -> None:
    for i in range(lo, hi):
        out[i] = int32(x[i] * x[i] + x[i])


@kernel
def sums(lo: Any, hi: Any, share: Any, x: Any, out: Any) -> None:
    total = float32(0)
    for i in range(lo, hi):
        total = add_any_order(total, x[i])
    out[share] = total


@kernel
def greatest(lo: Any, hi: Any, share: Any, x: Any, out: Any) -> None:
    best = x[lo]
    for i in range(lo, hi):
        best = max_nan(best, x[i])
    out[share] = best


@driver
def run_many(x: Any, out: Any) -> None:
    n = x.size
    p = data(x)
    o = data(out)
    launch(n, 0, many, p, p, p, p, p, p, p, p, o, offset(o, n), offset(o, 2 * n), offset(o, 3 * n))


@driver
def run_whole(x: Any, out: Any) -> None:
    launch(x.size, 0, whole, data(x), data(out))


@driver
def run_sums(x: Any, out: Any) -> None:
    launch(x.size, 0, sums, data(x), data(out))


@driver
def run_greatest(x: Any, out: Any) -> None:
    launch(x.size, 0, greatest, data(x), data(out))


VECTORISED = {
    "many pointers": (run_many, "float32", 1024, 4),
    "integers": (run_whole, "int32", 256, 1),
    "sum": (run_sums, "float32", 1, 1),
    "maximum": (run_greatest, "float32", 1, 1),
}


@pytest.mark.skipif(not X86, reason="looks for x86 instructions")
@pytest.mark.parametrize("case", VECTORISED)
def test_vector_instructions(case: str) -> None:
    function, dtype, size, least = VECTORISED[case]
    function(np.zeros(256, dtype), np.zeros(size, dtype))
    (code,) = function.inspect_asm().values()
    assert len(PACKED.findall(code)) >= least


def test_reductions_are_right() -> None:
    x = np.random.default_rng(0).normal(size=1000).astype("f")
    out = np.zeros(1, "f")
    run_sums(x, out)
    np.testing.assert_allclose(out[0], x.sum(), rtol=1e-4)
    run_greatest(x, out)
    assert out[0] == x.max()
    x[500] = np.nan
    run_greatest(x, out)
    assert np.isnan(out[0])


def test_launch_outside_a_driver_is_refused() -> None:
    plain = njit(lambda x: launch(x.size, 0, twice, data(x)))
    with pytest.raises(TypingError, match="marked @driver"):
        plain(np.ones(3, "f"))
