"""Lowering: a graph becomes a program, in five readable stages.

sizes      every dim a formula over the sizes of the inputs      sizes.py
stored     which variables need memory of their own              demand.py
grouped    nodes gathered into kernels and single steps          demand.py, group.py
placed     updates that can overwrite their shared variable      overwrite.py
steps      kernels written, steps scheduled, guards set          level.py, kernels.py, guards.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgraph.dataclass import dataclass
from symgraph.graph import Apply, Constant, Graph, Variable, ancestors
from symgraph.kernel import Buffer
from symgraph.lower.elements import scalar_constant
from symgraph.lower.level import Level
from symgraph.lower.machine import PROCESSOR, Machine
from symgraph.lower.program import Allocate, Copy, Parameter, Program, Result, Step
from symgraph.lower.scope import Update, Whole
from symgraph.lower.share import share_kernels
from symgraph.lower.sizes import Namer, Sizes, dtype_of


@dataclass(frozen=True)
class Lowered:
    """A program, and what its results mean."""

    program: Program
    outputs: int  # the first results are the outputs
    replaced: tuple[Variable, ...]  # the others are new values of these shared variables
    sizes: Sizes  # the dims of every variable, as formulas
    buffers: Mapping[Variable, Buffer]  # the memory of those that have some


def lower(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    updates: Sequence[Update] = (),
    late: Mapping[Apply, Variable] | None = None,
    machine: Machine = PROCESSOR,
) -> Lowered:
    """The program that computes `outputs` and stores `updates` on a machine.

    `late` are nodes that compute a value again, each with what it is to come after.
    """
    lowering = Lowering(inputs, outputs, updates, late or {}, machine, in_place=True)
    if lowering.whole.guarded_after_write:
        lowering = Lowering(inputs, outputs, updates, late or {}, machine, in_place=False)
    return lowering.result()


class Lowering(Level):
    """The level of a whole function: its parameters and results."""

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        updates: Sequence[Update],
        late: Mapping[Apply, Variable],
        machine: Machine,
        in_place: bool,
    ) -> None:
        roots = [*outputs, *(value for _, value in updates)]
        constants = [
            v for v in ancestors(roots) if isinstance(v, Constant) and scalar_constant(v) is None
        ]
        self.inputs = [*inputs, *constants]
        graph, namer = Graph(tuple(self.inputs), tuple(roots)), Namer()
        names = {v: namer(v.name or ("c" if v in constants else "x")) for v in self.inputs}
        buffers = {v: Buffer(names[v], dtype_of(v)) for v in self.inputs}
        sizes = Sizes(graph, namer)
        whole = Whole(sizes, namer, buffers, in_place, late, machine)
        super().__init__(whole, graph, updates, checks=sizes.checks)
        for name in (n for names in sizes.input_sizes.values() for n in names):
            self.name_bound(name)
        self._results: list[Result] = []
        self.emit_items()
        self._emit_results()

    def _emit_results(self) -> None:
        taken: set[Buffer] = {self.buffers[v] for v in self.inputs}
        for var in self.outputs:
            self._results.append(self._fresh(var, taken))
        self.replaced: list[Variable] = []
        self.written = list(self.in_place.values())
        commits: list[Step] = []
        for shared, value in self.updates:
            if self.in_place.get(self.reader.memory(value)) is shared or value is shared:
                continue
            if self.sizes.dims(shared) == self.sizes.dims(value):
                commits += self.commit(shared, value)
                self.written.append(shared)
            else:
                self._results.append(self._fresh(value, taken))
                self.replaced.append(shared)
        self.emit_together(commits)

    def _fresh(self, var: Variable, taken: set[Buffer]) -> Result:
        """A result in memory that nothing else uses."""
        root, dims = self.reader.memory(var), self.sizes.dims(var)
        if root not in self.buffers:
            return Result(self.put(root, "output"), dims, var)
        source = self.memory(root)
        role = next(
            (s.role for s in self.steps if isinstance(s, Allocate) and s.buffer == source), None
        )
        if source in taken or role != "output":
            target = Buffer(self.namer(var.name or "out"), source.dtype)
            length = self.sizes.product(dims)
            self.emit(Allocate(target, dims, length, "output"))
            self.emit(Copy(source, target, length))
            source = target
        taken.add(source)
        self.bind_names(dims)
        return Result(source, dims, var)

    def result(self) -> Lowered:
        """The program, parameters in the order inputs, hoisted constants."""
        parameters = {
            v: Parameter(self.buffers[v], v, self.sizes.input_sizes[v]) for v in self.inputs
        }
        program = Program(
            tuple(parameters.values()),
            tuple(share_kernels(self.steps)),
            tuple(self._results),
            tuple(self.whole.failures),
            tuple(parameters[v] for v in dict.fromkeys(self.written)),
        )
        replaced = tuple(self.replaced)
        return Lowered(program, len(self.outputs), replaced, self.sizes, self.buffers)
