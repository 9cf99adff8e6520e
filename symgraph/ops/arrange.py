"""Elements rearranged: broadcast, repeated, rolled, flipped; differences of neighbours.

All of these are compositions of index expressions, so they cost their readers no pass over memory.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.graph import Constant
from symgraph.ops.arith import add, maximum, mod, mul, sub
from symgraph.ops.create import alloc, arange
from symgraph.ops.index import subtensor, take
from symgraph.ops.join import concatenate
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import dimshuffle, expand_dims, scalars_of, shape_i, shape_padleft, swapaxes
from symgraph.types import Tensor, as_tensor_variable, axes_of, axis_of

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "atleast_Nd",
    "broadcast_arrays",
    "broadcast_shape",
    "broadcast_to",
    "diff",
    "ediff1d",
    "flip",
    "fliplr",
    "flipud",
    "roll",
    "rot90",
    "tile",
    "trapezoid",
]


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


def broadcast_shape(*tensors: Any, arrays_are_shapes: bool = False) -> tuple[Tensor, ...]:
    """The sizes that tensors broadcast to, as integer scalars.

    An axis broadcasts if its size is known to be 1. With `arrays_are_shapes` the operands are
    shapes: sequences of sizes.
    """
    one = as_tensor_variable(np.int64(1))
    given = [scalars_of(t) if arrays_are_shapes else _sizes(as_tensor_variable(t)) for t in tensors]
    ndim = max(map(len, given), default=0)
    padded = [[one] * (ndim - len(sizes)) + sizes for sizes in given]
    return tuple(_widest(column) for column in zip(*padded, strict=True))


def _sizes(x: Tensor) -> list[Tensor]:
    return [shape_i(x, axis) for axis in range(x.type.ndim)]


def _widest(sizes: Sequence[Tensor]) -> Tensor:
    """The first size that is not known to be 1; `alloc` checks the others against it."""
    wide = [s for s in sizes if not (isinstance(s, Constant) and s.data == 1)]
    return wide[0] if wide else sizes[0]


def broadcast_arrays(*tensors: Any) -> list[Tensor]:
    """Tensors repeated to the shape all of them broadcast to.

    >>> [v.eval().tolist() for v in broadcast_arrays([1.0, 2.0], [[3.0], [4.0]])]
    [[[1.0, 2.0], [1.0, 2.0]], [[3.0, 3.0], [4.0, 4.0]]]
    """
    sizes = broadcast_shape(*tensors)
    return [alloc(as_tensor_variable(t), *sizes) for t in tensors]


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


def roll(x: Any, shift: Any, axis: Any = None) -> Tensor:
    """Elements moved on by `shift` places along an axis, those that leave it come in again.

    `axis` and `shift` may hold several of each; the flattened tensor is rolled if `axis` is None.

    >>> roll([1.0, 2.0, 3.0], 1).eval()
    array([3., 1., 2.])
    """
    x = as_tensor_variable(x)
    if axis is None:
        flat = roll(x.flatten(), shift, 0)
        return reshape(flat, [shape_i(x, a) for a in range(x.type.ndim)])
    axes = axis if isinstance(axis, list | tuple) else [axis]
    shifts = shift if isinstance(shift, list | tuple) else [shift] * len(axes)
    for one, places in zip(axes, shifts, strict=True):
        place = axis_of(one, x.type.ndim)
        size = shape_i(x, place)
        x = take(x, mod(sub(arange(size), places), maximum(size, 1)), place)
    return x


def flip(x: Any, axis: Any = None) -> Tensor:
    """The order of elements reversed along some axes, all if None.

    >>> flip([1.0, 2.0]).eval()
    array([2., 1.])
    """
    x = as_tensor_variable(x)
    given = range(x.type.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    turned = {axis_of(a, x.type.ndim) for a in given}
    back = slice(None, None, -1)
    return subtensor(x, tuple(back if a in turned else slice(None) for a in range(x.type.ndim)))


def flipud(x: Any) -> Tensor:
    """The order of rows reversed."""
    return flip(x, 0)


def fliplr(x: Any) -> Tensor:
    """The order of columns reversed."""
    return flip(x, 1)


def rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Turned by a right angle `k` times in the plane of two axes, from the first to the second.

    >>> rot90([[1.0, 2.0], [3.0, 4.0]]).eval()
    array([[2., 4.],
           [1., 3.]])
    """
    x = as_tensor_variable(x)
    first, second = axes_of(axes, x.type.ndim)
    if k % 4 == 2:
        return flip(x, (first, second))
    turned = flip(x, second) if k % 4 == 1 else x
    if k % 4:
        turned = swapaxes(turned, first, second)
    return flip(turned, second) if k % 4 == 3 else turned


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along an axis, `n` times over.

    `prepend` and `append` are put before and behind the elements first.

    >>> diff([1.0, 4.0, 9.0]).eval()
    array([3., 5.])
    """
    x = as_tensor_variable(x)
    place = axis_of(axis, x.type.ndim)
    ends = [None if end is None else _slab(end, x, place) for end in (prepend, append)]
    x = concatenate([part for part in (ends[0], x, ends[1]) if part is not None], place)
    for _ in range(n):
        x = sub(_along(x, place, slice(1, None)), _along(x, place, slice(None, -1)))
    return x


def _slab(end: Any, x: Tensor, axis: int) -> Tensor:
    """What is put at an end of an axis: itself, or a scalar repeated along the others."""
    end = as_tensor_variable(end)
    if end.type.ndim:
        return end
    return alloc(end, *(1 if a == axis else shape_i(x, a) for a in range(x.type.ndim)))


def ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    """Differences of neighbours in the flattened tensor, with numbers before and behind them.

    >>> ediff1d([1.0, 4.0, 9.0], to_begin=0.0).eval()
    array([0., 3., 5.])
    """
    parts = [as_tensor_variable(p).flatten() for p in (to_begin,) if p is not None]
    parts.append(diff(as_tensor_variable(x).flatten()))
    parts += [as_tensor_variable(p).flatten() for p in (to_end,) if p is not None]
    return concatenate(parts)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """Integral along an axis by the trapezoidal rule, at places `x` or in steps of `dx`.

    >>> trapezoid([1.0, 2.0, 3.0]).eval()
    array(4.)
    """
    y = as_tensor_variable(y)
    place = axis_of(axis, y.type.ndim)
    steps = dx
    if x is not None:
        x = as_tensor_variable(x)
        steps = diff(x, axis=place if x.type.ndim == y.type.ndim else 0)
        if steps.type.ndim == 1:
            steps = dimshuffle(steps, *(0 if a == place else "x" for a in range(y.type.ndim)))
    pairs = add(_along(y, place, slice(1, None)), _along(y, place, slice(None, -1)))
    return sum_over(mul(mul(pairs, steps), 0.5), place)


def _at_least(x: Any, ndim: int, places: Sequence[int]) -> Tensor:
    x = as_tensor_variable(x)
    missing = ndim - x.type.ndim
    return expand_dims(x, list(places[:missing])) if missing > 0 else x


def atleast_Nd(x: Any, n: int, left: bool = True) -> Tensor:
    """`x`, of at least `n` axes; new ones stand in front, or behind unless `left`."""
    return _at_least(x, n, range(n) if left else range(-1, -n - 1, -1))


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
