"""Grouping: which nodes share one kernel.

A group loops over a space, the sizes of its full-size values. Once it reduces, the axes are
split in outer ones (the rows) and inner ones. Values of a row (a softmax's maximum and sum)
stay in the kernel, so a softmax reads its input from memory once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from symgraph.dataclass import dataclass
from symgraph.families import Elemwise, Indexed, Moved, Positional, Reduce, View
from symgraph.graph import Apply, Constant, Variable
from symgraph.kernel import Expr
from symgraph.lower.costs import LARGEST_GROUP, MOST_READ, SIBLINGS
from symgraph.lower.sizes import Sizes, is_lit

FULL, ROW = "full", "row"  # elementwise, over the whole space or over the rows
FOLD_ROW = "fold_row"  # each row reduced to a value of the row
FOLD_ALL = "fold_all"  # everything reduced to one scalar
FOLD_ROWS = "fold_rows"  # the values of the rows reduced to one scalar
FOLD_COLUMNS = "fold_columns"  # the rows reduced to one row
LEVELS = {FULL: FULL, ROW: ROW, FOLD_ROW: ROW}
CHUNKED = (FOLD_ALL, FOLD_ROWS, FOLD_COLUMNS)


class Reading(NamedTuple):
    """How a node reads an operand at its own index.

    `flags` says for each axis of the iteration space whether the operand runs along it;
    None when it is read at other indices (transposed, sliced, looked up).
    """

    source: Variable
    flags: tuple[bool, ...] | None


@dataclass(eq=False)
class Item:
    """A unit of the schedule: a group, or a node that is a step of its own."""

    number: int
    nodes: list[Apply]
    needs: set[Item] = field(default_factory=set)
    needed_by: set[Item] = field(default_factory=set)
    behind: int = 0  # bit k: depends on item k; bit `number` is set
    reads: set[Variable] = field(default_factory=set)
    guards: Apply | None = None  # the node whose indices this item checks


@dataclass(eq=False)
class Group(Item):
    """Nodes that become one kernel."""

    space: tuple[Expr, ...] = ()
    outer: tuple[int, ...] | None = None
    kinds: dict[Apply, str] = field(default_factory=dict)

    @property
    def inner(self) -> tuple[int, ...]:
        """The axes that are not outer."""
        outer = self.outer or ()
        return tuple(p for p in range(len(self.space)) if p not in outer)

    @property
    def row_space(self) -> tuple[Expr, ...]:
        """The sizes of the outer axes."""
        return tuple(self.space[p] for p in self.outer or ())

    def level(self, var: Variable) -> str | None:
        """Where a value of this group can be read inside it; None if nowhere."""
        return LEVELS.get(self.kinds[var.owner]) if var.owner in self.kinds else None


class Reader:
    """Answers how nodes read their operands, given which variables have memory of their own."""

    def __init__(self, sizes: Sizes, stored: set[Variable]) -> None:
        self.sizes, self.stored = sizes, stored
        self.blocks: set[Variable] = set()  # stored, but in the memory of what they are parts of

    def is_virtual(self, var: Variable) -> bool:
        """Whether a variable is only an index expression into others."""
        return (
            var.owner is not None
            and isinstance(var.owner.op, Indexed)
            and var not in self.stored
            and bool(self.sizes.dims(var))
        )

    def memory(self, var: Variable) -> Variable:
        """The variable whose row-major memory `var` shares: reshapes move nothing."""
        while var.owner is not None and (
            isinstance(var.owner.op, View) or (self.is_virtual(var) and self._keeps_order(var))
        ):
            var = var.owner.inputs[0]
        return var

    def _keeps_order(self, var: Variable) -> bool:
        node = var.owner
        assert node is not None
        axes = axis_map(node)
        if axes is None:
            return False
        wide = [a for a, d in zip(axes, self.sizes.dims(var), strict=True) if not is_lit(d, 1)]
        source = self.sizes.dims(node.inputs[0])
        return wide == [a for a, d in enumerate(source) if not is_lit(d, 1)]

    def behind(self, var: Variable) -> tuple[list[Variable], list[Apply]]:
        """What reading `var` touches: memory and scalars, and the index maps on the way."""
        found: dict[Variable, None] = {}
        maps: list[Apply] = []
        stack, seen = [var], set()
        while stack:
            item = stack.pop()
            if item in seen or isinstance(item, Constant):
                continue
            seen.add(item)
            value = self.sizes.value(item)
            if value is not None:
                stack.extend(self.sizes.atoms([value]))
            elif self.is_virtual(item):
                assert item.owner is not None
                maps.append(item.owner)
                stack.extend(item.owner.inputs)
                stack.extend(self.sizes.atoms(self.sizes.dims(item.owner.inputs[0])))
            elif item.owner is not None and isinstance(item.owner.op, View):
                stack.append(item.owner.inputs[0])
                stack.extend(self.sizes.atoms(self.sizes.dims(item)))
            else:
                found[item] = None
                if item in self.blocks:
                    assert item.owner is not None
                    stack.append(item.owner.inputs[0])
        return list(found), maps

    def data(self, var: Variable) -> list[Variable]:
        """The variables whose memory or scalar is touched when `var` is read."""
        return self.behind(var)[0]

    def peel(self, var: Variable) -> tuple[Variable, tuple[int | None, ...] | None]:
        """The variable behind transposes and repeats, and for each axis the source's axis."""
        axes: tuple[int | None, ...] = tuple(range(len(self.sizes.dims(var))))
        while self.is_virtual(var):
            assert var.owner is not None
            if isinstance(var.owner.op, Positional):
                break
            step = axis_map(var.owner)
            if step is None:
                return var, None
            axes = tuple(None if a is None else step[a] for a in axes)
            var = var.owner.inputs[0]
        return var, axes

    def reading(self, var: Variable, dims: Sequence[Expr]) -> Reading:
        """How `var` is read by a node that works over `dims`."""
        source, axes = self.peel(var)
        if axes is None:
            return Reading(source, None)
        shift = len(dims) - len(axes)
        source_dims = self.sizes.dims(source)
        along: list[int | None] = []
        for axis, size in enumerate(dims):
            if is_lit(size, 1):
                continue
            behind = axes[axis - shift] if axis >= shift else None
            along.append(None if behind is None or is_lit(source_dims[behind], 1) else behind)
        runs = [a for a in along if a is not None]
        in_order = runs == [a for a, d in enumerate(source_dims) if not is_lit(d, 1)]
        return Reading(source, tuple(a is not None for a in along) if in_order else None)


