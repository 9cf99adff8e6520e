"""Modules that all functions share, compiled once and linked once in a process."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from symgraph.backends import pool, threads
from symgraph.backends.llvm import blas, capi, clock, products, support, tiles
from symgraph.backends.llvm.machine import QUICK, WRITTEN, Code, Module, link

CALIBRATION = 0.005  # seconds over which the counter is timed: its unit is right to 0.01%
_lock = threading.RLock()
_linked: dict[str, Code] = {}
_PRODUCTS = {products.product_name(dtype): dtype for dtype in (*tiles.ITEMSIZE, *blas.LETTERS)}


def addresses(symbols: Iterable[str], folder: Path | None) -> dict[str, int]:
    """Where symbols lie: shared functions, the pool, Python's and NumPy's interfaces."""
    return {symbol: _address(symbol, folder) for symbol in symbols}


def _address(symbol: str, folder: Path | None) -> int:
    if symbol in support.FUNCTIONS:
        return _shared("support", folder).address(symbol)
    if symbol in _PRODUCTS:
        return _shared(symbol, folder).address(symbol)
    if symbol in clock.FUNCTIONS:
        return _shared(clock.NAME, folder).address(symbol)
    return capi.address_of(symbol)


def _shared(name: str, folder: Path | None) -> Code:
    with _lock:
        if name not in _linked:
            make = {"support": _support, clock.NAME: _clock}.get(name)
            _linked[name] = make(folder) if make else _product(name, folder)
        return _linked[name]


def _support(folder: Path | None) -> Code:
    imports = {symbol: capi.address_of(symbol) for symbol in support.IMPORTS}
    imports[pool.POOL] = threads.words_address()
    return link([Module(support.support_text(), QUICK)], folder, support.FUNCTIONS, imports)


def _clock(folder: Path | None) -> Code:
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


def _product(name: str, folder: Path | None) -> Code:
    dtype = _PRODUCTS[name]
    if dtype in tiles.ITEMSIZE:
        imports = addresses(products.IMPORTS, folder)
        return link([Module(products.product_text(dtype), WRITTEN)], folder, [name], imports)
    symbols = [f"blas_{blas.LETTERS[dtype]}{kind}" for kind in ("gemm", "gemv")]
    imports = {symbol: capi.address_of(symbol) for symbol in symbols}
    return link([Module(blas.product_text(dtype), QUICK)], folder, [name], imports)
