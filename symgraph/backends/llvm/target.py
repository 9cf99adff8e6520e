"""The `llvm` target: a plan becomes a callable."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from symgraph.backends.llvm import library
from symgraph.backends.llvm.driver import COUNTS, KEPT, NAME, Driver
from symgraph.backends.llvm.kernels import kernel_text
from symgraph.backends.llvm.machine import (
    FULL,
    QUICK,
    Code,
    Module,
    host,
    known_codes,
    link,
    link_objects,
)
from symgraph.backends.llvm.meter import Words
from symgraph.backends.routines.routine import RoutineCall
from symgraph.dataclass import dataclass
from symgraph.kernel import Kernel
from symgraph.later import Later
from symgraph.memory import Plan

METH_FASTCALL = 0x80
numba_side = Later("symgraph.backends.numba.side")


class MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


new_function = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p
)(("PyCFunction_NewEx", ctypes.pythonapi))


@dataclass(frozen=True)
class Recipe:
    """How to load a plan that was compiled before: its modules by their keys, what they call."""

    modules: tuple[str, ...]
    foreign: tuple[str, ...]
    routines: dict[str, RoutineCall]
    kept: int = 0  # how many outputs it keeps arrays for


@dataclass(frozen=True)
class Written:
    """A plan as LLVM's text: the module of each kernel, and the driver."""

    kernels: dict[Kernel, tuple[str, Module]]  # the name of its function, its module
    driver: Module
    symbols: tuple[str, ...]  # what they refer to
    routines: dict[str, RoutineCall]  # those of them that numba compiles
    words: int = 0  # that the driver counts in, if it measures itself
    kept: int = 0  # how many outputs it keeps arrays for

    @property
    def modules(self) -> dict[str, Module]:
        """The distinct modules, by the name of their function."""
        return dict(self.kernels.values())

    @property
    def foreign(self) -> tuple[str, ...]:
        """The symbols that neither its modules nor numba's routines define."""
        own = self.modules
        return tuple(s for s in self.symbols if s not in own and s not in self.routines)

    @property
    def recipe(self) -> Recipe:
        """What is needed to load it again."""
        modules = (*self.modules.values(), self.driver)
        return Recipe(tuple(m.key for m in modules), self.foreign, self.routines, self.kept)

    def llvm(self) -> str:
        """All modules, for readers."""
        parts = [(kernel.name, m) for kernel, (_, m) in self.kernels.items()]
        return "\n".join(f"; {name}\n{m.text}" for name, m in [*parts, ("driver", self.driver)])

    def assembly(self) -> str:
        """The kernels in the processor's assembly language."""
        with host().target(FULL) as target:
            parts = [(k.name, target.assembly(m)) for k, (_, m) in self.kernels.items()]
        return "\n".join(f"# {name}\n{text}" for name, text in parts)


def write(plan: Plan, clocked: bool = False, borrowed: Collection[int] = ()) -> Written:
    """The text of a plan; with `clocked` its driver measures itself.

    `borrowed` are results whose arrays it may use again when nothing else refers to them.
    """
    texts = {kernel: kernel_text(kernel) for kernel in plan.program.kernels}
    kernels = {kernel: (t.name, Module(t.text, FULL)) for kernel, t in texts.items()}
    driver = Driver(plan, {kernel: t.name for kernel, t in texts.items()}, clocked, borrowed)
    text = driver.text()
    symbols = (*driver.symbols, *(s for t in texts.values() for s in t.symbols))
    words = Words(plan).count if clocked else 0
    return Written(kernels, Module(text, QUICK), symbols, driver.routines, words, len(borrowed))


@dataclass(frozen=True)
class Entry:
    """A driver as a callable of arrays: `call(*arrays) -> tuple of arrays`.

    The callable owns what it refers to: memory for temporaries, its code and its definition.
    """

    call: Callable[..., tuple[Any, ...]]
    words: npt.NDArray[np.int64] | None = None
    takes_read_only: ClassVar[bool] = True


def entry_of(code: Code, words: int = 0, kept: int = 0) -> Entry:
    """The callable of a driver's code, which counts in so many words and keeps so many outputs."""
    definition = MethodDef(NAME.encode(), code.address(NAME), METH_FASTCALL, None)
    counts = np.zeros(words, np.int64) if words else None
    owned = np.empty(KEPT + 2 * kept, object)
    owned[0], owned[1] = np.empty(0, np.uint8), (code, definition)
    owned[COUNTS] = counts
    return Entry(new_function(ctypes.addressof(definition), owned, None), counts)


def load(written: Written, folder: Path | None) -> Entry:
    """Compile a plan, or find its code, and link it."""
    imports = _imports(written.foreign, written.routines, folder)
    modules = [*written.modules.values(), written.driver]
    return entry_of(link(modules, folder, [NAME], imports), written.words, written.kept)


def load_known(recipe: Recipe, folder: Path) -> Entry | None:
    """The callable of a plan that was compiled before; None if some of its code is gone."""
    codes = known_codes(recipe.modules, folder)
    if codes is None:
        return None
    imports = _imports(recipe.foreign, recipe.routines, folder)
    return entry_of(link_objects(codes, [NAME], imports), kept=recipe.kept)


def _imports(
    foreign: Iterable[str], routines: Mapping[str, RoutineCall], folder: Path | None
) -> dict[str, int]:
    imports = library.addresses(foreign, folder)
    for symbol, call in routines.items():
        imports[symbol] = numba_side.routine_address(call, folder)
    return imports
