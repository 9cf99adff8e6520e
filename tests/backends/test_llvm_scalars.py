"""The LLVM target's scalar operations give what NumPy gives, in the corners too."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from symgraph.backends.llvm.kernels import kernel_text
from symgraph.backends.llvm.machine import Module, link
from symgraph.errors import VerifyError
from symgraph.kernel import (
    HI,
    LO,
    Buffer,
    Call,
    Kernel,
    Let,
    Load,
    Loop,
    Name,
    Store,
    Update,
    call,
    cast,
    lit,
)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
FLOATS = [
    0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.5, 7.25, -7.25, 1e30, -1e30, 1e-40, np.inf, -np.inf, np.nan
]  # fmt: skip
COMPLEX = [0, 1, -1, 1j, 2 - 3j, -0.5 + 0.25j, 3 + 4j, -2 - 0.1j]
WHOLE = ("int8", "uint8", "int32", "uint32", "int64", "uint64")
KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)
Operands = tuple[np.ndarray, ...]


def values(dtype: str) -> np.ndarray:
    """Numbers of a dtype, its corners among them."""
    if dtype == "bool":
        return np.array([False, True])
    if np.dtype(dtype).kind == "f":
        return np.array(FLOATS).astype(dtype)
    if np.dtype(dtype).kind == "c":
        return np.array(COMPLEX, dtype)
    info = np.iinfo(dtype)
    near = [0, 1, 2, 3, 7, info.max - 1, info.max, info.min, info.min + 1]
    return np.array(near + [-1, -2, -7] * (info.min < 0), dtype)


def pairs(dtype: str) -> Operands:
    left, right = np.meshgrid(values(dtype), values(dtype))
    return left.ravel(), right.ravel()


def run(op: str, operands: Operands, dtype: str) -> np.ndarray:
    """An operation on arrays, element by element."""
    buffers = [Buffer(f"x{n}", str(a.dtype)) for n, a in enumerate(operands)]
    loads = tuple(Load(b, Name("i")) for b in buffers)
    out = Buffer("out", dtype)
    store = Store(out, Name("i"), Call(op, loads, dtype))
    kernel = Kernel("k", (*buffers, out), (Loop("i", LO, HI, (store,)),))
    return launched(kernel, operands, np.empty(operands[0].shape, dtype))


def launched(kernel: Kernel, operands: Operands, out: np.ndarray) -> np.ndarray:
    """What a kernel writes to its last argument."""
    written = kernel_text(kernel)
    code = link([Module(written.text)], None, [written.name], {})
    arrays = [*map(np.ascontiguousarray, operands), out]
    block = np.array([a.ctypes.data for a in arrays], np.int64)
    KERNEL(code.address(written.name))(block.ctypes.data, 0, out.size, 0)
    return out


NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "floordiv": np.floor_divide,
    "mod": np.mod, "maximum": np.maximum, "minimum": np.minimum, "copysign": np.copysign,
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "shl": np.left_shift, "shr": np.right_shift, "add_any_order": np.add,
    "mul_any_order": np.multiply, "div": np.divide, "sqrt": np.sqrt, "floor": np.floor,
    "ceil": np.ceil, "trunc": np.trunc, "rint": np.rint, "abs": np.absolute, "neg": np.negative,
    "sign": np.sign, "invert": np.invert, "isnan": np.isnan, "isinf": np.isinf,
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "arcsin": np.arcsin, "arccos": np.arccos,
    "arctan": np.arctan, "arcsinh": np.arcsinh, "arccosh": np.arccosh, "arctanh": np.arctanh,
    "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "expm1": np.expm1, "exp2": np.exp2,
    "conj": np.conj, "angle": np.angle, "real": np.real, "imag": np.imag,
}  # fmt: skip
COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge"]
ARITHMETIC = ["add", "sub", "mul", "floordiv", "mod", "maximum", "minimum"]
BITS = ["and", "or", "xor"]


def cases() -> Iterator[Any]:
    """Operation and dtype of the operands: what has to be NumPy's to the bit."""
    for dtype in ("float32", "float64"):
        rest = ["div", "copysign", "add_any_order", "mul_any_order", "sqrt", "floor", "ceil"]
        more = ["trunc", "rint", "abs", "neg", "sign", "isnan", "isinf"]
        yield from ((op, dtype) for op in [*ARITHMETIC, *COMPARISONS, *rest, *more])
    for dtype in WHOLE:
        rest = ["abs", "sign", "invert", "shl", "shr", "add_any_order"]
        yield from ((op, dtype) for op in [*ARITHMETIC, *COMPARISONS, *BITS, *rest])
    yield from ((op, "bool") for op in ["maximum", "minimum", "add", "mul", *BITS, *COMPARISONS])
    for dtype in ("complex64", "complex128"):
        yield from ((op, dtype) for op in ["add", "sub", "mul", "neg", "eq", "ne", "conj", "real"])


SIGN_OF_ZERO = ("maximum", "minimum", "sign")  # +0 is above -0, and -0 keeps its sign
BINARY = {*ARITHMETIC, *COMPARISONS, *BITS, "shl", "shr", "div", "copysign", "add_any_order",
          "mul_any_order"}  # fmt: skip


