"""Sizes of what loops and choices make, known ahead: before memory for it is asked for.

Rows that the steps of a loop make are stacked, so memory for all of them is taken before the first
step. Where their size follows from numbers that the steps compute, what the first step finds is
computed in front of the loop, and every step has to agree. Likewise where the size of a choice
follows from numbers that only its branches compute: a choice of these numbers comes before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgraph.dataclass import dataclass
from symgraph.graph import Apply, Graph, Variable, clone_graph, toposort
from symgraph.inner_graph import InnerGraph
from symgraph.kernel import BOOL, INT
from symgraph.lower.sizes import Namer, Sizes
from symgraph.ops.ifelse import Branches
from symgraph.ops.reduce import any, sum
from symgraph.ops.scan import Scan
from symgraph.ops.shape import shape_i
from symgraph.ops.specify import SpecifySizes
from symgraph.places import made_for
from symgraph.types import DISCRETE, Tensor, TensorType


@dataclass(frozen=True)
class Open:
    """An output of a node, by its place, and the axes whose sizes the graph inside decides."""

    place: int
    axes: tuple[int, ...]


def sized_ahead(roots: Sequence[Variable], inputs: Sequence[Variable]) -> list[Variable]:
    """The same values, with sizes that need no look into the graphs of loops and choices."""
    known: dict[Variable, Variable] = {}
    for node in toposort(roots, stop=inputs):
        given = [known.get(v, v) for v in node.inputs]
        if isinstance(node.op, Scan | Branches):
            with made_for(node.made_at):
                made = _remade(node, given)
        elif given != list(node.inputs):
            with made_for(node.made_at):
                made = node.op.make_node(*given).outputs
        else:
            continue
        known |= zip(node.outputs, made, strict=True)
    return [known.get(v, v) for v in roots]


def _remade(node: Apply, given: Sequence[Variable]) -> Sequence[Variable]:
    """The outputs of a loop or choice on other inputs, the graphs in it treated alike."""
    op = node.op
    if isinstance(op, Scan):
        op = replace(op, body=_inside(op.body))
    elif isinstance(op, Branches):
        op = replace(op, then=_inside(op.then), otherwise=_inside(op.otherwise))
    same = op == node.op and list(given) == list(node.inputs)
    made = node if same else op.make_node(*given)
    found = _open(made)
    if not found:
        return made.outputs
    return _loop(made, op, found) if isinstance(op, Scan) else _choice(made, found)


def _inside(graph: InnerGraph) -> InnerGraph:
    outputs = sized_ahead(graph.outputs, graph.inputs)
    return graph if outputs == list(graph.outputs) else InnerGraph(graph.inputs, tuple(outputs))


def _open(node: Apply) -> list[Open]:
    """The outputs whose sizes follow from numbers that are computed inside."""
    if not _has_integers(_graphs_in(node.op)):
        return []
    inputs = tuple(dict.fromkeys(node.inputs))
    sizes = Sizes(Graph(inputs, tuple(node.outputs)), Namer())
    found = []
    for place, out in enumerate(node.outputs):
        dims = sizes.dims(out)
        axes = tuple(axis for axis, dim in enumerate(dims) if sizes.is_inner([dim]))
        if axes:
            found.append(Open(place, axes))
    return found


def _graphs_in(op: object) -> tuple[InnerGraph, ...]:
    if isinstance(op, Branches):
        return (op.then, op.otherwise)
    return (op.body,) if isinstance(op, Scan) else ()


def _has_integers(graphs: Sequence[InnerGraph]) -> bool:
    """Whether graphs have integers of their own: sizes follow from nothing else."""
    nodes = (n for graph in graphs for n in graph.toposort())
    values = (*(v for g in graphs for v in g.inputs), *(out for n in nodes for out in n.outputs))
    return not {_is_integer(v.type) for v in values} <= {False}


def _is_integer(kind: object) -> bool:
    return isinstance(kind, TensorType) and kind.ndim == 0 and kind.dtype in DISCRETE


# --- loops ---------------------------------------------------------------------------------------


def _loop(node: Apply, op: Scan, found: Sequence[Open]) -> Sequence[Variable]:
    """A loop whose rows have the sizes that its first step finds."""
    axes = {item.place: tuple(a - 1 for a in item.axes) for item in found}
    outputs = op.body.outputs
    inner = [shape_i(outputs[place], axis) for place, own in axes.items() for axis in own]
    ahead = clone_graph(inner, _first_values(node, op))
    text = f"{op}: the rows that steps make are of one size"
    body, names = _specified(op.body, axes, text)
    return (
        replace(op, body=InnerGraph((*body.inputs, *names), body.outputs))
        .make_node(*node.inputs, *ahead)
        .outputs
    )


def _specified(
    graph: InnerGraph, axes: dict[int, tuple[int, ...]], text: str
) -> tuple[InnerGraph, list[Tensor]]:
    """A graph whose outputs have the sizes that further inputs say, and these inputs."""
    outputs: list[Variable] = list(graph.outputs)
    names: list[Tensor] = []
    for place, own in axes.items():
        sizes = [TensorType(INT, ())("size") for _ in own]
        with made_for(outputs[place].made_at):
            outputs[place] = SpecifySizes(own, text)(outputs[place], *sizes)
        names += sizes
    return InnerGraph(graph.inputs, tuple(outputs)), names


def _first_values(node: Apply, op: Scan) -> dict[Variable, Variable]:
    """What the inputs of the body are in the first step; rows of zeros if there is none."""
    given, reads = op.inputs(node.inputs), op.arguments(op.body.inputs)
    values = dict(zip(reads.others, given.others, strict=True))
    for whole, row in zip(given.sequences, reads.rows, strict=True):
        first = whole[-1:] if op.backwards else whole[:1]
        same = first.type.dtype == BOOL
        values[row] = any(first, 0) if same else sum(first, 0, dtype=first.type.dtype)
    slots = zip(op.states, given.initials, reads.lagged, strict=True)
    for state, initial, lagged in slots:
        for lag, var in zip(state.lags, lagged, strict=True):
            values[var] = initial[lag - 1 if op.backwards else state.depth - lag]
    return values


# --- choices -------------------------------------------------------------------------------------


def _choice(node: Apply, found: Sequence[Open]) -> Sequence[Variable]:
    """A choice between values, after a choice between their sizes."""
    op = node.op
    assert isinstance(op, Branches)
    axes = {item.place: item.axes for item in found}
    condition, *_ = node.inputs
    given = op.inputs(node.inputs)
    graphs = (op.then, op.otherwise)
    wanted = [(place, axis) for place, own in axes.items() for axis in own]
    sizes = [
        InnerGraph(g.inputs, tuple(shape_i(g.outputs[place], axis) for place, axis in wanted))
        for g in graphs
    ]
    ahead = Branches(*sizes).make_node(*node.inputs).outputs
    text = f"{op}: the sizes of what is chosen"
    made = [_specified(g, axes, text) for g in graphs]
    wide = [InnerGraph((*g.inputs, *names), g.outputs) for g, names in made]
    return Branches(*wide).make_node(condition, *given[0], *ahead, *given[1], *ahead).outputs
