"""Sorting the rows of an array on the device, stably, in a number of launches that sizes tell.

First every element of a short run counts which of the run come before it: that is its place. Then
neighbouring runs are merged, again and again: an element's place among both is its own place and
the number of elements of the other run before it, found by halving (R. Cole, Parallel merge sort,
1988, has this as cross-ranking). No thread waits for another; the order is that of NumPy's
stable sort, NaN last. The host looks at nothing on the way, so sorting can be recorded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from symgraph.backends.cuda.handmade import Handmade, handmade, in_memory
from symgraph.kernel import Buffer, Name
from symgraph.types import FLOATS

RUN = 32  # elements that count which come before them

COUNT = """
    place = thread()
    while place < extent:
        at = place % width
        start = place - at
        low = at // run * run
        high = min(low + run, width)
        value = keys[place]
        target = low
        for other in range(low, high):
            here = keys[start + other]
            if ({before_here}) or (not ({before_value}) and other < at):
                target += 1
        if target - low < most:
            to_keys[start + target] = value
            to_order[start + target] = at
        place += threads()
"""

MERGE = """
    place = thread()
    while place < extent:
        at = place % width
        start = place - at
        first = at // (2 * run) * (2 * run)
        middle = min(first + run, width)
        own = first if at < middle else middle
        if at - own < most:
            value = keys[place]
            low = middle if at < middle else first
            high = min(low + min(run, most), width)
            theirs = low
            while low < high:
                half = (low + high) // 2
                here = keys[start + half]
                if ({before_here}) or (at >= middle and not ({before_value})):
                    low = half + 1
                else:
                    high = half
            target = first + (at - own) + (low - theirs)
            if target - first < most:
                to_keys[start + target] = value
                to_order[start + target] = order[place]
        place += threads()
"""


class Sorter(NamedTuple):
    """The kernels that sort one dtype, upwards or downwards."""

    begin: Handmade
    merge: Handmade


def sorter(dtype: str, falling: bool = False, ordered: bool = True) -> Sorter:
    """The kernels for a dtype; only `ordered` ones tell where elements come from."""
    kind = in_memory(dtype)
    ints = [Name("width"), Name("run"), Name("most")]
    keys, to_keys = Buffer("keys", kind), Buffer("to_keys", kind)
    order = [Buffer("order", "int64")] if ordered else []
    to_order = [Buffer("to_order", "int64")] if ordered else []
    stem = f"{'falling' if falling else 'rising'}_{'order' if ordered else 'keys'}_of_{kind}"
    params: list[Buffer | Name] = [*ints, keys, to_keys, *to_order]
    begin = handmade(f"count_{stem}", params, _lines(COUNT, kind, falling, ordered))
    merge = handmade(f"merge_{stem}", [*params, *order], _lines(MERGE, kind, falling, ordered))
    return Sorter(begin, merge)


def _lines(text: str, kind: str, falling: bool, ordered: bool) -> str:
    here, value = ("here", "value") if kind != "float16" else ("float32(here)", "float32(value)")
    filled = text.format(
        before_here=_before(here, value, kind, falling),
        before_value=_before(value, here, kind, falling),
    )
    kept = (line for line in filled.splitlines() if ordered or "to_order" not in line)
    return "\n".join(kept)


def _before(a: str, b: str, kind: str, falling: bool) -> str:
    """Whether one number comes before another; NaN is the largest."""
    if falling:
        a, b = b, a
    return f"{a} < {b} or ({a} == {a} and {b} != {b})" if kind in FLOATS else f"{a} < {b}"


def sort(run: Any, sorter: Any, keys: Any, order: Any, x: Any, most: int | None = None) -> None:
    """Sort the rows of `x` into `keys`, where each comes from into `order`.

    `sorter` are the kernels as the device has them. `order` is None if it is not wanted. Only the
    first `most` of each row have to be right. Arrays are flat in memory.
    """
    width, flat = int(x.shape[-1]), x.reshape(-1)
    if not flat.size:
        return
    most = width if most is None else most
    merges = max(0, -(-width // RUN) - 1).bit_length()
    targets = [(keys.reshape(-1), None if order is None else order.reshape(-1))]
    if merges:
        spare = None if order is None else run.new(flat.size, "int64")
        targets.append((run.new(flat.size, x.dtype.name), spare))
    now = targets[merges % 2]
    run.launch(sorter.begin, flat.size, 1, width, RUN, most, flat, *_wanted(*now))
    for number in range(merges):
        there = targets[(merges - 1 - number) % 2]
        ints = (width, RUN << number, most)
        run.launch(sorter.merge, flat.size, 1, *ints, now[0], *_wanted(*there), *_wanted(now[1]))
        now = there


def _wanted(*arrays: Any) -> tuple[Any, ...]:
    return tuple(a for a in arrays if a is not None)
