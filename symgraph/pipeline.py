"""The compiler on one page: from what is to be computed to what runs it.

user        the task as it was written
canonical   rewritten: simplified, made stable, equal parts merged         rewrite.py, rules/
parts       cut at ops that only Python can run                            here
program     sizes, groups, kernels, steps                                  lower/
plan        order, slots of the arena                                      memory.py
code        kernels and a driver, compiled or found in the cache           backends/
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial
from typing import Any, TypeVar

from symgraph.backends import disk, threads
from symgraph.backends.llvm import library, support, target
from symgraph.backends.llvm.machine import host
from symgraph.backends.llvm.native import symbol_of
from symgraph.backends.nvidia import this_machine
from symgraph.borders import Bordered, has_records, opened
from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.devices import CPU, number
from symgraph.families import (
    Assemble,
    Elemwise,
    Indexed,
    Library,
    Loop,
    Product,
    Reduce,
    SizeOf,
    View,
)
from symgraph.graph import Apply, Constant, Graph, Op, Variable, clone_graph, toposort
from symgraph.kernel import Kernel, verify
from symgraph.later import Later
from symgraph.loops.improve import canonical
from symgraph.lower.ahead import sized_ahead
from symgraph.lower.half import computes_half, keeps_half, multiplies, widened
from symgraph.lower.lower import Lowered, lower
from symgraph.lower.machine import PROCESSOR
from symgraph.lower.moments import in_one_look
from symgraph.memory import Plan, plan
from symgraph.mode import Mode
from symgraph.ops.ifelse import Branches, with_branches
from symgraph.placement import COPIES, Placed, kind_of, needs_placement, placed, with_updates
from symgraph.progress import waiting
from symgraph.runners import Chain, Compared, Interpreted, Native, Runner, Task
from symgraph.spread import Copies, OnGpu, Part, Spread
from symgraph.types import TensorType
from symgraph.verify import check_graph

NATIVE_FAMILIES = (
    Elemwise,
    Indexed,
    View,
    Assemble,
    SizeOf,
    Reduce,
    Product,
    Library,
    Loop,
    Branches,
)
NOT_NATIVE = ("float16",)
T = TypeVar("T")
numba_side = Later("symgraph.backends.numba.side")
cuda_target = Later("symgraph.backends.cuda.target")
cuda_coverage = Later("symgraph.backends.cuda.coverage")


@dataclass
class Trace:
    """What each stage made and how long it took; kept for `Function.stages` and the exports."""

    stages: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    kernels: list[Kernel] = field(default_factory=list)
    lowered: list[Lowered] = field(default_factory=list)
    runners: list[Native | Interpreted | OnGpu] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)  # where the code of each part came from
    clocked: bool = False  # whether what runs measures its steps
    homes: Mapping[Variable, str] = field(default_factory=dict)  # where inputs lie, if not the CPU
    places: Mapping[Apply, str] = field(default_factory=dict)  # the devices of nodes, if several

    def stage(self, name: str, make: Callable[[], T]) -> T:
        """Run a stage: the one seam between stages."""
        start = time.perf_counter()
        with waiting(name):
            value = make()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        self.stages[name] = value
        return value

    def adopt(self, other: Trace) -> None:
        """From now on show another program, compiled for the same task."""
        self.stages |= other.stages
        for name, spent in other.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
        self.titles, self.plans, self.kernels = other.titles, other.plans, other.kernels
        self.lowered, self.runners, self.cached = other.lowered, other.runners, other.cached


@contextmanager
def no_collection() -> Iterator[None]:
    """Python's search for circles of garbage put off: it goes through a growing graph in vain.

    It takes a third of the time for a graph of 30,000 nodes.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def compile_task(task: Task, mode: Mode, title: str, trace: Trace) -> Runner:
    """The runner of a task, stage by stage."""
    if has_records(task):
        inside = opened(task)
        return Bordered(inside, compile_task(inside.task, mode, title, trace))
    user = trace.stage("user", lambda: task)
    if mode.backend == "llvm":
        _begin_library(task)
    canonical = trace.stage("canonical", lambda: _rewritten(user, mode))
    if mode.check:
        check_graph(Graph(canonical.inputs, canonical.roots))
    if mode.backend == "interpret":
        return _interpreted(canonical, trace, mode)
    native: Runner
    if needs_placement(canonical, mode.device):
        spread = _placed(canonical, mode, trace)
        canonical, native = spread.task, _spread(spread, mode, title, trace)
    else:
        native = _native(canonical, mode, title, trace)
    if mode.check < 2:
        return native
    return Compared({"the user's graph": user, "the rewritten graph": canonical}, native)


def _begin_library(task: Task) -> None:
    """Have what products and convolutions call compiled while the task is rewritten and lowered."""
    symbols = {symbol_of(node) for node in _every_node(task.roots)} - {None}
    library.ahead([*support.FUNCTIONS[:1], *sorted(map(str, symbols))], config.folder)


