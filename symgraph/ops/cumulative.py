"""Running sums and products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.families import Example, Library, Sample, is_continuous
from symgraph.ops.arith import mul, true_div
from symgraph.ops.arrange import flip
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq
from symgraph.ops.logic import and_
from symgraph.ops.reduce import wide_integer
from symgraph.ops.select import switch
from symgraph.ops.shape import moveaxis
from symgraph.types import Arg, Dims, Tensor, Tensors, as_tensor_variable

__all__ = ["cumprod", "cumsum"]


@dataclass(frozen=True, repr=False)
class _Running(Library):
    """A running fold over the last axis; integers are widened to 64 bits, as in NumPy."""

    def prepare(self, *inputs: Any) -> Tensors:
        """A tensor of one axis or more."""
        (x,) = map(as_tensor_variable, inputs)
        if not x.type.ndim:
            raise GraphTypeError(f"{self} runs along an axis, but {x} is a scalar")
        return [cast(x, wide_integer(x.type.dtype))]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The operand's, widened."""
        return dtypes

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's."""
        return args[0].shape

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A vector, rows, nothing, integers."""
        for shape in ((5,), (3, 4), (0,), (2, 0)):
            yield Example(cls(), (Sample(shape),))
        yield Example(cls(), (Sample((2, 3), "int", "int64"),))


class CumSum(_Running):
    """Running sums over the last axis."""

    routine: ClassVar[str] = "symgraph.backends.routines:cumsum"

    def reference(self, x: Any) -> Any:
        """NumPy's cumsum."""
        return np.cumsum(x, axis=-1)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Running sums from the other end."""
        return [_backwards(output_grads[0]) if is_continuous(inputs[0]) else None]


class CumProd(_Running):
    """Running products over the last axis."""

    routine: ClassVar[str] = "symgraph.backends.routines:cumprod"

    def reference(self, x: Any) -> Any:
        """NumPy's cumprod."""
        return np.cumprod(x, axis=-1)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Sums of the products divided by the element, right at zeros too.

        Before the first zero of a row division is safe; at it the products leave it out; behind
        it every product has it as a factor.
        """
        (x,), (z,), (g,) = inputs, outputs, output_grads
        if not is_continuous(x):
            return [None]
        zero = eq(x, 0)
        zeros = CumSum()(cast(zero, "int64"))
        first = and_(zero, eq(zeros, 1))
        before = true_div(_backwards(mul(g, z)), switch(zero, 1, x))
        at = _backwards(mul(g, CumProd()(switch(first, 1, x))))
        return [switch(first, at, switch(eq(zeros, 0), before, 0))]


def _backwards(g: Tensor) -> Tensor:
    last = g.type.ndim - 1
    return flip(CumSum()(flip(g, last)), last)


def _run(op: _Running, x: Any, axis: int | None) -> Tensor:
    x = as_tensor_variable(x)
    if axis is None:
        return op(x.flatten())
    last = x.type.ndim - 1
    if not -x.type.ndim <= axis <= last:
        raise GraphTypeError(f"axis {axis} of a tensor of {x.type.ndim} axes")
    return moveaxis(op(moveaxis(x, axis, last)), last, axis)


def cumsum(x: Any, axis: int | None = None) -> Tensor:
    """Running sums along an axis; of the flattened tensor if None.

    >>> cumsum([1.0, 2.0, 3.0]).eval()
    array([1., 3., 6.])
    """
    return _run(CumSum(), x, axis)


def cumprod(x: Any, axis: int | None = None) -> Tensor:
    """Running products along an axis; of the flattened tensor if None.

    >>> cumprod([1.0, 2.0, 3.0]).eval()
    array([1., 2., 6.])
    """
    return _run(CumProd(), x, axis)
