"""The Python half of the thread pool: starting, stopping, forking.

Compiled code reaches the pool through one external symbol, a block of words (pool.py) whose word
RUN holds the address of the function that shares out a range. At first that is a Python callback,
which compiles the native pool, starts its threads and replaces itself; so a process that never has
work for two threads never pays for them. Worker threads are daemon Python threads that stay inside
native code, without the GIL, until the pool is stopped.

The constants count scalar operations as `launch` is told them, some 0.05 ns each when vectorised.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from symgraph.backends import pool
from symgraph.backends.llvm import machine
from symgraph.backends.llvm.capi import address_of

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
WORK = ctypes.CFUNCTYPE(None)

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
        self.code: machine.Code | None = None
        self.reset()

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
        run, work = (self._native().address(name) for name in pool.ENTRIES)
        for number in range(1, self.size):
            thread = threading.Thread(target=WORK(work), name=f"symgraph-{number}", daemon=True)
            thread.start()
            self.threads.append(thread)
        self.words[pool.RUN] = run

    def _native(self) -> machine.Code:
        """The native half; once linked it stays, since launches may be in the middle of it."""
        if self.code is None:
            imports = {name: address_of(name) for name in pool.IMPORTS}
            imports[pool.POOL] = self.words.ctypes.data
            module = machine.Module(pool.pool_text(), machine.QUICK)
            self.code = machine.link([module], self.folder, pool.ENTRIES, imports)
        return self.code

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


def words_address() -> int:
    """Where the words of this process's pool lie."""
    return int(_pool.words.ctypes.data)


def max_shares() -> int:
    """Return the greatest number of shares a launch is cut into as things stand."""
    return int(_pool.words[pool.MAX_SHARES]) if _pool.size > 1 else 1
