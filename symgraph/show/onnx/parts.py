"""Slices, look-ups and writes to parts in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from symgraph.graph import Apply, Constant, Variable
from symgraph.ops import lookup, subtensor
from symgraph.ops.pattern import AT, NEW
from symgraph.show.onnx.arrays import count
from symgraph.show.onnx.writer import FAR, Rule, Values, Writer, no_form

Numbered: TypeAlias = tuple[str, Variable]  # the ONNX value of a number, and its variable


class Span(NamedTuple):
    """A slice of an axis: ONNX values of start and stop, value and number of the step."""

    axis: int
    start: str | None
    stop: str | None
    step: tuple[str, int] | None


def _part(writer: Writer, node: Apply, operands: Values) -> str:
    return _taken(writer, node, operands[0], list(zip(operands[1:], node.inputs[1:], strict=True)))


def _taken(writer: Writer, node: Apply, value: str, given: Sequence[Numbered]) -> str:
    """The part of a value that the pattern and the numbers of an indexing op say."""
    assert isinstance(node.op, subtensor.Subtensor | subtensor.IncSubtensor)
    numbers = iter(given)
    single: list[tuple[int, str]] = []
    spans: list[Span] = []
    new: list[int] = []
    axis = place = 0
    for part in node.op.parts:
        if part.kind == NEW:
            new.append(place)
        elif part.kind == AT:
            single.append((len(spans), next(numbers)[0]))
        else:
            start, stop = (next(numbers)[0] if has else None for has in part.has[:2])
            step = _known_step(node, next(numbers)) if part.has[2] else None
            spans.append(Span(axis, start, stop, step))
        axis += part.kind != NEW
        place += part.kind != AT
    value = sliced(writer, value, [span for span in spans if any(span[1:])])
    for number, (before, index) in reversed(list(enumerate(single))):
        wide = writer.cast(index, "int64")
        value = writer.add("Gather", value, wide, axis=before + number)
    return writer.add("Unsqueeze", value, writer.numbers(*new)) if new else value


def _known_step(node: Apply, pair: Numbered) -> tuple[str, int]:
    value, var = pair
    if not isinstance(var, Constant):
        raise no_form(node, ", which has to know the sign of a step")
    return value, int(var.data)


def sliced(writer: Writer, value: str, spans: Sequence[Span]) -> str:
    """A value cut along some axes."""
    if not spans:
        return value
    starts, ends, steps = list[str](), list[str](), list[str]()
    for _, start, stop, step in spans:
        back = step is not None and step[1] < 0
        first, last = (FAR, -FAR) if back else (0, FAR)
        starts.append(writer.cast(start, "int64") if start else writer.constant(np.int64(first)))
        ends.append(writer.cast(stop, "int64") if stop else writer.constant(np.int64(last)))
        steps.append(writer.cast(step[0], "int64") if step else writer.constant(np.int64(1)))
    axes = writer.numbers(*(span.axis for span in spans))
    bounds = writer.vector(starts), writer.vector(ends)
    return writer.add("Slice", value, *bounds, axes, writer.vector(steps))


def sliced_rows(
    writer: Writer,
    value: str,
    first: int | None = None,
    last: int | None = None,
    back: bool = False,
) -> str:
    """The rows from `first` to before `last`, or all of them from behind."""
    start, stop = (None if end is None else writer.constant(np.int64(end)) for end in (first, last))
    step = (writer.constant(np.int64(-1)), -1) if back else None
    return sliced(writer, value, [Span(0, start, stop, step)])


def _looked_up(writer: Writer, node: Apply, operands: Values) -> str:
    return _gathered(writer, node, operands[0], operands[1:], node.inputs[1:])


def _gathered(
    writer: Writer, node: Apply, value: str, indices: Values, variables: Sequence[Variable]
) -> str:
    """The elements of a value at index arrays."""
    assert isinstance(node.op, lookup.AdvancedSubtensor | lookup.AdvancedIncSubtensor)
    parts = node.op.parts
    if any(part.kind == NEW or any(part.has) for part in parts):
        raise no_form(node, " when slices stand beside index arrays")
    places = [n for n, part in enumerate(parts) if part.kind == AT]
    indices = [writer.cast(index, "int64") for index in indices]
    if len(places) == 1:
        return writer.add("Gather", value, indices[0], axis=places[0])
    if places != list(range(len(places))):
        raise no_form(node, " when a whole axis stands before index arrays")
    common = writer.add("Shape", writer.add("Max", *indices))
    last = writer.numbers(-1)
    ends = [writer.add("Unsqueeze", writer.add("Expand", i, common), last) for i in indices]
    return writer.add("GatherND", value, writer.add("Concat", *ends, axis=-1))


def _written(writer: Writer, node: Apply, operands: Values) -> str:
    """x[...] set or increased: the same part of the numbers 0, 1, ... tells where, in x's row."""
    assert isinstance(node.op, subtensor.IncSubtensor | lookup.AdvancedIncSubtensor)
    x, y, *numbers = operands
    whole = writer.add("Shape", x)
    size = writer.add("Size", x)
    order = writer.add("Reshape", count(writer, size), whole, allowzero=1)
    if isinstance(node.op, subtensor.IncSubtensor):
        where = _taken(writer, node, order, list(zip(numbers, node.inputs[2:], strict=True)))
    else:
        where = _gathered(writer, node, order, numbers, node.inputs[2:])
    row = writer.numbers(-1)
    wide = writer.add("Expand", y, writer.add("Shape", where))
    flat = [writer.add("Reshape", value, row) for value in (x, where, wide)]
    how = {} if node.op.sets else {"reduction": "add"}
    made = writer.add("ScatterElements", *flat, axis=0, **how)
    return writer.add("Reshape", made, whole, allowzero=1)


RULES: dict[type, Rule] = {
    subtensor.Subtensor: _part,
    lookup.AdvancedSubtensor: _looked_up,
    subtensor.IncSubtensor: _written,
    lookup.AdvancedIncSubtensor: _written,
}
