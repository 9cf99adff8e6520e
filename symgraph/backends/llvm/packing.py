"""Laying operands of products in the order in which tiles read them.

    copy_V(count, width, from, step_from, to, step_to)   to[p, j] = from[p * step_from + j]
        for p below `count` and j below `width`, which V vectors hold
    turn(count, lines, from, step_from, to, step_to)     to[p, i] = from[i * step_from + p]
        for p below `count` and i below `lines`, at most as many as a shape says

Lines of `to` are `step_to` apart. `turn` reads a vector of each line and interleaves them in
registers; it may write up to a vector of lines of `to` behind the last.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.notation import Code, greater, smaller
from symgraph.backends.llvm.tiles import OPAQUE, VECTORS, Lanes, leaf_name, shape_of
from symgraph.kernel import Name, lit

PARAMS = (
    ("count", "int64"), ("width", "int64"), ("from", "ptr"), ("step_from", "int64"), ("to", "ptr"),
    ("step_to", "int64"),
)  # fmt: skip


def packing_text(dtype: str, needs: Needs) -> list[str]:
    """The functions for a dtype."""
    counts = dict.fromkeys((high(dtype), VECTORS))
    return [*(_copy(dtype, n, needs) for n in counts), _turn(dtype, needs)]


def high(dtype: str) -> int:
    """How many vectors hold a column of a tile."""
    shape = shape_of(dtype)
    return -(-shape.rows // shape.lanes)


def _copy(dtype: str, vectors: int, needs: Needs) -> str:
    code = Code(leaf_name(dtype, "copy", vectors), PARAMS, needs)
    lanes = Lanes(code, dtype, shape_of(dtype).lanes)
    masks = [
        lanes.mask(code.position(greater(Name("width") - v * lanes.lanes, lit(0))))
        for v in range(vectors)
    ]
    with code.loop(lit(0), Name("count")) as p:
        source = code.place("%from", p * Name("step_from"), dtype)
        target = code.place("%to", p * Name("step_to"), dtype)
        for v, mask in enumerate(masks):
            lanes.store(lanes.load(lanes.at(source, v), mask), lanes.at(target, v), mask)
    code.do("ret void")
    return code.text(OPAQUE, "")


def _turn(dtype: str, needs: Needs) -> str:
    shape = shape_of(dtype)
    code = Code(leaf_name(dtype, "turn"), PARAMS, needs)
    lanes = Lanes(code, dtype, shape.lanes)
    # Lines that there are not are read from the last there is.
    lines = [
        code.place("%from", smaller(lit(i), Name("width") - 1) * Name("step_from"), dtype)
        for i in range(shape.turned)
    ]
    with code.loop(lit(0), Name("count"), shape.lanes) as p:
        mask = lanes.mask(code.position(smaller(Name("count") - p, lit(shape.lanes))))
        rows = [lanes.load(code.place(line, p, dtype), mask) for line in lines]
        turned = _interleaved(code, lanes, rows)
        piece = f"<{shape.turned} x {lanes.scalar}>"
        kind = f"<{shape.turned * lanes.lanes} x {lanes.scalar}>"
        for q in range(lanes.lanes):
            order = ", ".join(f"i32 {q * shape.turned + i}" for i in range(shape.turned))
            part = code.get(
                f"shufflevector {kind} {turned}, {kind} poison, <{shape.turned} x i32> <{order}>"
            )
            at = code.place("%to", (p + q) * Name("step_to"), dtype)
            code.do(f"store {piece} {part}, ptr {at}, align {lanes.align}")
    code.do("ret void")
    return code.text(OPAQUE, "")


def _interleaved(code: Code, lanes: Lanes, rows: list[str]) -> str:
    """One vector: the first element of each row, then the second of each, and so on."""
    if len(rows) == 1:
        return rows[0]
    half = len(rows) // 2
    even, odd = (_interleaved(code, lanes, rows[k::2]) for k in range(2))
    width = half * lanes.lanes
    kind = f"<{width} x {lanes.scalar}>"
    order = ", ".join(f"i32 {k // 2 + k % 2 * width}" for k in range(2 * width))
    return code.get(f"shufflevector {kind} {even}, {kind} {odd}, <{2 * width} x i32> <{order}>")
