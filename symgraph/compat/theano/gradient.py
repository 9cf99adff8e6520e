"""`theano.gradient`: gradients that count as depending on all that the cost depends on.

So an input that only the cost reads may be an input of a function of its gradient, and has a
gradient of zeros there, as in Theano.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from symgraph import gradient as own
from symgraph.absent import DisconnectedType, NullType
from symgraph.config import config
from symgraph.errors import GradientError, NullTypeGradError
from symgraph.grad import finished
from symgraph.gradient import *
from symgraph.families import SizeOf
from symgraph.graph import Apply, Constant, Variable, ancestors, toposort
from symgraph.ops.arith import Second
from symgraph.ops.barrier import Beside
from symgraph.ops.create import zeros_like
from symgraph.shared import SharedVariable
from symgraph.types import DISCRETE, TensorType, as_tensor_variable

__all__ = own.__all__ + ["GradientError", "disconnected_type", "format_as"]  # noqa: RUF005

disconnected_type = DisconnectedType()


def depending(results: Sequence[Any], roots: Iterable[Variable]) -> list[Any]:
    """The results, each beside those inputs of `roots` that it does not depend on."""
    leaves = [
        v
        for v in ancestors(roots)
        if v.owner is None
        and isinstance(v.type, TensorType)
        and not isinstance(v, Constant | SharedVariable)
    ]
    tensors = [r for r in results if isinstance(getattr(r, "type", None), TensorType)]
    found: dict[Variable, int] = {leaf: 1 << n for n, leaf in enumerate(leaves)}
    for node in toposort(tensors):
        mask = 0
        for var in _flowing(node):
            mask |= found.get(var, 0)
        found |= dict.fromkeys(node.outputs, mask)
    return [_beside(r, leaves, found.get(r, 0)) if r in tensors else r for r in results]


def _flowing(node: Apply) -> Sequence[Variable]:
    """The inputs of a node whose values, not sizes alone, its outputs follow."""
    if isinstance(node.op, SizeOf):
        return ()
    return node.inputs[1:] if isinstance(node.op, Second) else node.inputs


def _beside(result: Any, leaves: Sequence[Variable], seen: int) -> Any:
    others = [leaf for n, leaf in enumerate(leaves) if not seen >> n & 1]
    return Beside()(result, *others) if others else result


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def grad(
    cost: Any,
    wrt: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
    add_names: bool = True,
    known_grads: Mapping[Variable, Any] | None = None,
    return_disconnected: str = "zero",
    null_gradients: str = "raise",
) -> Any:
    """As `symgraph.grad`; by integers, and of integer costs, the gradient is zeros."""
    targets = _several(wrt)
    known = {var: g for var, g in dict(known_grads or {}).items() if not _disconnected(g)}
    for g in known.values():
        if isinstance(getattr(g, "type", None), NullType):
            raise NullTypeGradError(g.type.why_null)
    starts = [*known, *([] if cost is None else [as_tensor_variable(cost)])]
    roots, behind = list(starts), set(ancestors(starts))
    flat = {v for v in targets if v in behind and _whole(v)}
    if cost is not None and _whole(starts[-1]) and starts[-1].type.ndim == 0:
        flat |= _reached(starts.pop()) - set(ancestors(known))
        cost = None
    rest = [v for v in targets if v not in flat]
    if starts:
        options = (disconnected_inputs, add_names, known, "none", null_gradients)
        slopes = own.grad(cost, rest, consider_constant, *options)
    else:
        slopes = [finished(None, v, None, disconnected_inputs, "none") for v in rest]
    found = dict(zip(rest, slopes, strict=True))
    floatX = str(config.floatX)
    found |= {v: zeros_like(v, floatX if _whole(v) else None) for v in targets if v in flat}
    if return_disconnected not in _NOTHING:
        raise GradientError(f"return_disconnected is one of {', '.join(_NOTHING)}")
    nothing = _NOTHING[return_disconnected]
    results = [
        nothing(v) if g is None else g
        for v, g in zip(targets, depending([found[v] for v in targets], roots), strict=True)
    ]
    return type(wrt)(results) if isinstance(wrt, list | tuple) else results[0]


def _whole(var: Any) -> bool:
    return getattr(var.type, "dtype", None) in DISCRETE


def _reached(root: Variable) -> set[Variable]:
    """The variables whose values, not sizes alone, one follows."""
    found, waiting = {root}, [root]
    while waiting:
        node = waiting.pop().owner
        fresh = [v for v in (_flowing(node) if node else ()) if v not in found]
        found.update(fresh)
        waiting += fresh
    return found


_NOTHING: dict[str, Callable[[Any], Any]] = {  # what is returned where nothing flows
    "zero": lambda var: var.zeros_like(),
    "None": lambda var: None,
    "none": lambda var: None,
    "Disconnected": lambda var: disconnected_type(),
}


def _disconnected(g: Any) -> bool:
    return isinstance(getattr(g, "type", None), DisconnectedType)


def Lop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """As `symgraph.Lop`."""
    found = own.Lop(f, wrt, eval_points, consider_constant, disconnected_inputs)
    return _alike(found, [*_several(f), *_several(eval_points)], wrt)


def Rop(f: Any, wrt: Any, eval_points: Any, disconnected_outputs: str = "raise") -> Any:
    """As `symgraph.Rop`."""
    found = own.Rop(f, wrt, eval_points, disconnected_outputs)
    return _alike(found, [*_several(f), *_several(eval_points)], f)


def jacobian(
    expression: Any,
    wrt: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """As `symgraph.jacobian`."""
    found = own.jacobian(expression, wrt, consider_constant, disconnected_inputs)
    return _alike(found, [expression, *_several(wrt)], wrt)


def hessian(
    cost: Any,
    wrt: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """As `symgraph.hessian`; of a cost that is linear in `wrt`, zeros."""
    found = [
        jacobian(
            grad(cost, var, consider_constant, disconnected_inputs),
            var,
            consider_constant,
            disconnected_inputs,
        )
        for var in _several(wrt)
    ]
    return type(wrt)(found) if isinstance(wrt, list | tuple) else found[0]


def _alike(found: Any, roots: Sequence[Any], form: Any) -> Any:
    """Results that depend on what `roots` depend on, in the form of `form`."""
    results = depending(_several(found), [as_tensor_variable(r) for r in roots])
    return type(form)(results) if isinstance(form, list | tuple) else results[0]


def format_as(use_list: bool, use_tuple: bool, outputs: Any) -> Any:
    """The outputs as a list, as a tuple, or, with neither, as they are."""
    several = _several(outputs)
    if use_list:
        return several
    return tuple(several) if use_tuple else outputs
