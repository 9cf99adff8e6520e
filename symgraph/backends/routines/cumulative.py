"""Running folds over the rows of an array."""

# mypy: allow-untyped-decorators

from __future__ import annotations

import math
from typing import Any

from symgraph.backends.numba.compiler import helper


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


@helper
def cummax(largest: Any, x: Any) -> None:
    """The largest element of every row so far; NaN from the first one on."""
    width, flat, out = x.shape[-1], x.ravel(), largest.ravel()
    for start in range(0, flat.size, max(width, 1)):
        out[start] = flat[start]
        for k in range(start + 1, start + width):
            best, here = out[k - 1], flat[k]
            out[k] = best if best >= here or best != best else here


@helper
def cummin(smallest: Any, x: Any) -> None:
    """The smallest element of every row so far; NaN from the first one on."""
    width, flat, out = x.shape[-1], x.ravel(), smallest.ravel()
    for start in range(0, flat.size, max(width, 1)):
        out[start] = flat[start]
        for k in range(start + 1, start + width):
            best, here = out[k - 1], flat[k]
            out[k] = best if best <= here or best != best else here


@helper
def logcumsumexp(totals: Any, x: Any) -> None:
    """The logarithm of the running sum of exponentials of every row."""
    width, flat, out = x.shape[-1], x.ravel(), totals.ravel()
    for start in range(0, flat.size, max(width, 1)):
        total = -math.inf
        for k in range(start, start + width):
            here = flat[k]
            if here == total and math.isinf(here):
                total = here
            elif here > total:
                total = here + math.log1p(math.exp(total - here))
            else:
                total += math.log1p(math.exp(here - total))
            out[k] = total
