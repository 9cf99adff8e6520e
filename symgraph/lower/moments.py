"""Mean and variance in one look at the numbers they are of.

The sum of squares of x - m, where m is made of the sum of x, needs x twice: for m, then for the
squares. In float64 it is sum(x**2) - 2 m sum(x) + n m**2, whose sums are known after one look. For
float32 that is as good: squares of 24 bits are exact in float64, and what is lost is some 2**-52 of
sum(x**2), where rounding m to float32 costs two looks 2**-48. What is below 2**-48 of sum(x**2) is
rounding alone, of numbers that are all the same in float32, and counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from symgraph.graph import Apply, Variable, toposort
from symgraph.ops.arith import Mul, Sqr, Sub, TrueDiv, add, mul, sqr, sub
from symgraph.ops.cast import cast
from symgraph.ops.compare import lt
from symgraph.ops.reduce import Sum, count_over
from symgraph.ops.select import switch
from symgraph.ops.shape import DimShuffle, dimshuffle
from symgraph.places import made_for
from symgraph.rules.terms import kind
from symgraph.types import Tensor

NARROW, WIDE = "float32", "float64"
LOST = 2.0**-48  # of the sum of squares


class Scatter(NamedTuple):
    """The sum of squares of `x` less `centre`, over some axes."""

    x: Variable
    centre: Variable
    axes: tuple[int, ...]


def in_one_look(roots: Sequence[Variable], inputs: Sequence[Variable]) -> list[Variable]:
    """A graph in which sums of squares about a mean are found from sums that need no mean."""
    nodes = toposort(roots, stop=inputs)
    found = {node: scatter for node in nodes if (scatter := scatter_of(node)) is not None}
    if not found:
        return list(roots)
    totals: dict[tuple[Variable, tuple[int, ...]], Tensor] = {}
    looked_at = {(scatter.x, scatter.axes) for scatter in found.values()}
    known: dict[Variable, Variable] = {}
    for node in nodes:
        given = [known.get(v, v) for v in node.inputs]
        key = (node.inputs[0], axes) if (axes := summed(node)) is not None else None
        with made_for(node.made_at):
            if node in found:
                x, centre, over = found[node]
                new = _expanded(known.get(x, x), known.get(centre, centre), totals[x, over], over)
                known[node.outputs[0]] = new
            elif key in looked_at:
                totals[key] = Sum(key[1], WIDE, WIDE)(given[0])
                known[node.outputs[0]] = cast(totals[key], NARROW)
            elif any(a is not b for a, b in zip(given, node.inputs, strict=True)):
                known |= zip(node.outputs, node.op.make_node(*given).outputs, strict=True)
    return [known.get(v, v) for v in roots]


def scatter_of(node: Apply) -> Scatter | None:
    """What a node is the sum of squares of, if it is one of float32 less what its sum makes."""
    axes = summed(node)
    base = None if axes is None else _squared(node.inputs[0])
    if axes is None or base is None or base.owner is None or not isinstance(base.owner.op, Sub):
        return None
    x, centre = base.owner.inputs
    total = _behind(centre).owner
    if total is None or summed(total) != axes or total.inputs[0] is not x:
        return None
    return Scatter(x, centre, axes) if _stands(centre, x, axes) else None


def summed(node: Apply) -> tuple[int, ...] | None:
    """The axes a node sums over, if it sums float32 by way of float64."""
    op = node.op
    if type(op) is not Sum or (op.dtype, op.acc_dtype) != (NARROW, WIDE):
        return None
    return op.axes if kind(node.inputs[0]).dtype == NARROW else None


def _squared(var: Variable) -> Variable | None:
    """What a variable is the square of."""
    node = var.owner
    if node is None:
        return None
    twice = isinstance(node.op, Mul) and len(node.inputs) == 2 and node.inputs[0] is node.inputs[1]
    return node.inputs[0] if twice or isinstance(node.op, Sqr) else None


def _behind(var: Variable) -> Variable:
    """What is turned and divided by a number to give a mean."""
    while var.owner is not None and isinstance(var.owner.op, DimShuffle | TrueDiv):
        var = var.owner.inputs[0]
    return var


def _stands(centre: Variable, x: Variable, axes: Sequence[int]) -> bool:
    """Whether what is subtracted is one number for all that is summed."""
    flags = kind(centre).broadcastable
    return len(flags) == kind(x).ndim and all(flags[a] for a in axes)


def _expanded(x: Variable, centre: Variable, total: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The sum of squares of x - centre, given that of x."""
    kept = [a for a in range(kind(x).ndim) if a not in axes]
    m = cast(dimshuffle(centre, *kept), WIDE)
    count = cast(count_over(x, axes), WIDE)
    squares = Sum(axes, WIDE, WIDE)(sqr(cast(x, WIDE)))
    about = add(sub(squares, mul(2, m, total)), mul(count, m, m))
    return cast(switch(lt(about, mul(LOST, squares)), 0, about), NARROW)
