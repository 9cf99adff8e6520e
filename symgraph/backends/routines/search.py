"""Where things are: positions of nonzero elements, places in sorted vectors."""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from symgraph.backends.numba.compiler import helper
from symgraph.backends.numba.scalar import rank


@helper
def nonzero(positions: Any, mask: Any) -> None:
    """Fill in where the mask holds, counted along the flattened mask."""
    place, flat = 0, mask.ravel()
    for k in range(flat.size):
        if flat[k]:
            positions[place] = k
            place += 1


@helper
def searchsorted(places: Any, ordered: Any, values: Any, right: int) -> None:
    """For each value the number of elements before it: less than it, or not greater if `right`."""
    flat, out = values.ravel(), places.ravel()
    for k in range(flat.size):
        value, low, high = rank(flat[k]), 0, ordered.size
        while low < high:
            middle = (low + high) // 2
            here = rank(ordered[middle])
            if here < value or (right and here == value):
                low = middle + 1
            else:
                high = middle
        out[k] = low
