"""A kernel as an LLVM module of its own.

The module exports one function, `void NAME(block, lo, hi, share)`: `block` is an array of words
with the kernel's arguments, so that drivers and the thread pool call all kernels alike. Names
inside are counted, not the user's: kernels that differ only in names are one text, and compiled
once. The work is done by an inner function, whose parameters say that pointers do not overlap.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from symgraph.backends.llvm.body import Body, Needs
from symgraph.backends.llvm.functions import EXTERNAL_PREFIX
from symgraph.backends.llvm.scalars import OPERATIONS
from symgraph.backends.llvm.words import PAIRS, TYPES
from symgraph.dataclass import dataclass
from symgraph.kernel import (
    Buffer,
    Call,
    Expr,
    Kernel,
    Leave,
    Let,
    Lit,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
    lit,
    statements,
)

WORD = 8  # bytes
ATTRIBUTES = 'nounwind "prefer-vector-width"="512"'  # where there are such vectors
# LLVM works on several vectors at once, to hide how long each operation takes. The processor does
# it by itself where there is much to do for each: so the code is half as long, and as fast.
HEAVY = 60  # instructions
# Of an innermost loop whose runs are apart LLVM is told so. It could not tell what one run stores
# in several places, such as a pooling window, from what another does: it would do one at a time.
APART = ", !llvm.access.group !5"
LOOPS = {  # by whether a loop is heavy, and apart
    (False, False): "", (True, False): ", !llvm.loop !0", (False, True): ", !llvm.loop !1",
    (True, True): ", !llvm.loop !2",
}  # fmt: skip
METADATA = """\
!0 = distinct !{!0, !3}
!1 = distinct !{!1, !4}
!2 = distinct !{!2, !3, !4}
!3 = !{!"llvm.loop.interleave.count", i32 1}
!4 = !{!"llvm.loop.parallel_accesses", !5}
!5 = distinct !{}
"""
FEW = 8  # runs of a loop that are written one after the other, so that what is around is vectorised
SHARE = "void @KERNEL(ptr %block, i64 %lo, i64 %hi, i64 %worker)"


@dataclass(frozen=True)
class KernelText:
    """The module of a kernel; the name of its function hashes what it does."""

    name: str
    text: str
    symbols: tuple[str, ...]  # what it refers to besides C's library


def kernel_text(kernel: Kernel) -> KernelText:
    """The module of a kernel."""
    needs = Needs()
    body = Body(needs, OPERATIONS)
    params = []
    for number, param in enumerate(kernel.params):
        if isinstance(param, Buffer):
            body.pointers[param] = f"%p{number}"
            params.append(f"ptr noalias %p{number}")
        else:
            body.values[param.id] = f"%p{number}"
            params.append(f"{TYPES[param.dtype]} %p{number}")
    body.values |= {name: f"%{name}" for name in ("lo", "hi", "worker")}
    _make_slots(body, kernel)
    write(body, kernel.body)
    body.do("ret void")
    outer = ", ".join(["i64 %lo", "i64 %hi", "i64 %worker", *params])
    inner = [f"define internal void @body({outer}) noinline #0 {{", "entry:", *body.lines, "}"]
    tail = f"attributes #0 = {{ {ATTRIBUTES} }}"
    text = "\n".join([*inner, *_entry(kernel.params), tail, METADATA, needs.text(), ""])
    name = f"kernel_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return KernelText(name, text.replace("@KERNEL(", f"@{name}("), needs.foreign(EXTERNAL_PREFIX))


def _make_slots(body: Body, kernel: Kernel) -> None:
    """Memory for the names that are updated."""
    updated = {s.name for s in statements(kernel.body) if isinstance(s, Update)}
    for stmt in statements(kernel.body):
        if isinstance(stmt, Let) and stmt.name in updated:
            body.slots[stmt.name] = body.get(f"alloca {TYPES[stmt.value.dtype]}")


def write(body: Body, block: Sequence[Stmt]) -> None:
    """Write the statements of a kernel."""
    for stmt in block:
        if isinstance(stmt, Loop):
            _loop(body, stmt) if _is_loop(stmt) else _written_out(body, stmt)
        elif isinstance(stmt, Leave):
            on = body.label("on")
            body.branch(body.value(stmt.condition), body.behind, on)
            body.begin(on)
        elif isinstance(stmt, Store):
            value = body.value(stmt.value)
            body.store(body.element(stmt.buffer, stmt.index), value, stmt.buffer.dtype)
        else:
            assert isinstance(stmt, Let | Update)
            value = body.value(stmt.value)
            if stmt.name in body.slots:
                body.do(f"store {TYPES[stmt.value.dtype]} {value}, ptr {body.slots[stmt.name]}")
            else:
                body.values[stmt.name] = value


def _is_loop(stmt: Stmt) -> bool:
    """Whether a statement is a loop that is not written out."""
    if not isinstance(stmt, Loop):
        return False
    return runs(stmt) > FEW or any(isinstance(inner, Leave) for inner in stmt.body)


def _loop(body: Body, loop: Loop) -> None:
    lo, hi = body.position(loop.lo), body.position(loop.hi)
    head, inside, after = (body.label(hint) for hint in ("head", "body", "after"))
    index, following, before = body.fresh(), body.fresh(), body.block
    body.jump(head)
    body.begin(head)
    latch = body.label("next")
    body.do(f"{index} = phi i64 [ {lo}, %{before} ], [ {following}, %{latch} ]")
    body.branch(body.get(f"icmp slt i64 {index}, {hi}"), inside, after)
    body.begin(inside)
    body.values[loop.index] = index
    weight, around = body.weight, (body.inner, body.behind)
    apart = loop.apart and not any(_is_loop(stmt) for stmt in statements(loop.body))
    body.inner, body.behind, body.access = loop.index, after, APART if apart else ""
    write(body, loop.body)
    body.inner, body.behind = around
    body.access = ""
    body.jump(latch)
    body.begin(latch)
    body.do(f"{following} = add nsw i64 {index}, 1")
    body.do(f"br label %{head}{LOOPS[body.weight - weight > HEAVY, apart]}")
    body.begin(after)


def _written_out(body: Body, loop: Loop) -> None:
    """A loop as its runs, one after the other; they weigh as one does."""
    lo, weight = body.position(loop.lo), body.weight
    for number in range(int(runs(loop))):
        body.weight = weight
        body.values[loop.index] = body.get(f"add nsw i64 {lo}, {number}")
        write(body, loop.body)


def runs(loop: Loop) -> float:
    """How many runs a loop has, if that is known: from 0, or from where it begins, so many on."""
    extent: Expr | None = loop.hi if loop.lo == lit(0) else None
    if isinstance(loop.hi, Call) and loop.hi.op == "add" and loop.hi.args[0] == loop.lo:
        extent = loop.hi.args[1]
    return float(extent.value) if isinstance(extent, Lit) else math.inf


def places(params: Sequence[Buffer | Name]) -> list[int]:
    """Where each argument lies in the block, in bytes, and behind them its length."""
    found, end = [], 0
    for param in params:
        found.append(end)
        wide = isinstance(param, Name) and param.dtype in PAIRS
        end += 2 * WORD if wide else WORD
    return [*found, end]


def _entry(params: Sequence[Buffer | Name]) -> list[str]:
    """The exported function: it takes the arguments from the block."""
    lines = [f"define {SHARE} #0 {{", "entry:"]
    given = ["i64 %lo", "i64 %hi", "i64 %worker"]
    for number, (param, place) in enumerate(zip(params, places(params), strict=False)):
        kind = "ptr" if isinstance(param, Buffer) else TYPES[param.dtype]
        lines.append(f"  %a{number} = getelementptr i8, ptr %block, i64 {place}")
        lines.append(f"  %v{number} = load {kind}, ptr %a{number}, align {WORD}")
        given.append(f"{kind} %v{number}")
    return [*lines, f"  call void @body({', '.join(given)})", "  ret void", "}"]
