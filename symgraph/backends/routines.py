"""Native routines that ops call by name: `(outputs..., inputs...)`, row-major arrays."""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from symgraph.backends.compiler import helper

VERSION = 1  # of all routines: a change makes cached code be compiled again


@helper
def nonzero(positions: Any, mask: Any) -> None:
    """Fill in where the mask holds, counted along the flattened mask."""
    place, flat = 0, mask.ravel()
    for k in range(flat.size):
        if flat[k]:
            positions[place] = k
            place += 1
