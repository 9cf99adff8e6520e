"""Large routines compiled by themselves, once for each dtype, and called by address.

A `@helper` becomes part of every driver that calls it, and is optimised anew in each. A
`@standalone` function is a module of its own, kept in the store like a driver's, so a driver that
calls it compiles in the time of the call alone.

    @standalone
    def solve(out, x, sizes) -> int64      arguments are pointers and int64s
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from symgraph.backends.numba.compiler import ModuleCompiler
from symgraph.backends.numba.store import cached
from symgraph.config import config

OPTIONS = {"nogil": True, "error_model": "numpy", "pipeline_class": ModuleCompiler}
_functions: dict[tuple[str, tuple[Any, ...]], Any] = {}


def _symbol(name: str, kinds: tuple[Any, ...]) -> str:
    return f"symgraph.{name}.{'.'.join(map(str, kinds))}"


def register(name: str, kinds: tuple[Any, ...]) -> None:
    """Compile or load `module:function` for argument types; make it known to the linker."""
    if (name, kinds) in _functions:
        return
    module, function = name.split(":")
    source = getattr(importlib.import_module(module), function).source
    dispatcher = cached(njit(**OPTIONS)(source), config.folder, kinds)
    (compiled,) = dispatcher.overloads.values()
    wrapper = compiled.fndesc.llvm_cfunc_wrapper_name
    binding.add_symbol(_symbol(name, kinds), compiled.library.get_pointer_to_function(wrapper))
    _functions[name, kinds] = dispatcher


def standalone(function: Callable[..., Any]) -> Any:
    """Mark a function of pointers and int64s that returns an int64; see the head of this module."""
    name = f"{function.__module__}:{function.__name__}"

    @intrinsic
    def call(typingctx: Any, *args: Any) -> Any:
        kinds = tuple(types.unliteral(kind) for kind in args)

        def build(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
            register(name, kinds)
            context.active_code_library._reload_init.add(partial(register, name, kinds))
            words = cgutils.unpack_tuple(builder, values[0])
            kind = ir.FunctionType(ir.IntType(64), [word.type for word in words])
            target = cgutils.get_or_insert_function(builder.module, kind, _symbol(name, kinds))
            return builder.call(target, words)

        return types.int64(types.StarArgTuple(args)), build

    call.source = function
    call.__doc__ = function.__doc__
    return call
