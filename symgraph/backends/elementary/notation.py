"""Short names for the operations that elementary functions are made of."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from symgraph.backends.elementary.scalar_function import Body
from symgraph.kernel import Expr, as_expr, binary, call, compare, select

WORDS = {"float32": "int32", "float64": "int64"}
FLOATS = {word: dtype for dtype, word in WORDS.items()}


def fma(a: Expr, b: Any, c: Any) -> Expr:
    """a*b + c, rounded once."""
    return call("fma", a, as_expr(b, a.dtype), as_expr(c, a.dtype))


def absolute(x: Expr) -> Expr:
    """|x|."""
    return call("abs", x)


def sqrt(x: Expr) -> Expr:
    """The square root, NaN below zero."""
    return call("sqrt", x)


def rint(x: Expr) -> Expr:
    """The nearest whole number, ties to even."""
    return call("rint", x)


def copysign(size: Expr, sign: Expr) -> Expr:
    """|size| with the sign bit of `sign`."""
    return call("copysign", size, sign)


def equal(a: Expr, b: Any) -> Expr:
    """a == b; false with NaN."""
    return compare("eq", a, b)


def differs(a: Expr, b: Any) -> Expr:
    """a != b; true with NaN."""
    return compare("ne", a, b)


def bits(x: Expr) -> Expr:
    """The bits of a float as an integer of its width."""
    return call("bits", x, dtype=WORDS[x.dtype])


def from_bits(word: Expr) -> Expr:
    """The float that has these bits."""
    return call("from_bits", word, dtype=FLOATS[word.dtype])


def shl(word: Expr, count: int) -> Expr:
    """The bits moved up; those that leave the word are lost."""
    return binary("shl", word, count)


def shr(word: Expr, count: int) -> Expr:
    """The bits moved down, the sign bit repeated."""
    return binary("shr", word, count)


def xor(a: Expr, b: Any) -> Expr:
    """The bits that differ."""
    return binary("xor", a, b)


def bits_of(value: float, dtype: str) -> int:
    """The bits of a number, as a signed integer."""
    float_code, word_code = ("f", "i") if dtype == "float32" else ("d", "q")
    return int(struct.unpack(word_code, struct.pack(float_code, value))[0])


def at_least(x: Expr, low: float) -> Expr:
    """x, or `low` if that is greater; NaN stays NaN. One instruction on x86."""
    return select(x < low, low, x)


def at_most(x: Expr, high: float) -> Expr:
    """x, or `high` if that is less; NaN stays NaN. One instruction on x86."""
    return select(x > high, high, x)


def polynomial(let: Body, x: Expr, coefficients: Sequence[float], name: str = "p") -> Expr:
    """coefficients[0] + coefficients[1]*x + ..., by Horner's scheme."""
    *rest, last = coefficients
    value: Expr = let.number(last)
    for c in reversed(rest):
        value = let(name, fma(value, x, let.number(c)))
    return value
