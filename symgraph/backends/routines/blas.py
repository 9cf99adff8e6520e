"""Matrix products in compiled code: SciPy's BLAS, called through pointers, row-major.

    gemm(m, n, k, alpha, a, lda, trans_a, b, ldb, trans_b, beta, c, ldc) -> int64

The addresses come from `scipy.linalg.cython_blas`, which is there for whatever BLAS SciPy was built
with. Importing it takes 0.2 s, so it waits until a driver that calls `gemm` is compiled, or loaded
from disk: numba's `reload_init` calls `register` before the object code of such a driver is linked.

BLAS is column-major, where a row-major matrix is its own transpose; so C = op(A) op(B) is asked for
as C' = op(B)' op(A)'. The routines are described in the reference BLAS, netlib.org/blas.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic
from threadpoolctl import ThreadpoolController

CHAR, INT, LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)
LARGEST_INT = 2**31 - 1
LETTERS = {types.float32: "s", types.float64: "d", types.complex64: "c", types.complex128: "z"}


def _symbol(routine: str) -> str:
    return f"symgraph_blas_{routine}"


@cache
def register() -> None:
    """Make SciPy's routines known to the linker of compiled code."""
    for routine in [letter + kind for letter in LETTERS.values() for kind in ("gemm", "gemv")]:
        address = get_cython_function_address("scipy.linalg.cython_blas", routine)
        binding.add_symbol(_symbol(routine), address)


def set_blas_threads(count: int) -> None:
    """Let SciPy's BLAS use `count` threads; NumPy's own copy is left alone."""
    register()
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    bundled = [library for library in libraries if "scipy.libs" in library.filepath]
    for library in bundled or libraries:
        library.set_num_threads(count)


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
    may be 0. Returns 0, or 1 with nothing done when a size does not fit BLAS's 32-bit integers.
    A single row or column goes through gemv.
    """
    dtype = getattr(c, "dtype", None)
    if dtype not in LETTERS or not (a == b == c == types.CPointer(dtype)):
        return None
    size, flag = types.int64, types.boolean
    sig = size(size, size, size, dtype, a, size, flag, b, size, flag, dtype, c, size)

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        register()
        context.active_code_library._reload_init.add(register)
        return _Product(builder, LETTERS[dtype], args).emit()

    return sig, build


# Generated code names the dtype, for its readers; the pointers decide.
gemm_f32 = gemm_f64 = gemm_c64 = gemm_c128 = gemm


class _Product:
    """Writes the code of one call of `gemm`."""

    def __init__(self, builder: ir.IRBuilder, letter: str, args: Any) -> None:
        self.builder, self.letter = builder, letter
        self.m, self.n, self.k, self.alpha, self.a, lda, self.trans_a = args[:7]
        self.b, ldb, self.trans_b, self.beta, self.c, ldc = args[7:]
        # BLAS refuses a leading dimension of 0, which the row of an empty matrix may have.
        self.lda, self.ldb, self.ldc = (self._at_least_one(x) for x in (lda, ldb, ldc))

    def emit(self) -> Any:
        builder = self.builder
        sizes = (self.m, self.n, self.k, self.lda, self.ldb, self.ldc)
        checks = [builder.icmp_signed(">", x, LONG(LARGEST_INT)) for x in sizes]
        too_large = self._any(checks)
        with builder.if_then(builder.not_(too_large), likely=True):
            # gemv leaves C as it is when k is 0, gemm multiplies it by beta.
            some = builder.icmp_signed(">", self.k, LONG(0))
            column = builder.and_(some, builder.icmp_signed("==", self.n, LONG(1)))
            row = builder.and_(some, builder.icmp_signed("==", self.m, LONG(1)))
            with builder.if_else(column) as (is_column, otherwise):
                with is_column:
                    self._column()
                with otherwise, builder.if_else(row) as (is_row, is_matrix):
                    with is_row:
                        self._row()
                    with is_matrix:
                        self._matrix()
        return builder.zext(too_large, LONG)

    def _matrix(self) -> None:
        trans_a, trans_b = self._letter(self.trans_a), self._letter(self.trans_b)
        left, right = (self.b, self._int(self.ldb)), (self.a, self._int(self.lda))
        sizes = [self._int(x) for x in (self.n, self.m, self.k)]
        result = (self._place(self.beta), self.c, self._int(self.ldc))
        args = (trans_b, trans_a, *sizes, self._place(self.alpha), *left, *right, *result)
        self._call("gemm", args)

    def _column(self) -> None:
        """Multiply by one column: C = op(A) b."""
        step = self.builder.select(self.trans_b, LONG(1), self.ldb)
        vectors = (self.b, step, self.ldc)
        self._vector(self.builder.not_(self.trans_a), self.m, self.a, self.lda, vectors)

    def _row(self) -> None:
        """Multiply one row: C' = op(B)' a."""
        step = self.builder.select(self.trans_a, self.lda, LONG(1))
        self._vector(self.trans_b, self.n, self.b, self.ldb, (self.a, step, LONG(1)))

    def _vector(self, trans: Any, length: Any, matrix: Any, ld: Any, vectors: Any) -> None:
        """Set y = op(matrix) x: the matrix as BLAS sees it, y of `length`, x of k elements."""
        x, step_x, step_y = vectors
        rows = self.builder.select(trans, self.k, length)
        columns = self.builder.select(trans, length, self.k)
        shape = (self._letter(trans), self._int(rows), self._int(columns))
        factor = (self._place(self.alpha), matrix, self._int(ld), x, self._int(step_x))
        self._call("gemv", (*shape, *factor, self._place(self.beta), self.c, self._int(step_y)))

    def _call(self, routine: str, args: tuple[Any, ...]) -> None:
        kind = ir.FunctionType(ir.VoidType(), [x.type for x in args])
        name = _symbol(self.letter + routine)
        self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), args)

    def _any(self, conditions: list[Any]) -> Any:
        first, *others = conditions
        for condition in others:
            first = self.builder.or_(first, condition)
        return first

    def _at_least_one(self, size: Any) -> Any:
        positive = self.builder.icmp_signed(">", size, LONG(1))
        return self.builder.select(positive, size, LONG(1))

    def _place(self, value: Any) -> Any:
        return cgutils.alloca_once_value(self.builder, value)

    def _int(self, size: Any) -> Any:
        return self._place(self.builder.trunc(size, INT))

    def _letter(self, transposed: Any) -> Any:
        return self._place(self.builder.select(transposed, CHAR(ord("T")), CHAR(ord("N"))))
