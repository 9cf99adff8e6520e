"""A plan as the text of a Python function that drives a device.

    def call(run, x, y): ...

takes the call in progress (`running.Run`) and flat arrays of the device behind the sizes, launches
kernels and library calls in order, and returns the results.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.backends.cuda.handmade import Handmade
from symgraph.backends.cuda.kernels import shared
from symgraph.backends.cuda.library import device_routine
from symgraph.backends.cuda.own_routines import own_routine
from symgraph.backends.cuda.scalars import FAILED, given_of
from symgraph.backends.numba.flow import Flow, Lines, sequence
from symgraph.backends.numba.text import expression
from symgraph.kernel import Buffer, Call, Expr, Load, lit, walk
from symgraph.lower.program import (
    Allocate,
    Copy,
    Gemm,
    Guard,
    Launch,
    Put,
    Routine,
    Slice,
    is_work,
    touched,
)
from symgraph.memory import ALIGNMENT, Plan, slot_size

LONG = 1 << 20  # the length of a loop that only the kernel knows


class Driver(Flow):
    """Writes the function that runs a plan."""

    def __init__(self, plan: Plan, clocked: bool = False) -> None:
        self.plan, self.program, self.clocked = plan, plan.program, clocked
        self.results = {r.buffer: r for r in self.program.results}
        self.routines: list[Gemm | Routine] = []  # in the order the text numbers them
        self.handmade: dict[str, Handmade] = {}  # the kernels of routines of ours
        self.waits = False  # whether the driver looks at what the device computes

    def text(self) -> str:
        """The driver as a Python function."""
        names = [p.buffer.name for p in self.program.parameters]
        lines = [f"def call({', '.join(['run', *names])}):"]
        return "\n".join([*lines, *(f"    {line}" for line in self._body())])

    def _body(self) -> Lines:
        for parameter in self.program.parameters:
            name, sizes = parameter.buffer.name, parameter.sizes
            if sizes:
                yield f"{', '.join(sizes)}{',' * (len(sizes) == 1)} = {name}.shape"
            yield f"{name} = {name}.reshape(-1)"
        for step in self.plan.head:
            yield from self._step(step)
        yield from self._arena()
        if any(FAILED in touched(step) for step in self.plan.body):
            yield f"{FAILED.name} = run.note()"
        if self.clocked:
            yield f"run.mark({len(self.plan.body)})"
        for place, step in enumerate(self.plan.body):
            yield from self._step(step)
            if self.clocked and is_work(step):
                yield f"run.mark({place})"
        yield f"return {sequence(self._result(r.buffer) for r in self.program.results)}"

    def _result(self, buffer: Buffer) -> str:
        dims = self.results[buffer].dims
        return f"{buffer.name}.reshape({sequence(map(self._scalar, dims))})"

    def _arena(self) -> Lines:
        """One block of memory for all temporaries, grown when it is too small."""
        if not self.plan.slots:
            return
        yield f"at_0 = {ALIGNMENT}"
        for number, sizes in enumerate(self.plan.slots):
            yield f"at_{number + 1} = at_{number} + {self._scalar(slot_size(sizes))}"
        yield f"run.reserve(at_{len(self.plan.slots)})"

    def _guard(self, step: Guard) -> Lines:
        values = [str(step.code), *map(self._scalar, step.values)]
        yield f"if not ({self._scalar(step.condition)}):"
        yield f"    run.stop({', '.join(values)})"

    def _slice(self, step: Slice) -> Lines:
        yield f"{step.buffer.name} = {step.source.name}[{self._scalar(step.offset)}:]"

    def _put(self, step: Put) -> Lines:
        yield f"run.put({step.buffer.name}, {self._scalar(step.value)})"

    def _copy(self, step: Copy) -> Lines:
        words = [step.target.name, step.source.name, self._scalar(step.length)]
        yield f"run.copy({', '.join(words)})"

    def _launch(self, step: Launch) -> Lines:
        """A launch: the kernel, its runs, the elements of each, its arguments."""
        plan, given = shared(step.kernel), dict(zip(step.kernel.params, step.args, strict=True))
        extent = step.extent
        for size in plan.extents:
            extent = extent * given_of(size, given)
        widths = [None if w is None else given_of(w, given) for w in plan.widths()]
        width = "1"
        if widths:
            known = [self._scalar(w) if w is not None else str(LONG) for w in widths]
            width = known[0] if len(set(known)) == 1 else f"max({', '.join(dict.fromkeys(known))})"
        words = [step.kernel.name, self._scalar(extent), width, *map(self._argument, step.args)]
        yield f"run.launch({', '.join(words)})"

    def _allocate(self, step: Allocate) -> Lines:
        name, length = step.buffer.name, self._scalar(step.length)
        slot = self.plan.slot_of.get(step.buffer)
        if step.role == "temporary" and slot is not None:
            yield f"{name} = run.slot(at_{slot}, {length}, {step.buffer.dtype!r})"
        else:
            yield f"{name} = run.new({length}, {step.buffer.dtype!r})"

    def _gemm(self, step: Gemm) -> Lines:
        sizes = map(self._scalar, (step.m, step.n, step.k))
        words = [
            *sizes,
            *(self._factor(step.alpha), step.a.name, str(step.trans_a)),
            *(step.b.name, str(step.trans_b), self._factor(step.beta), step.c.name),
        ]
        yield f"run.gemm({', '.join(words)})"

    def _factor(self, expr: Expr) -> str:
        """A factor of a product: a number, or memory that the library reads on the device."""
        if isinstance(expr, Load) and expr.index == lit(0):
            return f"{expr.buffer.name}[:1]"
        return self._scalar(expr)

    def _routine(self, step: Routine) -> Lines:
        arrays = (
            f"{b.name}[:{_product(dims)}].reshape({sequence(dims)})"
            for b, dims in (
                (b, [self._scalar(d) for d in dims]) for b, dims in (*step.outputs, *step.inputs)
            )
        )
        self.routines.append(step)
        own = own_routine(step.routine)
        if own is not None:
            kernels = own.kernels(step)
            self.handmade |= {kernel.name: kernel for kernel in kernels}
            words = [str(len(self.routines) - 1), sequence(k.name for k in kernels), *arrays]
            yield f"run.own({', '.join(words)})"
            return
        found = device_routine(step.node.op)
        self.waits |= found is None or not found.recorded
        yield f"run.routine({', '.join([str(len(self.routines) - 1), *arrays])})"

    def _argument(self, arg: Buffer | Expr) -> str:
        return arg.name if isinstance(arg, Buffer) else self._scalar(arg)

    def _scalar(self, expr: Expr) -> str:
        self.waits |= any(isinstance(part, Load) for part in walk(expr))
        return expression(_read(expr))


def _product(words: Sequence[str]) -> str:
    return " * ".join(f"({w})" for w in words) or "1"


def _read(expr: Expr) -> Expr:
    """A driver's expression: elements are read from `run.read(buffer)`."""
    if isinstance(expr, Load):
        return Load(Buffer(f"run.read({expr.buffer.name})", expr.buffer.dtype), _read(expr.index))
    if isinstance(expr, Call):
        return Call(expr.op, tuple(map(_read, expr.args)), expr.dtype)
    return expr
