"""Graphs as flat lists, for pickling: however deep a graph is, nothing here recurses.

A variable that a node computes is pickled with the nodes behind it, listed inputs first.
Variables without a node are pickled as themselves, so several pickled together share them.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from symgraph.errors import Place
from symgraph.graph import Apply, Op, Type, Variable, lasting, toposort

Note = tuple[Type, str | None, dict[str, Any], Place]  # what an output is besides computed


class FlatNode(NamedTuple):
    """A node whose inputs are numbers: of leaves first, then of outputs in order."""

    op: Op
    inputs: tuple[int, ...]
    outputs: tuple[Note, ...]


class Flat(NamedTuple):
    """A graph: its leaves, its nodes in order, the numbers of its outputs."""

    leaves: tuple[Variable, ...]
    nodes: tuple[FlatNode, ...]
    outputs: tuple[int, ...]


def flatten(outputs: Sequence[Variable]) -> Flat:
    """The graph behind variables as a flat list."""
    order = toposort(outputs)
    made = {out for node in order for out in node.outputs}
    read = (var for node in order for var in node.inputs)
    leaves = tuple(dict.fromkeys(v for v in (*read, *outputs) if v not in made))
    everything = [*leaves, *(out for node in order for out in node.outputs)]
    numbers = {var: number for number, var in enumerate(everything)}
    nodes = tuple(
        FlatNode(node.op, tuple(numbers[v] for v in node.inputs), tuple(map(_note, node.outputs)))
        for node in order
    )
    return Flat(leaves, nodes, tuple(numbers[v] for v in outputs))


def _note(var: Variable) -> Note:
    return var.type, var.name, lasting(vars(var.tag)), var.made_at


def unflatten(flat: Flat) -> list[Variable]:
    """The outputs of a flattened graph, on new nodes."""
    variables = list(flat.leaves)
    for op, places, notes in flat.nodes:
        outputs = [_computed(*note) for note in notes]
        Apply(op, [variables[place] for place in places], outputs)
        variables += outputs
    return [variables[number] for number in flat.outputs]


def _computed(kind: Type, name: str | None, tag: dict[str, Any], place: Place) -> Variable:
    var = kind.make_variable(name)
    var.tag, var.made_at = SimpleNamespace(**tag), place
    return var


def unflatten_one(flat: Flat) -> Variable:
    """The one output of a flattened graph."""
    (var,) = unflatten(flat)
    return var


def _flat_form(var: Variable) -> tuple[Any, ...]:
    return unflatten_one, (flatten([var]),)


Variable.flat_form = staticmethod(_flat_form)
