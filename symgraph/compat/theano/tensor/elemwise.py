"""`theano.tensor.elemwise`."""

from __future__ import annotations

from typing import Any as Value

import numpy as np

from symgraph import families
from symgraph.compat.standins.elementwise import (
    All,
    Any_,
    CAReduce,
    CAReduceDtype,
    DimShuffle,
    Prod,
    ProdWithoutZeros,
    Sum,
)
from symgraph.compat.theano.scalar.basic import Scalar, ScalarOp
from symgraph.graph import Apply, Op, Variable
from symgraph.types import TensorType, as_operands

Any = Any_

__all__ = [
    "All",
    "Any",
    "CAReduce",
    "CAReduceDtype",
    "DimShuffle",
    "Elemwise",
    "Prod",
    "ProdWithoutZeros",
    "Sum",
]


class _Elementwise(type):
    """symgraph's elementwise ops are instances of `Elemwise` too."""

    def __instancecheck__(cls, item: object) -> bool:
        return isinstance(item, families.Elemwise) or super().__instancecheck__(item)

    def __call__(cls, scalar_op: Value, inplace_pattern: Value = None, **options: Value) -> Value:
        """The elementwise op of a scalar one: symgraph's own where there is one."""
        own = getattr(scalar_op, "own", None)
        if own is not None:
            return own()
        if not isinstance(scalar_op, ScalarOp):
            return scalar_op  # a function of theano.scalar, which is one of tensors here
        return super().__call__(scalar_op, options.get("name"))


class Elemwise(Op, metaclass=_Elementwise):
    """A program's own function of scalars, applied to each element by Python."""

    def __init__(self, scalar_op: ScalarOp, name: str | None = None) -> None:
        self.scalar_op, self.name = scalar_op, name

    def make_node(self, *inputs: Value) -> Apply:
        """Of tensors that broadcast."""
        variables = as_operands(inputs)
        ndim = max((v.type.ndim for v in variables), default=0)
        padded = [(1,) * (ndim - v.type.ndim) + v.type.shape for v in variables]
        sizes = [next((s for s in along if s != 1), 1) for along in zip(*padded, strict=True)]
        kinds: Value = self.scalar_op.output_types([Scalar(v.type.dtype) for v in variables])
        return Apply(self, variables, [TensorType(k.dtype, sizes)() for k in kinds])

    def perform(self, node: Apply, inputs: list[Value], output_storage: list[list[Value]]) -> None:
        """Element by element."""
        count = len(node.outputs)
        found = np.frompyfunc(self.scalar_op.impl, len(inputs), count)(*inputs)
        values, outputs = found if count > 1 else (found,), node.outputs
        kinds: Value = [var.type for var in outputs]
        for cell, kind, value in zip(output_storage, kinds, values, strict=True):
            cell[0] = np.asarray(value, dtype=kind.dtype)

    def L_op(self, inputs: Value, outputs: Value, output_grads: Value) -> Value:
        """The scalar op's gradient, whose ops work on tensors as they do on scalars."""
        return self.scalar_op.L_op(inputs, outputs, output_grads)

    def infer_shape(self, node: Apply, shapes: Value) -> Value:
        """The sizes of the operands that have most axes, and do not broadcast."""
        ndim = max(len(s) for s in shapes)
        sizes: list[Value] = [1] * ndim
        variables: Value = node.inputs
        for var, shape in zip(variables, shapes, strict=True):
            for axis, (size, known) in enumerate(zip(shape, var.type.shape, strict=True)):
                if known != 1:
                    sizes[ndim - len(shape) + axis] = size
        return [sizes] * len(node.outputs)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.scalar_op == other.scalar_op

    def __hash__(self) -> int:
        return hash((type(self), self.scalar_op))

    def __str__(self) -> str:
        return self.name or f"Elemwise{{{self.scalar_op}}}"
