"""What is made of gradients: Jacobians, Hessians, gradients of a part, numerical checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from symgraph.absent import DisconnectedType, NullType, grad_not_implemented, grad_undefined
from symgraph.batch import vectorize
from symgraph.errors import (
    DisconnectedInputError,
    GradientError,
    GraphTypeError,
    NullTypeGradError,
)
from symgraph.families import is_continuous
from symgraph.forward import Rop
from symgraph.grad import Lop, disconnected_message, grad, pullback
from symgraph.graph import Graph, Variable, ancestors, clone_graph
from symgraph.interpret import interpret
from symgraph.ops.barrier import (
    consider_constant,
    disconnected_grad,
    grad_clip,
    grad_scale,
    undefined_grad,
    zero_grad,
)
from symgraph.ops.create import eye, zeros
from symgraph.ops.lookup import AdvancedSubtensor
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import flatten, reshape
from symgraph.ops.shape import shape_i
from symgraph.rewrite import rewrite
from symgraph.rules import STABLE
from symgraph.shared import SharedVariable
from symgraph.types import Tensor, TensorType, as_tensor_variable

__all__ = [
    "DisconnectedInputError",
    "DisconnectedType",
    "Lop",
    "NullType",
    "NullTypeGradError",
    "Rop",
    "consider_constant",
    "disconnected_grad",
    "grad",
    "grad_clip",
    "grad_not_implemented",
    "grad_scale",
    "grad_undefined",
    "hessian",
    "hessian_vector_product",
    "jacobian",
    "numeric_grad",
    "sparse_grad",
    "subgraph_grad",
    "undefined_grad",
    "verify_grad",
    "zero_grad",
]

STEPS = {"float32": 1e-3, "float64": 1e-6}  # of central differences: the cube root of an ulp
TOLERANCES = {"float32": 1e-2, "float64": 1e-4}
Array = npt.NDArray[Any]


def jacobian(
    expression: Tensor,
    wrt: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The derivatives of every element of `expression` by every element of `wrt`.

    Computed as one pullback of a batch of unit vectors, not row by row.

    Parameters
    ----------
    expression
        A floating tensor of any rank.
    wrt
        A variable or a list of them; the result has the same form.
    consider_constant, disconnected_inputs
        As in `grad`.

    Returns
    -------
    variable or list
        Of shape `expression.shape + wrt.shape`.

    Raises
    ------
    GraphTypeError
        If `expression` holds no floats, or an op on the way has no batched form.
    DisconnectedInputError
        As in `grad`.

    >>> import symgraph.tensor as T
    >>> x = T.dvector("x")
    >>> jacobian(x**2, x).eval({x: [1.0, 2.0]})
    array([[2., 0.],
           [0., 4.]])
    """
    expression = as_tensor_variable(expression)
    if not is_continuous(expression):
        raise GraphTypeError(
            f"{expression}, made at {expression.made_at}, is {expression.type}: only floats have"
            " derivatives; cast it"
        )
    targets = list(wrt) if isinstance(wrt, list | tuple) else [wrt]
    if expression.type.ndim == 0:
        return grad(expression, wrt, consider_constant, disconnected_inputs)
    dual = expression.type.make_variable()
    rows = pullback({expression: dual}, targets, consider_constant or ())
    found = [
        _jacobian(row, var, expression, dual, disconnected_inputs)
        for row, var in zip(rows, targets, strict=True)
    ]
    return type(wrt)(found) if isinstance(wrt, list | tuple) else found[0]


def _jacobian(
    row: Tensor | None, wrt: Tensor, expression: Tensor, dual: Variable, policy: str
) -> Tensor:
    shape = [shape_i(expression, axis) for axis in range(expression.type.ndim)]
    tail = [shape_i(wrt, axis) for axis in range(wrt.type.ndim)]
    if row is None:
        if policy == "raise":
            raise DisconnectedInputError(disconnected_message(expression, wrt))
        return zeros([*shape, *tail], wrt.type.dtype)
    count = shape_i(flatten(expression), 0)
    units = reshape(eye(count, dtype=expression.type.dtype), [count, *shape])
    (rows,) = vectorize([row], {dual: units})
    if rows is row:
        return zeros([*shape, *tail], wrt.type.dtype)
    return reshape(rows, [*shape, *tail])


