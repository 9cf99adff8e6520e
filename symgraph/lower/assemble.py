"""Assembled outputs: pieces copied or added where they belong, and index checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symgraph.families import Assemble, Piece, flat_index
from symgraph.graph import Apply, Variable
from symgraph.kernel import (
    HI,
    INT,
    LO,
    Buffer,
    Expr,
    Fold,
    Let,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
    binary,
    cast,
    compare,
    lit,
    select,
)
from symgraph.lower.elements import Context, element_at, make_launch
from symgraph.lower.program import Copy, Launch, Step
from symgraph.lower.sizes import Namer, as_size, is_lit

LOOP_NAMES = ("i", "j", "k", "l", "m")


def write_pieces(node: Apply, context: Context, memory: Callable[[Variable], Buffer]) -> list[Step]:
    """The steps that put an output together: its base copied, then each piece."""
    op, out = node.op, node.outputs[0]
    assert isinstance(op, Assemble)
    target, steps = context.buffers[out], list[Step]()
    if op.base is not None:
        base = memory(node.inputs[op.base])
        if base != target:
            length = context.sizes.product(context.sizes.dims(out))
            steps.append(Copy(base, target, length))
    args = [context.sizes.arg(var) for var in node.inputs]
    for piece in op.pieces(args):
        steps.append(_write_piece(node, piece, target, context))
    return steps


def _write_piece(node: Apply, piece: Piece, target: Buffer, context: Context) -> Launch:
    extent = [context.sizes.bind(as_size(d)) for d in piece.extent]
    names = (*LOOP_NAMES, *(f"i{p}" for p in range(len(extent))))
    loops = [(Name(n), d) for n, d in zip(names, extent, strict=False) if not is_lit(d, 1)]
    free = iter(loops)
    index = tuple(lit(0) if is_lit(d, 1) else next(free)[0] for d in extent)
    body: Sequence[Stmt] = [_store(node, piece, target, index, context)]
    for name, size in reversed(loops[1:]):
        body = [Loop(name.id, lit(0), size, tuple(body), apart=piece.distinct)]
    work = context.sizes.product(extent)
    if loops and piece.distinct:
        whole = Loop(loops[0][0].id, LO, HI, tuple(body), apart=True)
        return make_launch(context.namer("k1"), [whole], loops[0][1], work, [node])
    if loops:
        body = [Loop(loops[0][0].id, lit(0), loops[0][1], tuple(body))]
    once = Loop("once", LO, HI, tuple(body))
    return make_launch(context.namer("k1"), [once], lit(1), lit(0), [node])


def _store(
    node: Apply, piece: Piece, target: Buffer, index: tuple[Expr, ...], context: Context
) -> Store:
    def read(k: int, where: tuple[Expr, ...]) -> Expr:
        return element_at(node.inputs[k], tuple(where), context)

    source = index if piece.read_at is None else piece.read_at(index)
    value = cast(read(piece.source, source), target.dtype)
    out = node.outputs[0]
    place = flat_index(
        tuple(as_size(i) for i in piece.target(index, read)), context.sizes.dims(out)
    )
    if piece.accumulate:
        value = binary("add", Load(target, place), value)
    return Store(target, place, value)


def bounds_kernel(
    indices: Buffer, length: Expr, size: Expr, flag: Buffer, node: Apply, namer: Namer
) -> Launch:
    """Find indices outside [-size, size): flag[0] tells whether, flag[1] the last one."""
    bad, worst, p = Name(namer("bad")), Name(namer("worst")), Name("p")
    value = cast(Load(indices, p), INT)
    outside = (value < -size) | (value >= size)
    others = Name(namer("other")), Name(namer("other"))
    either = binary("maximum", bad, others[0])
    fold = Fold((bad, worst), others, (either, select(compare("eq", bad, 1), worst, others[1])))
    search = (
        Update(worst.id, select(outside, value, worst)),
        Update(bad.id, select(outside, lit(1), bad)),
    )
    body = (
        Let(bad.id, lit(0)),
        Let(worst.id, lit(0)),
        Loop(p.id, lit(0), length, search, True, (fold,)),
        Store(flag, lit(0), bad),
        Store(flag, lit(1), worst),
    )
    return make_launch(namer("k1"), [Loop("once", LO, HI, body)], lit(1), lit(0), [node])


__all__ = ["bounds_kernel", "write_pieces"]
