"""Kernel IR as the text of numba.cuda kernels.

What a launch shares out are the runs of the outermost loop, and of the loops right inside it that
are `apart` too. There are two ways to do it:

- flat     Nothing further inside is `apart`: each thread of the grid takes the runs thread(),
           thread() + threads(), ... So neighbours in the grid are neighbours in memory.
- teams    Loops inside are `apart` (the elements of a row): each run is taken by a team of threads.
           All of them compute what belongs to the row; the elements are dealt out, and what each
           member folded of them is put together by exchanges, after which every member has it.

How many threads a team has is decided at the launch (`geometry.py`), so one text serves rows of
any length. Loops that are not `apart` are run by every thread in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symgraph.backends.cuda.handmade import Handmade
from symgraph.backends.cuda.quads import Quads, quads_of
from symgraph.backends.cuda.scalars import FAILED
from symgraph.backends.cuda.scatter import AtomicAdd
from symgraph.backends.numba.text import expression, harmless
from symgraph.dataclass import dataclass
from symgraph.kernel import (
    HI,
    INT,
    LO,
    Buffer,
    Expr,
    Fold,
    Kernel,
    Leave,
    Let,
    Lit,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
    expressions,
    lit,
    statements,
    walk,
)

STRETCH = 32  # what a team is made for where the ends of a loop are read from memory
EXTENT = "extent"  # the parameter that says how many runs are shared out
Lines = list[str]


@dataclass(frozen=True)
class Shared:
    """What a launch of a kernel shares out: loops that are one, and what each run does."""

    loops: tuple[Loop, ...]
    body: tuple[Stmt, ...]

    @property
    def extents(self) -> tuple[Expr, ...]:
        """The extents of the loops inside the outermost, over the kernel's parameters."""
        return tuple(loop.hi for loop in self.loops[1:])

    @property
    def dealt(self) -> tuple[Loop, ...]:
        """The loops that the members of a team share; there are none if threads work alone."""
        return tuple(_outermost_apart(self.body))

    def widths(self) -> list[Expr | None]:
        """How many runs the loops have that a team shares; None if only the kernel knows."""
        inside = {s.name for s in statements(self.body) if isinstance(s, Let)}
        inside |= {loop.index for loop in self.loops}
        inside |= {s.index for s in statements(self.body) if isinstance(s, Loop)}
        widths: list[Expr | None] = []
        for loop in self.dealt:
            sizes = [nested.hi - nested.lo for nested in _nest(loop)[0]]
            width: Expr = lit(1)
            for size in sizes:
                width = width * size
            names = {part.id for part in walk(width) if isinstance(part, Name)}
            loads = any(isinstance(part, Load) for part in walk(width))
            unknown = lit(STRETCH) if loads else None
            widths.append(unknown if names & inside or loads else width)
        return widths


def shared(kernel: Kernel) -> Shared:
    """What a launch of a kernel shares out."""
    (outermost,) = kernel.body
    assert isinstance(outermost, Loop)
    assert (outermost.lo, outermost.hi) == (LO, HI)
    loops, body = _nest(outermost)
    return Shared(loops, body)


def _nest(loop: Loop) -> tuple[tuple[Loop, ...], tuple[Stmt, ...]]:
    """A loop and those right inside it whose runs may be shared out with its own; their body."""
    loops, body = [loop], loop.body
    while len(body) == 1 and isinstance(body[0], Loop) and _joins(body[0]):
        loops.append(body[0])
        body = body[0].body
    return tuple(loops), body


def _joins(loop: Loop) -> bool:
    return loop.apart and not loop.folds and loop.lo == lit(0)


def _outermost_apart(body: Sequence[Stmt]) -> Iterator[Loop]:
    for stmt in body:
        if isinstance(stmt, Loop):
            if stmt.apart:
                yield stmt
            else:
                yield from _outermost_apart(stmt.body)


def kernel_text(kernel: Kernel) -> str:
    """A kernel as a Python function of the number of runs and its parameters."""
    if isinstance(kernel, Handmade):
        return kernel.text
    names = [p.name if isinstance(p, Buffer) else p.id for p in kernel.params]
    lines = ["@kernel", f"def {kernel.name}({', '.join([EXTENT, *names])}):"]
    lines += [f"    # {harmless(note)}" for note in kernel.notes]
    if FAILED in kernel.params:
        lines += [f"    if {FAILED.name}[0] != 0:", "        return"]
    plan = shared(kernel)
    quads = quads_of(plan.loops, plan.body)
    if quads is not None:
        return "\n".join([*lines, *_by_fours(plan, quads)])
    teams = bool(plan.dealt)
    first, further = ("team()", "teams()") if teams else ("thread()", "threads()")
    body = TeamWriter().lines(plan.body, 2) if teams else statements_text(plan.body, 2)
    return "\n".join([*lines, *_strided(plan.loops, EXTENT, first, further, body, 1)])


def _by_fours(plan: Shared, quads: Quads) -> Lines:
    """A loop over fours of elements, then one over the rest."""
    loops = plan.loops
    four = [f"        {line}" for line in quads.lines()]
    rest = statements_text(plan.body, 2)
    return [
        f"    fours = {quads.whole(EXTENT)}",
        *_strided(loops, "fours", "4 * thread()", "4 * threads()", four, 1),
        *_strided(loops, EXTENT, "fours + thread()", "threads()", rest, 1),
    ]


def _strided(
    loops: Sequence[Loop], extent: str, first: str, further: str, body: Lines, depth: int
) -> Lines:
    """A loop over every so many of the runs of a nest; `body` is written one level further in."""
    pad = "    " * depth
    counter = loops[0].index if len(loops) == 1 else "place"
    lines = [f"{pad}{counter} = {first}", f"{pad}while {counter} < {extent}:"]
    lines += [f"{pad}    {line}" for line in _indices(loops)]
    return [*lines, *body, f"{pad}    {counter} += {further}"]


