"""Elements of variables as kernel expressions, looking through index maps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from symgraph.dataclass import dataclass
from symgraph.families import Elemwise, Indexed, Positional, Reduce, flat_index
from symgraph.graph import Apply, Constant, Variable
from symgraph.kernel import (
    COSTLY,
    OUTER,
    Buffer,
    Call,
    Expr,
    Kernel,
    Let,
    Lit,
    Load,
    Loop,
    Name,
    Stmt,
    expressions,
    statements,
    walk,
)
from symgraph.lower.costs import COSTLY_WEIGHT
from symgraph.lower.group import Reader, Work
from symgraph.lower.machine import PROCESSOR, Folding, Machine
from symgraph.lower.program import Launch
from symgraph.lower.sizes import Namer, Sizes, dtype_of
from symgraph.types import Arg


@dataclass
class Context:
    """What lowering has decided before kernels are written."""

    sizes: Sizes
    reader: Reader
    works: dict[Apply, Work]
    buffers: dict[Variable, Buffer]
    namer: Namer
    machine: Machine = PROCESSOR

    def folding(self, node: Apply) -> Folding:
        """How a reduction accumulates."""
        assert isinstance(node.op, Reduce)
        return self.machine.folding(node.op, dtype_of(node.inputs[0]))

    def load(self, var: Variable, place: Expr) -> Expr:
        """The element of a variable at a row-major offset; a scalar the driver holds has one."""
        root = self.reader.memory(var)
        if root in self.buffers:
            return Load(self.buffers[root], place)
        if self.reader.is_virtual(root):
            assert root.owner is not None
            return positional_element(root.owner, place, self)
        return scalar_constant(root) or self.sizes.scalar(root)


def scalar_constant(var: Variable) -> Lit | None:
    """The literal of a constant of one element."""
    if isinstance(var, Constant) and var.data.size == 1:
        return Lit(var.data.item(), dtype_of(var))
    return None


def element_at(var: Variable, index: tuple[Expr, ...], context: Context) -> Expr:
    """The element of any variable at an index."""
    constant = scalar_constant(var)
    if constant is not None:
        return constant
    if context.reader.is_virtual(var):
        assert var.owner is not None
        return element_of(var.owner, index, context)
    return context.load(var, flat_index(index, context.sizes.dims(var)))


def element_of(node: Apply, index: tuple[Expr, ...], context: Context) -> Expr:
    """The element of an indexed op's output."""
    op = node.op
    assert isinstance(op, Indexed)
    args = [context.sizes.arg(var) for var in node.inputs]
    return op.element(
        index,
        args,
        lambda k, where: element_at(node.inputs[k], tuple(where), context),
        dtype_of(node.outputs[0]),
    )


def positional_element(node: Apply, place: Expr, context: Context) -> Expr:
    """The element at a row-major position of an op that goes by it."""
    op = node.op
    assert isinstance(op, Positional)
    args = [context.sizes.arg(var) for var in node.inputs]

    def read(k: int, where: tuple[Expr, ...]) -> Expr:
        return element_at(node.inputs[k], tuple(where), context)

    return op.at(place, args, read, dtype_of(node.outputs[0]))


def cost_of(node: Apply) -> int:
    """Scalar steps an element of a node takes, with the draws it reads."""
    op = node.op
    if isinstance(op, Positional):
        return _cost_of_draw(node, op)
    if not isinstance(op, Elemwise):
        return 1
    drawn = [v.owner for v in node.inputs if v.owner and isinstance(v.owner.op, Positional)]
    return _cost_of_op(op, tuple(map(dtype_of, node.inputs))) + sum(map(cost_of, drawn))


@lru_cache(maxsize=4096)
def _cost_of_op(op: Elemwise, dtypes: tuple[str, ...]) -> int:
    return max(1, _steps(op.expression(*(Name(f"x{k}", d) for k, d in enumerate(dtypes)))))


def _cost_of_draw(node: Apply, op: Positional) -> int:
    def read(k: int, where: tuple[Expr, ...]) -> Expr:
        return Name(f"x{k}", dtype_of(node.inputs[k]))

    args = [Arg(()) for _ in node.inputs]
    return _steps(op.at(Name("p"), args, read, dtype_of(node.outputs[0])))


def _steps(expr: Expr) -> int:
    calls = [part.op for part in walk(expr) if isinstance(part, Call)]
    return sum(COSTLY_WEIGHT if c in COSTLY else 1 for c in calls)


def local_name(node: Apply) -> str:
    """A readable name for a node's value inside a kernel."""
    return node.outputs[0].name or type(node.op).__name__.lower()


def free_variables(body: Sequence[Stmt]) -> tuple[list[Name], list[Buffer]]:
    """The scalars and buffers a kernel's body takes from outside, in order of appearance."""
    names: dict[Name, None] = {}
    buffers: dict[Buffer, None] = {}
    bound = {name.id for name in OUTER}
    for stmt in statements(body):
        for expr in expressions(stmt):
            for part in walk(expr):
                if isinstance(part, Load):
                    buffers.setdefault(part.buffer)
                elif isinstance(part, Name):
                    names.setdefault(part)
        if isinstance(stmt, Let):
            bound.add(stmt.name)
        elif isinstance(stmt, Loop):
            bound.add(stmt.index)
        target = getattr(stmt, "buffer", None)
        if target is not None:
            buffers.setdefault(target)
    return [name for name in names if name.id not in bound], list(buffers)


def make_launch(
    name: str, body: Sequence[Stmt], extent: Expr, work: Expr, nodes: Sequence[Apply]
) -> Launch:
    """A kernel of `body` whose parameters are what it takes from outside, and its launch."""
    scalars, buffers = free_variables(body)
    notes = tuple(dict.fromkeys(str(node.made_at) for node in nodes))
    kernel = Kernel(name, (*scalars, *buffers), tuple(body), notes)
    return Launch(kernel, (*scalars, *buffers), extent, work, tuple(nodes))
