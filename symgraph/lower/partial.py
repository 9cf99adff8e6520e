"""Accumulators in memory: one set for every task of a reduction, which a second kernel combines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symgraph.graph import Apply
from symgraph.kernel import (
    HI,
    LO,
    Buffer,
    Expr,
    Fold,
    Let,
    Lit,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    lit,
)
from symgraph.lower.elements import Context, make_launch
from symgraph.lower.kernels import GroupWriter, advance
from symgraph.lower.program import Allocate, Step
from symgraph.lower.sizes import Namer, dtype_of

C, Q = Name("c"), Name("q")


@dataclass(frozen=True)
class Task:
    """The number of a set of accumulators in the kernel that fills it, and how many there are.

    `in_order` says whether each task has elements that lie behind those of the task before.
    """

    number: Expr
    count: Expr
    in_order: bool = True


class Partial:
    """The accumulators of one reduction, for every task: `width` of them each."""

    def __init__(self, node: Apply, width: Expr, task: Task, context: Context) -> None:
        self.node, self.op = node, context.folding(node)
        self.width, self.task = width, task
        self.starts: tuple[Lit, ...] = self.op.start(dtype_of(node.inputs[0]))
        self.length = context.sizes.bind(task.count * width)
        self.buffers = tuple(Buffer(context.namer("partial"), s.dtype) for s in self.starts)
        self.target = context.buffers[node.outputs[0]]
        self.join = self.op.combine if task.in_order else self.op.merge

    def allocations(self) -> list[Step]:
        """Memory for the accumulators."""
        return [Allocate(b, (self.length,), self.length) for b in self.buffers]

    def at(self, place: Expr) -> tuple[Load, ...]:
        """The accumulators of this task at a place of the row."""
        return self._of(self.task.number, place)

    def _of(self, task: Expr, place: Expr) -> tuple[Load, ...]:
        return tuple(Load(b, task * self.width + place) for b in self.buffers)

    def store(self, place: Expr, values: Sequence[Expr]) -> list[Stmt]:
        """Set the accumulators of this task at a place of the row."""
        return [Store(p.buffer, p.index, v) for p, v in zip(self.at(place), values, strict=True)]

    def fill(self) -> Stmt:
        """Set this task's accumulators to their start."""
        return Loop(Q.id, lit(0), self.width, tuple(self.store(Q, self.starts)), apart=True)

    # --- putting tasks together ----------------------------------------------------------

    def combine(self, rows_apart: bool, name: Namer) -> list[Stmt]:
        """Put the tasks together, in order, and store the result."""
        if self.width == lit(1) or rows_apart:
            return [self._place_by_place(name)]
        return self._row_by_row(name)

    def _place_by_place(self, name: Namer) -> Stmt:
        """All tasks of one place, in registers, then of the next."""
        accs = tuple(Name(name("acc"), b.dtype) for b in self.buffers)
        others = tuple(Name(name("other"), b.dtype) for b in self.buffers)
        first = [Let(a.id, s) for a, s in zip(accs, self.starts, strict=True)]
        updates = tuple(advance(accs, lambda now: self.join(now, self._of(C, Q)), name))
        fold = Fold(accs, others, self.op.merge(accs, others))
        store = Store(self.target, Q, self.op.finish(accs, self.target.dtype))
        loop = Loop(C.id, lit(0), self.task.count, updates, True, (fold,))
        return Loop(Q.id, lit(0), self.width, (*first, loop, store), apart=True)

    def _row_by_row(self, name: Namer) -> list[Stmt]:
        """All places of one task, added to those of the first, then of the next."""
        sums = self._of(lit(0), Q)
        updates = tuple(advance(sums, lambda now: self.join(now, self._of(C, Q)), name))
        more = Loop(Q.id, lit(0), self.width, updates)
        store = Store(self.target, Q, self.op.finish(sums, self.target.dtype))
        return [
            Loop(C.id, lit(1), self.task.count, (more,)),
            Loop(Q.id, lit(0), self.width, (store,)),
        ]


def two_stages(
    writer: GroupWriter, partials: Sequence[Partial], body: Sequence[Stmt], tasks: Expr
) -> list[Step]:
    """The steps: every task by itself, then all of them put together."""
    context, nodes = writer.context, writer.group.nodes
    name, other = context.namer("k1"), context.namer("k1")
    apart = context.machine.columns_apart
    combine = [stmt for p in partials for stmt in p.combine(apart, writer.local)]
    return [
        *writer.temporaries,
        *(step for partial in partials for step in partial.allocations()),
        make_launch(name, body, tasks, writer.work, nodes),
        make_launch(other, [Loop("i", LO, HI, tuple(combine))], lit(1), lit(0), nodes),
    ]
