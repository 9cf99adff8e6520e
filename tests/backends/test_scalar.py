"""Scalar operations give what NumPy gives, in the corners too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from symgraph.backends.numba import runtime as rt

FLOATS = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.5, 7.25, -7.25, 1e30, -1e30, 1e-40, np.inf, -np.inf, np.nan]
)
UNARY = {
    "sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "rint": np.rint,
    "absolute": np.absolute,
}  # fmt: skip
BINARY = {
    "floordiv": np.floor_divide, "mod": np.mod, "max_nan": np.maximum, "min_nan": np.minimum,
    "copysign": np.copysign, "add_any_order": np.add, "mul_any_order": np.multiply,
}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def loop(operation: Any, *columns: Any, result: Any = None) -> Any:
    """Apply a scalar operation to arrays, element by element, in compiled code."""
    source = "def f({0}, out):\n  for i in range(out.size):\n    out[i] = op({1})\n"
    names = [f"x{i}" for i in range(len(columns))]
    space = {"op": operation}
    exec(source.format(", ".join(names), ", ".join(f"{n}[i]" for n in names)), space)
    out = np.empty_like(columns[0], dtype=result)
    njit(error_model="numpy")(space["f"])(*columns, out)
    return out


def pairs(values: Any) -> tuple[Any, Any]:
    left, right = np.meshgrid(values, values)
    return left.ravel(), right.ravel()


def integers(dtype: str) -> Any:
    info = np.iinfo(dtype)
    near = [0, 1, 2, 3, 7, info.max - 1, info.max, info.min, info.min + 1]
    return np.array(near + [-1, -2, -7] * (info.min < 0), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", UNARY)
def test_unary_floats(name: str, dtype: str) -> None:
    x = FLOATS.astype(dtype)
    np.testing.assert_array_equal(loop(getattr(rt, name), x), UNARY[name](x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", BINARY)
def test_binary_floats(name: str, dtype: str) -> None:
    a, b = pairs(FLOATS.astype(dtype))
    found, wanted = loop(getattr(rt, name), a, b), BINARY[name](a, b)
    np.testing.assert_array_equal(found, wanted)
    if name not in ("max_nan", "min_nan"):  # NumPy leaves the sign of a zero open there
        number = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(found)[number], np.signbit(wanted)[number])


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint64"])
@pytest.mark.parametrize("name", [n for n in BINARY if n != "copysign"])
def test_binary_integers(name: str, dtype: str) -> None:
    a, b = pairs(integers(dtype))
    np.testing.assert_array_equal(loop(getattr(rt, name), a, b), BINARY[name](a, b))


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint64"])
def test_integer_power(dtype: str) -> None:
    a, b = pairs(integers(dtype))
    a, b = a[b >= 0], b[b >= 0]
    np.testing.assert_array_equal(loop(rt.power, a, b), np.power(a, b))


def test_integer_power_below_zero_rounds_towards_zero() -> None:
    a = np.array([2, 1, -1, -1, 0])
    b = np.array([-1, -3, -3, -2, -1])
    np.testing.assert_array_equal(loop(rt.power, a, b), [0, 1, -1, 1, 0])


def test_float_power() -> None:
    a, b = pairs(FLOATS)
    np.testing.assert_allclose(loop(rt.power, a, b), np.power(a, b), rtol=1e-14)


def test_fma_rounds_once() -> None:
    x = np.array([1 + 2.0**-30])
    exact = 2.0**-60
    assert loop(rt.fma, x, x, -np.array([1 + 2.0**-29]))[0] == exact
    assert (x * x - (1 + 2.0**-29))[0] != exact


@pytest.mark.parametrize(("kind", "word"), [("float32", "int32"), ("float64", "int64")])
def test_bits(kind: str, word: str) -> None:
    x = FLOATS.astype(kind)
    words = loop(rt.bits, x, result=word)
    np.testing.assert_array_equal(words, x.view(word))
    for unsigned in (words, words.view("u" + word)):
        np.testing.assert_array_equal(loop(rt.from_bits, unsigned, result=kind).view(word), words)


def test_select() -> None:
    yes, no = np.arange(4.0), -np.arange(4.0)
    choose = njit(lambda a, b: rt.select(a > 1, a, b))
    np.testing.assert_array_equal(loop(choose, yes, no), [0, -1, 2, 3])


@pytest.mark.parametrize("operation", [rt.floordiv, rt.max_nan, rt.power, rt.add_any_order])
def test_mixed_dtypes_are_refused(operation: Callable[..., Any]) -> None:
    with pytest.raises(TypingError, match=r"float32.*float64"):
        loop(operation, np.ones(2, "float32"), np.ones(2))
