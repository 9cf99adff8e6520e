"""Register tiles: the innermost loops of convolutions, as vector code.

Each tile keeps a block of results in vector registers while it runs along the axis summed over,
the form of Goto and van de Geijn (Anatomy of high-performance matrix multiplication, 2008). The
caller packs the operands so that a tile reads memory in order.

    add_products(k, a, b, c)   c[i, j] += sum over p of a[p, i] * b[p, j]: `ROWS` by `columns(b)`
    add_dots(steps, a, lda, b, ldb, c, ldc)   c[i, j] += sum over p of a[i, p] * b[j, p]:
        `LEFT` by `RIGHT`, p in `steps` vectors
    copy_vector(target, source)               one vector of elements
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic

from symgraph.backends.numba.compiler import helper

WORD = ir.IntType(64)
SIZES = {types.float32: 4, types.float64: 8}


class Shape(NamedTuple):
    """How many registers there are decides how large a tile may be."""

    vector: int  # bytes of a vector
    rows: int  # of a tile of products, each row `vectors` wide
    vectors: int
    left: int  # rows of the first operand of a tile of dots, and of the second
    right: int


def _shape() -> Shape:
    """The shape that keeps this processor's vector registers full and spills none."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return Shape(64, 8, 3, 6, 4)
    if features.get("avx2"):
        return Shape(32, 6, 2, 4, 3)
    return Shape(16, 4, 2, 4, 2)


VECTOR, ROWS, VECTORS, LEFT, RIGHT = _shape()


@helper
def lanes(array: Any) -> Any:
    """How many elements of `array` a vector holds."""
    return VECTOR // array.itemsize


@helper
def columns(array: Any) -> Any:
    """How wide a tile of products is."""
    return VECTORS * VECTOR // array.itemsize


def _element(pointer: Any) -> Any:
    """The dtype a pointer points to if there are tiles for it."""
    dtype = getattr(pointer, "dtype", None)
    return dtype if isinstance(pointer, types.CPointer) and dtype in SIZES else None


