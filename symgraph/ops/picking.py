"""Elements picked out and put back by arrays of indices, by conditions, along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.graph import Variable
from symgraph.ops.arith import add, int_div, maximum, minimum, mod, mul, sub
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq, neq
from symgraph.ops.create import alloc, arange, zeros_like
from symgraph.ops.index import inside, set_subtensor, subtensor, take
from symgraph.ops.search import flatnonzero
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, scalars_of, shape_i
from symgraph.types import Tensor, as_operands, as_tensor_variable, axis_of, product

__all__ = [
    "choose",
    "compress",
    "extract",
    "inverse_permutation",
    "nonzero_values",
    "permute_row_elements",
    "piecewise",
    "put_along_axis",
    "ravel_multi_index",
    "select",
    "take_along_axis",
    "unravel_index",
]


def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Tensor:
    """For each place of `indices` the element of x at that index along an axis.

    Other axes have equal sizes, or a size known to be 1. None takes from the flattened tensor.

    >>> take_along_axis([[3.0, 4.0]], [[1, 0]], 1).eval()
    array([[4., 3.]])
    """
    x = as_tensor_variable(x)
    if axis is None:
        x, axis = x.flatten(), 0
    return subtensor(x, _along(x, indices, axis))


def put_along_axis(x: Any, indices: Any, values: Any, axis: int | None = -1) -> Tensor:
    """A copy of x in which the elements `take_along_axis` takes are `values`.

    >>> put_along_axis([[3.0, 4.0]], [[1]], 0.0, 1).eval()
    array([[3., 0.]])
    """
    x = as_tensor_variable(x)
    if axis is None:
        sizes = [shape_i(x, a) for a in range(x.type.ndim)]
        return put_along_axis(x.flatten(), indices, values, 0).reshape(sizes)
    return set_subtensor(subtensor(x, _along(x, indices, axis)), values)


def _along(x: Tensor, indices: Any, axis: int) -> tuple[Tensor, ...]:
    """One index array for each axis: the indices along one, every place along the others."""
    at = as_tensor_variable(indices)
    if x.type.ndim != at.type.ndim:
        raise GraphTypeError(f"take_along_axis: {at.type} are no indices into {x.type}")
    axis = axis_of(axis, x.type.ndim)
    places: list[Tensor] = []
    for k in range(x.type.ndim):
        beside = ["x" if other != k else 0 for other in range(x.type.ndim)]
        places.append(at if k == axis else dimshuffle(arange(shape_i(x, k)), *beside))
    return tuple(places)


def choose(index: Any, choices: Any, mode: str = "raise") -> Tensor:
    """For each place the element there of the choice that `index` names.

    Parameters
    ----------
    choices
        A list of tensors, or one tensor whose parts along axis 0 are the choices; they and
        `index` broadcast.
    mode
        What an index out of range means, as in `take`; negative ones are out of range.

    >>> choose([0, 1, 0], [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]).eval()
    array([ 1., 20.,  3.])
    """
    at = as_tensor_variable(index)
    if isinstance(choices, list | tuple):
        options = as_operands(choices)
        number = _choice(at, as_tensor_variable(np.int64(len(options))), mode)
        result = options[-1]
        for k in reversed(range(len(options) - 1)):
            result = switch(eq(number, k), options[k], result)
        return result
    whole = as_tensor_variable(choices)
    number = _choice(at, shape_i(whole, 0), mode)
    ndim = whole.type.ndim - 1
    places = []
    for axis in range(ndim):
        beside = ["x"] * axis + [0] + ["x"] * (ndim - axis - 1)
        places.append(dimshuffle(arange(shape_i(whole, axis + 1)), *beside))
    return subtensor(whole, (number, *places))


def _choice(at: Tensor, count: Tensor, mode: str) -> Tensor:
    if mode == "wrap":
        return mod(at, count)
    if mode == "clip":
        return maximum(minimum(at, sub(count, 1)), 0)
    if mode != "raise":
        raise GraphTypeError(f"choose: mode is raise, wrap or clip, not {mode!r}")
    return inside(at, count)


def compress(condition: Any, x: Any, axis: int | None = None) -> Tensor:
    """The parts along an axis, of the flattened tensor if None, where a vector is nonzero.

    >>> compress([0, 1], [[1.0, 2.0], [3.0, 4.0]], axis=0).eval()
    array([[3., 4.]])
    """
    return take(x, flatnonzero(condition), axis)


def extract(condition: Any, x: Any) -> Tensor:
    """The elements of x where `condition` is nonzero, both flattened."""
    return compress(condition, x)


def nonzero_values(x: Any) -> Tensor:
    """The nonzero elements of a tensor, in row-major order.

    >>> nonzero_values([0.0, 3.0, 0.0, 4.0]).eval()
    array([3., 4.])
    """
    return extract(neq(x, 0), x)


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """Elementwise the first choice whose condition holds, `default` where none does.

    >>> select([[True, False, False], [True, True, False]], [1.0, 2.0], 0.0).eval()
    array([1., 2., 0.])
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise GraphTypeError(f"select: {len(condlist)} conditions, {len(choicelist)} choices")
    *choices, result = as_operands([*choicelist, default])
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        result = switch(condition, choice, result)
    return result


