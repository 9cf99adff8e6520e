"""Raw memory in compiled code: array -> pointer, array -> address, address -> pointer.

Pointers are numba's `CPointer(dtype)`: `p[i]` reads or writes element `i`, unchecked, never
counted from the end. A bool is one byte in memory.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.extending import intrinsic

BOOL_POINTER = types.CPointer(types.boolean)


# numba has no element access for pointers to booleans: they are bytes in memory, bits in registers.
@lower_builtin(operator.getitem, BOOL_POINTER, types.Integer)
def _load_bool(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
    pointer, index = args
    byte = builder.load(builder.gep(pointer, [index]))
    return context.data_model_manager[types.boolean].from_data(builder, byte)


@lower_builtin(operator.setitem, BOOL_POINTER, types.Integer, types.Any)
def _store_bool(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> None:
    pointer, index, value = args
    bit = context.cast(builder, value, sig.args[2], types.boolean)
    byte = context.data_model_manager[types.boolean].as_data(builder, bit)
    builder.store(byte, builder.gep(pointer, [index]))


def _first_element(context: Any, builder: ir.IRBuilder, kind: Any, array: Any) -> Any:
    return context.make_array(kind)(context, builder, array).data


@intrinsic
def data(typingctx: Any, array: Any) -> Any:
    """`data(array) -> CPointer(array.dtype)`: the array's first element."""
    if not isinstance(array, types.Array):
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        found = _first_element(context, builder, sig.args[0], args[0])
        return builder.bitcast(found, context.get_value_type(sig.return_type))

    return types.CPointer(array.dtype)(array), build


@intrinsic
def address(typingctx: Any, array: Any) -> Any:
    """`address(array) -> int64`: where the array's first element lies."""
    if not isinstance(array, types.Array):
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        found = _first_element(context, builder, sig.args[0], args[0])
        return builder.ptrtoint(found, cgutils.intp_t)

    return types.int64(array), build


@intrinsic
def pointer(typingctx: Any, place: Any, dtype: Any) -> Any:
    """`pointer(address, dtype) -> CPointer(dtype)`; `dtype` is a numba type such as `float32`."""
    if not isinstance(place, types.Integer) or not isinstance(dtype, types.NumberClass):
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return types.CPointer(dtype.instance_type)(types.int64, dtype), build


@intrinsic
def offset(typingctx: Any, place: Any, count: Any) -> Any:
    """`offset(pointer, count) -> CPointer`: `count` elements further on."""
    if not isinstance(place, types.CPointer) or not isinstance(count, types.Integer):
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return place(place, types.int64), build
