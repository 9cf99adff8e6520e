"""Less of a view: depth, focus, name scopes as boxes; the steps of a compiled function."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import ExportError
from symgraph.show import export
from symgraph.show.narrow import collapsed, near
from symgraph.show.nx import digraph
from symgraph.show.steps import steps_view
from symgraph.show.subject import subject_of
from symgraph.show.view import view_of
from tests.graphs import chain, trained


def scoped():
    """Two layers in scopes, with updates: gradients flow back through both scopes."""
    x = T.dmatrix("x")
    W, V = (sg.shared(np.ones((3, 3)), name=name) for name in "WV")
    with sg.name_scope("net"):
        with sg.name_scope("first"):
            h = T.tanh(T.dot(x, W))
        with sg.name_scope("second"):
            y = T.tanh(T.dot(h, V))
    cost = (y**2).sum()
    return [x], cost, [(p, p - T.grad(cost, p)) for p in (W, V)]


def test_scopes_reach_gradients_and_rewritten_nodes() -> None:
    inputs, cost, updates = scoped()
    f = sg.function(inputs, cost, updates=updates, mode="interpret")
    for stage in ("user", "canonical"):
        scopes = {node.scope for node in view_of(subject_of(f, stage)).nodes}
        assert {"net/first", "net/second"} <= scopes


def test_scopes_nest_and_end() -> None:
    with sg.name_scope("a"), sg.name_scope("b"):
        inside = T.dscalar("x") + 1
    assert inside.made_at.scope == "a/b"
    assert (inside + 1).made_at.scope == ""


def test_a_name_with_slashes_is_a_scope_too() -> None:
    w = sg.shared(np.ones(2), name="layer/W")
    (node,) = [n for n in view_of(subject_of(w * 2)).nodes if n.kind == "shared"]
    assert node.scope == "layer"


@pytest.mark.parametrize("scopes", [("*",), ("net",), ("net/first",), ("net/first", "net/second")])
def test_collapsed_scopes_leave_no_circle(scopes: tuple[str, ...]) -> None:
    inputs, cost, updates = scoped()
    f = sg.function(inputs, cost, updates=updates, mode="interpret")
    view = view_of(subject_of(f))
    small = collapsed(view, scopes)
    boxes = [node for node in small.nodes if node.kind == "scope"]
    assert boxes
    assert len(small.nodes) < len(view.nodes)
    graph = digraph(small)
    assert networkx.is_directed_acyclic_graph(graph)
    assert not networkx.number_of_selfloops(graph)
    inside = [n for n in view.nodes if n.scope and n.kind not in ("output", "update")]
    covered = [n for n in inside if any(f"{n.scope}/".startswith(f"{s}/") for s in scopes)]
    if "*" not in scopes:
        assert len(small.nodes) == len(view.nodes) - len(covered) + len(boxes)


def test_a_plain_scope_is_one_box() -> None:
    x = T.dvector("x")
    with sg.name_scope("part"):
        y = T.exp(x) + T.sin(x) * x
    small = collapsed(view_of(subject_of(y * 2)), ("part",))
    (box,) = [node for node in small.nodes if node.kind == "scope"]
    assert (box.label, box.type) == ("part", "4 operations")


def test_unknown_scope_and_focus_are_explained() -> None:
    view = view_of(subject_of(T.exp(T.dscalar("x"))))
    with pytest.raises(ExportError, match="name_scope"):
        collapsed(view, ("part",))
    with pytest.raises(ExportError, match="did you mean Exp"):
        near(view, "Expp", 1)


def test_depth_counts_edges_from_the_outputs() -> None:
    view = view_of(subject_of(chain(20)))
    assert len(near(view, None, -1).nodes) == len(view.nodes)
    assert [n.kind for n in near(view, None, 0).nodes] == ["output"]
    assert sorted(n.label for n in near(view, None, 2).nodes) == ["Add", "Exp", "output 0", "x"]


def test_focus_shows_both_sides() -> None:
    x = T.dvector("x")
    h = T.exp(x)
    h.name = "h"
    y = T.sin(h)
    view = view_of(subject_of(T.cos(y) + 1))
    assert {n.label for n in near(view, "h", 1).nodes} == {"x", "Exp", "Sin"}
    assert {n.label for n in near(view, "Sin", 1).nodes} == {"Exp", "Sin", "Cos"}


def test_steps_are_joined_by_the_arrays_between_them() -> None:
    f = trained()
    view = steps_view(f)
    graph = digraph(view)
    assert networkx.is_directed_acyclic_graph(graph)
    labels = {node.id: node.label for node in view.nodes}
    assert "matrix product" in labels.values()
    assert any(node.kind == "update" for node in view.nodes)
    (x,) = [n for n in view.nodes if n.label == "x"]
    assert any(labels[e.target] == "matrix product" for e in view.edges if e.source == x.id)
    (out,) = [n.id for n in view.nodes if n.kind == "output"]
    assert networkx.has_path(graph, x.id, out)


def test_the_kernels_stage_is_drawn_or_printed() -> None:
    f = trained()
    assert "matrix product" in export(f, format="svg", stage="kernels")
    assert export(f, format="text", stage="kernels") == f.source()
    with pytest.raises(ExportError, match="'kernels' goes with text"):
        export(f, format="json", stage="kernels")
    with pytest.raises(ExportError, match="compile it first"):
        export(T.exp(T.dscalar("x")), format="svg", stage="kernels")
    with pytest.raises(ExportError, match="has no kernels"):
        export(trained(mode="interpret"), format="svg", stage="kernels")


@pytest.mark.parametrize("options", [{"depth": 1}, {"focus": "x"}, {"collapse": True}])
def test_whole_graphs_refuse_to_be_narrowed(options: dict[str, object]) -> None:
    with pytest.raises(ExportError, match="json holds whole graphs"):
        export(T.exp(T.dscalar("x")), format="json", **options)
