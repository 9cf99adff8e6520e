"""`T.signal.conv`: images convolved with filters, without channels."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.conv import conv2d as _conv2d
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import Tensor, as_tensor_variable

__all__ = ["conv2d"]


def conv2d(
    input: Any,
    filters: Any,
    image_shape: Any = None,
    filter_shape: Any = None,
    border_mode: str = "valid",
    subsample: Any = (1, 1),
    **options: Any,
) -> Tensor:
    """Each image convolved with each filter.

    Parameters
    ----------
    input
        An image (rows, columns), or several (images, rows, columns).
    filters
        A filter, or several, likewise.
    image_shape, filter_shape
        Their sizes, None where not known.
    border_mode, subsample
        As of `T.nnet.conv2d`.

    The output has an axis for the images and one for the filters where there are several. Options
    of Theano's implementation, as `unroll_batch`, mean nothing here.

    >>> conv2d([[1.0, 2.0, 3.0]], [[1.0, 10.0]]).eval()
    array([[12., 23.]])
    """
    x, w = as_tensor_variable(input), as_tensor_variable(filters)
    if x.type.ndim not in (2, 3) or w.type.ndim not in (2, 3):
        raise GraphTypeError(f"signal.conv2d takes 2 or 3 axes, not {x.type} and {w.type}")
    out = _conv2d(
        _with_channel(x),
        _with_channel(w),
        _sizes(image_shape),
        _sizes(filter_shape),
        border_mode,
        subsample,
    )
    kept = [shape_i(out, 0)] * (x.type.ndim == 3) + [shape_i(out, 1)] * (w.type.ndim == 3)
    return reshape(out, [*kept, shape_i(out, 2), shape_i(out, 3)])


def _with_channel(x: Tensor) -> Tensor:
    return dimshuffle(
        x, *([0] if x.type.ndim == 3 else ["x"]), "x", x.type.ndim - 2, x.type.ndim - 1
    )


def _sizes(shape: Any) -> Any:
    if shape is None:
        return None
    front = [shape[0], 1] if len(shape) == 3 else [1, 1]
    return [*front, *shape[-2:]]
