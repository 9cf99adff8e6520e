"""What a level computes: the nodes whose data is read, which values need memory, the groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symgraph.families import Assemble, Checked, Elemwise, Indexed, Library, Loop, Product, View
from symgraph.graph import Apply, Graph, Variable, toposort
from symgraph.lower.blocks import block_start
from symgraph.lower.group import CHUNKED, Group, Grouping, Item, is_step
from symgraph.lower.guards import bounds_of
from symgraph.lower.loops import rows_in_memory
from symgraph.lower.recompute import moved_late
from symgraph.lower.scope import Scope
from symgraph.lower.sink import sink
from symgraph.lower.sizes import Sizes
from symgraph.ops.ifelse import Branches
from symgraph.ops.scan import Scan


def needed(graph: Graph, sizes: Sizes, late: Mapping[Apply, Variable]) -> list[Apply]:
    """The nodes whose data is read; those behind a mere size are left out."""
    order = toposort(graph.outputs, stop=graph.inputs)
    wanted = set(graph.outputs)
    needed = []
    for node in reversed(order):
        if not any(out in wanted for out in node.outputs):
            continue
        needed.append(node)
        wanted.update(_inputs_read(node, sizes))
    return moved_late(needed[::-1], late)


def _inputs_read(node: Apply, sizes: Sizes) -> Iterable[Variable]:
    value = sizes.value(node.outputs[0])
    if value is not None:
        return sizes.atoms([value])
    dims = [d for var in (*node.inputs, *node.outputs) for d in sizes.dims(var)]
    return [*node.inputs, *sizes.atoms(dims)]


class Demand:
    """Decides which values of a level are stored, and which nodes share a kernel."""

    def __init__(self, scope: Scope, graph: Graph, nodes: Sequence[Apply]) -> None:
        self.scope, self.graph, self.nodes = scope, graph, nodes
        self.sizes, self.stored, self.reader = scope.sizes, scope.stored, scope.reader
        self._demand_steps()
        self.grouping = self._group()
        kept = {self.reader.memory(var) for var in graph.outputs}
        sink(self.grouping, self.nodes, self.stored | kept)
        scope.context.works.update(self.grouping.works)
        self._demand_readings()

    def _demand(self, var: Variable) -> None:
        """Give `var` memory of its own, or the memory it is a view or a block of."""
        var = self.reader.memory(var)
        if var.owner is None or self.sizes.value(var) is not None or var not in self.scope.own:
            return
        several = bool(self.sizes.space(var))  # one element is a scalar of the driver
        if several and self.reader.is_virtual(var) and block_start(var, self.sizes) is not None:
            self.reader.blocks.add(var)
            self._demand(var.owner.inputs[0])
        self.stored.add(var)

    def _demand_steps(self) -> None:
        for var in self.graph.outputs:
            if (
                self.scope.outer is None
                or self.sizes.dims(var)
                or self.reader.memory(var) is not var
            ):
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
            return rows_in_memory(node, node.op, self.scope.context)
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
        grouping = Grouping(self.reader, self.scope.whole.late)
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
                if (outside or self._not_visible(item, var)) and not is_scalar(var, self.scope):
                    self._demand(var)
            if isinstance(item, Group):
                for node, kind in item.kinds.items():
                    if kind in CHUNKED:
                        self.stored.add(node.outputs[0])

    def _not_visible(self, item: Item, var: Variable) -> bool:
        return not isinstance(item, Group) or item.level(var) is None


def is_scalar(var: Variable, scope: Scope) -> bool:
    """Whether a variable is one number that the driver computes by itself."""
    return (
        var.owner is not None
        and not scope.sizes.space(var)
        and isinstance(var.owner.op, Elemwise | Indexed)
        and not scope.reader.is_virtual(var)
    )
