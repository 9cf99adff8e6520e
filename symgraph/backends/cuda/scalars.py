"""Scalars that are computed on the device are read there, not by the driver.

Lowering gives a name to every number that a kernel reads: a learning rate, a sum. A driver on the
host would wait for the device to learn it. So a kernel that is given such a name is given the
memory it stands for instead, and computes the name itself; a number that is to be stored is stored
by a kernel, and a condition that has to hold is looked at by a kernel, which takes note if it does
not (`failing.py`). What the host has to know, sizes and choices that depend on data, it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from symgraph.dataclass import dataclass
from symgraph.kernel import (
    HI,
    INT,
    LO,
    Buffer,
    Call,
    Expr,
    Kernel,
    Let,
    Load,
    Loop,
    Name,
    Store,
    cast,
    lit,
    select,
    statements,
    walk,
)
from symgraph.lower.elements import make_launch
from symgraph.lower.program import (
    Bind,
    Branch,
    Copy,
    Gemm,
    Guard,
    Launch,
    Program,
    Put,
    Repeat,
    Routine,
    Slice,
    Step,
    every,
    exprs_of,
)

FAILED = Buffer("p_failed", INT)  # the guard that does not hold, or 0, and what it reports
Given = Mapping[Buffer | Name, Buffer | Expr]


def given_of(expr: Expr, given: Given) -> Expr:
    """An expression of a kernel's parameters, of what they stand for in a launch."""
    if isinstance(expr, Name):
        found = given[expr]
        assert isinstance(found, Expr)
        return found
    if isinstance(expr, Call):
        return Call(expr.op, tuple(given_of(arg, given) for arg in expr.args), expr.dtype)
    return expr


def on_device(program: Program) -> Program:
    """The program with its scalars read where they are needed, and by the host only if it must."""
    sources = {s.buffer: s.source for s in every(program.steps) if isinstance(s, Slice)}
    names = _names([e for r in program.results for e in r.dims])
    scope = _Scope(sources, _of_driver(program.steps, names))
    steps = scope.moved(program.steps)
    return replace(program, steps=tuple(_without_unread(steps, names, scope.of_device)))


@dataclass
class _Scope:
    """What names stand for, as long as the memory they are read from is not overwritten."""

    sources: Mapping[Buffer, Buffer]
    of_driver: frozenset[str]  # the names that it has to know in any case
    known: dict[str, Expr] = field(default_factory=dict)
    of_device: set[str] = field(default_factory=set)  # all that were known at some time

    def moved(self, steps: Sequence[Step]) -> list[Step]:
        """The steps, kernels reading scalars themselves."""
        result: list[Step] = []
        for step in steps:
            written = {self._root(b) for s in every([step]) for b in _writes(s)}
            if isinstance(step, Repeat):
                self._forget(written)
            if isinstance(step, Bind) and self._is_of_device(step.value):
                self.known[step.name] = self._opened(step.value)
                self.of_device.add(step.name)
            elif isinstance(step, Launch):
                step = self._launch(step)
            elif isinstance(step, Put) and self._is_of_device(step.value):
                step = self._launch(stored(step))
            elif isinstance(step, Guard):
                step = self._guard(step)
            elif isinstance(step, Repeat):
                step = replace(step, body=tuple(self._inside().moved(step.body)))
            elif isinstance(step, Branch):
                then, other = (tuple(self._inside().moved(s)) for s in (step.then, step.otherwise))
                step = replace(step, then=then, otherwise=other)
            result.append(step)
            self._forget(written)
        return result

    def _inside(self) -> _Scope:
        return _Scope(self.sources, self.of_driver, dict(self.known), self.of_device)

    def _forget(self, written: set[Buffer]) -> None:
        """Memory is overwritten: names that stand for what was there are the driver's."""
        for name, value in list(self.known.items()):
            if written & {self._root(p.buffer) for p in walk(value) if isinstance(p, Load)}:
                del self.known[name]

    def _root(self, buffer: Buffer) -> Buffer:
        while buffer in self.sources:
            buffer = self.sources[buffer]
        return buffer

    def _opened(self, expr: Expr) -> Expr:
        """An expression with what known names stand for in their place."""
        if isinstance(expr, Name):
            return self.known.get(expr.id, expr)
        if isinstance(expr, Load):
            return Load(expr.buffer, self._opened(expr.index))
        if isinstance(expr, Call):
            return Call(expr.op, tuple(map(self._opened, expr.args)), expr.dtype)
        return expr

    def _is_of_device(self, expr: Expr) -> bool:
        return any(isinstance(part, Load) for part in walk(self._opened(expr)))

    def _guard(self, step: Guard) -> Step:
        """The guard, or the kernel that looks at what the driver need not know."""
        here = {k: v for k, v in self.known.items() if k not in self.of_driver}
        unread = _Scope(self.sources, self.of_driver, here)
        if not any(map(unread._is_of_device, (step.condition, *step.values))):
            return step
        return unread._launch(noted(step))

    def _launch(self, step: Launch) -> Launch:
        given = dict(zip(step.kernel.params, step.args, strict=True))
        bounds = {
            part.id
            for stmt in statements(step.kernel.body)
            if isinstance(stmt, Loop)
            for part in (*walk(stmt.lo), *walk(stmt.hi))
            if isinstance(part, Name)
        }
        for param, arg in list(given.items()):
            takes = isinstance(param, Name) and isinstance(arg, Name) and self._is_of_device(arg)
            if takes and param.id not in bounds:  # type: ignore[union-attr]
                assert isinstance(param, Name)
                assert isinstance(arg, Name)
                step = _read_inside(step, param, self.known[arg.id])
        return step


