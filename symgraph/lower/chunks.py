"""Reductions across the rows of a group, in chunks.

Each chunk of rows is reduced on its own; a second kernel combines the chunks in order. Their
number follows from sizes alone, so results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.families import Reduce
from symgraph.graph import Apply
from symgraph.kernel import (
    HI,
    LO,
    Buffer,
    Expr,
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
from symgraph.lower.group import FOLD_ALL, FOLD_COLUMNS, FOLD_ROWS, Group
from symgraph.lower.kernels import GroupWriter, advance
from symgraph.lower.program import Allocate, Step
from symgraph.lower.sizes import Namer, dtype_of
from symgraph.types import larger, smaller

CHUNK_WORK = 16384  # scalar steps a chunk should be worth
MOST_CHUNKS = 32
C, Q = Name("c"), Name("q")


class Partial:
    """The accumulators of one reduction, for every chunk: `width` of them each."""

    def __init__(self, node: Apply, width: Expr, chunks: Expr, context: Context) -> None:
        assert isinstance(node.op, Reduce)
        self.node, self.op, self.width = node, node.op, width
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
        return Loop(Q.id, lit(0), self.width, tuple(stores))

    def combine(self, chunks: Expr, target: Buffer, name: Namer) -> Stmt:
        """Put the chunks together, in order, and store the result."""
        accs = tuple(Name(name("acc"), b.dtype) for b in self.buffers)
        first = [Let(a.id, Load(b, Q)) for a, b in zip(accs, self.buffers, strict=True)]
        updates = tuple(advance(accs, lambda now: self.op.combine(now, self.at(Q)), name))
        store = Store(target, Q, self.op.finish(accs, target.dtype))
        return Loop(Q.id, lit(0), self.width, (*first, Loop(C.id, lit(1), chunks, updates), store))


def write_chunks(group: Group, context: Context) -> list[Step]:
    """The steps of a group that reduces across its rows: the chunks, then their combination."""
    writer = GroupWriter(group, context)
    extent = writer.loops.outer[0].extent
    chunks = _chunks(writer, extent)
    width = context.sizes.product(group.space[p] for p in group.inner)
    columns = [Partial(n, width, chunks, context) for n in writer.of_kind(FOLD_COLUMNS)]
    scalars = [Partial(n, lit(1), chunks, context) for n in writer.of_kind(FOLD_ALL, FOLD_ROWS)]
    for partial in columns:
        writer.columns[partial.node] = partial.at(writer.loops.flat(group.inner))
    body = _chunk(writer, columns, scalars, extent, chunks)
    name, other = context.namer("k1"), context.namer("k1")
    partials = [*columns, *scalars]
    combine = [
        p.combine(chunks, context.buffers[p.node.outputs[0]], writer.local) for p in partials
    ]
    return [
        *writer.temporaries,
        *(step for partial in partials for step in partial.allocations()),
        make_launch(name, body, chunks, writer.work, group.nodes),
        make_launch(other, [Loop("i", LO, HI, tuple(combine))], lit(1), lit(0), group.nodes),
    ]


def _chunks(writer: GroupWriter, rows: Expr) -> Expr:
    wanted = larger(writer.work // CHUNK_WORK, lit(1))
    return writer.sizes.bind(smaller(wanted, smaller(larger(rows, lit(1)), lit(MOST_CHUNKS))))


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
    rows = writer.loops.around_rows(writer.row(), lo, hi)
    tail = [
        Store(p.buffer, p.index, acc)
        for partial in scalars
        for p, acc in zip(partial.at(lit(0)), writer.accs[partial.node], strict=True)
    ]
    return [Loop(C.id, LO, HI, (*head, rows, *tail))]
