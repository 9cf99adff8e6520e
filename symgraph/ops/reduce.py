"""Reductions over axes: sum, prod, extrema, arg-extrema, any, all, and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.families import Example, Reduce, Sample
from symgraph.graph import Variable
from symgraph.kernel import BOOL, INT, Expr, Lit, call, cast, lit, select
from symgraph.ops.arith import abs_, add, mul, sqr, sub, true_div
from symgraph.ops.barrier import disconnected_grad
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.cast import conjugate
from symgraph.ops.compare import eq, isinf, neq
from symgraph.ops.elementary import exp, log, sqrt
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.places import user_place
from symgraph.types import (
    COMPLEX,
    CONTINUOUS,
    DISCRETE,
    Tensor,
    Tensors,
    as_tensor_variable,
    check_dtype,
)

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "logsumexp",
    "max",
    "max_and_argmax",
    "mean",
    "min",
    "norm",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
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


class _Fold(Reduce):
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


class _Extremum(_Fold):
    """The largest or smallest element; NaN if there is one."""

    code: ClassVar[str]
    ufunc: ClassVar[Any]
    needs_elements = True

    def step(self, accs: tuple[Expr, ...], x: Expr, position: Expr) -> tuple[Expr, ...]:
        """The better of the two."""
        if x.dtype == BOOL:
            return (call("or" if self.code == "maximum" else "and", accs[0], x),)
        return (call(self.code, accs[0], x),)

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The operand's; complex numbers have no order."""
        if dtypes[0] in COMPLEX:
            raise GraphTypeError("complex numbers have no order; compare their T.abs_")
        return dtypes

    def reference(self, x: Any) -> Any:
        """NumPy's reduction."""
        return type(self).ufunc.reduce(x, axis=self.axes)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The elements equal to the extremum share the cotangent."""
        (x,), (z,), (g,) = inputs, outputs, output_grads
        best = eq(x, spread(z, x, self.axes))
        ties = sum(cast_to(best, g.type.dtype), self.axes, keepdims=True)
        return [switch(best, true_div(spread(g, x, self.axes), ties), 0)]


class Max(_Extremum):
    """Largest element over axes; NaN if there is one; nothing to reduce is an error."""

    code, ufunc = "maximum", np.maximum

    def first(self, dtype: str) -> Any:
        """The smallest value there is."""
        return lowest(dtype)


class Min(_Extremum):
    """Smallest element over axes; NaN if there is one; nothing to reduce is an error."""

    code, ufunc = "minimum", np.minimum

    def first(self, dtype: str) -> Any:
        """The largest value there is."""
        return highest(dtype)


class _ArgExtremum(_Fold):
    """Where the extremum is: the first such position, NaN counting as extreme."""

    code: ClassVar[str]
    needs_elements = True

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Positions are int64."""
        if dtypes[0] in COMPLEX:
            raise GraphTypeError("complex numbers have no order; compare their T.abs_")
        return (INT,)

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """The worst value, at position 0."""
        return (*super().start(dtype), lit(0))

    def step(self, accs: tuple[Expr, ...], x: Expr, position: Expr) -> tuple[Expr, ...]:
        """Value and position of the better of the two, the earlier at a tie."""
        better = self._better(x, accs[0])
        return (select(better, x, accs[0]), select(better, position, accs[1]))

    def combine(self, accs: tuple[Expr, ...], other: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """The better of two stretches."""
        return self.step(accs, other[0], other[1])

    def merge(self, accs: tuple[Expr, ...], other: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """The better of two sets of elements, the earlier at a tie."""
        (mine, place), (theirs, at) = accs, other
        better = self._better(theirs, mine)
        tie = call("not", better) & call("not", self._better(mine, theirs))
        earlier = tie & (at < place)
        return select(better, theirs, mine), select(better | earlier, at, place)

    def finish(self, accs: tuple[Expr, ...], out_dtype: str) -> Expr:
        """The position."""
        return accs[1]

    def _better(self, x: Expr, best: Expr) -> Expr:
        if x.dtype == BOOL:
            x, best = cast(x, INT), cast(best, INT)
        wins = call(self.code, x, best, dtype=BOOL)
        if x.dtype not in CONTINUOUS:
            return wins
        nan_now, nan_before = (call("isnan", v, dtype=BOOL) for v in (x, best))
        return wins | (nan_now & call("not", nan_before))

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """A position does not move."""
        return [None]

    def flattened(self, x: Any) -> Any:
        """The operand with the reduced axes as the last one."""
        kept = [a for a in range(x.ndim) if a not in self.axes]
        return x.transpose(*kept, *self.axes).reshape(
            *(x.shape[a] for a in kept), math.prod(x.shape[a] for a in self.axes)
        )


class Argmax(_ArgExtremum):
    """Position of the largest element over axes, counted along all of them in order."""

    code = "gt"

    def first(self, dtype: str) -> Any:
        """The smallest value there is."""
        return lowest(dtype)

    def reference(self, x: Any) -> Any:
        """NumPy's argmax."""
        return np.argmax(self.flattened(x), axis=-1)


class Argmin(_ArgExtremum):
    """Position of the smallest element over axes, counted along all of them in order."""

    code = "lt"

    def first(self, dtype: str) -> Any:
        """The largest value there is."""
        return highest(dtype)

    def reference(self, x: Any) -> Any:
        """NumPy's argmin."""
        return np.argmin(self.flattened(x), axis=-1)


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


def lowest(dtype: str) -> Any:
    """The smallest value of a dtype."""
    if dtype == BOOL:
        return False
    return -np.inf if dtype in CONTINUOUS else int(np.iinfo(dtype).min)


def highest(dtype: str) -> Any:
    """The largest value of a dtype."""
    if dtype == BOOL:
        return True
    return np.inf if dtype in CONTINUOUS else int(np.iinfo(dtype).max)


def normalized_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes meant by None, an int or several, sorted, counted from 0."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, list | tuple) else [axis]
    axes = sorted({_normal(a, ndim) for a in given})
    if len(axes) != len(given):
        raise GraphTypeError(f"an axis stands twice in {axis!r}")
    return tuple(axes)


def _normal(axis: Any, ndim: int) -> int:
    if isinstance(axis, Variable):
        raise GraphTypeError("an axis has to be a number: the rank of the result depends on it")
    index = int(axis)
    if not -ndim <= index < ndim:
        known = f"its axes are 0 to {ndim - 1}, or -1 to -{ndim}" if ndim else "a scalar has none"
        raise GraphTypeError(
            f"axis {axis} is out of range for a tensor of {ndim} axes, at {user_place()}; {known}"
        )
    return index % ndim


def _kept(result: Tensor, x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
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
    wide = check_dtype(acc_dtype) if acc_dtype else WIDE.get(out, out)
    if not axes:
        return cast_to(x, out)
    return _kept(kind(axes, out, wide)(x), x, axes, keepdims)


def _reduced(kind: type[Reduce], x: Any, axis: Any, keepdims: bool) -> Tensor:
    x = as_tensor_variable(x)
    axes = normalized_axes(axis, x.type.ndim)
    return _kept(kind(axes)(x), x, axes, keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest element over axes; elements equal to it share the gradient.

    >>> max([[1.0, 4.0], [3.0, 2.0]], axis=1).eval()
    array([4., 3.])
    """
    return _reduced(Max, x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes; elements equal to it share the gradient."""
    return _reduced(Min, x, axis, keepdims)


def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Position (int64) of the largest element over an axis, or in the flattened tensor.

    >>> argmax([3, 9, 4]).eval()
    array(1)
    """
    return _reduced(Argmax, x, axis, keepdims)


def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Position (int64) of the smallest element over an axis, or in the flattened tensor."""
    return _reduced(Argmin, x, axis, keepdims)


def max_and_argmax(x: Any, axis: Any = None, keepdims: bool = False) -> list[Tensor]:
    """Largest element over axes and its position."""
    return [max(x, axis, keepdims), argmax(x, axis, keepdims)]


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over axes are nonzero."""
    return _reduced(All, x, axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element over axes is nonzero."""
    return _reduced(Any_, x, axis, keepdims)


def count_over(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The number of elements a reduction takes together, int64."""
    total: Tensor = as_tensor_variable(np.int64(1))
    for axis in axes:
        total = mul(total, shape_i(x, axis))
    return total


def mean(
    x: Any, axis: Any = None, dtype: str | None = None, keepdims: bool = False,
    acc_dtype: str | None = None,
) -> Tensor:  # fmt: skip
    """Average over axes; of integers a float64.

    >>> mean([1.0, 2.0, 6.0]).eval()
    array(3.)
    """
    x = as_tensor_variable(x)
    if x.type.dtype in DISCRETE:
        x = cast_to(x, "float64")
    total = sum(x, axis, dtype, keepdims, acc_dtype)
    axes = normalized_axes(axis, x.type.ndim)
    return true_div(total, cast_to(count_over(x, axes), total.type.dtype))


def var(
    x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False
) -> Tensor:
    """Variance over axes: mean squared distance from the mean, divided by count - `ddof`."""
    x = as_tensor_variable(x)
    distance = sub(x, mean(x, axis, keepdims=True))
    squares = sqr(abs_(distance)) if x.type.dtype in COMPLEX else sqr(distance)
    if not ddof:
        return mean(squares, axis, keepdims=keepdims)
    total = sum(squares, axis, keepdims=keepdims)
    axes = normalized_axes(axis, x.type.ndim)
    return true_div(total, cast_to(sub(count_over(x, axes), ddof), total.type.dtype))


def std(
    x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False
) -> Tensor:
    """Standard deviation over axes: the root of `var`."""
    return sqrt(var(x, axis, ddof, keepdims, corrected))


def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest minus smallest element over axes."""
    return sub(max(x, axis, keepdims), min(x, axis, keepdims))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow: the largest element is taken out first.

    It cancels in the result, so no gradient flows through it.
    """
    x = as_tensor_variable(x)
    axes = normalized_axes(axis, x.type.ndim)
    top = max(x, axes, keepdims=True)
    top = disconnected_grad(switch(isinf(top), 0, top))
    kept = dimshuffle(top, *(a for a in range(x.type.ndim) if a not in axes))
    return _kept(add(log(sum(exp(sub(x, top)), axes)), kept), x, axes, keepdims)


def norm(x: Any, ord: Any = 2, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The `ord`-norm over axes: (sum |x|**ord) ** (1/ord); inf for the largest, 0 for the count."""
    size = abs_(x)
    if ord == np.inf:
        return max(size, axis, keepdims)
    if ord == -np.inf:
        return min(size, axis, keepdims)
    if ord == 0:
        return sum(cast_to(neq(size, 0), size.type.dtype), axis, keepdims=keepdims)
    if ord == 1:
        return sum(size, axis, keepdims=keepdims)
    if ord in (2, None):
        return sqrt(sum(sqr(size), axis, keepdims=keepdims))
    return sum(size**ord, axis, keepdims=keepdims) ** (1.0 / ord)
