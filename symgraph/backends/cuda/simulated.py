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
    """The number of this thread among all that were launched, each a team of its own."""
    return int(cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y)


@cuda.jit(device=True)
def threads() -> int:
    """How many threads were launched."""
    return int(cuda.gridDim.x * cuda.blockDim.y)


@cuda.jit(device=True)
def team() -> int:
    """The number of this thread's team among all that were launched."""
    return int(cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y)


@cuda.jit(device=True)
def teams() -> int:
    """How many teams were launched."""
    return int(cuda.gridDim.x * cuda.blockDim.y)


@cuda.jit(device=True)
def member() -> int:
    """The number of this thread in its team."""
    return int(cuda.threadIdx.x)


@cuda.jit(device=True)
def members() -> int:
    """How many threads a team has: a power of two."""
    return int(cuda.blockDim.x)


@cuda.jit(device=True)
def team_sync() -> None:
    """Wait until all members are here, and see what they wrote."""
    cuda.syncthreads()


@cuda.jit(device=True)
def exchange(x: Any, distance: int) -> Any:
    """The number that the member has whose own number differs by `distance`, a power of two."""
    room = cuda.shared.array(0, np.asarray(x).dtype)
    room[cuda.threadIdx.x] = x
    cuda.syncthreads()
    theirs = room[cuda.threadIdx.x ^ distance]
    cuda.syncthreads()
    return theirs


def is_aligned(array: Any) -> bool:
    """Whether an array begins where four elements can be read at once."""
    return True


def load_four(array: Any, place: int) -> tuple[Any, ...]:
    """Four neighbours."""
    return tuple(array[place + k] for k in range(4))


read_four = load_four


def store_four(array: Any, place: int, *values: Any) -> None:
    """Write four neighbours."""
    for k, value in enumerate(values):
        array[place + k] = value


@cuda.jit(device=True)
def atomic_add(array: Any, place: int, value: Any) -> None:
    """Add to an element, to which others may add at the same time."""
    cuda.atomic.add(array, place, value)


@cuda.jit(device=True)
def block_sync() -> None:
    """Wait until all threads of the block are here, and see what they wrote."""
    cuda.syncthreads()


def room(count: int, dtype: Any) -> Any:
    """A word for memory that the threads of a block share: `count` numbers, once in a kernel."""

    @cuda.jit(device=True)
    def shared() -> Any:
        return cuda.shared.array(count, np.asarray(dtype(0)).dtype)

    return shared


__all__ = [
    "atomic_add",
    "block_sync",
    "exchange",
    "kernel",
    "member",
    "members",
    "scalar",
    "team",
    "team_sync",
    "teams",
]
__all__ += ["is_aligned", "load_four", "read_four", "room", "store_four", "thread", "threads"]
__all__ += meanings.__all__