def piecewise(x: Any, condlist: Sequence[Any], funclist: Sequence[Any], *args: Any) -> Tensor:
    """Elementwise the value of the last function whose condition holds.

    A function may be a number; one more function than conditions is what holds elsewhere, else 0.

    >>> piecewise([-1.0, 2.0], [[True, False]], [0.0, lambda x: x * x]).eval()
    array([0., 4.])
    """
    x, count = as_tensor_variable(x), len(condlist)
    if len(funclist) not in (count, count + 1):
        raise GraphTypeError(f"piecewise: {len(funclist)} functions for {count} conditions")
    values = [f(x, *args) if callable(f) and not isinstance(f, Variable) else f for f in funclist]
    values = [cast(as_tensor_variable(v), x.type.dtype) for v in values]
    result = values[count] if len(values) > count else zeros_like(x)
    for condition, value in zip(condlist, values, strict=False):
        result = switch(condition, value, result)
    return result


def inverse_permutation(permutation: Any) -> Tensor:
    """For each place of the last axis where it stands in a permutation.

    >>> inverse_permutation([2, 0, 1]).eval()
    array([1, 2, 0])
    """
    p = as_tensor_variable(permutation)
    sizes = [shape_i(p, axis) for axis in range(p.type.ndim)]
    order = alloc(cast(arange(sizes[-1]), p.type.dtype), *sizes)
    return put_along_axis(zeros_like(p), p, order, -1)


def permute_row_elements(x: Any, y: Any, inverse: bool = False) -> Tensor:
    """The elements along the last axis of `x` in the order of the permutations in `y`.

    With `inverse`, element k goes to place y[k] instead of coming from there. Axes in front
    broadcast where their size is known to be 1, or where there are none.

    >>> permute_row_elements([[1.0, 2.0, 3.0]], [2, 0, 1]).eval()
    array([[3., 1., 2.]])
    """
    x, p = as_tensor_variable(x), as_tensor_variable(y)
    p = inverse_permutation(p) if inverse else p
    ndim = max(x.type.ndim, p.type.ndim)
    x, p = (dimshuffle(v, *["x"] * (ndim - v.type.ndim), *range(v.type.ndim)) for v in (x, p))
    return take_along_axis(x, p, -1)


def unravel_index(
    indices: Any, dims: Any, order: str = "C", ndim: int | None = None
) -> tuple[Tensor, ...]:
    """For each axis of a shape the indices of elements given by their place in the flattened.

    `ndim` is the number of axes, where `dims` is a vector whose length is not known.

    >>> [int(v.eval()) for v in unravel_index(5, (2, 3))]
    [1, 2]
    """
    sizes = scalars_of(dims, ndim)
    rest = inside(indices, product([as_tensor_variable(np.int64(1)), *sizes]))
    found: list[Tensor] = []
    for size in sizes if order == "F" else sizes[::-1]:
        found.append(mod(rest, size))
        rest = int_div(rest, size)
    return tuple(found if order == "F" else found[::-1])


def ravel_multi_index(
    multi_index: Sequence[Any], dims: Any, mode: Any = "raise", order: str = "C"
) -> Tensor:
    """The place in the flattened tensor of elements given by one index for each axis.

    `mode`, one for all or one for each axis: what an index out of range means, as in `take`;
    negative ones are out of range.

    >>> int(ravel_multi_index((1, 2), (2, 3)).eval())
    5
    """
    sizes = scalars_of(dims, len(multi_index))
    modes = mode if isinstance(mode, list | tuple) else [mode] * len(sizes)
    if len(multi_index) != len(sizes) or len(modes) != len(sizes):
        raise GraphTypeError(f"ravel_multi_index: {len(multi_index)} indices, {len(sizes)} axes")
    triples = list(zip(multi_index, sizes, modes, strict=True))
    place: Tensor = as_tensor_variable(np.int64(0))
    for at, size, how in triples if order == "C" else triples[::-1]:
        place = add(mul(place, size), _choice(as_tensor_variable(at), size, how))
    return place
