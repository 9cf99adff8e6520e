"""Borders around tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.graph import Variable
from symgraph.ops.arith import abs_, add, int_div, maximum, minimum, mod, mul, sub, true_div
from symgraph.ops.averages import mean
from symgraph.ops.cast import cast
from symgraph.ops.compare import ge
from symgraph.ops.create import alloc, arange, empty
from symgraph.ops.extrema import max as max_over
from symgraph.ops.extrema import min as min_over
from symgraph.ops.index import set_subtensor, subtensor, take
from symgraph.ops.join import concatenate
from symgraph.ops.rounding import floor
from symgraph.ops.rounding import round as rounded
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, expand_dims, scalars_of, shape_i
from symgraph.ops.statistics import median
from symgraph.types import DISCRETE, Tensor, as_tensor_variable, axis_of

__all__ = ["pad"]

Pair = Sequence[Any]


def pad(
    x: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0, end_values: Any = 0,
    stat_length: Any = None, reflect_type: str = "even",
) -> Tensor:  # fmt: skip
    """A border around a tensor.

    Parameters
    ----------
    pad_width
        How much: a number, a pair (before, after), or one pair for each axis; numbers may be
        integer scalars of the graph.
    mode
        As in NumPy: "constant" (`constant_values`), "edge", "reflect", "symmetric", "wrap",
        "linear_ramp" (down to `end_values`), "maximum", "mean", "median", "minimum" (of the
        `stat_length` elements next to the border, all if None), "empty" (zeros).
        Values and lengths are given like `pad_width`.
    reflect_type
        "even", or "odd" for a reflection at the edge's value too: twice it less the element.

    >>> pad([1.0, 2.0, 3.0], 2, "reflect").eval()
    array([3., 2., 1., 2., 3., 2., 1.])
    """
    if reflect_type not in ("even", "odd"):
        raise GraphTypeError(f"pad: reflect_type is 'even' or 'odd', not {reflect_type!r}")
    x = as_tensor_variable(x)
    widths = _pairs(pad_width, x.type.ndim, "pad_width")
    if mode == "constant":
        return _framed(x, widths, _pairs(constant_values, x.type.ndim, "constant_values"))
    if mode == "empty":
        return _set_inside(empty(_padded_sizes(x, widths), x.type.dtype), x, widths)
    for axis, width in enumerate(widths):
        if not all(_is_zero(w) for w in width):
            if reflect_type == "odd" and mode in PERIODS:
                x = _turned(x, axis, width, mode)
            else:
                x = _padded(x, axis, width, mode, (end_values, stat_length))
    return x


def _padded(x: Tensor, axis: int, width: Pair, mode: str, options: tuple[Any, Any]) -> Tensor:
    """`x` with a border at both ends of one axis."""
    if mode in PLACES:
        size = shape_i(x, axis)
        places = sub(arange(add(size, add(*width))), width[0])
        return take(x, PLACES[mode](places, size), axis)
    end_values, stat_length = options
    if mode == "linear_ramp":
        values = _pairs(end_values, x.type.ndim, "end_values")[axis]
        ends = [_ramp(x, axis, side, width[side], values[side]) for side in (0, 1)]
    elif mode in STATISTICS:
        lengths = _pairs(stat_length, x.type.ndim, "stat_length")[axis]
        ends = [_level(x, axis, side, width[side], lengths[side], mode) for side in (0, 1)]
    else:
        names = ", ".join((*PLACES, *STATISTICS))
        raise GraphTypeError(f"pad has no mode {mode!r}; it has constant, {names}, linear_ramp")
    return concatenate([ends[0], x, ends[1]], axis)


def _turned(x: Tensor, axis: int, width: Pair, mode: str) -> Tensor:
    """`x` reflected at both edges and at their values: after a period it has risen by a step.

    The second half of a period is the first one turned about the last element, and the step is
    twice what the axis rises from end to end.
    """
    size = shape_i(x, axis)
    places, period = sub(arange(add(size, add(*width))), width[0]), PERIODS[mode](size)
    along = [0 if a == axis else "x" for a in range(x.type.ndim)]
    rounds = cast(dimshuffle(int_div(places, period), *along), x.type.dtype)
    mirrored = dimshuffle(ge(mod(places, period), size), *along)
    first, last = (
        expand_dims(subtensor(x, (*[slice(None)] * axis, place)), axis) for place in (0, -1)
    )
    inside = take(x, PLACES[mode](places, size), axis)
    risen = mul(rounds, mul(2, sub(last, first)))
    return cast(add(switch(mirrored, sub(mul(2, last), inside), inside), risen), x.type.dtype)


def _pairs(given: Any, ndim: int, what: str) -> list[Pair]:
    """One pair (before, after) for each axis, from what NumPy takes for that."""
    if isinstance(given, dict):
        by_axis = {axis_of(axis, ndim): pair for axis, pair in given.items()}
        return [by_axis.get(axis, (0, 0)) for axis in range(ndim)]
    items = given.tolist() if isinstance(given, np.ndarray) else given
    items = list(items) if isinstance(items, list | tuple) else [items]
    nested = all(isinstance(row, list | tuple) for row in items)
    rows: list[Pair] = [list(row) for row in items] if nested else [items]
    rows = [[*row, *row] if len(row) == 1 else row for row in rows]
    rows = rows * ndim if len(rows) == 1 else rows
    if len(rows) != ndim or any(len(row) != 2 for row in rows):
        raise GraphTypeError(f"pad: {what} is a number, a pair or {ndim} pairs, not {given!r}")
    return rows


def _is_zero(width: Any) -> bool:
    return not isinstance(width, Variable) and width == 0


def _padded_sizes(x: Tensor, widths: Sequence[Pair]) -> list[Tensor]:
    return [add(shape_i(x, axis), add(*_sized(pair))) for axis, pair in enumerate(widths)]


def _sized(pair: Pair) -> list[Tensor]:
    return scalars_of(list(pair))


def _framed(x: Tensor, widths: Sequence[Pair], values: Sequence[Pair]) -> Tensor:
    """A border of constants: the later axes' lie over the earlier ones'."""
    sizes = _padded_sizes(x, widths)
    first = values[0][0] if values else 0
    ground = alloc(cast(as_tensor_variable(first), x.type.dtype), *sizes)
    if any(value is not first for pair in values for value in pair):
        for axis, ((before, after), pair) in enumerate(zip(widths, values, strict=True)):
            stop = add(shape_i(x, axis), before)
            for part, width, value in (
                (slice(None, before), before, pair[0]),
                (slice(stop, None), after, pair[1]),
            ):
                if not _is_zero(width):
                    edge = subtensor(ground, (*[slice(None)] * axis, part))
                    ground = set_subtensor(edge, cast(as_tensor_variable(value), x.type.dtype))
    return _set_inside(ground, x, widths)


def _set_inside(ground: Tensor, x: Tensor, widths: Sequence[Pair]) -> Tensor:
    inside = tuple(
        slice(before, add(shape_i(x, axis), before)) for axis, (before, _) in enumerate(widths)
    )
    return set_subtensor(subtensor(ground, inside), x)


def _reflected(places: Tensor, size: Tensor) -> Tensor:
    period = maximum(mul(2, sub(size, 1)), 1)
    place = mod(places, period)
    return minimum(place, abs_(sub(period, place)))


def _mirrored(places: Tensor, size: Tensor) -> Tensor:
    place = mod(places, mul(2, size))
    return minimum(place, sub(sub(mul(2, size), 1), place))


PLACES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "edge": lambda places, size: minimum(maximum(places, 0), sub(size, 1)),
    "reflect": _reflected,
    "symmetric": _mirrored,
    "wrap": mod,
}  # where an element of the padded axis comes from
PERIODS: dict[str, Callable[[Tensor], Tensor]] = {
    "reflect": lambda size: maximum(mul(2, sub(size, 1)), 1),
    "symmetric": lambda size: mul(2, size),
}  # after so many places a reflected axis repeats itself
STATISTICS: dict[str, Callable[..., Tensor]] = {
    "maximum": max_over,
    "mean": mean,
    "median": median,
    "minimum": min_over,
}  # what a border of equal values holds


def _next_to(x: Tensor, axis: int, side: int, length: Any) -> Tensor:
    """The `length` elements of an axis next to an end, all if None."""
    part = slice(None)
    if length is not None:
        size = shape_i(x, axis)
        part = slice(None, length) if side == 0 else slice(maximum(sub(size, length), 0), None)
    return subtensor(x, (*[slice(None)] * axis, part))


def _repeated(x: Tensor, axis: int, count: Any) -> Tensor:
    """An axis of size 1 repeated."""
    sizes = [count if a == axis else shape_i(x, a) for a in range(x.type.ndim)]
    return alloc(x, *scalars_of(sizes))


def _level(x: Tensor, axis: int, side: int, width: Any, length: Any, mode: str) -> Tensor:
    value = STATISTICS[mode](_next_to(x, axis, side, length), axis=axis, keepdims=True)
    if x.type.dtype in DISCRETE and mode in ("mean", "median"):
        value = rounded(value)
    return _repeated(cast(value, x.type.dtype), axis, width)


def _ramp(x: Tensor, axis: int, side: int, width: Any, end: Any) -> Tensor:
    """From an end value to the edge in equal steps, the edge left out."""
    last = 0 if side == 0 else -1
    edge = expand_dims(subtensor(x, (*[slice(None)] * axis, last)), axis)
    order = arange(scalars_of([width])[0])
    steps = order if side == 0 else sub(sub(width, 1), order)
    steps = dimshuffle(steps, *(0 if a == axis else "x" for a in range(x.type.ndim)))
    whole = x.type.dtype in DISCRETE
    kind = "float64" if whole else x.type.dtype
    share = true_div(cast(steps, kind), cast(as_tensor_variable(width), kind))
    low = cast(as_tensor_variable(end), kind)
    ramp = add(low, mul(share, sub(cast(edge, kind), low)))
    return cast(floor(ramp) if whole else ramp, x.type.dtype)
