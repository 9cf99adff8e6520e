"""Watching results for NaN, infinities and huge values, and finding the node that made the first.

The failing call is replayed by the real backend: the rewritten graph is compiled once more with
every intermediate value as an output, so what is found is what native code computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.device_array import moved
from symgraph.devices import CPU
from symgraph.errors import SymgraphError
from symgraph.graph import Apply, Graph, Variable
from symgraph.interpret import interpret
from symgraph.mode import Mode
from symgraph.pipeline import Trace, compile_task
from symgraph.rules import NOTHING
from symgraph.runners import Task
from symgraph.types import CONTINUOUS, TensorType

HUGE = 1e10  # as Theano's NanGuardMode has it
BATCH = 200  # values that are looked at by one replay


@dataclass(frozen=True)
class Bad:
    """The first node with a bad value: what is wrong with it, and what it had read."""

    node: Apply
    kind: str
    operands: tuple[str, ...]

    def __str__(self) -> str:
        return f"first made by {self.node.op} at {self.node.made_at}"


def badness(value: Any, infinite: bool) -> str:
    """What is wrong with a value: NaN, and with `infinite` also infinite or huge; "" if nothing."""
    array = np.asarray(value)
    if array.dtype.kind not in "fc" or not array.size:
        return ""
    if np.isnan(array).any():
        return "NaN"
    if not infinite:
        return ""
    if np.isinf(array).any():
        return "infinite"
    return "huge" if np.abs(array).max() > HUGE else ""


def first_bad(task: Task, arrays: Sequence[Any], mode: Mode) -> Bad | None:
    """The first node of a rewritten task whose value is bad; None if an argument is already."""
    if any(badness(array, mode.inf) for array in arrays):
        return None
    nodes = [n for n in Graph(task.inputs, task.roots).toposort() if _is_watched(n)]
    for start in range(0, len(nodes), BATCH):
        batch = nodes[start : start + BATCH]
        for node, value in zip(batch, _replayed(task, batch, arrays, mode), strict=True):
            kind = badness(value, mode.inf)
            if kind:
                return Bad(node, kind, tuple(_operands(node, task, arrays)))
    return None


def _is_watched(node: Apply) -> bool:
    kind = node.outputs[0].type
    return isinstance(kind, TensorType) and kind.dtype in CONTINUOUS


def _replayed(
    task: Task, nodes: Sequence[Apply], arrays: Sequence[Any], mode: Mode
) -> Sequence[Any]:
    """The values of nodes, by the backend of `mode`; by the interpreter where that fails."""
    wanted = Task(task.inputs, tuple(node.outputs[0] for node in nodes))
    plain = replace(mode, rules=NOTHING, check=0, nan=False, inf=False)
    try:
        found = compile_task(wanted, plain, "replay", Trace())(list(arrays))
        return [moved(value, CPU) for value in found]
    except SymgraphError:
        return interpret(wanted.outputs, dict(zip(task.inputs, arrays, strict=True)))


def _operands(node: Apply, task: Task, arrays: Sequence[Any]) -> list[str]:
    """What a node read: shapes and ranges."""
    known = dict(zip(task.inputs, arrays, strict=True))
    values = interpret(node.inputs, known)
    return [_described(var, value) for var, value in zip(node.inputs, values, strict=True)]


def _described(var: Variable, value: Any) -> str:
    array = np.asarray(value)
    text = f"{var}: {array.dtype}{array.shape}"
    if array.size and array.dtype.kind in "fiu":
        with np.errstate(all="ignore"):
            text += f", from {np.min(array):.6g} to {np.max(array):.6g}"
    return text
