"""Names of Theano's internals that mean nothing here, each with what to use in its place.

They are there, so that a program that imports one without need, or asks whether something is an
instance of it, runs. To call one, or to ask it for more, is an error that names the cure.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from symgraph.errors import ReplacedNameError

PACKAGE = "symgraph.compat."
TABLE = Path(__file__).with_name("internals.txt")
Table = dict[str, dict[str, str]]  # modules: names: cures


class Internal(type):
    """The class of classes that stand for what is not there."""

    cure: str

    def __call__(cls, *args: Any, **options: Any) -> NoReturn:
        """An error that says what to use."""
        raise ReplacedNameError(cls.cure)

    def __getattr__(cls, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ReplacedNameError(cls.cure)


def read_table(text: str) -> Table:
    """The modules and names of a table.

    A line that begins with > is the cure for the names behind it; a line `module: names` lists
    them, a line that begins with a space more of them.
    """
    found: Table = {}
    cure = module = ""
    for line in text.splitlines():
        if line.startswith(">"):
            cure = line[1:].strip()
            continue
        if not line.startswith((" ", "#")):
            module, _, line = line.partition(":")
        if not line.startswith("#"):
            found.setdefault(module, {}).update(dict.fromkeys(line.split(), cure))
    return found


def lookup(module: str, names: dict[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__`, which makes the classes that stand for its names."""

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        cure = f"{module}.{name} is not here; {names[name]}"
        made = Internal(name, (), {"cure": cure, "__module__": module})
        setattr(sys.modules[PACKAGE + module], name, made)
        return made

    return get


def attach() -> None:
    """Give Theano's modules the names of the table; those that hold nothing else are made."""
    for name, names in read_table(TABLE.read_text()).items():
        module = _module(PACKAGE + name)
        module.__dict__.setdefault("__getattr__", lookup(name, names))


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module = ModuleType(name, "Theano's internals: names alone.")
        module.__spec__ = ModuleSpec(name, None, is_package=True)
        module.__path__ = []
        sys.modules[name] = module
        parent, _, own = name.rpartition(".")
        _module(parent).__dict__.setdefault(own, module)
        return module
