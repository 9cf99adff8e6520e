"""The pattern of an index: slices, new axes, single indices; their numbers are inputs of an op.

So one compiled function serves all numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from symgraph.errors import GraphTypeError, IndexRangeError
from symgraph.families import (
    Index,
    is_one,
)
from symgraph.kernel import INT, Expr, cast, lit, select
from symgraph.types import (
    Arg,
    Dim,
    Dims,
    choose,
    larger,
    smaller,
    unify,
)

SLICE, AT, NEW = "slice", "at", "new"


class Part(NamedTuple):
    """One entry of an index: a slice with `has` (start, stop, step), an index, a new axis."""

    kind: str
    has: tuple[bool, bool, bool] = (False, False, False)

    def __str__(self) -> str:
        if self.kind == SLICE:
            return ":".join("i" if given else "" for given in self.has).removesuffix(":") or ":"
        return "i" if self.kind == AT else "new"


Pattern = tuple[Part, ...]
FULL = Part(SLICE)


class Span(NamedTuple):
    """A slice against an axis: the elements start, start + step, ..., `count` of them."""

    start: Dim
    step: Dim
    count: Dim


def span(has: tuple[bool, bool, bool], numbers: Iterator[Dim], size: Dim) -> Span:
    """Python's rules for a slice of an axis, as formulas (`slice.indices`)."""
    start, stop, step = (next(numbers) if given else None for given in has)
    if step is None:
        return _forward(_clamp(start, 0, size, size, 0), _clamp(stop, size, size, size, 0), 1)
    sign = step if isinstance(step, int) else getattr(step, "value", None)
    if isinstance(sign, int) and sign > 0:
        return _forward(_clamp(start, 0, size, size, 0), _clamp(stop, size, size, size, 0), step)
    last = size - 1
    back = _backward(_clamp(start, last, last, size, -1), _clamp(stop, -1, last, size, -1), step)
    if isinstance(sign, int):
        return back
    ahead = _forward(_clamp(start, 0, size, size, 0), _clamp(stop, size, size, size, 0), step)
    up = step > 0
    return Span(choose(up, ahead.start, back.start), step, choose(up, ahead.count, back.count))


def _clamp(value: Dim, default: Dim, high: Dim, size: Dim, low: int) -> Dim:
    if value is None:
        return default
    value = choose(value < 0, value + size, value)
    return smaller(larger(value, low), high)


def _forward(start: Dim, stop: Dim, step: Dim) -> Span:
    count = (
        stop - start
        if isinstance(step, int) and step == 1
        else (stop - start + step - 1) // _nonzero(step)
    )
    return Span(start, step, larger(count, 0))


def _backward(start: Dim, stop: Dim, step: Dim) -> Span:
    return Span(start, step, larger((start - stop - step - 1) // _nonzero(-step), 0))


def _nonzero(step: Dim) -> Dim:
    return choose(step == 0, 1, step) if isinstance(step, int) else step


class Indexing:
    """What reading and writing by a pattern share."""

    parts: Pattern

    def layout(self, x: Arg, numbers: Sequence[Arg]) -> list[tuple[Part, Any]]:
        """Each part with its span of an axis, or the index argument; full slices filled in."""
        values, axis = iter(numbers), 0
        found: list[tuple[Part, Any]] = []
        whole = sum(part.kind != NEW for part in self.parts)
        for part in (*self.parts, *[FULL] * (len(x.shape) - whole)):
            if part.kind == SLICE:
                dims = (a.value for a in values)
                found.append((part, span(part.has, dims, x.shape[axis])))
            else:
                found.append((part, next(values) if part.kind == AT else None))
            axis += part.kind != NEW
        return found

    def index_bounds(self, x: Arg, first: int) -> list[tuple[int, Dim]]:
        """The inputs that are single indices, and the sizes they index."""
        bounds, place, axis = list[tuple[int, Dim]](), first, 0
        for part in self.parts:
            if part.kind == AT:
                bounds.append((place, x.shape[axis]))
            place += sum(part.has) if part.kind == SLICE else part.kind == AT
            axis += part.kind != NEW
        return bounds

    def numpy_index(self, numbers: Sequence[Any]) -> tuple[Any, ...]:
        """The index as NumPy takes it."""
        values = iter(numbers)
        index: list[Any] = []
        for part in self.parts:
            if part.kind == SLICE:
                index.append(slice(*(int(next(values)) if given else None for given in part.has)))
            elif part.kind == AT:
                value = next(values)
                index.append(np.asarray(value) if np.ndim(value) else int(value))
            else:
                index.append(None)
        return tuple(index)

    def describe(self, name: str) -> str:
        """The op with its pattern."""
        return f"{name}[{', '.join(map(str, self.parts))}]"


def wrapped(index: Expr, size: Dim) -> Expr:
    """An index counted from the end if it is negative."""
    index = cast(index, INT)
    return select(index < 0, index + size, index)


def place_of(laid: Sequence[tuple[Part, Any]], x: Arg, index: Index) -> Index:
    """The index into the whole tensor of an element of the part that a pattern cuts out."""
    entries, where = iter(index), list[Expr]()
    for part, what in laid:
        if part.kind == AT:
            size = x.shape[len(where)]
            where.append(wrapped(what.value, size))
        elif part.kind == NEW:
            next(entries)
        else:
            where.append(next(entries) * what.step + what.start)
    return tuple(where)


def agree(small: Dims, wide: Dims, where: str) -> None:
    """Require that sizes broadcast to those of a part."""
    if len(small) > len(wide):
        raise GraphTypeError(f"{where}: a part of {len(wide)} axes cannot take {len(small)} axes")
    for axis, size in enumerate(small, len(wide) - len(small)):
        if not is_one(size):
            unify((size, wide[axis]), f"{where}: axis {axis} of the part")


def broadcast_index(index: Index, shape: Dims) -> Index:
    """The index of an operand that broadcasts against others from the right."""
    tail = index[len(index) - len(shape) :]
    return tuple(lit(0) if is_one(size) else i for i, size in zip(tail, shape, strict=True))


def written(x: Any, y: Any, index: Any, sets: bool) -> Any:
    """A copy of `x` with `y` set at an index, or added there once for each time it occurs."""
    result = np.array(x)
    try:
        if sets:
            result[index] = y
        else:
            np.add.at(result, index, y)
    except IndexError as error:
        raise IndexRangeError(str(error)) from None
    return result
