"""Kernels from groups.

A row kernel runs in phases: each phase loops over the inner axes once, and what it reduces
is known to the next. A value needed again in a later phase is recomputed if that is cheap,
else kept in memory. Reductions across rows are gathered by chunks (see `chunks.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from symgraph.families import Elemwise, Positional
from symgraph.graph import Apply, Variable
from symgraph.kernel import (
    HI,
    LO,
    Buffer,
    Call,
    Expr,
    Fold,
    Let,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
    lit,
)
from symgraph.lower.costs import CHEAP
from symgraph.lower.elements import (
    Context,
    cost_of,
    element_at,
    element_of,
    local_name,
    make_launch,
    positional_element,
    scalar_constant,
)
from symgraph.lower.group import (
    CHUNKED,
    FOLD_ALL,
    FOLD_COLUMNS,
    FOLD_ROW,
    FOLD_ROWS,
    FULL,
    ROW,
    Group,
)
from symgraph.lower.program import Allocate, Step
from symgraph.lower.sizes import Namer, dtype_of, is_lit

LOOP_NAMES = ("i", "j", "k", "l", "m")
Accumulators: TypeAlias = tuple[Name, ...] | tuple[Load, ...]


class Block(NamedTuple):
    """Adjacent axes looped over as one."""

    positions: tuple[int, ...]
    extent: Expr
    counter: Name


class Loops:
    """The loops of a group: adjacent axes that every operand runs along alike are one loop."""

    def __init__(self, group: Group, context: Context) -> None:
        self.group, self.context = group, context
        positions = tuple(range(len(group.space)))
        if group.outer is None:
            runs = self._runs(positions)
            sides = (runs[:-1] or runs, runs[-1:] if len(runs) > 1 else [])
        else:
            sides = (self._runs(group.outer), self._runs(group.inner))
        names = iter((*LOOP_NAMES, *(f"i{p}" for p in positions)))
        self.outer, self.inner = ([self._block(r, next(names)) for r in runs] for runs in sides)
        if not self.outer:
            self.outer = [Block((), lit(1), Name(next(names)))]
        self.by_axis = {p: b.counter for b in (*self.outer, *self.inner) for p in b.positions}

    def _block(self, run: tuple[int, ...], name: str) -> Block:
        extent = self.context.sizes.product(self.group.space[p] for p in run)
        return Block(run, extent, Name(name))

    def _runs(self, positions: Sequence[int]) -> list[tuple[int, ...]]:
        runs: list[tuple[int, ...]] = []
        for p in positions:
            if runs and runs[-1][-1] == p - 1 and self._alike(p - 1, p):
                runs[-1] = (*runs[-1], p)
            else:
                runs.append((p,))
        return runs

    def _alike(self, p: int, q: int) -> bool:
        for node in self.group.nodes:
            axes = self.axes(node)
            readings = self.context.works[node].readings
            if any(reading.flags is None for reading in readings) or not readings:
                return False
            if p not in axes or q not in axes:
                continue
            a, b = axes.index(p), axes.index(q)
            if any(r.flags is not None and r.flags[a] != r.flags[b] for r in readings):
                return False
        return True

    def axes(self, node: Apply) -> tuple[int, ...]:
        """The axes of the group's space that a node works over."""
        if self.group.kinds[node] in (ROW, FOLD_ROWS):
            return self.group.outer or ()
        return tuple(range(len(self.group.space)))

    def flat(self, positions: Sequence[int]) -> Expr:
        """The row-major offset in an array that runs along these axes."""
        index: Expr = lit(0)
        for block in sorted((*self.outer, *self.inner), key=lambda b: b.positions):
            if block.positions and block.positions[0] in positions:
                index = index * block.extent + block.counter
        return index

    def reduced(self, kind: str) -> tuple[int, ...]:
        """The axes a reduction of this kind folds away."""
        if kind == FOLD_ROW:
            return self.group.inner
        if kind == FOLD_ALL:
            return tuple(range(len(self.group.space)))
        return self.group.outer or ()

    def around_rows(
        self,
        body: Sequence[Stmt],
        lo: Expr,
        hi: Expr,
        apart: bool = True,
        folds: Sequence[Fold] = (),
    ) -> Stmt:
        """The outer loops, the outermost over [lo, hi), around a row."""
        inside = nest(self.outer[1:], body, apart)
        return Loop(self.outer[0].counter.id, lo, hi, tuple(inside), apart, tuple(folds))


