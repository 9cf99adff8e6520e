"""Parts of tensors: slices of slices, elements of what was just put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from symgraph.graph import Apply, Constant, Variable
from symgraph.ops.arith import add, maximum, minimum, second, sub
from symgraph.ops.create import Alloc, ARange, alloc, arange, zeros_like
from symgraph.ops.index import inc_subtensor, set_subtensor, subtensor
from symgraph.ops.join import Join, join
from symgraph.ops.lookup import AdvancedIncSubtensor, AdvancedSubtensor
from symgraph.ops.pattern import AT, FULL, NEW, SLICE, Part, Pattern
from symgraph.ops.shape import MakeVector, make_vector, shape_i
from symgraph.ops.subtensor import IncSubtensor, Subtensor
from symgraph.rewrite import EXACT, ROUNDING
from symgraph.rules.constants import same_size
from symgraph.rules.equations import Theme
from symgraph.rules.samples import matrix, scalar, vector
from symgraph.rules.terms import kind, made_by, number_of, runs_alike
from symgraph.types import constant

theme = Theme("indexing")
exact = theme.marked(EXACT)
rounding = theme.marked(ROUNDING)


def pattern_of(node: Apply) -> Pattern:
    """The pattern of an indexing node."""
    pattern: Pattern = node.op.parts  # type: ignore[attr-defined]
    return pattern


class Entry(NamedTuple):
    """One entry of an index with its numbers, and the axis it indexes (None for a new one)."""

    part: Part
    numbers: tuple[Variable, ...]
    axis: int | None


def entries_of(pattern: Pattern, numbers: Sequence[Variable]) -> list[Entry]:
    """A pattern and its numbers, entry by entry."""
    values, axis, found = iter(numbers), 0, list[Entry]()
    for part in pattern:
        count = sum(part.has) if part.kind == SLICE else int(part.kind == AT)
        own = tuple(next(values) for _ in range(count))
        found.append(Entry(part, own, None if part.kind == NEW else axis))
        axis += part.kind != NEW
    return found


def index_of(entries: Sequence[Entry]) -> tuple[Any, ...]:
    """Entries as an index that `subtensor` takes."""
    return tuple(_index_entry(entry) for entry in entries)


def _index_entry(entry: Entry) -> Any:
    if entry.part.kind == NEW:
        return None
    if entry.part.kind == AT:
        return entry.numbers[0]
    values = iter(entry.numbers)
    return slice(*(next(values) if given else None for given in entry.part.has))


def bounds_of(entry: Entry) -> list[Variable | None]:
    """Start, stop and step of a slice, None where they are left out."""
    values = iter(entry.numbers)
    return [next(values) if given else None for given in entry.part.has]


def known_slice(entry: Entry) -> slice | None:
    """A slice whose numbers are all known."""
    if not all(isinstance(v, Constant) for v in entry.numbers):
        return None
    bounds: list[Any] = bounds_of(entry)
    start, stop, step = (None if v is None else int(v.data) for v in bounds)
    return slice(start, stop, step)


# --- reading -----------------------------------------------------------------------------


def _plain() -> Sequence[Variable]:
    x, v = matrix(), vector(5)
    return [
        x[:],
        Subtensor((FULL,))(x),
        v[0:5],
        x[0 : x.shape[0]],
        v[::1],
        x[: x.shape[0], 1],
        v[:7],
    ]


@exact.rule(Subtensor, examples=_plain)
def plain_slices(node: Apply) -> Variable | None:
    """x[0:n:1] = x[:] = x for an axis of n elements."""
    x, *numbers = node.inputs
    entries = entries_of(pattern_of(node), numbers)
    plain = [_plainer(entry, x) for entry in entries]
    while plain and plain[-1].part == FULL:
        plain.pop()
    if not plain:
        return x
    return None if plain == entries else subtensor(x, index_of(plain))


def _plainer(entry: Entry, x: Variable) -> Entry:
    """A slice without the bounds that say nothing."""
    if entry.part.kind != SLICE or entry.axis is None:
        return entry
    start, stop, step = bounds_of(entry)
    if step is not None and number_of(step) == 1:
        step = None
    if step is None:
        start = None if start is not None and number_of(start) == 0 else start
        stop = None if stop is not None and _reaches_end(stop, x, entry.axis) else stop
    kept = [bound for bound in (start, stop, step) if bound is not None]
    has = (start is not None, stop is not None, step is not None)
    return Entry(Part(SLICE, has), tuple(kept), entry.axis)


def _reaches_end(stop: Variable, x: Variable, axis: int) -> bool:
    size, number = kind(x).shape[axis], number_of(stop)
    if number is not None and isinstance(size, int):
        return bool(number >= size)
    return same_size(stop, shape_i(x, axis))


def _slices_of_slices() -> Sequence[Variable]:
    v, known, x = vector(), vector(9), matrix()
    return [v[2:][3:], v[2:][4], v[::-1][::-1], known[1:8:2][1:3], known[::-2][1], x[1:, 2:][:, 0]]


@exact.rule(Subtensor, examples=_slices_of_slices)
def slice_of_slice(node: Apply) -> Variable | None:
    """x[a:][b:] = x[a + b:], and what else is known before the run."""
    inner = made_by(node.inputs[0], Subtensor)
    if inner is None:
        return None
    x = inner.inputs[0]
    first = entries_of(pattern_of(inner), inner.inputs[1:])
    second = entries_of(pattern_of(node), node.inputs[1:])
    if any(e.part.kind != SLICE for e in first) or any(e.part.kind == NEW for e in second):
        return None
    index = []
    for axis in range(max(len(first), len(second))):
        pair = [e[axis] if axis < len(e) else Entry(FULL, (), axis) for e in (first, second)]
        both = _both(pair[0], pair[1], kind(x).shape[axis])
        if both is None:
            return None
        index.append(both)
    return subtensor(x, tuple(index))


def _both(first: Entry, second: Entry, size: Any) -> Any:
    """One index for two after each other; None if it takes a run to know."""
    if first.part == FULL:
        return _index_entry(second)
    if second.part == FULL:
        return _index_entry(first)
    cut = known_slice(first)
    then = known_slice(second) if second.part.kind == SLICE else number_of(second.numbers[0])
    if cut is None or then is None:
        return None
    if isinstance(size, int):
        return _of_range(range(size)[cut], then)
    return _of_unknown(cut, then)


def _of_range(elements: range, then: Any) -> Any:
    if not isinstance(then, slice):
        return elements[then] if -len(elements) <= then < len(elements) else None
    chosen = elements[then]
    stop = chosen.stop if chosen.stop >= 0 else None
    return slice(chosen.start, stop, chosen.step) if len(chosen) else slice(0, 0)


def _of_unknown(cut: slice, then: Any) -> Any:
    """Of x[a:][b:] and x[a:][b], with numbers that count from the front, and x[::-1][::-1]."""
    backwards = slice(None, None, -1)
    if cut == backwards and then == backwards:
        return slice(None)
    if cut.stop is not None or cut.step is not None or cut.start < 0:
        return None
    if not isinstance(then, slice):
        return cut.start + then if then >= 0 else None
    if then.stop is not None or then.step is not None or then.start < 0:
        return None
    return slice(cut.start + then.start, None)


def _elements() -> Sequence[Variable]:
    made = make_vector([scalar("a"), scalar("b"), scalar("c")])
    return [
        subtensor(made, constant(1)),
        subtensor(made, constant(-1)),
        subtensor(made, slice(1, None)),
    ]


@exact.rule(Subtensor, examples=_elements)
def element_of_vector(node: Apply) -> Variable | None:
    """(a, b, c)[1] = b."""
    x, *numbers = node.inputs
    made = made_by(x, MakeVector)
    entries = entries_of(pattern_of(node), numbers)
    if made is None or len(entries) != 1 or not all(isinstance(v, Constant) for v in numbers):
        return None
    entry = entries[0]
    if entry.part.kind == SLICE:
        chosen = made.inputs[known_slice(entry)]  # type: ignore[index]
        return make_vector(chosen) if chosen else None
    place = int(number_of(numbers[0]))
    return made.inputs[place] if -len(made.inputs) <= place < len(made.inputs) else None


def _joined() -> Sequence[Variable]:
    both = join(0, vector(3), vector(4))
    return [both[1], both[3:7], both[1:3], join(1, matrix(2, 3), matrix(2, 2))[:, 4]]


@exact.rule(Subtensor, examples=_joined)
def part_of_join(node: Apply) -> Variable | None:
    """Elements of a join that lie in one of its pieces, whose sizes are known."""
    x, *numbers = node.inputs
    made = made_by(x, Join)
    if made is None:
        return None
    axis: int = made.op.axis  # type: ignore[attr-defined]
    entries = entries_of(pattern_of(node), numbers)
    if any(e.part.kind == NEW for e in entries) or len(entries) <= axis:
        return None
    found = _piece(entries[axis], made.inputs, axis)
    if found is None:
        return None
    piece, there = found
    index = index_of(entries)
    return subtensor(piece, (*index[:axis], there, *index[axis + 1 :]))


def _piece(entry: Entry, pieces: Sequence[Variable], axis: int) -> tuple[Variable, Any] | None:
    """The piece that an entry lies in, and where."""
    sizes = [kind(v).shape[axis] for v in pieces]
    if not all(isinstance(n, int) for n in sizes):
        return None
    starts = np.cumsum([0, *sizes])
    chosen = _chosen(entry, int(starts[-1]))
    if not chosen:
        return None
    low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
    for piece, start, stop in zip(pieces, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if start <= low and high < stop:
            if entry.part.kind == AT:
                return piece, low - start
            moved = range(chosen.start - start, chosen.stop - start, chosen.step)
            return piece, _of_range(moved, slice(None))
    return None


def _chosen(entry: Entry, size: int) -> range | None:
    if entry.part.kind == SLICE:
        cut = known_slice(entry)
        return None if cut is None else range(size)[cut]
    place = number_of(entry.numbers[0])
    if place is None or not -size <= place < size:
        return None
    return range(place % size, place % size + 1)


@exact.rule(
    Subtensor,
    AdvancedSubtensor,
    examples=lambda: [
        alloc(scalar(), 3, 4)[1:],
        alloc(scalar(), 5)[np.array([0, 2])],
        alloc(scalar(), matrix().shape[0], 4)[1:],
    ],
)
def part_of_repeat(node: Apply) -> Variable | None:
    """A part of one number repeated, indices in range."""
    made, out = made_by(node.inputs[0], Alloc), kind(node.outputs[0])
    if made is None or kind(made.inputs[0]).ndim:
        return None
    entries = entries_of(pattern_of(node), node.inputs[1:])
    if any(not _in_range(e, kind(node.inputs[0]).shape) for e in entries):
        return None
    if all(isinstance(n, int) for n in out.shape):
        return alloc(made.inputs[0], *out.shape)
    sizes = made.inputs[1:]
    lengths = [_length(entry, sizes) for entry in entries]
    if any(length is None for length in lengths):
        return None
    found = [*lengths, *sizes[len(lengths) :]]
    known = zip(out.shape, found, strict=True)
    return alloc(made.inputs[0], *(n if isinstance(n, int) else size for n, size in known))


def _length(entry: Entry, sizes: Sequence[Variable]) -> Variable | None:
    """How many elements a plain slice, with one known end at most, leaves of an axis."""
    part = known_slice(entry) if entry.part.kind == SLICE else None
    if part is None or entry.axis is None or part.step not in (None, 1):
        return None
    size, start, stop = sizes[entry.axis], part.start or 0, part.stop
    if start < 0 or (stop is not None and (stop < 0 or start)):
        return None
    if stop is not None:
        return minimum(size, stop)
    return maximum(sub(size, start), 0) if start else size


def _in_range(entry: Entry, shape: Sequence[Any]) -> bool:
    if entry.part.kind != AT or entry.axis is None:
        return True
    (at,), size = entry.numbers, shape[entry.axis]
    return (
        isinstance(at, Constant)
        and isinstance(size, int)
        and bool(np.all((-size <= at.data) & (at.data < size)))
    )


def runs_over(at: Variable, x: Variable, axis: int) -> bool:
    """Whether an index array counts all elements of an axis, in order."""
    made = made_by(at, ARange)
    if made is None:
        return False
    start, step, count = made.inputs
    return number_of(start) == 0 and number_of(step) == 1 and same_size(count, shape_i(x, axis))


def _every() -> Any:
    x = matrix()
    return x, x[arange(x.shape[0])]


@exact.rule(AdvancedSubtensor, examples=lambda: [_every()[1]])
def read_of_every(node: Apply) -> Variable | None:
    """x[arange(n)] = x for n rows."""
    x, *places = node.inputs
    return x if len(pattern_of(node)) == 1 and runs_over(places[0], x, 0) else None


# --- putting together ----------------------------------------------------------------------


@exact.rule(
    Join,
    examples=lambda: [
        Join(0)(vector()),
        join(0, join(0, vector(), vector()), vector()),
        join(0, vector(), vector(0)),
    ],
)
def plain_join(node: Apply) -> Variable | None:
    """A join of one is that; of joins, and of nothing among others, it is one join."""
    op, first = node.op, node.inputs[0]
    assert isinstance(op, Join)
    flat = [v for part in node.inputs for v in _join_pieces(part, op)]
    full = [v for v in flat if kind(v).shape[op.axis] != 0] or [first]
    if len(full) == len(node.inputs) > 1:
        return None
    return join(op.axis, *full)


def _join_pieces(part: Variable, op: Join) -> Sequence[Variable]:
    made = made_by(part, Join)
    return made.inputs if made is not None and made.op == op else [part]


# --- writing ---------------------------------------------------------------------------------


def _written() -> Sequence[Variable]:
    x, y = matrix(), matrix(name="y")
    put, increase = IncSubtensor((FULL,), True), IncSubtensor((FULL,), False)
    made = [put(x, y), put(x, 1.0), increase(x, y), increase(zeros_like(x), y)]
    return [*made, inc_subtensor(x[1:], 0.0), inc_subtensor(_every()[1], y)]


@exact.rule(IncSubtensor, AdvancedIncSubtensor, examples=_written)
def whole_write(node: Apply) -> Variable | None:
    """Adding 0 somewhere changes nothing; writing everywhere leaves only what is written."""
    x, y, *_ = node.inputs
    sets: bool = node.op.sets  # type: ignore[attr-defined]
    if not sets and number_of(y) == 0:
        return x
    if not _everywhere(node):
        return None
    if sets:
        return y if runs_alike(x, y) else _fitting(second(x, y), node)
    return _fitting(add(x, y), node)


def _fitting(new: Variable, node: Apply) -> Variable | None:
    """`new` unless a size known to be 1 is lost, which the write would have had to check."""
    sizes = zip(kind(new).shape, kind(node.outputs[0]).shape, strict=True)
    return None if any(old == 1 != size for size, old in sizes) else new


def _everywhere(node: Apply) -> bool:
    """Whether a write meets every element, in its place."""
    x, _, *numbers = node.inputs
    if isinstance(node.op, AdvancedIncSubtensor):
        return len(pattern_of(node)) == 1 and runs_over(numbers[0], x, 0)
    return all(_plainer(e, x).part == FULL for e in entries_of(pattern_of(node), numbers))


@exact.rule(
    Subtensor, examples=lambda: [set_subtensor(matrix(3, 4)[1:], matrix(2, 4, name="y"))[1:]]
)
def read_of_written(node: Apply) -> Variable | None:
    """What was set at an index is there."""
    made = made_by(node.inputs[0], IncSubtensor)
    if made is None or not made.op.sets or pattern_of(made) != pattern_of(node):  # type: ignore[attr-defined]
        return None
    y = made.inputs[1]
    same = made.inputs[2:] == node.inputs[1:] and runs_alike(y, node.outputs[0])
    return y if same else None


@exact.rule(
    Subtensor, examples=lambda: [inc_subtensor(matrix(3, 4)[1:], matrix(2, 4, name="y"))[1:]]
)
def read_of_added(node: Apply) -> Variable | None:
    """What was added to at an index is the sum."""
    made = made_by(node.inputs[0], IncSubtensor)
    if made is None or made.op.sets or pattern_of(made) != pattern_of(node):  # type: ignore[attr-defined]
        return None
    x, y, *numbers = made.inputs
    if numbers != list(node.inputs[1:]) or not runs_alike(y, node.outputs[0]):
        return None
    return add(Subtensor(pattern_of(node))(x, *numbers), y)


def _written_elsewhere() -> Sequence[Variable]:
    x, y = matrix(3, 4), matrix(2, 4, name="y")
    return [inc_subtensor(x[1:], y)[:1], set_subtensor(x[1:], y)[:1]]


@exact.rule(Subtensor, examples=_written_elsewhere)
def read_before_written(node: Apply) -> Variable | None:
    """The first rows are what they were if only later ones were written."""
    made = made_by(node.inputs[0], IncSubtensor)
    if made is None:
        return None
    read, wrote = (
        known_slice(entries_of(pattern_of(n), n.inputs[first:])[0])
        for n, first in ((node, 1), (made, 2))
    )
    if read is None or wrote is None or read.stop is None or wrote.start is None:
        return None
    upwards = all(part.step in (None, 1) for part in (read, wrote))
    if not upwards or not 0 <= read.stop <= wrote.start or (read.start or 0) < 0:
        return None
    return Subtensor(pattern_of(node))(made.inputs[0], *node.inputs[1:])


def _tiles() -> Sequence[Variable]:
    zero, a, b = alloc(constant(0.0), matrix().shape[0], 5), matrix(None, 2), matrix(None, 3)
    return [inc_subtensor(inc_subtensor(zero[:, :2], a)[:, 2:], b)]


@exact.rule(IncSubtensor, examples=_tiles)
def written_everywhere(node: Apply) -> Variable | None:
    """Zeros written over by slices that follow each other along an axis are these joined."""
    pieces: list[tuple[int, int | None, Variable]] = []
    axes: set[int] = set()
    var: Variable = node.outputs[0]
    made: Apply | None = node
    while made is not None:
        piece = _tile(made)
        if piece is None:
            return None
        axis, start, stop = piece
        axes.add(axis)
        pieces.append((start, stop, made.inputs[1]))
        var = made.inputs[0]
        made = made_by(var, IncSubtensor)
    base = made_by(var, Alloc)
    zero = base is not None and number_of(base.inputs[0]) == 0
    if not zero or len(axes) != 1 or len(pieces) < 2:
        return None
    pieces.sort(key=lambda piece: piece[0])
    (axis,) = axes
    ends = [0, *(stop for _, stop, _ in pieces)]
    whole = ends[-1] is None or ends[-1] == kind(var).shape[axis]
    if not whole or [start for start, _, _ in pieces] != ends[:-1]:
        return None
    return join(axis, *(y for _, _, y in pieces))


def _tile(node: Apply) -> tuple[int, int, int | None] | None:
    """The axis along which a slice is written, and its known ends; all other axes are whole."""
    entries = entries_of(pattern_of(node), node.inputs[2:])
    cut = [entry for entry in entries if entry.part != FULL]
    if len(cut) != 1 or cut[0].part.kind != SLICE or cut[0].axis is None:
        return None
    part = known_slice(cut[0])
    wide = subtensor(node.inputs[0], index_of(entries))
    if part is None or part.step not in (None, 1) or not runs_alike(node.inputs[1], wide):
        return None
    start, stop = part.start or 0, part.stop
    return None if start < 0 or (stop is not None and stop < start) else (cut[0].axis, start, stop)
