"""`theano.typed_list.basic`: functions of lists, and Theano's classes of ops for them."""

from __future__ import annotations

from typing import Any

from symgraph import typed_list as own
from symgraph.compat.standins.base import OpClass
from symgraph.dataclass import dataclass
from symgraph.typed_list import *

__all__ = own.__all__ + [  # noqa: RUF005
    "Append",
    "Count",
    "Extend",
    "GetItem",
    "Index",
    "Insert",
    "Length",
    "MakeList",
    "Remove",
    "Reverse",
    "index_",
]

index_ = own.index


@dataclass(frozen=True)
class GetItem(OpClass):
    """An element of a list, or a list of those of a slice."""

    def apply(self, x: Any, index: Any) -> Any:
        """By place or slice."""
        return own.getitem(x, index)


@dataclass(frozen=True)
class Append(OpClass):
    """A list with one element more; nothing is changed in place, whatever `inplace` says."""

    inplace: bool = False

    def apply(self, x: Any, toAppend: Any) -> Any:
        """Behind the others."""
        return own.append(x, toAppend)


@dataclass(frozen=True)
class Extend(OpClass):
    """A list with the elements of another behind its own."""

    inplace: bool = False

    def apply(self, x: Any, toAppend: Any) -> Any:
        """One list after the other."""
        return own.extend(x, toAppend)


@dataclass(frozen=True)
class Insert(OpClass):
    """A list with an element put in."""

    inplace: bool = False

    def apply(self, x: Any, index: Any, toInsert: Any) -> Any:
        """At a place."""
        return own.insert(x, index, toInsert)


@dataclass(frozen=True)
class Remove(OpClass):
    """A list without the first element equal to a value."""

    inplace: bool = False

    def apply(self, x: Any, toRemove: Any) -> Any:
        """An error when it runs if there is none."""
        return own.remove(x, toRemove)


@dataclass(frozen=True)
class Reverse(OpClass):
    """A list from its end."""

    inplace: bool = False

    def apply(self, x: Any) -> Any:
        """Turned."""
        return own.reverse(x)


@dataclass(frozen=True)
class Index(OpClass):
    """Where the first element equal to a value is."""

    def apply(self, x: Any, elem: Any) -> Any:
        """An error when it runs if there is none."""
        return own.index(x, elem)


@dataclass(frozen=True)
class Count(OpClass):
    """How many elements equal a value."""

    def apply(self, x: Any, elem: Any) -> Any:
        """An integer."""
        return own.count(x, elem)


@dataclass(frozen=True)
class Length(OpClass):
    """How many elements there are."""

    def apply(self, x: Any) -> Any:
        """An integer."""
        return own.length(x)


@dataclass(frozen=True)
class MakeList(OpClass):
    """A list of variables."""

    def apply(self, *items: Any) -> Any:
        """Of one type; they are passed one by one, or as a list."""
        several = len(items) == 1 and isinstance(items[0], list | tuple)
        return own.make_list(list(items[0]) if several else list(items))
