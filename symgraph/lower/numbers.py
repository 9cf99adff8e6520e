"""Loops whose steps compute numbers only: one kernel, in which what they hand on is a register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgraph.graph import Apply
from symgraph.kernel import (
    HI,
    LO,
    Buffer,
    Call,
    Expr,
    Let,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
    expressions,
    lit,
    walk,
)
from symgraph.lower.elements import make_launch
from symgraph.lower.program import Allocate, Bind, Launch, Put, Repeat, Slice, Step
from symgraph.lower.sizes import Namer, Sizes


def as_kernel(loop: Repeat, nodes: Sequence[Apply], sizes: Sizes) -> Launch | None:
    """The loop as one kernel, if its steps compute numbers only, none can fail, none ends it."""
    if loop.until is not None or not all(map(_is_of_numbers, loop.body)):
        return None
    writer = _Writer(loop.body, sizes.namer)
    for step in loop.body:
        writer.write(step)
    steps = Loop(loop.index, lit(0), loop.count, tuple(writer.body))
    once = Loop(sizes.namer("once"), LO, HI, (*writer.before, steps, *writer.after))
    work = sizes.bind(loop.count * max(1, _operations(writer.body)))
    return make_launch(sizes.namer("k1"), [once], lit(1), work, nodes)


def _is_of_numbers(step: Step) -> bool:
    number = isinstance(step, Allocate) and step.length == lit(1)
    return number or isinstance(step, Bind | Put | Slice)


def _operations(body: Sequence[Stmt]) -> int:
    return sum(isinstance(p, Call) for s in body for e in expressions(s) for p in walk(e))


class _Writer:
    """Writes steps as statements; a number that is written over in every step has a register."""

    def __init__(self, steps: Sequence[Step], namer: Namer) -> None:
        self.body: list[Stmt] = []
        self.before: list[Stmt] = []
        self.after: list[Stmt] = []
        self.registers: dict[Buffer, Name] = {}
        self.places: dict[Buffer, tuple[Buffer, Expr]] = {}  # what a slice is a part of, and where
        inner = {step.buffer for step in steps if isinstance(step, Allocate)}
        parts = {step.buffer for step in steps if isinstance(step, Slice)}
        for buffer in dict.fromkeys(s.buffer for s in steps if isinstance(s, Put)):
            if buffer not in parts:
                register = Name(namer("carried"), buffer.dtype)
                self.registers[buffer] = register
                start = lit(0, buffer.dtype) if buffer in inner else Load(buffer, lit(0))
                self.before.append(Let(register.id, start))
                if buffer not in inner:
                    self.after.append(Store(buffer, lit(0), register))

    def write(self, step: Step) -> None:
        """Add what a step does."""
        if isinstance(step, Bind):
            self.body.append(Let(step.name, self._read(step.value), step.note))
        elif isinstance(step, Slice):
            source, start = self.places.get(step.source, (step.source, lit(0)))
            self.places[step.buffer] = (source, start + self._read(step.offset))
        elif isinstance(step, Put):
            self._put(step.buffer, self._read(step.value))

    def _put(self, buffer: Buffer, value: Expr) -> None:
        register = self.registers.get(buffer)
        if register is not None:
            self.body.append(Update(register.id, value))
        else:
            source, start = self.places[buffer]
            self.body.append(Store(source, start, value))

    def _read(self, expr: Expr) -> Expr:
        """An expression with its loads from where the steps keep things."""
        if isinstance(expr, Call):
            return replace(expr, args=tuple(map(self._read, expr.args)))
        if not isinstance(expr, Load):
            return expr
        if expr.buffer in self.registers:
            return self.registers[expr.buffer]
        source, start = self.places.get(expr.buffer, (expr.buffer, lit(0)))
        return Load(source, start + self._read(expr.index))
