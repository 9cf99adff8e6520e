"""The gradient of a convolution by its filters: products summed over the places of all images.

A task is a chunk of images, a group, and a part of the channels and taps. For some places at a
time it turns the cotangent, so that the filters lie side by side, and cuts what lies under each
channel and tap from the image's block; a tile multiplies the two. Chunks are added in their order.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.conv_block import SEGMENT
from symgraph.backends.llvm.conv_gather import SHARE
from symgraph.backends.llvm.conv_plan import GEOMETRY
from symgraph.backends.llvm.dots import MOST
from symgraph.backends.llvm.notation import Code, Words, pieces, smaller
from symgraph.backends.llvm.tiles import ITEMSIZE, OPAQUE, Lanes, leaf_name, shape_of
from symgraph.backends.llvm.words import TYPES, constant
from symgraph.kernel import Name, lit, select

PLACES = 192  # summed in one pass of a tile: a multiple of all vectors
FEW = 4  # filters beyond whole vectors that are dot products, not a vector of idle lanes


def dots_text(dtype: str, needs: Needs) -> list[str]:
    """The shares of the two launches."""
    return [_Dots(dtype, needs).text(), _add_share(dtype, needs)]


class _Dots:
    """Writes the share that sums products."""

    def __init__(self, dtype: str, needs: Needs) -> None:
        self.dtype, self.shape = dtype, shape_of(dtype)
        self.code = Code("dots_share", SHARE, needs)
        self.g = Words(self.code, "%g", GEOMETRY)
        self.step = PLACES + self.shape.lanes  # from line to line of what is cut

    def text(self) -> str:
        """The whole function."""
        code, g, dtype = self.code, self.g, self.dtype
        self.rows, self.channels, self.groups, taps, each, self.places = g.sizes(
            "rows channels groups taps each places"
        )
        chunks, parts, images = g.sizes("chunks parts images")
        self.lines = code.let(self.channels * taps)  # of what lies under channels and taps
        few = self.rows % self.shape.lanes
        by_dots = (few <= lit(FEW)) & (self.rows > lit(self.shape.lanes))
        self.tiled = code.let(self.rows - select(by_dots, few, lit(0)))
        self._memory(each)
        panels = code.let(pieces(self.lines, self.shape.rows))
        one = self.shape.rows
        with code.loop(Name("lo"), Name("hi")) as task:
            chunk = code.let(task // (parts * self.groups))
            group, part = code.let(task // parts % self.groups), code.let(task % parts)
            self.begin = code.let(part * panels // parts * one)
            self.end = code.let(smaller((part + 1) * panels // parts * one, self.lines))
            sums = (chunk * self.groups + group) * self.lines * self.rows
            self.sums = code.place(g.pointer("packed"), sums, dtype)
            size = (self.end - self.begin) * self.rows * ITEMSIZE[dtype]
            code.clear(code.place(self.sums, self.begin * self.rows, dtype), size)
            with code.loop(chunk * images // chunks, (chunk + 1) * images // chunks) as image:
                self._image(code.let(image * self.groups + group))
        code.drop(self.memory)
        code.do("ret void")
        return code.text()

    def _memory(self, each: Name) -> None:
        """Segments, the block, what lies under a panel of lines, the turned cotangent."""
        code, shape, dtype = self.code, self.shape, self.dtype
        self.wide = code.let(pieces(self.rows, shape.width) * shape.width)
        block = code.let(self.channels * each + shape.lanes)
        under = lit(shape.rows * self.step)
        turned = self.wide * (PLACES + shape.lanes)
        total = (block + under + turned) * ITEMSIZE[dtype]
        self.memory = code.make(total + PLACES * SEGMENT * 8)
        self.block = code.place(self.memory, lit(PLACES * SEGMENT), "int64")
        self.under = code.place(self.block, block, dtype)
        self.turned = code.place(self.under, under, dtype)

    def _image(self, image: Name) -> None:
        """Add the products of one image and group."""
        code, g, dtype = self.code, self.g, self.dtype
        in_d, in_h, in_w = g.sizes("in_d in_h in_w")
        at = image * self.channels * in_d * in_h * in_w
        code.invoke("@copy_image", "%g", self.block, code.place(g.pointer("source"), at, dtype))
        lines = code.place(g.pointer("target"), image * self.rows * self.places, dtype)
        phase = g.pointer("phases")
        with code.loop(lit(0), self.places, PLACES) as first:
            last = code.let(smaller(first + PLACES, self.places))
            words = f"ptr %g, ptr {phase}, i64 {code.values[first.id]}, i64 {code.values[last.id]}"
            number = code.named(code.get(f"call i64 @cut_places({words}, ptr {self.memory})"))
            count = code.let(last - first)
            with code.loop(lit(0), self.rows, self.shape.turned) as o:
                some = smaller(lit(self.shape.turned), self.rows - o)
                source = code.place(lines, o * self.places + first, dtype)
                panel, column = o // self.shape.width, o % self.shape.width
                start = panel * self.shape.width * (PLACES + self.shape.lanes) + column
                to = code.place(self.turned, start, dtype)
                code.leaf(leaf_name(dtype, "turn"), count, some, source, self.places, to,
                            lit(self.shape.width))  # fmt: skip
            self._multiply(count, number, code.place(lines, first, dtype))

    def _multiply(self, count: Name, number: Name, lines: str) -> None:
        """Add the products over some places."""
        code, shape, dtype = self.code, self.shape, self.dtype
        one = constant(1, dtype)
        with code.loop(self.begin, self.end, shape.rows) as line:
            height = code.let(smaller(lit(shape.rows), self.end - line))
            offsets = code.place(self.g.pointer("offsets"), line, "int64")
            code.leaf(leaf_name(dtype, "cut"), height, offsets, self.block, self.memory, number,
                      self.under, lit(self.step))  # fmt: skip
            with code.loop(lit(0), self.tiled, shape.width) as o:
                right = code.place(self.turned, o * (PLACES + shape.lanes), dtype)
                to = code.place(self.sums, line * self.rows + o, dtype)
                width = code.let(smaller(lit(shape.width), self.tiled - o))
                kind = TYPES[dtype]
                code.leaf(leaf_name(dtype, "panel"), height, count, self.under, lit(0),
                          lit(self.step), lit(1), right, lit(shape.width), to, self.rows, width,
                          rest=[(kind, one), (kind, one)])  # fmt: skip
            with code.loop(self.tiled, self.rows) as o:
                self._single(line, height, code.place(lines, o * self.places, dtype), count, o)

    def _single(self, line: Name, height: Name, cotangent: str, count: Name, o: Name) -> None:
        """Add the products of one filter, which lie in line with what is under them already."""
        code, dtype, kind = self.code, self.dtype, TYPES[self.dtype]
        one = constant(1, dtype)
        whole = code.let(height - height % MOST)
        for begin, end, number in ((lit(0), whole, MOST), (whole, height, 1)):
            with code.loop(begin, end, number) as i:
                left = code.place(self.under, i * self.step, dtype)
                to = code.place(self.sums, (line + i) * self.rows + o, dtype)
                code.leaf(leaf_name(dtype, "dots", number, 1), count, left, lit(self.step),
                          cotangent, lit(0), to, self.rows, lit(0),
                          rest=[(kind, one), (kind, one)])  # fmt: skip


def _add_share(dtype: str, needs: Needs) -> str:
    """Add the chunks' sums for lines lo to hi of all groups: a channel and tap, all filters."""
    code = Code("add_share", SHARE, needs)
    g = Words(code, "%g", GEOMETRY)
    rows, channels, taps, groups, chunks = g.sizes("rows channels taps groups chunks")
    sums, out, weights = (g.pointer(x) for x in ("packed", "filters", "weights"))
    lines = code.let(channels * taps)
    with code.loop(Name("lo"), Name("hi")) as number:
        line = code.let(number % lines)
        first = code.let(number // lines * rows * lines + line // taps * taps)
        to = code.place(out, first + code.item(weights, line % taps), dtype)
        code.leaf(leaf_name(dtype, "fold"), rows, chunks, code.place(sums, number * rows, dtype),
                  groups * lines * rows, to, lines)  # fmt: skip
    code.do("ret void")
    return code.text()


def fold_text(dtype: str, needs: Needs) -> str:
    """`fold`, a leaf: `n` elements of all chunks are added in order, and written step by step."""
    params = (("n", "int64"), ("chunks", "int64"), ("from", "ptr"), ("step_from", "int64"),
              ("to", "ptr"), ("step_to", "int64"))  # fmt: skip
    code = Code(leaf_name(dtype, "fold"), params, needs)
    lanes = Lanes(code, dtype, shape_of(dtype).lanes)
    code.do(f"%total = alloca {lanes.type}")
    steps = lanes.spread("%step_to", "i64")
    order = ", ".join(f"i64 {k}" for k in range(lanes.lanes))
    each = code.get(f"mul <{lanes.lanes} x i64> {steps}, <{order}>")
    with code.loop(lit(0), Name("n"), lanes.lanes) as i:
        mask = lanes.mask(code.position(smaller(Name("n") - i, lit(lanes.lanes))))
        lanes.store("zeroinitializer", "%total")
        with code.loop(lit(0), Name("chunks")) as chunk:
            at = code.place("%from", chunk * Name("step_from") + i, dtype)
            sum_ = f"fadd {lanes.type} {lanes.load('%total')}, {lanes.load(at, mask)}"
            lanes.store(code.get(sum_), "%total")
        to = code.place("%to", i * Name("step_to"), dtype)
        lanes.scatter(lanes.load("%total"), to, each, mask)
    code.do("ret void")
    return code.text(OPAQUE, "")
