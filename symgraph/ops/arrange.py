"""Elements rearranged: repeated, rolled, flipped, padded, split; grids and ranges of floats.

All of these are compositions of index expressions, so they cost their readers no pass over memory.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import abs_, add, maximum, minimum, mod, mul, sub, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq
from symgraph.ops.create import alloc, arange, zeros
from symgraph.ops.index import diagonal, set_subtensor, subtensor, take
from symgraph.ops.join import concatenate
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, expand_dims, reshape, scalars_of, shape_i, shape_padleft
from symgraph.types import CONTINUOUS, Tensor, as_operands, as_tensor_variable, check_dtype

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_to",
    "diag",
    "diff",
    "flip",
    "fliplr",
    "flipud",
    "linspace",
    "meshgrid",
    "pad",
    "repeat",
    "roll",
    "split",
    "take_along_axis",
    "tile",
]


def _axis(axis: Any, ndim: int) -> int:
    if not isinstance(axis, int | np.integer) or not -ndim <= axis < ndim:
        raise GraphTypeError(f"axis {axis!r} of a tensor of {ndim} axes")
    return int(axis) % ndim


def _along(x: Tensor, axis: int, part: Any) -> Tensor:
    """x[:, ..., part] with `part` at an axis."""
    return subtensor(x, (*[slice(None)] * axis, part))


def broadcast_to(x: Any, shape: Any) -> Tensor:
    """`x` repeated along axes of size 1, and along new ones in front, to a shape.

    >>> broadcast_to([1.0, 2.0], (2, 2)).eval()
    array([[1., 2.],
           [1., 2.]])
    """
    return alloc(as_tensor_variable(x), *scalars_of(shape))


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element, or each part along an axis, `repeats` times; of the flattened tensor if None.

    `repeats` is an integer scalar, or a vector with one count for each part.

    >>> repeat([1.0, 2.0], 2).eval()
    array([1., 1., 2., 2.])
    """
    x = as_tensor_variable(x)
    if axis is None:
        x, axis = x.flatten(), 0
    axis, count = _axis(axis, x.type.ndim), as_tensor_variable(repeats)
    if count.type.ndim:
        return take(x, _places_repeated(count), axis)
    sizes = [shape_i(x, a) for a in range(x.type.ndim)]
    wide = alloc(expand_dims(x, axis + 1), *sizes[: axis + 1], count, *sizes[axis + 1 :])
    return reshape(wide, [*sizes[:axis], mul(sizes[axis], count), *sizes[axis + 1 :]])


def _places_repeated(counts: Tensor) -> Tensor:
    """0 counts[0] times, 1 counts[1] times, ...: how many ends lie at or before each place."""
    order = arange(shape_i(counts, 0))
    before = order.dimshuffle("x", 0) <= order.dimshuffle(0, "x")
    ends = (cast(before, "int64") * counts.dimshuffle("x", 0)).sum(1)
    places = arange(counts.sum())
    return cast(ends.dimshuffle("x", 0) <= places.dimshuffle(0, "x"), "int64").sum(1)


def tile(x: Any, reps: Any, ndim: int | None = None) -> Tensor:
    """The whole tensor side by side, `reps` times along each axis, the last ones if fewer.

    >>> tile([1.0, 2.0], (2, 2)).eval()
    array([[1., 2., 1., 2.],
           [1., 2., 1., 2.]])
    """
    x, counts = as_tensor_variable(x), scalars_of(reps)
    rank = builtins.max(x.type.ndim, len(counts), ndim or 0)
    one = as_tensor_variable(np.int64(1))
    counts = [*[one] * (rank - len(counts)), *counts]
    x = shape_padleft(x, rank - x.type.ndim)
    sizes = [shape_i(x, a) for a in range(rank)]
    pairs = [size for pair in zip(counts, sizes, strict=True) for size in pair]
    wide = dimshuffle(x, *(a for axis in range(rank) for a in ("x", axis)))
    return reshape(alloc(wide, *pairs), [mul(n, s) for n, s in zip(counts, sizes, strict=True)])


def roll(x: Any, shift: Any, axis: int | None = None) -> Tensor:
    """Elements moved on by `shift` places along an axis, those that leave it come in again.

    >>> roll([1.0, 2.0, 3.0], 1).eval()
    array([3., 1., 2.])
    """
    x = as_tensor_variable(x)
    if axis is None:
        flat = roll(x.flatten(), shift, 0)
        return reshape(flat, [shape_i(x, a) for a in range(x.type.ndim)])
    axis = _axis(axis, x.type.ndim)
    size = shape_i(x, axis)
    return take(x, mod(sub(arange(size), shift), maximum(size, 1)), axis)


