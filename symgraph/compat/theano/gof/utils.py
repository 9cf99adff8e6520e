"""`theano.gof.utils`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from symgraph.errors import SymgraphError

__all__ = [
    "MethodNotDefined",
    "difference",
    "flatten",
    "from_return_values",
    "give_variables_names",
    "hash_from_file",
    "hashtype",
    "object2",
    "remove",
    "scratchpad",
    "to_return_values",
    "uniq",
    "unique",
]

object2 = object


class scratchpad:  # noqa: N801 - Theano's name
    """An object for attributes: the `tag` of variables in pickles."""


class MethodNotDefined(SymgraphError, NotImplementedError):
    """An op lacks a method that is needed."""


def hashtype(self: object) -> int:
    """A hash of an object's class."""
    return hash((type(self).__name__, type(self).__module__))


def uniq(seq: Iterable[Any]) -> list[Any]:
    """The items in order of their first appearance, compared by equality."""
    found: list[Any] = []
    for item in seq:
        if item not in found:
            found.append(item)
    return found


def unique(x: Sequence[Any]) -> bool:
    """Whether no item appears twice."""
    return len(set(x)) == len(x)


def difference(seq1: Iterable[Any], seq2: Iterable[Any]) -> list[Any]:
    """The items of `seq1` that are not in `seq2`."""
    known = list(seq2)
    return [item for item in seq1 if item not in known]


def flatten(a: Any) -> list[Any]:
    """The items of nested lists, tuples and sets, in one list."""
    if not isinstance(a, list | tuple | set):
        return [a]
    return [item for part in a for item in flatten(part)]


def remove(predicate: Any, coll: Iterable[Any]) -> list[Any]:
    """The items of which the predicate is false."""
    return [item for item in coll if not predicate(item)]


def to_return_values(values: Sequence[Any]) -> Any:
    """The only item of a list of one, the list otherwise."""
    return values[0] if len(values) == 1 else values


def from_return_values(values: Any) -> list[Any]:
    """A list of what may be one item or several."""
    return list(values) if isinstance(values, list | tuple) else [values]


def give_variables_names(variables: Sequence[Any]) -> Sequence[Any]:
    """Name those variables that have no name, or one that another has."""
    taken = [v.name for v in variables]
    for number, var in enumerate(variables):
        if not var.name or taken.count(var.name) > 1:
            var.name = f"{var.name or 'var'}_{number}"
    return variables


def hash_from_file(file_path: str) -> str:
    """The SHA-256 of a file."""
    with open(file_path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
