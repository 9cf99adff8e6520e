"""Softmax, its logarithm, and sums of exponentials.

With c = x - max(x) and s = sum(exp(c)), softmax is exp(c) / s and its logarithm is c - log(s),
which `grad` differentiates: so nothing in a gradient divides by what has underflowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.ops.activations import logsoftmax, softmax
from symgraph.ops.arith import Add, Neg, Sub, TrueDiv, add, neg, sub, true_div
from symgraph.ops.barrier import DisconnectedGrad, disconnected_grad
from symgraph.ops.compare import isinf
from symgraph.ops.elementary import Exp, Log, exp, log
from symgraph.ops.extrema import Max
from symgraph.ops.extrema import max as max_over
from symgraph.ops.index import subtensor
from symgraph.ops.lookup import AdvancedSubtensor
from symgraph.ops.reduce import Sum, spread
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import Switch, switch
from symgraph.ops.shape import DimShuffle
from symgraph.ops.subtensor import Subtensor
from symgraph.rewrite import ROUNDING
from symgraph.rules.equations import Theme
from symgraph.rules.powers import is_nonnegative
from symgraph.rules.reductions import axes_of
from symgraph.rules.samples import matrix, vector
from symgraph.rules.terms import is_float, kind, made_by, number_of
from symgraph.types import Tensor

theme = Theme("softmax")
rounding = theme.marked(ROUNDING)


def sum_of_exp(var: Variable) -> tuple[Variable, Apply] | None:
    """The operand and the sum of sum(exp(x)), axes of size 1 put back or not."""
    reordered = made_by(var, DimShuffle)
    total = made_by(var if reordered is None else reordered.inputs[0], Sum)
    inner = None if total is None or type(total.op) is not Sum else made_by(total.inputs[0], Exp)
    if total is None or inner is None or not is_float(inner.outputs[0]):
        return None
    return inner.inputs[0], total


def centred_on(x: Variable, axes: Sequence[int]) -> bool:
    """Whether x is z - max(z), the maximum along `axes` and in place of infinities 0 or not.

    Other rules move signs, so that -y - max(-y) becomes -(y + max(-y)): terms are compared.
    """
    terms = Counter(_signed_terms(x))
    return any(
        _is_largest(var, terms - Counter([(sign, var)]), axes) for sign, var in terms if sign < 0
    )


def _is_largest(top: Variable, terms: Counter[tuple[int, Variable]], axes: Sequence[int]) -> bool:
    largest = _maximum(top)
    if largest is None or axes_of(largest) != tuple(axes):
        return False
    return Counter(_signed_terms(largest.inputs[0])) == terms


def _signed_terms(x: Variable) -> list[tuple[int, Variable]]:
    """What is added up to x, with signs."""
    terms, stack = [], [(1, x)]
    while stack:
        sign, var = stack.pop()
        node = made_by(var, Neg, Add, Sub)
        if node is None:
            terms.append((sign, var))
            continue
        last = sign if isinstance(node.op, Add) else -sign
        signs = (sign, last)[-len(node.inputs) :]
        stack += zip(signs, node.inputs, strict=True)
    return terms


def _maximum(top: Variable) -> Apply | None:
    """The maximum that a value is, axes of size 1 put back, behind barriers or a switch."""
    barrier = made_by(top, DisconnectedGrad)
    top = top if barrier is None else barrier.inputs[0]
    chosen = made_by(top, Switch)
    top = top if chosen is None or number_of(chosen.inputs[1]) != 0 else chosen.inputs[2]
    lifted = made_by(top, DimShuffle)
    return made_by(top if lifted is None else lifted.inputs[0], Max)


def _plain_sums() -> Sequence[Variable]:
    return [log(sum_over(exp(matrix()), 1)), log(sum_over(exp(matrix()), 0, keepdims=True))]


@rounding.rule(Log, examples=_plain_sums)
def log_of_sum_of_exp(node: Apply) -> Variable | None:
    """log(sum(exp(x))) = m + log(sum(exp(x - m))) for m = max(x), where that is finite."""
    found = sum_of_exp(node.inputs[0])
    if found is None:
        return None
    x, total = found
    if centred_on(x, axes_of(total)) or any(kind(x).shape[a] == 0 for a in axes_of(total)):
        return None
    top = finite_top(x, axes_of(total))
    small = total.op(exp(sub(x, top)))
    whole = add(log(small), _without(top, axes_of(total)))
    return _as_before(whole, node)


def finite_top(x: Variable, axes: Sequence[int]) -> Variable:
    """The largest element along axes, 0 in place of infinities; the axes stay.

    It cancels out of what it is used in, so no gradient need flow through it.
    """
    top = max_over(x, axes, keepdims=True)
    return disconnected_grad(switch(isinf(top), 0, top))


def _without(top: Tensor, axes: Sequence[int]) -> Variable:
    return top.dimshuffle(*(a for a in range(kind(top).ndim) if a not in axes))


def _as_before(whole: Variable, node: Apply) -> Variable:
    reordered = made_by(node.inputs[0], DimShuffle)
    return whole if reordered is None else reordered.op(whole)


def _quotients() -> Sequence[Variable]:
    e, small = exp(matrix()), exp(neg(matrix()))
    return [
        e / sum_over(e, 1, keepdims=True),
        e / spread(sum_over(e, 0), e, (0,)),
        small / sum_over(small, 1, keepdims=True),
    ]


@rounding.rule(TrueDiv, examples=_quotients)
def softmax_by_hand(node: Apply) -> Variable | None:
    """exp(x) / sum(exp(x)) does not overflow once the largest is taken out of x."""
    top, found = made_by(node.inputs[0], Exp), sum_of_exp(node.inputs[1])
    if top is None or found is None or found[0] is not top.inputs[0]:
        return None
    x, total = found
    axes = axes_of(total)
    if centred_on(x, axes) or any(kind(x).shape[a] == 0 for a in axes):
        return None
    e = exp(sub(x, finite_top(x, axes)))
    return true_div(e, spread(total.op(e), x, axes))


@rounding.rule(Exp, examples=lambda: [exp(logsoftmax(x)) for x in (matrix(), matrix().T, vector())])
def exp_of_logsoftmax(node: Apply) -> Variable | None:
    """exp(c - log(sum(exp(c)))) = exp(c) / sum(exp(c)) for c = x - max(x)."""
    difference = made_by(node.inputs[0], Sub)
    logarithm = None if difference is None else made_by(difference.inputs[1], Log)
    found = None if logarithm is None else sum_of_exp(logarithm.inputs[0])
    if difference is None or logarithm is None or found is None:
        return None
    c, total = found
    if difference.inputs[0] is not c or not centred_on(c, axes_of(total)):
        return None
    return true_div(total.inputs[0], logarithm.inputs[0])


def _looked_up() -> Sequence[Variable]:
    p, at = softmax(matrix()), vector(dtype="int64")
    return [
        log(subtensor(p, (at, at))),
        log(subtensor(p, (slice(None), 0))),
        log(subtensor(exp(matrix()), 0)),
    ]


@rounding.rule(Log, examples=_looked_up)
def log_of_part(node: Apply) -> Variable | None:
    """log(exp(x)[i]) = x[i], log((exp(x) / y)[i]) = (x - log(y))[i]."""
    part = made_by(node.inputs[0], Subtensor, AdvancedSubtensor)
    if part is None:
        return None
    whole, *numbers = part.inputs
    inner: Any = _logarithm(whole)
    if inner is None or kind(inner).broadcastable != kind(whole).broadcastable:
        return None
    return part.op(inner, *numbers)


def _logarithm(var: Variable) -> Variable | None:
    plain, quotient = made_by(var, Exp), made_by(var, TrueDiv)
    if plain is not None:
        return plain.inputs[0]
    top = None if quotient is None else made_by(quotient.inputs[0], Exp)
    if quotient is None or top is None or not is_nonnegative(quotient.inputs[1]):
        return None
    return sub(top.inputs[0], log(quotient.inputs[1]))
