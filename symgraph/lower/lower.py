"""Lowering: a graph becomes a program, in five readable stages.

sizes      every dim a formula over the sizes of the inputs      sizes.py
stored     which variables need memory of their own              here
grouped    nodes gathered into kernels and single steps          group.py
placed     updates that can overwrite their shared variable      here
steps      kernels written, steps scheduled, guards set          here, kernels.py, chunks.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symgraph.errors import IndexRangeError, ShapeError
from symgraph.families import Assemble, Checked, Elemwise, Indexed, Library, Product, View
from symgraph.graph import Apply, Constant, Graph, Variable, ancestors, toposort
from symgraph.kernel import BOOL, INT, Buffer, Call, Expr, Lit, Load, Name, cast, compare, lit
from symgraph.lower.assemble import bounds_kernel, write_pieces
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
from symgraph.lower.products import write_product
from symgraph.lower.program import (
    Allocate,
    Bind,
    Copy,
    Failure,
    Guard,
    Parameter,
    Program,
    Put,
    Result,
    Routine,
    Step,
    exprs_of,
)
from symgraph.lower.share import share_kernels
from symgraph.lower.sizes import Check, Namer, Sizes, dtype_of, free_names
from symgraph.ops.create import ARange

Update = tuple[Variable, Variable]  # a shared variable, its next value


@dataclass(frozen=True)
class Lowered:
    """A program, and what its results mean."""

    program: Program
    outputs: int  # the first results are the outputs
    replaced: tuple[Variable, ...]  # the others are new values of these shared variables


def lower(
    inputs: Sequence[Variable], outputs: Sequence[Variable], updates: Sequence[Update] = ()
) -> Lowered:
    """The program that computes `outputs` and stores `updates`."""
    lowering = Lowering(inputs, outputs, updates, in_place=True)
    if lowering.guarded_after_write:
        lowering = Lowering(inputs, outputs, updates, in_place=False)
    return lowering.result()


class Lowering:
    """One run of the stages."""

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        updates: Sequence[Update],
        in_place: bool,
    ) -> None:
        self.outputs, self.updates = list(outputs), list(updates)
        roots = [*outputs, *(value for _, value in updates)]
        constants = [
            v for v in ancestors(roots) if isinstance(v, Constant) and scalar_constant(v) is None
        ]
        self.inputs = [*inputs, *constants]
        self.graph = Graph(tuple(self.inputs), tuple(roots))
        self.namer = Namer()
        names = {v: self.namer(v.name or ("c" if v in constants else "x")) for v in self.inputs}
        self.buffers = {v: Buffer(names[v], dtype_of(v)) for v in self.inputs}
        self.sizes = Sizes(self.graph, self.namer)
        self.nodes = self._needed()
        self.stored: set[Variable] = set()
        self.reader = Reader(self.sizes, self.stored)
        self._demand_steps()
        self.grouping = self._group()
        self._demand_readings()
        self.context = Context(
            self.sizes, self.reader, self.grouping.works, self.buffers, self.namer
        )
        self.in_place = self._place_updates() if in_place else {}
        self.heirs = self._place_steps()
        self.steps: list[Step] = []
        self.failures: list[Failure] = []
        self.guarded_after_write = False
        self._bound: set[str] = {n for names in self.sizes.input_sizes.values() for n in names}
        self._waiting: list[Check] = list(self.sizes.checks)
        self._wrote = False
        self._checked: set[tuple[Variable, Expr]] = set()  # indices and the sizes they are below
        self._results: list[Result] = []
        self._emit_all()

    # --- what is needed ----------------------------------------------------------------------

    def _needed(self) -> list[Apply]:
        """The nodes whose data is read; those behind a mere size are left out."""
        order = toposort(self.graph.outputs, stop=self.inputs)
        wanted = set(self.graph.outputs)
        needed = []
        for node in reversed(order):
            if not any(out in wanted for out in node.outputs):
                continue
            needed.append(node)
            wanted.update(self._inputs_read(node))
        return needed[::-1]

    def _inputs_read(self, node: Apply) -> Iterable[Variable]:
        value = self.sizes.value(node.outputs[0])
        if value is not None:
            return self.sizes.atoms([value])
        dims = [d for var in (*node.inputs, *node.outputs) for d in self.sizes.dims(var)]
        return [*node.inputs, *self.sizes.atoms(dims)]

    # --- what is stored ----------------------------------------------------------------------

    def _demand(self, var: Variable) -> None:
        """Give `var` memory of its own, or the memory it is a view of."""
        var = self.reader.memory(var)
        if var.owner is not None and self.sizes.value(var) is None:
            self.stored.add(var)

    def _demand_steps(self) -> None:
        for var in self.graph.outputs:
            self._demand(var)
        for node in self.nodes:
            for var in operands_in_memory(node):
                self._demand(var)
            if isinstance(node.op, Product | Library | Assemble):
                for out in node.outputs:
                    self.stored.add(out)
            for k, _ in bounds_of(node, self.sizes):
                if self.sizes.dims(node.inputs[k]):
                    self._demand(node.inputs[k])

    def _group(self) -> Grouping:
        grouping = Grouping(self.reader)
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
        values = [self.reader.memory(v) for _, v in self.updates]
        for shared, value in self.updates:
            alone = values.count(value) == 1 and value not in returned
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
        if isinstance(item, Group):
            return (value,) if self._reads_same_element(item, shared, node) else ()
        if not overwrites_first(node):
            return ()
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
        return {i for i in self.grouping.items if var in i.reads} <= {
            item,
            self.grouping.producer.get(var),
        }

    def _can_overwrite(self, shared: Variable, chain: Sequence[Variable]) -> bool:
        """Whether all else that reads a shared variable can come before a chain of writes."""
        writers = {self.grouping.producer[value] for value in chain}
        others = {i for i in self.grouping.items if shared in i.reads and i not in writers}
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
        heirs: dict[Variable, Variable] = {}
        for item in self.grouping.items:
            node = item.nodes[0] if item.nodes else None
            if node is None or isinstance(item, Group) or not overwrites_first(node):
                continue
            first, out = self.reader.memory(node.inputs[0]), node.outputs[0]
            rest = {v for var in node.inputs[1:] for v in self.reader.data(var)}
            alone = self._read_by_one(first, item) and first not in rest
            if first in self.stored - kept and out not in self.in_place and alone:
                heirs[first] = out
        return heirs

    # --- steps -------------------------------------------------------------------------------

    def _emit_all(self) -> None:
        self._set_guards()
        for item in self._schedule():
            self._emit_item(item)
            self._set_guards()
        self._emit_results()

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
            self._emit(step)
            if isinstance(step, Routine):
                self._guard_routine(step)
        self._wrote |= any(out in self.in_place for out in outs)
        for out in outs:
            if not self.sizes.space(out):
                self._bind(self.sizes.scalar(out), Load(self.buffers[out], lit(0)), out)

    def _steps_of(self, item: Item) -> list[Step]:
        if isinstance(item, Group):
            write = write_chunks if is_chunked(item) else write_rows
            return write(item, self.context)
        (node,) = item.nodes
        if isinstance(node.op, Product):
            return write_product(node, self.context, self._memory)
        if isinstance(node.op, Assemble):
            return write_pieces(node, self.context, self._memory)
        assert isinstance(node.op, Library), f"no lowering for {node.op}"
        return [self._routine(node, node.op)]

    def _routine(self, node: Apply, op: Library) -> Routine:
        """The call of a routine, with room for what it reports if it may fail."""
        outputs = [(self.buffers[o], self.sizes.dims(o)) for o in node.outputs]
        if op.failure is not None:
            report = Buffer(self.namer("report"), INT)
            self._emit(Allocate(report, (lit(2),), lit(2)))
            outputs.append((report, (lit(2),)))
        inputs = tuple((self._memory(v), self.sizes.dims(v)) for v in node.inputs[: op.reads])
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

    def _memory(self, var: Variable) -> Buffer:
        """The memory of a variable, put there if it is a scalar of the driver."""
        root = self.reader.memory(var)
        if root not in self.buffers:
            self.buffers[root] = self._put(root, "temporary")
        return self.buffers[root]

    def _put(self, var: Variable, role: str) -> Buffer:
        """New memory that holds a scalar of the driver."""
        value = self.context.load(var, lit(0))
        buffer = Buffer(self.namer(var.name or "s"), dtype_of(var))
        self._emit(Allocate(buffer, self.sizes.dims(var), lit(1), role))
        self._emit(Put(buffer, value))
        return buffer

    def _allocate(self, var: Variable) -> None:
        if var in self.in_place:
            self.buffers[var] = self.buffers[self.in_place[var]]
            return
        before = next((old for old, new in self.heirs.items() if new is var), None)
        if before is not None:
            self.buffers[var] = self.buffers[before]
            return
        dims = self.sizes.dims(var)
        name = var.name or (type(var.owner.op).__name__.lower() if var.owner else "t")
        self.buffers[var] = Buffer(self.namer(name), dtype_of(var))
        last = var
        while last in self.heirs:
            last = self.heirs[last]
        role = "output" if any(self.reader.memory(v) is last for v in self.outputs) else "temporary"
        self._emit(Allocate(self.buffers[var], dims, self.sizes.product(dims), role))

    def _emit_scalar(self, node: Apply) -> None:
        (var,) = node.outputs
        if isinstance(node.op, Elemwise):
            value = node.op.expression(*(self._only_element(v) for v in node.inputs))
        else:
            value = element_of(node, self._only_index(var), self.context)
        self._bind(self.sizes.scalar(var), value, var)
        if var in self.stored:
            self._allocate(var)
            self._emit(Put(self.buffers[var], self.sizes.scalar(var)))

    def _only_element(self, var: Variable) -> Expr:
        return element_at(var, self._only_index(var), self.context)

    def _only_index(self, var: Variable) -> tuple[Expr, ...]:
        return tuple(lit(0) for _ in self.sizes.dims(var))

    def _bind(self, name: Expr, value: Expr, var: Variable) -> None:
        assert isinstance(name, Name)
        self._emit(Bind(name.id, value, str(var.made_at) if var.owner else ""))
        self._bound.add(name.id)

    def _emit(self, step: Step) -> None:
        """Add a step, the formulas it reads first."""
        self._bind_names(exprs_of(step))
        self.steps.append(step)

    def _bind_names(self, exprs: Iterable[Expr]) -> None:
        stack = free_names(exprs)[::-1]
        while stack:
            name = stack[-1]
            if name.id in self._bound:
                stack.pop()
                continue
            value = self._definition(name)
            missing = [n for n in free_names([value]) if n.id not in self._bound]
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
        waiting, self._waiting = self._waiting, []
        for check in waiting:
            if all(self._is_known(v) for v in self.sizes.atoms(check.sizes)):
                self._guard_sizes(check)
            else:
                self._waiting.append(check)

    def _is_known(self, var: Variable) -> bool:
        name = self.sizes.scalar(var)
        return var in self.buffers or (isinstance(name, Name) and name.id in self._bound)

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
        self.guarded_after_write |= self._wrote
        self.failures.append(Failure(kind, message, node))
        self._emit(Guard(condition, len(self.failures), values))

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
                self._emit(Allocate(flag, (lit(2),), lit(2)))
                self._emit(bounds_kernel(self._memory(var), length, size, flag, node, self.namer))
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

    # --- results -----------------------------------------------------------------------------

    def _emit_results(self) -> None:
        taken: set[Buffer] = {self.buffers[v] for v in self.inputs}
        for var in self.outputs:
            self._results.append(self._fresh(var, taken))
        self.replaced: list[Variable] = []
        self.written = list(self.in_place.values())
        commits: list[Step] = []
        for shared, value in self.updates:
            if self.in_place.get(self.reader.memory(value)) is shared or value is shared:
                continue
            if self.sizes.dims(shared) == self.sizes.dims(value):
                commits.append(self._commit(shared, value))
                self.written.append(shared)
            else:
                self._results.append(self._fresh(value, taken))
                self.replaced.append(shared)
        for step in commits:
            self._emit(step)

    def _fresh(self, var: Variable, taken: set[Buffer]) -> Result:
        """A result in memory that nothing else uses."""
        root, dims = self.reader.memory(var), self.sizes.dims(var)
        if root not in self.buffers:
            return Result(self._put(root, "output"), dims, var)
        source = self._memory(root)
        role = next(
            (s.role for s in self.steps if isinstance(s, Allocate) and s.buffer == source), None
        )
        if source in taken or role != "output":
            target = Buffer(self.namer(var.name or "out"), source.dtype)
            length = self.sizes.product(dims)
            self._emit(Allocate(target, dims, length, "output"))
            self._emit(Copy(source, target, length))
            source = target
        taken.add(source)
        self._bind_names(dims)
        return Result(source, dims, var)

    def _commit(self, shared: Variable, value: Variable) -> Step:
        source, length = self._memory(value), self.sizes.product(self.sizes.dims(value))
        if source in {self.buffers[v] for v, _ in self.updates}:
            copy = Buffer(self.namer("kept"), source.dtype)
            self._emit(Allocate(copy, (length,), length))
            self._emit(Copy(source, copy, length))
            source = copy
        return Copy(source, self.buffers[shared], length)

    def result(self) -> Lowered:
        """The program, parameters in the order inputs, hoisted constants."""
        parameters = {
            v: Parameter(self.buffers[v], v, self.sizes.input_sizes[v]) for v in self.inputs
        }
        program = Program(
            tuple(parameters.values()),
            tuple(share_kernels(self.steps)),
            tuple(self._results),
            tuple(self.failures),
            tuple(parameters[v] for v in dict.fromkeys(self.written)),
        )
        return Lowered(program, len(self.outputs), tuple(self.replaced))


def operands_in_memory(node: Apply) -> Sequence[Variable]:
    """The operands that a node's step, or the view it is, takes from memory as they lie there."""
    if isinstance(node.op, Product):
        return node.inputs
    if isinstance(node.op, Library):
        return node.inputs[: node.op.reads]
    if isinstance(node.op, View):
        return node.inputs[:1]
    base = node.op.base if isinstance(node.op, Assemble) else None
    return () if base is None else (node.inputs[base],)


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