def _every_node(roots: Sequence[Variable]) -> Iterator[Apply]:
    """The nodes behind variables, and those of the graphs that these run."""
    for node in toposort(roots):
        yield node
        for graph in inner_graphs(node.op):
            yield from _every_node(graph.outputs)


def _rewritten(task: Task, mode: Mode) -> Task:
    return task.with_roots(canonical(Graph(task.inputs, task.roots), mode.rules).outputs)


def _native(task: Task, mode: Mode, title: str, trace: Trace) -> Runner:
    cuda = mode.backend == "cuda"
    halves = cuda or (mode.backend == "llvm" and host().converts_half)
    if halves:
        task = task.with_roots(widened(task.roots, task.inputs, libraries=cuda))
    if not cuda:
        task = task.with_roots(in_one_look(task.roots, task.inputs))
    task = _with_graphs(task)
    runs = _runs_on_card if cuda else partial(is_native, halves=halves)
    parts = trace.stage("parts", lambda: _parts(task, runs))
    if len(parts) == 1 and parts[0][1] == 0:
        return compile_native(task, mode, title, trace)
    runners = [
        (
            part,
            compile_native(_detached(part), mode, title, trace)
            if python == 0
            else _interpreted(part, trace, mode),
        )
        for part, python in parts
    ]
    return Chain(task, runners)


def _with_graphs(task: Task) -> Task:
    """The task with lazy choices as graphs of their own, and sizes that are known before them."""
    task = task.with_roots(with_branches(task.roots))
    return task.with_roots(sized_ahead(task.roots, task.inputs))


def _parts(task: Task, runs: Callable[[Apply], bool]) -> list[tuple[Task, int]]:
    """The task itself if all of it is native, else its parts: native ones, and Python's."""
    parts = cut(task, lambda node: 0 if runs(node) else 1)
    return [(task, 0)] if [kind for _, kind in parts] == [0] else parts


def _placed(task: Task, mode: Mode, trace: Trace) -> Placed:
    """The task on its devices, which have to be there."""
    task = _with_graphs(task.with_roots(widened(task.roots, task.inputs, libraries=True)))
    found = placed(task, mode.device, _runs_on_card)
    for device in found.devices:
        this_machine().check(device)
    trace.stage("canonical", lambda: found.task)
    trace.homes, trace.places = found.homes, found.places
    return found


def _spread(found: Placed, mode: Mode, title: str, trace: Trace) -> Runner:
    """The runner of a placed task: copies, parts for GPUs, parts for the CPU."""
    if not found.devices:
        return _native(found.task, mode, title, trace)
    kinds = (COPIES, *found.devices, CPU)
    parts = cut(found.task, lambda node: kinds.index(kind_of(node, found.places)), len(kinds))
    trace.stage("parts", lambda: parts)
    last = max((n for n, (_, kind) in enumerate(parts) if kind), default=-1)
    tasks = [part for part, _ in parts]
    if last >= 0:
        tasks[last] = with_updates(tasks[last], tasks[last + 1 :], found, kinds[parts[last][1]])
    made = [
        _part(part, kinds[kind], mode, title, trace)
        for part, (_, kind) in zip(tasks, parts, strict=True)
    ]
    return Spread(found.task, found.homes, made)


def _part(task: Task, place: str, mode: Mode, title: str, trace: Trace) -> Part:
    if place == COPIES:
        return Part(task, "", Copies(task))
    if place == CPU:
        on_cpu = _native(_detached(task), mode, f"{title}, on the CPU", trace)
        return Part(task, CPU, on_cpu, on_cpu.replaced)
    inner = _detached(task)
    native = compile_native(inner, replace(mode, backend="cuda", device=place), title, trace)
    run = OnGpu(native, place, trace.clocked)
    trace.runners.append(run)
    return Part(task, place, run, run.replaced)


def _interpreted(task: Task, trace: Trace, mode: Mode) -> Runner:
    runner = Interpreted(task, trace.clocked, mode.watch)
    trace.runners.append(runner)
    return runner


def _detached(part: Task) -> Task:
    """The same part, on inputs that nothing computes: lowering looks no further than them."""
    leaves = {var: _leaf(var) for var in part.inputs if var.owner is not None}
    inputs = tuple(leaves.get(var, var) for var in part.inputs)
    whole = Task(inputs, part.outputs, part.updates)
    return whole.with_roots(clone_graph(part.roots, leaves))


def _leaf(var: Variable) -> Variable:
    leaf = var.type.make_variable(var.name)
    leaf.made_at = var.made_at
    return leaf


