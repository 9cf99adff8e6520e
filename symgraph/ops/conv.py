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
from symgraph.ops.create import arange
from symgraph.ops.arith import add, mul
from symgraph.ops.arrange import pad
from symgraph.ops.index import subtensor
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.shape import dimshuffle, scalars_of, shape_i, specify_shape
from symgraph.types import Tensor, as_operands, as_tensor_variable

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
        return _unshared(Conv(*settings), *as_operands([x, w]))
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


def _to_inputs(ndim: int, output_grad: Any, filters: Any, shape: Any, settings: Any) -> Tensor:
    sizes = scalars_of(_last(shape, ndim, "input_shape"))
    result: Tensor = ConvInputs(*settings)(filters, output_grad, *sizes)
    stated = [*list(shape)[: -len(sizes)], *[None] * ndim] if isinstance(shape, list | tuple) else None
    return result if stated is None or len(stated) != ndim + 2 else _known(result, stated, "input_shape")


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
    """The gradient by its images of a cost whose gradient by `conv2d`'s output is given.

    `input_shape` holds the images' four sizes, numbers or integer scalars; the first two may be
    None. The other parameters are those of the convolution.
    """
    settings = _settings(2, subsample, filter_dilation, border_mode, num_groups, filter_flip)
    w = _known(filters, filter_shape, "filter_shape")
    if unshared:
        return _unshared_inputs(Conv(*settings), *as_operands([output_grad, w]), input_shape)
    return _to_inputs(2, output_grad, w, input_shape, settings)
