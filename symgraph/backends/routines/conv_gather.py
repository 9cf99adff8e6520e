"""Outputs gathered from an image, panel by panel: convolutions and their gradient by the image."""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.backends.numba.compiler import helper, kernel
from symgraph.backends.numba.launch import launch
from symgraph.backends.numba.pointers import data, offset
from symgraph.backends.numba.standalone import standalone
from symgraph.backends.numba.support import carray, hold
from symgraph.backends.routines.conv_block import (
    block_size,
    copy_image,
    copy_segments,
    segments_of,
)
from symgraph.backends.routines.conv_plan import PHASE, TAP, backward_plan, forward_plan
from symgraph.backends.routines.tile import ROWS, add_products, columns, copy_vector, lanes

DEPTH = 128  # products summed in one pass of a tile: a panel of columns then fits the L1 cache
PARTS = 32  # tasks worth having
SHARES = 64  # blocks of scratch memory at most; only those in use are ever touched


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
    panel = offset(block, block_size(g) + lane)
    sums = offset(panel, DEPTH * width + lane)
    segments = offset(words, share * width * 4)
    panels = _panels(phases, g, width)
    for task in range(lo * tasks // slots, hi * tasks // slots):
        image, part = task // parts, task % parts
        copy_image(block, offset(x, image * g.channels * g.in_d * g.in_h * g.in_w), g)
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
            pieces = segments_of(segments, first, last, at, lane, g)
            _gather_panel(panel, sums, block, weights, segments, pieces, taps, at, width, g)
            _store_panel(target, sums, segments, pieces, at, width, lane, last - first, g)


@helper
def _gather_panel(
    panel: Any, sums: Any, block: Any, weights: Any, segments: Any, pieces: Any, taps: Any,
    phase: Any, width: Any, g: Any,
) -> None:  # fmt: skip
    """Sum a panel's products over channels and taps, `DEPTH` of them at a time."""
    panels = (g.rows + ROWS - 1) // ROWS
    for k in range(panels * ROWS * width):
        sums[k] = 0
    begin, number = phase[9], phase[10]
    weights = offset(weights, panels * begin * ROWS * g.channels)
    plane = g.depth * g.height * g.width * g.step_w
    total, tap, channel = g.channels * number, 0, block
    for k0 in range(0, total, DEPTH):
        depth = min(DEPTH, total - k0)
        for k in range(depth):
            source = offset(channel, taps[(begin + tap) * TAP + 4])
            copy_segments(offset(panel, k * width), source, segments, pieces)
            tap += 1
            if tap == number:
                tap, channel = 0, offset(channel, plane)
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
    area = block_size(g) + lane + DEPTH * width + lane + rows * ROWS * width
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


@standalone
def forward(out: Any, x: Any, w: Any, sizes: Any) -> Any:
    """Compute a convolution; `sizes` as of a plan."""
    taps, phases, g = forward_plan(sizes)
    _gather(out, x, w, taps, phases, g.channels * g.taps, g.taps, g)
    return 0


@standalone
def backward(out: Any, w: Any, x: Any, sizes: Any) -> Any:
    """Compute the images' cotangent from `x`, the output's; `sizes` as of a plan."""
    taps, phases, g = backward_plan(sizes)
    _gather(out, x, w, taps, phases, g.taps, g.rows * g.taps, g)
    return 0
