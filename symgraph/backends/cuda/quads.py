"""Elementwise kernels that read and write four neighbours at once, up to 16 bytes an access.

Where a kernel's elements lie side by side, a thread takes four of them: it loads four of each array
by one instruction, computes four results in registers, and stores them by one. Arrays have to begin
at an address that suits, and rows have to be a multiple of four long, which the kernel finds out
itself; what is left over, or all of it, is done one by one. Long bodies stay as they are: what they
wait for is not memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from symgraph.backends.numba.text import expression
from symgraph.dataclass import dataclass
from symgraph.kernel import (
    COSTLY,
    Buffer,
    Call,
    Expr,
    Let,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    expressions,
    walk,
)
from symgraph.types import COMPLEX

LANES = range(4)
COSTLY_WEIGHT = 16
MOST_WORK = 80  # scalar steps of an element, beyond which memory is not what takes time
Body = Sequence[Let | Store]


@dataclass(frozen=True)
class Quads:
    """A body for four neighbours along the innermost of some loops."""

    loops: tuple[Loop, ...]
    body: tuple[Let | Store, ...]

    @property
    def index(self) -> Name:
        """The index that the four differ in."""
        return Name(self.loops[-1].index)

    def lines(self) -> list[str]:
        """What one thread does for four elements, behind the indices of the first."""
        lines = [f"{_words(load.buffer.name)} = {self._load(load)}" for load in self._loads()]
        lines += [f"{_lane(self.index.id, k)} = {self.index.id} + {k}" for k in LANES]
        for k in LANES:
            for stmt in self.body:
                name, value = self._value(stmt, k)
                lines.append(f"{name} = {expression(value)}")
        for stmt in self.body:
            if isinstance(stmt, Store):
                words = ", ".join(_next(stmt, k) for k in LANES)
                place = expression(stmt.index)
                lines.append(f"store_four({stmt.buffer.name}, {place}, {words})")
        return lines

    def whole(self, extent: str) -> str:
        """How many of the elements are taken by fours."""
        arrays = dict.fromkeys(b.name for b in self._arrays())
        fits = [f"is_aligned({name})" for name in arrays]
        if len(self.loops) > 1:
            fits.append(f"({expression(self.loops[-1].hi)}) % 4 == 0")
        return f"{extent} // 4 * 4 if {' and '.join(fits)} else 0"

    def _arrays(self) -> Iterator[Buffer]:
        yield from (load.buffer for load in self._loads())
        yield from (stmt.buffer for stmt in self.body if isinstance(stmt, Store))

    def _loads(self) -> list[Load]:
        """The loads of neighbours, one for each array."""
        parts = (p for stmt in self.body for e in expressions(stmt) for p in walk(e))
        found = {p for p in parts if isinstance(p, Load) and self.beside(p.index)}
        return sorted(found, key=lambda load: load.buffer.name)

    def _load(self, load: Load) -> str:
        stored = {stmt.buffer for stmt in self.body if isinstance(stmt, Store)}
        word = "load_four" if load.buffer in stored else "read_four"
        return f"{word}({load.buffer.name}, {expression(load.index)})"

    def beside(self, place: Expr) -> bool:
        """Whether four neighbours are neighbours in memory, the first at a multiple of four."""
        if place == self.index:
            return True
        row = place.args[0] if isinstance(place, Call) and place.op == "add" else None
        whole = isinstance(row, Call) and row.op == "mul" and row.args[1] == self.loops[-1].hi
        ends = isinstance(place, Call) and place.args[1] == self.index
        if not (whole and ends and isinstance(row, Call)):
            return False
        return not any(isinstance(e, Name) and e.id in self._own for e in walk(row.args[0]))

    @cached_property
    def _own(self) -> set[str]:
        """The names each of the four has for itself."""
        return {stmt.name for stmt in self.body if isinstance(stmt, Let)} | {self.index.id}

    def _value(self, stmt: Let | Store, k: int) -> tuple[str, Expr]:
        name = _lane(stmt.name, k) if isinstance(stmt, Let) else _next(stmt, k)
        return name, self._of_lane(stmt.value, k)

    def _of_lane(self, expr: Expr, k: int) -> Expr:
        """An expression for one of the four."""
        if isinstance(expr, Name):
            return replace(expr, id=_lane(expr.id, k)) if expr.id in self._own else expr
        if isinstance(expr, Load):
            if self.beside(expr.index):
                return Name(_lane(expr.buffer.name, k), expr.dtype)
            return replace(expr, index=self._of_lane(expr.index, k))
        if isinstance(expr, Call):
            return replace(expr, args=tuple(self._of_lane(arg, k) for arg in expr.args))
        return expr


def quads_of(loops: Sequence[Loop], body: Sequence[Stmt]) -> Quads | None:
    """The body for four neighbours, if that is possible and worth while."""
    plain = tuple(s for s in body if isinstance(s, Let) or type(s) is Store)
    if len(plain) != len(body) or _work(plain) > MOST_WORK:
        return None
    found = Quads(tuple(loops), plain)
    stores = [stmt for stmt in plain if isinstance(stmt, Store)]
    written = {stmt.buffer for stmt in stores}
    parts = [p for stmt in plain for e in expressions(stmt) for p in walk(e)]
    loads = [p for p in parts if isinstance(p, Load)]
    places = {(load.buffer, load.index) for load in loads if found.beside(load.index)}
    once = len({buffer for buffer, _ in places}) == len(places) and len(written) == len(stores)
    apart = all(found.beside(load.index) for load in loads if load.buffer in written)
    real = not any(p.dtype in COMPLEX for p in parts) and bool(stores)
    fits = all(found.beside(s.index) for s in stores) and not _read_after_write(plain)
    return found if once and apart and real and fits else None


def _read_after_write(body: Body) -> bool:
    """Whether an element is read that was written in the same run."""
    written: set[Buffer] = set()
    for stmt in body:
        read = {p.buffer for e in expressions(stmt) for p in walk(e) if isinstance(p, Load)}
        if written & read:
            return True
        if isinstance(stmt, Store):
            written.add(stmt.buffer)
    return False


def _work(body: Body) -> int:
    calls = (p for stmt in body for e in expressions(stmt) for p in walk(e))
    return sum(COSTLY_WEIGHT if p.op in COSTLY else 1 for p in calls if isinstance(p, Call))


def _lane(name: str, k: int) -> str:
    return f"p_{name}_{k}"


def _next(store: Store, k: int) -> str:
    return f"m_{store.buffer.name}_{k}"


def _words(name: str) -> str:
    return ", ".join(_lane(name, k) for k in LANES)
