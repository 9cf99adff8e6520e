"""Routines of this target's own library: the words a driver calls each with, besides its arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from symgraph.backends.llvm.products import product_name
from symgraph.backends.llvm.tiles import ITEMSIZE
from symgraph.families import Library, Product, is_one
from symgraph.graph import Apply
from symgraph.kernel import Expr, lit
from symgraph.lower.program import Routine

Words = Callable[[Routine], Sequence[Expr]]


def _convolution(order: tuple[int, int, int], step: Routine) -> list[Expr]:
    """Sizes of image, filters, output, which stand in this order; then settings (conv_plan.py)."""
    shapes = [dims for _, dims in (*step.outputs, *step.inputs)]
    words = [size for k in order for size in shapes[k][:2]]
    for k in order:
        axes = shapes[k][2:]
        words += [*[lit(1)] * (3 - len(axes)), *axes]
    return [*words, *map(lit, step.settings)]


def _batched(step: Routine) -> list[Expr]:
    """Sizes of the matrices and of the leading axes (batched.py)."""
    (_, out), (_, a), (_, b) = step.outputs[0], *step.inputs
    trans_a, _ = step.settings
    k = a[-2] if trans_a else a[-1]
    words: list[Expr] = [*out[-2:], k, *map(lit, step.settings), lit(len(out) - 2)]
    for axis, size in enumerate(out[:-2]):
        words += [size, *(_between(dims, axis) for dims in (a, b))]
    return words


def _between(dims: Sequence[Expr], axis: int) -> Expr:
    """How many matrices lie between two indices of an axis; none if all have the same."""
    if is_one(dims[axis]):
        return lit(0)
    count: Expr = lit(1)
    for size in dims[axis + 1 : -2]:
        count = count * size
    return count


ROUTINES = "symgraph.backends.routines."
NATIVE: dict[str, tuple[str, Words]] = {
    f"{ROUTINES}convolution:convolve": ("convolve", partial(_convolution, (1, 2, 0))),
    f"{ROUTINES}convolution:convolve_inputs": ("convolve_inputs", partial(_convolution, (0, 1, 2))),
    f"{ROUTINES}convolution:convolve_weights": (
        "convolve_weights",
        partial(_convolution, (1, 0, 2)),
    ),
    f"{ROUTINES}batched:batched_dot": ("batched", _batched),
}


def symbol_of(node: Apply) -> str | None:
    """The function of this target's library that a node is sure to call, if there is one."""
    op, dtype = node.op, getattr(node.outputs[0].type, "dtype", "")
    if dtype not in ITEMSIZE:
        return None
    if isinstance(op, Product):
        return product_name(dtype)
    if isinstance(op, Library) and op.routine in NATIVE:
        return f"{NATIVE[op.routine][0]}_{dtype}"
    return None
