"""Ranges and grids: numbers at equal distances, coordinates, indices of triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import add, maximum, mul, pow, sub, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq, gt
from symgraph.ops.create import alloc, arange, tri
from symgraph.ops.logic import and_, invert
from symgraph.ops.search import nonzero
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, shape_i, shape_padleft
from symgraph.types import CONTINUOUS, Tensor, as_operands, as_tensor_variable, check_dtype, promote

__all__ = [
    "geomspace",
    "indices",
    "ix_",
    "linspace",
    "logspace",
    "meshgrid",
    "mgrid",
    "ogrid",
    "tril_indices",
    "tril_indices_from",
    "triu_indices",
    "triu_indices_from",
    "vander",
]


def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: str | None = None
) -> Tensor:
    """`num` numbers at equal distances from start to stop, that included if `endpoint`.

    Of tensors, their elements' numbers lie along a new axis in front.

    >>> linspace(0.0, 1.0, 3).eval()
    array([0. , 0.5, 1. ])
    """
    start, stop = as_operands([start, stop])
    common = promote(start.type.dtype, stop.type.dtype)
    kind = common if common in CONTINUOUS else check_dtype("floatX")
    start, stop, count = cast(start, kind), cast(stop, kind), as_tensor_variable(num)
    steps = maximum(sub(count, 1), 1) if endpoint else maximum(count, 1)
    ndim = max(start.type.ndim, stop.type.ndim)
    order = dimshuffle(arange(count), 0, *["x"] * ndim)
    slope = true_div(sub(stop, start), cast(steps, kind))
    line = add(start, mul(cast(order, kind), slope))
    if endpoint:
        line = switch(and_(eq(order, sub(count, 1)), gt(count, 1)), stop, line)
    return cast(line, dtype or kind)


def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: str | None = None,
) -> Tensor:  # fmt: skip
    """`base` to the powers `linspace(start, stop, num)`.

    >>> logspace(0.0, 2.0, 3).eval()
    array([  1.,  10., 100.])
    """
    powers = pow(base, linspace(start, stop, num, endpoint))
    return cast(powers, dtype or powers.type.dtype)


def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: str | None = None
) -> Tensor:
    """`num` numbers from start to stop, each the one before times a constant.

    Both are positive or both negative.

    >>> geomspace(1.0, 8.0, 4).eval()
    array([1., 2., 4., 8.])
    """
    start, stop = as_operands([start, stop])
    common = promote(start.type.dtype, stop.type.dtype)
    kind = common if common in CONTINUOUS else check_dtype("floatX")
    start, stop = cast(start, kind), cast(stop, kind)
    share = linspace(cast(as_tensor_variable(0.0), kind), 1.0, num, endpoint)
    share = dimshuffle(share, 0, *["x"] * max(start.type.ndim, stop.type.ndim))
    line = mul(start, pow(true_div(stop, start), share))
    line = switch(eq(share, 1), stop, line)
    return cast(line, dtype or kind)


def meshgrid(*vectors: Any, indexing: str = "xy", sparse: bool = False) -> list[Tensor]:
    """Coordinates of a grid: for each vector its values along its own axis, repeated along others.

    `indexing` "xy" exchanges the first two axes, "ij" does not, as in NumPy.

    >>> [g.eval().tolist() for g in meshgrid([1.0, 2.0], [3.0])]
    [[[1.0, 2.0]], [[3.0, 3.0]]]
    """
    given = [as_tensor_variable(v).flatten() for v in vectors]
    order = list(range(len(given)))
    if indexing not in ("xy", "ij"):
        raise GraphTypeError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    if indexing == "xy" and len(given) > 1:
        order[:2] = [1, 0]
    sizes = [shape_i(given[order[axis]], 0) for axis in range(len(given))]
    lifted = [
        dimshuffle(v, *(0 if order[axis] == k else "x" for axis in range(len(given))))
        for k, v in enumerate(given)
    ]
    return lifted if sparse else [alloc(v, *sizes) for v in lifted]


class Grid:
    """`mgrid[0:3, 0:1:5j]`: the coordinates of a grid, one tensor for each slice.

    A slice's step may be imaginary: then it is the number of points, the stop included. A single
    slice gives its points themselves.
    """

    def __init__(self, sparse: bool) -> None:
        self.sparse = sparse

    def __getitem__(self, slices: slice | tuple[slice, ...]) -> Any:
        if isinstance(slices, slice):
            return _points(slices)
        return meshgrid(*map(_points, slices), indexing="ij", sparse=self.sparse)


def _points(part: slice) -> Tensor:
    start = 0 if part.start is None else part.start
    if isinstance(part.step, complex):
        return linspace(start, part.stop, int(abs(part.step)), dtype="floatX")
    return arange(start, part.stop, 1 if part.step is None else part.step)


mgrid, ogrid = Grid(sparse=False), Grid(sparse=True)


def indices(sizes: Any, sparse: bool = False) -> list[Tensor]:
    """For each axis of a shape the index along it, of every element.

    >>> [v.eval().tolist() for v in indices((2, 2))]
    [[[0, 0], [1, 1]], [[0, 1], [0, 1]]]
    """
    return meshgrid(*map(arange, sizes), indexing="ij", sparse=sparse)


def ix_(*vectors: Any) -> tuple[Tensor, ...]:
    """Vectors as indices of their own axes: `x[ix_([0, 2], [1, 3])]` is what the two pick out.

    A boolean vector stands for the indices where it holds.
    """
    given = [as_tensor_variable(v) for v in vectors]
    for v in given:
        if v.type.ndim != 1:
            raise GraphTypeError(f"ix_ takes vectors, not {v.type}")
    given = [nonzero(v)[0] if v.type.dtype == "bool" else v for v in given]
    places = range(len(given))
    return tuple(
        dimshuffle(v, *(0 if axis == k else "x" for axis in places)) for k, v in enumerate(given)
    )


def tril_indices(n: Any, k: Any = 0, m: Any = None) -> tuple[Tensor, ...]:
    """Rows and columns of the elements on and below diagonal `k` of an (n, m) matrix.

    >>> [v.eval().tolist() for v in tril_indices(2)]
    [[0, 1, 1], [0, 0, 1]]
    """
    found: tuple[Tensor, ...] = nonzero(tri(n, m, k, "bool"))
    return found


def triu_indices(n: Any, k: Any = 0, m: Any = None) -> tuple[Tensor, ...]:
    """Rows and columns of the elements on and above diagonal `k` of an (n, m) matrix."""
    below = tri(n, m, sub(as_tensor_variable(k), 1), "bool")
    found: tuple[Tensor, ...] = nonzero(invert(below))
    return found


def tril_indices_from(x: Any, k: Any = 0) -> tuple[Tensor, ...]:
    """Rows and columns of the elements of a matrix on and below diagonal `k`."""
    x = as_tensor_variable(x)
    return tril_indices(shape_i(x, 0), k, shape_i(x, 1))


def triu_indices_from(x: Any, k: Any = 0) -> tuple[Tensor, ...]:
    """Rows and columns of the elements of a matrix on and above diagonal `k`."""
    x = as_tensor_variable(x)
    return triu_indices(shape_i(x, 0), k, shape_i(x, 1))


def vander(x: Any, N: Any = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix of a vector: its powers as columns, the highest first.

    >>> vander([2.0, 3.0], 3).eval()
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    x = as_tensor_variable(x)
    count = as_tensor_variable(np.int64(N) if isinstance(N, int) else N) if N is not None else None
    count = shape_i(x, 0) if count is None else count
    powers = arange(count)
    powers = powers if increasing else sub(sub(count, 1), powers)
    wide = dimshuffle(x, 0, "x")
    return pow(wide, cast(shape_padleft(powers), x.type.dtype))