def flip(x: Any, axis: Any = None) -> Tensor:
    """The order of elements reversed along some axes, all if None.

    >>> flip([1.0, 2.0]).eval()
    array([2., 1.])
    """
    x = as_tensor_variable(x)
    given = range(x.type.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    turned = {_axis(a, x.type.ndim) for a in given}
    back = slice(None, None, -1)
    return subtensor(x, tuple(back if a in turned else slice(None) for a in range(x.type.ndim)))


def flipud(x: Any) -> Tensor:
    """The order of rows reversed."""
    return flip(x, 0)


def fliplr(x: Any) -> Tensor:
    """The order of columns reversed."""
    return flip(x, 1)


def diff(x: Any, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along an axis, `n` times over.

    >>> diff([1.0, 4.0, 9.0]).eval()
    array([3., 5.])
    """
    x = as_tensor_variable(x)
    axis = _axis(axis, x.type.ndim)
    for _ in range(n):
        x = sub(_along(x, axis, slice(1, None)), _along(x, axis, slice(None, -1)))
    return x


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Tensor:
    """A border around a tensor.

    Parameters
    ----------
    pad_width
        How much: a number, a pair (before, after), or one pair for each axis; ints.
    mode
        "constant" (`constant_values`), "edge", "reflect", "symmetric" or "wrap", as in NumPy.

    >>> pad([1.0, 2.0, 3.0], 2, "reflect").eval()
    array([3., 2., 1., 2., 3., 2., 1.])
    """
    x = as_tensor_variable(x)
    widths = np.broadcast_to(np.asarray(pad_width, int), (x.type.ndim, 2))
    if mode == "constant":
        return _framed(x, widths, constant_values)
    if mode not in PLACES:
        raise GraphTypeError(f"pad has no mode {mode!r}; it has constant, {', '.join(PLACES)}")
    for axis, (before, after) in enumerate(widths):
        size = shape_i(x, axis)
        places = sub(arange(add(size, int(before + after))), int(before))
        x = take(x, PLACES[mode](places, size), axis) if before or after else x
    return x


def _framed(x: Tensor, widths: Any, value: Any) -> Tensor:
    sizes = [add(shape_i(x, axis), int(sum(pair))) for axis, pair in enumerate(widths)]
    ground = alloc(cast(as_tensor_variable(value), x.type.dtype), *sizes)
    inside = tuple(
        slice(int(before), add(shape_i(x, axis), int(before)))
        for axis, (before, _) in enumerate(widths)
    )
    return set_subtensor(subtensor(ground, inside), x)


def _reflected(places: Tensor, size: Tensor) -> Tensor:
    period = maximum(mul(2, sub(size, 1)), 1)
    place = mod(places, period)
    return minimum(place, abs_(sub(period, place)))


def _mirrored(places: Tensor, size: Tensor) -> Tensor:
    place = mod(places, mul(2, size))
    return minimum(place, sub(sub(mul(2, size), 1), place))


PLACES: dict[str, Any] = {
    "edge": lambda places, size: minimum(maximum(places, 0), sub(size, 1)),
    "reflect": _reflected,
    "symmetric": _mirrored,
    "wrap": mod,
}  # where an element of the padded axis comes from


def split(x: Any, splits_size: Any, n_splits: int, axis: int = 0) -> list[Tensor]:
    """`n_splits` parts along an axis, of the sizes in a vector or list.

    >>> [part.eval().tolist() for part in split([1.0, 2.0, 3.0], [1, 2], 2)]
    [[1.0], [2.0, 3.0]]
    """
    x = as_tensor_variable(x)
    axis, start = _axis(axis, x.type.ndim), as_tensor_variable(np.int64(0))
    if not isinstance(splits_size, list | tuple):
        vector = as_tensor_variable(splits_size)
        splits_size = [vector[k] for k in range(n_splits)]
    if len(splits_size) != n_splits:
        raise GraphTypeError(f"split: {len(splits_size)} sizes for {n_splits} parts")
    parts = []
    for size in scalars_of(splits_size):
        stop = add(start, size)
        parts.append(_along(x, axis, slice(start, stop)))
        start = stop
    return parts


def diag(x: Any, k: int = 0) -> Tensor:
    """The diagonal `k` of a matrix, or the square matrix that has a vector as its diagonal.

    >>> diag([1.0, 2.0]).eval()
    array([[1., 0.],
           [0., 2.]])
    """
    x = as_tensor_variable(x)
    if x.type.ndim == 2:
        return diagonal(_along(x, 1, slice(k, None)) if k >= 0 else _along(x, 0, slice(-k, None)))
    if x.type.ndim != 1:
        raise GraphTypeError(f"diag takes a vector or a matrix, not {x.type}")
    size = add(shape_i(x, 0), abs(k))
    rows = sub(arange(size), max(-k, 0))
    inside = (rows >= 0) & (rows < shape_i(x, 0))
    longer = concatenate([x, zeros((1,), x.type.dtype)])
    values = take(longer, switch(inside, rows, shape_i(x, 0)), 0)
    on = eq(add(arange(size).dimshuffle(0, "x"), k), arange(size).dimshuffle("x", 0))
    return switch(on, values.dimshuffle(0, "x"), cast(as_tensor_variable(np.int8(0)), x.type.dtype))


def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: str | None = None
) -> Tensor:
    """`num` numbers at equal distances from start to stop, that included if `endpoint`.

    >>> linspace(0.0, 1.0, 3).eval()
    array([0. , 0.5, 1. ])
    """
    start, stop = as_operands([start, stop])
    kind = start.type.dtype if start.type.dtype in CONTINUOUS else check_dtype("floatX")
    count = as_tensor_variable(num)
    steps = maximum(sub(count, 1), 1) if endpoint else maximum(count, 1)
    slope = true_div(cast(sub(stop, start), kind), cast(steps, kind))
    return cast(add(cast(start, kind), mul(cast(arange(count), kind), slope)), dtype or kind)


def meshgrid(*vectors: Any, indexing: str = "xy", sparse: bool = False) -> list[Tensor]:
    """Coordinates of a grid: for each vector its values along its own axis, repeated along others.

    `indexing` "xy" exchanges the first two axes, "ij" does not, as in NumPy.

    >>> [g.eval().tolist() for g in meshgrid([1.0, 2.0], [3.0])]
    [[[1.0, 2.0]], [[3.0, 3.0]]]
    """
    given = [as_tensor_variable(v) for v in vectors]
    order = list(range(len(given)))
    if indexing == "xy" and len(given) > 1:
        order[:2] = [1, 0]
    sizes = [shape_i(given[order[axis]], 0) for axis in range(len(given))]
    lifted = [
        dimshuffle(v, *(0 if order[axis] == k else "x" for axis in range(len(given))))
        for k, v in enumerate(given)
    ]
    return lifted if sparse else [alloc(v, *sizes) for v in lifted]


def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Tensor:
    """For each place of `indices` the element of x at that index along an axis.

    >>> take_along_axis([[3.0, 4.0]], [[1, 0]], 1).eval()
    array([[4., 3.]])
    """
    x, at = as_tensor_variable(x), as_tensor_variable(indices)
    if x.type.ndim != at.type.ndim:
        raise GraphTypeError(f"take_along_axis: {at.type} are no indices into {x.type}")
    axis = _axis(axis, x.type.ndim)
    places: list[Tensor] = []
    for k in range(x.type.ndim):
        order = arange(shape_i(at, k))
        beside = ["x" if other != k else 0 for other in range(x.type.ndim)]
        places.append(at if k == axis else dimshuffle(order, *beside))
    return subtensor(x, tuple(places))


def _at_least(x: Any, ndim: int, places: Sequence[int]) -> Tensor:
    x = as_tensor_variable(x)
    missing = ndim - x.type.ndim
    return expand_dims(x, list(places[:missing])) if missing > 0 else x


def atleast_1d(x: Any) -> Tensor:
    """`x`, of at least one axis."""
    return _at_least(x, 1, (0,))


def atleast_2d(x: Any) -> Tensor:
    """`x`, of at least two axes; new ones stand in front."""
    return _at_least(x, 2, (0, 1))


def atleast_3d(x: Any) -> Tensor:
    """`x`, of at least three axes, where NumPy puts them: a vector becomes (1, n, 1)."""
    x = as_tensor_variable(x)
    return expand_dims(x, 2) if x.type.ndim == 2 else _at_least(x, 3, (0, 2, 1))
