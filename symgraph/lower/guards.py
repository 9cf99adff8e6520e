"""Guards: sizes that have to agree, indices that have to lie inside, conditions, routines."""

from __future__ import annotations

from collections.abc import Iterable

from symgraph.errors import IndexRangeError, ShapeError
from symgraph.families import Assemble, Checked, Indexed, Library
from symgraph.graph import Apply, Constant, Variable
from symgraph.kernel import BOOL, INT, Buffer, Call, Expr, Lit, Load, Name, cast, compare, lit
from symgraph.lower.assemble import bounds_kernel
from symgraph.lower.elements import element_at, scalar_constant
from symgraph.lower.program import Allocate, Failure, Guard, Routine
from symgraph.lower.scope import Scope
from symgraph.lower.sizes import Check, Sizes
from symgraph.ops.create import ARange


class Guards:
    """Sets the guards of a level; `waiting` are the sizes still to be compared there."""

    def __init__(self, scope: Scope, outer: Guards | None, checks: Iterable[Check]) -> None:
        self.scope, self.outer, self.sizes = scope, outer, scope.sizes
        self.waiting = [*checks, *(outer.checks_of(scope.own) if outer is not None else ())]
        self._checked: set[tuple[Variable, Expr]] = set()  # indices and the sizes they are below

    def settle(self) -> None:
        """Set the checks of sizes whose scalars are all known by now."""
        waiting, self.waiting = self.waiting, []
        for check in waiting:
            if all(map(self._is_known, self.sizes.atoms(check.sizes))):
                self._guard_sizes(check)
            else:
                self.waiting.append(check)

    def checks_of(self, own: set[Variable]) -> list[Check]:
        """Hand over the checks that a level inside has to make: of scalars that are its own."""
        found = [] if self.outer is None else self.outer.checks_of(own)
        mine = [c for c in self.waiting if not self.sizes.atoms(c.sizes).isdisjoint(own)]
        self.waiting = [c for c in self.waiting if c not in mine]
        return [*found, *mine]

    def _is_known(self, var: Variable) -> bool:
        name = self.sizes.scalar(var)
        return var in self.scope.buffers or (
            isinstance(name, Name) and self.scope.is_bound(name.id)
        )

    def _guard_sizes(self, check: Check) -> None:
        for condition, text, values in check.conditions():
            self._guard(condition, ShapeError, text, check.node, values)

    def after(self, step: Routine) -> None:
        """Stop if a routine reports that it failed."""
        op = step.node.op
        assert isinstance(op, Library)
        if op.failure is None:
            return
        report, _ = step.outputs[-1]
        kind, text = op.failure
        values = (Load(report, lit(0)), Load(report, lit(1)))
        self._guard(compare("eq", values[0], 0), kind, f"{op}: {text}", step.node, values)

    def before(self, node: Apply) -> None:
        """The guards that an item of guards stands for: indices inside, conditions that hold."""
        self._emit_bounds(node)
        self._emit_conditions(node)

    def _emit_bounds(self, node: Apply) -> None:
        for k, size in bounds_of(node, self.sizes):
            var = node.inputs[k]
            if (self.scope.reader.memory(var), size) in self._checked:
                continue
            self._checked.add((self.scope.reader.memory(var), size))
            message = f"{node.op}: an index is out of range: %0 for an axis of %1 elements"
            if self.sizes.dims(var):
                length = self.sizes.product(self.sizes.dims(var))
                flag = Buffer(self.scope.namer("bad"), INT)
                self.scope.emit(Allocate(flag, (lit(2),), lit(2)))
                self.scope.emit(
                    bounds_kernel(
                        self.scope.memory(var), length, size, flag, node, self.scope.namer
                    )
                )
                value: Expr = Load(flag, lit(1))
                ok: Expr = Call("eq", (Load(flag, lit(0)), lit(0)), BOOL)
            else:
                index = element_at(var, (), self.scope.context)
                value = cast(index, INT)
                ok = (value < size) & (value >= -size)
            self._guard(ok, IndexRangeError, message, node, (value, size))

    def _emit_conditions(self, node: Apply) -> None:
        """The guards of an op that is an error unless conditions hold."""
        if isinstance(node.op, Checked):
            for var in node.inputs[1:]:
                ok = element_at(var, (), self.scope.context)
                self._guard(ok, node.op.exc_type, node.op.message, node, ())

    def _guard(
        self,
        condition: Expr,
        kind: type[Exception],
        message: str,
        node: Apply | None,
        values: tuple[Expr, ...],
    ) -> None:
        self.scope.whole.guarded_after_write |= self.scope.whole.wrote
        self.scope.whole.failures.append(Failure(kind, message, node))
        self.scope.emit(Guard(condition, len(self.scope.whole.failures), values))


def bounds_of(node: Apply, sizes: Sizes) -> list[tuple[int, Expr]]:
    """Which inputs of a node are indices, and the size each has to stay below."""
    if not isinstance(node.op, Indexed | Assemble):
        return []
    args = [sizes.arg(var) for var in node.inputs]
    pairs = [(k, sizes.bind(n if isinstance(n, Expr) else lit(n))) for k, n in node.op.bounds(args)]
    return [(k, n) for k, n in pairs if not _surely_inside(node.inputs[k], n, sizes)]


def _surely_inside(index: Variable, size: Expr, sizes: Sizes) -> bool:
    """Whether constant indices lie inside an axis of known size, or a range is all of it."""
    if isinstance(index, Constant):
        if not isinstance(size, Lit):
            return False
        return bool(((index.data >= -size.value) & (index.data < size.value)).all())
    if index.owner is None or not isinstance(index.owner.op, ARange):
        return False
    start, step = map(scalar_constant, index.owner.inputs[:2])
    whole = start is not None and step is not None and (start.value, step.value) == (0, 1)
    return whole and sizes.dims(index) == (size,)
