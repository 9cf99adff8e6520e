"""Reductions across the rows of a group, in chunks.

Each chunk of rows is reduced on its own; a second kernel combines the chunks in order. Their
number follows from sizes alone, so results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from symgraph.lower.group import FOLD_ALL, FOLD_COLUMNS, FOLD_ROWS, FULL, Group
from symgraph.lower.kernels import GroupWriter, advance, nest
from symgraph.lower.program import Allocate, Step
from symgraph.lower.sizes import Namer, dtype_of
from symgraph.types import larger, smaller

C, Q = Name("c"), Name("q")


class Partial:
    """The accumulators of one reduction, for every chunk: `width` of them each."""

    def __init__(self, node: Apply, width: Expr, chunks: Expr, context: Context) -> None:
        self.node, self.op, self.width = node, context.folding(node), width
        self.starts: tuple[Lit, ...] = self.op.start(dtype_of(node.inputs[0]))
        self.length = context.sizes.bind(chunks * width)
        self.buffers = tuple(Buffer(context.namer("partial"), s.dtype) for s in self.starts)

    def allocations(self) -> list[Step]:
        """Memory for the accumulators."""
        return [Allocate(b, (self.length,), self.length) for b in self.buffers]

    def at(self, place: Expr) -> tuple[Load, ...]:
        """The accumulators of this chunk at a place of the row."""
        return tuple(Load(b, C * self.width + place) for b in self.buffers)

    def fill(self) -> Stmt:
        """Set this chunk's accumulators to their start."""
        stores = (Store(p.buffer, p.index, s) for p, s in zip(self.at(Q), self.starts, strict=True))
        return Loop(Q.id, lit(0), self.width, tuple(stores), apart=True)

    def combine(self, chunks: Expr, target: Buffer, name: Namer) -> Stmt:
        """Put the chunks together, in order, and store the result."""
        accs = tuple(Name(name("acc"), b.dtype) for b in self.buffers)
        others = tuple(Name(name("other"), b.dtype) for b in self.buffers)
        first = [Let(a.id, s) for a, s in zip(accs, self.starts, strict=True)]
        updates = tuple(advance(accs, lambda now: self.op.combine(now, self.at(Q)), name))
        fold = Fold(accs, others, self.op.merge(accs, others))
        store = Store(target, Q, self.op.finish(accs, target.dtype))
        loop = Loop(C.id, lit(0), chunks, updates, True, (fold,))
        return Loop(Q.id, lit(0), self.width, (*first, loop, store), apart=True)


def write_chunks(group: Group, context: Context) -> list[Step]:
    """The steps of a group that reduces across its rows: the chunks, then their combination."""
    writer = GroupWriter(group, context)
    extent = writer.loops.outer[0].extent
    chunks = _chunks(writer, extent)
    width = context.sizes.product(group.space[p] for p in group.inner)
    if context.machine.columns_apart and writer.is_of(FULL, FOLD_COLUMNS):
        return _write_columns(writer, width, chunks)
    columns = [Partial(n, width, chunks, context) for n in writer.of_kind(FOLD_COLUMNS)]
    scalars = [Partial(n, lit(1), chunks, context) for n in writer.of_kind(FOLD_ALL, FOLD_ROWS)]
    for partial in columns:
        writer.columns[partial.node] = partial.at(writer.loops.flat(group.inner))
    body = _chunk(writer, columns, scalars, extent, chunks)
    return _two_stages(writer, [*columns, *scalars], body, chunks)


def _two_stages(
    writer: GroupWriter, partials: Sequence[Partial], body: Sequence[Stmt], chunks: Expr
) -> list[Step]:
    """The steps: every chunk by itself, then all of them put together."""
    context, nodes = writer.context, writer.group.nodes
    name, other = context.namer("k1"), context.namer("k1")
    combine = [
        p.combine(chunks, context.buffers[p.node.outputs[0]], writer.local) for p in partials
    ]
    return [
        *writer.temporaries,
        *(step for partial in partials for step in partial.allocations()),
        make_launch(name, body, chunks, writer.work, nodes),
        make_launch(other, [Loop("i", LO, HI, tuple(combine))], lit(1), lit(0), nodes),
    ]


def _write_columns(writer: GroupWriter, width: Expr, chunks: Expr) -> list[Step]:
    """The same where each worker has a column of a chunk, which it goes down by itself."""
    columns = [Partial(n, width, chunks, writer.context) for n in writer.of_kind(FOLD_COLUMNS)]
    lo, hi = Name(writer.local("row_lo")), Name(writer.local("row_hi"))
    extent = writer.loops.outer[0].extent
    head: list[Stmt] = [Let(lo.id, C * extent // chunks), Let(hi.id, (C + 1) * extent // chunks)]
    head += [stmt for partial in columns for stmt in writer.start(partial.node)]
    rows = writer.loops.around_rows(writer.element(), lo, hi, apart=False)
    place = writer.loops.flat(writer.group.inner)
    tail = [
        Store(at.buffer, at.index, acc)
        for partial in columns
        for at, acc in zip(partial.at(place), writer.accs[partial.node], strict=True)
    ]
    inside = nest(writer.loops.inner, [*head, rows, *tail])
    return _two_stages(writer, columns, [Loop(C.id, LO, HI, tuple(inside), apart=True)], chunks)


def _chunks(writer: GroupWriter, rows: Expr) -> Expr:
    machine = writer.context.machine
    wanted = larger(writer.work // machine.chunk_work, lit(1))
    most = smaller(larger(rows, lit(1)), lit(machine.most_chunks))
    return writer.sizes.bind(smaller(wanted, most))


def _chunk(
    writer: GroupWriter,
    columns: Sequence[Partial],
    scalars: Sequence[Partial],
    extent: Expr,
    chunks: Expr,
) -> list[Stmt]:
    lo, hi = Name(writer.local("row_lo")), Name(writer.local("row_hi"))
    head: list[Stmt] = [Let(lo.id, C * extent // chunks), Let(hi.id, (C + 1) * extent // chunks)]
    head += [partial.fill() for partial in columns]
    for partial in scalars:
        head += writer.start(partial.node)
    row = writer.row()
    folds = [writer.fold_of(p.node) for p in scalars if writer.folds_inside(p.node)]
    rows = writer.loops.around_rows(row, lo, hi, not writer.loops.inner, folds)
    tail = [
        Store(p.buffer, p.index, acc)
        for partial in scalars
        for p, acc in zip(partial.at(lit(0)), writer.accs[partial.node], strict=True)
    ]
    return [Loop(C.id, LO, HI, (*head, rows, *tail), apart=True)]