def axis_map(node: Apply) -> tuple[int | None, ...] | None:
    """As `Moved.axis_map`; None for what is computed from the index."""
    return node.op.axis_map(node) if isinstance(node.op, Moved) else None


class Work(NamedTuple):
    """What a loop node does: its iteration space, the positions it reduces, its readings."""

    dims: tuple[Expr, ...]
    space: tuple[Expr, ...]
    reduces: tuple[int, ...] | None
    readings: tuple[Reading, ...]
    elsewhere: frozenset[Variable]  # what it reads at other indices than its own


def work_of(node: Apply, reader: Reader) -> Work:
    """The iteration space of a loop node and how it reads its operands in it."""
    over = node.inputs[0] if isinstance(node.op, Reduce) else node.outputs[0]
    dims = reader.sizes.dims(over)
    positions = [axis for axis, size in enumerate(dims) if not is_lit(size, 1)]
    reduces = None
    if isinstance(node.op, Reduce):
        reduces = tuple(p for p, axis in enumerate(positions) if axis in node.op.axes)
    if isinstance(node.op, Indexed) and not isinstance(node.op, Positional):
        readings = tuple(Reading(v, None) for var in node.inputs for v in reader.data(var))
    else:
        readings = tuple(reader.reading(var, dims) for var in node.inputs)
    elsewhere = {v for var, own in _operands(node, readings) for v in reader.data(var) if v != own}
    space = tuple(dims[a] for a in positions)
    return Work(dims, space, reduces, readings, frozenset(elsewhere))


def _operands(node: Apply, readings: Sequence[Reading]) -> list[tuple[Variable, Variable | None]]:
    """Each operand with the variable it is read from at the node's own index, if it is."""
    if isinstance(node.op, Indexed) and not isinstance(node.op, Positional):
        return [(var, None) for var in node.inputs]
    owned = (None if reading.flags is None else reading.source for reading in readings)
    return list(zip(node.inputs, owned, strict=True))


