"""Running sums, products, extrema and log-sum-exps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import AxisError, GraphTypeError
from symgraph.families import Example, Library, Sample, is_continuous
from symgraph.ops.arith import add, mul, neg, sub, true_div
from symgraph.ops.arrange import flip
from symgraph.ops.cast import cast, conjugate
from symgraph.ops.compare import eq, gt, neq
from symgraph.ops.create import arange, zeros_like
from symgraph.ops.elementary import exp, log
from symgraph.ops.index import inc_subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.logic import and_, or_
from symgraph.ops.reduce import wide_integer
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, moveaxis, shape_i
from symgraph.types import COMPLEX, Arg, Dims, Tensor, Tensors, as_tensor_variable

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"]


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

    routine: ClassVar[str] = "symgraph.backends.routines.cumulative:cumsum"

    def reference(self, x: Any) -> Any:
        """NumPy's cumsum."""
        return np.cumsum(x, axis=-1)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Running sums from the other end."""
        return [_backwards(output_grads[0]) if is_continuous(inputs[0]) else None]


class CumProd(_Running):
    """Running products over the last axis."""

    routine: ClassVar[str] = "symgraph.backends.routines.cumulative:cumprod"

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
        before = true_div(_backwards(mul(g, conjugate(z))), conjugate(switch(zero, 1, x)))
        at = _backwards(mul(g, conjugate(CumProd()(switch(first, 1, x)))))
        return [switch(first, at, switch(eq(zeros, 0), before, 0))]


class _RunningExtremum(_Running):
    """The best element so far, in the operand's dtype; NaN from the first one on."""

    def prepare(self, *inputs: Any) -> Tensors:
        """A tensor of one axis or more, of real numbers."""
        (x,) = map(as_tensor_variable, inputs)
        if x.type.dtype in COMPLEX:
            raise GraphTypeError("complex numbers have no order; compare their T.abs_")
        super().prepare(x)
        return [x]

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Every cotangent to where the extremum was first met."""
        (x,), (z,), (g,) = inputs, outputs, output_grads
        if not is_continuous(x):
            return [None]
        last = x.type.ndim - 1
        before = concatenate([z[..., :1], z[..., :-1]], last)
        places = arange(shape_i(x, last))
        first = or_(neq(z, before), eq(places, 0))
        met = CumMax()(switch(first, places, 0))
        beside = [
            dimshuffle(arange(shape_i(x, a)), *(0 if a == b else "x" for b in range(last + 1)))
            for a in range(last)
        ]
        return [inc_subtensor(zeros_like(g)[(*beside, met)], g)]


class CumMax(_RunningExtremum):
    """Running maxima over the last axis."""

    routine: ClassVar[str] = "symgraph.backends.routines.cumulative:cummax"

    def reference(self, x: Any) -> Any:
        """NumPy's maximum.accumulate."""
        return np.maximum.accumulate(x, axis=-1)


class CumMin(_RunningExtremum):
    """Running minima over the last axis."""

    routine: ClassVar[str] = "symgraph.backends.routines.cumulative:cummin"

    def reference(self, x: Any) -> Any:
        """NumPy's minimum.accumulate."""
        return np.minimum.accumulate(x, axis=-1)


class LogCumSumExp(_Running):
    """log(cumsum(exp(x))) over the last axis, without overflow."""

    routine: ClassVar[str] = "symgraph.backends.routines.cumulative:logcumsumexp"

    def prepare(self, *inputs: Any) -> Tensors:
        """A tensor of one axis or more, of real floats."""
        (x,) = super().prepare(*inputs)
        if x.type.dtype in COMPLEX:
            raise GraphTypeError("logcumsumexp is defined for real numbers only")
        return [x if is_continuous(x) else cast(x, "floatX")]

    def reference(self, x: Any) -> Any:
        """NumPy's logaddexp.accumulate."""
        return np.logaddexp.accumulate(x, axis=-1)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """exp(x) times the sum from the other end of g exp(-z), its two signs apart."""
        (x,), (z,), (g,) = inputs, outputs, output_grads
        return [sub(*(exp(add(x, self._log_of_rest(part, z))) for part in (g, neg(g))))]

    def _log_of_rest(self, g: Tensor, z: Tensor) -> Tensor:
        """log of the sum from each place on of g exp(-z), over the g above 0."""
        last = z.type.ndim - 1
        counts = and_(gt(g, 0), gt(z, -np.inf))
        weights = sub(log(switch(counts, g, 1)), switch(counts, z, 0))
        return flip(LogCumSumExp()(flip(switch(counts, weights, -np.inf), last)), last)


def _backwards(g: Tensor) -> Tensor:
    last = g.type.ndim - 1
    return flip(CumSum()(flip(g, last)), last)


def _run(op: _Running, x: Any, axis: int | None) -> Tensor:
    x = as_tensor_variable(x)
    if axis is None:
        return op(x.flatten())
    last = x.type.ndim - 1
    if not -x.type.ndim <= axis <= last:
        raise AxisError(f"axis {axis} of a tensor of {x.type.ndim} axes")
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


def cummax(x: Any, axis: int | None = None) -> Tensor:
    """Running maxima along an axis; of the flattened tensor if None.

    >>> cummax([1.0, 3.0, 2.0]).eval()
    array([1., 3., 3.])
    """
    return _run(CumMax(), x, axis)


def cummin(x: Any, axis: int | None = None) -> Tensor:
    """Running minima along an axis; of the flattened tensor if None."""
    return _run(CumMin(), x, axis)


def logcumsumexp(x: Any, axis: int | None = None) -> Tensor:
    """log(cumsum(exp(x))) along an axis, without overflow; of the flattened tensor if None.

    >>> logcumsumexp([0.0, 0.0]).eval()
    array([0.        , 0.69314718])
    """
    return _run(LogCumSumExp(), x, axis)
