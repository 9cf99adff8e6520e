"""What the steps and kernels of a measured function cost: time, bytes moved, memory in use."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from symgraph.backends.numba.text import kernel_text
from symgraph.function import Function
from symgraph.graph import Apply
from symgraph.kernel import Buffer
from symgraph.lower.measure import elements_of, number
from symgraph.lower.program import Allocate, Launch, Slice, Step, every, touched
from symgraph.profile import Profile, StepTime, nodes_of, step_name
from symgraph.show.steps import accesses, lines_of

Data = dict[str, Any]


class Costs:
    """The costs of a function's steps, those of loops in place of these.

    Attributes
    ----------
    calls
        How many calls were measured; 0 if none was, and then only formulas are known.
    steps
        The steps, in order.
    known
        For each part of the function the sizes of the last call, by name.
    """

    def __init__(self, function: Function, profile: Profile, calls: int) -> None:
        self.trace, self.profile, self.calls = function.trace, profile, calls
        parts = range(len(self.trace.plans))
        self.known = [profile.sizes(part) if calls else {} for part in parts]
        self.steps: list[StepTime] = []
        self.loop_of: dict[int, StepTime] = {}  # the outermost loop or choice of a step, by place
        for outer in profile.steps:
            for leaf in outer.leaves:
                if leaf is not outer:
                    self.loop_of[len(self.steps)] = outer
                self.steps.append(leaf)
        self.groups = list(self._grouped())
        self.group_of = {place: n for n, places in enumerate(self.groups) for place in places}
        self.kernel_of: dict[Apply, int] = {}
        for n, places in reversed(list(enumerate(self.groups))):
            for place in places:
                self.kernel_of |= dict.fromkeys(nodes_of(self.steps[place].step), n)

    def _grouped(self) -> Iterator[list[int]]:
        """The places of the steps that run the same kernel, or the same kind of call."""
        groups: dict[Any, list[int]] = defaultdict(list)
        for place, timed in enumerate(self.steps):
            if isinstance(timed.step, Launch):
                groups[timed.step.kernel, timed.part].append(place)
            else:
                groups[step_name(timed.step), 0].append(place)
        yield from groups.values()

    # --- kernels -----------------------------------------------------------------------------

    def kernel(self, group: int) -> Data:
        """What a kernel is, and costs in all its runs of one call."""
        places = self.groups[group]
        rows = [self.step(place) for place in places]
        steps = [self.steps[place].step for place in places]
        first = steps[0]
        data: Data = {
            "name": step_name(first),
            "launches": round(sum(self.steps[place].runs for place in places)),
            "lines": list(dict.fromkeys(line for step in steps for line in lines_of(step))),
            "source": kernel_text(first.kernel) if isinstance(first, Launch) else "",
        }
        if self.calls:
            seconds, moved = (sum(row[key] for row in rows) for key in ("seconds", "bytes"))
            data |= {"seconds": seconds, "bytes": moved, "rate": moved / seconds if seconds else 0}
            data["share"] = sum(row["share"] for row in rows)
            data["work"] = sum(row.get("work", 0) for row in rows)
        return data

    def nodes(self, group: int) -> list[Apply]:
        """The nodes that a kernel computes."""
        steps = (self.steps[place].step for place in self.groups[group])
        return list(dict.fromkeys(node for step in steps for node in nodes_of(step)))

    def listing(self, group: int, assembly: str) -> str:
        """The part of `Function.assembly()` that is a kernel's."""
        first = self.steps[self.groups[group][0]].step
        parts = re.split(r"^# (\w+)$", assembly, flags=re.M)
        listed = dict(zip(parts[1::2], parts[2::2], strict=True))
        return listed.get(first.kernel.name, "").strip() if isinstance(first, Launch) else ""

    # --- steps -------------------------------------------------------------------------------

    def step(self, place: int) -> Data:
        """What a step costs in one call, and its kernel."""
        timed = self.steps[place]
        found: Data = {"bytes": self._moved(timed), "kernel": self.group_of[place]}
        if self.calls:
            found["seconds"] = timed.seconds / self.calls
            found["share"] = timed.seconds / (self.profile.step_seconds or 1.0)
            if isinstance(timed.step, Launch):
                work = number(timed.step.work, self.known[timed.part]) or 0
                found["work"] = round(work * timed.runs)
        return found

    def rows(self) -> Iterator[Data]:
        """The steps, with the memory that is in use while each runs."""
        for place, timed in enumerate(self.steps):
            row: Data = {"name": step_name(timed.step), "lines": list(lines_of(timed.step))}
            loop = self.loop_of.get(place)
            if loop is not None:
                row |= {"loop": f"{loop.name} {loop.part}.{loop.place}", "runs": round(timed.runs)}
            yield row | self.step(place) | {"live": self._live(timed)}

    def _moved(self, timed: StepTime) -> int | None:
        """The bytes that a step reads and writes in a call, each array counted once a run."""
        if not self.calls:
            return None
        access = accesses(timed.step)
        touched_once = (*dict.fromkeys(access.reads), *dict.fromkeys(access.writes))
        lengths = self._lengths[timed.part]
        return round(sum(lengths.get(buffer, 0) for buffer in touched_once) * timed.runs)

    @cached_property
    def _lengths(self) -> list[dict[Buffer, int]]:
        """The bytes of each array of each part; of what is cut up, those of the piece."""
        return [self._lengths_of(part) for part in range(len(self.trace.plans))]

    def _lengths_of(self, part: int) -> dict[Buffer, int]:
        plan, known, lowered = self.trace.plans[part], self.known[part], self.trace.lowered[part]
        found = {
            buffer: elements_of(var, lowered.sizes, known) * _size(buffer)
            for var, buffer in lowered.buffers.items()
            if lowered.sizes.knows(var)
        }
        for p in plan.program.parameters:
            found[p.buffer] = int(np.prod([known.get(n, 1) for n in p.sizes])) * _size(p.buffer)
        for step in every(plan.body):
            if isinstance(step, Allocate):
                found[step.buffer] = (number(step.length, known) or 1) * _size(step.buffer)
        for step in every(plan.body):
            if isinstance(step, Slice) and step.buffer not in found:
                found[step.buffer] = found.get(step.source, 0)
        return found

    def _live(self, timed: StepTime) -> int | None:
        """The bytes of temporaries that are in use while a step runs."""
        if not self.calls:
            return None
        lengths = self._lengths[timed.part]
        spans = self._spans[timed.part].items()
        return sum(lengths[b] for b, (first, last) in spans if first <= timed.place <= last)

    @cached_property
    def _spans(self) -> list[dict[Buffer, tuple[int, int]]]:
        return [_spans_of(plan.body) for plan in self.trace.plans]


def _spans_of(body: Sequence[Step]) -> dict[Buffer, tuple[int, int]]:
    """From which step to which each temporary is in use; those of a loop while it runs."""
    first = {
        inner.buffer: n
        for n, step in enumerate(body)
        for inner in every([step])
        if isinstance(inner, Allocate) and inner.role == "temporary"
    }
    last = {buffer: n for n, step in enumerate(body) for buffer in touched(step)}
    return {buffer: (n, last.get(buffer, n)) for buffer, n in first.items()}


def _size(buffer: Buffer) -> int:
    return np.dtype(buffer.dtype).itemsize
