"""Loops: the body's steps inside one native loop, states and rows written where they stay.

A traced state is one array; a step reads the row before it and writes its own, so nothing is
copied from step to step. Of a state that is not traced, one buffer is overwritten, or, with
taps further back, a ring of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from symgraph.families import Moved, flat_index
from symgraph.graph import Apply, Graph, Variable
from symgraph.kernel import HI, LO, Buffer, Expr, Load, Loop, Name, Stmt, Store, lit
from symgraph.lower.elements import Context, element_at, make_launch
from symgraph.lower.numbers import as_kernel
from symgraph.lower.program import (
    Allocate,
    Bind,
    Put,
    Repeat,
    Slice,
    Step,
)
from symgraph.lower.sizes import as_size, is_lit
from symgraph.ops.scan import Results, Scan, State

if TYPE_CHECKING:
    from symgraph.lower.level import Level

Place: TypeAlias = Callable[[Expr], Expr]  # where a row begins
Value: TypeAlias = Callable[[tuple[Expr, ...]], Expr]  # the element at an index
LOOP_NAMES = ("i", "j", "k", "l", "m")


def row_source(var: Variable, row: Expr, context: Context) -> tuple[Variable, Expr]:
    """The variable whose row is the given row of `var`, looking through slices and look-ups."""
    sizes = context.sizes
    while context.reader.is_virtual(var):
        node = var.owner
        assert node is not None
        if not isinstance(node.op, Moved):
            break
        inner = node.inputs
        tail = tuple(Name(f"?{axis}") for axis in range(1, len(sizes.dims(var))))
        where = node.op.source(
            (row, *tail),
            [sizes.arg(v) for v in inner],
            lambda k, index, inner=inner: element_at(inner[k], tuple(index), context),  # type: ignore[misc]
        )
        if where[1:] != tail or sizes.dims(inner[0])[1:] != sizes.dims(var)[1:]:
            break
        var, row = inner[0], where[0]
    return var, row


def rows_in_memory(node: Apply, op: Scan, context: Context) -> list[Variable]:
    """What a scan takes from memory: the rows of sequences, and arrays that all steps read."""
    given = op.inputs(node.inputs)
    wide = [v for v in given.sequences if len(context.sizes.dims(v)) > 1]
    rows = [row_source(v, lit(0), context)[0] for v in wide]
    return [*rows, *(v for v in given.others if context.sizes.dims(v))]


def write_scan(node: Apply, op: Scan, level: Level) -> list[Step]:
    """The steps of a scan: initial values put where they belong, the loop, last values."""
    return _ScanWriter(node, op, level).steps()


class _Trail:
    """The memory of a state: rows that the steps fill, one after the other."""

    def __init__(self, state: State, out: Variable, initial: Variable, writer: _ScanWriter) -> None:
        self.state, self.out, self.initial, self.writer = state, out, initial, writer
        sizes = writer.level.sizes
        self.row = sizes.dims(initial)[1:]
        self.length = sizes.product(self.row)
        self.is_ring = not state.traced and state.depth > 1
        self.buffer = writer.level.buffers[out]
        if self.is_ring:
            self.buffer = Buffer(writer.level.namer("ring"), self.buffer.dtype)

    @property
    def in_place(self) -> bool:
        """Whether there is one row, which every step overwrites."""
        return not self.state.traced and not self.is_ring

    def at(self, row: Expr) -> Expr:
        """The first element of a row; rows go round in a ring."""
        if self.is_ring:
            row = row % (self.state.depth + 1)
        return row * self.length

    def place(self, lag: int) -> Expr:
        """The first element of the row made `lag` steps before."""
        return self.at(self.writer.op.place(self.writer.step, self.state.depth, lag))

    def begin(self) -> list[Step]:
        """Memory for a ring, and the initial values."""
        writer = self.writer
        dims = (lit(self.state.depth + 1), *self.row)
        length = writer.level.sizes.product(dims)
        ring: list[Step] = [Allocate(self.buffer, dims, length)] if self.is_ring else []
        first = writer.count if writer.op.backwards and not self.in_place else lit(0)
        fill = writer.fill(
            self,
            self.buffer,
            lambda row: self.at(first + row),
            lambda index: element_at(self.initial, index, writer.level.context),
        )
        return [*ring, *fill]

    def end(self) -> list[Step]:
        """The last values taken out of a ring."""
        if not self.is_ring:
            return []
        first = lit(0) if self.writer.op.backwards else self.writer.ran

        def last(index: tuple[Expr, ...]) -> Expr:
            return Load(self.buffer, self.at(first + index[0]) + flat_index(index[1:], self.row))

        target = self.writer.level.buffers[self.out]
        return self.writer.fill(self, target, lambda row: row * self.length, last)


class _ScanWriter:
    """Writes one scan: what its slots are in memory, and the steps of its body."""

    def __init__(self, node: Apply, op: Scan, level: Level) -> None:
        self.node, self.op, self.level = node, op, level
        self.sizes, self.namer = level.sizes, level.namer
        self.body: Graph = level.sizes.bodies[node]
        self.given, self.made = op.inputs(node.inputs), op.outputs(node.outputs)
        self.reads = op.arguments(self.body.inputs)
        self.count = self.sizes.bind(as_size(self.sizes.arg(self.given.count).value))
        self.index = Name(self.namer("t"))
        self.step = Name(self.namer("step")) if op.backwards else self.index
        self.ran = Name(self.namer("ran")) if op.stops else self.count
        slots = zip(op.states, self.made.states, self.given.initials, strict=True)
        self.trails = [_Trail(state, out, initial, self) for state, out, initial in slots]
        self.prologue: list[Step] = []

    def steps(self) -> list[Step]:
        """Everything, in order."""
        begin = [step for trail in self.trails for step in trail.begin()]
        end = [step for trail in self.trails for step in trail.end()]
        loop = self._loop()
        done = [Put(self.level.buffers[self.made.steps], self.ran)] if self.op.stops else []
        return [*begin, *loop, *end, *done]

    def _loop(self) -> list[Step]:
        level, results = self.level, self.op.results(self.body.outputs)
        if self.op.backwards:
            self.prologue.append(Bind(self.step.id, self.count - 1 - self.index))
        self._place_rows()
        updates = self._place_states(results.nexts)
        outputs, homes = self._homes(results)
        graph = Graph((*self.body.inputs, *self.given.others), (*outputs, *(v for _, v in updates)))
        body = level.inside(graph, self.body.inputs, updates, homes)
        for name in (self.index, self.step):
            body.name_bound(name.id)
        for step in self.prologue:
            body.emit(step)
            if isinstance(step, Bind):
                body.name_bound(step.name)
        body.emit_items()
        body.deliver(homes)
        until = body.value(results.stop) if self.op.stops else None
        done = self.ran.id if self.op.stops and isinstance(self.ran, Name) else ""
        if done:
            level.name_bound(done)
        loop = Repeat(self.index.id, self.count, tuple(body.steps), until, done)
        return as_kernel(loop, body.nodes or [self.node], self.sizes) or [loop]

    def _place_rows(self) -> None:
        """Where the rows of the sequences lie."""
        for var, whole in zip(self.reads.rows, self.given.sequences, strict=True):
            if not self.sizes.dims(var):
                self._bind(var, element_at(whole, (self.step,), self.level.context))
                continue
            root, row = row_source(whole, self.step, self.level.context)
            length = self.sizes.product(self.sizes.dims(var))
            self._slice(var, self.level.memory(root), row * length)

    def _place_states(self, nexts: Sequence[Variable]) -> list[tuple[Variable, Variable]]:
        """Where the values of the states lie; the next ones that overwrite them."""
        updates = []
        for trail, lags, new in zip(self.trails, self.reads.lagged, nexts, strict=True):
            for lag, var in zip(trail.state.lags, lags, strict=True):
                place = lit(0) if trail.in_place else trail.place(lag)
                if not self.sizes.dims(var):
                    self._bind(var, Load(trail.buffer, place))
                if trail.in_place:
                    self.level.buffers[var] = trail.buffer
                    updates.append((var, new))
                elif self.sizes.dims(var):
                    self._slice(var, trail.buffer, place)
        return updates

    def _homes(self, results: Results) -> tuple[list[Variable], list[Buffer | None]]:
        """The outputs of the body, and the memory they are made in."""
        outputs: list[Variable] = []
        homes: list[Buffer | None] = []
        for trail, new in zip(self.trails, results.nexts, strict=True):
            if not trail.in_place:
                outputs.append(new)
                homes.append(self._home(new, trail.buffer, trail.place(0)))
        for whole, row in zip(self.made.rows, results.rows, strict=True):
            outputs.append(row)
            length = self.sizes.product(self.sizes.dims(whole)[1:])
            homes.append(self._home(row, self.level.buffers[whole], self.step * length))
        if self.op.stops:
            outputs.append(results.stop)
            homes.append(None)
        return outputs, homes

    def _home(self, var: Variable, source: Buffer, place: Expr) -> Buffer:
        buffer = Buffer(self.namer(f"{var.name or 'row'}"), source.dtype)
        self.prologue.append(Slice(buffer, source, place))
        return buffer

    def _slice(self, var: Variable, source: Buffer, place: Expr) -> None:
        self.level.buffers[var] = self._home(var, source, place)

    def _bind(self, var: Variable, value: Expr) -> None:
        name = self.sizes.scalar(var)
        assert isinstance(name, Name)
        self.prologue.append(Bind(name.id, value))

    def fill(self, trail: _Trail, target: Buffer, place: Place, value: Value) -> list[Step]:
        """Steps that write as many rows as the state has initial values."""
        dims = (lit(trail.state.depth), *trail.row)
        wide = [d for d in dims if not is_lit(d, 1)]
        names = [
            Name(n)
            for n, _ in zip((*LOOP_NAMES, *(f"i{p}" for p in range(len(wide)))), wide, strict=False)
        ]
        free = iter(names)
        index = tuple(lit(0) if is_lit(d, 1) else next(free) for d in dims)
        if not wide:
            cell = Buffer(self.namer("cell"), target.dtype)
            return [Slice(cell, target, place(lit(0))), Put(cell, value(index))]
        store = Store(target, place(index[0]) + flat_index(index[1:], trail.row), value(index))
        body: Sequence[Stmt] = [store]
        for name, size in reversed(list(zip(names[1:], wide[1:], strict=True))):
            body = [Loop(name.id, lit(0), size, tuple(body), apart=True)]
        work = self.sizes.product(dims)
        loop = Loop(names[0].id, LO, HI, tuple(body), apart=True)
        return [make_launch(self.namer("k1"), [loop], wide[0], work, [self.node])]
