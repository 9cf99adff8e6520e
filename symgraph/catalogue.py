"""The catalogue of ops and functions, gathered from declarations: nothing here is kept by hand.

`symgraph ops` prints it; the documentation has it as a page.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

from symgraph import families, ops
from symgraph.dataclass import dataclass
from symgraph.errors import GradientError, SymgraphError
from symgraph.families import Elemwise, Example, Sample, TensorOp
from symgraph.grad import pullback
from symgraph.graph import Apply, Op, toposort
from symgraph.later import Later
from symgraph.pipeline import is_native
from symgraph.types import COMPLEX, CONTINUOUS, DTYPES, FLOATS, TensorType

coverage = Later("symgraph.backends.cuda.coverage")

KINDS: dict[str, tuple[str, ...]] = {
    "bool": ("bool",),
    "int": tuple(d for d in DTYPES if d.startswith(("int", "uint"))),
    "float": FLOATS,
    "complex": COMPLEX,
}  # words for dtypes that are accepted together
NAMESPACES = {
    "T": "symgraph.tensor",
    "T.nnet": "symgraph.nnet",
    "T.signal.pool": "symgraph.signal.pool",
    "sparse": "symgraph.sparse",
    "typed_list": "symgraph.typed_list",
    "RandomStream": "symgraph.random:RandomStream",
    "gradient": "symgraph.gradient",
    "loops": "symgraph.loops",
}
PYTHON = "Python: any object may pass"
ON_CPU = "CPU: Python runs it"


@dataclass(frozen=True)
class Facts:
    """What is known of one op.

    Attributes
    ----------
    name, module, summary
        Its class, where it is declared, the first line of its docstring.
    family
        What backends know it as; "" for an op that only Python runs.
    dtypes
        The dtypes of its first operand that it takes.
    gradient
        The inputs a gradient flows to, or why none does.
    native
        Whether it becomes native code, and why not if it does not.
    gpu
        Whether a program for a GPU runs it there, and why not if it does not.
    examples
        How many applications of it `tests/test_derived.py` tries: values, gradients to order 2,
        dtypes, memory layouts; 0 for what has a test of its own.
    """

    name: str
    module: str
    summary: str
    family: str
    dtypes: str
    gradient: str
    native: str
    gpu: str
    examples: int

    @property
    def room(self) -> str:
        """The module, inside the package."""
        return self.module.removeprefix("symgraph.ops.")

    @property
    def tests(self) -> str:
        """How it is tested."""
        return f"derived, {self.examples} examples" if self.examples else "its own"

    @property
    def missing(self) -> list[str]:
        """What nothing is said of; an op that Python runs has no family and tests of its own."""
        allowed = ("family", "examples") if self.native.startswith("Python") else ()
        return [key for key, value in vars(self).items() if not value and key not in allowed]


def modules() -> Iterator[ModuleType]:
    """The modules of `symgraph.ops`."""
    for info in pkgutil.iter_modules(ops.__path__, f"{ops.__name__}."):
        yield importlib.import_module(info.name)


def op_classes(base: type[Op] = TensorOp) -> list[type[Any]]:
    """The op classes that are declared in `symgraph.ops`, by module and name."""
    found = {
        f"{module.__name__}.{item.__name__}": item
        for module in modules()
        for item in vars(module).values()
        if inspect.isclass(item)
        and issubclass(item, base)
        and item.__module__ == module.__name__
        and not item.__name__.startswith("_")
        and not is_base(item)
    }
    return [found[name] for name in sorted(found)]


def is_base(kind: type[Op]) -> bool:
    """Whether a class of tensor ops does not say what it computes: others are built on it."""
    own = hasattr(kind, "reference") or kind.evaluate is not TensorOp.evaluate
    return issubclass(kind, TensorOp) and not own


def facts() -> list[Facts]:
    """The facts of every op, tensor ops first."""
    tensor_ops = op_classes()
    others = [kind for kind in op_classes(Op) if not issubclass(kind, TensorOp)]
    return [*map(_facts, tensor_ops), *map(_python_facts, others)]


def _facts(kind: type[TensorOp]) -> Facts:
    examples = list(kind.examples())
    nodes = [node for node in (_node(kind, example) for example in examples) if node is not None]
    return Facts(
        kind.__name__,
        kind.__module__,
        first_line(kind),
        family_of(kind),
        _dtypes(kind, examples),
        _gradient(kind, nodes),
        _native(nodes),
        _gpu(nodes),
        len(examples),
    )


def _python_facts(kind: type[Op]) -> Facts:
    own = any(hasattr(kind, name) and _defines(kind, name) for name in ("grad", "L_op", "opened"))
    flows = "as its graph or the user says" if own else "none: what it does is not known"
    return Facts(
        kind.__name__, kind.__module__, first_line(kind), "", "any", flows, PYTHON, ON_CPU, 0
    )


def _defines(kind: type[Op], name: str) -> bool:
    return getattr(kind, name, None) is not getattr(Op, name, None)


def family_of(kind: type[TensorOp]) -> str:
    """The family of an op: the closest of its bases that `families.py` declares."""
    found = (base for base in kind.__mro__ if base.__module__ == families.__name__)
    return next(found).__name__


def first_line(item: Any) -> str:
    """The first sentence of a docstring."""
    text = inspect.getdoc(item) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _node(kind: type[TensorOp], example: Example) -> Apply | None:
    """The application of an op in one of its examples."""
    variables = [_variable(sample) for sample in example.inputs]
    made = example.op(*variables)
    outputs = made if isinstance(made, list | tuple) else [made]
    return next((node for node in toposort(outputs) if type(node.op) is kind), None)


def _variable(sample: Sample) -> Any:
    return TensorType(sample.dtype, [1 if n == 1 else None for n in sample.shape])()


def _dtypes(kind: type[TensorOp], examples: Sequence[Example]) -> str:
    """Words for the dtypes an op takes in the place of that of its first operand."""
    first = next((e for e in examples if e.inputs), None)
    if first is None:
        return "none"
    dtype = first.inputs[0].dtype
    taken = [d for d in DTYPES if _takes(kind, first, dtype, d)]
    words = [word for word, members in KINDS.items() if set(members) <= set(taken)]
    covered = {d for word in words for d in KINDS[word]}
    return " ".join([*words, *(d for d in taken if d not in covered)])


def _takes(kind: type[TensorOp], example: Example, old: str, new: str) -> bool:
    samples = tuple(replace(s, dtype=new if s.dtype == old else s.dtype) for s in example.inputs)
    try:
        return _node(kind, Example(example.op, samples)) is not None
    except (SymgraphError, TypeError):
        return False


def _gradient(kind: type[TensorOp], nodes: Sequence[Apply]) -> str:
    """The inputs a gradient flows to, over all examples; or why there is none."""
    found: dict[int, None] = {}
    continuous: set[int] = set()
    for node in nodes:
        continuous |= {k for k, v in enumerate(node.inputs) if v.type.dtype in CONTINUOUS}  # type: ignore[attr-defined]
        found |= dict.fromkeys(_flows(node))
    if not found:
        return _why_none(kind, nodes)
    if set(found) == continuous:
        return "all" if len(continuous) > 1 else "yes"
    return f"inputs {', '.join(str(k) for k in sorted(found))}"


def _flows(node: Apply) -> list[int]:
    outputs = [out for out in node.outputs if getattr(out.type, "dtype", "") in CONTINUOUS]
    try:
        starts = {out: out.type.make_variable() for out in outputs}
        parts = pullback(starts, node.inputs, none_for_null=True)
    except GradientError:
        return []
    places = [k for k, part in enumerate(parts) if part is not None]
    return [k for k in places if getattr(node.inputs[k].type, "dtype", "") in CONTINUOUS]


def _why_none(kind: type[TensorOp], nodes: Sequence[Apply]) -> str:
    dtypes = {getattr(v.type, "dtype", "") for node in nodes for v in node.outputs}
    if dtypes and dtypes.isdisjoint(CONTINUOUS):
        return "none: its values are discrete"
    for name in ("L_op", "grad"):
        base = Elemwise if issubclass(kind, Elemwise) else TensorOp
        own = vars_of(kind, name)
        if own is not None and own is not vars_of(base, name):
            return f"none: {first_line(own)}"
    reads = {getattr(v.type, "dtype", "") for node in nodes for v in node.inputs}
    return "none: it reads no numbers" if reads.isdisjoint(CONTINUOUS) else ""


def vars_of(kind: type, name: str) -> Any:
    """What a class or its bases define under a name, without going through attributes."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _native(nodes: Sequence[Apply]) -> str:
    if not nodes:
        return "opened when the graph is built"
    if all(map(is_native, nodes)):
        return "native"
    return f"Python: {first_line(type(nodes[0].op).evaluate)}"


