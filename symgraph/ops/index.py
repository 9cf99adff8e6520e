"""Indexing: reading x[...] and writing set_subtensor, inc_subtensor.

An index is a fixed pattern (`Part`s: slices, new axes, single indices) whose numbers are scalar or
array inputs of the op, so one compiled function serves all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from symgraph.errors import GraphTypeError, IndexRangeError
from symgraph.families import (
    Assemble,
    Example,
    Index,
    Moved,
    Piece,
    Read,
    Sample,
    TensorOp,
    is_continuous,
    is_one,
)
from symgraph.graph import Variable
from symgraph.kernel import INT, Expr, cast, lit, select
from symgraph.ops.arith import minimum
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.create import arange, zeros_like
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.search import mask_positions
from symgraph.ops.shape import MakeVector, shape_i
from symgraph.types import (
    DISCRETE,
    Arg,
    Dim,
    Dims,
    Tensor,
    Tensors,
    as_tensor_variable,
    choose,
    constant,
    larger,
    smaller,
    unify,
)

__all__ = [
    "diagonal",
    "inc_subtensor",
    "set_subtensor",
    "take",
    "trace",
]

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


class _Indexing:
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


@dataclass(frozen=True, repr=False)
class Subtensor(_Indexing, Moved):
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


@dataclass(frozen=True, repr=False)
class IncSubtensor(_Indexing, Assemble):
    """A copy of x in which x[...] is set to y, or increased by it; inputs x, y, numbers."""

    parts: Pattern
    sets: bool
    base = 0

    def __str__(self) -> str:
        return self.describe("SetSubtensor" if self.sets else "IncSubtensor")

    def out_shape(self, *args: Arg) -> Dims:
        """The shape of x; y has the shape of the part, or broadcasts to it."""
        _agree(args[1].shape, self._extent(args), str(self))
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


def _agree(small: Dims, wide: Dims, where: str) -> None:
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


class _Lookup(_Indexing):
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
        _agree(args[1].shape, self.extent(args, 2), str(self))
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


def subtensor(x: Any, index: Any) -> Tensor:
    """`x[index]`: slices, integers, None, Ellipsis, integer arrays, lists; symbolic or not."""
    x = as_tensor_variable(x)
    if isinstance(index, int) and x.owner is not None and isinstance(x.owner.op, MakeVector):
        scalars = x.owner.inputs
        if -len(scalars) <= index < len(scalars):
            return scalars[index]
    parts, numbers = parse_index(x, index)
    if not parts:
        return x
    op: TensorOp = AdvancedSubtensor(parts) if _has_arrays(parts, numbers) else Subtensor(parts)
    result: Tensor = op(x, *numbers)
    return result


def _has_arrays(parts: Pattern, numbers: Tensors) -> bool:
    return any(v.type.ndim for v in numbers)


def parse_index(x: Tensor, index: Any) -> tuple[Pattern, list[Tensor]]:
    """An index as a pattern and its numbers."""
    entries = list(index) if isinstance(index, tuple) else [index]
    ndim = x.type.ndim
    taken = sum(map(_axes_taken, entries))
    dots = [n for n, entry in enumerate(entries) if entry is Ellipsis]
    if len(dots) > 1:
        raise GraphTypeError("an index can hold only one ellipsis (`...`)")
    if taken > ndim:
        raise GraphTypeError(
            f"{taken} indices for {x} of {ndim} axes ({x.type}, made at {x.made_at})"
        )
    for place in dots:
        entries[place : place + 1] = [slice(None)] * (ndim - taken)
    parts, numbers = list[Part](), list[Tensor]()
    for entry in _without_masks(x, entries):
        part, values = _parse_entry(entry)
        parts.append(part)
        numbers += values
    while parts and parts[-1] == FULL:
        parts.pop()
    return tuple(parts), numbers


def _is_mask(entry: Any) -> bool:
    if isinstance(entry, list | bool):
        return bool(np.asarray(entry).dtype == bool)
    return str(getattr(entry, "dtype", "")) == "bool"


def _axes_taken(entry: Any) -> int:
    if entry is None or entry is Ellipsis:
        return 0
    if not _is_mask(entry):
        return 1
    return int(entry.type.ndim if hasattr(entry, "type") else np.ndim(entry))


def _without_masks(x: Tensor, entries: Sequence[Any]) -> list[Any]:
    """Entries with each mask replaced by the indices it stands for."""
    found, axis = list[Any](), 0
    for entry in entries:
        if _is_mask(entry):
            mask = as_tensor_variable(entry if isinstance(entry, Variable) else np.asarray(entry))
            if not mask.type.ndim:
                raise GraphTypeError("a boolean scalar is no index; use T.switch or ifelse")
            sizes = [shape_i(x, axis + k) for k in range(mask.type.ndim)]
            found += mask_positions(mask, sizes)
            axis += mask.type.ndim
        else:
            found.append(entry)
            axis += _axes_taken(entry)
    return found


def _parse_entry(entry: Any) -> tuple[Part, list[Tensor]]:
    if entry is None:
        return Part(NEW), []
    if isinstance(entry, slice):
        bounds = (entry.start, entry.stop, entry.step)
        if isinstance(entry.step, int) and entry.step == 0:
            raise GraphTypeError("a slice cannot have step 0")
        start, stop, step = (bound is not None for bound in bounds)
        return Part(SLICE, (start, stop, step)), [_slice_bound(b) for b in bounds if b is not None]
    if isinstance(entry, float):
        raise GraphTypeError(f"an index is an integer, not {entry!r}")
    at = as_tensor_variable(np.asarray(entry) if isinstance(entry, list | tuple | int) else entry)
    dtype = at.type.dtype
    if dtype not in DISCRETE:
        raise GraphTypeError(f"an index holds integers, but {at} is {at.type}; cast it")
    return Part(AT), [at]


def _slice_bound(bound: Any) -> Tensor:
    var = as_tensor_variable(np.int64(bound) if isinstance(bound, int) else bound)
    if var.type.ndim or var.type.dtype not in DISCRETE:
        raise GraphTypeError(f"the bounds of a slice are integer scalars, but {var} is {var.type}")
    return cast_to(var, INT)


def set_subtensor(
    x: Any, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False
) -> Tensor:
    """A copy of the tensor that `x` is a part of, with that part set to `y`.

    `x` is an indexed variable, as in `set_subtensor(a[2:4], 0)`. `inplace` is taken for Theano's
    sake: memory is reused whenever it can be.

    >>> import symgraph.tensor as T
    >>> a = T.constant([1.0, 2.0, 3.0])
    >>> set_subtensor(a[1:], 0.0).eval()
    array([1., 0., 0.])
    """
    return _assigned(x, y, True)


def inc_subtensor(
    x: Any, y: Any, inplace: bool = False, set_instead_of_inc: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Tensor:  # fmt: skip
    """A copy of the tensor that `x` is a part of, with `y` added to that part.

    Where an index array repeats an index, every increment counts.
    """
    return _assigned(x, y, set_instead_of_inc)


def _assigned(x: Any, y: Any, sets: bool) -> Tensor:
    node = getattr(x, "owner", None)
    if node is None or not isinstance(node.op, Subtensor | AdvancedSubtensor):
        raise GraphTypeError(
            f"set_subtensor and inc_subtensor take an indexed variable such as a[i], not {x}"
        )
    whole, *numbers = node.inputs
    if not isinstance(y, Variable):
        y = constant(y, dtype=whole.type.dtype if np.asarray(y).dtype.kind in "biuf" else None)
    if _loses(y, whole):
        raise GraphTypeError(
            f"{y} is {y.type} and would lose precision in {whole} ({whole.type}); cast it first"
        )
    y = cast_to(y, whole.type.dtype)
    kind = IncSubtensor if isinstance(node.op, Subtensor) else AdvancedIncSubtensor
    result: Tensor = kind(node.op.parts, sets)(whole, y, *numbers)
    return result


def _loses(y: Tensor, whole: Tensor) -> bool:
    return not np.can_cast(y.type.dtype, whole.type.dtype, "same_kind")


def take(x: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Tensor:
    """The elements of `x` at `indices` along an axis, or of the flattened tensor."""
    x = as_tensor_variable(x)
    if axis is None:
        return subtensor(x.flatten(), indices)
    ndim = x.type.ndim
    return subtensor(x, (*[slice(None)] * (axis % ndim), indices))


def diagonal(x: Any) -> Tensor:
    """The main diagonal of a matrix.

    >>> diagonal([[1.0, 2.0], [3.0, 4.0]]).eval()
    array([1., 4.])
    """
    x = as_tensor_variable(x)
    places = arange(minimum(shape_i(x, 0), shape_i(x, 1)))
    return subtensor(x, (places, places))


def trace(x: Any) -> Tensor:
    """The sum of the main diagonal of a matrix."""
    return sum_over(diagonal(x))
