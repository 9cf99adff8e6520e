"""Reductions over axes: sum, prod, any, all, and what all reductions are made with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import AxisError, GraphTypeError
from symgraph.families import Example, Reduce, Sample
from symgraph.graph import Constant, Variable
from symgraph.kernel import BOOL, Expr, Lit, call, cast, lit
from symgraph.ops.arith import mul, true_div
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.cast import conjugate
from symgraph.ops.compare import eq
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.places import user_place
from symgraph.types import (
    COMPLEX,
    DISCRETE,
    Tensor,
    Tensors,
    as_tensor_variable,
    check_dtype,
)

__all__ = [
    "all",
    "any",
    "prod",
    "sum",
]

WIDE = {"float16": "float32", "float32": "float64", "complex64": "complex128"}
SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((3, 4), (0,)),
    ((3, 4), (1,)),
    ((3, 4), (0, 1)),
    ((2, 3, 4), (1,)),
    ((2, 3, 4), (0, 2)),
    ((1, 4), (0,)),
)


def wide_integer(dtype: str) -> str:
    """The dtype a sum of `dtype` has: integers are summed in 64 bits."""
    if dtype not in DISCRETE:
        return dtype
    return "uint64" if dtype.startswith("uint") else "int64"


def in_any_order(operation: str, dtype: str) -> str:
    """The kernel's name of a sum or product whose order is free; complex ones keep theirs."""
    return operation if dtype in COMPLEX else f"{operation}_any_order"


class OneAccumulator(Reduce):
    """A reduction with one accumulator of the operand's dtype."""

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """The accumulator before the first element."""
        return (Lit(self.first(dtype), dtype),)

    def first(self, dtype: str) -> Any:
        """What the accumulator starts from."""
        raise NotImplementedError

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Each kind of axes: leading, trailing, all, in between."""
        for shape, axes in SHAPES:
            yield Example(cls(axes), (Sample(shape),))


@dataclass(frozen=True, repr=False)
class Sum(Reduce):
    """Sum over axes, of `dtype`, accumulated in `acc_dtype` and in any order."""

    dtype: str
    acc_dtype: str

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The declared dtype."""
        return (self.dtype,)

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """Zero."""
        return (lit(0, self.acc_dtype),)

    def step(self, accs: tuple[Expr, ...], x: Expr, position: Expr) -> tuple[Expr, ...]:
        """One more term."""
        return (call(in_any_order("add", self.acc_dtype), accs[0], cast(x, self.acc_dtype)),)

    def reference(self, x: Any) -> Any:
        """NumPy's sum."""
        return np.sum(x, axis=self.axes, dtype=self.acc_dtype)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Every term gets the cotangent."""
        return [spread(output_grads[0], inputs[0], self.axes)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Axes of all kinds, nothing to sum, and integers."""
        for shape, axes in (*SHAPES, ((0, 4), (0,)), ((3, 0), (1,))):
            yield Example(cls(axes, "float64", "float64"), (Sample(shape),))
        yield Example(cls((0,), "int64", "int64"), (Sample((5,), "int", "int8"),))
        yield Example(cls((0,), "float32", "float64"), (Sample((500,), dtype="float32"),))
        yield Example(cls((0,), "complex128", "complex128"), (Sample((5,), dtype="complex128"),))


@dataclass(frozen=True, repr=False)
class Prod(Sum):
    """Product over axes, of `dtype`, accumulated in `acc_dtype` and in any order."""

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """One."""
        return (lit(1, self.acc_dtype),)

    def step(self, accs: tuple[Expr, ...], x: Expr, position: Expr) -> tuple[Expr, ...]:
        """One more factor."""
        return (call(in_any_order("mul", self.acc_dtype), accs[0], cast(x, self.acc_dtype)),)

    def reference(self, x: Any) -> Any:
        """NumPy's prod."""
        return np.prod(x, axis=self.axes, dtype=self.acc_dtype)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent times the others' product, conjugated, right beside zeros too."""
        (x,), (g,) = inputs, output_grads
        zero = eq(x, 0)
        others = prod(switch(zero, 1, x), self.axes, keepdims=True)
        zeros = sum(cast_to(zero, "int64"), self.axes, keepdims=True)
        alone = switch(eq(zeros, 1), others, 0)
        among = switch(eq(zeros, 0), true_div(others, switch(zero, 1, x)), 0)
        return [mul(spread(g, x, self.axes), conjugate(switch(zero, alone, among)))]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Axes of all kinds, and complex numbers."""
        for shape, axes in SHAPES:
            yield Example(cls(axes, "float64", "float64"), (Sample(shape, "nonzero"),))
        yield Example(cls((0,), "complex128", "complex128"), (Sample((4,), dtype="complex128"),))


class _Logical(Reduce):
    """A reduction of truth values."""

    code: ClassVar[str]
    empty: ClassVar[bool]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """bool."""
        return (BOOL,)

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """The result over nothing."""
        return (Lit(self.empty, BOOL),)

    def step(self, accs: tuple[Expr, ...], x: Expr, position: Expr) -> tuple[Expr, ...]:
        """One more truth value."""
        return (call(self.code, accs[0], cast(x, BOOL)),)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """bool and integers."""
        for shape, axes in SHAPES:
            yield Example(cls(axes), (Sample(shape, "bool", "bool"),))
        yield Example(cls((0,)), (Sample((0,), "bool", "int64"),))


class All(_Logical):
    """Whether all elements over axes are nonzero; True over nothing."""

    code, empty = "and", True

    def reference(self, x: Any) -> Any:
        """NumPy's all."""
        return np.all(x, axis=self.axes)


