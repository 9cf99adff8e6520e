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

from typing import Any, NamedTuple

import numpy as np

from symgraph.backends.compiler import helper, kernel
from symgraph.backends.pointers import data, offset
from symgraph.backends.standalone import standalone
from symgraph.backends.support import carray, hold
from symgraph.backends.threads import launch
from symgraph.backends.tile import (
    LEFT,
    RIGHT,
    ROWS,
    add_dots,
    add_products,
    columns,
    copy_vector,
    lanes,
)

DEPTH = 128  # products summed in one pass of a tile: a panel of columns then fits the L1 cache
BLOCK = 1024  # places summed in one pass of a tile of dots
PARTS = 32  # tasks worth having
SHARES = 64  # blocks of scratch memory at most; only those in use are ever touched
PHASE = 11  # words of a phase: start, step, count for each axis; first tap, taps
TAP = 4  # words of a tap: its place along each axis, which weight


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
    """A phase for each remainder r: place r + p * stride is under tap t of the cotangent's p'
    with p' * stride = r + p * stride + low - t * dilation, where that has a solution."""
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
def _geometry(
    counts: Any, out: Any, image: Any, steps: Any, taps: Any, phases: Any
) -> Any:
    """The `Gather` of an output of sizes `out` from an image; counts are images, groups, rows,
    channels."""
    reach = _reach(taps, phases, steps)
    return Gather(
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


@helper
def _forward_plan(sizes: Any) -> Any:
    """Taps, phase and geometry of a convolution."""
    image, kernel_sizes, places = offset(sizes, 6), offset(sizes, 9), offset(sizes, 12)
    settings = offset(sizes, 15)
    taps = np.empty((kernel_sizes[0] * kernel_sizes[1] * kernel_sizes[2], TAP), np.int64)
    phases = np.empty((1, PHASE), np.int64)
    _forward_taps(taps, phases, kernel_sizes, places, _lows(kernel_sizes, settings), settings)
    counts = (sizes[0], settings[0], sizes[2] // settings[0], sizes[3])
    steps = (settings[2], settings[5], settings[8])
    return taps, phases, _geometry(counts, places, image, steps, taps, phases)


# --- an image in its block ------------------------------------------------------------------


@helper
def _block_size(g: Any) -> Any:
    return g.channels * g.depth * g.height * g.width * g.step_w


@helper
def _copy_image(block: Any, x: Any, g: Any) -> None:
    """Copy the channels at `x` to the block; zeros where a tap reaches over the edge."""
    place = 0
    for c in range(g.channels):
        for d in range(g.low_d, g.low_d + g.depth):
            for h in range(g.low_h, g.low_h + g.height):
                inside = 0 <= d < g.in_d and 0 <= h < g.in_h
                row = ((c * g.in_d + d) * g.in_h + h) * g.in_w
                for first in range(g.low_w, g.low_w + g.step_w):
                    begin = min(max((g.step_w - 1 - first) // g.step_w, 0), g.width)
                    end = (g.in_w - first + g.step_w - 1) // g.step_w
                    end = max(min(end, g.width), begin) if inside else begin
                    for q in range(begin):
                        block[place + q] = 0
                    for q in range(begin, end):
                        block[place + q] = x[row + first + q * g.step_w]
                    for q in range(end, g.width):
                        block[place + q] = 0
                    place += g.width


@helper
def _tap_place(tap: Any, taps: Any, g: Any) -> Any:
    """Where in a channel's block the first place of a tap lies."""
    d, h = taps[tap * TAP] - g.low_d, taps[tap * TAP + 1] - g.low_h
    w = taps[tap * TAP + 2] - g.low_w
    row = (d * g.height + h) * g.step_w + w % g.step_w
    return row * g.width + w // g.step_w


@helper
def _segments(segments: Any, first: Any, last: Any, phase: Any, g: Any) -> Any:
    """Cut places first..last of a phase where rows end; return the number of segments.

    Each has 4 words: its first place counted from `first`, its length, where it lies in the block
    and in the output.
    """
    count_h, count_w = phase[7], phase[8]
    number, place = 0, first
    while place < last:
        w, h, d = place % count_w, place // count_w % count_h, place // (count_w * count_h)
        length = min(count_w - w, last - place)
        segments[number * 4] = place - first
        segments[number * 4 + 1] = length
        row = (d * g.step_d * g.height + h * g.step_h) * g.step_w
        segments[number * 4 + 2] = row * g.width + w
        row = (phase[0] + d * phase[3]) * g.out_h + phase[1] + h * phase[4]
        segments[number * 4 + 3] = row * g.out_w + phase[2] + w * phase[5]
        number += 1
        place += length
    return number


@helper
def _copy_segments(target: Any, source: Any, segments: Any, number: Any, width: Any) -> None:
    """Copy segments by whole vectors; what is written behind one is overwritten by the next."""
    for s in range(number):
        to, at = segments[s * 4], segments[s * 4 + 2]
        for k in range(0, segments[s * 4 + 1], width):
            copy_vector(offset(target, to + k), offset(source, at + k))


# --- outputs gathered ---------------------------------------------------------------------------


@kernel
def pack_weights(
    lo: Any, hi: Any, share: Any, packed: Any, w: Any, taps: Any, phases: Any, w_row: Any,
    w_channel: Any, g: Any,
) -> None:  # fmt: skip
    """Lay the weights of a panel of `ROWS` rows in the order in which tiles read them."""
    panels = (g.rows + ROWS - 1) // ROWS
    for task in range(lo, hi):
        group, panel = task // panels, task % panels
        first = group * g.rows * g.channels * g.taps
        base = group * panels * ROWS * g.channels * g.taps
        for phase in range(g.phases):
            begin, number = phases[phase * PHASE + 9], phases[phase * PHASE + 10]
            place = base + (panels * begin + panel * number) * ROWS * g.channels
            for c in range(g.channels):
                for tap in range(begin, begin + number):
                    at = first + c * w_channel + taps[tap * TAP + 3]
                    for i in range(ROWS):
                        row = panel * ROWS + i
                        packed[place] = w[at + row * w_row] if row < g.rows else 0
                        place += 1


@helper
def _panels(phases: Any, g: Any, width: Any) -> Any:
    """The panels of places of an image, all phases together."""
    total = 0
    for phase in range(g.phases):
        at = phase * PHASE
        count = phases[at + 6] * phases[at + 7] * phases[at + 8]
        total += (count + width - 1) // width
    return total


@kernel
def gather_tiles(
    lo: Any, hi: Any, share: Any, out: Any, x: Any, packed: Any, taps: Any, phases: Any,
    scratch: Any, words: Any, area: Any, tasks: Any, parts: Any, slots: Any, width: Any,
    lane: Any, g: Any,
) -> None:  # fmt: skip
    """Compute the panels of some images and groups."""
    block = offset(scratch, share * area)
    panel = offset(block, _block_size(g) + lane)
    sums = offset(panel, DEPTH * width + lane)
    segments = offset(words, share * width * 4)
    panels = _panels(phases, g, width)
    for task in range(lo * tasks // slots, hi * tasks // slots):
        image, part = task // parts, task % parts
        _copy_image(block, offset(x, image * g.channels * g.in_d * g.in_h * g.in_w), g)
        target = offset(out, image * g.rows * g.places)
        weights = offset(
            packed,
            image % g.groups * ((g.rows + ROWS - 1) // ROWS) * ROWS * g.channels * g.taps,
        )
        phase, passed = 0, 0
        for number in range(part * panels // parts, (part + 1) * panels // parts):
            at = offset(phases, phase * PHASE)
            count = at[6] * at[7] * at[8]
            while (number - passed) * width >= count:
                passed += (count + width - 1) // width
                phase += 1
                at = offset(phases, phase * PHASE)
                count = at[6] * at[7] * at[8]
            first = (number - passed) * width
            last = min(first + width, count)
            pieces = _segments(segments, first, last, at, g)
            _gather_panel(panel, sums, block, weights, segments, pieces, taps, at, width, lane, g)
            _store_panel(target, sums, segments, pieces, at, width, lane, last - first, g)


@helper
def _gather_panel(
    panel: Any, sums: Any, block: Any, weights: Any, segments: Any, pieces: Any, taps: Any,
    phase: Any, width: Any, lane: Any, g: Any,
) -> None:  # fmt: skip
    """Sum a panel's products over channels and taps, `DEPTH` of them at a time."""
    panels = (g.rows + ROWS - 1) // ROWS
    for k in range(panels * ROWS * width):
        sums[k] = 0
    begin, number = phase[9], phase[10]
    weights = offset(weights, panels * begin * ROWS * g.channels)
    plane = g.depth * g.height * g.width * g.step_w
    total = g.channels * number
    for k0 in range(0, total, DEPTH):
        depth = min(DEPTH, total - k0)
        for k in range(depth):
            c, tap = (k0 + k) // number, begin + (k0 + k) % number
            source = offset(block, c * plane + _tap_place(tap, taps, g))
            _copy_segments(offset(panel, k * width), source, segments, pieces, lane)
        for row in range(panels):
            left = offset(weights, (row * total + k0) * ROWS)
            add_products(depth, left, panel, offset(sums, row * ROWS * width))


@helper
def _store_panel(
    out: Any, sums: Any, segments: Any, pieces: Any, phase: Any, width: Any, lane: Any,
    count: Any, g: Any,
) -> None:  # fmt: skip
    """Write a panel to its places; a whole one that lies in one piece by vectors."""
    step = phase[5]
    whole = count == width and phase[3] == 1 and phase[4] == 1 and step == 1
    for row in range(g.rows):
        source, target = offset(sums, row * width), offset(out, row * g.places)
        if whole:
            first = segments[3]
            for k in range(0, width, lane):
                copy_vector(offset(target, first + k), offset(source, k))
        else:
            for s in range(pieces):
                at, to = segments[s * 4], segments[s * 4 + 3]
                for k in range(segments[s * 4 + 1]):
                    target[to + k * step] = source[at + k]


@helper
def _gather(
    out: Any, x: Any, w: Any, taps: Any, phases: Any, w_row: Any, w_channel: Any, g: Any
) -> None:
    """Fill `out` with what is gathered from `x`; `w_row` and `w_channel` are steps in `w`."""
    like = carray(out, (1,))
    width, lane = columns(like), lanes(like)
    panels = _panels(data(phases), g, width)
    if panels * g.images * g.groups == 0:
        return
    rows = (g.rows + ROWS - 1) // ROWS
    packed = np.empty(max(1, g.groups * rows * ROWS * g.channels * g.taps), like.dtype)
    work = g.groups * rows * ROWS * g.channels * g.taps
    launch(
        g.groups * rows, work * 8, pack_weights, data(packed), w, data(taps), data(phases),
        w_row, w_channel, g,
    )  # fmt: skip
    parts = min(panels, (PARTS + g.images * g.groups - 1) // (g.images * g.groups))
    tasks = g.images * g.groups * parts
    slots = min(tasks, SHARES)
    area = _block_size(g) + lane + DEPTH * width + lane + rows * ROWS * width
    area = (area + lane - 1) // lane * lane
    scratch = np.empty(slots * area, like.dtype)
    words = np.empty(slots * width * 4, np.int64)
    work = g.images * work * g.places
    launch(
        slots, work, gather_tiles, out, x, data(packed), data(taps), data(phases),
        data(scratch), data(words), area, tasks, parts, slots, width, lane, g,
    )  # fmt: skip
    hold(packed)
    hold(scratch)
    hold(words)
    hold(taps)
    hold(phases)


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
    """out[n, o, p] = sum over channels and taps of w[o, c, t] * x[n, c, p * stride + t * dilation
    - low]."""
    sizes = _sizes(x.shape, w.shape, out.shape, settings)
    forward(data(out), data(x), data(w), data(sizes))
    hold(sizes)


@standalone
def forward(out: Any, x: Any, w: Any, sizes: Any) -> Any:
    """Compute a convolution; `sizes` as `_sizes` makes them."""
    taps, phases, g = _forward_plan(sizes)
    _gather(out, x, w, taps, phases, g.channels * g.taps, g.taps, g)
    return 0


@helper
def convolve_inputs(out: Any, w: Any, cotangent: Any, *settings: Any) -> None:
    """The image's cotangent: what `convolve` reads at a place, weighted as it was."""
    sizes = _sizes(out.shape, w.shape, cotangent.shape, settings)
    backward(data(out), data(w), data(cotangent), data(sizes))
    hold(sizes)


@standalone
def backward(out: Any, w: Any, x: Any, sizes: Any) -> Any:
    """Compute the images' cotangent from `x`, the output's; `sizes` as `_sizes` makes them."""
    image, kernel_sizes, places = offset(sizes, 6), offset(sizes, 9), offset(sizes, 12)
    settings = offset(sizes, 15)
    taps = np.empty((kernel_sizes[0] * kernel_sizes[1] * kernel_sizes[2], TAP), np.int64)
    phases = np.empty((settings[2] * settings[5] * settings[8], PHASE), np.int64)
    lows = _lows(kernel_sizes, settings)
    _backward_taps(taps, phases, kernel_sizes, image, lows, settings)
    counts = (sizes[0], settings[0], sizes[3], sizes[2] // settings[0])
    g = _geometry(counts, image, places, (1, 1, 1), taps, phases)
    _gather(out, x, w, taps, phases, g.taps, g.rows * g.taps, g)
    return 0


# --- the gradient by the weights ----------------------------------------------------------------


@helper
def convolve_weights(out: Any, x: Any, cotangent: Any, *settings: Any) -> None:
    """The weights' cotangent: for each tap the products of what it was over and the cotangent."""
    sizes = _sizes(x.shape, out.shape, cotangent.shape, settings)
    weights(data(out), data(x), data(cotangent), data(sizes))
    hold(sizes)


@standalone
def weights(out: Any, x: Any, cotangent: Any, sizes: Any) -> Any:
    """Compute the weights' cotangent; `sizes` as `_sizes` makes them."""
    taps, phases, g = _forward_plan(sizes)
    if g.groups * g.rows * g.channels * g.taps == 0:
        return 0
    like = carray(out, (1,))
    lane, number, groups = lanes(like), g.taps, g.groups
    rows, tiles = (g.rows + LEFT - 1) // LEFT, (g.channels * number + RIGHT - 1) // RIGHT
    # Few parts, since each packs the cotangent anew, then enough chunks of images.
    parts = min(max(tiles // 48, 1), PARTS)
    chunks = max(1, min(g.images, (PARTS + parts * groups - 1) // (parts * groups)))
    most = max(256, min(BLOCK, 65536 // (rows * LEFT)))
    pieces = max(1, (g.places + most - 1) // most)
    length = max((g.places + pieces - 1) // pieces + lane - 1, lane) // lane * lane
    together = max(1, min(most // length, (g.images + chunks - 1) // chunks))
    size = rows * LEFT * tiles * RIGHT
    partial = np.empty(chunks * groups * size, like.dtype)
    tasks = chunks * groups * parts
    slots = min(tasks, SHARES)
    area = together * (_block_size(g) + lane) + (rows * LEFT + RIGHT) * together * length + lane
    area = (area + lane - 1) // lane * lane
    scratch = np.empty(slots * area, like.dtype)
    words = np.empty(slots * length * 4, np.int64)
    work = g.images * groups * size * g.places
    launch(
        slots, work, dot_tiles, data(partial), x, cotangent, data(taps), data(phases),
        data(scratch), data(words), area, tasks, parts, slots, length, together, chunks, lane, g,
    )  # fmt: skip
    launch(
        groups * g.rows, chunks * groups * size * 4, add_chunks, out, data(partial),
        data(taps), chunks, g,
    )  # fmt: skip
    hold(partial)
    hold(scratch)
    hold(words)
    hold(taps)
    hold(phases)
    return 0


@kernel
def dot_tiles(
    lo: Any, hi: Any, share: Any, partial: Any, x: Any, cotangent: Any, taps: Any, phases: Any,
    scratch: Any, words: Any, area: Any, tasks: Any, parts: Any, slots: Any, length: Any,
    together: Any, chunks: Any, lane: Any, g: Any,
) -> None:  # fmt: skip
    """Sum the dot products of a chunk of images for some of the weights of a group."""
    rows = (g.rows + LEFT - 1) // LEFT
    tiles = (g.channels * g.taps + RIGHT - 1) // RIGHT
    blocks = offset(scratch, share * area)
    left = offset(blocks, together * (_block_size(g) + lane))
    right = offset(left, rows * LEFT * together * length)
    segments = offset(words, share * length * 4)
    for task in range(lo * tasks // slots, hi * tasks // slots):
        chunk, group, part = task // (parts * g.groups), task // parts % g.groups, task % parts
        begin, end = part * tiles // parts, (part + 1) * tiles // parts
        sums = offset(partial, (chunk * g.groups + group) * rows * LEFT * tiles * RIGHT)
        for row in range(rows * LEFT):
            for column in range(begin * RIGHT, end * RIGHT):
                sums[row * tiles * RIGHT + column] = 0
        last = (chunk + 1) * g.images // chunks
        for image in range(chunk * g.images // chunks, last, together):
            count = min(together, last - image)
            for k in range(count):
                plane = ((image + k) * g.groups + group) * g.channels
                source = offset(x, plane * g.in_d * g.in_h * g.in_w)
                _copy_image(offset(blocks, k * (_block_size(g) + lane)), source, g)
            at = (image * g.groups + group) * g.rows * g.places
            for first in range(0, g.places, length):
                places = min(length, g.places - first)
                pieces = _segments(segments, first, first + places, phases, g)
                padded = (places + lane - 1) // lane * lane
                _pack_cotangent(left, offset(cotangent, at + first), count, places, padded, g)
                _dot_block(
                    sums, left, right, blocks, segments, pieces, taps, begin, end, count,
                    places, padded, lane, g,
                )  # fmt: skip


@helper
def _pack_cotangent(
    left: Any, cotangent: Any, count: Any, places: Any, padded: Any, g: Any
) -> None:
    """Lay the rows of several images end to end, zeros behind each and for rows there are not."""
    rows = (g.rows + LEFT - 1) // LEFT * LEFT
    place = 0
    for row in range(rows):
        for image in range(count):
            at = (image * g.groups * g.rows + row) * g.places
            filled = places if row < g.rows else 0
            for k in range(filled):
                left[place + k] = cotangent[at + k]
            for k in range(filled, padded):
                left[place + k] = 0
            place += padded


@helper
def _dot_block(
    sums: Any, left: Any, right: Any, blocks: Any, segments: Any, pieces: Any, taps: Any,
    begin: Any, end: Any, count: Any, places: Any, padded: Any, lane: Any, g: Any,
) -> None:  # fmt: skip
    """Add the dot products over some places of several images."""
    rows = (g.rows + LEFT - 1) // LEFT
    tiles = (g.channels * g.taps + RIGHT - 1) // RIGHT
    plane = g.depth * g.height * g.width * g.step_w
    run = count * padded
    for tile in range(begin, end):
        for j in range(RIGHT):
            column = min(tile * RIGHT + j, g.channels * g.taps - 1)
            at = column // g.taps * plane + _tap_place(column % g.taps, taps, g)
            for image in range(count):
                target = offset(right, j * run + image * padded)
                source = offset(blocks, image * (_block_size(g) + lane) + at)
                _copy_segments(target, source, segments, pieces, lane)
                for k in range(places, padded):
                    target[k] = 0
        for row in range(rows):
            to = offset(sums, row * LEFT * tiles * RIGHT + tile * RIGHT)
            add_dots(
                run // lane, offset(left, row * LEFT * run), run, right, run, to, tiles * RIGHT
            )


@kernel
def add_chunks(
    lo: Any, hi: Any, share: Any, out: Any, partial: Any, taps: Any, chunks: Any, g: Any
) -> None:
    """Sum the chunks' shares of each weight, in their order."""
    rows = (g.rows + LEFT - 1) // LEFT * LEFT
    wide = (g.channels * g.taps + RIGHT - 1) // RIGHT * RIGHT
    for row in range(lo, hi):
        first = (row // g.rows * rows + row % g.rows) * wide
        for c in range(g.channels):
            for tap in range(g.taps):
                total = partial[first + c * g.taps + tap]
                for chunk in range(1, chunks):
                    total += partial[chunk * g.groups * rows * wide + first + c * g.taps + tap]
                out[(row * g.channels + c) * g.taps + taps[tap * TAP + 3]] = total
