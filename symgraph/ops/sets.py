"""Vectors as sets: distinct elements, membership, intersections and unions."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from symgraph.ops.arith import add, maximum, minimum, mul, sub
from symgraph.ops.arrange import diff
from symgraph.ops.cast import cast, imag, real
from symgraph.ops.compare import eq, isnan, neq
from symgraph.ops.create import ones, zeros, zeros_like
from symgraph.ops.cumulative import cumsum
from symgraph.ops.index import set_subtensor, subtensor, take
from symgraph.ops.join import concatenate, stack
from symgraph.ops.logic import and_, invert
from symgraph.ops.reduce import any as any_of
from symgraph.ops.reshape import reshape
from symgraph.ops.search import flatnonzero, searchsorted
from symgraph.ops.shape import moveaxis, shape_i
from symgraph.ops.sort import ArgSortRows, argsort, sort
from symgraph.types import COMPLEX, CONTINUOUS, Tensor, as_operands, as_tensor_variable, axis_of

__all__ = ["intersect1d", "isin", "setdiff1d", "setxor1d", "union1d", "unique"]


def unique(
    x: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None,
) -> Any:  # fmt: skip
    """The distinct elements of the flattened tensor in rising order; several NaN are one.

    With an axis its distinct parts, by their first elements, then the next; as in NumPy, parts
    with NaN differ from all others.

    With flags a list: the elements, then where each stands first, for every element (in the shape
    of `x`; along an axis a vector) its place among the distinct ones, and how often each occurs;
    all int64.

    >>> unique([2.0, 1.0, 2.0]).eval()
    array([1., 2.])
    >>> unique([[2, 1], [0, 3], [2, 1]], axis=0).eval()
    array([[0, 3],
           [2, 1]])
    """
    x = as_tensor_variable(x)
    if axis is None:
        flat = x.flatten()
        order = argsort(flat) if return_index or return_inverse else None
        ordered = sort(flat) if order is None else take(flat, order)
        first, sizes = _starts(ordered), [shape_i(x, a) for a in range(x.type.ndim)]
    else:
        flat = moveaxis(x, axis_of(axis, x.type.ndim), 0)
        rows = _rows(flat)
        order = ArgSortRows()(rows)
        ordered = take(flat, order, 0)
        first, sizes = _row_starts(take(rows, order, 0)), [shape_i(flat, 0)]
    starts = flatnonzero(first)
    found = [take(ordered, starts, 0)]
    if axis is not None:
        found[0] = moveaxis(found[0], 0, axis)
    if return_index:
        found.append(take(order, starts))
    if return_inverse:
        number = sub(cumsum(cast(first, "int64")), 1)
        places = set_subtensor(subtensor(zeros_like(order), order), number)
        found.append(reshape(places, sizes))
    if return_counts:
        found.append(diff(concatenate([starts, shape_i(flat, 0).reshape((1,))])))
    return found if len(found) > 1 else found[0]


def _rows(x: Tensor) -> Tensor:
    """A matrix with a row for each part along axis 0, of numbers that order as its elements do."""
    if x.type.dtype in COMPLEX:
        a, b = real(x), imag(x)
        missing = add(mul(2, cast(isnan(a), "int8")), cast(isnan(b), "int8"))
        x = stack([cast(missing, a.type.dtype), a, b], axis=-1)
    sizes = [shape_i(x, a) for a in range(1, x.type.ndim)]
    return reshape(x, [shape_i(x, 0), reduce(mul, sizes, as_tensor_variable(np.int64(1)))])


def _row_starts(ordered: Tensor) -> Tensor:
    """Where a matrix with rows in order has another row than before."""
    other = any_of(neq(subtensor(ordered, slice(1, None)), subtensor(ordered, slice(None, -1))), 1)
    return concatenate([ones((minimum(shape_i(ordered, 0), 1),), "bool"), other])


def _starts(ordered: Tensor) -> Tensor:
    """Where a vector in order holds another element than before."""
    behind, before = subtensor(ordered, slice(1, None)), subtensor(ordered, slice(None, -1))
    other = neq(behind, before)
    if ordered.type.dtype in CONTINUOUS:
        other = and_(other, invert(and_(isnan(behind), isnan(before))))
    first = ones((minimum(shape_i(ordered, 0), 1),), "bool")
    return concatenate([first, other])


def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element occurs among others, in any shape.

    >>> isin([1, 2, 5], [2, 1, 7]).eval()
    array([ True,  True, False])
    """
    x, among = as_operands([element, test_elements])
    ordered = sort(among.flatten())
    place = searchsorted(ordered, x)
    last = maximum(sub(shape_i(ordered, 0), 1), 0)
    padded = concatenate([ordered, zeros((1,), ordered.type.dtype)])
    here = take(padded, minimum(place, last))
    known = and_(eq(here, x), shape_i(ordered, 0) > 0)
    return eq(known, False) if invert else known


def _kept(x: Tensor, mask: Tensor) -> Tensor:
    return take(x, flatnonzero(mask))


def intersect1d(x: Any, y: Any, assume_unique: bool = False) -> Tensor:
    """The distinct elements that two tensors have in common, in rising order.

    >>> intersect1d([1, 3, 4, 3], [3, 1, 9]).eval()
    array([1, 3])
    """
    distinct = unique(x)
    return _kept(distinct, isin(distinct, y))


def union1d(x: Any, y: Any) -> Tensor:
    """The distinct elements of two tensors together, in rising order.

    >>> union1d([1, 3], [2, 3]).eval()
    array([1, 2, 3])
    """
    return unique(concatenate([as_tensor_variable(v).flatten() for v in (x, y)]))


def setdiff1d(x: Any, y: Any, assume_unique: bool = False) -> Tensor:
    """The distinct elements of one tensor that another does not have, in rising order.

    >>> setdiff1d([1, 3, 4], [3]).eval()
    array([1, 4])
    """
    distinct = unique(x)
    return _kept(distinct, isin(distinct, y, invert=True))


def setxor1d(x: Any, y: Any, assume_unique: bool = False) -> Tensor:
    """The distinct elements that only one of two tensors has, in rising order.

    >>> setxor1d([1, 3], [2, 3]).eval()
    array([1, 2])
    """
    return union1d(setdiff1d(x, y), setdiff1d(y, x))
