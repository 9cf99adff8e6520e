"""Memory used again: updates over their shared variable, steps over what they change.

An update is written over its shared variable where the kernel reads that only at the element it
writes, and everything else that reads it can come before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from symgraph.families import Assemble, Product
from symgraph.graph import Apply, Variable
from symgraph.kernel import Buffer
from symgraph.lower.group import FULL, Group, Grouping, Item
from symgraph.lower.scope import Scope, Update


class Overwriting:
    """Finds what may be written over what, among the values of a level."""

    def __init__(
        self,
        scope: Scope,
        grouping: Grouping,
        outputs: Sequence[Variable],
        updates: Sequence[Update],
    ) -> None:
        self.grouping, self.outputs, self.updates = grouping, outputs, updates
        self.own, self.sizes = scope.own, scope.sizes
        self.stored, self.reader = scope.stored, scope.reader

    def updates_in_place(self) -> dict[Variable, Variable]:
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

    def steps_in_place(self, in_place: dict[Variable, Variable]) -> dict[Variable, Variable]:
        """For each value that only one step needs, the output the step may build over it."""
        roots = [*self.outputs, *(value for _, value in self.updates)]
        kept = {self.reader.memory(v) for v in roots} | set(in_place) | self.reader.blocks
        heirs: dict[Variable, Variable] = {}
        for item in self.grouping.items:
            node = item.nodes[0] if item.nodes else None
            if node is None or isinstance(item, Group) or not overwrites_first(node):
                continue
            first, out = self.reader.memory(node.inputs[0]), node.outputs[0]
            rest = {v for var in node.inputs[1:] for v in self.reader.data(var)}
            alone = self._read_by_one(first, item) and first not in rest
            mine = first in self.stored - kept and first in self.own
            if mine and out not in in_place and alone:
                heirs[first] = out
        return heirs

    def homes(
        self, in_place: dict[Variable, Variable], homes: Sequence[Buffer | None]
    ) -> dict[Variable, Buffer]:
        """For each value that can be made where an output has to be, that memory."""
        found: dict[Variable, Buffer] = {}
        for var, home in zip(self.outputs, homes, strict=False):
            root = self.reader.memory(var)
            made_here = root in self.stored and root.owner is not None and root in self.own
            taken = root in self.reader.blocks or root in in_place
            if home is not None and made_here and not taken:
                found.setdefault(root, home)
        return found


def overwrites_first(node: Apply) -> bool:
    """Whether a step can build its output over the memory of its first input."""
    if isinstance(node.op, Product):
        return len(node.inputs) > 2
    return isinstance(node.op, Assemble) and node.op.base == 0
