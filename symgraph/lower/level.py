"""One level of lowering: the steps of a graph, be it a function's or the body of a loop.

stored     which variables need memory of their own
grouped    nodes gathered into kernels and single steps          group.py
placed     updates that can overwrite their shared variable
steps      kernels written, steps scheduled, guards set          kernels.py, chunks.py, loops.py
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from symgraph.errors import IndexRangeError, ShapeError
from symgraph.families import Assemble, Checked, Elemwise, Indexed, Library, Loop, Product, View
from symgraph.graph import Apply, Constant, Graph, Variable, toposort
from symgraph.kernel import BOOL, INT, Buffer, Call, Expr, Lit, Load, Name, cast, compare, lit
from symgraph.lower.assemble import bounds_kernel, write_pieces
from symgraph.lower.blocks import block_start
from symgraph.lower.branches import write_branches
from symgraph.lower.chunks import write_chunks
from symgraph.lower.elements import Context, element_at, element_of, scalar_constant
from symgraph.lower.group import (
    CHUNKED,
    FULL,
    Group,
    Grouping,
    Item,
    Reader,
    is_step,
)
from symgraph.lower.kernels import is_chunked, write_rows
from symgraph.lower.loops import rows_in_memory, write_scan
from symgraph.lower.machine import PROCESSOR, Machine
from symgraph.lower.pooling import write_pooling
from symgraph.lower.products import write_product
from symgraph.lower.program import (
    Allocate,
    Bind,
    Copy,
    Failure,
    Guard,
    Put,
    Routine,
    Slice,
    Step,
    exprs_of,
)
from symgraph.lower.recompute import moved_late
from symgraph.lower.sink import sink
from symgraph.lower.sizes import Check, Namer, Sizes, dtype_of, free_names
from symgraph.ops.create import ARange
from symgraph.ops.ifelse import Branches
from symgraph.ops.pooling import Pooling
from symgraph.ops.scan import Scan

Update = tuple[Variable, Variable]  # a variable with memory, its next value


@dataclass
class Whole:
    """What all levels of a program share."""

    sizes: Sizes
    namer: Namer
    buffers: dict[Variable, Buffer]
    in_place: bool  # whether updates may overwrite their shared variable before the end
    late: Mapping[Apply, Variable] = field(default_factory=dict)  # copies, what they come after
    machine: Machine = PROCESSOR
    failures: list[Failure] = field(default_factory=list)
    wrote: bool = False
    guarded_after_write: bool = False

    def __post_init__(self) -> None:
        self.stored: set[Variable] = set()
        self.reader = Reader(self.sizes, self.stored)
        self.context = Context(self.sizes, self.reader, {}, self.buffers, self.namer, self.machine)


class Level:
    """The steps that compute the outputs of a graph from its inputs.

    `outer` is the level around a loop or branch, `own` are the inputs that change from run to run,
    `homes` the buffers that outputs are to be made in, `checks` the sizes to be compared here.
    """

    def __init__(
        self,
        whole: Whole,
        graph: Graph,
        updates: Sequence[Update] = (),
        outer: Level | None = None,
        own: Iterable[Variable] = (),
        homes: Sequence[Buffer | None] = (),
        checks: Sequence[Check] = (),
    ) -> None:
        self.whole, self.outer, self.graph, self.updates = whole, outer, graph, list(updates)
        self.sizes, self.namer, self.buffers = whole.sizes, whole.namer, whole.buffers
        self.stored, self.reader, self.context = whole.stored, whole.reader, whole.context
        self.outputs = list(graph.outputs[: len(graph.outputs) - len(self.updates)])
        self.own = set(own)
        self.steps: list[Step] = []
        self._bound: set[str] = set()
        self._checked: set[tuple[Variable, Expr]] = set()  # indices and the sizes they are below
        self.nodes = self._needed()
        self.own.update(out for node in self.nodes for out in node.outputs)
        self.waiting = [*checks, *(outer.checks_of(self.own) if outer is not None else ())]
        self._demand_steps()
        self.grouping = self._group()
        kept = {self.reader.memory(var) for var in graph.outputs}
        sink(self.grouping, self.nodes, self.stored | kept)
        self.context.works.update(self.grouping.works)
        self._demand_readings()
        self.in_place = self._place_updates() if whole.in_place or outer is not None else {}
        self.heirs = self._place_steps()
        self.built_over = {new: old for old, new in self.heirs.items()}
        self.homes = self._own_homes(homes)

    # --- what is needed ----------------------------------------------------------------------

    def _needed(self) -> list[Apply]:
        """The nodes whose data is read; those behind a mere size are left out."""
        order = toposort(self.graph.outputs, stop=self.graph.inputs)
        wanted = set(self.graph.outputs)
        needed = []
        for node in reversed(order):
            if not any(out in wanted for out in node.outputs):
                continue
            needed.append(node)
            wanted.update(self._inputs_read(node))
        return moved_late(needed[::-1], self.whole.late)

    def _inputs_read(self, node: Apply) -> Iterable[Variable]:
        value = self.sizes.value(node.outputs[0])
        if value is not None:
            return self.sizes.atoms([value])
        dims = [d for var in (*node.inputs, *node.outputs) for d in self.sizes.dims(var)]
        return [*node.inputs, *self.sizes.atoms(dims)]

    # --- what is stored ----------------------------------------------------------------------

    def _demand(self, var: Variable) -> None:
        """Give `var` memory of its own, or the memory it is a view or a block of."""
        var = self.reader.memory(var)
        if var.owner is None or self.sizes.value(var) is not None or var not in self.own:
            return
        several = bool(self.sizes.space(var))  # one element is a scalar of the driver
        if several and self.reader.is_virtual(var) and block_start(var, self.sizes) is not None:
            self.reader.blocks.add(var)
            self._demand(var.owner.inputs[0])
        self.stored.add(var)

    def _demand_steps(self) -> None:
        for var in self.graph.outputs:
            if self.outer is None or self.sizes.dims(var) or self.reader.memory(var) is not var:
                self._demand(var)
        for node in self.nodes:
            for var in self._operands_in_memory(node):
                self._demand(var)
            if isinstance(node.op, Product | Library | Assemble | Loop | Branches):
                for out in node.outputs:
                    self.stored.add(out)
            for k, _ in bounds_of(node, self.sizes):
                if self.sizes.dims(node.inputs[k]):
                    self._demand(node.inputs[k])

    def _operands_in_memory(self, node: Apply) -> Sequence[Variable]:
        """The operands that a node's step, or the view it is, takes from memory as they lie."""
        if isinstance(node.op, Scan):
            return rows_in_memory(node, node.op, self.context)
        if isinstance(node.op, Branches):
            return [v for v in node.inputs if self.sizes.dims(v)]
        if isinstance(node.op, Product):
            return node.inputs
        if isinstance(node.op, Library):
            return node.inputs[: node.op.reads]
        if isinstance(node.op, View):
            return node.inputs[:1]
        base = node.op.base if isinstance(node.op, Assemble) else None
        return () if base is None else (node.inputs[base],)

    def _group(self) -> Grouping:
        grouping = Grouping(self.reader, self.whole.late)
        for node in self.nodes:
            if any(not isinstance(out.owner, Apply) for out in node.outputs):
                continue
            indices = [node.inputs[k] for k, _ in bounds_of(node, self.sizes)]
            if indices:
                grouping.add_guard(node, indices)
            if isinstance(node.op, Checked):
                grouping.add_guard(node, node.inputs[1:])
            if is_step(node, self.reader):
                grouping.add(node)
        return grouping

    def _demand_readings(self) -> None:
        """Memory for all that is read outside the kernel that computes it."""
        for item in self.grouping.items:
            for var in item.reads:
                outside = self.grouping.producer.get(var) is not item
                if (outside or self._not_visible(item, var)) and not self._is_scalar_node(var):
                    self._demand(var)
            if isinstance(item, Group):
                for node, kind in item.kinds.items():
                    if kind in CHUNKED:
                        self.stored.add(node.outputs[0])

    def _not_visible(self, item: Item, var: Variable) -> bool:
        return not isinstance(item, Group) or item.level(var) is None

    def _is_scalar_node(self, var: Variable) -> bool:
        """Whether a variable is one number that the driver computes by itself."""
        return (
            var.owner is not None
            and not self.sizes.space(var)
            and isinstance(var.owner.op, Elemwise | Indexed)
            and not self.reader.is_virtual(var)
        )

    # --- updates in place --------------------------------------------------------------------

    def _place_updates(self) -> dict[Variable, Variable]:
        """For each new value that can be written over its shared variable, that variable."""
        placed: dict[Variable, Variable] = {}
        returned = {self.reader.memory(v) for v in self.outputs}
        values = Counter(self.reader.memory(v) for _, v in self.updates)
        for shared, value in self.updates:
            alone = values[value] == 1 and value not in returned
            free = shared not in returned and shared not in values
            fits = self.sizes.dims(shared) == self.sizes.dims(value)
            if alone and free and fits:
                chain = self._chain(shared, value, returned | set(values))
                if chain and self._can_overwrite(shared, chain):
                    placed |= dict.fromkeys(chain, shared)
        return placed

    def _chain(
        self, shared: Variable, value: Variable, kept: set[Variable]
    ) -> tuple[Variable, ...]:
        """Values that can be built one over the other, from `shared` to `value`; or none."""
        item, node = self.grouping.producer.get(value), value.owner
        if item is None or node is None or value not in self.stored:
            return ()
        apart = shared not in item.reads and value not in self.reader.blocks
        if isinstance(item, Group):
            return (value,) if apart or self._reads_same_element(item, shared, node) else ()
        chain = self._over_first(shared, value, item, kept) if overwrites_first(node) else ()
        return chain or ((value,) if apart else ())

    def _over_first(
        self, shared: Variable, value: Variable, item: Item, kept: set[Variable]
    ) -> tuple[Variable, ...]:
        """The chain of a value that a step builds over its first operand."""
        node = value.owner
        assert node is not None
        first = self.reader.memory(node.inputs[0])
        rest = {v for var in node.inputs[1:] for v in self.reader.data(var)}
        if shared in rest or first in rest:
            return ()
        if first is shared:
            return (value,)
        if first in kept or not self._read_by_one(first, item):
            return ()
        before = self._chain(shared, first, kept)
        return (*before, value) if before else ()

    def _read_by_one(self, var: Variable, item: Item) -> bool:
        """Whether nothing but an item reads a value, what computes it aside."""
        readers = self.grouping.readers.get(var, set())
        return readers <= {item, self.grouping.producer.get(var)}

    def _can_overwrite(self, shared: Variable, chain: Sequence[Variable]) -> bool:
        """Whether all else that reads a shared variable can come before a chain of writes."""
        writers = {self.grouping.producer[value] for value in chain}
        others = self.grouping.readers.get(shared, set()) - writers
        return self.grouping.wait(self.grouping.producer[chain[0]], others)

    def _reads_same_element(self, group: Group, shared: Variable, node: Apply) -> bool:
        if group.kinds[node] != FULL:
            return False
        if any(kind == "fold_row" for kind in group.kinds.values()):
            return shared not in group.reads
        for member in group.nodes:
            for var, reading in zip(
                member.inputs, self.grouping.works[member].readings, strict=False
            ):
                same = reading.source is shared and reading.flags is not None and all(reading.flags)
                if shared in self.reader.data(var) and not same:
                    return False
        return True

    def _place_steps(self) -> dict[Variable, Variable]:
        """For each value that only one step needs, the output the step may build over it."""
        kept = {self.reader.memory(v) for v in self.graph.outputs} | set(self.in_place)
        kept |= self.reader.blocks
        heirs: dict[Variable, Variable] = {}
        for item in self.grouping.items:
            node = item.nodes[0] if item.nodes else None
            if node is None or isinstance(item, Group) or not overwrites_first(node):
                continue
            first, out = self.reader.memory(node.inputs[0]), node.outputs[0]
            rest = {v for var in node.inputs[1:] for v in self.reader.data(var)}
            alone = self._read_by_one(first, item) and first not in rest
            mine = first in self.stored - kept and first in self.own
            if mine and out not in self.in_place and alone:
                heirs[first] = out
        return heirs

    def _own_homes(self, homes: Sequence[Buffer | None]) -> dict[Variable, Buffer]:
        """For each value that can be made where an output has to be, that memory."""
        found: dict[Variable, Buffer] = {}
        for var, home in zip(self.outputs, homes, strict=False):
            root = self.reader.memory(var)
            made_here = root in self.stored and root.owner is not None and root in self.own
            taken = root in self.reader.blocks or root in self.in_place
            if home is not None and made_here and not taken:
                found.setdefault(root, home)
        return found

    # --- steps -------------------------------------------------------------------------------

    def emit_items(self) -> None:
        """The steps of all nodes, each guard as soon as its sizes are known."""
        self._set_guards()
        for item in self._schedule():
            self._emit_item(item)
            self._set_guards()

    def _schedule(self) -> list[Item]:
        """The items in order of their needs; those that overwrite shared variables last."""
        writers = {self.grouping.producer[value] for value in self.in_place}
        order: list[Item] = []
        done: set[Item] = set()
        pending = sorted(self.grouping.items, key=lambda i: (i in writers, i.number))
        while pending:
            rest = []
            for item in pending:
                if item.needs <= done:
                    done.add(item)
                    order.append(item)
                else:
                    rest.append(item)
            assert len(rest) < len(pending), "items wait for each other"
            pending = rest
        return order

    def _emit_item(self, item: Item) -> None:
        if item.guards is not None:
            self._emit_bounds(item.guards)
            self._emit_conditions(item.guards)
            return
        scalars = not isinstance(item, Group) and self._is_scalar_node(item.nodes[0].outputs[0])
        if scalars:
            self._emit_scalar(item.nodes[0])
            return
        outs = [out for node in item.nodes for out in node.outputs if out in self.stored]
        for out in outs:
            self._allocate(out)
        for step in self._steps_of(item):
            self.emit(step)
            if isinstance(step, Routine):
                self._guard_routine(step)
        if self.outer is None:
            self.whole.wrote |= any(out in self.in_place for out in outs)
        for out in outs:
            if not self.sizes.space(out):
                self._bind(self.sizes.scalar(out), Load(self.buffers[out], lit(0)), out)

    def _steps_of(self, item: Item) -> list[Step]:
        if isinstance(item, Group):
            write = write_chunks if is_chunked(item) else write_rows
            return write(item, self.context)
        (node,) = item.nodes
        if isinstance(node.op, Product):
            return write_product(node, self.context, self.memory)
        if isinstance(node.op, Assemble):
            return write_pieces(node, self.context, self.memory)
        if isinstance(node.op, Pooling):
            return [write_pooling(node, self.context, self.memory)]
        if isinstance(node.op, Scan):
            return write_scan(node, node.op, self)
        if isinstance(node.op, Branches):
            return [write_branches(node, self)]
        if node.outputs[0] in self.reader.blocks:
            return [self._block(node)]
        assert isinstance(node.op, Library), f"no lowering for {node.op}"
        return [self._routine(node, node.op)]

    def _routine(self, node: Apply, op: Library) -> Routine:
        """The call of a routine, with room for what it reports if it may fail."""
        outputs = [(self.buffers[o], self.sizes.dims(o)) for o in node.outputs]
        if op.failure is not None:
            report = Buffer(self.namer("report"), INT)
            self.emit(Allocate(report, (lit(2),), lit(2)))
            outputs.append((report, (lit(2),)))
        inputs = tuple((self.memory(v), self.sizes.dims(v)) for v in node.inputs[: op.reads])
        return Routine(op.routine, tuple(outputs), inputs, op.settings(), node)

    def _guard_routine(self, step: Routine) -> None:
        """Stop if a routine reports that it failed."""
        op = step.node.op
        assert isinstance(op, Library)
        if op.failure is None:
            return
        report, _ = step.outputs[-1]
        kind, text = op.failure
        values = (Load(report, lit(0)), Load(report, lit(1)))
        self._guard(compare("eq", values[0], 0), kind, f"{op}: {text}", step.node, values)

    def _block(self, node: Apply) -> Slice:
        """A run of adjacent elements of the first input, under a name."""
        (out,), source = node.outputs, node.inputs[0]
        start = block_start(out, self.sizes)
        assert start is not None
        return Slice(self.buffers[out], self.memory(source), start)

    def memory(self, var: Variable) -> Buffer:
        """The memory of a variable, put there if it is a scalar of the driver."""
        root = self.reader.memory(var)
        if self.outer is not None and root not in self.own:
            return self.outer.memory(root)
        if root not in self.buffers:
            self.buffers[root] = self._put(root, "temporary")
        return self.buffers[root]

    def _put(self, var: Variable, role: str) -> Buffer:
        """New memory that holds a scalar of the driver."""
        value = self.context.load(var, lit(0))
        buffer = Buffer(self.namer(var.name or "s"), dtype_of(var))
        self.emit(Allocate(buffer, self.sizes.dims(var), lit(1), role))
        self.emit(Put(buffer, value))
        return buffer

    def _allocate(self, var: Variable) -> None:
        if var in self.in_place:
            self.buffers[var] = self.buffers[self.in_place[var]]
            return
        before = self.built_over.get(var)
        if before is not None:
            self.buffers[var] = self.buffers[before]
            return
        last = var
        while last in self.heirs:
            last = self.heirs[last]
        if last in self.homes:
            self.buffers[var] = self.homes[last]
            return
        dims = self.sizes.dims(var)
        name = var.name or (type(var.owner.op).__name__.lower() if var.owner else "t")
        self.buffers[var] = Buffer(self.namer(name), dtype_of(var))
        if var in self.reader.blocks:
            return
        given = self.outer is None and any(self.reader.memory(v) is last for v in self.outputs)
        role = "output" if given else "temporary"
        self.emit(Allocate(self.buffers[var], dims, self.sizes.product(dims), role))

    def _emit_scalar(self, node: Apply) -> None:
        (var,) = node.outputs
        if isinstance(node.op, Elemwise):
            value = node.op.expression(*(self._only_element(v) for v in node.inputs))
        else:
            value = element_of(node, self._only_index(var), self.context)
        self._bind(self.sizes.scalar(var), value, var)
        if var in self.stored:
            self._allocate(var)
            self.emit(Put(self.buffers[var], self.sizes.scalar(var)))

    def _only_element(self, var: Variable) -> Expr:
        return element_at(var, self._only_index(var), self.context)

    def _only_index(self, var: Variable) -> tuple[Expr, ...]:
        return tuple(lit(0) for _ in self.sizes.dims(var))

    def _bind(self, name: Expr, value: Expr, var: Variable) -> None:
        assert isinstance(name, Name)
        self.emit(Bind(name.id, value, str(var.made_at) if var.owner else ""))
        self._bound.add(name.id)

    def emit(self, step: Step) -> None:
        """Add a step, the formulas it reads first."""
        self.bind_names(exprs_of(step))
        self.steps.append(step)

    def name_bound(self, name: str) -> None:
        """Take note that a name is bound here."""
        self._bound.add(name)

    def _is_bound(self, name: str) -> bool:
        return name in self._bound or (self.outer is not None and self.outer._is_bound(name))

    def _is_outer(self, name: Name) -> bool:
        """Whether a formula is the same in every run of this level."""
        return self.outer is not None and self.sizes.atoms([name]).isdisjoint(self.own)

    def bind_names(self, exprs: Iterable[Expr]) -> None:
        """Bind the names that expressions read; what does not change in a loop, before it."""
        stack = free_names(exprs)[::-1]
        while stack:
            name = stack[-1]
            if self._is_bound(name.id):
                stack.pop()
                continue
            if self._is_outer(name):
                assert self.outer is not None
                self.outer.bind_names([stack.pop()])
                continue
            value = self._definition(name)
            missing = [n for n in free_names([value]) if not self._is_bound(n.id)]
            if missing:
                stack += missing
                continue
            stack.pop()
            self._bound.add(name.id)
            self.steps.append(Bind(name.id, value))

    def _definition(self, name: Name) -> Expr:
        if name.id in self.sizes.formulas:
            return self.sizes.formulas[name.id]
        var = self.sizes.scalars[name.id]
        assert var in self.buffers, f"scalar {name.id} is read before it is computed"
        return Load(self.buffers[var], lit(0))

    # --- guards ------------------------------------------------------------------------------

    def _set_guards(self) -> None:
        """Set the checks of sizes whose scalars are all known by now."""
        waiting, self.waiting = self.waiting, []
        for check in waiting:
            if all(map(self._is_known, self.sizes.atoms(check.sizes))):
                self._guard_sizes(check)
            else:
                self.waiting.append(check)

    def checks_of(self, own: set[Variable]) -> list[Check]:
        """Hand over the checks that a level inside has to make: of scalars that are its own."""
        found = [] if self.outer is None else self.outer.checks_of(own)
        mine = [c for c in self.waiting if not self.sizes.atoms(c.sizes).isdisjoint(own)]
        self.waiting = [c for c in self.waiting if c not in mine]
        return [*found, *mine]

    def _is_known(self, var: Variable) -> bool:
        name = self.sizes.scalar(var)
        return var in self.buffers or (isinstance(name, Name) and self._is_bound(name.id))

    def _guard_sizes(self, check: Check) -> None:
        for condition, text, values in check.conditions():
            self._guard(condition, ShapeError, text, check.node, values)

    def _guard(
        self,
        condition: Expr,
        kind: type[Exception],
        message: str,
        node: Apply | None,
        values: tuple[Expr, ...],
    ) -> None:
        self.whole.guarded_after_write |= self.whole.wrote
        self.whole.failures.append(Failure(kind, message, node))
        self.emit(Guard(condition, len(self.whole.failures), values))

    def _emit_bounds(self, node: Apply) -> None:
        for k, size in bounds_of(node, self.sizes):
            var = node.inputs[k]
            if (self.reader.memory(var), size) in self._checked:
                continue
            self._checked.add((self.reader.memory(var), size))
            message = f"{node.op}: an index is out of range: %0 for an axis of %1 elements"
            if self.sizes.dims(var):
                length = self.sizes.product(self.sizes.dims(var))
                flag = Buffer(self.namer("bad"), INT)
                self.emit(Allocate(flag, (lit(2),), lit(2)))
                self.emit(bounds_kernel(self.memory(var), length, size, flag, node, self.namer))
                value: Expr = Load(flag, lit(1))
                ok: Expr = Call("eq", (Load(flag, lit(0)), lit(0)), BOOL)
            else:
                index = element_at(var, (), self.context)
                value = cast(index, INT)
                ok = (value < size) & (value >= -size)
            self._guard(ok, IndexRangeError, message, node, (value, size))

    def _emit_conditions(self, node: Apply) -> None:
        """The guards of an op that is an error unless conditions hold."""
        if isinstance(node.op, Checked):
            for var in node.inputs[1:]:
                ok = element_at(var, (), self.context)
                self._guard(ok, node.op.exc_type, node.op.message, node, ())

    # --- loops ---------------------------------------------------------------------------------

    def inside(
        self,
        graph: Graph,
        own: Iterable[Variable],
        updates: Sequence[Update],
        homes: Sequence[Buffer | None],
        checks: Sequence[Check] = (),
    ) -> Level:
        """The level of a loop's body, or of a branch."""
        return Level(self.whole, graph, updates, self, own, homes, checks)

    def value(self, var: Variable) -> Expr:
        """The only element of a variable, its names bound."""
        found = self.context.load(var, lit(0))
        self.bind_names([found])
        return found

    # --- what a loop's body hands on -----------------------------------------------------------

    def deliver(self, homes: Sequence[Buffer | None]) -> None:
        """Put outputs where they have to be, then next values over their variables."""
        steps: list[Step] = []
        for var, home in zip(self.outputs, homes, strict=True):
            if home is not None:
                steps += self._moved(var, home)
        for old, new in self.updates:
            if self.in_place.get(self.reader.memory(new)) is not old and new is not old:
                steps += self.commit(old, new)
        self.emit_together(steps)

    def emit_together(self, steps: Sequence[Step]) -> None:
        """Add steps, all scalars bound before the first of them writes."""
        self.bind_names(expr for step in steps for expr in exprs_of(step))
        for step in steps:
            self.emit(step)

    def _moved(self, var: Variable, home: Buffer) -> list[Step]:
        """Steps that write a value to a buffer, none if it was made there."""
        if not self.sizes.dims(var):
            value = self.context.load(var, lit(0))
            return [] if value == Load(home, lit(0)) else [Put(home, value)]
        source = self.memory(var)
        return [] if source == home else [Copy(source, home, self.length(var))]

    def length(self, var: Variable) -> Expr:
        """The number of elements of a variable."""
        return self.sizes.product(self.sizes.dims(var))

    def commit(self, old: Variable, new: Variable) -> list[Step]:
        """Steps that write a next value over its variable, by way of a copy if that changes too."""
        home, root = self.buffers[old], self.reader.memory(new)
        changes = any(root is v for v, _ in self.updates)
        if not self.sizes.dims(root):
            value = self.sizes.scalar(root) if changes else self.context.load(new, lit(0))
            return [Put(home, value)]
        source, length = self.memory(new), self.length(new)
        if not changes:
            return [Copy(source, home, length)]
        copy = Buffer(self.namer("kept"), source.dtype)
        self.emit(Allocate(copy, (length,), length))
        self.emit(Copy(source, copy, length))
        return [Copy(copy, home, length)]


