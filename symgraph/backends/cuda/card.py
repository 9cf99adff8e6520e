"""The words that generated kernels use, compiled by numba-cuda: see `simulated.py`.

Operations are those of the CPU's numba target, declared once more for CUDA. What NVVM has no
instruction for is called in libdevice, NVIDIA's library of scalar functions.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import numpy as np
from llvmlite import ir
from numba import (
    boolean,
    complex64,
    complex128,
    cuda,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    types,
    uint8,
    uint16,
    uint32,
    uint64,
)
from numba.cuda import cgutils, nvvmutils
from numba.cuda.extending import intrinsic

from symgraph.backends.cuda.coverage import LIBDEVICE
from symgraph.backends.numba import division, straight_line
from symgraph.backends.numba import scalar as on_cpu

float16 = types.float16
SHARED, WIDEST = 3, 16  # the address space that a block shares, and the bytes of its widest access


def kernel(function: Callable[..., None]) -> Callable[..., None]:
    """A kernel, which `ptx.py` compiles for a card."""
    return function


def scalar(function: Callable[..., Any]) -> Any:
    """A straight-line function of numbers."""
    return straight_line.scalar(function, intrinsic)


def _again(of_cpu: Any) -> Any:
    return intrinsic(of_cpu._defn)


def _call_libdevice(name: str, builder: ir.IRBuilder, kind: types.Type, args: list[Any]) -> Any:
    """A call of libdevice, whose functions of float32 have an `f` behind their names."""
    suffix = "f" if kind == types.float32 else ""
    signature = ir.FunctionType(args[0].type, [a.type for a in args])
    function = cgutils.get_or_insert_function(builder.module, signature, f"__nv_{name}{suffix}")
    return builder.call(function, args)


def _libdevice(name: str, on_int: Any = None) -> Any:
    """An operation on one float by its name in libdevice."""

    def unary(typingctx: Any, x: Any) -> Any:
        return on_cpu.plan((x,), partial(_call_libdevice, name), on_int)

    return intrinsic(unary)


sqrt, floor, ceil, trunc = map(_again, (on_cpu.sqrt, on_cpu.floor, on_cpu.ceil, on_cpu.trunc))
copysign, fma, select = map(_again, (on_cpu.copysign, on_cpu.fma, on_cpu.select))
bits, from_bits = map(_again, (on_cpu.bits, on_cpu.from_bits))
add_any_order, mul_any_order = map(_again, (on_cpu.add_any_order, on_cpu.mul_any_order))
power = _again(division.power)
rint = _libdevice("rint", on_int=on_cpu._unchanged)
absolute = _libdevice("fabs", on_int=on_cpu._integer_absolute)


def _extremum(sign: str) -> Any:
    """As numpy.maximum (">") or minimum: a NaN wins."""

    def on_float(builder: ir.IRBuilder, kind: types.Type, args: list[Any]) -> Any:
        a, b = args
        better = builder.fcmp_ordered(sign, a, b)
        nan_first = builder.fcmp_unordered("!=", a, a)
        return builder.select(builder.or_(better, nan_first), a, b)

    def on_int(builder: ir.IRBuilder, kind: types.Type, args: list[Any]) -> Any:
        compare = builder.icmp_signed if on_cpu.is_signed(kind) else builder.icmp_unsigned
        return builder.select(compare(sign, *args), *args)

    def choose(typingctx: Any, a: Any, b: Any) -> Any:
        return on_cpu.plan((a, b), on_float, on_int)

    return intrinsic(choose)


def _division(part: int) -> Any:
    """The quotient (0) or remainder (1); fmod of floats is libdevice's."""

    def on_float(builder: ir.IRBuilder, kind: types.Type, args: list[Any]) -> Any:
        rest = _call_libdevice("fmod", builder, kind, args)
        return division.divide_float(builder, kind, args, rest)[part]

    def on_int(builder: ir.IRBuilder, kind: types.Type, args: list[Any]) -> Any:
        return division.divide_int(builder, kind, args)[part]

    def divide(typingctx: Any, a: Any, b: Any) -> Any:
        return on_cpu.plan((a, b), on_float, on_int)

    return intrinsic(divide)


