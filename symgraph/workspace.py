"""How much memory a library routine takes for itself while it runs, beside its operands.

Most take none. Those that do ask for it and give it back within the call; the formulas below
follow the allocations in `backends/routines/`, for convolutions in `backends/llvm/`, and LAPACK's
documented work sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeAlias

Shapes: TypeAlias = Sequence[tuple[int, ...]]
Formula: TypeAlias = Callable[[Shapes, Shapes, int, int], int]

WORD = 8  # bytes of a rank or a place
BLOCK = 64  # columns that LAPACK works on at once, where it asks for room for them
DOT_CHUNKS = 4  # partial sums of a gradient by filters, at most


def _rows(of: int) -> Formula:
    """So many words for each element of a row of the operand."""
    return lambda outputs, inputs, size, threads: of * WORD * inputs[0][-1]


def _matrices(of: int) -> Formula:
    """So many matrices like the operand's, and room for LAPACK's blocks of columns."""

    def formula(outputs: Shapes, inputs: Shapes, size: int, threads: int) -> int:
        *_, m, n = inputs[0]
        return size * (of * m * n + BLOCK * (m + n))

    return formula


def _whole(outputs: Shapes, inputs: Shapes, size: int, threads: int) -> int:
    """A copy of all matrices, besides LAPACK's room for one of them."""
    return size * prod(inputs[0]) + _matrices(2)(outputs, inputs, size, threads)


def _gathered(outputs: Shapes, inputs: Shapes, size: int, threads: int) -> int:
    """Packed filters, and for each thread an image in its border."""
    image, filters = max(outputs[0], inputs[0], key=prod), min(inputs[:2], key=prod)
    framed = image[1] * prod(n + k for n, k in zip(image[2:], filters[2:], strict=True))
    return size * (2 * prod(filters) + threads * 2 * framed)


def _dots(outputs: Shapes, inputs: Shapes, size: int, threads: int) -> int:
    """Partial sums of the filters, and for each thread an image in its border."""
    image, filters = inputs[0], outputs[0]
    framed = image[1] * prod(n + k for n, k in zip(image[2:], filters[2:], strict=True))
    chunks = min(image[0], DOT_CHUNKS)
    return size * (chunks * prod(filters) + threads * 2 * framed)


SORT, SPECTRAL = "symgraph.backends.routines.sort:", "symgraph.backends.routines.spectral:"
CONVOLUTION = "symgraph.backends.routines.convolution:"
FORMULAS: dict[str, Formula] = {
    f"{SORT}sort": _rows(2),
    f"{SORT}argsort": _rows(3),
    f"{SORT}argtopk": _rows(4),
    f"{SPECTRAL}eigh": _matrices(2),
    f"{SPECTRAL}eigvalsh": _whole,
    f"{SPECTRAL}eig": _matrices(2),
    f"{SPECTRAL}svd": _matrices(5),
    f"{SPECTRAL}singular_values": _matrices(2),
    f"{SPECTRAL}qr": _matrices(1),
    "symgraph.backends.routines.exponential:expm": _matrices(7),
    f"{CONVOLUTION}convolve": _gathered,
    f"{CONVOLUTION}convolve_inputs": _gathered,
    f"{CONVOLUTION}convolve_weights": _dots,
}


def work_space(routine: str, outputs: Shapes, inputs: Shapes, size: int, threads: int) -> int:
    """The bytes a routine takes for itself, on elements of `size` bytes and so many threads."""
    formula = FORMULAS.get(routine)
    if formula is None or not inputs or any(0 in shape for shape in (*outputs, *inputs)):
        return 0
    return formula(outputs, inputs, size, threads)
