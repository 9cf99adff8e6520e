"""Kernels that differ only in names are compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgraph.kernel import (
    OUTER,
    Buffer,
    Call,
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
)
from symgraph.lower.program import Branch, Launch, Repeat, Step

Key = tuple[object, ...]


def share_kernels(steps: Sequence[Step]) -> list[Step]:
    """The steps, each launch using the first of the kernels that are alike."""
    return _shared(steps, {})


def _shared(steps: Sequence[Step], first: dict[Key, Kernel]) -> list[Step]:
    shared: list[Step] = []
    for step in steps:
        if isinstance(step, Launch):
            step = replace(step, kernel=first.setdefault(kernel_key(step.kernel), step.kernel))
        elif isinstance(step, Repeat):
            step = replace(step, body=tuple(_shared(step.body, first)))
        elif isinstance(step, Branch):
            then, otherwise = (tuple(_shared(b, first)) for b in (step.then, step.otherwise))
            step = replace(step, then=then, otherwise=otherwise)
        shared.append(step)
    return shared


def kernel_key(kernel: Kernel) -> Key:
    """What a kernel is apart from its names."""
    numbers: dict[str, int] = {name.id: n for n, name in enumerate(OUTER)}
    params = tuple(
        (_number(_id(p), numbers), p.dtype, isinstance(p, Buffer)) for p in kernel.params
    )
    return (params, _body_key(kernel.body, numbers))


def _id(param: Buffer | Name) -> str:
    return param.name if isinstance(param, Buffer) else param.id


def _number(name: str, numbers: dict[str, int]) -> int:
    return numbers.setdefault(name, len(numbers))


def _body_key(body: Sequence[Stmt], numbers: dict[str, int]) -> Key:
    return tuple(_stmt_key(stmt, numbers) for stmt in body)


def _stmt_key(stmt: Stmt, numbers: dict[str, int]) -> Key:
    if isinstance(stmt, Loop):
        extent = (_expr_key(stmt.lo, numbers), _expr_key(stmt.hi, numbers))
        body = (_number(stmt.index, numbers), *extent, _body_key(stmt.body, numbers))
        return ("loop", stmt.apart, *body, *(_fold_key(f, numbers) for f in stmt.folds))
    if isinstance(stmt, Store):
        place = (_number(stmt.buffer.name, numbers), _expr_key(stmt.index, numbers))
        return ("store", *place, _expr_key(stmt.value, numbers))
    if isinstance(stmt, Leave):
        return ("leave", _expr_key(stmt.condition, numbers))
    value = _expr_key(stmt.value, numbers)  # type: ignore[attr-defined]
    kind = "let" if isinstance(stmt, Let) else "update"
    return (kind, _number(stmt.name, numbers), value)  # type: ignore[attr-defined]


def _fold_key(fold: Fold, numbers: dict[str, int]) -> Key:
    names = (_number(name.id, numbers) for name in (*fold.accs, *fold.others))
    return (*names, *(_expr_key(value, numbers) for value in fold.combined))


def _expr_key(expr: Expr, numbers: dict[str, int]) -> Key:
    if isinstance(expr, Name):
        return ("name", _number(expr.id, numbers))
    if isinstance(expr, Load):
        return ("load", _number(expr.buffer.name, numbers), _expr_key(expr.index, numbers))
    if isinstance(expr, Lit):
        return ("lit", expr.dtype, repr(expr.value))
    assert isinstance(expr, Call)
    return (expr.op, expr.dtype, *(_expr_key(arg, numbers) for arg in expr.args))
