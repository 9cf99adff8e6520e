"""Logic of booleans and bits of integers."""

from __future__ import annotations

import numpy as np

from symgraph.families import Elemwise, logical
from symgraph.kernel import BOOL, Expr, call

__all__ = [
    "and_",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "invert",
    "or_",
    "xor",
]


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


and_: Elemwise = And()
or_: Elemwise = Or()
xor: Elemwise = Xor()
invert: Elemwise = Invert()
bitwise_and, bitwise_or, bitwise_xor, bitwise_not = and_, or_, xor, invert
