"""What a compiled function does less well than it could: why, and what to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from symgraph.backends.numba.text import expression
from symgraph.dataclass import dataclass
from symgraph.families import Assemble, Elemwise, Library, Product, Reduce
from symgraph.function import Function
from symgraph.graph import Apply, Constant, Variable, clients
from symgraph.kernel import Buffer
from symgraph.lower.costs import LARGEST_GROUP, MOST_READ
from symgraph.lower.lower import Lowered
from symgraph.lower.program import Copy, Launch, every
from symgraph.ops.arith import Mul
from symgraph.ops.cast import Cast
from symgraph.ops.reduce import Sum
from symgraph.ops.shape import DimShuffle
from symgraph.ops.subtensor import Subtensor
from symgraph.pipeline import is_native, is_widened
from symgraph.runners import Task
from symgraph.show.words import leaf_text, visible
from symgraph.types import TensorType

MOST = 12  # remarks of each kind


@dataclass(frozen=True)
class Remark:
    """Something that costs time or memory: what, the user's line, the reason, the cure."""

    what: str
    line: str
    why: str
    cure: str

    def __str__(self) -> str:
        return f"{self.what}\n  at {self.line}\n  {self.why}\n  {self.cure}"


def remarks_on(function: Function) -> list[Remark]:
    """The remarks on a compiled function, in order of kind."""
    task = function.stages["canonical"]
    assert isinstance(task, Task)
    nodes = function.graph.toposort()
    found = [*islice(_in_python(nodes), MOST), *islice(_no_product(nodes), MOST)]
    found += islice(_wide(task, nodes), MOST)
    for lowered in function.trace.lowered:
        found += islice(_not_in_place(function, lowered), MOST)
        found += islice(_not_fused(lowered, function), MOST)
    return found


def _line(node: Apply) -> str:
    return visible(str(node.made_at))


def _name(node: Apply) -> str:
    out = node.outputs[0]
    return f"{visible(out.name)} = {node.op}" if out.name else visible(str(node.op))


# --- kinds of remarks ------------------------------------------------------------------------


def _in_python(nodes: Sequence[Apply]) -> Iterator[Remark]:
    for node in nodes:
        if not (is_native(node) or is_widened(node)):
            yield Remark(
                f"{_name(node)} runs in Python",
                _line(node),
                "It has no native kernel, so compiled code stops before it and goes on after it.",
                "Express it by operations of symgraph.tensor, in float32 or float64.",
            )


def _no_product(nodes: Sequence[Apply]) -> Iterator[Remark]:
    for node in nodes:
        if isinstance(node.op, Sum) and _is_product(node.inputs[0].owner):
            yield Remark(
                f"{_name(node)} is a sum of products, but no matrix product",
                _line(node),
                "Factors that are repeated along new axes are multiplied and summed in a loop.",
                "Write T.dot(a, b), which runs in BLAS, or T.tensordot for more axes.",
            )


def _is_product(node: Apply | None) -> bool:
    if node is None or not isinstance(node.op, Mul):
        return False
    shuffles = [v.owner.op for v in node.inputs if v.owner and isinstance(v.owner.op, DimShuffle)]
    ranks = [v.type.ndim for v in node.inputs if isinstance(v.type, TensorType)]
    return len(shuffles) == 2 and all("x" in op.order for op in shuffles) and min(ranks) > 1


def _wide(task: Task, nodes: Sequence[Apply]) -> Iterator[Remark]:
    """Where doubles come into a program whose data are floats."""
    given = {v.type.dtype for v in task.inputs if isinstance(v.type, TensorType)}
    if "float32" not in given or "float64" in given:
        return
    for node in nodes:
        kinds = [v.type for v in node.inputs if isinstance(v.type, TensorType)]
        out = node.outputs[0].type
        widens = isinstance(out, TensorType) and out.dtype == "float64" and out.ndim > 0
        if widens and all(kind.dtype != "float64" or kind.ndim == 0 for kind in kinds):
            cure = "Convert integers with T.cast(x, 'float32') before, or set config.floatX."
            yield Remark(
                f"{_name(node)} computes in float64",
                _line(node),
                "The inputs of this function are float32; doubles take twice the memory and time.",
                "Leave the conversion out." if isinstance(node.op, Cast) else cure,
            )


