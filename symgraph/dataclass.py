"""Dataclasses that are quick to define: the package has two hundred, all defined on import.

The standard decorator compiles up to six methods for each class, which was more than a third of the
time of `import symgraph`. Here `__init__` is compiled once for all classes whose fields have the
same names, `__eq__` and `__hash__` likewise when an instance is first compared, since the compiler
does little else with some; the other methods are functions that all classes share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError
from functools import cache
from reprlib import recursive_repr
from types import CodeType, FunctionType
from typing import Any, TypeVar, dataclass_transform, overload

C = TypeVar("C", bound=type)
Fields = dict[str, Field[Any]]
AFTER = "__post_init__"


@overload
def dataclass(kind: C, /) -> C: ...
@overload
def dataclass(*, frozen: bool = False, eq: bool = True, repr: bool = True) -> Callable[[C], C]: ...
@dataclass_transform(field_specifiers=(dataclasses.field,))
def dataclass(
    kind: C | None = None, /, *, frozen: bool = False, eq: bool = True, repr: bool = True
) -> Any:
    """As `dataclasses.dataclass`: what it makes is one in all respects.

    >>> @dataclass(frozen=True)
    ... class Point:
    ...     x: float
    ...     y: float = 0.0
    >>> Point(1.0), Point(1.0) == Point(1.0, 0.0), dataclasses.replace(Point(1.0), y=2.0)
    (Point(x=1.0, y=0.0), True, Point(x=1.0, y=2.0))
    """

    def made(kind: C) -> C:
        define = _define if _is_plain(kind) else _standard
        define(kind, frozen, eq, repr)
        return kind

    return made if kind is None else made(kind)


def _is_plain(kind: type) -> bool:
    """Whether all fields are simple parameters of `__init__`."""
    own = [v for v in vars(kind).values() if isinstance(v, Field)]
    return all(
        f.init and f.kw_only is not True and f.default_factory is MISSING
        for f in (*own, *_inherited(kind).values())
    )


def _inherited(kind: type) -> Fields:
    found: Fields = {}
    for base in kind.__mro__[:0:-1]:
        found |= getattr(base, "__dataclass_fields__", {})
    return found


def _standard(kind: type, frozen: bool, eq: bool, repr: bool) -> None:
    dataclasses.dataclass(frozen=frozen, eq=eq, repr=repr)(kind)


def _define(kind: Any, frozen: bool, eq: bool, repr: bool) -> None:
    """Make a class a dataclass."""
    own = set(vars(kind))
    if vars(kind).get("__hash__", True) is None and "__eq__" in own:  # Python's doing
        own.remove("__hash__")
    annotated = vars(kind).get("__annotations__", {})
    known = _inherited(kind) | (_own_fields(kind, annotated) if annotated else {})
    kind.__dataclass_fields__ = known
    kind.__dataclass_params__ = vars(_Frozen if frozen else _Open)["__dataclass_params__"]
    real = dataclasses.fields(kind)
    methods: dict[str, Any] = {
        "__init__": _init(kind, real, frozen),
        "__match_args__": tuple(f.name for f in real),
    }
    if repr:
        methods["__repr__"] = _repr
    if eq:
        names = tuple(f.name for f in real if f.compare)
        methods |= {name: _late(kind, name, names) for name in ("__eq__", "__hash__")}
        methods |= {} if frozen else {"__hash__": None}
    if frozen:
        methods |= {"__setattr__": _set, "__delattr__": _delete}
    for name in methods.keys() - own:
        setattr(kind, name, methods[name])


def _own_fields(kind: type, annotated: Mapping[str, Any]) -> Fields:
    """The fields a class adds, found by the standard decorator on a class that has nothing else."""
    space = {name: vars(kind)[name] for name in annotated if name in vars(kind)}
    space |= {"__annotations__": annotated, "__module__": kind.__module__, "__doc__": "Fields."}
    bare: type = type(kind.__name__, (), space)
    dataclasses.dataclass(init=False, repr=False, eq=False)(bare)
    for name in annotated:
        if isinstance(space.get(name), Field):
            if hasattr(bare, name):
                setattr(kind, name, getattr(bare, name))
            else:
                delattr(kind, name)
    return dict(vars(bare)["__dataclass_fields__"])


def _init(kind: type, known: Sequence[Field[Any]], frozen: bool) -> Callable[..., None]:
    """`__init__`, which takes the fields in their order."""
    names = tuple(f.name for f in known)
    code = _code(names, frozen, hasattr(kind, AFTER))
    defaults = tuple(f.default for f in known if f.default is not MISSING)
    if any(f.default is MISSING for f in known[len(known) - len(defaults) :]):
        raise TypeError(f"{kind.__name__}: a field without a default follows one that has one")
    scope = {"assign": object.__setattr__, "__name__": kind.__module__}
    made = FunctionType(code, scope, "__init__", defaults)
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    made.__annotations__ = {f.name: f.type for f in known} | {"return": None}
    return made


@cache
def _code(names: tuple[str, ...], frozen: bool, after: bool) -> CodeType:
    lines = [f"assign(self, {n!r}, {n})" if frozen else f"self.{n} = {n}" for n in names]
    lines += [f"self.{AFTER}()"] if after else []
    body = "".join(f"\n    {line}" for line in lines or ["pass"])
    space: dict[str, Any] = {}
    exec(f"def __init__(self, {', '.join(names)}):{body}", space)
    code: CodeType = space["__init__"].__code__
    return code


@recursive_repr()
def _repr(self: Any) -> str:
    words = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(words)})"


def _late(kind: type, name: str, names: tuple[str, ...]) -> Callable[..., Any]:
    """A method that the class has until it is first called, and then in its own form."""

    def method(self: Any, *others: Any) -> Any:
        made = _compared(names)[name]
        setattr(kind, name, made)
        return made(self, *others)

    return method


@cache
def _compared(names: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    """`__eq__` and `__hash__` by the values of some fields; without any, by the class."""
    mine, others = ("".join(f"{item}.{n}, " for n in names) for item in ("self", "other"))
    space: dict[str, Any] = {}
    exec(
        f"def __eq__(self, other):\n"
        f"    if self is other:\n"
        f"        return True\n"
        f"    if self.__class__ is other.__class__:\n"
        f"        return ({mine}) == ({others})\n"
        f"    return NotImplemented\n"
        f"def __hash__(self):\n"
        f"    return hash(({mine or 'self.__class__,'}))\n",
        space,
    )
    return {name: space[name] for name in ("__eq__", "__hash__")}


def _set(self: Any, name: str, value: Any) -> None:
    _check_open(self, name, "assign to")
    object.__setattr__(self, name, value)


def _delete(self: Any, name: str) -> None:
    _check_open(self, name, "delete")
    object.__delattr__(self, name)


def _check_open(self: Any, name: str, what: str) -> None:
    kind = type(self)
    if "__dataclass_params__" in vars(kind) or name in kind.__dataclass_fields__:
        raise FrozenInstanceError(f"cannot {what} field {name!r}")


@dataclasses.dataclass(frozen=True)
class _Frozen:
    """The standard decorator's note on a frozen class."""


@dataclasses.dataclass
class _Open:
    """The standard decorator's note on another."""
