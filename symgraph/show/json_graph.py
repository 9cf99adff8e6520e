"""Graphs as JSON, format "symgraph-graph/1": written for other programs, and read back.

    format      "symgraph-graph/1"; the number grows when a reader of this one would go wrong
    name        the function's name
    inputs      ids of the variables to be given, in order
    outputs     ids of what is computed
    updates     pairs [id of a shared variable, id of its next value]
    defaults    the same for updates that every function using the shared variable makes
    variables   id, kind (input, shared, constant, computed), type, name, made_at [file, line];
                of shared and constant ones the value; scope, where the user named one
    nodes       op, text, parameters, inputs, outputs (ids), each after those it depends on;
                op is a class of symgraph's own, or has a dot and no parameters
    kernels     of a compiled function: name, nodes (positions in `nodes`), users' lines

A type is {"dtype", "shape"}, a size in it a number, a name or null. A value is {"shape"} with
"data", the elements in row-major order, or "base64", their little-endian memory. A parameter
that is a tuple is a list; {"record", "items"} is a named tuple, {"float"} inf or nan, {"graph"}
the graph inside an op: inputs, outputs, variables and nodes, with ids of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from symgraph.errors import ExportError, Place
from symgraph.graph import Apply, Constant, Graph, Op, Variable, ancestors, toposort
from symgraph.inner_graph import InnerGraph
from symgraph.places import made_for
from symgraph.shared import SharedVariable, shared
from symgraph.show.codec import (
    class_named,
    decoded,
    decoded_array,
    decoded_type,
    encoded,
    encoded_array,
    encoded_type,
    op_name,
    parameters_of,
)
from symgraph.show.subject import Subject
from symgraph.show.view import kind_of
from symgraph.show.words import visible

FORMAT = "symgraph-graph/1"
Record = dict[str, Any]
DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def json_text(subject: Subject) -> str:
    """The graph as JSON, one variable or node on a line."""
    return "\n".join(_lines(_document(subject))) + "\n"


def _lines(document: Record) -> Iterator[str]:
    yield "{"
    for place, (key, value) in enumerate(document.items()):
        comma = "," if place < len(document) - 1 else ""
        if value and isinstance(value, list) and isinstance(value[0], dict):
            rows = ",\n  ".join(json.dumps(row, allow_nan=False) for row in value)
            yield f' "{key}": [\n  {rows}\n ]{comma}'
        else:
            yield f' "{key}": {json.dumps(value, allow_nan=False)}{comma}'
    yield "}"


def _document(subject: Subject) -> Record:
    defaults = [] if subject.compiled else default_updates(subject.roots)
    nodes = toposort([*subject.roots, *(v for _, v in defaults)], stop=subject.inputs)
    number = {node: n for n, node in enumerate(nodes)}
    known = [*subject.inputs, *(v for node in nodes for v in (*node.inputs, *node.outputs))]
    pairs = (*subject.updates, *defaults)
    known += [*subject.outputs, *(v for pair in pairs for v in pair)]
    ids = _numbered(known)
    fence = set(subject.inputs)
    return {
        "format": FORMAT,
        "name": visible(subject.name),
        "inputs": [ids[v] for v in subject.inputs],
        "outputs": [ids[v] for v in subject.outputs],
        "updates": [[ids[s], ids[v]] for s, v in subject.updates],
        "defaults": [[ids[s], ids[v]] for s, v in defaults],
        "variables": [_variable(n, var, fence) for var, n in ids.items()],
        "nodes": [_node(node, ids) for node in nodes],
        "kernels": [
            {
                "name": fusion.name,
                "nodes": [number[node] for node in fusion.nodes if node in number],
                "lines": list(fusion.notes),
            }
            for fusion in subject.fusions
        ],
    }


def _numbered(variables: Iterable[Variable]) -> dict[Variable, int]:
    return {var: n for n, var in enumerate(dict.fromkeys(variables))}


def _inner_record(graph: Graph) -> Record:
    """The graph inside an op."""
    nodes = graph.toposort()
    made = (v for node in nodes for v in (*node.inputs, *node.outputs))
    ids = _numbered((*graph.inputs, *made, *graph.outputs))
    fence = set(graph.inputs)
    return {
        "inputs": [ids[v] for v in graph.inputs],
        "outputs": [ids[v] for v in graph.outputs],
        "variables": [_variable(n, var, fence) for var, n in ids.items()],
        "nodes": [_node(node, ids) for node in nodes],
    }


def default_updates(roots: Sequence[Variable]) -> list[tuple[Variable, Variable]]:
    """The default updates of the shared variables that `roots` and these updates use."""
    found: dict[Variable, Variable] = {}
    pending = list(roots)
    while pending:
        used = [v for v in ancestors(pending) if isinstance(v, SharedVariable) and v not in found]
        new = [(v, v.default_update) for v in used if v.default_update is not None]
        found.update(new)
        pending = [value for _, value in new]
    return list(found.items())


def _variable(number: int, var: Variable, fence: set[Variable]) -> Record:
    computed = var.owner is not None and var not in fence
    record: Record = {
        "id": number,
        "kind": "computed" if computed else kind_of(var),
        "type": encoded_type(var.type),
        "name": var.name,
        "made_at": list(var.made_at[:2]),
    }
    if var.made_at.scope:
        record["scope"] = var.made_at.scope
    if var.made_at.device:
        record["device"] = var.made_at.device
    if isinstance(var, SharedVariable):
        record["value"] = encoded_array(var.get_value(borrow=True))
    elif isinstance(var, Constant):
        record["value"] = encoded_array(var.data)
    return record


def _node(node: Apply, ids: dict[Variable, int]) -> Record:
    name = op_name(node.op)
    return {
        "op": name,
        "text": visible(str(node.op)),
        "parameters": {} if "." in name else parameters_of(node.op, _parameter),
        "inputs": [ids[v] for v in node.inputs],
        "outputs": [ids[v] for v in node.outputs],
    }


def _parameter(value: Any) -> Any:
    return {"graph": _inner_record(value)} if isinstance(value, Graph) else encoded(value)


# --- reading ---------------------------------------------------------------------------------


def load_json(source: str | Path) -> Subject:
    """The graph in a JSON text, or in the file at a path, as new variables.

    `inputs`, `outputs` and `updates` of the result go to `function` as they are; shared
    variables have the values they had. Nothing in the text is executed.

    Raises
    ------
    ExportError
        The text is no such graph, is damaged, or uses ops that are not symgraph's own.
    """
    is_text = isinstance(source, str) and source.lstrip().startswith("{")
    text = str(source) if is_text else Path(source).read_text(encoding="utf-8")
    try:
        return _rebuilt(_checked(json.loads(text)))
    except ExportError:
        raise
    except DAMAGE as error:
        raise ExportError(f"the graph is damaged: {type(error).__name__}: {error}") from error


def _checked(document: Any) -> Record:
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise ExportError(f"the format is {found!r}; this symgraph reads {FORMAT!r}")
    return dict(document)


def _rebuilt(document: Record) -> Subject:
    made = _variables(document)
    for first, second in document["defaults"]:
        _shared(made[first]).default_update = made[second]
    return Subject(
        tuple(made[n] for n in document["inputs"]),
        tuple(made[n] for n in document["outputs"]),
        tuple((_shared(made[a]), made[b]) for a, b in document["updates"]),
        str(document["name"]),
    )


def _variables(document: Record) -> dict[int, Variable]:
    """All variables of a graph, by id."""
    records = {record["id"]: record for record in document["variables"]}
    made = {n: _leaf(record) for n, record in records.items() if record["kind"] != "computed"}
    for node in document["nodes"]:
        made.update(_applied(node, records, made))
    return made


def _inner_graph(document: Record) -> InnerGraph:
    made = _variables(document)
    inputs, outputs = ([made[n] for n in document[key]] for key in ("inputs", "outputs"))
    return InnerGraph(tuple(inputs), tuple(outputs))


def _made_parameter(value: Any) -> Any:
    is_graph = isinstance(value, dict) and "graph" in value
    return _inner_graph(value["graph"]) if is_graph else decoded(value)


def _leaf(record: Record) -> Variable:
    kind = decoded_type(record["type"])
    with made_for(_place(record)):
        if record["kind"] == "input":
            return kind.make_variable(record["name"])
        value = decoded_array(record["value"], kind.dtype)
        if record["kind"] == "shared":
            return shared(value, record["name"], borrow=True, shape=kind.shape)
        value.flags.writeable = False
        return kind.constant_class(kind, value, name=record["name"])


def _place(record: Record) -> Place:
    file, line = record["made_at"]
    scope, device = (str(record.get(key, "")) for key in ("scope", "device"))
    return Place(str(file), int(line), scope, device)


def _shared(var: Variable) -> SharedVariable:
    if not isinstance(var, SharedVariable):
        raise ExportError(f"{var} is updated but is not a shared variable")
    return var


def _applied(
    node: Record, records: dict[int, Record], made: dict[int, Variable]
) -> dict[int, Variable]:
    """The outputs of a node made anew, by id; they have to be what the text says."""
    kind = class_named(node["op"], Op)
    op = kind(**{name: _made_parameter(value) for name, value in node["parameters"].items()})
    inputs = [made[n] for n in node["inputs"]]
    expected = [records[n] for n in node["outputs"]]
    with made_for(_place(expected[0])):
        apply = op.make_node(*inputs)
    if apply.inputs != tuple(inputs):
        raise ExportError(f"{node['text']} does not take operands of these types")
    for var, record in zip(apply.outputs, expected, strict=True):
        if var.type != decoded_type(record["type"]):
            raise ExportError(f"{node['text']} gives {var.type}, not {record['type']}")
        var.name = record["name"]
    return dict(zip(node["outputs"], apply.outputs, strict=True))
