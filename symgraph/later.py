"""Modules that are imported when they are first used, so that `import symgraph` stays quick."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class Later:
    """A module by its name: `np = Later("numpy")`; reading an attribute imports it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            self._module = import_module(self._name)
        return getattr(self._module, attribute)
