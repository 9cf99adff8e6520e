"""Tensors from sizes and ranges: alloc, zeros, ones, arange, eye, triangles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.families import Example, Index, Indexed, Moved, Read, Sample, is_one
from symgraph.graph import Apply, Constant
from symgraph.kernel import INT, Expr, Lit, binary, cast, compare, lit, select
from symgraph.ops.arith import mul, second, sub, true_div
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.compare import ge
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.rounding import ceil
from symgraph.ops.shape import dimshuffle, scalars_of, shape_i
from symgraph.types import (
    CONTINUOUS,
    Arg,
    Dims,
    Tensor,
    Tensors,
    as_operands,
    as_tensor_variable,
    check_dtype,
    larger,
    promote,
    unify,
)

__all__ = [
    "AllocEmpty",
    "alloc",
    "arange",
    "empty",
    "empty_like",
    "eye",
    "fill",
    "full",
    "full_like",
    "identity",
    "identity_like",
    "ones",
    "ones_like",
    "tri",
    "zeros",
    "zeros_like",
]


def size_samples(*sizes: int) -> tuple[Sample, ...]:
    """Scalar inputs that are sizes."""
    return tuple(Sample((), f"value:{n}", "int64", False) for n in sizes)


@dataclass(frozen=True, repr=False)
class Alloc(Moved):
    """The first operand repeated to the sizes that follow it."""

    sized = True

    def prepare(self, *inputs: Any) -> Tensors:
        """A value and integer scalars."""
        value, *sizes = inputs
        return [as_tensor_variable(value), *scalars_of(sizes)]

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes given; those of the value agree with them or are 1."""
        value, *sizes = args
        wanted = tuple(s.value for s in sizes)
        shift = len(wanted) - len(value.shape)
        for axis, size in enumerate(value.shape):
            if not is_one(size):
                unify((size, wanted[axis + shift]), f"alloc: axis {axis + shift}")
        return wanted

    def axis_map(self, node: Apply) -> tuple[int | None, ...]:
        """The value's axes at the right, those in front repeat it."""
        value: Tensor = node.inputs[0]
        ndim, wide = value.type.ndim, len(node.inputs) - 1
        return tuple(None if a < wide - ndim else a - (wide - ndim) for a in range(wide))

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """The last of the indices, 0 where the value has size 1."""
        inner = args[0].shape
        tail = index[len(index) - len(inner) :]
        return tuple(lit(0) if is_one(size) else i for i, size in zip(tail, inner, strict=True))

    def reference(self, value: Any, *sizes: Any) -> Any:
        """NumPy's broadcast_to, copied."""
        return np.array(np.broadcast_to(value, [int(n) for n in sizes]))

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent; `grad` sums it over the repeated axes."""
        return [output_grads[0], *[None] * (len(inputs) - 1)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A scalar, a row, a column."""
        yield Example(cls(), (Sample(()), *size_samples(3, 4)))
        yield Example(cls(), (Sample((4,)), *size_samples(3, 4)))
        yield Example(cls(), (Sample((3, 1)), *size_samples(3, 4)))
        yield Example(cls(), (Sample(()), *size_samples(0)))


