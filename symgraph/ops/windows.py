"""Windows of signals."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import abs_, maximum, mul, sub, true_div
from symgraph.ops.cast import cast
from symgraph.ops.create import arange
from symgraph.types import DISCRETE, Tensor, as_tensor_variable

__all__ = ["bartlett"]


def bartlett(M: Any) -> Tensor:
    """The triangle of `M` points that begins and ends at 0 (Bartlett, 1950); 1 if M is 1.

    `M` is an integer or an integer scalar; the result is a vector of floatX, empty below 1.

    >>> bartlett(5).eval()
    array([0. , 0.5, 1. , 0.5, 0. ])
    """
    m = as_tensor_variable(M)
    if m.type.ndim or m.type.dtype not in DISCRETE:
        raise GraphTypeError(f"bartlett takes how many points as an integer, not {m.type}")
    last = cast(sub(m, 1), "floatX")
    off_centre = abs_(sub(mul(2.0, cast(arange(m), "floatX")), last))
    return sub(1.0, true_div(off_centre, maximum(last, 1.0)))
