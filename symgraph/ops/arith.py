"""Arithmetic: sums, products, powers, extrema, signs, rounding."""

from __future__ import annotations

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.families import Elemwise, floating, same
from symgraph.kernel import BOOL, Expr, call
from symgraph.ops.compare import eq, ge, gt, le, lt
from symgraph.ops.elementary import log
from symgraph.ops.select import switch
from symgraph.types import promote, upgrade_to_float


def signed(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `same`, without bool: NumPy has no negative or difference of booleans."""
    if promote(*dtypes) == "bool":
        raise GraphTypeError("bool has no difference or negative; use T.xor or T.invert, or cast it")
    return same(*dtypes)


class Add(Elemwise):
    """Sum, elementwise; of booleans, their `or`.

    >>> add(2.0, 3.0).eval()
    array(5.)
    """

    nin, code = 2, "add"
    reference = staticmethod(np.add)
    partials = (lambda z, x, y: 1, lambda z, x, y: 1)
    commutative, associative, unit = True, True, 0

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """x + y, or x | y of booleans."""
        return call("or" if x.dtype == BOOL else "add", x, y)


class Mul(Elemwise):
    """Product, elementwise; of booleans, their `and`."""

    nin, code = 2, "mul"
    reference = staticmethod(np.multiply)
    partials = (lambda z, x, y: y, lambda z, x, y: x)
    commutative, associative, unit = True, True, 1

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """x * y, or x & y of booleans."""
        return call("and" if x.dtype == BOOL else "mul", x, y)


class TrueDiv(Elemwise):
    """Quotient, elementwise; integers are divided as floats."""

    nin, code, dtypes = 2, "div", floating
    reference = staticmethod(np.true_divide)
    partials = (lambda z, x, y: 1 / y, lambda z, x, y: -z / y)
    domains = ("real", "nonzero")
    unit = 1


class Maximum(Elemwise):
    """The larger of two, elementwise; NaN if either is. At a tie the first gets the gradient.

    >>> maximum([1.0, 5.0], 3.0).eval()
    array([3., 5.])
    """

    nin, code = 2, "maximum"
    reference = staticmethod(np.maximum)
    partials = (lambda z, x, y: ge(x, y), lambda z, x, y: lt(x, y))
    commutative, associative, idempotent = True, True, True


add, mul, true_div, maximum = Add(), Mul(), TrueDiv(), Maximum()
