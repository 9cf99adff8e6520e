"""Where the time of a compiled function goes: by step, by kind of operation, by the user's line.

The native driver reads the clock once behind each of its steps, also behind those of one run in
four of a loop; on a GPU, events of the device stand between the steps. The time of a kernel is
shared out among the nodes in it by an estimate of their work, so that lines have times through
fusion.
"""

from __future__ import annotations

import io
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from symgraph.backends.llvm.library import seconds_per_tick
from symgraph.backends.llvm.meter import Words
from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.errors import Place
from symgraph.graph import Apply
from symgraph.later import LaterFunctions
from symgraph.lower.lower import Lowered
from symgraph.lower.measure import work_of
from symgraph.lower.program import (
    Branch,
    Copy,
    Gemm,
    Launch,
    Put,
    Repeat,
    Routine,
    Step,
    bodies,
    is_work,
)
from symgraph.memory import Plan
from symgraph.pipeline import Trace
from symgraph.runners import Interpreted, Native
from symgraph.spread import OnGpu

WIDTH = 110  # columns of a table that is not printed to a terminal
NANO = 1e-9
NAMES: dict[type, str] = {
    Gemm: "matrix product",
    Copy: "copy",
    Repeat: "loop",
    Branch: "choice",
    Put: "scalar",
}
LINES = 20  # rows of each table

Console = LaterFunctions("rich.console").Console
Table = LaterFunctions("rich.table").Table
escape = LaterFunctions("rich.markup").escape
_collectors: list[list[Profile]] = []


@dataclass(frozen=True)
class StepTime:
    """A step that runs over memory, and the seconds it took in all calls."""

    step: Step
    part: int  # which of the function's programs it belongs to
    place: int  # in the body of its plan; steps inside a loop have the loop's
    box: str  # a name of its own within the part
    seconds: float
    runs: float = 1.0  # in each call
    inner: tuple[StepTime, ...] = ()  # the steps of a loop or choice, which share its seconds
    where: str = ""  # the GPU it runs on, if it does

    @property
    def name(self) -> str:
        """The kernel, or what the library does, and on which GPU."""
        return f"{step_name(self.step)} on {self.where}" if self.where else step_name(self.step)

    @property
    def leaves(self) -> Iterator[StepTime]:
        """The steps inside, through all loops; itself if it has none, or time for none of them."""
        if not self.inner or (self.seconds and not any(step.seconds for step in self.inner)):
            yield self
            return
        for step in self.inner:
            yield from step.leaves


@dataclass(frozen=True)
class Row:
    """A row of a table: what, its seconds, its share, how many nodes or runs in a call."""

    what: str
    seconds: float
    share: float
    count: int
    ops: tuple[str, ...] = ()


