"""The `numba` target: a plan as one readable Python module of kernels and a driver."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from numba import types

from symgraph.backends.numba.flow import Flow, Lines, sequence
from symgraph.backends.numba.scalar_math import definitions, externals
from symgraph.backends.numba.store import array
from symgraph.backends.numba.text import expression, harmless, kernel_text, literal, numba_name
from symgraph.graph import Constant
from symgraph.kernel import Buffer, Call, Expr, Kernel, Load
from symgraph.lower.program import (
    Allocate,
    Bind,
    Branch,
    Copy,
    Gemm,
    Guard,
    Launch,
    Parameter,
    Program,
    Put,
    Repeat,
    Routine,
    Slice,
    Step,
    touched,
)
from symgraph.memory import ALIGNMENT, Plan, slot_size
from symgraph.types import TensorType

IMPORTS = """\
from math import inf, nan

import numpy as np

from symgraph.backends.numba.runtime import *
from symgraph.backends.numba.support import *
"""
EXTERNALS = "from symgraph.backends.numba.external import external\n\n"
BLAS_SUFFIX = {"float32": "f32", "float64": "f64", "complex64": "c64", "complex128": "c128"}
ALIASES_A_TEST = 50  # a branch each would be more blocks than numba can order


def module_text(plan: Plan, title: str) -> str:
    """The module: imports, the scalar functions used, kernels, driver."""
    kernels = plan.program.kernels
    called = sorted({s.routine for s in plan.steps if isinstance(s, Routine)})
    special = "".join(map(_external, externals(expressions_of(plan))))
    parts = [
        f'"""{harmless(title)}"""\n\n{IMPORTS}' + "".join(map(import_line, called)),
        *([EXTERNALS + special] if special else []),
        *definitions(expressions_of(plan)),
        *map(kernel_text, kernels),
        Driver(plan).text(),
    ]
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


def import_line(routine: str) -> str:
    """The import of a routine, with its version: cached code is known by its text."""
    module, name = routine.split(":")
    return f"from {module} import {name} as do_{name}  # version {_version(module)}\n"


def _external(op: str) -> str:
    return f"do_{op} = external({op!r})\n"


@cache
def _version(module: str) -> str:
    """A digest of a module's source: when it changes, cached code is compiled again."""
    source = Path(str(import_module(module).__file__)).read_bytes()
    return hashlib.sha256(source).hexdigest()[:12]


def expressions_of(plan: Plan) -> Iterator[Kernel | Expr]:
    """All that may call scalar functions: the kernels, and the driver's own expressions."""
    yield from plan.program.kernels
    for step in plan.steps:
        if isinstance(step, Bind | Put):
            yield step.value
        elif isinstance(step, Gemm):
            yield from (step.alpha, step.beta)
        elif isinstance(step, Repeat) and step.until is not None:
            yield step.until
        elif isinstance(step, Branch):
            yield step.condition