@dataclass(frozen=True, repr=False)
class ARange(Indexed):
    """start, start + step, ... up to but without stop."""

    dtype: str

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The declared dtype."""
        return (self.dtype,)

    def prepare(self, *inputs: Any) -> Tensors:
        """start, step and the number of elements."""
        return [*(cast_to(v, self.dtype) for v in inputs[:2]), *scalars_of([inputs[2]])]

    def out_shape(self, *args: Arg) -> Dims:
        """The number of elements."""
        return (larger(args[2].value, 0),)

    def element(self, index: Index, args: Sequence[Arg], read: Read, dtype: str) -> Expr:
        """start + i * step."""
        return read(0, ()) + cast(index[0], dtype) * read(1, ())

    def reference(self, start: Any, step: Any, count: Any) -> Any:
        """The same, by NumPy."""
        return start + np.arange(max(int(count), 0)).astype(self.dtype) * step

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Sums of the cotangent, plain and weighted by position."""
        (g,), count = output_grads, inputs[2]
        if self.dtype not in CONTINUOUS:
            return [None, None, None]
        places = ARange(self.dtype)(0, 1, count)
        return [sum_over(g), sum_over(mul(g, places)), None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Integers, floats, nothing."""
        yield Example(cls("int64"), size_samples(2, 3, 5))
        yield Example(cls("float64"), (Sample(()), Sample(()), *size_samples(4)))
        yield Example(cls("int64"), size_samples(2, 3, 0))


@dataclass(frozen=True, repr=False)
class Eye(Indexed):
    """Ones on diagonal `k` of a matrix of n rows and m columns, zeros elsewhere."""

    dtype: str
    sized = True

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The declared dtype."""
        return (self.dtype,)

    def prepare(self, *inputs: Any) -> Tensors:
        """n, m, k: integer scalars."""
        return scalars_of(list(inputs))

    def out_shape(self, *args: Arg) -> Dims:
        """n rows, m columns."""
        return (args[0].value, args[1].value)

    def element(self, index: Index, args: Sequence[Arg], read: Read, dtype: str) -> Expr:
        """1 where j - i is k."""
        on = compare("eq", binary("sub", index[1], index[0]), read(2, ()))
        return select(on, Lit(1, dtype), Lit(0, dtype))

    def reference(self, n: Any, m: Any, k: Any) -> Any:
        """NumPy's eye."""
        return np.eye(int(n), int(m), int(k), dtype=self.dtype)

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Nothing flows to sizes."""
        return [None, None, None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Square, wide, off the diagonal."""
        yield Example(cls("float64"), size_samples(3, 3, 0))
        yield Example(cls("float32"), size_samples(3, 4, 1))
        yield Example(cls("int64"), size_samples(4, 2, -1))


def alloc(value: Any, *sizes: Any) -> Tensor:
    """`value` repeated to the sizes given.

    >>> alloc(1.5, 2, 2).eval()
    array([[1.5, 1.5],
           [1.5, 1.5]])
    """
    if len(sizes) == 1 and isinstance(sizes[0], list | tuple):
        sizes = tuple(sizes[0])
    if not sizes:
        return as_tensor_variable(value)
    result: Tensor = Alloc()(as_operands([value])[0], *scalars_of(list(sizes)))
    return result


def full(sizes: Any, value: Any, dtype: str | None = None) -> Tensor:
    """A tensor of sizes `sizes`, every element `value`."""
    var = as_tensor_variable(value)
    return alloc(cast_to(var, dtype) if dtype else var, *scalars_of(sizes))


def zeros(shape: Any, dtype: str | None = None) -> Tensor:
    """A tensor of zeros of `config.floatX`, or `dtype`.

    >>> zeros((2,)).eval()
    array([0., 0.])
    """
    return full(shape, np.zeros((), check_dtype(dtype or "floatX")))


def ones(shape: Any, dtype: str | None = None) -> Tensor:
    """A tensor of ones of `config.floatX`, or `dtype`."""
    return full(shape, np.ones((), check_dtype(dtype or "floatX")))


empty = zeros


def AllocEmpty(dtype: str) -> Any:
    """A function of sizes that makes a tensor whose elements are not to be relied on (zeros)."""
    return lambda *sizes: zeros(sizes, dtype)


def full_like(x: Any, value: Any, dtype: str | None = None) -> Tensor:
    """A tensor shaped like `x`, every element `value`."""
    x = as_tensor_variable(x)
    filled = cast_to(value, dtype or x.type.dtype)
    ndim = x.type.ndim
    return alloc(filled, *(shape_i(x, a) for a in range(ndim))) if ndim else filled


def zeros_like(x: Any, dtype: str | None = None, opt: bool = False) -> Tensor:
    """Zeros shaped like `x`."""
    return full_like(x, np.int8(0), dtype)


empty_like = zeros_like


def ones_like(x: Any, dtype: str | None = None, opt: bool = False) -> Tensor:
    """Ones shaped like `x`."""
    return full_like(x, np.int8(1), dtype)


def fill(x: Any, value: Any) -> Tensor:
    """`value` in the shape of `x`."""
    result: Tensor = second(x, value)
    return result


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: str | None = None) -> Tensor:
    """start, start + step, ... up to but without stop; one argument is the stop.

    >>> arange(2, 8, 3).eval()
    array([2, 5])
    """
    if stop is None:
        start, stop = 0, start
    start, stop, step = as_operands([start, stop, step])
    common = promote(*(v.type.dtype for v in (start, stop, step)))
    wanted = check_dtype(dtype) if dtype else ("int64" if common not in CONTINUOUS else common)
    count = _known_count(start, stop, step)
    return ARange(wanted)(start, step, _range_count(start, stop, step) if count is None else count)


def _known_count(start: Tensor, stop: Tensor, step: Tensor) -> int | None:
    if not all(isinstance(v, Constant) for v in (start, stop, step)):
        return None
    if step.data == 0:
        raise GraphTypeError("arange: the step is 0")
    return max(math.ceil((stop.data - start.data) / step.data), 0)


def _range_count(start: Tensor, stop: Tensor, step: Tensor) -> Tensor:
    """ceil((stop - start) / step), in whole numbers if they are."""
    if (
        isinstance(start, Constant)
        and isinstance(step, Constant)
        and start.data == 0
        and step.data == 1
    ):
        whole = stop.type.dtype not in CONTINUOUS
        return cast_to(stop if whole else ceil(stop), INT)
    span = sub(stop, start)
    if span.type.dtype in CONTINUOUS or step.type.dtype in CONTINUOUS:
        return cast_to(ceil(true_div(span, step)), INT)
    return -((-cast_to(span, INT)) // cast_to(step, INT))


def eye(n: Any, m: Any = None, k: Any = 0, dtype: str | None = None) -> Tensor:
    """Ones on diagonal `k` of an (n, m) matrix, zeros elsewhere; m is n by default.

    >>> eye(2).eval()
    array([[1., 0.],
           [0., 1.]])
    """
    result: Tensor = Eye(check_dtype(dtype or "floatX"))(n, n if m is None else m, k)
    return result


def identity(n: Any, dtype: str | None = None) -> Tensor:
    """The identity matrix of n rows."""
    return eye(n, dtype=dtype)


def identity_like(x: Any, dtype: str | None = None) -> Tensor:
    """The identity matrix of the shape of a matrix."""
    x = as_tensor_variable(x)
    return eye(shape_i(x, 0), shape_i(x, 1), dtype=dtype or x.type.dtype)


def tri(n: Any, m: Any = None, k: Any = 0, dtype: str | None = None) -> Tensor:
    """Ones on and below diagonal `k` of an (n, m) matrix, zeros above."""
    rows = dimshuffle(arange(n), 0, "x")
    columns = dimshuffle(arange(n if m is None else m), "x", 0)
    return cast_to(ge(rows + k, columns), dtype or "floatX")
