"""Scalar functions of another library in compiled code: those of `scipy.special.cython_special`.

`kernel.EXTERNAL` lists them. They are called by symbols that the linker is told the addresses of,
so object code that was kept on disk finds them in another process. Importing SciPy's module takes
0.1 s, so it waits until a driver that calls one of them is compiled, or loaded from disk.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

from symgraph.kernel import EXTERNAL


def symbol(op: str) -> str:
    """What the linker knows an operation by."""
    return f"symgraph_special_{op}"


@cache
def register() -> None:
    """Make SciPy's functions known to the linker of compiled code."""
    for op, (name, _) in EXTERNAL.items():
        address = get_cython_function_address("scipy.special.cython_special", name)
        binding.add_symbol(symbol(op), address)


@cache
def external(op: str) -> Any:
    """An operation of `EXTERNAL` as a function of float64 numbers for compiled code."""
    _, arity = EXTERNAL[op]

    def declare(typingctx: Any, *kinds: Any) -> Any:
        if any(types.unliteral(k) != types.float64 for k in kinds):
            return None

        def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
            register()
            context.active_code_library._reload_init.add(register)
            return call(builder, op, args)

        return types.float64(*[types.float64] * arity), build

    names = ("typingctx", *(f"x{k}" for k in range(arity)))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    declare.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
    return intrinsic(declare)


def call(builder: ir.IRBuilder, op: str, args: list[Any]) -> Any:
    """Write the call of an operation; Cython's functions take one argument more, a zero."""
    double, flag = ir.DoubleType(), ir.IntType(32)
    kind = ir.FunctionType(double, [*[double] * len(args), flag])
    function = cgutils.get_or_insert_function(builder.module, kind, symbol(op))
    return builder.call(function, [*args, flag(0)])
