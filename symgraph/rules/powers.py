"""Powers with a number as exponent."""

from __future__ import annotations

import math

from symgraph.graph import Apply, Variable
from symgraph.ops.arith import Abs, Pow, Sqr, abs_, mul, pow, sqr, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq
from symgraph.ops.elementary import Exp, Sigmoid, Softplus, Sqrt, sqrt
from symgraph.ops.extrema import Max, Min
from symgraph.ops.reduce import Sum
from symgraph.ops.select import switch
from symgraph.ops.shape import DimShuffle
from symgraph.rewrite import EXACT, NAN_BLIND, ROUNDING
from symgraph.rules.equations import Theme
from symgraph.rules.samples import vector
from symgraph.rules.terms import finite_number_of, is_discrete, kind, made_by, number_of
from symgraph.types import COMPLEX, FLOATS, constant

LARGEST_POWER = 16  # integer powers up to this one are products

theme = Theme("powers")
rounding = theme.marked(ROUNDING)
exact = theme.marked(EXACT)
blind = theme.marked(NAN_BLIND)


@exact.rule(Pow, examples=lambda: [pow(vector(), 0), pow(vector(dtype="int64"), 0)])
def power_zero(node: Apply) -> Variable | None:
    """x ** 0 = 1, also for NaN."""
    return constant(1) if number_of(node.inputs[1]) == 0 else None


@rounding.rule(
    Pow, examples=lambda: [pow(vector(), 2), pow(vector(), -3), pow(vector(dtype="int32"), 5)]
)
def whole_power(node: Apply) -> Variable | None:
    """x ** n by repeated squares; x ** -n = 1 / x ** n."""
    n, out = finite_number_of(node.inputs[1]), kind(node.outputs[0])
    if (
        n is None
        or out.dtype in COMPLEX
        or n != int(n)
        or (not 1 < abs(n) <= LARGEST_POWER and n != -1)
    ):
        return None
    if n < 0 and is_discrete(node.outputs[0]):
        return None
    product = _by_squares(cast(node.inputs[0], out.dtype), int(abs(n)))
    made: Variable = product if n > 0 else true_div(1, product)
    return made


def _by_squares(x: Variable, n: int) -> Variable:
    if n == 1:
        return x
    half: Variable = sqr(_by_squares(x, n // 2))
    return mul(half, x) if n % 2 else half


@rounding.rule(
    Pow, examples=lambda: [pow(vector(), 0.5), pow(vector(), -0.5), pow(sqr(vector()), 0.5)]
)
def half_power(node: Apply) -> Variable | None:
    """x ** 0.5 = sqrt(x), but (-inf) ** 0.5 = inf; x ** -0.5 is its reciprocal."""
    n, out = number_of(node.inputs[1]), kind(node.outputs[0])
    if n not in (0.5, -0.5) or out.dtype not in FLOATS:
        return None
    x = cast(node.inputs[0], out.dtype)
    root: Variable = sqrt(x)
    if not is_nonnegative(x):
        root = switch(eq(x, -math.inf), math.inf, root)
    made: Variable = root if n > 0 else true_div(1, abs_(root))
    return made


@blind.rule(Pow, examples=lambda: [pow(vector(), 0.5)])
def half_power_of_finite(node: Apply) -> Variable | None:
    """x ** 0.5 = sqrt(x)."""
    halved = number_of(node.inputs[1]) == 0.5 and kind(node.outputs[0]).dtype in FLOATS
    made: Variable | None = sqrt(node.inputs[0]) if halved else None
    return made


@exact.rule(Abs, examples=lambda: [abs_(sqr(vector())), abs_(sqrt(vector()))])
def abs_of_nonnegative(node: Apply) -> Variable | None:
    """|x| = x where x cannot be negative."""
    (x,) = node.inputs
    return x if is_nonnegative(x) else None


def is_nonnegative(var: Variable) -> bool:
    """Whether a float is the result of an op that gives no negative numbers."""
    if kind(var).dtype not in FLOATS:
        return False
    node = made_by(var, Sum, Max, Min, DimShuffle)
    while node is not None:
        var = node.inputs[0]
        node = made_by(var, Sum, Max, Min, DimShuffle)
    if kind(var).dtype not in FLOATS:
        return False
    return made_by(var, Exp, Sqr, Abs, Sqrt, Sigmoid, Softplus) is not None
