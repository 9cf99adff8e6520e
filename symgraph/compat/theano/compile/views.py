"""Ops of Theano's that hand on what they are given, and what programs make of them.

A program that wants another gradient somewhere subclasses `ViewOp` and overrides `grad`. The node
is taken out when a function is compiled, once it has done its work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.compat.theano.gof.opt import local_optimizer
from symgraph.compat.theano.gof.optdb import register
from symgraph.graph import Apply, Op, Variable
from symgraph.types import as_tensor_variable

__all__ = ["DeepCopyOp", "OutputGuard", "ViewOp", "deep_copy_op", "view_op"]


class ViewOp(Op):
    """Its input; the gradient goes through as it is.

    >>> import symgraph.compat.theano as theano
    >>> import symgraph.compat.theano.tensor as T
    >>> class Clipped(ViewOp):
    ...     def grad(self, inputs, output_grads):
    ...         return [T.clip(output_grads[0], -1.0, 1.0)]
    >>> x = T.dscalar("x")
    >>> theano.function([x], theano.grad(Clipped()(x) ** 2, x))(3.0)
    array(1.)
    """

    view_map = {0: [0]}
    __props__: tuple[str, ...] = ()

    def make_node(self, *inputs: Any) -> Apply:
        """Of one variable of any type."""
        (item,) = inputs
        x = item if isinstance(item, Variable) else as_tensor_variable(item)
        register(local_view, name="local_view")
        return Apply(self, [x], [x.type.make_variable()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """The value itself."""
        output_storage[0][0] = inputs[0]

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> Sequence[Any]:
        """The same."""
        return shapes

    def grad(
        self, inputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> Sequence[Variable | None]:
        """The output's."""
        return list(output_grads)


class DeepCopyOp(ViewOp):
    """A copy of its input; results are copies in any case."""


class OutputGuard(ViewOp):
    """Its input."""


@local_optimizer([ViewOp])
def local_view(node: Apply) -> list[Variable]:
    """The input of an op that hands it on."""
    return list(node.inputs)


view_op, deep_copy_op = ViewOp(), DeepCopyOp()
