"""Matrix products of real numbers: our own, cut and packed for registers and caches, on our pool.

    gemm_DTYPE(m, n, k, alpha, a, lda, trans_a, b, ldb, trans_b, beta, c, ldc) -> i64

C = alpha op(A) op(B) + beta C, where op(A) is (m, k), op(B) (k, n), C (m, n); op(X) is X' where its
`trans` is true. `ld*` are the elements from one stored row to the next. With beta == 0 C is only
written, NaN or not; sizes may be 0. Returns 0.

A product is cut into panels of columns or of rows, as wide or high as a tile, which the threads of
the pool share. Each element is summed in one order, so results depend on neither the number of
threads nor the cut. Operands that tiles would read badly are packed first, a block of A for the
second cache, a panel of B for the first (Goto and van de Geijn, see tiles.py). Few rows times a
transposed matrix, and products with a vector, are dot products (dots.py).
"""

from __future__ import annotations

from functools import cache

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.machine import host
from symgraph.backends.llvm.notation import Code, greater, pieces, smaller
from symgraph.backends.llvm.packing import high
from symgraph.backends.llvm.rows import STRIP
from symgraph.backends.llvm.tiles import (
    ITEMSIZE,
    VECTORS,
    leaf_name,
    shape_of,
)
from symgraph.backends.llvm.words import TYPES, constant
from symgraph.kernel import INT, Expr, Name, call, cast, compare, lit, select

DEPTH = 512  # products summed in one pass of a tile: few passes, since each goes over all of C
BLOCKS = 196_608, 786_432  # bytes of a packed block of A: at least, at most
PIECE = 64  # columns of a single row that no two threads share
COLUMNS = 8_192  # of a row of C that stay in the nearest cache while rows of B are added to them
FEW = 16  # rows for which turning B does not pay
SMALL = 8_192  # elements of an operand that is read as it lies, whatever the cache says
FIELDS = (
    "m", "n", "k", "row_a", "step_a", "row_b", "step_b", "ldc", "by_columns", "pack_a", "pack_b",
)  # fmt: skip
POINTERS = ("a", "b", "c")
FACTORS = ("alpha", "beta")
WORDS = {name: place for place, name in enumerate((*FIELDS, *POINTERS, *FACTORS))}
ARGUMENTS = (
    ("m", "int64"), ("n", "int64"), ("k", "int64"), ("alpha", ""), ("a", "ptr"), ("lda", "int64"),
    ("trans_a", "i1"), ("b", "ptr"), ("ldb", "int64"), ("trans_b", "i1"), ("beta", ""),
    ("c", "ptr"), ("ldc", "int64"),
)  # fmt: skip
SHARE = (("block", "ptr"), ("lo", "int64"), ("hi", "int64"), ("share", "int64"))
IMPORTS = ("launch", "take_scratch", "give_scratch")
PANEL = BLOCKS[1] + 4096  # where in scratch memory a panel of B is: packing writes behind A
LINES = 8  # of a panel of dot products


def product_name(dtype: str) -> str:
    """The name of the function for a dtype."""
    return f"gemm_{dtype}"


