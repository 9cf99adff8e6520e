"""What a driver calls besides kernels: stopping, copying, seeing that arrays share memory."""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from symgraph.backends.numba.pointers import address
from symgraph.backends.stop import Stop

__all__ = ["Stop", "carray", "copy", "hold", "overlap"]


@register_jitable
def overlap(a: Any, b: Any) -> Any:
    """Whether two arrays share memory."""
    return address(a) < address(b) + b.nbytes and address(b) < address(a) + a.nbytes


@intrinsic
def hold(typingctx: Any, array: Any) -> Any:
    """`hold(array)`: nothing; numba, which sees no other use of the array, keeps it until here."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return context.get_dummy_value()

    return types.none(array), build


@intrinsic
def copy(typingctx: Any, target: Any, source: Any, length: Any) -> Any:
    """`copy(target, source, length)`: move elements from pointer to pointer of one dtype."""
    if not isinstance(target, types.CPointer) or target != source:
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        to, from_, count = args
        size = context.get_abi_sizeof(to.type.pointee)
        cgutils.raw_memmove(builder, to, from_, count, ir.Constant(count.type, size))
        return context.get_dummy_value()

    return types.none(target, source, types.int64), build
