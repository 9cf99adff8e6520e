"""Graphviz's DOT language: https://graphviz.org/doc/info/lang.html."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symgraph.show.view import Edge, Node, View

SHAPES = {
    "input": {"shape": "ellipse", "fillcolor": "#d9f0d3"},
    "shared": {"shape": "ellipse", "fillcolor": "#fde4c3"},
    "constant": {"shape": "plaintext", "fillcolor": "#ffffff"},
    "op": {"shape": "box", "fillcolor": "#e4ecf7"},
    "scope": {"shape": "box3d", "fillcolor": "#e9e3f6"},
    "output": {"shape": "ellipse", "fillcolor": "#c9dcf5"},
    "update": {"shape": "ellipse", "fillcolor": "#fbd0a5"},
}


def dot_text(view: View) -> str:
    """The view as a directed graph; a cluster for each kernel."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: View) -> Iterator[str]:
    yield f"digraph {quoted(view.name)} {{"
    yield '  node [style="filled,rounded" fontname="Helvetica" fontsize=11 color="#8899aa"];'
    yield '  edge [color="#667788" arrowsize=0.7 fontname="Helvetica" fontsize=9];'
    boxes = {node.id: node for node in view.nodes}
    for cluster in view.clusters:
        yield f"  subgraph cluster_{cluster.id} {{"
        texts = _attributes(label=cluster.name, tooltip="\n".join(cluster.notes))
        yield f'    graph [style=rounded color="#8899aa"{texts}];'
        for member in cluster.members:
            yield f"    {_node(boxes.pop(member))}"
        yield "  }"
    for node in boxes.values():
        yield f"  {_node(node)}"
    readers = _operand_counts(view)
    for edge in view.edges:
        yield f"  {_edge(edge, readers)}"
    yield "}"


def _operand_counts(view: View) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for edge in view.edges:
        counts[edge.target] = counts.get(edge.target, 0) + 1
    return counts


def _node(node: Node) -> str:
    lines = [node.label, node.name if node.kind == "op" else "", node.type]
    text = "\n".join(line for line in lines if line)
    looks = "".join(f" {key}={quoted(value)}" for key, value in SHAPES[node.kind].items())
    return f"{node.id} [class={node.kind}{looks}{_attributes(label=text, tooltip=node.place)}];"


def _edge(edge: Edge, counts: Mapping[str, int]) -> str:
    number = str(edge.position) if counts[edge.target] > 1 else ""
    output = f"output {edge.output}" if edge.output else ""
    attributes = _attributes(label=number, taillabel=output)
    return f"{edge.source} -> {edge.target}{f' [{attributes.lstrip()}]' if attributes else ''};"


def _attributes(**values: str) -> str:
    return "".join(f" {key}={quoted(value)}" for key, value in values.items() if value)


def quoted(text: str) -> str:
    r"""`text` as a DOT string that shows exactly `text`: nothing in it is an escape.

    >>> print(quoted('say "\\N"'))
    "say \"\\N\""
    """
    text = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
