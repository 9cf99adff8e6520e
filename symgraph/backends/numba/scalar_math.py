"""Elementary functions for the targets: which ones a program needs, and their text.

The functions themselves are defined in `elementary/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symgraph.backends.elementary import (  # noqa: F401  (they fill the table)
    error_function,
    exact,
    exponential,
    gamma,
    inverse,
    logarithm,
    philox,
    power,
    trigonometric,
)
from symgraph.backends.elementary.scalar_function import ScalarFunction, function, operations
from symgraph.backends.numba.text import expression
from symgraph.kernel import EXTERNAL, Call, Expr, Kernel, expressions, statements, walk

__all__ = ["ScalarFunction", "definitions", "externals", "function", "functions_of", "operations"]


def definitions(parts: Iterable[Kernel | Expr]) -> list[str]:
    """The text of every function that kernels and expressions call, callees first."""
    return [function_text(f) for f in functions_of(parts)]


def externals(parts: Iterable[Kernel | Expr]) -> list[str]:
    """The operations in another library that kernels and expressions call, directly or not."""
    parts = list(parts)
    exprs = [expr for part in parts for expr in _expressions(part)]
    for scalar in functions_of(parts):
        exprs += [*(let.value for let in scalar.lets), scalar.result]
    calls = {e.op for expr in exprs for e in walk(expr) if isinstance(e, Call)}
    return sorted(calls & EXTERNAL.keys())


def functions_of(parts: Iterable[Kernel | Expr]) -> list[ScalarFunction]:
    """The functions that kernels and expressions call, directly or not, callees first."""
    found: dict[str, ScalarFunction] = {}
    for part in parts:
        for expr in _expressions(part):
            _collect(expr, found)
    return list(found.values())


def _expressions(part: Kernel | Expr) -> Iterator[Expr]:
    if isinstance(part, Expr):
        yield part
    else:
        for stmt in statements(part.body):
            yield from expressions(stmt)


def _collect(root: Expr, found: dict[str, ScalarFunction]) -> None:
    for expr in walk(root):
        scalar = function(expr.op, expr.args[0].dtype) if isinstance(expr, Call) else None
        if scalar is None or scalar.name in found:
            continue
        for value in (*(let.value for let in scalar.lets), scalar.result):
            _collect(value, found)
        found[scalar.name] = scalar


def function_text(scalar: ScalarFunction) -> str:
    """A function as Python text."""
    params = ", ".join(p.id for p in scalar.params)
    lines = ["@scalar", f"def {scalar.name}({params}):"]
    lines += [f"    {let.name} = {expression(let.value)}" for let in scalar.lets]
    return "\n".join([*lines, f"    return {expression(scalar.result)}"])