class Profile:
    """The measurements of one function; `print(f.profile)` shows them.

    Attributes
    ----------
    name
        The function's name.
    """

    def __init__(self, name: str, trace: Trace) -> None:
        self.name, self.trace = name, trace
        for collector in _collectors:
            collector.append(self)

    # --- what was measured -------------------------------------------------------------------

    @property
    def calls(self) -> int:
        """How often compiled code ran; 0 for a function without any."""
        counts = [native.measured()[words.calls] for _, words, _, native in self._natives()]
        return max([*counts, *(gpu.calls for _, gpu in self._gpus())], default=0)

    @property
    def seconds(self) -> float:
        """The time in steps and between them, over all calls."""
        heads = (native.measured()[words.head] for _, words, _, native in self._natives())
        return self.step_seconds + sum(heads) * seconds_per_tick(config.folder)

    @property
    def step_seconds(self) -> float:
        """The time in steps, over all calls."""
        others = sum(ticks for _, ticks, _ in self._others())
        return sum(step.seconds for step in self.steps) + others * NANO

    @property
    def steps(self) -> list[StepTime]:
        """The steps that run over memory, in order; those of loops are inside theirs."""
        found = []
        for part, words, plan, native in self._natives():
            read = _Reading(words, native.measured(), part)
            found += [
                read.top(step, place) for place, step in enumerate(plan.body) if is_work(step)
            ]
        for part, gpu in self._gpus():
            found += [
                StepTime(step, part, n, f"s{n}", gpu.spent[n] * NANO, where=gpu.device)
                for n, step in enumerate(gpu.native.plan.body)
                if is_work(step)
            ]
        return found

    @property
    def leaves(self) -> list[StepTime]:
        """The steps that run over memory, those of loops in place of these."""
        return [leaf for step in self.steps for leaf in step.leaves]

    @property
    def memory_peak(self) -> int:
        """The bytes of the largest block of temporaries."""
        return sum(native.measured()[words.arena] for _, words, _, native in self._natives())

    @property
    def compile_seconds(self) -> dict[str, float]:
        """How long each stage of the compiler took."""
        return dict(self.trace.seconds)

    def sizes(self, part: int = 0) -> dict[str, int]:
        """The sizes of the last call, by the names the generated code gives them."""
        for number, words, _, native in self._natives():
            if number == part:
                return dict(zip(words.names, native.measured()[words.sizes :], strict=True))
        return next((gpu.sizes for number, gpu in self._gpus() if number == part), {})

    def nodes(self) -> dict[Apply, float]:
        """The seconds of each node: those of its kernel, shared out by estimated work."""
        spent: dict[Apply, float] = defaultdict(float)
        known = [self.sizes(part) for part, _ in enumerate(self.trace.plans)]
        for timed in self.leaves:
            lowered = self.trace.lowered[timed.part]
            for node, share in shares(timed.step, lowered, known[timed.part]):
                spent[node] += share * timed.seconds
        for node, ticks, _ in self._others():
            spent[node] += ticks * NANO
        return dict(spent)

    def _natives(self) -> Iterator[tuple[int, Words, Plan, Native]]:
        """The programs whose drivers measure their steps, by number."""
        natives = [r for r in self.trace.runners if isinstance(r, Native)]
        for part, (plan, native) in enumerate(zip(self.trace.plans, natives, strict=True)):
            if native.entry.words is not None:
                yield part, Words(plan), plan, native

    def _gpus(self) -> Iterator[tuple[int, OnGpu]]:
        """The programs that run on GPUs, by number; events of the device time their steps."""
        found = {id(r.native): r for r in self.trace.runners if isinstance(r, OnGpu)}
        natives = (r for r in self.trace.runners if isinstance(r, Native))
        for part, native in enumerate(natives):
            if id(native) in found:
                yield part, found[id(native)]

    def _others(self) -> Iterator[tuple[Apply, int, str]]:
        """Nodes that run in no such program: their nanoseconds, and where they run."""
        for runner in self.trace.runners:
            if isinstance(runner, Interpreted):
                yield from ((node, ticks, "in Python") for node, ticks in runner.spent.items())

    def reset(self) -> None:
        """Forget what was measured so far."""
        for runner in self.trace.runners:
            runner.reset()

    # --- tables ------------------------------------------------------------------------------

    def by_kernel(self) -> list[Row]:
        """The time of each kernel, library call and copy, the longest first."""
        groups: dict[str, list[tuple[float, float, Sequence[Apply]]]] = defaultdict(list)
        for timed in self.leaves:
            groups[timed.name].append((timed.seconds, timed.runs, nodes_of(timed.step)))
        for node, ticks, where in self._others():
            groups[f"{node.op} {where}"].append((ticks * NANO, 1.0, [node]))
        rows = {}
        for name, found in groups.items():
            seconds, runs, nodes = zip(*found, strict=True)
            rows[name] = (sum(seconds), round(sum(runs)), [n for some in nodes for n in some])
        return self._ranked(rows)

    def by_op(self) -> list[Row]:
        """The time of each class of operation, the longest first."""
        return self._grouped(lambda node: type(node.op).__name__)

    def by_line(self) -> list[Row]:
        """The time of each line of the user's program, the longest first."""
        return self._grouped(lambda node: str(Place(*node.made_at[:2])))

    def _grouped(self, key: Any) -> list[Row]:
        groups: dict[str, list[tuple[Apply, float]]] = defaultdict(list)
        for node, seconds in self.nodes().items():
            groups[key(node)].append((node, seconds))
        rows = {
            name: (sum(s for _, s in found), len(found), [n for n, _ in found])
            for name, found in groups.items()
        }
        return self._ranked(rows)

    def _ranked(self, rows: dict[str, tuple[float, int, list[Apply]]]) -> list[Row]:
        whole = self.step_seconds or 1.0
        made = [
            Row(name, seconds, seconds / whole, count, _names(nodes))
            for name, (seconds, count, nodes) in rows.items()
        ]
        return sorted(made, key=lambda row: -row.seconds)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        calls = self.calls
        yield f"[bold]{escape(self.name)}[/bold]: {calls} calls, {duration(self.seconds)} in all"
        if calls:
            each, peak = duration(self.seconds / calls), self.memory_peak / 1e6
            yield f"{each} a call, {peak:.3g} MB of temporaries at most"
        yield _table("your line", self.by_line())
        yield _table("kernel", self.by_kernel())
        yield _table("operation", self.by_op())
        stages = Table("compiling", "time", box=None)
        for name, seconds in self.compile_seconds.items():
            stages.add_row(name, duration(seconds))
        yield stages

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
        console.print(self)
        return str(console.file.getvalue())

    def summary(self, file: TextIO | None = None, **options: Any) -> None:
        """Write it to a file, or standard error; Theano's options are taken and mean nothing."""
        print(self, file=file or sys.stderr)

    def __repr__(self) -> str:
        return f"<profile of {self.name}: {self.calls} calls, {duration(self.seconds)}>"


