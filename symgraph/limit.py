"""What a call of a function takes, and functions that keep to a limit.

`predict` adds up the footprints of whatever runs a function. `Limited` looks at the shapes of a
call before it runs: if the program would take too much, it looks for one that computes cheap values
twice, and keeps it for the next call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.errors import MemoryLimitError
from symgraph.footprint import Footprint, Held, Measured, Shape, held, readable
from symgraph.graph import Apply, Variable
from symgraph.lower.lower import Lowered, lower
from symgraph.lower.recompute import Again, Draft, candidates
from symgraph.memory import Plan, plan
from symgraph.pipeline import Trace
from symgraph.runners import Arrays, Chain, Compared, Native, Runner, Task
from symgraph.shared import SharedVariable
from symgraph.spread import Copies, OnGpu, Spread
from symgraph.types import TensorType

TRIALS = 200  # programs that are looked at, at most
Values = Mapping[Variable, int]
Compile = Callable[[Task, Trace, Mapping[Apply, Variable]], Native]


def predict(runner: Runner, task: Task, shapes: Sequence[Shape], values: Values) -> Footprint:
    """The footprint of a call of `runner` with arguments of these shapes."""
    if isinstance(runner, Limited):
        return predict(runner.for_shapes(shapes, values), task, shapes, values)
    if isinstance(runner, Compared):
        return predict(runner.native, task, shapes, values)
    if isinstance(runner, Chain):
        return _of_chain(runner, shapes, values)
    if isinstance(runner, Spread):
        return _of_spread(runner, shapes, values)
    if isinstance(runner, Native):
        return _measured(runner, shapes, values).footprint(roles(task))
    return Footprint((*_given(task, shapes), *map(_made, task.outputs)), 0)


def roles(task: Task) -> dict[Variable, str]:
    """What the inputs of a task are."""
    return {v: "shared" for v in task.inputs if isinstance(v, SharedVariable)}


def _measured(runner: Native, shapes: Sequence[Shape], values: Values) -> Measured:
    return Measured(runner.lowered, runner.plan, shapes, values, config.workers)


def _of_chain(chain: Chain, shapes: Sequence[Shape], values: Values) -> Footprint:
    """All parts together: what a part returns is held until the end, and results are copied."""
    known = dict(zip(chain.task.inputs, shapes, strict=True))
    whole = Footprint(tuple(_given(chain.task, shapes)), 0)
    for part, run in chain.parts:
        made: list[Held]
        if isinstance(run, Native):
            measured = _measured(run, [known[v] for v in part.inputs], values)
            known |= dict(zip(part.outputs, measured.results, strict=True))
            inside = measured.footprint({})
            made = [h for h in inside.held if h.role != "argument"]
            whole += Footprint(tuple(made), inside.arena)
        else:
            known |= {var: _static(var) for var in part.outputs}
            whole += Footprint(tuple(map(_made, part.outputs)), 0)
    copies = (_made(var, known.get(var)) for var in chain.task.roots)
    return whole + Footprint(tuple(copies), 0)


def _of_spread(spread: Spread, shapes: Sequence[Shape], values: Values) -> Footprint:
    """All devices together: copies and what parts return are held until the end."""
    known = dict(zip(spread.task.inputs, shapes, strict=True))
    whole = Footprint(tuple(_given(spread.task, shapes)), 0)
    for part in spread.parts:
        task, run = part.task, part.run
        native = run.native if isinstance(run, OnGpu) else run
        if isinstance(run, Copies):
            known |= {var: known[source] for source, var in run.pairs}
            copies = (_made(var, known[var], "temporary") for _, var in run.pairs)
            whole += Footprint(tuple(copies), 0)
        elif isinstance(native, Native):
            measured = _measured(native, [known[v] for v in task.inputs], values)
            known |= dict(zip(task.outputs, measured.results, strict=False))
            inside = measured.footprint({})
            made = tuple(h for h in inside.held if h.role != "argument")
            whole += Footprint(made, inside.arena)
        else:
            known |= {var: _static(var) for var in task.outputs}
            whole += Footprint(tuple(map(_made, task.outputs)), 0)
    return whole


def _given(task: Task, shapes: Sequence[Shape]) -> list[Held]:
    kinds = roles(task)
    return [
        held(str(v), kinds.get(v, "argument"), _dtype(v), shape, v.made_at)
        for v, shape in zip(task.inputs, shapes, strict=True)
    ]


def _made(var: Variable, shape: Shape | None = None, role: str = "output") -> Held:
    return held(str(var), role, _dtype(var), shape or _static(var), var.made_at)


def _dtype(var: Variable) -> str:
    return var.type.dtype if isinstance(var.type, TensorType) else "uint8"


def _static(var: Variable) -> Shape:
    """What a variable's type says of its shape; of what is no tensor, nothing."""
    if not isinstance(var.type, TensorType):
        return (None,)
    return tuple(n if isinstance(n, int) else None for n in var.type.shape)


