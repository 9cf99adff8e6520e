"""`launch`, and the Python half of the thread pool: starting, stopping, forking.

Compiled code reaches the pool through one external symbol, a block of words (pool.py) whose word
RUN holds the address of the function that shares out a range. At first that is a Python callback,
which compiles the native pool, starts its threads and replaces itself; so a process that never has
enough work for two threads never pays for them. Worker threads are daemon Python threads that
stay inside native code, without the GIL, for all of their lives.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import threading
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symgraph.backends import pool
from symgraph.backends.atomics import POOL, WORD, external_words
from symgraph.backends.compiler import lower_kernel

SHARES_PER_THREAD = 2  # finer shares even out cores of unequal speed
MIN_WORK = 100_000  # scalar operations below which a launch stays in the calling thread
GRAIN = 50_000  # scalar operations that a share should have
SPIN = 2_000  # looks at a word before sleeping on it
# Waking a thread costs 5 us on bare metal, 65 us in some virtual machines: this much work must
# have been missed first, so that a sparse sequence of launches loses little by trying.
WAKE_WORK = 4_000_000
NEVER = np.iinfo(np.int64).max
RUN_KIND = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)
SHARE_KIND = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)

log = logging.getLogger(__name__)


def _aligned_words(count: int) -> Any:
    """Zeroed int64 words that begin at a cache line."""
    block = np.zeros(count + 8, np.int64)
    skip = -block.ctypes.data % 64 // 8
    return block[skip : skip + count]


class Pool:
    """The process's workers. Not for users: see `set_threads`."""

    def __init__(self) -> None:
        self.words = _aligned_words(pool.WORDS)
        self.starter = RUN_KIND(self._start_and_run)
        self.size = 1
        self.threads: list[threading.Thread] = []
        self.lock = threading.Lock()
        self._prepare()
        binding.add_symbol(POOL, self.words.ctypes.data)

    def _prepare(self) -> None:
        """The state before the first launch; also of a child process."""
        self.words[:] = 0
        self.threads = []
        self.lock = threading.Lock()
        self.words[pool.GRAIN] = GRAIN
        self.words[pool.SPIN] = SPIN
        self.words[pool.WAKE_WORK] = WAKE_WORK
        self._await_start()

    def _await_start(self) -> None:
        callback = ctypes.cast(self.starter, ctypes.c_void_p).value
        self.words[pool.RUN] = callback
        self.words[pool.MAX_SHARES] = self.size * SHARES_PER_THREAD
        self.words[pool.MIN_WORK] = MIN_WORK if self.size > 1 else NEVER
    
    def _start_and_run(self, function: int, data: int, n: int, work: int) -> int:
        with self.lock:
            if not self.threads:
                self._start()
        return int(RUN_KIND(int(self.words[pool.RUN]))(function, data, n, work))

    def _address(self, word: int) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.words[word:].ctypes.data)

    def _start(self) -> None:
        libc = ctypes.CDLL(None)
        libc.pthread_mutex_init(self._address(pool.MUTEX), None)
        libc.pthread_cond_init(self._address(pool.WAKE), None)
        libc.pthread_cond_init(self._address(pool.DONE), None)
        pool.work.compile(())
        pool.run.compile((types.int64,) * 4)
        (run,) = pool.run.overloads.values()
        for number in range(1, self.size):
            thread = threading.Thread(target=pool.work, name=f"symgraph-{number}", daemon=True)
            thread.start()
            self.threads.append(thread)
        self.words[pool.RUN] = run.library.get_pointer_to_function(run.fndesc.llvm_cfunc_wrapper_name)

    def stop(self) -> None:
        """End all workers. Launches under way finish, in the threads that made them."""
        with self.lock:
            self._await_start()
            if not self.threads: return
            self.words[pool.STOP] = 1
            libc = ctypes.CDLL(None)
            libc.pthread_mutex_lock(self._address(pool.MUTEX))
            libc.pthread_cond_broadcast(self._address(pool.WAKE))
            libc.pthread_mutex_unlock(self._address(pool.MUTEX))
            for thread in self.threads:
                thread.join()
            self.threads = []
            self.words[pool.STOP] = 0

    def resize(self, n):
        self.size = n
        self.stop()


_pool = Pool()
set_threads = _pool.resize
atexit.register(_pool.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool._prepare)


@intrinsic
def launch(typingctx: Any, kernel: Any, n: Any, work: Any, *args: Any) -> Any:
    """`launch(kernel, n, work, *args) -> int64`: run `kernel` over range(n); see runtime.py."""
    if not isinstance(kernel, types.Dispatcher):
        return None
    given = tuple(types.unliteral(a) for a in args)

    def build(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
        done = lower_kernel(kernel.dispatcher, context, (types.int64,) * 3 + given)
        operands = cgutils.unpack_tuple(builder, values[3])
        packed = cgutils.alloca_once_value(builder, cgutils.pack_struct(builder, operands))
        share = _share_function(context, builder.module, done.fndesc, packed.type)
        data = builder.ptrtoint(packed, WORD)
        return _emit_launch(builder, share, data, *values[1:3])

    return types.int64(kernel, types.int64, types.int64, types.StarArgTuple(args)), build


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
    kernel = context.declare_function(module, fndesc)
    context.call_conv.call_function(builder, kernel, types.none, fndesc.argtypes, values)
    builder.ret_void()
    return share


def _emit_launch(builder: ir.IRBuilder, share: Any, data: Any, n: Any, work: Any) -> Any:
    """Through the pool when there is work enough, else one direct call."""
    words = external_words(builder.module, POOL)
    shares = cgutils.alloca_once_value(builder, ir.Constant(WORD, 1))
    worth = builder.icmp_signed(">=", work, builder.load(words))
    with builder.if_else(worth, likely=False) as (many, one):
        with many:
            place = builder.gep(words, [ir.Constant(WORD, pool.RUN)])
            kind = ir.FunctionType(WORD, [WORD] * 4).as_pointer()
            run = builder.inttoptr(builder.load(place), kind)
            function = builder.ptrtoint(share, WORD)
            builder.store(builder.call(run, [function, data, n, work]), shares)
        with one:
            zero = ir.Constant(WORD, 0)
            builder.call(share, [data, zero, n, zero])
    return builder.load(shares)
