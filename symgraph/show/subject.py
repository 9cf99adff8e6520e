"""What is shown: whatever the user hands over, as outputs and updates computed from inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, NamedTuple

from symgraph.dataclass import dataclass
from symgraph.errors import ExportError
from symgraph.function import Function
from symgraph.graph import Apply, Constant, Graph, Variable, ancestors, inputs, toposort
from symgraph.lower.program import Launch, every
from symgraph.runners import Task
from symgraph.shared import SharedVariable

OPTIMISED = "canonical"  # the stage a compiled function is shown at, unless another is asked for


class Fusion(NamedTuple):
    """Nodes that run as one kernel, and the users' lines in it."""

    name: str
    nodes: tuple[Apply, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Subject:
    """A graph to look at.

    Attributes
    ----------
    inputs
        The variables to be given; shared ones and constants are not among them.
    outputs
        What is computed.
    updates
        Pairs (shared variable, its next value).
    fusions
        Which nodes became one kernel, where that is known.
    compiled
        Whether this is a compiled function's graph, so that its nodes have an order.
    places
        The devices of nodes, if GPUs take part.
    """

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    updates: tuple[tuple[Variable, Variable], ...] = ()
    name: str = "graph"
    fusions: tuple[Fusion, ...] = ()
    compiled: bool = False
    places: Mapping[Apply, str] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[Variable, ...]:
        """Everything that is computed."""
        return (*self.outputs, *(value for _, value in self.updates))

    def leaves(self) -> list[Variable]:
        """The variables that nothing computes: inputs, shared ones, constants."""
        return [v for v in ancestors(self.roots, self.inputs) if v.owner is None]

    def toposort(self) -> list[Apply]:
        """Its nodes, each after those that compute its inputs."""
        return toposort(self.roots, stop=self.inputs)


def subject_of(obj: Any, stage: str | None = None) -> Subject:
    """The graph of a variable, a node, a list or dict of them, a `Graph` or a function.

    Raises
    ------
    ExportError
        `obj` is nothing with a graph, or has no such stage.
    """
    if isinstance(obj, Function):
        return _of_function(obj, stage or OPTIMISED)
    if stage is not None:
        raise ExportError(
            f"a {type(obj).__name__} has no stage {stage!r}; only compiled functions have stages"
        )
    if isinstance(obj, Subject):
        return obj
    if isinstance(obj, Graph):
        return Subject(obj.inputs, obj.outputs)
    outputs = tuple(_variables(obj))
    return Subject(tuple(filter(_is_given, inputs(outputs))), outputs)


def _of_function(function: Function, stage: str) -> Subject:
    task = function.stages.get(stage)
    if not isinstance(task, Task):
        known = ", ".join(name for name, made in function.stages.items() if isinstance(made, Task))
        raise ExportError(f"{function!r} has no graph at stage {stage!r}; it has {known}, kernels")
    return Subject(
        tuple(filter(_is_given, task.inputs)),
        task.outputs,
        task.updates,
        function.name,
        _fusions(function) if stage == OPTIMISED else (),
        compiled=True,
        places=function.trace.places,
    )


def _fusions(function: Function) -> tuple[Fusion, ...]:
    """What each launch computes; launches that do parts of one job count as one."""
    names: dict[tuple[Apply, ...], list[str]] = {}
    for plan in function.trace.plans:
        for step in every(plan.program.steps):
            if isinstance(step, Launch):
                names.setdefault(step.nodes, []).append(step.kernel.name)
    return tuple(
        Fusion(" + ".join(kernels), nodes, tuple(dict.fromkeys(str(n.made_at) for n in nodes)))
        for nodes, kernels in names.items()
    )


def _variables(obj: Any) -> Iterable[Variable]:
    if isinstance(obj, Variable):
        return [obj]
    if isinstance(obj, Apply):
        return obj.outputs
    if isinstance(obj, Mapping):
        obj = list(obj.values())
    if isinstance(obj, list | tuple):
        return [var for item in obj for var in _variables(item)]
    raise ExportError(
        f"{obj!r:.60} is a {type(obj).__name__}, which has no graph; pass a variable, a list of"
        " variables, a Graph or a compiled function"
    )


def _is_given(var: Variable) -> bool:
    return not isinstance(var, Constant | SharedVariable)
