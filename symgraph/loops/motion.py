"""What moves into loops and out of them."""

from __future__ import annotations

from functools import reduce

from symgraph.batch import vectorize
from symgraph.errors import GraphTypeError
from symgraph.graph import Apply, Constant, Variable, clients, clone_graph, toposort
from symgraph.loops.draft import Draft
from symgraph.loops.scan import invariants
from symgraph.ops.arith import Add, Mul, Sub, add
from symgraph.ops.create import Alloc, alloc
from symgraph.ops.linalg import Dot
from symgraph.ops.pattern import AT, FULL, SLICE, Part
from symgraph.ops.scan import Scan, State, depends_on
from symgraph.ops.shape import dimshuffle
from symgraph.ops.subtensor import IncSubtensor, Subtensor
from symgraph.types import Tensor


def take_in(draft: Draft) -> None:
    """Let the body see what is known of its inputs: numbers, and values repeated everywhere."""
    for var, whole in list(draft.rows.items()):
        repeated = _repeated(whole)
        if repeated is not None:
            value, sizes = repeated
            del draft.rows[var]
            draft.others[var] = alloc(value, *sizes[1:])
    known: dict[Variable, Variable] = {}
    _drop_zeros(draft)
    for var, whole in list(draft.others.items()):
        if isinstance(whole, Constant) and whole.data.size == 1:
            known[var] = whole
        elif _repeated(whole) is not None:
            value, *sizes = (_inner(v, draft) for v in whole.owner.inputs)
            known[var] = alloc(value, *sizes)
    draft.replace(known)
    draft.drop_unread()


def _drop_zeros(draft: Draft) -> None:
    """Leave out zeros that are added: cotangents of what nothing depends on."""
    readers = clients(draft.results)
    zeros = [var for var, whole in draft.others.items() if _is_zeros(whole)]
    found: dict[Variable, Variable] = {}
    for var in zeros:
        for node, place in readers.get(var, ()):
            rest = node.inputs[1 - place] if isinstance(node.op, Add) else None
            if rest is not None and rest.type == node.outputs[0].type and rest not in found:
                found[node.outputs[0]] = rest
    draft.replace(found)


def _is_zeros(whole: Tensor) -> bool:
    repeated = _repeated(whole)
    number = None if repeated is None else repeated[0]
    return isinstance(number, Constant) and not number.data.any()


def _repeated(whole: Tensor) -> tuple[Tensor, list[Tensor]] | None:
    """The one number that a tensor repeats, and its sizes."""
    if whole.owner is None or not isinstance(whole.owner.op, Alloc):
        return None
    value, *sizes = whole.owner.inputs
    return (value, sizes) if value.type.ndim == 0 else None


def _inner(outer: Tensor, draft: Draft) -> Tensor:
    """What stands for a variable of the graph around the loop in the body."""
    if isinstance(outer, Constant):
        return outer
    for var, whole in draft.others.items():
        if whole is outer:
            return var
    var = outer.type(outer.name)
    draft.others[var] = outer
    return var


def move_out(draft: Draft) -> None:
    """Compute before the loop what no step changes, and products of rows of sequences."""
    steps = [*draft.rows, *draft.lagged]
    found: dict[Variable, Variable] = {}
    for var in invariants(draft.results, steps):
        if var not in draft.others:
            (outer,) = clone_graph([var], draft.others)
            found[var] = _inner(outer, draft)
    draft.replace(found)
    if draft.stop is None:
        _products_out(draft)


def _products_out(draft: Draft) -> None:
    """A row times a matrix, step by step, is the sequence times the matrix."""
    of_states, of_rows = (depends_on(draft.results, v) for v in (draft.lagged, [*draft.rows]))
    moved: dict[Variable, Variable] = {}
    behind: set[Apply] = set()
    for node in reversed(toposort(draft.results)):
        out = node.outputs[0]
        free = out in of_rows and out not in of_states and node not in behind
        if free and isinstance(node.op, Dot) and _is_row_first(node, of_rows):
            var = _as_row(out, draft)
            if var is not None:
                behind.update(toposort([out]))
                moved[out] = var
    draft.replace(moved)
    if moved:
        _addends_out(draft, set(moved.values()))


def _addends_out(draft: Draft, products: set[Variable]) -> None:
    """Sums of products that moved out and of other rows move with them; what does not change stays.

    A bias costs nothing in a step's kernel, but a pass over the rows of all steps before the loop.
    """
    of_states, of_rows = (depends_on(draft.results, v) for v in (draft.lagged, [*draft.rows]))
    nodes = toposort(draft.results)
    inner = {v for n in nodes if isinstance(n.op, Add) for v in n.inputs}
    found: dict[Variable, Variable] = {}
    for node in nodes:
        out = node.outputs[0]
        if not isinstance(node.op, Add) or out in inner or out not in of_states:
            continue
        terms = _terms(out)
        free = [v for v in terms if v in of_rows and v not in of_states]
        if len(free) < 2 or not products.intersection(free):
            continue
        var = _as_row(reduce(add, free), draft)
        if var is not None:
            found[out] = reduce(add, [v for v in terms if v not in free], var)
    draft.replace({old: new for old, new in found.items() if new.type == old.type})


