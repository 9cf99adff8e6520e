"""The report: one HTML page that shows all there is to know of a compiled function."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from symgraph.backends.numba.text import expression
from symgraph.errors import ExportError
from symgraph.function import Function
from symgraph.graph import Apply, Graph, Variable
from symgraph.interpret import interpret
from symgraph.lower.measure import elements_of, shape_of
from symgraph.lower.program import is_work
from symgraph.profile import Profile, Row, StepTime, duration
from symgraph.progress import working
from symgraph.show.costs import Costs, Data
from symgraph.show.history import History, history_of
from symgraph.show.page import graph_data, node_data, page
from symgraph.show.printing import graphs_of
from symgraph.show.remarks import remarks_on
from symgraph.show.steps import steps_view
from symgraph.show.subject import Subject, subject_of
from symgraph.show.values import summary_of
from symgraph.show.view import view_and_ids
from symgraph.show.words import leaf_text, visible

LONGEST = 0.5  # seconds that measuring takes, more or less
WARM = 2  # calls before that: they start threads and touch memory for the first time
MOST_CALLS = 200
CANONICAL, STEPS = "c", "k"  # what stands before the ids of their boxes
Inputs = Mapping[str, Any] | Sequence[Any] | str | Path


def report(
    function: Function,
    path: str | Path | None = None,
    inputs: Inputs | None = None,
    assembly: bool = False,
) -> str:
    """Write a page about a compiled function: its graph, every rewrite, kernels, time, memory.

    Parameters
    ----------
    function
        A compiled function.
    path
        The HTML file to write; if None nothing is written.
    inputs
        Arguments to measure with, a dict, a sequence, or an `.npz` file of them. The function
        is called some times on copies of its shared variables, whose values stay as they are,
        and interpreted once for the range of every value. Without, the page tells formulas
        instead of sizes, and no times or values.
    assembly
        Whether to list the machine code of kernels.

    Returns
    -------
    The page.

    Raises
    ------
    ExportError
        `function` is no compiled function.

    >>> import symgraph.tensor as T
    >>> from symgraph.function import function
    >>> x = T.dvector("x")
    >>> f = function([x], (x * 2).sum())
    >>> report(f, inputs={"x": [1.0, 2.0]})[:15]
    '<!doctype html>'
    """
    if not isinstance(function, Function):
        raise ExportError(f"a report is of a compiled function, not of a {type(function).__name__}")
    measured = function.copy(name=function.name, profile=True)
    values: dict[Variable, str] = {}
    if inputs is not None:
        args = arguments_of(measured, inputs)
        with working("measuring"):
            _run(measured, args)
        with working("computing the range of every value"):
            values = _values(measured, args)
    with working("gathering rewrites, kernels and costs"):
        data = _Report(measured, inputs is not None, assembly, values).data()
    data["compile"] = [[name, spent] for name, spent in function.trace.seconds.items()]
    text = page(data)
    if path is not None:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    return text


# --- measuring -------------------------------------------------------------------------------


def _run(function: Function, args: Sequence[Any]) -> None:
    """Call a function until its times are steady."""
    with _borrowed(function):
        for _ in range(WARM):
            function(*args)
        assert function.profile is not None
        function.profile.reset()
        start, calls = time.perf_counter(), 0
        while not calls or (time.perf_counter() - start < LONGEST and calls < MOST_CALLS):
            function(*args)
            calls += 1


def arguments_of(function: Function, inputs: Inputs) -> list[Any]:
    """The arguments in order, from a sequence, a dict, or a file of them."""
    values = dict(np.load(inputs)) if isinstance(inputs, str | Path) else inputs
    if isinstance(values, Mapping):
        return list(function.arguments((), values))
    return list(function.arguments(tuple(values), {}))


@contextmanager
def _borrowed(function: Function) -> Iterator[None]:
    """Copies in place of the values of shared variables."""
    kept = [(shared.container, shared.container.value) for shared in function.get_shared()]
    for container, value in kept:
        container.value = deepcopy(value)
    try:
        yield
    finally:
        for container, value in kept:
            container.value = value


def _values(function: Function, args: Sequence[Any]) -> dict[Variable, str]:
    """The range of every value of the compiled graph, by the interpreter."""
    task = function.stages["canonical"]
    arrays = function.arrays(args)
    if len(arrays) != len(task.inputs):  # sparse matrices, which are taken apart
        return {}
    known = dict(zip(task.inputs, arrays, strict=True))
    found = {var: summary_of(value).words for var, value in known.items() if _is_array(value)}

    def watch(node: Apply, operands: Sequence[Any], results: Sequence[Any] | None) -> None:
        pairs = zip(node.outputs, results or (), strict=bool(results))
        found.update((var, summary_of(value).words) for var, value in pairs if _is_array(value))

    interpret(task.roots, known, watch)
    return found


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic)


# --- the data of the page --------------------------------------------------------------------


class _Report:
    """Gathers what the page shows."""

    def __init__(
        self, function: Function, is_measured: bool, assembly: bool, values: Mapping[Variable, str]
    ) -> None:
        self.function, self.trace, self.values = function, function.trace, values
        assert function.profile is not None
        self.profile: Profile = function.profile
        self.calls = max(self.profile.calls, 1) if is_measured else 0
        self.assembly = function.assembly() if assembly and self.trace.plans else ""
        self.costs = Costs(function, self.profile, self.calls)
        self.spent = self.profile.nodes() if self.calls else {}
        self.info: dict[str, Data] = {}
        self.boxes: dict[Apply, str] = {}  # in the compiled graph, or in one inside an op of it

    def data(self) -> Data:
        """All of it, as the page reads it."""
        history = self._history()
        stages = [{"history": True}, *self._stages()]
        return {
            "title": visible(self.function.name),
            "stages": stages,
            "history": _history_data(history),
            "start": len(history.frames),
            "info": self.info,
            "kernels": [self._kernel(group) for group, _ in enumerate(self.costs.groups)],
            "steps": list(self.costs.rows()),
            "lines": [self._line(row) for row in self.profile.by_line()] if self.calls else [],
            "classes": [self._class(row) for row in self.profile.by_op()] if self.calls else [],
            "facts": self._facts(),
            "remarks": [vars(remark) for remark in remarks_on(self.function)],
        }

    def _stages(self) -> Iterator[Data]:
        kernels = f"{len(self.trace.kernels)} kernels, by colour"
        note = f"as it is compiled: {kernels}" if self.trace.kernels else "as it runs"
        subject = subject_of(self.function)
        yield self._stage("canonical", note, subject, CANONICAL) | {"canonical": True}
        yield from self._inner_stages(subject, CANONICAL)
        if self.trace.plans:
            note = "what one call does, and the arrays between"
            graph = graph_data(steps_view(self.function), STEPS)
            yield {"name": "steps", "note": note, "graph": graph, "clusters": "loops and choices"}
            for place, timed in enumerate(self.costs.steps):
                self.info[f"{STEPS}{_prefix(timed)}{timed.box}"] = self.costs.step(place)

    def _inner_stages(self, outer: Subject, prefix: str) -> Iterator[Data]:
        """The graphs inside ops, as they were compiled: what loops do at each step."""
        for place, node in enumerate(outer.toposort()):
            for number, graph in enumerate(self._graphs_of(node)):
                mark = f"{prefix}i{place}g{number}"
                inner = Subject(graph.inputs, graph.outputs, fusions=outer.fusions)
                name = f"inside {visible(str(node.op))}"
                yield self._stage(name, visible(str(node.made_at)), inner, mark)
                self.info[self.boxes[node]].setdefault("inside", []).append(mark)
                yield from self._inner_stages(inner, mark)

    def _graphs_of(self, node: Apply) -> list[Graph]:
        """The graphs in an op; of a loop the copy that was lowered."""
        own = (part.sizes.bodies.get(node) for part in self.trace.lowered)
        compiled = [graph for graph in own if graph is not None]
        return compiled or graphs_of(node.op)

    def _stage(self, name: str, note: str, subject: Subject, prefix: str) -> Data:
        """A graph, with what is known of its boxes."""
        view, ids = view_and_ids(subject)
        for item, box in ids.items():
            self.info[prefix + box] = self._box(item)
            if isinstance(item, Apply):
                self.boxes[item] = prefix + box
        return {"id": prefix, "name": name, "note": note, "graph": graph_data(view, prefix)}

    def _history(self) -> History:
        task = self.function.stages["user"]
        names = [visible(v.name or f"output {n}") for n, v in enumerate(task.outputs)]
        names += [f"{leaf_text(shared)} ←" for shared, _ in task.updates]
        rules = self.function.request.mode.rules
        return history_of(Graph(task.inputs, task.roots), rules, names)

    # --- boxes -------------------------------------------------------------------------------

    def _box(self, item: Apply | Variable) -> Data:
        """What is known of a box: shape, memory and values, kernel and time."""
        var = item if isinstance(item, Variable) else item.outputs[0]
        found = self._variable(var)
        if var in self.values:
            found["values"] = self.values[var]
        if isinstance(item, Apply):
            if item in self.costs.kernel_of:
                found["kernel"] = self.costs.kernel_of[item]
            spent = self._spent(item)
            if spent:
                found["seconds"] = spent / self.calls
                found["share"] = spent / (self.profile.step_seconds or 1.0)
        return found

    def _spent(self, node: Apply) -> float:
        """The seconds of a node, with those of the graphs inside it."""
        inner = (part for graph in self._graphs_of(node) for part in graph.toposort())
        return self.spent.get(node, 0.0) + sum(map(self._spent, inner))

    def _variable(self, var: Variable) -> Data:
        """Shape and memory of a variable, where lowering knows it."""
        for part, lowered in enumerate(self.trace.lowered):
            if not lowered.sizes.knows(var):
                continue
            dims, known = lowered.sizes.dims(var), self.costs.known[part]
            found: Data = {"formula": f"({', '.join(map(expression, dims))})"}
            if self.calls:
                shape = shape_of(var, lowered.sizes, known)
                found["shape"] = f"({', '.join('?' if n is None else str(n) for n in shape)})"
                found["bytes"] = elements_of(var, lowered.sizes, known) * _width(var)
            buffer = lowered.buffers.get(var)
            slot = None if buffer is None else self.trace.plans[part].slot_of.get(buffer)
            found["memory"] = f"array {buffer.name}" if buffer else "in registers, not in memory"
            found["slot"] = "" if slot is None else f"slot {slot} of the arena"
            return found
        return {}

    # --- the rest ----------------------------------------------------------------------------

    def _kernel(self, group: int) -> Data:
        nodes = [node for node in self.costs.nodes(group) if node in self.boxes]
        data = self.costs.kernel(group) | {"nodes": [self.boxes[node] for node in nodes]}
        data["assembly"] = self.costs.listing(group, self.assembly)
        return data

    def _line(self, row: Row) -> Data:
        seconds = row.seconds / self.calls
        ops = ", ".join(row.ops)
        return {"place": visible(row.what), "seconds": seconds, "share": row.share, "ops": ops}

    def _class(self, row: Row) -> Data:
        seconds = row.seconds / self.calls
        return {"name": row.what, "count": row.count, "seconds": seconds, "share": row.share}

    def _facts(self) -> list[list[str]]:
        facts = [
            ["kernels", str(len(self.trace.kernels))],
            ["steps", str(len(self.costs.steps))],
        ]
        if self.calls:
            facts += [
                ["a call", duration(self.profile.seconds / self.calls)],
                ["calls measured", str(self.calls)],
                ["temporary memory", f"{self.profile.memory_peak / 1e6:.3g} MB"],
            ]
        counts = Counter(is_work(s) for plan in self.trace.plans for s in plan.body)
        facts.append(["scalars, guards, allocations", str(counts[False])])
        return facts


def _history_data(history: History) -> Data:
    frames = [vars(frame) for frame in history.frames]
    return {"nodes": {box: node_data(n) for box, n in history.nodes.items()}, "frames": frames}


def _prefix(timed: StepTime) -> str:
    return f"p{timed.part}" if timed.part else ""


def _width(var: Variable) -> int:
    return np.dtype(getattr(var.type, "dtype", "V1")).itemsize
