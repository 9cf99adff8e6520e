"""Tensor types, their dtypes and sizes, and how Python values become constants.

A size is known (an int), named ("batch": equal names agree) or unknown (None). While shapes
are being computed a size is an int, an `Unknown`, or a kernel expression over the sizes of a
function's inputs; all three take arithmetic, so an op states its shape rule once.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from symgraph.config import config
from symgraph.errors import AxisError, GraphTypeError, InputShapeError, InputTypeError, ShapeError
from symgraph.graph import Constant, Type, Variable
from symgraph.kernel import INT, Expr, Lit, binary, lit
from symgraph.kernel import select as select_expr

DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64"
    " float16 float32 float64 complex64 complex128"
).split()
NAMES_OF_DTYPES = frozenset(DTYPES)
FLOATS = ("float16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
CONTINUOUS = (*FLOATS, *COMPLEX)
DISCRETE = tuple(d for d in DTYPES if d not in CONTINUOUS)

RANK_NAMES = ("scalar", "vector", "matrix", "tensor3", "tensor4", "tensor5", "tensor6", "tensor7")


class Unknown:
    """A size not known while the graph is built; arithmetic on it is unknown too."""

    __slots__ = ("name",)

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def _unknown(self, other: Any = None) -> Unknown:
        return Unknown()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _unknown
    __floordiv__ = __rfloordiv__ = __mod__ = __neg__ = _unknown
    __lt__ = __le__ = __gt__ = __ge__ = _unknown

    def __repr__(self) -> str:
        return self.name or "?"


Tensor: TypeAlias = Any  # a `TensorVariable`: its class stands above the ops that it is made of
Tensors: TypeAlias = Sequence[Any]  # tensors, or None where no gradient flows
Dim: TypeAlias = Any  # int | Unknown | Expr: what arithmetic on sizes meets
Dims: TypeAlias = tuple[Dim, ...]
StaticShape: TypeAlias = tuple[int | str | None, ...]


class Arg(NamedTuple):
    """What a shape rule sees of an input: its sizes and, for an integer scalar, its value."""

    shape: Dims
    value: Dim = None


def _polymorphic(op: str, known: Any, left: Dim, right: Dim) -> Dim:
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return Unknown()
    if isinstance(left, Expr) or isinstance(right, Expr):
        return binary(op, left, right)
    return known(left, right)


def smaller(left: Dim, right: Dim) -> Dim:
    """The smaller of two sizes."""
    return _polymorphic("minimum", min, left, right)


def larger(left: Dim, right: Dim) -> Dim:
    """The larger of two sizes."""
    return _polymorphic("maximum", max, left, right)


def choose(condition: Any, then: Dim, other: Dim) -> Dim:
    """`then` where a comparison of sizes holds, else `other`."""
    if isinstance(condition, builtins.bool):
        return then if condition else other
    if isinstance(condition, Unknown) or isinstance(then, Unknown) or isinstance(other, Unknown):
        return Unknown()
    then = then if isinstance(then, Expr) else lit(then, INT)
    return select_expr(condition, then, other)


def product(dims: Sequence[Dim]) -> Dim:
    """The product of sizes."""
    total: Dim = 1
    for dim in dims:
        total = total * dim
    return total


@cache
def promote(*dtypes: str) -> str:
    """The dtype that holds the values of all `dtypes`, by NumPy's rules."""
    return str(np.result_type(*dtypes)) if dtypes else "bool"


@cache
def upgrade_to_float(dtype: str) -> str:
    """The dtype of a real function of `dtype`: small integers give float32, larger float64."""
    if dtype in CONTINUOUS:
        return dtype
    return "float32" if np.dtype(dtype).itemsize <= 2 else "float64"


def python_scalar_dtype(value: Any, beside: Sequence[str]) -> str:
    """The dtype a bare Python number takes beside operands of dtypes `beside`.

    The number is weak, as in NumPy 2: it takes the operands' dtype if that can hold its
    kind, so `float32 * 0.1` stays float32. A float beside integers takes `config.floatX`.
    """
    other = promote(*beside)
    if isinstance(value, builtins.bool):
        return "bool"
    if isinstance(value, int):
        if not beside or other == "bool":
            return "int64"
        if other in DISCRETE and not _fits(value, other):
            return str(np.min_scalar_type(value)) if value < 0 else "int64"
        return other
    real = other if other in CONTINUOUS else str(config.floatX)
    if isinstance(value, complex) and real not in COMPLEX:
        return promote(real, "complex64")
    return real


def _fits(value: int, dtype: str) -> bool:
    info = np.iinfo(dtype)
    return int(info.min) <= value <= int(info.max)


