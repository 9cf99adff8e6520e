"""Patterns of graphs, as Theano's `PatternSub` takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from symgraph.graph import Constant, Op, Variable
from symgraph.types import as_tensor_variable

__all__ = ["Pattern", "build", "match"]

Pattern: TypeAlias = Any  # a string, a tuple (op, *patterns), a number, a dict with a constraint
Binding: TypeAlias = dict[str, Variable]


def match(pattern: Pattern, var: Variable, known: Binding) -> Binding | None:
    """What the strings of a pattern stand for if it is to be `var`, or None."""
    if isinstance(pattern, dict):
        allowed = pattern["constraint"](var)
        return match(pattern["pattern"], var, known) if allowed else None
    if isinstance(pattern, str):
        return known | {pattern: var} if known.get(pattern, var) is var else None
    if isinstance(pattern, Variable):
        return known if _same(pattern, var) else None
    if not isinstance(pattern, tuple):
        return known if isinstance(var, Constant) and _equal(var.data, pattern) else None
    node: Any = var.owner
    if node is None or len(node.inputs) != len(pattern) - 1 or not _is_op(pattern[0], node.op):
        return None
    found: Binding | None = known
    for part, operand in zip(pattern[1:], node.inputs, strict=True):
        found = None if found is None else match(part, operand, found)
    return found


def build(pattern: Pattern, found: Binding) -> Any:
    """A pattern with its strings replaced."""
    if isinstance(pattern, dict):
        return build(pattern["pattern"], found)
    if isinstance(pattern, str):
        return found[pattern]
    if isinstance(pattern, tuple):
        return pattern[0](*(build(part, found) for part in pattern[1:]))
    return pattern if isinstance(pattern, Variable) else as_tensor_variable(pattern)


def _is_op(wanted: Op | Callable[..., Any], op: Op) -> bool:
    """Whether an op is the one that a pattern names, by itself, its class, or what applies it."""
    if isinstance(wanted, type):
        return isinstance(op, wanted)
    return wanted == op or (not isinstance(wanted, Op) and getattr(wanted, "op", None) == op)


def _same(pattern: Variable, var: Variable) -> bool:
    constants = isinstance(pattern, Constant) and isinstance(var, Constant)
    return pattern is var or (constants and _equal(pattern.value, var.value))  # type: ignore[attr-defined]


def _equal(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.all(np.equal(a, b)))
