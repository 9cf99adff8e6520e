"""Graphs as drawings and as data: the view, its layout, every format but JSON."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import pairwise
from typing import Any

import networkx
import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import ExportError
from symgraph.show import export
from symgraph.show.dot import quoted
from symgraph.show.layout import GAP, isotonic, layout
from symgraph.show.subject import subject_of
from symgraph.show.svg import box_size
from symgraph.show.view import KINDS, view_of
from symgraph.show.words import shortened, visible
from tests.graphs import HOSTILE, Halves, chain, hostile, network, trained

TEXT_FORMATS = ("dot", "graphml", "json", "svg", "text")
SVG = "{http://www.w3.org/2000/svg}"
STRING = r'"((?:[^"\\]|\\.)*)"'


# --- the view ------------------------------------------------------------------------------------


def test_view_of_a_graph() -> None:
    _, cost, _ = network()
    view = view_of(subject_of(cost))
    kinds = Counter(node.kind for node in view.nodes)
    assert kinds == {"input": 2, "shared": 1, "op": 5, "output": 1}
    by_label = {node.label: node for node in view.nodes}
    assert by_label["x"].type == "float64[batch, 3]"
    assert by_label["Tanh"].name == "h"
    assert "graphs.py" in by_label["Tanh"].place
    assert "Pow(·, 2.0)" in by_label
    unfolded = view_of(subject_of(cost), fold=False)
    assert Counter(node.kind for node in unfolded.nodes)["constant"] == 1
    assert set(kinds) < set(KINDS)


def test_edges_tell_operands_and_outputs() -> None:
    x = T.dvector("x")
    _, second = Halves(1)(x)
    view = view_of(subject_of(second - x))
    (sub,) = [node.id for node in view.nodes if node.label == "Sub"]
    edges = sorted((edge.position, edge.output) for edge in view.edges if edge.target == sub)
    assert edges == [(0, 1), (1, 0)]


def test_every_edge_joins_boxes() -> None:
    view = view_of(subject_of(trained(mode="interpret")))
    ids = [node.id for node in view.nodes]
    assert len(set(ids)) == len(ids)
    assert {end for edge in view.edges for end in (edge.source, edge.target)} <= set(ids)
    assert sum(node.kind == "update" for node in view.nodes) == 1


def test_kernels_are_clusters() -> None:
    x, y = T.dmatrices("x", "y")
    f = sg.function([x, y], [((x + y) * 2.0).sum(axis=1), T.dot(x, y) - 1.0])
    view = view_of(subject_of(f))
    labels = {node.id: node.label for node in view.nodes}
    members = [member for cluster in view.clusters for member in cluster.members]
    assert len(set(members)) == len(members)
    assert any(
        {"Add", "Mul(·, 2.0)"} <= {labels[m] for m in cluster.members} for cluster in view.clusters
    )
    assert all("test_show_export.py" in note for cluster in view.clusters for note in cluster.notes)
    assert view_of(subject_of(f, "user")).clusters == ()


def test_unused_and_returned_inputs_are_shown() -> None:
    x, y = T.dscalars("x", "y")
    f = sg.function([x, y], x, mode="interpret", on_unused_input="ignore")
    view = view_of(subject_of(f))
    assert [node.label for node in view.nodes] == ["x", "y", "x"]
    assert len(view.edges) == 1
    assert export(f, format="svg")


# --- the layout ----------------------------------------------------------------------------------


def test_isotonic_is_the_nearest_ordered_sequence() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.normal(size=rng.integers(1, 8))
        found = np.array(isotonic(values.tolist()))
        assert (np.diff(found) >= 0).all()
        for _ in range(20):
            other = np.sort(found + rng.normal(scale=0.1, size=found.size))
            assert ((found - values) ** 2).sum() <= ((other - values) ** 2).sum() + 1e-12


def test_boxes_do_not_overlap_and_wires_run_down() -> None:
    placed = layout(view_of(subject_of(trained(mode="interpret"))), box_size)
    rows: dict[float, list[Any]] = {}
    for box in placed.boxes:
        rows.setdefault(box.y, []).append(box)
        assert box.x - box.width / 2 >= -1e-9
        assert box.x + box.width / 2 <= placed.width + 1e-9
    for row in rows.values():
        row.sort(key=lambda box: box.x)
        for left, right in pairwise(row):
            assert right.x - right.width / 2 - left.x - left.width / 2 >= GAP - 1e-6
    for wire in placed.wires:
        heights = [y for _, y in wire.points]
        assert heights == sorted(heights)
        assert len(set(heights)) == len(heights)


def test_leaves_stand_next_to_their_readers() -> None:
    x = T.dvector("x")
    placed = layout(view_of(subject_of(T.exp(T.exp(T.exp(x)) + x))), box_size)
    copies = [box for box in placed.boxes if box.node.label == "x"]
    assert len(copies) == 2
    assert {len(wire.points) for wire in placed.wires} == {2}


def test_tree_has_no_crossings() -> None:
    row = [T.dscalar(f"x{n}") for n in range(16)]
    while len(row) > 1:
        row = [a + b for a, b in zip(row[::2], row[1::2], strict=True)]
    wires = [wire.points for wire in layout(view_of(subject_of(row[0])), box_size).wires]
    for a in wires:
        for b in wires:
            if a[0][1] == b[0][1]:
                assert (a[0][0] - b[0][0]) * (a[-1][0] - b[-1][0]) >= 0


# --- formats -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_files_hold_what_is_returned(format: str, tmp_path: Any) -> None:
    path = tmp_path / "graph.out"
    for obj in hostile(), trained(mode="interpret"):
        text = export(obj, path, format=format)
        assert path.read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("g.dot", "digraph"),
        ("g.gv", "digraph"),
        ("g.JSON", "{"),
        ("g.svg", "<svg"),
        ("g.txt", "Sum"),
        ("g.graphml", "<graphml"),
    ],
)
def test_format_follows_from_the_extension(name: str, start: str, tmp_path: Any) -> None:
    path = tmp_path / name
    text = export(network()[1], str(path))
    assert text.startswith(start)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs a path or format"),
        ({"path": "graph.what"}, "graph.what"),
        ({"path": "graph"}, "no format has this extension"),
        ({"format": "pdf"}, "no format 'pdf'"),
        ({"path": "graph.x", "format": "networkx"}, "use graphml"),
        ({"format": "dot", "stage": "user"}, "only compiled functions have stages"),
    ],
)
def test_export_explains_mistakes(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        export(network()[1], **arguments)  # type: ignore[arg-type]


def test_stages() -> None:
    f = trained()
    assert export(f, format="text") == export(f, format="text", stage="canonical")
    assert "Pow" in export(f, format="text", stage="user")
    with pytest.raises(ExportError, match="no graph at stage 'plan'; it has user, canonical"):
        export(f, format="text", stage="plan")


@pytest.mark.parametrize("format", [*TEXT_FORMATS, "networkx"])
def test_ten_thousand_nodes_take_seconds(format: str) -> None:
    y = chain(10_000)
    start = time.process_time()
    assert export(y, format=format)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("format", [*TEXT_FORMATS, "networkx"])
def test_wide_and_tangled_graphs_take_seconds(format: str) -> None:
    x = T.dvector("x")
    hub = T.exp(x)
    row = [hub * T.sin(hub) for _ in range(2000)]
    total = y = hub
    for item in row:
        total, y = total + item, T.exp(y)
    start = time.process_time()
    assert export([total, y], format=format)
    assert time.process_time() - start < 10


# --- dot -----------------------------------------------------------------------------------------


def test_dot_strings_are_closed_and_quoted() -> None:
    for line in export(hostile(), format="dot").splitlines():
        assert '"' not in re.sub(STRING, "", line)
        assert line.isprintable()
    text = quoted(visible(HOSTILE))
    inner = re.fullmatch(STRING, text)
    assert inner is not None
    assert inner[1].replace('\\"', '"').replace("\\\\", "\\").replace("&amp;", "&") == visible(
        HOSTILE
    )


def test_dot_lists_each_box_once() -> None:
    x, y = T.dmatrices("x", "y")
    f = sg.function([x, y], ((x + y) * 2.0).sum(axis=1))
    text = export(f, format="dot")
    assert text.count("{") == text.count("}")
    assert "subgraph cluster_" in text
    ids = re.findall(r"^ +(\w+) \[class=", text, re.M)
    assert sorted(ids) == sorted(node.id for node in view_of(subject_of(f)).nodes)


# --- svg -----------------------------------------------------------------------------------------


def test_svg_shows_names_as_text() -> None:
    root = ET.fromstring(export(hostile(), format="svg"))
    assert list(root.iter(f"{SVG}script")) == []
    titles = [item.text or "" for item in root.iter(f"{SVG}title")]
    assert any(visible(HOSTILE) in title for title in titles)


def test_svg_draws_every_box_in_view() -> None:
    f = trained()
    root = ET.fromstring(export(f, format="svg"))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    texts = [item.text for item in root.iter(f"{SVG}text")]
    for node in view_of(subject_of(f)).nodes:
        label = f"{node.name} = {node.label}" if node.kind == "op" and node.name else node.label
        assert shortened(label, 40) in texts
    for box in root.iter(f"{SVG}rect"):
        if "x" in box.attrib:
            assert 0 <= float(box.attrib["x"]) <= width - float(box.attrib["width"])
            assert 0 <= float(box.attrib["y"]) <= height - float(box.attrib["height"])
    assert texts[0] is not None
    assert texts[0].startswith("step: ")


def test_svg_follows_light_and_dark() -> None:
    style = ET.fromstring(export(trained(), format="svg")).find(f"{SVG}style")
    assert style is not None
    light, dark = (style.text or "").split("@media(prefers-color-scheme:dark)")
    for kind in ("page", "k0", *KINDS):
        assert f".{kind}{{" in light
        assert f".{kind}{{" in dark


# --- networkx ------------------------------------------------------------------------------------


def test_networkx_has_attributes() -> None:
    x = T.dvector("x")
    graph = export(T.exp(x * x) - x, format="networkx")
    assert networkx.is_directed_acyclic_graph(graph)
    by_label = {data["label"]: (node, data) for node, data in graph.nodes(data=True)}
    (source, _), (mul, data) = by_label["x"], by_label["Mul"]
    assert data["kind"] == "op"
    assert data["type"] == "float64[?]"
    assert "test_show_export.py" in data["place"]
    assert graph.edges[source, mul] == {"positions": "0 1", "outputs": "0 0"}
    assert graph.edges[source, by_label["Sub"][0]]["positions"] == "1"


def test_graphml_reads_back() -> None:
    for obj in hostile(), trained():
        graph = networkx.parse_graphml(export(obj, format="graphml"))
        twin = export(obj, format="networkx")
        assert dict(graph.nodes(data=True)) == dict(twin.nodes(data=True))
        assert sorted(graph.edges(data="positions")) == sorted(twin.edges(data="positions"))
