"""Errors of floating-point operations, which are numbers themselves."""

from __future__ import annotations

from symgraph.backends.elementary.scalar_function import Body, define
from symgraph.kernel import Expr


@define
def add_error(let: Body, a: Expr, b: Expr) -> Expr:
    """What the rounded sum of a and b lacks (D. E. Knuth, TAOCP vol. 2, 4.2.2, theorem B)."""
    total = let("total", a + b)
    back = let("back", total - a)
    return (a - (total - back)) + (b - back)
