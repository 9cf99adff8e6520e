"""Where a level's steps are written: names bound before they are read, formulas before a loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from symgraph.dataclass import dataclass
from symgraph.graph import Apply, Variable
from symgraph.kernel import Buffer, Expr, Load, Name, lit
from symgraph.lower.elements import Context
from symgraph.lower.group import Reader
from symgraph.lower.machine import PROCESSOR, Machine
from symgraph.lower.program import Allocate, Bind, Failure, Put, Step, exprs_of
from symgraph.lower.sizes import Namer, Sizes, dtype_of, free_names

Update = tuple[Variable, Variable]  # a variable with memory, its next value


@dataclass
class Whole:
    """What all levels of a program share."""

    sizes: Sizes
    namer: Namer
    buffers: dict[Variable, Buffer]
    in_place: bool  # whether updates may overwrite their shared variable before the end
    late: Mapping[Apply, Variable] = field(default_factory=dict)  # copies, what they come after
    machine: Machine = PROCESSOR
    failures: list[Failure] = field(default_factory=list)
    wrote: bool = False
    guarded_after_write: bool = False

    def __post_init__(self) -> None:
        self.stored: set[Variable] = set()
        self.reader = Reader(self.sizes, self.stored)
        self.context = Context(self.sizes, self.reader, {}, self.buffers, self.namer, self.machine)


class Scope:
    """The steps of a level so far. `outer` is the scope around a loop or branch.

    `own` are the variables that change from run to run.
    """

    def __init__(self, whole: Whole, outer: Scope | None, own: Iterable[Variable]) -> None:
        self.whole, self.outer, self.own = whole, outer, set(own)
        self.sizes, self.namer, self.buffers = whole.sizes, whole.namer, whole.buffers
        self.stored, self.reader, self.context = whole.stored, whole.reader, whole.context
        self.steps: list[Step] = []
        self._bound: set[str] = set()

    def emit(self, step: Step) -> None:
        """Add a step, the formulas it reads first."""
        self.bind_names(exprs_of(step))
        self.steps.append(step)

    def emit_together(self, steps: Sequence[Step]) -> None:
        """Add steps, all scalars bound before the first of them writes."""
        self.bind_names(expr for step in steps for expr in exprs_of(step))
        for step in steps:
            self.emit(step)

    def bind(self, name: Expr, value: Expr, var: Variable) -> None:
        """Bind the name of a scalar of the driver."""
        assert isinstance(name, Name)
        self.emit(Bind(name.id, value, str(var.made_at) if var.owner else ""))
        self._bound.add(name.id)

    def name_bound(self, name: str) -> None:
        """Take note that a name is bound here."""
        self._bound.add(name)

    def is_bound(self, name: str) -> bool:
        """Whether a name is bound here or around."""
        return name in self._bound or (self.outer is not None and self.outer.is_bound(name))

    def _is_outer(self, name: Name) -> bool:
        """Whether a formula is the same in every run of this level."""
        return self.outer is not None and self.sizes.atoms([name]).isdisjoint(self.own)

    def bind_names(self, exprs: Iterable[Expr]) -> None:
        """Bind the names that expressions read; what does not change in a loop, before it."""
        stack = free_names(exprs)[::-1]
        while stack:
            name = stack[-1]
            if self.is_bound(name.id):
                stack.pop()
                continue
            if self._is_outer(name):
                assert self.outer is not None
                self.outer.bind_names([stack.pop()])
                continue
            value = self._definition(name)
            missing = [n for n in free_names([value]) if not self.is_bound(n.id)]
            if missing:
                stack += missing
                continue
            stack.pop()
            self._bound.add(name.id)
            self.steps.append(Bind(name.id, value))

    def _definition(self, name: Name) -> Expr:
        if name.id in self.sizes.formulas:
            return self.sizes.formulas[name.id]
        var = self.sizes.scalars[name.id]
        assert var in self.buffers, f"scalar {name.id} is read before it is computed"
        return Load(self.buffers[var], lit(0))

    def value(self, var: Variable) -> Expr:
        """The only element of a variable, its names bound."""
        found = self.context.load(var, lit(0))
        self.bind_names([found])
        return found

    # --- memory of scalars ---------------------------------------------------------------------

    def memory(self, var: Variable) -> Buffer:
        """The memory of a variable, put there if it is a scalar of the driver."""
        root = self.reader.memory(var)
        if self.outer is not None and root not in self.own:
            return self.outer.memory(root)
        if root not in self.buffers:
            self.buffers[root] = self.put(root, "temporary")
        return self.buffers[root]

    def put(self, var: Variable, role: str) -> Buffer:
        """New memory that holds a scalar of the driver."""
        value = self.context.load(var, lit(0))
        buffer = Buffer(self.namer(var.name or "s"), dtype_of(var))
        self.emit(Allocate(buffer, self.sizes.dims(var), lit(1), role))
        self.emit(Put(buffer, value))
        return buffer

    def length(self, var: Variable) -> Expr:
        """The number of elements of a variable."""
        return self.sizes.product(self.sizes.dims(var))
