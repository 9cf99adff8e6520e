"""Convolutions over one to three axes: what the ops of ops/conv.py call.

All three are sums of products over taps, the places of the kernel. `convolve` gathers, for each
place of its output, what lies under the taps and multiplies it by the weights. The gradient by
the image gathers likewise from the cotangent; with a stride s only every s-th place lies under a
tap, so its places are done in phases, one for each remainder, and no product with an inserted
zero is ever formed. The gradient by the weights is a table of dot products.

An image is copied, with its border of zeros, to a block that stays in cache; the columns of a
patch matrix exist only for one panel of places at a time. Which products are added in which order
depends on sizes alone, not on the number of threads.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.backends.numba.compiler import helper
from symgraph.backends.numba.pointers import data
from symgraph.backends.numba.support import hold
from symgraph.backends.routines.conv_dots import weights
from symgraph.backends.routines.conv_gather import backward, forward


@helper
def _sizes(first: Any, second: Any, third: Any, settings: Any) -> Any:
    """Batch and channels of three arrays, their sizes along three axes, settings: one array."""
    sizes = np.ones(17 + len(settings), np.int64)
    for k, shape in enumerate((first, second, third)):
        sizes[2 * k], sizes[2 * k + 1] = shape[0], shape[1]
        for axis in range(2, len(shape)):
            sizes[6 + 3 * k + 3 - len(shape) + axis] = shape[axis]
    for k, number in enumerate(settings):
        sizes[15 + k] = number
    return sizes


@helper
def convolve(out: Any, x: Any, w: Any, *settings: Any) -> None:
    """out[n, o, p] = sum over c, t of w[o, c, t] * x[n, c, p * stride + t * dilation - low]."""
    sizes = _sizes(x.shape, w.shape, out.shape, settings)
    forward(data(out), data(x), data(w), data(sizes))
    hold(sizes)


@helper
def convolve_inputs(out: Any, w: Any, cotangent: Any, *settings: Any) -> None:
    """The image's cotangent: what `convolve` reads at a place, weighted as it was."""
    sizes = _sizes(out.shape, w.shape, cotangent.shape, settings)
    backward(data(out), data(w), data(cotangent), data(sizes))
    hold(sizes)


@helper
def convolve_weights(out: Any, x: Any, cotangent: Any, *settings: Any) -> None:
    """The weights' cotangent: for each tap the products of what it was over and the cotangent."""
    sizes = _sizes(x.shape, out.shape, cotangent.shape, settings)
    weights(data(out), data(x), data(cotangent), data(sizes))
    hold(sizes)