def nest(
    blocks: Sequence[Block], body: Sequence[Stmt], apart: bool = True, folds: Sequence[Fold] = ()
) -> Sequence[Stmt]:
    """Loops over blocks around a body; the outermost puts `folds` together."""
    for number, block in reversed(list(enumerate(blocks))):
        outside = () if number else tuple(folds)
        body = [Loop(block.counter.id, lit(0), block.extent, tuple(body), apart, outside)]
    return body


class Schedule:
    """In which phases the values of a group are computed, and which are kept in memory."""

    def __init__(self, group: Group, context: Context) -> None:
        self.group, self.context = group, context
        self.kept: list[Variable] = []
        self._inherited: set[Variable] = set()
        self.phase: dict[Apply, int] = {}
        self._time()
        self.wanted: dict[Apply, set[int]] = {node: set() for node in group.nodes}
        for node in reversed(group.nodes):
            self._want(node)
        self.last = max(self.phase.values(), default=0)

    def _time(self) -> None:
        ready: dict[Apply, int] = {}
        for node in self.group.nodes:
            owners = [r.source.owner for r in self.context.works[node].readings]
            self.phase[node] = max((ready[o] for o in owners if o in ready), default=0)
            ready[node] = self.phase[node] + (self.group.kinds[node] == FOLD_ROW)

    def _want(self, node: Apply) -> None:
        kind, phases, var = self.group.kinds[node], self.wanted[node], node.outputs[0]
        first = self.phase[node]
        stored = var in self.context.buffers
        if kind != FULL or stored:
            phases.add(first)
        if kind == FULL and max(phases, default=0) > first and (stored or cost_of(node) > CHEAP):
            if not stored:
                self.kept.append(var)
            phases.clear()
            phases.add(first)
        for reading in self.context.works[node].readings:
            owner = reading.source.owner
            if owner in self.wanted and self.group.kinds[owner] == FULL:
                self.wanted[owner] |= phases

    def heir(self, var: Variable) -> Variable | None:
        """A stored value that is the last to read `var`, element by element, in its dtype."""
        readers = [n for n in self.group.nodes if var in self._sources(n)]
        last = max(p for n in readers for p in self.wanted[n])
        for node in readers:
            out = node.outputs[0]
            takes = self.group.kinds[node] == FULL and out in self.context.buffers
            if takes and self.wanted[node] == {last} and dtype_of(out) == dtype_of(var):
                return None if out in self._inherited else self._inherit(out)
        return None

    def _inherit(self, out: Variable) -> Variable:
        self._inherited.add(out)
        return out

    def _sources(self, node: Apply) -> list[Variable]:
        return [reading.source for reading in self.context.works[node].readings]


