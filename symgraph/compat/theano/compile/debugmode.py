"""`theano.compile.debugmode`: every stage of the compiler is run, and compared."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.compile.mode import Mode
from symgraph.errors import VerifyError

__all__ = [
    "BadDestroyMap",
    "BadOptimization",
    "BadThunkOutput",
    "BadViewMap",
    "DebugMode",
    "DebugModeError",
    "InvalidValueError",
    "StochasticOrder",
]

DebugModeError = BadThunkOutput = BadOptimization = VerifyError
BadDestroyMap = BadViewMap = InvalidValueError = StochasticOrder = VerifyError


class DebugMode(Mode):
    """A mode that compares native code, and each stage before it, with the interpreter.

    Theano's settings (patience, which linkers, strides) are taken and mean nothing.
    """

    def __init__(self, optimizer: Any = "default", **settings: Any) -> None:
        super().__init__(None, optimizer, **{"check": 2} | settings)