def _terms(var: Variable) -> list[Tensor]:
    """What a sum of sums adds up."""
    found, stack = [], [var]
    while stack:
        item = stack.pop()
        if item.owner is not None and isinstance(item.owner.op, Add):
            stack += reversed(item.owner.inputs)
        else:
            found.append(item)
    return found


def _as_row(var: Tensor, draft: Draft) -> Tensor | None:
    """A new row of a sequence that holds a value of the body for all steps."""
    rows = _for_all_rows(var, draft)
    if rows is None:
        return None
    row = var.type(var.name)
    draft.rows[row] = rows
    return row


def parts_first(draft: Draft) -> None:
    """Sums of which only slices are read become sums of slices: gates are cut from a product.

    So the product is what is kept, and the sum is part of the kernel that reads it.
    """
    while found := _sums_cut(draft):
        draft.replace(found)


def _sums_cut(draft: Draft) -> dict[Variable, Variable]:
    """For the slices of sums of which only slices are read, sums of slices."""
    readers, ends = clients(draft.results), set(draft.results)
    found: dict[Variable, Variable] = {}
    for node in reversed(toposort(draft.results)):
        out = node.outputs[0]
        reads = [n for n, _ in readers.get(out, ())]
        cut = all(
            isinstance(n.op, Subtensor) and _only_slices(n.op) and place == 0
            for n, place in readers.get(out, ())
        )
        if isinstance(node.op, Add | Sub | Mul) and reads and cut and out not in ends:
            for read in reads:
                parts = [_same_part(read, v) for v in node.inputs]
                found[read.outputs[0]] = node.op(*parts)
    return found


def _only_slices(op: Subtensor) -> bool:
    return all(part.kind == SLICE for part in op.parts)


def _same_part(read: Apply, var: Tensor) -> Tensor:
    """The slices of an operand that broadcasts from the right; axes of size 1 stay whole."""
    assert isinstance(read.op, Subtensor)
    shift = read.inputs[0].type.ndim - var.type.ndim  # type: ignore[attr-defined]
    values, parts, numbers = iter(read.inputs[1:]), [], []
    for axis, part in enumerate(read.op.parts):
        own = [next(values) for _ in range(sum(part.has))]
        if axis < shift:
            continue
        whole = var.type.broadcastable[axis - shift]
        parts.append(FULL if whole else part)
        numbers += [] if whole else own
    return Subtensor(tuple(parts))(var, *numbers) if parts else var


def _is_row_first(node: Apply, of_rows: set[Variable]) -> bool:
    """Whether the first operand changes with the rows, and the second is the same for all."""
    a, b = node.inputs
    return a in of_rows and b not in of_rows


def _for_all_rows(var: Tensor, draft: Draft) -> Tensor | None:
    """The values of all steps at once, if every op on the way can do that without a loop."""
    if any(isinstance(node.op, Scan) for node in toposort([var])):
        return None
    (expression,) = clone_graph([var], draft.others)
    try:
        (found,) = vectorize([expression], draft.rows)
    except GraphTypeError:
        return None
    return found


def start_from_last(draft: Draft) -> None:
    """Rows that are zeros but for the first that is read are given to the state they are added to.

    So the gradient of a last value does not carry rows of zeros along.
    """
    readers = clients(draft.results)
    for var, whole in list(draft.rows.items()):
        value = _first_only(whole, draft.op.backwards)
        nodes = [node for node, _ in readers.get(var, ())]
        if value is None or len(nodes) != 1 or not isinstance(nodes[0].op, Add):
            continue
        plain = (s for s in draft.states if s.state == State(traced=False))
        slot = next((s for s in plain if s.lagged[0] in nodes[0].inputs), None)
        if slot is not None and len(readers.get(slot.lagged[0], ())) == 1:
            initial = dimshuffle(value, "x", *range(value.type.ndim))
            slot.initial = add(slot.initial, initial)
            del draft.rows[var]
            draft.replace({nodes[0].outputs[0]: slot.lagged[0]})


def _first_only(whole: Tensor, backwards: bool) -> Tensor | None:
    """The row in which a sequence is not zero, if it is the one that the first step reads."""
    node = whole.owner
    if node is None or not isinstance(node.op, IncSubtensor) or node.op.parts != (Part(AT),):
        return None
    base, value, place = node.inputs
    repeated = _repeated(base)
    zeros = (
        repeated is not None and isinstance(repeated[0], Constant) and not repeated[0].data.any()
    )
    first = isinstance(place, Constant) and int(place.data) == (-1 if backwards else 0)
    same = value.type.ndim + 1 == whole.type.ndim
    return value if zeros and first and same else None
