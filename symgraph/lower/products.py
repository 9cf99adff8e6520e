"""Matrix products: one BLAS call, or a plain kernel for integers."""

from __future__ import annotations

from collections.abc import Callable

from symgraph.families import Product
from symgraph.graph import Apply, Variable
from symgraph.kernel import HI, LO, Buffer, Expr, Let, Load, Loop, Name, Store, Update, lit
from symgraph.lower.elements import Context, element_at, make_launch
from symgraph.lower.program import Copy, Gemm, Launch, Step
from symgraph.lower.sizes import dtype_of
from symgraph.types import CONTINUOUS

Memory = Callable[[Variable], Buffer]


def write_product(node: Apply, context: Context, memory: Memory) -> list[Step]:
    """The steps of a matrix product, its addend copied to the output unless it is there."""
    op, out = node.op, node.outputs[0]
    assert isinstance(op, Product)
    gemm = describe(node, context, memory)
    if gemm.c.dtype not in CONTINUOUS:
        return [_integer_product(gemm, context)]
    steps: list[Step] = []
    if len(node.inputs) > 2:
        addend = memory(node.inputs[0])
        if addend != gemm.c:
            length = context.sizes.product(context.sizes.dims(out))
            steps.append(Copy(addend, gemm.c, length))
    return [*steps, gemm]


def describe(node: Apply, context: Context, memory: Memory) -> Gemm:
    """The product as BLAS takes it; vectors are matrices of one row or column."""
    op, out = node.op, node.outputs[0]
    dtype = dtype_of(out)
    alpha: Expr = lit(1.0, dtype)
    beta: Expr = lit(0.0, dtype)
    a, b = node.inputs[:2]
    if len(node.inputs) > 2:
        a, b = node.inputs[1:3]
        alpha, beta = (element_at(v, (), context) for v in node.inputs[3:])
    trans_a, trans_b = getattr(op, "trans_a", False), getattr(op, "trans_b", False)
    left, right = context.sizes.dims(a), context.sizes.dims(b)
    rows = (lit(1), *left) if len(left) == 1 else left[::-1] if trans_a else left
    columns = (*right, lit(1)) if len(right) == 1 else right[::-1] if trans_b else right
    return Gemm(
        a=memory(a),
        b=memory(b),
        c=context.buffers[out],
        m=rows[0],
        n=columns[1],
        k=rows[1],
        trans_a=trans_a and len(left) == 2,
        trans_b=trans_b and len(right) == 2,
        alpha=alpha,
        beta=beta,
        node=node,
    )


def _integer_product(gemm: Gemm, context: Context) -> Launch:
    i, j, p, acc = Name("i"), Name("j"), Name("p"), Name("acc", gemm.c.dtype)
    left = p * gemm.m + i if gemm.trans_a else i * gemm.k + p
    right = j * gemm.k + p if gemm.trans_b else p * gemm.n + j
    total = acc + Load(gemm.a, left) * Load(gemm.b, right)
    body = (
        Let(acc.id, lit(0, gemm.c.dtype)),
        Loop(p.id, lit(0), gemm.k, (Update(acc.id, total),)),
        Store(gemm.c, i * gemm.n + j, acc),
    )
    columns = Loop(j.id, lit(0), gemm.n, body, apart=True)
    rows = Loop(i.id, LO, HI, (columns,), apart=True)
    work = context.sizes.product([gemm.m, gemm.n, gemm.k])
    return make_launch(context.namer("k1"), [rows], gemm.m, work, [gemm.node])