@cache
def block_size() -> int:
    """The bytes of a packed block of A: three quarters of the second cache, B passes beside it.

    The larger it is, the fewer times B is packed: 3% of a product of 2048 by 2048 matrices.
    """
    least, most = BLOCKS
    return min(max(host().second_cache * 3 // 4, least), most)


def product_text(dtype: str) -> str:
    """The module for a dtype."""
    needs = Needs()
    functions = [_Tiles(dtype, needs).text(), _dots_share(dtype, needs), _row_share(dtype, needs)]
    functions += [_Entry(dtype, needs).text()]
    return "\n".join([*functions, needs.text(), ""])


class _Block:
    """What a launch hands to its shares: sizes and steps as words, pointers, two factors."""

    def __init__(self, code: Code, dtype: str) -> None:
        self.code, self.dtype = code, dtype

    def _at(self, name: str) -> str:
        return self.code.get(f"getelementptr i64, ptr %block, i64 {WORDS[name]}")

    def _kind(self, name: str) -> str:
        return "ptr" if name in POINTERS else TYPES[self.dtype] if name in FACTORS else "i64"

    def write(self, name: str, value: str) -> None:
        """Store a word."""
        self.code.do(f"store {self._kind(name)} {value}, ptr {self._at(name)}, align 8")

    def read(self, name: str) -> str:
        """Load a word."""
        return self.code.get(f"load {self._kind(name)}, ptr {self._at(name)}, align 8")

    def size(self, name: str) -> Name:
        """Load a size or step."""
        return self.code.named(self.read(name))


class _Entry:
    """Writes the function that is called: it decides how, and launches."""

    def __init__(self, dtype: str, needs: Needs) -> None:
        arguments = [(name, kind or TYPES[dtype]) for name, kind in ARGUMENTS]
        self.code = Code(product_name(dtype), arguments, needs)
        self.code.returns = "i64"
        self.shape = shape_of(dtype)
        self.code.do(f"%block = alloca [{len(WORDS)} x i64], align 16")
        self.block = _Block(self.code, dtype)

    def text(self) -> str:
        """The whole function."""
        code = self.code
        m, n, k = (Name(x) for x in "mnk")
        self.row_a, self.step_a = self._steps("a")
        self.row_b, self.step_b = self._steps("b")
        for name in (*POINTERS, *FACTORS):
            self.block.write(name, f"%{name}")
        self.work = code.let(m * n * k // 2)
        some = (m > lit(0)) & (n > lit(0))
        along = _is(self.step_a, 1) & _is(self.row_b, 1)
        dots = code.let(along & ((m <= lit(FEW)) | _is(n, 1)))
        with code.when(some & dots):
            self._dots(m, n, k)
        with code.when(some & call("not", dots)):
            self._tiles(m, n, k)
        code.do("ret i64 0")
        return code.text("nounwind", "")

    def _steps(self, matrix: str) -> tuple[Name, Name]:
        """From row to row and from column to column of op(X)."""
        turned = self.code.named(f"%trans_{matrix}", "bool")
        lead, one = Name(f"ld{matrix}"), lit(1)
        row = self.code.let(select(turned, one, lead))
        return row, self.code.let(select(turned, lead, one))

    def _write(self, **words: Expr) -> None:
        for name, value in words.items():
            self.block.write(name, self.code.value(value))

    def _pair(self, swapped: Expr) -> None:
        """Write the operands, in the other order if they are swapped."""
        self.block.write("a", self.code.either(swapped, "%b", "%a"))
        self.block.write("b", self.code.either(swapped, "%a", "%b"))

    def _dots(self, m: Expr, n: Expr, k: Expr) -> None:
        """Dot products; the operand with more lines is the one that is shared out."""
        other = self.code.let(n >= m)
        lines = self.code.let(greater(m, n))
        self._pair(other)
        self._write(
            m=lines,
            n=smaller(m, n),
            k=k,
            row_a=select(other, self.step_b, self.row_a),
            row_b=select(other, self.row_a, self.step_b),
            step_a=select(other, lit(1), Name("ldc")),  # from row to row of C
            step_b=select(other, Name("ldc"), lit(1)),
        )
        self._launch("dots_share", pieces(lines, LINES))

    def _tiles(self, m: Expr, n: Expr, k: Expr) -> None:
        """Tiles; a single column is a row of C', if its elements are contiguous."""
        code, shape, one = self.code, self.shape, lit(1)
        turned = code.let(_is(n, 1) & _is(self.row_a, 1) & _is(Name("ldc"), 1))
        rows = code.let(select(turned, one, m))
        columns = code.let(select(turned, m, n))
        step_b = code.let(select(turned, one, self.step_b))
        by_columns = code.let((columns >= rows) | (step_b > one))
        self._pair(turned)
        self._write(
            m=rows,
            n=columns,
            k=k,
            row_a=select(turned, one, self.row_a),
            step_a=select(turned, self.row_b, self.step_a),
            row_b=select(turned, self.step_a, self.row_b),
            step_b=step_b,
            ldc=Name("ldc"),
            by_columns=cast(by_columns, INT),
            pack_a=cast((rows * k > lit(SMALL)) & (columns > lit(2 * shape.width)), INT),
            pack_b=cast(
                (step_b > one) | ((columns * k > lit(SMALL)) & (rows > lit(4 * shape.rows))), INT
            ),
        )
        single = code.let(_is(rows, 1) & call("not", step_b > one) & (k > lit(0)))
        with code.when(single):
            self._launch("row_share", pieces(columns, PIECE))
        with code.when(call("not", single)):
            panels = select(by_columns, pieces(columns, shape.width), pieces(rows, shape.rows))
            self._launch("tile_share", panels)

    def _launch(self, function: str, panels: Expr) -> None:
        words = ("ptr", f"@{function}"), ("ptr", "%block")
        sizes = ("i64", self.code.position(panels)), ("i64", self.code.position(self.work))
        self.code.run("@launch", *words, *sizes)


def _is(size: Expr, value: int) -> Expr:
    return compare("eq", size, lit(value))


class _Tiles:
    """Writes the share of a launch that computes by tiles: panels lo to hi of columns or rows."""

    def __init__(self, dtype: str, needs: Needs) -> None:
        self.code = Code("tile_share", SHARE, needs)
        self.dtype, self.shape = dtype, shape_of(dtype)
        self.block = _Block(self.code, dtype)
        self.rows = block_size() // (DEPTH * ITEMSIZE[dtype]) // self.shape.rows * self.shape.rows

    def text(self) -> str:
        """The whole function."""
        code, shape = self.code, self.shape
        self.size = {name: self.block.size(name) for name in FIELDS}
        self.a, self.b, self.c = (self.block.read(name) for name in POINTERS)
        m, n, k, by_columns = (self.size[x] for x in ("m", "n", "k", "by_columns"))
        self.packs = {x: code.let(_is(self.size[f"pack_{x}"], 1)) for x in "ab"}
        self.top, self.bottom = self._range(_is(by_columns, 0), shape.rows, m)
        self.left, self.right = self._range(_is(by_columns, 1), shape.width, n)
        self.packed_a = code.call("@take_scratch", "ptr")
        self.packed_b = code.place(self.packed_a, lit(PANEL // ITEMSIZE[self.dtype]), self.dtype)
        passes = code.let(greater(pieces(k, DEPTH), lit(1)))
        with code.loop(lit(0), passes) as number:
            self.first = code.let(number * k // passes)
            self.count = code.let((number + 1) * k // passes - self.first)
            beta = _factor(code, self.block, self.dtype, number)
            kind = TYPES[self.dtype]
            self.factors = (kind, self.block.read("alpha")), (kind, beta)
            with code.loop(self.top, self.bottom, self.rows) as top:
                self._block_rows(top, code.let(smaller(top + self.rows, self.bottom)))
        code.run("@give_scratch", ("ptr", self.packed_a))
        code.do("ret void")
        return code.text()

    def _range(self, shared: Expr, width: int, size: Expr) -> tuple[Name, Name]:
        """The part of an axis that this share has: a part if the axis is shared out, or all."""
        lo, hi = Name("lo") * width, smaller(Name("hi") * width, size)
        shared = self.code.let(shared)
        return self.code.let(select(shared, lo, lit(0))), self.code.let(select(shared, hi, size))

    def _block_rows(self, top: Name, bottom: Name) -> None:
        """Some rows of A times all columns of this share."""
        code, size = self.code, self.size
        with code.when(self.packs["a"]):
            self._pack_a(top, bottom)
        start = top * size["row_a"] + self.first * size["step_a"]
        packed = self.packs["a"]
        base = code.either(packed, self.packed_a, code.place(self.a, start, self.dtype))
        panel = code.let(select(packed, self.count, size["row_a"]))
        row = code.let(select(packed, lit(1), size["row_a"]))
        step = code.let(select(packed, lit(self.shape.rows), size["step_a"]))
        with code.loop(self.left, self.right, self.shape.width) as j:
            width = code.let(smaller(lit(self.shape.width), self.right - j))
            with code.when(self.packs["b"]):
                self._pack_b(j, width)
            right = self._right(j)
            c = code.place(self.c, top * size["ldc"] + j, self.dtype)
            code.leaf(leaf_name(self.dtype, "panel"), bottom - top, self.count, base,
                      panel * self.shape.rows, row, step, *right, c, size["ldc"], width,
                      rest=self.factors)  # fmt: skip

    def _right(self, j: Name) -> tuple[str, Name]:
        """Where the panel of B that begins at a column lies, and the step between its rows."""
        code, size = self.code, self.size
        start = self.first * size["row_b"] + j * size["step_b"]
        plain = code.place(self.b, start, self.dtype)
        step = select(self.packs["b"], lit(self.shape.width), size["row_b"])
        return code.either(self.packs["b"], self.packed_b, plain), code.let(step)

    def _pack_a(self, top: Name, bottom: Name) -> None:
        """Lay a block of A panel after panel, the rows of each side by side."""
        code, size, shape = self.code, self.size, self.shape
        along = code.let(_is(size["step_a"], 1))
        with code.loop(top, bottom, shape.rows) as i:
            to = code.place(self.packed_a, (i - top) * self.count, self.dtype)
            start = i * size["row_a"] + self.first * size["step_a"]
            source = code.place(self.a, start, self.dtype)
            lines = code.let(smaller(lit(shape.rows), bottom - i))
            self._turn(along, source, size["row_a"], to, shape.rows, lines)
            with code.when(call("not", along)):
                copy = leaf_name(self.dtype, "copy", high(self.dtype))
                code.leaf(copy, self.count, lines, source, size["step_a"], to, lit(shape.rows))

    def _pack_b(self, j: Name, width: Name) -> None:
        """Lay a panel of B row after row."""
        code, size, shape = self.code, self.size, self.shape
        along = code.let(size["step_b"] > lit(1))
        start = self.first * size["row_b"] + j * size["step_b"]
        source = code.place(self.b, start, self.dtype)
        self._turn(along, source, size["step_b"], self.packed_b, shape.width, width)
        with code.when(call("not", along)):
            copy = leaf_name(self.dtype, "copy", VECTORS)
            code.leaf(
                copy, self.count, width, source, size["row_b"], self.packed_b, lit(shape.width)
            )

    def _turn(self, along: Expr, source: str, step: Name, to: str, wide: int, lines: Name) -> None:
        """Lay lines that are contiguous along the axis summed over side by side."""
        code, turned = self.code, self.shape.turned
        with code.when(along), code.loop(lit(0), lines, turned) as g:
            some = smaller(lit(turned), lines - g)
            begin = code.place(source, g * step, self.dtype)
            end = code.place(to, g, self.dtype)
            code.leaf(leaf_name(self.dtype, "turn"), self.count, some, begin, step, end, lit(wide))


def _row_share(dtype: str, needs: Needs) -> str:
    """The share of a launch that multiplies one row: pieces lo to hi of the columns."""
    code = Code("row_share", SHARE, needs)
    block, kind = _Block(code, dtype), TYPES[dtype]
    n, k, step_a, row_b = (block.size(x) for x in ("n", "k", "step_a", "row_b"))
    a, b, c = (block.read(name) for name in POINTERS)
    last = code.let(smaller(Name("hi") * PIECE, n))
    whole = code.let(k - k % STRIP)
    with code.loop(Name("lo") * PIECE, last, COLUMNS) as j:
        width, at = code.let(smaller(last - j, lit(COLUMNS))), code.place(c, j, dtype)
        for start, end, count in ((lit(0), whole, STRIP), (whole, k, 1)):
            with code.loop(start, end, count) as p:
                factors = (kind, block.read("alpha")), (kind, _factor(code, block, dtype, p))
                left, right = code.place(a, p * step_a, dtype), code.place(b, p * row_b + j, dtype)
                code.leaf(leaf_name(dtype, "rows", count), width, left, step_a, right, row_b, at,
                          rest=factors)  # fmt: skip
    code.do("ret void")
    return code.text()


def _factor(code: Code, block: _Block, dtype: str, number: Expr) -> str:
    """The factor of what is there: beta in pass 0; later ones add to what that has written."""
    kind, beta = TYPES[dtype], block.read("beta")
    first = code.value(_is(number, 0))
    return code.get(f"select i1 {first}, {kind} {beta}, {kind} {constant(1, dtype)}")


def _dots_share(dtype: str, needs: Needs) -> str:
    """The share of a launch that computes dot products: so many times `LINES` lines of `a`."""
    code = Code("dots_share", SHARE, needs)
    block = _Block(code, dtype)
    m, n, k = (block.size(x) for x in "mnk")
    row_a, row_b = block.size("row_a"), block.size("row_b")
    row_c, column_c = block.size("step_a"), block.size("step_b")
    a, b, c = (block.read(name) for name in POINTERS)
    factors = [(TYPES[dtype], block.read(name)) for name in FACTORS]

    def some(i: Expr, end: Expr, rows: int, j: Expr, last: Expr, columns: int) -> None:
        """Tiles of one size, for all lines and columns that fill one."""
        with code.loop(i, end, rows) as line, code.loop(j, last, columns) as column:
            left = code.place(a, line * row_a, dtype)
            right = code.place(b, column * row_b, dtype)
            at = code.place(c, line * row_c + column * column_c, dtype)
            tile = leaf_name(dtype, "dots", rows, columns)
            code.leaf(tile, k, left, row_a, right, row_b, at, row_c, column_c, rest=factors)

    lo, hi = code.let(Name("lo") * LINES), code.let(smaller(Name("hi") * LINES, m))
    single = code.let(_is(n, 1))
    with code.when(single):
        whole = code.let(hi - (hi - lo) % 8)
        some(lo, whole, 8, lit(0), lit(1), 1)
        some(whole, hi, 1, lit(0), lit(1), 1)
    with code.when(call("not", single)):
        whole, columns = code.let(hi - (hi - lo) % 4), code.let(n - n % 4)
        some(lo, whole, 4, lit(0), columns, 4)
        some(lo, whole, 4, columns, n, 1)
        some(whole, hi, 1, lit(0), columns, 4)
        some(whole, hi, 1, columns, n, 1)
    code.do("ret void")
    return code.text()
