"""Choosing between values."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.families import Elemwise
from symgraph.kernel import BOOL, Expr, Lit, call
from symgraph.types import Tensors, promote

__all__ = ["switch", "where"]


def choosing(condition: str, *branches: str) -> tuple[tuple[str, ...], str]:
    """Dtype rule of `switch`: the branches are promoted to one dtype."""
    common = promote(*branches)
    return (condition, common, common), common


class Switch(Elemwise):
    """`then` where `condition` is not 0, else `other`, elementwise.

    The gradient of the branch not taken is exactly 0, whatever that branch computes.

    >>> switch([True, False], 1.0, 2.0).eval()
    array([1., 2.])
    """

    nin, dtypes, code = 3, choosing, "select"
    domains = ("bool", "real", "real")
    partials = (None, lambda z, c, a, b: None, lambda z, c, a, b: None)

    def scalar(self, condition: Expr, then: Expr, other: Expr) -> Expr:
        """Both branches are computed, one is taken."""
        if condition.dtype != BOOL:
            condition = call("ne", condition, Lit(0, condition.dtype), dtype=BOOL)
        return call("select", condition, then, other, dtype=then.dtype)

    @staticmethod
    def reference(condition: Any, then: Any, other: Any) -> Any:
        """NumPy's where."""
        return np.where(np.asarray(condition) != 0, then, other)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent where the branch is taken, 0 elsewhere."""
        condition, (g,) = inputs[0], output_grads
        return [None, switch(condition, g, 0), switch(condition, 0, g)]


switch: Elemwise = Switch()
where = switch
