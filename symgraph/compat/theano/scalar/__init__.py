"""`theano.scalar`: scalars are tensors of no axes here, so these are the tensors' own ops."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.scalar import basic
from symgraph.compat.theano.scalar.basic import *
from symgraph.families import Elemwise as ScalarOp
from symgraph.tensor import *
from symgraph.types import TensorType, promote


def Scalar(dtype: str) -> TensorType:
    """The type of scalars of a dtype."""
    return TensorType(dtype, ())


def upcast(dtype: str, *dtypes: str) -> str:
    """The dtype that holds the values of all."""
    return promote(dtype, *dtypes)


def identity(x: Any) -> Any:
    """The operand."""
    return x


get_scalar_type = Scalar
