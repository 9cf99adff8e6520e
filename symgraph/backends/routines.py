"""Native routines that ops call by name: `(outputs..., inputs...)`, row-major arrays."""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from symgraph.backends.compiler import helper


@helper
def nonzero(positions: Any, mask: Any) -> None:
    """Fill in where the mask holds, counted along the flattened mask."""
    place, flat = 0, mask.ravel()
    for k in range(flat.size):
        if flat[k]:
            positions[place] = k
            place += 1


@helper
def cumsum(sums: Any, x: Any) -> None:
    """Running sums of every row."""
    width, flat, out = x.shape[-1], x.ravel(), sums.ravel()
    for start in range(0, flat.size, max(width, 1)):
        out[start] = flat[start]
        for k in range(start + 1, start + width):
            out[k] = out[k - 1] + flat[k]


@helper
def cumprod(products: Any, x: Any) -> None:
    """Running products of every row."""
    width, flat, out = x.shape[-1], x.ravel(), products.ravel()
    for start in range(0, flat.size, max(width, 1)):
        out[start] = flat[start]
        for k in range(start + 1, start + width):
            out[k] = out[k - 1] * flat[k]
