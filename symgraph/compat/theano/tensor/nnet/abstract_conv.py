"""`theano.tensor.nnet.abstract_conv`: convolutions as functions, and as objects that are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from symgraph.nnet import *
from symgraph.nnet import (
    conv2d,
    conv2d_grad_wrt_inputs,
    conv2d_grad_wrt_weights,
    conv3d,
    conv3d_grad_wrt_inputs,
    conv3d_grad_wrt_weights,
)


class BaseAbstractConv:
    """A convolution's settings; calling it applies one of the functions of `convdim` axes.

    `imshp` and `kshp` hold the whole shapes of images and filters, as far as they are known.
    """

    convdim: ClassVar[int]

    def __init__(
        self,
        imshp: Sequence[Any] | None = None,
        kshp: Sequence[Any] | None = None,
        border_mode: Any = "valid",
        subsample: Any = None,
        filter_flip: bool = True,
        filter_dilation: Any = None,
        num_groups: int = 1,
        unshared: bool = False,
    ) -> None:
        self.imshp, self.kshp = imshp, kshp
        ones = (1,) * self.convdim
        self.settings: dict[str, Any] = {
            "border_mode": border_mode,
            "subsample": subsample or ones,
            "filter_flip": filter_flip,
            "filter_dilation": filter_dilation or ones,
            "num_groups": num_groups,
        }
        if unshared:
            self.settings["unshared"] = True


class _Forward(BaseAbstractConv):
    def __call__(self, img: Any, kern: Any) -> Any:
        """The convolution of images with filters."""
        function = conv2d if self.convdim == 2 else conv3d
        return function(img, kern, self.imshp, self.kshp, **self.settings)


class _ToWeights(BaseAbstractConv):
    def __call__(self, img: Any, topgrad: Any, shape: Any, add_assert_shape: bool = True) -> Any:
        """The gradient by the filters, whose spatial sizes are `shape`."""
        function = conv2d_grad_wrt_weights if self.convdim == 2 else conv3d_grad_wrt_weights
        return function(img, topgrad, shape, self.imshp, **self.settings)


class _ToInputs(BaseAbstractConv):
    def __call__(self, kern: Any, topgrad: Any, shape: Any, add_assert_shape: bool = True) -> Any:
        """The gradient by the images, whose spatial sizes are `shape`."""
        function = conv2d_grad_wrt_inputs if self.convdim == 2 else conv3d_grad_wrt_inputs
        return function(topgrad, kern, shape, self.kshp, **self.settings)


class AbstractConv2d(_Forward):
    """`AbstractConv2d(...)(img, kern)`: see `conv2d`."""

    convdim = 2


class AbstractConv2d_gradWeights(_ToWeights):  # noqa: N801 - Theano's name
    """`AbstractConv2d_gradWeights(...)(img, topgrad, shape)`: see `conv2d_grad_wrt_weights`."""

    convdim = 2


class AbstractConv2d_gradInputs(_ToInputs):  # noqa: N801 - Theano's name
    """`AbstractConv2d_gradInputs(...)(kern, topgrad, shape)`: see `conv2d_grad_wrt_inputs`."""

    convdim = 2


class AbstractConv3d(_Forward):
    """`AbstractConv3d(...)(img, kern)`: see `conv3d`."""

    convdim = 3


class AbstractConv3d_gradWeights(_ToWeights):  # noqa: N801 - Theano's name
    """`AbstractConv3d_gradWeights(...)(img, topgrad, shape)`: see `conv3d_grad_wrt_weights`."""

    convdim = 3


class AbstractConv3d_gradInputs(_ToInputs):  # noqa: N801 - Theano's name
    """`AbstractConv3d_gradInputs(...)(kern, topgrad, shape)`: see `conv3d_grad_wrt_inputs`."""

    convdim = 3


# --- sizes ---------------------------------------------------------------------------------------


def border_mode_to_pad(mode: Any, convdim: int, kshp: Sequence[Any]) -> tuple[tuple[Any, Any], ...]:
    """The zeros in front and behind along each axis, for filters (dilated) of sizes `kshp`."""
    modes = mode if isinstance(mode, tuple | list) else (mode,) * convdim
    return tuple(_padding(m, size) for m, size in zip(modes, kshp, strict=True))


def _padding(mode: Any, size: Any) -> tuple[Any, Any]:
    if isinstance(mode, tuple):
        return mode
    known = {"valid": 0, "half": None if size is None else size // 2}
    pad = known.get(mode, None if size is None else size - 1) if isinstance(mode, str) else mode
    return pad, pad


def get_conv_shape_1axis(
    image_shape: Any, kernel_shape: Any, border_mode: Any, subsample: Any, dilation: Any = 1
) -> Any:
    """The size of a convolution's output along an axis; None where sizes are not known."""
    if None in (image_shape, kernel_shape, border_mode, subsample, dilation):
        return None
    taps = (kernel_shape - 1) * dilation + 1
    before, after = _padding(border_mode, taps)
    return (image_shape + before + after - taps) // subsample + 1


def get_conv_output_shape(
    image_shape: Sequence[Any],
    kernel_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[Any],
    filter_dilation: Sequence[Any] | None = None,
) -> tuple[Any, ...]:
    """The shape of a convolution's output, None for sizes that are not known.

    >>> get_conv_output_shape((8, 3, 32, 32), (16, 3, 5, 5), "half", (2, 2))
    (8, 16, 16, 16)
    """
    ndim = len(subsample)
    modes = border_mode if isinstance(border_mode, tuple | list) else (border_mode,) * ndim
    axes = zip(
        image_shape[-ndim:],
        kernel_shape[-ndim:],
        modes,
        subsample,
        filter_dilation or (1,) * ndim,
        strict=True,
    )
    return (image_shape[0], kernel_shape[0], *(get_conv_shape_1axis(*axis) for axis in axes))
