"""Computing values twice instead of keeping them: what a limit on memory asks for.

A value that is needed early and then, much later, again (an activation, in the backward pass)
holds its memory all the while. If it is cheap, its late readers may have a copy, which is computed
just before the first of them from what is in memory anyway; often it is fused into its reader and
has no memory at all. `candidates` finds such values, `Draft` makes the graph with copies, and
`lower` is told what each copy has to come after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from symgraph.dataclass import dataclass
from symgraph.families import Assemble, Elemwise, Indexed, View
from symgraph.graph import Apply, Variable, toposort
from symgraph.lower.program import Gemm, Launch, Routine, Step, bodies
from symgraph.rewrite import on_inputs

CHEAP = (Elemwise, Indexed, View, Assemble)


@dataclass(frozen=True)
class Again:
    """A value worth computing again: what reads it late, what comes before that, how long it waits.

    `gap` counts steps.
    """

    variable: Variable
    readers: frozenset[Apply]
    after: Variable
    gap: int


@dataclass
class Draft:
    """A graph in which some values are computed again; `stop` are its inputs."""

    roots: Sequence[Variable]
    stop: Sequence[Variable]
    chosen: Mapping[Variable, Again]
    late: dict[Apply, Variable] = field(default_factory=dict)  # each copy, what it comes after
    _now: dict[Variable, Variable] = field(default_factory=dict)
    _copies: dict[tuple[Variable, Variable], Variable] = field(default_factory=dict)

    def make(self) -> list[Variable]:
        """The roots of the new graph."""
        for node in toposort(self.roots, stop=self.stop):
            given = [self._operand(node, var) for var in node.inputs]
            if any(a is not b for a, b in zip(given, node.inputs, strict=True)):
                self._now.update(zip(node.outputs, on_inputs(node, given).outputs, strict=True))
        return [self._now.get(var, var) for var in self.roots]

    def _operand(self, node: Apply, var: Variable) -> Variable:
        again = self.chosen.get(var)
        if again is not None and node in again.readers:
            return self._copy(var, again)
        return self._now.get(var, var)

    def _copy(self, var: Variable, again: Again) -> Variable:
        """A copy of `var` for late readers, and of what it is made from if that is not kept."""
        node, key = var.owner, (var, again.variable)
        assert node is not None
        if key not in self._copies:
            given = [
                self._copy(v, again) if v in self.chosen else self._now.get(v, v)
                for v in node.inputs
            ]
            fresh = Apply(node.op, given, [v.type.make_variable(v.name) for v in node.outputs])
            for new, old in zip(fresh.outputs, node.outputs, strict=True):
                new.tag, new.made_at = old.tag, old.made_at
                self._copies[old, again.variable] = new
            self.late[fresh] = self._now.get(again.after, again.after)
        return self._copies[key]


def moved_late(nodes: Sequence[Apply], late: Mapping[Apply, Variable]) -> list[Apply]:
    """The nodes with copies just before what first reads them."""
    order: dict[Apply, None] = {}

    def add_copies(node: Apply) -> None:
        for owner in (var.owner for var in node.inputs):
            if owner is not None and owner in late and owner not in order:
                add_copies(owner)
                order[owner] = None

    for node in nodes:
        if node not in late:
            add_copies(node)
            order[node] = None
    return list(order)


def candidates(
    steps: Sequence[Step], roots: Sequence[Variable], stop: Sequence[Variable]
) -> list[Again]:
    """The cheap values that wait for late readers, those that wait longest first."""
    nodes = toposort(roots, stop=stop)
    waits = _Waits(nodes, steps)
    kept = set(roots)
    cheap = (n for n in nodes if isinstance(n.op, CHEAP) and getattr(n.op, "pure", True))
    values = (v for n in cheap for v in n.outputs if v not in kept)
    found = (waits.of(v) for v in values)
    return sorted((a for a in found if a is not None), key=lambda a: -a.gap)


class _Waits:
    """When values of a graph are made and read, in steps of a program."""

    def __init__(self, nodes: Sequence[Apply], steps: Sequence[Step]) -> None:
        self.nodes, self.index = nodes, {node: n for n, node in enumerate(nodes)}
        self.readers: dict[Variable, list[Apply]] = {}
        for node in nodes:
            for var in dict.fromkeys(node.inputs):
                self.readers.setdefault(var, []).append(node)
        self.places: dict[Apply, int] = {}
        for number, step in enumerate(steps):
            for node in _nodes(step):
                self.places.setdefault(node, number)
        self._place_others()

    def _place_others(self) -> None:
        """What has no step of its own, views and index maps, is where it is first read."""
        stepped = set(self.places)
        for node in reversed(self.nodes):
            here = self.places.get(node)
            for owner in (var.owner for var in node.inputs):
                if here is not None and owner is not None and owner not in stepped:
                    self.places[owner] = min(here, self.places.get(owner, here))

    def of(self, var: Variable) -> Again | None:
        """The longest wait of a value; None if it has none worth the while."""
        made = self.places.get(var.owner) if var.owner is not None else None
        readers = [n for n in self.readers.get(var, ()) if n in self.places]
        if made is None or not readers:
            return None
        times = sorted({made, *(self.places[n] for n in readers)})
        gap, start = max((b - a, b) for a, b in zip([made, *times], times, strict=False))
        late = [n for n in readers if self.places[n] >= start]
        before = self.nodes[: min(self.index[n] for n in late)]
        between = [n for n in before if made < self.places.get(n, -1) < start]
        if gap < 2 or not between:
            return None
        last = max(between, key=lambda n: self.places[n])
        return Again(var, frozenset(late), last.outputs[0], gap)


def _nodes(step: Step) -> tuple[Apply, ...]:
    if isinstance(step, Launch):
        return step.nodes
    if isinstance(step, Gemm | Routine):
        return (step.node,)
    return tuple(n for body in bodies(step) for inner in body for n in _nodes(inner))
