"""Between which numbers a tensor must lie, as far as the ops that make it tell.

So a probability that comes out of a logistic function is not checked again when a draw is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from symgraph.families import Moved, View
from symgraph.graph import Apply, Constant
from symgraph.ops.arith import Abs, Add, Maximum, Minimum, Mul, Sqr, Sub, TrueDiv
from symgraph.ops.cast import Cast
from symgraph.ops.create import Alloc
from symgraph.ops.elementary import Exp, Sigmoid, Softplus, Sqrt
from symgraph.ops.select import Switch
from symgraph.types import DISCRETE, Tensor

Bounds: TypeAlias = tuple[float, float]
Rule: TypeAlias = Callable[..., Bounds]  # the bounds of the operands -> those of the result
ANYTHING: Bounds = (-math.inf, math.inf)
DEEP = 20  # ops looked through


def bounds_of(var: Tensor, deep: int = DEEP) -> Bounds:
    """The smallest and the largest number that an element of `var` can be; NaN aside."""
    if isinstance(var, Constant):
        data = np.asarray(var.data)
        return (float(data.min()), float(data.max())) if data.size else (0.0, 0.0)
    kind, node = var.type.dtype, var.owner
    if kind == "bool":
        return 0.0, 1.0
    low, high = (-math.inf, math.inf) if node is None or deep == 0 else _of_node(node, deep)
    return (max(low, 0.0) if kind.startswith("uint") else low), high


def _of_node(node: Apply, deep: int) -> Bounds:
    if isinstance(node.op, Moved | View | Alloc | Cast):
        same = not isinstance(node.op, Cast) or not _wraps(node)
        return bounds_of(node.inputs[0], deep - 1) if same else ANYTHING
    rule = RULES.get(type(node.op))
    if rule is None:
        return ANYTHING
    return rule(*(bounds_of(v, deep - 1) for v in node.inputs))


def _wraps(node: Apply) -> bool:
    """Whether a cast may change numbers by more than rounding."""
    return node.outputs[0].type.dtype in DISCRETE  # type: ignore[attr-defined]


def _within(low: float, high: float) -> Rule:
    return lambda *operands: (low, high)


def _of_sum(a: Bounds, b: Bounds) -> Bounds:
    return a[0] + b[0], a[1] + b[1]


def _of_difference(a: Bounds, b: Bounds) -> Bounds:
    return a[0] - b[1], a[1] - b[0]


def _of_product(a: Bounds, b: Bounds) -> Bounds:
    ends = [0.0 if 0.0 in (x, y) else x * y for x in a for y in b]
    return min(ends), max(ends)


def _of_quotient(a: Bounds, b: Bounds) -> Bounds:
    return (0.0, math.inf) if a[0] >= 0 and b[0] >= 0 else ANYTHING


def _of_maximum(a: Bounds, b: Bounds) -> Bounds:
    return max(a[0], b[0]), max(a[1], b[1])


def _of_minimum(a: Bounds, b: Bounds) -> Bounds:
    return min(a[0], b[0]), min(a[1], b[1])


def _of_choice(_: Bounds, a: Bounds, b: Bounds) -> Bounds:
    return min(a[0], b[0]), max(a[1], b[1])


RULES: dict[type, Rule] = {
    Sigmoid: _within(0.0, 1.0),
    **dict.fromkeys((Abs, Exp, Softplus, Sqr, Sqrt), _within(0.0, math.inf)),
    Add: _of_sum,
    Sub: _of_difference,
    Mul: _of_product,
    TrueDiv: _of_quotient,
    Maximum: _of_maximum,
    Minimum: _of_minimum,
    Switch: _of_choice,
}
