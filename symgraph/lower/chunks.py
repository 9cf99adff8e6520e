"""Reductions across the rows of a group, in chunks.

Each chunk of rows is reduced on its own; a second kernel combines the chunks in order. Their
number follows from sizes alone, so results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.kernel import HI, LO, Expr, Let, Loop, Name, Stmt, lit
from symgraph.lower.columns import has_columns, write_columns
from symgraph.lower.elements import Context
from symgraph.lower.group import FOLD_ALL, FOLD_COLUMNS, FOLD_ROWS, FULL, Group
from symgraph.lower.kernels import GroupWriter, nest
from symgraph.lower.partial import Partial, Task, two_stages
from symgraph.lower.program import Step
from symgraph.types import larger, smaller

C = Name("c")


def write_chunks(group: Group, context: Context) -> list[Step]:
    """The steps of a group that reduces across its rows: the chunks, then their combination."""
    writer = GroupWriter(group, context)
    if not context.machine.columns_apart and has_columns(writer):
        return write_columns(writer)
    extent = writer.loops.outer[0].extent
    chunks = _chunks(writer, extent)
    width = context.sizes.product(group.space[p] for p in group.inner)
    if context.machine.columns_apart and writer.is_of(FULL, FOLD_COLUMNS):
        return _columns_apart(writer, width, chunks)
    columns = [Partial(n, width, Task(C, chunks), context) for n in writer.of_kind(FOLD_COLUMNS)]
    scalars = [
        Partial(n, lit(1), Task(C, chunks), context) for n in writer.of_kind(FOLD_ALL, FOLD_ROWS)
    ]
    for partial in columns:
        writer.columns[partial.node] = partial.at(writer.loops.flat(group.inner))
    body = _chunk(writer, columns, scalars, extent, chunks)
    return two_stages(writer, [*columns, *scalars], body, chunks)


def _columns_apart(writer: GroupWriter, width: Expr, chunks: Expr) -> list[Step]:
    """The same where each worker has a column of a chunk, which it goes down by itself."""
    columns = [
        Partial(n, width, Task(C, chunks), writer.context) for n in writer.of_kind(FOLD_COLUMNS)
    ]
    lo, hi = Name(writer.local("row_lo")), Name(writer.local("row_hi"))
    extent = writer.loops.outer[0].extent
    head: list[Stmt] = [Let(lo.id, C * extent // chunks), Let(hi.id, (C + 1) * extent // chunks)]
    head += [stmt for partial in columns for stmt in writer.start(partial.node)]
    rows = writer.loops.around_rows(writer.element(), lo, hi, apart=False)
    place = writer.loops.flat(writer.group.inner)
    tail = [s for p in columns for s in p.store(place, writer.accs[p.node])]
    inside = nest(writer.loops.inner, [*head, rows, *tail])
    return two_stages(writer, columns, [Loop(C.id, LO, HI, tuple(inside), apart=True)], chunks)


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
    tail = [s for p in scalars for s in p.store(lit(0), writer.accs[p.node])]
    return [Loop(C.id, LO, HI, (*head, rows, *tail), apart=True)]
