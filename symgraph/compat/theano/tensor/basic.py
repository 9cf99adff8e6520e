"""`theano.tensor.basic`: what `symgraph.tensor` has, and the names only Theano gives it."""

from __future__ import annotations

import builtins
from functools import reduce
from typing import Any

import numpy as np

from symgraph.compat.standins.elementwise import DimShuffle
from symgraph.compat.standins.indexing import Alloc, Reshape
from symgraph.compat.standins.tensors import (
    AllocDiag,
    ARange,
    Argmax,
    Choose,
    ExtractDiag,
    Eye,
    Flatten,
    Join,
    MaxAndArgmax,
    Nonzero,
    PermuteRowElements,
    ScalarFromTensor,
    Split,
    TensorFromScalar,
    Tile,
    Tri,
)
from symgraph.compat.theano.compile.ops import Rebroadcast, SpecifyShape
from symgraph.compat.theano.compile.sharedvalue import shared
from symgraph.compat.theano.gof import Apply, Op, Type, Variable
from symgraph.compat.theano.tensor import io
from symgraph.compat.theano.tensor.io import LoadFromDisk
from symgraph.compat.theano.tensor.subtensor import *
from symgraph.compat.theano.tensor.type import TensorType
from symgraph.compat.theano.tensor.type_other import NoneConst, NoneTypeT, make_slice
from symgraph.errors import GraphTypeError, ShapeError
from symgraph.graph import Constant
from symgraph.ops.linalg import Dot
from symgraph.tensor import *
from symgraph.tensor import isinf, isnan, maximum, minimum, shape_padleft
from symgraph.types import COMPLEX as complex_dtypes
from symgraph.types import CONTINUOUS as continuous_dtypes
from symgraph.types import DISCRETE as discrete_dtypes
from symgraph.types import DTYPES as all_dtypes
from symgraph.types import FLOATS as float_dtypes
from symgraph.types import Unknown, axes_of, constant, static_value
from symgraph.types import as_tensor_variable as as_own
from symgraph.variable import TensorConstant, TensorVariable

int_dtypes = tuple(d for d in discrete_dtypes if d.startswith("int"))
uint_dtypes = tuple(d for d in discrete_dtypes if d.startswith("uint"))
integer_dtypes = discrete_dtypes
Tensor = TensorType
_shared = shared
isnan_, isinf_ = isnan, isinf


def as_tensor_variable(x: Any, name: str | None = None, ndim: int | None = None) -> Any:
    """`x` as a tensor; of a node, its only output, or the one its op names.

    To have `ndim` axes it gets axes of size 1 in front, or loses such; others are a ValueError.
    """
    if isinstance(x, Apply):
        default, count = x.op.default_output, len(x.outputs)
        if default is None and count != 1:
            raise ValueError(f"{x} has {count} outputs; take one of its .outputs")
        if default is not None and default not in range(count):
            raise AttributeError(f"{x.op} has output {default} by default, and {count} outputs")
        x = x.outputs[default or 0]
    if not isinstance(x, Variable):
        return as_own(x, name, ndim)
    x = as_own(x)
    if ndim is None or x.type.ndim == ndim:
        return x
    if x.type.ndim < ndim:
        return shape_padleft(x, ndim - x.type.ndim)
    extra = x.type.ndim - ndim
    if False in x.type.broadcastable[:extra]:
        raise ValueError(f"{x}, {x.type}, does not fit {ndim} axes")
    return x.dimshuffle(*range(extra, x.type.ndim))


as_tensor = as_tensor_variable
globals().update(load=io.load)  # symgraph's own takes no variable for the path


class NotScalarConstantError(GraphTypeError):
    """A variable is not a constant of one element."""


class EmptyConstantError(NotScalarConstantError):
    """A constant has no element."""


def get_scalar_constant_value(
    v: Any, elemwise: bool = True, only_process_constants: bool = False, max_recur: int = 10
) -> Any:
    """The number that a variable is known to be; `NotScalarConstantError` when it is not known."""
    if isinstance(v, int | float | builtins.complex | np.generic):
        return np.asarray(v)
    data = (
        v.data if isinstance(v, Constant) else np.asarray(v) if isinstance(v, np.ndarray) else None
    )
    if data is not None:
        if data.size == 0:
            raise EmptyConstantError(f"{v} has no element")
        if (data == data.flat[0]).all():
            return np.asarray(data.flat[0])
    elif isinstance(v, Variable) and getattr(v.type, "ndim", None) == 0:
        known = static_value(v)
        if not isinstance(known, Unknown):
            return np.asarray(known)
    raise NotScalarConstantError(f"{v} is not a known number")


def extract_constant(x: Any, elemwise: bool = True, only_process_constants: bool = False) -> Any:
    """The number a variable is known to be, else the variable."""
    try:
        return get_scalar_constant_value(x, elemwise, only_process_constants)
    except NotScalarConstantError:
        return x


def get_vector_length(v: Any) -> int:
    """The number of elements of a vector, where its type tells it."""
    v = as_tensor_variable(v)
    if v.type.ndim != 1 or not isinstance(v.type.shape[0], int):
        raise ValueError(f"the length of {v}, made at {v.made_at}, is not known")
    return v.type.shape[0]


def smallest(*args: Any) -> Any:
    """The elementwise minimum of all operands."""
    return reduce(minimum, args)


def largest(*args: Any) -> Any:
    """The elementwise maximum of all operands."""
    return reduce(maximum, args)


def _same(x: Any) -> Any:
    """The operand as a tensor: scalars and tensors are one kind here."""
    return as_tensor_variable(x)


tensor_from_scalar = scalar_from_tensor = _same


def tensor_copy(x: Any) -> Any:
    """The operand: copies are a decision of the compiler."""
    return as_tensor_variable(x).copy()


def transfer(var: Any, target: str) -> Any:
    """The variable on another device; there is only the CPU."""
    return as_tensor_variable(var).transfer(target)


def _conversion(dtype: str) -> Any:
    return lambda x: cast(x, dtype)


globals().update({f"_convert_to_{dtype}": _conversion(dtype) for dtype in all_dtypes})


def _allclose(a: Any, b: Any, rtol: float | None = None, atol: float | None = None) -> bool:
    """Whether two arrays are equal up to rounding in the coarser of their dtypes."""
    kinds = {str(np.asarray(x).dtype) for x in (a, b)}
    slack = 1e-3 if "float16" in kinds else 1e-5
    exact = 1e-5 if kinds & {"float16", "float32", "complex64"} else 1e-8
    return np.allclose(a, b, slack if rtol is None else rtol, exact if atol is None else atol)


def check_and_normalize_axes(x: Any, axis: Any) -> list[int]:
    """The axes of `x` that are meant, from 0 on; all of them, none written down, for None."""
    given = [] if axis is None else [constant(a).data for a in np.atleast_1d(axis)]
    return axes_of([int(a) for a in given], as_tensor_variable(x).type.ndim)


def default(x: Any, default: Any) -> Any:
    """`x`, or the default when it is None."""
    return default if x is None else x


setdefault = default


def makeKeepDims(x: Any, y: Any, axis: Any) -> Any:
    """`y`, a reduction of `x` over axes, with those axes put back at size 1."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    axes = range(x.type.ndim) if axis is None else np.atleast_1d(axis)
    gone = {int(a) % x.type.ndim for a in axes}
    kept = iter(range(y.type.ndim))
    return y.dimshuffle(*("x" if a in gone else next(kept) for a in range(x.type.ndim)))
