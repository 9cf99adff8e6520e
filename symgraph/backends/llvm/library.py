"""Modules that all functions share, compiled once and linked once in a process."""

from __future__ import annotations

import ctypes
import re
import threading
import time
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from symgraph.backends import pool, threads
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
from symgraph.backends.llvm.machine import QUICK, WRITTEN, Code, Module, link

CALIBRATION = 0.005  # seconds over which the counter is timed: its unit is right to 0.01%
_lock = threading.RLock()
_linked: dict[str, Code] = {}
_PRODUCTS = {products.product_name(dtype) for dtype in (*tiles.ITEMSIZE, *blas.LETTERS)}


def addresses(symbols: Iterable[str], folder: Path | None) -> dict[str, int]:
    """Where symbols lie: shared functions, the pool, Python's and NumPy's interfaces."""
    return {symbol: _address(symbol, folder) for symbol in symbols}


def _address(symbol: str, folder: Path | None) -> int:
    home = _home(symbol)
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


def _shared(name: str, folder: Path | None) -> Code:
    with _lock:
        if name not in _linked:
            kind, _, dtype = name.partition("_")
            _linked[name] = _MAKERS[kind](dtype, folder)
        return _linked[name]


def _support(_: str, folder: Path | None) -> Code:
    imports = {symbol: capi.address_of(symbol) for symbol in support.IMPORTS}
    imports[pool.POOL] = threads.words_address()
    return link([Module(support.support_text(), QUICK)], folder, support.FUNCTIONS, imports)


def _clock(_: str, folder: Path | None) -> Code:
    imports = {symbol: capi.address_of(symbol) for symbol in clock.IMPORTS}
    return link([Module(clock.TEXT, QUICK)], folder, clock.FUNCTIONS, imports)


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


def _product(dtype: str, folder: Path | None) -> Code:
    name = products.product_name(dtype)
    if dtype in tiles.ITEMSIZE:
        return _routines(products.product_text(dtype), [name], folder)
    symbols = [f"blas_{blas.LETTERS[dtype]}{kind}" for kind in ("gemm", "gemv")]
    imports = {symbol: capi.address_of(symbol) for symbol in symbols}
    return link([Module(blas.product_text(dtype), QUICK)], folder, [name], imports)


def _convolution(dtype: str, folder: Path | None) -> Code:
    names = convolution.convolution_names(dtype)
    return _routines(convolution.convolution_text(dtype), names, folder)


def _batched(dtype: str, folder: Path | None) -> Code:
    name = batched.batched_name(dtype)
    imports = addresses(["launch", products.product_name(dtype)], folder)
    return link([Module(batched.batched_text(dtype), QUICK)], folder, [name], imports)


def _routines(text: str, names: Sequence[str], folder: Path | None) -> Code:
    """Routines that call leaves and share their work among threads."""
    shared = "|".join((*support.FUNCTIONS, rf"{leaves.PREFIX}\w+"))
    called = re.findall(rf"^declare \w+ @({shared})\(", text, re.MULTILINE)
    return link([Module(text, QUICK)], folder, names, addresses(called, folder))


def _leaves(dtype: str, folder: Path | None) -> Code:
    texts = leaves.leaves_texts(dtype)
    names = [name for text in texts for name in leaves.leaf_names(text)]
    return link([Module(text, WRITTEN) for text in texts], folder, names, {})


_MAKERS = {
    "support": _support,
    clock.NAME: _clock,
    "gemm": _product,
    "leaves": _leaves,
    "convolution": _convolution,
    batched.KIND: _batched,
}
