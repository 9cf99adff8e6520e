"""One HTML page that needs no network: a graph to walk in, or a whole report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from symgraph.show.svg import title_of
from symgraph.show.view import Node, View

SCRIPTS = ("layout.js", "viewer.js", "report.js")


def graph_page(view: View, inner: Sequence[tuple[str, View]] = ()) -> str:
    """The page that shows one view, and behind it those of the graphs inside its ops, by name."""
    stages: list[dict[str, Any]] = [{"name": view.name, "note": "", "graph": graph_data(view)}]
    for number, (name, inside) in enumerate(inner):
        stages.append({"name": name, "note": "", "graph": graph_data(inside, f"i{number}")})
    return page({"title": title_of(view), "stages": stages})


def page(data: dict[str, Any]) -> str:
    """The page that shows what `report.js` reads: title, stages and whatever was measured."""
    return Template(asset("page.html")).substitute(
        title=escape(str(data["title"])),
        style=asset("report.css"),
        data=embedded(data),
        script="\n".join(map(asset, SCRIPTS)),
    )


@cache
def asset(name: str) -> str:
    """A file that comes with the package."""
    return files("symgraph.show").joinpath("assets", name).read_text(encoding="utf-8")


def embedded(data: Any) -> str:
    r"""JSON that may stand in a page: nothing in it can end the element or open another.

    >>> embedded(["</script>"])
    '["\\u003c/script\\u003e"]'
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def graph_data(view: View, prefix: str = "") -> dict[str, Any]:
    """A view as the page reads it; `prefix` keeps ids of several graphs apart."""
    return {
        "nodes": [node_data(node, prefix) for node in view.nodes],
        "edges": [[prefix + e.source, prefix + e.target] for e in view.edges],
        "clusters": [
            {"name": c.name, "members": [prefix + m for m in c.members]} for c in view.clusters
        ],
    }


def node_data(node: Node, prefix: str = "") -> dict[str, str]:
    """A box as the page reads it."""
    return {
        "id": prefix + node.id,
        "kind": node.kind,
        "label": node.label,
        "type": node.type,
        "name": node.name,
        "place": node.place,
        "scope": node.scope,
    }
