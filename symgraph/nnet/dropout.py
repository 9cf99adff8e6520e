"""Dropout: a mask of a random stream, drawn inside the kernel that uses it."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.activations import floating
from symgraph.ops.arith import mul
from symgraph.ops.shape import shape
from symgraph.random.stream import RandomStream
from symgraph.types import Tensor

__all__ = ["dropout"]


def dropout(x: Any, p: float, rng: RandomStream) -> Tensor:
    """`x` with each element set to 0 with probability `p`, others divided by 1 - p.

    So the mean stays, and nothing has to be scaled when the network is used (Srivastava et al.,
    2014). The elements left out differ from call to call, as `rng` draws them.

    >>> from symgraph import RandomStream
    >>> sorted(set(dropout([1.0] * 100, 0.5, RandomStream(1)).eval().tolist()))
    [0.0, 2.0]
    """
    if not 0 <= p < 1:
        raise GraphTypeError(f"dropout takes a probability from 0 up to but without 1, not {p!r}")
    x = floating(x)
    kept = rng.bernoulli(1 - p, size=shape(x), dtype=x.type.dtype)
    return mul(x, mul(kept, 1 / (1 - p)))
