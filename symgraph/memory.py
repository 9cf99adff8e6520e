"""The memory plan: what is computed before any kernel, and where temporaries lie.

Formulas of input sizes are moved to the front, with the guards that need nothing else, so a
bad call fails before anything is written. Temporaries share the slots of one arena: a slot is
free again after the last step that touches its buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.kernel import Buffer, Expr, Load, Name, lit, walk
from symgraph.lower.program import (
    Allocate,
    Bind,
    Guard,
    Program,
    Slice,
    Step,
    bodies,
    every,
    touched,
)
from symgraph.types import larger

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Plan:
    """A program in its final order, with a slot of the arena for each temporary."""

    program: Program
    head: tuple[Step, ...]  # binds and guards that need only the arguments
    body: tuple[Step, ...]
    slots: tuple[tuple[Expr, ...], ...]  # for each slot the byte sizes it has to hold
    slot_of: dict[Buffer, int]
    early: frozenset[str] = frozenset()  # the names that need only the arguments

    def known_early(self, *exprs: Expr) -> bool:
        """Whether formulas need only the sizes of the arguments and what the head binds."""
        return all(_only(expr, self.early, frozenset()) for expr in exprs)

    def dynamic_among(self, steps: Sequence[Step]) -> list[Buffer]:
        """The temporaries these steps allocate whose size is known only while they run."""
        return [
            step.buffer
            for step in steps
            if isinstance(step, Allocate)
            and step.role == "temporary"
            and step.buffer not in self.slot_of
        ]

    @property
    def steps(self) -> Iterator[Step]:
        """Every step, those inside loops and branches too."""
        return every((*self.head, *self.body))


def plan(program: Program) -> Plan:
    """Order the steps and give every temporary its slot."""
    head, body, early = _hoist(program)
    slots = _Slots(early, body)
    slots.place(body)
    sizes = tuple(map(tuple, slots.sizes))
    return Plan(program, tuple(head), tuple(body), sizes, slots.slot_of, frozenset(early))


class _Slots:
    """Slots given to temporaries step by step, and taken back."""

    def __init__(self, early: set[str], steps: Sequence[Step]) -> None:
        self.early = early
        self.sizes: list[list[Expr]] = []
        self.slot_of: dict[Buffer, int] = {}
        self._free: list[int] = []
        self._sources = {s.buffer: s.source for s in every(steps) if isinstance(s, Slice)}

    def place(self, steps: Sequence[Step]) -> None:
        """Slots for what these steps allocate; afterwards all of them are free again.

        What a loop or branch reads from outside lives until its end.
        """
        last = {buffer: n for n, step in enumerate(steps) for buffer in self._memory(step)}
        mine: set[Buffer] = set()
        for number, step in enumerate(steps):
            if isinstance(step, Allocate) and step.role == "temporary" and self._known(step):
                mine.add(step.buffer)
                self.slot_of[step.buffer] = _take(self.sizes, self._free, _bytes(step))
            for body in bodies(step):
                self.place(body)
            done = (b for b in self._memory(step) if last[b] == number)
            self._free += [self.slot_of[b] for b in done if b in mine]

    def _memory(self, step: Step) -> dict[Buffer, None]:
        """The buffers a step touches, a slice being its source."""
        found: dict[Buffer, None] = {}
        for buffer in touched(step):
            while buffer in self._sources:
                buffer = self._sources[buffer]
            found[buffer] = None
        return found

    def _known(self, step: Allocate) -> bool:
        return _only(step.length, self.early, set())


def _hoist(program: Program) -> tuple[list[Step], list[Step], set[str]]:
    """Split off what depends on the arguments alone."""
    given = {p.buffer for p in program.parameters}
    early = {name for p in program.parameters for name in p.sizes}
    head: list[Step] = []
    body: list[Step] = []
    for step in program.steps:
        if isinstance(step, Bind) and _only(step.value, early, given):
            early.add(step.name)
            head.append(step)
        elif isinstance(step, Guard) and all(
            _only(e, early, given) for e in (step.condition, *step.values)
        ):
            head.append(step)
        else:
            body.append(step)
    return head, body, early


def _only(expr: Expr, names: Set[str], buffers: Set[Buffer]) -> bool:
    for part in walk(expr):
        if isinstance(part, Name) and part.id not in names:
            return False
        if isinstance(part, Load) and part.buffer not in buffers:
            return False
    return True


def _bytes(step: Allocate) -> Expr:
    return step.length * lit(np.dtype(step.buffer.dtype).itemsize)


def _take(slots: list[list[Expr]], free: list[int], size: Expr) -> int:
    """A free slot, one that has held this size already if there is one, or a new slot."""
    fitting = [n for n in free if size in slots[n]] or free
    if not fitting:
        slots.append([size])
        return len(slots) - 1
    slot = fitting[-1]
    free.remove(slot)
    if size not in slots[slot]:
        slots[slot].append(size)
    return slot


def slot_size(sizes: tuple[Expr, ...]) -> Expr:
    """The bytes of a slot: the largest size it holds, rounded up to the alignment."""
    most = sizes[0]
    for size in sizes[1:]:
        most = larger(most, size)
    return (most + (ALIGNMENT - 1)) // ALIGNMENT * ALIGNMENT
