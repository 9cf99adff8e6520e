"""Matrices put together and taken apart: blocks on a diagonal, tensors as matrices."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.cast import cast
from symgraph.ops.create import zeros
from symgraph.ops.join import concatenate
from symgraph.ops.reduce import count_over
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import moveaxis, shape_i
from symgraph.ops.solve import inv, solve
from symgraph.ops.specify import match_sizes
from symgraph.types import Tensor, as_operands, promote

__all__ = ["block_diag", "tensorinv", "tensorsolve"]


def block_diag(*matrices: Any) -> Tensor:
    """The matrix that has matrices along its diagonal and zeros elsewhere.

    >>> block_diag([[1.0, 2.0]], [[3.0]]).eval()
    array([[1., 2., 0.],
           [0., 0., 3.]])
    """
    if not matrices:
        raise GraphTypeError("block_diag needs a matrix")
    blocks = as_operands(matrices)
    if any(block.type.ndim != 2 for block in blocks):
        raise GraphTypeError(f"block_diag takes matrices, not {[str(b.type) for b in blocks]}")
    dtype = promote(*(block.type.dtype for block in blocks))
    rows = []
    for k, block in enumerate(blocks):
        gaps = [zeros((shape_i(block, 0), shape_i(other, 1)), dtype) for other in blocks]
        rows.append(concatenate([*gaps[:k], cast(block, dtype), *gaps[k + 1 :]], axis=1))
    return concatenate(rows, axis=0)


def tensorinv(a: Any, ind: int = 2) -> Tensor:
    """The inverse of `tensordot(a, ., ind)`: its first axes are the last ones of A.

    The sizes of A's first `ind` axes have the product of those of the others. Raises `MatrixError`
    if there is no inverse when it runs.

    >>> tensorinv([[2.0, 0.0], [0.0, 4.0]], ind=1).eval()
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    (a,) = as_operands([a])
    if not 0 < ind < a.type.ndim:
        raise GraphTypeError(f"tensorinv: ind={ind} of a tensor of {a.type.ndim} axes")
    first, last = list(range(ind)), list(range(ind, a.type.ndim))
    inverse = inv(reshape(a, [count_over(a, first), count_over(a, last)]))
    return reshape(inverse, [shape_i(a, k) for k in (*last, *first)])


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Tensor:
    """X with `tensordot(a, X, X.ndim)` = B.

    Parameters
    ----------
    axes
        Axes of A that are moved to the end first.

    >>> tensorsolve([[2.0, 0.0], [0.0, 4.0]], [2.0, 4.0]).eval()
    array([1., 1.])
    """
    a, b = as_operands([a, b])
    for axis in axes or ():
        a = moveaxis(a, axis, -1)
    unknown = list(range(b.type.ndim, a.type.ndim))
    if not unknown:
        raise GraphTypeError(f"tensorsolve: {a.type} has no axes beyond those of {b.type}")
    a = match_sizes(a, b, [(k, k) for k in range(b.type.ndim)])
    matrix = reshape(a, [count_over(b, range(b.type.ndim)), count_over(a, unknown)])
    x = solve(matrix, reshape(b, [-1]))
    return reshape(x, [shape_i(a, k) for k in unknown])
