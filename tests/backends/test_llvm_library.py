"""The library of the LLVM target: what a graph is sure to call is compiled while it is lowered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.llvm import library, machine
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


def test_nodes_that_call_other_things_have_no_function() -> None:
    x = T.dmatrix("x")
    nodes = toposort([sg.linalg.cholesky(T.exp(x)).sum()])
    assert nodes
    assert not any(map(symbol_of, nodes))
