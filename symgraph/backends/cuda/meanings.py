"""What the scalar operations of generated CUDA code mean, in NumPy.

The driver computes with these, and so do kernels under the simulator. Casts are C's: they wrap.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
from scipy import special

Cast = Callable[[Any], Any]


def _cast(dtype: str) -> Cast:
    kind = np.dtype(dtype)
    # A float outside a narrow integer is first a wide one, as in C.
    wide = kind.kind in "iu" and kind.itemsize < 8

    def cast(x: Any) -> Any:
        value = np.asarray(x)
        if wide and value.dtype.kind == "f":
            value = value.astype(np.int64)
        return value.astype(kind)[()]

    return cast


boolean = _cast("bool")
int8, int16, int32, int64 = map(_cast, ("int8", "int16", "int32", "int64"))
uint8, uint16, uint32, uint64 = map(_cast, ("uint8", "uint16", "uint32", "uint64"))
float16, float32, float64 = map(_cast, ("float16", "float32", "float64"))
complex64, complex128 = map(_cast, ("complex64", "complex128"))

sqrt, floor, ceil, trunc, rint, absolute = np.sqrt, np.floor, np.ceil, np.trunc, np.rint, np.abs
copysign, add_any_order, mul_any_order = np.copysign, np.add, np.multiply
max_nan, min_nan, floordiv, mod = np.maximum, np.minimum, np.floor_divide, np.mod
BITS = {"float32": np.int32, "float64": np.int64, "int32": np.float32, "int64": np.float64}
BITS |= {"uint32": np.float32, "uint64": np.float64}
SPLIT = 134217729.0  # 2**27 + 1: halves the digits of a float64


def select(condition: Any, yes: Any, no: Any) -> Any:
    """One of two values."""
    return yes if condition else no


def bits(x: Any) -> Any:
    """The bits of a float as a signed integer of its width."""
    return np.asarray(x).view(BITS[np.asarray(x).dtype.name])[()]


from_bits = bits


def fma(a: Any, b: Any, c: Any) -> Any:
    """a*b + c, rounded once; a float64 to within an error of its square."""
    if np.asarray(a).dtype == np.float32:
        return np.float32(np.float64(a) * np.float64(b) + np.float64(c))
    product = a * b
    if not np.isfinite(product) or not abs(a) + abs(b) < 1e290:
        return product + c
    rest = _rest_of_product(a, b, product)
    total = product + c
    back = total - product
    return total + ((product - (total - back)) + (c - back) + rest)


def _rest_of_product(a: Any, b: Any, product: Any) -> Any:
    """What a*b is beyond its rounded value (T. J. Dekker, 1971)."""
    a_high, b_high = (x * SPLIT - (x * SPLIT - x) for x in (a, b))
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def power(base: Any, exponent: Any) -> Any:
    """The wrapped product of integers; a negative exponent gives the quotient towards 0."""
    kind = np.asarray(base).dtype
    if exponent < 0:
        small = int(base) in (1, -1)
        return kind.type(0 if not small else base if int(exponent) & 1 else 1)
    return np.uint64(pow(int(base), int(exponent), 1 << 64)).astype(kind)


def external(op: str) -> Any:
    """An operation of `kernel.EXTERNAL`: SciPy's."""
    return getattr(special, op)


__all__ = [
    "absolute", "add_any_order", "bits", "boolean", "ceil", "complex64", "complex128",
    "copysign", "external", "float16", "float32", "float64", "floor", "floordiv", "fma",
    "from_bits", "inf", "int8", "int16", "int32", "int64", "max_nan", "min_nan", "mod",
    "mul_any_order", "nan", "np", "power", "rint", "select", "sqrt", "trunc", "uint8", "uint16",
    "uint32", "uint64",
]  # fmt: skip
