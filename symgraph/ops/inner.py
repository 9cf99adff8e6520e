"""Ops that are a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.graph import Apply, Graph, Op, Variable, clone_graph
from symgraph.interpret import interpret


@dataclass(frozen=True, eq=False, repr=False)
class GraphOp(Op):
    """A graph as an op. It is opened before lowering, so what it holds fuses with the rest."""

    body: Graph
    name: str

    def __str__(self) -> str:
        return self.name

    def make_node(self, *inputs: Any) -> Apply:
        """Inputs of the graph's types."""
        wanted = self.body.inputs
        if len(inputs) != len(wanted):
            raise GraphTypeError(f"{self} takes {len(wanted)} inputs, not {len(inputs)}")
        variables = [w.type.as_variable(item) for w, item in zip(wanted, inputs, strict=True)]
        return Apply(self, variables, [out.type.make_variable() for out in self.body.outputs])

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The graph's outputs, interpreted."""
        return interpret(self.body.outputs, dict(zip(self.body.inputs, inputs, strict=True)))

    def opened(self, inputs: Sequence[Variable]) -> list[Variable]:
        """The graph's outputs, computed from `inputs`."""
        return clone_graph(self.body.outputs, dict(zip(self.body.inputs, inputs, strict=True)))
