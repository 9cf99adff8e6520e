"""One level of lowering: the steps of a graph, be it a function's or the body of a loop.

stored     which variables need memory of their own              demand.py
grouped    nodes gathered into kernels and single steps          demand.py, group.py
placed     updates that can overwrite their shared variable      overwrite.py
steps      kernels written, steps scheduled, guards set          here, scope.py, guards.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symgraph.families import Assemble, Elemwise, Library, Product
from symgraph.graph import Apply, Graph, Variable
from symgraph.kernel import INT, Buffer, Expr, Load, lit
from symgraph.lower.assemble import write_pieces
from symgraph.lower.blocks import block_start
from symgraph.lower.branches import write_branches
from symgraph.lower.chunks import write_chunks
from symgraph.lower.demand import Demand, is_scalar, needed
from symgraph.lower.elements import element_at, element_of
from symgraph.lower.group import Group, Item
from symgraph.lower.guards import Guards
from symgraph.lower.kernels import is_chunked, write_rows
from symgraph.lower.loops import write_scan
from symgraph.lower.overwrite import Overwriting
from symgraph.lower.pooling import write_pooling
from symgraph.lower.products import write_product
from symgraph.lower.program import Allocate, Copy, Put, Routine, Slice, Step
from symgraph.lower.scope import Scope, Update, Whole
from symgraph.lower.sizes import Check, dtype_of
from symgraph.ops.ifelse import Branches
from symgraph.ops.pooling import Pooling
from symgraph.ops.scan import Scan


class Level(Scope):
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
        super().__init__(whole, outer, own)
        self.graph, self.updates = graph, list(updates)
        self.outputs = list(graph.outputs[: len(graph.outputs) - len(self.updates)])
        self.nodes = needed(graph, self.sizes, whole.late)
        self.own.update(out for node in self.nodes for out in node.outputs)
        around = None if outer is None else outer.guards
        self.guards: Guards = Guards(self, around, checks)
        self.grouping = Demand(self, graph, self.nodes).grouping
        overwriting = Overwriting(self, self.grouping, self.outputs, self.updates)
        may_write = whole.in_place or outer is not None
        self.in_place = overwriting.updates_in_place() if may_write else {}
        self.heirs = overwriting.steps_in_place(self.in_place)
        self.built_over = {new: old for old, new in self.heirs.items()}
        self.homes = overwriting.homes(self.in_place, homes)

    # --- steps -------------------------------------------------------------------------------

    def emit_items(self) -> None:
        """The steps of all nodes, each guard as soon as its sizes are known."""
        self.guards.settle()
        for item in self._schedule():
            self._emit_item(item)
            self.guards.settle()

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
            self.guards.before(item.guards)
            return
        scalars = not isinstance(item, Group) and is_scalar(item.nodes[0].outputs[0], self)
        if scalars:
            self._emit_scalar(item.nodes[0])
            return
        outs = [out for node in item.nodes for out in node.outputs if out in self.stored]
        for out in outs:
            self._allocate(out)
        for step in self._steps_of(item):
            self.emit(step)
            if isinstance(step, Routine):
                self.guards.after(step)
        if self.outer is None:
            self.whole.wrote |= any(out in self.in_place for out in outs)
        for out in outs:
            if not self.sizes.space(out):
                self.bind(self.sizes.scalar(out), Load(self.buffers[out], lit(0)), out)

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

    def _block(self, node: Apply) -> Slice:
        """A run of adjacent elements of the first input, under a name."""
        (out,), source = node.outputs, node.inputs[0]
        start = block_start(out, self.sizes)
        assert start is not None
        return Slice(self.buffers[out], self.memory(source), start)

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
        self.bind(self.sizes.scalar(var), value, var)
        if var in self.stored:
            self._allocate(var)
            self.emit(Put(self.buffers[var], self.sizes.scalar(var)))

    def _only_element(self, var: Variable) -> Expr:
        return element_at(var, self._only_index(var), self.context)

    def _only_index(self, var: Variable) -> tuple[Expr, ...]:
        return tuple(lit(0) for _ in self.sizes.dims(var))

    # --- loops and branches ------------------------------------------------------------------

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

    def _moved(self, var: Variable, home: Buffer) -> list[Step]:
        """Steps that write a value to a buffer, none if it was made there."""
        if not self.sizes.dims(var):
            value = self.context.load(var, lit(0))
            return [] if value == Load(home, lit(0)) else [Put(home, value)]
        source = self.memory(var)
        return [] if source == home else [Copy(source, home, self.length(var))]

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
