"""Tensor variables: their properties and methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgraph.graph import Constant, Variable
from symgraph.operators import Operators
from symgraph.ops import (
    arith,
    averages,
    cast,
    create,
    cumulative,
    diagonals,
    elementary,
    extrema,
    index,
    linalg,
    picking,
    reduce,
    repeat,
    reshape,
    rounding,
    search,
    select,
    shape,
    sort,
    transfer,
)
from symgraph.types import TensorType


class TensorOperators(Operators):
    """The properties and methods that every symbolic tensor has."""

    __slots__ = ()

    # --- what is known of it ---------------------------------------------------------------

    @property
    def shape(self) -> Variable:
        """The sizes of all axes, an int64 vector."""
        return shape.shape(self)

    @property
    def size(self) -> Variable:
        """The number of elements, an int64 scalar."""
        return reduce.count_over(self, range(self.ndim))

    @property
    def T(self) -> Variable:
        """The axes reversed."""
        return shape.transpose(self)

    @property
    def mT(self) -> Variable:
        """The last two axes exchanged."""
        return shape.swapaxes(self, -1, -2)

    @property
    def real(self) -> Variable:
        """Real part."""
        return cast.real(self) if self.dtype.startswith("complex") else self

    @property
    def imag(self) -> Variable:
        """Imaginary part."""
        result: Variable = cast.imag(self)
        return result

    # --- methods ---------------------------------------------------------------------------

    def dimshuffle(self, *order: Any) -> Variable:
        """Axes in a new order, "x" for a new one of size 1."""
        return shape.dimshuffle(self, *order)

    def reshape(self, newshape: Any, *more: Any, ndim: int | None = None) -> Variable:
        """The same elements in row-major order under other sizes."""
        return reshape.reshape(self, (newshape, *more) if more else newshape, ndim=ndim)

    def flatten(self, ndim: int = 1) -> Variable:
        """The first `ndim` - 1 axes as they are, all others as one."""
        return reshape.flatten(self, ndim)

    def ravel(self) -> Variable:
        """All elements along one axis."""
        return reshape.flatten(self)

    def transpose(self, *axes: Any) -> Variable:
        """Axes in the order given, reversed by default."""
        order = axes[0] if len(axes) == 1 and isinstance(axes[0], list | tuple) else axes
        return shape.transpose(self, order or None)

    def swapaxes(self, axis1: int, axis2: int) -> Variable:
        """Two axes exchanged."""
        return shape.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Variable:
        """Without axes of size 1."""
        return shape.squeeze(self, axis)

    def sum(
        self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None
    ) -> Variable:
        """Sum over axes."""
        return reduce.sum(self, axis, dtype, keepdims, acc_dtype)

    def prod(
        self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None
    ) -> Variable:
        """Product over axes."""
        return reduce.prod(self, axis, dtype, keepdims, acc_dtype)

    def mean(
        self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None
    ) -> Variable:
        """Average over axes."""
        return averages.mean(self, axis, dtype, keepdims, acc_dtype)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Variable:
        """Variance over axes."""
        return averages.var(self, axis, ddof, keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Variable:
        """Standard deviation over axes."""
        return averages.std(self, axis, ddof, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Largest element over axes."""
        return extrema.max(self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Smallest element over axes."""
        return extrema.min(self, axis, keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Position of the largest element."""
        return extrema.argmax(self, axis, keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Position of the smallest element."""
        return extrema.argmin(self, axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Whether any element is nonzero."""
        return reduce.any(self, axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Whether all elements are nonzero."""
        return reduce.all(self, axis, keepdims)

    def ptp(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Largest minus smallest element."""
        return extrema.ptp(self, axis, keepdims)

    def norm(self, L: Any = 2, axis: Any = None, keepdims: bool = False) -> Variable:
        """The L-norm over axes."""
        return averages.norm(self, L, axis, keepdims)

    def dot(self, other: Any) -> Variable:
        """Product of vectors or matrices."""
        return linalg.dot(self, other)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
        """A diagonal of the matrices in two axes."""
        return diagonals.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
        """The sum of a diagonal."""
        return diagonals.trace(self, offset, axis1, axis2)

    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Variable:
        """The elements at `indices` along an axis."""
        return index.take(self, indices, axis, mode)

    def set(self, value: Any) -> Variable:
        """A copy of the tensor this is a part of, with the part set: `x[i].set(v)`."""
        return index.set_subtensor(self, value)

    def inc(self, value: Any) -> Variable:
        """A copy of the tensor this is a part of, with the part increased: `x[i].inc(v)`."""
        return index.inc_subtensor(self, value)

    def where(self, condition: Any, other: Any = 0) -> Variable:
        """This where `condition` holds, else `other`."""
        result: Variable = select.switch(condition, self, other)
        return result

    def astype(self, dtype: str) -> Variable:
        """Converted to a dtype."""
        return cast.cast(self, dtype)

    def copy(self, name: str | None = None) -> Variable:
        """A value equal to this one."""
        twin: Variable = arith.second(self, self)
        twin.name = name
        return twin

    def fill(self, value: Any) -> Variable:
        """`value` in the shape of this."""
        return create.fill(self, value)

    def zeros_like(self, dtype: str | None = None) -> Variable:
        """Zeros shaped like this."""
        return create.zeros_like(self, dtype)

    def ones_like(self, dtype: str | None = None) -> Variable:
        """Ones shaped like this."""
        return create.ones_like(self, dtype)

    def clip(self, a_min: Any, a_max: Any) -> Variable:
        """Not below `a_min` nor above `a_max`."""
        return arith.clip(self, a_min, a_max)

    def round(self, mode: str = "half_to_even") -> Variable:
        """The nearest whole number."""
        return rounding.round(self, mode)

    def conj(self) -> Variable:
        """Complex conjugate."""
        result: Variable = cast.conj(self)
        return result

    conjugate = conj

    def transfer(self, target: str | None = None) -> Variable:
        """This on another device: "cpu", "cuda:1"; None is the one the function computes on."""
        result: Variable = transfer.transfer(self, target)
        return result


class TensorVariable(TensorOperators):
    """A symbolic tensor that is an input or computed, neither shared nor a constant."""

    __slots__ = ()


class TensorConstant(Constant, TensorOperators):
    """A tensor whose value is known."""

    __slots__ = ()

    def signature(self) -> tuple[str, tuple[int, ...], bytes]:
        """What makes two constants the same."""
        return (str(self.data.dtype), self.data.shape, self.data.tobytes())


TensorType.variable_class = TensorVariable
TensorType.constant_class = TensorConstant


def _unary(name: str, op: Callable[[Any], Any]) -> None:
    def method(self: TensorOperators) -> Any:
        return op(self)

    method.__name__, method.__doc__ = name, (op.__doc__ or "").partition("\n")[0]
    setattr(TensorOperators, name, method)


def _compress(self: TensorVariable, condition: Any, axis: int | None = None) -> Variable:
    """The parts along an axis where a vector is nonzero."""
    return picking.compress(condition, self, axis)


# Functions of a tensor that are its methods too, under their own names.
METHODS: dict[Any, str] = {
    arith: "abs_ deg2rad rad2deg",
    repeat: "repeat",
    cumulative: "cumsum cumprod",
    picking: "choose nonzero_values",
    search: "nonzero searchsorted",
    sort: "argpartition argsort partition sort",
}
for _module, _names in METHODS.items():
    for _name in _names.split():
        setattr(TensorOperators, _name, getattr(_module, _name))
setattr(TensorOperators, "compress", _compress)  # noqa: B010 - its arguments are in another order

# NumPy's and Theano's elementwise functions are methods too.
for _module, _names in (
    (elementary, "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan arcsin arccos arctan"),
    (elementary, "sinh cosh tanh arcsinh arccosh arctanh"),
    (arith, "sgn sqr"),
    (rounding, "floor ceil trunc"),
    (cast, "angle"),
    (elementary, "sigmoid erf erfc"),
):
    for _name in _names.split():
        _unary(_name, getattr(_module, _name))
