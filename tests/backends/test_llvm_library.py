"""The library of the LLVM target: what a graph is sure to call is compiled while it is lowered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import sources
from symgraph.backends.llvm import clock, library, machine
from symgraph.backends.llvm.native import symbol_of
from symgraph.graph import toposort


def graphs() -> dict[str, tuple[list[Any], Any, set[str]]]:
    """Inputs, an output, and the functions of the library that compute it."""
    x, y, b = T.fmatrix("x"), T.dmatrix("y"), T.tensor3("b", dtype="float32")
    images, filters = T.ftensor4("images"), T.ftensor4("filters")
    half, whole = T.tensor("float16", (None, None)), T.lmatrix("whole")
    seen = (T.nnet.conv2d(images, filters) ** 2).sum()
    steps = sg.scan(lambda s: T.dot(s, x), outputs_info=x, n_steps=3)[0]
    return {
        "product": ([x], T.dot(x, x), {"gemm_float32"}),
        "two dtypes": ([x, y], T.dot(x, x).sum() + T.dot(y, y), {"gemm_float32", "gemm_float64"}),
        "batched": ([b], T.batched_dot(b, b), {"batched_float32"}),
        "convolution": (
            [images, filters],
            sg.grad(seen, filters),
            {"convolve_float32", "convolve_weights_float32"},
        ),
        "loop": ([x], steps[-1], {"gemm_float32"}),
        "half": ([half], T.dot(half, half), set()),
        "whole numbers": ([whole], T.dot(whole, whole), set()),
        "no product": ([x], T.exp(x), set()),
    }


GRAPHS = graphs()


@pytest.mark.parametrize("name", GRAPHS)
def test_compiling_begins_with_what_is_sure_to_be_called(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inputs, output, expected = GRAPHS[name]
    asked: list[set[str]] = []
    monkeypatch.setattr("symgraph.pipeline.library.ahead", lambda s, _: asked.append({*s}))
    rewritten: list[int] = []
    real = sg.pipeline._rewritten  # type: ignore[attr-defined]
    monkeypatch.setattr(
        "symgraph.pipeline._rewritten", lambda *a: rewritten.append(len(asked)) or real(*a)
    )
    with sg.config(cache_dir=str(tmp_path)):
        f = sg.function(inputs, output)
        assert rewritten == [1]
        (symbols,) = asked
        assert symbols - {"accept"} >= expected
        assert bool(symbols - {"accept"}) == bool(expected)
        written = f.trace.stages["text"]
        assert expected <= set(written.symbols)
        f = sg.function(inputs, output)  # found whole
        assert len(asked) == 1


def test_what_functions_of_the_library_call_is_begun_too(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[machine.Module] = []
    monkeypatch.setattr(library, "_linked", {})
    monkeypatch.setattr(library, "begin", lambda modules, _: begun.extend(modules))
    library.ahead(["batched_float32", "gemm_float32", "malloc"], None)
    texts = [module.text for module in begun]
    assert len(texts) == len(set(texts))
    for name in ("batched_float32", "gemm_float32", "leaf_float32_tile_1_1", "leaf_float32_turn"):
        assert sum(f"@{name}(" in text and f"declare void @{name}(" not in text for text in texts)
    assert any("define void @launch(" in text for text in texts)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The libraries whose text is written from now on, in what is as good as a new process."""
    names: list[str] = []
    real = library._made
    monkeypatch.setattr(library, "_made", lambda name: names.append(name) or real(name))
    forget(monkeypatch)
    return names


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process; what is linked stays until the test ends, for functions that call it."""
    monkeypatch.setattr(library, "_linked", {})
    monkeypatch.setattr(machine, "_objects", {})


PRODUCT = ["gemm_float32", "leaves_float32", "support"]  # what a product is linked from
PART = "leaf_float32_turn"


def test_a_library_compiled_before_is_not_written_again(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = T.fmatrix("x")
    value = np.arange(6, dtype="float32").reshape(2, 3)
    with sg.config(cache_dir=str(tmp_path)):
        f = sg.function([x], T.dot(x, x.T))
        assert {*made} >= {*PRODUCT}
        assert len(list(tmp_path.glob("*.lib"))) == len({*made})
        made.clear()
        for graph in T.dot(x, x.T), T.dot(x.T, x) * 2:  # found whole, and compiled
            forget(monkeypatch)
            g = sg.function([x], graph)
            np.testing.assert_array_equal(g(value), graph.eval({x: value}, mode="interpret"))
        np.testing.assert_array_equal(f(value), value @ value.T)
    assert not made


def test_the_library_of_other_sources_or_another_machine_is_not_found(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.addresses([PART], tmp_path)
    known = library.surroundings()
    for place in range(len(known)):
        other = (*known[:place], "another", *known[place + 1 :])
        monkeypatch.setattr(library, "surroundings", lambda other=other: other)
        forget(monkeypatch)
        library.addresses([PART], tmp_path)
    assert made == ["leaves_float32"] * (1 + len(known))
    assert sources.IMPORTED in known
    assert {*machine.host().surroundings, str(machine.host().second_cache)} <= {*known}


def test_the_library_of_an_edited_package_is_written_anew(tmp_path: Path) -> None:
    """Two processes; between them one line of what writes the leaves is edited."""
    package = tmp_path / "copy" / "symgraph"
    shutil.copytree(sources.PACKAGE, package)
    text = """
import symgraph
from symgraph.backends.llvm import clock, library
real, names = library._made, []
library._made = lambda name: names.append(name) or real(name)
library.addresses([clock.NAME, "accept"], symgraph.config.folder)
print(*names)
"""
    flags = {
        **os.environ,
        "PYTHONPATH": str(package.parent),
        "SYMGRAPH_FLAGS": f"cache_dir={tmp_path / 'cache'}",
    }

    def written() -> list[str]:
        command, piped = [sys.executable, "-c", text], subprocess.PIPE
        made = subprocess.run(command, env=flags, cwd=tmp_path, stdout=piped, text=True, check=True)
        return made.stdout.split()

    first = written()
    assert first == [clock.NAME, "support"]
    assert written() == []
    file = package / "backends" / "llvm" / "support.py"
    file.write_text(file.read_text() + "\n")
    assert written() == first


def test_no_library_is_kept_while_sources_change(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "scanned", lambda: "edited meanwhile")
    library.addresses([PART], tmp_path)
    assert not list(tmp_path.glob("*.lib"))
    monkeypatch.setattr(sources, "IMPORTED", "")  # no files
    monkeypatch.setattr(sources, "scanned", lambda: "")
    forget(monkeypatch)
    library.addresses([PART], tmp_path)
    assert not list(tmp_path.glob("*.lib"))
    assert made == ["leaves_float32"] * 2


@pytest.mark.parametrize("damage", ["recipe", "object"])
def test_a_damaged_library_is_written_anew(
    tmp_path: Path, made: list[str], damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.addresses([PART], tmp_path)
    (recipe,) = tmp_path.glob("*.lib")
    file = recipe if damage == "recipe" else min(tmp_path.glob("*.obj"))
    file.write_bytes(file.read_bytes()[:-5])
    for _ in range(2):
        forget(monkeypatch)
        library.addresses([PART], tmp_path)
    assert made == ["leaves_float32"] * 2


def test_nodes_that_call_other_things_have_no_function() -> None:
    x = T.dmatrix("x")
    nodes = toposort([sg.linalg.cholesky(T.exp(x)).sum()])
    assert nodes
    assert not any(map(symbol_of, nodes))
