"""`bisect`: the first rewrite, or else the first native value, that changes a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.device_array import moved, on_device
from symgraph.devices import CPU
from symgraph.errors import VerifyError
from symgraph.function import Function
from symgraph.graph import Apply, Constant, Graph, Variable
from symgraph.interpret import interpret
from symgraph.pipeline import Trace, compile_task
from symgraph.profile import nodes_of, step_name
from symgraph.rewrite import Rule
from symgraph.rules import NOTHING
from symgraph.runners import Task
from symgraph.show.history import recorded
from symgraph.types import TensorType
from symgraph.verify import difference


@dataclass(frozen=True)
class Culprit:
    """Where a result goes wrong: "rewrite", "kernel" or "nothing", its name, line, what differs."""

    kind: str
    name: str
    line: str
    problem: str

    def __str__(self) -> str:
        if self.kind == "nothing":
            return "every stage gives the result expected"
        return f"{self.kind} {self.name} changes the result: {self.problem}\n  at {self.line}"


def bisect(
    function: Function,
    inputs: Sequence[Any] | Mapping[str, Any],
    expected: Sequence[Any] | None = None,
) -> Culprit:
    """The first rewrite of a function after which its result differs, or else the first kernel.

    The graphs between rewrites are interpreted, half of those left at a time; if all of them
    agree, each native value is compared with the interpreter's.

    Parameters
    ----------
    function
        A compiled function; it is not called, and shared variables stay as they are.
    inputs
        Arguments, in order or by name.
    expected
        Outputs, then next values of shared variables, that are right; those of the user's graph
        by the interpreter unless given.

    Returns
    -------
    Culprit
        `print` tells it.

    Raises
    ------
    VerifyError
        The user's graph itself does not give what is expected.

    >>> import symgraph.tensor as T
    >>> from symgraph.function import function
    >>> x = T.dvector("x")
    >>> f = function([x], T.log(1.0 + T.exp(x)))
    >>> bisect(f, [[1.0]]).kind, bisect(f, [[1000.0]]).name
    ('nothing', 'softplus_forms_1')
    """
    task = function.stages["user"]
    values = _values(function, inputs)
    graph = Graph(task.inputs, task.roots)
    events = recorded(graph, function.request.mode.rules)
    states = [n + 1 for n, (rule, _, _) in enumerate(events) if rule is not None]
    right = list(expected) if expected is not None else _results(graph, events[:0], values)
    problem = _problem(right, _results(graph, events[:0], values))
    if problem:
        raise VerifyError(f"the graph as written does not give what is expected: {problem}")
    if states and _problem(right, _results(graph, events, values)):
        return _first_wrong(graph, events, states, values, right)
    return _wrong_kernel(function, values)


def _values(function: Function, inputs: Sequence[Any] | Mapping[str, Any]) -> dict[Variable, Any]:
    named = inputs if isinstance(inputs, Mapping) else None
    found: dict[Variable, Any] = {s: s.get_value() for s in function.get_shared()}
    for place, spec in enumerate(function.inputs):
        given = named[str(spec.key)] if named is not None else inputs[place]  # type: ignore[index]
        held = on_device(given)
        value = given if held is None else held.numpy()
        found[spec.variable] = spec.variable.type.filter(value, allow_downcast=True)
    return found


def _problem(right: Sequence[Any], found: Sequence[Any]) -> str:
    problems = (difference(want, have) for want, have in zip(right, found, strict=True))
    return next(filter(None, problems), "")


def _first_wrong(
    graph: Graph,
    events: Sequence[tuple[Rule | None, Variable, Variable]],
    states: Sequence[int],
    values: Mapping[Variable, Any],
    right: Sequence[Any],
) -> Culprit:
    """The rewrite behind which results differ, by halving."""
    low, high = 0, len(states) - 1
    while low < high:
        middle = (low + high) // 2
        if _problem(right, _results(graph, events[: states[middle]], values)):
            high = middle
        else:
            low = middle + 1
    rule, old, _ = events[states[low] - 1]
    assert rule is not None
    problem = _problem(right, _results(graph, events[: states[low]], values))
    return Culprit("rewrite", rule.name, str(old.made_at), problem or "later, with others")


def _results(
    graph: Graph,
    events: Sequence[tuple[Rule | None, Variable, Variable]],
    values: Mapping[Variable, Any],
) -> list[Any]:
    """The outputs of the graph as it was after some rewrites, by the interpreter."""
    becomes = {old: new for _, old, new in events}
    known: dict[Variable, Any] = dict(values)

    def final(var: Variable) -> Variable:
        passed = {var}
        while var in becomes and becomes[var] not in passed:
            var = becomes[var]
            passed.add(var)
        return var

    stack = [final(var) for var in graph.outputs]
    while stack:
        var = stack[-1]
        if var in known:
            stack.pop()
        elif isinstance(var, Constant):
            known[var] = var.data
        else:
            assert var.owner is not None
            read = [final(v) for v in var.owner.inputs]
            missing = [v for v in read if v not in known]
            stack += missing
            if not missing:
                made = var.owner.op.evaluate(var.owner, [known[v] for v in read])
                known.update(zip(var.owner.outputs, made, strict=True))
    return [known[final(var)] for var in graph.outputs]


def _wrong_kernel(function: Function, values: Mapping[Variable, Any]) -> Culprit:
    """The first node of the compiled graph whose native value differs from the interpreter's."""
    task = function.stages["canonical"]
    nodes = [n for n in function.graph.toposort() if isinstance(n.outputs[0].type, TensorType)]
    wanted = tuple(out for node in nodes for out in node.outputs)
    arrays = [np.array(values[var]) for var in task.inputs]
    plain = replace(function.request.mode, rules=NOTHING, check=0, nan=False, inf=False)
    native = compile_task(Task(task.inputs, wanted), plain, "bisect", Trace())(arrays)
    right = interpret(wanted, dict(zip(task.inputs, arrays, strict=True)))
    for var, want, have in zip(wanted, right, native, strict=True):
        problem = difference(want, moved(have, CPU))
        if problem:
            assert var.owner is not None
            return Culprit("kernel", _kernel(function, var.owner), str(var.made_at), problem)
    return Culprit("nothing", "", "", "")


def _kernel(function: Function, node: Apply) -> str:
    steps = (step for plan in function.trace.plans for step in plan.body)
    names = (step_name(step) for step in steps if node in nodes_of(step))
    place = function.trace.places.get(node, CPU)
    where = "" if place == CPU else f" on {place}"
    return f"{next(names, 'of the driver')} ({node.op}){where}"


def suspect(function: Function, values: Sequence[Any]) -> str:
    """The rewrite or kernel that makes a call of a function differ, as the note of an error."""
    return str(bisect(function, values))