class Driver(Flow):
    """Writes the function that runs a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.program = plan, plan.program
        self.results = {r.buffer: r for r in self.program.results}
        self.used = {b for step in (*plan.head, *plan.body) for b in touched(step)}

    def text(self) -> str:
        """The driver as a Python function."""
        names = [p.buffer.name for p in self.program.parameters]
        arguments = ["status", "arena", *names]
        lines = ["@driver", f"def call({', '.join(arguments)}):"]
        lines += [f"    {line}" for line in self._body()]
        return "\n".join(lines)

    def _body(self) -> Lines:
        for parameter in self.program.parameters:
            yield from self._open(parameter)
        for step in self.plan.head:
            yield from self._step(step)
        yield from self._aliases()
        yield from self._arena()
        for step in self.plan.body:
            yield from self._step(step)
        for buffer in self.plan.dynamic_among(self.plan.body):
            yield f"hold(m_{buffer.name})"
        arrays = [r.buffer.name for r in self.program.results]
        yield f"return {sequence([*arrays, 'arena'])}"

    def _open(self, parameter: Parameter) -> Lines:
        name = parameter.buffer.name
        if parameter.sizes:
            yield f"{', '.join(parameter.sizes)}{',' * (len(parameter.sizes) == 1)} = {name}.shape"
        if parameter.buffer in self.used:
            yield f"p_{name} = data({name})"

    def _aliases(self) -> Lines:
        """Refuse an argument that shares memory with what is overwritten; the caller copies it."""
        written = set(self.program.written)
        names = [target.buffer.name for target in self.program.written]
        for number, parameter in enumerate(self.program.parameters):
            own = parameter in written or isinstance(parameter.variable, Constant)
            if own or parameter.buffer not in self.used:
                continue
            for start in range(0, len(names), ALIASES_A_TEST):
                some = names[start : start + ALIASES_A_TEST]
                yield f"if {' | '.join(f'overlap({parameter.buffer.name}, {n})' for n in some)}:"
                yield f"    status[0], status[1] = -1, {number}"
                yield "    raise Stop"

    def _arena(self) -> Lines:
        """One block of memory for all temporaries, grown when it is too small."""
        if not self.plan.slots:
            return
        widths: dict[str, str] = {}
        yield f"at_0 = {ALIGNMENT}"
        for number, sizes in enumerate(self.plan.slots):
            width = expression(slot_size(sizes))
            if width not in widths:
                widths[width] = f"width_{len(widths)}"
                yield f"{widths[width]} = {width}"
            yield f"at_{number + 1} = at_{number} + {widths[width]}"
        last = f"at_{len(self.plan.slots)}"
        yield f"if {last} > arena.size:"
        yield f"    arena = np.empty({last}, np.uint8)"
        yield f"base = address(arena) // {ALIGNMENT} * {ALIGNMENT}"

    def _slice(self, step: Slice) -> Lines:
        source, start = self._pointer(step.source), self._scalar(step.offset)
        yield f"{self._pointer(step.buffer)} = offset({source}, {start})"

    def _launch(self, step: Launch) -> Lines:
        words = [self._scalar(step.extent), self._scalar(step.work), step.kernel.name]
        yield f"launch({', '.join([*words, *map(self._argument, step.args)])})"

    def _put(self, step: Put) -> Lines:
        yield f"{self._pointer(step.buffer)}[0] = {self._scalar(step.value)}"

    def _copy(self, step: Copy) -> Lines:
        words = [*map(self._pointer, (step.target, step.source)), self._scalar(step.length)]
        yield f"copy({', '.join(words)})"

    def _left(self, steps: Sequence[Step]) -> Lines:
        """Arrays of run-time size live as long as the block that makes them."""
        return (f"hold(m_{b.name})" for b in self.plan.dynamic_among(steps))

    def _guard(self, step: Guard) -> Lines:
        yield f"if not ({self._scalar(step.condition)}):"
        values = [str(step.code), *map(self._scalar, step.values)]
        places = ", ".join(f"status[{n}]" for n in range(len(values)))
        yield f"    {places} = {', '.join(values)}"
        yield "    raise Stop"

    def _allocate(self, step: Allocate) -> Lines:
        name, dtype = step.buffer.name, step.buffer.dtype
        if step.role == "output":
            dims = sequence(map(self._scalar, self.results[step.buffer].dims))
            yield f"{name} = np.empty({dims}, np.{_numpy(dtype)})"
            yield f"p_{name} = data({name})"
        elif step.buffer in self.plan.slot_of:
            slot = self.plan.slot_of[step.buffer]
            yield f"p_{name} = pointer(base + at_{slot}, {numba_name(dtype)})"
        else:
            yield f"m_{name} = np.empty({self._scalar(step.length)}, np.{_numpy(dtype)})"
            yield f"p_{name} = data(m_{name})"

    def _gemm(self, step: Gemm) -> Lines:
        m, n, k = map(self._scalar, (step.m, step.n, step.k))
        lda = m if step.trans_a else k
        ldb = k if step.trans_b else n
        words = [
            *(m, n, k, self._scalar(step.alpha)),
            *(self._pointer(step.a), lda, str(step.trans_a)),
            *(self._pointer(step.b), ldb, str(step.trans_b)),
            *(self._scalar(step.beta), self._pointer(step.c), n),
        ]
        yield f"if gemm_{BLAS_SUFFIX[step.c.dtype]}({', '.join(words)}):"
        yield "    status[0] = -2"
        yield "    raise Stop"

    def _routine(self, step: Routine) -> Lines:
        words = [
            f"carray({self._pointer(b)}, {sequence(map(self._scalar, dims))})"
            for b, dims in (*step.outputs, *step.inputs)
        ]
        words += [literal(s, "int64") for s in step.settings]
        yield f"do_{step.routine.split(':')[1]}({', '.join(words)})"

    def _argument(self, arg: Buffer | Expr) -> str:
        return self._pointer(arg) if isinstance(arg, Buffer) else self._scalar(arg)

    def _pointer(self, buffer: Buffer) -> str:
        return f"p_{buffer.name}"

    def _scalar(self, expr: Expr) -> str:
        return expression(_pointed(expr))


def _numpy(dtype: str) -> str:
    return "bool_" if dtype == "bool" else dtype


def _pointed(expr: Expr) -> Expr:
    """A driver's expression: it reads through pointers named `p_...`."""
    if isinstance(expr, Load):
        return Load(Buffer(f"p_{expr.buffer.name}", expr.buffer.dtype), _pointed(expr.index))
    if isinstance(expr, Call):
        return Call(expr.op, tuple(map(_pointed, expr.args)), expr.dtype)
    return expr


def signature(program: Program) -> tuple[types.Type, ...]:
    """The argument types of the driver: row-major arrays, those of the workspace first."""
    arrays = (array(p.buffer.dtype, _rank(p)) for p in program.parameters)
    return (array("int64", 1), array("uint8", 1), *arrays)


def _rank(parameter: Parameter) -> int:
    kind = parameter.variable.type
    assert isinstance(kind, TensorType)
    return kind.ndim
