"""`launch`: how drivers that numba compiles run a kernel, through the thread pool if it pays."""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symgraph.backends import pool, threads
from symgraph.backends.numba.compiler import lower_kernel

WORD = ir.IntType(64)
binding.add_symbol(pool.POOL, threads.words_address())


@intrinsic
def launch(typingctx: Any, n: Any, work: Any, kernel: Any, *args: Any) -> Any:
    """`launch(n, work, kernel, *args) -> int64`: run `kernel` over range(n); see runtime.py."""
    if not isinstance(kernel, types.Dispatcher):
        return None
    given = tuple(types.unliteral(a) for a in args)

    def build(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
        fndesc = lower_kernel(kernel.dispatcher, context, (types.int64,) * 3 + given)
        operands = cgutils.pack_struct(builder, cgutils.unpack_tuple(builder, values[3]))
        packed = cgutils.alloca_once_value(builder, operands)
        share = _share_function(context, builder.module, fndesc, packed.type)
        return _emit_launch(builder, share, builder.ptrtoint(packed, WORD), *values[:2])

    return types.int64(types.int64, types.int64, kernel, types.StarArgTuple(args)), build


def _share_function(context: Any, module: ir.Module, fndesc: Any, packed: ir.Type) -> ir.Function:
    """`void share(packed arguments, lo, hi, share)`, the form in which the pool calls a kernel."""
    name = f"share.{fndesc.mangled_name}"
    if name in module.globals:
        return module.globals[name]
    share = ir.Function(module, ir.FunctionType(ir.VoidType(), [WORD] * 4), name)
    share.linkage = "internal"
    builder = ir.IRBuilder(share.append_basic_block())
    operands = builder.load(builder.inttoptr(share.args[0], packed))
    values = [*share.args[1:], *cgutils.unpack_tuple(builder, operands)]
    function = context.declare_function(module, fndesc)
    context.call_conv.call_function(builder, function, types.none, fndesc.argtypes, values)
    builder.ret_void()
    return share


def _emit_launch(builder: ir.IRBuilder, share: Any, data: Any, n: Any, work: Any) -> Any:
    """Through the pool when there is work enough, else one direct call."""
    words = _words(builder.module)
    shares = cgutils.alloca_once_value(builder, ir.Constant(WORD, 1))
    zero = ir.Constant(WORD, 0)
    least = builder.load(builder.gep(words, [ir.Constant(WORD, pool.MIN_WORK)]))
    with builder.if_else(builder.icmp_signed(">=", work, least), likely=False) as (many, one):
        with many:
            place = builder.gep(words, [ir.Constant(WORD, pool.RUN)])
            kind = ir.FunctionType(WORD, [WORD] * 4).as_pointer()
            run = builder.inttoptr(builder.load(place), kind)
            function = builder.ptrtoint(share, WORD)
            builder.store(builder.call(run, [function, data, n, work]), shares)
        with one:
            builder.call(share, [data, zero, n, zero])
    return builder.load(shares)


def _words(module: ir.Module) -> Any:
    """The words of this process's pool, as an LLVM value."""
    if pool.POOL in module.globals:
        return module.globals[pool.POOL]
    return ir.GlobalVariable(module, WORD, pool.POOL)