def _of_driver(steps: Sequence[Step], results: set[str]) -> frozenset[str]:
    """The names of sizes, counts and choices, and those they follow from."""
    found, values = set(results), dict[str, Expr]()
    for step in every(steps):
        if isinstance(step, Bind):
            values[step.name] = step.value
        elif isinstance(step, Launch):
            found |= _names([step.extent, *_bounds(step)])
        elif not isinstance(step, Guard | Put):
            found |= _names(exprs_of(step))
        if isinstance(step, Repeat) and step.until is not None:
            found |= _names([step.until])
    stack = list(found)
    while stack:
        more = _names([values[name] for name in [stack.pop()] if name in values]) - found
        found |= more
        stack += more
    return frozenset(found)


def _bounds(step: Launch) -> list[Expr]:
    """What is given for the parameters that bounds of loops are made of."""
    loops = (s for s in statements(step.kernel.body) if isinstance(s, Loop))
    names = _names([e for loop in loops for e in (loop.lo, loop.hi)])
    given = zip(step.kernel.params, step.args, strict=True)
    return [a for p, a in given if isinstance(p, Name) and p.id in names and isinstance(a, Expr)]


def stored(step: Put) -> Launch:
    """A kernel that stores a number."""
    store = Store(step.buffer, lit(0), step.value)
    loop = Loop("once", LO, HI, (store,), apart=True)
    return make_launch(f"set_{step.buffer.name}", [loop], lit(1), lit(0), ())


def noted(step: Guard) -> Launch:
    """A kernel that takes note of a guard that does not hold."""
    values = (lit(step.code), *step.values, lit(0), lit(0))[:3]
    stores = tuple(
        Store(FAILED, lit(n), select(step.condition, Load(FAILED, lit(n)), cast(value, INT)))
        for n, value in enumerate(values)
    )
    loop = Loop("once", LO, HI, stores, apart=True)
    return make_launch(f"check_{step.code}", [loop], lit(1), lit(0), ())


def _read_inside(step: Launch, name: Name, value: Expr) -> Launch:
    """The launch of a kernel that computes the value of a parameter itself."""
    fresh: dict[Name | Buffer, Name | Buffer] = {}
    inside = _renamed(value, name.id, fresh)
    kept = [(p, a) for p, a in zip(step.kernel.params, step.args, strict=True) if p != name]
    params = (*(p for p, _ in kept), *fresh.values())
    args = (*(a for _, a in kept), *fresh)
    (outermost,) = step.kernel.body
    assert isinstance(outermost, Loop)
    body = (_first(outermost, Let(name.id, inside)),)
    kernel = Kernel(step.kernel.name, params, body, step.kernel.notes)
    return replace(step, kernel=kernel, args=args)


def _renamed(expr: Expr, stem: str, fresh: dict[Name | Buffer, Name | Buffer]) -> Expr:
    """An expression over parameters of their own, which `fresh` collects."""
    if isinstance(expr, Name):
        found = fresh.setdefault(expr, Name(f"{stem}_{len(fresh)}", expr.dtype))
        assert isinstance(found, Name)
        return found
    if isinstance(expr, Load):
        buffer = fresh.setdefault(
            expr.buffer, Buffer(f"{stem}_from_{len(fresh)}", expr.buffer.dtype)
        )
        assert isinstance(buffer, Buffer)
        return Load(buffer, _renamed(expr.index, stem, fresh))
    if isinstance(expr, Call):
        return Call(expr.op, tuple(_renamed(a, stem, fresh) for a in expr.args), expr.dtype)
    return expr


def _first(loop: Loop, let: Let) -> Loop:
    """A nest of loops that does `let` before anything else in each of its runs."""
    only = loop.body[0]
    if len(loop.body) == 1 and isinstance(only, Loop) and only.apart and not only.folds:
        return replace(loop, body=(_first(only, let),))
    return replace(loop, body=(let, *loop.body))


def _writes(step: Step) -> Iterator[Buffer]:
    """The buffers a step writes itself."""
    if isinstance(step, Launch):
        given = dict(zip(step.kernel.params, step.args, strict=True))
        stored = (s.buffer for s in statements(step.kernel.body) if isinstance(s, Store))
        for buffer in stored:
            found = given[buffer]
            assert isinstance(found, Buffer)
            yield found
    elif isinstance(step, Gemm):
        yield step.c
    elif isinstance(step, Put):
        yield step.buffer
    elif isinstance(step, Copy):
        yield step.target
    elif isinstance(step, Routine):
        yield from (buffer for buffer, _ in step.outputs)


def _without_unread(steps: Sequence[Step], names: set[str], of_device: set[str]) -> list[Step]:
    """The steps without the bindings of scalars on the device that nothing reads any more."""
    kept: list[Step] = []
    for step in reversed(steps):
        if isinstance(step, Bind) and step.name not in names and step.name in of_device:
            continue
        if isinstance(step, Repeat):
            inside = set(names) | (_names([step.until]) if step.until is not None else set())
            step = replace(step, body=tuple(_without_unread(step.body, inside, of_device)))
            names |= inside
        elif isinstance(step, Branch):
            then = tuple(_without_unread(step.then, set(names), of_device))
            otherwise = tuple(_without_unread(step.otherwise, set(names), of_device))
            step = replace(step, then=then, otherwise=otherwise)
        for inner in every([step]):
            names |= _names(exprs_of(inner))
        kept.append(step)
    return kept[::-1]


def _names(exprs: Sequence[Expr]) -> set[str]:
    return {part.id for expr in exprs for part in walk(expr) if isinstance(part, Name)}
