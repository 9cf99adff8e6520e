"""Tiles of dot products: for operands that are both contiguous along the axis summed over.

    dots_R_C: c[i * row_c + j * column_c] = alpha * (sum over p of a[i * row_a + p] *
        b[j * row_b + p]) + beta * (what was there), for R rows of `a` and C of `b`

Each sum is kept in one vector, whose lanes are added in the end. So nothing has to be turned first,
which a tile of few rows would not pay back.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.notation import Code
from symgraph.backends.llvm.tiles import OPAQUE, Lanes, leaf_name, shape_of
from symgraph.backends.llvm.words import constant
from symgraph.kernel import Name

# Rows of the first operand and of the second: products, and products with a vector.
MOST = 8
KINDS = ((4, 4), (4, 1), (1, 4), (1, 1), (MOST, 1))
PARAMS = (
    ("k", "int64"), ("a", "ptr"), ("row_a", "int64"), ("b", "ptr"), ("row_b", "int64"),
    ("c", "ptr"), ("row_c", "int64"), ("column_c", "int64"),
)  # fmt: skip


def dots_text(dtype: str, needs: Needs) -> list[str]:
    """The tiles of a dtype."""
    return [_Dots(dtype, rows, columns, needs).text() for rows, columns in KINDS]


class _Dots:
    """Writes a tile."""

    def __init__(self, dtype: str, rows: int, columns: int, needs: Needs) -> None:
        factors = [("alpha", dtype), ("beta", dtype)]
        self.code = Code(leaf_name(dtype, "dots", rows, columns), [*PARAMS, *factors], needs)
        self.dtype, self.rows, self.columns = dtype, rows, columns
        self.lanes = Lanes(self.code, dtype, shape_of(dtype).lanes)

    def text(self) -> str:
        code, lanes = self.code, self.lanes
        self.left = self._lines("%a", "row_a", self.rows)
        self.right = self._lines("%b", "row_b", self.columns)
        whole = code.let(Name("k") // lanes.lanes * lanes.lanes)
        sums = self._loop(whole)
        rest = code.position(Name("k") - whole)
        sums = self._step(code.values[whole.id], sums, lanes.mask(rest))
        self._finish(sums)
        code.do("ret void")
        return code.text(OPAQUE, "")

    def _lines(self, pointer: str, step: str, count: int) -> list[str]:
        return [self.code.place(pointer, Name(step) * i, self.dtype) for i in range(count)]

    def _loop(self, whole: Name) -> list[str]:
        """The sums over whole vectors."""
        code, kind = self.code, self.lanes.type
        head, inside, after = (code.label(hint) for hint in ("head", "body", "after"))
        sums = [code.fresh() for _ in range(self.rows * self.columns)]
        p, following, before = code.fresh(), code.fresh(), code.block
        code.jump(head)
        code.begin(head)
        start = len(code.lines)
        code.branch(code.get(f"icmp slt i64 {p}, {code.values[whole.id]}"), inside, after)
        code.begin(inside)
        new = self._step(p, sums, None)
        code.do(f"{following} = add nuw nsw i64 {p}, {self.lanes.lanes}")
        code.jump(head)
        code.begin(after)
        phis = [f"  {p} = phi i64 [ 0, %{before} ], [ {following}, %{inside} ]"]
        phis += [
            f"  {total} = phi {kind} [ zeroinitializer, %{before} ], [ {value}, %{inside} ]"
            for total, value in zip(sums, new, strict=True)
        ]
        code.lines[start:start] = phis
        return sums

    def _step(self, p: str, sums: list[str], mask: str | None) -> list[str]:
        """The sums with the products of one vector added."""
        lanes, place = self.lanes, self.code.named(p)
        left, right = (
            [lanes.load(self.code.place(line, place, self.dtype), mask) for line in lines]
            for lines in (self.left, self.right)
        )
        pairs = [(x, y) for x in left for y in right]
        return [lanes.add_product(x, y, s) for (x, y), s in zip(pairs, sums, strict=True)]

    def _finish(self, sums: list[str]) -> None:
        """Write the results; with beta == 0 what was there is not read."""
        code, scalar = self.code, self.lanes.scalar
        values = [code.get(f"fmul {scalar} {self._total(s)}, %alpha") for s in sums]
        fresh = code.get(f"fcmp oeq {scalar} %beta, {constant(0, self.dtype)}")
        write, add, end = (code.label(hint) for hint in ("write", "add", "end"))
        code.branch(fresh, write, add)
        for label, reads in ((write, False), (add, True)):
            code.begin(label)
            for n, value in enumerate(values):
                i, j = divmod(n, self.columns)
                at = code.place("%c", Name("row_c") * i + Name("column_c") * j, self.dtype)
                if reads:
                    old = code.get(f"load {scalar}, ptr {at}")
                    value = code.intrinsic("fma", scalar, "%beta", old, value)
                code.do(f"store {scalar} {value}, ptr {at}")
            code.jump(end)
        code.begin(end)

    def _total(self, vector: str) -> str:
        """The sum of the lanes."""
        scalar, kind = self.lanes.scalar, self.lanes.type
        name = f"@llvm.vector.reduce.fadd.{self.lanes.suffix}"
        self.code.needs.declared[name] = f"declare {scalar} {name}({scalar}, {kind})"
        zero = constant(0, self.dtype)
        return self.code.get(f"call reassoc {scalar} {name}({scalar} {zero}, {kind} {vector})")
