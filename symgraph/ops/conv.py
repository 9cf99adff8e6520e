"""Convolutions under Theano's names.

Images are (batch, channels, axes...), filters (outputs, channels / groups, axes...).
`border_mode` is, for all axes at once or as a tuple for each:

- "valid": places where the kernel lies inside the image;
- "full": wherever it overlaps the image, so the output is larger;
- "half": half the kernel's size of zeros on every side, so that an odd kernel keeps sizes;
- an int: so many zeros on both sides; a pair: so many in front and behind (in a tuple only).

`subsample` is the step between places, `filter_dilation` that between taps. With `filter_flip`
the kernel is turned round (a convolution), without it is not (a correlation). `num_groups` cuts
channels and filters in groups that have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.convolution import Conv, ConvInputs, ConvWeights, Side
from symgraph.ops.index import subtensor
from symgraph.ops.specify import specify_shape
from symgraph.ops.unshared import unshared_convolution, unshared_inputs, unshared_weights
from symgraph.types import Tensor, as_tensor_variable

__all__ = [
    "causal_conv1d",
    "conv1d",
    "conv2d",
    "conv2d_grad_wrt_inputs",
    "conv2d_grad_wrt_weights",
    "conv2d_transpose",
    "conv3d",
    "conv3d_grad_wrt_inputs",
    "conv3d_grad_wrt_weights",
    "separable_conv2d",
    "separable_conv3d",
]

Sizes = Sequence[Any] | None


def _numbers(value: Any, ndim: int, what: str) -> tuple[int, ...]:
    """A positive int for each axis."""
    found = (value,) * ndim if isinstance(value, int) else tuple(map(int, value))
    if len(found) != ndim or min(found) < 1:
        raise GraphTypeError(f"{what} is {ndim} positive ints, one for each axis, not {value!r}")
    return found


def _sides(border_mode: Any, ndim: int) -> tuple[Side, ...]:
    """A border for each axis."""
    if isinstance(border_mode, str | int):
        border_mode = (border_mode,) * ndim
    if len(border_mode) != ndim:
        raise GraphTypeError(f"border_mode {border_mode!r} is not for {ndim} axes")
    return tuple(_side(side) for side in border_mode)


def _side(side: Any) -> Side:
    if side in ("half", "full"):
        return str(side)
    pair = (0, 0) if side == "valid" else (side, side) if isinstance(side, int) else tuple(side)
    if len(pair) != 2 or not all(isinstance(n, int) and n >= 0 for n in pair):
        raise GraphTypeError(
            f"border_mode is 'valid', 'full', 'half', an int, or a tuple of one for each axis,"
            f" not {side!r}"
        )
    return int(pair[0]), int(pair[1])


def _settings(
    ndim: int, subsample: Any, dilation: Any, border_mode: Any, groups: int, flip: bool
) -> tuple[Any, ...]:
    """The fields of a convolution, checked."""
    return (
        _numbers(subsample, ndim, "subsample"),
        _numbers(dilation, ndim, "filter_dilation"),
        _sides(border_mode, ndim),
        *_numbers(groups, 1, "num_groups"),
        bool(flip),
    )


def _known(x: Any, sizes: Sizes, what: str) -> Tensor:
    """`x` with the sizes a user states, where they are numbers: checked now or when it runs."""
    x = as_tensor_variable(x)
    if sizes is None:
        return x
    stated = [getattr(size, "data", size) for size in sizes]
    if len(stated) != x.type.ndim:
        raise GraphTypeError(f"{what} {tuple(sizes)} has {len(stated)} sizes, {x} {x.type.ndim}")
    wanted = [None if size is None or not _is_number(size) else int(size) for size in stated]
    return specify_shape(x, wanted) if any(size is not None for size in wanted) else x


def _is_number(size: Any) -> bool:
    try:
        return int(size) >= 0
    except (TypeError, ValueError):
        return False


def _convolved(
    ndim: int, x: Any, w: Any, input_shape: Sizes, filter_shape: Sizes, settings: tuple[Any, ...]
) -> Tensor:
    x, w = _known(x, input_shape, "input_shape"), _known(w, filter_shape, "filter_shape")
    result: Tensor = Conv(*settings)(x, w)
    return result


def conv2d(
    input: Any,
    filters: Any,
    input_shape: Sizes = None,
    filter_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    image_shape: Sizes = None,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Tensor:
    """The convolution of a batch of images with filters (LeCun et al., 1998).

    Parameters
    ----------
    input
        Images: (batch, channels, rows, columns).
    filters
        (outputs, channels / num_groups, rows, columns); `unshared`, with filters of its own at
        each place: (outputs, places along rows, along columns, channels / num_groups, rows,
        columns).
    input_shape, filter_shape
        Sizes of both as far as they are known, None elsewhere; checked. `image_shape` is
        Theano's old name of the first.
    border_mode, subsample, filter_flip, filter_dilation, num_groups
        See the head of this module.

    >>> conv2d([[[[1.0, 2.0, 3.0]]]], [[[[1.0, 10.0]]]]).eval()
    array([[[[12., 23.]]]])
    """
    settings = _settings(2, subsample, filter_dilation, border_mode, num_groups, filter_flip)
    sizes = image_shape if input_shape is None else input_shape
    if unshared:
        x, w = _known(input, sizes, "input_shape"), _known(filters, filter_shape, "filter_shape")
        return unshared_convolution(Conv(*settings), x, w)
    return _convolved(2, input, filters, sizes, filter_shape, settings)


def conv1d(
    input: Any,
    filters: Any,
    input_shape: Sizes = None,
    filter_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = 1,
    filter_flip: bool = True,
    filter_dilation: Any = 1,
    num_groups: int = 1,
) -> Tensor:
    """As `conv2d` for one axis: input (batch, channels, steps), filters (outputs, channels, steps).

    >>> conv1d([[[1.0, 2.0, 3.0]]], [[[1.0, 10.0]]], border_mode="full").eval()
    array([[[ 1., 12., 23., 30.]]])
    """
    settings = _settings(1, subsample, filter_dilation, border_mode, num_groups, filter_flip)
    return _convolved(1, input, filters, input_shape, filter_shape, settings)


def conv3d(
    input: Any,
    filters: Any,
    input_shape: Sizes = None,
    filter_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Tensor:
    """As `conv2d` for three axes: input (batch, channels, depth, rows, columns)."""
    settings = _settings(3, subsample, filter_dilation, border_mode, num_groups, filter_flip)
    return _convolved(3, input, filters, input_shape, filter_shape, settings)


def _last(shape: Any, ndim: int, what: str) -> list[Any]:
    """The sizes of the spatial axes of a shape given as a sequence or a symbolic vector."""
    if isinstance(shape, list | tuple):
        sizes = list(shape)[-ndim:]
    else:
        vector = as_tensor_variable(shape)
        sizes = [subtensor(vector, k - ndim) for k in range(ndim)]
    if len(sizes) != ndim or any(size is None for size in sizes):
        raise GraphTypeError(f"{what} needs a size for each of the last {ndim} axes, not {shape!r}")
    return sizes


def _stated(x: Tensor, shape: Any, what: str) -> Tensor:
    """`x` with those of its sizes that a whole shape states."""
    whole = isinstance(shape, list | tuple) and len(shape) == x.type.ndim
    return _known(x, shape, what) if whole else x


def _to_inputs(
    ndim: int, output_grad: Any, filters: Any, shape: Any, filter_shape: Sizes, settings: Any
) -> Tensor:
    w = _known(filters, filter_shape, "filter_shape")
    sizes = _last(shape, ndim, "input_shape")
    return _stated(ConvInputs(*settings)(w, output_grad, *sizes), shape, "input_shape")


def _to_weights(
    ndim: int, input: Any, output_grad: Any, shape: Any, input_shape: Sizes, settings: Any
) -> Tensor:
    x = _known(input, input_shape, "input_shape")
    sizes = _last(shape, ndim, "filter_shape")
    return _stated(ConvWeights(*settings)(x, output_grad, *sizes), shape, "filter_shape")


def conv2d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Any,
    filter_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Tensor:
    """The gradient by the images of a cost whose gradient by `conv2d`'s output is given.

    `input_shape` holds the images' four sizes, numbers or integer scalars; the first two may be
    None. The other parameters are those of the convolution.

    >>> conv2d_grad_wrt_inputs([[[[1.0]]]], [[[[1.0, 2.0]]]], (1, 1, 1, 2)).eval()
    array([[[[2., 1.]]]])
    """
    settings = _settings(2, subsample, filter_dilation, border_mode, num_groups, filter_flip)
    if unshared:
        w = _known(filters, filter_shape, "filter_shape")
        return unshared_inputs(
            Conv(*settings), w, output_grad, _last(input_shape, 2, "input_shape")
        )
    return _to_inputs(2, output_grad, filters, input_shape, filter_shape, settings)


def conv2d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Any,
    input_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Tensor:
    """The gradient by the filters of a cost whose gradient by `conv2d`'s output is given.

    `filter_shape` holds the filters' sizes, numbers or integer scalars; those in front of the last
    two may be None. The other parameters are those of the convolution.

    >>> conv2d_grad_wrt_weights([[[[3.0, 4.0]]]], [[[[1.0]]]], (1, 1, 1, 2)).eval()
    array([[[[4., 3.]]]])
    """
    settings = _settings(2, subsample, filter_dilation, border_mode, num_groups, filter_flip)
    if unshared:
        x = _known(input, input_shape, "input_shape")
        return unshared_weights(
            Conv(*settings), x, output_grad, _last(filter_shape, 2, "filter_shape")
        )
    return _to_weights(2, input, output_grad, filter_shape, input_shape, settings)


def conv3d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Any,
    filter_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Tensor:
    """As `conv2d_grad_wrt_inputs` for three axes."""
    settings = _settings(3, subsample, filter_dilation, border_mode, num_groups, filter_flip)
    return _to_inputs(3, output_grad, filters, input_shape, filter_shape, settings)


def conv3d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Any,
    input_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Tensor:
    """As `conv2d_grad_wrt_weights` for three axes."""
    settings = _settings(3, subsample, filter_dilation, border_mode, num_groups, filter_flip)
    return _to_weights(3, input, output_grad, filter_shape, input_shape, settings)


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    filter_shape: Sizes = None,
    border_mode: Any = "valid",
    input_dilation: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Tensor:
    """The transposed convolution, or "deconvolution" (Zeiler et al., 2010).

    The linear map whose transpose is the convolution with `subsample=input_dilation`.
    `filters` are (channels of the input, channels of the output / num_groups, rows, columns).

    >>> conv2d_transpose([[[[1.0, 2.0]]]], [[[[1.0, 1.0]]]], (1, 1, 1, 4),
    ...                  input_dilation=(1, 2)).eval()
    array([[[[1., 1., 2., 2.]]]])
    """
    return conv2d_grad_wrt_inputs(
        input,
        filters,
        output_shape,
        filter_shape,
        border_mode,
        input_dilation,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )


def separable_conv2d(
    input: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    num_channels: int,
    input_shape: Sizes = None,
    depthwise_filter_shape: Sizes = None,
    pointwise_filter_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
) -> Tensor:
    """A convolution of each channel by itself, then one of all channels (Chollet, 2016).

    `depthwise_filters` are (num_channels * multiplier, 1, rows, columns), `pointwise_filters`
    (outputs, num_channels * multiplier, 1, 1).
    """
    deep = conv2d(
        input,
        depthwise_filters,
        input_shape,
        depthwise_filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation=filter_dilation,
        num_groups=num_channels,
    )
    return conv2d(deep, pointwise_filters, None, pointwise_filter_shape, filter_flip=filter_flip)


def separable_conv3d(
    input: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    num_channels: int,
    input_shape: Sizes = None,
    depthwise_filter_shape: Sizes = None,
    pointwise_filter_shape: Sizes = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
) -> Tensor:
    """As `separable_conv2d` for three axes."""
    deep = conv3d(
        input,
        depthwise_filters,
        input_shape,
        depthwise_filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_channels,
    )
    return conv3d(deep, pointwise_filters, None, pointwise_filter_shape, filter_flip=filter_flip)


def causal_conv1d(
    input: Any,
    filters: Any,
    filter_shape: Sizes,
    input_shape: Sizes = None,
    subsample: int = 1,
    filter_flip: bool = True,
    filter_dilation: int = 1,
    num_groups: int = 1,
    unshared: bool = False,
) -> Tensor:
    """A convolution along time that sees no later steps (van den Oord et al., 2016).

    Input (batch, channels, steps), filters (outputs, channels / num_groups, steps); `unshared`,
    (outputs, places, channels / num_groups, steps). `filter_shape` has to hold the last size, a
    number. The output has as many steps as the input, with `subsample` 1.

    >>> causal_conv1d([[[1.0, 2.0, 3.0]]], [[[1.0, 10.0]]], (1, 1, 2)).eval()
    array([[[ 1., 12., 23.]]])
    """
    (size,) = _last(filter_shape, 1, "filter_shape")
    if not _is_number(size):
        raise GraphTypeError(f"causal_conv1d needs the filters' length as a number, not {size}")
    front = (int(size) - 1) * filter_dilation
    settings = _settings(1, subsample, filter_dilation, ((front, 0),), num_groups, filter_flip)
    if unshared:
        x, w = (
            _known(input, input_shape, "input_shape"),
            _known(filters, filter_shape, "filter_shape"),
        )
        return unshared_convolution(Conv(*settings), x, w)
    return _convolved(1, input, filters, input_shape, filter_shape, settings)