def is_loop(node: Apply, reader: Reader) -> bool:
    """Whether a node becomes part of a kernel."""
    if isinstance(node.op, Reduce):
        return True
    (out, *_) = node.outputs
    is_elementwise = isinstance(node.op, Elemwise | Indexed) and not reader.is_virtual(out)
    return is_elementwise and bool(reader.sizes.space(out)) and out not in reader.blocks


def is_step(node: Apply, reader: Reader) -> bool:
    """Whether a node is scheduled at all: views, index maps and formulas are not."""
    out = node.outputs[0]
    if isinstance(node.op, View) or reader.is_virtual(out):
        return False
    return reader.sizes.value(out) is None


def placement(group: Group, node: Apply, work: Work) -> tuple[str, tuple[int, ...] | None] | None:
    """The kind `node` would have in `group` and the outer axes it needs; None if it cannot join."""
    inside = [r for r in work.readings if r.source.owner in group.kinds]
    if len(group.kinds) >= LARGEST_GROUP or any(v.owner in group.kinds for v in work.elsewhere):
        return None
    if _streams(group, work) > MOST_READ:
        return None
    if work.reduces is not None:
        return _fold_placement(group, work, inside)
    if work.space == group.space and all(_visible(group, r) for r in inside):
        return FULL, group.outer
    in_rows = group.outer is not None and group.inner and work.space == group.row_space
    if in_rows and inside and all(group.level(r.source) == ROW and _whole(r) for r in inside):
        return ROW, group.outer
    return None


def _streams(group: Group, work: Work) -> int:
    """How many variables the group would read from outside with one more node."""
    read = group.reads | {reading.source for reading in work.readings}
    return sum(var.owner not in group.kinds for var in read)


def _whole(reading: Reading) -> bool:
    return reading.flags is not None and all(reading.flags)


def _visible(group: Group, reading: Reading) -> bool:
    level = group.level(reading.source)
    if level == FULL:
        return _whole(reading)
    runs = tuple(p for p, flag in enumerate(reading.flags or ()) if flag)
    return level == ROW and reading.flags is not None and runs == group.outer


def _fold_placement(
    group: Group, work: Work, inside: Sequence[Reading]
) -> tuple[str, tuple[int, ...] | None] | None:
    reduces, everything = work.reduces, tuple(range(len(work.space)))
    assert reduces is not None
    if work.space == group.space and all(
        group.level(r.source) == FULL and _whole(r) for r in inside
    ):
        leading = bool(reduces) and reduces == everything[: len(reduces)]
        if reduces == everything:
            return FOLD_ALL, group.outer
        if group.outer is None:
            kept = tuple(p for p in everything if p not in reduces)
            return (FOLD_COLUMNS, reduces) if leading else (FOLD_ROW, kept)
        if reduces == group.inner:
            return FOLD_ROW, group.outer
        return (FOLD_COLUMNS, group.outer) if leading and reduces == group.outer else None
    rows = group.outer is not None and group.inner and work.space == group.row_space
    of_rows = all(group.level(r.source) == ROW and _whole(r) for r in inside)
    return (
        (FOLD_ROWS, group.outer) if rows and inside and reduces == everything and of_rows else None
    )


