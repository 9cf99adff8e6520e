"""`theano.scalar`: scalars are tensors of no axes here, so these are the tensors' own ops."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.compile.sharedvalue import shared as shared
from symgraph.compat.theano.scalar import basic
from symgraph.compat.theano.scalar.basic import *
from symgraph.compat.theano.scalar.basic import upgrade_to_float as upgrade_to_float
from symgraph.tensor import *
from symgraph.types import TensorType


def identity(x: Any) -> Any:
    """The operand."""
    return x
