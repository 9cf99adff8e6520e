"""The CUDA target: a plan as text, kernels and driver, and the callable made of it."""

from __future__ import annotations

import hashlib
import linecache
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import pairwise
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from symgraph.backends.cuda.device import Device, open_device
from symgraph.backends.cuda.driver import Driver
from symgraph.backends.cuda.kernels import kernel_text
from symgraph.backends.cuda.prepare import prepared
from symgraph.backends.cuda.replay import Places, Replays
from symgraph.backends.cuda.running import Run
from symgraph.backends.numba.scalar_math import definitions, externals
from symgraph.backends.numba.target import expressions_of
from symgraph.backends.numba.text import harmless
from symgraph.dataclass import dataclass
from symgraph.kernel import Kernel
from symgraph.lower.machine import Machine, in_single_precision
from symgraph.lower.program import Gemm, Routine
from symgraph.memory import Plan

__all__ = ["MACHINE", "Entry", "Text", "load", "module", "prepared", "write"]
KERNELS = "from symgraph.backends.cuda.words import *\n"
DRIVER = """\
from symgraph.backends.cuda.meanings import *
"""


@dataclass(frozen=True)
class Text:
    """A plan as two modules of Python: what runs on the device, and what drives it."""

    kernels: str
    driver: str
    routines: tuple[Gemm | Routine, ...]
    waits: bool  # whether the driver looks at what the device computes
    launched: tuple[Kernel, ...]  # the kernels in the first module

    def __str__(self) -> str:
        return f"{self.kernels}\n\n# --- the driver\n\n{self.driver}"


MACHINE = Machine(
    chunk_work=4096, most_chunks=1024, columns_apart=True, folding=in_single_precision
)


def write(plan: Plan, title: str, clocked: bool = False) -> Text:
    """The text of a plan; `clocked`, its driver has the device note the time behind each step."""
    head = f'"""{harmless(title)}"""\n\n'
    driver = Driver(plan, clocked)
    call = driver.text()
    launched = (*plan.program.kernels, *driver.handmade.values())
    inside = definitions(launched)
    called = [f"do_{op} = external({op!r})" for op in externals(launched)]
    kernels = [head + KERNELS, *called, *inside, *map(kernel_text, launched)]
    outside = [text.replace("@scalar\n", "") for text in definitions(expressions_of(plan))]
    special = [f"do_{op} = external({op!r})" for op in externals(expressions_of(plan))]
    return Text(
        "\n\n".join(part.rstrip("\n") + "\n" for part in kernels),
        "\n\n".join([head + DRIVER, *special, *outside, call]) + "\n",
        tuple(driver.routines),
        driver.waits,
        launched,
    )


def module(text: str) -> ModuleType:
    """The module of a text; tracebacks and numba find its lines."""
    name = f"symgraph_cuda_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    file = f"<{name}>"
    made = ModuleType(name)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), made.__dict__)
    return made


class Entry:
    """A driver as a callable of arrays, of NumPy or of the device."""

    words: ClassVar[None] = None  # this target does not measure itself
    takes_read_only: ClassVar[bool] = True

    def __init__(self, plan: Plan, text: Text, device: Device, clocked: bool = False) -> None:
        self.device, self.text = device, text
        driver = module(text.driver)
        made = cache(partial(module, text.kernels))
        driver.__dict__.update(device.load(made, text.launched))
        self._drive: Callable[..., tuple[Any, ...]] = driver.call
        self.marks: list[tuple[int, Any]] = []  # of the last call, if it is clocked
        steady = device.records and not text.waits and not clocked
        self._replays = Replays(device, driver.call, self._new_run) if steady else None
        self._lock = threading.Lock()
        written = set(plan.program.written)
        self._written = [n for n, p in enumerate(plan.program.parameters) if p in written]
        self._places = Places(device, self._written)

    def call(self, *arrays: Any) -> tuple[Any, ...]:
        """Results as NumPy arrays; raises `Stop` where a guard fails.

        NumPy arrays that the program overwrites are overwritten.
        """
        with self._lock:
            given = self._given(arrays)
            results = self._ran(given)
            for n in self._written:
                if given[n] is not arrays[n]:
                    arrays[n][...] = self.device.get(given[n])
            return tuple(map(self.device.get, results))

    def _given(self, arrays: Sequence[Any]) -> list[Any]:
        """The arguments on the device, and if calls may be replayed at the same places."""
        if self._replays is not None:
            return self._places(arrays)
        return [a if self.device.holds(a) else self.device.put(a) for a in arrays]

    def run(self, *arrays: Any) -> tuple[Any, ...]:
        """Results on the device, for arrays that lie there, or anywhere if they are only read."""
        with self._lock:
            return self._ran(self._given(arrays))

    def _ran(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        with np.errstate(all="ignore"), self.device.active():
            if self._replays is not None:
                return self._replays(arrays)
            run = self._new_run()
            results = self._drive(run, *arrays)
            run.check()
            self.marks = run.marks
            return results

    def spent(self) -> Iterator[tuple[int, int]]:
        """The steps of the last call, by their places in the plan, and their nanoseconds."""
        for (_, before), (place, after) in pairwise(self.marks):
            yield place, round(self.device.seconds(before, after) * 1e9)

    def _new_run(self) -> Run:
        return Run(self.device, self.text.routines)


def load(plan: Plan, title: str, number: int = 0, clocked: bool = False) -> Entry:
    """The callable of a plan, on the device of that number."""
    return Entry(plan, write(plan, title, clocked), open_device(number), clocked)
