"""Running a task on several devices: its parts one after the other, and the copies between them.

Devices work on what they are given while the next part is started, so parts on different devices
run at the same time; only what is needed on the CPU is waited for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgraph.backends.stop import Stop
from symgraph.dataclass import dataclass
from symgraph.device_array import DeviceArray, Origin, moved
from symgraph.devices import CPU
from symgraph.footprint import Measured
from symgraph.graph import Constant, Variable
from symgraph.later import Later
from symgraph.lower.measure import sizes_of_arguments
from symgraph.ops.transfer import Transfer
from symgraph.runners import Arrays, Native, Task, as_stored, fresh
from symgraph.shared import SharedVariable

runtime = Later("symgraph.backends.cuda.memory")
Values = Sequence[Any]  # arrays of NumPy's or on devices


@dataclass(frozen=True)
class Part:
    """A piece of a task: where it runs, and what runs it."""

    task: Task
    place: str
    run: Callable[[Values], Values]
    replaced: tuple[Variable, ...] = ()


class Copies:
    """Runs the copies of a part: each output is an input, on another device."""

    def __init__(self, task: Task) -> None:
        self._steps: list[tuple[int, str, Origin]] = []
        self.pairs: list[tuple[Variable, Variable]] = []  # what is copied, and its copy
        for var in task.outputs:
            assert var.owner is not None
            assert isinstance(var.owner.op, Transfer)
            self.pairs.append((var.owner.inputs[0], var))
            source = task.inputs.index(var.owner.inputs[0])
            self._steps.append((source, var.owner.op.target, origin_of(var)))

    def __call__(self, values: Values) -> list[Any]:
        """The copies."""
        return [moved(values[source], place, origin) for source, place, origin in self._steps]


class OnGpu:
    """Runs a compiled part on a GPU: arrays on it in, new arrays on it out."""

    def __init__(self, native: Native, device: str, clocked: bool = False) -> None:
        self.native, self.device, self.clocked = native, device, clocked
        self.calls = 0  # how often it ran, if that is measured
        self.spent: Counter[int] = Counter()  # nanoseconds by the place of a step in the plan
        self.sizes: dict[str, int] = {}  # of the last call, if it was measured
        self.memory = runtime.memory(device)
        self.replaced = native.replaced
        entry: Any = native.entry
        self._run, self._spent = entry.run, entry.spent
        self._constants = [self.memory.upload(c) for c in native.constants]
        self._origins = [origin_of(result.variable) for result in native.program.results]
        written = set(native.program.written)
        self._written = [n for n, p in enumerate(native.program.parameters) if p in written]

    def __call__(self, values: Values) -> list[Any]:
        """Outputs, then the next values that could not be written in place."""
        raw = [v.raw if isinstance(v, DeviceArray) else v for v in values]
        for n in self._written:
            if not isinstance(values[n], DeviceArray):
                raw[n] = self.memory.upload(values[n])
        try:
            made = self._measured(values, raw) if self.clocked else self._made(values, raw)
        except Stop as stop:
            code, first, second = stop.args
            return list(self.native.failed(code, (first, second), values))
        return [DeviceArray(self.memory, a, o) for a, o in zip(made, self._origins, strict=True)]

    def _made(self, values: Values, raw: Sequence[Any]) -> Sequence[Any]:
        return self.memory.guarded(
            lambda: self._run(*raw, *self._constants), lambda: self._held(values)
        )

    def _measured(self, values: Values, raw: Sequence[Any]) -> Sequence[Any]:
        """Run with nothing else under way, and read the times that the device noted."""
        self.memory.wait()
        made = self._made(values, raw)
        self.memory.wait()
        for place, nanoseconds in self._spent():
            self.spent[place] += nanoseconds
        self.sizes = sizes_of_arguments(self.native.program, raw)
        self.calls += 1
        return made

    def reset(self) -> None:
        """Forget the times measured."""
        self.calls = 0
        self.spent.clear()

    def _held(self, values: Values) -> list[tuple[int, str]]:
        """What a call makes: results and temporaries, as its sizes tell."""
        shapes, known = [np.shape(v) for v in values], dict[Variable, int]()
        measured = Measured(self.native.lowered, self.native.plan, shapes, known, 1)
        return [
            (h.size or 0, f"{h.role} {h.name}, {h.dtype} of shape {h.shape}, made at {h.made_at}")
            for h in measured.footprint({}).held
            if h.role in ("output", "temporary")
        ]


class Spread:
    """Runs a placed task.

    Attributes
    ----------
    replaced
        The shared variables whose next value is handed back.
    """

    def __init__(self, task: Task, homes: Mapping[Variable, str], parts: Sequence[Part]) -> None:
        self.task, self.parts = task, tuple(parts)
        self._homes = [homes[var] for var in task.inputs]
        self._shared = [isinstance(var, SharedVariable) for var in task.inputs]
        inside = {s for part in parts for s, _ in part.task.updates}
        handed = {s for part in parts for s in part.replaced}
        self._next = {s: value for s, value in task.updates if s not in inside or s in handed}
        self.replaced = tuple(self._next)

    def __call__(self, arrays: Arrays) -> list[Any]:
        """Outputs, then the next values of `replaced`."""
        values = [
            moved(value, home) if home != CPU else value
            for value, home in zip(arrays, self._homes, strict=True)
        ]
        known = dict(zip(self.task.inputs, self._apart(values), strict=True))
        for part in self.parts:
            results = part.run([self._at(part.place, known[var]) for var in part.task.inputs])
            outputs = part.task.outputs
            known.update(zip(outputs, results, strict=False))
            nexts = dict(part.task.updates)
            for shared, value in zip(part.replaced, results[len(outputs) :], strict=True):
                known[nexts[shared]] = value
        given = {id(known[var]) for var in self.task.inputs}
        return self._own([*self.task.outputs, *self._next.values()], known, given)

    def _apart(self, values: list[Any]) -> list[Any]:
        """The inputs; an argument that lies in the memory of a shared variable is copied."""
        pairs = list(zip(values, self._shared, strict=True))
        if not any(isinstance(v, DeviceArray) for v, shared in pairs if not shared):
            return values
        kept = [v for v, shared in pairs if shared and isinstance(v, DeviceArray)]
        return [
            value.copy()
            if not shared
            and isinstance(value, DeviceArray)
            and any(overlap(value, other) for other in kept)
            else value
            for value, shared in pairs
        ]

    @staticmethod
    def _at(place: str, value: Any) -> Any:
        """A value as a part takes it: an argument may lie anywhere."""
        if place == CPU:
            return as_stored(moved(value, CPU))
        return moved(value, place) if isinstance(value, DeviceArray) and place else value

    @staticmethod
    def _own(
        roots: Sequence[Variable], known: Mapping[Variable, Any], taken: set[int]
    ) -> list[Any]:
        """The values of roots, each in memory of its own."""
        found = []
        for var in roots:
            value = var.data if isinstance(var, Constant) else known[var]
            own = fresh(value) if id(value) in taken or isinstance(var, Constant) else value
            taken.add(id(own))
            found.append(own)
        return found


def overlap(one: DeviceArray, other: DeviceArray) -> bool:
    """Whether two arrays lie in the same memory."""
    memory: Any = one.memory
    return one.device == other.device and memory.device.tools.xp.may_share_memory(
        one.raw, other.raw
    )


def origin_of(var: Variable) -> Origin:
    """What an array is told to be the value of."""
    return str(var), var.made_at
