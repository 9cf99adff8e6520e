"""Tensors put together and taken apart along an axis, as NumPy's and Theano's users write it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError, ShapeError
from symgraph.graph import Constant
from symgraph.ops.arith import add, int_div, minimum, mod, mul
from symgraph.ops.arrange import atleast_1d, atleast_2d, atleast_3d
from symgraph.ops.checks import Assert
from symgraph.ops.compare import eq, ge
from symgraph.ops.create import eye
from symgraph.ops.index import subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import scalars_of, shape_i
from symgraph.types import DISCRETE, Tensor, as_tensor_variable, axis_of, check_dtype, product

__all__ = [
    "array_split",
    "column_stack",
    "dstack",
    "hstack",
    "pack",
    "split",
    "to_one_hot",
    "unpack",
    "unstack",
    "vstack",
]


def hstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors side by side: along axis 1, vectors along axis 0.

    >>> hstack([[1.0, 2.0], [3.0]]).eval()
    array([1., 2., 3.])
    """
    parts = [atleast_1d(t) for t in tensors]
    return concatenate(parts, 0 if parts and parts[0].type.ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors on top of each other, vectors as rows.

    >>> vstack([[1.0, 2.0], [3.0, 4.0]]).eval()
    array([[1., 2.],
           [3., 4.]])
    """
    return concatenate([atleast_2d(t) for t in tensors], 0)


def dstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors one behind the other along a third axis."""
    return concatenate([atleast_3d(t) for t in tensors], 2)


def column_stack(tensors: Sequence[Any]) -> Tensor:
    """Tensors side by side, vectors as columns.

    >>> column_stack([[1.0, 2.0], [3.0, 4.0]]).eval()
    array([[1., 3.],
           [2., 4.]])
    """
    parts = [as_tensor_variable(t) for t in tensors]
    return concatenate([atleast_2d(p).T if p.type.ndim < 2 else p for p in parts], 1)


def split(x: Any, splits_size: Any, n_splits: int, axis: int = 0) -> list[Tensor]:
    """`n_splits` parts along an axis, of the sizes in a vector or list, whose sum is the axis's.

    Sizes with another sum, or negative ones, are an error: where they are known `ShapeError` at
    once, else `CheckError` when the last part is computed.

    >>> [part.eval().tolist() for part in split([1.0, 2.0, 3.0], [1, 2], 2)]
    [[1.0], [2.0, 3.0]]
    """
    x = as_tensor_variable(x)
    start: Tensor = as_tensor_variable(np.int64(0))
    if not isinstance(splits_size, list | tuple):
        vector = as_tensor_variable(splits_size)
        splits_size = [vector[k] for k in range(n_splits)]
    if len(splits_size) != n_splits:
        raise GraphTypeError(f"split: {len(splits_size)} sizes for {n_splits} parts")
    parts, sizes = [], scalars_of(splits_size)
    for size in sizes:
        stop = add(start, size)
        parts.append(_cut(x, axis, start, stop))
        start = stop
    if parts and not _sizes_are_known(x, axis, sizes):
        whole = eq(start, shape_i(x, axis_of(axis, x.type.ndim)))
        fits = Assert(f"split: the sizes of {n_splits} parts do not sum to the size of the axis")
        parts[-1] = fits(parts[-1], whole, *(ge(size, 0) for size in sizes))
    return parts


def _sizes_are_known(x: Tensor, axis: int, sizes: Sequence[Tensor]) -> bool:
    """Whether sizes of parts are known, and that of the axis; `ShapeError` if they do not fit."""
    whole = x.type.shape[axis_of(axis, x.type.ndim)]
    known = [int(size.data) for size in sizes if isinstance(size, Constant)]
    if not isinstance(whole, int) or len(known) < len(sizes):
        return False
    if sum(known) != whole or min(known) < 0:
        raise ShapeError(f"split: parts of sizes {known} of an axis of {whole}")
    return True


def _cut(x: Tensor, axis: int, start: Any, stop: Any) -> Tensor:
    place = axis_of(axis, x.type.ndim)
    return subtensor(x, (*[slice(None)] * place, slice(start, stop)))


def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Parts along an axis: as many as an int says, as equal as can be, or cut at the places given.

    >>> [part.eval().tolist() for part in array_split([1.0, 2.0, 3.0], 2)]
    [[1.0, 2.0], [3.0]]
    """
    x = as_tensor_variable(x)
    if isinstance(indices_or_sections, int | np.integer):
        count = int(indices_or_sections)
        if count < 1:
            raise GraphTypeError(f"array_split: into {count} parts")
        size = shape_i(x, axis_of(axis, x.type.ndim))
        whole, more = int_div(size, count), mod(size, count)
        cuts = [add(mul(whole, k), minimum(more, k)) for k in range(1, count)]
    else:
        cuts = scalars_of(indices_or_sections)
    bounds = [None, *cuts, None]
    return [_cut(x, axis, *pair) for pair in pairwise(bounds)]


def unstack(x: Any, axis: int = 0) -> list[Tensor]:
    """The parts of a tensor along an axis of known size, without that axis.

    >>> [v.eval().tolist() for v in unstack([[1.0, 2.0], [3.0, 4.0]], axis=1)]
    [[1.0, 3.0], [2.0, 4.0]]
    """
    x = as_tensor_variable(x)
    place = axis_of(axis, x.type.ndim)
    size = x.type.shape[place]
    if not isinstance(size, int):
        raise GraphTypeError(
            f"unstack: the size of axis {axis} of {x} ({x.type}, made at {x.made_at}) is not known;"
            " declare it with shape=, or T.specify_shape"
        )
    return [subtensor(x, (*[slice(None)] * place, k)) for k in range(size)]


def to_one_hot(y: Any, nb_class: Any, dtype: str | None = None) -> Tensor:
    """For each integer its row of the identity matrix: 1 at the place it names, 0 elsewhere.

    The shape of `y` with an axis of `nb_class` behind; of `config.floatX`, or `dtype`. An integer
    outside [-nb_class, nb_class) is an error.

    >>> to_one_hot([2, 0], 3).eval()
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    y = as_tensor_variable(y)
    if y.type.dtype not in DISCRETE:
        raise GraphTypeError(f"to_one_hot takes integers, not {y.type}")
    return subtensor(eye(nb_class, dtype=check_dtype(dtype or "floatX")), y)


def pack(*tensors: Any, axes: Any = ()) -> tuple[Tensor, list[Tensor]]:
    """Tensors of any shapes in one, and what `unpack` needs to take them apart.

    All axes become one, but those in `axes`, which all have in common: counted from 0 they stay in
    front, counted from -1 behind.

    >>> whole, shapes = pack([1.0, 2.0], [[3.0, 4.0]])
    >>> whole.eval()
    array([1., 2., 3., 4.])
    """
    front, behind = _kept(axes)
    flat, shapes = list[Tensor](), list[Tensor]()
    for x in map(as_tensor_variable, tensors):
        ndim = x.type.ndim
        if ndim < front + behind:
            raise GraphTypeError(f"pack: axes={axes} of a tensor of {ndim} axes")
        sizes = [shape_i(x, axis) for axis in range(ndim)]
        middle = sizes[front : ndim - behind]
        count = product([as_tensor_variable(np.int64(1)), *middle])
        flat.append(reshape(x, [*sizes[:front], count, *sizes[ndim - behind :]]))
        shapes.append(x.shape[front : ndim - behind])
    return concatenate(flat, front), shapes


def _kept(axes: Any) -> tuple[int, int]:
    """How many axes stay in front and behind."""
    given = sorted(axes if isinstance(axes, list | tuple) else [axes])
    front = [a for a in given if a >= 0]
    behind = [a for a in given if a < 0]
    if front != list(range(len(front))) or behind != list(range(-len(behind), 0)):
        raise GraphTypeError(f"pack: axes={axes} are not the first (0, 1, ...) and last (..., -1)")
    return len(front), len(behind)


def unpack(packed: Any, axes: Any, packed_shapes: Sequence[Any]) -> list[Tensor]:
    """The tensors that `pack` put in one, with its `axes` and the shapes it gave.

    >>> whole, shapes = pack([1.0, 2.0], [[3.0, 4.0]])
    >>> [v.eval().tolist() for v in unpack(whole, (), shapes)]
    [[1.0, 2.0], [[3.0, 4.0]]]
    """
    packed = as_tensor_variable(packed)
    front, _ = _kept(axes)
    sizes = [shape_i(packed, axis) for axis in range(packed.type.ndim)]
    start: Any = as_tensor_variable(np.int64(0))
    parts = []
    for shape in packed_shapes:
        inner = scalars_of(shape)
        stop = add(start, product([as_tensor_variable(np.int64(1)), *inner]))
        part = _cut(packed, front, start, stop)
        parts.append(reshape(part, [*sizes[:front], *inner, *sizes[front + 1 :]]))
        start = stop
    return parts