@pytest.mark.parametrize(("op", "dtype"), list(cases()))
def test_exact(op: str, dtype: str) -> None:
    operands = pairs(dtype) if op in BINARY else (values(dtype),)
    if op in ("shl", "shr"):
        count = np.array([0, 1, 5, np.dtype(dtype).itemsize * 8, 100], dtype)
        operands = tuple(np.array(a).ravel() for a in np.meshgrid(values(dtype), count))
    expected = NUMPY[op](*operands)
    if op == "floordiv":
        expected = np.where((operands[1] == 0) & (np.dtype(dtype).kind in "iu"), 0, expected)
    found = run(op, operands, str(expected.dtype))
    np.testing.assert_array_equal(found, expected.astype(found.dtype))
    if op not in SIGN_OF_ZERO and np.dtype(dtype).kind == "f" and expected.dtype.kind == "f":
        keeps = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[keeps], np.signbit(expected)[keeps])


CLOSE = ["div", "abs", "sign", "angle", "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh",
         "tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "log2", "log10",
         "log1p", "expm1", "exp2"]  # fmt: skip


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("op", CLOSE)
def test_complex(op: str, dtype: str) -> None:
    operands = pairs(dtype) if op == "div" else (values(dtype),)
    expected = NUMPY[op](*operands)
    found = run(op, operands, str(expected.dtype))
    plain = np.isfinite(expected)
    tolerance = 1e-5 if dtype == "complex64" else 1e-13
    np.testing.assert_allclose(found[plain], expected[plain], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("old", ["bool", *WHOLE, "float32", "float64", "complex64", "complex128"])
def test_casts(old: str) -> None:
    x = values(old)
    for new in ("bool", *WHOLE, "float32", "float64", "complex64", "complex128"):
        real = x.real if np.dtype(old).kind == "c" and np.dtype(new).kind != "c" else x
        known = x
        if np.dtype(new).kind in "iu" and np.dtype(old).kind in "fc":
            known = x[np.isfinite(x) & (np.abs(x) < 100) & (real >= 0)]
        expected = known != 0 if new == "bool" else known.astype(new)
        np.testing.assert_array_equal(run("cast", (known,), new), expected, err_msg=new)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_integer_power(dtype: str) -> None:
    base, exponent = pairs(dtype)
    small = (exponent >= 0) & (exponent < 70)
    expected = base[small] ** exponent[small]
    np.testing.assert_array_equal(run("pow", (base[small], exponent[small]), dtype), expected)


def test_integer_power_below_zero_rounds_towards_zero() -> None:
    base, exponent = np.array([2, -1, -1, 1, 0]), np.array([-1, -1, -2, -5, -1])
    np.testing.assert_array_equal(run("pow", (base, exponent), "int64"), [0, -1, 1, 1, 0])


def test_fma_rounds_once() -> None:
    x = np.array([1 + 2.0**-30])
    found = run("fma", (x, x, -np.ones(1) - 2.0**-29), "float64")
    assert found[0] == 2.0**-60


def test_an_operation_without_meaning_is_refused() -> None:
    with pytest.raises(VerifyError, match="no meaning for complex64"):
        run("lt", pairs("complex64"), "bool")
    with pytest.raises(VerifyError, match="no meaning for bool"):
        run("floordiv", pairs("bool"), "bool")


def test_an_accumulator_and_scalar_arguments() -> None:
    """A loop in a loop, an update, arguments of every width."""
    from_, out = Buffer("x", "bool"), Buffer("out", "complex128")
    factor, shift = Name("factor", "complex128"), Name("shift", "float32")
    j, count = Name("j"), Name("count")
    body = (
        # The number of true elements up to each place, times a complex factor, plus a number.
        *_counting(from_, j, count),
        Store(out, Name("i"), cast(count, "complex128") * factor + cast(shift, "complex128")),
    )
    kernel = Kernel("k", (from_, factor, shift, out), (Loop("i", LO, HI, body),))
    written = kernel_text(kernel)
    code = link([Module(written.text)], None, [written.name], {})
    flags, result = np.array([1, 0, 1, 1], bool), np.empty(4, "complex128")
    block = np.zeros(5, np.int64)
    block[0] = flags.ctypes.data
    block[1:3].view("complex128")[:] = 2 - 1j
    block[3:4].view("float32")[0] = 0.5
    block[4] = result.ctypes.data
    KERNEL(code.address(written.name))(block.ctypes.data, 0, 4, 0)
    np.testing.assert_array_equal(result, np.cumsum(flags) * (2 - 1j) + 0.5)


def _counting(flags: Buffer, j: Name, count: Name) -> Iterator[Any]:
    yield Let("count", lit(0))
    seen = cast(Load(flags, j), "int64")
    more = (Update("count", call("add", count, seen)),)
    yield Loop("j", lit(0), call("add", Name("i"), lit(1)), more)


def test_select_and_bits() -> None:
    x = values("float32")
    assert (run("bits", (x,), "int32") == x.view("int32")).all()
    assert (run("from_bits", (x.view("int32"),), "float32").view("int32") == x.view("int32")).all()
    picked = run("select", (x > 0, x, -x), "float32")
    np.testing.assert_array_equal(picked, np.where(x > 0, x, -x))
