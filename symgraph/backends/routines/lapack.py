"""LAPACK in compiled code: SciPy's routines, called through pointers.

    info = potrf(UPPER, n, pointer, n)

Every routine takes what LAPACK's own takes, in its order, without the last `info`, which it
returns: 0, or what LAPACK says went wrong. A flag is the code of a letter, sizes are int64,
arrays pointers; the dtype of the first array chooses among `s`, `d`, `c` and `z`. What complex
routines take besides is given always, and left out for real ones. `trsm` is BLAS's and returns 0.

Matrices are column-major, so a row-major one is its transpose. The routines are described in the
LAPACK Users' Guide (Anderson et al., SIAM, 1999). The addresses come from SciPy's
`cython_lapack` and `cython_blas`.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

INT = ir.IntType(32)
LETTERS = {types.float32: "s", types.float64: "d", types.complex64: "c", types.complex128: "z"}
UPPER, LOWER, LEFT, RIGHT = map(ord, "ULLR")
PLAIN, TRANSPOSED, ADJOINT = map(ord, "NTC")
UNIT, NOT_UNIT = map(ord, "UN")
VECTORS, NO_VECTORS, ALL, SOME = map(ord, "VNAS")

# The kinds of a routine's arguments: Char, Int, Pointer, Scalar; in small letters for all dtypes,
# in capitals for complex ones only.
ARGUMENTS = {
    "trsm": "cccciispipi",  # side uplo trans diag m n alpha a lda b ldb
    "potrf": "cipi",  # uplo n a lda
    "getrf": "iipip",  # m n a lda ipiv
    "gesv": "iipippi",  # n nrhs a lda ipiv b ldb
    "geqrf": "iipippi",  # m n a lda tau work lwork
    "orgqr": "iiipippi",  # m n k a lda tau work lwork
    "syevd": "ccipippiPIpi",  # jobz uplo n a lda w work lwork rwork lrwork iwork liwork
    "gesdd": "ciipippipipiPp",  # jobz m n a lda s u ldu vt ldvt work lwork rwork iwork
    "geev": "ccipippipipip",  # jobvl jobvr n a lda w vl ldvl vr ldvr work lwork rwork; complex
}
COMPLEX_NAMES = {"orgqr": "ungqr", "syevd": "heevd"}
BLAS_ROUTINES = ("trsm",)
REAL = ("s", "d")


def _symbol(routine: str) -> str:
    return f"symgraph_lapack_{routine}"


def _name(kind: str, letter: str) -> str:
    return letter + (kind if letter in REAL else COMPLEX_NAMES.get(kind, kind))


@cache
def register() -> None:
    """Make SciPy's routines known to the linker of compiled code."""
    for kind in ARGUMENTS:
        module = "blas" if kind in BLAS_ROUTINES else "lapack"
        for letter in LETTERS.values():
            name = _name(kind, letter)
            if kind != "geev" or letter not in REAL:
                address = get_cython_function_address(f"scipy.linalg.cython_{module}", name)
                binding.add_symbol(_symbol(name), address)


def _letter(kinds: str, args: tuple[Any, ...]) -> str | None:
    """The letter of the dtype of the first array."""
    first = args[kinds.lower().index("p")]
    return LETTERS.get(getattr(first, "dtype", None))


def _fits(code: str, given: Any) -> bool:
    if code in "ci":
        return isinstance(given, types.Integer)
    return isinstance(given, types.CPointer) if code == "p" else given in LETTERS


def _routine(kind: str) -> Any:
    """The intrinsic of a routine."""
    kinds = ARGUMENTS[kind]

    def call(typingctx: Any, *args: Any) -> Any:
        if len(args) != len(kinds) or not all(map(_fits, kinds.lower(), args)):
            return None
        letter = _letter(kinds, args)
        if letter is None:
            return None

        def build(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
            register()
            context.active_code_library._reload_init.add(register)
            given = cgutils.unpack_tuple(builder, values[0])
            return _emit(builder, kind, letter, given)

        plain = (types.int64 if isinstance(a, types.Integer) else a for a in args)
        return types.int64(types.StarArgTuple(tuple(plain))), build

    call.__name__ = call.__qualname__ = kind
    return intrinsic(call)


def _emit(builder: ir.IRBuilder, kind: str, letter: str, values: list[Any]) -> Any:
    """The call; every argument by its address."""
    places = []
    for code, value in zip(ARGUMENTS[kind], values, strict=True):
        if code.isupper() and letter in REAL:
            continue
        if code in "cCiI":
            value = builder.trunc(value, ir.IntType(8) if code == "c" else INT)
        places.append(value if code in "pP" else cgutils.alloca_once_value(builder, value))
    info = cgutils.alloca_once_value(builder, INT(0))
    if kind not in BLAS_ROUTINES:
        places.append(info)
    signature = ir.FunctionType(ir.VoidType(), [p.type for p in places])
    symbol = _symbol(_name(kind, letter))
    builder.call(cgutils.get_or_insert_function(builder.module, signature, symbol), places)
    return builder.sext(builder.load(info), ir.IntType(64))


trsm, potrf, getrf, gesv = map(_routine, ("trsm", "potrf", "getrf", "gesv"))
geqrf, orgqr = map(_routine, ("geqrf", "orgqr"))
syevd, gesdd, geev = map(_routine, ("syevd", "gesdd", "geev"))
