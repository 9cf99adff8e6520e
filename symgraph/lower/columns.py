"""Reductions down the columns of a group: sums along axis 0, a bias's gradient.

The columns are cut into blocks whose accumulators stay in the fastest cache, and the rows into
chunks if there are many; each block of each chunk is a task. A task takes several rows at a time,
so that accumulators are read and written once for all of them. Then the chunks are combined in
order. Both cuts follow from sizes alone, so results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.families import Reduce
from symgraph.graph import Apply
from symgraph.kernel import HI, LO, Expr, Let, Loop, Name, Stmt, lit
from symgraph.lower.elements import cost_of
from symgraph.lower.group import FOLD_ALL, FOLD_COLUMNS, FULL
from symgraph.lower.kernels import GroupWriter
from symgraph.lower.partial import Partial, Task, two_stages
from symgraph.lower.program import Step
from symgraph.types import larger, smaller

TASK = Name("c")


def has_columns(writer: GroupWriter) -> bool:
    """Whether a group reduces columns, and otherwise everything in any order; a row is one loop."""
    loops = writer.loops
    flat = len(loops.outer) == len(loops.inner) == 1
    kinds = writer.is_of(FULL, FOLD_ALL, FOLD_COLUMNS) and bool(writer.of_kind(FOLD_COLUMNS))
    return flat and kinds and all(map(_in_any_order, writer.of_kind(FOLD_ALL)))


def _in_any_order(node: Apply) -> bool:
    """Whether a reduction does not ask which of its elements comes first, as an argmax does."""
    return isinstance(node.op, Reduce) and type(node.op).merge is Reduce.merge


def write_columns(writer: GroupWriter) -> list[Step]:
    """The steps: every task by itself, then all of them put together."""
    return _ColumnWriter(writer).steps()


class _ColumnWriter:
    def __init__(self, writer: GroupWriter) -> None:
        self.writer, self.machine = writer, writer.context.machine
        self.rows, self.row = writer.loops.outer[0], writer.loops.inner[0]
        self.blocks, self.chunks = self._cuts()
        self.tasks = writer.sizes.bind(self.chunks * self.blocks)
        self.chunk = Name(writer.local("chunk"))
        task = Task(TASK, self.tasks, in_order=False)
        stretch = Task(self.chunk, self.chunks)
        context = writer.context
        self.columns = [
            Partial(n, self.row.extent, stretch, context) for n in writer.of_kind(FOLD_COLUMNS)
        ]
        self.scalars = [Partial(n, lit(1), task, context) for n in writer.of_kind(FOLD_ALL)]

    def _cuts(self) -> tuple[Expr, Expr]:
        """How many blocks of columns, and chunks of rows."""
        machine, most = self.machine, self.machine.most_chunks
        bind = self.writer.sizes.bind
        blocks = bind(smaller(larger(self.row.extent // machine.block, lit(1)), lit(most)))
        worth = smaller(self.writer.work // machine.chunk_work, lit(most) // blocks)
        chunks = smaller(worth, self.rows.extent // machine.chunk_rows)
        return blocks, bind(larger(chunks, lit(1)))

    def steps(self) -> list[Step]:
        """The steps."""
        body = [Loop(TASK.id, LO, HI, tuple(self._task()), apart=True)]
        return two_stages(self.writer, [*self.columns, *self.scalars], body, self.tasks)

    def _task(self) -> list[Stmt]:
        """One block of one chunk."""
        local = self.writer.local
        lo, hi, first, end = (Name(local(n)) for n in ("row_lo", "row_hi", "first", "end"))
        block = TASK % self.blocks
        head: list[Stmt] = [
            Let(self.chunk.id, TASK // self.blocks),
            Let(lo.id, self.chunk * self.rows.extent // self.chunks),
            Let(hi.id, (self.chunk + 1) * self.rows.extent // self.chunks),
            Let(first.id, block * self.row.extent // self.blocks),
            Let(end.id, (block + 1) * self.row.extent // self.blocks),
        ]
        place = self.row.counter
        fill = [s for p in self.columns for s in p.store(place, p.starts)]
        head.append(Loop(place.id, first, end, tuple(fill), apart=True))
        for partial in self.scalars:
            head += self.writer.start(partial.node)
        return [*head, *self._all_rows(lo, hi, first, end), *self._tail()]

    def _tail(self) -> list[Stmt]:
        accs = self.writer.accs
        return [s for p in self.scalars for s in p.store(lit(0), accs[p.node])]

    def _all_rows(self, lo: Name, hi: Name, first: Name, end: Name) -> list[Stmt]:
        """The rows of a task, several at a time, then those that are left."""
        load = [stmt for p in self.columns for stmt in self._load(p)]
        element = tuple(self.writer.element())
        accs = self.writer.accs
        place, row = self.row.counter, self.rows.counter
        store = [s for p in self.columns for s in p.store(place, accs[p.node])]

        def columns(inside: Sequence[Stmt]) -> Loop:
            return Loop(place.id, first, end, (*load, *inside, *store))

        height = self._height()
        if height == 1:
            return [Loop(row.id, lo, hi, (columns(element),))]
        top, turn = Name(self.writer.local("top")), Name(self.writer.local("turn"))
        at_once = Loop(row.id, top, top + height, element)
        turns = (hi - lo) // height
        several = (Let(top.id, lo + turn * height), columns([at_once]))
        left = Loop(row.id, lo + turns * height, hi, (columns(element),))
        return [Loop(turn.id, lit(0), turns, several), left]

    def _load(self, partial: Partial) -> list[Stmt]:
        """Bind accumulators to what they were after the rows before."""
        self.writer.start(partial.node)
        names = self.writer.accs[partial.node]
        at = partial.at(self.row.counter)
        return [Let(acc.id, now) for acc, now in zip(names, at, strict=True)]

    def _height(self) -> int:
        """How many rows are taken at a time: one, where elements cost more than accumulators."""
        cost = sum(map(cost_of, self.writer.group.nodes))
        return self.machine.rows_at_once if cost <= self.machine.light else 1
