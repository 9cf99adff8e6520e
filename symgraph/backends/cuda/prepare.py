"""A program made ready for a device.

- Reports of routines that cannot fail on a device are left out, with the guards that read them.
- Scatters are done by many threads (`scatter.py`).
- Scalars are read where they are (`scalars.py`).
- Kernels heed guards that the device looks at (`failing.py`).
- Launches of one run whose loops can be launches themselves are those launches.
- Kernels see bools in memory as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symgraph.backends.cuda.failing import with_notes
from symgraph.backends.cuda.library import device_routine
from symgraph.backends.cuda.reports import without_reports
from symgraph.backends.cuda.scalars import Given, given_of, on_device
from symgraph.backends.cuda.scatter import scattered
from symgraph.config import config
from symgraph.families import Library
from symgraph.kernel import (
    BOOL,
    HI,
    LO,
    Buffer,
    Call,
    Expr,
    Kernel,
    Leave,
    Let,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
    cast,
    compare,
    lit,
)
from symgraph.lower.elements import free_variables
from symgraph.lower.program import (
    Branch,
    Launch,
    Program,
    Repeat,
    Routine,
    Step,
    every,
    touched,
)


def prepared(program: Program) -> Program:
    """The program as a device runs it."""
    steps = tuple(_trusting(without_reports(program.steps)))
    program = on_device(replace(program, steps=scattered(steps, config.deterministic)))
    written = [parameter.buffer for parameter in program.written]
    heeding = with_notes(list(_spread(program.steps)), written)
    named = _named_apart(list(map(_in_bytes, heeding)), {}, set())
    return replace(program, steps=tuple(named))


def _trusting(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps, without reports of routines that cannot fail here, and what looks at them."""
    reports: set[Buffer] = set()
    for step in every(steps):
        if isinstance(step, Routine) and _is_trusted(step):
            reports.add(step.outputs[-1][0])
    yield from _without(steps, reports)


def _is_trusted(step: Routine) -> bool:
    op = step.node.op
    found = device_routine(op)
    return isinstance(op, Library) and bool(op.failure) and found is not None and not found.fails


def _without(steps: Sequence[Step], reports: set[Buffer]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Routine) and step.outputs[-1][0] in reports:
            yield replace(step, outputs=step.outputs[:-1])
        elif isinstance(step, Repeat):
            yield replace(step, body=tuple(_without(step.body, reports)))
        elif isinstance(step, Branch):
            then, other = (tuple(_without(s, reports)) for s in (step.then, step.otherwise))
            yield replace(step, then=then, otherwise=other)
        elif not reports & set(touched(step)):
            yield step


def _named_apart(
    steps: Sequence[Step], names: dict[Kernel, str], taken: set[str]
) -> Iterator[Step]:
    """The steps, kernels that were one before they differed under names of their own."""
    for step in steps:
        if isinstance(step, Launch):
            if step.kernel not in names:
                wish, number = step.kernel.name, 1
                while wish in taken:
                    number += 1
                    wish = f"{step.kernel.name}_{number}"
                taken.add(wish)
                names[step.kernel] = wish
            yield replace(step, kernel=replace(step.kernel, name=names[step.kernel]))
        elif isinstance(step, Repeat):
            yield replace(step, body=tuple(_named_apart(step.body, names, taken)))
        elif isinstance(step, Branch):
            then = tuple(_named_apart(step.then, names, taken))
            yield replace(
                step, then=then, otherwise=tuple(_named_apart(step.otherwise, names, taken))
            )
        else:
            yield step


def _spread(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Launch):
            yield from _launches(step)
        elif isinstance(step, Repeat):
            yield replace(step, body=tuple(_spread(step.body)))
        elif isinstance(step, Branch):
            then, otherwise = (tuple(_spread(side)) for side in (step.then, step.otherwise))
            yield replace(step, then=then, otherwise=otherwise)
        else:
            yield step


def _launches(step: Launch) -> Iterator[Launch]:
    """One launch for all loops of the same length that a launch of one run holds."""
    (outermost,) = step.kernel.body
    assert isinstance(outermost, Loop)
    loops = [s for s in outermost.body if isinstance(s, Loop) and s.apart and not s.folds]
    if step.extent != lit(1) or len(loops) != len(outermost.body):
        yield step
        return
    given: Given = dict(zip(step.kernel.params, step.args, strict=True))
    alike: dict[tuple[str, Expr], list[Loop]] = {}
    for loop in loops:
        assert loop.lo == lit(0)
        alike.setdefault((loop.index, loop.hi), []).append(loop)
    for number, ((index, hi), some) in enumerate(alike.items()):
        body = tuple(stmt for loop in some for stmt in loop.body)
        if outermost.index in {name.id for name in free_variables(body)[0]}:
            body = (Let(outermost.index, lit(0)), *body)  # of the only run
        name = f"{step.kernel.name}_{number + 1}" if len(alike) > 1 else step.kernel.name
        yield _launch(step, name, Loop(index, LO, HI, body, apart=True), given_of(hi, given), given)


def _launch(step: Launch, name: str, loop: Stmt, extent: Expr, given: Given) -> Launch:
    scalars, buffers = free_variables([loop])
    params: tuple[Buffer | Name, ...] = (*scalars, *buffers)
    kernel = Kernel(name, params, (loop,), step.kernel.notes)
    return replace(step, kernel=kernel, args=tuple(given[p] for p in params), extent=extent)


def _in_bytes(step: Step) -> Step:
    if isinstance(step, Launch):
        return replace(step, kernel=with_bytes(step.kernel))
    if isinstance(step, Repeat):
        return replace(step, body=tuple(map(_in_bytes, step.body)))
    if isinstance(step, Branch):
        then, otherwise = (tuple(map(_in_bytes, side)) for side in (step.then, step.otherwise))
        return replace(step, then=then, otherwise=otherwise)
    return step


def with_bytes(kernel: Kernel) -> Kernel:
    """The kernel with its bools in memory as bytes, and the conversions that takes."""
    params = tuple(_bytes(p) if isinstance(p, Buffer) else p for p in kernel.params)
    if params == kernel.params:
        return kernel
    return replace(kernel, params=params, body=tuple(map(_statement_with_bytes, kernel.body)))


def _bytes(buffer: Buffer) -> Buffer:
    return replace(buffer, dtype="uint8") if buffer.dtype == BOOL else buffer


def _statement_with_bytes(stmt: Stmt) -> Stmt:
    if isinstance(stmt, Loop):
        lo, hi = map(_with_bytes, (stmt.lo, stmt.hi))
        return replace(stmt, lo=lo, hi=hi, body=tuple(map(_statement_with_bytes, stmt.body)))
    if isinstance(stmt, Store):
        buffer = _bytes(stmt.buffer)
        value = cast(_with_bytes(stmt.value), buffer.dtype)
        return replace(stmt, buffer=buffer, index=_with_bytes(stmt.index), value=value)
    if isinstance(stmt, Leave):
        return replace(stmt, condition=_with_bytes(stmt.condition))
    assert isinstance(stmt, Let | Update)
    return replace(stmt, value=_with_bytes(stmt.value))


def _with_bytes(expr: Expr) -> Expr:
    if isinstance(expr, Load):
        load = Load(_bytes(expr.buffer), _with_bytes(expr.index))
        return load if expr.dtype != BOOL else compare("ne", load, lit(0, "uint8"))
    if isinstance(expr, Call):
        return Call(expr.op, tuple(map(_with_bytes, expr.args)), expr.dtype)
    return expr
