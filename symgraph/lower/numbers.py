"""Loops whose steps compute numbers only: one kernel, in which what they hand on is a register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgraph.graph import Apply
from symgraph.kernel import (
    BOOL,
    HI,
    INT,
    LO,
    Buffer,
    Call,
    Expr,
    Leave,
    Let,
    Lit,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
    call,
    cast,
    compare,
    expressions,
    lit,
    select,
    walk,
)
from symgraph.lower.elements import make_launch
from symgraph.lower.program import Allocate, Bind, Guard, Put, Repeat, Slice, Step
from symgraph.lower.sizes import Namer, Sizes


def as_kernel(loop: Repeat, nodes: Sequence[Apply], sizes: Sizes) -> list[Step] | None:
    """The loop as one kernel and what reads its report, if its steps compute numbers only."""
    if not all(map(_is_of_numbers, loop.body)):
        return None
    writer = _Writer(loop, sizes.namer)
    for step in loop.body:
        writer.write(step)
    writer.end(loop)
    steps = Loop(loop.index, lit(0), loop.count, tuple(writer.body))
    once = Loop(sizes.namer("once"), LO, HI, (*writer.before, steps, *writer.after))
    work = sizes.bind(loop.count * max(1, _operations(writer.body)))
    launch = make_launch(sizes.namer("k1"), [once], lit(1), work, nodes)
    return [*writer.room, launch, *writer.findings]


def _is_of_numbers(step: Step) -> bool:
    number = isinstance(step, Allocate) and step.length == lit(1)
    return number or isinstance(step, Bind | Put | Slice | Guard)


def _operations(body: Sequence[Stmt]) -> int:
    return sum(isinstance(p, Call) for s in body for e in expressions(s) for p in walk(e))


class _Writer:
    """Writes steps as statements; what one step hands to the next has a register.

    A guard that fails leaves the loop; which one it was, and its values, are looked at behind it.
    So is the number of steps of a loop that ends by a condition.
    """

    def __init__(self, loop: Repeat, namer: Namer) -> None:
        steps, self.namer, self.index = loop.body, namer, Name(loop.index)
        self.body: list[Stmt] = []
        self.before: list[Stmt] = []
        self.after: list[Stmt] = []
        self.room: list[Step] = []  # what is done before the kernel, and what after it
        self.findings: list[Step] = []
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
        guards = any(isinstance(step, Guard) for step in steps)
        self.report = self._told("report", 3) if guards else None
        self.failed = self._counters(self.report, 3)
        self.rows: dict[Load, Name] = {}  # rows of traces that steps before have made
        self.trails: dict[Buffer, list[Name]] = {}  # by where the next row is put, the latest first
        for step in steps:
            if isinstance(step, Slice):
                self._carry(step, loop)

    def _carry(self, put: Slice, loop: Repeat) -> None:
        """Registers for rows of a trace that steps read after those that made them."""
        reads = (s.value for s in loop.body if isinstance(s, Bind))
        base, place = _split(put.offset)
        found: dict[int, Load] = {}
        backwards = Bind(base.id, loop.count - 1 - self.index) if isinstance(base, Name) else None
        down = backwards in loop.body
        if base != self.index and not down:
            return
        for load in reads:
            if isinstance(load, Load) and load.buffer == put.source:
                other, at = _split(load.index)
                lag = at - place if down else place - at
                if other == base and lag > 0:
                    found[lag] = load
        if not found or not any(isinstance(s, Put) and s.buffer == put.buffer for s in loop.body):
            return
        first = loop.count - 1 if down else lit(0)
        names = [Name(self.namer("carried"), put.source.dtype) for _ in range(max(found))]
        for lag, name in enumerate(names, 1):
            row = first + lit(place + lag if down else place - lag)
            self.before.append(Let(name.id, Load(put.source, row)))
        self.rows |= {load: names[lag - 1] for lag, load in found.items()}
        self.trails[put.buffer] = names

    def _told(self, wish: str, length: int) -> Buffer:
        """Memory for words that the kernel leaves."""
        buffer = Buffer(self.namer(wish), INT)
        self.room.append(Allocate(buffer, (lit(length),), lit(length)))
        return buffer

    def _counters(self, buffer: Buffer | None, count: int) -> list[Name]:
        """Registers, zero at first, that are left in a buffer."""
        if buffer is None:
            return []
        names = [Name(self.namer("told")) for _ in range(count)]
        self.before += [Let(name.id, lit(0)) for name in names]
        self.after += [Store(buffer, lit(place), name) for place, name in enumerate(names)]
        return names

    def write(self, step: Step) -> None:
        """Add what a step does."""
        if isinstance(step, Bind):
            self.body.append(Let(step.name, self._read(step.value), step.note))
        elif isinstance(step, Slice):
            source, start = self.places.get(step.source, (step.source, lit(0)))
            self.places[step.buffer] = (source, start + self._read(step.offset))
        elif isinstance(step, Put):
            self._put(step.buffer, self._read(step.value))
        elif isinstance(step, Guard):
            self._guard(step)

    def end(self, loop: Repeat) -> None:
        """Add how the loop ends."""
        if loop.until is None:
            return
        if loop.done:
            buffer = self._told("ran", 1)
            (ran,) = self._counters(buffer, 1)
            self.body.append(Update(ran.id, self.index + 1))
            self.findings.append(Bind(loop.done, Load(buffer, lit(0))))
        self.body.append(Leave(self._read(loop.until)))

    def _guard(self, step: Guard) -> None:
        """Leave the loop where a condition does not hold; a guard behind it tells."""
        assert self.report is not None
        fine = Name(self.namer("fine"), BOOL)
        self.body.append(Let(fine.id, self._read(step.condition)))
        told = [lit(step.code), *(cast(self._read(v), INT) for v in step.values)]
        for name, value in zip(self.failed, told, strict=False):
            self.body.append(Update(name.id, select(fine, name, value)))
        self.body.append(Leave(call("not", fine)))
        code, *values = (Load(self.report, lit(n)) for n in range(len(told)))
        passed = compare("ne", code, step.code)
        self.findings.append(Guard(passed, step.code, tuple(values)))

    def _put(self, buffer: Buffer, value: Expr) -> None:
        register = self.registers.get(buffer)
        if register is not None:
            self.body.append(Update(register.id, value))
        else:
            source, start = self.places[buffer]
            self.body.append(Store(source, start, value))
            names = self.trails.get(buffer, [])
            for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
                self.body.append(Update(older.id, newer))
            self.body += [Update(name.id, value) for name in names[:1]]

    def _read(self, expr: Expr) -> Expr:
        """An expression with its loads from where the steps keep things."""
        if isinstance(expr, Call):
            return replace(expr, args=tuple(map(self._read, expr.args)))
        if not isinstance(expr, Load):
            return expr
        if expr in self.rows:
            return self.rows[expr]
        if expr.buffer in self.registers:
            return self.registers[expr.buffer]
        source, start = self.places.get(expr.buffer, (expr.buffer, lit(0)))
        return Load(source, start + self._read(expr.index))


def _split(place: Expr) -> tuple[Expr, int]:
    """A place as an expression and what is added to it."""
    if isinstance(place, Call) and place.op == "add" and isinstance(place.args[1], Lit):
        base, more = _split(place.args[0])
        return base, more + int(place.args[1].value)
    return place, 0
