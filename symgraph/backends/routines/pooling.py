"""Pooling over the last one to three axes: what the ops of ops/pooling.py call.

A window is [start, end) along each axis, in the coordinates of the image without its border; it is
cut where the image ends, and its count of elements too, as the op says.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symgraph.backends.numba.compiler import helper, kernel
from symgraph.backends.numba.launch import launch
from symgraph.backends.numba.pointers import data
from symgraph.backends.numba.scalar import select
from symgraph.backends.numba.standalone import standalone
from symgraph.backends.numba.support import hold

SUM, INC_PAD, EXC_PAD = 0, 1, 2  # what a sum is divided by: 1, the window, its part in the image


class Windows(NamedTuple):
    """Sizes of an image and of what is pooled from it; for each axis a window's size, step, pad."""

    in_d: int
    in_h: int
    in_w: int
    out_d: int
    out_h: int
    out_w: int
    size_d: int
    step_d: int
    pad_d: int
    size_h: int
    step_h: int
    pad_h: int
    size_w: int
    step_w: int
    pad_w: int


@helper
def _sizes(image: Any, pooled: Any, settings: Any) -> Any:
    """How many planes, then what `Windows` holds, then the mode: one array."""
    sizes = np.ones(17, np.int64)
    axes = len(image) - settings[1]
    for axis in range(axes):
        sizes[0] *= image[axis]
    for axis in range(axes, len(image)):
        sizes[4 - len(image) + axis] = image[axis]
        sizes[7 - len(image) + axis] = pooled[axis]
    for k in range(9):
        sizes[7 + k] = settings[2 + k]
    sizes[16] = settings[0]
    return sizes


@helper
def _windows(sizes: Any) -> Any:
    return Windows(
        sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7], sizes[8], sizes[9],
        sizes[10], sizes[11], sizes[12], sizes[13], sizes[14], sizes[15],
    )  # fmt: skip


@helper
def _work(sizes: Any) -> Any:
    """Elements looked at, those of the image and those under windows."""
    under = sizes[4] * sizes[5] * sizes[6] * sizes[7] * sizes[10] * sizes[13]
    return sizes[0] * (sizes[1] * sizes[2] * sizes[3] + 8 * under)


@helper
def _begin(place: Any, step: Any, pad: Any) -> Any:
    return max(place * step - pad, 0)


@helper
def _end(place: Any, step: Any, pad: Any, size: Any, length: Any) -> Any:
    return min(place * step - pad + size, length)


@helper
def _better(value: Any, top: Any) -> Any:
    """Whether a later element takes the place of the largest so far; NaN is larger than all."""
    return (value > top) | ((value != value) & (top == top))


@helper
def _largest_of_four(x: Any, at: Any, width: Any) -> Any:
    """As `_largest`, of two elements in each of two rows: the usual window, without loops."""
    best, top = at, x[at]
    value = x[at + 1]
    more = _better(value, top)
    best, top = select(more, at + 1, best), select(more, value, top)
    value = x[at + width]
    more = _better(value, top)
    best, top = select(more, at + width, best), select(more, value, top)
    return select(_better(x[at + width + 1], top), at + width + 1, best)


@helper
def _largest(x: Any, first: Any, rows: Any, begin: Any, end: Any, s: Any) -> Any:
    """Where the first of the largest elements of a window lies.

    `rows` are the first and last plane and row of the window. No branch depends on an element:
    half of them would be foretold wrongly.
    """
    if (rows[1] - rows[0] == 1) & (rows[3] - rows[2] == 2) & (end - begin == 2):
        return _largest_of_four(x, first + (rows[0] * s.in_h + rows[2]) * s.in_w + begin, s.in_w)
    best, top = -1, x[0]
    for i in range(rows[0], rows[1]):
        for j in range(rows[2], rows[3]):
            row = first + (i * s.in_h + j) * s.in_w
            for k in range(begin, end):
                value = x[row + k]
                more = _better(value, top) | (best < 0)
                best = select(more, row + k, best)
                top = select(more, value, top)
    return best


@helper
def _rows(d: Any, h: Any, s: Any) -> Any:
    """The first and last plane and row of a window."""
    return (
        _begin(d, s.step_d, s.pad_d),
        _end(d, s.step_d, s.pad_d, s.size_d, s.in_d),
        _begin(h, s.step_h, s.pad_h),
        _end(h, s.step_h, s.pad_h, s.size_h, s.in_h),
    )


@kernel
def take_planes(lo: Any, hi: Any, share: Any, out: Any, x: Any, y: Any, s: Any) -> None:
    """For each window the element of `y` where `x` is largest; 0 if the window is empty."""
    image, place = s.in_d * s.in_h * s.in_w, lo * s.out_d * s.out_h * s.out_w
    for plane in range(lo, hi):
        for d in range(s.out_d):
            for h in range(s.out_h):
                rows = _rows(d, h, s)
                for w in range(s.out_w):
                    end = _end(w, s.step_w, s.pad_w, s.size_w, s.in_w)
                    at = _largest(x, plane * image, rows, _begin(w, s.step_w, s.pad_w), end, s)
                    out[place] = y[at] if at >= 0 else 0
                    place += 1


