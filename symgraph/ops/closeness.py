"""Are values finite, are they close to each other."""

from __future__ import annotations

from typing import Any

from symgraph.ops.arith import abs_, add, mul, sub
from symgraph.ops.compare import eq, isinf, isnan, le
from symgraph.ops.logic import and_, invert, or_
from symgraph.ops.reduce import all as all_over
from symgraph.types import Tensor, as_operands

__all__ = ["allclose", "isclose", "isfinite"]


def isfinite(x: Any) -> Tensor:
    """Whether a value is neither infinite nor NaN, elementwise.

    >>> isfinite([1.0, float("inf"), float("nan")]).eval()
    array([ True, False, False])
    """
    return invert(or_(isnan(x), isinf(x)))


def isclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether |a - b| <= atol + rtol |b|, elementwise; an infinity is close to itself.

    >>> isclose([1.0, 1.0], [1.0 + 1e-9, 1.1]).eval()
    array([ True, False])
    """
    a, b = as_operands([a, b])
    near = le(abs_(sub(a, b)), add(atol, mul(rtol, abs_(b))))
    close = or_(and_(near, isfinite(b)), eq(a, b))
    return or_(close, and_(isnan(a), isnan(b))) if equal_nan else close


def allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are close."""
    return all_over(isclose(a, b, rtol, atol, equal_nan))