class Any_(_Logical):  # noqa: N801 - `Any` is a type hint
    """Whether any element over axes is nonzero; False over nothing."""

    code, empty = "or", False

    def reference(self, x: Any) -> Any:
        """NumPy's any."""
        return np.any(x, axis=self.axes)


def normalized_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes meant by None, an int or several, sorted, counted from 0."""
    if axis is None or (isinstance(axis, Constant) and axis.data is None):
        return tuple(range(ndim))
    given = axis if isinstance(axis, list | tuple) else [axis]
    axes = sorted({_normal(a, ndim) for a in given})
    if len(axes) != len(given):
        raise GraphTypeError(f"an axis stands twice in {axis!r}")
    return tuple(axes)


def _normal(axis: Any, ndim: int) -> int:
    if isinstance(axis, Constant):
        axis = axis.data
    if isinstance(axis, Variable):
        raise GraphTypeError("an axis has to be a number: the rank of the result depends on it")
    index = int(axis)
    if not -ndim <= index < ndim:
        known = f"its axes are 0 to {ndim - 1}, or -1 to -{ndim}" if ndim else "a scalar has none"
        raise AxisError(
            f"axis {axis} is out of range for a tensor of {ndim} axes, at {user_place()}; {known}"
        )
    return index % ndim


def kept_axes(result: Tensor, x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    """A reduction's result, its axes back if they are to be kept."""
    return spread(result, x, axes) if keepdims else result


def spread(value: Tensor, x: Tensor, axes: Sequence[int]) -> Tensor:
    """A reduction's result with its axes back, of size 1, to stand beside `x`."""
    counter = iter(range(value.type.ndim))
    ndim = x.type.ndim
    order = ["x" if axis in axes else next(counter) for axis in range(ndim)]
    return dimshuffle(value, *order)


def sum(
    x: Any, axis: Any = None, dtype: str | None = None, keepdims: bool = False,
    acc_dtype: str | None = None,
) -> Tensor:  # fmt: skip
    """Sum over axes.

    Parameters
    ----------
    axis
        An int, several, or None for all.
    dtype
        Of the result: the operand's, 64 bits for integers, unless given.
    keepdims
        Whether the axes stay, with size 1.
    acc_dtype
        Of the accumulator: the next wider float unless given, as in Theano.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0).eval()
    array([4., 6.])
    """
    return _summed(Sum, x, axis, dtype, keepdims, acc_dtype)


def prod(
    x: Any, axis: Any = None, dtype: str | None = None, keepdims: bool = False,
    acc_dtype: str | None = None, no_zeros_in_input: bool = False,
) -> Tensor:  # fmt: skip
    """Product over axes; arguments as for `sum`. Its gradient is right beside zeros."""
    return _summed(Prod, x, axis, dtype, keepdims, acc_dtype)


def _summed(
    kind: type[Sum], x: Any, axis: Any, dtype: str | None, keepdims: bool, acc_dtype: str | None
) -> Tensor:
    x = as_tensor_variable(x)
    axes = normalized_axes(axis, x.type.ndim)
    out = check_dtype(dtype) if dtype else wide_integer(x.type.dtype)
    if x.type.dtype in COMPLEX and (out not in COMPLEX or acc_dtype not in (None, *COMPLEX)):
        raise GraphTypeError(
            f"{kind.__name__} of {x} ({x.type}, made at {x.made_at}) as {acc_dtype or out}, at"
            f" {user_place()}: imaginary parts would be lost; take T.real, T.imag or T.abs_ of it"
        )
    wide = check_dtype(acc_dtype) if acc_dtype else WIDE.get(out, out)
    if not axes:
        return cast_to(x, out)
    return kept_axes(kind(axes, out, wide)(x), x, axes, keepdims)


def reduced(kind: type[Reduce], x: Any, axis: Any, keepdims: bool) -> Tensor:
    """A reduction over the axes meant, which stay with size 1 if asked."""
    x = as_tensor_variable(x)
    axes = normalized_axes(axis, x.type.ndim)
    return kept_axes(kind(axes)(x), x, axes, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over axes are nonzero."""
    return reduced(All, x, axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element over axes is nonzero."""
    return reduced(Any_, x, axis, keepdims)


def count_over(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The number of elements a reduction takes together, int64."""
    total: Tensor = as_tensor_variable(np.int64(1))
    for axis in axes:
        total = mul(total, shape_i(x, axis))
    return total