@dataclass(frozen=True)
class Variant:
    """A program for the task, some values computed again."""

    again: Mapping[Variable, Again]
    task: Task
    late: Mapping[Apply, Variable]
    lowered: Lowered
    plan: Plan

    def footprint(self, shapes: Sequence[Shape], values: Values) -> Footprint:
        """What a call takes."""
        measured = Measured(self.lowered, self.plan, shapes, values, config.workers)
        return measured.footprint(roles(self.task))


@dataclass
class Limited:
    """Runs a task within a limit on memory; what fits is decided for each shape of arguments."""

    limit: int
    name: str
    task: Task
    first: Runner
    trace: Trace
    compile: Compile
    _programs: dict[Any, Runner] = field(default_factory=dict)
    _variants: list[tuple[Variant, Native]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.replaced = self.first.replaced

    def __call__(self, arrays: Arrays) -> Arrays:
        """Run the first program that fits; TypeError for what is no array, as `Native`."""
        try:
            key = tuple(_key(array) for array in arrays)
        except AttributeError:
            raise TypeError("an argument is no array") from None
        found = self._programs.get(key)
        if found is None:
            values = values_of(self.task, arrays)
            found = self.for_shapes([np.shape(a) for a in arrays], values)
            self._programs[key] = found
        return found(arrays)

    def for_shapes(self, shapes: Sequence[Shape], values: Values) -> Runner:
        """A program that fits, for arguments of these shapes; else `MemoryLimitError`."""
        usual = predict(self.first, self.task, shapes, values)
        if usual.peak <= self.limit:
            return self.first
        for variant, runner in self._variants:
            if variant.footprint(shapes, values).peak <= self.limit:
                return runner
        best, least = self._tightened(shapes, values, usual.peak)
        if best is None or least > self.limit:
            raise MemoryLimitError(self._refusal(usual, least))
        trace = Trace(clocked=self.trace.clocked)
        runner = self.compile(best.task, trace, best.late)
        self._variants.append((best, runner))
        self.trace.adopt(trace)
        return runner

    def _tightened(
        self, shapes: Sequence[Shape], values: Values, peak: int
    ) -> tuple[Variant | None, int]:
        """The program that computes as little twice as will do, or else takes least."""
        if not isinstance(self.first, Native):
            return None, peak
        start = self._variant({})
        offered = candidates(start.plan.body, self.task.roots, self.task.inputs)
        best, trials = start, 0
        rejected: list[Again] = []
        while offered and trials < TRIALS and peak > self.limit:
            again, *offered = offered
            tried = self._variant({**best.again, again.variable: again})
            trials += 1
            size = tried.footprint(shapes, values).peak
            if size >= peak:
                rejected.append(again)
                continue
            best, peak = tried, size
            offered, rejected = [*offered, *rejected], []
        return best, peak

    def _variant(self, again: Mapping[Variable, Again]) -> Variant:
        draft = Draft(self.task.roots, self.task.inputs, again)
        task = self.task.with_roots(draft.make())
        lowered = lower(task.inputs, task.outputs, task.updates, draft.late)
        return Variant(again, task, draft.late, lowered, plan(lowered.program))

    def _refusal(self, usual: Footprint, least: int) -> str:
        largest = sorted(usual.held, key=lambda h: -(h.size or 0))[:3]
        lines = "".join(f"\n  {h}" for h in largest)
        return (
            f"{self.name} would take {readable(usual.peak)} ({usual.peak} bytes) for arguments of"
            f" these shapes; its memory_limit is {readable(self.limit)}, and the least that"
            f" computing values twice gets to is {readable(least)} ({least} bytes). Pass smaller"
            f" arguments, or memory_limit={least}. The largest blocks:{lines}"
        )


def _key(array: Any) -> Any:
    """What of an argument the sizes of a call may depend on."""
    whole = array.ndim == 0 and array.dtype.kind in "iub"
    return int(array) if whole else array.shape


def values_of(task: Task, arrays: Sequence[Any]) -> dict[Variable, int]:
    """The inputs that are one integer."""
    return {
        var: int(array)
        for var, array in zip(task.inputs, arrays, strict=True)
        if isinstance(array, np.ndarray) and array.ndim == 0 and array.dtype.kind in "iub"
    }
