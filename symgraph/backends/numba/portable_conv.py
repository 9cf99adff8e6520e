"""Convolutions for exported modules: plain loops over taps and places, without symgraph's own code.

`show/standalone.py` writes these in place of the routines of the same names, which call functions
of the LLVM target by address.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.backends.numba.compiler import helper


@helper
def wide(shape: Any) -> Any:
    """A shape of one to three spatial axes as five sizes."""
    sizes = np.ones(5, np.int64)
    sizes[0], sizes[1] = shape[0], shape[1]
    for axis in range(2, len(shape)):
        sizes[5 - len(shape) + axis] = shape[axis]
    return sizes


@helper
def numbers(settings: Any) -> Any:
    """The settings of a convolution as an array: groups, flip, then three for each axis."""
    found = np.empty(len(settings), np.int64)
    for k, number in enumerate(settings):
        found[k] = number
    return found


@helper
def under(place: Any, tap: Any, kernel: Any, size: Any, how: Any) -> Any:
    """Where along an axis a tap lies for a place of the output, -1 if on the border of zeros."""
    stride, dilation, low = how[0], how[1], how[2]
    reach = (kernel - 1) * dilation
    if low < 0:  # -1 stands for "half", -2 for "full"
        low = (reach + 1) // 2 if low == -1 else reach
    at = place * stride - low + tap * dilation
    return at if 0 <= at < size else -1


@helper
def accumulate(image: Any, filters: Any, out: Any, sizes: Any, how: Any, which: Any) -> None:
    """Add the products of two of the arrays, laid flat, to the third: `which` counts them.

    `sizes` has five of the image, five of the filters, five of the output.
    """
    groups, flip = how[0], how[1]
    s = sizes
    group, count = s[6], s[5] // groups
    for n in range(s[0]):
        for o in range(s[5]):
            first = o // count * group
            for c in range(group):
                for t in range(s[7] * s[8] * s[9]):
                    t0, t1, t2 = t // (s[8] * s[9]), t // s[9] % s[8], t % s[9]
                    tap = s[7] * s[8] * s[9] - 1 - t if flip else t
                    f = (o * group + c) * s[7] * s[8] * s[9] + tap
                    for p0 in range(s[12]):
                        a0 = under(p0, t0, s[7], s[2], how[2:5])
                        for p1 in range(s[13]):
                            a1 = under(p1, t1, s[8], s[3], how[5:8])
                            if a0 < 0 or a1 < 0:
                                continue
                            row = ((n * s[1] + first + c) * s[2] + a0) * s[3] + a1
                            for p2 in range(s[14]):
                                a2 = under(p2, t2, s[9], s[4], how[8:11])
                                if a2 < 0:
                                    continue
                                i = row * s[4] + a2
                                p = (((n * s[11] + o) * s[12] + p0) * s[13] + p1) * s[14] + p2
                                if which == 2:
                                    out[p] += image[i] * filters[f]
                                elif which == 0:
                                    image[i] += filters[f] * out[p]
                                else:
                                    filters[f] += image[i] * out[p]


@helper
def convolve(out: Any, x: Any, w: Any, *settings: Any) -> None:
    """The convolution of images with filters."""
    out[:] = 0
    sizes = np.concatenate((wide(x.shape), wide(w.shape), wide(out.shape)))
    accumulate(x.ravel(), w.ravel(), out.reshape(-1), sizes, numbers(settings), 2)


@helper
def convolve_inputs(out: Any, w: Any, cotangent: Any, *settings: Any) -> None:
    """The cotangent of the images."""
    out[:] = 0
    sizes = np.concatenate((wide(out.shape), wide(w.shape), wide(cotangent.shape)))
    accumulate(out.reshape(-1), w.ravel(), cotangent.ravel(), sizes, numbers(settings), 0)


@helper
def convolve_weights(out: Any, x: Any, cotangent: Any, *settings: Any) -> None:
    """The cotangent of the filters."""
    out[:] = 0
    sizes = np.concatenate((wide(x.shape), wide(out.shape), wide(cotangent.shape)))
    accumulate(x.ravel(), out.reshape(-1), cotangent.ravel(), sizes, numbers(settings), 1)
