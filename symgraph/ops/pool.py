"""Pooling under Theano's names."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.graph import Constant
from symgraph.ops.pooling import MODES, PoolPut, PoolSum, max_pooled
from symgraph.types import Tensor, as_tensor_variable

__all__ = ["max_pool_2d_same_size", "pool_2d", "pool_3d"]


def pool_2d(
    input: Any,
    ws: Any = None,
    ignore_border: bool | None = None,
    stride: Any = None,
    pad: Any = (0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Tensor:
    """The largest element, sum or mean of windows over the last two axes.

    Parameters
    ----------
    input
        A tensor of two axes or more.
    ws
        The window's rows and columns; one int stands for both. `ds` in old programs.
    ignore_border
        Whether windows that the end of the image cuts off are left out. By default they are not.
    stride
        From window to window, by default the window's size. `st` in old programs.
    pad
        Rows and columns added on both sides, less than the window's; they need `ignore_border`.
        They never hold the largest element and count as zeros in sums. `padding` in old programs.
    mode
        "max", "sum", "average_inc_pad" (the border counts) or "average_exc_pad" (it does not).

    The gradient of "max" goes to the first of a window's largest elements.

    >>> pool_2d([[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]], (2, 2)).eval()
    array([[4., 6.]])
    >>> pool_2d([[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]], 2, ignore_border=True, mode="sum").eval()
    array([[10.]])
    """
    ws, stride = (ds if ws is None else ws), (st if stride is None else stride)
    return _pool(2, input, ws, ignore_border, stride, pad if padding is None else padding, mode)


def pool_3d(
    input: Any,
    ws: Any = None,
    ignore_border: bool | None = None,
    stride: Any = None,
    pad: Any = (0, 0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Tensor:
    """As `pool_2d`, over the last three axes."""
    ws, stride = (ds if ws is None else ws), (st if stride is None else stride)
    return _pool(3, input, ws, ignore_border, stride, pad if padding is None else padding, mode)


def max_pool_2d_same_size(input: Any, patch_size: Any) -> Tensor:
    """The input with all but the largest element of each patch set to 0.

    Patches lie side by side in the last two axes; a rest at the border is 0.

    >>> max_pool_2d_same_size([[1.0, 2.0], [4.0, 3.0]], (2, 2)).eval()
    array([[0., 0.],
           [4., 0.]])
    """
    x = as_tensor_variable(input)
    size = _ints(patch_size, 2, 1, "patch_size")
    options: dict[str, Any] = {"size": size, "stride": size, "pad": (0, 0)}
    result: Tensor = PoolPut(**options)(x, max_pooled(x, **options))
    return result


def _pool(
    ndim: int, x: Any, ws: Any, ignore_border: bool | None, stride: Any, pad: Any, mode: str
) -> Tensor:
    if ws is None:
        raise GraphTypeError("pooling needs ws, the window's size")
    size = _ints(ws, ndim, 1, "ws")
    border = _ints(pad, ndim, 0, "pad")
    options: dict[str, Any] = {
        "size": size,
        "stride": size if stride is None else _ints(stride, ndim, 1, "stride"),
        "pad": border,
        "ignore_border": bool(ignore_border),
    }
    if any(border) and not ignore_border:
        raise GraphTypeError("pad needs ignore_border=True")
    if any(p >= n for p, n in zip(border, size, strict=True)):
        raise GraphTypeError(f"pad {border} has to be less than the window {size}")
    if mode == "max":
        return max_pooled(as_tensor_variable(x), **options)
    if mode not in MODES:
        raise GraphTypeError(f"mode is 'max', {', '.join(map(repr, MODES))}, not {mode!r}")
    result: Tensor = PoolSum(**options, mode=mode)(x)
    return result


def _ints(value: Any, ndim: int, least: int, what: str) -> tuple[int, ...]:
    """An int for each axis, from one, from several, or from a constant."""
    value = value.data if isinstance(value, Constant) else value
    try:
        found = (int(value),) * ndim if not hasattr(value, "__len__") else tuple(map(int, value))
    except TypeError:
        raise GraphTypeError(f"{what} is a number for each axis, known now, not {value}") from None
    if len(found) != ndim or min(found) < least:
        raise GraphTypeError(f"{what} is {ndim} ints, {least} or more, not {value!r}")
    return found
