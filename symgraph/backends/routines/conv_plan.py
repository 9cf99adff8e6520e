"""Plans of convolutions: which taps lie over what, where outputs are gathered from.

The sizes a plan is made from are, in this order: images and channels of the image, rows and
channels of the filters, images and channels of the output; then for each of three axes the size of
image, kernel and output; then groups, flip, and for each axis stride, dilation, zeros in front.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symgraph.backends.numba.compiler import helper
from symgraph.backends.numba.pointers import offset

PHASE = 11  # words of a phase: start, step, count for each axis; first tap, taps
TAP = 5  # words of a tap: its place along each axis, which weight, its place in a block


class Gather(NamedTuple):
    """How an output is gathered from an image: channels, sizes, and the block it is copied to."""

    images: int
    groups: int
    rows: int  # channels of the output, in a group
    channels: int  # of the image, in a group
    places: int  # of the output, in a channel
    out_h: int
    out_w: int
    in_d: int  # the image
    in_h: int
    in_w: int
    step_d: int  # in the image, from place to place
    step_h: int
    step_w: int
    low_d: int  # the first coordinate that is read
    low_h: int
    low_w: int
    depth: int  # the block: coordinates from there on
    height: int
    width: int  # of one remainder by step_w: these lie side by side in a row
    taps: int
    phases: int


@helper
def _border(code: Any, side: Any, size: Any, dilation: Any) -> Any:
    """The zeros on one side of an axis: `half` is -1, `full` -2."""
    reach = (size - 1) * dilation
    return side if code >= 0 else (reach + 1) // 2 if code == -1 else reach


@helper
def _lows(kernel_sizes: Any, settings: Any) -> Any:
    """For each axis the zeros in front."""
    lows = np.empty(3, np.int64)
    for axis in range(3):
        dilation, low = settings[3 + 3 * axis], settings[4 + 3 * axis]
        lows[axis] = _border(low, low, kernel_sizes[axis], dilation)
    return lows


@helper
def _forward_taps(taps: Any, phases: Any, sizes: Any, out: Any, lows: Any, settings: Any) -> None:
    """One phase of all taps; tap t is over image[place * stride + t * dilation - low]."""
    number = 0
    for d in range(sizes[0]):
        for h in range(sizes[1]):
            for w in range(sizes[2]):
                taps[number, 0] = d * settings[3] - lows[0]
                taps[number, 1] = h * settings[6] - lows[1]
                taps[number, 2] = w * settings[9] - lows[2]
                flat = (d * sizes[1] + h) * sizes[2] + w
                taps[number, 3] = len(taps) - 1 - flat if settings[1] else flat
                number += 1
    for axis in range(3):
        phases[0, axis], phases[0, 3 + axis], phases[0, 6 + axis] = 0, 1, out[axis]
    phases[0, 9], phases[0, 10] = 0, number


@helper
def _backward_taps(taps: Any, phases: Any, sizes: Any, out: Any, lows: Any, settings: Any) -> None:
    """A phase for each remainder r of the stride.

    Place r + p * stride of the image is under tap t at those places p' of the cotangent for which
    p' * stride = r + p * stride + low - t * dilation.
    """
    s_d, s_h, s_w = settings[2], settings[5], settings[8]
    number = 0
    for phase in range(s_d * s_h * s_w):
        start_d, start_h, start_w = phase // (s_h * s_w), phase // s_w % s_h, phase % s_w
        phases[phase, 0], phases[phase, 1], phases[phase, 2] = start_d, start_h, start_w
        phases[phase, 3], phases[phase, 4], phases[phase, 5] = s_d, s_h, s_w
        phases[phase, 6] = max(0, (out[0] - start_d + s_d - 1) // s_d)
        phases[phase, 7] = max(0, (out[1] - start_h + s_h - 1) // s_h)
        phases[phase, 8] = max(0, (out[2] - start_w + s_w - 1) // s_w)
        phases[phase, 9] = number
        for flat in range(len(taps)):
            d, h, w = flat // (sizes[1] * sizes[2]), flat // sizes[2] % sizes[1], flat % sizes[2]
            at_d = start_d + lows[0] - d * settings[3]
            at_h = start_h + lows[1] - h * settings[6]
            at_w = start_w + lows[2] - w * settings[9]
            if at_d % s_d == 0 and at_h % s_h == 0 and at_w % s_w == 0:
                taps[number, 0], taps[number, 1], taps[number, 2] = (
                    at_d // s_d,
                    at_h // s_h,
                    at_w // s_w,
                )
                taps[number, 3] = len(taps) - 1 - flat if settings[1] else flat
                number += 1
        phases[phase, 10] = number - phases[phase, 9]


@helper
def _reach(taps: Any, phases: Any, steps: Any) -> Any:
    """For each axis the first coordinate read, and how many from there on."""
    reach = np.zeros((3, 2), np.int64)
    for axis in range(3):
        low, high, found = 0, 0, False
        for phase in range(len(phases)):
            count = phases[phase, 6 + axis]
            for tap in range(phases[phase, 9], phases[phase, 9] + phases[phase, 10]):
                place = taps[tap, axis]
                last = place + max(count - 1, 0) * steps[axis] + 1
                low = min(low, place) if found else place
                high = max(high, last) if found else last
                found = True
        reach[axis, 0], reach[axis, 1] = low, high - low
    return reach


@helper
def _geometry(counts: Any, out: Any, image: Any, steps: Any, taps: Any, phases: Any) -> Any:
    """The `Gather` of an output from an image; counts are images, groups, rows, channels."""
    reach = _reach(taps, phases, steps)
    g = Gather(
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        out[0] * out[1] * out[2],
        out[1],
        out[2],
        image[0],
        image[1],
        image[2],
        steps[0],
        steps[1],
        steps[2],
        reach[0, 0],
        reach[1, 0],
        reach[2, 0],
        reach[0, 1],
        reach[1, 1],
        (reach[2, 1] + steps[2] - 1) // steps[2],
        len(taps),
        len(phases),
    )
    for tap in range(g.taps):
        w = taps[tap, 2] - g.low_w
        row = (taps[tap, 0] - g.low_d) * g.height + taps[tap, 1] - g.low_h
        taps[tap, 4] = (row * g.step_w + w % g.step_w) * g.width + w // g.step_w
    return g


@helper
def forward_plan(sizes: Any) -> Any:
    """Taps, phase and geometry of a convolution."""
    image, kernel_sizes, places = offset(sizes, 6), offset(sizes, 9), offset(sizes, 12)
    settings = offset(sizes, 15)
    taps = np.empty((kernel_sizes[0] * kernel_sizes[1] * kernel_sizes[2], TAP), np.int64)
    phases = np.empty((1, PHASE), np.int64)
    _forward_taps(taps, phases, kernel_sizes, places, _lows(kernel_sizes, settings), settings)
    counts = (sizes[0], settings[0], sizes[2] // settings[0], sizes[3])
    steps = (settings[2], settings[5], settings[8])
    return taps, phases, _geometry(counts, places, image, steps, taps, phases)


@helper
def backward_plan(sizes: Any) -> Any:
    """Taps, phases and geometry of the gradient by the images."""
    image, kernel_sizes, places = offset(sizes, 6), offset(sizes, 9), offset(sizes, 12)
    settings = offset(sizes, 15)
    taps = np.empty((kernel_sizes[0] * kernel_sizes[1] * kernel_sizes[2], TAP), np.int64)
    phases = np.empty((settings[2] * settings[5] * settings[8], PHASE), np.int64)
    lows = _lows(kernel_sizes, settings)
    _backward_taps(taps, phases, kernel_sizes, image, lows, settings)
    counts = (sizes[0], settings[0], sizes[3], sizes[2] // settings[0])
    return taps, phases, _geometry(counts, image, places, (1, 1, 1), taps, phases)
