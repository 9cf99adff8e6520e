"""Values computed where they are read: what only a later kernel reads is moved into it.

Grouping puts a node beside what it reads as soon as it can. In a training step that computes
parts of the backward pass, such as 1 - tanh(x) ** 2, in the forward pass, and keeps them.
Afterwards it is known who reads what, so a value whose only readers are in one later kernel goes
there if that takes less traffic of memory. The model is bytes: a value that is kept is written once
and read once; one that is moved needs its operands there, which cost a read each if that kernel
does not read them anyway, and a write if they would not be kept otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from symgraph.families import Elemwise
from symgraph.graph import Apply, Variable
from symgraph.lower.costs import LARGEST_GROUP, MOST_READ
from symgraph.lower.group import (
    CHUNKED,
    FOLD_ROW,
    FULL,
    Group,
    Grouping,
    Item,
    Reading,
)
from symgraph.lower.sizes import dtype_of

FULL_READERS = (FULL, FOLD_ROW, *CHUNKED)


def sink(grouping: Grouping, nodes: Sequence[Apply], kept: set[Variable]) -> None:
    """Move values to the kernels that read them; those in `kept` have memory in any case."""
    sinking = _Sinking(grouping, kept)
    for node in reversed(nodes):
        sinking.try_node(node)


class _Sinking:
    """Who reads what, kept up to date while nodes move."""

    def __init__(self, grouping: Grouping, kept: set[Variable]) -> None:
        self.grouping, self.kept = grouping, kept
        self.readers: dict[Variable, set[Apply]] = {}
        self.checked: set[Variable] = set()  # what guards read
        for node, reads in grouping.reads.items():
            for var in reads:
                self.readers.setdefault(var, set()).add(node)
        for item in grouping.guards.values():
            self.checked |= item.reads

    def try_node(self, node: Apply) -> None:
        """Move a node, and what only it reads, if that takes less traffic."""
        source = self._home(node)
        target = None if source is None else self._only_reader(node)
        if source is None or target is None or target is source:
            return
        moving = self._moving(node, source)
        fits = len(target.kinds) + len(moving) < LARGEST_GROUP
        if fits and self._fits_beside(moving, target) and self._pays(node, moving, source, target):
            self.grouping.move(moving, source, target)

    def _home(self, node: Apply) -> Group | None:
        """The group of a node that may move: elementwise, over the whole space, kept for nobody."""
        item = self.grouping.producer.get(node.outputs[0])
        if not isinstance(item, Group) or not isinstance(node.op, Elemwise):
            return None
        out = node.outputs[0]
        loose = out not in self.kept and out not in self.checked
        whole = item.kinds[node] == FULL and not self.grouping.works[node].elsewhere
        return item if loose and whole and node not in self.grouping.late else None

    def _only_reader(self, node: Apply) -> Group | None:
        """The one group that reads a node's value, element by element."""
        out, found = node.outputs[0], set[Item | None]()
        for reader in self.readers.get(out, ()):
            item = self.grouping.producer.get(reader.outputs[0])
            if not isinstance(item, Group) or item.kinds.get(reader) not in FULL_READERS:
                return None
            work = self.grouping.works[reader]
            alike = all(_whole(r) for r in work.readings if r.source is out)
            if not alike or out in work.elsewhere:
                return None
            found.add(item)
        only = found.pop() if len(found) == 1 else None
        same = isinstance(only, Group) and only.space == self.grouping.works[node].space
        return only if isinstance(only, Group) and same else None

    def _moving(self, node: Apply, source: Group) -> list[Apply]:
        """A node with what else moves: what is kept for nobody and read by these alone."""
        moving = {node}
        stack = [node]
        while stack:
            for reading in self.grouping.works[stack.pop()].readings:
                owner = reading.source.owner
                if owner is None or owner in moving or self._home(owner) is not source:
                    continue
                if self.readers[reading.source] <= moving and _whole(reading):
                    moving.add(owner)
                    stack.append(owner)
        return [n for n in source.nodes if n in moving]

    def _operands(self, moving: Sequence[Apply]) -> Iterable[Reading]:
        """What nodes read that is not their own."""
        made = {n.outputs[0] for n in moving}
        for node in moving:
            yield from (r for r in self.grouping.works[node].readings if r.source not in made)

    def _fits_beside(self, moving: Sequence[Apply], target: Group) -> bool:
        """Whether a group can read the operands of nodes: as they lie, and not too many."""
        operands = list(self._operands(moving))
        read = target.reads | {r.source for r in operands}
        streams = sum(var.owner not in target.kinds for var in read)
        inside = any(r.source.owner in target.kinds for r in operands)
        return streams <= MOST_READ and not inside and all(r.flags is not None for r in operands)

    def _pays(self, node: Apply, moving: list[Apply], source: Group, target: Group) -> bool:
        """Whether moving takes less traffic than a write and a read of the value."""
        cost, seen = 0, set[Variable]()
        for reading in self._operands(moving):
            var = reading.source
            if var in seen or not _whole(reading):
                continue
            seen.add(var)
            cost += _width(var) * (var not in target.reads)
            cost += _width(var) * (not self._is_kept(var, moving, source))
        return cost < 2 * _width(node.outputs[0])

    def _is_kept(self, var: Variable, moving: list[Apply], source: Group) -> bool:
        """Whether a value is in memory even if nodes that read it do not move."""
        if var.owner is None or var in self.kept or var not in self.grouping.producer:
            return True
        others = self.readers[var] - set(moving)
        homes = {self.grouping.producer.get(n.outputs[0]) for n in others}
        return homes - {source} != set() or self.grouping.producer[var] is not source


def _whole(reading: Reading) -> bool:
    return reading.flags is not None and all(reading.flags)


def _width(var: Variable) -> int:
    return np.dtype(dtype_of(var)).itemsize
