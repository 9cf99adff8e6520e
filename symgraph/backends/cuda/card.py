"""The words that generated kernels use, compiled by numba-cuda: see `simulated.py`.

Operations are those of the CPU's numba target, declared once more for CUDA. What NVVM has no
instruction for is called in libdevice, NVIDIA's library of scalar functions.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

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
from numba.cuda import cgutils
from numba.cuda.extending import intrinsic, register_jitable

from symgraph.backends.numba import division, straight_line
from symgraph.backends.numba import scalar as on_cpu

float16 = types.float16


def kernel(function: Callable[..., None]) -> Any:
    """A kernel, compiled at its first launch: IEEE arithmetic, no fast-math."""
    return cuda.jit(function)


def scalar(function: Callable[..., Any]) -> Any:
    """A straight-line function of numbers."""
    return straight_line.scalar(function, intrinsic)


def _again(of_cpu: Any) -> Any:
    return intrinsic(of_cpu._defn)


def _libdevice(name: str, arity: int = 1, on_int: Any = None) -> Any:
    """An operation on floats by its name in libdevice; float32 has an `f` behind it."""

    def emit(builder: ir.IRBuilder, kind: types.Type, args: list[Any]) -> Any:
        suffix = "f" if kind == types.float32 else ""
        signature = ir.FunctionType(args[0].type, [a.type for a in args])
        function = cgutils.get_or_insert_function(builder.module, signature, f"__nv_{name}{suffix}")
        return builder.call(function, args)

    if arity == 1:

        def unary(typingctx: Any, x: Any) -> Any:
            return on_cpu.plan((x,), emit, on_int)

        return intrinsic(unary)

    def binary(typingctx: Any, a: Any, b: Any) -> Any:
        return on_cpu.plan((a, b), emit, on_int)

    return intrinsic(binary)


sqrt, floor, ceil, trunc = map(_again, (on_cpu.sqrt, on_cpu.floor, on_cpu.ceil, on_cpu.trunc))
copysign, fma, select = map(_again, (on_cpu.copysign, on_cpu.fma, on_cpu.select))
bits, from_bits = map(_again, (on_cpu.bits, on_cpu.from_bits))
add_any_order, mul_any_order = map(_again, (on_cpu.add_any_order, on_cpu.mul_any_order))
max_nan, min_nan = map(_again, (on_cpu.max_nan, on_cpu.min_nan))
floordiv, mod, power = map(_again, (division.floordiv, division.mod, division.power))
rint = _libdevice("rint", on_int=on_cpu._unchanged)
absolute = _libdevice("fabs", on_int=on_cpu._integer_absolute)


@register_jitable
def thread() -> Any:
    """The number of this thread among all that were launched."""
    return cuda.grid(1)


@register_jitable
def threads() -> Any:
    """How many threads were launched."""
    return cuda.gridsize(1)


__all__ = [
    "absolute", "add_any_order", "bits", "boolean", "ceil", "complex64", "complex128", "copysign",
    "float16", "float32", "float64", "floor", "floordiv", "fma", "from_bits", "inf", "int8",
    "int16", "int32", "int64", "kernel", "max_nan", "min_nan", "mod", "mul_any_order", "nan",
    "power", "rint", "scalar", "select", "sqrt", "thread", "threads", "trunc", "uint8", "uint16",
    "uint32", "uint64",
]  # fmt: skip
