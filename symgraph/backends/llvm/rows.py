"""Rows added up: what a single row times a matrix is made of.

    rows_R: c[j] = alpha * (sum over p below R of a[p * step_a] * b[p * row_b + j]) + beta * c[j]
        for j below n

Here memory is all. Whole rows are read side by side, a vector of each in turn: so the processor
sees R long streams, and fetches ahead in each of them. Read in shorter pieces, or by more rows at
once, a large matrix took 1.6 times as long.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.notation import Code
from symgraph.backends.llvm.tiles import OPAQUE, Lanes, leaf_name, shape_of
from symgraph.backends.llvm.words import constant
from symgraph.kernel import Expr, Name, compare, lit

STRIP = 8  # rows added up together
PARAMS = (
    ("n", "int64"), ("a", "ptr"), ("step_a", "int64"), ("b", "ptr"), ("row_b", "int64"),
    ("c", "ptr"),
)  # fmt: skip


def rows_text(dtype: str, needs: Needs) -> list[str]:
    """The functions for a dtype: a strip, and a single row."""
    return [_Rows(dtype, count, needs).text() for count in (STRIP, 1)]


class _Rows:
    """Writes the function for so many rows."""

    def __init__(self, dtype: str, count: int, needs: Needs) -> None:
        factors = [("alpha", dtype), ("beta", dtype)]
        self.code = Code(leaf_name(dtype, "rows", count), [*PARAMS, *factors], needs)
        self.dtype, self.count = dtype, count
        self.lanes = Lanes(self.code, dtype, shape_of(dtype).lanes)

    def text(self) -> str:
        code, lanes = self.code, self.lanes
        self.factors = [
            lanes.repeat(code.place("%a", Name("step_a") * p, self.dtype))
            for p in range(self.count)
        ]
        self.lines = [code.place("%b", Name("row_b") * p, self.dtype) for p in range(self.count)]
        self.alpha, self.beta = (lanes.spread(f"%{x}", lanes.scalar) for x in ("alpha", "beta"))
        whole = code.let(Name("n") // lanes.lanes * lanes.lanes)
        zero = f"fcmp oeq {lanes.scalar} %beta, {constant(0, self.dtype)}"
        fresh = code.named(code.get(zero), "bool")
        for reads in (False, True):
            with code.when(compare("eq", fresh, lit(not reads, "bool"))):
                with code.loop(lit(0), whole, lanes.lanes) as j:
                    self._vector(j, None, reads)
                with code.when(whole < Name("n")):
                    self._vector(whole, lanes.mask(code.position(Name("n") - whole)), reads)
        code.do("ret void")
        return code.text(OPAQUE, "")

    def _vector(self, j: Expr, mask: str | None, reads: bool) -> None:
        """Write a vector of results; with beta == 0 what was there is not read."""
        code, lanes = self.code, self.lanes
        total = "zeroinitializer"
        for factor, line in zip(self.factors, self.lines, strict=True):
            right = lanes.load(code.place(line, j, self.dtype), mask)
            total = lanes.add_product(factor, right, total)
        at = code.place("%c", j, self.dtype)
        value = lanes.multiply(self.alpha, total)
        if reads:
            value = lanes.add_product(self.beta, lanes.load(at, mask), value)
        lanes.store(value, at, mask)
