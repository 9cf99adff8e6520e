"""Register tiles: the innermost loops of products and convolutions, as vector code.

A tile keeps a block of results in vector registers while it runs along the axis summed over, the
form of Goto and van de Geijn (Anatomy of high-performance matrix multiplication, ACM Transactions
on Mathematical Software 34, 2008):

    c[i, j] = alpha * (sum over p of a[i * row_a + p * step_a] * b[p * step_b + j]) + beta * c[i, j]

Elements of `a` are repeated in all lanes, whatever the steps between them; rows of `b` and `c` are
contiguous. So operands need not be packed for a tile, only for the cache. Each element is one chain
of fused multiply-adds in the order of p, however the whole is cut: results depend on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import gcd

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.machine import host
from symgraph.backends.llvm.notation import Code, pieces, smaller
from symgraph.backends.llvm.words import TYPES, alignment, constant
from symgraph.dataclass import dataclass
from symgraph.kernel import Name, lit

VECTORS = 3  # a whole tile is so many vectors wide
HEIGHTS = {8: (1, 2, 3, 4, 6, 8), 4: (1, 2, 3, 4)}  # the rows tiles may have, by those of most
ITEMSIZE = {"float32": 4, "float64": 8}


@dataclass(frozen=True)
class Shape:
    """How large tiles are: as many registers as the processor has decide it."""

    lanes: int  # of a vector
    rows: int

    @property
    def width(self) -> int:
        """The columns of a whole tile."""
        return VECTORS * self.lanes

    @property
    def turned(self) -> int:
        """How many lines are turned together: whole tiles have a multiple of them."""
        return gcd(self.rows, self.width)

    @property
    def heights(self) -> tuple[int, ...]:
        """The rows that a tile may have."""
        return HEIGHTS[self.rows]


@cache
def shape_of(dtype: str) -> Shape:
    """The tiles of this processor: 24 results, 3 vectors of `b`, one of `a` in 32 registers."""
    features = host().features.split(",")
    wide = "+avx512f" in features
    size = 64 if wide else 32 if "+avx2" in features else 16
    many = wide or host().triple.startswith(("aarch64", "arm64"))
    return Shape(size // ITEMSIZE[dtype], 8 if many else 4)


class Lanes:
    """Writes what is done with vectors of one dtype."""

    def __init__(self, code: Code, dtype: str, lanes: int) -> None:
        self.code, self.dtype, self.lanes = code, dtype, lanes
        self.scalar = TYPES[dtype]
        self.type = f"<{lanes} x {self.scalar}>"
        self.align = alignment(dtype)
        self.suffix = f"v{lanes}f{8 * ITEMSIZE[dtype]}"

    def at(self, pointer: str, index: int) -> str:
        """The address of vector number `index`."""
        if index == 0:
            return pointer
        return self.code.get(
            f"getelementptr inbounds {self.scalar}, ptr {pointer}, i64 {index * self.lanes}"
        )

    def mask(self, count: str) -> str:
        """The first `count` lanes."""
        code, kind = self.code, f"<{self.lanes} x i32>"
        narrow = code.get(f"trunc i64 {count} to i32")
        all_ = self.spread(narrow, "i32")
        order = ", ".join(f"i32 {k}" for k in range(self.lanes))
        return code.get(f"icmp ult {kind} <{order}>, {all_}")

    def spread(self, scalar: str, kind: str) -> str:
        """A scalar in all lanes."""
        code, vector = self.code, f"<{self.lanes} x {kind}>"
        one = code.get(f"insertelement {vector} poison, {kind} {scalar}, i64 0")
        return code.get(
            f"shufflevector {vector} {one}, {vector} poison, <{self.lanes} x i32> zeroinitializer"
        )

    def repeat(self, address: str) -> str:
        """The element at an address in all lanes."""
        value = self.code.get(f"load {self.scalar}, ptr {address}, align {self.align}")
        return self.spread(value, self.scalar)

    def load(self, address: str, mask: str | None = None) -> str:
        """A vector; lanes without the mask are 0 and not read."""
        code = self.code
        if mask is None:
            return code.get(f"load {self.type}, ptr {address}, align {self.align}")
        bits = f"<{self.lanes} x i1>"
        name = f"@llvm.masked.load.{self.suffix}.p0"
        code.needs.declared[name] = f"declare {self.type} {name}(ptr, i32, {bits}, {self.type})"
        words = f"ptr {address}, i32 {self.align}, {bits} {mask}, {self.type} zeroinitializer"
        return code.get(f"call {self.type} {name}({words})")

    def store(self, value: str, address: str, mask: str | None = None) -> None:
        """Write the lanes of the mask."""
        code = self.code
        if mask is None:
            code.do(f"store {self.type} {value}, ptr {address}, align {self.align}")
            return
        bits = f"<{self.lanes} x i1>"
        name = f"@llvm.masked.store.{self.suffix}.p0"
        code.needs.declared[name] = f"declare void {name}({self.type}, ptr, i32, {bits})"
        code.do(
            f"call void {name}({self.type} {value}, ptr {address}, i32 {self.align}, {bits} {mask})"
        )

    def scatter(self, value: str, address: str, places: str, mask: str) -> None:
        """Write the lanes of the mask to so many elements behind an address each."""
        code, pointers = self.code, f"<{self.lanes} x ptr>"
        at = code.get(f"getelementptr {self.scalar}, ptr {address}, <{self.lanes} x i64> {places}")
        bits = f"<{self.lanes} x i1>"
        name = f"@llvm.masked.scatter.{self.suffix}.v{self.lanes}p0"
        code.needs.declared[name] = f"declare void {name}({self.type}, {pointers}, i32, {bits})"
        words = f"{self.type} {value}, {pointers} {at}, i32 {self.align}, {bits} {mask}"
        code.do(f"call void {name}({words})")

    def add_product(self, a: str, b: str, total: str) -> str:
        """a * b + total, rounded once."""
        name = f"@llvm.fma.{self.suffix}"
        kind = self.type
        self.code.needs.declared[name] = f"declare {kind} {name}({kind}, {kind}, {kind})"
        return self.code.get(f"call {kind} {name}({kind} {a}, {kind} {b}, {kind} {total})")

    def multiply(self, a: str, b: str) -> str:
        """a * b."""
        return self.code.get(f"fmul {self.type} {a}, {b}")


def leaf_name(dtype: str, kind: str, *sizes: int) -> str:
    """The name of a function of the module of leaves (leaves.py)."""
    return "_".join(("leaf", dtype, kind, *map(str, sizes)))


PARAMS = (
    ("k", "int64"), ("a", "ptr"), ("row_a", "int64"), ("step_a", "int64"), ("b", "ptr"),
    ("step_b", "int64"), ("c", "ptr"), ("ldc", "int64"), ("last", "int64"),
)  # fmt: skip
OPAQUE = 'nounwind noinline "prefer-vector-width"="512"'


def tile_text(dtype: str, rows: int, vectors: int, needs: Needs) -> str:
    """A tile of `rows` rows and `vectors` vectors, the last one with `last` lanes."""
    factors = [("alpha", dtype), ("beta", dtype)]
    code = Code(leaf_name(dtype, "tile", rows, vectors), [*PARAMS, *factors], needs)
    lanes = Lanes(code, dtype, shape_of(dtype).lanes)
    mask = lanes.mask("%last")
    masks = [None] * (vectors - 1) + [mask]
    lines = [_offset(code, dtype, "%a", "%row_a", i) for i in range(rows)]
    _fetch_results(code, lanes, rows, vectors)
    totals = _sum_products(code, lanes, rows, vectors, lines, masks)
    _finish(code, lanes, rows, vectors, totals, masks)
    code.do("ret void")
    return code.text(OPAQUE, "")


def _offset(code: Code, dtype: str, pointer: str, step: str, count: int) -> str:
    if count == 0:
        return pointer
    far = code.get(f"mul nsw i64 {step}, {count}")
    return code.get(f"getelementptr inbounds {TYPES[dtype]}, ptr {pointer}, i64 {far}")


def _fetch_results(code: Code, lanes: Lanes, rows: int, vectors: int) -> None:
    """Have the results' memory brought near while products are summed: the tile's only wait."""
    name = "@llvm.prefetch.p0"
    code.needs.declared[name] = f"declare void {name}(ptr, i32, i32, i32)"
    for i in range(rows):
        row = _offset(code, lanes.dtype, "%c", "%ldc", i)
        for v in range(vectors):
            code.do(f"call void {name}(ptr {lanes.at(row, v)}, i32 1, i32 3, i32 1)")


def _sum_products(
    code: Code, lanes: Lanes, rows: int, vectors: int, lines: list[str], masks: Sequence[str | None]
) -> list[str]:
    """The loop along the axis summed over; all sums, row by row."""
    kind, scalar = lanes.type, lanes.scalar
    head, inside, after = (code.label(hint) for hint in ("head", "body", "after"))
    before = code.block
    sums = [code.fresh() for _ in range(rows * vectors)]
    p, at_a, at_b = code.fresh(), code.fresh(), code.fresh()
    next_p, next_a, next_b = code.fresh(), code.fresh(), code.fresh()
    following = [code.fresh() for _ in sums]
    code.jump(head)
    code.begin(head)
    code.do(f"{p} = phi i64 [ 0, %{before} ], [ {next_p}, %{inside} ]")
    code.do(f"{at_a} = phi i64 [ 0, %{before} ], [ {next_a}, %{inside} ]")
    code.do(f"{at_b} = phi ptr [ %b, %{before} ], [ {next_b}, %{inside} ]")
    for total, new in zip(sums, following, strict=True):
        code.do(f"{total} = phi {kind} [ zeroinitializer, %{before} ], [ {new}, %{inside} ]")
    code.branch(code.get(f"icmp slt i64 {p}, %k"), inside, after)
    code.begin(inside)
    right = [lanes.load(lanes.at(at_b, v), masks[v]) for v in range(vectors)]
    for i, line in enumerate(lines):
        place = code.get(f"getelementptr inbounds {scalar}, ptr {line}, i64 {at_a}")
        left = lanes.repeat(place)
        for v in range(vectors):
            n = i * vectors + v
            total = lanes.add_product(left, right[v], sums[n])
            code.lines[-1] = code.lines[-1].replace(f"{total} =", f"{following[n]} =")
    code.do(f"{next_p} = add nuw nsw i64 {p}, 1")
    code.do(f"{next_a} = add nsw i64 {at_a}, %step_a")
    code.do(f"{next_b} = getelementptr inbounds {scalar}, ptr {at_b}, i64 %step_b")
    code.jump(head)
    code.begin(after)
    return sums


def _finish(
    code: Code,
    lanes: Lanes,
    rows: int,
    vectors: int,
    totals: list[str],
    masks: Sequence[str | None],
) -> None:
    """Write the results; with beta == 0 what was there is not read."""
    alpha, beta = (lanes.spread(f"%{x}", lanes.scalar) for x in ("alpha", "beta"))
    fresh = code.get(f"fcmp oeq {lanes.scalar} %beta, {constant(0, lanes.dtype)}")
    write, add, end = (code.label(hint) for hint in ("write", "add", "end"))
    code.branch(fresh, write, add)
    for label, reads in ((write, False), (add, True)):
        code.begin(label)
        for i in range(rows):
            row = _offset(code, lanes.dtype, "%c", "%ldc", i)
            for v in range(vectors):
                at = lanes.at(row, v)
                value = lanes.multiply(alpha, totals[i * vectors + v])
                if reads:
                    value = lanes.add_product(beta, lanes.load(at, masks[v]), value)
                lanes.store(value, at, masks[v])
        code.jump(end)
    code.begin(end)


def tile_sizes(dtype: str) -> list[tuple[int, int]]:
    """The rows and vectors of all tiles."""
    heights = shape_of(dtype).heights
    return [(rows, n) for rows in heights for n in range(1, VECTORS + 1)]


def tiles_text(dtype: str, needs: Needs) -> list[str]:
    """All tiles of a dtype, and what calls them."""
    tiles = [tile_text(dtype, rows, vectors, needs) for rows, vectors in tile_sizes(dtype)]
    return [*tiles, _tables_text(dtype), _panel_text(dtype, needs)]


def _tables_text(dtype: str) -> str:
    """For the rows still to be done how many the next tile takes; tiles by rows and vectors."""
    shape = shape_of(dtype)
    heights = [max(h for h in shape.heights if h <= rows) for rows in range(1, shape.rows + 1)]
    tiles = [
        f"ptr @{leaf_name(dtype, 'tile', h, v)}" for h in heights for v in range(1, VECTORS + 1)
    ]
    sizes = [f"i64 {h}" for h in heights]
    return (
        f"@tiles = internal constant [{len(tiles)} x ptr] [{', '.join(tiles)}]\n"
        f"@heights = internal constant [{len(sizes)} x i64] [{', '.join(sizes)}]"
    )


PANEL = (
    ("rows", "int64"), ("k", "int64"), ("a", "ptr"), ("panel_a", "int64"), ("row_a", "int64"),
    ("step_a", "int64"), ("b", "ptr"), ("step_b", "int64"), ("c", "ptr"), ("ldc", "int64"),
    ("width", "int64"),
)  # fmt: skip


def _panel_text(dtype: str, needs: Needs) -> str:
    """Any number of rows of `a` times a panel of `width` columns, at most a whole tile's.

    From as many rows as a tile has to the next, `panel_a` elements further on, by few tiles.
    """
    factors = [("alpha", dtype), ("beta", dtype)]
    code = Code(leaf_name(dtype, "panel"), [*PANEL, *factors], needs)
    shape, kind = shape_of(dtype), TYPES[dtype]
    vectors = code.let(pieces(Name("width"), shape.lanes))
    last = code.let(Name("width") - (vectors - 1) * shape.lanes)
    row, step, ldc = Name("row_a"), Name("step_a"), Name("ldc")
    with code.loop(lit(0), Name("rows"), shape.rows) as i:
        left = code.place("%a", i // shape.rows * Name("panel_a"), dtype)
        height = code.let(smaller(lit(shape.rows), Name("rows") - i))
        with code.loop(lit(0), height, None) as done:
            rest = code.let(height - done - 1)
            place = code.position(rest * VECTORS + vectors - 1)
            at = code.get(f"getelementptr ptr, ptr @tiles, i64 {place}")
            tile = code.get(f"load ptr, ptr {at}")
            code.stride = code.item("@heights", rest)
            a = code.place(left, done * row, dtype)
            c = code.place("%c", (i + done) * ldc, dtype)
            code.invoke(tile, Name("k"), a, row, step, "%b", Name("step_b"), c, ldc, last,
                        rest=f"{kind} %alpha, {kind} %beta")  # fmt: skip
    code.do("ret void")
    return code.text(OPAQUE, "")