class Grouping:
    """The items of a graph, built node by node in topological order."""

    def __init__(self, reader: Reader, late: Mapping[Apply, Variable]) -> None:
        self.reader, self.late = reader, late
        self.items: list[Item] = []
        self.producer: dict[Variable, Item] = {}
        self.readers: dict[Variable, set[Item]] = {}
        self.reads: dict[Apply, set[Variable]] = {}  # of each node, and the items it comes after
        self.needs: dict[Apply, set[Item]] = {}
        self.works: dict[Apply, Work] = {}
        self.guards: dict[Apply, Item] = {}
        self._latest: dict[tuple[Expr, ...], list[Group]] = {}

    def add(self, node: Apply) -> None:
        """Place a node: in a group it fits, or in an item of its own."""
        reads, needs = self._needs(node, node.inputs)
        if node in self.late and self.late[node] in self.producer:
            needs.add(self.producer[self.late[node]])
        if is_loop(node, self.reader):
            item = self._join(node, needs)
        else:
            item = self._own(Item(len(self.items), [node]), needs)
        self._reads(item, reads)
        self.reads[node], self.needs[node] = reads, needs
        for out in node.outputs:
            self.producer[out] = item

    def add_guard(self, node: Apply, indices: Sequence[Variable]) -> None:
        """An item that checks the indices `node` looks up, before anything does so."""
        reads, needs = self._needs(node, indices)
        item = self._own(Item(len(self.items), [], guards=node), needs)
        self._reads(item, reads)
        self.guards[node] = item

    def _reads(self, item: Item, reads: set[Variable]) -> None:
        item.reads |= reads
        for var in reads:
            self.readers.setdefault(var, set()).add(item)

    def move(self, nodes: Sequence[Apply], source: Group, target: Group) -> None:
        """Put elementwise nodes in another group, which needs the one they were in."""
        moved = set(nodes)
        source.nodes = [node for node in source.nodes if node not in moved]
        target.nodes = [*nodes, *target.nodes]
        for node in nodes:
            target.kinds[node] = source.kinds.pop(node)
            self.producer[node.outputs[0]] = target
            self._reads(target, self.reads[node])
            self._need(target, {n for n in self.needs[node] if n.nodes or n.guards is not None})
        before = source.reads
        source.reads = set[Variable]().union(*(self.reads[node] for node in source.nodes))
        for var in before - source.reads:
            self.readers[var].discard(source)
        if not source.nodes:
            self._drop(source)

    def _drop(self, item: Item) -> None:
        """Forget an empty item: what needed it needs what it needed."""
        self.items.remove(item)
        for later in item.needed_by:
            later.needs.discard(item)
            self._need(later, item.needs)
        for earlier in item.needs:
            earlier.needed_by.discard(item)

    def _needs(self, node: Apply, read: Sequence[Variable]) -> tuple[set[Variable], set[Item]]:
        reads: set[Variable] = set()
        maps = [node]
        for var in read:
            touched, passed = self.reader.behind(var)
            reads.update(touched)
            maps += passed
        sizes = self.reader.sizes
        dims = [d for var in (*node.inputs, *node.outputs) for d in sizes.dims(var)]
        reads |= sizes.atoms(dims)
        needs = {self.producer[v] for v in reads if v in self.producer}
        return reads, needs | {self.guards[m] for m in maps if m in self.guards}

    def wait(self, item: Item, others: set[Item]) -> bool:
        """Schedule `item` after `others`; False, and no change, if one of them depends on it."""
        if any(o is not item and o.behind >> item.number & 1 for o in others):
            return False
        self._need(item, others)
        return True

    def _own(self, item: Item, needs: set[Item]) -> Item:
        self.items.append(item)
        item.behind = 1 << item.number
        self._need(item, needs)
        return item

    def _need(self, item: Item, needs: set[Item]) -> None:
        """What an item is behind, those that need it are behind too."""
        for other in needs - {item}:
            item.needs.add(other)
            other.needed_by.add(item)
            item.behind |= other.behind
        changed = [item]
        while changed:
            known = changed.pop()
            for later in known.needed_by:
                if later.behind | known.behind != later.behind:
                    later.behind |= known.behind
                    changed.append(later)

    def _join(self, node: Apply, needs: set[Item]) -> Item:
        work = self.works[node] = work_of(node, self.reader)
        for group in self._candidates(work, needs):
            if any(n is not group and n.behind >> group.number & 1 for n in needs):
                continue
            place = placement(group, node, work)
            if place is not None:
                kind, group.outer = place
                group.kinds[node] = kind
                group.nodes.append(node)
                self._need(group, needs)
                return group
        return self._found(node, work, needs)

    def _candidates(self, work: Work, needs: set[Item]) -> list[Group]:
        """Groups worth joining: that make what the node reads, that read it too, the latest.

        Of those that read it too the first: what a kernel reduces is known when it has ended.
        """
        producers = sorted((n for n in needs if isinstance(n, Group)), key=lambda g: -g.number)
        read = {reading.source for reading in work.readings} | work.elsewhere
        latest = self._latest.get(work.space, [])[-SIBLINGS:]
        siblings = [group for group in latest if group.reads & read]
        return list(dict.fromkeys([*producers, *siblings, *latest[-1:]]))

    def _found(self, node: Apply, work: Work, needs: set[Item]) -> Group:
        group = Group(len(self.items), [], space=work.space)
        place = placement(group, node, work)
        assert place is not None
        kind, group.outer = place
        group.kinds[node] = kind
        group.nodes.append(node)
        self._own(group, needs)
        self._latest.setdefault(work.space, []).append(group)
        return group
