"""A graph as a Python module that runs without symgraph: numba text, and its arrays beside it."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba import types
from numba.core.dispatcher import Dispatcher

from symgraph.backends import stop
from symgraph.backends.numba import division, pointers, portable, portable_conv, scalar, support
from symgraph.backends.numba.scalar_math import definitions
from symgraph.backends.numba.target import Driver, expressions_of
from symgraph.backends.numba.text import harmless, kernel_text
from symgraph.dataclass import dataclass
from symgraph.errors import ExportError
from symgraph.graph import Constant, Graph, Variable
from symgraph.kernel import Buffer, Expr
from symgraph.lower.lower import Lowered, lower
from symgraph.lower.program import Failure, Gemm, Launch, Parameter, Routine, Step
from symgraph.memory import Plan, plan
from symgraph.mode import get_mode
from symgraph.pipeline import is_native
from symgraph.rewrite import rewrite
from symgraph.shared import SharedVariable
from symgraph.show.subject import Subject
from symgraph.types import TensorType

HEADER = '''\
"""{title}

Made by symgraph; needs numba, NumPy and SciPy only. `{name}({arguments})` {does}.
The values of shared variables and constants are read from the file of the same name that ends in
.npz; `arrays` holds them, and updates are stored there.
"""

from math import inf, nan
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import (
    boolean, carray, complex64, complex128, float32, float64, int8, int16, int32, int64, njit,
    types, uint8, uint16, uint32, uint64,
)
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.extending import intrinsic, register_jitable
'''
FOOTER = '''\
# --- what you call ---------------------------------------------------------------------------

arrays = dict(np.load(Path(__file__).with_suffix(".npz")))
INPUTS = {inputs}
FAILURES = {failures}


def {name}({arguments}):
    """Return {outputs}."""
    status = np.zeros(8, np.int64)
    given = [_argument(*pair) for pair in zip(INPUTS, ({arguments}{comma}), strict=True)]
    try:
        results = call(status, *given{stored})
    except Stop:
        text = FAILURES[int(status[0]) - 1]
        for place, value in enumerate(status[1:3]):
            text = text.replace(f"%{{place}}", str(value))
        raise ValueError(text) from None
{updates}    return {result}


def _argument(input, value):
    """Return a value as the row-major array that compiled code takes, in memory of its own."""
    name, dtype, ndim = input
    array = np.array(value, dtype, order="C", ndmin=0)
    if array.ndim != ndim:
        raise TypeError(f"{{name}} has {{ndim}} axes, not {{array.ndim}}")
    return array
'''
# Rooms of routines, with what stands for them where symgraph's own machine code is not.
PORTABLE = {"symgraph.backends.routines.convolution": portable_conv}
PRELUDE = (scalar, division, pointers, stop, support, portable)
IMPORT = re.compile(r"^(?:from \S+ import (?:\([^)]*\)|[^\n]*)|import [^\n]*)\n", re.M)


@dataclass(frozen=True)
class Module:
    """The text of a module and the arrays it reads."""

    text: str
    arrays: Mapping[str, Any]

    def npz(self) -> bytes:
        """The arrays as the content of an .npz file."""
        stream = io.BytesIO()
        np.savez(stream, **self.arrays)
        return stream.getvalue()


def standalone(subject: Subject) -> Module:
    """The module that computes a graph.

    Raises
    ------
    ExportError
        The graph holds an op that only symgraph can run.
    """
    lowered = _lowered(subject)
    planned = plan(lowered.program)
    return Module(_Writer(subject, lowered, planned).text(), dict(_arrays(lowered)))


def _lowered(subject: Subject) -> Lowered:
    stored = dict.fromkeys(v for v in subject.leaves() if isinstance(v, SharedVariable))
    inputs = (*subject.inputs, *dict.fromkeys([*stored, *(s for s, _ in subject.updates)]))
    roots = subject.roots
    if not subject.compiled:
        roots = rewrite(Graph(inputs, roots), get_mode("fast_run").rules).outputs
    for node in Graph(inputs, roots).toposort():
        if not is_native(node):
            raise ExportError(
                f"{node.op}, made at {node.made_at}, runs as Python code of yours or of symgraph;"
                " a module that stands alone cannot hold it"
            )
    count = len(subject.outputs)
    updates = [(s, v) for (s, _), v in zip(subject.updates, roots[count:], strict=True)]
    return lower(inputs, roots[:count], updates)


def _is_stored(var: Variable) -> bool:
    return isinstance(var, Constant | SharedVariable)


def _arrays(lowered: Lowered) -> Iterator[tuple[str, Any]]:
    for parameter in lowered.program.parameters:
        var = parameter.variable
        if isinstance(var, SharedVariable):
            yield parameter.buffer.name, var.get_value(borrow=True)
        elif isinstance(var, Constant):
            yield parameter.buffer.name, var.data


class _Writer:
    """Writes one module."""

    def __init__(self, subject: Subject, lowered: Lowered, planned: Plan) -> None:
        self.subject, self.lowered, self.plan = subject, lowered, planned
        self.given = [p for p in lowered.program.parameters if not _is_stored(p.variable)]
        self.stored = [p for p in lowered.program.parameters if _is_stored(p.variable)]
        self.name = re.sub(r"\W|^(?=\d)", "_", subject.name) or "graph"
        if self.name in ("call", "arrays") or hasattr(portable, self.name):
            self.name += "_"

    def text(self) -> str:
        """The whole module."""
        arguments = ", ".join(p.buffer.name for p in self.given)
        updates = len(self.lowered.program.written) + len(self.lowered.replaced)
        does = "computes the outputs" + " and stores the updates" * bool(updates)
        title = f"{self.subject.name}: {arguments}" if arguments else self.subject.name
        header = HEADER.format(
            title=harmless(title), name=self.name, arguments=arguments, does=does
        )
        parts = [
            header,
            *map(_prelude, PRELUDE),
            *_routines(self.plan.steps),
            *definitions(expressions_of(self.plan)),
            *map(kernel_text, self.plan.program.kernels),
            _Driver(self.plan).text(),
            self._footer(arguments),
        ]
        return "\n\n".join(part.strip("\n") + "\n" for part in parts)

    def _footer(self, arguments: str) -> str:
        stored = "".join(f', arrays["{p.buffer.name}"]' for p in self.stored)
        count = self.lowered.outputs
        names = {p.variable: p.buffer.name for p in self.stored}
        updates = "".join(
            f'    arrays["{names[var]}"] = results[{count + n}]\n'
            for n, var in enumerate(self.lowered.replaced)
        )
        words = [v.name or f"output {n}" for n, v in enumerate(self.subject.outputs)]
        return FOOTER.format(
            name=self.name,
            arguments=arguments,
            comma="," * (len(self.given) == 1),
            inputs=_listed(_input(p) for p in self.given),
            failures=_listed(_message(f) for f in self.lowered.program.failures),
            outputs=", ".join(words) or "nothing",
            stored=stored,
            updates=updates,
            result="results[0]" if count == 1 else f"list(results[:{count}])",
        )


def _input(parameter: Parameter) -> tuple[str, str, int]:
    kind = parameter.variable.type
    assert isinstance(kind, TensorType)
    return parameter.buffer.name, kind.dtype, kind.ndim


def _message(failure: Failure) -> str:
    where = f", at {failure.node.made_at}" if failure.node is not None else ""
    return f"{failure.message}{where}"


def _listed(items: Iterator[Any]) -> str:
    lines = "".join(f"    {item!r},\n" for item in items)
    return f"[\n{lines}]" if lines else "[]"


class _Driver(Driver):
    """The driver with temporaries of their own, kernels called one by one, NumPy's products."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(replace(plan, slots=(), slot_of={}))

    def text(self) -> str:
        """The driver as a Python function."""
        names = [p.buffer.name for p in self.program.parameters]
        lines = ["@driver", f"def call({', '.join(['status', *names])}):"]
        return "\n".join([*lines, *(f"    {line}" for line in self._body())])

    def _body(self) -> Iterator[str]:
        for parameter in self.program.parameters:
            yield from self._open(parameter)
        for step in (*self.plan.head, *self.plan.body):
            yield from self._step(step)
        for buffer in self.plan.dynamic_among(self.plan.body):
            yield f"hold(m_{buffer.name})"
        words = "".join(f"{r.buffer.name}, " for r in self.program.results)
        yield f"return ({words})"

    def _step(self, step: Step) -> Iterator[str]:
        if isinstance(step, Launch):
            words = ["0", self._scalar(step.extent), "0", *map(self._argument, step.args)]
            yield f"{step.kernel.name}({', '.join(words)})"
        elif isinstance(step, Gemm):
            yield self._product(step)
        else:
            yield from super()._step(step)

    def _product(self, step: Gemm) -> str:
        left = self._matrix(step.a, step.m, step.k, step.trans_a)
        right = self._matrix(step.b, step.k, step.n, step.trans_b)
        numbers = [self._scalar(step.alpha), self._scalar(step.beta)]
        shape = f"({self._scalar(step.m)}, {self._scalar(step.n)})"
        return f"product({', '.join([left, right, *numbers, self._pointer(step.c), shape])})"

    def _matrix(self, buffer: Buffer, rows: Expr, columns: Expr, transposed: bool) -> str:
        first, second = (columns, rows) if transposed else (rows, columns)
        shape = f"({self._scalar(first)}, {self._scalar(second)})"
        return f"carray({self._pointer(buffer)}, {shape}){'.T' * transposed}"


