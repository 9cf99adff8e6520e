"""Gradients: one reverse walk over the nodes between `wrt` and the cost.

The walk adds nodes to the same graph, so gradients can be differentiated again. An op's
`L_op` returns None where nothing flows. Sums over broadcast axes and casts are done here,
once. A cotangent that comes out of `switch` carries its mask along, so that the branch not
taken gives exactly 0 and never 0 * inf = NaN.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from symgraph.absent import NullType, without_nothing
from symgraph.errors import (
    DisconnectedInputError,
    GraphTypeError,
    NonScalarCostError,
    NullTypeGradError,
    UnknownVariableError,
)
from symgraph.families import Elemwise, is_continuous
from symgraph.graph import Apply, Graph, Variable, clone_graph, fill_test_values, toposort
from symgraph.ops.arith import second
from symgraph.ops.barrier import DisconnectedGrad
from symgraph.ops.cast import cast
from symgraph.ops.create import ones_like, zeros_like
from symgraph.ops.ifelse import with_branches
from symgraph.ops.logic import and_, invert
from symgraph.ops.reduce import sum as sum_axes
from symgraph.ops.select import Switch, switch
from symgraph.places import made_for
from symgraph.rewrite import rewrite
from symgraph.rules import STABLE
from symgraph.types import COMPLEX, Tensor, TensorType, as_tensor_variable

POLICIES = ("raise", "warn", "ignore")


class Cotangent(NamedTuple):
    """The derivative of the cost along a variable, exactly 0 wherever `mask` does not hold."""

    value: Variable
    mask: Variable | None = None


class Cotangents:
    """The cotangents gathered so far, summed when they are asked for."""

    def __init__(self, none_for_null: bool = False) -> None:
        self._parts: dict[Variable, list[Cotangent]] = {}
        self._nulls: dict[Variable, str] = {}
        self.none_for_null = none_for_null

    def add(self, var: Variable, part: Cotangent) -> None:
        """One more contribution to the cotangent of `var`."""
        if isinstance(part.value.type, NullType):
            self._nulls[var] = part.value.type.why_null
        else:
            self._parts.setdefault(var, []).append(part)

    def total(self, var: Variable) -> Cotangent | None:
        """The sum of the contributions; a sum of several carries no mask."""
        if var in self._nulls:
            if not self.none_for_null:
                raise NullTypeGradError(self._nulls[var])
            return None
        parts = self._parts.get(var)
        if parts is None:
            return None
        if len(parts) > 1:
            value: Tensor = parts[0].value
            for part in parts[1:]:
                value = value + part.value
            self._parts[var] = parts = [Cotangent(value)]
        return parts[0]


def grad(
    cost: Tensor | None,
    wrt: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
    add_names: bool = True,
    known_grads: Mapping[Variable, Any] | None = None,
    return_disconnected: str = "zero",
    null_gradients: str = "raise",
) -> Any:
    """The gradient of a scalar with respect to any variables of its graph.

    Parameters
    ----------
    cost
        A real scalar; None when `known_grads` says where to begin.
    wrt
        A variable or a list of them, inputs or intermediate; the result has the same form.
    consider_constant
        Variables through which nothing flows back; their own gradients may be asked for.
    disconnected_inputs
        "raise", "warn" or "ignore" when the cost does not depend on an element of `wrt`.
    known_grads
        Cotangents of intermediate variables, from which the walk starts too.
    return_disconnected
        What a disconnected element gets: "zero" (zeros of its shape), "none" or "disconnected"
        (both None).
    null_gradients
        "raise" an error at an op without gradient, or "return" None for what it hides.

    Raises
    ------
    NonScalarCostError, UnknownVariableError, DisconnectedInputError, NullTypeGradError

    >>> import symgraph.tensor as T
    >>> x = T.dscalar("x")
    >>> grad(x**2, x).eval({x: 3.0})
    array(6.)
    """
    targets = list(wrt) if isinstance(wrt, list | tuple) else [wrt]
    _check_targets(targets)
    if disconnected_inputs not in POLICIES:
        raise GraphTypeError(
            f"disconnected_inputs is one of {POLICIES}, not {disconnected_inputs!r}"
        )
    starts = _starts(cost, known_grads)
    found = pullback(starts, targets, consider_constant or (), null_gradients == "return")
    results = [
        finished(g, var, cost, disconnected_inputs, return_disconnected)
        for g, var in zip(found, targets, strict=True)
    ]
    if add_names and cost is not None and cost.name:
        for g, var in zip(results, targets, strict=True):
            if g is not None and g.owner is not None and g.name is None and var.name:
                g.name = f"(d{cost.name}/d{var.name})"
    return type(wrt)(results) if isinstance(wrt, list | tuple) else results[0]


def is_variable(value: Any) -> bool:
    """Whether a value is a variable of a graph."""
    return isinstance(value, Variable)


def _check_targets(targets: Sequence[Any]) -> None:
    for var in targets:
        if not isinstance(var, Variable):
            raise UnknownVariableError(
                f"wrt holds {var!r}, which is not a variable of a graph; pass the symbolic"
                " variable itself, not its value"
            )


def _starts(
    cost: Tensor | None, known_grads: Mapping[Variable, Any] | None
) -> dict[Variable, Variable]:
    starts = {var: as_tensor_variable(g) for var, g in (known_grads or {}).items()}
    if cost is None:
        if not starts:
            raise GraphTypeError("grad needs a cost, or known_grads to start from")
        return starts
    if not is_variable(cost):
        raise UnknownVariableError(f"the cost {cost!r} is not a variable of a graph")
    if cost.type.ndim != 0:
        raise NonScalarCostError(
            f"the cost {cost}, made at {cost.made_at}, is {cost.type}, not a scalar; sum or"
            " average it first, or use jacobian for the derivatives of every element"
        )
    if not is_continuous(cost) or cost.type.dtype in COMPLEX:
        raise NonScalarCostError(
            f"the cost {cost}, made at {cost.made_at}, is {cost.type}: only real floating"
            " costs have a gradient; cast it"
        )
    return {cost: ones_like(cost)} | starts


def pullback(
    starts: Mapping[Variable, Variable],
    wrt: Sequence[Variable],
    constants: Iterable[Variable] = (),
    none_for_null: bool = False,
) -> list[Variable | None]:
    """The cotangents of `wrt` from those of `starts`; None where nothing flows.

    What is differentiated is the stable form of the graph in front of `wrt`: the derivative of
    log(softmax(x)) as it is written divides by what may have underflowed to 0.
    """
    fence = set(constants)
    ends = (*wrt, *fence)
    stable = with_branches(_stable(ends, tuple(starts)), ends)
    fill_test_values(stable)
    return _walk(list(zip(stable, starts.values(), strict=True)), wrt, fence, none_for_null)


def _stable(ends: Sequence[Variable], outputs: Sequence[Variable]) -> Sequence[Variable]:
    """The stable form of `outputs` as functions of `ends`.

    Rules look at how a variable was made. That of `ends` is none of theirs: with respect to p,
    log(p) is no log_softmax, also if p is a softmax. So leaves stand in their place meanwhile.
    """
    leaves = {end: end.clone() for end in ends if end.owner is not None}
    if not leaves:
        return rewrite(Graph(tuple(ends), tuple(outputs)), STABLE).outputs
    between = [v for node in toposort(outputs, stop=set(ends)) for v in node.outputs]
    old = [*leaves, *between]
    new = clone_graph(old, leaves)
    places = dict(zip(old, new, strict=True))
    graph = Graph(
        tuple(leaves.get(end, end) for end in ends), tuple(places.get(v, v) for v in outputs)
    )
    return clone_graph(rewrite(graph, STABLE).outputs, dict(zip(new, old, strict=True)))


def _walk(
    starts: Sequence[tuple[Variable, Variable]],
    wrt: Sequence[Variable],
    fence: set[Variable],
    none_for_null: bool,
) -> list[Variable | None]:
    """The reverse walk, op by op."""
    cotangents = Cotangents(none_for_null)
    for var, g in starts:
        cotangents.add(var, Cotangent(shaped_like(g, var)))
    for node in reversed(nodes_between(wrt, [var for var, _ in starts], fence)):
        for var, part in _through(node, cotangents):
            cotangents.add(var, part)
    totals = [cotangents.total(var) for var in wrt]
    return [None if t is None else t.value for t in totals]


def nodes_between(
    wrt: Sequence[Variable], starts: Iterable[Variable], fence: set[Variable]
) -> list[Apply]:
    """The nodes in front of `starts` through which a gradient may flow to `wrt`, inputs first.

    It does not flow through integers, nor through `disconnected_grad`.
    """
    reached = set(wrt)
    between = []
    for node in toposort(starts, stop=fence):
        if any(var in reached for var in node.inputs) and not isinstance(node.op, DisconnectedGrad):
            reached.update(filter(is_continuous, node.outputs))
            between.append(node)
    return between


def _through(node: Apply, cotangents: Cotangents) -> list[tuple[Variable, Cotangent]]:
    """What the cotangents of a node's outputs give to its inputs."""
    heard = _outputs_heard(node)
    totals = [cotangents.total(out) if out in heard else None for out in node.outputs]
    if all(t is None for t in totals):
        return []
    given = [
        zeros_like(out) if t is None else t.value
        for t, out in zip(totals, node.outputs, strict=True)
    ]
    try:
        with made_for(node.made_at):
            parts = _connected(node, node.op.L_op(node.inputs, node.outputs, given))
    except NullTypeGradError:
        if cotangents.none_for_null:
            return []
        raise
    mask = totals[0].mask if isinstance(node.op, Elemwise) and totals[0] else None
    masks = _masks(node, mask)
    return [
        (var, _masked(part, given[0], mask, own, var))
        for var, part, own in zip(node.inputs, parts, masks, strict=True)
        if part is not None and is_continuous(var)
    ]