class TensorType(Type):
    """Arrays of one dtype and rank, whose sizes may be known or named.

    Parameters
    ----------
    dtype
        A NumPy dtype's name; "floatX" stands for `config.floatX`.
    shape
        One entry an axis: an int, a name shared by equal sizes, or None. Booleans are taken
        as Theano's `broadcastable` pattern: True is a size of 1, False an unknown one.
    """

    __slots__ = ("dtype", "name", "shape")

    stacked: ClassVar[Callable[[Any], Tensor]]  # makes one of a list of them; set by ops/join.py

    def __init__(
        self,
        dtype: str,
        shape: Sequence[int | str | None] | None = None,
        name: str | None = None,
        *,
        broadcastable: Sequence[bool] | None = None,
    ) -> None:
        pattern = shape if shape is not None else broadcastable
        if pattern is None:
            raise GraphTypeError("TensorType needs a shape: one int, name or None for each axis")
        self.dtype = check_dtype(dtype)
        self.shape: StaticShape = tuple(_check_size(size) for size in pattern)
        self.name = name

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """For each axis, whether its size is known to be 1."""
        return tuple(size == 1 for size in self.shape)

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The dtype as NumPy's object."""
        return np.dtype(self.dtype)

    @property
    def dims(self) -> Dims:
        """The sizes, ready for arithmetic."""
        return tuple(s if isinstance(s, int) else Unknown(s) for s in self.shape)

    def clone(
        self, dtype: str | None = None, shape: Sequence[int | str | None] | None = None
    ) -> TensorType:
        """This type with another dtype or shape."""
        return TensorType(dtype or self.dtype, self.shape if shape is None else shape)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorType):
            return NotImplemented
        mine, theirs = (self.dtype, self.shape), (other.dtype, other.shape)
        return mine == theirs and type(self) is type(other)

    def __hash__(self) -> int:
        return hash((self.dtype, self.shape))

    def __str__(self) -> str:
        if all(size is None for size in self.shape) and self.ndim < len(RANK_NAMES):
            return f"TensorType({self.dtype}, {RANK_NAMES[self.ndim]})"
        sizes = ", ".join("?" if s is None else str(s) for s in self.shape)
        return f"TensorType({self.dtype}, ({sizes}{',' if self.ndim == 1 else ''}))"

    __repr__ = __str__

    def is_super(self, other: Type) -> bool:
        """Whether every array of type `other` fits this type."""
        return (
            isinstance(other, TensorType)
            and self.dtype == other.dtype
            and self.ndim == other.ndim
            and all(
                mine == theirs or not isinstance(mine, int)
                for mine, theirs in zip(self.shape, other.shape, strict=True)
            )
        )

    def filter(
        self, value: Any, strict: builtins.bool = False, allow_downcast: builtins.bool | None = None
    ) -> npt.NDArray[Any]:
        """`value` as an array of this type.

        `strict` takes only arrays that have the dtype already. Otherwise a value is
        converted when no precision is lost; `allow_downcast` True converts in any case,
        None also rounds a Python float to `config.floatX`.
        """
        array = self._convert(value, strict, allow_downcast)
        self.check_sizes(array)
        return array

    def __setstate__(self, state: Any) -> None:
        """What was pickled; Theano's own pickles hold `broadcastable`."""
        held = state[1] if isinstance(state, tuple) else state
        pattern = held["shape"] if "shape" in held else held["broadcastable"]
        self.dtype, self.name = check_dtype(held["dtype"]), held.get("name")
        self.shape = tuple(_check_size(size) for size in pattern)

    @staticmethod
    def values_eq(a: Any, b: Any) -> builtins.bool:
        """Whether two arrays have one dtype, one shape and the same elements, NaN at NaN."""
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")

    @staticmethod
    def values_eq_approx(
        a: Any,
        b: Any,
        allow_remove_inf: builtins.bool = False,
        allow_remove_nan: builtins.bool = False,
        rtol: float | None = None,
        atol: float | None = None,
    ) -> builtins.bool:
        """As `values_eq`, numbers up to rounding: 1e-5 of them and 1e-8, or in float32 1e-5.

        Where one of them is infinite, or NaN, the other may be anything if that is allowed.
        """
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if a.dtype.kind not in "fc":
            return np.array_equal(a, b)
        skipped = np.zeros(a.shape, "bool")
        skipped |= allow_remove_inf & (np.isinf(a) | np.isinf(b))
        skipped |= allow_remove_nan & (np.isnan(a) | np.isnan(b))
        rough = {"float16": (1e-3, 1e-3), "float32": (1e-5, 1e-5), "complex64": (1e-5, 1e-5)}
        slack = rough.get(str(a.dtype), (1e-5, 1e-8))
        within = (slack[0] if rtol is None else rtol, slack[1] if atol is None else atol)
        return builtins.bool(np.all(skipped | np.isclose(a, b, *within, equal_nan=True)))

    def check_sizes(self, array: Any) -> None:
        """Refuse an array, of any library, whose rank or sizes are not those of this type."""
        if array.ndim != self.ndim:
            raise InputTypeError(
                f"has {array.ndim} axes where {self.ndim} are needed ({self}); reshape the array,"
                f" or declare the variable with {array.ndim} axes"
            )
        for axis, (size, want) in enumerate(zip(array.shape, self.shape, strict=True)):
            if isinstance(want, int) and size != want:
                raise InputShapeError(f"has {size} elements along axis {axis}, not {want} ({self})")

    def _convert(
        self, value: Any, strict: builtins.bool, allow_downcast: builtins.bool | None
    ) -> npt.NDArray[Any]:
        if isinstance(value, Variable):
            raise InputTypeError("is a symbolic variable where an array is needed")
        array = np.asarray(value)
        if array.dtype == self.numpy_dtype and array.dtype.isnative:
            return array
        if strict:
            raise InputTypeError(f"is {array.dtype} where exactly {self.dtype} is needed")
        if array.dtype == object or array.dtype.kind in "USV":
            raise InputTypeError(f"is a {type(value).__name__}, not numbers ({self} is needed)")
        if allow_downcast or self._holds(value, array, allow_downcast):
            return array.astype(self.dtype)
        raise InputTypeError(
            f"is {array.dtype}, which {self.dtype} cannot hold exactly; convert it with"
            f" .astype({self.dtype!r}), or pass allow_input_downcast=True to `function`"
        )

    def _holds(
        self, value: Any, array: npt.NDArray[Any], allow_downcast: builtins.bool | None
    ) -> builtins.bool:
        if np.can_cast(array.dtype, self.dtype, "safe"):
            return True
        if type(value) is float and allow_downcast is None and self.dtype == str(config.floatX):
            return True
        if isinstance(value, np.ndarray):
            return False
        with np.errstate(all="ignore"):
            converted = array.astype(self.dtype)
        return np.array_equal(converted, array, equal_nan=True)


