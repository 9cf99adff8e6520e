"""`import symgraph` is quick: what only some programs use is imported when they use it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import symgraph as sg

# Of other projects, of Python, and of the package: none has a part in building a graph.
LATE = (
    "concurrent.futures.thread", "cupy", "email", "html", "importlib.metadata",
    "json", "llvmlite", "networkx", "numba", "onnx", "pdb", "PIL", "pytest", "rich", "scipy",
    "subprocess",
    "symgraph.backends.cuda", "symgraph.backends.numba", "symgraph.catalogue", "symgraph.cli",
    "symgraph.compat", "symgraph.data", "symgraph.debug", "symgraph.demo", "symgraph.show",
)  # fmt: skip


def in_new_process(code: str) -> str:
    """What a program prints."""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def modules_after(code: str) -> set[str]:
    """The modules that a program loads, those that any program has loaded aside."""
    text = f"import sys; before = set(sys.modules)\n{code}\n"
    return set(in_new_process(f"{text}print(*{{*sys.modules}} - before)").split())


def test_the_import_loads_nothing_that_only_some_programs_use() -> None:
    loaded = modules_after("import symgraph")
    assert "symgraph.function" in loaded
    assert not [m for m in sorted(loaded) if any(f"{m}.".startswith(f"{late}.") for late in LATE)]


def test_a_warm_start_loads_neither_pictures_nor_numba(tmp_path: object) -> None:
    code = (
        "import symgraph as sg, symgraph.tensor as T\n"
        f"sg.config.cache_dir = {str(tmp_path)!r}\n"
        "x = T.fmatrix('x')\n"
        "f = sg.function([x], T.dot(x, x).sum())\n"
        "f([[1.0, 2.0], [3.0, 4.0]])"
    )
    for _ in range(2):
        loaded = modules_after(code)
        heads = {name.partition(".")[0] for name in loaded}
        assert heads.isdisjoint({"numba", "networkx", "rich"})
        assert "symgraph.show" not in loaded


def test_the_command_starts_without_the_targets() -> None:
    heads = {name.partition(".")[0] for name in modules_after("import symgraph.cli")}
    assert "rich" in heads
    assert heads.isdisjoint({"numba", "cupy", "scipy", "llvmlite"})


def test_every_name_is_there_though_its_module_is_not_yet() -> None:
    code = (
        "import symgraph as sg\n"
        "assert set(sg.__all__) <= set(dir(sg))\n"
        "print(*(type(getattr(sg, name)).__name__ for name in sg.__all__))"
    )
    kinds = dict(zip(sg.__all__, in_new_process(code).split(), strict=True))
    functions = {name for names in sg.LATER.values() for name in names}
    assert functions
    assert {kinds[name] for name in functions} == {"function"}
    assert functions <= set(sg.__all__)


@pytest.mark.parametrize("room", ["show", "debug"])
def test_rooms_are_attributes_of_the_package(room: str) -> None:
    assert in_new_process(f"import symgraph; print(symgraph.{room}.__name__)") == (
        f"symgraph.{room}\n"
    )


def test_a_star_imports_all_names() -> None:
    assert in_new_process("from symgraph import *; print(debugprint.__module__)") == (
        "symgraph.show.printing\n"
    )


def test_a_name_that_there_is_not_is_an_error() -> None:
    with pytest.raises(AttributeError, match="'symgraph' has no attribute 'nothing'"):
        getattr(sg, "nothing")  # noqa: B009  (mypy knows that there is none)


def test_methods_of_other_rooms_come_with_their_texts() -> None:
    code = (
        "import sys, symgraph as sg, symgraph.tensor as T\n"
        "x = T.dvector('x'); f = sg.function([x], x + 1)\n"
        "assert 'symgraph.show' not in sys.modules\n"
        "print(sg.Function.explain.__doc__, '|', f.explain().splitlines()[0], '|',"
        " '<svg' in x._repr_html_(), '|', *sorted(f._repr_mimebundle_()))"
    )
    doc, first, drawn, forms = in_new_process(code).strip().split(" | ")
    assert doc == sg.Function.explain.__doc__
    assert "remarks" in doc
    assert (first, drawn) == ("no remarks", "True")
    assert forms == "image/svg+xml text/html text/plain"