class _Code:
    """Writes loads, stores and sums of vectors of one dtype."""

    def __init__(self, context: Any, builder: ir.IRBuilder, dtype: Any) -> None:
        self.builder, self.size = builder, SIZES[dtype]
        self.scalar = context.get_value_type(dtype)
        self.lanes = VECTOR // self.size
        self.vector = ir.VectorType(self.scalar, self.lanes)
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)

    def _place(self, pointer: Any, index: Any) -> Any:
        place = self.builder.gep(pointer, [index])
        return self.builder.bitcast(place, self.vector.as_pointer())

    def load(self, pointer: Any, index: Any) -> Any:
        """The vector that begins at an element."""
        return self.builder.load(self._place(pointer, index), align=self.size)

    def store(self, value: Any, pointer: Any, index: Any) -> None:
        """Write a vector from an element on."""
        self.builder.store(value, self._place(pointer, index), align=self.size)

    def repeat(self, pointer: Any, index: Any) -> Any:
        """One element in all lanes."""
        value = self.builder.load(self.builder.gep(pointer, [index]))
        one = self.builder.insert_element(self.zero, value, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, self.zero, mask)

    def add_product(self, total: Any, a: Any, b: Any) -> Any:
        """total + a * b, in one instruction where there is one."""
        product = self.builder.fmul(a, b, flags=("contract",))
        return self.builder.fadd(total, product, flags=("contract",))

    def sum(self, vector: Any) -> Any:
        """The sum of the lanes, half added to half."""
        width, kind = self.lanes, ir.IntType(32)
        while width > 1:
            width //= 2
            order = [(k + width) % self.lanes for k in range(self.lanes)]
            mask = ir.Constant(ir.VectorType(kind, self.lanes), order)
            vector = self.builder.fadd(vector, self.builder.shuffle_vector(vector, self.zero, mask))
        return self.builder.extract_element(vector, ir.Constant(kind, 0))

    @contextmanager
    def loop(self, count: Any, accumulators: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
        """A loop over range(count): yields its index and the vectors carried, to be replaced.

        After the block `accumulators` holds the values behind the loop.
        """
        builder, start = self.builder, self.builder.block
        head, body, end = (builder.append_basic_block(f"tile.{n}") for n in ("head", "body", "end"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(WORD)
        index.add_incoming(WORD(0), start)
        carried = [builder.phi(self.vector) for _ in accumulators]
        for phi, first in zip(carried, accumulators, strict=True):
            phi.add_incoming(first, start)
        builder.cbranch(builder.icmp_signed("<", index, count), body, end)
        builder.position_at_end(body)
        values = list(carried)
        yield index, values
        for phi, value in zip(carried, values, strict=True):
            phi.add_incoming(value, builder.block)
        index.add_incoming(builder.add(index, WORD(1)), builder.block)
        builder.branch(head)
        builder.position_at_end(end)
        accumulators[:] = carried


def _intrinsic(dtype: Any, sig: Any, write: Callable[..., None]) -> Any:
    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        write(_Code(context, builder, dtype), *args)
        return context.get_dummy_value()

    return sig, build


@intrinsic
def add_products(typingctx: Any, k: Any, a: Any, b: Any, c: Any) -> Any:
    """`add_products(k, a, b, c)`: c[i, j] += sum of a[p, i] * b[p, j] over p in range(k)."""
    dtype = _element(c)
    if dtype is None or not a == b == c:
        return None
    return _intrinsic(dtype, types.none(types.int64, a, b, c), _write_products)


def _write_products(code: _Code, k: Any, a: Any, b: Any, c: Any) -> None:
    builder, width = code.builder, VECTORS * code.lanes
    places = [(i, v) for i in range(ROWS) for v in range(VECTORS)]
    accumulators = [code.zero for _ in places]
    with code.loop(k, accumulators) as (p, totals):
        row, line = builder.mul(p, WORD(ROWS)), builder.mul(p, WORD(width))
        right = [code.load(b, builder.add(line, WORD(v * code.lanes))) for v in range(VECTORS)]
        for i in range(ROWS):
            left = code.repeat(a, builder.add(row, WORD(i)))
            for v in range(VECTORS):
                n = i * VECTORS + v
                totals[n] = code.add_product(totals[n], left, right[v])
    for (i, v), total in zip(places, accumulators, strict=True):
        place = WORD(i * width + v * code.lanes)
        code.store(builder.fadd(code.load(c, place), total), c, place)


@intrinsic
def add_dots(
    typingctx: Any, steps: Any, a: Any, lda: Any, b: Any, ldb: Any, c: Any, ldc: Any
) -> Any:
    """`add_dots(...)`: c[i, j] += sum of a[i, p] * b[j, p] over `steps` vectors of p."""
    dtype = _element(c)
    if dtype is None or not a == b == c:
        return None
    size = types.int64
    return _intrinsic(dtype, types.none(size, a, size, b, size, c, size), _write_dots)


def _write_dots(
    code: _Code, steps: Any, a: Any, lda: Any, b: Any, ldb: Any, c: Any, ldc: Any
) -> None:
    builder = code.builder
    rows_a = [builder.gep(a, [builder.mul(lda, WORD(i))]) for i in range(LEFT)]
    rows_b = [builder.gep(b, [builder.mul(ldb, WORD(j))]) for j in range(RIGHT)]
    accumulators = [code.zero for _ in range(LEFT * RIGHT)]
    with code.loop(steps, accumulators) as (step, totals):
        place = builder.mul(step, WORD(code.lanes))
        right = [code.load(row, place) for row in rows_b]
        for i, row in enumerate(rows_a):
            left = code.load(row, place)
            for j in range(RIGHT):
                n = i * RIGHT + j
                totals[n] = code.add_product(totals[n], left, right[j])
    for n, total in enumerate(accumulators):
        i, j = divmod(n, RIGHT)
        place = builder.gep(c, [builder.add(builder.mul(ldc, WORD(i)), WORD(j))])
        builder.store(builder.fadd(builder.load(place), code.sum(total)), place)


@intrinsic
def copy_vector(typingctx: Any, target: Any, source: Any) -> Any:
    """`copy_vector(target, source)`: copy as many elements as a vector holds."""
    dtype = _element(target)
    if dtype is None or target != source:
        return None
    return _intrinsic(dtype, types.none(target, source), _write_copy)


def _write_copy(code: _Code, target: Any, source: Any) -> None:
    code.store(code.load(source, WORD(0)), target, WORD(0))
