"""What only numba can do: its own target's text and code, routines for the LLVM target."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from numba import types

from symgraph.backends.numba import store
from symgraph.backends.numba.target import IMPORTS, import_line, module_text, signature
from symgraph.backends.numba.text import literal, numba_name
from symgraph.backends.routines.routine import RoutineCall
from symgraph.backends.stop import Stop
from symgraph.dataclass import dataclass
from symgraph.memory import Plan

__all__ = ["Entry", "load", "module_text", "routine_address"]
WORDS = (types.CPointer(types.int64),)


@dataclass
class Workspace:
    """What one call in flight needs for itself."""

    status: npt.NDArray[np.int64]
    arena: npt.NDArray[np.uint8]


class Entry:
    """A driver as a callable of arrays. Several threads may call it at once."""

    words: ClassVar[None] = None  # this target does not measure itself
    takes_read_only: ClassVar[bool] = False

    def __init__(self, entry: Callable[..., Any]) -> None:
        self._entry = entry
        self._idle: list[Workspace] = []

    def call(self, *arrays: Any) -> tuple[Any, ...]:
        """New arrays; raises Stop where a guard fails, TypeError for what is no such array."""
        idle = self._idle
        space = idle.pop() if idle else Workspace(np.zeros(8, np.int64), np.empty(0, np.uint8))
        try:
            *results, space.arena = self._entry(space.status, space.arena, *arrays)
            return tuple(results)
        except Stop:
            raise Stop(*space.status[:3].tolist()) from None
        except ValueError as error:  # of numba, about an empty list
            raise TypeError(str(error)) from None
        finally:
            idle.append(space)


def load(plan: Plan, title: str, folder: Path | None) -> Entry:
    """Compile a plan, or find its code."""
    text = module_text(plan, title)
    return Entry(store.load(text, folder=folder, signature=signature(plan.program)))


@cache
def routine_address(call: RoutineCall, folder: Path | None) -> int:
    """Where the code of a routine lies: a C function of one block of words.

    The block holds, for each array, its address and its sizes.
    """
    entry = store.load(_routine_text(call), folder=folder, signature=WORDS)
    (compiled,) = entry.overloads.values()
    name = compiled.fndesc.llvm_cfunc_wrapper_name
    return int(compiled.library.get_pointer_to_function(name))


def _routine_text(call: RoutineCall) -> str:
    words, place = [], 0
    for dtype, rank in call.arrays:
        sizes = "".join(f"words[{place + axis}], " for axis in range(1, rank + 1))
        words.append(f"carray(pointer(words[{place}], {numba_name(dtype)}), ({sizes}))")
        place += rank + 1
    words += [literal(s, "int64") for s in call.settings]
    name = call.routine.split(":")[1]
    body = f"@bridge\ndef call(words):\n    do_{name}({', '.join(words)})\n"
    return f'"""{call.routine}"""\n\n{IMPORTS}{import_line(call.routine)}\n\n{body}'
