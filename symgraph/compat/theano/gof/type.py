"""`theano.gof.type`: types, and the type of any Python object."""

from __future__ import annotations

from typing import Any

from symgraph.graph import Constant, Type, Variable

__all__ = ["Generic", "PureType", "Type", "generic"]

PureType = Type


class Generic(Type):
    """The type of variables that may hold any Python object."""

    variable_class, constant_class = Variable, Constant

    def filter(self, value: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """The value itself."""
        return value

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return "Generic"


generic = Generic()
