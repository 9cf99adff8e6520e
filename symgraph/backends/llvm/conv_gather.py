"""Targets gathered from images, panel by panel: convolutions and their gradient by the images.

A task is a part of the panels of one image and group. It copies the image to a block, cuts the
columns of some places from it, `DEPTH` rows at a time, and multiplies them by the packed filters.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.conv_block import SEGMENT
from symgraph.backends.llvm.conv_plan import GEOMETRY, PHASE
from symgraph.backends.llvm.notation import Code, Words, greater, pieces, smaller
from symgraph.backends.llvm.tiles import ITEMSIZE, Lanes, leaf_name, shape_of
from symgraph.backends.llvm.words import TYPES, constant
from symgraph.kernel import Expr, Name, compare, lit, select

DEPTH = 144  # products summed in one pass of a tile: a panel of columns fits the nearest cache
SHARE = (("g", "ptr"), ("lo", "int64"), ("hi", "int64"), ("share", "int64"))


def gather_text(dtype: str, needs: Needs) -> list[str]:
    """The shares of the two launches."""
    return [_pack_share(dtype, needs), _Gather(dtype, needs).text()]


def _pack_share(dtype: str, needs: Needs) -> str:
    """Lay the weights of some panels of rows in the order in which tiles read them."""
    code, shape = Code("pack_share", SHARE, needs), shape_of(dtype)
    g, lanes = Words(code, "%g", GEOMETRY), Lanes(code, dtype, 1)
    rows, channels, taps, phases, row_step, channel_step = g.sizes(
        "rows channels taps phase_count row_step channel_step"
    )
    weights, filters, packed = (g.pointer(x) for x in ("weights", "filters", "packed"))
    panels = code.let(pieces(rows, shape.rows))
    with code.loop(Name("lo"), Name("hi")) as task, code.loop(lit(0), phases) as number:
        phase = Words(code, code.place(g.pointer("phases"), number * len(PHASE), "int64"), PHASE)
        first, count = phase.sizes("first taps")
        group, panel = code.let(task // panels), code.let(task % panels)
        start = code.let(group * rows * channels * taps)
        column = group * taps * panels + panels * first + panel * count
        base = code.let(column * channels * shape.rows)
        height = code.let(smaller(lit(shape.rows), rows - panel * shape.rows))
        with code.loop(lit(0), channels) as c, code.loop(lit(0), count) as tap:
            weight = code.item(weights, first + tap)
            source = code.let(start + c * channel_step + weight + panel * row_step * shape.rows)
            target = code.let(base + (c * count + tap) * shape.rows)
            with code.loop(lit(0), height) as i:
                value = lanes.load(code.place(filters, source + i * row_step, dtype))
                lanes.store(value, code.place(packed, target + i, dtype))
    code.do("ret void")
    return code.text()


class _Gather:
    """Writes the share that computes panels."""

    def __init__(self, dtype: str, needs: Needs) -> None:
        self.dtype, self.shape = dtype, shape_of(dtype)
        self.code = Code("gather_share", SHARE, needs)
        self.g = Words(self.code, "%g", GEOMETRY)
        self.size = ITEMSIZE[dtype]
        self.step = self.shape.width + self.shape.lanes  # from line to line of a panel

    def text(self) -> str:
        """The whole function."""
        code, g, shape = self.code, self.g, self.shape
        parts, channels, each, places = g.sizes("parts channels each places")
        self.rows, groups = g.sizes("rows groups")
        self.channels = channels
        self.panels = code.let(pieces(self.rows, shape.rows))
        slack = shape.lanes
        total = code.let(channels * each + DEPTH * self.step + self.rows * shape.width + 2 * slack)
        self.block = code.make(total * self.size + shape.width * SEGMENT * 8)
        self.segments = self.block
        self.block = code.place(self.segments, lit(shape.width * SEGMENT), "int64")
        self.panel = code.place(self.block, channels * each + slack, self.dtype)
        self.sums = code.place(self.panel, lit(DEPTH * self.step + slack), self.dtype)
        length = code.let(channels * self._source())
        with code.loop(Name("lo"), Name("hi")) as task:
            image, part = code.let(task // parts), code.let(task % parts)
            source = code.place(g.pointer("source"), image * length, self.dtype)
            code.invoke("@copy_image", "%g", self.block, source)
            self.target = code.place(g.pointer("target"), image * self.rows * places, self.dtype)
            weights = image % groups * self.panels * channels * g.size("taps") * shape.rows
            self.filters = code.place(g.pointer("packed"), weights, self.dtype)
            with code.loop(lit(0), g.size("phase_count")) as number:
                self._phase(number, part, parts)
        code.drop(self.segments)
        code.do("ret void")
        return code.text()

    def _source(self) -> Expr:
        in_d, in_h, in_w = self.g.sizes("in_d in_h in_w")
        return in_d * in_h * in_w

    def _phase(self, number: Name, part: Name, parts: Name) -> None:
        """This part's panels of a phase."""
        code, width = self.code, self.shape.width
        at = code.place(self.g.pointer("phases"), number * len(PHASE), "int64")
        phase = Words(code, at, PHASE)
        d, h, w, first, taps = phase.sizes("count_d count_h count_w first taps")
        count = code.let(d * h * w)
        total = code.let(pieces(count, width))
        weights = first * self.panels * self.channels * self.shape.rows
        filters = code.place(self.filters, weights, self.dtype)
        offsets = code.place(self.g.pointer("offsets"), first * self.channels, "int64")
        depth = code.let(self.channels * taps)
        plain = code.let(compare("eq", self.g.size("phase_count"), lit(1)))
        with code.loop(part * total // parts, (part + 1) * total // parts) as panel:
            begin = code.let(panel * width)
            end = code.let(smaller(begin + width, count))
            pieces_ = self._cut(at, begin, end)
            to = code.either(plain, code.place(self.target, begin, self.dtype), self.sums)
            step = code.let(select(plain, self.g.size("places"), lit(width)))
            self._panel(offsets, filters, depth, (to, step), code.let(end - begin), pieces_)
            with code.when(compare("ne", self.g.size("phase_count"), lit(1))):
                self._scatter(phase, pieces_)

    def _cut(self, phase: str, begin: Name, end: Name) -> Name:
        words = ("ptr", "%g"), ("ptr", phase), *(("i64", self.code.values[x.id]) for x in (begin,
                 end)), ("ptr", self.segments)  # fmt: skip
        listed = ", ".join(f"{kind} {word}" for kind, word in words)
        return self.code.named(self.code.get(f"call i64 @cut_places({listed})"))

    def _panel(
        self, offsets: str, filters: str, depth: Name, target: tuple[str, Name], width: Name,
        number: Name,
    ) -> None:  # fmt: skip
        """Sum a panel's products over channels and taps."""
        code, shape, kind = self.code, self.shape, TYPES[self.dtype]
        passes = code.let(greater(pieces(depth, DEPTH), lit(1)))
        one, zero = constant(1, self.dtype), constant(0, self.dtype)
        with code.loop(lit(0), passes) as k:
            first, last = code.let(k * depth // passes), code.let((k + 1) * depth // passes)
            count = code.let(last - first)
            code.leaf(leaf_name(self.dtype, "cut"), count, code.place(offsets, first, "int64"),
                      self.block, self.segments, number, self.panel, lit(self.step))  # fmt: skip
            fresh = code.value(compare("eq", k, lit(0)))
            beta = code.get(f"select i1 {fresh}, {kind} {zero}, {kind} {one}")
            left = code.place(filters, first * shape.rows, self.dtype)
            code.leaf(leaf_name(self.dtype, "panel"), self.rows, count, left, depth * shape.rows,
                      lit(1), lit(shape.rows), self.panel, lit(self.step), target[0], target[1],
                      width, rest=[(kind, one), (kind, beta)])  # fmt: skip

    def _scatter(self, phase: Words, number: Name) -> None:
        """Write the sums of a panel to their places."""
        code, lanes = self.code, Lanes(self.code, self.dtype, 1)
        step, places = phase.size("step_w"), self.g.size("places")
        with code.loop(lit(0), self.rows) as row, code.loop(lit(0), number) as s:
            at, length, _, to = (code.item(self.segments, s * SEGMENT + k) for k in range(4))
            with code.loop(lit(0), length) as k:
                place = row * self.shape.width + at + k
                value = lanes.load(code.place(self.sums, place, self.dtype))
                where = row * places + to + k * step
                lanes.store(value, code.place(self.target, where, self.dtype))
