"""The catalogue: every op with its facts, none missing; a table and a page made of them."""

from __future__ import annotations

import importlib

import pytest

from symgraph import catalogue, cli
from symgraph.families import TensorOp
from symgraph.ops.arith import Add
from symgraph.ops.compare import EQ
from symgraph.ops.watch import Print
from tests import catalogue as tested

FACTS = {fact.name: fact for fact in catalogue.facts()}


def test_nothing_is_missing() -> None:
    assert {name: fact.missing for name, fact in FACTS.items() if fact.missing} == {}


def test_every_op_is_there_and_tested() -> None:
    for kind in catalogue.op_classes():
        assert issubclass(kind, TensorOp)
        assert FACTS[kind.__name__].examples == len(tested.examples(kind))


@pytest.mark.parametrize(
    ("op", "family", "gradient", "native"),
    [
        (Add, "Elemwise", "all", "native"),
        (EQ, "Elemwise", "none: its values are discrete", "native"),
        (Print, "", "as its graph or the user says", "Python: any object may pass"),
    ],
)
def test_facts(op: type, family: str, gradient: str, native: str) -> None:
    fact = FACTS[op.__name__]
    assert (fact.family, fact.gradient, fact.native) == (family, gradient, native)


def test_what_a_gpu_does() -> None:
    for name in ("Add", "Dot", "PoolSum", "ArgSort"):
        assert FACTS[name].gpu == "GPU"
    assert FACTS["Cholesky"].gpu == "GPU: cuSOLVER"
    assert FACTS["RealFourier"].gpu == "GPU: cuFFT"
    assert FACTS["Permutation"].gpu.startswith("CPU: its routine")
    assert FACTS["GammaInc"].gpu == "CPU: no library for GPUs has the function gammainc"
    assert FACTS["Print"].gpu == "CPU: Python runs it"


def test_dtypes_are_tried() -> None:
    assert FACTS["Add"].dtypes == "bool int float complex"
    assert "complex" not in FACTS["Floor"].dtypes
    assert FACTS["Invert"].dtypes == "bool int"


def test_functions_have_docstrings_and_are_there() -> None:
    found = catalogue.functions()
    assert {"T", "T.nnet", "sparse"} <= set(found)
    for members in found.values():
        assert [f.name for f in members if not f.summary] == []
    names = {f.name for f in found["T"]}
    assert {"dot", "concatenate", "exp", "mean"} <= names
    sparse = importlib.import_module("symgraph.sparse")
    assert {f.name for f in found["sparse"]} <= set(vars(sparse))


def test_the_command_prints_and_writes(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ops", "softmax"]) == 0
    shown = capsys.readouterr().out
    assert "softmax" in shown
    assert "concatenate" not in shown
    page = tmp_path / "ops.md"
    assert cli.main(["ops", "--markdown", str(page)]) == 0
    text = page.read_text()
    assert all(f"`{name}`" in text for name in FACTS)
