"""Kernel IR as the text of numba.cuda kernels.

The outermost loop of a kernel is what its launch shares out: each thread of the grid takes the
runs thread(), thread() + threads(), ... A loop inside is run by its thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.backends.numba.text import expression, harmless
from symgraph.kernel import HI, LO, Buffer, Kernel, Let, Lit, Loop, Stmt, Store, Update

EXTENT = "extent"  # the parameter that says how far the outermost loop runs


def kernel_text(kernel: Kernel) -> str:
    """A kernel as a Python function of the extent it runs over and its parameters."""
    names = [p.name if isinstance(p, Buffer) else p.id for p in kernel.params]
    lines = ["@kernel", f"def {kernel.name}({', '.join([EXTENT, *names])}):"]
    lines += [f"    # {harmless(note)}" for note in kernel.notes]
    for stmt in kernel.body:
        assert isinstance(stmt, Loop)
        assert (stmt.lo, stmt.hi) == (LO, HI)
        lines += _shared_out(stmt)
    return "\n".join(lines)


def _shared_out(loop: Loop) -> list[str]:
    return [
        f"    {loop.index} = thread()",
        f"    while {loop.index} < {EXTENT}:",
        *statements_text(loop.body, 2),
        f"        {loop.index} += threads()",
    ]


def statements_text(body: Sequence[Stmt], depth: int) -> list[str]:
    """Statements as indented lines."""
    pad, lines = "    " * depth, list[str]()
    for stmt in body:
        if isinstance(stmt, Let | Update):
            lines.append(f"{pad}{stmt.name} = {_value(stmt)}")
        elif isinstance(stmt, Store):
            index = expression(stmt.index)
            lines.append(f"{pad}{stmt.buffer.name}[{index}] = {expression(stmt.value)}")
        else:
            assert isinstance(stmt, Loop)
            lo, hi = expression(stmt.lo), expression(stmt.hi)
            span = hi if lo == "0" else f"{lo}, {hi}"
            lines.append(f"{pad}for {stmt.index} in range({span}):")
            lines += statements_text(stmt.body, depth + 1) or [f"{pad}    pass"]
    return lines or [f"{pad}pass"]


def _value(stmt: Let | Update) -> str:
    """A value; a bare float is made a number of NumPy's, which divide by zero."""
    text = expression(stmt.value)
    bare = isinstance(stmt.value, Lit) and stmt.value.dtype == "float64"
    return f"float64({text})" if bare and not text.startswith("float64") else text
