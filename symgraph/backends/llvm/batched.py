"""Batched matrix products: pairs of matrices shared among threads, or each pair by all of them.

    batched_DTYPE(out, report, a, b, words)

out = op(a) @ op(b) for each index of the leading axes. `words` holds m, n, k, whether the matrices
of `a` and of `b` are transposed, the number of leading axes, then for each of them its size and how
many matrices of `a` and of `b` lie between its indices: 0 where all have the same. `report` is set
to 0, or to 1 where a size is too large for the product of complex matrices, which is BLAS's.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.notation import Code, Words
from symgraph.backends.llvm.products import product_name
from symgraph.backends.llvm.words import TYPES, constant
from symgraph.kernel import Expr, Name, compare, lit, select

KIND = "batched"
MANY = 16  # pairs that keep all threads busy
FIELDS = "m n k trans_a trans_b axes".split()
OPERANDS = ("out", "report", "a", "b", "words")
SHARE = (("block", "ptr"), ("lo", "int64"), ("hi", "int64"), ("share", "int64"))


def batched_name(dtype: str) -> str:
    """The name of the function for a dtype."""
    return f"{KIND}_{dtype}"


def batched_text(dtype: str) -> str:
    """The module for a dtype."""
    needs = Needs()
    return "\n".join([_share(dtype, needs), _entry(dtype, needs), needs.text(), ""])


def _entry(dtype: str, needs: Needs) -> str:
    code = Code(batched_name(dtype), [(name, "ptr") for name in OPERANDS], needs)
    code.do(f"%block = alloca [{len(OPERANDS)} x i64], align 16")
    code.do("%pairs = alloca i64")
    Words(code, "%block", OPERANDS).point(**{name: f"%{name}" for name in OPERANDS})
    words = Words(code, "%words", FIELDS)
    m, n, k, axes = words.sizes("m n k axes")
    code.set_item("%report", lit(0), lit(0))
    code.set_item("%pairs", lit(0), lit(1))
    with code.loop(lit(0), axes) as axis:
        size = code.item("%words", axis * 3 + len(FIELDS))
        code.set_item("%pairs", lit(0), code.item("%pairs", lit(0)) * size)
    pairs = code.item("%pairs", lit(0))
    # Pairs that are few are cut themselves: then this launch stays on one thread.
    work = select(pairs >= lit(MANY), pairs * m * n * k // 2, lit(0))
    sizes = ("i64", code.position(pairs)), ("i64", code.position(work))
    code.run("@launch", ("ptr", "@batched_share"), ("ptr", "%block"), *sizes)
    code.do("ret void")
    return code.text("nounwind", "")


def _share(dtype: str, needs: Needs) -> str:
    """The products of pairs lo to hi."""
    code, kind = Code("batched_share", SHARE, needs), TYPES[dtype]
    code.do("%rest = alloca [3 x i64]")
    block = Words(code, "%block", OPERANDS)
    out, report, a, b, words = (block.pointer(name) for name in OPERANDS)
    m, n, k, trans_a, trans_b, axes = Words(code, words, FIELDS).sizes(" ".join(FIELDS))
    lda, ldb = code.let(select(_is(trans_a, 1), m, k)), code.let(select(_is(trans_b, 1), k, n))
    with code.loop(Name("lo"), Name("hi")) as pair:
        left, right = _matrices(code, words, axes, pair)
        operands = (
            *(("i64", code.values[size.id]) for size in (m, n, k)),
            (kind, constant(1, dtype)),
            *(("ptr", code.place(a, left * m * k, dtype)), ("i64", code.values[lda.id])),
            ("i1", code.value(_is(trans_a, 1))),
            *(("ptr", code.place(b, right * k * n, dtype)), ("i64", code.values[ldb.id])),
            ("i1", code.value(_is(trans_b, 1))),
            (kind, constant(0, dtype)),
            *(("ptr", code.place(out, pair * m * n, dtype)), ("i64", code.values[n.id])),
        )
        failed = code.named(code.call(f"@{product_name(dtype)}", "i64", *operands))
        with code.when(compare("ne", failed, lit(0))):
            code.set_item(report, lit(0), lit(1))
    code.do("ret void")
    return code.text()


def _matrices(code: Code, words: str, axes: Name, pair: Name) -> tuple[Name, Name]:
    """Which matrices of the operands belong to a pair."""
    for place, value in enumerate((pair, lit(0), lit(0))):
        code.set_item("%rest", lit(place), value)
    with code.loop(lit(0), axes) as passed:
        at = code.let((axes - 1 - passed) * 3 + len(FIELDS))
        size, rest = code.item(words, at), code.item("%rest", lit(0))
        index = code.let(rest % size)
        code.set_item("%rest", lit(0), rest // size)
        for operand in (1, 2):
            before = code.item("%rest", lit(operand))
            moved = before + index * code.item(words, at + operand)
            code.set_item("%rest", lit(operand), moved)
    return code.item("%rest", lit(1)), code.item("%rest", lit(2))


def _is(size: Expr, value: int) -> Expr:
    return compare("eq", size, lit(value))
