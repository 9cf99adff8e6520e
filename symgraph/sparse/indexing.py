"""Parts of sparse matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.ops.cast import cast
from symgraph.ops.compare import ge, lt
from symgraph.ops.create import arange, zeros
from symgraph.ops.csr import CsrFind
from symgraph.ops.index import set_subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.logic import and_
from symgraph.ops.search import nonzero
from symgraph.ops.select import switch
from symgraph.ops.shape import make_vector, shape_i
from symgraph.sparse.matrix import from_entries, parts_of, to_format
from symgraph.sparse.products import meetings
from symgraph.types import DISCRETE, Tensor, as_tensor_variable

__all__ = [
    "get_item",
    "get_item_2d",
    "get_item_2lists",
    "get_item_list",
    "get_item_scalar",
]


def get_item(x: Any, index: Any) -> Any:
    """x[index]: what the functions below do, as an index says.

    A pair of slices or integers, or one of them, gives a sparse matrix; two integers a scalar; two
    index vectors a dense vector; one index vector the rows it names, sparse.
    """
    entries = index if isinstance(index, tuple) else (index, slice(None))
    if len(entries) != 2:
        raise GraphTypeError(f"a sparse matrix takes one or two indices, not {len(entries)}")
    kinds = [None if isinstance(e, slice) else as_tensor_variable(_array(e)).type for e in entries]
    ranks = [-1 if kind is None else kind.ndim for kind in kinds]
    if any(kind is not None and kind.dtype not in DISCRETE for kind in kinds):
        raise GraphTypeError(f"a sparse matrix is indexed by integers and slices, not {index!r}")
    if ranks == [0, 0]:
        return get_item_scalar(x, entries)
    if min(ranks) == 1:
        return get_item_2lists(x, *entries)
    if ranks == [1, -1] and entries[1] == slice(None):
        return get_item_list(x, entries[0])
    if max(ranks) == 1:
        raise GraphTypeError("index vectors of sparse matrices go alone or in pairs: x[rows]")
    return get_item_2d(x, entries)


def _array(entry: Any) -> Any:
    return np.asarray(entry) if isinstance(entry, list | tuple | int) else entry


def get_item_2d(x: Any, index: Any) -> Any:
    """x[rows, columns] of slices, with any steps, or integers, which keep their axis; sparse."""
    first, second = index if isinstance(index, tuple | list) else (index, slice(None))
    m = parts_of(x)
    new, sizes, inside = [], [], None
    for places, count, entry in ((m.rows, m.size[0], first), (m.columns, m.size[1], second)):
        chosen = _chosen(entry, count)
        order = arange(shape_i(chosen, 0))
        where = set_subtensor((zeros((count,), "int64") - 1)[chosen], order)[places]
        here = ge(where, 0)
        inside = here if inside is None else and_(inside, here)
        new.append(where)
        sizes.append(shape_i(chosen, 0))
    (kept,) = nonzero(inside)
    return from_entries(new[0][kept], new[1][kept], m.data[kept], make_vector(sizes), m.format)


def _chosen(entry: Any, count: Tensor) -> Tensor:
    """The places of an axis that a slice or an integer means."""
    places = arange(count)
    return places[entry] if isinstance(entry, slice) else places[entry].dimshuffle("x")


def get_item_list(x: Any, index: Any) -> Any:
    """The rows named by a vector of integers, in that order, repeated as often; sparse."""
    m = parts_of(to_format(x, "csr"))
    rows = arange(m.size[0])[_vector(index)]
    left, right = meetings(rows, m.indptr)
    shape = make_vector([shape_i(rows, 0), m.size[1]])
    return from_entries(left, m.indices[right], m.data[right], shape, m.format)


def get_item_2lists(x: Any, ind1: Any, ind2: Any) -> Tensor:
    """The elements at pairs of indices, a dense vector; the matrix has to have sorted indices."""
    m = parts_of(x)
    rows = arange(m.size[0])[_vector(ind1)]
    columns = arange(m.size[1])[_vector(ind2)]
    pair = (rows, columns) if m.format == "csr" else (columns, rows)
    place = CsrFind()(*pair, m.indices, m.indptr)
    padded = concatenate([m.data, cast([0], m.data.type.dtype)])
    return padded[switch(lt(place, 0), shape_i(m.data, 0), place)]


def get_item_scalar(x: Any, index: Any) -> Tensor:
    """The element at a row and a column, a scalar."""
    row, column = (as_tensor_variable(_array(i)).dimshuffle("x") for i in index)
    return get_item_2lists(x, row, column)[0]


def _vector(index: Any) -> Tensor:
    found = as_tensor_variable(_array(index))
    if found.type.ndim != 1:
        raise GraphTypeError(f"an index vector is needed, not {found} ({found.type})")
    return found
