"""Atomic words, a spin hint and a call by address, for the thread pool's native code.

Words are int64 behind a `CPointer(int64)`. Every access is sequentially consistent: the pool's
sleep protocols compare two words written by two threads (Dekker), which weaker orders would break.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
WORDS = types.CPointer(types.int64)
ORDER = "seq_cst"
POOL = "symgraph_pool"  # the symbol of the words that all launches share
X86 = platform.machine() in ("x86_64", "AMD64")


@intrinsic
def load(typingctx: Any, words: Any, index: Any) -> Any:
    """`load(words, index) -> int64`."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.load_atomic(builder.gep(args[0], [args[1]]), ORDER, 8)

    return types.int64(WORDS, types.int64), build


@intrinsic
def store(typingctx: Any, words: Any, index: Any, value: Any) -> Any:
    """`store(words, index, value)`."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        builder.store_atomic(args[2], builder.gep(args[0], [args[1]]), ORDER, 8)
        return context.get_dummy_value()

    return types.void(WORDS, types.int64, types.int64), build


@intrinsic
def exchange_if(typingctx: Any, words: Any, index: Any, expected: Any, value: Any) -> Any:
    """`exchange_if(words, index, expected, value) -> boolean`: whether the word was as expected."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        place = builder.gep(args[0], [args[1]])
        return builder.extract_value(builder.cmpxchg(place, args[2], args[3], ORDER), 1)

    return types.boolean(WORDS, types.int64, types.int64, types.int64), build


@intrinsic
def add(typingctx: Any, words: Any, index: Any, value: Any) -> Any:
    """`add(words, index, value) -> int64`: the word before the addition."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), args[2], ORDER)

    return types.int64(WORDS, types.int64, types.int64), build


@intrinsic
def place(typingctx: Any, words: Any, index: Any) -> Any:
    """`place(words, index) -> int64`: the address of a word."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.ptrtoint(builder.gep(args[0], [args[1]]), WORD)

    return types.int64(WORDS, types.int64), build


@intrinsic
def spin_hint(typingctx: Any) -> Any:
    """`spin_hint()`: tell the core that this is a waiting loop."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        if X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause")
            builder.call(hint, [])
        return context.get_dummy_value()

    return types.void(), build


@intrinsic
def call_share(typingctx: Any, function: Any, data: Any, lo: Any, hi: Any, share: Any) -> Any:
    """`call_share(function, data, lo, hi, share)`: call a share function by its address."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [WORD] * 4)
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), build


@intrinsic
def pool_words(typingctx: Any) -> Any:
    """`pool_words() -> CPointer(int64)`: the words of this process's pool."""

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return external_words(builder.module, POOL)

    return WORDS(), build


def external_words(module: ir.Module, name: str) -> Any:
    """Return the int64 words behind an external symbol, as an LLVM value."""
    if name in module.globals:
        return module.globals[name]
    return ir.GlobalVariable(module, WORD, name)
