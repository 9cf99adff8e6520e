"""Basic indexing: parts that slices and single indices cut out, read and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.errors import IndexRangeError
from symgraph.families import (
    Assemble,
    Example,
    Index,
    Moved,
    Piece,
    Read,
    Sample,
    is_continuous,
)
from symgraph.ops.create import zeros_like
from symgraph.ops.pattern import (
    AT,
    FULL,
    NEW,
    SLICE,
    Indexing,
    Part,
    Pattern,
    agree,
    broadcast_index,
    place_of,
    written,
)
from symgraph.types import (
    Arg,
    Dim,
    Dims,
    Tensors,
)


@dataclass(frozen=True, repr=False)
class Subtensor(Indexing, Moved):
    """x[...] with slices, new axes and single indices; an index out of range is an error."""

    parts: Pattern

    def __str__(self) -> str:
        return self.describe("Subtensor")

    def out_shape(self, *args: Arg) -> Dims:
        """One axis for each slice and new axis."""
        laid = self.layout(args[0], args[1:])
        return tuple(1 if p.kind == NEW else s.count for p, s in laid if p.kind != AT)

    def bounds(self, args: Sequence[Arg]) -> Sequence[tuple[int, Dim]]:
        """Single indices lie inside their axis."""
        return self.index_bounds(args[0], 1)

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """start + i * step along slices, the index itself elsewhere."""
        return place_of(self.layout(args[0], args[1:]), args[0], index)

    def reference(self, x: Any, *numbers: Any) -> Any:
        """NumPy's indexing."""
        try:
            return x[self.numpy_index(numbers)]
        except IndexError as error:
            raise IndexRangeError(str(error)) from None

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent where the elements came from, zeros elsewhere."""
        x, *numbers = inputs
        back = IncSubtensor(self.parts, False)(zeros_like(x), output_grads[0], *numbers)
        return [back, *[None] * len(numbers)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Slices of all kinds, single indices, new axes."""
        for parts, numbers in PATTERNS:
            yield Example(cls(parts), (Sample((5, 4)), *_numbers(numbers)))


PATTERNS: tuple[tuple[Pattern, tuple[int, ...]], ...] = (
    ((Part(SLICE, (True, True, False)),), (1, 4)),
    ((Part(SLICE, (False, True, True)),), (-1, 2)),
    ((Part(SLICE, (False, False, True)), FULL), (-2,)),
    ((Part(SLICE, (True, True, True)),), (10, -10, -1)),
    ((Part(SLICE, (True, False, False)),), (7,)),
    ((Part(AT), Part(SLICE, (True, False, False))), (-2, -3)),
    ((Part(NEW), FULL, Part(AT)), (2,)),
    ((Part(AT), Part(AT)), (0, -1)),
)


def _numbers(values: Sequence[int]) -> tuple[Sample, ...]:
    return tuple(Sample((), f"value:{n}", "int64", False) for n in values)


@dataclass(frozen=True, repr=False)
class IncSubtensor(Indexing, Assemble):
    """A copy of x in which x[...] is set to y, or increased by it; inputs x, y, numbers."""

    parts: Pattern
    sets: bool
    base = 0

    def __str__(self) -> str:
        return self.describe("SetSubtensor" if self.sets else "IncSubtensor")

    def out_shape(self, *args: Arg) -> Dims:
        """The shape of x; y has the shape of the part, or broadcasts to it."""
        agree(args[1].shape, self._extent(args), str(self))
        return args[0].shape

    def _extent(self, args: Sequence[Arg]) -> Dims:
        laid = self.layout(args[0], args[2:])
        return tuple(1 if p.kind == NEW else s.count for p, s in laid if p.kind != AT)

    def bounds(self, args: Sequence[Arg]) -> Sequence[tuple[int, Dim]]:
        """Single indices lie inside their axis."""
        return self.index_bounds(args[0], 2)

    def pieces(self, args: Sequence[Arg]) -> Sequence[Piece]:
        """The part, written over or added to."""
        laid = self.layout(args[0], args[2:])
        return [
            Piece(
                1,
                self._extent(args),
                lambda index, read: place_of(laid, args[0], index),
                accumulate=not self.sets,
                read_at=lambda index: broadcast_index(index, args[1].shape),
            )
        ]

    def reference(self, x: Any, y: Any, *numbers: Any) -> Any:
        """NumPy's assignment to a copy."""
        return written(x, y, self.numpy_index(numbers), self.sets)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """To x the cotangent, without the part that was overwritten; to y that part."""
        (_, y, *numbers), (g,) = inputs, output_grads
        part = Subtensor(self.parts)(g, *numbers)
        rest = IncSubtensor(self.parts, True)(g, zeros_like(part), *numbers) if self.sets else g
        return [rest, part if is_continuous(y) else None, *[None] * len(numbers)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Each pattern, set and increased; y broadcast."""
        shapes = ((3, 4), (2, 4), (3, 4), (5, 4), (0, 4), (3,), (1, 5), ())
        for sets in (True, False):
            for (parts, numbers), shape in zip(PATTERNS, shapes, strict=True):
                yield Example(cls(parts, sets), (Sample((5, 4)), Sample(shape), *_numbers(numbers)))
            yield Example(
                cls(PATTERNS[0][0], sets), (Sample((5, 4)), Sample(()), *_numbers((1, 4)))
            )
