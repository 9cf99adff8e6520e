"""`theano.gradient`."""

from __future__ import annotations

from typing import Any

from symgraph.absent import DisconnectedType, NullType, grad_not_implemented, grad_undefined
from symgraph.errors import DisconnectedInputError, GradientError, NullTypeGradError
from symgraph.gradient import *

__all__ = [
    "DisconnectedInputError",
    "DisconnectedType",
    "GradientError",
    "Lop",
    "NullType",
    "NullTypeGradError",
    "Rop",
    "consider_constant",
    "disconnected_grad",
    "format_as",
    "grad",
    "grad_clip",
    "grad_not_implemented",
    "grad_scale",
    "grad_undefined",
    "hessian",
    "hessian_vector_product",
    "jacobian",
    "numeric_grad",
    "subgraph_grad",
    "undefined_grad",
    "verify_grad",
    "zero_grad",
]


def format_as(use_list: bool, use_tuple: bool, outputs: Any) -> Any:
    """The outputs as a list, as a tuple, or, with neither, as they are."""
    several = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    if use_list:
        return several
    return tuple(several) if use_tuple else outputs
