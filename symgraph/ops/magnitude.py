"""Sizes and signs of numbers, and what replaces those that are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.dtype_rules import ordered, real_floating
from symgraph.families import Elemwise
from symgraph.kernel import BOOL, Expr, Lit, call, select
from symgraph.later import LaterFunctions
from symgraph.ops.arith import true_div
from symgraph.ops.cast import complex as complex_of
from symgraph.ops.cast import imag, real
from symgraph.ops.compare import eq, gt, isinf, isnan, lt
from symgraph.ops.logic import and_, invert
from symgraph.ops.select import switch
from symgraph.ops.special import _External
from symgraph.types import COMPLEX, CONTINUOUS, Tensor, as_operands, as_tensor_variable

scipy_special = LaterFunctions("scipy.special")
__all__ = [
    "cbrt",
    "copysign",
    "heaviside",
    "hypot",
    "isneginf",
    "isposinf",
    "nan_to_num",
    "signbit",
]


class Hypot(Elemwise):
    """Root of x*x + y*y, elementwise, without overflow; infinite beside an infinity.

    >>> hypot(3.0, 4.0).eval()
    array(5.)
    """

    nin, dtypes, commutative = 2, real_floating, True
    reference = staticmethod(np.hypot)
    partials = (
        lambda z, x, y: true_div(x, switch(eq(z, 0), 1, z)),
        lambda z, x, y: true_div(y, switch(eq(z, 0), 1, z)),
    )
    domains = ("nonzero",)

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """The greater times the root of 1 plus the square of their ratio."""
        a, b = call("abs", x), call("abs", y)
        high, low = call("maximum", a, b), call("minimum", a, b)
        ratio = low / select(high > 0, high, 1)
        root = high * call("sqrt", ratio * ratio + 1)
        infinite = call("isinf", x, dtype=BOOL) | call("isinf", y, dtype=BOOL)
        return select(infinite, Lit(np.inf, x.dtype), root)


class Cbrt(_External):
    """Cube root, elementwise.

    >>> cbrt(-8.0).eval()
    array(-2.)
    """

    code, reference = "cbrt", staticmethod(scipy_special.cbrt)
    partials = (lambda z, x: 1 / (3 * z * z),)
    domains = ("nonzero",)


class CopySign(Elemwise):
    """|x| with the sign of y, zeros having one too, elementwise.

    >>> copysign(3.0, -0.0).eval()
    array(-3.)
    """

    nin, dtypes, code = 2, real_floating, "copysign"
    reference = staticmethod(np.copysign)
    partials = (
        lambda z, x, y: switch(eq(signbit(x), signbit(y)), 1, -1),
        lambda z, x, y: 0,
    )
    domains = ("nonzero",)


class SignBit(Elemwise):
    """Whether a number is negative, or a zero or NaN with the sign bit set, elementwise."""

    reference = staticmethod(np.signbit)

    @staticmethod
    def dtypes(*dtypes: str) -> tuple[tuple[str, ...], str]:
        """bool of real numbers."""
        return ordered(*dtypes)[0], BOOL

    def scalar(self, x: Expr) -> Expr:
        """The sign of 1 with this sign."""
        if x.dtype == BOOL:
            return Lit(False, BOOL)
        return (call("copysign", Lit(1, x.dtype), x) if x.dtype in CONTINUOUS else x) < 0


hypot: Elemwise = Hypot()
cbrt: Elemwise = Cbrt()
copysign: Elemwise = CopySign()
signbit: Elemwise = SignBit()


def isposinf(x: Any) -> Tensor:
    """Whether a value is plus infinity, elementwise."""
    return and_(isinf(x), gt(x, 0))


def isneginf(x: Any) -> Tensor:
    """Whether a value is minus infinity, elementwise."""
    return and_(isinf(x), lt(x, 0))


def heaviside(x: Any, at_zero: Any) -> Tensor:
    """0 below 0, 1 above, `at_zero` at 0, elementwise; NaN of NaN.

    >>> heaviside([-1.0, 0.0, 2.0], 0.5).eval()
    array([0. , 0.5, 1. ])
    """
    x, at_zero = as_operands([x, at_zero])
    side = switch(gt(x, 0), 1, switch(lt(x, 0), 0, x))
    return switch(eq(x, 0), at_zero, side)


def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """`x` with numbers for NaN and the infinities, by default 0 and the largest of the dtype.

    >>> nan_to_num([float("nan"), float("inf"), 1.0], posinf=9.0).eval()
    array([0., 9., 1.])
    """
    x = as_tensor_variable(x)
    if x.type.dtype in COMPLEX:
        parts = (nan_to_num(part, nan, posinf, neginf) for part in (real(x), imag(x)))
        return complex_of(*parts)
    if x.type.dtype not in CONTINUOUS:
        return x
    limits = np.finfo(x.type.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    finite = switch(isposinf(x), high, switch(isneginf(x), low, x))
    return switch(invert(isnan(x)), finite, nan)