max_nan, min_nan, floordiv, mod = _extremum(">"), _extremum("<"), _division(0), _division(1)


def external(op: str) -> Any:
    """An operation of `kernel.EXTERNAL` that libdevice has."""
    return _libdevice(LIBDEVICE[op])


def _written_in_python(result: types.Type, function: Callable[..., Any]) -> Any:
    """A word without operands whose meaning is a Python function for the device."""

    def declare(typingctx: Any) -> Any:
        def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
            return context.compile_internal(builder, function, sig, args)

        return result(), build

    return intrinsic(declare)


thread = _written_in_python(
    types.int64, lambda: cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
)
threads = _written_in_python(types.int64, lambda: cuda.gridDim.x * cuda.blockDim.y)
team, teams = thread, threads
member = _written_in_python(types.int64, lambda: cuda.threadIdx.x)
members = _written_in_python(types.int64, lambda: cuda.blockDim.x)


def _mask() -> Any:
    """The lanes of a warp that are this thread's team, of at most a warp."""
    size = cuda.blockDim.x
    lane = (cuda.threadIdx.x + cuda.threadIdx.y * size) % 32
    return uint32(((int64(1) << size) - 1) << (lane - cuda.threadIdx.x))


_team_mask = _written_in_python(types.uint32, _mask)


def _wait() -> None:
    if cuda.blockDim.x > 32:
        cuda.syncthreads()
    else:
        cuda.syncwarp(_team_mask())


team_sync = _written_in_python(types.none, _wait)
block_sync = _written_in_python(types.none, lambda: cuda.syncthreads())


def room(count: int, kind: Any) -> Any:
    """A word for memory that the threads of a block share: `count` numbers, once in a kernel."""

    def declare(typingctx: Any) -> Any:
        def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
            element = context.get_data_type(kind)
            block = ir.ArrayType(element, count)
            memory = cgutils.add_global_variable(builder.module, block, "room", SHARED)
            memory.align, memory.initializer = WIDEST, ir.Constant(block, ir.Undefined)
            return builder.addrspacecast(memory, element.as_pointer(), "generic")

        return types.CPointer(kind)(), build

    return intrinsic(declare)


# What shuffles carry: other numbers are carried as one of these.
CARRIED = {
    types.float32: types.float32,
    types.float64: types.float64,
    types.int64: types.int64,
    types.uint64: types.int64,
}


def _exchange(kind: types.Type) -> Callable[..., Any]:
    """The exchange of numbers of one type: within a warp by a shuffle, else by shared memory."""
    carried = CARRIED.get(kind, types.int32)

    def through(x: Any, distance: Any) -> Any:
        if cuda.blockDim.x <= 32:
            return kind(cuda.shfl_xor_sync(_team_mask(), carried(x), distance))
        room = cuda.shared.array(0, kind)
        room[cuda.threadIdx.x] = x
        cuda.syncthreads()
        theirs = room[cuda.threadIdx.x ^ distance]
        cuda.syncthreads()
        return theirs

    return through


def _exchange_parts(kind: types.Type) -> Callable[..., Any]:
    """The same for complex numbers, part by part."""

    def through(x: Any, distance: Any) -> Any:
        return kind(complex(exchange(x.real, distance), exchange(x.imag, distance)))

    return through


@intrinsic
def exchange(typingctx: Any, x: Any, distance: Any) -> Any:
    """The number that the member has whose own number differs by `distance`, a power of two."""
    kind = types.unliteral(x)
    make = _exchange_parts if isinstance(kind, types.Complex) else _exchange

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
        return context.compile_internal(builder, make(kind), sig, args)

    return kind(kind, types.int64), build