def _indices(loops: Sequence[Loop]) -> Iterator[str]:
    """The index of each loop of a nest, from the number of a run."""
    inner: list[str] = []
    if len(loops) == 1:
        return
    for number, loop in reversed(list(enumerate(loops))):
        whole = _divided(inner)
        size = expression(loop.hi)
        inner.insert(0, f"({size})" if " " in size else size)
        yield f"{loop.index} = {whole}" + (f" % {inner[0]}" if number else "")


def _divided(sizes: Sequence[str]) -> str:
    if not sizes:
        return "place"
    by = sizes[0] if len(sizes) == 1 else f"({' * '.join(sizes)})"
    return f"place // {by}"


def statements_text(body: Sequence[Stmt], depth: int) -> Lines:
    """Statements as one thread runs them."""
    pad, lines = "    " * depth, Lines()
    for stmt in body:
        if isinstance(stmt, Let | Update):
            lines.append(f"{pad}{stmt.name} = {_value(stmt)}")
        elif isinstance(stmt, Store):
            lines.append(f"{pad}{_store(stmt)}")
        elif isinstance(stmt, Leave):
            lines += [f"{pad}if {expression(stmt.condition)}:", f"{pad}    break"]
        else:
            assert isinstance(stmt, Loop)
            lines.append(f"{pad}{_header(stmt)}")
            lines += statements_text(stmt.body, depth + 1)
    return lines or [f"{pad}pass"]


def _value(stmt: Let | Update) -> str:
    """A value; a bare number is given its dtype, which the accumulators that start from it keep."""
    text = expression(stmt.value)
    if isinstance(stmt.value, Lit) and stmt.value.dtype in ("float64", INT) and "(" not in text:
        return f"{stmt.value.dtype}({text})"
    return text


def _store(stmt: Store) -> str:
    if isinstance(stmt, AtomicAdd):
        words = (stmt.buffer.name, expression(stmt.index), expression(stmt.value))
        return f"atomic_add({', '.join(words)})"
    return f"{stmt.buffer.name}[{expression(stmt.index)}] = {expression(stmt.value)}"


def _header(loop: Loop) -> str:
    lo, hi = expression(loop.lo), expression(loop.hi)
    return f"for {loop.index} in range({hi if lo == '0' else f'{lo}, {hi}'}):"


class TeamWriter:
    """Writes statements as a team runs them."""

    def __init__(self) -> None:
        # By members: others may not see it yet, or write to the same place before.
        self._written: set[Buffer] = set()

    def lines(self, body: Sequence[Stmt], depth: int) -> Lines:
        """Statements that all members run together."""
        pad, lines = "    " * depth, Lines()
        for stmt in body:
            loops = _stored(stmt) if isinstance(stmt, Loop) else set()
            if self._written & (_loaded(stmt) | loops):
                lines.append(f"{pad}team_sync()")
                self._written.clear()
            if isinstance(stmt, Let | Update):
                lines.append(f"{pad}{stmt.name} = {_value(stmt)}")
            elif isinstance(stmt, Store):
                lines += [f"{pad}if member() == 0:", f"{pad}    {_store(stmt)}"]
            else:
                assert isinstance(stmt, Loop)
                lines += self._loop(stmt, depth)
            self._written |= _stored(stmt)
        return lines or [f"{pad}pass"]

    def _loop(self, loop: Loop, depth: int) -> Lines:
        if not loop.apart:
            pad = "    " * depth
            lines = [f"{pad}{_header(loop)}", *self.lines(loop.body, depth + 1)]
        else:
            lines = self._dealt(loop, depth)
        for fold in loop.folds:
            lines += _put_together(fold, depth)
        return lines

    def _dealt(self, loop: Loop, depth: int) -> Lines:
        """A loop whose runs the members share."""
        loops, body = _nest(loop)
        lo = expression(loop.lo)
        first = "member()" if lo == "0" else f"{lo} + member()"
        inside = statements_text(body, depth + 1)
        if len(loops) == 1:
            return _strided(loops, expression(loop.hi), first, "members()", inside, depth)
        sizes = [f"({expression(inner.hi)})" for inner in loops[1:]]
        low = f"{lo} * {' * '.join(sizes)} + " if lo != "0" else ""
        extent = " * ".join([f"({expression(loop.hi)})", *sizes])
        return _strided(loops, extent, f"{low}member()", "members()", inside, depth)


def _put_together(fold: Fold, depth: int) -> Lines:
    """Exchanges with the member half a team away, a quarter, ... until every member has it all."""
    pad = "    " * depth
    names = ", ".join(acc.id for acc in fold.accs)
    values = ", ".join(map(expression, fold.combined))
    pairs = zip(fold.others, fold.accs, strict=True)
    return [
        f"{pad}step = members() // 2",
        f"{pad}while step > 0:",
        *(f"{pad}    {other.id} = exchange({acc.id}, step)" for other, acc in pairs),
        f"{pad}    {names} = {values}",
        f"{pad}    step = step // 2",
    ]


def _loaded(stmt: Stmt) -> set[Buffer]:
    """The buffers a statement reads."""
    exprs = (e for inner in statements([stmt]) for e in expressions(inner))
    return {part.buffer for e in exprs for part in walk(e) if isinstance(part, Load)}


def _stored(stmt: Stmt) -> set[Buffer]:
    """The buffers a statement writes."""
    return {s.buffer for s in statements([stmt]) if isinstance(s, Store)}
