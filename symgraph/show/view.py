"""The model every writer draws from: boxes, the edges between them, and groups of boxes.

Texts in a view are plain and visible; a writer only has to quote them for its own syntax.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.graph import Apply, Constant, Variable
from symgraph.shared import SharedVariable
from symgraph.show.subject import Subject
from symgraph.show.words import leaf_text, type_text, value_text, visible

KINDS = ("input", "shared", "constant", "op", "scope", "output", "update")
FOLDED = "·"  # stands for an operand that is not a number in the label of its reader


@dataclass(frozen=True)
class Node:
    """A box.

    Attributes
    ----------
    id
        Letters and digits, unique in the view.
    kind
        One of `KINDS`; "update" is the next value of a shared variable, "scope" a part of the
        graph drawn as one box.
    label, type, place
        What it is, the type of its value, and the user's line.
    name
        The user's name for its value, or "".
    scope
        The part of the graph it belongs to, by `name_scope` or the name's part before a "/".
    """

    id: str
    kind: str
    label: str
    type: str
    place: str
    name: str = ""
    scope: str = ""


@dataclass(frozen=True)
class Edge:
    """Box `target` takes output `output` of box `source` as its operand `position`."""

    source: str
    target: str
    position: int
    output: int = 0


@dataclass(frozen=True)
class Cluster:
    """Boxes that run as one kernel; a box is in one cluster at most."""

    id: str
    name: str
    members: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """A picture of a graph, before anyone decides what it looks like."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    clusters: tuple[Cluster, ...] = ()


def view_of(subject: Subject, fold: bool = True) -> View:
    """The view of a graph; with `fold` numbers are written into the boxes that read them."""
    return view_and_ids(subject, fold)[0]


def view_and_ids(subject: Subject, fold: bool = True) -> tuple[View, dict[Apply | Variable, str]]:
    """The view of a graph, and the box of each node and leaf."""
    builder = _Builder(subject, fold)
    view = View(
        visible(subject.name),
        tuple(builder.nodes),
        tuple(builder.edges),
        tuple(_clusters(subject, builder.ids)),
    )
    return view, builder.ids


@dataclass
class _Builder:
    subject: Subject
    fold: bool
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    ids: dict[Apply | Variable, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fence = set(self.subject.inputs)
        for var in self.subject.inputs:
            self._leaf(var)
        for node in self.subject.toposort():
            self._op(node)
        for number, var in enumerate(self.subject.outputs):
            self._root(f"out{number}", "output", var, visible(var.name or f"output {number}"))
        for number, (shared, value) in enumerate(self.subject.updates):
            self._root(f"up{number}", "update", value, f"{leaf_text(shared)} ←")

    def _op(self, node: Apply) -> None:
        box = self.ids[node] = f"op{len(self.ids)}"
        out = node.outputs[0]
        operands = [number_text(var) if self.fold else None for var in node.inputs]
        types = ", ".join(type_text(var.type) for var in node.outputs)
        names = ", ".join(visible(var.name) for var in node.outputs if var.name)
        label = folded(visible(str(node.op)), operands)
        place, scope = visible(str(out.made_at)), scope_of(out)
        self.nodes.append(Node(box, "op", label, types, place, names, scope))
        for position, (var, operand) in enumerate(zip(node.inputs, operands, strict=True)):
            if operand is None:
                self._edge(var, box, position)

    def _root(self, box: str, kind: str, var: Variable, label: str) -> None:
        self.nodes.append(Node(box, kind, label, type_text(var.type), visible(str(var.made_at))))
        self._edge(var, box, 0)

    def _edge(self, var: Variable, target: str, position: int) -> None:
        if var.owner is None or var in self.fence:
            self.edges.append(Edge(self._leaf(var), target, position))
        else:
            self.edges.append(Edge(self.ids[var.owner], target, position, var.index or 0))

    def _leaf(self, var: Variable) -> str:
        if var not in self.ids:
            self.ids[var] = f"var{len(self.ids)}"
            place, name = visible(str(var.made_at)), visible(var.name or "")
            kind, label = kind_of(var), leaf_text(var)
            kinds = type_text(var.type)
            self.nodes.append(Node(self.ids[var], kind, label, kinds, place, name, scope_of(var)))
        return self.ids[var]


def scope_of(var: Variable) -> str:
    """The name scope a variable was made in, or else what stands before a "/" in its name."""
    return visible(var.made_at.scope or (var.name or "").rpartition("/")[0])


def kind_of(var: Variable) -> str:
    """The kind of box a variable is that nothing computes."""
    if isinstance(var, Constant):
        return "constant"
    return "shared" if isinstance(var, SharedVariable) else "input"


def number_text(var: Variable) -> str | None:
    """The value of a constant without a name that is one number; None for anything else."""
    if not isinstance(var, Constant) or var.name is not None or np.size(var.data) != 1:
        return None
    return value_text(np.reshape(var.data, ()))


def folded(label: str, operands: Sequence[str | None]) -> str:
    """A label with the numbers among its operands."""
    if not any(operands):
        return label
    return f"{label}({', '.join(text or FOLDED for text in operands)})"


def _clusters(subject: Subject, ids: dict[Apply | Variable, str]) -> Iterator[Cluster]:
    taken: set[Apply] = set()
    for number, fusion in enumerate(subject.fusions):
        members = [node for node in fusion.nodes if node in ids and node not in taken]
        taken.update(members)
        if members:
            notes = tuple(map(visible, fusion.notes))
            yield Cluster(f"k{number}", visible(fusion.name), tuple(ids[n] for n in members), notes)
