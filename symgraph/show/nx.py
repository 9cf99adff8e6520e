"""networkx: a graph to compute with, and GraphML, which other graph programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from symgraph.later import Later
from symgraph.show.view import View

if TYPE_CHECKING:
    import networkx

nx = Later("networkx")


def digraph(view: View) -> networkx.DiGraph:
    """The view as a `networkx.DiGraph` whose attributes are all strings.

    Nodes have kind, label, type, name, place, scope and kernel ("" where none is known). Edges have
    `positions`, the numbers of the operands they carry, and `outputs`, which outputs these are.
    """
    kernels = {member: c.name for c in view.clusters for member in c.members}
    graph: networkx.DiGraph = nx.DiGraph(name=view.name)
    for node in view.nodes:
        graph.add_node(
            node.id,
            kind=node.kind,
            label=node.label,
            type=node.type,
            name=node.name,
            place=node.place,
            scope=node.scope,
            kernel=kernels.get(node.id, ""),
        )
    for edge in view.edges:
        known = graph.get_edge_data(edge.source, edge.target, {"positions": "", "outputs": ""})
        graph.add_edge(
            edge.source,
            edge.target,
            positions=f"{known['positions']} {edge.position}".lstrip(),
            outputs=f"{known['outputs']} {edge.output}".lstrip(),
        )
    return graph


def graphml_text(view: View) -> str:
    """The view as GraphML (http://graphml.graphdrawing.org), with the attributes of `digraph`."""
    return "\n".join(nx.generate_graphml(digraph(view))) + "\n"


def node_link_text(view: View) -> str:
    """The graph of `digraph` as JSON, in networkx's node-link form."""
    data = nx.node_link_data(digraph(view), edges="edges")
    return json.dumps(data, indent=1) + "\n"
