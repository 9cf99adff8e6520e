"""Scatters: writes to places that are found in data, where several may be the same.

Lowering writes them as one run that goes through all elements in order. What is written depends
on nothing that is written, so their places may be sorted first, by a stable sort: then all writes
to one place are neighbours, in their order. A thread has a stretch of them: it adds them up in that
order, or makes the last write alone, as NumPy does. Numbers are the same from run to run.

Additions need no order if their last digits may differ from run to run. Then each is an atomic one,
which takes one launch instead of several. That is the default, and not with `config.deterministic`.

Loops over axes that the data does not choose, such as the elements of a row, are shared out as they
are: only rows are sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from symgraph.backends.cuda.own_routines import ORDER_OF_PLACES
from symgraph.backends.cuda.scalars import Given, given_of
from symgraph.dataclass import dataclass
from symgraph.kernel import (
    HI,
    INT,
    LO,
    Buffer,
    Call,
    Expr,
    Fold,
    Kernel,
    Let,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
    binary,
    compare,
    lit,
    select,
    walk,
)
from symgraph.lower.elements import free_variables
from symgraph.lower.program import Allocate, Branch, Launch, Repeat, Routine, Step

ATOMIC = frozenset(("float32", "float64", "int32", "uint32", "int64", "uint64"))
Numbers = Iterator[int]
P, Q, ONCE = Name("p"), Name("q"), Name("once")
COUNT = Name("p_count")  # of the runs that are sorted
KEYS, ORDERED, ORDER, ENDS = (
    Buffer(f"p_{name}", INT) for name in ("places", "ordered", "order", "ends")
)


@dataclass(frozen=True)
class AtomicAdd(Store):
    """Add `value` to an element, to which others may add at the same time."""


def scattered(steps: Sequence[Step], deterministic: bool) -> tuple[Step, ...]:
    """The steps, scatters done by many threads."""
    return _scattered(steps, deterministic, count(1))


def _scattered(steps: Sequence[Step], deterministic: bool, numbers: Numbers) -> tuple[Step, ...]:
    found: list[Step] = []
    for step in steps:
        if isinstance(step, Repeat):
            found.append(replace(step, body=_scattered(step.body, deterministic, numbers)))
        elif isinstance(step, Branch):
            then, other = (
                _scattered(s, deterministic, numbers) for s in (step.then, step.otherwise)
            )
            found.append(replace(step, then=then, otherwise=other))
        else:
            scatter = scatter_of(step) if isinstance(step, Launch) else None
            found += [step] if scatter is None else scatter.steps(deterministic, numbers)
    return tuple(found)


def scatter_of(step: Launch) -> Scatter | None:
    """The scatter that a launch of one run is, if it is one."""
    (once,) = step.kernel.body
    assert isinstance(once, Loop)
    loops, body = list[Loop](), once.body
    while len(body) == 1 and isinstance(body[0], Loop):
        loops.append(body[0])
        body = body[0].body
    plain = all(loop.lo == lit(0) and not loop.folds and not loop.apart for loop in loops)
    if step.extent != lit(1) or not step.nodes or not loops or not plain or len(body) != 1:
        return None
    (store,) = body
    if not isinstance(store, Store):
        return None
    added = _added(store)
    value = store.value if added is None else added
    read = {p.buffer for e in (store.index, value) for p in walk(e) if isinstance(p, Load)}
    return None if store.buffer in read else Scatter(step, tuple(loops), store, added)


def _added(store: Store) -> Expr | None:
    """What a store adds to the element it writes, if it does that."""
    value = store.value
    there = Load(store.buffer, store.index)
    adds = isinstance(value, Call) and value.op == "add" and value.args[0] == there
    return value.args[1] if adds and isinstance(value, Call) else None


@dataclass(frozen=True)
class Scatter:
    """A launch of one run whose loops write to an element each, or add to it."""

    step: Launch
    loops: tuple[Loop, ...]
    store: Store
    added: Expr | None

    def steps(self, deterministic: bool, numbers: Numbers) -> list[Step]:
        """The steps that do it by many threads."""
        target, index = self.store.buffer, self.store.index
        if self.added is not None and target.dtype in ATOMIC and not deterministic:
            first, *others = self.loops
            inside = _around(others, [AtomicAdd(target, index, self.added)])
            return [self._launch("", first.index, inside, self._given_of(first.hi), {})]
        return self._in_order(next(numbers))

    def _in_order(self, number: int) -> list[Step]:
        """Places, their order, and writes by stretches of equal places."""
        chosen, free, place = self._split()
        runs: Expr = lit(1)
        for loop in chosen:
            runs = runs * self._given_of(loop.hi)
        own: dict[Buffer | Name, Buffer | Expr] = {
            b: replace(b, name=f"{b.name}_{number}") for b in (KEYS, ORDERED, ORDER, ENDS)
        }
        own[COUNT] = runs
        keys = [*_indices(chosen, P), Store(KEYS, P, place)]
        rows = [(b, (runs,)) for b in own.values() if isinstance(b, Buffer)]
        stretches = self._last(chosen, free) if self.added is None else self._sums(chosen, free)
        return [
            *(Allocate(buffer, dims, runs) for buffer, dims in rows),
            self._launch("_places", P.id, keys, runs, own),
            Routine(ORDER_OF_PLACES, tuple(rows[1:]), (rows[0],), (), self.step.nodes[0]),
            self._launch("", P.id, stretches, runs, own),
        ]

    def _split(self) -> tuple[list[Loop], list[Loop], Expr]:
        """The loops whose runs may meet, those along trailing axes, and the former's place."""
        chosen, free, place = list(self.loops), list[Loop](), self.store.index
        while len(chosen) > 1:
            row = _row_of(place, chosen[-1])
            if row is None:
                break
            free.insert(0, chosen.pop())
            place = row
        return chosen, free, place

    def _last(self, chosen: Sequence[Loop], free: Sequence[Loop]) -> list[Stmt]:
        """The write of the last of a stretch."""
        behind = select(P + 1 < COUNT, P + 1, P)
        last = (P + 1 >= COUNT) | compare("ne", Load(ORDERED, behind), Load(ORDERED, P))
        inside = [*_indices(chosen, Load(ORDER, P)), self.store]
        return _around(free, [_if(last, inside)])

    def _sums(self, chosen: Sequence[Loop], free: Sequence[Loop]) -> list[Stmt]:
        """The sum of a stretch, by the first of it: in order, or by a team for whole stretches."""
        assert self.added is not None
        target, place = self.store.buffer, Load(ORDERED, P)
        at: Expr = place
        for loop in free:
            at = at * loop.hi + Name(loop.index)
        total, other = Name("c", target.dtype), Name("lo", target.dtype)
        there = Load(target, at)
        add = [
            *_indices(chosen, Load(ORDER, Q)),
            Update(total.id, binary("add", total, self.added)),
        ]
        fold = Fold((total,), (other,), (binary("add", total, other),))
        team = not free
        sums = Loop(Q.id, P, Load(ENDS, P), tuple(add), team, (fold,) if team else ())
        start: Expr = lit(0, target.dtype) if team else there
        result = binary("add", there, total) if team else total
        before = select(compare("eq", P, 0), P, P - 1)
        first = compare("eq", P, 0) | compare("ne", Load(ORDERED, before), place)
        inside = [Let(total.id, start), sums, Store(target, at, result)]
        return _around(free, [_if(first, inside)])

    def _launch(
        self, suffix: str, index: str, body: Sequence[Stmt], runs: Expr, own: Given
    ) -> Launch:
        loop = Loop(index, LO, HI, tuple(body), apart=True)
        scalars, buffers = free_variables([loop])
        params: tuple[Buffer | Name, ...] = (*scalars, *buffers)
        known = {**dict(zip(self.step.kernel.params, self.step.args, strict=True)), **own}
        old = self.step.kernel
        kernel = Kernel(f"{old.name}{suffix}", params, (loop,), old.notes)
        return replace(self.step, kernel=kernel, args=tuple(known[p] for p in params), extent=runs)

    def _given_of(self, expr: Expr) -> Expr:
        return given_of(expr, dict(zip(self.step.kernel.params, self.step.args, strict=True)))