def _outputs_heard(node: Apply) -> set[Variable]:
    """The outputs of a node that depend on an input of it."""
    pattern = getattr(node.op, "connection_pattern", None)
    if pattern is None:
        return set(node.outputs)
    rows = pattern(node)
    return {out for place, out in enumerate(node.outputs) if any(row[place] for row in rows)}


def _connected(node: Apply, parts: Sequence[Variable | None]) -> list[Variable | None]:
    """What an op gives back to its inputs, None for those its outputs do not depend on."""
    if len(parts) != len(node.inputs):
        raise GraphTypeError(
            f"the gradient of {node.op}, used at {node.made_at}, gives {len(parts)} variables for"
            f" {len(node.inputs)} inputs"
        )
    pattern = getattr(node.op, "connection_pattern", None)
    rows = [[True]] * len(parts) if pattern is None else pattern(node)
    found = without_nothing(parts)
    return [part if any(row) else None for part, row in zip(found, rows, strict=True)]


def _masks(node: Apply, mask: Variable | None) -> list[Variable | None]:
    """For each input, where its cotangent may differ from 0."""
    if not isinstance(node.op, Switch):
        return [mask] * len(node.inputs)
    taken: Tensor = node.inputs[0]
    condition = taken if taken.type.dtype == "bool" else cast(taken, "bool")
    both = [condition, invert(condition)]
    return [None, *(c if mask is None else and_(mask, c) for c in both)]