def hessian(
    cost: Tensor,
    wrt: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The second derivatives of a scalar: the Jacobian of its gradient, for each of `wrt`.

    Returns a variable of shape `wrt.shape + wrt.shape`, or a list of them; errors as `grad`.

    >>> import symgraph.tensor as T
    >>> x = T.dvector("x")
    >>> hessian((x**3).sum(), x).eval({x: [1.0, 2.0]})
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    targets = list(wrt) if isinstance(wrt, list | tuple) else [wrt]
    found = [
        jacobian(
            grad(cost, var, consider_constant, disconnected_inputs),
            var,
            consider_constant,
            "ignore",
        )
        for var in targets
    ]
    return type(wrt)(found) if isinstance(wrt, list | tuple) else found[0]


def hessian_vector_product(cost: Tensor, wrt: Any, p: Any, **options: Any) -> Any:
    """The Hessian of a scalar times `p` (shaped like `wrt`), without forming the Hessian.

    The gradient of grad(cost) . p (B. Pearlmutter, "Fast exact multiplication by the Hessian",
    1994). `options` are passed to `grad`.
    """
    targets = list(wrt) if isinstance(wrt, list | tuple) else [wrt]
    points = list(p) if isinstance(p, list | tuple) else [p]
    slopes = zip(grad(cost, targets, **options), points, strict=True)
    along = [sum_over(g * as_tensor_variable(v)) for g, v in slopes]
    total = along[0]
    for term in along[1:]:
        total = total + term
    return grad(total, wrt, disconnected_inputs="ignore", consider_constant=points)


def subgraph_grad(
    wrt: Sequence[Variable],
    end: Sequence[Variable],
    start: Mapping[Variable, Any] | None = None,
    cost: Tensor | None = None,
    details: bool = False,
) -> tuple[list[Variable], ...]:
    """The gradient from `cost` and the known gradients `start` back to `end`, and no further.

    Returns the gradients by `wrt` and by `end`; with `details` also those by `end` from `start`
    and from `cost` alone. The gradients by `end` are the `start` of the next, earlier part.
    """
    ends = list(end)
    both: list[Variable] = grad(
        cost,
        [*wrt, *ends],
        known_grads=start,
        consider_constant=ends,
        disconnected_inputs="ignore",
    )
    result = (both[: len(wrt)], both[len(wrt) :])
    if not details:
        return result
    by_start = grad(None, ends, known_grads=start, disconnected_inputs="ignore") if start else []
    by_cost = grad(cost, ends, disconnected_inputs="ignore") if cost is not None else []
    return (*result, by_start, by_cost)


def sparse_grad(var: Tensor) -> Tensor:
    """`var` itself, a look-up of rows such as W[ids], whose gradient is a scatter anyway.

    Theano's programs mark look-ups with it. Here every `W - rate * gradient` adds to the rows that
    were looked up and touches no others.

    Raises
    ------
    GraphTypeError
        If `var` is not a tensor indexed by integers.
    """
    if var.owner is None or not isinstance(var.owner.op, AdvancedSubtensor):
        raise GraphTypeError(f"sparse_grad takes a tensor indexed by integers, W[ids], not {var}")
    return var


def numeric_grad(
    f: Callable[..., Any], point: Sequence[Any], eps: float | None = None
) -> list[Array]:
    """The gradient of a function of arrays with a scalar value, by central differences.

    The step is `eps`, or what suits the coarsest dtype among the arrays.
    """
    arrays = [np.array(x) for x in point]
    coarsest = "float32" if any(a.dtype == np.float32 for a in arrays) else "float64"
    step, found = eps or STEPS[coarsest], []
    for number, array in enumerate(arrays):
        slope = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            values = [f(*_moved(arrays, number, place, sign * step)) for sign in (1, -1)]
            slope[place] = (np.asarray(values[0]) - np.asarray(values[1])) / (2 * step)
        found.append(slope)
    return found


def _moved(arrays: Sequence[Array], number: int, place: tuple[int, ...], by: float) -> list[Array]:
    moved = list(arrays)
    moved[number] = arrays[number].copy()
    moved[number][place] += by
    return moved


def verify_grad(
    fun: Callable[..., Tensor],
    pt: Sequence[Any],
    n_tests: int = 2,
    rng: Any = None,
    eps: float | None = None,
    abs_tol: float | None = None,
    rel_tol: float | None = None,
    mode: Any = None,
    cast_to_output_type: bool = False,
    no_debug_ref: bool = True,
) -> None:
    """Compare a symbolic gradient with central differences.

    Both are of the stable form of the expression, which is what functions compute.

    Parameters
    ----------
    fun
        A function of variables that returns a variable: an op, or an expression.
    pt
        Arrays of floats at which to compare.
    n_tests
        How many random projections of the output are tried.
    rng
        A NumPy generator, or RandomState; a new one of seed 0 if None.
    eps, abs_tol, rel_tol
        The step of the differences and the tolerances; those of the dtype if None.
    mode, cast_to_output_type, no_debug_ref
        Taken for Theano's sake.

    Raises
    ------
    GradientError
        Where the two differ by more than both tolerances.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    arrays = [np.asarray(value) for value in pt]
    coarsest = "float32" if any(a.dtype == np.float32 for a in arrays) else "float64"
    variables = [_variable_for(a) for a in arrays]
    whole = _with_values(as_tensor_variable(fun(*variables)))
    (output,) = rewrite(Graph(tuple(variables), (whole,)), STABLE).outputs
    absolute, relative = abs_tol or TOLERANCES[coarsest], rel_tol or TOLERANCES[coarsest]
    (value,) = interpret([output], dict(zip(variables, arrays, strict=True)))
    kind = value.dtype if is_continuous(output) else "float64"
    for _ in range(n_tests):
        weight = as_tensor_variable(rng.uniform(0.5, 1.5, np.shape(value)).astype(kind))
        cost = sum_over(output * weight)
        _compare(cost, variables, arrays, (eps, absolute, relative))


def _with_values(output: Variable) -> Any:
    """The same graph, shared variables replaced by the values they have now."""
    shared = [v for v in ancestors([output]) if isinstance(v, SharedVariable)]
    values: dict[Variable, Variable] = {
        v: v.type.constant_class(v.type, v.get_value(borrow=True)) for v in shared
    }
    return clone_graph([output], values)[0]


def _variable_for(array: Array) -> Variable:
    """An input for an array, sizes of 1 declared so that they broadcast."""
    pattern = [1 if n == 1 else None for n in array.shape]
    return TensorType(str(array.dtype), pattern).make_variable()


def _compare(
    cost: Tensor,
    variables: Sequence[Variable],
    arrays: Sequence[Array],
    settings: tuple[float | None, float, float],
) -> None:
    eps, absolute, relative = settings

    def value(*points: Array) -> Any:
        return interpret([cost], dict(zip(variables, points, strict=True)))[0]

    symbolic = grad(cost, list(variables), disconnected_inputs="ignore")
    found = interpret(symbolic, dict(zip(variables, arrays, strict=True)))
    expected = numeric_grad(value, arrays, eps)
    for number, (f, e) in enumerate(zip(found, expected, strict=True)):
        error = np.abs(f - e)
        bad = error > np.maximum(absolute, relative * np.maximum(np.abs(f), np.abs(e)))
        if bad.any() or np.isnan(error).any():
            place = np.unravel_index(int(np.argmax(np.nan_to_num(error, nan=np.inf))), e.shape)
            raise GradientError(
                f"the gradient by input {number} at {tuple(map(int, place))} is"
                f" {float(f[place])!r}, central differences give {float(e[place])!r}"
            )
