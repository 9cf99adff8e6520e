"""Parts of arrays that need no copy: runs of adjacent elements, and single rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from symgraph.families import Moved, flat_index
from symgraph.graph import Variable
from symgraph.kernel import Expr, Name, lit
from symgraph.lower.sizes import Sizes, is_lit


class _NeedsElementsError(Exception):
    """An index map looks elements up, so that what it takes does not lie together."""


def _refuse(k: int, where: object) -> NoReturn:
    raise _NeedsElementsError


def block_start(var: Variable, sizes: Sizes) -> Expr | None:
    """Where in its source a part begins that lies there as a whole, row-major; None if it does not.

    All axes but the first that varies have to be whole, as in x[a:b] and x[i].
    """
    node = var.owner
    if node is None or not isinstance(node.op, Moved):
        return None
    dims, source = sizes.dims(var), sizes.dims(node.inputs[0])
    index: tuple[Expr, ...] = tuple(
        lit(0) if is_lit(d, 1) else Name(f"?{a}") for a, d in enumerate(dims)
    )
    args = [sizes.arg(v) for v in node.inputs]
    try:
        where = node.op.source(index, args, _refuse)
        first = node.op.source(tuple(lit(0) for _ in dims), args, _refuse)
    except _NeedsElementsError:
        return None
    wide = [(i, d) for i, d in zip(index, dims, strict=True) if not is_lit(d, 1)]
    if not _lies_together(wide, list(zip(where, first, source, strict=True))):
        return None
    return flat_index(first, source)


def _lies_together(wide: list[tuple[Expr, Expr]], places: list[tuple[Expr, Expr, Expr]]) -> bool:
    """Whether axes, from the last, are whole axes of the source; of the first, a run is enough."""
    while wide and places:
        (index, size), (where, first, whole) = wide[-1], places.pop()
        if where == index and size == whole:
            wide = wide[:-1]
        elif is_lit(whole, 1) and where == first:
            continue
        else:
            return len(wide) == 1 and where == index + first and _fixed(places)
    return not wide and _fixed(places)


def _fixed(places: Sequence[tuple[Expr, Expr, Expr]]) -> bool:
    return all(where == first for where, first, _ in places)
