"""Names of Theano's internals that mean nothing here can be imported, and say what does."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from symgraph.compat.internals import PACKAGE, TABLE, Internal, read_table
from symgraph.errors import ReplacedNameError

NAMES = read_table(TABLE.read_text())


@pytest.fixture(scope="module")
def modules() -> dict[str, ModuleType]:
    """The modules of the table, by their names in Theano's tree."""
    return {name: importlib.import_module(PACKAGE + name) for name in NAMES}


def test_each_name_says_what_to_use(modules: dict[str, ModuleType]) -> None:
    for module, names in NAMES.items():
        for name, cure in names.items():
            found = getattr(modules[module], name)
            assert isinstance(found, Internal), f"{module}.{name} means something"
            with pytest.raises(ReplacedNameError) as error:
                found()
            assert str(error.value) == f"{module}.{name} is not here; {cure}"
            assert len(cure) > 20


def test_nothing_is_an_instance_of_them(modules: dict[str, ModuleType]) -> None:
    linker = modules["theano.gof"].PerformLinker
    assert not isinstance(3, linker)
    with pytest.raises(ReplacedNameError, match=r"theano\.gof\.PerformLinker is not here"):
        _ = linker.accept


def test_classes_may_be_made_of_them(modules: dict[str, ModuleType]) -> None:
    class Own(modules["theano.gof"].PerformLinker):
        pass

    with pytest.raises(ReplacedNameError, match="Mode"):
        Own()


def test_other_names_are_not_there(modules: dict[str, ModuleType]) -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing_at_all'"):
        _ = modules["theano.gof.vm"].nothing_at_all
