"""Modules that are imported when they are first used, so that `import symgraph` stays quick."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import MethodType
from typing import Any


class Later:
    """A module by its name: `np = Later("numpy")`; reading an attribute imports it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "__wrapped__":  # `inspect.unwrap` asks any object for it
            raise AttributeError(attribute)
        found = getattr(import_module(self._name), attribute)
        setattr(self, attribute, found)
        return found


class LaterFunctions:
    """The functions and classes of a module: reading one imports nothing, calling it does."""

    def __init__(self, name: str) -> None:
        self._module = Later(name)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            return getattr(self._module, name)(*args, **options)

        return call


class LaterMethod:
    """A method that is a function of another module, which is imported when the method is read."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def __get__(self, instance: Any, owner: type) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(self._module), self._name)
        return found if instance is None else MethodType(found, instance)
