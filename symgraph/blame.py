"""What to say when a guard of compiled code fails: which line, on what arrays, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgraph.device_array import DeviceArray
from symgraph.errors import (
    IndexRangeError,
    InputShapeError,
    MatrixError,
    ShapeError,
    SymgraphError,
)
from symgraph.graph import Apply, Constant, Variable, clone_graph
from symgraph.lower.lower import Lowered
from symgraph.lower.measure import number, shape_of, sizes_of_arguments
from symgraph.lower.program import Bind, Failure, Launch, every
from symgraph.memory import Plan
from symgraph.types import TensorType

MOST_LINES = 6  # of a kernel
BROADCAST = (
    "an axis broadcasts only if its size is declared 1: give the input"
    " shape=(..., 1, ...), or use T.addbroadcast, T.row, T.col"
)
RESHAPE = "the new sizes multiply to the number of elements; one may be -1, for what is left"
CURES: Mapping[type[Exception], str] = {
    ShapeError: "pass arrays whose sizes agree; sizes that are declared by one name, as in"
    " T.matrix(shape=('n', 3)), are compared before anything is computed",
    IndexRangeError: "indices run from -n to n - 1 for n elements; T.clip(i, 0, n - 1) or"
    " x.take(i, mode='clip') keeps them inside",
    MatrixError: "the factorisation needs another matrix: adding a small multiple of T.eye(n)"
    " often makes one that it has",
}


def failure_error(
    failure: Failure, values: Sequence[int], lowered: Lowered, plan: Plan, arrays: Sequence[Any]
) -> Exception:
    """The exception a failed guard stands for: the line, its operands, its kernel, the cure."""
    parts = [failure.message.replace("%0", str(values[0])).replace("%1", str(values[1]))]
    if failure.node is not None:
        parts.append(f"  at {failure.node.made_at}")
        parts += _operands(failure.node, lowered, plan, arrays)
        parts += _kernel(failure.node, lowered)
    variables = [parameter.variable for parameter in lowered.program.parameters]
    parts += [*passed(variables, arrays), *_cure(failure, parts[0], values)]
    kind = InputShapeError if failure.node is None else failure.kind
    return kind("\n".join(parts))


def passed(variables: Sequence[Variable], arrays: Sequence[Any]) -> Iterator[str]:
    """A line for each argument: its shape, its dtype, its strides where it is not row-major."""
    for var, array in zip(variables, arrays, strict=False):
        if isinstance(array, np.ndarray | DeviceArray):
            yield f"  {var} has shape {array.shape}, {_layout(array)}"


def _cure(failure: Failure, message: str, values: Sequence[int]) -> Iterator[str]:
    if failure.kind is ShapeError and "do not agree" in message and 1 in values:
        yield f"  {BROADCAST}"
    elif "reshape" in message:
        yield f"  {RESHAPE}"
    elif failure.kind in CURES:
        yield f"  {CURES[failure.kind]}"


def _layout(array: Any) -> str:
    """The dtype of an array, and its strides where it is not row-major."""
    if isinstance(array, DeviceArray):
        return f"{array.dtype} on {array.device}"
    strides = "" if array.flags.c_contiguous else f", strides {array.strides}"
    return f"{array.dtype}{strides}"


def _operands(node: Apply, lowered: Lowered, plan: Plan, arrays: Sequence[Any]) -> Iterator[str]:
    """What a node reads: a line for each operand that something computes."""
    given = {p.variable for p in lowered.program.parameters}
    shapes = _shapes(node, lowered, plan, arrays)
    for var, shape in zip(node.inputs, shapes, strict=True):
        if isinstance(var, Constant) or var in given or not isinstance(var.type, TensorType):
            continue
        name = var.name or (str(var.owner.op) if var.owner else "a row")
        sizes = ", ".join("?" if size is None else str(size) for size in shape)
        text = f"  it reads {name}: {var.type.dtype}({sizes})"
        if shape and None not in shape:
            text += f", strides {_strides(shape, var.type.dtype)}"
        yield text if var.made_at == node.made_at else f"{text}, made at {var.made_at}"


def _strides(shape: Sequence[Any], dtype: str) -> tuple[int, ...]:
    """The strides of a row-major array, as all computed values are."""
    step, found = np.dtype(dtype).itemsize, list[int]()
    for size in reversed(shape):
        found.append(step)
        step *= size
    return tuple(reversed(found))


def _shapes(
    node: Apply, lowered: Lowered, plan: Plan, arrays: Sequence[Any]
) -> list[tuple[int | None, ...]]:
    """The shapes of a node's operands, found anew: sizes taken to be equal may not have been."""
    leaves = {
        parameter.variable: parameter.variable.type.clone(shape=np.shape(array))()  # type: ignore[attr-defined]
        for parameter, array in zip(lowered.program.parameters, arrays, strict=False)
    }
    known = sizes_of_arguments(lowered.program, arrays)
    for step in plan.head:
        if isinstance(step, Bind):
            size = number(step.value, known)
            known |= {} if size is None else {step.name: size}
    return [_shape(var, leaves, lowered, known) for var in node.inputs]


def _shape(
    var: Variable, leaves: Mapping[Variable, Variable], lowered: Lowered, known: Mapping[str, int]
) -> tuple[int | None, ...]:
    ranked = var.type.ndim if isinstance(var.type, TensorType) else 0
    by_formula = shape_of(var, lowered.sizes, known) if lowered.sizes.knows(var) else ()
    if len(by_formula) != ranked:
        by_formula = (None,) * ranked
    try:
        (again,) = clone_graph([var], dict(leaves))
    except SymgraphError:
        return by_formula
    static = again.type.shape if isinstance(again.type, TensorType) else ()
    return tuple(
        size if isinstance(size, int) else formula
        for size, formula in zip(static, by_formula, strict=True)
    )


def _kernel(node: Apply, lowered: Lowered) -> Iterator[str]:
    """The other lines of the kernel that a node runs in."""
    for step in every(lowered.program.steps):
        if isinstance(step, Launch) and node in step.nodes:
            places = dict.fromkeys(str(other.made_at) for other in step.nodes)
            lines = [line for line in places if line != str(node.made_at)]
            for line in lines[:MOST_LINES]:
                yield f"  its kernel also computes {line}"
            if len(lines) > MOST_LINES:
                yield f"  and {len(lines) - MOST_LINES} lines more"
            return
