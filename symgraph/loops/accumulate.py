"""Sums over the steps of a loop, taken after it: of products one product of all rows at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symgraph.graph import Variable, clients
from symgraph.loops.draft import Draft, RowSlot, StateSlot
from symgraph.ops.arith import Add, Mul, add
from symgraph.ops.linalg import Dot, tensordot
from symgraph.ops.reduce import Sum
from symgraph.ops.reshape import reshape
from symgraph.ops.scan import State
from symgraph.ops.shape import DimShuffle, dimshuffle, shape_i
from symgraph.types import Tensor

COLUMN, ROW = (0, "x"), ("x", 0)  # how a vector becomes a matrix
Total = Callable[[], Tensor]  # the sum over all steps, once the loop is made


def split_sums(draft: Draft) -> dict[int, Tensor]:
    """For each state that only adds up a term, by number, the term, which takes its place."""
    if draft.op.stops:
        return {}
    readers = clients(draft.results)
    found = {}
    for number, slot in enumerate(draft.states):
        node = slot.after.owner
        if slot.state != State(traced=False) or node is None or not isinstance(node.op, Add):
            continue
        (before,) = slot.lagged
        terms = [v for v in node.inputs if v is not before]
        alone = len(readers.get(before, ())) == 1 and draft.results.count(before) == 0
        if len(terms) == 1 and alone and _same_axes(terms[0], before):
            found[number] = terms[0]
    for number, term in found.items():
        draft.states[number].after = term
    return found


def _same_axes(a: Tensor, b: Tensor) -> bool:
    return bool(a.type.broadcastable == b.type.broadcastable)


def join_sums(draft: Draft, numbers: dict[int, Tensor]) -> dict[Variable, Total]:
    """Take sums out of the loop where that is cheaper, and put the others back.

    Returns, for the outputs of states that are no more, what replaces them.
    """
    varying, totals = draft.varying(), dict[Variable, Total]()
    slots = [draft.states[number] for number in numbers]
    done = []
    for taking in (_of_product, _of_outer, _of_sum):
        for slot in slots:
            total = None if slot.out in totals else taking(slot.after, draft, varying)
            if total is not None:
                totals[slot.out] = _with_initial(slot, total)
                done.append(slot)
    for slot in slots:
        if slot.out not in totals:
            slot.after = add(slot.lagged[0], slot.after)
    draft.states = [slot for slot in draft.states if not any(slot is d for d in done)]
    return totals


def _with_initial(slot: StateSlot, total: Total) -> Total:
    return lambda: add(slot.initial, dimshuffle(total(), "x", *range(slot.after.type.ndim)))


def _rows_of(var: Tensor, draft: Draft) -> Total:
    """All rows of a value of the body: a sequence's, or those of an output."""
    if var in draft.rows:
        whole = draft.rows[var]
        return lambda: whole
    for out in draft.outs:
        if out.made is var:
            return lambda: out.out
    new = RowSlot(var, None)
    draft.outs.append(new)
    return lambda: new.out


def _of_product(term: Tensor, draft: Draft, varying: set[Variable]) -> Total | None:
    """a' b, summed over steps, is the product of all rows of a with all rows of b."""
    node = term.owner
    if node is None or not isinstance(node.op, Dot) or not varying.issuperset(node.inputs):
        return None
    if any(v.type.ndim != 2 for v in node.inputs):
        return None
    op, (a, b) = node.op, (_rows_of(v, draft) for v in node.inputs)
    if op.trans_a and not op.trans_b:
        return lambda: Dot(True, False)(_flat(a()), _flat(b()))
    axes = [[0, 1 if op.trans_a else 2], [0, 2 if op.trans_b else 1]]
    return lambda: tensordot(a(), b(), axes=axes)


def _flat(rows: Tensor) -> Tensor:
    """The first two axes as one."""
    return reshape(rows, [shape_i(rows, 0) * shape_i(rows, 1), shape_i(rows, 2)])


def _of_outer(term: Tensor, draft: Draft, varying: set[Variable]) -> Total | None:
    """A column times a row, summed over steps, is a product of matrices."""
    node = term.owner
    if node is None or not isinstance(node.op, Mul) or len(node.inputs) != 2:
        return None
    shuffles = [v.owner for v in node.inputs if v.owner and isinstance(v.owner.op, DimShuffle)]
    turned = {s.op.order: s.inputs[0] for s in shuffles}
    if set(turned) != {COLUMN, ROW}:
        return None
    column, row = turned[COLUMN], turned[ROW]
    if not varying.issuperset((column, row)):
        return None
    a, b = _rows_of(column, draft), _rows_of(row, draft)
    return lambda: Dot(True, False)(a(), b())


def _of_sum(term: Tensor, draft: Draft, varying: set[Variable]) -> Total | None:
    """A sum along axes of rows that are kept anyway is a sum along one axis more."""
    node = term.owner
    if node is None or not isinstance(node.op, Sum):
        return None
    (var,), op = node.inputs, node.op
    if var not in draft.rows and all(out.made is not var for out in draft.outs):
        return None
    rows, axes = _rows_of(var, draft), (0, *(axis + 1 for axis in op.axes))
    return lambda: replace(op, axes=axes)(rows())