def compile_native(
    task: Task, mode: Mode, title: str, trace: Trace, late: Mapping[Apply, Variable] | None = None
) -> Native:
    """The runner of a rewritten task that native code can run; `late` as in `lower`."""
    cuda = mode.backend == "cuda"
    machine = cuda_target.MACHINE if cuda else PROCESSOR
    lowered = trace.stage(
        "program", lambda: lower(task.inputs, task.outputs, task.updates, late, machine)
    )
    program = cuda_target.prepared(lowered.program) if cuda else lowered.program
    planned = trace.stage("plan", lambda: plan(program))
    if mode.check:
        for kernel in program.kernels:
            verify(kernel)
    threads.set_threads(config.workers, config.folder)
    before = disk.stats()
    if cuda:
        place, clocked = number(mode.device), trace.clocked
        entry = trace.stage("code", lambda: cuda_target.load(planned, title, place, clocked))
    elif mode.backend == "numba" and not trace.clocked:
        load = numba_side.load
        entry = trace.stage("code", lambda: load(planned, title, config.folder))
    else:
        text = trace.stage("text", lambda: target.write(planned, trace.clocked, task.borrowed))
        entry = trace.stage("code", lambda: target.load(text, config.folder))
    trace.cached.append(_origin(before, disk.stats()))
    trace.titles.append(title)
    trace.plans.append(planned)
    trace.kernels += lowered.program.kernels
    trace.lowered.append(lowered)
    runner = Native(lowered, planned, entry)
    trace.runners.append(runner)
    return runner


def _origin(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Where code came from, by what the store counted."""
    hits, misses = (after[key] - before[key] for key in ("hits", "misses"))
    if not misses:
        return f"code: {hits} modules read from {config.folder}" if hits else "code: in memory"
    why = "no module there had their text: another graph, dtype, version or processor"
    reason = why if config.folder else "config.cache is False"
    return f"code: {misses} modules compiled ({reason}), {hits} read from {config.folder}"


def is_native(node: Apply, halves: bool = False, libraries: bool = False) -> bool:
    """Whether a native target has kernels for a node: its family, and its dtypes.

    With `halves` it stores and converts float16; with `libraries` it calls what native code for a
    CPU cannot call.
    """
    if isinstance(node.op, Library) and not node.op.compiled and not libraries:
        return False
    kinds = [var.type for var in (*node.inputs, *node.outputs)]
    stored = halves and (keeps_half(node.op) or (libraries and multiplies(node.op)))
    inner = (n for graph in inner_graphs(node.op) for n in graph.toposort())
    if not all(is_native(n, halves, libraries) for n in inner):
        return False
    return isinstance(node.op, NATIVE_FAMILIES) and all(
        isinstance(kind, TensorType) and (kind.dtype not in NOT_NATIVE or stored) for kind in kinds
    )


def _runs_on_card(node: Apply) -> bool:
    """Whether the CUDA target runs a node: native code could, and it has all that takes."""
    inside = (n for graph in inner_graphs(node.op) for n in graph.toposort())
    here = is_native(node, halves=True, libraries=True) and cuda_coverage.why_on_cpu(node) is None
    return here and all(map(_runs_on_card, inside))


def inner_graphs(op: Op) -> tuple[Graph, ...]:
    """The graphs that an op runs."""
    if isinstance(op, Branches):
        return (op.then, op.otherwise)
    return (op.body,) if isinstance(op, Loop) else ()


def is_widened(node: Apply) -> bool:
    """Whether a node on float16 is run natively, in float32 between conversions."""
    return computes_half(node) and host().converts_half


def cut(task: Task, kind: Callable[[Apply], int], kinds: int = 2) -> list[tuple[Task, int]]:
    """The task in parts that run one after the other, each of nodes of one kind, 0, 1, ..."""
    nodes = toposort(task.roots, stop=task.inputs)
    times = _times(nodes, kind, kinds)
    roots = set(task.roots)
    last_use: dict[Variable, int] = {}
    for node in nodes:
        last_use |= {v: max(times[node], last_use.get(v, 0)) for v in node.inputs}
    parts = []
    for time_ in sorted(set(times.values())) or [0]:
        members = [node for node in nodes if times[node] == time_]
        made = [out for node in members for out in node.outputs]
        needed = [v for v in made if v in roots or last_use.get(v, -1) > time_]
        inside = set(made)
        read = dict.fromkeys(
            v for n in members for v in n.inputs if v not in inside and not isinstance(v, Constant)
        )
        parts.append((Task(tuple(read), tuple(needed)), time_ % kinds))
    return parts


def _times(nodes: Sequence[Apply], kind: Callable[[Apply], int], kinds: int) -> dict[Apply, int]:
    """For each node the part it runs in: part n has nodes of kind n modulo `kinds`."""
    times: dict[Apply, int] = {}
    for node in nodes:
        earliest = max((times[v.owner] for v in node.inputs if v.owner in times), default=0)
        times[node] = earliest + (kind(node) - earliest) % kinds
    return times
