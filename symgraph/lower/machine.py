"""What lowering has to know of the machine that runs its kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from symgraph.dataclass import dataclass
from symgraph.families import Reduce
from symgraph.kernel import Expr, Lit, call, cast, compare, lit, select
from symgraph.lower.costs import (
    CHUNK_ROWS,
    CHUNK_WORK,
    COLUMN_BLOCK,
    LIGHT,
    MOST_CHUNKS,
    ROWS_AT_ONCE,
)
from symgraph.ops.reduce import Sum

Values = tuple[Expr, ...]


class Folding(Protocol):
    """How a reduction accumulates: as `families.Reduce` declares it, or otherwise."""

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """The accumulators before the first element."""

    def step(self, accs: Values, x: Expr, position: Expr) -> Values:
        """The accumulators after one more element."""

    def combine(self, accs: Values, other: Values) -> Values:
        """The accumulators of two adjacent stretches, put together."""

    def merge(self, accs: Values, other: Values) -> Values:
        """The accumulators of two sets of elements that may lie among each other."""

    def finish(self, accs: Values, out_dtype: str) -> Expr:
        """The result."""


def as_declared(op: Reduce, dtype: str) -> Folding:
    """The accumulators that an op declares."""
    return op


def in_single_precision(op: Reduce, dtype: str) -> Folding:
    """Those, but float32 sums of float32 numbers are in float32, compensated."""
    narrow = type(op) is Sum and op.dtype == "float32" and dtype in ("float16", "float32")
    return CompensatedSum() if narrow else op


@dataclass(frozen=True)
class Machine:
    """How many workers there are, and what suits each of them."""

    chunk_work: int = CHUNK_WORK  # scalar steps a chunk of a reduction should be worth
    most_chunks: int = MOST_CHUNKS
    columns_apart: bool = False  # whether a worker takes a column of a chunk, not a row
    block: int = COLUMN_BLOCK  # columns whose accumulators stay in a fast cache
    chunk_rows: int = CHUNK_ROWS  # rows of a chunk at least
    rows_at_once: int = ROWS_AT_ONCE  # that accumulators are read and written once for
    light: int = LIGHT  # scalar steps of an element beyond which rows are taken one at a time
    folding: Callable[[Reduce, str], Folding] = as_declared  # of an op, and its operand's dtype


@dataclass(frozen=True)
class CompensatedSum:
    """A sum of float32 in float32, with what rounding lost beside it.

    The two accumulators are the sum and the errors of its additions, which are exact. So it is as
    good as one in nearly twice the digits, and needs no float64, which many GPUs are slow at.
    """

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """Zero, and no error."""
        return lit(0, "float32"), lit(0, "float32")

    def step(self, accs: Values, x: Expr, position: Expr) -> Values:
        """One more term."""
        total, error = accs
        x = cast(x, "float32")
        return total + x, error + call("add_error", total, x)

    def combine(self, accs: Values, other: Values) -> Values:
        """The sum of both, and all errors."""
        return self.merge(accs, other)

    def merge(self, accs: Values, other: Values) -> Values:
        """The sum of both, and all errors."""
        (total, error), (more, further) = accs, other
        return total + more, error + further + call("add_error", total, more)

    def finish(self, accs: Values, out_dtype: str) -> Expr:
        """The sum with its error; an infinite sum has none."""
        total, error = accs
        finite = compare("eq", total - total, lit(0, "float32"))
        return cast(select(finite, total + error, total), out_dtype)


PROCESSOR = Machine()
