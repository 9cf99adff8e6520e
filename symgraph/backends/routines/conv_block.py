"""An image in a block of scratch memory, with its border, and the columns cut from it."""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from symgraph.backends.numba.compiler import helper
from symgraph.backends.numba.pointers import offset
from symgraph.backends.routines.tile import copy_vector


@helper
def block_size(g: Any) -> Any:
    """How many elements the block of an image has."""
    return g.channels * g.depth * g.height * g.width * g.step_w


@helper
def copy_image(block: Any, x: Any, g: Any) -> None:
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
def segments_of(segments: Any, first: Any, last: Any, phase: Any, lane: Any, g: Any) -> Any:
    """Cut places first..last of a phase where rows and vectors end; return the number of segments.

    Each has 4 words: its first place counted from `first`, its length, where it lies in the block
    and in the output.
    """
    count_h, count_w = phase[7], phase[8]
    number, place = 0, first
    while place < last:
        w, h, d = place % count_w, place // count_w % count_h, place // (count_w * count_h)
        length = min(count_w - w, last - place, lane)
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
def copy_segments(target: Any, source: Any, segments: Any, number: Any) -> None:
    """Copy segments as whole vectors; what is written behind one is overwritten by the next."""
    for s in range(number):
        copy_vector(offset(target, segments[s * 4]), offset(source, segments[s * 4 + 2]))
