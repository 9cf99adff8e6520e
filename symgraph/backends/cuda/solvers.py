"""Factorisations on a device, for whole batches: cuSOLVER and cuBLAS by way of CuPy, or LAPACK.

CuPy's public functions factor one matrix at a time, and wait for it. What is called here for
batches is what CuPy itself uses: `tests/backends/test_cuda_library.py` holds names and arguments to
the version that is installed. `Simulated` stands in for it where devices are simulated, by SciPy.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np

from symgraph.backends.cuda import products
from symgraph.later import Later

cupy, cupyx = Later("cupy"), Later("cupyx")
decomposition = Later("cupy.linalg._decomposition")
card_linalg = Later("cupyx.scipy.linalg")
scipy_linalg = Later("scipy.linalg")
LETTERS = {"f": "s", "d": "d", "F": "c", "D": "z"}
LARGEST_BATCHED = 1024  # rows from which cuBLAS's batched routines lose to one call a matrix


class Solvers(Protocol):
    """What NumPy's and CuPy's `linalg` have no function for. Arrays are batches of matrices."""

    def strict(self) -> AbstractContextManager[Any]:
        """Inside the block, a routine that fails raises `LinAlgError`."""

    def lu_factor(self, a: Any) -> tuple[Any, Any]:
        """Both factors in one matrix, and for each row the one it was exchanged for."""

    def lu_solve(self, lu: Any, pivots: Any, b: Any, mode: int) -> Any:
        """X with op(A) X = B from the factors of A; op is by `mode` nothing, ', conjugate '."""

    def solve_triangular(self, a: Any, b: Any, lower: bool, mode: int, unit: bool) -> Any:
        """X with op(A) X = B for triangular A."""


class Card:
    """cuSOLVER and cuBLAS."""

    def strict(self) -> AbstractContextManager[Any]:
        """CuPy looks at what a routine reports, and waits for it."""
        found: AbstractContextManager[Any] = cupyx.errstate(linalg="raise")
        return found

    def lu_factor(self, a: Any) -> tuple[Any, Any]:
        """Square matrices without a wait; others one by one."""
        if a.shape[-1] != a.shape[-2]:
            return each(
                lambda x: card_linalg.lu_factor(x, check_finite=False), cupy, a.shape[:-2], a
            )
        columns, pivots, _ = decomposition._lu_factor(a.swapaxes(-1, -2), a.dtype)
        return columns.swapaxes(-1, -2), pivots - 1

    def lu_solve(self, lu: Any, pivots: Any, b: Any, mode: int) -> Any:
        """cuBLAS for a batch of small matrices; cuSOLVER, one by one, for others."""
        n, width = b.shape[-2:]
        count = prod(b.shape[:-2])
        if count == 1 or n > LARGEST_BATCHED:
            return solved_one_by_one(card_linalg, cupy, lu, pivots, b, mode)
        factors = lu.reshape(count, n, n).swapaxes(1, 2).copy(order="C")
        sides = b.reshape(count, n, width).swapaxes(1, 2).copy(order="C")
        rows = pivots.reshape(count, n) + np.int32(1)
        info = np.zeros(1, np.int32)
        solve = getattr(cupy.cuda.cublas, f"{LETTERS[lu.dtype.char]}getrsBatched")
        places = addresses(factors), addresses(sides)
        solve(
            cupy.cuda.device.get_cublas_handle(), mode, n, width, places[0].data.ptr, n,
            rows.data.ptr, places[1].data.ptr, n, info.ctypes.data, count,
        )  # fmt: skip
        return sides.swapaxes(1, 2).reshape(b.shape)

    def solve_triangular(self, a: Any, b: Any, lower: bool, mode: int, unit: bool) -> Any:
        """CuPy's takes batches."""
        return card_linalg.solve_triangular(a, b, mode, lower, unit)


def addresses(batch: Any) -> Any:
    """Where each matrix of a batch lies, on the device."""
    step = batch.nbytes // len(batch)
    start = batch.data.ptr
    return cupy.arange(start, start + step * len(batch), step, dtype=cupy.uintp)


class Simulated:
    """LAPACK, as SciPy has it."""

    def strict(self) -> AbstractContextManager[Any]:
        """Nothing: NumPy and SciPy always raise it."""
        return nullcontext()

    def lu_factor(self, a: Any) -> tuple[Any, Any]:
        """One by one."""
        return each(lambda x: scipy_linalg.lu_factor(x, check_finite=False), np, a.shape[:-2], a)

    def lu_solve(self, lu: Any, pivots: Any, b: Any, mode: int) -> Any:
        """One by one."""
        return solved_one_by_one(scipy_linalg, np, lu, pivots, b, mode)

    def solve_triangular(self, a: Any, b: Any, lower: bool, mode: int, unit: bool) -> Any:
        """One by one."""

        def solved(x: Any, y: Any) -> tuple[Any]:
            return (scipy_linalg.solve_triangular(x, y, mode, lower, unit),)

        return each(solved, np, a.shape[:-2], a, b)[0]


def solved_one_by_one(linalg: Any, xp: Any, lu: Any, pivots: Any, b: Any, mode: int) -> Any:
    """Solutions by the factors of one matrix after the other."""

    def solved(factors: Any, rows: Any, y: Any) -> tuple[Any]:
        return (linalg.lu_solve((factors, rows), y, mode, check_finite=False),)

    return each(solved, xp, b.shape[:-2], lu, pivots, b)[0]


def each(
    function: Callable[..., Any], xp: Any, leading: Sequence[int], *batches: Any
) -> tuple[Any, ...]:
    """What a function makes of each case of some batches, stacked."""
    flat = [x.reshape(-1, *x.shape[len(leading) :]) for x in batches]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a singular matrix
        found = [function(*(x[case] for x in flat)) for case in range(prod(leading))]
    parts = (xp.stack([xp.asarray(x) for x in column]) for column in zip(*found, strict=True))
    return tuple(x.reshape(*leading, *x.shape[1:]) for x in parts)


class Tools(NamedTuple):
    """The libraries of a device: arrays, products, factorisations, Fourier transforms."""

    xp: Any
    products: products.Products
    solvers: Solvers
    fft: Any


ON_CARD = Tools(cupy, products.Card(), Card(), Later("cupyx.scipy.fft"))
IN_SIMULATOR = Tools(np, products.Simulated(), Simulated(), Later("scipy.fft"))
