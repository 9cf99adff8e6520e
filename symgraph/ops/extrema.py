"""The largest and the smallest element over axes, and where they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.families import Example, Reduce, Sample
from symgraph.kernel import BOOL, INT, Expr, Lit, call, cast, compare, lit, select
from symgraph.ops.arith import sub, true_div
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.compare import eq
from symgraph.ops.reduce import SHAPES, OneAccumulator, reduced, spread, sum
from symgraph.ops.select import switch
from symgraph.types import (
    COMPLEX,
    CONTINUOUS,
    Tensor,
    Tensors,
)

__all__ = [
    "argmax",
    "argmin",
    "max",
    "max_and_argmax",
    "min",
    "ptp",
]


class _Extremum(OneAccumulator):
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


class _ArgExtremum(OneAccumulator):
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


class Argmax(_ArgExtremum):
    """Position of the largest element over axes, counted along all of them in order."""

    code = "gt"

    def first(self, dtype: str) -> Any:
        """The smallest value there is."""
        return lowest(dtype)

    def reference(self, x: Any) -> Any:
        """NumPy's argmax."""
        return np.argmax(_flattened(x, self.axes), axis=-1)


class Argmin(_ArgExtremum):
    """Position of the smallest element over axes, counted along all of them in order."""

    code = "lt"

    def first(self, dtype: str) -> Any:
        """The largest value there is."""
        return highest(dtype)

    def reference(self, x: Any) -> Any:
        """NumPy's argmin."""
        return np.argmin(_flattened(x, self.axes), axis=-1)


class First(Reduce):
    """Position of the first true element over axes, counted along all of them; -1 if none is."""

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Positions are int64."""
        return (INT,)

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """Behind all elements."""
        return (lit(highest(INT)),)

    def step(self, accs: tuple[Expr, ...], x: Expr, position: Expr) -> tuple[Expr, ...]:
        """The element's position, if it is true and before what was found."""
        return (call("minimum", accs[0], select(cast(x, BOOL), position, lit(highest(INT)))),)

    def combine(self, accs: tuple[Expr, ...], other: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """The earlier of two positions."""
        return (call("minimum", accs[0], other[0]),)

    def finish(self, accs: tuple[Expr, ...], out_dtype: str) -> Expr:
        """The position, if there is one."""
        return select(compare("eq", accs[0], lit(highest(INT))), lit(-1), accs[0])

    def reference(self, x: Any) -> Any:
        """The first position along the flattened axes."""
        flat = _flattened(x, self.axes) != 0
        if not flat.shape[-1]:
            return np.full(flat.shape[:-1], -1)
        return np.where(flat.any(axis=-1), flat.argmax(axis=-1), -1)

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """A position does not move."""
        return [None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """bool and integers, and nothing to look at."""
        for shape, axes in SHAPES:
            yield Example(cls(axes), (Sample(shape, "bool", "bool"),))
        yield Example(cls((0,)), (Sample((0,), "bool", "int64"),))


def _flattened(x: Any, axes: Sequence[int]) -> Any:
    """An array with the reduced axes as the last one."""
    kept = [a for a in range(x.ndim) if a not in axes]
    return x.transpose(*kept, *axes).reshape(
        *(x.shape[a] for a in kept), math.prod(x.shape[a] for a in axes)
    )


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


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest element over axes; elements equal to it share the gradient.

    >>> max([[1.0, 4.0], [3.0, 2.0]], axis=1).eval()
    array([4., 3.])
    """
    return reduced(Max, x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes; elements equal to it share the gradient."""
    return reduced(Min, x, axis, keepdims)


def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Position (int64) of the largest element over an axis, or in the flattened tensor.

    >>> argmax([3, 9, 4]).eval()
    array(1)
    """
    return reduced(Argmax, x, axis, keepdims)


def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Position (int64) of the smallest element over an axis, or in the flattened tensor."""
    return reduced(Argmin, x, axis, keepdims)


def max_and_argmax(x: Any, axis: Any = None, keepdims: bool = False) -> list[Tensor]:
    """Largest element over axes and its position."""
    return [max(x, axis, keepdims), argmax(x, axis, keepdims)]


def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest minus smallest element over axes."""
    return sub(max(x, axis, keepdims), min(x, axis, keepdims))
