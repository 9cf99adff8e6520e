"""The gradient of a convolution by its filters: dot products of places, tile by tile."""

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
from symgraph.backends.routines.conv_plan import TAP, forward_plan
from symgraph.backends.routines.tile import LEFT, RIGHT, add_dots, lanes

BLOCK = 1024  # places summed in one pass of a tile
PARTS = 32  # tasks worth having
SHARES = 64  # blocks of scratch memory at most; only those in use are ever touched


@standalone
def weights(out: Any, x: Any, cotangent: Any, sizes: Any) -> Any:
    """Compute the weights' cotangent; `sizes` as of a plan."""
    taps, phases, g = forward_plan(sizes)
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
    area = together * (block_size(g) + lane) + (rows * LEFT + RIGHT) * together * length + lane
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
    left = offset(blocks, together * (block_size(g) + lane))
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
                copy_image(offset(blocks, k * (block_size(g) + lane)), source, g)
            at = (image * g.groups + group) * g.rows * g.places
            for first in range(0, g.places, length):
                places = min(length, g.places - first)
                pieces = segments_of(segments, first, first + places, phases, lane, g)
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
            at = column // g.taps * plane + taps[column % g.taps * TAP + 4]
            for image in range(count):
                target = offset(right, j * run + image * padded)
                source = offset(blocks, image * (block_size(g) + lane) + at)
                copy_segments(target, source, segments, pieces)
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
