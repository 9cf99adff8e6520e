"""Less of a view: what lies near a box, or whole name scopes drawn as one box each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from symgraph.errors import ExportError
from symgraph.show.view import Edge, Node, View

ROOTS = ("output", "update")
NEAR = 2  # how far around a focus is shown unless a depth is given
TELLS: tuple[Callable[[Node], str], ...] = (  # what may name a box, the surest first
    lambda node: node.name,
    lambda node: node.label,
    lambda node: node.id,
    lambda node: node.label.split("(")[0],
)
EVERY = "*"  # all outermost scopes


def near(view: View, focus: str | None, depth: int) -> View:
    """The boxes within `depth` edges of box `focus`, or in front of the outputs; all if negative.

    Raises
    ------
    ExportError
        No box has that name.
    """
    if focus is None:
        if depth < 0:
            return view
        roots = [node.id for node in view.nodes if node.kind in ROOTS]
        return _only(view, _reached(roots, depth, _upward(view.edges)))
    box = found(view, focus)
    depth = NEAR if depth < 0 else depth
    down = _upward(Edge(e.target, e.source, e.position) for e in view.edges)
    return _only(view, _reached([box], depth, _upward(view.edges)) | _reached([box], depth, down))


def found(view: View, name: str) -> str:
    """The id of the box that `name` means: a user's name, a label, an id."""
    for tell in TELLS:
        for node in view.nodes:
            if tell(node) == name:
                return node.id
    known = sorted({word for node in view.nodes for word in (node.name, node.label) if word})
    hint = f"; did you mean {' or '.join(get_close_matches(name, known, 3, 0.4) or known[:3])}?"
    raise ExportError(f"the graph has no box {name!r}{hint}")


def _upward(edges: Iterable[Edge]) -> Mapping[str, list[str]]:
    sources = defaultdict(list)
    for edge in edges:
        sources[edge.target].append(edge.source)
    return sources


def _reached(start: Sequence[str], depth: int, towards: Mapping[str, list[str]]) -> set[str]:
    seen, front = set(start), list(start)
    for _ in range(depth):
        front = [b for box in front for b in dict.fromkeys(towards.get(box, ())) if b not in seen]
        seen.update(front)
    return seen


def _only(view: View, boxes: set[str]) -> View:
    clusters = (
        replace(cluster, members=tuple(m for m in cluster.members if m in boxes))
        for cluster in view.clusters
    )
    return replace(
        view,
        nodes=tuple(node for node in view.nodes if node.id in boxes),
        edges=tuple(e for e in view.edges if e.source in boxes and e.target in boxes),
        clusters=tuple(cluster for cluster in clusters if cluster.members),
    )


# --- scopes as boxes -------------------------------------------------------------------------


def collapsed(view: View, scopes: Sequence[str]) -> View:
    """The view with scopes drawn as one box each; `EVERY` means all outermost ones.

    Where values leave a scope and come back into it, the scope becomes several boxes, so that
    edges still lead one way.

    Raises
    ------
    ExportError
        Nothing belongs to such a scope.
    """
    if not scopes:
        return view
    scope_of = {node.id: _within(node, scopes) for node in view.nodes}
    for scope in scopes:
        if scope != EVERY and scope not in scope_of.values():
            known = sorted({node.scope for node in view.nodes if node.scope})
            raise ExportError(
                f"nothing belongs to a scope {scope!r}; the graph has"
                f" {', '.join(known) or 'none: make them with symgraph.name_scope(name)'}"
            )
    box_of = _boxes(view, scope_of)
    members = defaultdict(list)
    for node in view.nodes:
        members[box_of[node.id]].append(node)
    nodes = tuple(_box(box, inside, scope_of) for box, inside in members.items())
    kept = {node.id for node in nodes}
    pairs = dict.fromkeys(
        (box_of[e.source], box_of[e.target], e) if {e.source, e.target} <= kept
        else (box_of[e.source], box_of[e.target], None)
        for e in view.edges
    )  # fmt: skip
    edges = [edge or Edge(source, target, 0) for source, target, edge in pairs if source != target]
    return _only(replace(view, nodes=nodes, edges=tuple(edges)), kept)


