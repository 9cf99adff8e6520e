"""Compiled modules kept on disk by content, so that no process compiles the same text twice.

A module is known by the SHA-256 of its text, its entry's signature and everything else that machine
code depends on: the versions of Python, numba and llvmlite, the sources of this folder, and the
processor. Two files belong to it: `NAME.py`, the text, for readers and tracebacks, and `NAME.bin`,
the object code behind its checksum. Both appear by atomic rename, so processes share a folder
without locks. Object code is run, so a folder that others could write to is refused; a file
that is damaged is compiled again.
"""

from __future__ import annotations

import hashlib
import linecache
import logging
import os
import pickle
import stat
import sys
import tempfile
import threading
from collections import Counter
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

from symgraph.errors import CacheError

PREFIX = "symgraph_"
DIGEST_SIZE = hashlib.sha256().digest_size
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

log = logging.getLogger(__name__)
_lock = threading.RLock()
_counts: Counter[str] = Counter()
_warned: set[str] = set()


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
            place = _usable(folder)
            module = _module(name, text, place)
            try:
                _compile(getattr(module, entry), place and place / f"{name}.bin", signature)
            except BaseException:
                del sys.modules[name]
                raise
        return getattr(sys.modules[name], entry)


def stats() -> dict[str, int]:
    """Count the modules this process read from disk (`hits`) and had to compile (`misses`)."""
    return {"hits": _counts["hits"], "misses": _counts["misses"]}


def clear(folder: Path) -> int:
    """Delete the store's files in `folder`; return how many there were."""
    files = [p for p in folder.glob(f"{PREFIX}*") if p.suffix in (".py", ".bin", ".tmp")]
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def cached(dispatcher: Any, folder: Path | None, signature: Sequence[types.Type]) -> Any:
    """Compile a jitted function of this package for `signature`, through the store."""
    function = dispatcher.py_func
    name = PREFIX + _key(f"{function.__module__}.{function.__qualname__}", "", signature)
    with _lock:
        place = _usable(folder)
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
        _write(Path(file), text.encode())
    sys.modules[name] = module
    try:
        exec(compile(text, file, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _usable(folder: Path | None) -> Path | None:
    """`folder`, made if need be; None if it cannot be made."""
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(folder)
    except CacheError:
        raise
    except OSError as error:
        _warn(f"compiled code is not kept on disk: {error}")
        return None
    return folder


def _refuse_foreign(path: Path) -> None:
    if not hasattr(os, "geteuid"):
        return
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise CacheError(
            f"{path} belongs to another user; machine code from it could do anything. "
            "Set config.cache_dir to a folder of your own, or config.cache to False"
        )
    if found.st_mode & WRITABLE_BY_OTHERS:
        raise CacheError(
            f"{path} can be written by other users; machine code from it could do anything. "
            f"Run `chmod go-w {path}`, or set config.cache_dir to another folder"
        )


def _warn(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        log.warning(message)


def _write(file: Path, content: bytes) -> None:
    """Make `file` appear with its whole content, or not at all."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=file.parent, prefix=PREFIX, suffix=".tmp", delete=False
        ) as stream:
            temporary = Path(stream.name)
            stream.write(content)
        temporary.replace(file)
    except OSError as error:
        _warn(f"compiled code is not kept on disk: {error}")
        if temporary is not None:
            temporary.unlink(missing_ok=True)


class ObjectFile:
    """The part of numba's cache interface that its dispatchers use, over one file."""

    cache_path = ""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def load_overload(self, signature: Any, target_context: Any) -> CompileResult | None:
        """Load the compiled function; None when it has to be compiled."""
        content = self._content()
        if content is None:
            _counts["misses"] += 1
            return None
        # All that object code needs; `refresh` would also import numba's whole library (0.25 s).
        rtsys.initialize(target_context)
        result = CompileResult._rebuild(target_context, *pickle.loads(content))
        _counts["hits"] += 1
        return result

    def save_overload(self, signature: Any, result: CompileResult) -> None:
        """Keep a compiled function."""
        if self.file is not None:
            content = serialize.dumps(result._reduce())
            _write(self.file, hashlib.sha256(content).digest() + content)

    def _content(self) -> bytes | None:
        if self.file is None or not self.file.exists():
            return None
        _refuse_foreign(self.file)
        try:
            stored = self.file.read_bytes()
        except OSError as error:
            _warn(f"compiled code cannot be read: {error}")
            return None
        digest, content = stored[:DIGEST_SIZE], stored[DIGEST_SIZE:]
        return content if hashlib.sha256(content).digest() == digest else None
