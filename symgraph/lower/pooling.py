"""Pooling: a kernel over planes, the images of a batch and their channels.

A window is [begin, end) along each axis, in the coordinates of the image without its border. Where
all windows lie inside the image and are small, their elements are written out one by one: no branch
depends on an element, and several windows are done at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from symgraph.graph import Apply, Variable
from symgraph.kernel import (
    BOOL,
    HI,
    INT,
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
    Update,
    cast,
    compare,
    lit,
    select,
)
from symgraph.lower.elements import Context, make_launch
from symgraph.lower.program import Launch
from symgraph.lower.sizes import dtype_of
from symgraph.ops.pooling import MODES, PoolPut, PoolSpread, PoolSum, PoolTake
from symgraph.types import larger, smaller

Body = Callable[[Expr, int], Sequence[Stmt]]  # of an element's place in memory, and its number
SMALL = 16  # elements of a window that are written out
TAP = "int32"  # counts the elements of a window
Memory = Callable[[Variable], Buffer]


def write_pooling(node: Apply, context: Context, memory: Memory) -> Launch:
    """The launch of a pooling op's kernel."""
    return _Pooling(node, context, memory).launch()


class _Pooling:
    """Writes the kernel of one node."""

    def __init__(self, node: Apply, context: Context, memory: Memory) -> None:
        op = node.op
        assert isinstance(op, PoolTake | PoolSum | PoolSpread)
        self.node, self.op, self.context = node, op, context
        self.out = context.buffers[node.outputs[0]]
        self.inputs = [memory(v) for v in node.inputs[: op.reads]]
        self.dtype = dtype_of(node.outputs[0])
        spreads = isinstance(op, PoolPut | PoolSpread)
        wide, narrow = node.inputs[0], node.outputs[0]
        if spreads:
            wide, narrow = narrow, node.inputs[-1 if isinstance(op, PoolPut) else 0]
        image, pooled = (context.sizes.dims(v) for v in (wide, narrow))
        front = len(image) - len(op.size)
        self.planes = context.sizes.product(image[:front])
        self.image, self.pooled = image[front:], pooled[front:]
        self.area = context.sizes.product(self.image)
        self.windows = context.sizes.product(self.pooled)
        self.places = [Name(f"p{axis}") for axis in range(len(op.size))]
        self.plane = Name("plane")
        self.whole = op.ignore_border and not any(op.pad)

    def launch(self) -> Launch:
        """The kernel over all planes."""
        write = WRITERS[type(self.op)]
        place = self._flat(self.plane * self.windows, self.pooled, self.places)
        windows: Sequence[Stmt] = write(self, place)
        for name, count in zip(self.places[::-1], self.pooled[::-1], strict=True):
            windows = [Loop(name.id, lit(0), count, tuple(windows), self.apart)]
        body = Loop(self.plane.id, LO, HI, (*self._zeros(), *windows))
        work = self.planes * (self.area + 4 * self.windows * prod(self.op.size))
        nodes = [self.node]
        return make_launch(self.context.namer("k1"), [body], self.planes, work, nodes)

    # --- windows -----------------------------------------------------------------------------

    def _flat(self, start: Expr, sizes: Sequence[Expr], index: Sequence[Expr]) -> Expr:
        place: Expr = lit(0)
        for size, i in zip(sizes, index, strict=True):
            place = place * size + i
        return start + place

    def _bounds(self, axis: int) -> tuple[Expr, Expr]:
        op, first = self.op, self.places[axis] * self.op.stride[axis] - self.op.pad[axis]
        end = first + op.size[axis]
        if self.whole:
            return first, end
        return larger(first, lit(0)), smaller(end, self.image[axis])

    def _each(self, body: Body) -> list[Stmt]:
        """Statements for each element of the window at the places."""
        start = self.plane * self.area
        bounds = [self._bounds(axis) for axis in range(len(self.places))]
        if self.unrolled:
            taps: list[list[int]] = [[]]
            for size in self.op.size:
                taps = [[*tap, k] for tap in taps for k in range(size)]
            indices = [[b + k for (b, _), k in zip(bounds, t, strict=True)] for t in taps]
            flat = (self._flat(start, self.image, index) for index in indices)
            return [stmt for number, place in enumerate(flat) for stmt in body(place, number)]
        index = [Name(f"i{axis}") for axis in range(len(bounds))]
        inner = tuple(body(self._flat(start, self.image, index), 0))
        for name, (begin, end) in zip(index[::-1], bounds[::-1], strict=True):
            inner = (Loop(name.id, begin, end, inner),)
        return list(inner)

    @property
    def unrolled(self) -> bool:
        """Whether windows are written out."""
        return self.whole and prod(self.op.size) <= SMALL

    # --- the largest element -----------------------------------------------------------------

    def _largest(self, best: Name, numbered: bool) -> list[Stmt]:
        """Where the first of the largest elements lies, -1 in an empty window; `top` is it."""
        x = self.inputs[0]
        top = Name("top", x.dtype)

        def better(place: Expr, number: int) -> list[Stmt]:
            value = Load(x, place)
            nan = compare("ne", value, value) & compare("eq", top, top)
            more = Name(f"more{number}", BOOL)
            exceeds = compare("gt", value, top) | nan | compare("lt", best, 0)
            at = lit(number, TAP) if numbered else place
            return [
                Let(more.id, exceeds),
                Update(best.id, select(more, at, best)),
                Update(top.id, select(more, value, top)),
            ]

        return [
            Let(best.id, lit(-1, best.dtype)),
            Let(top.id, lit(0, x.dtype)),
            *self._each(better),
        ]

    def take(self, place: Expr) -> list[Stmt]:
        """The element of the second operand where the first is largest; 0 in an empty window."""
        best, (x, y) = Name("best"), self.inputs
        if x == y:
            found: list[Stmt] = self._largest(best, False)
            return [*found, Store(self.out, place, Name("top", x.dtype))]
        value = Name("value", y.dtype)
        some = cast(compare("ge", best, 0), INT)
        return [
            *self._largest(best, False),
            Let(value.id, lit(0, y.dtype)),
            Loop("some", lit(0), some, (Update(value.id, Load(y, best)),)),
            Store(self.out, place, value),
        ]

    def put(self, place: Expr) -> list[Stmt]:
        """The cotangent's element where the first operand is largest."""
        given: Expr = Load(self.inputs[1], place)
        if self.apart:
            best = Name("best", TAP)
            g = Name("given", self.dtype)

            def choose(at: Expr, number: int) -> list[Stmt]:
                mine = compare("eq", best, number)
                return [Store(self.out, at, select(mine, g, lit(0, self.dtype)))]

            return [Let(g.id, given), *self._largest(best, True), *self._each(choose)]
        best = Name("best")
        add = Store(self.out, best, Load(self.out, best) + given)
        some = cast(compare("ge", best, 0), INT)
        return [*self._largest(best, False), Loop("some", lit(0), some, (add,))]

    @property
    def apart(self) -> bool:
        """Whether each element of the image is in one written window, or in none."""
        return self.unrolled and self.op.stride == self.op.size

    def _zeros(self) -> list[Stmt]:
        """Zeros in a plane that windows are added to, or do not cover."""
        if not isinstance(self.op, PoolPut | PoolSpread):
            return []
        covered: Expr = Lit(True, BOOL)
        if isinstance(self.op, PoolPut) and self.apart:
            for n, count, size in zip(self.image, self.pooled, self.op.size, strict=True):
                covered = covered & compare("eq", n, count * size)
        else:
            covered = Lit(False, BOOL)
        k = Name("k")
        zero = Store(self.out, self.plane * self.area + k, lit(0, self.dtype))
        return [Loop(k.id, lit(0), select(covered, lit(0), self.area), (zero,), self.apart)]

    # --- sums --------------------------------------------------------------------------------

    def sums(self, place: Expr) -> list[Stmt]:
        """The sum or mean of a window."""
        (x,), total = self.inputs, Name("total", self.dtype)

        def add(at: Expr, number: int) -> list[Stmt]:
            return [Update(total.id, total + Load(x, at))]

        start = Let(total.id, lit(0, self.dtype))
        return [start, *self._each(add), Store(self.out, place, self._share(total))]

    def spread(self, place: Expr) -> list[Stmt]:
        """Add a cotangent's element, or its share, to a window."""
        (g,), share = self.inputs, Name("part", self.dtype)

        def add(at: Expr, number: int) -> list[Stmt]:
            return [Store(self.out, at, Load(self.out, at) + share)]

        return [Let(share.id, self._share(Load(g, place))), *self._each(add)]

    def _share(self, value: Expr) -> Expr:
        """A window's sum divided by what it counts."""
        assert isinstance(self.op, PoolSum | PoolSpread)
        if self.op.mode == MODES[0]:
            return value
        count: Expr = lit(1)
        for axis in range(len(self.places)):
            count = count * self._count(axis)
        return (
            value / cast(count, self.dtype) if not isinstance(count, Lit) else value / count.value
        )

    def _count(self, axis: int) -> Expr:
        """The elements a window counts along an axis."""
        op, size = self.op, self.op.size[axis]
        if self.whole:
            return lit(size)
        if getattr(op, "mode", "") == "average_exc_pad":
            begin, end = self._bounds(axis)
            return end - begin
        start = self.places[axis] * op.stride[axis]
        return smaller(start + size, self.image[axis] + 2 * op.pad[axis]) - start


WRITERS: dict[type, Callable[[_Pooling, Expr], list[Stmt]]] = {
    PoolTake: _Pooling.take,
    PoolPut: _Pooling.put,
    PoolSum: _Pooling.sums,
    PoolSpread: _Pooling.spread,
}
