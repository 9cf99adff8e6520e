"""Rounding to whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.dtype_rules import ordered
from symgraph.errors import GraphTypeError
from symgraph.families import Elemwise
from symgraph.kernel import Expr, call, cast, compare
from symgraph.ops.cast import cast as to_dtype
from symgraph.types import CONTINUOUS, Tensor

__all__ = [
    "ceil",
    "floor",
    "iround",
    "rint",
    "round",
    "round_half_away_from_zero",
    "round_half_to_even",
    "trunc",
]


class _Rounding(Elemwise):
    """To whole numbers, in the operand's dtype; the gradient is 0."""

    dtypes = ordered
    partials = (lambda z, x: 0,)
    idempotent = True

    def scalar(self, x: Expr) -> Expr:
        """The rounded float; integers are whole already."""
        return call(self.code, x) if x.dtype in CONTINUOUS else x


class Floor(_Rounding):
    """The largest whole number not above x, elementwise.

    >>> floor(-1.5).eval()
    array(-2.)
    """

    code, reference = "floor", staticmethod(np.floor)


class Ceil(_Rounding):
    """The smallest whole number not below x, elementwise."""

    code, reference = "ceil", staticmethod(np.ceil)


class Trunc(_Rounding):
    """x rounded towards 0, elementwise."""

    code, reference = "trunc", staticmethod(np.trunc)


class RoundHalfToEven(_Rounding):
    """The nearest whole number, halves to the even one, elementwise."""

    code, reference = "rint", staticmethod(np.rint)


class RoundHalfAwayFromZero(_Rounding):
    """The nearest whole number, halves away from 0, elementwise."""

    @staticmethod
    def reference(x: Any) -> Any:
        """trunc(|x| + 1/2) with the sign of x, exact where |x| + 1/2 is not."""
        whole = np.trunc(x)
        return whole + np.copysign(np.abs(x - whole) >= 0.5, x) if x.dtype.kind == "f" else x

    def scalar(self, x: Expr) -> Expr:
        """The whole part, and one more if the rest is at least a half."""
        if x.dtype not in CONTINUOUS:
            return x
        whole = call("trunc", x)
        up = compare("ge", call("abs", x - whole), 0.5)
        return whole + call("copysign", cast(up, x.dtype), x)


floor: Elemwise = Floor()
ceil: Elemwise = Ceil()
trunc: Elemwise = Trunc()
round_half_to_even: Elemwise = RoundHalfToEven()
round_half_away_from_zero: Elemwise = RoundHalfAwayFromZero()
rint = round_half_to_even


def round(x: Any, mode: str = "half_to_even") -> Tensor:
    """The nearest whole number: `mode` is half_to_even or half_away_from_zero."""
    if mode not in ("half_to_even", "half_away_from_zero"):
        raise GraphTypeError(f"round: there is no mode {mode!r}")
    return round_half_to_even(x) if mode == "half_to_even" else round_half_away_from_zero(x)


def iround(x: Any, mode: str = "half_to_even") -> Tensor:
    """The nearest whole number as int64."""
    return to_dtype(round(x, mode), "int64")
