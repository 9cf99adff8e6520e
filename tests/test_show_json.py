"""Graphs as JSON: what is written can be read back, and only that."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import ExportError
from symgraph.families import TensorOp
from symgraph.graph import Graph, Op
from symgraph.interpret import interpret
from symgraph.show import export, load_json
from tests.catalogue import applied, examples, modules, op_classes, seed_of
from tests.graphs import HOSTILE, Halves, hostile, network, trained

# --- json ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", op_classes(), ids=lambda kind: kind.__name__)
def test_every_op_survives_json(kind: type[TensorOp]) -> None:
    for number, example in enumerate(examples(kind)):
        arrays, variables, outputs = applied(example, seed_of(kind.__name__, number))
        graph = Graph(tuple(variables), tuple(outputs))
        text = export(graph, format="json")
        loaded = load_json(text)
        assert export(loaded, format="json") == text
        assert [node.op for node in loaded.toposort()] == [node.op for node in graph.toposort()]
        expected = interpret(outputs, dict(zip(variables, arrays, strict=True)))
        found = interpret(loaded.outputs, dict(zip(loaded.inputs, arrays, strict=True)))
        for f, e in zip(found, expected, strict=True):
            np.testing.assert_array_equal(f, e)


@pytest.mark.parametrize("stage", ["user", "canonical"])
def test_function_survives_json(stage: str, tmp_path: Any) -> None:
    f = trained(mode="interpret")
    export(f, tmp_path / "step.json", stage=stage)
    loaded = load_json(tmp_path / "step.json")
    g = sg.function(loaded.inputs, loaded.outputs, updates=loaded.updates, mode="interpret")
    x, y = np.full((4, 3), 0.5), np.ones((4, 2))
    for _ in range(3):
        np.testing.assert_array_equal(f(x=x, y=y), g(x=x, y=y)[0])
    (W,), (V,) = f.updates, g.updates
    np.testing.assert_array_equal(W.get_value(), V.get_value())
    assert (V.name, V.type, str(V.made_at)) == (W.name, W.type, str(W.made_at))
    assert not np.shares_memory(W.get_value(borrow=True), V.get_value(borrow=True))


def test_load_json_takes_text_and_paths(tmp_path: Any) -> None:
    text = export(network()[1], tmp_path / "g.json")
    for source in text, tmp_path / "g.json", str(tmp_path / "g.json"):
        assert export(load_json(source), format="json") == text
    with pytest.raises(FileNotFoundError):
        load_json("absent.json")


@pytest.mark.parametrize(
    "value",
    [
        np.array([np.nan, np.inf, -np.inf, -0.0]),
        np.array([1 + 2j]),
        np.arange(1000, dtype="float16"),
        np.array([2**64 - 1], "uint64"),
        np.array([True, False]),
        np.zeros((0, 3), "int8"),
        np.arange(12.0).reshape(3, 4).T,
        np.arange(100, dtype=">i4").astype("int32")[::-2],
        np.float32(0.1),
    ],
)
def test_values_survive_json(value: Any) -> None:
    found = load_json(export(T.constant(value), format="json")).outputs[0].data  # type: ignore[attr-defined]
    assert found.dtype == value.dtype
    assert found.shape == value.shape
    assert found.tobytes() == np.asarray(value).tobytes()
    assert not found.flags.writeable
    loaded = load_json(export(sg.shared(value) + value, format="json"))
    (shared,) = [v for v in loaded.toposort()[-1].inputs if isinstance(v, sg.SharedVariable)]
    assert shared.get_value().tobytes() == np.asarray(value).tobytes()
    assert shared.get_value(borrow=True).flags.writeable


def test_names_survive_json() -> None:
    text = export(hostile(), format="json")
    assert text.isascii()
    assert load_json(text).inputs[0].name == HOSTILE


def test_default_updates_survive_json() -> None:
    counter = sg.shared(0.0, name="counter")
    rate = sg.shared(0.5, name="rate")
    counter.default_update = counter + rate
    rate.default_update = rate * 2.0
    loaded = load_json(export(T.exp(counter), format="json"))
    f = sg.function([], loaded.outputs[0], mode="interpret")
    f()
    f()
    assert {v.name: float(v.get_value()) for v in f.updates} == {"counter": 1.5, "rate": 2.0}


def test_json_of_computed_inputs_starts_at_them() -> None:
    x = T.dscalar("x")
    y = T.exp(x)
    loaded = load_json(export(Graph((y,), (y * 2.0,)), format="json"))
    assert interpret(loaded.outputs, {loaded.inputs[0]: np.array(3.0)}) == [6.0]


def test_json_tells_kernels() -> None:
    x, y = T.dmatrices("x", "y")
    data = json.loads(export(sg.function([x, y], ((x + y) * 2.0).sum(axis=1)), format="json"))
    ops = [{data["nodes"][n]["op"] for n in kernel["nodes"]} for kernel in data["kernels"]]
    assert any({"Add", "Mul"} <= names for names in ops)


def test_class_names_of_ops_are_unique() -> None:
    names = Counter(
        name
        for module in modules()
        for name, item in vars(module).items()
        if isinstance(item, type)
        and item.__module__ == module.__name__
        and issubclass(item, Op | tuple)
        and not name.startswith("_")
    )
    assert set(names.values()) == {1}


def test_ops_of_users_are_written_but_not_made() -> None:
    x = T.dvector("x")
    text = export(Halves(3)(x), format="json")
    (node,) = json.loads(text)["nodes"]
    assert node["op"] == f"{Halves.__module__}.Halves"
    assert node["text"] == "Halves{at=3}"
    with pytest.raises(ExportError, match="Halves' is not one of symgraph's own ops"):
        load_json(text)


@pytest.mark.parametrize("name", ["TensorOp", "Elemwise", "_Function", "os.system", "Part", "dict"])
def test_only_ops_are_made(name: str) -> None:
    data = json.loads(export(T.exp(T.dscalar("x")), format="json"))
    data["nodes"][0]["op"] = name
    with pytest.raises(ExportError, match="not one of symgraph's own ops"):
        load_json(json.dumps(data))


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"format": "symgraph-graph/2"}', '{"format": "symgraph-graph/1"}']
)
def test_other_documents_are_refused(text: str) -> None:
    with pytest.raises(ExportError):
        load_json(text)


def test_damage_is_told() -> None:
    """Whatever single entry is missing or of a wrong kind, there is no other error."""
    document = json.loads(export(trained(mode="interpret"), format="json"))
    refused = 0
    for path in places(document):
        for change in (None, "x", -1, [], {}):
            damaged = copy.deepcopy(document)
            parent: Any = damaged
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = change
            try:
                load_json(json.dumps(damaged))
            except ExportError:
                refused += 1
    assert refused > 100


def places(item: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all entries of a JSON value."""
    keys = item if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
    found = [(*path, key) for key in keys]
    return [place for key in keys for place in places(item[key], (*path, key))] + found
