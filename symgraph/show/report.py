"""The report: one HTML page that shows all there is to know of a compiled function."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from symgraph.backends.numba.text import expression, kernel_text
from symgraph.errors import ExportError
from symgraph.function import Function
from symgraph.graph import Apply, Graph, Variable
from symgraph.kernel import Buffer
from symgraph.lower.measure import elements_of, number, shape_of
from symgraph.lower.program import Allocate, Launch, Step, is_work, touched
from symgraph.profile import Profile, Row, StepTime, duration, nodes_of, step_name
from symgraph.show.history import History, history_of
from symgraph.show.page import graph_data, node_data, page
from symgraph.show.printing import graphs_of
from symgraph.show.remarks import remarks_on
from symgraph.show.steps import accesses, lines_of, steps_view
from symgraph.show.subject import Subject, subject_of
from symgraph.show.view import view_and_ids, view_of
from symgraph.show.words import leaf_text, visible

LONGEST = 0.5  # seconds that measuring takes, more or less
WARM = 2  # calls before that: they start threads and touch memory for the first time
MOST_CALLS = 200
CANONICAL, STEPS = "c", "k"  # what stands before the ids of their boxes
Data = dict[str, Any]
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
        is called some times on copies of its shared variables, whose values stay as they are.
        Without, the page tells formulas instead of sizes, and no times.
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
    if inputs is not None:
        _run(measured, inputs)
    data = _Report(measured, inputs is not None, assembly).data()
    data["compile"] = [[name, spent] for name, spent in function.trace.seconds.items()]
    text = page(data)
    if path is not None:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    return text


# --- measuring -------------------------------------------------------------------------------


def _run(function: Function, inputs: Inputs) -> None:
    """Call a function until its times are steady."""
    values = dict(np.load(inputs)) if isinstance(inputs, str | Path) else inputs
    args, named = ((), dict(values)) if isinstance(values, Mapping) else (tuple(values), {})
    with _borrowed(function):
        for _ in range(WARM):
            function(*args, **named)
        assert function.profile is not None
        function.profile.reset()
        start, calls = time.perf_counter(), 0
        while not calls or (time.perf_counter() - start < LONGEST and calls < MOST_CALLS):
            function(*args, **named)
            calls += 1


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


# --- the data of the page --------------------------------------------------------------------


class _Report:
    """Gathers what the page shows."""

    def __init__(self, function: Function, is_measured: bool, assembly: bool) -> None:
        self.function, self.trace = function, function.trace
        assert function.profile is not None
        self.profile: Profile = function.profile
        self.calls = max(self.profile.calls, 1) if is_measured else 0
        self.assembly = assembly
        self.known = [self.profile.sizes(part) if self.calls else {} for part in self._parts()]
        self.view, self.ids = view_and_ids(subject_of(function))
        self.steps = self.profile.steps
        self.kernel_of: dict[Apply, int] = {}

    def _parts(self) -> range:
        return range(len(self.trace.plans))

    def data(self) -> Data:
        """All of it, as the page reads it."""
        kernels = self._kernels()
        history = self._history()
        return {
            "title": visible(self.function.name),
            "stages": self._stages(),
            "history": _history_data(history),
            "start": len(history.frames),
            "info": self._info(),
            "kernels": kernels,
            "steps": list(self._step_rows()),
            "lines": [self._line(row) for row in self.profile.by_line()] if self.calls else [],
            "classes": [self._class(row) for row in self.profile.by_op()] if self.calls else [],
            "facts": self._facts(),
            "remarks": [vars(remark) for remark in remarks_on(self.function)],
        }

    def _stages(self) -> list[Data]:
        stages: list[Data] = [{"history": True}]
        kernels = f"{len(self.trace.kernels)} kernels, by colour"
        stages.append(
            {
                "name": "canonical",
                "note": f"as it is compiled: {kernels}" if self.trace.kernels else "as it runs",
                "canonical": True,
                "graph": graph_data(self.view, CANONICAL),
            }
        )
        if self.trace.plans:
            note = "what one call does, and the arrays between"
            graph = graph_data(steps_view(self.function), STEPS)
            stages.append({"name": "steps", "note": note, "graph": graph})
        return [*stages, *self._inner_stages()]

    def _inner_stages(self) -> Iterator[Data]:
        """The graphs inside ops: what loops do at each step."""
        for place, node in enumerate(self.function.graph.toposort()):
            for graph in graphs_of(node.op):
                view = view_of(Subject(graph.inputs, graph.outputs))
                yield {
                    "name": f"inside {visible(str(node.op))}",
                    "note": visible(str(node.made_at)),
                    "graph": graph_data(view, f"i{place}"),
                }

    def _history(self) -> History:
        task = self.function.stages["user"]
        names = [visible(v.name or f"output {n}") for n, v in enumerate(task.outputs)]
        names += [f"{leaf_text(shared)} ←" for shared, _ in task.updates]
        rules = self.function.request.mode.rules
        return history_of(Graph(task.inputs, task.roots), rules, names)

    # --- boxes -------------------------------------------------------------------------------

    def _info(self) -> dict[str, Data]:
        spent = self.profile.nodes() if self.calls else {}
        info: dict[str, Data] = {}
        for item, box in self.ids.items():
            var = item if isinstance(item, Variable) else item.outputs[0]
            found = self._variable(var)
            if isinstance(item, Apply):
                if item in self.kernel_of:
                    found["kernel"] = self.kernel_of[item]
                if item in spent:
                    found["seconds"] = spent[item] / self.calls
                    found["share"] = spent[item] / (self.profile.step_seconds or 1.0)
            info[CANONICAL + box] = found
        for place, timed in enumerate(self.steps):
            info[f"{STEPS}{_prefix(timed)}s{timed.place}"] = self._of_step(place)
        return info

    def _variable(self, var: Variable) -> Data:
        """Shape and memory of a variable, where lowering knows it."""
        for part, lowered in enumerate(self.trace.lowered):
            if not lowered.sizes.knows(var):
                continue
            dims, known = lowered.sizes.dims(var), self.known[part]
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

    # --- kernels and steps -------------------------------------------------------------------

    def _kernels(self) -> list[Data]:
        groups: dict[Any, list[int]] = defaultdict(list)
        for place, timed in enumerate(self.steps):
            key = timed.step.kernel if isinstance(timed.step, Launch) else step_name(timed.step)
            groups[key, timed.part if isinstance(timed.step, Launch) else 0].append(place)
        self.group_of = {place: n for n, places in enumerate(groups.values()) for place in places}
        return [self._kernel(n, key, places) for n, ((key, _), places) in enumerate(groups.items())]

    def _kernel(self, number_: int, key: Any, places: list[int]) -> Data:
        rows = [self._of_step(place) for place in places]
        steps = [self.steps[place].step for place in places]
        nodes = list(dict.fromkeys(node for step in steps for node in nodes_of(step)))
        self.kernel_of = dict.fromkeys(nodes, number_) | self.kernel_of
        data: Data = {
            "name": step_name(steps[0]),
            "launches": len(places),
            "lines": list(dict.fromkeys(line for step in steps for line in lines_of(step))),
            "nodes": [CANONICAL + self.ids[node] for node in nodes if node in self.ids],
            "source": kernel_text(key) if isinstance(steps[0], Launch) else "",
        }
        if self.assembly and isinstance(steps[0], Launch):
            data["assembly"] = self._listing.get(steps[0].kernel.name, "").strip()
        if self.calls:
            seconds, moved = (sum(row[key] for row in rows) for key in ("seconds", "bytes"))
            data |= {"seconds": seconds, "bytes": moved, "rate": moved / seconds if seconds else 0}
            data["share"] = sum(row["share"] for row in rows)
            data["work"] = sum(row.get("work", 0) for row in rows)
        return data

    @cached_property
    def _listing(self) -> dict[str, str]:
        """The machine code of each kernel, by its name."""
        parts = re.split(r"^# (\w+)$", self.function.assembly(), flags=re.M)
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    def _of_step(self, place: int) -> Data:
        timed = self.steps[place]
        found: Data = {"bytes": self._moved(timed)}
        if self.calls:
            found["seconds"] = timed.seconds / self.calls
            found["share"] = timed.seconds / (self.profile.step_seconds or 1.0)
            if isinstance(timed.step, Launch):
                found["work"] = number(timed.step.work, self.known[timed.part]) or 0
        if place in getattr(self, "group_of", {}):
            found["kernel"] = self.group_of[place]
        return found

    def _step_rows(self) -> Iterator[Data]:
        for place, timed in enumerate(self.steps):
            row = {"name": step_name(timed.step), "lines": list(lines_of(timed.step))}
            yield row | self._of_step(place) | {"live": self._live(timed)}

    def _moved(self, timed: StepTime) -> int | None:
        """The bytes that a step reads and writes, each array counted once."""
        access = accesses(timed.step)
        touched_once = (*dict.fromkeys(access.reads), *dict.fromkeys(access.writes))
        lengths = self._lengths(timed.part)
        return sum(lengths.get(buffer, 0) for buffer in touched_once) if self.calls else None

    def _lengths(self, part: int) -> dict[Buffer, int]:
        """The bytes of each array of a part."""
        program, known = self.trace.plans[part].program, self.known[part]
        found = {
            p.buffer: int(np.prod([known.get(n, 1) for n in p.sizes])) * _size(p.buffer)
            for p in program.parameters
        }
        for step in self.trace.plans[part].steps:
            if isinstance(step, Allocate):
                found[step.buffer] = (number(step.length, known) or 1) * _size(step.buffer)
        return found

    def _live(self, timed: StepTime) -> int | None:
        """The bytes of temporaries that are in use while a step runs."""
        if not self.calls:
            return None
        spans = self._spans(timed.part)
        lengths = self._lengths(timed.part)
        alive = (b for b, (first, last) in spans.items() if first <= timed.place <= last)
        return sum(lengths[buffer] for buffer in alive)

    def _spans(self, part: int) -> dict[Buffer, tuple[int, int]]:
        """From which step to which each temporary is in use."""
        body: Sequence[Step] = self.trace.plans[part].body
        first = {
            step.buffer: n
            for n, step in enumerate(body)
            if isinstance(step, Allocate) and step.role == "temporary"
        }
        last = {buffer: n for n, step in enumerate(body) for buffer in touched(step)}
        return {buffer: (n, last.get(buffer, n)) for buffer, n in first.items()}

    # --- the rest ----------------------------------------------------------------------------

    def _line(self, row: Row) -> Data:
        seconds = row.seconds / self.calls
        ops = ", ".join(row.ops)
        return {"place": visible(row.what), "seconds": seconds, "share": row.share, "ops": ops}

    def _class(self, row: Row) -> Data:
        seconds = row.seconds / self.calls
        return {"name": row.what, "count": row.count, "seconds": seconds, "share": row.share}

    def _facts(self) -> list[list[str]]:
        facts = [["kernels", str(len(self.trace.kernels))], ["steps", str(len(self.steps))]]
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


def _size(buffer: Buffer) -> int:
    return np.dtype(buffer.dtype).itemsize


def _width(var: Variable) -> int:
    return np.dtype(getattr(var.type, "dtype", "V1")).itemsize


Function.report = report