def check_dtype(dtype: Any) -> str:
    """The canonical name of a dtype; a `GraphTypeError` when there is no such dtype."""
    if dtype == "floatX":
        return str(config.floatX)
    if isinstance(dtype, str) and dtype in NAMES_OF_DTYPES:
        return dtype
    try:
        name = str(np.dtype(dtype))
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise GraphTypeError(f"there is no tensor dtype {dtype!r}; use one of {', '.join(DTYPES)}")
    return name


def _check_size(size: Any) -> int | str | None:
    if isinstance(size, builtins.bool | np.bool_):
        return 1 if size else None
    if size is None or isinstance(size, str):
        return size
    if isinstance(size, int | np.integer) and size >= 0:
        return int(size)
    raise GraphTypeError(f"a size is an int, a name or None, not {size!r}")


def axis_of(axis: Any, ndim: int) -> int:
    """An axis counted from 0, which may be a constant, and given counted from the end."""
    axis = axis.data if isinstance(axis, Constant) else axis
    if isinstance(axis, np.ndarray) and axis.ndim == 0 and axis.dtype.kind in "iu":
        axis = int(axis)
    if not isinstance(axis, int | np.integer) or not -ndim <= axis < ndim:
        raise AxisError(f"axis {axis!r} of a tensor of {ndim} axes")
    return int(axis) % ndim


def axes_of(axes: Any, ndim: int) -> list[int]:
    """Axes given as one or several, counted from 0; none may stand twice."""
    given = axes if isinstance(axes, list | tuple) else [axes]
    found = [axis_of(axis, ndim) for axis in given]
    if len(set(found)) != len(found):
        raise GraphTypeError(f"an axis stands twice in {axes!r}")
    return found


def static_shape(dims: Dims) -> StaticShape:
    """What a type can say of computed sizes."""
    return tuple(d.name if isinstance(d, Unknown) else int(d) for d in dims)


