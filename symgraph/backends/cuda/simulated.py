"""The words that generated kernels use, under numba's CUDA simulator.

`card.py` has the same words for a card; `words.py` picks. Kernels name no module of numba's, so
one text serves both.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from symgraph.backends.cuda import meanings
from symgraph.backends.cuda.meanings import *  # noqa: F403


def kernel(function: Callable[..., None]) -> Any:
    """A kernel: its numbers go where they go, without warnings."""

    def run(*args: Any) -> None:
        with np.errstate(all="ignore"):
            function(*args)

    return cuda.jit(run)


def scalar(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numbers."""
    return function


@cuda.jit(device=True)
def thread() -> int:
    """The number of this thread among all that were launched."""
    return int(cuda.grid(1))


@cuda.jit(device=True)
def threads() -> int:
    """How many threads were launched."""
    return int(cuda.gridsize(1))


__all__ = ["kernel", "scalar", "thread", "threads"]
__all__ += meanings.__all__