@kernel
def put_planes(lo: Any, hi: Any, share: Any, out: Any, x: Any, g: Any, s: Any) -> None:
    """Add each element of `g` where `x` is largest in its window."""
    image, place = s.in_d * s.in_h * s.in_w, lo * s.out_d * s.out_h * s.out_w
    for plane in range(lo, hi):
        for k in range(plane * image, (plane + 1) * image):
            out[k] = 0
        for d in range(s.out_d):
            for h in range(s.out_h):
                rows = _rows(d, h, s)
                for w in range(s.out_w):
                    end = _end(w, s.step_w, s.pad_w, s.size_w, s.in_w)
                    at = _largest(x, plane * image, rows, _begin(w, s.step_w, s.pad_w), end, s)
                    if at >= 0:
                        out[at] += g[place]
                    place += 1


@helper
def _count(place: Any, step: Any, pad: Any, size: Any, length: Any, mode: Any) -> Any:
    """The elements a window counts along an axis."""
    if mode == EXC_PAD:
        return _end(place, step, pad, size, length) - _begin(place, step, pad)
    return min(place * step + size, length + 2 * pad) - place * step


@helper
def _divisor(d: Any, h: Any, w: Any, mode: Any, s: Any) -> Any:
    if mode == SUM:
        return 1
    return (
        _count(d, s.step_d, s.pad_d, s.size_d, s.in_d, mode)
        * _count(h, s.step_h, s.pad_h, s.size_h, s.in_h, mode)
        * _count(w, s.step_w, s.pad_w, s.size_w, s.in_w, mode)
    )


@kernel
def sum_planes(lo: Any, hi: Any, share: Any, out: Any, x: Any, mode: Any, s: Any) -> None:
    """Sums of windows, or their means."""
    image, place = s.in_d * s.in_h * s.in_w, lo * s.out_d * s.out_h * s.out_w
    for plane in range(lo, hi):
        for d in range(s.out_d):
            for h in range(s.out_h):
                for w in range(s.out_w):
                    out[place] = 0
                    for i in range(
                        _begin(d, s.step_d, s.pad_d), _end(d, s.step_d, s.pad_d, s.size_d, s.in_d)
                    ):
                        for j in range(
                            _begin(h, s.step_h, s.pad_h),
                            _end(h, s.step_h, s.pad_h, s.size_h, s.in_h),
                        ):
                            row = plane * image + (i * s.in_h + j) * s.in_w
                            for k in range(
                                _begin(w, s.step_w, s.pad_w),
                                _end(w, s.step_w, s.pad_w, s.size_w, s.in_w),
                            ):
                                out[place] += x[row + k]
                    out[place] /= _divisor(d, h, w, mode, s)
                    place += 1


@kernel
def spread_planes(lo: Any, hi: Any, share: Any, out: Any, g: Any, mode: Any, s: Any) -> None:
    """Add each element of `g`, or its part, to all elements of its window."""
    image, place = s.in_d * s.in_h * s.in_w, lo * s.out_d * s.out_h * s.out_w
    for plane in range(lo, hi):
        for k in range(plane * image, (plane + 1) * image):
            out[k] = 0
        for d in range(s.out_d):
            for h in range(s.out_h):
                for w in range(s.out_w):
                    divisor = _divisor(d, h, w, mode, s)
                    for i in range(
                        _begin(d, s.step_d, s.pad_d), _end(d, s.step_d, s.pad_d, s.size_d, s.in_d)
                    ):
                        for j in range(
                            _begin(h, s.step_h, s.pad_h),
                            _end(h, s.step_h, s.pad_h, s.size_h, s.in_h),
                        ):
                            row = plane * image + (i * s.in_h + j) * s.in_w
                            for k in range(
                                _begin(w, s.step_w, s.pad_w),
                                _end(w, s.step_w, s.pad_w, s.size_w, s.in_w),
                            ):
                                out[row + k] += g[place] / divisor
                    place += 1


@standalone
def take_all(out: Any, x: Any, y: Any, sizes: Any) -> Any:
    """All planes of `pool_take`."""
    return launch(sizes[0], _work(sizes), take_planes, out, x, y, _windows(sizes))


@standalone
def put_all(out: Any, x: Any, g: Any, sizes: Any) -> Any:
    """All planes of `pool_put`."""
    return launch(sizes[0], _work(sizes), put_planes, out, x, g, _windows(sizes))


@standalone
def sum_all(out: Any, x: Any, sizes: Any) -> Any:
    """All planes of `pool_sum`."""
    return launch(sizes[0], _work(sizes), sum_planes, out, x, sizes[16], _windows(sizes))


@standalone
def spread_all(out: Any, g: Any, sizes: Any) -> Any:
    """All planes of `pool_spread`."""
    return launch(sizes[0], _work(sizes), spread_planes, out, g, sizes[16], _windows(sizes))


@helper
def pool_take(out: Any, x: Any, y: Any, *settings: Any) -> None:
    """For each window the element of `y` where `x` is largest."""
    sizes = _sizes(x.shape, out.shape, settings)
    take_all(data(out), data(x), data(y), data(sizes))
    hold(sizes)


@helper
def pool_put(out: Any, x: Any, g: Any, *settings: Any) -> None:
    """Each element of `g` where `x` is largest in its window, zeros elsewhere."""
    sizes = _sizes(x.shape, g.shape, settings)
    put_all(data(out), data(x), data(g), data(sizes))
    hold(sizes)


@helper
def pool_sum(out: Any, x: Any, *settings: Any) -> None:
    """Sums or means of windows."""
    sizes = _sizes(x.shape, out.shape, settings)
    sum_all(data(out), data(x), data(sizes))
    hold(sizes)


@helper
def pool_spread(out: Any, g: Any, *settings: Any) -> None:
    """The transpose of `pool_sum`."""
    sizes = _sizes(out.shape, g.shape, settings)
    spread_all(data(out), data(g), data(sizes))
    hold(sizes)
