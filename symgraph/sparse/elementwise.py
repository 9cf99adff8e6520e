"""Functions of single entries. What is not stored is left alone.

The structured functions take zeros for absent: `structured_exp(x)` has no entry where `x` has none.
The others map 0 to 0, so for them it makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgraph.ops import arith, cast, elementary, rounding
from symgraph.ops.elementary import sigmoid
from symgraph.sparse.matrix import parts_of

__all__ = [
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "ceil",
    "conj",
    "conjugate",
    "deg2rad",
    "expm1",
    "floor",
    "log1p",
    "neg",
    "rad2deg",
    "rint",
    "sgn",
    "sin",
    "sinh",
    "sqr",
    "sqrt",
    "structured_add",
    "structured_exp",
    "structured_log",
    "structured_maximum",
    "structured_minimum",
    "structured_monoid",
    "structured_pow",
    "structured_sigmoid",
    "tan",
    "tanh",
    "trunc",
]


Function = Callable[..., Any]


def structured_monoid(tensor_op: Callable[..., Any]) -> Callable[[Function], Function]:
    """Decorates a function so that it applies `tensor_op` to the entries of its first argument."""

    def decorate(function: Function) -> Function:
        def applied(x: Any, *others: Any) -> Any:
            m = parts_of(x)
            return m.variable(tensor_op(m.data, *others))

        applied.__name__, applied.__doc__ = function.__name__, function.__doc__
        applied.__module__ = function.__module__
        return applied

    return decorate


@structured_monoid(sigmoid)
def structured_sigmoid(x: Any) -> Any:
    """The logistic function of every entry."""


@structured_monoid(elementary.exp)
def structured_exp(x: Any) -> Any:
    """The exponential of every entry."""


@structured_monoid(elementary.log)
def structured_log(x: Any) -> Any:
    """The logarithm of every entry."""


@structured_monoid(arith.pow)
def structured_pow(x: Any, y: Any) -> Any:
    """Every entry to the power `y`, a scalar."""


@structured_monoid(arith.minimum)
def structured_minimum(x: Any, y: Any) -> Any:
    """The smaller of every entry and a scalar."""


@structured_monoid(arith.maximum)
def structured_maximum(x: Any, y: Any) -> Any:
    """The larger of every entry and a scalar."""


@structured_monoid(arith.add)
def structured_add(x: Any, y: Any) -> Any:
    """Every entry plus a scalar."""


def _entrywise(name: str, function: Function) -> Function:
    def applied(x: Any) -> Any:
        m = parts_of(x)
        return m.variable(function(m.data))

    applied.__name__ = name
    applied.__doc__ = f"`T.{name}` of every entry."
    return applied


neg = _entrywise("neg", arith.neg)
sqr = _entrywise("sqr", arith.sqr)
sqrt = _entrywise("sqrt", elementary.sqrt)
sgn = _entrywise("sgn", arith.sgn)
sin = _entrywise("sin", elementary.sin)
tan = _entrywise("tan", elementary.tan)
arcsin = _entrywise("arcsin", elementary.arcsin)
arctan = _entrywise("arctan", elementary.arctan)
sinh = _entrywise("sinh", elementary.sinh)
tanh = _entrywise("tanh", elementary.tanh)
arcsinh = _entrywise("arcsinh", elementary.arcsinh)
arctanh = _entrywise("arctanh", elementary.arctanh)
expm1 = _entrywise("expm1", elementary.expm1)
log1p = _entrywise("log1p", elementary.log1p)
ceil = _entrywise("ceil", rounding.ceil)
floor = _entrywise("floor", rounding.floor)
trunc = _entrywise("trunc", rounding.trunc)
rint = _entrywise("rint", rounding.rint)
deg2rad = _entrywise("deg2rad", lambda x: arith.mul(x, np.pi / 180))
rad2deg = _entrywise("rad2deg", lambda x: arith.mul(x, 180 / np.pi))
conjugate = conj = _entrywise("conj", cast.conj)
