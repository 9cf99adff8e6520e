"""Ops that let values pass and show them: printing, breakpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.graph import Apply, Op, Variable
from symgraph.later import Later
from symgraph.types import Tensors, as_tensor_variable

__all__ = ["PdbBreakpoint", "Print"]
pdb = Later("pdb")


def print_attributes(op: Print, value: Any) -> None:
    """Print each attribute that `op` asks for, or what it returns if it is a method."""
    for name in op.attrs:
        found = getattr(value, name)
        print(op.message, name, "=", found() if callable(found) else found)


class Print(Op):
    """A tensor as it is, printed whenever it is computed: `x = Print("x")(x)`.

    The rest of the graph runs natively before and after it; gradients pass through. Nothing is
    printed unless an output depends on the result.

    Parameters
    ----------
    message
        What is printed in front.
    attrs
        The attributes of the array to print, methods called: "shape", "min", "mean", ...
    global_fn
        A function `(op, array)` to be called instead.

    >>> import symgraph.tensor as T
    >>> y = Print("x", attrs=("__str__", "shape"))(T.constant([1.0, 2.0])) + 1.0
    >>> y.eval()
    x __str__ = [1. 2.]
    x shape = (2,)
    array([2., 3.])
    """

    __props__ = ("message", "attrs", "global_fn")
    view_map = {0: [0]}

    def __init__(
        self,
        message: str = "",
        attrs: Sequence[str] = ("__str__",),
        global_fn: Callable[[Print, Any], None] = print_attributes,
    ) -> None:
        self.message, self.attrs, self.global_fn = message, tuple(attrs), global_fn

    def __str__(self) -> str:
        return f"Print{{{self.message}}}"

    def make_node(self, *inputs: Any) -> Apply:
        """Of one variable, of any type."""
        (item,) = inputs
        x = item if isinstance(item, Variable) else as_tensor_variable(item)
        return Apply(self, [x], [x.type.make_variable()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Print, and pass on."""
        self.global_fn(self, inputs[0])
        output_storage[0][0] = inputs[0]

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent."""
        return output_grads


class PdbBreakpoint(Op):
    """Variables as they are; the debugger starts whenever a condition holds.

    `a, b = PdbBreakpoint("large")(T.gt(cost, 10), a, b)`: in the debugger `values` are the arrays,
    and assigning to `values[0]` changes what is passed on. One variable comes back by itself,
    several as a list. Gradients pass through.
    """

    __props__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def make_node(self, *inputs: Any) -> Apply:
        """A scalar condition, and variables of any type."""
        if len(inputs) < 2:
            raise GraphTypeError(f"{self} takes a condition and the variables to look at")
        condition, *watched = [
            item if isinstance(item, Variable) else as_tensor_variable(item) for item in inputs
        ]
        if as_tensor_variable(condition).type.ndim:
            raise GraphTypeError(f"the condition of {self} is a scalar, not {condition.type}")
        return Apply(self, [condition, *watched], [v.type.make_variable() for v in watched])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Start the debugger if the condition holds, and pass on."""
        condition, *values = inputs
        if condition:
            print(f"Breakpoint {self.name!r}, made at {node.made_at}: `values` are")
            for var, value in zip(node.inputs[1:], values, strict=True):
                print(f"  {var}: {value}")
            pdb.set_trace()
        for cell, value in zip(output_storage, values, strict=True):
            cell[0] = value

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangents of the variables; the condition has none."""
        return [None, *output_grads]
