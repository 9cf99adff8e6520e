"""Comparisons and tests for special values; all give bool."""

from __future__ import annotations

import numpy as np

from symgraph.dtype_rules import comparing, ordered
from symgraph.families import Elemwise
from symgraph.kernel import BOOL, Expr, Lit, call
from symgraph.types import CONTINUOUS

__all__ = ["eq", "ge", "gt", "isinf", "isnan", "le", "lt", "neq"]


def ordering(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `comparing`, without complex numbers: they have no order."""
    return ordered(*dtypes)[0], BOOL


class _Comparison(Elemwise):
    nin, dtypes = 2, ordering

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """The comparison of operands of one dtype."""
        return call(self.code, x, y, dtype=BOOL)


class EQ(_Comparison):
    """Whether two values are equal, elementwise; `==` between variables is identity.

    >>> eq([1, 2], [1, 3]).eval()
    array([ True, False])
    """

    code, dtypes, commutative = "eq", comparing, True
    reference = staticmethod(np.equal)


class NEQ(_Comparison):
    """Whether two values differ, elementwise; NaN differs from everything.

    >>> neq([1, 2], [1, 3]).eval()
    array([False,  True])
    """

    code, dtypes, commutative = "ne", comparing, True
    reference = staticmethod(np.not_equal)


class LT(_Comparison):
    """Whether x < y, elementwise; False beside NaN."""

    code = "lt"
    reference = staticmethod(np.less)


class LE(_Comparison):
    """Whether x <= y, elementwise; False beside NaN."""

    code = "le"
    reference = staticmethod(np.less_equal)


class GT(_Comparison):
    """Whether x > y, elementwise; False beside NaN."""

    code = "gt"
    reference = staticmethod(np.greater)


class GE(_Comparison):
    """Whether x >= y, elementwise; False beside NaN."""

    code = "ge"
    reference = staticmethod(np.greater_equal)


class _Test(Elemwise):
    dtypes = comparing

    def scalar(self, x: Expr) -> Expr:
        """The test; integers are never special."""
        return call(self.code, x, dtype=BOOL) if x.dtype in CONTINUOUS else Lit(False, BOOL)


class IsNan(_Test):
    """Whether a value is NaN, elementwise.

    >>> isnan([0.0, float("nan")]).eval()
    array([False,  True])
    """

    code = "isnan"
    reference = staticmethod(np.isnan)


class IsInf(_Test):
    """Whether a value is infinite, elementwise."""

    code = "isinf"
    reference = staticmethod(np.isinf)


eq: Elemwise = EQ()
neq: Elemwise = NEQ()
lt: Elemwise = LT()
le: Elemwise = LE()
gt: Elemwise = GT()
ge: Elemwise = GE()
isnan: Elemwise = IsNan()
isinf: Elemwise = IsInf()
