"""Parts of tensors: slices of slices, elements of what was just put together, scatters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from symgraph.graph import Apply, Constant, Variable
from symgraph.ops.arith import Add, Mul, Neg, Sub, add, mul, neg, second
from symgraph.ops.create import Alloc, ARange, alloc, arange, zeros_like
from symgraph.ops.index import inc_subtensor, set_subtensor, subtensor
from symgraph.ops.join import Join, join
from symgraph.ops.lookup import AdvancedIncSubtensor, AdvancedSubtensor
from symgraph.ops.pattern import AT, FULL, NEW, SLICE, Part, Pattern
from symgraph.ops.reduce import Sum
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.shape import MakeVector, make_vector, shape_i
from symgraph.ops.subtensor import IncSubtensor, Subtensor
from symgraph.rewrite import EXACT, ROUNDING
from symgraph.rules.constants import same_size
from symgraph.rules.equations import Theme
from symgraph.rules.reductions import axes_of
from symgraph.rules.samples import matrix, scalar, vector
from symgraph.rules.terms import finite_number_of, kind, made_by, number, number_of, runs_alike
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
    return [Subtensor((FULL,))(x), v[0:5], x[0 : x.shape[0]], v[::1], x[: x.shape[0], 1], v[:7]]


@exact.rule(Subtensor, examples=_plain)
def plain_slices(node: Apply) -> Variable | None:
    """x[0:n:1] = x[:] = x for an axis of n elements."""
    x, *numbers = node.inputs
    entries = entries_of(pattern_of(node), numbers)
    plain = [_plainer(entry, x) for entry in entries]
    while plain and plain[-1].part == FULL:
        plain.pop()
    if plain == entries:
        return None
    return subtensor(x, index_of(plain)) if plain else x


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
    examples=lambda: [alloc(scalar(), 3, 4)[1:], alloc(scalar(), 5)[np.array([0, 2])]],
)
def part_of_repeat(node: Apply) -> Variable | None:
    """A part of known size of one number repeated, indices in range."""
    made, out = made_by(node.inputs[0], Alloc), kind(node.outputs[0])
    if made is None or kind(made.inputs[0]).ndim or not all(isinstance(n, int) for n in out.shape):
        return None
    if any(
        not _in_range(e, kind(node.inputs[0]).shape)
        for e in entries_of(pattern_of(node), node.inputs[1:])
    ):
        return None
    return alloc(made.inputs[0], *out.shape)


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
    if runs_alike(x, y):
        return y if sets else add(x, y)
    return second(x, y) if sets else add(x, y)


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


SCATTERS = (IncSubtensor, AdvancedIncSubtensor)


def scatter_of(var: Variable) -> Apply | None:
    """The node that adds something to zeros at an index."""
    node = made_by(var, *SCATTERS)
    if node is None or node.op.sets or number_of(node.inputs[0]) != 0:  # type: ignore[attr-defined]
        return None
    return node


def scattered(node: Apply, y: Variable, onto: Variable | None = None) -> Variable:
    """A scatter with something else added, to zeros unless told to what."""
    made: Variable = node.op(node.inputs[0] if onto is None else onto, y, *node.inputs[2:])
    return made


def _scatter() -> Any:
    x, at = matrix(), vector(name="at", dtype="int64")
    return inc_subtensor(zeros_like(x)[at], matrix(name="y"))


@rounding.rule(
    Add, Sub, examples=lambda: [matrix() + _scatter(), matrix() - _scatter()], asks_readers=True
)
def sum_with_scatter(node: Apply, readers: Callable[[Variable], int]) -> Variable | None:
    """a + (zeros with y added at an index) = a with y added there."""
    minus = isinstance(node.op, Sub)
    for a, b in (node.inputs, node.inputs[::-1])[: 1 if minus else 2]:
        found = scatter_of(b)
        if (
            found is None
            or readers(b) != 1
            or not runs_alike(a, b)
            or kind(a).dtype != kind(b).dtype
        ):
            continue
        y = found.inputs[1]
        return scattered(found, neg(y) if minus else y, onto=a)
    return None


@exact.rule(Neg, Mul, examples=lambda: [-_scatter(), _scatter() * 2.0])
def multiple_of_scatter(node: Apply) -> Variable | None:
    """c * (zeros with y added at an index) = zeros with c * y added there, for a number c."""
    if isinstance(node.op, Neg):
        found = scatter_of(node.inputs[0])
        return None if found is None else scattered(found, neg(found.inputs[1]))
    for a, c in (node.inputs, node.inputs[::-1]):
        found = scatter_of(a)
        factor = finite_number_of(c)
        fits = kind(c).ndim <= kind(a).ndim and kind(a).dtype == kind(node.outputs[0]).dtype
        if found is not None and factor is not None and fits and _narrow(c):
            return scattered(found, mul(found.inputs[1], factor))
    return None


def _narrow(c: Variable) -> bool:
    return all(size == 1 for size in kind(c).shape)


def _picked(values: bool) -> Any:
    x, rows, columns = matrix(), vector(name="i", dtype="int64"), vector(name="j", dtype="int64")
    return inc_subtensor(zeros_like(x)[rows, columns], vector(name="y") if values else 1.0)


@rounding.rule(
    Sum, examples=lambda: [sum_over(_picked(v), a) for v in (True, False) for a in (0, 1, None)]
)
def sum_of_scatter(node: Apply) -> Variable | None:
    """A sum over an axis of zeros with y added at (i, j) is zeros with y added at i, or at j.

    Over both it is the sum of y.
    """
    found = scatter_of(node.inputs[0])
    if found is None or not isinstance(found.op, AdvancedIncSubtensor) or type(node.op) is not Sum:
        return None
    zeros, y, *places = found.inputs
    axes, ndim = axes_of(node), kind(zeros).ndim
    alike = all(kind(v).shape != (1,) and kind(v).ndim == 1 for v in places)
    if len(places) != ndim or not alike or kind(y).ndim > 1:
        return None
    left = [axis for axis in range(ndim) if axis not in axes]
    if not left:
        every = y if runs_alike(y, places[0]) else alloc(y, shape_i(places[0], 0))
        return Sum((0,), node.op.dtype, node.op.acc_dtype)(every)
    small = alloc(number(0, y), *(shape_i(zeros, axis) for axis in left))
    made: Variable = AdvancedIncSubtensor((Part(AT),) * len(left), False)(
        small, y, *(places[a] for a in left)
    )
    return made
