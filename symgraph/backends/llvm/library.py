"""Modules that all functions share, compiled once and linked once in a process."""

from __future__ import annotations

import ctypes
import hashlib
import pickle
import re
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from symgraph import sources
from symgraph.backends import disk, pool, threads
from symgraph.backends.llvm import (
    batched,
    blas,
    capi,
    clock,
    convolution,
    leaves,
    products,
    support,
    tiles,
)
from symgraph.backends.llvm.machine import (
    QUICK,
    WRITTEN,
    Code,
    Module,
    begin,
    host,
    known_codes,
    link,
    link_objects,
)
from symgraph.dataclass import dataclass

CALIBRATION = 0.005  # seconds over which the counter is timed: its unit is right to 0.01%
_lock = threading.RLock()
_linked: dict[str, Code] = {}
_PRODUCTS = {products.product_name(dtype) for dtype in (*tiles.ITEMSIZE, *blas.LETTERS)}


def addresses(symbols: Iterable[str], folder: Path | None) -> dict[str, int]:
    """Where symbols lie: shared functions, the pool, Python's and NumPy's interfaces."""
    return {symbol: _address(symbol, folder) for symbol in symbols}


def _address(symbol: str, folder: Path | None) -> int:
    home = _home(symbol)
    if symbol == pool.POOL:
        return threads.words_address()
    if home is None:
        return capi.address_of(symbol)
    return _shared(home, folder).address(symbol)


def _home(symbol: str) -> str | None:
    """The shared module a symbol is in: a kind, and a dtype if there is one for each."""
    if symbol in support.FUNCTIONS:
        return "support"
    if symbol in clock.FUNCTIONS:
        return clock.NAME
    if symbol in _PRODUCTS:
        return symbol
    if symbol.startswith(leaves.PREFIX):
        return "leaves_" + symbol.split("_")[1]
    kind, _, dtype = symbol.rpartition("_")
    if kind == batched.KIND:
        return symbol
    return f"convolution_{dtype}" if kind in convolution.KINDS else None


@dataclass(frozen=True)
class Recipe:
    """How to load a library again: its modules by their keys, what it exports, what it calls."""

    modules: tuple[str, ...]
    exports: tuple[str, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True)
class Shared:
    """A library of ours: its modules, the functions it has for others, and those it calls."""

    modules: tuple[Module, ...]
    exports: tuple[str, ...]
    calls: tuple[str, ...] = ()

    @property
    def recipe(self) -> Recipe:
        """What is needed to load it again."""
        return Recipe(tuple(m.key for m in self.modules), self.exports, self.calls)


def _shared(name: str, folder: Path | None) -> Code:
    with _lock:
        if name not in _linked:
            _linked[name] = _found(name, folder) or _compiled(name, folder)
        return _linked[name]


def _compiled(name: str, folder: Path | None) -> Code:
    """A library from its text."""
    made = _made(name)
    code = link(made.modules, folder, made.exports, addresses(made.calls, folder))
    file = _file(name, folder)
    if file is not None and sources.unchanged():
        disk.keep(file, pickle.dumps(made.recipe))
    return code


def _found(name: str, folder: Path | None) -> Code | None:
    """A library that was compiled before; its text is not written. None if it is not at hand."""
    if (found := _kept(name, folder)) is None:
        return None
    recipe, codes = found
    return link_objects(codes, recipe.exports, addresses(recipe.calls, folder))


def _kept(name: str, folder: Path | None) -> tuple[Recipe, list[bytes]] | None:
    """A library's recipe and object code; None if some of it is not on disk."""
    file = _file(name, folder)
    if file is None or (content := disk.kept(file)) is None:
        return None
    recipe: Recipe = pickle.loads(content)
    codes = known_codes(recipe.modules, file.parent)
    return None if codes is None else (recipe, codes)


def _file(name: str, folder: Path | None) -> Path | None:
    """Where a library's recipe is kept; None if nothing is."""
    folder = disk.usable(folder)
    if folder is None or not sources.IMPORTED:
        return None
    key = hashlib.sha256("\0".join((name, *surroundings())).encode()).hexdigest()[:40]
    return folder / f"{disk.PREFIX}{key}.lib"


@cache
def surroundings() -> tuple[str, ...]:
    """All that the text of a library follows from, and what becomes of it: machine and versions."""
    versions = sys.version, np.__version__
    return (*versions, *host().surroundings, str(host().second_cache), sources.IMPORTED)


@cache
def _made(name: str) -> Shared:
    kind, _, dtype = name.partition("_")
    return _MAKERS[kind](dtype)


def ahead(symbols: Iterable[str], folder: Path | None) -> None:
    """Begin to compile what has these functions, and all that these call, if it is not at hand."""
    pending, seen, folder = list(symbols), set(), disk.usable(folder)
    while pending:
        home = _home(pending.pop())
        if home is None or home in seen or home in _linked:
            continue
        seen.add(home)
        if (found := _kept(home, folder)) is not None:
            pending += found[0].calls
            continue
        made = _made(home)
        pending += made.calls
        begin(made.modules, folder)


def _support(_: str) -> Shared:
    text = support.support_text()
    return Shared((Module(text, QUICK),), support.FUNCTIONS, (*support.IMPORTS, pool.POOL))


def _clock(_: str) -> Shared:
    return Shared((Module(clock.TEXT, QUICK),), clock.FUNCTIONS, clock.IMPORTS)


@cache
def seconds_per_tick(folder: Path | None) -> float:
    """The unit in which drivers count time; the processor's counter is held against the clock."""
    if not clock.HAS_COUNTER:
        return 1e-9
    code = _shared(clock.NAME, folder)
    ticks = ctypes.CFUNCTYPE(ctypes.c_int64)(code.address("ticks"))
    before, start = ticks(), time.perf_counter()
    while time.perf_counter() - start < CALIBRATION:
        pass
    return (time.perf_counter() - start) / (ticks() - before)


def _product(dtype: str) -> Shared:
    name = products.product_name(dtype)
    if dtype in tiles.ITEMSIZE:
        return _routines(products.product_text(dtype), [name])
    calls = tuple(f"blas_{blas.LETTERS[dtype]}{kind}" for kind in ("gemm", "gemv"))
    return Shared((Module(blas.product_text(dtype), QUICK),), (name,), calls)


def _convolution(dtype: str) -> Shared:
    names = convolution.convolution_names(dtype)
    return _routines(convolution.convolution_text(dtype), names)


def _batched(dtype: str) -> Shared:
    calls = "launch", products.product_name(dtype)
    modules = (Module(batched.batched_text(dtype), QUICK),)
    return Shared(modules, (batched.batched_name(dtype),), calls)


def _routines(text: str, names: Sequence[str]) -> Shared:
    """Routines that call leaves and share their work among threads."""
    shared = "|".join((*support.FUNCTIONS, rf"{leaves.PREFIX}\w+"))
    calls = re.findall(rf"^declare \w+ @({shared})\(", text, re.MULTILINE)
    return Shared((Module(text, QUICK),), tuple(names), tuple(calls))


def _leaves(dtype: str) -> Shared:
    texts = leaves.leaves_texts(dtype)
    names = [name for text in texts for name in leaves.leaf_names(text)]
    return Shared(tuple(Module(text, WRITTEN) for text in texts), tuple(names))


_MAKERS = {
    "support": _support,
    clock.NAME: _clock,
    "gemm": _product,
    "leaves": _leaves,
    "convolution": _convolution,
    batched.KIND: _batched,
}