class GroupWriter:
    """Writes the rows of one group: phases of inner loops, values, reductions."""

    def __init__(self, group: Group, context: Context) -> None:
        self.group, self.context, self.sizes = group, context, context.sizes
        self.local = Namer(context.namer)
        self.loops = Loops(group, context)
        self.schedule = Schedule(group, context)
        self.temporaries = [step for var in self.schedule.kept for step in self._keep(var)]
        self.accs: dict[Apply, tuple[Name, ...]] = {}
        self.columns: dict[Apply, tuple[Load, ...]] = {}
        self._names: dict[Variable, Name] = {}
        self._loads: dict[Expr, Name] = {}

    def _keep(self, var: Variable) -> list[Step]:
        """Memory for a value until its last phase: an output's that replaces it, else its own."""
        heir = self.schedule.heir(var)
        if heir is not None:
            self.context.buffers[var] = self.context.buffers[heir]
            return []
        buffer = Buffer(self.context.namer(var.name or "kept"), dtype_of(var))
        self.context.buffers[var] = buffer
        dims = self.sizes.dims(var)
        return [Allocate(buffer, dims, self.sizes.product(dims))]

    def of_kind(self, *kinds: str) -> list[Apply]:
        """The members of some kinds."""
        return [n for n in self.group.nodes if self.group.kinds[n] in kinds]

    def is_of(self, *kinds: str) -> bool:
        """Whether all members are of these kinds."""
        return set(self.group.kinds.values()) <= set(kinds)

    @property
    def work(self) -> Expr:
        """Scalar steps the group takes."""
        weight = sum(map(cost_of, self.group.nodes))
        return self.sizes.bind(self.sizes.product(self.group.space) * weight)

    # --- a row, phase by phase ---------------------------------------------------------

    def row(self) -> list[Stmt]:
        """The body of the row loops."""
        body: list[Stmt] = []
        for number in range(self.schedule.last + 1):
            body += self._phase(number)
        return body

    def element(self) -> list[Stmt]:
        """What is done for one element, in a group of a single phase."""
        return self._inner(0)

    def _phase(self, number: int) -> list[Stmt]:
        phase = self.schedule.phase
        before: list[Stmt] = []
        after: list[Stmt] = []
        self._loads.clear()
        for node in self.of_kind(ROW, FOLD_ROWS):
            if phase[node] == number:
                self._row_level(node, before)
        folds = [n for n in self.of_kind(FOLD_ROW) if phase[n] == number]
        for node in folds:
            before += self.start(node)
        self._loads.clear()
        inner = nest(self.loops.inner, self._inner(number), True, [self.fold_of(n) for n in folds])
        for node in folds:
            self._finish(node, after)
        return [*before, *inner, *after] if self._inner_written else [*before, *after]

    def _row_level(self, node: Apply, body: list[Stmt]) -> None:
        if self.group.kinds[node] == FOLD_ROWS:
            self._fold(node, body)
        else:
            self._value(node, body, store=True)

    def _inner(self, number: int) -> list[Stmt]:
        phase, body = self.schedule.phase, list[Stmt]()
        for node in self.of_kind(FULL):
            self._names.pop(node.outputs[0], None)
        for node in self.group.nodes:
            kind = self.group.kinds[node]
            if kind == FULL and number in self.schedule.wanted[node]:
                self._value(node, body, store=number == phase[node])
            elif kind in (FOLD_ROW, FOLD_ALL, FOLD_COLUMNS) and phase[node] == number:
                self._fold(node, body)
        self._inner_written = bool(body)
        return body

    def _value(self, node: Apply, body: list[Stmt], store: bool) -> None:
        var = node.outputs[0]
        self._bind(node, self._expression(node, body), body)
        if store and var in self.context.buffers:
            place = self.loops.flat(self.loops.axes(node))
            body.append(Store(self.context.buffers[var], place, self._names[var]))

    def _bind(self, node: Apply, value: Expr, body: list[Stmt]) -> None:
        var = node.outputs[0]
        name = Name(self.local(local_name(node)), dtype_of(var))
        body.append(Let(name.id, value, str(node.made_at)))
        self._names[var] = name

    def _expression(self, node: Apply, body: list[Stmt]) -> Expr:
        if isinstance(node.op, Elemwise):
            return node.op.expression(*(self._operand(node, k, body) for k in range(node.nin)))
        if isinstance(node.op, Positional):
            return positional_element(node, self.loops.flat(self.loops.axes(node)), self.context)
        return element_of(node, self._index(node, node.outputs[0]), self.context)

    # --- reductions --------------------------------------------------------------------

    def start(self, node: Apply) -> list[Stmt]:
        """Bind the accumulators of a reduction."""
        starts = self.context.folding(node).start(dtype_of(node.inputs[0]))
        self.accs[node] = tuple(Name(self.local("acc"), s.dtype) for s in starts)
        lets = zip(self.accs[node], starts, strict=True)
        return [Let(a.id, s, str(node.made_at)) for a, s in lets]

    def fold_of(self, node: Apply) -> Fold:
        """How the accumulators of a reduction are put together."""
        accs = self.accs[node]
        others = tuple(Name(self.local("other"), a.dtype) for a in accs)
        return Fold(accs, others, self.context.folding(node).merge(accs, others))

    def folds_inside(self, node: Apply) -> bool:
        """Whether the loop whose runs a worker may have a share of takes in new elements."""
        return self.group.kinds[node] == FOLD_ALL or not self.loops.inner

    def _fold(self, node: Apply, body: list[Stmt]) -> None:
        folding = self.context.folding(node)
        x = self._operand(node, 0, body)
        position = self.loops.flat(self.loops.reduced(self.group.kinds[node]))
        accs: Accumulators = self.columns.get(node) or self.accs[node]
        body += advance(accs, lambda now: folding.step(now, x, position), self.local)

    def _finish(self, node: Apply, body: list[Stmt]) -> None:
        var = node.outputs[0]
        self._bind(node, self.context.folding(node).finish(self.accs[node], dtype_of(var)), body)
        if var in self.context.buffers:
            place = self.loops.flat(self.group.outer or ())
            body.append(Store(self.context.buffers[var], place, self._names[var]))

    # --- operands ----------------------------------------------------------------------

    def _operand(self, node: Apply, k: int, body: list[Stmt]) -> Expr:
        var = node.inputs[k]
        constant = scalar_constant(var)
        if constant is not None:
            return constant
        source, flags = self.context.works[node].readings[k]
        if source in self._names:
            return self._names[source]
        if flags is None:
            return self._once(element_at(var, self._index(node, var), self.context), body)
        if not self.sizes.dims(source):
            return element_at(source, (), self.context)
        constant = scalar_constant(source)
        if constant is not None:
            return constant
        axes = self.loops.axes(node)
        along = [p for p, flag in zip(axes, flags, strict=True) if flag]
        wish = local_name(source.owner) if source.owner is not None else ""
        return self._once(self.context.load(source, self.loops.flat(along)), body, wish)

    def _once(self, expr: Expr, body: list[Stmt], wish: str = "") -> Expr:
        """A load, or a computed element that has a name, bound to it once a phase."""
        wish = f"{expr.buffer.name}_at" if isinstance(expr, Load) else wish
        if not isinstance(expr, Load | Call) or not wish:
            return expr
        if expr not in self._loads:
            name = Name(self.local(wish), expr.dtype)
            body.append(Let(name.id, expr))
            self._loads[expr] = name
        return self._loads[expr]

    def _index(self, node: Apply, var: Variable) -> tuple[Expr, ...]:
        """The index at which a node reads `var`: its own, axes aligned at the right."""
        axes = iter(self.loops.axes(node))
        dims = self.context.works[node].dims
        own = [lit(0) if is_lit(d, 1) else self.loops.by_axis[next(axes)] for d in dims]
        wide = self.sizes.dims(var)
        tail = own[len(own) - len(wide) :]
        return tuple(lit(0) if is_lit(d, 1) else i for d, i in zip(wide, tail, strict=True))


def advance(accs: Accumulators, step: Callable[[Any], Sequence[Expr]], name: Namer) -> list[Stmt]:
    """Give accumulators their next values, all of them computed from the old ones."""
    if len(accs) == 1:
        return [assign(accs[0], step(accs)[0])]
    old = [Let(name("old"), acc) for acc in accs]
    now = tuple(Name(let.name, let.value.dtype) for let in old)
    return [*old, *map(assign, accs, step(now))]


def assign(acc: Name | Load, value: Expr) -> Stmt:
    """Store to an accumulator in memory, update one in a register."""
    if isinstance(acc, Load):
        return Store(acc.buffer, acc.index, value)
    return Update(acc.id, value)


def is_chunked(group: Group) -> bool:
    """Whether a group reduces across its rows."""
    return any(kind in CHUNKED for kind in group.kinds.values())


def write_rows(group: Group, context: Context) -> list[Step]:
    """The steps of a group whose rows are independent."""
    writer = GroupWriter(group, context)
    body = [writer.loops.around_rows(writer.row(), LO, HI)]
    extent, name = writer.loops.outer[0].extent, context.namer("k1")
    return [*writer.temporaries, make_launch(name, body, extent, writer.work, group.nodes)]
