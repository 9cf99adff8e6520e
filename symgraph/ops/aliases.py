"""NumPy's names of ops that have another one here."""

from __future__ import annotations

from symgraph.ops import arith, cast, compare, elementary, shape

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "conjugate",
    "degrees",
    "divide",
    "equal",
    "fabs",
    "floor_divide",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "multiply",
    "negative",
    "not_equal",
    "permute_dims",
    "radians",
    "remainder",
    "subtract",
    "true_divide",
]

abs = absolute = fabs = arith.abs_
subtract, multiply, negative = arith.sub, arith.mul, arith.neg
divide = true_divide = arith.true_div
floor_divide, remainder = arith.int_div, arith.mod
equal, not_equal = compare.eq, compare.neq
less, less_equal, greater, greater_equal = compare.lt, compare.le, compare.gt, compare.ge
acos, asin, atan = elementary.arccos, elementary.arcsin, elementary.arctan
acosh, asinh = elementary.arccosh, elementary.arcsinh
atan2, atanh = elementary.arctan2, elementary.arctanh
degrees, radians = arith.rad2deg, arith.deg2rad
conjugate, permute_dims = cast.conj, shape.transpose
