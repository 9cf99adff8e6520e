"""The borders of a function: records, such as sparse matrices, go in and come out as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.graph import Variable, clone_graph
from symgraph.records import PutTogether, RecordType, TakeApart, is_record
from symgraph.runners import Array, Arrays, Runner, Task, as_stored


@dataclass(frozen=True)
class Opened:
    """A task on tensors alone, and the task on records that it stands for."""

    closed: Task
    task: Task

    @property
    def updated(self) -> tuple[Variable, ...]:
        """The shared records, whose next values are outputs of the task on tensors."""
        return tuple(shared for shared, _ in self.closed.updates if is_record(shared))


def has_records(task: Task) -> bool:
    """Whether an input or output of a task is a record."""
    return any(map(is_record, (*task.inputs, *task.roots)))


def opened(task: Task) -> Opened:
    """The same task with every record at its borders replaced by its tensors."""
    leaves = {var: _leaves(var) for var in task.inputs if is_record(var)}
    made = {var: _together(var.type, parts) for var, parts in leaves.items()}
    inside = task.with_roots(clone_graph(task.roots, made))
    records = [value for shared, value in inside.updates if is_record(shared)]
    outputs = [part for var in (*inside.outputs, *records) for part in _apart(var)]
    inputs = [part for var in task.inputs for part in leaves.get(var, [var])]
    tensors = tuple((s, v) for s, v in inside.updates if not is_record(s))
    return Opened(task, Task(tuple(inputs), tuple(outputs), tensors))


def _leaves(var: Variable) -> list[Variable]:
    assert isinstance(var.type, RecordType)
    parts = [field.make_variable(var.name) for field in var.type.fields]
    for part in parts:
        part.made_at = var.made_at
    return parts


def _together(kind: Any, parts: Sequence[Variable]) -> Variable:
    made: Variable = PutTogether(kind)(*parts)
    return made


def _apart(var: Variable) -> list[Variable]:
    return list(TakeApart()(var)) if is_record(var) else [var]


class Bordered:
    """Runs a task on records by a runner of the task on tensors."""

    def __init__(self, opened: Opened, inner: Runner) -> None:
        self.inner, self.closed = inner, opened.closed
        self.replaced = (*opened.updated, *inner.replaced)
        shown = (*opened.closed.outputs, *opened.updated)
        self._kinds = [var.type if is_record(var) else None for var in shown]

    def __call__(self, arrays: Arrays) -> list[Array]:
        """Outputs, then the next values of `replaced`."""
        parts: list[Any] = []
        for var, value in zip(self.closed.inputs, arrays, strict=True):
            kind = var.type
            parts += kind.take_apart(value) if isinstance(kind, RecordType) else [value]
        results = iter(self.inner([as_stored(part) for part in parts]))
        return [*(self._next(kind, results) for kind in self._kinds), *results]

    def _next(self, kind: Any, results: Any) -> Any:
        if kind is None:
            return next(results)
        return kind.put_together([next(results) for _ in kind.fields])
