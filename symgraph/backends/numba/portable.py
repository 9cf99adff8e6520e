"""What an exported module needs besides scalar.py, division.py, pointers.py and support.py.

`show/standalone.py` writes the text of these files into the module it makes, so that the module
needs nothing of symgraph. Nothing here may import from symgraph.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit

FAST = {"error_model": "numpy", "nogil": True}
driver = njit(cache=True, **FAST)
kernel = helper = routine = scalar = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **FAST)


@helper
def launch(runs: int, work: int, share: Any, *args: Any) -> None:
    """Run all of a kernel, in this thread."""
    share(0, runs, 0, *args)


@helper
def product(left: Any, right: Any, alpha: Any, beta: Any, place: Any, shape: Any) -> None:
    """c = alpha * left @ right + beta * c, c a matrix at a place; with beta == 0 only written."""
    c, made = carray(place, shape), np.dot(left, right)
    for i in range(shape[0]):
        for j in range(shape[1]):
            rest = beta * c[i, j] if beta != 0 else beta
            c[i, j] = alpha * made[i, j] + rest
