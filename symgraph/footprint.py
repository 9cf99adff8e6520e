"""How much memory a call takes, from the shapes of its arguments alone.

A call holds its arguments, shared variables and constants, new arrays for its outputs, one arena
for temporaries, whose slots temporaries share, and what library routines take for themselves. All
but the last stand in the plan as formulas of sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import Place
from symgraph.graph import Apply, Constant, Variable
from symgraph.kernel import Buffer, Load
from symgraph.lower.lower import Lowered
from symgraph.lower.measure import number
from symgraph.lower.program import Allocate, Bind, Gemm, Launch, Routine, Step, every, touched
from symgraph.memory import ALIGNMENT, Plan, slot_size
from symgraph.workspace import work_space

ROLES = ("argument", "shared", "constant", "output", "temporary", "work space")
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Held:
    """A block of memory: what it is for, its size, and the user's line it comes from.

    `slot` is the part of the arena that a temporary lies in; several may lie in one, one after
    the other. `size` is None where it depends on values, not on shapes.
    """

    name: str
    role: str
    dtype: str
    shape: Shape
    size: int | None
    made_at: Place | None = None
    slot: int | None = None

    def __str__(self) -> str:
        size = "unknown" if self.size is None else readable(self.size)
        sizes = ", ".join("?" if n is None else str(n) for n in self.shape)
        slot = "" if self.slot is None else f" in slot {self.slot}"
        place = "" if self.made_at is None else f"  {self.made_at}"
        return f"{size:>9}  {self.role}{slot} {self.name}: {self.dtype} ({sizes}){place}"


@dataclass(frozen=True)
class Footprint:
    """The memory of one call, in bytes; `print` shows a table."""

    held: tuple[Held, ...]
    arena: int  # the block that temporaries lie in

    def total(self, role: str) -> int:
        """The bytes of a role, one of `ROLES`; temporaries share the arena."""
        loose = sum(h.size or 0 for h in self.held if h.role == role and h.slot is None)
        return loose + (self.arena if role == "temporary" else 0)

    @property
    def peak(self) -> int:
        """The most bytes held at one time."""
        return sum(map(self.total, ROLES))

    @property
    def unknown(self) -> tuple[Held, ...]:
        """What `peak` leaves out: blocks whose size depends on the values of arguments."""
        return tuple(h for h in self.held if h.size is None)

    def __add__(self, other: Footprint) -> Footprint:
        """Both at once; what has the same name and role is one block."""
        mine = {(h.name, h.role) for h in self.held if h.role in ("shared", "constant")}
        more = (h for h in other.held if (h.name, h.role) not in mine)
        return Footprint((*self.held, *more), self.arena + other.arena)

    def __str__(self) -> str:
        parts = [f"{role} {readable(self.total(role))}" for role in ROLES if self.total(role)]
        lines = [f"{readable(self.peak)} at most: {', '.join(parts)}"]
        largest = sorted(self.held, key=lambda h: -(h.size or 0))
        return "\n".join([*lines, *map(str, largest)])


def readable(size: float) -> str:
    """A number of bytes in three figures.

    >>> [readable(n) for n in (0, 999, 1500, 4e7, 2.5e9)]
    ['0 B', '999 B', '1.5 kB', '40 MB', '2.5 GB']
    """
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} B"


class Measured:
    """The memory of one native program, for some shapes of its inputs.

    `values` are those of inputs that are one integer: sizes may follow from them.
    """

    def __init__(
        self,
        lowered: Lowered,
        plan: Plan,
        shapes: Sequence[Shape],
        values: Mapping[Variable, int],
        threads: int,
    ) -> None:
        self.lowered, self.plan, self.shapes, self.threads = lowered, plan, shapes, threads
        self.known = self._sizes(values)
        self._variables: dict[Buffer, Variable] = {}
        for var, buffer in lowered.buffers.items():
            self._variables.setdefault(buffer, var)
        self._nodes = _first_nodes(plan)

    @property
    def results(self) -> list[Shape]:
        """The shapes of what the program returns."""
        results = self.lowered.program.results
        return [tuple(number(d, self.known) for d in r.dims) for r in results]

    def footprint(self, roles: Mapping[Variable, str]) -> Footprint:
        """What is held; `roles` says what inputs are, besides arguments."""
        arena = ALIGNMENT if self.plan.slots else 0
        for sizes in self.plan.slots:
            arena += number(slot_size(sizes), self.known) or 0
        made = [*self._parameters(roles), *self._allocated(), *self._routines()]
        return Footprint(tuple(made), arena)

    def _sizes(self, values: Mapping[Variable, int]) -> dict[str, int]:
        """The numbers that names of the program stand for."""
        parameters = self.lowered.program.parameters
        known: dict[str, int] = {}
        for parameter, shape in zip(parameters, self.shapes, strict=False):
            pairs = zip(parameter.sizes, shape, strict=True)
            known |= {name: size for name, size in pairs if size is not None}
        given = {p.buffer: values[p.variable] for p in parameters if p.variable in values}
        for step in self.plan.steps:
            if isinstance(step, Bind):
                loaded = given.get(step.value.buffer) if isinstance(step.value, Load) else None
                value = loaded if loaded is not None else number(step.value, known)
                if value is not None:
                    known[step.name] = value
        return known

    def _parameters(self, roles: Mapping[Variable, str]) -> Iterator[Held]:
        shapes = iter(self.shapes)
        for parameter in self.lowered.program.parameters:
            var, buffer = parameter.variable, parameter.buffer
            shape = tuple(var.data.shape) if isinstance(var, Constant) else next(shapes)
            role = "constant" if isinstance(var, Constant) else roles.get(var, "argument")
            yield held(buffer.name, role, buffer.dtype, shape, var.made_at)

    def _allocated(self) -> Iterator[Held]:
        for step in self.plan.steps:
            if not isinstance(step, Allocate):
                continue
            role = "output" if step.role == "output" else "temporary"
            shape = tuple(number(d, self.known) for d in step.dims)
            var, node = self._variables.get(step.buffer), self._nodes.get(step.buffer)
            place = var.made_at if var is not None else node.made_at if node is not None else None
            slot = self.plan.slot_of.get(step.buffer)
            yield held(step.buffer.name, role, step.buffer.dtype, shape, place, slot)

    def _routines(self) -> Iterator[Held]:
        """The routine that takes most for itself: no two run at once."""
        found = [self._work_space(s) for s in self.plan.steps if isinstance(s, Routine)]
        most = max((h for h in found if h.size), key=lambda h: h.size or 0, default=None)
        if most is not None:
            yield most

    def _work_space(self, step: Routine) -> Held:
        outputs, inputs = (
            [tuple(number(d, self.known) or 0 for d in dims) for _, dims in operands]
            for operands in (step.outputs, step.inputs)
        )
        dtype = step.inputs[0][0].dtype if step.inputs else "uint8"
        width = np.dtype(dtype).itemsize
        size = work_space(step.routine, outputs, inputs, width, self.threads)
        name = step.routine.rpartition(":")[2]
        return Held(name, "work space", "uint8", (size,), size, step.node.made_at)


def held(
    name: str, role: str, dtype: str, shape: Shape, place: Place | None, slot: int | None = None
) -> Held:
    """A block of a dtype and shape."""
    width = np.dtype(dtype).itemsize
    size = None if None in shape else prod(n for n in shape if n is not None) * width
    return Held(name, role, dtype, shape, size, place, slot)


def _first_nodes(plan: Plan) -> dict[Buffer, Apply]:
    """For each buffer a node whose step touches it."""
    found: dict[Buffer, Apply] = {}
    for step in every((*plan.head, *plan.body)):
        node = _node(step)
        if node is not None:
            for buffer in touched(step):
                found.setdefault(buffer, node)
    return found


def _node(step: Step) -> Apply | None:
    if isinstance(step, Launch):
        return step.nodes[-1] if step.nodes else None
    return step.node if isinstance(step, Gemm | Routine) else None
