"""`import symgraph.tensor as T`: constructors, ops and gradients under Theano's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph import nnet
from symgraph.errors import GraphTypeError
from symgraph.grad import Lop, Rop, grad
from symgraph.graph import Variable
from symgraph.ops.arith import (
    abs_,
    add,
    ceil,
    ceil_intdiv,
    clip,
    deg2rad,
    divmod,
    floor,
    int_div,
    iround,
    maximum,
    minimum,
    mod,
    mul,
    neg,
    pow,
    rad2deg,
    reciprocal,
    round,
    round_half_away_from_zero,
    round_half_to_even,
    second,
    sgn,
    sqr,
    sub,
    true_div,
    trunc,
)
from symgraph.ops.cast import cast, complex_, conj, imag, real
from symgraph.ops.compare import eq, ge, gt, isinf, isnan, le, lt, neq
from symgraph.ops.create import (
    alloc,
    arange,
    empty,
    eye,
    fill,
    full,
    full_like,
    identity,
    identity_like,
    ones,
    ones_like,
    tri,
    tril,
    triu,
    zeros,
    zeros_like,
)
from symgraph.ops.elementary import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    log,
    log1p,
    log2,
    log10,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
)
from symgraph.ops.index import diagonal, inc_subtensor, set_subtensor, take, trace
from symgraph.ops.join import (
    concatenate,
    horizontal_stack,
    join,
    stack,
    stacklists,
    vertical_stack,
)
from symgraph.ops.linalg import batched_dot, dot, matmul, outer, tensordot
from symgraph.ops.logic import (
    and_,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    invert,
    or_,
    xor,
)
from symgraph.ops.reduce import (
    all,
    any,
    argmax,
    argmin,
    logsumexp,
    max,
    max_and_argmax,
    mean,
    min,
    norm,
    prod,
    ptp,
    std,
    sum,
    var,
)
from symgraph.ops.select import switch, where
from symgraph.ops.shape import (
    addbroadcast,
    dimshuffle,
    expand_dims,
    flatten,
    moveaxis,
    patternbroadcast,
    reshape,
    shape,
    shape_i,
    shape_padaxis,
    shape_padleft,
    shape_padright,
    specify_shape,
    squeeze,
    swapaxes,
    transpose,
    unbroadcast,
)
from symgraph.types import RANK_NAMES, TensorType, as_tensor_variable, constant
from symgraph.variable import TensorConstant, TensorVariable

inv = reciprocal
power = pow
floor_div = int_div
PREFIXES = {
    "": "floatX",
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
    "ub": "uint8",
    "uw": "uint16",
    "ui": "uint32",
    "ul": "uint64",
    "f": "float32",
    "d": "float64",
    "c": "complex64",
    "z": "complex128",
}
PATTERNS: dict[str, tuple[int | None, ...]] = {
    **{name: (None,) * rank for rank, name in enumerate(RANK_NAMES)},
    "row": (1, None),
    "col": (None, 1),
}
Shape = Sequence[int | str | None]


def tensor(
    dtype: str = "floatX",
    broadcastable: Sequence[bool] | None = None,
    name: str | None = None,
    *,
    shape: Shape | None = None,
) -> TensorVariable:
    """An input of any dtype and shape.

    `shape` holds for each axis an int, a name (axes of one name have one size) or None.

    >>> tensor("float32", shape=("batch", 784), name="x").type
    TensorType(float32, (batch, 784))
    """
    pattern = shape if shape is not None else broadcastable
    if pattern is None:
        raise GraphTypeError("tensor needs shape=, one int, name or None for each axis")
    made = TensorType(dtype, pattern)(name)
    assert isinstance(made, TensorVariable)
    return made


class Constructor:
    """Makes inputs of one rank and dtype: `matrix("x")`, `matrix("x", shape=("batch", 784))`."""

    def __init__(self, name: str, dtype: str, pattern: tuple[int | None, ...]) -> None:
        self.__name__, self.dtype, self.pattern = name, dtype, pattern
        self.__doc__ = f"An input of {len(pattern)} axes and dtype {dtype}."

    def __call__(
        self, name: str | None = None, dtype: str | None = None, shape: Shape | None = None
    ) -> TensorVariable:
        wanted = self.pattern if shape is None else tuple(shape)
        if len(wanted) != len(self.pattern):
            raise GraphTypeError(
                f"{self.__name__} has {len(self.pattern)} axes, but shape={shape} has {len(wanted)}"
            )
        return tensor(dtype or self.dtype, shape=wanted, name=name)

    def __repr__(self) -> str:
        return f"<{self.__name__}: {self.__doc__}>"


class Constructors:
    """Makes several inputs at once: `matrices("x y")`, `matrices("x", "y")`, `matrices(2)`."""

    def __init__(self, one: Constructor) -> None:
        self.one = one
        self.__doc__ = f"Several inputs like those of `{one.__name__}`."

    def __call__(self, *names: Any, dtype: str | None = None) -> list[TensorVariable]:
        if len(names) == 1 and isinstance(names[0], int):
            return [self.one(dtype=dtype) for _ in range(names[0])]
        words = [word for name in names for word in (name.split() if isinstance(name, str) else [name])]
        return [self.one(word, dtype=dtype) for word in words]


def _plural(name: str) -> str:
    return {"matrix": "matrices"}.get(name, f"{name}s")


for _prefix, _dtype in PREFIXES.items():
    for _name, _pattern in PATTERNS.items():
        _one = Constructor(f"{_prefix}{_name}", _dtype, _pattern)
        globals()[_one.__name__] = _one
        globals()[f"{_prefix}{_plural(_name)}"] = Constructors(_one)


def isfinite(x: Any) -> Variable:
    """Whether a value is neither infinite nor NaN, elementwise."""
    return ~or_(isnan(x), isinf(x))  # type: ignore[no-any-return]


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Variable:
    """Whether |a - b| <= atol + rtol |b|, elementwise; infinities are close to themselves."""
    near = and_(le(abs_(sub(a, b)), add(atol, mul(rtol, abs_(b)))), isfinite(b))
    close = or_(near, eq(a, b))
    return or_(close, and_(isnan(a), isnan(b))) if equal_nan else close  # type: ignore[no-any-return]


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Variable:
    """Whether all elements are close."""
    return all(isclose(a, b, rtol, atol, equal_nan))
