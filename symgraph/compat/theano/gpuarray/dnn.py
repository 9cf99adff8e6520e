"""`theano.gpuarray.dnn`: cuDNN's functions, by our own convolution and pooling."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.gpuarray.absent import Absent
from symgraph.nnet import (
    batch_normalization_test as dnn_batch_normalization_test,
)
from symgraph.nnet import (
    batch_normalization_train as dnn_batch_normalization_train,
)
from symgraph.nnet import conv2d, conv3d
from symgraph.signal.pool import pool_2d, pool_3d

GpuDnnConv = GpuDnnConvDesc = GpuDnnConvGradI = GpuDnnConvGradW = GpuDnnPool = Absent
GpuDnnPoolDesc = GpuDnnSoftmax = GpuDnnSoftmaxGrad = GpuDnnBase = Absent

__all__ = [
    "GpuDnnBase",
    "GpuDnnConv",
    "GpuDnnConvDesc",
    "GpuDnnConvGradI",
    "GpuDnnConvGradW",
    "GpuDnnPool",
    "GpuDnnPoolDesc",
    "GpuDnnSoftmax",
    "GpuDnnSoftmaxGrad",
    "dnn_available",
    "dnn_batch_normalization_test",
    "dnn_batch_normalization_train",
    "dnn_conv",
    "dnn_conv3d",
    "dnn_pool",
    "dnn_present",
    "version",
]


def dnn_available(context_name: Any = None) -> bool:
    """Whether cuDNN runs on the device in use: it does not, and programs take another way."""
    return False


dnn_present = dnn_available


def version(raises: bool = True) -> int:
    """cuDNN's version: -1, there is none."""
    return -1


def dnn_conv(
    img: Any,
    kerns: Any,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    dilation: Any = (1, 1),
    conv_mode: str = "conv",
    num_groups: int = 1,
    **settings: Any,
) -> Any:
    """Convolution of images (batch, channels, rows, columns); settings of cuDNN mean nothing."""
    return conv2d(
        img,
        kerns,
        border_mode=border_mode,
        subsample=subsample,
        filter_dilation=dilation,
        filter_flip=conv_mode == "conv",
        num_groups=num_groups,
    )


def dnn_conv3d(
    img: Any,
    kerns: Any,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    dilation: Any = (1, 1, 1),
    conv_mode: str = "conv",
    num_groups: int = 1,
    **settings: Any,
) -> Any:
    """Convolution of volumes (batch, channels, depth, rows, columns)."""
    return conv3d(
        img,
        kerns,
        border_mode=border_mode,
        subsample=subsample,
        filter_dilation=dilation,
        filter_flip=conv_mode == "conv",
        num_groups=num_groups,
    )


def dnn_pool(
    img: Any, ws: Any, stride: Any = None, mode: str = "max", pad: Any = None, **settings: Any
) -> Any:
    """Pooling of images or volumes over windows `ws`; windows that do not fit are left out."""
    pool = pool_2d if len(ws) == 2 else pool_3d
    return pool(
        img,
        ws,
        ignore_border=True,
        stride=stride or (1,) * len(ws),
        pad=pad or (0,) * len(ws),
        mode={"average": "average_inc_pad"}.get(mode, mode),
    )
