"""The program of a function: a list of steps one native driver runs in order.

Scalars (sizes, learning rates, sums) live in the driver as names; arrays live in buffers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import TypeAlias

from symgraph.dataclass import dataclass
from symgraph.graph import Apply, Variable
from symgraph.kernel import Buffer, Expr, Kernel, Load, walk


@dataclass(frozen=True)
class Parameter:
    """An array the driver is called with."""

    buffer: Buffer
    variable: Variable
    sizes: tuple[str, ...]  # the names its sizes are bound to


@dataclass(frozen=True)
class Bind:
    """Give a scalar its name."""

    name: str
    value: Expr
    note: str = ""


@dataclass(frozen=True)
class Failure:
    """What a failing guard reports: the kind of error, the node, the text."""

    kind: type[Exception]
    message: str
    node: Apply | None = None


@dataclass(frozen=True)
class Guard:
    """Stop with failure number `code`, reporting `values`, unless `condition` holds."""

    condition: Expr
    code: int
    values: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Allocate:
    """Make room for a buffer of `length` elements before it is written."""

    buffer: Buffer
    dims: tuple[Expr, ...]
    length: Expr
    role: str = "temporary"  # temporary, output, shared (lives in a parameter's memory)


@dataclass(frozen=True)
class Launch:
    """Run a kernel over `extent`, split among threads when `work` scalar operations pay."""

    kernel: Kernel
    args: tuple[Buffer | Expr, ...]
    extent: Expr
    work: Expr
    nodes: tuple[Apply, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Gemm:
    """c = alpha * op(a) @ op(b) + beta * c, row-major: op(a) is (m, k), op(b) is (k, n)."""

    a: Buffer
    b: Buffer
    c: Buffer
    m: Expr
    n: Expr
    k: Expr
    trans_a: bool
    trans_b: bool
    alpha: Expr
    beta: Expr
    node: Apply = field(compare=False)


@dataclass(frozen=True)
class Put:
    """Write one scalar to a buffer."""

    buffer: Buffer
    value: Expr


@dataclass(frozen=True)
class Copy:
    """Copy `length` elements."""

    source: Buffer
    target: Buffer
    length: Expr


@dataclass(frozen=True)
class Routine:
    """Call a native routine `module:name` on whole arrays, outputs first, integers last."""

    routine: str
    outputs: tuple[tuple[Buffer, tuple[Expr, ...]], ...]
    inputs: tuple[tuple[Buffer, tuple[Expr, ...]], ...]
    settings: tuple[int, ...]
    node: Apply = field(compare=False)


@dataclass(frozen=True)
class Slice:
    """Call the memory of `source` from element `offset` on `buffer`."""

    buffer: Buffer
    source: Buffer
    offset: Expr


@dataclass(frozen=True)
class Repeat:
    """Run `body` for `index` = 0, 1, ..., `count` - 1.

    The run in which `until` holds, at its end, is the last. Afterwards `done` is the number of
    runs. What the body binds, slices and allocates is known in that run only.
    """

    index: str
    count: Expr
    body: tuple[Step, ...]
    until: Expr | None = None
    done: str = ""


@dataclass(frozen=True)
class Branch:
    """Run `then` if `condition` holds, else `otherwise`."""

    condition: Expr
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]


Step: TypeAlias = (
    Bind | Guard | Allocate | Launch | Gemm | Put | Copy | Routine | Slice | Repeat | Branch
)


def bodies(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps inside a step."""
    if isinstance(step, Repeat):
        return (step.body,)
    return (step.then, step.otherwise) if isinstance(step, Branch) else ()


def every(steps: Iterable[Step]) -> Iterator[Step]:
    """Each step, and each step inside it, in order."""
    for step in steps:
        yield step
        for body in bodies(step):
            yield from every(body)


@dataclass(frozen=True)
class Result:
    """An array the driver returns."""

    buffer: Buffer
    dims: tuple[Expr, ...]
    variable: Variable


@dataclass(frozen=True)
class Program:
    """Everything a backend needs to write a driver."""

    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    results: tuple[Result, ...]
    failures: tuple[Failure, ...]
    written: tuple[Parameter, ...] = ()  # shared parameters overwritten in place

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The distinct kernels, in the order of their first launch."""
        launched = (step.kernel for step in every(self.steps) if isinstance(step, Launch))
        return tuple(dict.fromkeys(launched))


def is_work(step: Step) -> bool:
    """Whether a step takes time worth telling: it runs over memory, or is a loop or a choice."""
    return not isinstance(step, Bind | Guard | Allocate | Put | Slice)


def reads(step: Step) -> tuple[Buffer, ...]:
    """The buffers a step touches, writes included."""
    if isinstance(step, Launch):
        return tuple(a for a in step.args if isinstance(a, Buffer))
    if isinstance(step, Gemm):
        return (step.a, step.b, step.c)
    if isinstance(step, Copy):
        return (step.source, step.target)
    if isinstance(step, Put | Allocate):
        return (step.buffer,)
    if isinstance(step, Routine):
        return tuple(b for b, _ in (*step.outputs, *step.inputs))
    return (step.buffer, step.source) if isinstance(step, Slice) else ()


def exprs_of(step: Step) -> list[Expr]:
    """The scalar expressions a step reads itself; `until` is read at the end of the body."""
    if isinstance(step, Repeat):
        return [step.count]
    if isinstance(step, Branch):
        return [step.condition]
    if isinstance(step, Slice):
        return [step.offset]
    if isinstance(step, Launch):
        return [*(a for a in step.args if isinstance(a, Expr)), step.extent, step.work]
    if isinstance(step, Bind | Put):
        return [step.value]
    if isinstance(step, Guard):
        return [step.condition, *step.values]
    if isinstance(step, Allocate):
        return [*step.dims, step.length]
    if isinstance(step, Copy):
        return [step.length]
    if isinstance(step, Routine):
        return [d for _, dims in (*step.outputs, *step.inputs) for d in dims]
    return [step.m, step.n, step.k, step.alpha, step.beta]


def touched(step: Step) -> tuple[Buffer, ...]:
    """The buffers a step touches, with those its scalars are loaded from and its inner steps."""
    exprs = exprs_of(step)
    if isinstance(step, Repeat) and step.until is not None:
        exprs.append(step.until)
    loads = (p.buffer for e in exprs for p in walk(e) if isinstance(p, Load))
    inside = (buffer for body in bodies(step) for inner in body for buffer in touched(inner))
    return (*reads(step), *loads, *inside)