# --- support that is written into the module -------------------------------------------------


def _prelude(module: ModuleType) -> str:
    """The text of a module of the run time without its docstring and imports."""
    text = inspect.getsource(module)
    text = text.split('"""\n', 1)[1]
    return IMPORT.sub("", text).replace("# mypy: allow-untyped-decorators\n", "").strip("\n") + "\n"


def _routines(steps: Iterable[Step]) -> list[str]:
    """The native routines that steps call, with what these call, callees first."""
    texts: dict[str, str] = {}
    for step in steps:
        if isinstance(step, Routine):
            module, name = step.routine.split(":")
            found = getattr(PORTABLE.get(module) or import_module(module), name)
            _inline(found, texts, step)
            texts[f"do_{name}"] = f"do_{name} = {name}"
    return list(texts.values())


def _inline(item: Any, texts: dict[str, str], step: Routine) -> None:
    function = item.py_func if isinstance(item, Dispatcher) else item
    if not isinstance(function, FunctionType) or not isinstance(item, Dispatcher):
        raise ExportError(
            f"{step.node.op}, made at {step.node.made_at}, is run by a library that a module of"
            " its own cannot reach"
        )
    if function.__name__ in texts:
        return
    for name in _globals_read(function.__code__):
        if name in function.__globals__ and name not in texts:
            _inline_global(name, function.__globals__[name], texts, step)
    texts[function.__name__] = inspect.getsource(function)


def _inline_global(name: str, value: Any, texts: dict[str, str], step: Routine) -> None:
    if hasattr(portable, name) or any(hasattr(module, name) for module in PRELUDE):
        return
    if isinstance(value, ModuleType):
        texts[name] = f"import {value.__name__} as {name}"
    elif isinstance(value, types.Type):
        return
    elif isinstance(value, int | float | str | tuple):
        texts[name] = f"{name} = {value!r}"
    else:
        _inline(value, texts, step)


def _globals_read(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals_read(constant)
