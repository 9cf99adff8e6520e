"""Sizes, dtypes and parameters of draws, as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError, ParameterError, ShapeError
from symgraph.graph import Constant, Variable
from symgraph.ops.arith import add, mul
from symgraph.ops.cast import cast
from symgraph.ops.checks import CheckAndRaise
from symgraph.ops.compare import ge, le, lt
from symgraph.ops.logic import and_, invert
from symgraph.ops.reduce import all as all_of
from symgraph.ops.shape import scalars_of, shape_i
from symgraph.random.bounds import bounds_of
from symgraph.types import (
    FLOATS,
    Tensor,
    Tensors,
    as_tensor_variable,
    check_dtype,
    constant,
    promote,
)


def sizes_of(size: Any, ndim: int | None, *parameters: Any) -> list[Tensor]:
    """The sizes of a draw as scalars: those asked for, else those the parameters broadcast to.

    `ndim` tells how many sizes a vector of unknown length holds; elsewhere it has to be right.
    """
    operands = [as_tensor_variable(p) for p in parameters]
    wide = max((p.type.ndim for p in operands), default=0)
    if size is None:
        sizes = [_common_size(operands, axis) for axis in range(-wide, 0)]
    elif ndim is not None and isinstance(size, Variable):
        vector = as_tensor_variable(size)
        sizes = scalars_of([vector[k] for k in range(ndim)] if vector.type.ndim else vector)
    else:
        sizes = scalars_of(size)
    if ndim is not None and len(sizes) != ndim:
        raise GraphTypeError(f"a draw of ndim={ndim}, but its size has {len(sizes)} axes")
    if wide > len(sizes):
        raise GraphTypeError(
            f"a draw whose size has {len(sizes)} axes, but whose parameters have {wide}; give the"
            " size of the whole result"
        )
    for var in sizes:
        if isinstance(var, Constant) and var.data < 0:
            raise ShapeError(f"a draw of size {var}: sizes are not negative")
    return sizes


def _common_size(operands: Tensors, axis: int) -> Tensor:
    """The size that operands aligned at the right have along an axis counted from there."""
    wide = [v for v in operands if v.type.ndim >= -axis and v.type.shape[axis] != 1]
    return shape_i(wide[0], axis % wide[0].type.ndim) if wide else constant(np.int64(1))


def float_dtype(dtype: str | None, *parameters: Any) -> str:
    """The dtype of a continuous draw: the one asked for, else the parameters', else floatX.

    Bare Python numbers and integers have no say.
    """
    if dtype is None:
        given = [p for p in parameters if isinstance(p, Variable | np.ndarray | np.generic)]
        kinds = [as_tensor_variable(p).type.dtype for p in given]
        floats = [kind for kind in kinds if kind in FLOATS]
        return promote(*floats) if floats else check_dtype("floatX")
    if check_dtype(dtype) not in FLOATS:
        raise GraphTypeError(f"this draw gives floats, not {dtype}; cast it, or use T.floor")
    return check_dtype(dtype)


def drawn_as(dtype: str) -> str:
    """The dtype in which the draws of a dtype are computed."""
    return "float64" if dtype == "float64" else "float32"


def located(standard: Tensor, loc: Any, scale: Any, dtype: str) -> Tensor:
    """standard * scale + loc, through which a gradient flows to both."""
    out = standard if _is(scale, 1) else mul(standard, as_dtype(scale, standard.type.dtype))
    out = out if _is(loc, 0) else add(out, as_dtype(loc, standard.type.dtype))
    return cast(checked_shape(out, standard), dtype)


def checked_shape(out: Tensor, standard: Tensor) -> Tensor:
    """`out`, an error if parameters made it larger than the draw's own size."""
    pairs = zip(standard.type.shape, out.type.shape, strict=True)
    if any(mine == 1 != theirs for mine, theirs in pairs):
        raise ShapeError(
            f"the parameters of a draw broadcast its size {standard.type.shape} to"
            f" {out.type.shape}; give the size of the whole result"
        )
    return out


def as_dtype(value: Any, dtype: str) -> Tensor:
    """A parameter in the dtype of the draw; a bare number becomes a constant of it."""
    if isinstance(value, bool | int | float):
        return constant(value, dtype=dtype)
    return cast(as_tensor_variable(value), dtype)


def _is(value: Any, number: float) -> bool:
    return isinstance(value, int | float) and value == number


def either(first: Any, second: Any) -> Any:
    """A parameter that goes by two names: the second if it is given."""
    return first if second is None else second


def require(fine: bool, message: str) -> None:
    """A `ParameterError` unless a condition on known parameters holds."""
    if not fine:
        raise ParameterError(message)


def known(value: Any) -> np.ndarray[Any, Any] | None:
    """The value of a parameter if it is known while the graph is built."""
    var = as_tensor_variable(value)
    return var.data if isinstance(var, Constant) else None


def check_positive(name: str, value: Any, zero: bool = False, late: bool = True) -> Any:
    """A parameter that has to be above 0, or with `zero` not below it.

    A known one is an error at once, others when the function runs; that is left to the draw's own
    routine if `late` is false.
    """
    data, text = known(value), f"{name} has to be {'0 or more' if zero else 'above 0'}"
    if data is not None:
        require(bool((data >= 0 if zero else data > 0).all()), f"{text}: {value}")
        return value
    var = as_tensor_variable(value)
    low, _ = bounds_of(var)
    if not late or low > 0 or (zero and low >= 0):
        return value
    return _checked(var, text, all_of(invert(lt(var, 0) if zero else le(var, 0))))


def check_probability(name: str, value: Any, late: bool = True) -> Any:
    """A parameter that has to lie in [0, 1]; when it is checked as in `check_positive`."""
    data, text = known(value), f"{name} is a probability, in [0, 1]"
    if data is not None:
        require(bool(((data >= 0) & (data <= 1)).all()), f"{text}, not {value}")
        return value
    var = as_tensor_variable(value)
    low, high = bounds_of(var)
    if not late or (low >= 0 and high <= 1):
        return value
    return _checked(var, text, all_of(and_(ge(var, 0), le(var, 1))))


def check_order(low: tuple[str, Any], high: tuple[str, Any], late: bool = True) -> Any:
    """The second of two named parameters; the first has to be below it, as in `check_positive`."""
    least, most = known(low[1]), known(high[1])
    text = f"{low[0]} has to be below {high[0]}"
    if least is not None and most is not None:
        require(bool((least < most).all()), f"{text}, but they are {low[1]} and {high[1]}")
        return high[1]
    if not late:
        return high[1]
    return _checked(as_tensor_variable(high[1]), text, all_of(lt(low[1], high[1])))


def _checked(var: Tensor, message: str, holds: Tensor) -> Tensor:
    """A parameter, a `ParameterError` when the function runs unless a condition holds."""
    return CheckAndRaise(ParameterError, message)(var, holds)


def integer_dtype(dtype: str) -> str:
    """The dtype of a discrete draw: any real one."""
    name = check_dtype(dtype)
    if name.startswith("complex"):
        raise GraphTypeError(f"this draw gives whole numbers, not {name}")
    return name