def _alignment(kind: types.Type) -> int:
    """The bytes that an access to four numbers goes by."""
    return int(min(16, 4 * np.dtype(str(kind)).itemsize))


@intrinsic
def is_aligned(typingctx: Any, array: Any) -> Any:
    """Whether an array begins where four elements can be read at once."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
        wide = ir.IntType(64)
        address = builder.ptrtoint(args[0], wide)
        rest = builder.and_(address, ir.Constant(wide, _alignment(array.dtype) - 1))
        return builder.icmp_unsigned("==", rest, ir.Constant(wide, 0))

    return types.boolean(array), build


def _four(builder: ir.IRBuilder, args: list[Any]) -> tuple[Any, Any]:
    """The type of four numbers, and the address of those at a place."""
    vector = ir.VectorType(args[0].type.pointee, 4)
    return vector, builder.bitcast(builder.gep(args[0], [args[1]]), vector.as_pointer())


def _load_four(read_only: bool) -> Any:
    """Four neighbours; of an array that the kernel does not write, by way of another cache."""

    def load(typingctx: Any, array: Any, place: Any) -> Any:
        def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
            _, pointer = _four(builder, args)
            loaded = builder.load(pointer, align=_alignment(array.dtype))
            if read_only:
                loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
            numbers = [builder.extract_element(loaded, ir.IntType(32)(k)) for k in range(4)]
            return context.make_tuple(builder, sig.return_type, numbers)

        return types.UniTuple(array.dtype, 4)(array, types.int64), build

    return intrinsic(load)


load_four, read_four = _load_four(False), _load_four(True)


@intrinsic
def store_four(typingctx: Any, array: Any, place: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Write four neighbours."""
    given = (a, b, c, d)

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
        vector, pointer = _four(builder, args)
        numbers = ir.Constant(vector, ir.Undefined)
        for k, (value, kind) in enumerate(zip(args[2:], given, strict=True)):
            number = context.cast(builder, value, types.unliteral(kind), array.dtype)
            numbers = builder.insert_element(numbers, number, ir.IntType(32)(k))
        builder.store(numbers, pointer, align=_alignment(array.dtype))
        return context.get_dummy_value()

    return types.none(array, types.int64, *map(types.unliteral, given)), build


# How floats are added in place; integers are by an instruction of LLVM's.
ATOMIC_ADD = {
    types.float32: nvvmutils.declare_atomic_add_float32,
    types.float64: nvvmutils.declare_atomic_add_float64,
}


@intrinsic
def atomic_add(typingctx: Any, array: Any, place: Any, value: Any) -> Any:
    """Add to an element of an array, to which others may add at the same time."""
    kind = array.dtype

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
        pointer = builder.gep(args[0], [args[1]])
        number = context.cast(builder, args[2], sig.args[2], kind)
        declare = ATOMIC_ADD.get(kind)
        if declare is None:
            builder.atomic_rmw("add", pointer, number, "monotonic")
        else:
            builder.call(declare(builder.module), (pointer, number))
        return context.get_dummy_value()

    return types.none(array, types.int64, types.unliteral(value)), build


__all__ = [
    "absolute",
    "add_any_order",
    "atomic_add",
    "bits",
    "block_sync",
    "boolean",
    "ceil",
    "complex64",
    "complex128",
    "copysign",
    "exchange",
    "external",
    "float16",
    "float32",
    "float64",
    "floor",
    "floordiv",
    "fma",
    "from_bits",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_aligned",
    "kernel",
    "load_four",
    "max_nan",
    "member",
    "members",
    "min_nan",
    "mod",
    "mul_any_order",
    "nan",
    "np",
    "power",
    "read_four",
    "rint",
    "room",
    "scalar",
    "select",
    "sqrt",
    "store_four",
    "team",
    "team_sync",
    "teams",
    "thread",
    "threads",
    "trunc",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]  # fmt: skip