def constant(
    value: Any, name: str | None = None, ndim: int | None = None, dtype: str | None = None
) -> Constant:
    """A constant of the graph; a Python float, or an empty list, becomes `config.floatX`.

    The array is copied and made read-only: a constant does not follow later writes.
    """
    if isinstance(value, Constant):
        return value
    if dtype is None and isinstance(value, float) and not isinstance(value, np.generic):
        dtype = str(config.floatX)
    try:
        array = np.array(value, dtype=dtype)
    except (ValueError, TypeError) as error:
        raise GraphTypeError(_no_tensor(value, str(error))) from error
    if str(array.dtype) not in DTYPES:
        raise GraphTypeError(_no_tensor(value, f"its dtype is {array.dtype}"))
    if dtype is None and not array.size and isinstance(value, list | tuple):
        array = array.astype(str(config.floatX))  # an empty list says nothing of its dtype
    if ndim is not None and array.ndim != ndim:
        if array.ndim > ndim:
            raise GraphTypeError(f"a constant of {array.ndim} axes where {ndim} are needed")
        array = array.reshape((1,) * (ndim - array.ndim) + array.shape)
    array.flags.writeable = False
    kind = TensorType(str(array.dtype), array.shape)
    return kind.constant_class(kind, array, name=name)


def _no_tensor(value: object, why: str) -> str:
    return (
        f"{value!r} cannot become a tensor: {why}; pass a variable, a number or an array of numbers"
    )


def as_tensor_variable(value: Any, name: str | None = None, ndim: int | None = None) -> Tensor:
    """`value` as a tensor variable: itself, or a constant; a list that holds variables, stacked."""
    if isinstance(value, Variable):
        if not isinstance(value.type, TensorType):
            raise GraphTypeError(f"{value} has type {value.type}, not a tensor's")
        return value
    if isinstance(value, list | tuple) and holds_variables(value):
        return TensorType.stacked(value)
    return constant(value, name=name, ndim=ndim)


def holds_variables(value: Any) -> builtins.bool:
    """Whether a variable stands somewhere in nested lists."""
    if isinstance(value, list | tuple):
        return any(map(holds_variables, value))
    return isinstance(value, Variable)


def as_operands(values: Sequence[Any]) -> list[Tensor]:
    """Tensor variables of `values`, bare Python numbers taking the dtype of the others."""
    strong: list[Tensor] = [v if _is_weak(v) else as_tensor_variable(v) for v in values]
    beside = [v.type.dtype for v in strong if not _is_weak(v)]
    return [
        v if isinstance(v, Variable) else constant(v, dtype=python_scalar_dtype(v, beside))
        for v in strong
    ]


def _is_weak(value: Any) -> builtins.bool:
    return type(value) in (builtins.bool, int, float, complex)


class Agreement(NamedTuple):
    """Sizes that have to be equal when the function runs, and what to say if they are not."""

    sizes: tuple[Dim, ...]
    where: str


_AGREEMENTS: ContextVar[list[Agreement] | None] = ContextVar("agreements", default=None)
_TOLERANT: ContextVar[builtins.bool] = ContextVar("tolerant", default=False)


@contextmanager
def recording(tolerant: builtins.bool = False) -> Iterator[list[Agreement]]:
    """Gather the agreements that shape rules ask for inside the block.

    If `tolerant`, known sizes that differ are only recorded too: the code may never run.
    """
    found: list[Agreement] = []
    token, mood = _AGREEMENTS.set(found), _TOLERANT.set(tolerant)
    try:
        yield found
    finally:
        _AGREEMENTS.reset(token)
        _TOLERANT.reset(mood)


def unify(dims: Sequence[Dim], where: str) -> Dim:
    """The one size that sizes of equal axes stand for.

    Known sizes that differ are a `ShapeError` now; sizes known only when the function runs
    are recorded, to be compared then.
    """
    known = {d.value if isinstance(d, Lit) else d for d in dims if isinstance(d, int | Lit)}
    if len(known) > 1 and not _TOLERANT.get():
        raise ShapeError(f"{where}: sizes {' and '.join(map(str, sorted(known)))} do not agree")
    found = _AGREEMENTS.get()
    if found is not None and len(set(dims)) > 1:
        found.append(Agreement(tuple(dims), where))
    if known:
        return next(d for d in dims if isinstance(d, int | Lit))
    return next((d for d in dims if isinstance(d, Unknown) and d.name), dims[0])


def static_value(var: Variable) -> Dim:
    """The value of an integer scalar as far as the graph tells it."""
    if isinstance(var, Constant) and var.data.ndim == 0 and var.data.dtype.kind in "iub":
        return int(var.data)
    size_of = getattr(var.owner and var.owner.op, "static_size", None)
    return Unknown() if size_of is None else size_of(var.owner)


def static_arg(var: Variable) -> Arg:
    """What a shape rule may know of `var` while the graph is built."""
    kind = var.type
    assert isinstance(kind, TensorType)
    scalar = kind.ndim == 0 and kind.dtype in DISCRETE
    return Arg(kind.dims, static_value(var) if scalar else None)
