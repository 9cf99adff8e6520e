"""`T.nnet.conv3d2d` and `T.nnet.Conv3D`: convolutions in space and time, in old axis orders."""

from __future__ import annotations

from typing import Any

from symgraph.ops.arith import add
from symgraph.ops.conv import conv3d as _conv3d
from symgraph.ops.shape import dimshuffle
from symgraph.types import Tensor, as_operands

__all__ = ["conv3D", "conv3d"]


def conv3d(
    signals: Any,
    filters: Any,
    signals_shape: Any = None,
    filters_shape: Any = None,
    border_mode: Any = "valid",
) -> Tensor:
    """Films convolved with filters.

    Parameters
    ----------
    signals
        (batch, time, channels, rows, columns).
    filters
        (outputs, time, channels, rows, columns).
    signals_shape, filters_shape
        Their sizes, None where not known; checked.
    border_mode
        As of `T.nnet.conv3d`, for time, rows and columns.

    Returns
    -------
    tensor
        (batch, time, outputs, rows, columns).
    """
    x, w = (dimshuffle(v, 0, 2, 1, 3, 4) for v in as_operands([signals, filters]))
    sizes = _in_order(signals_shape), _in_order(filters_shape)
    return dimshuffle(_conv3d(x, w, *sizes, border_mode), 0, 2, 1, 3, 4)


def _in_order(shape: Any) -> Any:
    return None if shape is None else [shape[k] for k in (0, 2, 1, 3, 4)]


def conv3D(V: Any, W: Any, b: Any, d: Any) -> Tensor:
    """The correlation of films with filters, in steps `d`, and a bias `b` for each filter.

    `V` is (batch, rows, columns, time, channels), `W` (outputs, rows, columns, time, channels), the
    result (batch, rows, columns, time, outputs).
    """
    x, w = (dimshuffle(v, 0, 4, 1, 2, 3) for v in as_operands([V, W]))
    out = _conv3d(x, w, subsample=tuple(d), filter_flip=False)
    return add(dimshuffle(out, 0, 2, 3, 4, 1), b)
