"""`theano.tensor.signal.pool`."""

from __future__ import annotations

from typing import Any

from symgraph.signal.pool import max_pool_2d_same_size, pool_2d, pool_3d

__all__ = ["Pool", "max_pool_2d_same_size", "pool_2d", "pool_3d"]


class Pool:
    """`Pool(ignore_border, mode, ndim)(x, ws, stride, pad)`: see `pool_2d` and `pool_3d`."""

    def __init__(self, ignore_border: bool = False, mode: str = "max", ndim: int = 2) -> None:
        self.ignore_border, self.mode, self.ndim = ignore_border, mode, ndim

    def __call__(self, x: Any, ws: Any, stride: Any = None, pad: Any = None) -> Any:
        """The pooled images or volumes."""
        pool = {2: pool_2d, 3: pool_3d}[self.ndim]
        pads = (0,) * self.ndim if pad is None else pad
        return pool(x, ws, self.ignore_border, stride, pads, self.mode)