def _masked(
    part: Variable, g: Variable, before: Variable | None, after: Variable | None, var: Variable
) -> Cotangent:
    if isinstance(part.type, NullType):
        return Cotangent(part)
    if before is not None and part is not g:
        part = switch(before, part, 0)
    total = shaped_like(part, var)
    return Cotangent(total, after if total is part else None)


def shaped_like(g: Tensor, var: Variable) -> Tensor:
    """`g` summed along axes `var` was broadcast over, repeated along its own, in its dtype."""
    kind = var.type
    if not isinstance(kind, TensorType):
        return g
    extra = g.type.ndim - kind.ndim
    if extra > 0:
        g = sum_axes(g, axis=tuple(range(extra)))
    pattern = list(zip(kind.broadcastable, g.type.broadcastable, strict=True))
    summed = tuple(axis for axis, pair in enumerate(pattern) if pair == (True, False))
    if summed:
        g = sum_axes(g, axis=summed, keepdims=True)
    if (False, True) in pattern:
        g = second(var, g)
    if g.type.dtype in COMPLEX and kind.dtype not in COMPLEX:
        g = g.real
    return cast(g, kind.dtype)


def finished(
    g: Tensor | None, var: Variable, cost: Variable | None, policy: str, form: str
) -> Tensor | None:
    """A gradient, or what `policy` and `form` say of one that is missing."""
    if g is not None:
        return g
    message = disconnected_message(cost, var)
    if policy == "raise":
        raise DisconnectedInputError(message)
    if policy == "warn":
        warnings.warn(message, stacklevel=3)
    if form != "zero":
        return None
    return zeros_like(var) if isinstance(var.type, TensorType) else zeros_of(var)


def zeros_of(var: Any) -> Any:
    """Zeros like a variable that is no tensor but can say what they are."""
    return var.zeros_like()


def disconnected_message(cost: Variable | None, var: Tensor) -> str:
    """What is wrong when `cost` has no derivative by `var`, and what to do."""
    message = (
        f"the cost {'' if cost is None else cost} does not depend on {var} ({var.type}, made at"
        f" {var.made_at}) through anything that has a gradient"
    )
    if not is_continuous(var):
        return f"{message}; it holds integers, cast it to a float before use to differentiate by it"
    return f"{message}; pass disconnected_inputs='ignore' if this is meant"


def Lop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The product of a row vector (`eval_points`, shaped like `f`) with the Jacobian df/dwrt."""
    known = dict(zip(as_list(f), as_list(eval_points), strict=True))
    return grad(
        None,
        wrt,
        consider_constant=consider_constant,
        disconnected_inputs=disconnected_inputs,
        known_grads=known,
    )


def as_list(value: Any) -> list[Any]:
    """A list of what stands alone, or in a list or tuple."""
    return list(value) if isinstance(value, list | tuple) else [value]
