"""`T.signal.downsample`: pooling as programs before 2016 call it."""

from __future__ import annotations

from typing import Any

from symgraph.ops.pool import max_pool_2d_same_size, pool_2d
from symgraph.types import Tensor

__all__ = ["max_pool_2d", "max_pool_2d_same_size"]


def max_pool_2d(
    input: Any,
    ds: Any,
    ignore_border: bool | None = None,
    st: Any = None,
    padding: Any = (0, 0),
    mode: str = "max",
) -> Tensor:
    """As `T.signal.pool.pool_2d`, which names its parameters `ws`, `stride` and `pad`."""
    return pool_2d(input, ds, ignore_border, st, padding, mode)