def _if(condition: Expr, body: Sequence[Stmt]) -> Loop:
    return Loop(ONCE.id, lit(0), select(condition, lit(1), lit(0)), tuple(body))


def _around(loops: Sequence[Loop], body: Sequence[Stmt]) -> list[Stmt]:
    """Loops around a body, whose runs may be shared out."""
    for loop in reversed(loops):
        body = [replace(loop, body=tuple(body), apart=True)]
    return list(body)


def _indices(loops: Sequence[Loop], run: Expr) -> list[Stmt]:
    """The index of each loop of a nest, from the number of a run."""
    lets = list[Stmt]()
    inner: Expr = lit(1)
    for number, loop in reversed(list(enumerate(loops))):
        whole = binary("floordiv", run, inner)
        lets.insert(0, Let(loop.index, binary("mod", whole, loop.hi) if number else whole))
        inner = binary("mul", inner, loop.hi)
    return lets


def _row_of(place: Expr, loop: Loop) -> Expr | None:
    """The row of a place, if the loop runs along the elements of a row."""
    index = Name(loop.index)
    if not (isinstance(place, Call) and place.op == "add" and place.args[1] == index):
        return None
    row = place.args[0]
    if not (isinstance(row, Call) and row.op == "mul" and row.args[1] == loop.hi):
        return None
    return None if index in walk(row.args[0]) else row.args[0]
