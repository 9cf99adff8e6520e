"""Ops of `theano.tensor.signal.pool`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.compat.standins.base import OpClass
from symgraph.dataclass import dataclass
from symgraph.errors import ShapeError
from symgraph.gradient import Lop, Rop
from symgraph.graph import Variable
from symgraph.signal.pool import pool_2d, pool_3d
from symgraph.tensor import ge, maximum, shape_padright, switch
from symgraph.types import as_tensor_variable

__all__ = [
    "AveragePoolGrad",
    "DownsampleFactorMaxGradGrad",
    "MaxPoolGrad",
    "MaxPoolRop",
    "Pool",
    "PoolGrad",
]


def _larger(a: Any, b: Any) -> Any:
    return maximum(a, b) if isinstance(a, Variable) or isinstance(b, Variable) else max(a, b)


def _windows(size: Any, window: Any, stride: Any, ignore_border: bool) -> Any:
    """How many windows lie along an axis."""
    if ignore_border:
        return _larger((size - window) // stride + 1, 0)
    apart, among = (size - 1) // stride + 1, _larger((size - 1 - window + stride) // stride, 0) + 1
    if isinstance(window, Variable) or isinstance(stride, Variable):
        return switch(ge(stride, window), apart, among)
    return apart if stride >= window else among


@dataclass(frozen=True)
class _Pooling(OpClass):
    ignore_border: bool = False
    mode: str = "max"
    ndim: int = 2
    openmp: Any = None

    def pooled(self, x: Any, ws: Any, stride: Any = None, pad: Any = None) -> Any:
        """The windows' values, along the last `ndim` axes."""
        pads = (0,) * self.ndim if pad is None else tuple(pad)
        if self.ndim == 3:
            return pool_3d(x, ws, self.ignore_border, stride, pads, self.mode)
        if self.ndim == 2:
            return pool_2d(x, ws, self.ignore_border, stride, pads, self.mode)
        if self.ndim != 1:
            raise NotImplementedError(f"there is pooling along 1, 2 or 3 axes, not {self.ndim}")
        steps = None if stride is None else (*stride, 1)
        x = shape_padright(as_tensor_variable(x))
        found = pool_2d(x, (*ws, 1), self.ignore_border, steps, (*pads, 0), self.mode)
        return found.dimshuffle(*range(found.type.ndim - 1))


class Pool(_Pooling):
    """`Pool(ignore_border, mode, ndim)(x, ws, stride, pad)`: see `pool_2d` and `pool_3d`."""

    def apply(self, x: Any, ws: Any, stride: Any = None, pad: Any = None) -> Any:
        """The pooled signals, images or volumes."""
        return self.pooled(x, ws, stride, pad)

    @staticmethod
    def out_shape(
        imgshape: Sequence[Any],
        ws: Any = None,
        ignore_border: bool = False,
        stride: Any = None,
        pad: Any = None,
        ndim: int = 2,
        ds: Any = None,
        st: Any = None,
        padding: Any = None,
    ) -> list[Any]:
        """The shape of the result, from numbers or variables; `ds`, `st`, `padding`: older names.

        >>> Pool.out_shape((9, 8, 6), (2, 2))
        [9, 4, 3]
        """
        windows = ds if ws is None else ws
        if windows is None:
            raise ShapeError("out_shape needs ws, the sizes of a window")
        if len(imgshape) < ndim:
            raise TypeError(f"imgshape has {len(imgshape)} sizes, and {ndim} axes are pooled")
        strides = (st if stride is None else stride) or windows
        pads = (padding if pad is None else pad) or (0,) * ndim
        sizes = [size + 2 * p for size, p in zip(imgshape[-ndim:], pads, strict=True)]
        axes = zip(sizes, windows, strides, strict=True)
        rest = imgshape[: len(imgshape) - ndim]
        return [*rest, *(_windows(*axis, ignore_border) for axis in axes)]


class PoolGrad(_Pooling):
    """The cotangent of signals from that of their windows."""

    def back(self, x: Any, gz: Any, *settings: Any) -> Any:
        """As large as x."""
        x = as_tensor_variable(x)
        return Lop(self.pooled(x, *settings), x, as_tensor_variable(gz))


class MaxPoolGrad(PoolGrad):
    """`MaxPoolGrad(ignore_border)(x, maxout, gz, ws, stride, pad)`."""

    def apply(
        self, x: Any, maxout: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None
    ) -> Any:
        """The cotangent of x."""
        return self.back(x, gz, ws, stride, pad)


class AveragePoolGrad(PoolGrad):
    """`AveragePoolGrad(ignore_border, mode)(x, gz, ws, stride, pad)`."""

    def __init__(self, ignore_border: bool, mode: str = "average_inc_pad", ndim: int = 2) -> None:
        super().__init__(ignore_border, mode, ndim)

    def apply(self, x: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None) -> Any:
        """The cotangent of x."""
        return self.back(x, gz, ws, stride, pad)


class MaxPoolRop(_Pooling):
    """`MaxPoolRop(ignore_border)(x, eval_point, ws, stride, pad)`: the derivative along a point."""

    def apply(self, x: Any, eval_point: Any, ws: Any, stride: Any = None, pad: Any = None) -> Any:
        """As large as the pooled."""
        x = as_tensor_variable(x)
        return Rop(self.pooled(x, ws, stride, pad), x, as_tensor_variable(eval_point))


class DownsampleFactorMaxGradGrad(MaxPoolRop):
    """`DownsampleFactorMaxGradGrad(ignore_border)(x, maxout, ggx, ws, stride, pad)`."""

    def apply(  # type: ignore[override]
        self, x: Any, maxout: Any, ggx: Any, ws: Any, stride: Any = None, pad: Any = None
    ) -> Any:
        """What ggx has where x has the maxima."""
        return super().apply(x, ggx, ws, stride, pad)