def _names(nodes: Sequence[Apply]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(type(node.op).__name__ for node in nodes))


def _table(title: str, rows: Sequence[Row]) -> Any:
    table = Table(box=None, pad_edge=False)
    table.add_column("time", justify="right")
    table.add_column("share", justify="right")
    table.add_column("times", justify="right")
    table.add_column(title, overflow="fold")
    for row in rows[:LINES]:
        words = f"{row.what}" if title == "operation" else f"{row.what}  {' '.join(row.ops)}"
        table.add_row(duration(row.seconds), f"{row.share:.0%}", str(row.count), escape(words))
    if len(rows) > LINES:
        table.add_row("", "", "", f"and {len(rows) - LINES} more")
    return table


def duration(seconds: float) -> str:
    """A time in three figures.

    >>> [duration(s) for s in (2, 0.0315, 4.2e-5, 9e-8)]
    ['2 s', '31.5 ms', '42 us', '90 ns']
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / NANO:.3g} ns"


@contextmanager
def collected() -> Iterator[list[Profile]]:
    """A list that fills with the profiles of the functions compiled inside the block."""
    found: list[Profile] = []
    _collectors.append(found)
    try:
        yield found
    finally:
        _collectors.remove(found)


# --- steps -----------------------------------------------------------------------------------


def named_parts(step: Step, box: str) -> list[tuple[Step, str]]:
    """The steps inside a loop or choice, each with a name that begins with that of the whole."""
    inside = (part for body in bodies(step) for part in body)
    return [(part, f"{box}i{n}") for n, part in enumerate(inside)]


@dataclass(frozen=True)
class _Reading:
    """The words of one driver, and what they say of a step."""

    words: Words
    counts: Sequence[int]
    part: int

    def top(self, step: Step, place: int) -> StepTime:
        """A step of the body, with those inside it."""
        seconds = self._ticks(step) * seconds_per_tick(config.folder)
        return self._timed(step, place, f"s{place}", seconds, 1.0)

    def _timed(self, step: Step, place: int, box: str, seconds: float, runs: float) -> StepTime:
        """A step; its seconds are shared out among the steps inside by what these counted."""
        inside = [(part, name) for part, name in named_parts(step, box) if is_work(part)]
        whole = sum(self._ticks(part) for part, _ in inside) or 1
        each = self._runs(step) if isinstance(step, Repeat) else runs
        inner = (
            self._timed(part, place, name, seconds * self._ticks(part) / whole, each)
            for part, name in inside
        )
        return StepTime(step, self.part, place, box, seconds, runs, tuple(inner))

    def _ticks(self, step: Step) -> int:
        place = self.words.time(step)
        return 0 if place is None else self.counts[place]

    def _runs(self, loop: Repeat) -> float:
        """How often the body of a loop ran in each call."""
        return self.counts[self.words.runs(loop)] / (self.counts[self.words.calls] or 1)


def step_name(step: Step) -> str:
    """What a step is called: its kernel, or what the library does."""
    if isinstance(step, Launch):
        return step.kernel.name
    if isinstance(step, Routine):
        return step.routine.rpartition(":")[2]
    return NAMES.get(type(step), type(step).__name__)


def nodes_of(step: Step) -> tuple[Apply, ...]:
    """The nodes a step computes."""
    if isinstance(step, Launch):
        return step.nodes
    if isinstance(step, Gemm | Routine):
        return (step.node,)
    inside = (node for body in bodies(step) for part in body for node in nodes_of(part))
    return tuple(dict.fromkeys(inside))


def shares(step: Step, lowered: Lowered, known: dict[str, int]) -> list[tuple[Apply, float]]:
    """The nodes of a step, each with its share of the step's time by estimated work."""
    nodes = nodes_of(step)
    work = [work_of(node, lowered.sizes, known) for node in nodes]
    whole = sum(work)
    return [(n, w / whole if whole else 1 / len(nodes)) for n, w in zip(nodes, work, strict=True)]
