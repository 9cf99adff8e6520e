"""Modules that are imported when they are first used, so that `import symgraph` stays quick."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
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
    """The functions of a module: reading one imports nothing, calling it does."""

    def __init__(self, name: str) -> None:
        self._module = Later(name)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            return getattr(self._module, name)(*args)

        return call
