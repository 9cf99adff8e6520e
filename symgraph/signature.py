"""What a graph computes, in a few bytes that are the same in every process.

Names, lines and tags are left out. Whatever an op is parametrised by is spelled out: numbers,
texts, types, other ops, graphs. Of constants the bytes count. An op from outside the package, or
one that holds something not listed here, has no signature: its class could change without a trace.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, cached_property
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.graph import Constant, Graph, Op, Type, Variable, toposort
from symgraph.types import TensorType

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
Words = tuple[Any, ...]


class NoSignatureError(Exception):
    """Something in the graph cannot be told by its content."""


@dataclass(frozen=True)
class Signature:
    """The signature of a graph, and the constants it reads, in the order they are met."""

    digest: str
    constants: tuple[Constant, ...]


def signature_of(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Signature:
    """The signature of what computes `outputs` from `inputs`; `NoSignatureError` if it has none."""
    constants: list[Constant] = []
    words = _graph(inputs, outputs, constants)
    return Signature(hashlib.sha256(repr(words).encode()).hexdigest(), tuple(constants))


def _graph(
    inputs: Sequence[Variable], outputs: Sequence[Variable], constants: list[Constant]
) -> Words:
    numbers: dict[Variable, int] = {}
    words: list[Any] = [("input", words_of(v.type)) for v in inputs]
    numbers.update((var, n) for n, var in enumerate(inputs))

    def number(var: Variable) -> int:
        if var not in numbers:
            words.append(_constant(var, constants))
            numbers[var] = len(numbers)
        return numbers[var]

    for node in toposort(outputs, stop=inputs):
        operands = tuple(map(number, node.inputs))
        words.append((words_of(node.op), operands, tuple(words_of(v.type) for v in node.outputs)))
        for out in node.outputs:
            numbers[out] = len(numbers)
    results = tuple(map(number, outputs))  # an output that is a constant adds its words
    return (*words, results)


def _constant(var: Variable, constants: list[Constant]) -> Words:
    if not isinstance(var, Constant):
        raise NoSignatureError(f"{var} is neither an input nor a constant")
    constants.append(var)
    return ("constant", words_of(var.type), words_of(var.data))


def words_of(value: Any) -> Words:
    """Something an op may hold, spelled out."""
    kind = type(value)
    if kind in PLAIN:
        return (kind.__name__, repr(value))
    for base, spell in SPELLINGS:
        if isinstance(value, base):
            return spell(value)
    raise NoSignatureError(f"{value!r} is not told by its content")


def _class(kind: type) -> Words:
    """A class of the package, of Python or of NumPy, that is found under its name."""
    home = kind.__module__.partition(".")[0]
    found = getattr(sys.modules.get(kind.__module__), kind.__qualname__, None)
    if home not in ("symgraph", "builtins", "numpy") or found is not kind:
        raise NoSignatureError(f"{kind} is not the package's own")
    return ("class", kind.__module__, kind.__qualname__)


def _op(op: Any) -> Words:
    """The class of an op and all that an instance holds, apart from what is computed from it."""
    kind: type = type(op)
    known = _class(kind)
    declared, derived = _holds(kind)
    names = list(vars(op)) if declared is None else declared
    others = set(vars(op)) - set(names) - derived
    if others:
        raise NoSignatureError(f"{op} also holds {', '.join(sorted(others))}")
    held = [(name, words_of(getattr(op, name))) for name in names if name not in derived]
    return ("op", *known, *held)


@cache
def _holds(kind: type) -> tuple[list[str] | None, set[str]]:
    """What a class of the package declares, None if nothing, and what its instances compute."""
    declared = [f.name for f in fields(kind)] if is_dataclass(kind) else None
    computed = {
        name
        for base in kind.__mro__
        for name, item in vars(base).items()
        if isinstance(item, cached_property)
    }
    return declared, computed


def _type(kind: Type) -> Words:
    if type(kind) is not TensorType:
        raise NoSignatureError(f"{kind} is not a plain tensor type")
    return ("tensor", kind.dtype, kind.shape)


def _array(array: Any) -> Words:
    content = np.ascontiguousarray(array)
    if content.dtype.hasobject:
        raise NoSignatureError("an array of objects")
    digest = hashlib.sha256(content.reshape(-1).view(np.uint8).data).hexdigest()
    return ("array", str(array.dtype), array.shape, digest)


SPELLINGS: tuple[tuple[Any, Callable[[Any], Words]], ...] = (
    (Op, _op),
    (Type, _type),
    (Graph, lambda g: ("graph", _graph(g.inputs, g.outputs, []))),
    (tuple | list, lambda items: (type(items).__name__, *map(words_of, items))),
    (frozenset, lambda items: ("set", *sorted(repr(words_of(item)) for item in items))),
    (dict, lambda d: ("dict", *((words_of(k), words_of(v)) for k, v in d.items()))),
    (slice, lambda s: ("slice", *map(words_of, (s.start, s.stop, s.step)))),
    (Enum, lambda e: ("enum", _class(type(e)), e.name)),
    (np.ndarray | np.generic, lambda a: _array(np.asarray(a))),
    (np.dtype, lambda d: ("dtype", str(d))),
    (type, _class),
)
