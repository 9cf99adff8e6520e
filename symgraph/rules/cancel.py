"""Factors that cancel although they may underflow.

The gradient of log(f(x)) divides by f(x), and the gradient of f multiplies by it again where
f is an exponential, a softmax or a logistic function. Mathematically these are never 0, but
computed they underflow, and 0 * (1 / 0) is NaN. So here, and only for such factors,

    f * (y / f) = y
    f * (a / f + b) = a + f * b
    f * (zeros with y / f[i] added at i) = zeros with y added at i

which leaves (softmax - onehot) / n of the gradient of a mean cross-entropy, whatever the logits.
A NaN in f no longer reaches y; it reaches a gradient through the softmax that remains in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.ops.arith import Add, Mul, Neg, Sqr, Sub, TrueDiv, mul, sub, true_div
from symgraph.ops.create import zeros_like
from symgraph.ops.elementary import Exp, Sigmoid, exp, sigmoid
from symgraph.ops.index import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    inc_subtensor,
    subtensor,
)
from symgraph.ops.nnet import softmax
from symgraph.ops.reduce import Sum
from symgraph.ops.reduce import sum as sum_over
from symgraph.rewrite import NAN_BLIND
from symgraph.rules.equations import Theme
from symgraph.rules.indexing import scatter_of, scattered
from symgraph.rules.reductions import axes_of
from symgraph.rules.samples import matrix, vector
from symgraph.rules.softmax import sum_of_exp
from symgraph.rules.terms import kind, made_by, number, number_of

DEPTH = 6  # how far a product is looked through
PRODUCTS = (Mul, Neg, TrueDiv, Sqr)

theme = Theme("cancel", NAN_BLIND)
blind = theme.marked(NAN_BLIND)


# --- products, taken apart --------------------------------------------------------------------


def is_positive(var: Variable) -> bool:
    """Whether a variable is a function that is never 0 but for underflow."""
    quotient = made_by(var, TrueDiv)
    if quotient is not None:
        return made_by(quotient.inputs[0], Exp) is not None
    return made_by(var, Exp, Sigmoid) is not None or complement_of(var) is not None


def complement_of(var: Variable) -> Variable | None:
    """The x of 1 - sigmoid(x) = sigmoid(-x)."""
    node = made_by(var, Sub)
    inner = made_by(node.inputs[1], Sigmoid) if node and number_of(node.inputs[0]) == 1 else None
    return None if inner is None else inner.inputs[0]


def opposite(x: Variable, y: Variable) -> bool:
    """Whether one of two variables is the negative of the other."""
    pairs = ((made_by(x, Neg), y), (made_by(y, Neg), x))
    return any(node is not None and node.inputs[0] is other for node, other in pairs)


def is_same(x: Variable, y: Variable) -> bool:
    """Whether two factors are one, sigmoid(-x) and 1 - sigmoid(x) counted as one."""
    if x is y:
        return True
    for a, b in ((x, y), (y, x)):
        mirrored, plain = complement_of(a), made_by(b, Sigmoid)
        if mirrored is not None and plain is not None and opposite(mirrored, plain.inputs[0]):
            return True
    return False


def _above(node: Apply) -> Sequence[Variable]:
    """The operands that a product multiplies."""
    return node.inputs[:1] if isinstance(node.op, TrueDiv) else node.inputs


def factors(var: Variable, depth: int = DEPTH) -> Iterator[Variable]:
    """What a product multiplies: itself, and the factors of its factors."""
    yield var
    node = made_by(var, *PRODUCTS)
    if node is not None and depth:
        for x in _above(node):
            yield from factors(x, depth - 1)


def divisors(var: Variable, depth: int = DEPTH) -> Iterator[Variable]:
    """What a product divides by."""
    node = made_by(var, *PRODUCTS)
    if node is None or not depth:
        return
    if isinstance(node.op, TrueDiv):
        yield from factors(node.inputs[1], depth - 1)
    for x in _above(node):
        yield from divisors(x, depth - 1)


def without(var: Variable, factor: Variable, depth: int = DEPTH) -> Variable | None:
    """A product without one of its factors; None if it is none."""
    if is_same(var, factor):
        return number(1, var)
    node = made_by(var, *PRODUCTS)
    if node is None or not depth:
        return None
    return _changed(node, lambda x: without(x, factor, depth - 1))


def times(var: Variable, factor: Variable, depth: int = DEPTH) -> Variable | None:
    """`var * factor` for a product that divides by the factor, which cancels; else None."""
    node = made_by(var, *PRODUCTS)
    if node is None or not depth:
        return None
    if isinstance(node.op, TrueDiv):
        below = without(node.inputs[1], factor, depth - 1)
        if below is not None:
            return true_div(node.inputs[0], below)  # type: ignore[no-any-return]
    return _changed(node, lambda x: times(x, factor, depth - 1))


def _changed(node: Apply, change: Callable[[Variable], Variable | None]) -> Variable | None:
    """A product with the first factor changed that `change` takes."""
    for place, x in enumerate(_above(node)):
        new = change(x)
        if new is not None and isinstance(node.op, Sqr):
            return mul(new, x)  # type: ignore[no-any-return]
        if new is not None:
            return node.op(*(new if k == place else v for k, v in enumerate(node.inputs)))  # type: ignore[no-any-return]
    return None


# --- what cancels -------------------------------------------------------------------------------


def meet(left: Variable, right: Variable) -> Variable | None:
    """left * right, where a factor of the left cancels against the right; else None."""
    for factor in factors(left):
        rest = times(right, factor) if is_positive(factor) else None
        if rest is None and made_by(factor, Exp):
            rest = _absorbed(factor, right)
        if rest is not None:
            return mul(without(left, factor), rest)  # type: ignore[no-any-return]
    return None


def _absorbed(e: Variable, product: Variable) -> Variable | None:
    """exp(x) times what has a factor sigmoid(-x), or divides by a sum that exp(x) is part of."""
    (x,) = e.owner.inputs  # type: ignore[union-attr]
    for factor in factors(product):
        s = made_by(factor, Sigmoid)
        if s is not None and opposite(x, s.inputs[0]):
            return mul(without(product, factor), sigmoid(x))  # type: ignore[no-any-return]
    if any(is_same(e, factor) for factor in factors(product)):
        return None  # that one goes with the divisor already
    for below in divisors(product):
        share = _share(e, x, below)
        if share is not None:
            return mul(times(product, below), share)  # type: ignore[no-any-return]
    return None


def _share(e: Variable, x: Variable, total: Variable) -> Variable | None:
    """exp(x) / total, finite although both may overflow, if the total is a sum exp(x) is part of."""
    found, pair = sum_of_exp(total), made_by(total, Add)
    if found is not None and found[0] is x:
        return true_div(e, total)  # type: ignore[no-any-return]
    if pair is None or e not in pair.inputs:
        return None
    other = made_by(pair.inputs[1 - pair.inputs.index(e)], Exp)
    return None if other is None else sigmoid(sub(x, other.inputs[0]))  # type: ignore[no-any-return]


def _samples() -> Sequence[Variable]:
    x, y, z = vector(), vector(name="y"), vector(name="z")
    e, s = exp(x), sigmoid(x)
    made = [e * (y / e), (y / s) * (s * (1 - s)), -(y / e) * e, e * (2.0 * (y * (1 / e)))]
    return [*made, e * (y * sigmoid(-x)), (y / (e + exp(z))) * e, (y / s) * (s * s)]


@blind.rule(Mul, examples=_samples)
def positive_factor(node: Apply) -> Variable | None:
    """f * (y / f) = y; exp(x) * sigmoid(-x) = sigmoid(x), whatever stands between."""
    left, right = node.inputs
    found = meet(left, right)
    return meet(right, left) if found is None else found


@blind.rule(
    TrueDiv, examples=lambda: [(vector(name="y") * exp(v)) / (3.0 * exp(v)) for v in [vector()]]
)
def positive_divisor(node: Apply) -> Variable | None:
    """(y * f) / f = y."""
    above, below = node.inputs
    for factor in filter(is_positive, factors(below)):
        rest = without(above, factor)
        if rest is not None and above is not below:
            return true_div(rest, without(below, factor))  # type: ignore[no-any-return]
    return None


def _sums() -> Sequence[Variable]:
    x, t = vector(), vector(name="t")
    p = sigmoid(x)
    return [((1 - t) / (1 - p) - t / p) * (p * (1 - p)), exp(x) * (t / exp(x) + t)]


@blind.rule(Mul, examples=_sums)
def factor_of_sum(node: Apply) -> Variable | None:
    """f * (a / f + b) = a + f * b."""
    for left, right in (node.inputs, node.inputs[::-1]):
        total = made_by(right, Add, Sub)
        if total is not None and any(_meets(left, term) for term in terms(right)):
            return total.op(*(mul(left, term) for term in total.inputs))  # type: ignore[no-any-return]
    return None


def terms(var: Variable, depth: int = DEPTH) -> Iterator[Variable]:
    """What a sum adds up or subtracts."""
    node = made_by(var, Add, Sub, Neg)
    if node is None or not depth:
        yield var
        return
    for x in node.inputs:
        yield from terms(x, depth - 1)


def _meets(product: Variable, term: Variable) -> bool:
    """Whether a factor of a product cancels against a term."""
    return meet(product, term) is not None or meet_scatter(product, term) is not None


# --- what was divided before it was scattered ---------------------------------------------------


def _scatters() -> Sequence[Variable]:
    x, i = matrix(), vector(name="i", dtype="int64")
    p, e = softmax(x), exp(x)
    picked = subtensor(p, (i, i)), subtensor(e, i)
    return [
        p * inc_subtensor(subtensor(zeros_like(p), (i, i)), -1 / picked[0]),
        inc_subtensor(subtensor(zeros_like(e), i), matrix(name="y") / picked[1]) * e,
    ]


@blind.rule(Mul, examples=_scatters)
def factor_of_scatter(node: Apply) -> Variable | None:
    """f * (zeros with y / f[i] added at i) = zeros with y added at i."""
    left, right = node.inputs
    found = meet_scatter(left, right)
    return meet_scatter(right, left) if found is None else found


def meet_scatter(product: Variable, right: Variable) -> Variable | None:
    """A product times a scatter that divides by the part of a factor at the same index."""
    scatter = scatter_of(right)
    if scatter is None:
        return None
    for factor in filter(is_positive, factors(product)):
        picked = _part_divided_by(scatter, factor)
        if picked is not None:
            return _cancelled(scatter, without(product, factor), picked)
    return None


def _reader(scatter: Apply) -> Any:
    kinds = {IncSubtensor: Subtensor, AdvancedIncSubtensor: AdvancedSubtensor}
    return kinds[type(scatter.op)](scatter.op.parts)  # type: ignore[index, attr-defined]


def _part_divided_by(scatter: Apply, whole: Variable) -> Variable | None:
    """The part of `whole` at the index of a scatter, if what it adds is divided by that."""
    reader, read = _reader(scatter), (whole, *scatter.inputs[2:])
    for below in divisors(scatter.inputs[1]):
        node = made_by(below, Subtensor, AdvancedSubtensor)
        if node is not None and node.op == reader and node.inputs == read:
            return below
    return None


def _cancelled(scatter: Apply, others: Variable | None, picked: Variable) -> Variable | None:
    rest = times(scatter.inputs[1], picked)
    if rest is None or others is None:
        return None
    if number_of(others) is not None:
        return scattered(scatter, mul(rest, others))
    if kind(others).broadcastable != kind(scatter.outputs[0]).broadcastable:
        return None
    return scattered(scatter, mul(rest, _reader(scatter)(others, *scatter.inputs[2:])))


# --- sums along which a divisor stays the same ------------------------------------------------------


def _shared_divisor() -> Sequence[Variable]:
    e = exp(matrix())
    return [sum_over(matrix(name="y") / sum_over(e, 1, keepdims=True), 1)]


@blind.rule(Sum, examples=_shared_divisor)
def sum_over_softmax_divisor(node: Apply) -> Variable | None:
    """sum(y / s) = sum(y) / s for the sum of exponentials s along the same axes."""
    (x,) = node.inputs
    for below in divisors(x):
        found = sum_of_exp(below)
        if type(node.op) is Sum and found is not None and axes_of(found[1]) == axes_of(node):
            (total,), rest = found[1].outputs, times(x, below)
            if (
                rest is not None
                and kind(rest).ndim == kind(x).ndim
                and kind(below).ndim == kind(x).ndim
            ):
                return true_div(node.op(rest), total)  # type: ignore[no-any-return]
    return None
