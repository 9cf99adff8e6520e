"""`import theano` and its submodules, answered by `symgraph.compat.theano`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from symgraph.compat import lenient

OWN = "symgraph.compat."
NAME, TESTS = "theano", "tests"


class SameModule(Loader):
    """Hands out a module that is imported under another name already."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it has run already; it keeps the name it was made under."""
        module.__spec__ = self.spec


class TheanoFinder(MetaPathFinder):
    """Finds `theano.x` where `symgraph.compat.theano.x` is."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of a module under Theano's name, None for any other."""
        if name.partition(".")[0] != NAME or not is_ours(name):
            return None
        module = importlib.import_module(OWN + name)
        if name == NAME:
            share_names()
        return ModuleSpec(name, SameModule(module), is_package=True)


class TestsFinder(MetaPathFinder):
    """Finds `theano.x.tests` in a folder of Theano's sources; all else is symgraph's."""

    def __init__(self, sources: Path) -> None:
        self.sources = sources

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of a package of tests, None for any other module."""
        parts = name.split(".")
        start = self.sources.joinpath(*parts, "__init__.py")
        if parts[0] != NAME or parts[-1] != TESTS or not start.exists():
            return None
        return importlib.util.spec_from_file_location(
            name, start, submodule_search_locations=[str(start.parent)]
        )


def is_ours(name: str) -> bool:
    """Whether symgraph has a module of Theano's name."""
    try:
        return importlib.util.find_spec(OWN + name) is not None
    except ModuleNotFoundError:  # nor the module above it
        return False


def offer_tests(sources: Path) -> None:
    """Have `import theano.tensor.tests.test_basic` find the tests in Theano's own sources.

    `sources` is the folder that holds the folder `theano`. The tests are run with symgraph, and
    with symgraph's `theano.tests.unittest_tools`.
    """
    tests = importlib.import_module(f"{OWN}{NAME}.{TESTS}")
    tests.__path__.append(str(sources / NAME / TESTS))
    sys.meta_path.append(TestsFinder(sources.resolve()))


def share_names() -> None:
    """Enter the modules that are loaded under Theano's names too.

    Were they imported by these one by one, each would take its name in the module above it, where
    a function may have that name: `theano.compile.pfunc` is one.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{OWN}{NAME}."):
            sys.modules.setdefault(name.removeprefix(OWN), module)


def install() -> None:
    """Make `import theano` mean symgraph from now on, also where Theano itself is installed.

    Modules imported as `theano` before keep their meaning. Variables count as true, as in Theano,
    unless they are the result of a comparison: programs ask `if bias:` whether there is one.

    >>> import symgraph.compat
    >>> symgraph.compat.install()
    >>> import theano.tensor as T
    >>> T.exp(0.0).eval()
    array(1.)
    >>> symgraph.compat.uninstall()
    """
    lenient.use_theanos()
    if not any(isinstance(finder, TheanoFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, TheanoFinder())


def uninstall() -> None:
    """Undo `install`: forget the modules it has handed out as `theano`."""
    lenient.use_own()
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, TheanoFinder | TestsFinder)]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == NAME and module.__name__.startswith(OWN):
            del sys.modules[name]
