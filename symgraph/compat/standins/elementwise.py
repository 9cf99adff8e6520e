"""Ops of `theano.tensor.elemwise`: reductions and the order of axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from symgraph.compat.standins.base import OpClass
from symgraph.dataclass import dataclass
from symgraph.families import Reduce
from symgraph.graph import Op
from symgraph.ops import arith, extrema, logic, reduce, shape
from symgraph.tensor import dimshuffle, eq, prod, switch
from symgraph.types import as_tensor_variable

Kinds = tuple[type[Op], ...]


@dataclass(frozen=True)
class DimShuffle(OpClass):
    """Axes in a new order, for operands of which it is known what axes have size 1."""

    own: ClassVar[Kinds] = (shape.DimShuffle,)
    input_broadcastable: Sequence[bool]
    new_order: Sequence[Any]
    inplace: bool = True

    def __post_init__(self) -> None:
        ones, order = tuple(self.input_broadcastable), tuple(self.new_order)
        kept = [axis for axis in order if axis != "x"]
        for axis in kept:
            if not isinstance(axis, int):
                raise TypeError(f"an axis is a number or 'x', not {axis!r}")
            if not 0 <= axis < len(ones):
                raise ValueError(f"there is no axis {axis} of {len(ones)}")
        if len(set(kept)) != len(kept):
            raise ValueError(f"an axis stands twice in {order}")
        for axis, one in enumerate(ones):
            if not one and axis not in kept:
                raise ValueError(f"axis {axis} is left out, and may have another size than 1")
        object.__setattr__(self, "input_broadcastable", ones)
        object.__setattr__(self, "new_order", order)

    def apply(self, x: Any) -> Any:
        """The tensor; a TypeError for operands of another pattern."""
        x = as_tensor_variable(x)
        expected = tuple(self.input_broadcastable)
        if len(x.type.broadcastable) != len(expected) or any(
            want and not one for want, one in zip(expected, x.type.broadcastable, strict=True)
        ):
            raise TypeError(f"{x} is {x.type.broadcastable}, where {expected} is expected")
        return dimshuffle(x, *self.new_order)


def _prod_without_zeros(x: Any, axis: Any = None, **options: Any) -> Any:
    x = as_tensor_variable(x)
    return prod(switch(eq(x, 0), 1, x), axis, **options)


@dataclass(frozen=True)
class CAReduce(OpClass):
    """A function of two scalars that takes axes together."""

    own: ClassVar[Kinds] = (Reduce,)
    scalar_op: Any
    axis: Any = None

    def apply(self, x: Any) -> Any:
        """The reduction, in the operand's dtype."""
        x = as_tensor_variable(x)
        function = _reduction(self.scalar_op)
        if function in (reduce.sum, reduce.prod):
            return function(x, self.axis, dtype=x.type.dtype)
        if function in (reduce.all, reduce.any) and x.type.dtype != "bool":
            raise TypeError(f"there is no reduction of {x.type.dtype} by {self.scalar_op}")
        return function(x, self.axis)


@dataclass(frozen=True)
class CAReduceDtype(OpClass):
    """A function of two scalars that takes axes together, in a dtype that holds the result."""

    own: ClassVar[Kinds] = (reduce.Sum,)
    scalar_op: Any
    axis: Any = None
    dtype: str | None = None
    acc_dtype: str | None = None

    def apply(self, x: Any) -> Any:
        """The reduction."""
        function = _reduction(self.scalar_op)
        return function(x, self.axis, dtype=self.dtype, acc_dtype=self.acc_dtype)


REDUCTIONS: dict[Any, Callable[..., Any]] = {
    arith.add: reduce.sum,
    arith.mul: reduce.prod,
    arith.Mul(): reduce.prod,
    arith.maximum: extrema.max,
    arith.minimum: extrema.min,
    logic.and_: reduce.all,
    logic.or_: reduce.any,
}


def _reduction(scalar_op: Any) -> Callable[..., Any]:
    """The reduction by an op, one of Theano's scalar ops or the function that applies it."""
    own = getattr(scalar_op, "own", None)
    found = REDUCTIONS.get(own() if own else scalar_op)
    if found is not None:
        return found
    raise NotImplementedError(
        f"there is no reduction by {scalar_op}; write it with theano.tensor or theano.scan"
    )


@dataclass(frozen=True)
class _Folding(OpClass):
    axis: Any = None
    dtype: str | None = None
    acc_dtype: str | None = None
    function: ClassVar[Callable[..., Any]]

    def apply(self, x: Any) -> Any:
        """The reduction."""
        return type(self).function(x, self.axis, dtype=self.dtype, acc_dtype=self.acc_dtype)


@dataclass(frozen=True)
class Sum(_Folding):
    """The sum over axes."""

    own: ClassVar[Kinds] = (reduce.Sum,)
    function = staticmethod(reduce.sum)


@dataclass(frozen=True)
class Prod(_Folding):
    """The product over axes."""

    own: ClassVar[Kinds] = (reduce.Prod,)
    function = staticmethod(reduce.prod)
    no_zeros_in_input: bool = False


@dataclass(frozen=True)
class ProdWithoutZeros(_Folding):
    """The product over axes of what is not zero."""

    function = staticmethod(_prod_without_zeros)


@dataclass(frozen=True)
class All(OpClass):
    """Whether all elements over axes are nonzero."""

    own: ClassVar[Kinds] = (reduce.All,)
    axis: Any = None

    def apply(self, x: Any) -> Any:
        """The reduction."""
        return reduce.all(x, self.axis)


@dataclass(frozen=True)
class Any_(OpClass):  # noqa: N801 - `Any` is a type hint
    """Whether any element over axes is nonzero."""

    own: ClassVar[Kinds] = (reduce.Any_,)
    axis: Any = None

    def apply(self, x: Any) -> Any:
        """The reduction."""
        return reduce.any(x, self.axis)
