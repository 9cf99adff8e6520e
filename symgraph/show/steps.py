"""A compiled function as the steps its driver runs: what each reads and writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from symgraph.dataclass import dataclass
from symgraph.errors import ExportError
from symgraph.function import Function
from symgraph.kernel import Buffer, Expr, Load, Name, Store, expressions, statements, walk
from symgraph.lower.program import (
    Copy,
    Gemm,
    Launch,
    Program,
    Put,
    Routine,
    Slice,
    Step,
    bodies,
    exprs_of,
)
from symgraph.memory import Plan
from symgraph.profile import named_parts, nodes_of, step_name
from symgraph.show.view import Cluster, Edge, Node, View, kind_of
from symgraph.show.words import leaf_text, type_text, visible


@dataclass(frozen=True)
class Access:
    """The buffers a step reads and those it writes."""

    reads: tuple[Buffer, ...]
    writes: tuple[Buffer, ...]


def accesses(step: Step) -> Access:
    """What a step does to memory; a loop or choice does nothing but by the steps inside."""
    loads = tuple(p.buffer for e in exprs_of(step) for p in walk(e) if isinstance(p, Load))
    if isinstance(step, Launch):
        reads, writes = _of_kernel(step)
        return Access((*loads, *reads), writes)
    if isinstance(step, Gemm):
        adds = (step.c,) if getattr(step.beta, "value", 1) != 0 else ()
        return Access((*loads, step.a, step.b, *adds), (step.c,))
    if isinstance(step, Copy):
        return Access((*loads, step.source), (step.target,))
    if isinstance(step, Put):
        return Access(loads, (step.buffer,))
    if isinstance(step, Routine):
        return Access(tuple(b for b, _ in step.inputs), tuple(b for b, _ in step.outputs))
    return Access(loads, ())


def _of_kernel(step: Launch) -> tuple[tuple[Buffer, ...], tuple[Buffer, ...]]:
    given = dict(zip(step.kernel.params, step.args, strict=True))
    read: dict[Buffer, None] = {}
    written: dict[Buffer, None] = {}
    for stmt in statements(step.kernel.body):
        for expr in expressions(stmt):
            read.update((p.buffer, None) for p in walk(expr) if isinstance(p, Load))
        if isinstance(stmt, Store):
            written[stmt.buffer] = None
    return _given(read, given), _given(written, given)


def _given(
    params: dict[Buffer, None], given: dict[Buffer | Name, Buffer | Expr]
) -> tuple[Buffer, ...]:
    found = (given[p] for p in params)
    return tuple(b for b in found if isinstance(b, Buffer))


def lines_of(step: Step) -> tuple[str, ...]:
    """The users' lines a step computes, each once."""
    return tuple(dict.fromkeys(visible(str(node.made_at)) for node in nodes_of(step)))


def steps_view(function: Function) -> View:
    """The steps of a compiled function as boxes, those of a loop as a cluster; arrays as edges."""
    if not function.trace.plans:
        raise ExportError(f"{function!r} has no kernels: nothing of it was compiled")
    builder = _Builder()
    for number, plan in enumerate(function.trace.plans):
        builder.add(plan, number)
    boxes, edges = tuple(builder.nodes), tuple(builder.edges)
    return View(visible(function.name), boxes, edges, tuple(builder.clusters))


@dataclass
class _Builder:
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    made: dict[Buffer, str] = field(default_factory=dict)
    whole: dict[Buffer, Buffer] = field(default_factory=dict)  # what slices are cut from

    def add(self, plan: Plan, number: int) -> None:
        """The boxes of one plan; parts of a function that is cut do not share buffers."""
        self.made, self.whole = {}, {}
        prefix = f"p{number}" if number else ""
        self._parameters(plan.program, prefix)
        for place, step in enumerate(plan.body):
            box = f"{prefix}s{place}"
            if bodies(step):
                self._inside(box, step)
            else:
                self._step(box, step)
        self._results(plan.program, prefix)

    def _parameters(self, program: Program, prefix: str) -> None:
        for place, parameter in enumerate(program.parameters):
            var, box = parameter.variable, f"{prefix}in{place}"
            kinds, where = type_text(var.type), visible(str(var.made_at))
            self.nodes.append(Node(box, kind_of(var), leaf_text(var), kinds, where, var.name or ""))
            self.made[parameter.buffer] = box

    def _inside(self, box: str, step: Step) -> None:
        """The steps of a loop or choice, as a cluster."""
        before = len(self.nodes)
        pending = named_parts(step, box)[::-1]
        while pending:
            part, name = pending.pop()
            if bodies(part):
                pending += named_parts(part, name)[::-1]
            else:
                self._step(name, part)
        members = tuple(node.id for node in self.nodes[before:])
        if members:
            self.clusters.append(Cluster(box, step_name(step), members, lines_of(step)))

    def _step(self, box: str, step: Step) -> None:
        access = accesses(step)
        if isinstance(step, Slice):
            self.whole[step.buffer] = step.source
        if not access.writes:
            return
        nodes = nodes_of(step)
        text = ", ".join(dict.fromkeys(visible(type(node.op).__name__) for node in nodes))
        scope = nodes[0].made_at.scope if nodes else ""
        place = "\n".join(lines_of(step))
        self.nodes.append(Node(box, "op", step_name(step), text, place, "", visible(scope)))
        self._read(box, access.reads)
        for buffer in access.writes:
            self.made |= dict.fromkeys(self._chain(buffer), box)

    def _chain(self, buffer: Buffer) -> Iterator[Buffer]:
        """A buffer, what it is cut from, and so on."""
        yield buffer
        while buffer in self.whole:
            buffer = self.whole[buffer]
            yield buffer

    def _read(self, box: str, buffers: Sequence[Buffer]) -> None:
        makers = (
            next((self.made[b] for b in self._chain(x) if b in self.made), box) for x in buffers
        )
        for position, source in enumerate(s for s in dict.fromkeys(makers) if s != box):
            self.edges.append(Edge(source, box, position))

    def _results(self, program: Program, prefix: str) -> None:
        for box, kind, label, buffer, kinds in _ends(program, prefix):
            self.nodes.append(Node(box, kind, label, kinds, ""))
            self._read(box, [buffer])


def _ends(program: Program, prefix: str) -> Iterator[tuple[str, str, str, Buffer, str]]:
    for place, result in enumerate(program.results):
        var = result.variable
        label = visible(var.name or f"output {place}")
        yield f"{prefix}out{place}", "output", label, result.buffer, type_text(var.type)
    for place, parameter in enumerate(program.written):
        var = parameter.variable
        box, label = f"{prefix}up{place}", f"{leaf_text(var)} ←"
        yield box, "update", label, parameter.buffer, type_text(var.type)
