"""What generated CPU code is made of: `from symgraph.backends.numba.runtime import *`.

Decorators (compiler.py)
    @kernel  def k(lo, hi, share, *args)
        Does rows lo..hi of its outer extent and returns nothing. `lo, hi, share` are int64, other
        arguments scalars and pointers. Unchecked; IEEE arithmetic, no fast-math. Contract: memory
        it writes through one pointer is reached through no other argument (pass a buffer that is
        updated in place once).
    @helper  def f(x, ...) -> scalar       called by kernels and drivers, inlined
    @scalar  def f(x, ...) -> scalar       the same without branches and loops, compiled in a tenth
        of the time (straight_line.py)
    @driver  def call(*arrays)             the entry: native, without the GIL while it runs
    @bridge  def call(words)               a C function that other native code calls by address

Memory (pointers.py)
    data(array) -> CPointer(dtype)         first element; bools are bytes
    address(array) -> int64
    pointer(address: int64, dtype) -> CPointer(dtype)      dtype as in `pointer(base + 64, float32)`
    offset(pointer, count) -> CPointer     `count` elements further on

Threads (launch.py)
    launch(n, work, kernel, *args) -> int64
        Runs `kernel(lo, hi, share, *args)` over all of range(n), cut into contiguous shares that
        several threads take when `work`, an int64, is worth it: scalar operations in all, some
        0.05 ns each when vectorised. Returns the number of shares. Shares are numbered from 0; each
        is run exactly once, those of one launch possibly at the same time. Their number depends on
        n, work and `set_threads` only, and is `max_shares()` at most.

Matrix products (blas.py)
    gemm(m, n, k, alpha, a, lda, trans_a, b, ldb, trans_b, beta, c, ldc) -> int64
        Row-major C = alpha op(A) op(B) + beta C; 1 when a size does not fit 32 bits, else 0. Also
        under the names gemm_f32, gemm_f64, gemm_c64, gemm_c128. May be called in kernels.

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

from symgraph.backends.numba.compiler import bridge, driver, helper, kernel
from symgraph.backends.numba.division import floordiv, mod, power
from symgraph.backends.numba.launch import launch
from symgraph.backends.numba.pointers import address, data, offset, pointer
from symgraph.backends.numba.scalar import (
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
from symgraph.backends.numba.straight_line import scalar
from symgraph.backends.routines.blas import gemm, gemm_c64, gemm_c128, gemm_f32, gemm_f64

__all__ = [
    "absolute",
    "add_any_order",
    "address",
    "bits",
    "boolean",
    "bridge",
    "ceil",
    "complex64",
    "complex128",
    "copysign",
    "data",
    "driver",
    "float32",
    "float64",
    "floor",
    "floordiv",
    "fma",
    "from_bits",
    "gemm",
    "gemm_c64",
    "gemm_c128",
    "gemm_f32",
    "gemm_f64",
    "helper",
    "int8",
    "int16",
    "int32",
    "int64",
    "kernel",
    "launch",
    "max_nan",
    "min_nan",
    "mod",
    "mul_any_order",
    "np",
    "offset",
    "pointer",
    "power",
    "rint",
    "scalar",
    "select",
    "sqrt",
    "trunc",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]
