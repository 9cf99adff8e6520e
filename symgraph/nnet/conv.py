"""`T.nnet.conv`: the convolution as programs of 2010 to 2015 call it."""

from __future__ import annotations

from typing import Any

from symgraph.ops.conv import conv2d as _conv2d
from symgraph.types import Tensor

__all__ = ["conv2d"]


def conv2d(
    input: Any,
    filters: Any,
    image_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    **options: Any,
) -> Tensor:
    """The convolution of images (batch, channels, rows, columns) with filters.

    As `T.nnet.conv2d`; options of the old implementation, as `unroll_batch`, mean nothing here.
    """
    return _conv2d(input, filters, image_shape, filter_shape, border_mode, subsample)
