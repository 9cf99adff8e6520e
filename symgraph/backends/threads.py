"""`launch`, and the Python half of the thread pool: starting, stopping, forking.

Compiled code reaches the pool through one external symbol, a block of words (pool.py) whose word
RUN holds the address of the function that shares out a range. At first that is a Python callback,
which compiles the native pool, starts its threads and replaces itself; so a process that never has
work for two threads never pays for them. Worker threads are daemon Python threads that stay inside
native code, without the GIL, until the pool is stopped.

The constants count scalar operations as `launch` is told them, some 0.05 ns each when vectorised.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symgraph.backends import pool
from symgraph.backends.atomics import POOL, WORD, external_words
from symgraph.backends.compiler import lower_kernel
from symgraph.backends.store import cached

SHARES_PER_THREAD = 2  # more than one evens out cores of unequal speed
MIN_WORK = 100_000  # below it a launch stays in the calling thread: 5 us
GRAIN = 50_000  # what a share should have at least
SPIN = 2_000  # looks at a word before sleeping on it: 50 us
# Waking a thread costs the launch 5 us on bare metal, up to 65 us in a virtual machine. So much
# must have been done without the sleepers first that a sparse sequence of launches loses little.
WAKE_WORK = 4_000_000
NEVER = np.iinfo(np.int64).max
HAS_PTHREADS = os.name == "posix"
RUN = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)
SHARE = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)

log = logging.getLogger(__name__)


def _aligned_words(count: int) -> Any:
    """Zeroed int64 words that begin at a cache line."""
    block = np.zeros(count + 8, np.int64)
    skip = -block.ctypes.data % 64 // 8
    return block[skip : skip + count]


class Pool:
    """The workers of this process. There is one, made with this module: see `set_threads`."""

    def __init__(self) -> None:
        self.words = _aligned_words(pool.WORDS)
        self.starter = RUN(self._start_and_run)
        self.size = 1
        self.folder: Path | None = None
        self.reset()
        binding.add_symbol(POOL, self.words.ctypes.data)

    def reset(self) -> None:
        """Forget workers and launches without touching them: there are none, or not our own."""
        self.lock = threading.Lock()
        self.threads: list[threading.Thread] = []
        self.words[:] = 0
        self.words[pool.GRAIN] = GRAIN
        self.words[pool.SPIN] = SPIN
        self.words[pool.WAKE_WORK] = WAKE_WORK
        if HAS_PTHREADS:
            self._call("pthread_mutex_init", pool.MUTEX, None)
            self._call("pthread_cond_init", pool.WAKE, None)
            self._call("pthread_cond_init", pool.DONE, None)
        self._await_first_launch()

    def resize(self, size: int, folder: Path | None) -> None:
        """End all workers; the next launch with work enough starts `size` - 1 new ones.

        Launches under way are finished by the threads that made them.
        """
        with self.lock:
            if (self.size, self.folder) == (size, folder):
                return
            self.size, self.folder = size, folder
            self._await_first_launch()
            self._stop()

    def _await_first_launch(self) -> None:
        self.words[pool.RUN] = ctypes.cast(self.starter, ctypes.c_void_p).value
        self.words[pool.MAX_SHARES] = self.size * SHARES_PER_THREAD
        self.words[pool.MIN_WORK] = MIN_WORK if self.size > 1 else NEVER

    def _start_and_run(self, function: int, data: int, n: int, work: int) -> int:
        try:
            with self.lock:
                if not self.threads:
                    self._start()
            return int(RUN(int(self.words[pool.RUN]))(function, data, n, work))
        # Native code is waiting for the result: it has to be computed, whatever went wrong.
        except BaseException as error:
            log.warning("compiled functions go on with one thread: %r", error)
            self.words[pool.MIN_WORK] = NEVER
            SHARE(function)(data, 0, n, 0)
            return 1

    def _start(self) -> None:
        for function, argtypes in ((pool.work, ()), (pool.run, (types.int64,) * 4)):
            if not function.overloads:
                cached(function, self.folder, argtypes)
        for number in range(1, self.size):
            thread = threading.Thread(target=pool.work, name=f"symgraph-{number}", daemon=True)
            thread.start()
            self.threads.append(thread)
        (run,) = pool.run.overloads.values()
        wrapper = run.fndesc.llvm_cfunc_wrapper_name
        self.words[pool.RUN] = run.library.get_pointer_to_function(wrapper)

    def _stop(self) -> None:
        if not self.threads:
            return
        self.words[pool.STOP] = 1
        self._call("pthread_mutex_lock", pool.MUTEX)
        self._call("pthread_cond_broadcast", pool.WAKE)
        self._call("pthread_mutex_unlock", pool.MUTEX)
        for thread in self.threads:
            thread.join()
        self.threads = []
        self.words[pool.STOP] = 0

    def _call(self, name: str, word: int, *args: Any) -> None:
        """Call a pthread function on the object that begins at `word`."""
        place = ctypes.c_void_p(self.words[word:].ctypes.data)
        getattr(ctypes.CDLL(None), name)(place, *args)


_pool = Pool()
atexit.register(lambda: _pool.resize(1, None))
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.reset)


def set_threads(count: int, folder: Path | None = None) -> None:
    """Let launches use `count` threads, the calling one included; 1 is the state at first.

    `folder` is where the pool's own machine code is kept, as in `store.load`. Threads start with
    the first launch that has work for them. Windows always has one. Raises ValueError below 1.
    """
    if count < 1:
        raise ValueError(f"a pool needs at least 1 thread, not {count}")
    _pool.resize(count if HAS_PTHREADS else 1, folder)


def max_shares() -> int:
    """Return the greatest number of shares a launch is cut into as things stand."""
    return int(_pool.words[pool.MAX_SHARES]) if _pool.size > 1 else 1


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
    words = external_words(builder.module, POOL)
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
