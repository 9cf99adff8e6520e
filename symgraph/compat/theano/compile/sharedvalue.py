"""`theano.compile.sharedvalue`: shared variables, of arrays and of any Python object."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from symgraph.compat.theano.gof.type import Generic, generic
from symgraph.errors import GraphTypeError
from symgraph.graph import Type, Variable
from symgraph.shared import Container, SharedVariable, TensorSharedVariable
from symgraph.shared import shared as shared_tensor

__all__ = ["GenericSharedVariable", "SharedVariable", "generic", "shared", "shared_constructor"]

Constructor = Callable[..., Any]
constructors: list[Constructor] = []


def shared_constructor(ctor: Constructor, remove: bool = False) -> Constructor:
    """Have `shared(value, name=..., strict=..., allow_downcast=...)` ask a function; a decorator.

    The one that was added last is asked first; a TypeError says that it does not know the value.
    With `remove` it is asked no more.
    """
    if remove:
        constructors.remove(ctor)
    else:
        constructors.append(ctor)
    return ctor


class GenericSharedVariable(SharedVariable):
    """A shared variable that holds any object; ops of a program's own read it."""

    __slots__ = ()

    def __init__(self, type: Type, value: Any, name: str | None = None) -> None:
        super().__init__(type, name=name)
        self.container, self.default_update = Container(value), None
        self.strict, self.allow_downcast = False, None

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The object, or unless `borrow` a deep copy of it."""
        return self.container.value if borrow else deepcopy(self.container.value)

    def set_value(self, value: Any, borrow: bool = False) -> None:
        """Hold another object, or unless `borrow` a deep copy of it."""
        self.container.value = value if borrow else deepcopy(value)

    def clone(self) -> Variable:
        """A variable that shares the object."""
        twin = type(self)(self.type, None, self.name)
        twin.container, twin.default_update = self.container, self.default_update
        return twin


def shared(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    **options: Any,
) -> TensorSharedVariable:
    """As `symgraph.shared`; what is no array and no number is kept as it is, for ops of your own.

    Lists are kept too, as in Theano: make an array of one that is to be computed with.
    """
    for ctor in reversed(constructors):
        try:
            made: Any = ctor(
                value, name=name, strict=strict, allow_downcast=allow_downcast, **options
            )
        except TypeError:
            continue
        return made
    if not isinstance(value, list | tuple | dict | str | type(None)):
        try:
            return shared_tensor(value, name, strict, allow_downcast, **options)
        except GraphTypeError:
            if isinstance(value, Variable) or hasattr(value, "shape"):
                raise
    borrowed = value if options.get("borrow", False) else deepcopy(value)
    kept: Any = GenericSharedVariable(Generic(), borrowed, name)
    return kept
