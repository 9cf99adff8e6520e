"""What runs a compiled graph: native code, the interpreter, or both compared.

A runner is called with the arrays of all inputs (the user's, then the shared variables') and
gives back the outputs and the next values of the shared variables it did not overwrite itself.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from symgraph.backends.stop import Stop
from symgraph.blame import failure_error, passed
from symgraph.dataclass import dataclass
from symgraph.device_array import moved
from symgraph.devices import CPU
from symgraph.errors import IndexRangeError, InputShapeError, MatrixError, ShapeError
from symgraph.graph import Apply, Constant, Variable
from symgraph.interpret import Watch, interpret
from symgraph.lower.lower import Lowered
from symgraph.memory import Plan
from symgraph.types import TensorType
from symgraph.verify import compare_values

Array: TypeAlias = npt.NDArray[Any]
Arrays: TypeAlias = Sequence[Array]


@dataclass(frozen=True)
class Task:
    """What is to be computed: outputs, and next values of shared variables, from inputs.

    `borrowed` are places of outputs whose arrays native code may use again.
    """

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    updates: tuple[tuple[Variable, Variable], ...] = ()
    borrowed: frozenset[int] = frozenset()

    @property
    def roots(self) -> tuple[Variable, ...]:
        """Everything that is computed."""
        return (*self.outputs, *(value for _, value in self.updates))

    def with_roots(self, roots: Sequence[Variable]) -> Task:
        """The same task with what it computes rewritten."""
        count = len(self.outputs)
        updates = zip((s for s, _ in self.updates), roots[count:], strict=True)
        return Task(self.inputs, tuple(roots[:count]), tuple(updates), self.borrowed)


class Runner(Protocol):
    """Runs a task; `replaced` are the shared variables whose next value it hands back."""

    replaced: tuple[Variable, ...]

    def __call__(self, arrays: Arrays) -> Arrays:
        """Outputs, then the next values of `replaced`."""


class Interpreted:
    """Runs a task by the reference interpreter."""

    def __init__(
        self,
        task: Task,
        clocked: bool = False,
        told: Watch | None = None,
    ) -> None:
        self.task, self.clocked, self.told = task, clocked, told
        self.replaced = tuple(shared for shared, _ in task.updates)
        self.spent: Counter[Apply] = Counter()  # nanoseconds by node, if they are measured

    def __call__(self, arrays: Arrays) -> list[Array]:
        """Outputs, then next values, each in memory of its own."""
        self._check(arrays)
        values = dict(zip(self.task.inputs, arrays, strict=True))
        try:
            results = interpret(
                self.task.roots, values, self._watch() if self.clocked else self.told
            )
        except (ShapeError, IndexRangeError, MatrixError) as error:
            lines = passed(self.task.inputs, arrays)
            raise type(error)("\n".join([str(error), *lines])).with_traceback(
                error.__traceback__
            ) from error.__cause__
        return [fresh(r) for r in results]

    def reset(self) -> None:
        """Forget the times measured."""
        self.spent.clear()

    def _watch(self) -> Watch:
        """Charge each node with the time since the one before it."""
        last = time.perf_counter_ns()

        def watch(node: Apply, operands: Sequence[Any], results: Sequence[Any] | None) -> None:
            nonlocal last
            now = time.perf_counter_ns()
            self.spent[node] += now - last
            if self.told is not None:
                self.told(node, operands, results)
            last = time.perf_counter_ns()

        return watch

    def _check(self, arrays: Arrays) -> None:
        named: dict[str, tuple[int, Variable]] = {}
        for var, array in zip(self.task.inputs, arrays, strict=True):
            if not isinstance(var.type, TensorType):
                continue
            for want, size in zip(var.type.shape, np.shape(array), strict=True):
                if isinstance(want, int) and size != want:
                    raise ShapeError(
                        f"{var} is declared {var.type} but has shape {np.shape(array)}"
                    )
                if isinstance(want, str):
                    known, other = named.setdefault(want, (size, var))
                    if known != size:
                        raise InputShapeError(
                            f"axes named {want!r} differ: {known} in {other}, {size} in {var}"
                        )


def fresh(value: Any) -> Any:
    """A value in memory of its own."""
    return np.array(value, copy=True) if isinstance(value, np.ndarray) else deepcopy(value)


def as_stored(value: Any) -> Any:
    """An array as native code takes it: row-major, aligned, writable."""
    if not isinstance(value, np.ndarray):
        return value
    return np.require(value, requirements=["C", "A", "W"])


TOO_LARGE = -2  # the status of a product whose sizes BLAS cannot take


class Entry(Protocol):
    """A compiled driver; one that measures itself counts in `words`."""

    takes_read_only: ClassVar[bool]  # whether arrays it only reads may be read-only

    @property
    def words(self) -> npt.NDArray[np.int64] | None:
        """What it counts in, if it measures itself."""

    def call(self, *arrays: Array) -> tuple[Array, ...]:
        """New arrays; raises `Stop` where a guard fails, TypeError for what is no such array."""


def _stored(array: Array, read_only: bool) -> Array:
    """An array as a driver takes it."""
    return np.require(array, requirements=["C", "A"] if read_only else ["C", "A", "W"])


class Compiled(ABC):
    """Runs a task by compiled code. Several threads may call it at once."""

    def __init__(
        self, entry: Entry, constants: Sequence[Array], replaced: Sequence[Variable]
    ) -> None:
        self.entry, self.replaced = entry, tuple(replaced)
        self.constants = [_stored(c, entry.takes_read_only) for c in constants]
        self._call = entry.call

    def __call__(self, arrays: Arrays) -> Arrays:
        """Outputs, then the next values that could not be written in place.

        A TypeError means that an argument is not a row-major, aligned array of its type.
        """
        try:
            return self._call(*arrays, *self.constants)
        except Stop as stop:
            report: tuple[int, ...] = stop.args
        return self._after_stop(report, arrays)

    def _after_stop(self, report: tuple[int, ...], arrays: Arrays) -> Arrays:
        """Raise what a guard reported; copy an argument that lies in overwritten memory."""
        code, first, second = report
        if code == TOO_LARGE:
            raise ShapeError("a matrix product has more rows or columns than BLAS counts (2**31)")
        if code < 0:
            return self([a.copy() if n == first else a for n, a in enumerate(arrays)])
        return self.failed(code, (first, second), arrays)

    @abstractmethod
    def failed(self, code: int, values: tuple[int, int], arrays: Arrays) -> Arrays:
        """Raise the error that a failed guard stands for."""


class Native(Compiled):
    """Compiled code with the program that it was made from."""

    def __init__(self, lowered: Lowered, plan: Plan, entry: Entry) -> None:
        self.lowered, self.plan, self.program = lowered, plan, lowered.program
        inputs = (parameter.variable for parameter in self.program.parameters)
        constants = [v.data for v in inputs if isinstance(v, Constant)]
        super().__init__(entry, constants, lowered.replaced)

    def measured(self) -> list[int]:
        """The words that a driver which measures itself counts in."""
        return [] if self.entry.words is None else self.entry.words.tolist()

    def reset(self) -> None:
        """Forget the counts."""
        if self.entry.words is not None:
            self.entry.words[:] = 0

    def failed(self, code: int, values: tuple[int, int], arrays: Arrays) -> Arrays:
        """Raise the error that a failed guard stands for."""
        raise failure_error(
            self.program.failures[code - 1], values, self.lowered, self.plan, arrays
        )


class Warm(Compiled):
    """Compiled code found in the cache, before anything was rewritten or lowered.

    Where the program is needed after all, to say which guard failed or to be looked at, `full`
    makes it, and code that surely belongs to it.
    """

    def __init__(
        self,
        entry: Entry,
        constants: Sequence[Array],
        replaced: Sequence[Variable],
        make: Callable[[], Runner],
    ) -> None:
        super().__init__(entry, constants, replaced)
        self._make = make

    @cached_property
    def full(self) -> Runner:
        """What the whole compiler makes of the task."""
        return self._make()

    def failed(self, code: int, values: tuple[int, int], arrays: Arrays) -> Arrays:
        """Raise the error that a failed guard stands for: the same call fails again."""
        return self.full(arrays)


class Compared:
    """Runs a task natively and by the interpreter at every stage, and compares."""

    def __init__(self, stages: Mapping[str, Task], native: Runner) -> None:
        self.stages, self.native = dict(stages), native
        first = next(iter(stages.values()))
        self.replaced = tuple(shared for shared, _ in first.updates)
        self._updates = first.updates

    def __call__(self, arrays: Arrays) -> list[Array]:
        """The native results, after every stage has been found to agree."""
        expected: list[Array] | None = None
        plain = [moved(array, CPU) for array in arrays]
        for name, task in self.stages.items():
            results = Interpreted(task)(plain)
            if expected is not None:
                compare_values(name, task.roots, expected, results)
            else:
                expected = results
        copies = [fresh(a) for a in arrays]
        found = self._run_native(copies)
        assert expected is not None
        task = next(iter(self.stages.values()))
        compare_values("native code", task.roots, expected, [moved(v, CPU) for v in found])
        return found

    def _run_native(self, copies: list[Array]) -> list[Array]:
        """Native results with the next value of every shared variable, wherever it was written."""
        task = next(iter(self.stages.values()))
        results = self.native(copies)
        outputs = results[: len(task.outputs)]
        returned = dict(zip(self.native.replaced, results[len(task.outputs) :], strict=True))
        overwritten = dict(zip(task.inputs, copies, strict=True))
        return [*outputs, *(returned.get(s, overwritten[s]) for s, _ in task.updates)]


class Chain:
    """Runs a task whose graph holds opaque ops: native parts, Python calls between them."""

    def __init__(self, task: Task, parts: Sequence[tuple[Task, Runner]]) -> None:
        self.task, self.parts = task, parts
        self.replaced = tuple(shared for shared, _ in task.updates)

    def __call__(self, arrays: Arrays) -> list[Array]:
        """Outputs, then the next value of every shared variable."""
        known = dict(zip(self.task.inputs, arrays, strict=True))
        for part, run in self.parts:
            results = run([as_stored(known[var]) for var in part.inputs])
            known.update(zip(part.outputs, results, strict=True))
        results = [var.data if isinstance(var, Constant) else known[var] for var in self.task.roots]
        return [fresh(r) for r in results]