def _not_in_place(function: Function, lowered: Lowered) -> Iterator[Remark]:
    copied = {step.target for step in lowered.program.steps if isinstance(step, Copy)}
    outputs = set(function.stages["canonical"].outputs)
    for shared, value in function.stages["canonical"].updates:
        name = leaf_text(shared)
        line = visible(str(value.made_at))
        if shared in lowered.replaced:
            yield Remark(
                f"{name} gets new memory at each call",
                line,
                "The size of its next value is not known to be the size it has.",
                f"Declare sizes: sg.shared(value, shape={_shape(shared)}).",
            )
        elif lowered.buffers.get(shared) in copied:
            also = value in outputs
            yield Remark(
                f"{name} is not updated in place",
                line,
                "Its next value is also an output, so it has memory of its own and is copied."
                if also
                else "Its old value is read after its next one is made, so that one is copied.",
                "Leave the output out, and read the shared variable after the call."
                if also
                else "Nothing, unless what reads the old value can be computed before.",
            )


def _shape(var: Variable) -> str:
    kind = var.type
    known = kind.shape if isinstance(kind, TensorType) else ()
    return repr(tuple("n" if size is None else size for size in known))


def _not_fused(lowered: Lowered, function: Function) -> Iterator[Remark]:
    """Arrays that one kernel writes to memory for another to read."""
    launches = [step for step in every(lowered.program.steps) if isinstance(step, Launch)]
    step_of = {node: number for number, step in enumerate(launches) for node in step.nodes}
    readers = clients(function.graph.outputs)
    full: set[int] = set()
    for var in lowered.buffers:
        node = var.owner
        if node is None or node not in step_of or _is_call(node) or isinstance(node.op, Reduce):
            continue
        for reader, moved in _loops_that_read(var, readers):
            here, there = step_of[node], step_of.get(reader, step_of[node])
            if here == there:
                continue
            if moved is not None or _space(node, lowered) != _space(reader, lowered):
                yield _unfused(node, reader, moved, lowered)
                break
            limit = _limit(launches[here])
            if limit and here not in full:
                full.add(here)
                yield _too_large(node, reader, limit)
                break


def _limit(step: Launch) -> str:
    """Which limit of its size a kernel has reached, if any."""
    if len(step.nodes) >= LARGEST_GROUP:
        return f"has {LARGEST_GROUP} operations"
    arrays = sum(isinstance(argument, Buffer) for argument in step.args)
    return f"reads {MOST_READ} arrays" if arrays > MOST_READ else ""


def _too_large(node: Apply, reader: Apply, limit: str) -> Remark:
    return Remark(
        f"{_name(node)} is written to memory for {_name(reader)}",
        _line(node),
        f"Its kernel {limit}, and no more fit in: larger ones compile longer than they gain.",
        "Nothing, unless the expression can be split where little is passed on.",
    )


def _is_call(node: Apply) -> bool:
    return isinstance(node.op, Product | Library | Assemble)


def _loops_that_read(
    var: Variable, readers: dict[Variable, list[tuple[Apply, int]]]
) -> Iterator[tuple[Apply, Apply | None]]:
    """Loop nodes that read a variable, with the index map they read it through."""
    for node, _ in readers.get(var, ()):
        if isinstance(node.op, DimShuffle | Subtensor):
            for far, _ in readers.get(node.outputs[0], ()):
                if isinstance(far.op, Elemwise | Reduce):
                    yield far, node
        elif isinstance(node.op, Elemwise | Reduce):
            yield node, None


def _unfused(node: Apply, reader: Apply, moved: Apply | None, lowered: Lowered) -> Remark:
    if moved is not None and isinstance(moved.op, Subtensor):
        why = f"It is read through {visible(str(moved.op))}, at other places than it is made at."
        cure = "Nothing, unless what it is made of can be sliced instead: f(x)[1:] is f(x[1:])."
    elif moved is not None:
        why = f"It is read through {visible(str(moved.op))}, in another order than it is made in."
        cure = "If the order of its axes is free, build it in the order in which it is read."
    else:
        here, there = (_space(n, lowered) for n in (node, reader))
        why = f"One loop runs over ({here}), the other over ({there})."
        cure = (
            "Name equal sizes alike, as in T.matrix(shape=('batch', 10)), so that loops can join."
        )
    what = f"{_name(node)} is written to memory for {_name(reader)}"
    return Remark(what, _line(node), why, cure)


def _space(node: Apply, lowered: Lowered) -> str:
    var = node.inputs[0] if isinstance(node.op, Reduce) else node.outputs[0]
    if isinstance(var, Constant) or not lowered.sizes.knows(var):
        return ""
    return ", ".join(map(expression, lowered.sizes.dims(var)))


def explain(function: Function) -> str:
    """The remarks on a function as text, then where its code came from."""
    parts = [str(remark) for remark in remarks_on(function)] or ["no remarks"]
    return "\n\n".join([*parts, "\n".join(function.trace.cached) or "nothing was compiled"])
