"""Compiled modules kept on disk by content, so that no process compiles the same text twice.

A module is known by the SHA-256 of its text, its entry's signature and everything else that machine
code depends on: the versions of Python, numba and llvmlite, the sources of this folder, and the
processor. Two files belong to it: `NAME.py`, the text, for readers and tracebacks, and `NAME.bin`,
the object code.
"""

from __future__ import annotations

import hashlib
import linecache
import pickle
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core import serialize
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from symgraph.backends.disk import PREFIX, counts, keep, kept, usable, write

_lock = threading.RLock()


def array(dtype: str, ndim: int) -> types.Array:
    """Return numba's type of a row-major, aligned, writable array, the only kind an entry takes."""
    return types.Array(numba.from_dtype(np.dtype(dtype)), ndim, "C")


def load(
    text: str, *, folder: Path | None, entry: str = "call", signature: Sequence[types.Type]
) -> Any:
    """Compile the module `text`, or load it; return its `entry`, made for `signature` only.

    `signature` holds one numba type per argument: `array(dtype, ndim)` for arrays. A call with
    arguments of any other dtype, rank or layout raises TypeError. With `folder` None, or one that
    cannot be written, nothing is kept on disk. Raises `CacheError` for a folder or file that
    belongs to another user or that others may write to, and numba's errors for a wrong text.
    """
    with _lock:
        name = PREFIX + _key(text, entry, signature)
        if name not in sys.modules:
            place = usable(folder)
            module = _module(name, text, place)
            try:
                _compile(getattr(module, entry), place and place / f"{name}.bin", signature)
            except BaseException:
                del sys.modules[name]
                raise
        return getattr(sys.modules[name], entry)


def cached(dispatcher: Any, folder: Path | None, signature: Sequence[types.Type]) -> Any:
    """Compile a jitted function of this package for `signature`, through the store."""
    function = dispatcher.py_func
    name = PREFIX + _key(f"{function.__module__}.{function.__qualname__}", "", signature)
    with _lock:
        place = usable(folder)
        _compile(dispatcher, place and place / f"{name}.bin", signature)
    return dispatcher


def _compile(dispatcher: Any, file: Path | None, signature: Sequence[types.Type]) -> None:
    dispatcher._cache = ObjectFile(file)
    dispatcher.compile(tuple(signature))
    dispatcher.disable_compile()


def _key(text: str, entry: str, signature: Sequence[types.Type]) -> str:
    parts = (text, entry, *map(str, signature), *_surroundings())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


@cache
def _surroundings() -> tuple[str, ...]:
    """List what machine code depends on besides the text."""
    sources = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        sources.update(file.read_bytes())
    machine = map(str, cpu_target.target_context.codegen().magic_tuple())
    versions = sys.version, numba.__version__, llvmlite.__version__
    return (*versions, sources.hexdigest(), *machine)


def _module(name: str, text: str, place: Path | None) -> ModuleType:
    """Run `text` as module `name`, which pickles and tracebacks can find."""
    module = ModuleType(name)
    file = f"<{name}>" if place is None else str(place / f"{name}.py")
    module.__file__ = file
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    if place is not None and not Path(file).exists():
        write(Path(file), text.encode())
    sys.modules[name] = module
    try:
        exec(compile(text, file, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class ObjectFile:
    """The part of numba's cache interface that its dispatchers use, over one file."""

    cache_path = ""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def load_overload(self, signature: Any, target_context: Any) -> CompileResult | None:
        """Load the compiled function; None when it has to be compiled."""
        content = kept(self.file)
        if content is None:
            counts["misses"] += 1
            return None
        # All that object code needs; `refresh` would also import numba's whole library (0.25 s).
        rtsys.initialize(target_context)
        result = CompileResult._rebuild(target_context, *pickle.loads(content))
        counts["hits"] += 1
        return result

    def save_overload(self, signature: Any, result: CompileResult) -> None:
        """Keep a compiled function."""
        if self.file is not None:
            content = serialize.dumps(result._reduce())
            keep(self.file, content)