def _within(node: Node, scopes: Sequence[str]) -> str:
    """The scope a box vanishes into, "" if it stays."""
    if node.kind in ROOTS or not node.scope:
        return ""
    for scope in scopes:
        if scope != EVERY and f"{node.scope}/".startswith(f"{scope}/"):
            return scope
    return node.scope.split("/")[0] if EVERY in scopes else ""


def _boxes(view: View, scope_of: Mapping[str, str]) -> dict[str, str]:
    """For each box the one it vanishes into: parts of scopes, as few as keep edges one way.

    Boxes are first numbered by how often a path to them changes scope, which makes parts that
    cannot form a circle; then parts of a scope are joined where none arises.
    """
    turn: dict[str, int] = {}
    reads = _upward(view.edges)
    for node in _ordered(view):
        scope = scope_of[node.id]
        sources = reads.get(node.id, ())
        turns = (turn[s] + (not scope or scope_of[s] != scope) for s in sources)
        turn[node.id] = max(turns, default=0)
    box_of = {b: f"{scope}#{turn[b]}" if scope else b for b, scope in scope_of.items()}
    for scope in dict.fromkeys(filter(None, scope_of.values())):
        parts = sorted(
            {box for b, box in box_of.items() if scope_of[b] == scope},
            key=lambda box: int(box.rpartition("#")[2]),
        )
        first = parts[0]
        for part in parts[1:]:
            if _joins(view, box_of, first, part):
                box_of = {b: first if box == part else box for b, box in box_of.items()}
            else:
                first = part
    numbers = {box: f"scope{n}" for n, box in enumerate(dict.fromkeys(box_of.values()))}
    return {b: numbers[box] if scope_of[b] else b for b, box in box_of.items()}


def _ordered(view: View) -> list[Node]:
    """The boxes, each after those it reads."""
    waits = Counter(edge.target for edge in view.edges)
    feeds = _upward(Edge(e.target, e.source, 0) for e in view.edges)
    boxes = {node.id: node for node in view.nodes}
    ready = [node.id for node in view.nodes if not waits[node.id]]
    order = []
    for box in ready:
        order.append(boxes[box])
        for reader in feeds.get(box, ()):
            waits[reader] -= 1
            if not waits[reader]:
                ready.append(reader)
    return order


def _joins(view: View, box_of: Mapping[str, str], early: str, late: str) -> bool:
    """Whether two parts can be one box: no path between them goes through another box."""
    feeds = defaultdict(set)
    for edge in view.edges:
        source, target = box_of[edge.source], box_of[edge.target]
        if source != target:
            feeds[source].add(target)
    return not any(
        _leads(feeds, start - {end}, end)
        for start, end in ((feeds[early], late), (feeds[late], early))
    )


def _leads(feeds: Mapping[str, set[str]], start: set[str], end: str) -> bool:
    seen, front = set(start), list(start)
    while front:
        for box in feeds.get(front.pop(), ()):
            if box == end:
                return True
            if box not in seen:
                seen.add(box)
                front.append(box)
    return False


def _box(box: str, inside: Sequence[Node], scope_of: Mapping[str, str]) -> Node:
    scope = scope_of[inside[0].id]
    if not scope:
        return inside[0]
    count = sum(node.kind == "op" for node in inside)
    leaves = [node.label for node in inside if node.kind in ("shared", "input")]
    text = f"{count} operation{'s' * (count != 1)}"
    held = f", {', '.join(leaves)}" if leaves else ""
    place = next((node.place for node in inside if node.kind == "op"), inside[0].place)
    return Node(box, "scope", scope, f"{text}{held}", place, "", scope)