def _gpu(nodes: Sequence[Apply]) -> str:
    if not nodes:
        return "opened when the graph is built"
    if not all(is_native(node, libraries=True) for node in nodes):
        return ON_CPU
    return ", ".join(dict.fromkeys(map(coverage.where, nodes)))


@dataclass(frozen=True)
class Function:
    """A public name of a namespace that is not an op but makes graphs of them."""

    name: str
    summary: str


def functions() -> dict[str, list[Function]]:
    """For each namespace its public functions, and the ops that are called there."""
    found = {}
    for short, module in NAMESPACES.items():
        path, _, owner = module.partition(":")
        place = importlib.import_module(path)
        members = vars(getattr(place, owner)) if owner else vars(place)
        names = members.get("__all__") or [n for n in members if not n.startswith("_")]
        found[short] = [
            Function(name, first_line(members[name]))
            for name in sorted(names, key=str.lower)
            if _is_called(members[name])
        ]
    return found


def _is_called(item: Any) -> bool:
    """Whether users call it to build graphs: a function of ours, or an op."""
    ours = str(getattr(item, "__module__", "")).startswith("symgraph")
    return (isinstance(item, FunctionType) and ours) or isinstance(item, Op)


def markdown() -> str:
    """The page of the documentation: every op by module, every function by namespace."""
    lines = [
        "# Ops and functions",
        "",
        "Made from the declarations in `symgraph/ops/` and from docstrings; `symgraph ops` prints"
        " the same in a terminal. A gradient flows to the inputs named. Native ops are run by the"
        " `llvm` and `numba` targets and by the interpreter, others by Python between native parts;"
        " float16 is stored by `llvm` and computed in float32, and run by Python for `numba`. What"
        " programs for a GPU do with each is told beside it.",
        "",
        "## Functions",
    ]
    for short, members in functions().items():
        lines += ["", f"### {short}", "", "| name | |", "| --- | --- |"]
        lines += [f"| `{f.name}` | {_cell(f.summary)} |" for f in members]
    lines += ["", "## Ops"]
    module = ""
    for fact in facts():
        if fact.module != module:
            module = fact.module
            lines += ["", f"### {fact.room}", ""]
            lines += ["| op | | family | dtypes | gradient | runs | with a GPU | tests |"]
            lines += ["| " + "--- | " * 8]
        cells = (
            fact.summary,
            fact.family or "-",
            fact.dtypes,
            fact.gradient,
            fact.native,
            fact.gpu,
            fact.tests,
        )
        lines.append(f"| `{fact.name}` | {' | '.join(map(_cell, cells))} |")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _cell(text: str) -> str:
    """Text that a table's cell can hold."""
    for sign in "|<*_$":
        text = text.replace(sign, f"\\{sign}")
    return text
