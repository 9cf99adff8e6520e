"""Graphs inside ops, compared by what they compute."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from symgraph.flat import Flat, flatten, unflatten
from symgraph.graph import Graph, Variable, leaf_key


class InnerGraph(Graph):
    """A graph inside an op; two are equal if they compute the same from their inputs."""

    @cached_property
    def structure(self) -> tuple[Any, ...]:
        """What it computes, apart from names and lines."""
        numbers: dict[Variable, Any] = {var: n for n, var in enumerate(self.inputs)}
        nodes = []
        for node in self.toposort():
            nodes.append((node.op, *(numbers.get(v, leaf_key(v)) for v in node.inputs)))
            numbers |= {out: (len(nodes), place) for place, out in enumerate(node.outputs)}
        outputs = tuple(numbers.get(v, leaf_key(v)) for v in self.outputs)
        return (tuple(v.type for v in self.inputs), tuple(nodes), outputs)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, InnerGraph) and self.structure == other.structure

    @cached_property
    def _hash(self) -> int:
        return hash(self.structure)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<graph of {len(self.inputs)} inputs and {len(self.outputs)} outputs>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _inner_graph, (self.inputs, flatten(self.outputs))


def _inner_graph(inputs: tuple[Variable, ...], flat: Flat) -> InnerGraph:
    return InnerGraph(inputs, tuple(unflatten(flat)))
