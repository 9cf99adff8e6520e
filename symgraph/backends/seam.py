"""The one way to numba: loaded by name when a program needs it, so that others start without it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any


@cache
def numba_side() -> Any:
    """The module `numba_side`."""
    return import_module("symgraph.backends.numba_side")
