"""`pp`: the formula of a graph, in Python's notation with as few parentheses as it needs.

Operators bind as in Python; the matrix product "·" binds tighter than "*".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from symgraph.dataclass import dataclass
from symgraph.families import Elemwise, Reduce
from symgraph.graph import Apply, Constant, Op, Variable
from symgraph.ops.arith import Neg, Reciprocal, Sqr
from symgraph.ops.cast import Cast
from symgraph.ops.linalg import Dot, Gemm
from symgraph.ops.logic import Invert
from symgraph.ops.lookup import AdvancedIncSubtensor, AdvancedSubtensor
from symgraph.ops.pattern import AT, NEW, Part
from symgraph.ops.shape import DimShuffle, ShapeI
from symgraph.ops.subtensor import IncSubtensor, Subtensor
from symgraph.show.subject import subject_of
from symgraph.show.words import leaf_text, visible

LONGEST = 2000
LOOSE, COMPARED, ADDED, MULTIPLIED, MATRIX, SIGNED, RAISED, ATOM = 0, 1, 5, 6, 7, 8, 9, 10
INFIX = {  # by the name of the scalar operation
    "eq": ("==", COMPARED),
    "ne": ("!=", COMPARED),
    "lt": ("<", COMPARED),
    "le": ("<=", COMPARED),
    "gt": (">", COMPARED),
    "ge": (">=", COMPARED),
    "or": ("|", 2),
    "xor": ("^", 3),
    "and": ("&", 4),
    "add": ("+", ADDED),
    "sub": ("-", ADDED),
    "mul": ("*", MULTIPLIED),
    "div": ("/", MULTIPLIED),
    "floordiv": ("//", MULTIPLIED),
    "mod": ("%", MULTIPLIED),
}


@dataclass(frozen=True)
class Operand:
    """A variable in a formula; in parentheses unless it binds as tightly as `least`.

    An application of `beside`, an associative op, needs none in any case.
    """

    var: Variable
    least: int = LOOSE
    beside: Op | None = None


class Form(NamedTuple):
    """How a node is written, and how tightly that binds."""

    binding: int
    pieces: Sequence[str | Operand]


def pp(obj: Any, max_length: int = LONGEST) -> str:
    """The formula of a variable; of several, or of a compiled function, one on a line.

    A formula longer than `max_length` characters is cut off with "...", since one that uses a
    value twice writes it twice.

    >>> import symgraph.tensor as T
    >>> x, W, b = T.dvector("x"), T.dmatrix("W"), T.dvector("b")
    >>> pp(T.tanh(T.dot(x, W) + b) ** 2)
    'tanh(x · W + b) ** 2.0'
    """
    subject = subject_of(obj)
    fence = frozenset(subject.inputs)
    lines = [formula(var, fence, max_length) for var in subject.outputs]
    lines += [
        f"{leaf_text(shared)} = {formula(value, fence, max_length)}"
        for shared, value in subject.updates
    ]
    return "\n".join(lines)


pprint = pp


def formula(var: Variable, fence: frozenset[Variable], max_length: int) -> str:
    """The formula of one variable, in which those of `fence` stand by name."""
    text, length = list[str](), 0
    for token in _tokens(var, fence):
        text.append(token)
        length += len(token)
        if length > max_length:
            return "".join(text)[: max(max_length - 3, 0)] + "..."
    return "".join(text)


def _tokens(var: Variable, fence: frozenset[Variable]) -> Iterator[str]:
    stack: list[str | Operand] = [Operand(var)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        leaf = item.var.owner is None or item.var in fence
        form = _leaf(item.var) if leaf else _node(item.var)
        chained = item.beside is not None and not leaf and item.var.owner.op == item.beside  # type: ignore[union-attr]
        if form.binding >= item.least or chained:
            stack.extend(reversed(form.pieces))
        else:
            stack.append(")")
            stack.extend(reversed(form.pieces))
            yield "("


def _leaf(var: Variable) -> Form:
    text = leaf_text(var)
    negative = isinstance(var, Constant) and var.name is None and text.startswith("-")
    return Form(SIGNED if negative else ATOM, [text])


def _node(var: Variable) -> Form:
    node = var.owner
    assert node is not None
    if len(node.outputs) > 1:
        return Form(ATOM, [*_call(node).pieces, f"[{var.index}]"])
    special = FORMS.get(type(node.op))
    if special is not None:
        return special(node)
    if isinstance(node.op, Elemwise) and len(node.inputs) == 2:
        if node.op.code == "pow":
            return power(node.inputs[0], Operand(node.inputs[1], SIGNED))
        if node.op.code in INFIX:
            return _infix(node, node.op)
    if isinstance(node.op, Reduce):
        return _reduction(node, node.op)
    return _call(node)


# --- kinds of notation ---------------------------------------------------------------------


def _infix(node: Apply, op: Elemwise) -> Form:
    symbol, binding = INFIX[op.code]
    left, right = node.inputs
    least = binding + 1 if binding == COMPARED else binding
    beside = op if op.associative else None
    return Form(binding, [Operand(left, least), f" {symbol} ", Operand(right, binding + 1, beside)])


def power(base: Variable, exponent: str | Operand) -> Form:
    """base ** exponent."""
    return Form(RAISED, [Operand(base, ATOM), " ** ", exponent])


def _call(node: Apply) -> Form:
    """name(operands, parameters by name)."""
    pieces: list[str | Operand] = [f"{function_name(node.op)}("]
    for var in node.inputs:
        pieces += [Operand(var), ", "]
    settings = ", ".join(f"{name}={value}" for name, value in parameters(node.op).items())
    if settings:
        pieces.append(visible(settings))
    elif node.inputs:
        pieces.pop()
    return Form(ATOM, [*pieces, ")"])


def function_name(op: Op) -> str:
    """The name of an op's class as functions are named: LogSoftmax is log_softmax."""
    name = type(op).__name__.strip("_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def parameters(op: Any) -> dict[str, Any]:
    """The values that tell two ops of one class apart, by name."""
    names = [f.name for f in fields(op)] if is_dataclass(op) else op.__props__
    return {name: getattr(op, name) for name in names}


def _reduction(node: Apply, op: Reduce) -> Form:
    (x,) = node.inputs
    everything = len(op.axes) == x.type.ndim  # type: ignore[attr-defined]
    axes = op.axes[0] if len(op.axes) == 1 else op.axes
    axis = "" if everything else f", axis={axes}"
    return Form(ATOM, [f"{function_name(op)}(", Operand(x), f"{axis})"])


def _negative(node: Apply) -> Form:
    return Form(SIGNED, ["-", Operand(node.inputs[0], SIGNED)])


def _inverted(node: Apply) -> Form:
    return Form(SIGNED, ["~", Operand(node.inputs[0], SIGNED)])


def _reciprocal(node: Apply) -> Form:
    return Form(MULTIPLIED, ["1 / ", Operand(node.inputs[0], MATRIX)])


def _cast(node: Apply) -> Form:
    assert isinstance(node.op, Cast)
    return Form(ATOM, [f"{node.op.dtype}(", Operand(node.inputs[0]), ")"])


def _size(node: Apply) -> Form:
    assert isinstance(node.op, ShapeI)
    return Form(ATOM, [Operand(node.inputs[0], ATOM), f".shape[{node.op.axis}]"])


def _dimshuffle(node: Apply) -> Form:
    assert isinstance(node.op, DimShuffle)
    ndim = node.inputs[0].type.ndim  # type: ignore[attr-defined]
    if ndim > 1 and node.op.order == tuple(reversed(range(ndim))):
        return Form(ATOM, [Operand(node.inputs[0], ATOM), ".T"])
    order = ", ".join(repr(axis) for axis in node.op.order)
    return Form(ATOM, [Operand(node.inputs[0], ATOM), f".dimshuffle({order})"])


def _product(a: Variable, b: Variable, op: Dot | Gemm) -> tuple[str | Operand, ...]:
    left = (Operand(a, ATOM), ".T") if op.trans_a else (Operand(a, MATRIX),)
    right = (Operand(b, ATOM), ".T") if op.trans_b else (Operand(b, SIGNED),)
    return (*left, " · ", *right)


def _dot(node: Apply) -> Form:
    assert isinstance(node.op, Dot)
    return Form(MATRIX, _product(node.inputs[0], node.inputs[1], node.op))


def _gemm(node: Apply) -> Form:
    assert isinstance(node.op, Gemm)
    c, a, b, alpha, beta = node.inputs
    scaled = (Operand(beta, MULTIPLIED), " * ", Operand(c, MATRIX))
    product = (Operand(alpha, MULTIPLIED), " * ", *_product(a, b, node.op))
    return Form(ADDED, (*scaled, " + ", *product))


def _part(node: Apply) -> Form:
    assert isinstance(node.op, Subtensor | AdvancedSubtensor)
    x, *numbers = node.inputs
    return Form(ATOM, [Operand(x, ATOM), *_index(node.op.parts, numbers)])


def _written(node: Apply) -> Form:
    assert isinstance(node.op, IncSubtensor | AdvancedIncSubtensor)
    x, y, *numbers = node.inputs
    name = "set_subtensor(" if node.op.sets else "inc_subtensor("
    where = [Operand(x, ATOM), *_index(node.op.parts, numbers)]
    return Form(ATOM, [name, *where, ", ", Operand(y), ")"])


def _index(parts: Sequence[Part], numbers: Sequence[Variable]) -> Iterator[str | Operand]:
    values = iter(numbers)
    for place, part in enumerate(parts):
        yield ", " if place else "["
        if part.kind == AT:
            yield Operand(next(values))
        elif part.kind == NEW:
            yield "None"
        else:
            start, stop, step = part.has
            yield Operand(next(values)) if start else ""
            yield ":"
            yield Operand(next(values)) if stop else ""
            yield ":" if step else ""
            yield Operand(next(values)) if step else ""
    yield "]" if parts else "[()]"


FORMS: dict[type[Op], Callable[[Apply], Form]] = {
    Neg: _negative,
    Invert: _inverted,
    Sqr: lambda node: power(node.inputs[0], "2"),
    Reciprocal: _reciprocal,
    Cast: _cast,
    ShapeI: _size,
    DimShuffle: _dimshuffle,
    Dot: _dot,
    Gemm: _gemm,
    Subtensor: _part,
    AdvancedSubtensor: _part,
    IncSubtensor: _written,
    AdvancedIncSubtensor: _written,
}
