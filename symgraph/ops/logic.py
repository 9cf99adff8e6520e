"""Logic of booleans and bits of integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.dtype_rules import logical
from symgraph.families import Elemwise
from symgraph.kernel import BOOL, Expr, Lit, call, select
from symgraph.ops.compare import eq, neq
from symgraph.types import Tensor

__all__ = [
    "and_",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "invert",
    "left_shift",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "or_",
    "right_shift",
    "xor",
]


def counting_bits(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `logical`, booleans counting as int8."""
    wide = tuple("int8" if d == BOOL else d for d in dtypes)
    return logical(*wide)


class And(Elemwise):
    """Bitwise and of integers, logical and of booleans.

    >>> and_([True, True], [True, False]).eval()
    array([ True, False])
    """

    nin, code, dtypes = 2, "and", logical
    reference = staticmethod(np.bitwise_and)
    domains = ("int",)
    commutative, associative, idempotent = True, True, True


class Or(Elemwise):
    """Bitwise or of integers, logical or of booleans."""

    nin, code, dtypes = 2, "or", logical
    reference = staticmethod(np.bitwise_or)
    domains = ("int",)
    commutative, associative, idempotent, unit = True, True, True, 0


class Xor(Elemwise):
    """Bitwise exclusive or of integers, logical of booleans."""

    nin, code, dtypes = 2, "xor", logical
    reference = staticmethod(np.bitwise_xor)
    domains = ("int",)
    commutative, associative, unit = True, True, 0


class Invert(Elemwise):
    """Bitwise complement of integers, logical not of booleans.

    >>> invert([True, False]).eval()
    array([False,  True])
    """

    code, dtypes = "invert", logical
    reference = staticmethod(np.invert)
    domains = ("int",)

    def scalar(self, x: Expr) -> Expr:
        """~x, or `not x`."""
        return call("not" if x.dtype == BOOL else "invert", x)


class _Shift(Elemwise):
    """Bits of integers moved by a number of places; booleans count as int8."""

    nin, dtypes, domains = 2, counting_bits, ("int", "bool")

    def _within(self, count: Expr, moved: Expr, beyond: Expr) -> Expr:
        """`moved` if the count is less than the width, else what is left when all bits are gone."""
        width = Lit(8 * np.dtype(count.dtype).itemsize, count.dtype)
        fits = (count < width) & (count >= Lit(0, count.dtype))
        return select(fits, moved, beyond)

    def _count(self, count: Expr) -> Expr:
        """A count the machine can shift by."""
        return call("and", count, Lit(8 * np.dtype(count.dtype).itemsize - 1, count.dtype))


class LeftShift(_Shift):
    """x times 2 to the power n, elementwise; bits that leave the dtype are lost.

    >>> left_shift(3, 2).eval()
    array(12)
    """

    reference = staticmethod(np.left_shift)

    def scalar(self, x: Expr, n: Expr) -> Expr:
        """x << n; 0 if n is the width or more."""
        return self._within(n, call("shl", x, self._count(n)), Lit(0, x.dtype))


class RightShift(_Shift):
    """x divided by 2 to the power n and rounded down, elementwise.

    >>> right_shift(-5, 1).eval()
    array(-3)
    """

    reference = staticmethod(np.right_shift)

    def scalar(self, x: Expr, n: Expr) -> Expr:
        """x >> n; the sign alone if n is the width or more."""
        zero = Lit(0, x.dtype)
        sign = zero if x.dtype[0] == "u" else select(x < zero, Lit(-1, x.dtype), zero)
        return self._within(n, call("shr", x, self._count(n)), sign)


and_: Elemwise = And()
or_: Elemwise = Or()
xor: Elemwise = Xor()
invert: Elemwise = Invert()
bitwise_and, bitwise_or, bitwise_xor, bitwise_not = and_, or_, xor, invert
left_shift: Elemwise = LeftShift()
right_shift: Elemwise = RightShift()


def logical_and(x: Any, y: Any) -> Tensor:
    """Whether both values are nonzero, elementwise.

    >>> logical_and([1.5, 0.0], [2, 3]).eval()
    array([ True, False])
    """
    return and_(neq(x, 0), neq(y, 0))


def logical_or(x: Any, y: Any) -> Tensor:
    """Whether one of two values is nonzero, elementwise."""
    return or_(neq(x, 0), neq(y, 0))


def logical_xor(x: Any, y: Any) -> Tensor:
    """Whether just one of two values is nonzero, elementwise."""
    return xor(neq(x, 0), neq(y, 0))


def logical_not(x: Any) -> Tensor:
    """Whether a value is 0, elementwise."""
    return eq(x, 0)
