"""Writes the nodes, values and inner graphs of an ONNX model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, TypeAlias

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import ExportError
from symgraph.families import Elemwise
from symgraph.graph import Apply, Constant, Variable
from symgraph.later import Later
from symgraph.ops import cast
from symgraph.shared import SharedVariable
from symgraph.show.subject import Subject
from symgraph.show.words import visible
from symgraph.types import TensorType

helper, numpy_helper = Later("onnx.helper"), Later("onnx.numpy_helper")  # an extra

OPSET, IR_VERSION = 18, 9
FAR = 2**31 - 1  # an end beyond every axis, as ONNX's Slice takes it
Values: TypeAlias = list[str]  # names of ONNX values
Rule: TypeAlias = Callable[["Writer", Apply, Values], str | Values]


@dataclass
class Writer:
    """The nodes of a graph under way, and what names its values have; `rules` by class of op."""

    rules: Mapping[type, Rule]
    nodes: list[Any] = field(default_factory=list)
    values: dict[Variable, str] = field(default_factory=dict)
    stored: list[Any] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def model(self, subject: Subject) -> Any:
        """The whole model of a graph."""
        inputs = [self.given(var, var.name or "x") for var in subject.inputs]
        self.run(subject.toposort())
        outputs = [
            self._output(var, var.name or f"output {n}") for n, var in enumerate(subject.outputs)
        ]
        outputs += [self._output(v, f"next {s.name or 'value'}") for s, v in subject.updates]
        name = visible(subject.name) or "graph"
        return helper.make_model(
            helper.make_graph(self.nodes, name, inputs, outputs, self.stored),
            producer_name="symgraph",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )

    def run(self, nodes: Iterable[Apply]) -> None:
        """Write nodes, each after what it reads."""
        for node in nodes:
            self._node(node)

    def inner(self) -> Writer:
        """What writes a graph inside an operator, which may read all values so far."""
        return replace(self, nodes=[], values=dict(self.values))

    def graph(self, name: str, inputs: Sequence[Any], outputs: Values, kinds: Sequence[Any]) -> Any:
        """A graph inside an operator; `kinds` are pairs of dtype and number of axes."""
        ends = []
        for value, (dtype, ndim) in zip(outputs, kinds, strict=True):
            end = self.add("Identity", value)
            ends.append(described(end, dtype, [None] * ndim))
        return helper.make_graph(self.nodes, visible(name) or "graph", list(inputs), ends)

    # --- values ------------------------------------------------------------------------------

    def name(self, wish: str) -> str:
        """A name no other value has."""
        wish = visible(wish) or "value"
        name, count = wish, 1
        while name in self.taken:
            count += 1
            name = f"{wish}_{count}"
        self.taken.add(name)
        return name

    def given(self, var: Variable, wish: str) -> Any:
        """A variable that the graph is given."""
        self.values[var] = self.name(wish)
        return self._described(var, self.values[var])

    def _described(self, var: Variable, name: str) -> Any:
        kind = var.type
        if not isinstance(kind, TensorType):
            raise ExportError(
                f"{var}, made at {var.made_at}, is {kind}; ONNX takes tensors only, take format"
                " 'json'"
            )
        sizes = [visible(s) if isinstance(s, str) else s for s in kind.shape]
        return described(name, kind.dtype, sizes)

    def _output(self, var: Variable, wish: str) -> Any:
        name = self.name(wish)
        self.nodes.append(helper.make_node("Identity", [self.value(var)], [name]))
        return self._described(var, name)

    def value(self, var: Variable) -> str:
        """The ONNX value of a variable."""
        if var not in self.values:
            assert isinstance(var, Constant | SharedVariable), f"{var} is read before it is made"
            data = var.data if isinstance(var, Constant) else var.get_value(borrow=True)
            self.values[var] = self.constant(data, var.name or "c")
        return self.values[var]

    def constant(self, data: Any, wish: str = "c") -> str:
        """A value that is always the same."""
        name = self.name(wish)
        self.stored.append(numpy_helper.from_array(np.array(data, order="C"), name))
        return name

    def numbers(self, *numbers: int) -> str:
        """An int64 vector."""
        return self.constant(np.array(numbers, np.int64))

    def add(self, operator: str, *operands: str, **attributes: Any) -> str:
        """The value of an operator."""
        name = self.name(operator.lower())
        self.nodes.append(helper.make_node(operator, list(operands), [name], **attributes))
        return name

    def like(self, number: float, var: Variable) -> str:
        """A number in the dtype of a variable."""
        return self.constant(np.array(number, dtype_of(var)))

    def cast(self, value: str, dtype: str) -> str:
        """A value in another dtype."""
        return self.add("Cast", value, to=onnx_type(dtype))

    def add_many(self, operator: str, count: int, *operands: str, **attributes: Any) -> Values:
        """The values of an operator that gives several."""
        names = [self.name(operator.lower()) for _ in range(count)]
        self.nodes.append(helper.make_node(operator, list(operands), names, **attributes))
        return names

    def vector(self, scalars: Values) -> str:
        """Scalars as one vector."""
        if not scalars:
            return self.numbers()
        zero = self.numbers(0)
        ends = [self.add("Unsqueeze", scalar, zero) for scalar in scalars]
        return self.add("Concat", *ends, axis=0)

    # --- nodes -------------------------------------------------------------------------------

    def _node(self, node: Apply) -> None:
        rule = next((self.rules[k] for k in type(node.op).__mro__ if k in self.rules), None)
        if rule is None:
            raise no_form(node)
        operands = [self.value(var) for var in node.inputs]
        if isinstance(node.op, Elemwise) and not isinstance(node.op, cast.Cast):
            operands = self._converted(node, operands)
        made = rule(self, node, operands)
        ends = [made] if isinstance(made, str) else made
        self.values |= dict(zip(node.outputs, ends, strict=True))

    def _converted(self, node: Apply, operands: Values) -> Values:
        assert isinstance(node.op, Elemwise)
        given = [dtype_of(var) for var in node.inputs]
        wanted = node.op.operand_dtypes(*given)
        return [
            value if have == want else self.cast(value, want)
            for value, have, want in zip(operands, given, wanted, strict=True)
        ]


def described(name: str, dtype: str, sizes: Sequence[Any]) -> Any:
    """The type of a value, as a model tells it."""
    return helper.make_tensor_value_info(name, onnx_type(dtype), list(sizes))


def onnx_type(dtype: str) -> int:
    """ONNX's number of a dtype."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def dtype_of(var: Variable) -> str:
    """The dtype of a tensor."""
    assert isinstance(var.type, TensorType)
    return var.type.dtype


def no_form(node: Apply, why: str = "") -> ExportError:
    """The error for a node ONNX cannot say."""
    return ExportError(
        f"{visible(str(node.op))}, made at {node.made_at}, has no form in ONNX{why}; export what"
        " comes before it, or take format 'json' or 'py'"
    )
