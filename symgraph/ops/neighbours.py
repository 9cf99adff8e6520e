"""Neighbourhoods of images as the rows of a matrix, and back: look-ups, which fuse."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError, ShapeError
from symgraph.ops.arith import add, int_div, mod, mul, sub
from symgraph.ops.borders import pad
from symgraph.ops.checks import CheckAndRaise
from symgraph.ops.compare import eq, ge
from symgraph.ops.create import arange, zeros
from symgraph.ops.index import set_subtensor, subtensor
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import dimshuffle, scalars_of, shape_i
from symgraph.types import Tensor, as_tensor_variable

__all__ = ["images2neibs", "neibs2images"]

MODES = ("valid", "ignore_borders", "wrap_centered", "half", "full")
FITTED = ("valid", "half", "full")  # modes in which the last neighbourhood ends at the border
CURE = 'mode="ignore_borders" leaves out the rest'


def images2neibs(ten4: Any, neib_shape: Any, neib_step: Any = None, mode: str = "valid") -> Tensor:
    """Every neighbourhood of images as a row.

    Parameters
    ----------
    ten4
        Images: (batch, channels, rows, columns).
    neib_shape
        Rows and columns of a neighbourhood.
    neib_step
        From one to the next, by default `neib_shape`, so that they lie side by side.
    mode
        "valid": the steps have to fit the image. "ignore_borders": a rest is left out.
        "wrap_centered": centred on every step, going round at the edges. "half", "full": as
        "valid", with half the neighbourhood, or all but one, of zeros on every side.

    Returns
    -------
    tensor
        A matrix: a row for each image, channel and place, in this order, its elements row by row.

    Raises
    ------
    ShapeError
        If steps do not fit the image: at once if all sizes are known, else when the function runs.

    >>> images2neibs([[[[1.0, 2.0], [3.0, 4.0]]]], (1, 2)).eval()
    array([[1., 2.],
           [3., 4.]])
    """
    x = as_tensor_variable(ten4)
    if x.type.ndim != 4 or mode not in MODES:
        raise GraphTypeError(f"images2neibs takes 4 axes and a mode of {MODES}, not {x}, {mode!r}")
    size = _pair(neib_shape)
    step = size if neib_step is None else _pair(neib_step)
    if mode in ("half", "full"):
        border = [int_div(n, 2) if mode == "half" else sub(n, 1) for n in size]
        x = pad(x, [(0, 0), (0, 0), *((b, b) for b in border)])
    if mode in FITTED:
        _check(x, neib_shape, neib_shape if neib_step is None else neib_step)
    rows, columns = (_places(x, axis, size, step, mode) for axis in (0, 1))
    index = (dimshuffle(rows, 0, "x", 1, "x"), dimshuffle(columns, "x", 0, "x", 1))
    patches = subtensor(x, (slice(None), slice(None), *index))
    return reshape(patches, (-1, mul(*size)))


def _pair(value: Any) -> list[Tensor]:
    pair = scalars_of(value if not isinstance(value, tuple) else list(value))
    if len(pair) != 2:
        raise GraphTypeError(f"a neighbourhood has rows and columns, not {value!r}")
    return pair


def _check(x: Tensor, size: Any, step: Any) -> None:
    """Refuse known sizes that steps do not fit."""
    if not all(isinstance(item, tuple | list) for item in (size, step)):
        return
    for axis, length, n, s in zip((2, 3), x.type.shape[2:], size, step, strict=True):
        known = all(isinstance(number, int) for number in (length, n, s))
        if known and (length < n or (length - n) % s):
            raise ShapeError(
                f"images2neibs: neighbourhoods of {n} in steps of {s} do not fit the {length}"
                f" elements of axis {axis}; {CURE}"
            )


def _places(x: Tensor, axis: int, size: Any, step: Any, mode: str) -> Tensor:
    """The coordinates along an axis: a row for each neighbourhood."""
    length, n, s = shape_i(x, axis + 2), size[axis], step[axis]
    inside = dimshuffle(arange(n), "x", 0)
    if mode == "wrap_centered":
        count = int_div(add(length, sub(s, 1)), s)
        first = sub(mul(arange(count), s), int_div(n, 2))
        return mod(add(dimshuffle(first, 0, "x"), inside), length)
    count = add(int_div(sub(length, n), s), 1)
    if mode in FITTED:
        message = f"images2neibs: neighbourhoods do not fit the elements of axis {axis + 2}; {CURE}"
        fits = (ge(length, n), eq(mod(sub(length, n), s), 0))
        count = CheckAndRaise(ShapeError, message)(count, *fits)
    return add(dimshuffle(mul(arange(count), s), 0, "x"), inside)


def neibs2images(neibs: Any, neib_shape: Any, original_shape: Any, mode: str = "valid") -> Tensor:
    """Images from neighbourhoods that lie side by side: what `images2neibs` was given.

    `original_shape` holds the four sizes of the images. With mode "ignore_borders" the rest that
    was left out is 0.

    >>> neibs2images([[1.0, 2.0], [3.0, 4.0]], (1, 2), (1, 1, 2, 2)).eval()
    array([[[[1., 2.],
             [3., 4.]]]])
    """
    if mode not in ("valid", "ignore_borders"):
        raise GraphTypeError(f"neibs2images has modes 'valid' and 'ignore_borders', not {mode!r}")
    x, (rows, columns) = as_tensor_variable(neibs), _pair(neib_shape)
    batch, channels, height, width = scalars_of(original_shape)
    down, across = int_div(height, rows), int_div(width, columns)
    cut = reshape(x, (batch, channels, down, across, rows, columns))
    inner = (batch, channels, mul(down, rows), mul(across, columns))
    image = reshape(dimshuffle(cut, 0, 1, 2, 4, 3, 5), inner)
    if mode == "valid":
        return reshape(image, (batch, channels, height, width))
    whole = zeros((batch, channels, height, width), x.type.dtype)
    inside = (slice(None), slice(None), slice(None, inner[2]), slice(None, inner[3]))
    return set_subtensor(subtensor(whole, inside), image)