def bounds_of(node: Apply, sizes: Sizes) -> list[tuple[int, Expr]]:
    """Which inputs of a node are indices, and the size each has to stay below."""
    if not isinstance(node.op, Indexed | Assemble):
        return []
    args = [sizes.arg(var) for var in node.inputs]
    pairs = [(k, sizes.bind(n if isinstance(n, Expr) else lit(n))) for k, n in node.op.bounds(args)]
    return [(k, n) for k, n in pairs if not _surely_inside(node.inputs[k], n, sizes)]


def _surely_inside(index: Variable, size: Expr, sizes: Sizes) -> bool:
    """Whether constant indices lie inside an axis of known size, or a range is all of it."""
    if isinstance(index, Constant):
        if not isinstance(size, Lit):
            return False
        return bool(((index.data >= -size.value) & (index.data < size.value)).all())
    if index.owner is None or not isinstance(index.owner.op, ARange):
        return False
    start, step = map(scalar_constant, index.owner.inputs[:2])
    whole = start is not None and step is not None and (start.value, step.value) == (0, 1)
    return whole and sizes.dims(index) == (size,)


def overwrites_first(node: Apply) -> bool:
    """Whether a step can build its output over the memory of its first input."""
    if isinstance(node.op, Product):
        return len(node.inputs) > 2
    return isinstance(node.op, Assemble) and node.op.base == 0
