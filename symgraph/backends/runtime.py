"""What generated CPU code is made of: `from symgraph.backends.runtime import *`.

Decorators
    @kernel  def k(lo, hi, share, *args)   nogil, unchecked, IEEE arithmetic (no fast-math).
        `lo, hi, share` are int64; other arguments are scalars and pointers. It does rows lo..hi of
        its outer extent and returns nothing. Contract: memory it writes through one pointer is
        reached through no other argument (pass a buffer that is updated in place once).
    @driver  def call(*arrays)             the entry: native, no GIL while it runs.

Memory (pointers.py)
    data(array) -> CPointer(dtype)         first element; bools are bytes
    address(array) -> int64
    pointer(address: int64, dtype) -> CPointer(dtype)      dtype as in `pointer(base + 64, float32)`

Threads (threads.py)
    launch(kernel, n, work, *args) -> int64
        Runs `kernel(lo, hi, share, *args)` over all of range(n), cut into contiguous shares that
        several threads take when `work` (scalar operations in all) is worth it. Returns the number
        of shares; each was run exactly once, numbered from 0.

Scalars (scalar.py, division.py), operands of one dtype
    sqrt floor ceil trunc rint absolute (x); copysign(size, sign); fma(a, b, c)
    select(condition, yes, no)             both sides are computed
    bits(float) -> int, from_bits(int) -> float            of the same width
    add_any_order(total, x), mul_any_order(product, x)     reductions that may be reordered
    max_nan(a, b), min_nan(a, b)           as numpy.maximum, numpy.minimum
    floordiv(a, b), mod(a, b), power(a, b) as NumPy's

numba types: float32 float64 int8 ... uint64 boolean complex64 complex128, used to cast
(`float32(0.5)` is a constant) and as the dtype of `pointer`.

numba's own rules still hold: integers narrower than 64 bits compute as int64 or uint64, and int64
with uint64 gives float64, so cast results back: `int32(a + b)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import (
    boolean,
    complex64,
    complex128,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)

from symgraph.backends.compiler import driver, kernel
from symgraph.backends.division import floordiv, mod, power
from symgraph.backends.pointers import address, data, pointer
from symgraph.backends.scalar import (
    absolute,
    add_any_order,
    bits,
    ceil,
    copysign,
    floor,
    fma,
    from_bits,
    max_nan,
    min_nan,
    mul_any_order,
    rint,
    select,
    sqrt,
    trunc,
)
from symgraph.backends.threads import launch

DTYPES = "boolean int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64"

__all__ = [
    "absolute", "add_any_order", "address", "bits", "boolean", "ceil", "complex64", "complex128",
    "copysign", "data", "driver", "float32", "float64", "floor", "floordiv", "fma", "from_bits",
    "int8", "int16", "int32", "int64", "kernel", "launch", "max_nan", "min_nan", "mod",
    "mul_any_order", "np", "pointer", "power", "rint", "select", "sqrt", "trunc", "uint8",
    "uint16", "uint32", "uint64",
]
