"""Dtypes, numbers and names as LLVM writes them."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from symgraph.types import COMPLEX, FLOATS

SIZES = {"bool": "i1"} | {
    f"{sign}int{bits}": f"i{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
REALS = {"float16": "half", "float32": "float", "float64": "double"}  # float16 is only stored
PAIRS = {"complex64": "{ float, float }", "complex128": "{ double, double }"}
TYPES = SIZES | REALS | PAIRS  # in registers; in memory a bool is a byte
PART = {"complex64": "float32", "complex128": "float64"}  # the dtype of a complex number's parts
OVERLOAD = {"float": "f32", "double": "f64"}  # how intrinsics name a type


def in_memory(dtype: str) -> str:
    """The type of an element in memory."""
    return "i8" if dtype == "bool" else TYPES[dtype]


def alignment(dtype: str) -> int:
    """The bytes an element's address is a multiple of."""
    return int(np.dtype(dtype).alignment)


def is_signed(dtype: str) -> bool:
    """Whether a dtype is a signed integer."""
    return dtype.startswith("int")


def constant(value: Any, dtype: str) -> str:
    """A number of a dtype as an operand."""
    if dtype in COMPLEX:
        number, part = complex(value), PART[dtype]
        words = (f"{TYPES[part]} {_real(x, part)}" for x in (number.real, number.imag))
        return f"{{ {', '.join(words)} }}"
    if dtype in FLOATS:
        return _real(float(value), dtype)
    if dtype == "bool":
        return "true" if value else "false"
    bits = 8 * np.dtype(dtype).itemsize
    word = int(value) & ((1 << bits) - 1)
    return str(word - (1 << bits) if word >> (bits - 1) else word)


def _real(value: float, dtype: str) -> str:
    """The bits of a float64: LLVM takes them for both types, if the number has no more digits."""
    with np.errstate(all="ignore"):
        rounded = float(np.dtype(dtype).type(value))
        if dtype == "float16":
            return f"0xH{int(np.float16(value).view(np.uint16)):04X}"
    return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"
