"""Tensor variables: operators and methods, and what to say when one is taken for an array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from symgraph.errors import NotNumPyError
from symgraph.graph import Constant, Variable
from symgraph.ops import (
    arith,
    arrange,
    cast,
    compare,
    create,
    cumulative,
    diagonals,
    elementary,
    index,
    linalg,
    logic,
    picking,
    reduce,
    rounding,
    search,
    select,
    shape,
    sort,
)
from symgraph.types import DISCRETE, TensorType


class TensorOperators(Variable):
    """The operators, properties and methods that every symbolic tensor has."""

    __slots__ = ()

    # --- what is known of it ---------------------------------------------------------------

    @property
    def dtype(self) -> str:
        """The elements' dtype."""
        return self._tensor_type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._tensor_type.ndim

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """For each axis, whether its size is known to be 1."""
        return self._tensor_type.broadcastable

    @property
    def _tensor_type(self) -> TensorType:
        kind = self.type
        assert isinstance(kind, TensorType)
        return kind

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

    # --- operators -------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return arith.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return arith.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return arith.sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return arith.sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return arith.mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return arith.mul(other, self)

    def __truediv__(self, other: Any) -> Any:
        return arith.true_div(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return arith.true_div(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return arith.int_div(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return arith.int_div(other, self)

    def __mod__(self, other: Any) -> Any:
        return arith.mod(self, other)

    def __rmod__(self, other: Any) -> Any:
        return arith.mod(other, self)

    def __divmod__(self, other: Any) -> Any:
        return arith.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return arith.divmod(other, self)

    def __pow__(self, other: Any) -> Any:
        return arith.pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return arith.pow(other, self)

    def __matmul__(self, other: Any) -> Any:
        return linalg.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return linalg.matmul(other, self)

    def __neg__(self) -> Any:
        return arith.neg(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return arith.abs_(self)

    def __invert__(self) -> Any:
        return logic.invert(self)

    def __and__(self, other: Any) -> Any:
        return logic.and_(self, other)

    def __rand__(self, other: Any) -> Any:
        return logic.and_(other, self)

    def __or__(self, other: Any) -> Any:
        return logic.or_(self, other)

    def __ror__(self, other: Any) -> Any:
        return logic.or_(other, self)

    def __xor__(self, other: Any) -> Any:
        return logic.xor(self, other)

    def __rxor__(self, other: Any) -> Any:
        return logic.xor(other, self)

    def __lshift__(self, other: Any) -> Any:
        return logic.left_shift(self, other)

    def __rlshift__(self, other: Any) -> Any:
        return logic.left_shift(other, self)

    def __rshift__(self, other: Any) -> Any:
        return logic.right_shift(self, other)

    def __rrshift__(self, other: Any) -> Any:
        return logic.right_shift(other, self)

    def __lt__(self, other: Any) -> Any:
        return compare.lt(self, other)

    def __le__(self, other: Any) -> Any:
        return compare.le(self, other)

    def __gt__(self, other: Any) -> Any:
        return compare.gt(self, other)

    def __ge__(self, other: Any) -> Any:
        return compare.ge(self, other)

    def __getitem__(self, item: Any) -> Any:
        return index.subtensor(self, item)

    # --- methods ---------------------------------------------------------------------------

    def dimshuffle(self, *order: Any) -> Variable:
        """Axes in a new order, "x" for a new one of size 1."""
        return shape.dimshuffle(self, *order)

    def reshape(self, newshape: Any, *more: Any, ndim: int | None = None) -> Variable:
        """The same elements in row-major order under other sizes."""
        return shape.reshape(self, (newshape, *more) if more else newshape, ndim=ndim)

    def flatten(self, ndim: int = 1) -> Variable:
        """The first `ndim` - 1 axes as they are, all others as one."""
        return shape.flatten(self, ndim)

    def ravel(self) -> Variable:
        """All elements along one axis."""
        return shape.flatten(self)

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
        return reduce.mean(self, axis, dtype, keepdims, acc_dtype)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Variable:
        """Variance over axes."""
        return reduce.var(self, axis, ddof, keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Variable:
        """Standard deviation over axes."""
        return reduce.std(self, axis, ddof, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Largest element over axes."""
        return reduce.max(self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Smallest element over axes."""
        return reduce.min(self, axis, keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Position of the largest element."""
        return reduce.argmax(self, axis, keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Position of the smallest element."""
        return reduce.argmin(self, axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Whether any element is nonzero."""
        return reduce.any(self, axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Whether all elements are nonzero."""
        return reduce.all(self, axis, keepdims)

    def ptp(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Largest minus smallest element."""
        return reduce.ptp(self, axis, keepdims)

    def norm(self, L: Any = 2, axis: Any = None, keepdims: bool = False) -> Variable:
        """The L-norm over axes."""
        return reduce.norm(self, L, axis, keepdims)

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

    def transfer(self, target: str) -> Variable:
        """This on another device; "cpu" is the only one."""
        if target != "cpu":
            raise NotNumPyError(f"there is no device {target!r}; only 'cpu' is available")
        return self

    # --- what only looks like NumPy ----------------------------------------------------------

    def _not_an_array(self, what: str, cure: str) -> NoReturn:
        raise NotNumPyError(
            f"{self} ({self.type}, made at {self.made_at}) is symbolic: {what}; {cure}"
        )

    def __bool__(self) -> bool:  # noqa: PLE0304
        self._not_an_array(
            "it has no truth value while the graph is built",
            "choose with T.switch(condition, a, b) or ifelse, or compare the values of a compiled"
            " function; chain comparisons as (a < x) & (x < b)",
        )

    def __len__(self) -> int:
        size = self._tensor_type.shape[0] if self.ndim else None
        if not isinstance(size, int):
            self._not_an_array("its length is not known while the graph is built", "use x.shape[0]")
        return size

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0 or not isinstance(self._tensor_type.shape[0], int):
            self._not_an_array(
                "it cannot be iterated, its length is not known while the graph is built",
                "use scan, or declare the size: T.matrix(shape=(10, None))",
            )
        return (self[k] for k in range(self._tensor_type.shape[0]))

    def __setitem__(self, item: Any, value: Any) -> NoReturn:
        self._not_an_array(
            "elements cannot be assigned",
            "use x = T.set_subtensor(x[i], value), or x[i].set(value)",
        )

    def __contains__(self, item: Any) -> bool:
        self._not_an_array("`in` cannot look into it", "use T.any(T.eq(x, item))")

    def __float__(self) -> float:
        self._not_an_array("it has no value yet", "use x.eval({...}), or T.cast(x, 'float64')")

    def __int__(self) -> int:
        self._not_an_array("it has no value yet", "use x.eval({...}), or T.cast(x, 'int64')")

    def __index__(self) -> int:  # noqa: PLE0305
        self._not_an_array(
            "it is no number Python could count with", "use T.arange for range, x[i] for list[i]"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Operators with an array on the left are ours; other functions of NumPy's are refused."""
        own = OPERATORS.get(ufunc)
        if own is None or method != "__call__" or options:
            self._not_an_array(
                f"numpy.{ufunc.__name__} cannot compute with it",
                "use the function of symgraph.tensor: T.exp(x), not np.exp(x)",
            )
        return own(*inputs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """Sizes may stand in lists with numbers, as in `np.prod(shape)`; else an error."""
        if self.ndim or self.dtype not in DISCRETE:
            self._not_an_array(
                "NumPy cannot compute with it",
                "use the function of symgraph.tensor: T.exp, not np.exp",
            )
        alone = np.empty((), object)
        alone[()] = self
        return alone


OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: arith.add,
    np.subtract: arith.sub,
    np.multiply: arith.mul,
    np.true_divide: arith.true_div,
    np.floor_divide: arith.int_div,
    np.remainder: arith.mod,
    np.divmod: arith.divmod,
    np.power: arith.pow,
    np.matmul: linalg.matmul,
    np.less: compare.lt,
    np.less_equal: compare.le,
    np.greater: compare.gt,
    np.greater_equal: compare.ge,
    np.bitwise_and: logic.and_,
    np.bitwise_or: logic.or_,
    np.bitwise_xor: logic.xor,
    np.left_shift: logic.left_shift,
    np.right_shift: logic.right_shift,
}  # what an array on the left of an operator calls


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
    arrange: "repeat",
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
