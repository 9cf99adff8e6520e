"""Matrix products in code that numba compiles: the functions of the LLVM target, called by address.

    gemm(m, n, k, alpha, a, lda, trans_a, b, ldb, trans_b, beta, c, ldc) -> int64

They are linked when a driver that calls `gemm` is compiled, or loaded from disk: numba's
`reload_init` calls `register` before the object code of such a driver is linked.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from functools import cache, partial
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symgraph.backends.llvm import library
from symgraph.backends.llvm.products import product_name
from symgraph.config import config

DTYPES = (types.float32, types.float64, types.complex64, types.complex128)


@cache
def register(symbol: str) -> None:
    """Make a function known to the linker of compiled code."""
    binding.add_symbol(symbol, library.addresses([symbol], config.folder)[symbol])


@intrinsic
def gemm(
    typingctx: Any,
    m: Any,
    n: Any,
    k: Any,
    alpha: Any,
    a: Any,
    lda: Any,
    trans_a: Any,
    b: Any,
    ldb: Any,
    trans_b: Any,
    beta: Any,
    c: Any,
    ldc: Any,
) -> Any:
    """C = alpha op(A) op(B) + beta C, for row-major A, B, C of float32/64 or complex64/128.

    op(A) is (m, k), op(B) (k, n), C (m, n); op(X) is X' where its `trans` is true. `ld*` are the
    elements from one stored row to the next. With beta == 0 C is only written, NaN or not; sizes
    may be 0. Returns 0, or 1 with nothing done when complex matrices are too large for BLAS.
    """
    dtype = getattr(c, "dtype", None)
    if dtype not in DTYPES or not (a == b == c == types.CPointer(dtype)):
        return None
    size, flag = types.int64, types.boolean
    sig = size(size, size, size, dtype, a, size, flag, b, size, flag, dtype, c, size)

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        symbol = product_name(str(dtype))
        register(symbol)
        context.active_code_library._reload_init.add(partial(register, symbol))
        kind = ir.FunctionType(ir.IntType(64), [x.type for x in args])
        function = cgutils.get_or_insert_function(builder.module, kind, symbol)
        return builder.call(function, args)

    return sig, build


# Generated code names the dtype, for its readers; the pointers decide.
gemm_f32 = gemm_f64 = gemm_c64 = gemm_c128 = gemm
