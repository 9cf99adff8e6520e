"""What a scalar function is, and how one is defined.

A function is defined once, as a builder of kernel expressions that serves float32 and float64:

    @define
    def sigmoid(let: Body, x: Expr) -> Expr:
        e = let("e", call("exp", -absolute(x)))
        return select(x < 0, e, 1) / (e + 1)

It uses only operations that vectorise, no branches, no tables. `let` names a value that is used
more than once or that deserves a name in the written text. `@define_bits` is the same for functions
of 64-bit words.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.kernel import Expr, Let, Lit, Name, lit

T = TypeVar("T")
Builder = Callable[..., Expr]
SUFFIX = {"float32": "f32", "float64": "f64", "uint64": "u64"}


@dataclass(frozen=True)
class ScalarFunction:
    """A function of numbers of one dtype: parameters, named values in order, result."""

    name: str
    dtype: str
    params: tuple[Name, ...]
    lets: tuple[Let, ...]
    result: Expr


@dataclass(frozen=True)
class Format:
    """The layout of a binary floating-point dtype (IEEE 754)."""

    word: str  # the integer dtype of the same width
    mantissa: int  # stored bits of the fraction
    bias: int  # of the exponent

    @property
    def whole(self) -> float:
        """1.5 * 2**mantissa, so large that a sum with it is a whole number.

        The low bits of such a sum are that number. This converts between float and integer with
        an addition, where AVX2 has no conversion for 64 bits.
        """
        return 1.5 * 2.0**self.mantissa

    @property
    def least(self) -> float:
        """The least normal number."""
        return float(2.0 ** (1 - self.bias))


FORMATS = {"float32": Format("int32", 23, 127), "float64": Format("int64", 52, 1023)}
_builders: dict[str, Builder] = {}
_bit_builders: dict[str, Builder] = {}


class Body:
    """Names the values of a function being defined: `let(name, value)` returns the name."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.lets: list[Let] = []
        self._uses: dict[str, int] = {}

    def __call__(self, name: str, value: Expr) -> Name:
        """Name a value; where the name is taken it gets a number."""
        uses = self._uses[name] = self._uses.get(name, 0) + 1
        fresh = Name(name if uses == 1 else f"{name}{uses}", value.dtype)
        self.lets.append(Let(fresh.id, value))
        return fresh

    @property
    def format(self) -> Format:
        """The layout of the floats."""
        return FORMATS[self.dtype]

    def pick(self, float32: T, float64: T) -> T:
        """The one of two things that belongs to the dtype."""
        return float32 if self.dtype == "float32" else float64

    def number(self, value: float) -> Lit:
        """A literal of the dtype, in no more digits than it takes."""
        return lit(float(str(np.dtype(self.dtype).type(value))), self.dtype)

    def word(self, value: int) -> Lit:
        """A literal of the integer dtype of the same width."""
        return lit(value, self.format.word)

    def split(self, value: float, rest: float) -> tuple[Lit, Lit]:
        """A constant in two parts: `value` + `rest` is it to twice the precision of float64."""
        exact = float(np.dtype(self.dtype).type(value))
        return self.number(value), self.number(value - exact + rest)


def define(builder: Builder) -> Builder:
    """Enter a function into the table, under its own name."""
    _builders[builder.__name__] = builder
    return builder


def define_bits(builder: Builder) -> Builder:
    """Enter a function of 64-bit words, that is of uint64, into the table."""
    _bit_builders[builder.__name__] = builder
    return builder


@cache
def function(op: str, dtype: str) -> ScalarFunction | None:
    """Our own function for an operation of a kernel, None if there is none."""
    table = _builders if dtype in FORMATS else _bit_builders if dtype == "uint64" else {}
    builder = table.get(op)
    if builder is None:
        return None
    body = Body(dtype)
    _, *names = inspect.signature(builder).parameters
    params = tuple(Name(n, dtype) for n in names)
    for param in params:
        body._uses[param.id] = 1
    result = builder(body, *params)
    return ScalarFunction(f"{op}_{SUFFIX[dtype]}", dtype, params, tuple(body.lets), result)


def operations() -> tuple[str, ...]:
    """The operations on floats there are functions for."""
    return tuple(_builders)
