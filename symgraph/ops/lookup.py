"""Look-ups: indexing by integer arrays, read and written."""

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
    is_one,
)
from symgraph.kernel import Expr
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
    wrapped,
    written,
)
from symgraph.types import (
    Arg,
    Dim,
    Dims,
    Tensors,
    unify,
)


class _Lookup(Indexing):
    """Indices that are arrays: NumPy's rules for where their axes go."""

    def arrays(self, laid: Sequence[tuple[Part, Any]]) -> list[Arg]:
        """The index arguments."""
        return [what for part, what in laid if part.kind == AT]

    def common(self, laid: Sequence[tuple[Part, Any]]) -> Dims:
        """The shape the index arrays broadcast to."""
        shapes = [a.shape for a in self.arrays(laid)]
        ndim = max(map(len, shapes))
        padded = [(1,) * (ndim - len(s)) + s for s in shapes]
        sizes = []
        for axis in range(ndim):
            wide = [s[axis] for s in padded if not is_one(s[axis])]
            sizes.append(unify(wide, f"{self}: axis {axis} of the indices") if wide else 1)
        return tuple(sizes)

    def front(self) -> int | None:
        """How many result axes stand before those of the index arrays; None: they come first."""
        places = [n for n, part in enumerate(self.parts) if part.kind == AT]
        together = places[-1] - places[0] == len(places) - 1
        return sum(p.kind != AT for p in self.parts[: places[0]]) if together else None

    def extent(self, args: Sequence[Arg], first: int) -> Dims:
        """The shape of what is looked up."""
        laid = self.layout(args[0], args[first:])
        kept = tuple(1 if p.kind == NEW else s.count for p, s in laid if p.kind != AT)
        before = self.front() or 0
        return (*kept[:before], *self.common(laid), *kept[before:])

    def place(self, index: Index, args: Sequence[Arg], read: Read, first: int) -> Index:
        """The index into the whole tensor."""
        laid, x = self.layout(args[0], args[first:]), args[0]
        before, width = self.front() or 0, len(self.common(laid))
        shared = index[before : before + width]
        entries = iter((*index[:before], *index[before + width :]))
        where: list[Expr] = []
        for part, what in laid:
            if part.kind == AT:
                at = read(self._input_of(what, args, first), broadcast_index(shared, what.shape))
                where.append(wrapped(at, x.shape[len(where)]))
            elif part.kind == NEW:
                next(entries)
            else:
                where.append(next(entries) * what.step + what.start)
        return tuple(where)

    def _input_of(self, arg: Arg, args: Sequence[Arg], first: int) -> int:
        return next(k for k in range(first, len(args)) if args[k] is arg)


@dataclass(frozen=True, repr=False)
class AdvancedSubtensor(_Lookup, Moved):
    """x[...] with integer arrays among the indices; an index out of range is an error."""

    parts: Pattern

    def __str__(self) -> str:
        return self.describe("AdvancedSubtensor")

    def out_shape(self, *args: Arg) -> Dims:
        """The index arrays' axes in place of those they index, or in front."""
        return self.extent(args, 1)

    def bounds(self, args: Sequence[Arg]) -> Sequence[tuple[int, Dim]]:
        """Indices lie inside their axis."""
        return self.index_bounds(args[0], 1)

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """Looked up in the index arrays."""
        return self.place(index, args, read, 1)

    def reference(self, x: Any, *numbers: Any) -> Any:
        """NumPy's indexing."""
        try:
            return x[self.numpy_index(numbers)]
        except IndexError as error:
            raise IndexRangeError(str(error)) from None

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent added up where the elements came from."""
        x, *numbers = inputs
        back = AdvancedIncSubtensor(self.parts, False)(zeros_like(x), output_grads[0], *numbers)
        return [back, *[None] * len(numbers)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One array, two, together and apart, with slices."""
        for parts, shapes, numbers in LOOKUPS:
            yield Example(cls(parts), (Sample((5, 4, 3)), *_indices(shapes, numbers)))


LOOKUPS: tuple[tuple[Pattern, tuple[tuple[int, ...], ...], tuple[int, ...]], ...] = (
    ((Part(AT),), ((6,),), (5,)),
    ((FULL, Part(AT)), ((2, 3),), (4,)),
    ((Part(AT), Part(AT)), ((3,), (2, 1)), (5, 4)),
    ((Part(AT), FULL, Part(AT)), ((4,), (4,)), (5, 3)),
    ((Part(SLICE, (False, False, True)), Part(AT)), ((), (3,)), (-2, 4)),
)


def _indices(shapes: Sequence[tuple[int, ...]], sizes: Sequence[int]) -> tuple[Sample, ...]:
    return tuple(
        Sample(s, f"index:{n}" if n > 0 else f"value:{n}", "int64", False)
        for s, n in zip(shapes, sizes, strict=True)
    )


@dataclass(frozen=True, repr=False)
class AdvancedIncSubtensor(_Lookup, Assemble):
    """A copy of x with x[...] at integer arrays set to y, or increased by it for every index."""

    parts: Pattern
    sets: bool
    base = 0

    def __str__(self) -> str:
        return self.describe("AdvancedSetSubtensor" if self.sets else "AdvancedIncSubtensor")

    def out_shape(self, *args: Arg) -> Dims:
        """The shape of x; y has the shape of the part, or broadcasts to it."""
        agree(args[1].shape, self.extent(args, 2), str(self))
        return args[0].shape

    def bounds(self, args: Sequence[Arg]) -> Sequence[tuple[int, Dim]]:
        """Indices lie inside their axis."""
        return self.index_bounds(args[0], 2)

    def pieces(self, args: Sequence[Arg]) -> Sequence[Piece]:
        """The looked-up elements, one after the other: later ones win, or add up."""
        return [
            Piece(
                1,
                self.extent(args, 2),
                lambda index, read: self.place(index, args, read, 2),
                accumulate=not self.sets,
                distinct=False,
                read_at=lambda index: broadcast_index(index, args[1].shape),
            )
        ]

    def reference(self, x: Any, y: Any, *numbers: Any) -> Any:
        """NumPy's assignment to a copy."""
        return written(x, y, self.numpy_index(numbers), self.sets)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """To x the cotangent, without what was overwritten; to y what was looked up of it.

        Of several elements set at one index the last stays; the gradient takes the indices
        for distinct, as Theano does.
        """
        (_, y, *numbers), (g,) = inputs, output_grads
        part = AdvancedSubtensor(self.parts)(g, *numbers)
        rest = g
        if self.sets:
            rest = AdvancedIncSubtensor(self.parts, True)(g, zeros_like(part), *numbers)
        return [rest, part if is_continuous(y) else None, *[None] * len(numbers)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Each look-up increased; set at distinct indices."""
        parts_of = ((6, 4, 3), (5, 2, 3, 3), (2, 3, 3), (4, 4), (3, 3, 3))
        for (parts, shapes, numbers), shape in zip(LOOKUPS, parts_of, strict=True):
            x, y = Sample((5, 4, 3)), Sample(shape)
            yield Example(cls(parts, False), (x, y, *_indices(shapes, numbers)))
        one = (Sample((5, 4, 3)), Sample((1, 4, 3)), Sample((1,), "index:5", "int64", False))
        yield Example(cls((Part(AT),), True), one)
