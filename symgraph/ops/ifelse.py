"""Lazy choice between values: the branch not taken, with all that only it needs, is not computed.

`IfElse` is what users write: an op on values. Before it is differentiated or compiled the nodes
that only one branch needs are gathered in a graph of their own, and it becomes `Branches`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.families import Example, Sample, TensorOp
from symgraph.graph import (
    Apply,
    Constant,
    Variable,
    clients,
    clone_graph,
    toposort,
)
from symgraph.inner_graph import InnerGraph
from symgraph.interpret import interpret
from symgraph.ops.arith import mul
from symgraph.ops.cast import cast
from symgraph.ops.compare import neq
from symgraph.ops.elementary import exp
from symgraph.ops.scan import Scan
from symgraph.places import made_for
from symgraph.types import (
    Arg,
    Dim,
    Dims,
    Tensor,
    Tensors,
    TensorType,
    as_operands,
    as_tensor_variable,
    choose,
    promote,
)


def chosen_dims(taken: Dim, then: Dims, otherwise: Dims) -> Dims:
    """The sizes of a choice: those of both branches, or of the one that is taken."""
    return tuple(
        a if a is b or a == b else choose(taken > 0, a, b)
        for a, b in zip(then, otherwise, strict=True)
    )


def as_condition(value: Any) -> Tensor:
    """A condition as a bool scalar: whether it is not 0."""
    condition = as_tensor_variable(value)
    if condition.type.ndim:
        raise GraphTypeError(
            f"the condition {condition}, made at {condition.made_at}, is {condition.type}, not a"
            " scalar; choose element by element with T.switch"
        )
    return condition if condition.type.dtype == "bool" else cast(neq(condition, 0), "bool")


@dataclass(frozen=True, repr=False)
class IfElse(TensorOp):
    """The first `count` values after the condition if it holds, else the `count` others."""

    count: int = 1

    def prepare(self, *inputs: Any) -> Tensors:
        """A bool scalar, and pairs of one dtype and rank."""
        condition, *values = inputs
        pairs = [
            as_operands(p) for p in zip(values[: self.count], values[self.count :], strict=True)
        ]
        for a, b in pairs:
            if a.type.ndim != b.type.ndim:
                raise GraphTypeError(
                    f"ifelse chooses between {a}, made at {a.made_at}, of {a.type.ndim} axes and"
                    f" {b}, made at {b.made_at}, of {b.type.ndim}; reshape one of them"
                )
        wanted = [promote(a.type.dtype, b.type.dtype) for a, b in pairs]
        then, otherwise = (
            [cast(p[side], d) for p, d in zip(pairs, wanted, strict=True)] for side in (0, 1)
        )
        return [as_condition(condition), *then, *otherwise]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Those of the values."""
        return dtypes[1 : 1 + self.count]

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """Those of the values taken."""
        condition, *values = args
        pairs = zip(values[: self.count], values[self.count :], strict=True)
        return tuple(chosen_dims(condition.value, a.shape, b.shape) for a, b in pairs)

    def awaits(self, node: Apply, known: Mapping[Variable, Any]) -> Sequence[Variable]:
        """The condition, then the values that it takes."""
        condition, *values = node.inputs
        if condition not in known:
            return [condition]
        return values[: self.count] if known[condition] else values[self.count :]

    def reference(self, condition: Any, *values: Any) -> Any:
        """The values taken; the others may be None."""
        found = values[: self.count] if condition else values[self.count :]
        return found[0] if self.count == 1 else found

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Both branches, several values, sizes that differ."""
        value, other = Sample((3, 4)), Sample((3, 4))
        for condition in ("value:1", "value:0"):
            taken = Sample((), condition, "bool", False)
            yield Example(cls(), (taken, value, other))
            yield Example(cls(2), (taken, value, Sample((2,)), other, Sample((5,))))
            yield Example(cls(), (taken, Sample(()), Sample(())))


@dataclass(frozen=True, repr=False)
class Branches(TensorOp):
    """Runs one of two graphs: inputs are a bool scalar, then what `then` reads, then the rest."""

    then: InnerGraph
    otherwise: InnerGraph

    differentiate: ClassVar[Callable[[Branches, Tensors, Tensors], Tensors]]

    def __str__(self) -> str:
        return "Branches"

    def inputs(self, items: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The items that stand for the inputs of each graph."""
        count = 1 + len(self.then.inputs)
        return list(items[1:count]), list(items[count:])

    def prepare(self, *inputs: Any) -> Tensors:
        """The condition and what the graphs read."""
        condition, *values = inputs
        return [as_condition(condition), *map(as_tensor_variable, values)]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Those of the graphs' outputs."""
        return tuple(v.type.dtype for v in _typed(self.then.outputs))

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """Those of the graph that is run."""
        then, otherwise = (
            [v.type.dims for v in _typed(graph.outputs)] for graph in (self.then, self.otherwise)
        )
        return self.outer_shapes(args[0].value, then, otherwise)

    def outer_shapes(
        self, taken: Dim, then: Sequence[Dims], otherwise: Sequence[Dims]
    ) -> tuple[Dims, ...]:
        """The sizes of the outputs, given those of both graphs' outputs."""
        return tuple(chosen_dims(taken, a, b) for a, b in zip(then, otherwise, strict=True))

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The outputs of the graph that the condition takes."""
        graph, side = (self.then, 0) if inputs[0] else (self.otherwise, 1)
        values = self.inputs(inputs)[side]
        return interpret(graph.outputs, dict(zip(graph.inputs, values, strict=True)))

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangents of the branch taken, zeros for the other."""
        return self.differentiate(inputs, output_grads)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Both branches, one that reads more than the other."""
        x, y, z = (TensorType("float64", (None,))(name) for name in "xyz")
        op = cls(InnerGraph((x, y), (mul(exp(x), y),)), InnerGraph((z,), (mul(z, z),)))
        for condition in ("value:1", "value:0"):
            taken = Sample((), condition, "bool", False)
            yield Example(op, (taken, Sample((3,)), Sample((3,)), Sample((4,))))


def _typed(variables: Sequence[Variable]) -> Sequence[Tensor]:
    return variables


# --- from values to graphs ---------------------------------------------------------------------


def with_branches(
    outputs: Sequence[Variable], keep: Sequence[Variable] = ()
) -> tuple[Variable, ...]:
    """`outputs` with every lazy choice made a node that holds what only its branches need.

    What is in `keep` stays outside, as do all other outputs.
    """
    found = tuple(outputs)
    while True:
        order = toposort(found, stop=keep)
        node = next((n for n in reversed(order) if isinstance(n.op, IfElse)), None)
        if node is None:
            return _inside_loops(found, keep)
        found = tuple(clone_graph(found, _gathered(node, order, {*found, *keep})))


def _inside_loops(outputs: tuple[Variable, ...], keep: Sequence[Variable]) -> tuple[Variable, ...]:
    """The same for the bodies of loops."""
    found: dict[Variable, Variable] = {}
    for node in toposort(outputs, stop=keep):
        op = node.op
        if isinstance(op, Scan) and any(isinstance(n.op, IfElse) for n in op.body.toposort()):
            body = InnerGraph(op.body.inputs, with_branches(op.body.outputs))
            inputs = clone_graph(node.inputs, found)
            with made_for(node.made_at):
                made = replace(op, body=body).make_node(*inputs)
            found.update(zip(node.outputs, made.outputs, strict=True))
    return tuple(clone_graph(outputs, found)) if found else outputs


def _gathered(
    node: Apply, order: Sequence[Apply], outside: set[Variable]
) -> dict[Variable, Variable]:
    """What replaces the outputs of a choice: a node with what only its branches need inside."""
    op = node.op
    assert isinstance(op, IfElse)
    readers = clients([*outside, *node.outputs])
    values = node.inputs[1:]
    sides = values[: op.count], values[op.count :]
    graphs, given = [], list[Variable]()
    for number, (side, other) in enumerate((sides, sides[::-1])):
        first = 1 + number * op.count
        own = _only_for(node, range(first, first + op.count), order, readers, outside | set(other))
        read = [v for n in own for v in n.inputs]
        made = {out for n in own for out in n.outputs}
        border = dict.fromkeys(v for v in (*read, *side) if v not in made and not _is_number(v))
        inner = {var: var.type.make_variable(var.name) for var in border}
        for var, twin in inner.items():
            twin.made_at = var.made_at
        body = InnerGraph(tuple(inner.values()), tuple(clone_graph(side, inner)))
        graphs.append(InnerGraph(body.inputs, with_branches(body.outputs)))
        given += border
    with made_for(node.made_at):
        fresh = Branches(*graphs).make_node(node.inputs[0], *given)
    return dict(zip(node.outputs, fresh.outputs, strict=True))


def _is_number(var: Variable) -> bool:
    return isinstance(var, Constant) and var.data.size == 1


def _only_for(
    node: Apply,
    places: range,
    order: Sequence[Apply],
    readers: Mapping[Variable, Sequence[tuple[Apply, int]]],
    outside: set[Variable],
) -> list[Apply]:
    """The nodes that nothing but some inputs of a node needs, in order."""
    own: set[Apply] = set()
    for candidate in reversed(order[: order.index(node)]):
        reads = [read for out in candidate.outputs for read in readers.get(out, ())]
        inside = all(n in own or (n is node and place in places) for n, place in reads)
        if reads and inside and outside.isdisjoint(candidate.outputs):
            own.add(candidate)
    return [n for n in order if n in own]
