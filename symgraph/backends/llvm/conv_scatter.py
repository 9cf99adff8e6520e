"""The gradient of a convolution by small images: what each tap gives is added to where it was.

Gathered, each place of an image costs all taps, those over the border too: 2.25 times the products
for a kernel of 5 by 5 that 12 by 12 elements shrink to 8 by 8. Here a task multiplies the filters
by the cotangent of one image and group, some places and some lines (a channel and a tap) at a time,
and adds the lines to the image's block, from which the image is copied in the end.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.conv_block import SEGMENT
from symgraph.backends.llvm.conv_gather import SHARE
from symgraph.backends.llvm.conv_plan import GEOMETRY
from symgraph.backends.llvm.notation import Code, Words, greater, smaller
from symgraph.backends.llvm.tiles import ITEMSIZE, leaf_name, shape_of
from symgraph.backends.llvm.words import TYPES, constant
from symgraph.kernel import Expr, Name, lit

PLACES = 192  # multiplied together: a multiple of all tiles' widths
HELD = 2**17  # products at most, of some channels, that are added together


def scatter_text(dtype: str, needs: Needs) -> str:
    """The share of the launch: images and groups lo to hi."""
    return _Scatter(dtype, needs).text()


class _Scatter:
    """Writes the share."""

    def __init__(self, dtype: str, needs: Needs) -> None:
        self.dtype, self.shape = dtype, shape_of(dtype)
        self.code = Code("scatter_share", SHARE, needs)
        self.g = Words(self.code, "%g", GEOMETRY)
        self.step = PLACES + self.shape.lanes  # from line to line of products

    def text(self) -> str:
        """The whole function."""
        code, g, dtype = self.code, self.g, self.dtype
        self.rows, self.channels, groups, taps, self.places = g.sizes(
            "rows channels groups taps places"
        )
        self.taps, self.lines = taps, code.let(self.channels * taps)
        in_d, in_h, in_w = g.sizes("in_d in_h in_w")
        area = code.let(self.channels * in_d * in_h * in_w)
        size = code.let(self.channels * g.size("each") + self.shape.lanes)
        self.side = code.let(
            smaller(self.channels, greater(lit(HELD) // (taps * self.step), lit(1)))
        )
        held = self.side * taps * self.step
        memory = code.make((size + held) * ITEMSIZE[dtype] + PLACES * SEGMENT * 8)
        self.segments = memory
        self.block = code.place(memory, lit(PLACES * SEGMENT), "int64")
        self.products = code.place(self.block, size, dtype)
        with code.loop(Name("lo"), Name("hi")) as task:
            code.clear(self.block, size * ITEMSIZE[dtype])
            group = code.let(task % groups)
            start = group * self.rows * self.lines
            self.filters = code.place(g.pointer("filters"), start, dtype)
            at = task * self.rows * self.places
            self._add(code.place(g.pointer("target"), at, dtype))
            image = code.place(g.pointer("source"), task * area, dtype)
            code.invoke("@copy_back", "%g", self.block, image)
        code.drop(memory)
        code.do("ret void")
        return code.text()

    def _add(self, cotangent: str) -> None:
        """Add the products of all places and lines to the block."""
        code, dtype = self.code, self.dtype
        with code.loop(lit(0), self.places, PLACES) as first:
            last = code.let(smaller(first + PLACES, self.places))
            words = f"i64 {code.values[first.id]}, i64 {code.values[last.id]}, ptr {self.segments}"
            phase = self.g.pointer("phases")
            number = code.named(code.get(f"call i64 @cut_places(ptr %g, ptr {phase}, {words})"))
            with code.loop(lit(0), self.channels, None) as c:
                some = code.let(smaller(self.side, self.channels - c))
                line, height = code.let(c * self.taps), code.let(some * self.taps)
                self._multiply(line, height, code.place(cotangent, first, dtype), last - first)
                offsets = code.place(self.g.pointer("offsets"), line, "int64")
                code.leaf(leaf_name(dtype, "add"), self.taps, some, offsets, self.block,
                          self.segments, number, self.products, lit(self.step))  # fmt: skip
                code.stride = self.side

    def _multiply(self, line: Name, height: Name, right: str, count: Expr) -> None:
        """Some lines of the filters times the cotangent at some places."""
        code, shape, dtype, kind = self.code, self.shape, self.dtype, TYPES[self.dtype]
        left = code.place(self.filters, line, dtype)
        factors = [(kind, constant(1, dtype)), (kind, constant(0, dtype))]
        with code.loop(lit(0), count, shape.width) as p:
            width = code.let(smaller(lit(shape.width), count - p))
            b, c = code.place(right, p, dtype), code.place(self.products, p, dtype)
            code.leaf(leaf_name(dtype, "panel"), height, self.rows, left, lit(shape.rows), lit(1),
                      self.lines, b, self.places, c, lit(self.step), width,
                      rest=factors)  # fmt: skip
